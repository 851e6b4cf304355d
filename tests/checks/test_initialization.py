"""Assignment 05: right and wrong answers to each exercise."""

import math
from functools import cache
from itertools import pairwise

import numpy as np

from helpers import initializers
from helpers.checks import initialization as checks
from helpers.core import Sequential
from helpers.data import load_digits, split
from helpers.layers import Linear, ReLU
from helpers.losses import CrossEntropyLoss
from helpers.optimizers import SGD
from helpers.training import accuracy, fit
from tests.checks.support.answers import assert_enough, assert_said, cases


def normal(std):
    """N(0, std(n_in, n_out)^2)."""
    return lambda n_in, n_out, rng: std(n_in, n_out) * rng.standard_normal((n_in, n_out))


def he(n_in, n_out, rng):
    return rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out))


def he_loop(n_in, n_out, rng):
    return [[rng.normal(scale=(2 / n_in) ** 0.5) for _ in range(n_out)] for _ in range(n_in)]


def once(initializer):
    """Draw one row and repeat it."""
    return lambda n_in, n_out, rng: np.repeat(initializer(n_in, n_out, rng)[:1], n_in, axis=0)


def seeded(initializer):
    return lambda n_in, n_out, rng: initializer(n_in, n_out, np.random.default_rng(0))


def unseeded(initializer):
    return lambda n_in, n_out, rng: initializer(n_in, n_out, UNSEEDED)


def transposed(initializer):
    return lambda n_in, n_out, rng: initializer(n_in, n_out, rng).T


UNSEEDED = np.random.default_rng(0)

HE = (
    checks.he,
    {
        "reference": he,
        "loop": he_loop,
        "standard normal": normal(lambda n_in, n_out: math.sqrt(2 / n_in)),
        "helpers": initializers.he_normal,
    },
    {
        "mean for standard deviation": lambda n_in, n_out, rng: rng.normal(
            np.sqrt(2 / n_in), size=(n_in, n_out)
        ),
        "scale forgotten": normal(lambda n_in, n_out: 1),
        "mean not zero": lambda n_in, n_out, rng: rng.normal(
            2 / n_in, np.sqrt(2 / n_in), (n_in, n_out)
        ),
        "uniform instead of normal": initializers.he_uniform,
        "not normal": lambda n_in, n_out, rng: (
            np.sqrt(2 / n_in) * rng.choice([-1, 1], (n_in, n_out))
        ),
        "variance for standard deviation": normal(lambda n_in, n_out: 2 / n_in),
        "fan_out for fan_in": normal(lambda n_in, n_out: math.sqrt(2 / n_out)),
        "Xavier instead of He": initializers.xavier_normal,
        "ReLU's half forgotten": normal(lambda n_in, n_out: n_in**-0.5),
        "root of n_in forgotten": normal(lambda n_in, n_out: math.sqrt(2) / n_in),
        "factor 2 outside the root": normal(lambda n_in, n_out: 2 / math.sqrt(n_in)),
        "a fixed scale": normal(lambda n_in, n_out: 0.01),
        "wrong scale": normal(lambda n_in, n_out: math.sqrt(3 / n_in)),
        "equal units": once(he),
        "equal units: zeros": lambda n_in, n_out, rng: np.zeros((n_in, n_out)),
        "shape transposed": transposed(he),
        "wrong shape": lambda n_in, n_out, rng: he(n_in, n_out, rng).ravel(),
        "seed inside": seeded(he),
        "rng ignored": unseeded(he),
    },
)


def uniform(bound):
    """Uniform on [-bound(n_in, n_out), bound(n_in, n_out)]."""

    def answer(n_in, n_out, rng):
        a = bound(n_in, n_out)
        return rng.uniform(-a, a, (n_in, n_out))

    return answer


def xavier(n_in, n_out, rng):
    return uniform(lambda n_in, n_out: np.sqrt(6 / (n_in + n_out)))(n_in, n_out, rng)


def xavier_loop(n_in, n_out, rng):
    a = math.sqrt(6 / (n_in + n_out))
    return [[a * (2 * rng.random() - 1) for _ in range(n_out)] for _ in range(n_in)]


def xavier_from_std(n_in, n_out, rng):
    return np.sqrt(12 * 2 / (n_in + n_out)) * (rng.random((n_in, n_out)) - 0.5)


def one_side(n_in, n_out, rng):
    return rng.uniform(0, np.sqrt(6 / (n_in + n_out)), (n_in, n_out))


XAVIER = (
    checks.xavier,
    {
        "reference": xavier,
        "loop": xavier_loop,
        "from the standard deviation": xavier_from_std,
        "helpers": initializers.xavier_uniform,
    },
    {
        "high end forgotten": lambda n_in, n_out, rng: rng.uniform(
            np.sqrt(6 / (n_in + n_out)), size=(n_in, n_out)
        ),
        "half of the interval": one_side,
        "normal instead of uniform": initializers.xavier_normal,
        "normal instead of uniform: the bound as its standard deviation": normal(
            lambda n_in, n_out: math.sqrt(6 / (n_in + n_out))
        ),
        "not uniform": lambda n_in, n_out, rng: (
            xavier(n_in, n_out, rng) * rng.random((n_in, n_out)) ** 0.2
        ),
        "not around 0": lambda n_in, n_out, rng: xavier(n_in, n_out, rng) + 0.02,
        "standard deviation for the bound": uniform(
            lambda n_in, n_out: math.sqrt(2 / (n_in + n_out))
        ),
        "3 for 6": uniform(lambda n_in, n_out: math.sqrt(3 / (n_in + n_out))),
        "n_in twice": uniform(lambda n_in, n_out: math.sqrt(6 / (n_in + n_in))),
        "n_out twice": uniform(lambda n_in, n_out: math.sqrt(6 / (n_out + n_out))),
        "He instead of Xavier": initializers.he_uniform,
        "width for the bound": uniform(lambda n_in, n_out: 2 * math.sqrt(6 / (n_in + n_out))),
        "bound is half as large": uniform(lambda n_in, n_out: math.sqrt(6 / (n_in + n_out)) / 2),
        "root forgotten": uniform(lambda n_in, n_out: 6 / (n_in + n_out)),
        "PyTorch's default": uniform(lambda n_in, n_out: n_in**-0.5),
        "wrong bound": uniform(lambda n_in, n_out: math.sqrt(9 / (n_in + n_out))),
        "equal units": once(xavier),
        "shape transposed": transposed(xavier),
        "seed inside": seeded(xavier),
        "rng ignored": unseeded(xavier),
    },
)


def layer(n_in, n_out, w, mean, std):
    variance = n_in * w**2 * (mean**2 + std**2)
    return variance, variance / 2, n_out * w**2


def layer_loop(n_in, n_out, w, mean, std):
    total = 0.0
    for _ in range(n_in):
        total += (w * mean) ** 2 + (w * std) ** 2
    return [total, 0.5 * total, sum(w * w for _ in range(n_out))]


def layer_by_integral(n_in, n_out, w, mean, std):
    points, weights = np.polynomial.hermite_e.hermegauss(50)
    x = mean + std * points
    square = weights @ x**2 / weights.sum()
    z = np.sqrt(n_in * square) * w * points
    forward = np.average(z**2, weights=weights), np.average(np.maximum(z, 0) ** 2, weights=weights)
    return *forward, np.average((np.sqrt(n_out) * w * points) ** 2, weights=weights)


def variance(change):
    """The reference with another variance of z: change(n_in, n_out, w, mean, std)."""
    return lambda *arguments: (change(*arguments), *layer(*arguments)[1:])


def square(change):
    """The reference with another mean square, a function of the variance of z."""
    return lambda *arguments: (
        layer(*arguments)[0],
        change(layer(*arguments)[0]),
        layer(*arguments)[2],
    )


def back(change):
    """The reference with another way back: change(n_in, n_out, w)."""
    return lambda *arguments: (*layer(*arguments)[:2], change(*arguments[:3]))


LAYER = (
    checks.layer,
    {"reference": layer, "loop": layer_loop, "integral": layer_by_integral},
    {
        "variance where the mean square belongs": variance(
            lambda n, k, w, mean, std: n * w**2 * std**2
        ),
        "spread of x left out": variance(lambda n, k, w, mean, std: n * w**2 * mean**2),
        "square of the sum": variance(lambda n, k, w, mean, std: n * w**2 * (mean + std) ** 2),
        "squares of x forgotten": variance(lambda n, k, w, mean, std: n * w**2 * (mean + std)),
        "fan_out for fan_in": variance(lambda n, k, w, mean, std: k * w**2 * (mean**2 + std**2)),
        "both fans": variance(lambda n, k, w, mean, std: (n + k) / 2 * w**2 * (mean**2 + std**2)),
        "weight_std not squared": variance(lambda n, k, w, mean, std: n * w * (mean**2 + std**2)),
        "number of terms forgotten": variance(lambda n, k, w, mean, std: w**2 * (mean**2 + std**2)),
        "number of terms squared": variance(
            lambda n, k, w, mean, std: (n * w) ** 2 * (mean**2 + std**2)
        ),
        "standard deviation for variance": variance(lambda *arguments: layer(*arguments)[0] ** 0.5),
        "ReLU before its time": variance(lambda *arguments: layer(*arguments)[1]),
        "wrong variance": variance(lambda n, k, w, mean, std: n * w**2 * abs(mean**2 - std**2)),
        "ReLU's half forgotten": square(lambda v: v),
        "variance after the ReLU": square(lambda v: v / 2 * (1 - 1 / np.pi)),
        "square of the mean": square(lambda v: v / (2 * np.pi)),
        "the mean": square(lambda v: np.sqrt(v / (2 * np.pi))),
        "root mean square": square(lambda v: np.sqrt(v / 2)),
        "the half squared": square(lambda v: v / 4),
        "wrong mean square": square(lambda v: v / 3),
        "fan_in for fan_out": back(lambda n, k, w: n * w**2),
        "both fans: back": back(lambda n, k, w: (n + k) / 2 * w**2),
        "ReLU before its time: back": back(lambda n, k, w: k * w**2 / 2),
        "weight_std not squared: back": back(lambda n, k, w: k * w),
        "number of terms forgotten: back": back(lambda n, k, w: w**2),
        "standard deviation for variance: back": back(lambda n, k, w: k**0.5 * w),
        "wrong way back": back(lambda n, k, w: 1),
        "wrong return": lambda *arguments: layer(*arguments)[0],
    },
)


def depth(widths, stds, x_rms):
    rms = []
    for n_in, std in zip(widths[:-1], stds, strict=True):
        x_rms = x_rms * np.sqrt(n_in / 2) * std
        rms.append(x_rms)
    return rms


def depth_at_once(widths, stds, x_rms):
    return x_rms * np.cumprod(stds * np.sqrt(np.array(widths[:-1]) / 2))


def depth_by_layers(widths, stds, x_rms):
    squares = [x_rms**2]
    for n_in, std in zip(widths, stds, strict=False):
        squares.append(layer(n_in, 0, std, 0, squares[-1] ** 0.5)[1])
    return np.sqrt(squares[1:])


def chained(factor, begin=lambda x_rms: x_rms, end=lambda values: values):
    """A product over layers: factor(n_in, n_out, std)."""

    def answer(widths, stds, x_rms):
        factors = [
            factor(n_in, n_out, std)
            for (n_in, n_out), std in zip(pairwise(widths), stds, strict=True)
        ]
        return end(begin(x_rms) * np.cumprod(factors))

    return answer


def rooted(factor, begin=lambda x_rms: x_rms**2):
    return chained(factor, begin, np.sqrt)


def unchained(combine):
    def answer(widths, stds, x_rms):
        return combine(x_rms, stds * np.sqrt(np.array(widths[:-1]) / 2))

    return answer


DEPTH = (
    checks.depth,
    {"reference": depth, "at once": depth_at_once, "layers": depth_by_layers},
    {
        "the input counted": lambda widths, stds, x_rms: [x_rms, *depth(widths, stds, x_rms)],
        "last layer alone": lambda widths, stds, x_rms: depth(widths, stds, x_rms)[-1],
        "mean squares for their roots": chained(
            lambda n, k, std: n * std**2 / 2, lambda x_rms: x_rms**2
        ),
        "x_rms not squared": rooted(lambda n, k, std: n * std**2 / 2, lambda x_rms: x_rms),
        "ReLU's half forgotten": rooted(lambda n, k, std: n * std**2),
        "half outside the root": chained(lambda n, k, std: n**0.5 * std / 2),
        "fan_out for fan_in": rooted(lambda n, k, std: k * std**2 / 2),
        "weight_std not squared": rooted(lambda n, k, std: n * std / 2),
        "layers not chained": unchained(lambda x_rms, factors: x_rms * factors),
        "input left out": rooted(lambda n, k, std: n * std**2 / 2, lambda x_rms: 1),
        "factors added": unchained(lambda x_rms, factors: x_rms * np.cumsum(factors)),
        "variance through every layer": chained(lambda n, k, std: n * std**2 / 2),
        "wrong rms": chained(lambda n, k, std: n * std),
        "wrong shape": lambda widths, stds, x_rms: depth(widths, stds, x_rms)[:-1],
        "raises ValueError": lambda widths, stds, x_rms: widths * stds,
    },
)


def convolution(shape):
    return np.sqrt(6 / (math.prod(shape[2:]) * (shape[0] + shape[1])))


def convolution_loop(shape):
    fan_out, fan_in, *kernel = shape
    for size in kernel:
        fan_in *= size
        fan_out *= size
    return math.sqrt(3 / ((fan_in + fan_out) / 2))


def convolution_by_counting(shape):
    weights = np.ones(shape)
    return (6 / (weights[0].sum() + weights[:, 0].sum())) ** 0.5


def fans(total):
    """sqrt(6 / total(C_out, C_in, height, width)), with a kernel of 1 x 1 for linear layers."""
    return lambda shape: np.sqrt(6 / total(*shape, *([1, 1] if len(shape) == 2 else [])))


CONVOLUTION = (
    checks.convolution,
    {"reference": convolution, "loop": convolution_loop, "counting": convolution_by_counting},
    {
        "sizes added": lambda shape: math.sqrt(6 / sum(shape)),
        "kernel area forgotten": fans(lambda o, i, h, w: i + o),
        "area in fan_in alone": fans(lambda o, i, h, w: i * h * w + o),
        "area in fan_out alone": fans(lambda o, i, h, w: i + o * h * w),
        "one side of the kernel": fans(lambda o, i, h, w: (i + o) * h),
        "one side of the kernel: width": fans(lambda o, i, h, w: (i + o) * w),
        "sides added": fans(lambda o, i, h, w: (i + o) * (h + w)),
        "all sizes multiplied": fans(lambda o, i, h, w: i * o * h * w),
        "axes read from the wrong end": lambda shape: math.sqrt(
            6 / (math.prod(shape[:-2]) * sum(shape[-2:]))
        ),
        "fan_in alone": fans(lambda o, i, h, w: i * h * w),
        "fan_in twice": fans(lambda o, i, h, w: 2 * i * h * w),
        "standard deviation for the bound": lambda shape: convolution(shape) / math.sqrt(3),
        "root forgotten": lambda shape: convolution(shape) ** 2,
        "wrong bound": lambda shape: 1.1 * convolution(shape),
        "linear layers broken": lambda shape: convolution(
            shape if len(shape) == 4 else (*shape, 3, 3)
        ),
        "raises IndexError": lambda shape: math.sqrt(
            6 / (shape[2] * shape[3] * (shape[0] + shape[1]))
        ),
    },
)


DIGITS = load_digits()
SIZES = [64, *[50] * 6, 10]
EPOCHS = 40


def error(model, pair):
    return 100 - 100 * accuracy(model, *pair)


def train(scale, rng, start=None, epochs=EPOCHS, initializer=initializers.he_normal):
    """The reference experiment, on few digits; its wrong versions differ in what they hand in."""
    pair, test = split(DIGITS.X, DIGITS.y, (80, 80), rng)
    layers = [Linear(a, b, start or rng, initializer) for a, b in pairwise(SIZES)]
    for layer in layers:
        layer.weight.data *= scale
    norm = np.linalg.norm(layers[0].weight.data)
    model = Sequential(*[part for layer in layers for part in (layer, ReLU())][:-1])
    if epochs:
        optimizer = SGD(model.parameters(), 0.05)
        fit(model, CrossEntropyLoss(), optimizer, *pair, epochs=epochs, rng=rng, batch_size=20)
    null = 100 * np.mean(test[1] != np.bincount(pair[1]).argmax())
    values = (norm, null, error(model, pair), error(model, test))
    return dict(zip(checks.METRICS, values, strict=True))


@cache
def run(scale, seed, **others):
    return train(scale, np.random.default_rng(seed), **others)


@cache
def run_scaled_draws(scale, seed):
    def scaled(*arguments, **options):
        return scale * initializers.he_normal(*arguments, **options)

    return train(1, np.random.default_rng(seed), initializer=scaled)


@cache
def run_two_seeds(scale, seed):
    return train(scale, np.random.default_rng(seed), start=np.random.default_rng([seed, 1]))


def run_moved_start(scale, seed):
    start = np.random.default_rng([seed, int(10 * scale)])
    return train(scale, np.random.default_rng(seed), start, epochs=0)


def but(**changes):
    """The reference with other entries: changes are functions of the result and the scale."""

    def answer(scale, seed):
        result = run(scale, seed)
        return result | {NAMES[name]: change(result, scale) for name, change in changes.items()}

    return answer


NAMES = {name.partition(" ")[0]: name for name in checks.METRICS}

FAIR = (
    checks.fair,
    {"reference": run, "scaled draws": run_scaled_draws, "two seeds": run_two_seeds},
    {
        "not repeatable": lambda scale, seed: train(scale, UNSEEDED, epochs=0),
        "not paired": run_moved_start,
        "not paired: split": lambda scale, seed: run(scale, seed + int(10 * scale), epochs=0),
        "scale without effect": lambda scale, seed: run(1.0, seed),
        "scale without effect: on the training": lambda scale, seed: (
            run(1.0, seed) | {"start norm": scale * run(1.0, seed)["start norm"]}
        ),
        "scale of the variance": lambda scale, seed: run(scale**0.5, seed, epochs=0),
        "the square of the norm": but(start=lambda result, scale: result["start norm"] ** 2),
        "seed without effect": lambda scale, seed: run(scale, 0),
        "not He's start": lambda scale, seed: run(
            scale, seed, initializer=initializers.xavier_normal, epochs=0
        ),
        "wrong null row": but(null=lambda result, scale: 100 - result["null error (%)"]),
        "not trained": lambda scale, seed: (
            run(scale, seed, epochs=0) | {"train error (%)": 90 - scale}
        ),
        "tested on the training set": but(test=lambda result, scale: result["train error (%)"]),
        "wrong return": lambda scale, seed: run(scale, seed)["test error (%)"],
        "not a number": but(test=lambda result, scale: np.nan),
    },
)

ANSWERS = [HE, XAVIER, LAYER, DEPTH, CONVOLUTION, FAIR]


@cases(ANSWERS)
def test_answer(check, answer, slip):
    assert_said(check, answer, slip)


def test_there_are_enough():
    assert_enough(ANSWERS)
