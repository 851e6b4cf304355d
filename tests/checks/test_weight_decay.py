"""Assignment 03: right and wrong answers to each exercise."""

import math
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from helpers.checks import weight_decay as checks
from helpers.core import Sequential
from helpers.initializers import normal
from helpers.layers import Linear
from helpers.losses import MSELoss
from helpers.optimizers import SGD
from helpers.training import evaluate, fit
from tests.checks.support.answers import SEEDS, assert_enough, assert_said, cases


def sgd(w, g, lr, lam):
    return (1 - lr * lam) * w - lr * g


def sgd_loop(w, g, lr, lam):
    new = np.empty_like(w)
    for i in np.ndindex(w.shape):
        new[i] = w[i] - lr * (g[i] + lam * w[i])
    return new


def sgd_in_place(w, g, lr, lam):
    w *= 1 - lr * lam
    return w - lr * g


SGD_STEP = (
    checks.sgd,
    {
        "reference": sgd,
        "loop": sgd_loop,
        "two steps": lambda w, g, lr, lam: w - lr * lam * w - lr * g,
    },
    {
        "lr missing in 1 - lr*lam": lambda w, g, lr, lam: (1 - lam) * w - lr * g,
        "decay after instead of within the step": lambda w, g, lr, lam: (
            (1 - lr * lam) * (w - lr * g)
        ),
        "decay forgotten": lambda w, g, lr, lam: w - lr * g,
        "the weights grow": lambda w, g, lr, lam: w + lr * lam * w - lr * g,
        "uphill": lambda w, g, lr, lam: (1 - lr * lam) * w + lr * g,
        "gradient scaled by lam": lambda w, g, lr, lam: w - lr * lam * (w + g),
        "lr missing before the gradient": lambda w, g, lr, lam: (1 - lr * lam) * w - g,
        "lam doubled": lambda w, g, lr, lam: w - lr * (g + 2 * lam * w),
        "lam halved": lambda w, g, lr, lam: w - lr * (g + lam / 2 * w),
        "L1 instead of L2": lambda w, g, lr, lam: w - lr * (g + lam * np.sign(w)),
        "wrong step": lambda w, g, lr, lam: (1 - lr) * w - lr * g,
        "wrong shape": lambda w, g, lr, lam: (1 - lr * lam) * w @ w.T,
        "input changed": sgd_in_place,
        "nothing returned": lambda w, g, lr, lam: None,
        "raises ValueError": lambda w, g, lr, lam: w @ g,
    },
)


def group_step(decays, shrink=lambda lr, lam: lr * lam):
    """The reference for the names that `decays` picks."""

    def answer(params, grads, lr, lam):
        return {
            n: (1 - shrink(lr, lam) * bool(decays(n))) * w - lr * grads[n]
            for n, w in params.items()
        }

    return answer


def group_loop(params, grads, lr, lam):
    new = {}
    for name in sorted(params):
        kind = name.split(".")[-1]
        new[name] = sgd(params[name], grads[name], lr, lam if kind == "weight" else 0)
    return new


def group_by_axes(params, grads, lr, lam):
    return {name: sgd(w, grads[name], lr, lam * (w.ndim > 1)) for name, w in params.items()}


def group_no_step(params, grads, lr, lam):
    return {name: sgd(w, grads[name], lr, lam) if w.ndim > 1 else w for name, w in params.items()}


def group_only_weights(params, grads, lr, lam):
    return {name: sgd(w, grads[name], lr, lam) for name, w in params.items() if w.ndim > 1}


def last(name):
    return name.rpartition(".")[2]


GROUPS = (
    checks.groups,
    {
        "reference": group_step(lambda n: n.endswith(".weight")),
        "loop": group_loop,
        "axes": group_by_axes,
    },
    {
        "bias decayed": group_step(lambda n: True),
        "bias decayed: whole names": group_step(lambda n: n not in ("bias", "gain", "shift")),
        "nothing decays": group_step(lambda n: n == "weight"),
        "weights spared": group_step(lambda n: last(n) != "weight"),
        "gains decayed": group_step(lambda n: last(n) != "bias"),
        "name matched in part": group_step(lambda n: "weight" in n),
        "name matched in part: bias": group_step(lambda n: "bias" not in n),
        "name matched in part: all": group_step(
            lambda n: not any(kind in n for kind in ("bias", "gain", "shift"))
        ),
        "lr missing in 1 - lr*lam": group_step(lambda n: last(n) == "weight", lambda lr, lam: lam),
        "the spared do not learn": group_no_step,
        "parameters lost": group_only_weights,
        "wrong step": group_step(lambda n: last(n) == "weight", lambda lr, lam: 2 * lr * lam),
        "wrong shape": lambda params, grads, lr, lam: {
            name: w.ravel() for name, w in params.items()
        },
        "wrong return": lambda params, grads, lr, lam: list(params.values()),
    },
)


def half_life(lr, lam):
    return math.log(0.5) / math.log(1 - lr * lam)


def untouched(n_weights, n_points, std, lr, lam, steps):
    return std * np.sqrt(n_weights - n_points) * (1 - lr * lam) ** steps, half_life(lr, lam)


def untouched_loop(n_weights, n_points, std, lr, lam, steps):
    square = sum(std**2 for _ in range(n_weights - n_points))
    left = Fraction(1 - lr * lam)
    for _ in range(steps):
        square *= float(left) ** 2
    return math.sqrt(square), -1 / math.log2(left)


def untouched_logs(n_weights, n_points, std, lr, lam, steps):
    rate = -np.log1p(-lr * lam)
    start = 0.5 * np.log((n_weights - n_points) * std**2)
    return float(np.exp(start - steps * rate)), np.log(2) / rate


def norm(change):
    """The reference with another norm, of (n_weights, n_points, std, 1 - lr lam, steps)."""
    return lambda n, k, std, lr, lam, t: (change(n, k, std, 1 - lr * lam, t), half_life(lr, lam))


def life(change):
    """The reference with another half-life, a function of (lr, lam)."""
    return lambda *arguments: (untouched(*arguments)[0], change(*arguments[3:5]))


UNTOUCHED = (
    checks.untouched,
    {"reference": untouched, "loop": untouched_loop, "logs": untouched_logs},
    {
        "touched directions counted": norm(lambda n, k, std, r, t: std * n**0.5 * r**t),
        "the touched part": norm(lambda n, k, std, r, t: std * k**0.5 * r**t),
        "the square of the norm": norm(lambda n, k, std, r, t: std**2 * (n - k) * r ** (2 * t)),
        "half of the square": norm(lambda n, k, std, r, t: std**2 * (n - k) * r ** (2 * t) / 2),
        "root forgotten": norm(lambda n, k, std, r, t: std * (n - k) * r**t),
        "variance for standard deviation": norm(
            lambda n, k, std, r, t: std**2 * (n - k) ** 0.5 * r**t
        ),
        "std forgotten": norm(lambda n, k, std, r, t: (n - k) ** 0.5 * r**t),
        "lr missing in 1 - lr*lam": lambda n, k, std, lr, lam, t: (
            std * (n - k) ** 0.5 * (1 - lam) ** t,
            half_life(lr, lam),
        ),
        "one step": norm(lambda n, k, std, r, t: std * (n - k) ** 0.5 * r),
        "the start": norm(lambda n, k, std, r, t: std * (n - k) ** 0.5),
        "straight line": norm(lambda n, k, std, r, t: std * (n - k) ** 0.5 * (1 - t * (1 - r))),
        "exponential for the power": norm(
            lambda n, k, std, r, t: std * (n - k) ** 0.5 * math.exp((r - 1) * t)
        ),
        "wrong norm": norm(lambda n, k, std, r, t: std * (n + k) ** 0.5 * r**t),
        "negative time": life(lambda lr, lam: math.log(2) / math.log(1 - lr * lam)),
        "exponential for the power: half-life": life(lambda lr, lam: math.log(2) / (lr * lam)),
        "straight line: half-life": life(lambda lr, lam: 1 / (2 * lr * lam)),
        "lr missing in 1 - lr*lam: half-life": life(lambda lr, lam: half_life(1, lam)),
        "one e-th for one half": life(lambda lr, lam: -1 / math.log(1 - lr * lam)),
        "turned over": life(lambda lr, lam: 1 / half_life(lr, lam)),
        "rounded": life(lambda lr, lam: math.ceil(half_life(lr, lam))),
        "rounded: down": life(lambda lr, lam: int(half_life(lr, lam))),
        "wrong half-life": life(lambda lr, lam: 2 * half_life(lr, lam)),
        "wrong return": lambda *arguments: untouched(*arguments)[0],
    },
)


def adamw(w, g, m, v, t, lr, lam, b1, b2, eps):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g**2
    return (1 - lr * lam) * w - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


def adamw_loop(w, g, m, v, t, lr, lam, b1, b2, eps):
    rows = zip(w, g, m, v, strict=True)
    steps = [adamw(*row, t, lr, lam, b1, b2, eps) for row in rows]
    return tuple(np.array(part) for part in zip(*steps, strict=True))


def adamw_by_differences(w, g, m, v, t, lr, lam, b1, b2, eps):
    m = m + (1 - b1) * (g - m)
    v = v + (1 - b2) * (g * g - v)
    fraction = m * math.sqrt(1 - b2**t) / (1 - b1**t) / (np.sqrt(v) + eps * math.sqrt(1 - b2**t))
    return w - lr * (fraction + lam * w), m, v


def adam_l2(w, g, m, v, t, lr, lam, *others):
    return adamw(w, g + lam * w, m, v, t, lr, 0, *others)


def adam_l2_square(w, g, m, v, t, lr, lam, b1, b2, eps):
    return (*adamw(w, g, m, v, t, lr, lam, b1, b2, eps)[:2], b2 * v + (1 - b2) * (g + lam * w) ** 2)


def moments(change):
    """The reference with other moments: change(g, m, v, t, b1, b2) -> (m, v)."""

    def answer(w, g, m, v, t, lr, lam, b1, b2, eps):
        return adamw(w, g, m, v, t, lr, lam, b1, b2, eps)[0], *change(g, m, v, t, b1, b2)

    return answer


def mean(old, new, beta):
    return beta * old + (1 - beta) * new


def moved(change):
    """The reference with another w: change(w, m, v, t, lr, lam, b1, b2, eps), m and v new."""

    def answer(w, g, m, v, t, lr, lam, b1, b2, eps):
        m, v = adamw(w, g, m, v, t, lr, lam, b1, b2, eps)[1:]
        return change(w, m, v, t, lr, lam, b1, b2, eps), m, v

    return answer


def at(when):
    """AdamW whose bias correction thinks that t is when(t)."""
    return lambda w, g, m, v, t, *others: adamw(w, g, m, v, when(t), *others)


def fraction(m, v, t, b1, b2, eps):
    return m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps)


ADAMW = (
    checks.adamw,
    {"reference": adamw, "loop": adamw_loop, "differences": adamw_by_differences},
    {
        "decay inside the moments": adam_l2,
        "decay inside the moments: of the squares": adam_l2_square,
        "beta the other way round": moments(
            lambda g, m, v, t, b1, b2: (mean(g, m, b1), mean(v, g**2, b2))
        ),
        "beta the other way round: v": moments(
            lambda g, m, v, t, b1, b2: (mean(m, g, b1), mean(g**2, v, b2))
        ),
        "corrected moments returned": moments(
            lambda g, m, v, t, b1, b2: (
                mean(m, g, b1) / (1 - b1**t),
                mean(v, g**2, b2) / (1 - b2**t),
            )
        ),
        "betas exchanged": moments(lambda g, m, v, t, b1, b2: (mean(m, g, b2), mean(v, g**2, b1))),
        "moments not updated": moments(lambda g, m, v, t, b1, b2: (m, v)),
        "moments not updated: v": moments(lambda g, m, v, t, b1, b2: (mean(m, g, b1), v)),
        "g where its square belongs": moments(
            lambda g, m, v, t, b1, b2: (mean(m, g, b1), mean(v, g, b2))
        ),
        "wrong m": moments(lambda g, m, v, t, b1, b2: (b1 * m + g, mean(v, g**2, b2))),
        "wrong v": moments(lambda g, m, v, t, b1, b2: (mean(m, g, b1), b2 * v + g**2)),
        "lr missing in 1 - lr*lam": moved(
            lambda w, m, v, t, lr, lam, *others: (1 - lam) * w - lr * fraction(m, v, t, *others)
        ),
        "decay after instead of within the step": moved(
            lambda w, m, v, t, lr, lam, *others: (
                (1 - lr * lam) * (w - lr * fraction(m, v, t, *others))
            )
        ),
        "decay forgotten": moved(
            lambda w, m, v, t, lr, lam, *others: w - lr * fraction(m, v, t, *others)
        ),
        "the weights grow": moved(
            lambda w, m, v, t, lr, lam, *others: (
                (1 + lr * lam) * w - lr * fraction(m, v, t, *others)
            )
        ),
        "uphill": moved(
            lambda w, m, v, t, lr, lam, *others: (
                (1 - lr * lam) * w + lr * fraction(m, v, t, *others)
            )
        ),
        "decay divided by the root": moved(
            lambda w, m, v, t, lr, lam, b1, b2, eps: (
                w - lr * (m / (1 - b1**t) + lam * w) / (np.sqrt(v / (1 - b2**t)) + eps)
            )
        ),
        "bias correction forgotten": moved(
            lambda w, m, v, t, lr, lam, b1, b2, eps: (
                (1 - lr * lam) * w - lr * m / (np.sqrt(v) + eps)
            )
        ),
        "bias correction of v forgotten": moved(
            lambda w, m, v, t, lr, lam, b1, b2, eps: (
                (1 - lr * lam) * w - lr * m / (1 - b1**t) / (np.sqrt(v) + eps)
            )
        ),
        "bias correction of m forgotten": moved(
            lambda w, m, v, t, lr, lam, b1, b2, eps: (
                (1 - lr * lam) * w - lr * m / (np.sqrt(v / (1 - b2**t)) + eps)
            )
        ),
        "bias correction off by one": at(lambda t: t - 1),
        "bias correction off by one: late": at(lambda t: t + 1),
        "eps inside the root": moved(
            lambda w, m, v, t, lr, lam, b1, b2, eps: (
                (1 - lr * lam) * w - lr * m / (1 - b1**t) / np.sqrt(v / (1 - b2**t) + eps)
            )
        ),
        "eps before the bias correction": moved(
            lambda w, m, v, t, lr, lam, b1, b2, eps: (
                (1 - lr * lam) * w
                - lr * math.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + eps)
            )
        ),
        "root forgotten": moved(
            lambda w, m, v, t, lr, lam, b1, b2, eps: (
                (1 - lr * lam) * w - lr * m / (1 - b1**t) / (v / (1 - b2**t) + eps)
            )
        ),
        "old moments used": lambda w, g, m, v, t, lr, lam, *others: (
            (1 - lr * lam) * w - lr * fraction(m, v, t, *others),
            *adamw(w, g, m, v, t, lr, lam, *others)[1:],
        ),
        "wrong step": moved(
            lambda w, m, v, t, lr, lam, *others: (1 - lr * lam) * w - fraction(m, v, t, *others)
        ),
        "wrong return": lambda *arguments: adamw(*arguments)[0],
    },
)


def accumulated(w, gradients, lr, lam):
    return (1 - lr * lam) * w - lr * gradients.mean(axis=0)


def accumulated_loop(w, gradients, lr, lam):
    total = lam * w
    for g in gradients:
        total = total + g / len(gradients)
    return w - lr * total


def accumulated_at_last(w, gradients, lr, lam):
    new = w.copy()
    for i, g in enumerate(gradients):
        new = new - lr * lam * w * (i == len(gradients) - 1) - lr * g / len(gradients)
    return new


def accumulated_shipped(w, gradients, lr, lam):
    total = np.zeros_like(w)
    for g in gradients:
        w = (1 - lr * lam) * w
        total = total + g
    return w - lr * total / len(gradients)


def accumulated_steps(w, gradients, lr, lam):
    for g in gradients:
        w = sgd(w, g, lr, lam)
    return w


ACCUMULATED = (
    checks.accumulated,
    {"reference": accumulated, "loop": accumulated_loop, "with the last": accumulated_at_last},
    {
        "decay for every micro-batch": accumulated_shipped,
        "lam divided by the count": lambda w, G, lr, lam: accumulated_shipped(
            w, G, lr, lam / len(G)
        ),
        "lam divided by the count: once": lambda w, G, lr, lam: accumulated(w, G, lr, lam / len(G)),
        "decay forgotten": lambda w, G, lr, lam: accumulated(w, G, lr, 0),
        "gradients summed": lambda w, G, lr, lam: sgd(w, G.sum(axis=0), lr, lam),
        "a step for every micro-batch": accumulated_steps,
        "last gradient alone": lambda w, G, lr, lam: sgd(w, G[-1], lr, lam),
        "decay after instead of within the step": lambda w, G, lr, lam: (
            (1 - lr * lam) * accumulated(w, G, lr, 0)
        ),
        "lr missing in 1 - lr*lam": lambda w, G, lr, lam: (1 - lam) * w - lr * G.mean(axis=0),
        "wrong step": lambda w, G, lr, lam: accumulated(w, G, lr, lam) + lr * w,
        "wrong shape": lambda w, G, lr, lam: sgd(w, G, lr, lam),
    },
)


def draw(n, rng):
    """The data of the notebook: 40 inputs, a level of 3, noise of variance 1."""
    X = rng.standard_normal((n, 40))
    return X, 3 + 0.1 * X.sum(axis=1, keepdims=True) + rng.standard_normal((n, 1))


def train(weight_decay, rng, start=None, epochs=100, decay_bias=False, tested="test"):
    """The reference experiment; its wrong versions differ in what they hand in."""
    pair = draw(40, rng)
    test = draw(1000, rng)
    model = Sequential(Linear(40, 1, start or rng))
    loss = MSELoss()
    model.layers[0].bias.decay = decay_bias
    optimizer = SGD(model.parameters(), lr=0.05, weight_decay=weight_decay)
    begin = evaluate(model, loss, *test)
    if epochs:
        fit(model, loss, optimizer, *pair, epochs=epochs, rng=rng)
    return {
        "start loss": begin,
        "end loss": evaluate(model, loss, *(pair if tested == "train" else test)),
        "weight norm": np.linalg.norm(model.layers[0].weight.data),
        "null loss": np.mean((test[1] - pair[1].mean()) ** 2),
    }


@cache
def run(weight_decay, seed, **others):
    return train(weight_decay, np.random.default_rng(seed), **others)


@cache
def run_two_seeds(weight_decay, seed):
    rng = np.random.default_rng(seed)
    return train(weight_decay, rng, start=np.random.default_rng([seed, 1]))


def run_numpy(weight_decay, seed, w_size=0.2, step=sgd):
    """As long as in the assignment: 300 steps."""
    rng = np.random.default_rng([seed, 7])
    X, y = draw(40, rng)
    X_test, y_test = draw(1000, rng)
    w = w_size * rng.standard_normal((40, 1))
    b = 0.0
    begin = np.mean((X_test @ w + b - y_test) ** 2)
    for _ in range(300):
        errors = 2 * (X @ w + b - y) / 40
        w = step(w, X.T @ errors, 0.05, weight_decay)
        b = b - 0.05 * errors.sum()
    return {
        "start loss": begin,
        "end loss": np.mean((X_test @ w + b - y_test) ** 2),
        "weight norm": np.linalg.norm(w),
        "null loss": np.mean((y_test - y.mean()) ** 2),
    }


def run_moved_start(weight_decay, seed):
    start = np.random.default_rng(seed + int(10 * weight_decay))
    return train(weight_decay, np.random.default_rng(seed), start, epochs=0)


def null_row(predicted):
    """The reference with another null model: predicted is what it always says."""

    def answer(weight_decay, seed):
        rng = np.random.default_rng(seed)
        draw(40, rng)
        _, y_test = draw(1000, rng)
        return run(weight_decay, seed) | {"null loss": np.mean((y_test - predicted) ** 2)}

    return answer


UNSEEDED = np.random.default_rng(0)

FAIR = (
    checks.fair,
    {
        "reference": run,
        "NumPy": run_numpy,
        "from zero": lambda weight_decay, seed: run_numpy(weight_decay, seed, w_size=0.0),
        "two seeds": run_two_seeds,
    },
    {
        "not repeatable": lambda weight_decay, seed: train(weight_decay, UNSEEDED, epochs=0),
        "not paired": run_moved_start,
        "not paired: data": lambda weight_decay, seed: run(
            weight_decay, seed + int(10 * weight_decay), epochs=0
        ),
        "seed without effect": lambda weight_decay, seed: run(weight_decay, 0),
        "wrong null row": null_row(0.0),
        "not trained": lambda weight_decay, seed: run(weight_decay, seed, epochs=1),
        "tested on the training set": lambda weight_decay, seed: run(
            weight_decay, seed, tested="train"
        ),
        "decay without effect": lambda weight_decay, seed: run(0.0, seed),
        "the weights grow": lambda wd, seed: run_numpy(
            min(wd, 1), seed, step=lambda w, g, lr, lam: sgd(w, g, lr, -lam)
        ),
        "bias decayed": lambda weight_decay, seed: run(weight_decay, seed, decay_bias=True),
        "wrong return": lambda weight_decay, seed: run(weight_decay, seed)["end loss"],
        "not a number": lambda weight_decay, seed: run(weight_decay, seed) | {"end loss": [1, 2]},
    },
)

ANSWERS = [SGD_STEP, GROUPS, UNTOUCHED, ADAMW, ACCUMULATED, FAIR]


@cases(ANSWERS)
def test_answer(check, answer, slip):
    assert_said(check, answer, slip)


def test_there_are_enough():
    assert_enough(ANSWERS)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_formula_for_the_untouched_part_describes_a_real_run(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((20, 200))
    w = normal(1.0)(200, 1, rng)
    for _ in range(400):
        w = sgd(w, X.T @ (X @ w) / 20, 0.003, 3)
    left = np.linalg.norm(w - X.T @ np.linalg.solve(X @ X.T, X @ w))
    expected = untouched(200, 20, 1, 0.003, 3, 400)[0]
    assert left == pytest.approx(expected, rel=0.35)  # 6 sigma: 1 / sqrt(2 * 180) each
