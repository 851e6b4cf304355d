"""The examples in the docstrings of helpers/ give what they say."""

import doctest

import pytest

from tests.helpers.support.modules import modules

WITH_AN_EXAMPLE = {
    "helpers.claims.claim_with",
    "helpers.experiments.paired",
    "helpers.regularizers.to_course",
    "helpers.widgets.explore",
}
FINDER = doctest.DocTestFinder(exclude_empty=True)
EXAMPLES = {
    found.name: found for _, module in modules() for found in FINDER.find(module) if found.examples
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gives_what_it_says(name):
    report = []
    doctest.DocTestRunner().run(EXAMPLES[name], out=report.append)
    assert not report, "".join(report)


def test_what_is_hard_to_guess_has_an_example():
    assert {*EXAMPLES} >= WITH_AN_EXAMPLE
