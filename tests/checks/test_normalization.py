"""Assignment 07: right and wrong answers to each exercise."""

import functools
import itertools
from dataclasses import dataclass
from functools import partial

import numpy as np

from helpers import normalization
from helpers.checks import normalization as checks
from helpers.core import Sequential
from helpers.data import load_digits, minibatches, split
from helpers.gradcheck import numerical_gradient
from helpers.layers import Linear, ReLU
from helpers.losses import CrossEntropyLoss
from helpers.normalization import BatchNorm, GroupNorm
from helpers.optimizers import SGD
from helpers.training import accuracy, evaluate, fit, predict
from tests.checks.support.answers import SEEDS, assert_enough, assert_said, cases

TRAININGS = range(3)  # seeds for the answers that train


def normalize(x, axes, eps):
    mean = x.mean(axis=axes, keepdims=True)
    var = ((x - mean) ** 2).mean(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(var + eps)


def normalize_loop(x, axes, eps):
    whole = [slice(None)]
    along = [whole if axis in axes else range(size) for axis, size in enumerate(x.shape)]
    z = np.empty(x.shape)
    for block in itertools.product(*along):
        z[block] = (x[block] - np.mean(x[block])) / (np.var(x[block]) + eps) ** 0.5
    return z


def normalize_moved(x, axes, eps):
    """The axes at the end, in one."""
    last = np.moveaxis(x, axes, range(-len(axes), 0))
    rows = last.reshape(-1, np.prod([x.shape[axis] for axis in axes]))
    z = ((rows.T - rows.mean(axis=1)) / np.sqrt(rows.var(axis=1) + eps)).T
    return np.moveaxis(z.reshape(last.shape), range(-len(axes), 0), axes)


def normalize_by_second_moment(x, axes, eps):
    mean = x.mean(axes, keepdims=True)
    var = np.mean(x**2, axis=axes, keepdims=True) - mean**2
    return (x - mean) / np.sqrt(var + eps)


def normalize_over_others(x, axes, eps):
    return normalize(x, tuple(axis for axis in range(x.ndim) if axis not in axes), eps)


def normalize_without_keepdims(x, axes, eps):
    if axes == (1,):
        return (x - x.mean(axes)) / np.sqrt(x.var(axes) + eps)
    return normalize(x, axes, eps)


def normalize_in_place(x, axes, eps):
    x -= x.mean(axis=axes, keepdims=True)
    return x / np.sqrt(x.var(axis=axes, keepdims=True) + eps)


def scaled(change):
    """Another use of (x, mean, var, eps, count)."""

    def answer(x, axes, eps):
        mean = x.mean(axes, keepdims=True)
        var = x.var(axes, keepdims=True)
        return change(x, mean, var, eps, x.size // var.size)

    return answer


FORMULA = (
    checks.formula,
    {
        "reference": normalize,
        "loop": normalize_loop,
        "axes moved": normalize_moved,
        "helpers": lambda x, axes, eps: normalization.normalize(x, axes, eps)[0],
        "second moment": normalize_by_second_moment,
    },
    {
        "axes exchanged": normalize_over_others,
        "one mean for all": lambda x, axes, eps: (x - x.mean()) / np.sqrt(x.var() + eps),
        "eps outside the root": scaled(
            lambda x, mean, var, eps, n: (x - mean) / (np.sqrt(var) + eps)
        ),
        "eps forgotten": scaled(lambda x, mean, var, eps, n: (x - mean) / np.sqrt(var)),
        "eps squared": scaled(lambda x, mean, var, eps, n: (x - mean) / np.sqrt(var + eps**2)),
        "unbiased for biased variance": scaled(
            lambda x, mean, var, eps, n: (x - mean) / np.sqrt(var * n / (n - 1) + eps)
        ),
        "root forgotten": scaled(lambda x, mean, var, eps, n: (x - mean) / (var + eps)),
        "squared for the root": scaled(lambda x, mean, var, eps, n: (x - mean) / (var + eps) ** 2),
        "sum for mean": scaled(lambda x, mean, var, eps, n: (x - mean) / np.sqrt(var * n + eps)),
        "mean not subtracted": scaled(lambda x, mean, var, eps, n: x / np.sqrt(var + eps)),
        "mean alone": scaled(lambda x, mean, var, eps, n: x - mean),
        "divided before the mean": scaled(
            lambda x, mean, var, eps, n: x / np.sqrt(var + eps) - mean
        ),
        "wrong z": lambda x, axes, eps: 2 * normalize(x, axes, eps),
        "raises ValueError": normalize_without_keepdims,
        "input changed": normalize_in_place,
        "nothing returned": lambda x, axes, eps: None,
    },
)

AXES = {"batch": (0, 2, 3), "layer": (1, 2, 3), "instance": (2, 3), "group": (2, 3, 4)}


def norm(x, kind, groups):
    shape = (len(x), groups, -1, *x.shape[2:]) if kind == "group" else x.shape
    return normalize(x.reshape(shape), AXES[kind], 1e-5).reshape(x.shape)


def norm_helpers(x, kind, groups):
    c = x.shape[1]
    layer = {
        "batch": normalization.BatchNorm(c),
        "layer": normalization.LayerNorm(x.shape[1:]),
        "instance": normalization.InstanceNorm(c),
        "group": normalization.GroupNorm(groups, c),
    }
    return layer[kind](x)


def norm_loop(x, kind, groups):
    if kind == "batch":
        return np.stack([normalize(x[:, c], (0, 1, 2), 1e-5) for c in range(x.shape[1])], axis=1)
    count = {"layer": 1, "instance": x.shape[1], "group": groups}

    def norm_of(image):
        parts = np.split(image, count[kind])
        return np.concatenate([normalize(part, (0, 1, 2), 1e-5) for part in parts])

    return np.array([norm_of(image) for image in x])


def one_wrong(kind, change):
    """Right for the other kinds."""
    return lambda x, asked, groups: change(x, groups) if asked == kind else norm(x, asked, groups)


def blocks(*shape, axes):
    def change(x, groups):
        sizes = {"N": len(x), "G": groups, "c": x.shape[1] // groups}
        grouped = x.reshape(*(sizes[name] for name in shape), *x.shape[2:])
        return normalize(grouped, axes, 1e-5).reshape(x.shape)

    return change


def over(*axes):
    return lambda x, groups: normalize(x, axes, 1e-5)


FOUR = (
    checks.four_norms,
    {"reference": norm, "helpers": norm_helpers, "loop": norm_loop},
    {
        "batch for layer": one_wrong("layer", over(0, 2, 3)),
        "layer for batch": one_wrong("batch", over(1, 2, 3)),
        "instance for batch": one_wrong("batch", over(2, 3)),
        "instance for layer": one_wrong("layer", over(2, 3)),
        "layer for instance": one_wrong("instance", over(1, 2, 3)),
        "instance for group": one_wrong("group", over(2, 3)),
        "layer for group": one_wrong("group", over(1, 2, 3)),
        "one mean for all": one_wrong("layer", over(0, 1, 2, 3)),
        "one mean for all: batch": one_wrong("batch", over(0, 1, 2, 3)),
        "pixels forgotten": one_wrong("batch", over(0)),
        "pixels forgotten: layer": one_wrong("layer", over(1)),
        "pixels forgotten: group": one_wrong("group", blocks("N", "G", "c", axes=(2,))),
        "size for number": one_wrong("group", blocks("N", "c", "G", axes=(2, 3, 4))),
        "channels interleaved": one_wrong("group", blocks("N", "c", "G", axes=(1, 3, 4))),
        "groups over the batch": one_wrong("group", blocks("N", "G", "c", axes=(0, 2, 3, 4))),
        "wrong instance norm": one_wrong("instance", lambda x, groups: x),
        "wrong shape": one_wrong("group", lambda x, groups: x.reshape(len(x), groups, -1)),
    },
)


def forward(x, gain, eps):
    return gain * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)


def backward(dy, x, gain, eps, means=(1, 1), gained=True, std=None):
    std = np.sqrt(x.var(axis=0) + eps) if std is None else std
    z = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    dz = dy * gain if gained else dy
    dx = (dz - means[0] * dz.mean(axis=0) - means[1] * z * (dz * z).mean(axis=0)) / std
    return dx, (dy * z).sum(axis=0), dy.sum(axis=0)


def backward_numerical(dy, x, gain, eps):
    def loss(x, gain=gain, shift=0):
        return np.sum(dy * (forward(x, gain, eps) + shift))

    dgain = numerical_gradient(lambda gain: loss(x, gain), gain)
    return (
        numerical_gradient(loss, x),
        dgain,
        numerical_gradient(lambda shift: loss(x, shift=shift), 0 * gain),
    )


def backward_jacobian(dy, x, gain, eps):
    n, c = x.shape
    std = np.sqrt(x.var(axis=0) + eps)
    z = (x - x.mean(axis=0)) / std
    dx = np.zeros((n, c))
    for k in range(c):
        jacobian = (np.eye(n) - 1 / n - np.outer(z[:, k], z[:, k]) / n) / std[k]
        dx[:, k] = gain[k] * jacobian.T @ dy[:, k]
    return dx, np.einsum("nc,nc->c", dy, z), dy.sum(axis=0)


def backward_helpers(dy, x, gain, eps):
    layer = normalization.BatchNorm(x.shape[1], eps)
    layer.weight.data[...] = gain
    layer(x)
    return layer.backward(dy), layer.weight.grad, layer.bias.grad


def with_dgain(change):
    def answer(dy, x, gain, eps):
        dx, _, dshift = backward(dy, x, gain, eps)
        return dx, change(dy, x, gain, (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)), dshift

    return answer


def with_dx(change):
    def answer(dy, x, gain, eps):
        dx, dgain, dshift = backward(dy, x, gain, eps)
        return change(dx, gain, np.sqrt(x.var(axis=0) + eps)), dgain, dshift

    return answer


def backward_summed(dy, x, gain, eps):
    return backward(dy, x, gain, eps, means=(len(x), len(x)))


BACKWARD = (
    checks.backward,
    {
        "reference": backward,
        "numerical": backward_numerical,
        "jacobian": backward_jacobian,
        "helpers": backward_helpers,
    },
    {
        "statistics taken as constants": lambda *a: backward(*a, means=(0, 0)),
        "mean term forgotten": lambda *a: backward(*a, means=(0, 1)),
        "z term forgotten": lambda *a: backward(*a, means=(1, 0)),
        "sign of the mean term": lambda *a: backward(*a, means=(-1, 1)),
        "sign of the z term": lambda *a: backward(*a, means=(1, -1)),
        "sum for mean": backward_summed,
        "gain forgotten": lambda *a: backward(*a, gained=False),
        "gain taken twice": with_dx(lambda dx, gain, std: dx * gain),
        "std forgotten": lambda *a: backward(*a, std=1),
        "variance for its root": with_dx(lambda dx, gain, std: dx / std),
        "eps forgotten": lambda dy, x, gain, eps: backward(dy, x, gain, eps, std=x.std(axis=0)),
        "wrong dx": with_dx(lambda dx, gain, std: -dx),
        "z forgotten in dgain": with_dgain(lambda dy, x, gain, z: dy.sum(axis=0)),
        "x for z in dgain": with_dgain(lambda dy, x, gain, z: (dy * x).sum(axis=0)),
        "mean for sum: dgain": with_dgain(lambda dy, x, gain, z: (dy * z).mean(axis=0)),
        "gain kept in dgain": with_dgain(lambda dy, x, gain, z: gain * (dy * z).sum(axis=0)),
        "gradient of each example": with_dgain(lambda dy, x, gain, z: dy * z),
        "eps forgotten: dgain": with_dgain(
            lambda dy, x, gain, z: (dy * (x - x.mean(axis=0)) / x.std(axis=0)).sum(axis=0)
        ),
        "wrong dgain": with_dgain(lambda dy, x, gain, z: 0 * gain),
        "mean for sum: dshift": lambda dy, x, gain, eps: (
            *backward(dy, x, gain, eps)[:2],
            dy.mean(axis=0),
        ),
        "wrong dshift": lambda dy, x, gain, eps: (*backward(dy, x, gain, eps)[:2], 0 * gain),
        "wrong return": lambda *a: backward(*a)[0],
    },
)


def unbiased_var(batch):
    return batch.var(axis=0, ddof=1)


def unbiased_std(batch):
    return batch.std(axis=0, ddof=1)


def biased_var(batch):
    return batch.var(axis=0)


def biased_std(batch):
    return batch.std(axis=0)


def remember(batches, x, momentum, eps, *, first=(0.0, 1.0), stat=unbiased_var, end=1.0):
    mean, var = first
    for batch in batches:
        mean = (1 - momentum) * mean + momentum * batch.mean(axis=0)
        var = (1 - momentum) * var + momentum * stat(batch)
    var = end * var
    return mean, var, (x - mean) / np.sqrt(var + eps)


def remember_weights(batches, x, momentum, eps):
    shares = momentum * (1 - momentum) ** np.arange(len(batches))[::-1]
    mean = shares @ batches.mean(axis=1)
    var = 1 - shares.sum() + shares @ batches.var(axis=1, ddof=1)
    return mean, var, (x - mean) / np.sqrt(var + eps)


def remember_helpers(batches, x, momentum, eps):
    layer = normalization.BatchNorm(x.shape[1], eps, momentum, affine=False)
    for batch in batches:
        layer(batch)
    return layer.running_mean, layer.running_var, layer.eval()(x)


def remember_pulled(batches, x, momentum, eps):
    mean = np.zeros(x.shape[1])
    var = np.ones(x.shape[1])
    for batch in batches:
        center = sum(batch) / len(batch)
        mean += momentum * (center - mean)
        var += momentum * (sum((row - center) ** 2 for row in batch) / (len(batch) - 1) - var)
    return mean, var, [(row - mean) / (var + eps) ** 0.5 for row in x]


def remember_var_turned(batches, x, momentum, eps):
    mean, _, _ = remember(batches, x, momentum, eps)
    return mean, *remember(batches, x, 1 - momentum, eps)[1:]


def mean_as(change):
    return lambda batches, x, momentum, eps: (
        change(batches, momentum),
        *remember(batches, x, momentum, eps)[1:],
    )


def z_as(change):
    def answer(batches, x, momentum, eps):
        mean, var, _ = remember(batches, x, momentum, eps)
        return mean, var, change(x, mean, var, eps)

    return answer


def started_at_first(batches, x, momentum, eps):
    first = batches[0].mean(axis=0), batches[0].var(axis=0, ddof=1)
    return remember(batches[1:], x, momentum, eps, first=first)


MEMORY = (
    checks.memory,
    {
        "reference": remember,
        "weights": remember_weights,
        "helpers": remember_helpers,
        "pulled": remember_pulled,
    },
    {
        "momentum the other way round": lambda b, x, m, eps: remember(b, x, 1 - m, eps),
        "plain average": mean_as(lambda batches, momentum: batches.mean(axis=(0, 1))),
        "last batch alone": mean_as(lambda batches, momentum: batches[-1].mean(axis=0)),
        "started at the first batch": started_at_first,
        "never updated": mean_as(lambda batches, momentum: np.zeros(3)),
        "old average not reduced": mean_as(
            lambda batches, momentum: momentum * batches.mean(axis=1).sum(axis=0)
        ),
        "wrong running mean": mean_as(lambda batches, momentum: np.ones(3)),
        "biased for unbiased variance": partial(remember, stat=biased_var),
        "standard deviation for variance": partial(remember, stat=biased_std),
        "standard deviation for variance: unbiased": partial(remember, stat=unbiased_std),
        "momentum the other way round: var": remember_var_turned,
        "started at 0": partial(remember, first=(0.0, 0.0)),
        "corrected at the end": partial(remember, stat=biased_var, end=1.25),
        "wrong running variance": lambda *a: remember(*a, stat=lambda batch: batch.mean(axis=0)),
        "evaluation using batch statistics": z_as(lambda x, mean, var, eps: normalize(x, 0, eps)),
        "evaluation using batch statistics: mean": z_as(
            lambda x, mean, var, eps: (x - x.mean(0)) / np.sqrt(var + eps)
        ),
        "evaluation using batch statistics: var": z_as(
            lambda x, mean, var, eps: (x - mean) / np.sqrt(x.var(0) + eps)
        ),
        "eps outside the root": z_as(lambda x, mean, var, eps: (x - mean) / (np.sqrt(var) + eps)),
        "eps forgotten": z_as(lambda x, mean, var, eps: (x - mean) / np.sqrt(var)),
        "root forgotten": z_as(lambda x, mean, var, eps: (x - mean) / (var + eps)),
        "corrected twice": z_as(lambda x, mean, var, eps: (x - mean) / np.sqrt(var * 5 / 4 + eps)),
        "corrected back": z_as(lambda x, mean, var, eps: (x - mean) / np.sqrt(var * 4 / 5 + eps)),
        "mean not subtracted": z_as(lambda x, mean, var, eps: x / np.sqrt(var + eps)),
        "not scaled": z_as(lambda x, mean, var, eps: x - mean),
        "wrong z": z_as(lambda x, mean, var, eps: 0 * x),
        "wrong return": lambda *a: remember(*a)[:2],
    },
)


def shortcut(x):
    return np.mean(x * x, axis=0) - np.mean(x, axis=0) ** 2


def welford(x):
    mean = total = 0
    for count, row in enumerate(x, start=1):
        step = row - mean
        mean = mean + step / np.float32(count)
        total = total + step * (row - mean)
    return total / np.float32(len(x))


VARIANCE = (
    checks.below_zero,
    {
        "reference": lambda x: np.mean((x - x.mean(axis=0)) ** 2, axis=0),
        "numpy": lambda x: np.var(x, axis=0),
        "float64": lambda x: shortcut(x.astype(np.float64)).astype(np.float32),
        "first row taken off": lambda x: shortcut(x - x[0]),
        "welford": welford,
    },
    {
        "E[x^2] - E[x]^2": shortcut,
        "clipped at zero": lambda x: np.maximum(0, shortcut(x)),
        "digits lost": lambda x: np.maximum(1e-5, shortcut(x)),
        "standard deviation for variance": lambda x: x.std(axis=0),
        "unbiased for biased variance": lambda x: x.var(axis=0, ddof=1),
        "sum for mean": lambda x: ((x - x.mean(axis=0)) ** 2).sum(axis=0),
        "mean not subtracted": lambda x: np.mean(x**2, axis=0),
        "wrong axis": lambda x: x.var(axis=1),
        "one variance for all": lambda x: x.var(),
        "one mean for all columns": lambda x: np.mean((x - x.mean()) ** 2, axis=0),
        "absolute values": lambda x: np.mean(np.abs(x - x.mean(axis=0)), axis=0),
        "wrong variance": lambda x: 0 * x[0],
        "wrong shape": lambda x: np.zeros(7),
    },
)


DIGITS = load_digits()
KINDS = ("none", "batch", "group")


def network(kind, rng):
    norms = {"none": [], "batch": [BatchNorm(64)], "group": [GroupNorm(8, 64)]}
    return Sequential(Linear(64, 64, rng), *norms[kind], ReLU(), Linear(64, 10, rng))


@dataclass
class Trained:
    """A network after its training, and what the numbers of a run are made of."""

    model: Sequential
    train: tuple
    test: tuple
    first: float


def trained(kind, seed, batch_size=32, *, deal=None, epochs=5):
    """One training of the solution; `deal` seeds a split of its own."""
    rng = np.random.default_rng(seed)
    dealer = rng if deal is None else np.random.default_rng(deal)
    train, test = split(DIGITS.X, DIGITS.y, (256, 500), dealer)
    model = network(kind, rng)
    first = model.layers[0].weight.data.sum()
    optimizer = SGD(model.parameters(), lr=0.1)
    options = {"epochs": epochs, "batch_size": batch_size, "rng": rng}
    fit(model, CrossEntropyLoss(), optimizer, *train, **options)
    return Trained(model, train, test, first)


def scores(run, *, training=False, on_train=False):
    """The five numbers; wrong answers predict in training mode, or the training digits."""
    scored, labels = run.train if on_train else run.test
    model = run.model.train(training)
    pairs = np.concatenate([model(scored[i : i + 2]) for i in range(0, len(scored), 2)])
    test, answers = run.test
    return {
        "first weights": run.first,
        "test loss": evaluate(model, CrossEntropyLoss(), test, answers),
        "test accuracy (%)": 100 * np.mean(model(scored).argmax(axis=1) == labels),
        "in pairs (%)": 100 * np.mean(pairs.argmax(axis=1) == labels),
        "null (%)": 100 * np.mean(answers == np.bincount(run.train[1]).argmax()),
    }


@functools.cache
def run(kind, seed, batch_size=32):
    """The solution; an answer that changes only arguments or numbers trains nothing of its own."""
    return scores(trained(kind, seed, batch_size))


def run_by_hand(kind, seed, batch_size=32):
    """A generator for each part, and a training loop of its own."""
    deal, start, batches = np.random.default_rng(seed).spawn(3)
    (X, y), test = split(DIGITS.X, DIGITS.y, (256, 500), deal)
    loss = CrossEntropyLoss()
    model = network(kind, start)
    first = model.layers[0].weight.data.mean()
    optimizer = SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        for batch in minibatches(len(X), batch_size, batches):
            optimizer.zero_grad()
            loss.value(model.train()(X[batch]), y[batch])
            model.backward(loss.backward())
            optimizer.step()
    labels, counts = np.unique(y, return_counts=True)
    pairs = [predict(model, test[0][i : i + 2]) for i in range(0, 500, 2)]
    return {
        "first weights": first,
        "test loss": evaluate(model, loss, *test),
        "test accuracy (%)": 100 * accuracy(model, *test),
        "in pairs (%)": 100 * np.mean(np.concatenate(pairs).argmax(axis=1) == test[1]),
        "null (%)": 100 * np.mean(test[1] == labels[counts.argmax()]),
    }


def called_with(change):
    """The solution, with another (kind, seed, batch size)."""

    def answer(kind, seed, batch_size=32):
        return run(*change(kind, seed, batch_size))

    return answer


def handed_in(change):
    """The solution, with another result."""

    def answer(kind, seed, batch_size=32):
        return change(run(kind, seed, batch_size))

    return answer


def untrained(change):
    """Nothing is trained where the first weights or the split show the slip."""

    def answer(kind, seed, batch_size=32):
        start, deal = change(kind, seed)
        return scores(trained(kind, start, deal=deal, epochs=0))

    return answer


@functools.cache
def run_in_training_mode(kind, seed, batch_size=32):
    return scores(trained(kind, seed, batch_size, epochs=1), training=True)


def in_shares(result):
    return {name: value / 100 if "%" in name else value for name, value in result.items()}


def run_without_training(kind, seed, batch_size=32):
    if kind == "none":
        return scores(trained(kind, seed, epochs=0))
    return run(kind, seed, batch_size)


@functools.cache
def run_on_train(kind, seed, batch_size=32):
    epochs = 25 if kind == "batch" and batch_size == 32 else 2
    return scores(trained(kind, seed, batch_size, epochs=epochs), on_train=True)


UNSEEDED = np.random.default_rng(0)

FAIR = (
    checks.fair,
    {
        "reference": run,
        "by hand": run_by_hand,
        "seed in a tuple": called_with(lambda kind, seed, size: (kind, (seed, 3), size)),
    },
    {
        "not repeatable": untrained(lambda kind, seed: (UNSEEDED, None)),
        "not paired: start": untrained(lambda kind, seed: ([seed, KINDS.index(kind)], seed)),
        "not paired: split": untrained(lambda kind, seed: (seed, [seed, KINDS.index(kind)])),
        "seed without effect": untrained(lambda kind, seed: (0, None)),
        "kind without effect": called_with(lambda kind, seed, size: ("batch", seed, size)),
        "batch size without effect": called_with(lambda kind, seed, size: (kind, seed)),
        "evaluation using batch statistics": run_in_training_mode,
        "share for percent": handed_in(in_shares),
        "not trained": run_without_training,
        "tested on the training set": run_on_train,
        "null row wrong": handed_in(lambda result: result | {"null (%)": 50}),
        "wrong return": handed_in(lambda result: result["test loss"]),
        "not a number": handed_in(lambda result: result | {"test loss": [1, 2]}),
    },
)

ANSWERS = [FORMULA, FOUR, BACKWARD, MEMORY, VARIANCE, FAIR]


@cases(ANSWERS)
def test_answer(check, answer, slip):
    assert_said(check, answer, slip, TRAININGS if check is checks.fair else SEEDS)


def test_there_are_enough():
    assert_enough(ANSWERS)
