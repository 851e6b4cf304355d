"""Checks of assignment 01, norms."""

import numpy as np

from helpers.checks.exercise import exercise, expect, expect_equal, metrics, numbers, parts


@exercise(1, "the soft threshold")
def threshold(soft_threshold, rng):
    """soft_threshold(z, t) -> sign(z) max(|z| - t, 0), z an array of any shape, t a number."""
    t = rng.uniform(0.5, 1.5)
    z, small = _around(t, rng)
    sign = np.sign(z)
    left = np.abs(z) - t
    got = numbers(soft_threshold(z, t))
    seen = f"t = {t:.2f}:"
    two = f"z = {z[1, 1]:.2f} and z = {z[0, 0]:.2f}"
    away = f"{seen} z = {z[1, 0]:.2f} moves away from zero. Towards zero is up there."
    positive = "A negative z gives a positive w. Which side of zero should w be on?"
    jumps = f"{seen} a z below t jumps over zero. Where should it stop?"
    both_sides = "All negative z become 0. The penalty treats both sides alike."
    cut = "You return what the threshold takes off, not what is left."
    otherwise = ("wrong threshold", f"{seen} {two} give which w? Search a grid of w.")
    half = sign * np.maximum(np.abs(z) - t / 2, 0)
    slips = [
        ("hard threshold", f"{seen} large z stay whole. How far does |w| pull them?", z * ~small),
        ("sign lost", positive, np.maximum(left, 0)),
        ("not clipped at zero", jumps, sign * left),
        ("t always subtracted", away, z - t),
        ("negative side lost", both_sides, np.maximum(z - t, 0)),
        ("shrinks proportionally", "Every z loses the same share: L2's step.", z / (1 + t)),
        ("shrinks proportionally", "Every z is multiplied by 1 - t: L2's step.", z * (1 - t)),
        ("small kept and large cut", cut, np.clip(z, -t, t)),
        ("sign only", "Large z become 1 or -1. How far is z from the threshold?", sign * ~small),
        ("half the threshold", "z moves by t/2. The slope of t |w| is t.", half),
    ]
    expect_equal(got, sign * np.maximum(left, 0), otherwise, slips)
    zero = f"{seen} small z end near 0, not at 0. Sparse means exactly 0."
    expect((got[small] == 0).all(), "no exact zeros", zero)


def _around(t, rng):
    """An array z with sizes on both sides of t, and where it is below t."""
    small = rng.random((5, 8)) < 0.5
    small[0, :2] = True
    small[1, :2] = False
    size = t * np.where(small, rng.uniform(0.1, 0.9, small.shape), rng.uniform(1.2, 4, small.shape))
    z = size * rng.choice([-1, 1], small.shape)
    z[1, :2] = size[1, :2] * [-1, 1]
    return z, small


@exercise(2, "four norms of one matrix")
def norms(matrix_norms, rng):
    """matrix_norms(W) -> (Frobenius, spectral, sum of sizes, largest column sum)."""
    W = rng.uniform(0.2, 2, (4, 6)) * rng.choice([-1, 1], (4, 6))
    W[:2] = np.abs(W[:2]) * np.array([[1], [-1]])  # no column and no sum of one sign
    names = "(Frobenius, spectral, sum of sizes, largest column sum)"
    frobenius, spectral, entries, column = parts(matrix_norms(W), 4, names)
    sigma = np.linalg.svd(W, compute_uv=False)
    _lengths(frobenius, spectral, W, sigma)
    _sums(entries, column, W, sigma)


def _lengths(frobenius, spectral, W, sigma):
    root = np.sqrt((W**2).sum())
    otherwise = ("wrong Frobenius norm", "It is the length of W, read as one long vector.")
    square = "The first is the square of the norm: doubling W makes it four times as large."
    mean = "The first has a mean in it. A norm adds up the squares."
    every = "The first is the largest singular value. Frobenius takes all of them."
    slips = [
        ("square root forgotten", square, root**2),
        ("spectral for Frobenius", every, sigma[0]),
        ("mean for the sum", mean, root / np.sqrt(W.size)),
    ]
    expect_equal(frobenius, root, otherwise, slips)
    stretch = "The second is the largest stretch, max |uW| over all u of length 1."
    order = "The second equals the first. Without an order, np.linalg.norm is Frobenius."
    eigenvalue = "The second is the eigenvalue of W^T W. What is its root?"
    smallest = "The second is the smallest stretch. In which order do they come?"
    nuclear = "The second adds all singular values. The largest stretch is one of them."
    slips = [
        ("Frobenius for spectral", order, root),
        ("eigenvalue for singular value", eigenvalue, sigma[0] ** 2),
        ("smallest singular value", smallest, sigma[-1]),
        ("nuclear norm", nuclear, sigma.sum()),
    ]
    expect_equal(spectral, sigma[0], ("wrong spectral norm", stretch), slips)


def _sums(entries, column, W, sigma):
    sizes = np.abs(W)
    columns = sizes.sum(axis=0)
    row = sizes.sum(axis=1).max()
    l1 = "The third is what an L1 penalty adds up: |w| of every entry."
    one_column = "The third is np.linalg.norm(W, 1), one column's sum. Every entry counts."
    one_row = "The third looks at one row of W only. Every entry counts."
    squares = "The third squares the entries. L1 takes their sizes."
    slips = [
        ("column sum for the sum of entries", one_column, columns.max()),
        ("row sum for the sum of entries", one_row, row),
        ("sizes forgotten", "In the third, negative entries cancel positive ones.", W.sum()),
        ("nuclear norm", "The third adds singular values; L1 adds entries.", sigma.sum()),
        ("Frobenius for L1", squares, np.sqrt((W**2).sum())),
    ]
    expect_equal(entries, sizes.sum(), ("wrong sum of sizes", l1), slips)
    largest = "For the fourth, add up |w| down each column, then take the largest."
    axis = "The fourth adds along the rows of W, shape (4, 6). Which axis runs down a column?"
    together = "The fourth adds all columns together. Take the largest."
    cancel = "In the fourth, negative entries cancel positive ones."
    length = np.sqrt((W**2).sum(axis=0).max())
    slips = [
        ("row sum for column sum", axis, row),
        ("sum of entries for column sum", together, sizes.sum()),
        ("sizes forgotten", cancel, W.sum(axis=0).max()),
        ("length of a column", "The fourth squares entries. Add up their sizes.", length),
    ]
    expect_equal(column, columns.max(), ("wrong column sum", largest), slips)


@exercise(3, "the L2 penalty and its gradient")
def penalty(l2_penalty, rng):
    """l2_penalty(W, lam) -> (value, gradient) of lam/2 times the squared Frobenius norm."""
    W = rng.normal(0, 2, (3, 4))
    lam = rng.uniform(0.2, 0.8)
    value, gradient = parts(l2_penalty(W, lam), 2, "(value, gradient)")
    _penalty_value(value, W, lam)
    _penalty_gradient(gradient, W, lam)


def _penalty_value(value, W, lam):
    square = (W**2).sum()
    root = np.sqrt(square)
    spectral = np.linalg.norm(W, 2)
    unsquared = "norm where its square belongs"
    add = "Add up the squares of all entries, then see which factor stands in front."
    twice = "The value is twice the right one. See what stands before the sum."
    mean = f"The value is {W.size} times too small, one for each entry. Nothing is averaged."
    order = "np.linalg.norm(W, 2) of a matrix sees one singular value. Use every entry."
    slips = [
        (unsquared, "Doubling W doubles the value; it should make it four times.", lam / 2 * root),
        (unsquared, "The value grows like the length of W, not like its square.", lam * root),
        ("half forgotten", twice, lam * square),
        ("mean for the sum", mean, lam / 2 * square / W.size),
        ("spectral norm", order, lam / 2 * spectral**2),
        ("L1 for L2", "You add up sizes, the penalty adds up squares.", lam * np.abs(W).sum()),
        ("lam forgotten", "The value ignores lam. Where is it in the formula?", square / 2),
    ]
    expect_equal(value, lam / 2 * square, ("wrong penalty", add), slips)


def _penalty_gradient(gradient, W, lam):
    slope = "Differentiate lam/2 w^2 for one entry. The gradient has the shape of W."
    twice = "The gradient is twice the slope of your value. What does the 1/2 do?"
    half = "The gradient is half the slope of your value. The square brings a 2."
    alike = "All entries are pulled alike. Here the pull goes with the size."
    summed = "It is too small by the number of entries. The penalty is a sum."
    length = "It has length lam however small W is: the slope of ||W||."
    slips = [
        ("factor 2 left over", twice, 2 * lam * W),
        ("half left over", half, lam / 2 * W),
        ("gradient of the norm", length, lam * W / np.linalg.norm(W)),
        ("gradient of L1", alike, lam * np.sign(W)),
        ("gradient of the mean", summed, lam * W / W.size),
        ("wrong sign", "Uphill is away from zero. The minus comes with the step.", -lam * W),
        ("lam forgotten", "The gradient ignores lam, a factor of the value.", W),
    ]
    expect_equal(gradient, lam * W, ("wrong gradient", slope), slips)


def _regression(rng, n=20):
    """Correlated columns of different scales, targets, and weights, one of them 0 and one small."""
    X = rng.standard_normal((n, 5)) * np.linspace(0.6, 1.8, 5) + 0.4 * rng.standard_normal((n, 1))
    y = X @ rng.choice([-2.0, 2.0], 5) + rng.standard_normal(n)
    return X, y, rng.uniform(0.5, 1.5, 5) * [1, -0.02, 0, 1, -1]


@exercise(4, "find the bug: zeros that depend on the learning rate")
def step(proximal_step, rng):
    """proximal_step(w, X, y, lr, lam) -> w after a step on mean((y - X w)^2) + lam ||w||_1."""
    X, y, w = _regression(rng)
    lr = rng.uniform(0.02, 0.05)
    slope = 2 * X.T @ (X @ w - y) / len(y)
    down = w - lr * slope
    lam = max(0.04, 0.5 * np.sort(np.abs(down))[1:3].sum()) / lr  # zeroes about two of five weights
    t = lr * lam
    order = "First go down the squared error alone, then threshold."
    otherwise = ("wrong step", f"lr = {lr:.3f}, lam = {lam:.1f}. {order}")
    threshold_lr = "learning rate forgotten in the threshold"
    unscaled = f"lr = {lr:.3f} scales the descent, not the penalty's pull. It should scale both."
    early = "The data move a weight off zero again. Which comes last?"
    jumps = "lam sign(w) jumps over zero and makes no exact zero. Exercise 1 stops there."
    descent_lr = "learning rate forgotten in the descent"
    pull = "The slope of lam |w| is lam. How far does that move w in a step of lr?"
    ridge = "That is the step of ridge: no weight becomes 0. Use exercise 1."
    summed = _soft(w - lr * len(y) * slope, t)
    slips = [
        (threshold_lr, unscaled, _soft(down, lam)),
        ("threshold before the step", early, _soft(w, t) - lr * slope),
        ("subgradient", jumps, down - t * np.sign(w)),
        ("no threshold", "The penalty has no effect. What comes after the way down?", down),
        (descent_lr, "A step down is lr times the slope.", _soft(w - slope, t)),
        ("uphill", "The error grows: look at the sign.", _soft(w + lr * slope, t)),
        ("factor 2 lost", "The slope of r^2 is 2 r: twice yours.", _soft(w - lr * slope / 2, t)),
        ("half the threshold", pull, _soft(down, t / 2)),
        ("mean forgotten", "The slope is that of a sum; the error is a mean.", summed),
        ("shrinks proportionally", ridge, down - t * w),
    ]
    expect_equal(proximal_step(w, X, y, lr, lam), _soft(down, t), otherwise, slips)


def _soft(z, t):
    return z - np.clip(z, -t, t)


@exercise(5, "the lasso, one weight at a time")
def sweep(lasso_sweep, rng):
    """lasso_sweep(w, X, y, lam) -> w after setting each weight in turn to its best value."""
    X, y, w = _regression(rng)
    lam = 2 * np.sort(np.abs(X.T @ y / len(y)))[2] * rng.uniform(0.3, 0.5)
    seen = "With the others held, the slope along w_d is 2 (G_dd w_d - c_d) plus lam times a sign."
    own = "The residual must leave out the column that is being solved."
    size = "A column of another length needs another weight: see G_dd."
    turn = "Each weight must see those that were set before it in the sweep."
    late = "The threshold belongs to c_d, before the division by G_dd."
    mean = "X^T r grows with the number of examples, lam/2 does not. See the mean."
    least = "That is least squares: no weight becomes 0. Where does lam enter?"

    def swept(t=lam / 2, **switches):
        return _sweep(w, X, y, t, **switches)

    slips = [
        ("threshold twice too large", f"{seen} Divide all of it by 2.", swept(t=lam)),
        ("own column left in the residual", own, swept(own=0)),
        ("division forgotten", size, swept(divide=False)),
        ("all weights at once", turn, swept(together=True)),
        ("divided before the threshold", late, swept(late=True)),
        ("mean forgotten", mean, swept(n=1)),
        ("no threshold", least, swept(t=0.0)),
        ("weights run backwards", "Go from the first to the last weight.", swept(backwards=True)),
    ]
    otherwise = ("wrong sweep", f"{seen} Where is it zero?")
    expect_equal(lasso_sweep(w, X, y, lam), swept(), otherwise, slips)


def _sweep(w, X, y, t, n=None, own=1, divide=True, together=False, late=False, backwards=False):
    """One sweep of coordinate descent; the switches make the known slips."""
    new = w.copy()
    n = n or len(y)
    for d in range(len(w))[:: -1 if backwards else 1]:
        others = w if together else new
        x = X[:, d]
        G = x @ x / n
        c = x @ (y - X @ others + own * x * others[d]) / n
        new[d] = _soft(c / G, t) if late else _soft(c, t) / (G if divide else 1)
    return new


METRICS = ("sparse: error", "sparse: null error", "dense: error", "dense: null error")
ERRORS = METRICS[::2]
NULLS = METRICS[1::2]
PENALTIES = ("none", "ridge", "lasso")
SEEDS = 4


@exercise(6, "which norm, for which truth?")
def fair(run, rng):
    """run(penalty, seed) -> METRICS, mean squared errors on test, of one of the PENALTIES."""
    seeds = int(rng.integers(1000)) + np.arange(SEEDS)
    table = {name: [metrics(METRICS, run(name, int(n))) for n in seeds] for name in PENALTIES}
    again = metrics(METRICS, run("lasso", int(seeds[0])))
    _paired(table, again)
    _penalized(table)
    _sensible(table)


def _paired(table, again):
    none, ridge, lasso = table.values()
    repeats = "run('lasso', seed) gave two results. Where does its rng start?"
    expect(_equal([again], lasso[:1], METRICS), "not repeatable", repeats)
    same = "The null error changes with the penalty: one seed must give all three the same data."
    expect(_equal(none, ridge, NULLS) and _equal(none, lasso, NULLS), "not paired", same)
    one_seed = "All seeds have the same errors. Does the seed make the rng?"
    expect(not _equal(lasso[1:], lasso[:-1], NULLS), "seed without effect", one_seed)


def _penalized(table):
    none, ridge, lasso = table.values()
    which = "Ridge and lasso have the same errors. Does the function ask which one it is?"
    expect(not _equal(ridge, lasso, ERRORS), "penalty without effect", which)
    idle = _equal(none, ridge, ERRORS) or _equal(none, lasso, ERRORS)
    chosen = "A penalty and no penalty have the same errors. On which data is the strength chosen?"
    expect(not idle, "null strength always chosen", chosen)
    differ = any(row[ERRORS[0]] != row[ERRORS[1]] for row in lasso)
    truth = "The sparse and the dense truth have the same errors. Is w the same in both?"
    expect(differ, "truth without effect", truth)


def _sensible(table):
    none = _means(table["none"])
    lasso = _means(table["lasso"])
    noise = "Without a penalty the error is below that of the noise. On which examples is it taken?"
    expect(min(none[key] for key in ERRORS) > 0.9, "tested on the training set", noise)
    sparse = none[NULLS[0]]
    dense = none[NULLS[1]]
    lengths = f"The null errors are {sparse:.1f} (sparse) and {dense:.1f} (dense)."
    alike = 0.6 < sparse / dense < 1 / 0.6
    expect(alike, "two things changed", f"{lengths} See the length of the true w.")
    better = all(lasso[key] < lasso[null] for key, null in zip(ERRORS, NULLS, strict=True))
    mean = "The lasso errs more than the mean of the training targets. Is the intercept there?"
    expect(better, "no better than the mean", mean)


def _means(rows):
    return {key: np.mean([row[key] for row in rows]) for key in METRICS}


def _equal(first, second, keys):
    rows = zip(first, second, strict=True)
    return all(abs(one[key] - other[key]) < 1e-9 for one, other in rows for key in keys)
