"""Rows 1 to 3: the network 784-256-256-10 with dropout, one training step of it in four ways."""

from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks import textbook
from benchmarks.measure import Witness, compared, side_by_side
from helpers.core import Sequential
from helpers.layers import Linear, ReLU
from helpers.losses import CrossEntropyLoss
from helpers.noise import Dropout
from helpers.optimizers import SGD

SIZES = (784, 256, 256, 10)
DROPPED = (0.2, 0.5)  # of the inputs, of the hidden units
LR = 1e-3
MOMENTUM = 0.9
DECAY = 1e-4
BATCHES = (32, 128, 256, 1024)
# A control at one setting gives each side a process of its own.
ALONE_BATCH = 256
ALONE_THREADS = 2


def examples(batch, sizes=SIZES):
    """Random pictures in float32 and random labels."""
    rng = np.random.default_rng(0)
    return rng.random((batch, sizes[0]), dtype=np.float32), rng.integers(sizes[-1], size=batch)


def network(sizes=SIZES, dropped=DROPPED):
    """The network of the helpers in float32: Dropout, Linear, ReLU, ..., Linear."""
    rng = np.random.default_rng(1)
    layers = []
    for k, (n_in, n_out) in enumerate(pairwise(sizes)):
        linear = Linear(n_in, n_out, rng, dtype=np.float32)
        layers += [Dropout(dropped[min(k, 1)], rng), linear, ReLU()]
    return Sequential(*layers[:-1])


def parts(sizes=SIZES, dropped=DROPPED):
    """A network with its loss and its optimizer."""
    model = network(sizes, dropped)
    optimizer = SGD(model.parameters(), LR, momentum=MOMENTUM, weight_decay=DECAY)
    return model, CrossEntropyLoss(), optimizer


def stepped(model, loss, optimizer, X, y):
    """Take one training step with the helpers, the one that `fit` repeats, and return the loss."""
    optimizer.zero_grad()
    value = loss.value(model(X), y)
    model.backward_parameters(loss.backward())
    optimizer.step()
    return np.float64(value)


def helpers_step(X, y, sizes=SIZES, dropped=DROPPED):
    """The step of the helpers as a function without arguments."""
    return partial(stepped, *parts(sizes, dropped), X, y)


def torch_step(model, X, y):
    """The same in PyTorch, eager, with its fused SGD: the fastest of its three loops.

    `model` gives the weights.
    """
    import torch
    from torch.nn.functional import cross_entropy

    other = torch.nn.Sequential(*map(torch_layer, model.layers))
    groups = [
        {"params": [p for p in other.parameters() if p.ndim == 2], "weight_decay": DECAY},
        {"params": [p for p in other.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.SGD(groups, LR, momentum=MOMENTUM, fused=True)
    X = torch.tensor(X)
    y = torch.tensor(y)

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = cross_entropy(other(X), y)
        value.backward()
        optimizer.step()
        return value

    return step


def torch_layer(layer):
    """The layer of PyTorch with the same weights."""
    import torch

    if isinstance(layer, Dropout):
        return torch.nn.Dropout(layer.p)
    if isinstance(layer, ReLU):
        return torch.nn.ReLU()
    weight = torch.from_numpy(layer.weight.data)
    other = torch.nn.Linear(*weight.shape, dtype=weight.dtype)
    with torch.no_grad():
        other.weight.copy_(weight.T)
        other.bias.copy_(torch.from_numpy(layer.bias.data))
    return other


def textbook_step(model, X, y):
    """The same in the manner of textbooks, in float64. `model` gives the weights."""
    params = textbook_params(model)
    keep_probs = [1 - layer.p for layer in model.layers if isinstance(layer, Dropout)]
    X = X.T.astype(np.float64)
    Y = np.eye(SIZES[-1])[:, y]
    velocities = {}

    def step():
        A, cache = textbook.forward(X, params, keep_probs, textbook.softmax)
        value = textbook.cost_softmax(A, Y)
        grads = textbook.backward(A, Y, params, cache, keep_probs, DECAY)
        textbook.update(params, grads, velocities, LR, MOMENTUM)
        return value

    return step


def textbook_params(model):
    """The textbook's dictionary of parameters, with the weights of `model`."""
    linear = [layer for layer in model.layers if isinstance(layer, Linear)]
    weights = [layer.weight.data for layer in linear]
    biases = [layer.bias.data for layer in linear]
    return textbook.initialize(weights, biases)


def products(model, X):
    """The pairs of matrices that a step multiplies.

    Forward x W; backward x^T dy and, except in the first layer, dy W^T.
    """
    weights = [layer.weight.data for layer in model.layers if isinstance(layer, Linear)]
    inputs = [X, *(np.ones((len(X), W.shape[1]), X.dtype) for W in weights)]
    layers = list(zip(inputs[:-1], weights, inputs[1:], strict=True))
    pairs = [(x, W) for x, W, _ in layers]
    for x, W, dy in reversed(layers):
        pairs += [(x.T, dy), (dy, W.T)]
    return pairs[:-1]


def products_step(model, X, y):  # noqa: ARG001 - one signature for all
    """Only the matrix products of a step, one after the other."""
    pairs = products(model, X)

    def step():
        for a, b in pairs:
            a @ b

    return step


def setting_of(batch, threads):
    """What the table calls a batch and a number of threads."""
    return f"batch {batch:,}, threads: {threads}"


def alone(side, rows, threads, effort):  # noqa: ARG001 - one signature for all
    """The median seconds of one side, the only one in its process: 0 is ours, 1 is PyTorch."""
    X, y = examples(ALONE_BATCH)
    step = torch_step(network(), X, y) if side else helpers_step(X, y)
    yield f"alone {side}", float(np.median(side_by_side({side: step}, effort)[side]))


# row: what it is called, a function that makes its step, the aims at some batches and elsewhere
OPPONENTS = {
    1: ("PyTorch, eager", torch_step, {256: 0.70}, 1.0),
    2: ("its eight matrix products alone, NumPy", products_step, {256: 1.6}, None),
    3: ("NumPy in the manner of textbooks, float64", textbook_step, {}, 0.4),
}


def measured(rows, threads, effort, batches=BATCHES):
    """The Witnesses, then the Results of rows 1 to 3 at this number of threads."""
    yield from witnesses(rows)
    for batch in batches:
        X, y = examples(batch)
        sides = {0: helpers_step(X, y)} | {row: OPPONENTS[row][1](network(), X, y) for row in rows}
        seconds = side_by_side(sides, effort)
        for row in rows:
            against, _, aims, elsewhere = OPPONENTS[row]
            times = (seconds[0], seconds[row])
            aim = aims.get(batch, elsewhere)
            what = "training step 784-256-256-10"
            yield compared(row, what, against, setting_of(batch, threads), *times, aim)


def witnesses(rows, steps=20):
    """Without dropout nothing is random: the same weights must lead to the same loss."""
    X, y = examples(64)
    ours = after(helpers_step(X, y, dropped=(0, 0)), steps)
    for row in {1, 3} & set(rows):
        against, make_step, *_ = OPPONENTS[row]
        theirs = after(make_step(network(dropped=(0, 0)), X, y), steps)
        yield Witness(row, f"loss at step {steps}, p = 0, {against}", ours, theirs, 1e-5)


def after(step, steps):
    """What `step` returns the last of `steps` times."""
    return [step() for _ in range(steps)][-1].item()
