"""Linear models with a penalty: ridge, lasso by coordinate descent, their paths, and best subsets.

The objective is mean((y - X w - b)^2) + penalty, with X (N, D), y (N,), w (D,), free intercept b:

                  penalty                               the same in scikit-learn
    ridge         lam/2 ||w||^2                         Ridge(alpha=lam * N / 2)
    lasso         lam ||w||_1                           Lasso(alpha=lam / 2)
    elastic_net   lam (r ||w||_1 + (1 - r)/2 ||w||^2)   ElasticNet(alpha=lam / 2, l1_ratio=r)

A free intercept means: center X and y, fit without it, then b = mean(y) - mean(X) w. The work is
done in float64, and the result has the dtype of X. With G = X^T X / N, c = X^T y / N and
s = y^T y / N of the centered data, the mean squared error is s - 2 c^T w + w^T G w: every fit here
looks at the data through these three. G takes D^2 numbers.

All functions raise TypeError or ValueError, in one sentence, for input of the wrong kind, shape or
range.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from helpers.internal.arguments import array, integer, number


def ridge(X, y, lam):
    """Return (w, b) with the smallest mean((y - X w - b)^2) + lam/2 ||w||^2.

    The gradient 2 (G w - c) + lam w is zero where (G + lam/2 I) w = c. With lam = 0 this is least
    squares; if many w are equally good, it returns the shortest.
    Source: Hoerl and Kennard (1970), equation 2.1.
    """
    data = _Centered(X, y)
    lam = number("lam", lam, low=0)
    if lam == 0:
        return data.with_intercept(np.linalg.lstsq(data.X, data.y)[0])
    return data.with_intercept(np.linalg.solve(data.G + lam / 2 * np.eye(data.D), data.c))


def ridge_path(X, y, lams):
    """Return the ridge weights for every strength: row k (of K, D) belongs to lams[k].

    One singular value decomposition X = U S V^T serves all of them:
    w = V diag(S / (S^2 + N lam/2)) U^T y. Source: Hastie, Tibshirani and Friedman (2009), The
    Elements of Statistical Learning, equation 3.47.
    """
    data = _Centered(X, y)
    lams = _strengths(lams)
    U, S, Vt = data.svd()
    gains = S / (S**2 + data.N / 2 * lams[:, None])  # (K, rank)
    return (gains * (U.T @ data.y) @ Vt).astype(data.dtype)


def effective_degrees_of_freedom(X, lam):
    """Return sum_d S_d^2 / (S_d^2 + N lam/2), the trace of the matrix that ridge fits y with.

    S are the singular values of the centered X. It falls from the rank of X at lam = 0 towards 0;
    the free intercept would add 1. Source: Hastie, Tibshirani and Friedman (2009), equation 3.50.
    """
    data = _Centered(array("X", X, ndim=2), np.zeros(len(X)))
    squares = data.svd()[1] ** 2
    return float(np.sum(squares / (squares + data.N / 2 * number("lam", lam, low=0))))


def soft_threshold(z, t):
    """Return sign(z) max(|z| - t, 0), the w with the smallest (w - z)^2 / 2 + t |w|, for t >= 0.

    It works elementwise. A minimum at w > 0 has slope w - z + t = 0, so w = z - t, which is
    positive only if z > t. In the same way w = z + t if z < -t. In between no slope is zero, and
    the kink w = 0 is the minimum. Source: Friedman, Hastie and Tibshirani (2010), equation 6.
    """
    z = array("z", z)
    t = array("t", t)
    if np.any(t < 0):
        raise ValueError(f"t must hold numbers >= 0, got {t.min()}")
    try:
        np.broadcast_shapes(z.shape, t.shape)
    except ValueError:
        raise ValueError(
            f"t must be a number or have the shape of z, {z.shape}, got {t.shape}"
        ) from None
    t = t.astype(z.dtype)
    # One of the two is zero, and -0.0 never comes out.
    return np.maximum(z - t, 0) + np.minimum(z + t, 0)


def lam_max(X, y):
    """Return the smallest lam at which all lasso weights are zero: 2 max_d |c_d|.

    At w = 0 the slope of the error along w_d is -2 c_d, and it must beat lam to move the weight off
    its kink.
    """
    return 2 * float(np.abs(_Centered(X, y).c).max())


def lasso(X, y, lam, *, tol=1e-12, max_sweeps=1_000):
    """Return (w, b) with the smallest mean((y - X w - b)^2) + lam ||w||_1, as `lasso_path` does."""
    return elastic_net(X, y, lam, 1.0, tol=tol, max_sweeps=max_sweeps)


def elastic_net(X, y, lam, l1_ratio, *, tol=1e-12, max_sweeps=1_000):
    """Return (w, b) with the smallest mean((y - X w - b)^2) + lam (r ||w||_1 + (1 - r)/2 ||w||^2).

    r is l1_ratio. The squared part adds lam (1 - r)/2 to the diagonal of G; what remains is a lasso
    with strength lam r. Two copies of one column get equal weights for r < 1, while the lasso
    leaves the split open. Source: Zou and Hastie (2005), lemmas 1 and 2.
    """
    data = _Centered(X, y)
    lam = number("lam", lam, low=0)
    r = number("l1_ratio", l1_ratio, low=0, high=1)
    if lam * r == 0:
        return ridge(X, y, lam)
    G = data.G + lam * (1 - r) / 2 * np.eye(data.D)
    problem = _Lasso(G, data.c, data.s, *_stopping(tol, max_sweeps))
    return data.with_intercept(problem.solve(lam * r, np.zeros(data.D)))


def lasso_path(X, y, lams, *, tol=1e-12, max_sweeps=1_000):
    """Return the lasso weights for every strength: row k (of K, D) belongs to lams[k].

    Cyclic coordinate descent: with all other weights held, the best w_d is
    soft_threshold(c_d - sum_{j != d} G_dj w_j, lam/2) / G_dd. After each sweep the nonzero weights
    jump to the minimum for their present signs. The strengths are taken from large to small, each
    started from the weights of the one before. It stops when the duality gap proves that the
    objective is at most `tol` * (mean square of the centered y) above its minimum, and raises
    RuntimeError after `max_sweeps` sweeps without that proof.

    Source: Friedman, Hastie and Tibshirani (2010), sections 2.1, 2.2 and 2.5; the jump: Lee et al.
    (2006), "Efficient sparse coding algorithms", algorithm 1; the gap: Kim et al. (2007), section
    III.
    """
    data = _Centered(X, y)
    lams = _strengths(lams)
    problem = _Lasso(data.G, data.c, data.s, *_stopping(tol, max_sweeps))
    path = np.zeros((len(lams), data.D))
    w = np.zeros(data.D)
    for k in np.argsort(-lams, kind="stable"):
        w = problem.solve(lams[k], w) if lams[k] > 0 else np.linalg.lstsq(data.X, data.y)[0]
        path[k] = w
    return path.astype(data.dtype)


class Subset(NamedTuple):
    """The columns used, in ascending order, and the residual sum of squares."""

    support: tuple
    rss: float


def best_subsets(X, y):
    """Return a list whose entry k, for k = 0..D, is the best Subset of k columns for least squares.

    All 2^D supports are fitted, so D is at most 15. Take the cross products of the columns and y.
    To bring in column d, subtract what d explains of each pair: A_ij - A_id A_dj / A_dd. Done for
    one column after the other, once with it and once without, this leaves every support's residual
    sum of squares. A column that the others determine explains nothing. Among equally good supports
    the one with the smaller column numbers is taken. Source: the sweep operator, Goodnight (1979);
    best subsets: Hastie, Tibshirani and Friedman (2009), section 3.3.1.
    """
    data = _Centered(X, y)
    integer("the number of columns of X", data.D, high=15)
    rss = _all_residuals(np.column_stack([data.X, data.y]))
    sizes = np.bitwise_count(np.arange(2**data.D))
    return [_best(np.flatnonzero(sizes == size), rss, data.D) for size in range(data.D + 1)]


def _all_residuals(columns):
    """The residual sum of squares of the last column on each subset of the others.

    Bit d of its index says whether column d is in the subset.
    """
    A = (columns.T @ columns)[None]
    for square in np.diag(A[0])[:-1]:
        pivot = A[:, 0, 0]
        row = A[:, 0, 1:]
        free = pivot > 1e-12 * square  # otherwise it is a combination of the columns already in
        share = row / np.where(free, pivot, np.inf)[:, None]
        rest = A[:, 1:, 1:]
        A = np.concatenate([rest, rest - share[:, :, None] * row[:, None, :]])
    return np.maximum(A[:, 0, 0], 0)


def _best(candidates, rss, D):
    worst_tie = rss[candidates].min() + 1e-12 * rss[0]
    tied = [
        [d for d in range(D) if index >> d & 1]
        for index in candidates[rss[candidates] <= worst_tie]
    ]
    support = min(tied)
    return Subset(tuple(support), float(rss[sum(1 << d for d in support)]))


@dataclass
class _Lasso:
    """Minimize s - 2 c^T w + w^T G w + lam ||w||_1 over w (D,)."""

    G: np.ndarray
    c: np.ndarray
    s: float
    tol: float
    max_sweeps: int

    def __post_init__(self):
        self.jitter = 1e-12 * np.diag(self.G).max()

    def solve(self, lam, w):
        """Sweep and finish in turn, from `w`, until the duality gap is small."""
        for _ in range(self.max_sweeps):
            w = self.finish(lam, self.sweep(lam, w))
            gap = self.gap(lam, w)
            if gap <= self.tol * self.s:
                return w
        raise RuntimeError(
            f"lasso did not converge: at lam = {lam:g} the relative duality gap is "
            f"{gap / self.s:.1e} after {self.max_sweeps} sweeps, above tol = {self.tol:g}; "
            f"raise one of the two"
        )

    def sweep(self, lam, w):
        """One pass of exact minimizations over the weights off their kink, or about to leave it."""
        w = w.copy()
        q = self.c - self.G @ w  # minus half the slope of the error, kept up to date
        for d in np.flatnonzero((w != 0) | (np.abs(q) > lam / 2)):
            new = _shrink(float(q[d] + self.G[d, d] * w[d]), lam / 2) / self.G[d, d]
            q -= self.G[d] * (new - w[d])
            w[d] = new
        return w

    def finish(self, lam, w):
        """Jump to the minimum for the present signs; drop a weight that would change its sign."""
        while True:
            on = np.flatnonzero(w)
            slope = (self.c - self.G @ w)[on] - lam / 2 * np.sign(w[on])
            small = self.jitter * np.eye(len(on))  # with two copies of a column G is singular
            step = np.linalg.solve(self.G[np.ix_(on, on)] + small, slope)
            reach = np.divide(-w[on], step, where=w[on] * (w[on] + step) < 0, out=np.ones(len(on)))
            w[on] += step * reach.min(initial=1)
            if reach.min(initial=1) == 1:
                return w
            w[on[reach.argmin()]] = 0

    def gap(self, lam, w):
        """The objective at w minus a lower bound of its minimum.

        The bound comes from the residual r = y - X w, scaled to fit the dual: any a with
        a |X_d^T r| / N <= lam/2 for all d proves that the minimum is at least
        (2 a r^T y - a^2 r^T r) / N.
        """
        q = self.c - self.G @ w
        ry = self.s - self.c @ w
        rr = ry - q @ w
        rounding = 1e-14 * np.abs(self.c).max()  # q is a difference: it carries the rounding of c
        room = lam / 2 + rounding
        a = room / max(np.abs(q).max(), room)
        return rr + lam * np.abs(w).sum() - (2 * a * ry - a**2 * rr)


class _Centered:
    """X and y without their means, in float64, and what every fit needs of them."""

    def __init__(self, X, y):
        X = array("X", X, ndim=2)
        y = array("y", y, ndim=1)
        self.dtype = X.dtype
        self.N, self.D = X.shape
        if len(y) != self.N:
            expected = f"y must have one number for each of the {self.N} rows of X"
            raise ValueError(f"{expected}, got {len(y)}")
        self.X, self.X_mean = _without_mean(X)
        self.y, self.y_mean = _without_mean(y)
        with np.errstate(over="ignore", invalid="ignore"):
            self.G = self.X.T @ self.X / self.N
            self.c = self.X.T @ self.y / self.N
            self.s = self.y @ self.y / self.N
        _refuse_huge("X", X, self.G)
        _refuse_huge("y", y, self.s)

    def with_intercept(self, w):
        return w.astype(self.dtype), self.dtype.type(self.y_mean - self.X_mean @ w)

    def svd(self):
        """U, S, V^T of X up to its rank: what is left is rounding."""
        U, S, Vt = np.linalg.svd(self.X, full_matrices=False)
        rounding = S[0] * max(self.N, self.D) * np.finfo(np.float64).eps
        rank = np.count_nonzero(rounding < S)
        return U[:, :rank], S[:rank], Vt[:rank]


def _refuse_huge(name, values, *products):
    if not all(np.isfinite(product).all() for product in products):
        size = np.abs(values).max()
        raise ValueError(f"{name} must hold numbers with finite squares, got one of size {size:g}")


def _without_mean(values):
    values = values.astype(np.float64)
    mean = values.mean(axis=0)
    constant = (values == values[0]).all(axis=0)  # rounding of the mean would leave dust here
    return np.where(constant, 0.0, values - mean), mean


def _shrink(z, t):
    """soft_threshold of two floats, quick because it runs for every weight of every sweep."""
    return max(z - t, 0.0) + min(z + t, 0.0)


def _strengths(lams):
    lams = array("lams", lams, ndim=1).astype(np.float64)
    if np.any(lams < 0):
        raise ValueError(f"lams must hold numbers >= 0, got {lams.min()}")
    return lams


def _stopping(tol, max_sweeps):
    return number("tol", tol, above=0), integer("max_sweeps", max_sweeps, low=1)
