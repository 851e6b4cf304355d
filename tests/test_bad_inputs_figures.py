"""The same for tests/inputs/figures.py: a file of its own, so that another process can take it."""

import pytest

from tests.bad_inputs import draw
from tests.inputs import figures


@pytest.mark.parametrize("name", figures.TABLE)
def test_a_thousand_inputs(name):
    draw(figures.TABLE[name])
