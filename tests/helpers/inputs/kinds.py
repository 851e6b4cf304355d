"""Kinds of arguments: a usual value, values to refuse, and unusual values with the same meaning.

A kind holds `bad` values and `unusual` pairs (given, usual). The answer for the first of a pair
must be that for the second, which is a contiguous array of float64, a float, an int.
"""

import copy
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

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
STRINGS = np.array(["a", "b"])
RAGGED = [[1.0], [1.0, 2.0]]
NO_ARRAYS = [None, "abc", ["a", "b"], RAGGED, [1j], {"a": 1}, {1, 2}, [None], print, STRINGS]
NO_OBJECTS = [None, 3, 0.5, "model", [], {}, object, np.ones(2)]
SEEDS = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Inputs:
    """Values for an argument: all those `listed` are tried, and a sample of those `drawn`."""

    listed: tuple = ()
    drawn: tuple = ()

    def __or__(self, other):
        return Inputs((*self.listed, *other.listed), (*self.drawn, *other.drawn))

    def filter(self, accepts):
        """Those that `accepts` says True for."""
        drawn = tuple(strategy.filter(accepts) for strategy in self.drawn)
        return Inputs(tuple(filter(accepts, self.listed)), drawn)


NOTHING = Inputs()


def listed(*values):
    """A few values, each of which is tried."""
    return Inputs(listed=values)


def drawn(*strategies):
    """More values than can be tried."""
    return Inputs(drawn=strategies)


def built(make, choices, strategy, example):
    """make(choice, value): each of `choices` once with the value `example`, and drawn ones."""
    each = [make(choice, example) for choice in choices]
    return listed(*each) | drawn(st.builds(make, st.sampled_from(choices), strategy))


@dataclass(frozen=True)
class Kind:
    usual: object
    bad: Inputs = NOTHING
    unusual: Inputs = NOTHING

    def fresh(self):
        """A copy of the usual value."""
        return copy.deepcopy(self.usual)

    def but(self, *good):
        """The same kind where these values are not bad."""
        return replace(self, bad=self.bad.filter(lambda value: not any(value is x for x in good)))

    def also(self, *bad):
        """The same kind with more bad values."""
        return replace(self, bad=listed(*bad) | self.bad)

    def only_bad(self):
        """The same kind without unusual values: its call takes 20 ms and more."""
        return replace(self, unusual=NOTHING)


# Numbers and words


def number(usual, low=None, high=None, *, above=None, below=None):
    """A real number between the bounds; booleans, strings and arrays do not count."""
    bottom = low if above is None else above
    top = high if below is None else below
    bad = listed(*NO_NUMBERS, np.nan, np.inf, -np.inf, 10**400, -(10**400), np.float32("nan"))
    bad |= listed(*(bound for bound in (above, below) if bound is not None))
    if bottom is not None:
        bad |= drawn(st.floats(max_value=bottom, exclude_max=above is None, allow_infinity=False))
    if top is not None:
        bad |= drawn(st.floats(min_value=top, exclude_min=below is None, allow_infinity=False))
    start = 0.0 if bottom is None else float(bottom)
    end = 4.0 if top is None else float(top)
    inside = st.integers(1, 63).map(lambda step: start + (end - start) * step / 64)
    types = [float, np.float64, np.float32, Fraction, np.longdouble]
    unusual = built(_converted, types, inside, start + (end - start) / 4)
    whole = [value for value in (0, 1, 2) if start <= value <= end and value not in (above, below)]
    unusual |= listed(
        *((kind(value), float(value)) for kind in (int, np.int64, np.uint8) for value in whole)
    )
    return Kind(usual, bad, unusual)


def _converted(kind, value):
    return kind(value), float(kind(value))


def integer(usual, low=None, high=None, *, least=None, most=None):
    """An integer from low to high; good ones go from `least` (low) to `most` (usual + 2)."""
    bad = listed(*NO_NUMBERS, np.nan, np.inf, 2.0, 2.5, np.float64(3), Fraction(2))
    bad |= drawn(st.floats())
    if low is not None:
        bad |= listed(low - 1) | drawn(st.integers(max_value=low - 1))
    if high is not None:
        bad |= listed(high + 1) | drawn(st.integers(min_value=high + 1))
    if least is None:
        least = usual if low is None else low
    most = usual + 2 if most is None else most
    types = (int, np.int64, np.int16, np.int32)
    pairs = [(kind(value), value) for kind in types for value in range(least, most + 1)]
    return Kind(usual, bad, listed(*pairs))


def flag(*, usual):
    """True or False."""
    bad = listed(0, 1, None, "no", "", [], [False], np.ones(2), 0.0, print)
    bad |= drawn(st.integers(), st.text())
    return Kind(usual, bad, listed((np.False_, False), (np.True_, True)))


def word(usual, *choices):
    """One of the names that are known."""
    bad = listed(None, 3, 0.5, [usual], {}, (), np.ones(2))
    bad |= drawn(st.text().filter(lambda text: text not in choices))
    return Kind(usual, bad, listed(*((np.str_(name), name) for name in choices)))


def text(usual):
    """A string for people."""
    bad = listed(None, 3, 0.5, [usual], {}, np.ones(2), b"x") | drawn(st.integers())
    return Kind(usual, bad, same(usual))


def generator(seed=0):
    """A np.random.Generator; a seed is not enough, since it would restart the draws."""
    bad = listed(None, "0", np.random, np.random.PCG64(0), 0.5, np.ones(2)) | drawn(st.integers())
    pairs = SEEDS.map(lambda seed: (np.random.default_rng(seed), np.random.default_rng(seed)))
    return Kind(np.random.default_rng(seed), bad, drawn(pairs))


def dtype():
    """A floating-point type."""
    bad = listed("int64", "bool", "complex128", "no such type", "", 3, 0.5, ())
    bad |= listed(int, bool, complex, object, np.int8, str)
    unknown = st.text(min_size=4).filter(lambda text: not text.startswith("float"))
    bad |= drawn(unknown, st.integers())
    unusual = listed((np.float64, np.float64), ("float64", np.float64), (float, "f8"))
    unusual |= listed((np.dtype("f4"), np.float32), ("f2", np.float16))
    return Kind(np.float64, bad, unusual)


def same(*values):
    """Usual values alone."""
    return listed(*((value, value) for value in values))


def object_of(usual, *bad, unusual=()):
    """An object with methods, such as a model or a loss; `unusual` others of its kind."""
    refused = listed(*NO_OBJECTS, *bad) | drawn(st.integers(), st.text())
    return Kind(usual, refused, same(usual, *unusual))


def function(*usual):
    """A function."""
    bad = listed(*NO_OBJECTS[:-3]) | drawn(st.integers(), st.text())
    return Kind(usual[0], bad, same(*usual))


def returning(value):
    """A function that returns `value` whatever it is given."""
    return lambda *_, **__: value


def sequence(usual, bad, more=st.floats(), unusual=()):  # noqa: B008 - strategies do not change
    """Several values: bad ones are listed and drawn from `more`, unusual ones are listed."""
    return Kind(usual, listed(*bad) | drawn(more), listed((usual, usual), *unusual))


# Arrays


def _read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


def _not_aligned(values):
    shifted = np.frombuffer(b"." + values.tobytes(), "u1")[1:]
    return shifted.view(values.dtype).reshape(values.shape)


FORMS = {
    "list": np.ndarray.tolist,
    "tuple": lambda values: tuple(values.tolist()),
    "Fortran order": np.asfortranarray,
    "every second": lambda values: np.repeat(values, 2, axis=-1)[..., ::2],
    "backwards": lambda values: values[::-1].copy()[::-1],
    "read-only": _read_only,
    "not aligned": _not_aligned,
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


def _formed(form, values):
    return form(values), values


def _eighths(usual, low, high):
    """A function of a seed: numbers near the usual ones that float16 holds exactly."""

    def near(seed):
        steps = np.random.default_rng(seed).integers(-8, 9, usual.shape)
        return np.clip(np.round(8 * usual) / 8 + steps / 8, low, high)

    return near


def _wrong_axes(usual):
    one_number = usual.ravel()[0].item()
    return [usual[..., None, None, None], usual[None, None, None], np.float64(1.0), one_number]


def _with(usual, value, seed=0):
    """`usual` with `value` at a random place."""
    result = usual.copy()
    result[tuple(np.random.default_rng(seed).integers(0, usual.shape))] = value
    return result


def _somewhere(usual, values):
    """Arrays like `usual` with one of the drawn `values` at a drawn place."""
    return drawn(st.builds(lambda value, seed: _with(usual, value, seed), values, SEEDS))


NOT_FINITE = (np.nan, np.inf, -np.inf)


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
    empty     no examples are refused; otherwise they give an answer with no examples
    finite    nan and infinity are refused; otherwise they come out again
    huge      1e200, whose square is infinite, is refused
    """
    usual = np.asarray(usual, np.float64)
    near = _eighths(usual, low, high)
    bad = listed(*NO_ARRAYS, *wrong)
    unusual = built(_formed, list(forms.values()), SEEDS.map(near), near(0))
    unusual |= built(_rounded, [np.int32], SEEDS.map(near), near(0))
    if axes:
        bad |= listed(*_wrong_axes(usual))
    if empty:
        bad |= listed(usual[:0])
    else:
        unusual |= listed((usual[:0].astype(np.float32), usual[:0]))
    if finite:
        bad |= listed(*(_with(usual, value) for value in NOT_FINITE))
        bad |= _somewhere(usual, st.sampled_from(NOT_FINITE))
    else:
        unusual |= built(lambda value, seed: _hole(usual, value, seed), NOT_FINITE, SEEDS, 0)
    if huge:
        bad |= listed(_with(usual, 1e200)) | _somewhere(usual, st.floats(1e200, 1e308))
    return Kind(usual, bad | _outside(usual, low, high), unusual)


def _rounded(kind, values):
    return np.rint(values).astype(kind), np.rint(values)


def _hole(usual, value, seed):
    values = _with(usual, value, seed)
    return np.asfortranarray(values), values


def _outside(usual, low, high):
    """Arrays like `usual` with one number below `low` or above `high`."""
    bad = NOTHING
    if low is not None:
        bad |= _somewhere(usual, st.floats(max_value=low, exclude_max=True, allow_infinity=False))
    if high is not None:
        bad |= _somewhere(usual, st.floats(min_value=high, exclude_min=True, allow_infinity=False))
    return bad


def labels(usual, classes=None, *, wrong=()):
    """Integer labels (N,) from 0 to classes - 1."""
    usual = np.asarray(usual)
    bad = listed(*NO_ARRAYS, usual[:0], usual[None], usual[:, None, None], *wrong)
    bad |= listed(usual + 0.5, usual + 0.0, usual > 0, usual * np.nan)
    if classes is not None:
        bad |= listed(_with(usual, -1), _with(usual, classes))
        bad |= _somewhere(usual, st.integers(-(2**62), -1))
        bad |= _somewhere(usual, st.integers(classes, 2**62))
    forms = [*FORMS.values(), lambda y: y.astype(np.uint8), lambda y: y.astype(np.int16)]
    mixed = SEEDS.map(lambda seed: _permuted(usual, seed))
    return Kind(usual, bad, built(_formed, forms, mixed, _permuted(usual, 0)))


QUARTERS = (0.0, 0.25, 0.5)


def shares(usual, *, wrong=()):
    """Probabilities (N, C): rows of numbers >= 0 with sum 1."""
    bad = listed(*NO_ARRAYS, *_wrong_axes(usual), usual[:0], 2 * usual, 0 * usual, *wrong)
    bad |= _somewhere(usual, st.floats().filter(lambda x: not -1e-6 < x <= 1 + 1e-6))

    def mixed(seed, share):
        return share * _permuted(usual, seed) + (1 - share) * _permuted(usual, seed + 1)

    forms = list(FLOATS.values())
    mixtures = st.builds(mixed, SEEDS, st.sampled_from(QUARTERS))
    unusual = built(_formed, forms, mixtures, usual)
    return Kind(usual, bad, unusual | listed(*((mixed(0, share),) * 2 for share in QUARTERS)))


def _permuted(values, seed):
    return np.random.default_rng(seed).permutation(values)
