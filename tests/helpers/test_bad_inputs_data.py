"""The same for tests/helpers/inputs/data.py: a file of its own, so that another process can take it."""

import pytest

from tests.helpers.inputs import data
from tests.helpers.support.bad_inputs import draw


@pytest.mark.parametrize("name", data.TABLE)
def test_a_thousand_inputs(name):
    draw(data.TABLE[name])
