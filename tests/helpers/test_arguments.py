import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from helpers.internal.arguments import (
    array,
    describe,
    flag,
    float_type,
    floats,
    function,
    generator,
    integer,
    number,
    quoted,
    text,
)
from tests.helpers.support.refusal import refuses

NOT_NUMBERS = [
    (None, "NoneType None"),
    ("0.5", "str '0.5'"),
    (True, "bool True"),
    (np.True_, "bool np.True_"),
    (1j, "complex 1j"),
    (Decimal(1), "Decimal Decimal('1')"),
    ([0.5], "list [0.5]"),
    (np.ones(3, np.float32), "an array of shape (3,) and dtype float32"),
]


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5), np.int8(1), Fraction(1, 2)])
def test_number_returns_a_float(value):
    result = number("p", value, low=0, high=1)
    assert type(result) is float
    assert result == float(value)


@pytest.mark.parametrize(("value", "got"), NOT_NUMBERS)
def test_number_refuses_other_types(value, got):
    with refuses(TypeError, f"p must be a number >= 0, got {got}"):
        number("p", value, low=0)


@pytest.mark.parametrize(
    ("value", "bounds", "expected"),
    [
        (-0.1, {"low": 0}, " >= 0"),
        (1.5, {"low": 0, "high": 1}, " >= 0 and <= 1"),
        (1, {"low": 0, "below": 1}, " >= 0 and < 1"),
        (0, {"above": 0}, " > 0"),
        (0, {"above": 0, "high": 0.25}, " > 0 and <= 0.25"),
        (math.nan, {}, ""),
        (math.inf, {"low": 0}, " >= 0"),
        (-math.inf, {"high": 1}, " <= 1"),
    ],
)
def test_number_refuses_what_is_outside_and_names_the_range(value, bounds, expected):
    with refuses(ValueError, f"lr must be a number{expected}, got {value}"):
        number("lr", value, **bounds)


@pytest.mark.parametrize(
    ("value", "bounds"), [(0, {"low": 0}), (1, {"high": 1}), (1e-300, {"above": 0})]
)
def test_the_ends_of_a_range_belong_to_it_as_the_words_say(value, bounds):
    assert number("p", value, **bounds) == value


@pytest.mark.parametrize("value", [0, 3, np.int64(3), np.uint8(3)])
def test_integer_returns_an_int(value):
    result = integer("n", value, low=0, high=3)
    assert type(result) is int
    assert result == value


@pytest.mark.parametrize(
    ("value", "got"), [*NOT_NUMBERS, (1.0, "float 1.0"), (np.float64(2), "float64 np.float64(2.0)")]
)
def test_integer_refuses_other_types(value, got):
    with refuses(TypeError, f"n must be an integer >= 1, got {got}"):
        integer("n", value, low=1)


@pytest.mark.parametrize(
    ("value", "range_"), [(0, ">= 1 and <= 9"), (10, ">= 1 and <= 9"), (-(10**30), ">= 1 and <= 9")]
)
def test_integer_refuses_what_is_outside(value, range_):
    with refuses(ValueError, f"n must be an integer {range_}, got {value}"):
        integer("n", value, low=1, high=9)


def test_generator_returns_it_and_refuses_a_seed():
    rng = np.random.default_rng(0)
    assert generator("rng", rng) is rng
    legacy = np.random.RandomState(0)
    for value, got in (
        (0, "int 0"),
        (None, "NoneType None"),
        (legacy, "RandomState RandomState(MT19937)"),
    ):
        with refuses(
            TypeError,
            f"rng must be a np.random.Generator such as np.random.default_rng(0), got {got}",
        ):
            generator("rng", value)


@pytest.mark.parametrize("check", [array, floats])
def test_floats_pass_without_a_copy_and_the_rest_becomes_float64(check):
    for dtype in (np.float16, np.float32, np.float64):
        x = np.arange(8, dtype=dtype)[::2]
        x.flags.writeable = False
        assert check("x", x) is x
    for x in ([1, 2], (True, False), np.arange(3, dtype=np.uint8), 5, range(3)):
        assert check("x", x).dtype == np.float64
        assert check("x", x).tolist() == np.asarray(x).tolist()


@pytest.mark.parametrize("check", [array, floats])
@pytest.mark.parametrize(
    ("value", "kind", "sentence"),
    [
        ([[1], [1, 2]], ValueError, "X must be an array of numbers, got rows of unequal length"),
        (None, TypeError, "X must be an array of real numbers, got NoneType None"),
        (["a"], TypeError, "X must be an array of real numbers, got list ['a']"),
        ({1: 2}, TypeError, "X must be an array of real numbers, got dict {1: 2}"),
        (
            np.ones(2, complex),
            TypeError,
            "X must be an array of real numbers, got an array of shape (2,) and dtype",
        ),
        (
            np.array(["2020"], "M8"),
            TypeError,
            "X must be an array of real numbers, got an array of shape (1,)",
        ),
    ],
)
def test_what_holds_no_real_numbers_is_refused(check, value, kind, sentence):
    with refuses(kind, sentence):
        check("X", value)


@pytest.mark.parametrize(
    ("value", "ndim", "sentence"),
    [
        (np.ones(3), 2, "X must have 2 axes, got shape (3,)"),
        (np.ones((3, 1)), 1, "X must have 1 axis, got shape (3, 1)"),
        (np.ones((0, 3)), 2, "X must hold at least one number, got shape (0, 3)"),
        ([], None, "X must hold at least one number, got shape (0,)"),
        ([1, math.nan, math.inf], 1, "X must hold finite numbers, got 2 nan or infinite"),
        ([[1, -math.inf]], 2, "X must hold finite numbers, got 1 nan or infinite"),
    ],
)
def test_array_refuses_other_axes_nothing_and_what_is_not_finite(value, ndim, sentence):
    with refuses(ValueError, sentence):
        array("X", value, ndim)


def test_floats_let_nan_infinity_and_empty_arrays_pass():
    assert floats("x", [math.nan, -math.inf]).shape == (2,)
    assert floats("x", []).shape == (0,)


def test_describe_is_one_short_line_whatever_comes():
    assert describe("x" * 100) == "a str"
    assert describe([0] * 100) == "a list"
    assert describe(np.zeros((100, 100))) == "an array of shape (100, 100) and dtype float64"
    assert describe(1.5) == "float 1.5"


@pytest.mark.parametrize("value", [-(10**20), 0, 10**20])
def test_without_a_range_any_size_passes(value):
    assert integer("n", value) == value
    assert number("x", value) == float(value)


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_])
def test_flag_returns_a_plain_bool(value):
    assert flag("bias", value) is bool(value)


@pytest.mark.parametrize(
    ("value", "got"), [("False", "str 'False'"), (1, "int 1"), (None, "NoneType None")]
)
def test_flag_refuses_what_would_only_count_as_true_or_false(value, got):
    with refuses(TypeError, f"bias must be True or False, got {got}"):
        flag("bias", value)


@pytest.mark.parametrize("value", [np.float32, "float32", np.dtype("f4")])
def test_float_type_returns_a_dtype(value):
    result = float_type("dtype", value)
    assert isinstance(result, np.dtype)
    assert result == np.float32


@pytest.mark.parametrize(
    ("value", "kind", "got"),
    [
        (np.int64, ValueError, "int64"),
        (bool, ValueError, "bool"),
        (complex, ValueError, "complex128"),
        ("float99", TypeError, "str 'float99'"),
        ("f4, (", TypeError, "str 'f4, ('"),
        (32, TypeError, "int 32"),
    ],
)
def test_float_type_refuses_other_types_and_unknown_names(value, kind, got):
    with refuses(kind, f"dtype must be a floating-point type such as np.float32, got {got}"):
        float_type("dtype", value)


def test_text_returns_a_string_and_refuses_the_rest():
    assert text("name", "a word") == "a word"
    for value, got in (
        ("", "str ''"),
        (b"word", "bytes b'word'"),
        (None, "NoneType None"),
        (["a"], "list ['a']"),
    ):
        with refuses(TypeError, f"name must be a non-empty string, got {got}"):
            text("name", value)


def test_function_returns_what_can_be_called_and_refuses_the_rest():
    assert function("f", np.sum, "np.sum") is np.sum
    with refuses(TypeError, "f must be a function such as np.sum, got int 3"):
        function("f", 3, "np.sum")


def test_quoted_is_one_line_and_is_cut_off():
    assert quoted("a\n  b") == "'a\\n b'"
    assert len(quoted("x" * 200)) == 80
    assert quoted("x" * 200, 3) == "'xx"
    assert quoted(np.zeros((2, 2))) == "array([[0., 0.], [0., 0.]])"


def test_describe_gives_forty_characters_whole_and_no_more():
    assert describe("x" * 38) == f"str '{'x' * 38}'"
    assert describe("x" * 39) == "a str"
