"""Refuse bad input at the boundary: one sentence names the argument, what it must be, what came."""

import math
import numbers

import numpy as np


def describe(value):
    """Describe `value` for an error sentence: arrays by shape and dtype, the rest by their repr."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    text = quoted(value, 41)
    return f"{type(value).__name__} {text}" if len(text) <= 40 else f"a {type(value).__name__}"


def quoted(value, most=80):
    """The repr of `value` on one line, at most `most` characters, to quote an unknown name."""
    return " ".join(repr(value).split())[:most]


def number(name, value, low=-math.inf, high=math.inf, *, above=None, below=None):
    """Return `value` as a float if low <= value <= high (and above < value < below where given).

    Raises TypeError if `value` is not a real number (booleans do not count), and ValueError if it
    lies outside the range or is nan or infinite.
    """
    expected = _range(low, high, above, below)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number{expected}, got {describe(value)}")
    try:
        result = float(value)
    except OverflowError:
        raise ValueError(
            f"{name} must be a number{expected}, got one above 1e308 in size"
        ) from None
    too_low = result < low or (above is not None and result <= above)
    too_high = result > high or (below is not None and result >= below)
    if not math.isfinite(result) or too_low or too_high:
        raise ValueError(f"{name} must be a number{expected}, got {value}")
    return result


def integer(name, value, low=-math.inf, high=math.inf):
    """Return `value` as an int if low <= value <= high.

    Raises TypeError if `value` is not an integer (booleans do not count), and ValueError if it lies
    outside the range.
    """
    expected = _range(low, high, None, None)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer{expected}, got {describe(value)}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be an integer{expected}, got {value}")
    return int(value)


def flag(name, value):
    """Return `value` as a bool; otherwise raise TypeError: the string "False" counts as true."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {describe(value)}")
    return bool(value)


def float_type(name, value):
    """Return `value` as a floating-point np.dtype.

    Raises TypeError if `value` does not name a type, and ValueError if the type is not a
    floating-point one: integers would truncate small weights to zero.
    """
    try:
        result = np.dtype(value)
    except (TypeError, ValueError, SyntaxError):  # NumPy parses some strings as a list of types
        raise TypeError(
            f"{name} must be a floating-point type such as np.float32, got {describe(value)}"
        ) from None
    if result.kind != "f":
        raise ValueError(f"{name} must be a floating-point type such as np.float32, got {result}")
    return result


def text(name, value):
    """Return `value` if it is a non-empty string; otherwise raise TypeError."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} must be a non-empty string, got {describe(value)}")
    return value


def function(name, value, example):
    """Return `value` if it is callable; otherwise raise TypeError and name the `example`."""
    if not callable(value):
        raise TypeError(f"{name} must be a function such as {example}, got {describe(value)}")
    return value


def generator(name, value):
    """Return `value` if it is a np.random.Generator; otherwise raise TypeError.

    A seed is not enough: it would restart the draws.
    """
    if not isinstance(value, np.random.Generator):
        expected = "a np.random.Generator such as np.random.default_rng(0)"
        raise TypeError(f"{name} must be {expected}, got {describe(value)}")
    return value


def rows(name, value):
    """Return `value` as an array of any type. Raises ValueError if its rows differ in length."""
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} must be an array of numbers, got rows of unequal length"
        ) from error


def floats(name, value):
    """Return `value` as a floating-point array; one that already is such an array is not copied.

    Integers and booleans become float64, float32 stays float32; nan and infinity pass. Raises
    TypeError if `value` does not hold real numbers, and ValueError if its rows differ in length.
    """
    result = rows(name, value)
    if result.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be an array of real numbers, got {describe(value)}")
    return result if result.dtype.kind == "f" else result.astype(np.float64)


def array(name, value, ndim=None):
    """Return `floats(name, value)` if it is finite, not empty, and has `ndim` axes where given.

    Raises TypeError if `value` does not hold real numbers, and ValueError if it is empty, holds nan
    or infinity, or has another number of axes.
    """
    result = floats(name, value)
    if ndim is not None and result.ndim != ndim:
        axes = "axis" if ndim == 1 else "axes"
        raise ValueError(f"{name} must have {ndim} {axes}, got shape {result.shape}")
    if result.size == 0:
        raise ValueError(f"{name} must hold at least one number, got shape {result.shape}")
    if bad := np.count_nonzero(~np.isfinite(result)):
        raise ValueError(f"{name} must hold finite numbers, got {bad} nan or infinite")
    return result


def _range(low, high, above, below):
    bounds = [
        f">= {low:g}" if low > -math.inf else "",
        f"> {above:g}" if above is not None else "",
        f"<= {high:g}" if high < math.inf else "",
        f"< {below:g}" if below is not None else "",
    ]
    bounds = [bound for bound in bounds if bound]
    return " " + " and ".join(bounds) if bounds else ""
