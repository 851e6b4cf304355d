"""The same for tests/helpers/inputs/reports.py: a file of its own, so that another process can take it."""

import pytest

from tests.helpers.inputs import reports
from tests.helpers.support.bad_inputs import draw


@pytest.mark.parametrize("name", reports.TABLE)
def test_a_thousand_inputs(name):
    draw(reports.TABLE[name])
