"""What a check is made of: it calls a learner's function, compares plain numbers, and names the slip.

A check never stops Run All for a learner. It prints "✓ done", "– not yet", or "✗" with the misconception and the next
step. Graded (strict=True, or run by nbgrader) it raises instead.
"""

import copy
import functools
import os

import numpy as np

from helpers.internal.arguments import describe

PLAIN = (bool, int, float, str, type(None))
NUMBERS = "fiub"  # kinds of dtype: floats, integers, booleans
LARGEST = 10**7  # numbers in one array


class Slip(AssertionError):
    """An answer is wrong: `name` is the misconception, the sentence says what was seen and what to do next."""

    def __init__(self, name, sentence):
        super().__init__(f"{name}. {sentence}")
        self.name = name


class NotYet(Exception):
    """The exercise is not done yet."""


def exercise(number, title):
    """Make a check of a function check(answer, rng): exercise `number` of its assignment, shown under its `title`.

    The check is called with the learner's function. `answer` calls it and returns plain numbers; `rng` is fresh in
    each call, so nothing can be learned by heart. The check raises Slip where the answer is wrong.
    """

    def decorate(check):
        @functools.wraps(check)
        def checked(function, *, strict=None, seed=None):
            result = outcome(lambda: check(Answer(function), np.random.default_rng(seed)))
            checked.result = result
            if strict or (strict is None and "NBGRADER_EXECUTION" in os.environ):
                _raise(result)
            print(f"{_line(number, title, result)}")

        checked.number, checked.title, checked.result = number, title, NotYet()
        return checked

    return decorate


def outcome(check):
    """None if `check()` finds nothing, else the Slip or NotYet that it raised.

    What else it raises came from an answer that nobody thought of: that is a Slip too, and Run All goes on.
    """
    try:
        check()
    except (Slip, NotYet) as result:
        return result
    except Exception as error:
        return Slip(
            "unexpected answer",
            f"The check could not read it ({_first_line(error)}). Compare the docstring.",
        )
    return None


def exercises(module):
    """The checks of a module such as helpers.checks.norms, in the order of their numbers."""
    checks = (
        value
        for value in vars(module).values()
        if hasattr(value, "number") and hasattr(value, "title")
    )
    return sorted(checks, key=lambda check: check.number)


def results(module):
    """A row (number, title, state) for each exercise of a module: "done", "not yet", or the name of the slip."""
    return [(check.number, check.title, _state(check.result)) for check in exercises(module)]


def summary(module):
    """Print one line for each exercise of a module of checks: done, not yet, or the name of the slip."""
    checks = exercises(module)
    for check in checks:
        name = f": {check.result.name}" if isinstance(check.result, Slip) else ""
        print(f"{_mark(check.result)} {check.number}  {check.title}{name}")
    print(f"{sum(check.result is None for check in checks)} of {len(checks)} done")


def _state(result):
    return "done" if result is None else "not yet" if isinstance(result, NotYet) else result.name


def _raise(result):
    if isinstance(result, NotYet):
        raise Slip("not yet", "The exercise has no answer.")
    if result is not None:
        raise result


def _mark(result):
    return "✓" if result is None else "–" if isinstance(result, NotYet) else "✗"


def _line(number, title, result):
    said = result if isinstance(result, Slip) else _state(result)
    return f"{_mark(result)} Exercise {number}, {title}: {said}"


class Answer:
    """A learner's function that returns plain numbers only.

    Its exceptions become a Slip; a stub (raise NotImplementedError, or an answer of ...) means not yet. The arguments
    must come back unchanged: `mutable=True` in a call allows the change.
    """

    def __init__(self, function):
        if function is ...:
            raise NotYet
        self.function = function

    def __call__(self, *arguments, mutable=False):
        before = copy.deepcopy(arguments)
        try:
            result = self.function(*arguments)
        except NotImplementedError:
            raise NotYet from None
        except Slip:
            raise
        except (Exception, SystemExit) as error:
            name = f"raises {type(error).__name__}"
            raise Slip(
                name, f"The call stopped with: {_first_line(error)}. {_inputs(before)}"
            ) from None
        if result is ...:
            raise NotYet
        if result is None:
            raise Slip("nothing returned", "The function returns None. End it with a return.")
        if not mutable and not _same(before, arguments):
            raise Slip(
                "input changed",
                "An array of the caller was changed in place. Work on a new array: x = x * 2.",
            )
        return plain(result)


def plain(value):
    """`value` as numbers, strings, arrays, and tuples, lists and dicts of these, whatever class it pretends to be.

    Raises Slip for everything else: an object of one's own could claim to be equal to all numbers.
    """
    try:
        return _plain(value)
    except RecursionError:
        raise Slip("not a number", "The answer holds lists within lists without end.") from None


def _plain(value):
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind in (tuple, list):
        return kind(_plain(item) for item in value)
    if kind is dict:
        return {str(key): _plain(item) for key, item in value.items()}
    if kind is np.ndarray and value.size > LARGEST:
        raise Slip(
            "too many numbers",
            f"The answer holds an array of shape {value.shape}. Compare the docstring.",
        )
    if kind is np.ndarray or issubclass(kind, np.generic):
        result = np.array(value)
        if result.dtype.kind in NUMBERS:
            return result if result.ndim else result.item()
    seen = (
        describe(value) if kind is np.ndarray else f"an object of the class {kind.__name__}"
    )  # its repr could do harm
    raise Slip(
        "not a number", f"The answer holds {seen}. Return numbers or NumPy arrays of numbers."
    )


def expect(holds, name, sentence):
    """Raise Slip(name, sentence) unless `holds`."""
    if not holds:
        raise Slip(name, sentence)


def expect_equal(got, right, otherwise, slips=(), rtol=1e-6):
    """Raise Slip where `got` is not `right`: the first of `slips` (name, sentence, value) whose value it equals.

    Where it equals none of them, the slip is `otherwise`, a pair (name, sentence). Shapes are compared first.
    """
    got, right = numbers(got), numbers(right)
    if close(got, right, rtol):
        return
    for name, sentence, value in slips:
        if close(got, numbers(value), rtol):
            raise Slip(name, sentence)
    if got.shape != right.shape:
        raise Slip("wrong shape", f"The answer has shape {got.shape}, expected {right.shape}.")
    raise Slip(*otherwise)


def close(a, b, rtol=1e-6):
    """Are two arrays of one shape equal up to `rtol` of the largest finite number of b? NaN equals nothing."""
    if a.shape != b.shape:
        return False
    largest = np.max(np.abs(b), initial=1e-12, where=np.isfinite(b))
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.all((a == b) | (np.abs(a - b) <= rtol * largest)))


def numbers(value):
    """`value` as an array of floats. Raises Slip for what holds something else."""
    try:
        array = np.asarray(plain(value))
        if array.dtype.kind in NUMBERS or _whole(array):
            return array.astype(float)
    except (TypeError, ValueError, OverflowError):
        pass
    raise Slip("not a number", f"The answer is {describe(value)}, expected numbers.")


def _whole(array):
    """Does an array hold whole numbers alone, too large for 64 bits?"""
    return array.dtype == object and all(type(item) is int for item in array.flat)


def metrics(names, result):
    """The dict of numbers that a run returns, with exactly these names. Raises Slip for anything else."""
    if type(result) is not dict or set(result) != set(names):
        raise Slip("wrong return", f"Return a dict with the keys {', '.join(map(repr, names))}.")
    values = {name: numbers(value) for name, value in result.items()}
    single = all(value.ndim == 0 and np.isfinite(value) for value in values.values())
    expect(single, "not a number", "Each of the results is one finite number.")
    return {name: float(value) for name, value in values.items()}


def agrees(first, second, *names):
    """Do two runs agree in these metrics, or in all where none is named, but for rounding?"""
    return all(abs(first[name] - second[name]) < 1e-9 for name in names or first)


def parts(value, count, names):
    """The `count` parts of a tuple that a function returns; `names` says what they are, such as "(y, mask)"."""
    if type(value) not in (tuple, list) or len(value) != count:
        raise Slip(
            "wrong return", f"Return {names}, {count} values. The answer is {describe(value)}."
        )
    return value


def _same(before, after):
    if type(before) is not type(after):
        return False
    if type(before) in (tuple, list):
        return len(before) == len(after) and all(map(_same, before, after))
    if type(before) is dict:
        return before.keys() == after.keys() and all(
            _same(before[key], after[key]) for key in before
        )
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after, equal_nan=before.dtype.kind == "f")
    return (
        type(before) not in PLAIN or before == after or before != before
    )  # NaN differs from itself


def _inputs(arguments):
    return "It was called with " + ", ".join(describe(argument) for argument in arguments) + "."


def _first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
