"""A takeaway that raises when it stops being true."""

import importlib.util

import numpy as np

from helpers.internal.arguments import describe, text

NAMES = {"torch": "PyTorch", "sklearn": "scikit-learn"}


class ClaimFailed(AssertionError):
    """A claim of the course does not hold here."""


def claim(sentence, holds):
    """Print "✓ sentence" if `holds` is True. Raises ClaimFailed if it is False.

    Raises TypeError for anything else: a non-empty list or a nan would count as true by accident.
    """
    if not isinstance(holds, (bool, np.bool_)):
        remedy = "compare arrays with np.allclose(a, b)"
        raise TypeError(f"holds must be True or False, got {type(holds).__name__}; {remedy}")
    text("sentence", sentence)
    if not holds:
        raise ClaimFailed(f"does not hold: {sentence}")
    print(f"✓ {sentence}")


def claim_with(package, sentence, check):
    """Do the same for a claim that needs a `package`: `check()` returns True or False.

    It is called only if the package is installed; otherwise the printed line names the package and
    says that the claim was not checked. Raises TypeError unless `check` is a function: a value
    would need the package too early.

    >>> claim_with("numpy", "a square is not negative", lambda: 3**2 >= 0)
    ✓ a square is not negative
    >>> claim_with("no_such_package", "it agrees with ours", lambda: True)
    – not checked here: no_such_package is not installed (it agrees with ours)
    """
    text("sentence", sentence)
    text("package", package)
    if not callable(check):
        expected = "a function without arguments, such as lambda: a == b"
        raise TypeError(f"check must be {expected}, got {describe(check)}")
    package = package.partition(".")[0]  # find_spec imports the parents of a dotted name
    if importlib.util.find_spec(package) is None:
        print(f"– not checked here: {NAMES.get(package, package)} is not installed ({sentence})")
    else:
        claim(sentence, check())
