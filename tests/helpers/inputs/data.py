"""Data and what needs no network: sets, augmentation, linear models, checks, claims, arguments."""

import contextlib
import io

import numpy as np
from hypothesis import strategies as st

from helpers import augmentation, claims, data, gradcheck, layers, linear_models
from helpers.internal import arguments
from tests.helpers.inputs.kinds import (
    NO_ARRAYS,
    NO_NUMBERS,
    Kind,
    array,
    drawn,
    dtype,
    flag,
    function,
    generator,
    integer,
    labels,
    listed,
    number,
    object_of,
    returning,
    same,
    sequence,
    shares,
    text,
)
from tests.helpers.inputs.row import Row

RNG = np.random.default_rng(0)
X = np.round(8 * RNG.standard_normal((5, 3))) / 8
Y = np.round(8 * RNG.standard_normal(5)) / 8
IMAGES = np.round(8 * RNG.random((3, 4, 5))) / 8
COLORED = np.round(8 * RNG.random((2, 3, 4, 4))) / 8
LABELS = np.array([0, 2, 1, 1, 0])
SHARES = np.eye(3)[LABELS]
COUNT = integer(5, low=1)
NOISE = number(0.5, low=0)


# ---- Data sets, splits, batches ----


SIZES = sequence(
    (2, 3),
    [None, 3, "ab", {}, (), (None,), (0, 3), (-1, 3), (2.0, 3), (True, 2), [[2, 3]], (2, 4), (6,)],
    more=st.tuples(st.integers(6), st.integers()) | st.floats(),
    unusual=[([2, 3], (2, 3)), (np.array([2, 3]), (2, 3)), ((np.int8(1),), (1,))],
)
NO_FOLDERS = listed(3, 0.5, [], {}, object(), np.ones(2)) | drawn(st.integers())
NO_URLS = listed(None, 3, "", "ftp://x.y/", b"https://x.y", []) | drawn(st.text(), st.integers())
DATA = {
    "data.Dataset": Row(lambda: data.Dataset(X, Y, ("a", "b", "c")).X),
    "data.load_digits": Row(lambda: data.load_digits().y),
    "data.load_diabetes": Row(lambda: data.load_diabetes().y),
    "data.load_fashion_mnist": Row(
        data.load_fashion_mnist,
        cache=Kind(None, NO_FOLDERS),
        base_url=Kind("https://127.0.0.1:9/", NO_URLS),
        progress=flag(usual=False).only_bad(),
    ),
    "data.make_moons": Row(data.make_moons, n=integer(4, low=2), noise=NOISE, rng=generator()),
    "data.make_polynomial": Row(
        data.make_polynomial,
        n=COUNT,
        noise=NOISE,
        rng=generator(),
        coefficients=array(Y, wrong=[X], huge=False),
    ),
    "data.make_sparse_regression": Row(
        data.make_sparse_regression,
        n=COUNT,
        d=integer(4, low=1, least=4),
        n_nonzero=integer(3, low=0, high=4, most=4),
        noise=NOISE,
        rng=generator(),
    ),
    "data.split": Row(
        data.split,
        X=array(X, axes=False, wrong=[X[:4], 1.0], finite=False, huge=False),
        y=array(Y, axes=False, wrong=[Y[:4], 1.0], finite=False, huge=False),
        sizes=SIZES,
        rng=generator(),
    ),
    "data.minibatches": Row(
        data.minibatches, n=COUNT, batch_size=integer(2, low=1), rng=generator()
    ),
    "data.standardize": Row(
        lambda train, others: data.standardize(train, others),
        train=array(X, axes=False, wrong=[X[:, :2], X[0]]),
        others=array(X, axes=False, wrong=[X[:, :2], X[0]], huge=False),
    ),
    "data.flip_labels": Row(
        data.flip_labels,
        y=labels(LABELS, wrong=[0 * LABELS]),
        share=number(0.5, low=0, high=1),
        rng=generator(),
    ),
}


# ---- Augmentation ----


def images(values, **options):
    return array(values, wrong=[values[0, 0], values[..., :0]], axes=True, huge=False, **options)


AUGMENTATION = {
    "augmentation.shift": Row(
        augmentation.shift,
        images=images(IMAGES),
        most=integer(1, low=0, high=3, most=3),
        rng=generator(),
        fill=number(0.5),
    ),
    "augmentation.rotate": Row(
        augmentation.rotate,
        images=images(COLORED),
        degrees=number(30, low=0, high=180),
        rng=generator(),
        fill=number(0.5),
    ),
    "augmentation.jitter": Row(
        augmentation.jitter, X=array(X, axes=False, huge=False), std=NOISE, rng=generator()
    ),
    "augmentation.cutout": Row(
        augmentation.cutout,
        images=images(COLORED),
        size=integer(2, low=0),
        rng=generator(),
        fill=number(0.5),
    ),
    "augmentation.mixup": Row(
        augmentation.mixup,
        X=array(X, axes=False, wrong=[X[:4], 1.0], huge=False),
        y=labels(LABELS, 3, wrong=[SHARES[:4], SHARES + 1]),
        alpha=number(0.5, above=0),
        rng=generator(),
        classes=integer(3, low=1, least=3),
    ),
    "augmentation.mixup (probabilities)": Row(
        augmentation.mixup,
        X=array(X, axes=False, wrong=[X[:4], 1.0], huge=False),
        y=shares(SHARES, wrong=[SHARES[:4], SHARES.T]),
        alpha=number(0.5, above=0),
        rng=generator(),
        classes=integer(3, low=3, high=3, most=3).but(None),
    ),
}


# ---- Linear models ----

XS = array(X, wrong=[X[:4], X[0], X[:, :0]])
YS = array(Y, wrong=[Y[:4], X])
LAM = NOISE
LAMS = array([0.5, 0.0, 2.0], low=0, huge=False)
DESCENT = {"tol": number(1e-10, above=0), "max_sweeps": integer(1_000, low=1, least=1_000)}


def one_example(function, **kinds):
    """The same where X has one row and y one number."""
    return Row(
        function,
        X=array(X[:1], wrong=[X, X[0], X[:, :0]], huge=False),
        y=array(Y[:1], wrong=[Y, X[:1]], huge=False),
        **kinds,
    )


LINEAR_MODELS = {
    "linear_models.ridge": Row(linear_models.ridge, X=XS, y=YS, lam=LAM),
    "linear_models.ridge (one example)": one_example(linear_models.ridge, lam=LAM),
    "linear_models.ridge_path": Row(linear_models.ridge_path, X=XS, y=YS, lams=LAMS),
    "linear_models.ridge_path (one example)": one_example(linear_models.ridge_path, lams=LAMS),
    "linear_models.effective_degrees_of_freedom": Row(
        linear_models.effective_degrees_of_freedom, X=array(X, wrong=[X[0], X[:, :0]]), lam=LAM
    ),
    "linear_models.soft_threshold": Row(
        linear_models.soft_threshold,
        z=array(X, axes=False, wrong=[X[:, :2]], huge=False),
        t=array(np.abs(X[0]), low=0, axes=False, wrong=[X[:, :2]], huge=False),
    ),
    "linear_models.lam_max": Row(linear_models.lam_max, X=XS, y=YS),
    "linear_models.lasso": Row(linear_models.lasso, X=XS, y=YS, lam=LAM, **DESCENT),
    "linear_models.lasso (one example)": one_example(linear_models.lasso, lam=LAM),
    "linear_models.elastic_net": Row(
        linear_models.elastic_net,
        X=XS,
        y=YS,
        lam=LAM,
        l1_ratio=number(0.5, low=0, high=1),
        **DESCENT,
    ),
    "linear_models.lasso_path": Row(linear_models.lasso_path, X=XS, y=YS, lams=LAMS, **DESCENT),
    "linear_models.lasso_path (one example)": one_example(linear_models.lasso_path, lams=LAMS),
    "linear_models.best_subsets": Row(
        linear_models.best_subsets,
        X=array(X, wrong=[X[:4], X[0], X[:, :0], np.ones((5, 16))]),
        y=YS,
    ),
    "linear_models.best_subsets (one example)": one_example(linear_models.best_subsets),
    "linear_models.Subset": Row(lambda: linear_models.Subset((0,), 1.0).rss),
}


# ---- Checks and claims ----


def linear():
    return layers.Linear(3, 2, np.random.default_rng(0))


def silently(function):
    """The same without what it prints, which pytest would keep each time."""

    def call(**kinds):
        with contextlib.redirect_stdout(io.StringIO()):
            return function(**kinds)

    return call


SMALL = layers.Linear(3, 2, np.random.default_rng(0), dtype=np.float32)
CHECKS = {
    "gradcheck.numerical_gradient": Row(
        gradcheck.numerical_gradient,
        f=function(np.sum).also(
            np.exp, returning("a"), returning(None), returning(1j), returning(X[:0])
        ),
        x=array(X[:1], axes=False, huge=False),
        h=number(1e-5, above=0).also(1e-30),
    ),
    "gradcheck.relative_error": Row(
        gradcheck.relative_error,
        a=array(X, wrong=[X[:4], X[:, :2]], huge=False, finite=False),
        b=array(X + 1, wrong=[X[:4], X[:, :2]], huge=False, finite=False),
        floor=number(1e-8, above=0),
    ),
    "gradcheck.check_layer": Row(
        lambda **kinds: [error < 1e-6 for error in gradcheck.check_layer(**kinds).values()],
        layer=object_of(linear(), layers.Linear, SMALL, [linear()]),
        x=array(X[:2], wrong=[X[:, :2]], huge=False),
        rng=generator(),
    ),
    "claims.claim": Row(
        silently(claims.claim),
        sentence=text("This holds."),
        holds=Kind(usual=True, bad=flag(usual=True).bad, unusual=listed((np.True_, True))),
    ),
    "claims.claim_with": Row(
        silently(claims.claim_with),
        package=text("math").also(""),
        sentence=text("This holds."),
        check=function(lambda: True).also(lambda: 1, lambda: np.ones(2), lambda: None),
    ),
    "claims.ClaimFailed": Row(lambda: str(claims.ClaimFailed("does not hold"))),
}


# ---- Arguments ----


def _ragged(row):
    return [row, [*row, 0.0]]


def outcome(value):
    return value.random() if isinstance(value, np.random.Generator) else value


def named(check, **kinds):
    """A check of one argument, under the name `value`."""
    return Row(lambda value: outcome(check("value", value, **kinds)), value=CHECKED[check])


CHECKED = {
    arguments.number: number(0.5),
    arguments.integer: integer(3),
    arguments.flag: flag(usual=True),
    arguments.generator: generator(),
    arguments.text: text("a word").also(""),
    arguments.float_type: dtype(),
    arguments.function: function(np.sum),
    arguments.floats: array(X, axes=False, finite=False, huge=False, empty=False),
    arguments.array: array(X, axes=False, huge=False),
    arguments.rows: Kind(X, drawn(st.lists(st.floats(), min_size=1).map(_ragged)), same(X)),
}


def short(describe, most):
    """A row for what describes any value in one line of at most so many characters."""

    def is_short(value):
        described = describe(value)
        return "\n" not in described and len(described) <= most

    others = st.text() | st.floats() | st.binary()
    unusual = listed(*((value, 0.5) for value in (*NO_NUMBERS, *NO_ARRAYS)))
    unusual |= drawn(others.map(lambda value: (value, 0.5)))
    return Row(is_short, value=Kind(0.5, unusual=unusual))


ARGUMENTS = {
    f"arguments.{check.__name__}": named(check)
    for check in CHECKED
    if check is not arguments.function
} | {
    "arguments.quoted": short(arguments.quoted, 80),
    "arguments.function": named(arguments.function, example="np.sum"),
    "arguments.describe": short(arguments.describe, 199),
}

TABLE = DATA | AUGMENTATION | LINEAR_MODELS | CHECKS | ARGUMENTS
