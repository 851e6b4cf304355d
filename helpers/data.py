"""Data: two real sets, Fashion-MNIST, generated sets; splits, batches, scaling, wrong labels.

Nothing here changes an array of the caller, and everything random takes `rng`, a
np.random.Generator.
"""

import functools
import hashlib
import math
from collections import namedtuple
from pathlib import Path

import numpy as np

from helpers.internal import fashion_mnist
from helpers.internal.arguments import array, describe, generator, integer, number, rows

Dataset = namedtuple("Dataset", "X y names")
Dataset.__doc__ = (
    "X (N, D), y (N,) and names: of the D columns for a table, of the classes for images."
)

INSTALLED = Path(__file__).parent / "_data"
FOLDER = INSTALLED if INSTALLED.is_dir() else Path(__file__).parents[1] / "data"

CUBIC = (0.0, -3.0, 0.0, 4.0)

# ---- Two sets that come with the course ----


def load_digits():
    """1,797 handwritten digits of 8x8 pixels: X (1797, 64) from 0 (paper) to 1 (ink), y (1797,).

    y is the digit. The file counts ink from 0 to 16; here it is divided by 16. `names` are those of
    the ten classes. Raises OSError if data/digits.csv is missing or altered.
    Source: Alpaydin and Kaynak (1998); see data/README.md.
    """
    _, table = _table(FOLDER / "digits.csv")
    return Dataset(table[:, :-1] / 16, table[:, -1].astype(np.int64), tuple("0123456789"))


def load_diabetes():
    """442 patients: X (442, 10) as scikit-learn scales it, y (442,) their disease a year later.

    Each column has mean 0 and sum of squares 1, so it has no unit; y is a score from 25 to 346.
    `names` are those of the columns. data/diabetes.csv holds them in their own units. Raises
    OSError if it is missing or altered. Source: Efron, Hastie, Johnstone and Tibshirani (2004),
    section 1, table 1; see data/README.md.
    """
    names, table = _table(FOLDER / "diabetes.csv")
    X = np.column_stack([_unit_length(column) for column in table[:, :-1].T])
    return Dataset(X, table[:, -1].copy(), names[:-1])


def _unit_length(column):
    # fsum rounds once, so these numbers are the same on every processor.
    centered = column - math.fsum(column) / len(column)
    return centered / math.sqrt(math.fsum(centered**2))


@functools.cache
def _table(path):
    """Names and numbers of a CSV file, kept for the next call: loaders hand out new arrays."""
    first, *rows = _verified(path).decode("ascii").splitlines()
    return tuple(first.split(",")), np.loadtxt(rows, delimiter=",")


def _verified(path):
    content = _present(path)
    sums = _present(path.parent / "SHA256SUMS").decode("ascii", "replace")
    if f"{hashlib.sha256(content).hexdigest()}  {path.name}" not in sums.splitlines():
        remedy = _remedy(path.name, "SHA256SUMS")
        raise OSError(f"{path} differs from its SHA-256 in SHA256SUMS: {remedy}")
    return content


def _present(path):
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {_remedy(path.name)}")
    return path.read_bytes()


def _remedy(*names):
    files = " ".join(f"data/{name}" for name in names)
    restore = f"restore it with `git checkout -- {files}` in the course's folder"
    return f"{restore}, or install the course again."


# ---- Fashion-MNIST, downloaded once ----


def load_fashion_mnist(cache=None, base_url=fashion_mnist.URL, progress=True):
    """Return (train, test), 60,000 and 10,000 pictures of clothes: X (N, 784), y (N,) from 0 to 9.

    The pictures are 28x28, row by row, from 0 to 1; `names` are those of the ten classes. X is
    float32, 4 bytes a pixel: 188 MB for the training set and 31 MB for the test set. The first call
    downloads four files (30 MB) to the folder `cache`, by default one of the course's own in the
    system's cache. Later calls need no network. Each call checks the SHA-256 of the files.
    `base_url` may name a mirror. COURSE_PROGRESS=off silences the progress bars.

    Raises OSError if a file cannot be downloaded whole and right; then nothing of it is kept.
    Source: Xiao, Rasul and Vollgraf (2017), arXiv 1708.07747; MIT licence, Zalando SE.
    """
    pairs = fashion_mnist.load(cache, base_url, progress)
    return tuple(Dataset(X, y, fashion_mnist.CLASSES) for X, y in pairs)


# ---- Generated sets ----


def make_moons(n, noise, rng):
    """Two interleaved half circles of radius 1: X (n, 2), y (n,) half 0 and half 1.

    If n is odd there is one 0 more. Class 0 lies at (cos t, sin t), class 1 at
    (1 - cos t, 1/2 - sin t), with t uniform on [0, pi]; then both coordinates get Gaussian noise
    with standard deviation `noise`. The rows are in random order.
    """
    n = integer("n", n, low=2)
    noise = number("noise", noise, low=0)
    y = generator("rng", rng).permutation(n) % 2
    t = rng.uniform(0, np.pi, n)
    upper = np.column_stack([np.cos(t), np.sin(t)])
    X = np.where(y[:, None] == 0, upper, [1, 0.5] - upper)
    return X + rng.normal(0, noise, X.shape), y


def make_polynomial(n, noise, rng, coefficients=CUBIC):
    """y = c_0 + c_1 x + c_2 x^2 + ... + noise: x (n,) uniform on [-1, 1], y (n,).

    The noise is Gaussian with standard deviation `noise`. The default, CUBIC, is 4x^3 - 3x: it goes
    from -1 up to 1 at x = -1/2, down to -1 at x = 1/2 and up again, so a line misses it and degree
    3 has it exactly.
    """
    n = integer("n", n, low=1)
    noise = number("noise", noise, low=0)
    polynomial = np.polynomial.Polynomial(array("coefficients", coefficients, ndim=1))
    x = generator("rng", rng).uniform(-1, 1, n)
    return x, polynomial(x) + rng.normal(0, noise, n)


def make_sparse_regression(n, d, n_nonzero, noise, rng):
    """y = X w + noise, where `n_nonzero` random ones of the d weights are +1 or -1, the others 0.

    Returns X (n, d) with entries from N(0, 1), y (n,) and the true w (d,). The noise is Gaussian
    with standard deviation `noise`.
    """
    n = integer("n", n, low=1)
    d = integer("d", d, low=1)
    n_nonzero = integer("n_nonzero", n_nonzero, low=0, high=d)
    noise = number("noise", noise, low=0)
    rng = generator("rng", rng)
    w = np.zeros(d)
    w[rng.choice(d, n_nonzero, replace=False)] = rng.choice([-1.0, 1.0], n_nonzero)
    X = rng.standard_normal((n, d))
    return X, X @ w + rng.normal(0, noise, n), w


# ---- Splits, batches, scaling, wrong labels ----


def split(X, y, sizes, rng):
    """Deal examples at random into disjoint sets: a pair (X, y) for each size; each x keeps its y.

    (X_train, y_train), (X_test, y_test) = split(X, y, (200, 800), rng). Rows beyond the sum of the
    sizes are left out. Raises ValueError if X and y differ in length or the sizes add up to more
    than that.
    """
    X, y = _paired(X, y)
    try:
        sizes = [integer("each size", size, low=1) for size in sizes]
    except TypeError:
        raise TypeError(
            f"sizes must be integers such as (200, 800), got {describe(sizes)}"
        ) from None
    if not sizes:
        raise ValueError("sizes must hold an integer or more such as (200, 800), got none")
    if sum(sizes) > len(X):
        raise ValueError(f"sizes must add up to at most {len(X)}, the rows of X, got {sum(sizes)}")
    order = generator("rng", rng).permutation(len(X))
    parts = np.split(order, np.cumsum(sizes))[: len(sizes)]
    return [(X[part], y[part]) for part in parts]


def _paired(X, y):
    X = rows("X", X)
    y = rows("y", y)
    if X.ndim == 0 or y.ndim == 0 or len(X) != len(y):
        raise ValueError(
            f"X and y must have the same number of rows, got shapes {X.shape} and {y.shape}"
        )
    return X, y


def minibatches(n, batch_size, rng):
    """One epoch: index arrays that hold each of 0 ... n-1 once, in random order.

    They hold batch_size indices each; the last one may be shorter. The examples are shuffled, not
    the starts of the batches: the same examples meet only by chance in the next epoch.
    """
    n = integer("n", n, low=1)
    batch_size = integer("batch_size", batch_size, low=1)
    order = generator("rng", rng).permutation(n)
    return (order[start : start + batch_size] for start in range(0, n, batch_size))


def standardize(train, *others):
    """(x - mean) / standard deviation for each column, both of `train` alone, for all sets.

    X_train, X_test = standardize(X_train, X_test); one array alone comes back as an array. The
    shapes are (N, ...), the deviation divides by N. A column that is constant in train becomes 0
    there and keeps its unit elsewhere. Raises ValueError if the sets differ in their columns.
    """
    train = array("train", train)
    others = [array("each of the others", other) for other in others]
    for other in others:
        if other.shape[1:] != train.shape[1:]:
            raise ValueError(
                f"all sets must have the columns of train {train.shape[1:]}, got {other.shape[1:]}"
            )
    mean, std = _mean_and_std(train)
    scaled = tuple((x - mean.astype(x.dtype)) / std.astype(x.dtype) for x in (train, *others))
    return scaled if others else scaled[0]


def _mean_and_std(train):
    with np.errstate(over="ignore", invalid="ignore"):
        mean = train.mean(axis=0, dtype=np.float64)
        std = train.std(axis=0, dtype=np.float64)
    if not np.isfinite(std).all():
        raise ValueError(
            f"train must hold numbers with finite squares, got one of size {np.abs(train).max():g}"
        )
    # std == 0 would miss some constants: the mean of ten 0.1 may differ from 0.1.
    constant = train.max(axis=0) == train.min(axis=0)
    return np.where(constant, train[0], mean), np.where(constant, 1.0, std)


def flip_labels(y, share, rng):
    """A copy of y (N,) in which exactly round(share * N) labels are changed, each to another class.

    Which labels, and to which class, is drawn uniformly; the classes are the values in y. Raises
    ValueError unless 0 <= share <= 1 and y holds two classes, TypeError if y does not hold
    integers.
    """
    y = rows("y", y).copy()
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise TypeError(f"y must be one row of integer labels, got {describe(y)}")
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y must hold at least two classes, got {len(classes)}")
    flips = round(number("share", share, low=0, high=1) * len(y))
    chosen = generator("rng", rng).choice(len(y), flips, replace=False)
    y[chosen] = classes[(codes[chosen] + rng.integers(1, len(classes), flips)) % len(classes)]
    return y
