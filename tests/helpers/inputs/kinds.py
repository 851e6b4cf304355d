"""Kinds of arguments: a usual value, values to be refused, and unusual values that mean the same as a usual one.

A kind holds two hypothesis strategies: `bad` draws values, `unusual` pairs (given, usual). The answer for the first
must be that for the second, which is a contiguous array of float64, a float, an int.
"""

import copy
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

NO_NUMBERS = [
    None,
    "0.1",
    "",
    True,
    np.True_,
    1j,
    [1.0],
    (),
    {},
    np.ones(1),
    np.float64,
    print,
    b"1",
]
NO_ARRAYS = [
    None,
    "abc",
    ["a", "b"],
    [[1.0], [1.0, 2.0]],
    [1j],
    {"a": 1},
    {1, 2},
    [None],
    print,
    np.array(["a", "b"]),
]
NO_OBJECTS = [None, 3, 0.5, "model", [], {}, object, np.ones(2)]
SEEDS = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Kind:
    usual: object
    bad: SearchStrategy
    unusual: SearchStrategy

    def fresh(self):
        return copy.deepcopy(self.usual)

    def but(self, *good):
        """The same kind where these values are not bad."""
        return replace(
            self, bad=self.bad.filter(lambda value: not any(value is other for other in good))
        )

    def also(self, *bad):
        """The same kind with more bad values."""
        return replace(self, bad=st.sampled_from(bad) | self.bad)


# Numbers and words


def number(usual, low=None, high=None, *, above=None, below=None):
    """A real number between the bounds. Booleans, words and arrays are none."""
    bottom, top = (
        bound if other is None else other for bound, other in ((low, above), (high, below))
    )
    bad = st.sampled_from(
        [*NO_NUMBERS, np.nan, np.inf, -np.inf, 10**400, -(10**400), np.float32("nan")]
    )
    if bottom is not None:
        bad |= st.floats(max_value=bottom, exclude_max=above is None, allow_infinity=False)
    if top is not None:
        bad |= st.floats(min_value=top, exclude_min=below is None, allow_infinity=False)
    start, end = 0.0 if bottom is None else float(bottom), 4.0 if top is None else float(top)
    steps = st.integers(1, 63).map(
        lambda step: start + (end - start) * step / 64
    )  # inside the bounds
    types = st.sampled_from([float, np.float64, np.float32, Fraction, np.longdouble])
    unusual = st.builds(lambda kind, value: (kind(value), float(kind(value))), types, steps)
    whole = [value for value in (0, 1, 2) if start <= value <= end and value not in (above, below)]
    if whole:
        types = st.sampled_from([int, np.int64, np.uint8])
        unusual |= st.builds(
            lambda kind, value: (kind(value), float(value)), types, st.sampled_from(whole)
        )
    return Kind(usual, bad, unusual)


def integer(usual, low=None, high=None, *, least=None, most=None):
    """An integer from low to high; good values are drawn from `least` to `most`, low and a little above the usual."""
    bad = (
        st.sampled_from([*NO_NUMBERS, np.nan, np.inf, 2.0, 2.5, np.float64(3), Fraction(2)])
        | st.floats()
    )
    bad = st.integers(max_value=low - 1) | bad if low is not None else bad
    bad = st.integers(min_value=high + 1) | bad if high is not None else bad
    least = (usual if low is None else low) if least is None else least
    values = st.integers(least, usual + 2 if most is None else most)
    types = st.sampled_from([int, np.int64, np.int16, np.int32])
    return Kind(usual, bad, st.builds(lambda kind, value: (kind(value), value), types, values))


def flag(usual):
    """True or False."""
    bad = (
        st.sampled_from([0, 1, None, "no", "", [], [False], np.ones(2), 0.0, print])
        | st.integers()
        | st.text()
    )
    return Kind(usual, bad, st.booleans().map(lambda value: (np.bool_(value), value)))


def word(usual, *choices):
    """One of the names that are known."""
    unknown = st.text().filter(lambda text: text not in choices)
    bad = unknown | st.sampled_from([None, 3, 0.5, [usual], {}, (), np.ones(2)])
    return Kind(usual, bad, st.sampled_from(choices).map(lambda name: (np.str_(name), name)))


def text(usual):
    """Words for people."""
    return Kind(
        usual,
        st.sampled_from([None, 3, 0.5, [usual], {}, np.ones(2), b"x"]) | st.integers(),
        same(usual),
    )


def generator(seed=0):
    """A np.random.Generator. A seed is none: it would restart the draws."""
    bad = (
        st.sampled_from([None, "0", np.random, np.random.PCG64(0), 0.5, np.ones(2)]) | st.integers()
    )
    pairs = SEEDS.map(lambda seed: (np.random.default_rng(seed), np.random.default_rng(seed)))
    return Kind(np.random.default_rng(seed), bad, pairs)


def dtype():
    """A floating-point type."""
    names = [
        "int64",
        "bool",
        "complex128",
        "no such type",
        int,
        bool,
        complex,
        object,
        np.int8,
        str,
        3,
        0.5,
        "",
        (),
    ]
    good = [
        (np.float64, np.float64),
        ("float64", np.float64),
        (np.dtype("f4"), np.float32),
        ("f2", np.float16),
    ]
    unknown = st.text(min_size=4).filter(lambda text: not text.startswith("float"))
    return Kind(
        np.float64,
        st.sampled_from(names) | unknown | st.integers(),
        st.sampled_from([*good, (float, "f8")]),
    )


def same(*values):
    """Usual values alone."""
    return st.sampled_from([(value, value) for value in values])


def object_of(usual, *bad, unusual=()):
    """An object with methods, such as a model or a loss; `unusual` others of its kind."""
    pairs = st.sampled_from([usual, *unusual]).map(
        lambda value: (copy.deepcopy(value), copy.deepcopy(value))
    )
    return Kind(usual, st.sampled_from([*NO_OBJECTS, *bad]) | st.integers() | st.text(), pairs)


def function(*usual):
    """A function."""
    return Kind(
        usual[0], st.sampled_from(NO_OBJECTS[:-3]) | st.integers() | st.text(), same(*usual)
    )


def returning(value):
    """A function that returns `value` whatever it is given."""
    return lambda *_, **__: value


def sequence(usual, *bad, drawn=st.floats(), unusual=()):  # noqa: B008 - strategies do not change
    """Several values: what is bad and what is unusual is told."""
    pairs = st.sampled_from([(usual, usual), *unusual])
    return Kind(
        usual, st.sampled_from(bad) | drawn, pairs.map(lambda pair: tuple(map(copy.deepcopy, pair)))
    )


# Arrays


def _read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


FORMS = {
    "list": np.ndarray.tolist,
    "tuple": lambda values: tuple(values.tolist()),
    "Fortran order": np.asfortranarray,
    "every second": lambda values: np.repeat(values, 2, axis=-1)[..., ::2],
    "backwards": lambda values: values[::-1].copy()[::-1],
    "read-only": _read_only,
    "not aligned": lambda values: (
        np.frombuffer(b"." + values.tobytes(), "u1")[1:].view(values.dtype).reshape(values.shape)
    ),
    "big-endian": lambda values: values.astype(values.dtype.newbyteorder(">")),
}
SAME_DTYPE = {name: form for name, form in FORMS.items() if name != "big-endian"}
FLOATS = FORMS | {
    "float32": lambda values: values.astype(np.float32),
    "float16": lambda values: values.astype(np.float16),
    "long double": lambda values: values.astype(np.longdouble),
    "read-only float16": lambda values: _read_only(values.astype(np.float16)),
    "list of arrays": list,
}


def _eighths(usual, low, high):
    """Numbers near the usual ones that float16 holds exactly."""

    def drawn(seed):
        moved = (
            np.round(8 * usual) / 8 + np.random.default_rng(seed).integers(-8, 9, usual.shape) / 8
        )
        return np.clip(moved, low, high)

    return SEEDS.map(drawn)


def _wrong_axes(usual):
    return [
        usual[..., None, None, None],
        usual[None, None, None],
        np.float64(1.0),
        usual.ravel()[0].item(),
    ]


def _with(usual, value):
    def holed(seed):
        result = usual.copy()
        result[tuple(np.random.default_rng(seed).integers(0, usual.shape))] = value
        return result

    return SEEDS.map(holed)


def array(
    usual,
    low=None,
    high=None,
    *,
    wrong=(),
    axes=True,
    empty=True,
    finite=True,
    huge=True,
    forms=FLOATS,
):
    """An array of real numbers.

    wrong     arrays of other shapes that are refused
    axes      another number of axes is refused
    empty     no examples are refused, else they give an answer with no examples
    finite    nan and infinity are refused, else they come out again
    huge      1e200, whose square is infinite, is refused
    """
    usual = np.asarray(usual, np.float64)
    bad = st.sampled_from(
        [*NO_ARRAYS, *(_wrong_axes(usual) if axes else []), *([usual[:0]] if empty else []), *wrong]
    )
    values = _eighths(usual, low, high)
    unusual = st.builds(lambda form, x: (forms[form](x), x), st.sampled_from(list(forms)), values)
    unusual |= values.map(lambda x: (np.rint(x).astype(np.int32), np.rint(x)))
    holes = st.sampled_from([np.nan, np.inf, -np.inf]).flatmap(lambda value: _with(usual, value))
    if finite:
        bad |= holes
    else:
        unusual |= holes.map(lambda x: (np.asfortranarray(x), x))
    if not empty:
        unusual |= st.sampled_from([(usual[:0].astype(np.float32), usual[:0])])
    if huge:
        bad |= st.floats(1e200, 1e308).flatmap(lambda value: _with(usual, value))
    if low is not None:
        bad |= st.floats(max_value=low, exclude_max=True, allow_infinity=False).flatmap(
            lambda x: _with(usual, x)
        )
    if high is not None:
        bad |= st.floats(min_value=high, exclude_min=True, allow_infinity=False).flatmap(
            lambda x: _with(usual, x)
        )
    return Kind(usual, bad, unusual)


def labels(usual, classes=None, *, wrong=()):
    """Integer labels (N,) from 0 to classes - 1."""
    usual = np.asarray(usual)
    bad = [
        *NO_ARRAYS,
        usual[:0],
        usual[None],
        usual[:, None, None],
        usual + 0.5,
        usual + 0.0,
        usual > 0,
    ]
    bad = st.sampled_from([*bad, *wrong, usual * np.nan])
    if classes is not None:
        low, high = st.integers(-(2**62), -1), st.integers(classes, 2**62)
        bad |= (low | high).flatmap(lambda value: _with(usual, value))
    values = SEEDS.map(lambda seed: np.random.default_rng(seed).permutation(usual))
    forms = st.sampled_from(
        [*FORMS.values(), lambda y: y.astype(np.uint8), lambda y: y.astype(np.int16)]
    )
    return Kind(usual, bad, st.builds(lambda form, y: (form(y), y), forms, values))


def shares(usual, *, wrong=()):
    """Probabilities (N, C): rows of numbers >= 0 with sum 1."""
    bad = st.sampled_from(
        [*NO_ARRAYS, *_wrong_axes(usual), usual[:0], 2 * usual, 0 * usual, *wrong]
    )
    bad |= (
        st.floats(allow_nan=True)
        .filter(lambda x: not -1e-6 < x <= 1 + 1e-6)
        .flatmap(lambda x: _with(usual, x))
    )
    mixed = st.builds(
        lambda seed, share: share * _rows(usual, seed) + (1 - share) * _rows(usual, seed + 1),
        SEEDS,
        QUARTERS,
    )
    return Kind(
        usual,
        bad,
        st.builds(lambda form, x: (FLOATS[form](x), x), st.sampled_from(list(FLOATS)), mixed),
    )


QUARTERS = st.sampled_from([0.0, 0.25, 0.5])


def _rows(values, seed):
    return np.random.default_rng(seed).permutation(values)
