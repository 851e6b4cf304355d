"""Rows 6 and 7: the normalizations and Adam, each alone, next to PyTorch's."""

import math
from functools import partial

import numpy as np

from benchmarks.measure import Witness, compared, in_operations, side_by_side
from helpers.core import Parameter
from helpers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm
from helpers.optimizers import Adam, AdamW

SHAPES = ((256, 256), (32, 64, 8, 8))
GROUPS = 8
PARAMETERS = ((784, 300), (300,), (300, 200), (200,), (200, 10), (10,))
# PyTorch's fused loop is not what the aim is about; it is measured too, for honesty.
ADAM_LOOPS = (
    ("PyTorch, foreach", {"foreach": True}, 1.0),
    ("PyTorch, fused", {"fused": True}, None),
)


def normalizations(shape):
    """{name: (ours, PyTorch's)} for x of this shape in float32; instances need images."""
    from torch import nn

    channels = shape[1]
    images = len(shape) == 4
    batch_norm = nn.BatchNorm2d if images else nn.BatchNorm1d
    pairs = {
        "BatchNorm": (BatchNorm(channels, dtype=np.float32), batch_norm(channels)),
        "LayerNorm": (LayerNorm(shape[1:], dtype=np.float32), nn.LayerNorm(shape[1:])),
        "GroupNorm": (
            GroupNorm(GROUPS, channels, dtype=np.float32),
            nn.GroupNorm(GROUPS, channels),
        ),
    }
    if images:
        pairs["InstanceNorm"] = (
            InstanceNorm(channels, affine=True, dtype=np.float32),
            nn.InstanceNorm2d(channels, affine=True),
        )
    return pairs


def forward_backward(layer, x, dy):
    """Forward and backward with the helpers, a function that returns dx."""
    params = layer.parameters()

    def step():
        for p in params:
            p.zero_grad()
        layer(x)
        return layer.backward(dy)

    return step


def torch_forward_backward(module, x, dy):
    """The same in PyTorch."""
    import torch

    x = torch.tensor(x, requires_grad=True)
    dy = torch.tensor(dy)

    def step():
        x.grad = None
        module.zero_grad(set_to_none=True)
        module(x).backward(dy)
        return x.grad

    return step


def normalization_rows(threads, effort):
    """Row 6."""
    for shape in SHAPES:
        rng = np.random.default_rng(0)
        x, dy = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
        setting = f"{shape}, float32, threads: {threads}"
        for name, (layer, module) in normalizations(shape).items():
            ours = forward_backward(layer, x, dy)
            theirs = torch_forward_backward(module, x, dy)
            lengths = [float(np.linalg.norm(np.asarray(step()))) for step in (ours, theirs)]
            yield Witness(6, f"norm of dx, {name} {shape}", *lengths, 1e-5)
            sides = {"ours": ours, "theirs": theirs, "one": partial(np.multiply, x, dy)}
            seconds = side_by_side(sides, effort)
            times = (seconds["ours"], seconds["theirs"])
            what = f"{name}, forward and backward"
            yield compared(6, what, "PyTorch, eager", setting, *times, 1.0)
            yield in_operations(6, name, setting, seconds)


def adam(kind):
    """A step of Adam or AdamW with the helpers, and the weights that it moves.

    The gradients stay as they are.
    """
    params = [Parameter(values, decay=values.ndim == 2) for values in numbers(0)]
    for p, g in zip(params, numbers(1), strict=True):
        p.grad[...] = g
    return kind(params, lr=1e-4, weight_decay=0.01).step, [p.data for p in params]


def torch_adam(kind, **options):
    """The same in PyTorch."""
    import torch

    params = [torch.nn.Parameter(torch.tensor(values)) for values in numbers(0)]
    for p, g in zip(params, numbers(1), strict=True):
        p.grad = torch.tensor(g)
    groups = [
        {"params": [p for p in params if p.ndim == 2], "weight_decay": 0.01},
        {"params": [p for p in params if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = getattr(torch.optim, kind.__name__)(groups, lr=1e-4, **options)
    return optimizer.step, [p.detach().numpy() for p in params]


def numbers(seed):
    """Arrays of the shapes of a network's parameters, in float32."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape, dtype=np.float32) for shape in PARAMETERS]


def products(arrays, others):
    """One operation on each array."""
    for a, b in zip(arrays, others, strict=True):
        np.multiply(a, b)


def moved(step, weights):
    """The length of all weights as one vector after 50 steps."""
    for _ in range(50):
        step()
    return float(np.linalg.norm(np.concatenate([w.ravel() for w in weights])))


def adam_rows(threads, effort):
    """Row 7."""
    setting = f"{sum(map(math.prod, PARAMETERS)):,} parameters, float32, threads: {threads}"
    for kind in (Adam, AdamW):
        name = kind.__name__
        for against, options, aim in ADAM_LOOPS:
            ours, our_weights = adam(kind)
            theirs, their_weights = torch_adam(kind, **options)
            lengths = (moved(ours, our_weights), moved(theirs, their_weights))
            what = f"norm of all weights after 50 steps, {name}, {against}"
            yield Witness(7, what, *lengths, 1e-5)
            one = partial(products, our_weights, [w.copy() for w in our_weights])
            seconds = side_by_side({"ours": ours, "theirs": theirs, "one": one}, effort)
            times = (seconds["ours"], seconds["theirs"])
            yield compared(7, f"{name} step", against, setting, *times, aim)
            yield in_operations(7, f"{name} step, {against}", setting, seconds)


def measured(rows, threads, effort):
    """Rows 6 and 7."""
    if 6 in rows:
        yield from normalization_rows(threads, effort)
    if 7 in rows:
        yield from adam_rows(threads, effort)
