"""What a check is made of: it calls a learner's function, compares numbers, and names the slip.

A check never stops Run All for a learner. It prints "✓ done", "– not yet", or "✗" with the
misconception and the next step. Graded (strict=True, or run by nbgrader) it raises instead.
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
    """A wrong answer: `name` is the misconception; the sentence, what was seen and what to do."""

    def __init__(self, name, sentence):
        super().__init__(f"{name}. {sentence}")
        self.name = name


class NotYet(Exception):
    """The exercise is not done yet."""


def exercise(number, title):
    """Make a check of a function check(answer, rng): exercise `number` of its assignment.

    The check is called with the learner's function. `answer` calls it and returns plain numbers;
    `rng` is fresh in each call, so nothing can be learned by heart. The check raises Slip if the
    answer is wrong. What is printed names the exercise by its `title`.
    """

    def decorate(check):
        @functools.wraps(check)
        def checked(function, *, strict=None, seed=None):
            result = outcome(lambda: check(Answer(function), np.random.default_rng(seed)))
            checked.result = result
            if strict or (strict is None and "NBGRADER_EXECUTION" in os.environ):
                _raise(result)
            print(_line(number, title, result))

        checked.number = number
        checked.title = title
        checked.result = NotYet()
        return checked

    return decorate


def outcome(check):
    """None if `check()` finds nothing; otherwise the Slip or NotYet that it raised.

    Any other exception comes from an answer that nobody thought of: that is a Slip too, and Run
    All goes on.
    """
    try:
        check()
    except (Slip, NotYet) as result:
        return result
    except Exception as error:
        unread = (
            f"The check could not read it ({_first_line(error)}). Compare it with the docstring."
        )
        return Slip("unexpected answer", unread)
    return None


def exercises(module):
    """The checks of a module such as helpers.checks.norms, in the order of their numbers."""
    names = vars(module).values()
    checks = [value for value in names if hasattr(value, "number") and hasattr(value, "title")]
    return sorted(checks, key=lambda check: check.number)


def results(module):
    """A row (number, title, state) for each exercise: "done", "not yet", or the slip's name."""
    return [(check.number, check.title, _state(check.result)) for check in exercises(module)]


def summary(module):
    """Print one line for each exercise of a module: done, not yet, or the slip's name."""
    checks = exercises(module)
    for check in checks:
        name = f": {check.result.name}" if isinstance(check.result, Slip) else ""
        print(f"{_mark(check.result)} {check.number}  {check.title}{name}")
    print(f"{sum(check.result is None for check in checks)} of {len(checks)} done")


def _state(result):
    if result is None:
        return "done"
    return "not yet" if isinstance(result, NotYet) else result.name


def _raise(result):
    if isinstance(result, NotYet):
        raise Slip("not yet", "The exercise has no answer.")
    if result is not None:
        raise result


def _mark(result):
    if result is None:
        return "✓"
    return "–" if isinstance(result, NotYet) else "✗"


def _line(number, title, result):
    ending = result if isinstance(result, Slip) else _state(result)
    return f"{_mark(result)} Exercise {number}, {title}: {ending}"


class Answer:
    """A learner's function that returns plain numbers only.

    Its exceptions become a Slip; a stub (raise NotImplementedError, or an answer of ...) means not
    yet. The arguments must come back unchanged, unless a call says `mutable=True`.
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
            stopped = f"The call stopped with: {_first_line(error)}. {_inputs(before)}"
            raise Slip(f"raises {type(error).__name__}", stopped) from None
        if result is ...:
            raise NotYet
        if result is None:
            raise Slip("nothing returned", "The function returns None. End it with a return.")
        if not mutable and not _same(before, arguments):
            in_place = "You changed an array of the caller in place. Work on a new one: x = x * 2."
            raise Slip("input changed", in_place)
        return plain(result)


def plain(value):
    """`value` as numbers, strings, arrays, and tuples, lists and dicts of these.

    Raises Slip for anything else, whatever class it pretends to be: an object of a learner's own
    class could claim to be equal to all numbers.
    """
    try:
        return _plain(value)
    except RecursionError:
        raise Slip("not a number", "The answer nests lists without end.") from None


def _plain(value):
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind in (tuple, list):
        return kind(_plain(item) for item in value)
    if kind is dict:
        return {str(key): _plain(item) for key, item in value.items()}
    if kind is np.ndarray and value.size > LARGEST:
        huge = f"The answer holds an array of shape {value.shape}. Compare it with the docstring."
        raise Slip("too many numbers", huge)
    if kind is np.ndarray or issubclass(kind, np.generic):
        result = np.array(value)
        if result.dtype.kind in NUMBERS:
            return result if result.ndim else result.item()
    # The repr of an object could do harm.
    seen = describe(value) if kind is np.ndarray else f"an object of the class {kind.__name__}"
    plainly = "Return numbers or NumPy arrays of numbers."
    raise Slip("not a number", f"The answer holds {seen}. {plainly}")


def expect(holds, name, sentence):
    """Raise Slip(name, sentence) unless `holds`."""
    if not holds:
        raise Slip(name, sentence)


def expect_equal(got, right, otherwise, slips=(), rtol=1e-6):
    """Raise Slip unless `got` equals `right`: the first of `slips` whose value it equals.

    `slips` are rows (name, sentence, value). If `got` equals none of them, the slip is a wrong
    shape, or `otherwise`, a pair (name, sentence).
    """
    got = numbers(got)
    right = numbers(right)
    if close(got, right, rtol):
        return
    for name, sentence, value in slips:
        if close(got, numbers(value), rtol):
            raise Slip(name, sentence)
    if got.shape != right.shape:
        raise Slip("wrong shape", f"The answer has shape {got.shape}, expected {right.shape}.")
    raise Slip(*otherwise)


def close(a, b, rtol=1e-6):
    """Do a and b have one shape, and differ by at most `rtol` of the largest finite number of b?

    NaN equals nothing.
    """
    if a.shape != b.shape:
        return False
    largest = np.max(np.abs(b), initial=1e-12, where=np.isfinite(b))
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.all((a == b) | (np.abs(a - b) <= rtol * largest)))


def numbers(value):
    """`value` as an array of floats. Raises Slip if it holds anything else."""
    try:
        array = np.asarray(plain(value))
        if array.dtype.kind in NUMBERS or _whole(array):
            return array.astype(float)
    except (TypeError, ValueError, OverflowError):
        pass
    raise Slip("not a number", f"The answer is {describe(value)}, expected numbers.")


def _whole(array):
    """Does an array hold nothing but whole numbers, too large for 64 bits?"""
    return array.dtype == object and all(type(item) is int for item in array.flat)


def metrics(names, result):
    """The dict of numbers that a run returns, with exactly these names. Otherwise raises Slip."""
    if type(result) is not dict or set(result) != set(names):
        raise Slip("wrong return", f"Return a dict with the keys {', '.join(map(repr, names))}.")
    values = {name: numbers(value) for name, value in result.items()}
    single = all(value.ndim == 0 and np.isfinite(value) for value in values.values())
    expect(single, "not a number", "Each result must be one finite number.")
    return {name: float(value) for name, value in values.items()}


def agrees(first, second, *names):
    """Do two runs agree, up to rounding, in these metrics, or in all if none is named?"""
    return all(abs(first[name] - second[name]) < 1e-9 for name in names or first)


def parts(value, count, names):
    """The `count` parts of a returned tuple; `names` says what they are, such as "(y, mask)"."""
    if type(value) not in (tuple, list) or len(value) != count:
        sentence = f"Return {names}, {count} values. The answer is {describe(value)}."
        raise Slip("wrong return", sentence)
    return value


def _same(before, after):
    if type(before) is not type(after):
        return False
    if type(before) in (tuple, list):
        return len(before) == len(after) and all(map(_same, before, after))
    if type(before) is dict:
        same_keys = before.keys() == after.keys()
        return same_keys and all(_same(before[key], after[key]) for key in before)
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after, equal_nan=before.dtype.kind == "f")
    if type(before) not in PLAIN:
        return True
    return before == after or before != before  # NaN differs from itself


def _inputs(arguments):
    return "It was called with " + ", ".join(describe(argument) for argument in arguments) + "."


def _first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
