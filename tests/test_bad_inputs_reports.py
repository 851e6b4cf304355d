"""The same for tests/inputs/reports.py: a file of its own, so that another process can take it."""

import pytest

from tests.bad_inputs import draw
from tests.inputs import reports


@pytest.mark.parametrize("name", reports.TABLE)
def test_a_thousand_inputs(name):
    draw(reports.TABLE[name])
