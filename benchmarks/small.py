"""Rows 4 and 5: small problems of famous courses, where what counts is the price of a call."""

from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks import textbook
from benchmarks.measure import Witness, compared, in_operations, side_by_side
from benchmarks.networks import after, textbook_params, torch_layer
from helpers.core import Sequential
from helpers.data import minibatches
from helpers.layers import Linear, ReLU
from helpers.losses import BCEWithLogitsLoss, MSELoss
from helpers.optimizers import SGD
from helpers.regularizers import L2

SIZES = (2, 20, 3, 1)
N = 211
LAM = 0.7 / N
LR = 0.3
D2L = {"inputs": 200, "examples": 20, "batch": 5, "lam": 3.0, "lr": 0.003, "epochs": 100}


def points():
    """211 points in the plane in two classes, with a few labels on the wrong side."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-0.5, 0.5, (N, 2))
    noise = 0.1 * rng.standard_normal((N, 1))
    y = X[:, :1] + X[:, 1:] + noise > 0
    return X, y.astype(np.float64)


def network(sizes):
    """Linear, ReLU, ..., Linear in float64."""
    rng = np.random.default_rng(1)
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [Linear(n_in, n_out, rng), ReLU()]
    return Sequential(*layers[:-1])


def with_penalty(X, y):
    """Our step, the penalty in the loss as in the textbook."""
    model = network(SIZES)
    loss = BCEWithLogitsLoss()
    penalty = L2(LAM)
    params = model.parameters()
    optimizer = SGD(params, LR)

    def step():
        optimizer.zero_grad()
        value = loss.value(model(X), y) + penalty.value(params)
        model.backward_parameters(loss.backward())
        penalty.backward(params)
        optimizer.step()
        return np.float64(value)

    return step


def with_decay(X, y):
    """Our step, the penalty in the optimizer as in PyTorch."""
    model = network(SIZES)
    optimizer = SGD(model.parameters(), LR, weight_decay=LAM)
    return partial(plain, model, BCEWithLogitsLoss(), optimizer, X, y)


def plain(model, loss, optimizer, X, y):
    """One training step without penalty; returns the loss."""
    optimizer.zero_grad()
    value = loss.value(model(X), y)
    model.backward_parameters(loss.backward())
    optimizer.step()
    return np.float64(value)


def textbook_step(X, y):
    """The textbook's step, with the cost that it prints."""
    params = textbook_params(network(SIZES))
    keep_probs = (1, 1, 1)
    X = X.T.copy()
    Y = y.T.copy()

    def step():
        A, cache = textbook.forward(X, params, keep_probs, textbook.sigmoid)
        value = textbook.cost_sigmoid(A, Y) + textbook.penalty(params, LAM)
        grads = textbook.backward(A, Y, params, cache, keep_probs, LAM)
        textbook.update(params, grads, velocities={}, lr=LR, momentum=0)
        return value

    return step


def torch_parts(model, lr, lam):
    """The network in PyTorch with the same weights, and its SGD, which does not decay biases."""
    import torch

    other = torch.nn.Sequential(*map(torch_layer, model.layers))
    groups = [
        {"params": [p for p in other.parameters() if p.ndim == 2], "weight_decay": lam},
        {"params": [p for p in other.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    return other, torch.optim.SGD(groups, lr, fused=True)


def torch_plain(model, loss, optimizer, X, y):
    """One training step in PyTorch; returns the loss."""
    optimizer.zero_grad(set_to_none=True)
    value = loss(model(X), y)
    value.backward()
    optimizer.step()
    return value


def torch_step(X, y):
    """PyTorch's step on the small network, in float64 like ours."""
    import torch

    other, optimizer = torch_parts(network(SIZES), LR, LAM)
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    return partial(torch_plain, other, loss, optimizer, torch.tensor(X), torch.tensor(y))


def measured(rows, threads, effort):
    """Rows 4 and 5."""
    if 4 in rows:
        yield from regularization_assignment(threads, effort)
    if 5 in rows:
        yield from weight_decay_run(threads, effort)


def regularization_assignment(threads, effort):
    """Row 4."""
    pairs = {
        "NumPy in the manner of textbooks": (with_penalty, textbook_step, 1.0),
        "PyTorch, eager": (with_decay, torch_step, 0.35),
    }
    setting = f"211 points, full batch, float64, threads: {threads}"
    for against, (ours, theirs, aim) in pairs.items():
        losses = [after(make_step(*points()), 100) for make_step in (ours, theirs)]
        yield Witness(4, f"loss at step 100, {against}", *losses, 1e-9)
        hidden = np.ones((N, SIZES[1]))
        one = partial(np.multiply, hidden, hidden)
        steps = {"ours": ours(*points()), "theirs": theirs(*points()), "one": one}
        seconds = side_by_side(steps, effort)
        times = (seconds["ours"], seconds["theirs"])
        what = "training step 2-20-3-1 with L2"
        yield compared(4, what, against, setting, *times, aim)
        yield in_operations(4, f"training step 2-20-3-1, {against}", setting, seconds)


def d2l_data():
    """20 examples of 200 inputs, y = 0.05 + the sum of 0.01 x + noise of 0.01."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((D2L["examples"], D2L["inputs"]))
    noise = 0.01 * rng.standard_normal((D2L["examples"], 1))
    return X, 0.05 + 0.01 * X.sum(axis=1, keepdims=True) + noise


def d2l_run():
    """100 epochs with the helpers, from the same weights in each call.

    Returns the loss of the last batch.
    """
    X, y = d2l_data()
    rng = np.random.default_rng(2)
    model = network((D2L["inputs"], 1))
    loss = MSELoss()
    optimizer = SGD(model.parameters(), D2L["lr"], weight_decay=D2L["lam"])
    for _ in range(D2L["epochs"]):
        for batch in minibatches(D2L["examples"], D2L["batch"], rng):
            value = plain(model, loss, optimizer, X[batch], y[batch])
    return value


def d2l_torch_run():
    """The same in PyTorch, with batches by split in NumPy's order, so that both see the same."""
    import torch

    X, y = map(torch.tensor, d2l_data())
    rng = np.random.default_rng(2)
    other, optimizer = torch_parts(network((D2L["inputs"], 1)), D2L["lr"], D2L["lam"])
    loss = torch.nn.functional.mse_loss
    for _ in range(D2L["epochs"]):
        for batch in torch.from_numpy(rng.permutation(D2L["examples"])).split(D2L["batch"]):
            value = torch_plain(other, loss, optimizer, X[batch], y[batch])
    return value


def weight_decay_run(threads, effort):
    """Row 5."""
    losses = [run().item() for run in (d2l_run, d2l_torch_run)]
    yield Witness(5, "loss of the last batch after 100 epochs, PyTorch", *losses, 1e-9)
    seconds = side_by_side({"ours": d2l_run, "theirs": d2l_torch_run}, effort)
    setting = f"200 inputs, 20 examples, batch 5, 100 epochs, float64, threads: {threads}"
    against = "PyTorch, eager, parameter groups"
    times = (seconds["ours"], seconds["theirs"])
    yield compared(5, "d2l's weight decay run", against, setting, *times, 0.2)
