"""Refuse bad input at the boundary: one sentence with the argument, what came and what was expected."""

import math
import numbers

import numpy as np


def describe(value):
    """A short description of `value` for an error sentence: arrays by shape and dtype, the rest by its repr."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    text = quoted(value, 41)
    return f"{type(value).__name__} {text}" if len(text) <= 40 else f"a {type(value).__name__}"


def quoted(value, most=80):
    """The repr of `value` on one line, cut off after `most` characters: how a name that is not known is told."""
    return " ".join(repr(value).split())[:most]


def number(name, value, low=-math.inf, high=math.inf, *, above=None, below=None):
    """Return `value` as a float if low <= value <= high (and above < value < below where given).

    Raises TypeError for what is no real number (True and False are none), ValueError outside the range.
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
    inside = (
        low <= result <= high
        and (above is None or result > above)
        and (below is None or result < below)
    )
    if not (math.isfinite(result) and inside):
        raise ValueError(f"{name} must be a number{expected}, got {value}")
    return result


def integer(name, value, low=-math.inf, high=math.inf):
    """Return `value` as an int if low <= value <= high. Raises TypeError for what is no integer, else ValueError."""
    expected = _range(low, high, None, None)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer{expected}, got {describe(value)}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be an integer{expected}, got {value}")
    return int(value)


def flag(name, value):
    """Return `value` as True or False. Raises TypeError for all else: the word "False" would count as true."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {describe(value)}")
    return bool(value)


def float_type(name, value):
    """Return `value` as a floating-point np.dtype. Raises TypeError for what is no type, else ValueError.

    Integers would cut small weights off to zero.
    """
    try:
        result = np.dtype(value)
    except (TypeError, ValueError, SyntaxError):  # NumPy reads some words as a list of types
        raise TypeError(
            f"{name} must be a floating-point type such as np.float32, got {describe(value)}"
        ) from None
    if result.kind != "f":
        raise ValueError(f"{name} must be a floating-point type such as np.float32, got {result}")
    return result


def text(name, value):
    """Return `value` if it is a word or more. Raises TypeError else."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} must be a text, got {describe(value)}")
    return value


def function(name, value, example):
    """Return `value` if it can be called. Raises TypeError else, with an `example` of what is expected."""
    if not callable(value):
        raise TypeError(f"{name} must be a function such as {example}, got {describe(value)}")
    return value


def generator(name, value):
    """Return `value` if it is a np.random.Generator. Raises TypeError else: a seed would restart the draws."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"{name} must be a np.random.Generator such as np.random.default_rng(0), got {describe(value)}"
        )
    return value


def rows(name, value):
    """Return `value` as an array of any type. Raises ValueError for rows of unequal length."""
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} must be an array of numbers, got rows of unequal length"
        ) from error


def floats(name, value):
    """Return `value` as a floating-point array without a copy where it is one already (float32 stays float32).

    Integers and booleans become float64; nan and infinity pass. Raises TypeError for what holds no real numbers,
    ValueError for rows of unequal length.
    """
    result = rows(name, value)
    if result.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be an array of real numbers, got {describe(value)}")
    return result if result.dtype.kind == "f" else result.astype(np.float64)


def array(name, value, ndim=None):
    """Return `floats(name, value)`, checked: finite, not empty, and with `ndim` axes where that is given.

    Raises TypeError for what holds no real numbers, ValueError for an empty array, for nan or infinity, and where the
    number of axes is not `ndim`.
    """
    result = floats(name, value)
    if ndim is not None and result.ndim != ndim:
        raise ValueError(
            f"{name} must have {ndim} {'axis' if ndim == 1 else 'axes'}, got shape {result.shape}"
        )
    if result.size == 0:
        raise ValueError(f"{name} must hold at least one number, got shape {result.shape}")
    if not np.isfinite(result).all():
        raise ValueError(
            f"{name} must hold finite numbers, got {np.count_nonzero(~np.isfinite(result))} nan or infinite"
        )
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
