"""The framework of the checks: what counts as an answer, what is compared, and what is said."""

import types

import numpy as np
import pytest

from helpers.checks import exercise
from helpers.checks.exercise import (
    Answer,
    NotYet,
    Slip,
    close,
    expect,
    expect_equal,
    numbers,
    parts,
    plain,
)
from tests.checks.support.answers import said


@exercise.exercise(1, "twice")
def twice(double, rng):
    """double(x) -> 2 x."""
    x = rng.normal(size=5)
    squared = ("squared", "That is x times x.", x**2)
    otherwise = ("not twice", f"For x[0] = {x[0]:.3f} expected {2 * x[0]:.3f}.")
    expect_equal(double(x), 2 * x, otherwise, [squared])


@exercise.exercise(2, "lists")
def lists(total, rng):
    """total({"a": [[..]]}) -> the sum."""
    data = {"a": [[1, 2.0], (np.array([3.0]),)], "b": rng.normal(size=2)}
    expect(isinstance(total(data), int | float), "no sum", "Return one number.")


def checks():
    """A module of checks, in the wrong order."""
    return types.SimpleNamespace(lists=lists, twice=twice, np=np, Slip=Slip)


def slip(call, *arguments):
    """The name of the slip that a call raises."""
    with pytest.raises(Slip) as caught:
        call(*arguments)
    assert caught.value.name
    return caught.value.name


def strictly(answer, check=twice):
    return slip(lambda: check(answer, strict=True))


class Yes:
    """Claims to be equal to everything, and to be a number."""

    __array_priority__ = 1000
    __hash__ = None
    shape = (5,)
    dtype = np.dtype(float)
    size = 5
    ndim = 1

    def __eq__(self, other):
        return True

    __lt__ = __le__ = __gt__ = __ge__ = __ne__ = __eq__

    def __sub__(self, other):
        return np.zeros(5)

    __rsub__ = __abs__ = __sub__

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("an object of the learner was asked for its array")

    def __class_getitem__(cls, item):
        return cls


class YesArray(np.ndarray):
    __eq__ = Yes.__eq__
    __sub__ = Yes.__sub__
    __array__ = Yes.__array__
    __hash__ = None

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.True_


class YesFloat(float):
    __eq__ = Yes.__eq__
    __sub__ = Yes.__sub__
    __rsub__ = Yes.__rsub__
    __hash__ = None


class YesFloat64(np.float64):
    __eq__ = Yes.__eq__
    __sub__ = Yes.__sub__
    __array__ = Yes.__array__
    __hash__ = None


class YesList(list):
    __eq__ = Yes.__eq__
    __hash__ = None


class Liar:
    """Says that it is of another class."""

    @property
    def __class__(self):
        return np.ndarray


FAKES = {
    "object": Yes,
    "array": lambda: np.zeros(5).view(YesArray),
    "float": lambda: YesFloat(1),
    "list": lambda: YesList([1.0] * 5),
    "class": Liar,
    "masked array": lambda: np.ma.masked_array(np.zeros(5), mask=True),
    "array of objects": lambda: np.array([None] * 5),
    "a fake in a list": lambda: [Yes() for _ in range(5)],
    "a fake in a dict": lambda: {"a": Yes()},
    "generator": lambda: (value for value in range(5)),
    "iterator": lambda: iter([1.0] * 5),
    "set": lambda: {1.0},
    "function": lambda: Yes,
    "complex": lambda: np.zeros(5, complex),
    "words": lambda: np.array(["0"] * 5),
    "records": lambda: np.zeros(5, [("a", float)]),
    "dates": lambda: np.zeros(5, "datetime64[s]"),
}


@pytest.mark.parametrize("fake", FAKES.values(), ids=FAKES)
def test_a_fake_is_not_a_number(fake):
    assert slip(plain, fake()) == "not a number"
    assert strictly(lambda x: fake()) == "not a number"


def test_a_scalar_of_a_class_of_ones_own_counts_with_its_value_alone():
    value = plain(YesFloat64(3))
    assert (type(value), value) == (float, 3.0)
    assert strictly(lambda x: YesFloat64(3)) == "wrong shape"


def test_plain_makes_exact_copies():
    array = np.arange(3.0)
    value = plain(({"a": [array, np.float32(1), np.array(2), True, None, "s"]}, 1))
    assert value[0]["a"][1:] == [1.0, 2, True, None, "s"]
    assert value[0]["a"][0] is not array
    assert [type(item) for item in value[0]["a"][1:3]] == [float, int]


@pytest.mark.parametrize(
    "answer", [None, "1.5", [1, "2"], [1, None], [None], {"a": 1}, [[1], [1, 2]], 1j]
)
def test_anything_else_is_not_a_number(answer):
    assert slip(numbers, answer) == "not a number"


@pytest.mark.parametrize(
    ("answer", "value"), [(10**30, 1e30), (True, 1), ([1, 2.5], [1, 2.5]), ([], []), ((1,), [1])]
)
def test_numbers(answer, value):
    np.testing.assert_array_equal(numbers(answer), np.asarray(value, float))


def test_numbers_too_large_for_a_float():
    assert slip(numbers, 10**400) == "not a number"
    assert strictly(lambda x: [10**400] * 5) == "not a number"


def test_a_huge_array_is_refused_before_it_is_copied():
    huge = np.broadcast_to(0.0, (10**6, 10**6))
    assert slip(plain, huge) == "too many numbers"
    assert strictly(lambda x: huge) == "too many numbers"


def test_a_list_that_holds_itself():
    endless = []
    endless.append(endless)
    assert slip(plain, endless) == "not a number"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_equal_no_number(value):
    infinite = ("infinite", "No.", np.full(5, np.inf))
    for slips in [(), [infinite]]:
        expected = "infinite" if slips and value == np.inf else "other"
        given = (np.full(5, value), np.ones(5), ("other", "No."), slips)
        assert slip(expect_equal, *given) == expected


def test_infinity_in_a_slip_does_not_swallow_other_answers():
    slips = [("infinite", "No.", np.array([np.inf, 1.0]))]
    assert slip(expect_equal, [2.0, 5.0], [1.0, 1.0], ("other", "No."), slips) == "other"


def test_close_compares_with_the_largest_number():
    b = np.array([1e6, 0.0])
    assert close(b + 0.5, b)
    assert not close(b + 5, b)
    assert not close(b, b[:1])
    assert close(np.zeros(3), np.zeros(3))
    assert close(np.zeros(0), np.zeros(0))


def test_expect_equal_names_the_first_slip_then_the_shape_then_the_other():
    slips = [("first", "No.", [1.0, 4.0]), ("second", "No.", [1.0, 4.0]), ("scalar", "No.", 3.0)]
    expect_equal([1.0, 2.0], [1, 2], ("other", "No."), slips)
    assert slip(expect_equal, [1.0, 4.0], [1, 2], ("other", "No."), slips) == "first"
    assert slip(expect_equal, 3.0, [1, 2], ("other", "No."), slips) == "scalar"
    assert slip(expect_equal, [[1.0, 2.0]], [1, 2], ("other", "No."), slips) == "wrong shape"
    assert slip(expect_equal, [5.0, 5.0], [1, 2], ("other", "No."), slips) == "other"


@pytest.mark.parametrize("value", [1.0, [1], [1, 2, 3], {"a": 1, "b": 2}, None, "ab"])
def test_parts_are_counted(value):
    assert slip(parts, value, 2, "(a, b)") == "wrong return"
    assert parts((1, 2), 2, "(a, b)") == (1, 2)


def raiser(error):
    def answer(*arguments):
        raise error

    return answer


ERRORS = [
    ValueError("no\nmore"),
    KeyError("key"),
    RecursionError(),
    MemoryError(),
    StopIteration(),
    SystemExit(0),
]


@pytest.mark.parametrize(
    "error", [*ERRORS, ZeroDivisionError("division by zero")], ids=lambda e: type(e).__name__
)
def test_an_exception_is_named(error):
    assert strictly(raiser(error)) == f"raises {type(error).__name__}"
    assert said(twice, raiser(error)).startswith("✗ Exercise 1, twice: raises ")


def test_an_exception_says_what_the_function_was_called_with():
    sentence = said(twice, raiser(ValueError("first line.\nsecond")))
    assert sentence == (
        "✗ Exercise 1, twice: raises ValueError. The call stopped with: first line. "
        "It was called with an array of shape (5,) and dtype float64.\n"
    )


def test_an_endless_recursion_is_named():
    def answer(x):
        return answer(x)

    assert strictly(answer) == "raises RecursionError"


@pytest.mark.parametrize("stub", [raiser(NotImplementedError("your code")), lambda x: ..., ...])
def test_a_stub_is_not_yet(stub):
    assert said(twice, stub) == "– Exercise 1, twice: not yet\n"
    assert isinstance(twice.result, NotYet)
    assert strictly(stub) == "not yet"


def test_none_is_a_forgotten_return():
    assert strictly(lambda x: None) == "nothing returned"


def test_an_answer_that_is_not_a_function_is_named():
    assert strictly(3.0) == "raises TypeError"


def test_an_answer_that_no_check_expects_does_not_stop_run_all():
    @exercise.exercise(1, "first")
    def first(answer, rng):
        expect(answer(1)[0] == 1, "wrong", "No.")

    assert said(first, lambda x: 5).startswith(
        "✗ Exercise 1, first: unexpected answer. The check could not read it ("
    )
    assert strictly(lambda x: {}, first) == "unexpected answer"


# --- the arguments must come back as they were ---


def change_array(data):
    data["b"] *= 2
    return 1


def change_nested_array(data):
    data["a"][1][0][0] = 7
    return 1


def change_number_in_a_list(data):
    data["a"][0][0] = 5
    return 1


def make_longer(data):
    data["a"].append(1)
    return 1


def drop_a_key(data):
    del data["b"]
    return 1


def put_another_kind(data):
    data["a"][0] = 1
    return 1


def put_nan(data):
    data["b"][0] = np.nan
    return 1


CHANGES = [
    change_array,
    change_nested_array,
    change_number_in_a_list,
    make_longer,
    drop_a_key,
    put_another_kind,
]


@pytest.mark.parametrize("answer", [*CHANGES, put_nan])
def test_a_changed_argument_is_seen(answer):
    assert strictly(answer, lists) == "input changed"


def test_a_change_that_is_allowed():
    answer = Answer(change_array)
    data = {"b": np.ones(2)}
    assert answer(data, mutable=True) == 1
    assert slip(answer, data) == "input changed"


def test_nan_in_an_argument_is_not_a_change():
    arguments = ([np.nan, float("nan")], np.array([np.nan]), np.array(["a"]), None)
    assert Answer(lambda *x: 1)(*arguments) == 1


def test_the_generator_is_there_to_be_used():
    drawn = Answer(lambda rng: rng.random())(np.random.default_rng(0))
    assert drawn == np.random.default_rng(0).random()


# --- what is printed, what is raised ---


def seen(seed=None):
    inputs = []
    twice(lambda x: inputs.append(x.copy()) or 2 * x, strict=True, seed=seed)
    return inputs[0]


def test_numbers_are_fresh_in_each_call_and_repeat_with_a_seed():
    assert (seen() != seen()).all()
    np.testing.assert_array_equal(seen(3), seen(3))
    assert (seen(3) != seen(4)).all()


def test_graded_a_check_raises(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert slip(twice, lambda x: x**2) == "squared"
    assert slip(twice, ...) == "not yet"
    twice(lambda x: x**2, strict=False)  # prints


@pytest.mark.parametrize(
    ("strict", "graded"), [(True, False), (None, True), (None, False), (False, True)]
)
def test_a_right_answer_prints_one_line(strict, graded, monkeypatch, capsys):
    if graded:
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    twice(lambda x: 2 * x, strict=strict)
    assert capsys.readouterr() == ("✓ Exercise 1, twice: done\n", "")


def test_a_wrong_answer_prints_nothing_where_it_raises(capsys):
    strictly(lambda x: x)
    assert capsys.readouterr() == ("", "")


def test_for_a_learner_nothing_is_raised(monkeypatch, capsys):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    twice(lambda x: x * x)
    assert capsys.readouterr().out == "✗ Exercise 1, twice: squared. That is x times x.\n"


def test_the_summary(capsys):
    twice(lambda x: x**2, strict=False)
    lists(..., strict=False)
    capsys.readouterr()
    exercise.summary(checks())
    assert capsys.readouterr().out == "✗ 1  twice: squared\n– 2  lists\n0 of 2 done\n"
    twice(lambda x: 2 * x, strict=False)
    capsys.readouterr()
    exercise.summary(checks())
    assert capsys.readouterr().out == "✓ 1  twice\n– 2  lists\n1 of 2 done\n"


def test_the_results():
    twice(lambda x: x**2, strict=False)
    lists(..., strict=False)
    assert exercise.results(checks()) == [(1, "twice", "squared"), (2, "lists", "not yet")]
    twice(lambda x: 2 * x, strict=False)
    assert exercise.results(checks())[0] == (1, "twice", "done")


def test_a_wrong_answer_after_a_right_one_is_what_counts():
    twice(lambda x: 2 * x, strict=True)
    strictly(lambda x: x)
    assert twice.result.name == "not twice"
    assert (twice.__name__, twice.number, twice.title) == ("twice", 1, "twice")
