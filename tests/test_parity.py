import math

import pytest

from tests.parity import require

REASON = "no_such_package is not installed, so nothing was compared with it"


def test_an_installed_package_is_returned():
    assert require("math") is math


@pytest.mark.parametrize("ci", ["", "false"])
def test_a_missing_package_is_a_skip_with_its_name_at_home(monkeypatch, ci):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(pytest.skip.Exception, match=REASON):
        require("no_such_package")


def test_a_missing_package_is_a_failure_where_ci_is_true(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=REASON):
        require("no_such_package")
