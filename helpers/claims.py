"""A takeaway that raises when it stops being true."""

import importlib.util

import numpy as np

from helpers.internal.arguments import describe, text

NAMES = {"torch": "PyTorch", "sklearn": "scikit-learn"}


class ClaimFailed(AssertionError):
    """A claim of the course does not hold here."""


def claim(sentence, holds):
    """Print "✓ sentence" if `holds` is True. Raises ClaimFailed if it is False, TypeError if it is neither.

    Only True and False are accepted: a non-empty list or a nan would count as true by accident.
    """
    if not isinstance(holds, (bool, np.bool_)):
        raise TypeError(
            f"holds must be True or False, got {type(holds).__name__}; compare arrays with np.allclose(a, b)"
        )
    text("sentence", sentence)
    if not holds:
        raise ClaimFailed(f"does not hold: {sentence}")
    print(f"✓ {sentence}")


def claim_with(package, sentence, check):
    """The same for a claim that needs a `package`: `check()` returns True or False and is called where it is installed.

    Elsewhere the line says by name that the claim was not checked. Raises TypeError, here and there, where `check` is
    no function: a value would have been computed without the package.
    """
    text("sentence", sentence)
    text("package", package)
    if not callable(check):
        raise TypeError(
            f"check must be a function without arguments, such as lambda: a == b, got {describe(check)}"
        )
    package = package.partition(".")[0]  # find_spec imports the parents of a dotted name
    if importlib.util.find_spec(package) is None:
        print(f"– not checked here: {NAMES.get(package, package)} is not installed ({sentence})")
    else:
        claim(sentence, check())
