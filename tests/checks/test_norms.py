"""Assignment 01: right and wrong answers to each exercise."""

from functools import cache

import numpy as np

from helpers import linear_models
from helpers.checks import norms as checks
from tests.checks.support.answers import assert_enough, assert_said, cases


def soft(z, t):
    return np.sign(z) * np.maximum(np.abs(z) - t, 0)


def soft_loop(z, t):
    w = np.zeros(z.shape)
    for i, value in np.ndenumerate(z):
        if abs(value) > t:
            w[i] = value - t if value > 0 else value + t
    return w


def soft_in_place(z, t):
    z[np.abs(z) < t] = 0
    return z - t * np.sign(z)


THRESHOLD = (
    checks.threshold,
    {
        "reference": soft,
        "loop": soft_loop,
        "clip": lambda z, t: z - np.clip(z, -t, t),
        "where": lambda z, t: np.where(np.abs(z) <= t, 0, z - t * np.sign(z)),
        "share of the length": lambda z, t: z * np.maximum(0, 1 - t / np.abs(z)),
    },
    {
        "hard threshold": lambda z, t: np.where(np.abs(z) > t, z, 0),
        "sign lost": lambda z, t: np.maximum(np.abs(z) - t, 0),
        "not clipped at zero": lambda z, t: np.sign(z) * (np.abs(z) - t),
        "t always subtracted": lambda z, t: z - t,
        "negative side lost": lambda z, t: np.maximum(z - t, 0),
        "shrinks proportionally": lambda z, t: z / (1 + t),
        "shrinks proportionally: subtracted": lambda z, t: (1 - t) * z,
        "small kept and large cut": lambda z, t: np.clip(z, -t, t),
        "sign only": lambda z, t: np.sign(z) * (np.abs(z) > t),
        "half the threshold": lambda z, t: soft(z, t / 2),
        "no exact zeros": lambda z, t: soft(z, t) + 1e-12,
        "wrong threshold": lambda z, t: soft(z, t**2 + 1),
        "wrong shape": lambda z, t: soft(z, t).ravel(),
        "input changed": soft_in_place,
        "nothing returned": lambda z, t: None,
    },
)


def four(W, **wrong):
    sizes = np.abs(W)
    right = {"frobenius": np.sqrt((W**2).sum()), "spectral": np.linalg.svd(W, compute_uv=False)[0]}
    right |= {"entries": sizes.sum(), "column": sizes.sum(axis=0).max()}
    return tuple((right | wrong).values())


def four_loop(W):
    columns = [sum(abs(value) for value in column) for column in W.T]
    stretch = np.sqrt(np.linalg.eigvalsh(W.T @ W).max())
    return [sum(value**2 for value in W.ravel()) ** 0.5, stretch, sum(columns), max(columns)]


NORMS = (
    checks.norms,
    {
        "reference": four,
        "loop": four_loop,
        "numpy": lambda W: (
            np.linalg.norm(W),
            np.linalg.norm(W, 2),
            np.linalg.norm(W.ravel(), 1),
            np.linalg.norm(W, 1),
        ),
    },
    {
        "square root forgotten": lambda W: four(W, frobenius=(W**2).sum()),
        "spectral for Frobenius": lambda W: four(W, frobenius=np.linalg.norm(W, 2)),
        "mean for the sum": lambda W: four(W, frobenius=np.sqrt((W**2).mean())),
        "wrong Frobenius norm": lambda W: four(W, frobenius=1.5 * np.abs(W).sum()),
        "Frobenius for spectral": lambda W: four(W, spectral=np.linalg.norm(W)),
        "eigenvalue for singular value": lambda W: four(
            W, spectral=np.linalg.eigvalsh(W.T @ W)[-1]
        ),
        "smallest singular value": lambda W: four(W, spectral=np.linalg.norm(W, -2)),
        "nuclear norm: for spectral": lambda W: four(W, spectral=np.linalg.norm(W, "nuc")),
        "wrong spectral norm": lambda W: four(W, spectral=np.abs(W).max()),
        "column sum for the sum of entries": lambda W: four(W, entries=np.linalg.norm(W, 1)),
        "row sum for the sum of entries": lambda W: four(W, entries=np.linalg.norm(W, np.inf)),
        "sizes forgotten": lambda W: four(W, entries=W.sum()),
        "nuclear norm": lambda W: four(W, entries=np.linalg.norm(W, "nuc")),
        "Frobenius for L1": lambda W: four(W, entries=np.linalg.norm(W)),
        "wrong sum of sizes": lambda W: four(W, entries=np.abs(W).mean()),
        "row sum for column sum": lambda W: four(W, column=np.linalg.norm(W, np.inf)),
        "sum of entries for column sum": lambda W: four(W, column=np.abs(W).sum()),
        "sizes forgotten: in a column": lambda W: four(W, column=W.sum(axis=0).max()),
        "length of a column": lambda W: four(W, column=np.linalg.norm(W, axis=0).max()),
        "wrong column sum": lambda W: four(W, column=np.abs(W).max()),
        "wrong return": lambda W: np.array(four(W)),
    },
)


def penalty(W, lam):
    return lam / 2 * (W**2).sum(), lam * W


def penalty_loop(W, lam):
    gradient = np.zeros_like(W)
    value = 0.0
    for i in np.ndindex(W.shape):
        value += 0.5 * lam * W[i] ** 2
        gradient[i] = lam * W[i]
    return value, gradient


def value(change):
    return lambda W, lam: (change(W, lam), lam * W)


def slope(change):
    return lambda W, lam: (penalty(W, lam)[0], change(W, lam))


PENALTY = (
    checks.penalty,
    {
        "reference": penalty,
        "loop": penalty_loop,
        "norm squared": value(lambda W, lam: 0.5 * lam * np.linalg.norm(W) ** 2),
        "trace": value(lambda W, lam: lam * np.trace(W.T @ W) / 2),
    },
    {
        "norm where its square belongs": value(lambda W, lam: lam / 2 * np.linalg.norm(W)),
        "norm where its square belongs: without the half": value(
            lambda W, lam: lam * np.linalg.norm(W)
        ),
        "half forgotten": value(lambda W, lam: lam * (W**2).sum()),
        "mean for the sum": value(lambda W, lam: lam / 2 * (W**2).mean()),
        "spectral norm": value(lambda W, lam: lam / 2 * np.linalg.norm(W, 2) ** 2),
        "L1 for L2": value(lambda W, lam: lam * np.abs(W).sum()),
        "lam forgotten": value(lambda W, lam: (W**2).sum() / 2),
        "wrong penalty": value(lambda W, lam: lam**2 * (W**2).sum()),
        "wrong shape": value(lambda W, lam: lam / 2 * W**2),
        "factor 2 left over": slope(lambda W, lam: 2 * lam * W),
        "half left over": slope(lambda W, lam: lam / 2 * W),
        "gradient of the norm": slope(lambda W, lam: lam * W / np.linalg.norm(W)),
        "gradient of L1": slope(lambda W, lam: lam * np.sign(W)),
        "gradient of the mean": slope(lambda W, lam: lam * W / W.size),
        "wrong sign": slope(lambda W, lam: -lam * W),
        "lam forgotten: in the gradient": slope(lambda W, lam: W),
        "wrong gradient": slope(lambda W, lam: lam * W**2),
        "wrong shape: of the gradient": slope(lambda W, lam: lam * W.sum()),
        "wrong return": lambda W, lam: lam * W,
    },
)


def error_slope(w, X, y):
    return 2 / len(X) * X.T @ (X @ w - y)


def step(w, X, y, lr, lam):
    return soft(w - lr * error_slope(w, X, y), lr * lam)


def step_loop(w, X, y, lr, lam):
    down = w.copy()
    for x, target in zip(X, y, strict=True):
        down -= lr * 2 * (x @ w - target) * x / len(y)
    return soft_loop(down, lam * lr)


def step_in_place(w, X, y, lr, lam):
    w -= lr * error_slope(w, X, y)
    return soft(w, lr * lam)


STEP = (
    checks.step,
    {
        "reference": step,
        "loop": step_loop,
        "helper": lambda w, X, y, lr, lam: linear_models.soft_threshold(
            w - lr * error_slope(w, X, y), lr * lam
        ),
    },
    {
        "learning rate forgotten in the threshold": lambda w, X, y, lr, lam: soft(
            w - lr * error_slope(w, X, y), lam
        ),
        "threshold before the step": lambda w, X, y, lr, lam: (
            soft(w, lr * lam) - lr * error_slope(w, X, y)
        ),
        "subgradient": lambda w, X, y, lr, lam: w - lr * (error_slope(w, X, y) + lam * np.sign(w)),
        "no threshold": lambda w, X, y, lr, lam: w - lr * error_slope(w, X, y),
        "learning rate forgotten in the descent": lambda w, X, y, lr, lam: soft(
            w - error_slope(w, X, y), lr * lam
        ),
        "uphill": lambda w, X, y, lr, lam: soft(w + lr * error_slope(w, X, y), lr * lam),
        "factor 2 lost": lambda w, X, y, lr, lam: soft(
            w - lr * X.T @ (X @ w - y) / len(y), lr * lam
        ),
        "half the threshold": lambda w, X, y, lr, lam: soft(
            w - lr * error_slope(w, X, y), lr * lam / 2
        ),
        "mean forgotten": lambda w, X, y, lr, lam: soft(w - lr * 2 * X.T @ (X @ w - y), lr * lam),
        "shrinks proportionally": lambda w, X, y, lr, lam: (
            w - lr * (error_slope(w, X, y) + lam * w)
        ),
        "wrong step": lambda w, X, y, lr, lam: soft(w, lr * lam),
        "input changed": step_in_place,
    },
)


def sweep(w, X, y, lam):
    w = w.copy()
    for d in range(len(w)):
        x = X[:, d]
        c = x @ (y - X @ w + x * w[d]) / len(y)
        w[d] = soft(c, lam / 2) / (x @ x / len(y))
    return w


def sweep_gram(w, X, y, lam):
    G = X.T @ X / len(y)
    c = X.T @ y / len(y)
    w = np.array(w)
    for d in range(len(w)):
        others = np.arange(len(w)) != d
        w[d] = soft(c[d] - G[d, others] @ w[others], lam / 2) / G[d, d]
    return w


def sweep_residual(w, X, y, lam):
    """Sums instead of means, and a residual that is kept up to date."""
    w = w.copy()
    r = y - X @ w
    for d, x in enumerate(X.T):
        r = r + x * w[d]
        w[d] = soft(x @ r, len(y) * lam / 2) / (x @ x)
        r = r - x * w[d]
    return w


def sweep_wrong(threshold=0.5, own=1, divide=True, n=None, late=False, order=1):
    def answer(w, X, y, lam):
        w = w.copy()
        N = n or len(y)
        t = threshold * lam
        for d in range(len(w))[::order]:
            x = X[:, d]
            c = x @ (y - X @ w + own * x * w[d]) / N
            G = x @ x / N
            w[d] = soft(c / G, t) if late else soft(c, t) / (G if divide else 1)
        return w

    return answer


def sweep_together(w, X, y, lam):
    G = X.T @ X / len(y)
    c = X.T @ y / len(y)
    return soft(c - G @ w + np.diag(G) * w, lam / 2) / np.diag(G)


SWEEP = (
    checks.sweep,
    {"reference": sweep, "Gram matrix": sweep_gram, "running residual": sweep_residual},
    {
        "threshold twice too large": sweep_wrong(threshold=1),
        "own column left in the residual": sweep_wrong(own=0),
        "division forgotten": sweep_wrong(divide=False),
        "all weights at once": sweep_together,
        "divided before the threshold": sweep_wrong(late=True),
        "mean forgotten": sweep_wrong(n=1),
        "no threshold": sweep_wrong(threshold=0),
        "weights run backwards": sweep_wrong(order=-1),
        "wrong sweep": sweep_wrong(threshold=0.2),
        "wrong shape": lambda w, X, y, lam: sweep(w, X, y, lam)[:, None],
    },
)


def columns(n, rng):
    return rng.standard_normal((n, 15))


def truth(n_nonzero, same_length=True):
    w = np.zeros(15)
    w[:n_nonzero] = np.sqrt(3 / n_nonzero) if same_length else 1
    return w


def fits(penalty, X, y):
    if penalty == "none":
        return linear_models.ridge(X, y, 0.0)[0][None]
    if penalty == "ridge":
        return linear_models.ridge_path(X, y, np.geomspace(0.01, 100, 12))
    lams = linear_models.lam_max(X, y) * np.geomspace(1, 0.003, 12)
    return linear_models.lasso_path(X, y, lams, tol=1e-6)


def errors(W, b, X, y):
    return np.mean((y[:, None] - X @ W.T - b) ** 2, axis=0)


@cache
def fitted(penalty, seed, same_length):
    """(X, y, W) for the sparse and the dense truth: W is fitted to the first 30 examples."""
    result = {}
    children = np.random.default_rng(seed).spawn(2)
    for name, rng, k in zip(("sparse", "dense"), children, (3, 15), strict=True):
        X = columns(560, rng)
        y = X @ truth(k, same_length) + rng.standard_normal(len(X))
        result[name] = (X, y, fits(penalty, X[:30], y[:30]))
    return result


def run(
    penalty, seed, on=slice(60, None), choose_on=slice(30, 60), intercept=True, same_length=True
):
    """The reference experiment; its wrong versions differ in what they hand in."""
    result = {}
    for name, (X, y, W) in fitted(penalty, seed, same_length).items():
        b = y[:30].mean() - W @ X[:30].mean(axis=0) if intercept else np.full(len(W), 9.0)
        best = errors(W, b, X[choose_on], y[choose_on]).argmin()
        result[f"{name}: error"] = float(errors(W, b, X[on], y[on])[best])
        result[f"{name}: null error"] = float(np.mean((y[on] - y[:30].mean()) ** 2))
    return result


def run_loop(penalty, seed):
    """The same columns for both truths, and strengths tried one by one."""
    rng = np.random.default_rng(seed)
    X = columns(660, rng)
    noise = rng.standard_normal(660)
    result = {}
    for name, w in (("sparse", truth(3)), ("dense", truth(15))):
        y = X @ w + noise
        least = np.inf
        for W in fits(penalty, X[:30], y[:30]):
            b = y[:30].mean() - X[:30].mean(axis=0) @ W
            validation = np.mean((y[30:60] - X[30:60] @ W - b) ** 2)
            if validation < least:
                least = validation
                result[f"{name}: error"] = np.mean((y[60:] - X[60:] @ W - b) ** 2)
        result[f"{name}: null error"] = np.mean((y[60:] - y[:30].mean()) ** 2)
    return result


def run_root(penalty, seed):
    """Root mean squared errors rank alike."""
    return {name: np.sqrt(value) for name, value in run(penalty, seed).items()}


UNSEEDED = np.random.default_rng(0)


def run_by_penalty(penalty, seed):
    return run(penalty, (seed, len(penalty), ord(penalty[0])))


def run_one_truth(penalty, seed):
    result = run(penalty, seed)
    return {name: result["sparse" + name[name.index(":") :]] for name in checks.METRICS}


FAIR = (
    checks.fair,
    {"reference": run, "loop": run_loop, "root": run_root},
    {
        "not repeatable": lambda penalty, seed: run(penalty, UNSEEDED.integers(10**9)),
        "not paired": run_by_penalty,
        "seed without effect": lambda penalty, seed: run(penalty, 0),
        "penalty without effect": lambda penalty, seed: run(
            "none" if penalty == "none" else "ridge", seed
        ),
        "null strength always chosen": lambda penalty, seed: run(
            "none" if penalty == "ridge" else penalty, seed
        ),
        "truth without effect": run_one_truth,
        "two things changed": lambda penalty, seed: run(penalty, seed, same_length=False),
        "tested on the training set": lambda penalty, seed: run(penalty, seed, on=slice(30)),
        "no better than the mean": lambda penalty, seed: run(penalty, seed, intercept=False),
        "wrong return": lambda penalty, seed: list(run(penalty, seed).values()),
        "not a number": lambda penalty, seed: run(penalty, seed) | {"dense: error": [1.0, 2.0]},
    },
)

ANSWERS = [THRESHOLD, NORMS, PENALTY, STEP, SWEEP, FAIR]


@cases(ANSWERS)
def test_answer(check, answer, slip):
    assert_said(check, answer, slip)


def test_there_are_enough():
    assert_enough(ANSWERS)
