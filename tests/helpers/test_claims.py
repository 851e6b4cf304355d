import numpy as np
import pytest

from helpers.claims import ClaimFailed, claim, claim_with
from tests.helpers.support.refusal import refuses

HERE = pytest.mark.parametrize("holds", [True, np.True_, np.bool_(1 < 2)])
FALSE = pytest.mark.parametrize("holds", [False, np.False_])
NEITHER = pytest.mark.parametrize(
    ("holds", "got"),
    [
        (1, "int"),
        (0, "int"),
        (None, "NoneType"),
        ("True", "str"),
        ([True], "list"),
        ([], "list"),
        (float("nan"), "float"),
        (np.float64(1), "float64"),
        (np.array(True), "ndarray"),
        (np.array([True, True]), "ndarray"),
        (lambda: True, "function"),
    ],
)


def claim_here(sentence, holds):
    claim_with("math", sentence, lambda: holds)


BOTH = pytest.mark.parametrize("ask", [claim, claim_here])


@BOTH
@HERE
def test_a_claim_that_holds_is_printed(ask, holds, capsys):
    assert ask("dropout keeps the mean", holds) is None
    assert capsys.readouterr() == ("✓ dropout keeps the mean\n", "")


@BOTH
@FALSE
def test_a_claim_that_does_not_hold_raises_and_prints_nothing(ask, holds, capsys):
    with refuses(ClaimFailed, "does not hold: dropout keeps the mean"):
        ask("dropout keeps the mean", holds)
    assert capsys.readouterr() == ("", "")


def test_a_failed_claim_is_an_assertion():
    assert issubclass(ClaimFailed, AssertionError)


@BOTH
@NEITHER
def test_what_is_neither_true_nor_false_is_refused(ask, holds, got, capsys):
    remedy = "compare arrays with np.allclose(a, b)"
    with refuses(TypeError, f"holds must be True or False, got {got}; {remedy}"):
        ask("a sentence", holds)
    assert capsys.readouterr() == ("", "")


def test_exchanged_arguments_are_refused():
    with refuses(TypeError, "holds must be True or False, got str"):
        claim(sentence=True, holds="a sentence")


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("no_such_package", "no_such_package"),
        ("no_such_package.inner", "no_such_package"),
        ("torch", "PyTorch"),
        ("torch.nn", "PyTorch"),
        ("sklearn", "scikit-learn"),
    ],
)
def test_a_missing_package_is_named_and_check_is_not_called(package, name, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    claim_with(package, "our step is theirs", lambda: pytest.fail("called"))
    printed = capsys.readouterr().out
    assert printed == f"– not checked here: {name} is not installed (our step is theirs)\n"


def test_a_package_that_is_really_missing_is_noticed(capsys):
    claim_with("no_such_package.inner", "our step is theirs", lambda: pytest.fail("called"))
    printed = capsys.readouterr().out
    assert printed.startswith("– not checked here: no_such_package is not installed")


def test_an_error_inside_check_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        claim_with("math", "a sentence", lambda: 1 / 0)


@pytest.mark.parametrize("package", ["math", "no_such_package"])
def test_a_check_that_cannot_be_called_is_refused_with_and_without_the_package(package):
    expected = "a function without arguments, such as lambda: a == b"
    with refuses(TypeError, f"check must be {expected}, got bool True"):
        claim_with(package, "a sentence", check=True)
