"""Layers that are random in training and do nothing in evaluation: Dropout and GaussianNoise."""

from helpers.core import Layer
from helpers.internal.arguments import generator, number
from helpers.internal.fast import mask_from_bits


class Dropout(Layer):
    """Inverted dropout: y = m x / (1 - p), where each m is 0 with probability p and 1 otherwise.

    p is THE PROBABILITY OF DROPPING. Then E[y] = x and Var[y] = p / (1 - p) x^2. In evaluation x
    passes unchanged. Every forward draws a new mask from `rng` and leaves it for backward as
    `mask`: the shape of x, True where x stays. With `frozen = True` forward uses `mask` again, so
    that a gradient can be checked. Raises ValueError unless 0 <= p < 1. Source: Srivastava, Hinton,
    Krizhevsky, Sutskever and Salakhutdinov (2014); section 10 has the scaling.
    """

    remembers = ("dropped", "mask")
    frozen = False

    def __init__(self, p, rng):
        self.p = number("p", p, low=0, below=1)
        self.rng = generator("rng", rng)

    def forward(self, x):
        """Return m x / (1 - p) in training and x in evaluation, any shape."""
        self.dropped = self.training and self.p > 0  # backward needs to know what this pass did
        if not self.dropped:
            return x
        if not self.frozen:
            self.mask = self._random_mask(x.shape, x.dtype)
        return x * self.mask / (1 - self.p)

    def backward(self, dy):
        """Return m dy / (1 - p), with the mask of the last forward."""
        return dy * self.mask / (1 - self.p) if self.dropped else dy

    def _random_mask(self, shape, dtype):
        """Return a mask, each element True with probability 1 - p and independent of the others."""
        if dtype.itemsize <= 4:  # float32 does not need the digits of float64
            return mask_from_bits(self.rng, shape, self.p)
        return self.rng.random(shape) >= self.p


class GaussianNoise(Layer):
    """y = x + std e with e from N(0, 1), new in every forward; y = x in evaluation.

    `std` has the unit of x. On a linear model with squared error the noise adds std^2 ||w||^2 on
    average: L2 with lam = 2 std^2. Source: Bishop (1995), "Training with noise is equivalent to
    Tikhonov regularization".
    """

    remembers = ("noise",)
    frozen = False

    def __init__(self, std, rng):
        self.std = number("std", std, low=0)
        self.rng = generator("rng", rng)

    def forward(self, x):
        """Return x + std e in training and x in evaluation, any shape; `noise` is e."""
        if not self.training or self.std == 0:
            return x
        if not self.frozen:
            self.noise = self.rng.standard_normal(x.shape).astype(x.dtype, copy=False)
        return x + self.std * self.noise

    def backward(self, dy):
        """Return dy: the noise does not depend on x."""
        return dy
