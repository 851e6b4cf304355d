"""Layers that are random in training and silent afterwards: Dropout and GaussianNoise."""

import math

import numpy as np

from helpers.core import Layer
from helpers.internal.arguments import generator, number


class Dropout(Layer):
    """Inverted dropout: y = m x / (1 - p), each m being 0 with probability p and else 1.

    p is THE PROBABILITY OF DROPPING. Then E[y] = x and Var[y] = p / (1 - p) x^2. In evaluation y = x. Every forward
    draws a new mask from `rng` and keeps it as `mask` (the shape of x, True where kept) for the backward pass. With
    `frozen = True` forward uses `mask` again, so that a gradient can be checked. Raises ValueError unless 0 <= p < 1.
    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014); section 10 has the scaling.
    """

    frozen = False

    def __init__(self, p, rng):
        self.p = number("p", p, low=0, below=1)
        self.rng = generator("rng", rng)

    def forward(self, x):
        """Return m x / (1 - p) in training and x in evaluation, any shape."""
        self.dropped = self.training and self.p > 0  # what this forward did, for its backward
        if not self.dropped:
            return x
        if not self.frozen:
            self.mask = _kept(x.shape, self.p, self.rng, x.dtype)
        return x * self.mask / (1 - self.p)

    def backward(self, dy):
        """Return m dy / (1 - p), with the mask of the last forward."""
        return dy * self.mask / (1 - self.p) if self.dropped else dy


def _kept(shape, p, rng, dtype):
    """A mask of the given shape, each element True with probability 1 - p."""
    if dtype.itemsize > 4:
        return rng.random(shape) >= p
    # For float32 two elements share the 64 bits of one draw: p is met to 2^-33, in two thirds of the time.
    size = math.prod(shape)
    bits = rng.integers(2**64, size=(size + 1) // 2, dtype=np.uint64).view(np.uint32)[:size]
    return bits.reshape(shape) >= round(p * 2**32)


class GaussianNoise(Layer):
    """y = x + std e with e from N(0, 1), new in every forward; y = x in evaluation. `std` has the unit of x.

    On a linear model with squared error this adds std^2 ||w||^2 on average: L2 with lam = 2 std^2.
    Source: Bishop (1995), "Training with noise is equivalent to Tikhonov regularization".
    """

    frozen = False

    def __init__(self, std, rng):
        self.std = number("std", std, low=0)
        self.rng = generator("rng", rng)

    def forward(self, x):
        """Return x + std e in training and x in evaluation, any shape. `noise` keeps e."""
        if not self.training or self.std == 0:
            return x
        if not self.frozen:
            self.noise = self.rng.standard_normal(x.shape).astype(x.dtype, copy=False)
        return x + self.std * self.noise

    def backward(self, dy):
        """Return dy: the noise is added, so it does not depend on x."""
        return dy
