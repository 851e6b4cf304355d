"""The same for tests/helpers/inputs/figures.py: a file of its own, so that another process can take it."""

import pytest

from tests.helpers.inputs import figures
from tests.helpers.support.bad_inputs import draw


@pytest.mark.parametrize("name", figures.TABLE)
def test_a_thousand_inputs(name):
    draw(figures.TABLE[name])
