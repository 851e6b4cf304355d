"""Assignment 04: right and wrong answers to each exercise."""

from functools import cache

import numpy as np

from helpers.checks import inverted_dropout as checks
from helpers.core import Sequential
from helpers.data import load_digits, minibatches, split
from helpers.layers import Linear, ReLU
from helpers.losses import CrossEntropyLoss
from helpers.noise import Dropout
from helpers.optimizers import SGD
from tests.checks.support.answers import assert_enough, assert_said, cases


def draw(x, p, rng):
    return rng.random(x.shape) >= p


def forward(x, p, rng):
    mask = draw(x, p, rng)
    return x * mask / (1 - p), mask


def forward_loop(x, p, rng):
    y = np.zeros_like(x)
    mask = np.zeros(x.shape, bool)
    for i in np.ndindex(x.shape):
        mask[i] = rng.random() > p
        y[i] = x[i] / (1 - p) if mask[i] else 0
    return y, mask


def forward_binomial(x, p, rng):
    mask = rng.binomial(1, 1 - p, x.shape).astype(x.dtype)
    return np.where(mask == 1, x / x.dtype.type(1 - p), x.dtype.type(0)), mask


def forward_frozen(x, p, rng):
    return forward(x, p, np.random.default_rng(3))


def forward_in_place(x, p, rng):
    mask = draw(x, p, rng)
    x *= mask / (1 - p)
    return x, mask


def shared(axis):
    def answer(x, p, rng):
        shape = [1 if i == axis else n for i, n in enumerate(x.shape)]
        mask = np.broadcast_to(rng.random(shape) >= p, x.shape)
        return x * mask / (1 - p), mask

    return answer


def after(change):
    """The reference with its (x, p, mask) turned into another result."""

    def answer(x, p, rng):
        return change(x, p, draw(x, p, rng))

    return answer


FORWARD = (
    checks.forward,
    {"reference": forward, "loop": forward_loop, "binomial": forward_binomial},
    {
        "scale forgotten": after(lambda x, p, m: (x * m, m)),
        "divided by p": after(lambda x, p, m: (x * m / p, m)),
        "multiplied by 1 - p": after(lambda x, p, m: (x * m * (1 - p), m)),
        "wrong scale": after(lambda x, p, m: (3 * x * m, m)),
        "keep and drop exchanged": lambda x, p, rng: forward(x, 1 - p, rng),
        "keep and drop exchanged: in the mask alone": after(lambda x, p, m: (x * ~m / (1 - p), ~m)),
        "wrong share dropped": lambda x, p, rng: forward(x, p / 2, rng),
        "nothing dropped": lambda x, p, rng: (x, np.ones(x.shape)),
        "one mask for all": shared(0),
        "one mask for all: of its units": shared(1),
        "seed inside forward": forward_frozen,
        "scale inside the mask": after(lambda x, p, m: (x * m / (1 - p), m / (1 - p))),
        "mask marks the dropped": after(lambda x, p, m: (x * m / (1 - p), ~m)),
        "wrong mask": after(lambda x, p, m: (x * m / (1 - p), x * m)),
        "dtype changed": after(lambda x, p, m: ((x * m).astype(float) / (1 - p), m)),
        "input changed": forward_in_place,
        "wrong return": lambda x, p, rng: forward(x, p, rng)[0],
        "nothing returned": lambda x, p, rng: None,
        "raises ValueError": lambda x, p, rng: x @ x,
        "wrong shape": lambda x, p, rng: (x.ravel(), x),
    },
)


def backward_loop(dy, mask, p):
    dx = np.zeros(dy.shape)
    for i in np.ndindex(dy.shape):
        dx[i] = dy[i] / (1 - p) if mask[i] else 0
    return dx


BACKWARD = (
    checks.backward,
    {
        "reference": lambda dy, mask, p: dy * mask / (1 - p),
        "where": lambda dy, mask, p: np.where(mask, dy / (1 - p), 0),
        "loop": backward_loop,
    },
    {
        "mask forgotten": lambda dy, mask, p: dy / (1 - p),
        "scale forgotten": lambda dy, mask, p: dy * mask,
        "mask and scale forgotten": lambda dy, mask, p: dy,
        "scale taken twice": lambda dy, mask, p: dy * mask / (1 - p) ** 2,
        "keep and drop exchanged": lambda dy, mask, p: dy * mask / p,
        "mask turned round": lambda dy, mask, p: dy * ~mask / (1 - p),
        "wrong gradient": lambda dy, mask, p: dy * mask * (1 - p),
        "wrong shape": lambda dy, mask, p: dy[mask] / (1 - p),
    },
)

MOMENTS = (
    checks.moments,
    {
        "reference": lambda x, p: (x, p / (1 - p) * x**2),
        "two outcomes": lambda x, p: ((1 - p) * (x / (1 - p)), (1 - p) * (x / (1 - p)) ** 2 - x**2),
        "loop": lambda x, p: ([float(v) for v in x], [float(v * v * (1 / (1 - p) - 1)) for v in x]),
    },
    {
        "mean without the scale": lambda x, p: ((1 - p) * x, p / (1 - p) * x**2),
        "mean of what is kept": lambda x, p: (x / (1 - p), p / (1 - p) * x**2),
        "wrong mean": lambda x, p: (0 * x, p / (1 - p) * x**2),
        "standard deviation for variance": lambda x, p: (x, np.sqrt(p / (1 - p)) * abs(x)),
        "variance of standard dropout": lambda x, p: (x, p * (1 - p) * x**2),
        "E[y^2] for the variance": lambda x, p: (x, x**2 / (1 - p)),
        "keep and drop exchanged": lambda x, p: (x, (1 - p) / p * x**2),
        "x where its square belongs": lambda x, p: (x, p / (1 - p) * x),
        "wrong variance": lambda x, p: (x, p * x**2),
        "wrong return": lambda x, p: p / (1 - p) * x**2,
    },
)


def passes(x, p, steps, rng):
    return np.array([forward(x, p, rng)[0] for _ in range(steps)])


def passes_at_once(x, p, steps, rng):
    return x * (rng.random((steps, *x.shape)) >= p) / (1 - p)


def passes_spawned(x, p, steps, rng):
    return [forward(x, p, child)[0] for child in rng.spawn(steps)]


def passes_seeded(x, p, steps, rng):
    return [forward(x, p, np.random.default_rng(1))[0] for _ in range(steps)]


def passes_own_seed(x, p, steps, rng):
    return passes(x, p, steps, np.random.default_rng(1))


PASSES = (
    checks.passes,
    {"reference": passes, "at once": passes_at_once, "spawned": passes_spawned},
    {
        "seed inside forward": passes_seeded,
        "rng ignored": passes_own_seed,
        "dropout switched off": lambda x, p, steps, rng: np.array(
            [x + 0 * i for i in range(steps)]
        ),
        "wrong shape": lambda x, p, steps, rng: forward(x, p, rng)[0],
        "scale forgotten": lambda x, p, steps, rng: passes(x, p, steps, rng) * (1 - p),
        "one mask for all": lambda x, p, steps, rng: np.array(
            [shared(0)(x, p, rng)[0] for _ in range(steps)]
        ),
        "wrong share dropped": lambda x, p, steps, rng: passes(x, 0.8, steps, rng) * 0.4,
        "wrong scale": lambda x, p, steps, rng: 3 * passes(x, p, steps, rng),
    },
)


DIGITS = load_digits()
UNSEEDED = np.random.default_rng(0)


def accuracy(model, X, y):
    return 100 * float(np.mean(model.eval()(X).argmax(axis=1) == y))


def train(p, rng, masks, epochs=15, evaluate_on=None):
    """The reference experiment, on few digits; its wrong versions differ in what they hand in."""
    (X, y), (X_test, y_test) = split(DIGITS.X, DIGITS.y, (60, 60), rng)
    model = Sequential(Linear(64, 64, rng), ReLU(), Dropout(p, masks), Linear(64, 10, rng))
    loss = CrossEntropyLoss()
    optimizer = SGD(model.parameters(), lr=0.3)
    start = loss.value(model.eval()(X_test), y_test)
    for _ in range(epochs):
        for batch in minibatches(60, 20, rng):
            optimizer.zero_grad()
            loss.value(model.train()(X[batch]), y[batch])
            model.backward(loss.backward())
            optimizer.step()
    tested = (X, y) if evaluate_on == "train" else (X_test, y_test)
    return {
        "start loss": start,
        "end loss": loss.value(model.eval()(X_test), y_test),
        "train accuracy (%)": accuracy(model, X, y),
        "test accuracy (%)": accuracy(model, *tested),
    }


@cache
def run(p, seed, **others):
    rng = np.random.default_rng(seed)
    return train(p, rng, rng.spawn(1)[0], **others)


def run_two_seeds(p, seed):
    return train(p, np.random.default_rng(seed), np.random.default_rng([seed, 1]))


def run_one_generator(p, seed):
    rng = np.random.default_rng(seed)
    return train(p, rng, rng)  # the masks are drawn after split and first weights


def run_moved_start(p, seed):
    rng = np.random.default_rng(seed + int(10 * p))
    return train(p, rng, rng, epochs=0)


FAIR = (
    checks.fair,
    {"reference": run, "two seeds": run_two_seeds, "one generator": run_one_generator},
    {
        "not repeatable": lambda p, seed: train(p, UNSEEDED, UNSEEDED, epochs=0),
        "not paired": run_moved_start,
        "seed without effect": lambda p, seed: run(p, 0),
        "p without effect": lambda p, seed: run(0.0, seed),
        "not trained": lambda p, seed: run(p, seed, epochs=1),
        "tested on the training set": lambda p, seed: run(p, seed, epochs=60, evaluate_on="train"),
        "wrong return": lambda p, seed: run(p, seed)["test accuracy (%)"],
        "not a number": lambda p, seed: run(p, seed) | {"start loss": [1, 2]},
    },
)

ANSWERS = [FORWARD, BACKWARD, MOMENTS, PASSES, FAIR]


@cases(ANSWERS)
def test_answer(check, answer, slip):
    assert_said(check, answer, slip)


def test_there_are_enough():
    assert_enough(ANSWERS)
