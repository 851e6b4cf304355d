"""A small network, data for it and a run of fit, for the tests of training."""

import numpy as np

from helpers.core import Layer, Sequential
from helpers.layers import Linear, ReLU
from helpers.losses import CrossEntropyLoss
from helpers.noise import Dropout
from helpers.optimizers import SGD
from helpers.training import fit


def rng(seed=0):
    return np.random.default_rng(seed)


class Spy(Layer):
    """y = x; it remembers the mode and the input of every forward."""

    def __init__(self):
        self.modes = []
        self.inputs = []

    def forward(self, x):
        self.modes.append(self.training)
        self.inputs.append(x.copy())
        return x

    def backward(self, dy):
        return dy

    def batches(self):
        """The inputs seen in training."""
        return [x for x, mode in zip(self.inputs, self.modes, strict=True) if mode]


def labelled(n=30, dtype=np.float64):
    X = rng(1).standard_normal((n, 4)).astype(dtype)
    return X, (X[:, 0] > X[:, 1]).astype(int) + (X[:, 2] > 0)


def network(p=0.0, dtype=np.float64):
    first = Linear(4, 8, rng(2), dtype=dtype)
    last = Linear(8, 3, rng(3), dtype=dtype)
    return Sequential(Spy(), first, ReLU(), Dropout(p, rng(4)), last)


def train(model, X, y, seed=0, **options):
    settings = {"epochs": 4, "batch_size": 8, "rng": rng(seed)} | options
    optimizer = SGD(model.parameters(), 0.1, momentum=0.9)
    return fit(model, CrossEntropyLoss(), optimizer, X, y, **settings)


def slope(w=1.0):
    """y = w x, one weight."""
    model = Linear(1, 1, rng(), bias=False)
    model.weight.data[...] = w
    return model
