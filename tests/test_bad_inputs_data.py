"""The same for tests/inputs/data.py: a file of its own, so that another process can take it."""

import pytest

from tests.bad_inputs import draw
from tests.inputs import data


@pytest.mark.parametrize("name", data.TABLE)
def test_a_thousand_inputs(name):
    draw(data.TABLE[name])
