import math

import pytest

from tests.helpers.support.parity import import_or_skip

REMEDY = "make parity installs it"
REASON = f"no_such_package is not installed, so nothing was compared with it: {REMEDY}"


def test_an_installed_package_is_returned():
    assert import_or_skip("math") is math


@pytest.mark.parametrize("ci", ["", "false"])
@pytest.mark.parametrize("name", ["no_such_package", "no_such_package.part"])
def test_at_home_a_missing_package_is_a_skip_that_names_it_and_its_remedy(monkeypatch, ci, name):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(pytest.skip.Exception, match=f"^{REASON}$"):
        import_or_skip(name)


def test_a_missing_package_is_a_failure_where_ci_is_true(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=f"^{REASON}$"):
        import_or_skip("no_such_package")
