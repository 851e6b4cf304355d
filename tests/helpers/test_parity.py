import math

import pytest

from tests.helpers.support.parity import require

REASON = r"no_such_package(\.part)? is not installed, so nothing was compared with it"


def test_an_installed_package_is_returned():
    assert require("math") is math


@pytest.mark.parametrize("ci", ["", "false"])
@pytest.mark.parametrize("name", ["no_such_package", "no_such_package.part"])
def test_a_missing_package_is_a_skip_with_its_name_at_home(monkeypatch, ci, name):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(pytest.skip.Exception, match=REASON):
        require(name)


def test_a_missing_package_is_a_failure_where_ci_is_true(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=REASON):
        require("no_such_package")
