"""Rows 4 and 5: small problems of famous courses, where what counts is the price of a call."""

from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks import textbook
from benchmarks.measure import Witness, compared, in_operations, side_by_side
from benchmarks.networks import after, torch_layer
from helpers.core import Sequential
from helpers.data import minibatches
from helpers.layers import Linear, ReLU
from helpers.losses import BCEWithLogitsLoss, MSELoss
from helpers.optimizers import SGD
from helpers.regularizers import L2

SIZES, N = (2, 20, 3, 1), 211
LAM, LR = 0.7 / N, 0.3
D2L = {"inputs": 200, "examples": 20, "batch": 5, "lam": 3.0, "lr": 0.003, "epochs": 100}


def points():
    """211 points in the plane in two classes, with a few labels on the wrong side."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-0.5, 0.5, (N, 2))
    return X, (X[:, :1] + X[:, 1:] + 0.1 * rng.standard_normal((N, 1)) > 0).astype(np.float64)


def network(sizes):
    """Linear, ReLU, ..., Linear in float64."""
    rng, layers = np.random.default_rng(1), []
    for n_in, n_out in pairwise(sizes):
        layers += [Linear(n_in, n_out, rng), ReLU()]
    return Sequential(*layers[:-1])


def with_penalty(X, y):
    """Our step, the penalty in the loss as in the textbook."""
    model, loss, penalty = network(SIZES), BCEWithLogitsLoss(), L2(LAM)
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
    model, loss = network(SIZES), BCEWithLogitsLoss()
    return partial(plain, model, loss, SGD(model.parameters(), LR, weight_decay=LAM), X, y)


def plain(model, loss, optimizer, X, y):
    """One training step without penalty; returns the loss."""
    optimizer.zero_grad()
    value = loss.value(model(X), y)
    model.backward_parameters(loss.backward())
    optimizer.step()
    return np.float64(value)


def textbook_step(X, y):
    """The textbook's step, with the cost that it prints."""
    model = network(SIZES)
    linear = [layer for layer in model.layers if isinstance(layer, Linear)]
    params = textbook.initialize(
        [layer.weight.data for layer in linear], [layer.bias.data for layer in linear]
    )
    X, Y, keep_probs = X.T.copy(), y.T.copy(), (1,) * len(linear)

    def step():
        A, cache = textbook.forward(X, params, keep_probs, textbook.sigmoid)
        value = textbook.cost_sigmoid(A, Y) + textbook.penalty(params, LAM)
        textbook.update(params, textbook.backward(A, Y, params, cache, keep_probs, LAM), {}, LR, 0)
        return value

    return step


def torch_parts(model, lr, lam):
    """The network in PyTorch with the same weights, and its SGD: one group that decays, one that does not."""
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
        yield Witness(
            4,
            f"loss at step 100, {against}",
            *(after(way(*points()), 100) for way in (ours, theirs)),
            1e-9,
        )
        hidden = np.ones((N, SIZES[1]))
        steps = {
            "ours": ours(*points()),
            "theirs": theirs(*points()),
            "one": partial(np.multiply, hidden, hidden),
        }
        seconds = side_by_side(steps, effort)
        yield compared(
            4,
            "training step 2-20-3-1 with L2",
            against,
            setting,
            seconds["ours"],
            seconds["theirs"],
            aim,
        )
        yield in_operations(4, f"training step 2-20-3-1, {against}", setting, seconds)


def d2l_data():
    """20 examples of 200 inputs, y = 0.05 + the sum of 0.01 x + noise of 0.01."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((D2L["examples"], D2L["inputs"]))
    return X, 0.05 + 0.01 * X.sum(axis=1, keepdims=True) + 0.01 * rng.standard_normal(
        (D2L["examples"], 1)
    )


def d2l_run():
    """100 epochs with the helpers, from the same weights in each call; returns the loss of the last batch."""
    (X, y), rng = d2l_data(), np.random.default_rng(2)
    model, loss = network((D2L["inputs"], 1)), MSELoss()
    optimizer = SGD(model.parameters(), D2L["lr"], weight_decay=D2L["lam"])
    for _ in range(D2L["epochs"]):
        for batch in minibatches(D2L["examples"], D2L["batch"], rng):
            value = plain(model, loss, optimizer, X[batch], y[batch])
    return value


def d2l_torch_run():
    """The same in PyTorch, batches by randperm and split. It takes NumPy's order, so that both see the same."""
    import torch

    (X, y), rng = map(torch.tensor, d2l_data()), np.random.default_rng(2)
    other, optimizer = torch_parts(network((D2L["inputs"], 1)), D2L["lr"], D2L["lam"])
    loss = torch.nn.functional.mse_loss
    for _ in range(D2L["epochs"]):
        for batch in torch.from_numpy(rng.permutation(D2L["examples"])).split(D2L["batch"]):
            value = torch_plain(other, loss, optimizer, X[batch], y[batch])
    return value


def weight_decay_run(threads, effort):
    """Row 5."""
    yield Witness(
        5,
        "loss of the last batch after 100 epochs, PyTorch",
        d2l_run().item(),
        d2l_torch_run().item(),
        1e-9,
    )
    seconds = side_by_side({"ours": d2l_run, "theirs": d2l_torch_run}, effort)
    setting = f"200 inputs, 20 examples, batch 5, 100 epochs, float64, threads: {threads}"
    against = "PyTorch, eager, parameter groups"
    yield compared(
        5, "d2l's weight decay run", against, setting, seconds["ours"], seconds["theirs"], 0.2
    )
