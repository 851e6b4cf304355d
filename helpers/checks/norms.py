"""Checks of assignment 01, norms."""

import numpy as np

from helpers.checks.exercise import exercise, expect, expect_equal, metrics, numbers, parts


@exercise(1, "the soft threshold")
def threshold(soft_threshold, rng):
    """soft_threshold(z, t) -> sign(z) max(|z| - t, 0), for an array z of any shape and a number t."""
    t = rng.uniform(0.5, 1.5)
    small = rng.random((5, 8)) < 0.5
    small[0, :2], small[1, :2] = True, False
    size = t * np.where(small, rng.uniform(0.1, 0.9, small.shape), rng.uniform(1.2, 4, small.shape))
    z = size * rng.choice([-1, 1], small.shape)
    z[1, :2] = -size[1, 0], size[1, 1]
    sign, left = np.sign(z), np.abs(z) - t
    got = numbers(soft_threshold(z, t))
    seen = f"t = {t:.2f}:"
    expect_equal(
        got,
        sign * np.maximum(left, 0),
        (
            "wrong threshold",
            f"{seen} z = {z[1, 1]:.2f} and z = {z[0, 0]:.2f} give which w? Search a grid of w.",
        ),
        [
            (
                "hard threshold",
                f"{seen} large z are kept whole. The pull of |w| moves them too: by how much?",
                z * ~small,
            ),
            (
                "sign lost",
                "A negative z gives a positive w. Which side of zero should w be on?",
                np.maximum(left, 0),
            ),
            (
                "not clipped at zero",
                f"{seen} a z below t jumps over zero. It should stop where?",
                sign * left,
            ),
            (
                "t always subtracted",
                f"{seen} z = {z[1, 0]:.2f} moves away from zero. Towards zero is up there.",
                z - t,
            ),
            (
                "negative side lost",
                "All negative z become 0. The penalty treats both sides alike.",
                np.maximum(z - t, 0),
            ),
            (
                "shrinks proportionally",
                "Every z loses the same share: that is L2's step, not L1's.",
                z / (1 + t),
            ),
            (
                "shrinks proportionally",
                "Every z is multiplied by 1 - t: that is L2's step, not L1's.",
                z * (1 - t),
            ),
            (
                "small kept and large cut",
                "You return what the threshold takes off, not what is left.",
                np.clip(z, -t, t),
            ),
            (
                "sign only",
                "Large z become 1 or -1. How far is z from the threshold?",
                sign * ~small,
            ),
            (
                "half the threshold",
                "z moves by t/2. The slope of t |w| is t.",
                sign * np.maximum(np.abs(z) - t / 2, 0),
            ),
        ],
    )
    expect(
        (got[small] == 0).all(),
        "no exact zeros",
        f"{seen} small z end near 0, not at 0. Sparse means exactly 0.",
    )


@exercise(2, "four norms of one matrix")
def norms(matrix_norms, rng):
    """matrix_norms(W) -> (Frobenius, spectral, sum of sizes, largest column sum)."""
    W = rng.uniform(0.2, 2, (4, 6)) * rng.choice([-1, 1], (4, 6))
    W[:2] = np.abs(W[:2]) * np.array([[1], [-1]])  # no column and no sum of one sign
    sigma, sizes = np.linalg.svd(W, compute_uv=False), np.abs(W)
    names = "(Frobenius, spectral, sum of sizes, largest column sum)"
    frobenius, spectral, entries, column = parts(matrix_norms(W), 4, names)
    root = np.sqrt((W**2).sum())
    expect_equal(
        frobenius,
        root,
        ("wrong Frobenius norm", "It is the length of W, read as one long vector."),
        [
            (
                "square root forgotten",
                "The first is the square of the Frobenius norm: doubling W makes it four times.",
                root**2,
            ),
            (
                "spectral for Frobenius",
                "The first is the largest singular value. Frobenius takes all of them.",
                sigma[0],
            ),
            (
                "mean for the sum",
                "The first has a mean in it. A norm adds up the squares.",
                root / np.sqrt(W.size),
            ),
        ],
    )
    expect_equal(
        spectral,
        sigma[0],
        (
            "wrong spectral norm",
            "The second is the largest stretch, max |uW| over all u of length 1.",
        ),
        [
            (
                "Frobenius for spectral",
                "The second equals the first. Without an order, np.linalg.norm is Frobenius.",
                root,
            ),
            (
                "eigenvalue for singular value",
                "The second is the eigenvalue of W^T W. What is its root?",
                sigma[0] ** 2,
            ),
            (
                "smallest singular value",
                "The second is the smallest stretch. In which order do singular values come?",
                sigma[-1],
            ),
            (
                "nuclear norm",
                "The second adds all singular values. The largest stretch is one of them.",
                sigma.sum(),
            ),
        ],
    )
    expect_equal(
        entries,
        sizes.sum(),
        ("wrong sum of sizes", "The third is what an L1 penalty adds up: |w| of every entry."),
        [
            (
                "column sum for the sum of entries",
                "The third is np.linalg.norm(W, 1), one column's sum. Every entry counts.",
                sizes.sum(axis=0).max(),
            ),
            (
                "row sum for the sum of entries",
                "The third looks at one row of W only. Every entry counts.",
                sizes.sum(axis=1).max(),
            ),
            ("sizes forgotten", "In the third, negative entries cancel positive ones.", W.sum()),
            (
                "nuclear norm",
                "The third adds singular values; an L1 penalty adds entries.",
                sigma.sum(),
            ),
            ("Frobenius for L1", "The third squares the entries. L1 takes their sizes.", root),
        ],
    )
    expect_equal(
        column,
        sizes.sum(axis=0).max(),
        ("wrong column sum", "For the fourth, add up |w| down each column, then take the largest."),
        [
            (
                "row sum for column sum",
                "The fourth adds along the rows of W, shape (4, 6). Which axis runs down a column?",
                sizes.sum(axis=1).max(),
            ),
            (
                "sum of entries for column sum",
                "The fourth adds all columns together. Take the largest.",
                sizes.sum(),
            ),
            (
                "sizes forgotten",
                "In the fourth, negative entries cancel positive ones.",
                W.sum(axis=0).max(),
            ),
            (
                "length of a column",
                "The fourth squares the entries of a column. Add up their sizes.",
                np.sqrt((W**2).sum(axis=0).max()),
            ),
        ],
    )


@exercise(3, "the L2 penalty and its gradient")
def penalty(l2_penalty, rng):
    """l2_penalty(W, lam) -> (value, gradient): lam/2 times the squared Frobenius norm, and its slope."""
    W, lam = rng.normal(0, 2, (3, 4)), rng.uniform(0.2, 0.8)
    value, gradient = parts(l2_penalty(W, lam), 2, "(value, gradient)")
    square, root = (W**2).sum(), np.sqrt((W**2).sum())
    expect_equal(
        value,
        lam / 2 * square,
        (
            "wrong penalty",
            "Add up the squares of all entries, then see which factor stands in front.",
        ),
        [
            (
                "norm where its square belongs",
                "Doubling W doubles the value; it should make it four times.",
                lam / 2 * root,
            ),
            (
                "norm where its square belongs",
                "The value grows like the length of W, not like its square.",
                lam * root,
            ),
            (
                "half forgotten",
                "The value is twice the right one. See what stands before the sum.",
                lam * square,
            ),
            (
                "mean for the sum",
                f"W has {W.size} entries, and the value is that much too small. Nothing is averaged.",
                lam / 2 * square / W.size,
            ),
            (
                "spectral norm",
                "np.linalg.norm(W, 2) of a matrix sees one singular value. Use every entry.",
                lam / 2 * np.linalg.norm(W, 2) ** 2,
            ),
            ("L1 for L2", "You add up sizes, the penalty adds up squares.", lam * np.abs(W).sum()),
            (
                "lam forgotten",
                "The value does not know lam. Where is it in the formula?",
                square / 2,
            ),
        ],
    )
    expect_equal(
        gradient,
        lam * W,
        (
            "wrong gradient",
            "Differentiate lam/2 w^2 for one entry. The gradient has the shape of W.",
        ),
        [
            (
                "factor 2 left over",
                "The gradient is twice the slope of your value. What does the 1/2 do?",
                2 * lam * W,
            ),
            (
                "half left over",
                "The gradient is half the slope of your value. The square brings a 2.",
                lam / 2 * W,
            ),
            (
                "gradient of the norm",
                "It has length lam however small W is: the slope of ||W||.",
                lam * W / root,
            ),
            (
                "gradient of L1",
                "All entries are pulled alike. Here the pull goes with the size.",
                lam * np.sign(W),
            ),
            (
                "gradient of the mean",
                "It is too small by the number of entries. The penalty is a sum.",
                lam * W / W.size,
            ),
            (
                "wrong sign",
                "Uphill is away from zero; the minus comes with the descent step.",
                -lam * W,
            ),
            ("lam forgotten", "The gradient does not know lam. It is a factor of the value.", W),
        ],
    )


def _regression(rng, n=20):
    """Columns of different scales that are correlated, targets, and weights of which one is 0 and one small."""
    X = rng.standard_normal((n, 5)) * np.linspace(0.6, 1.8, 5) + 0.4 * rng.standard_normal((n, 1))
    y = X @ rng.choice([-2.0, 2.0], 5) + rng.standard_normal(n)
    return X, y, rng.uniform(0.5, 1.5, 5) * [1, -0.02, 0, 1, -1]


@exercise(4, "find the bug: zeros that depend on the learning rate")
def step(proximal_step, rng):
    """proximal_step(w, X, y, lr, lam) -> w after one step on mean((y - X w)^2) + lam ||w||_1."""
    (X, y, w), lr = _regression(rng), rng.uniform(0.02, 0.05)
    slope = 2 * X.T @ (X @ w - y) / len(y)
    down = w - lr * slope
    lam = max(0.04, 0.5 * np.sort(np.abs(down))[1:3].sum()) / lr  # zeroes about two of five weights
    half = w - lr * slope / 2
    expect_equal(
        proximal_step(w, X, y, lr, lam),
        _soft(down, lr * lam),
        (
            "wrong step",
            f"lr = {lr:.3f}, lam = {lam:.1f}: first go down the squared error alone, then threshold.",
        ),
        [
            (
                "learning rate forgotten in the threshold",
                f"The descent is scaled by lr = {lr:.3f}, the pull of the penalty is not. Both belong to one step.",
                _soft(down, lam),
            ),
            (
                "threshold before the step",
                "The data move a weight off zero after the threshold has put it there. Which comes last?",
                _soft(w, lr * lam) - lr * slope,
            ),
            (
                "subgradient",
                "lam sign(w) jumps over zero and makes no exact zero. Exercise 1 stops there.",
                down - lr * lam * np.sign(w),
            ),
            ("no threshold", "The penalty has no effect. What comes after the way down?", down),
            (
                "learning rate forgotten in the descent",
                "A step down is lr times the slope of the error.",
                _soft(w - slope, lr * lam),
            ),
            (
                "uphill",
                "The error grows: look at the sign of the step.",
                _soft(w + lr * slope, lr * lam),
            ),
            (
                "factor 2 lost",
                "The slope of r^2 is 2 r: you go half as far as you should.",
                _soft(half, lr * lam),
            ),
            (
                "half the threshold",
                "The slope of lam |w| is lam. By how much does it move w in a step of length lr?",
                _soft(down, lr * lam / 2),
            ),
            (
                "mean forgotten",
                "The slope is that of a sum over examples; the error is a mean.",
                _soft(w - lr * len(y) * slope, lr * lam),
            ),
            (
                "shrinks proportionally",
                "That is the step of ridge: no weight becomes 0. Use exercise 1.",
                down - lr * lam * w,
            ),
        ],
    )


def _soft(z, t):
    return z - np.clip(z, -t, t)


@exercise(5, "the lasso, one weight at a time")
def sweep(lasso_sweep, rng):
    """lasso_sweep(w, X, y, lam) -> w after each weight in turn was set to its best value, the others held."""
    X, y, w = _regression(rng)
    lam = 2 * np.sort(np.abs(X.T @ y / len(y)))[2] * rng.uniform(0.3, 0.5)
    seen = "With the others held, the slope along w_d is 2 (G_dd w_d - c_d) plus lam times a sign."
    variants = {
        "threshold twice too large": (seen + " Divide all of it by 2.", {"t": lam}),
        "own column left in the residual": (
            "The residual must leave out the column that is being solved.",
            {"own": 0},
        ),
        "division forgotten": (
            "A column of another length needs another weight: see G_dd.",
            {"divide": False},
        ),
        "all weights at once": (
            "Each weight must see those that were set before it in the sweep.",
            {"together": True},
        ),
        "divided before the threshold": (
            "The threshold belongs to c_d, before the division by G_dd.",
            {"late": True},
        ),
        "mean forgotten": (
            "X^T r grows with the number of examples, lam/2 does not. See the mean.",
            {"n": 1},
        ),
        "no threshold": (
            "That is least squares: no weight becomes 0. Where does lam enter?",
            {"t": 0.0},
        ),
        "weights run backwards": (
            "Go through the weights from the first to the last.",
            {"backwards": True},
        ),
    }
    slips = [
        (name, said, _sweep(w, X, y, **{"t": lam / 2} | other))
        for name, (said, other) in variants.items()
    ]
    expect_equal(
        lasso_sweep(w, X, y, lam),
        _sweep(w, X, y, lam / 2),
        ("wrong sweep", f"{seen} Where is it zero?"),
        slips,
    )


def _sweep(w, X, y, t, n=None, own=1, divide=True, together=False, late=False, backwards=False):
    """One sweep of coordinate descent; the switches make the known slips."""
    new, n = w.copy(), n or len(y)
    for d in range(len(w))[:: -1 if backwards else 1]:
        others = w if together else new
        x, G = X[:, d], X[:, d] @ X[:, d] / n
        c = x @ (y - X @ others + own * x * others[d]) / n
        new[d] = _soft(c / G, t) if late else _soft(c, t) / (G if divide else 1)
    return new


METRICS = ("sparse: error", "sparse: null error", "dense: error", "dense: null error")
ERRORS, NULLS = METRICS[::2], METRICS[1::2]
SEEDS = 4


@exercise(6, "which norm, for which truth?")
def fair(run, rng):
    """run(penalty, seed) -> a dict of METRICS, mean squared errors on test; penalty is "none", "ridge" or "lasso"."""
    seeds = int(rng.integers(1000)) + np.arange(SEEDS)
    table = {
        name: [metrics(METRICS, run(name, int(seed))) for seed in seeds]
        for name in ("none", "ridge", "lasso")
    }
    again = metrics(METRICS, run("lasso", int(seeds[0])))
    mean = {
        name: {key: np.mean([row[key] for row in rows]) for key in METRICS}
        for name, rows in table.items()
    }
    sparse, dense = (mean["none"][key] for key in NULLS)
    none, ridge, lasso = table.values()
    unlike, alike = "The null error changes with the penalty:", "have the same errors."
    for holds, name, sentence in (
        (
            _equal([again], lasso[:1], METRICS),
            "not repeatable",
            "run('lasso', seed) gave two results. Where does its rng start?",
        ),
        (
            _equal(none, ridge, NULLS) and _equal(none, lasso, NULLS),
            "not paired",
            f"{unlike} with one seed, all three must see the same data.",
        ),
        (
            not _equal(lasso[1:], lasso[:-1], NULLS),
            "seed without effect",
            f"All seeds {alike} Does the seed make the rng?",
        ),
        (
            not _equal(ridge, lasso, ERRORS),
            "penalty without effect",
            f"Ridge and lasso {alike} Does the function ask which one it is?",
        ),
        (
            not (_equal(none, ridge, ERRORS) or _equal(none, lasso, ERRORS)),
            "null strength always chosen",
            f"A penalty and no penalty {alike} On which data is the strength chosen?",
        ),
        (
            any(row[ERRORS[0]] != row[ERRORS[1]] for row in lasso),
            "truth without effect",
            f"The sparse and the dense truth {alike} Is w the same in both?",
        ),
        (
            min(mean["none"][key] for key in ERRORS) > 0.9,
            "tested on the training set",
            "Without a penalty the error is below that of the noise. On which examples is it taken?",
        ),
        (
            0.6 < sparse / dense < 1 / 0.6,
            "two things changed",
            f"The null errors are {sparse:.1f} (sparse) and {dense:.1f} (dense): see the length of the true w.",
        ),
        (
            all(
                mean["lasso"][key] < mean["lasso"][null]
                for key, null in zip(ERRORS, NULLS, strict=True)
            ),
            "no better than the mean",
            "The lasso errs more than the mean of the training targets. Is the intercept there?",
        ),
    ):
        expect(holds, name, sentence)


def _equal(first, second, keys):
    return all(
        abs(one[key] - other[key]) < 1e-9
        for one, other in zip(first, second, strict=True)
        for key in keys
    )
