"""Batch, layer, instance and group normalization: one formula, four sets of axes.

z = (x - mean) / sqrt(var + eps) and y = gain z + shift. The mean and the variance are taken over a set of axes, and
that set is all that differs. For x of shape (N, C, H, W) it is

batch (N, H, W), one mean for each channel · layer (C, H, W), one for each example · instance (H, W), one for each
channel of each example · group: (C/G, H, W) of x seen as (N, G, C/G, H, W), one for each group of each example.

For x of shape (N, C) the axes H and W are absent. The gain is called `weight` and the shift `bias`, as in PyTorch;
neither is decayed.
"""

import math

import numpy as np

from helpers.core import Layer, Parameter
from helpers.initializers import zeros
from helpers.internal.arguments import flag, integer, number


def normalize(x, axes, eps=1e-5):
    """Return z = (x - mean) / sqrt(var + eps), the mean and the var over `axes`, these two with length 1 there.

    var is the biased variance, the mean of (x - mean)^2. The shorter E[x^2] - E[x]^2 loses its digits where the mean
    is large. Source: Ioffe and Szegedy (2015), algorithm 1.
    """
    mean = x.mean(axis=axes, keepdims=True)
    z = x - mean
    var = mean_product(z, z, axes)
    z /= np.sqrt(var + eps)
    return z, mean, var


def normalize_backward(dz, z, var, axes, eps=1e-5):
    """Return dx = (dz - mean(dz) - z mean(dz z)) / sqrt(var + eps), the means over the same `axes`.

    What is subtracted is the part of dz along 1 and along z: z does not change when x is shifted or scaled.
    """
    dx = dz - dz.mean(axis=axes, keepdims=True)
    dx -= z * mean_product(dz, z, axes)
    dx /= np.sqrt(var + eps)
    return dx


def mean_product(a, b, axes):
    """Return the mean of a b over `axes`, which keep length 1; no array for the product is made."""
    count = math.prod(a.shape[axis] for axis in axes)
    return np.expand_dims(sum_product(a, b, axes), axes) / count


def sum_product(a, b, axes):
    """Return the sum of a b over `axes`, which are gone."""
    every = list(range(a.ndim))
    return np.einsum(a, every, b, every, [axis for axis in every if axis not in axes])


class _Normalization(Layer):
    """What the four have in common: normalize over `axes`, then a gain and a shift of the given shape."""

    def __init__(self, shape, eps, affine, dtype):
        self.eps = number("eps", eps, above=0)
        start = zeros(1, 1, shape=shape, dtype=dtype)  # refuses what is no floating-point type
        self.weight = Parameter(start + 1, decay=False) if flag("affine", affine) else None
        self.bias = Parameter(start, decay=False) if affine else None

    def forward(self, x):
        """Return gain z + shift, the shape of x."""
        self._check(x)
        self.z = self._normalized(x)
        if self.weight is None:
            return self.z
        shared = self._shared(x.ndim)
        y = self.z * np.expand_dims(self.weight.data, shared)
        y += np.expand_dims(self.bias.data, shared)
        return y

    def backward(self, dy):
        """Return dL/dx and add dL/dgain = sum of dy z and dL/dshift = sum of dy to the parameters' grad."""
        if self.weight is not None:
            shared = self._shared(dy.ndim)
            self.weight.grad += sum_product(dy, self.z, shared)
            self.bias.grad += np.sum(dy, axis=shared)
            dy = dy * np.expand_dims(self.weight.data, shared)
        return self._dx(dy)

    def _normalized(self, x):
        blocks = self._blocks(x)
        self.axes = self._axes(blocks.ndim)
        self.count = math.prod(blocks.shape[axis] for axis in self.axes)
        if self.count < 2:
            raise ValueError(
                f"x must hold 2 numbers or more for each mean, got {self.count}: shape {x.shape}"
            )
        z, self.mean, self.var = normalize(blocks, self.axes, self.eps)
        return z.reshape(x.shape)

    def _dx(self, dz):
        dx = normalize_backward(
            self._blocks(dz), self._blocks(self.z), self.var, self.axes, self.eps
        )
        return dx.reshape(dz.shape)

    def _blocks(self, x):
        return x

    def _shared(self, ndim):
        """The axes along which all elements have one gain: all but that of the channels."""
        return (0, *range(2, ndim))


class _ChannelNormalization(_Normalization):
    """A normalization with one gain and one shift for each of C channels."""

    def __init__(self, channels, eps, affine, dtype):
        self.channels = integer("channels", channels, low=1)
        super().__init__(channels, eps, affine, dtype)

    def _check(self, x):
        if x.ndim not in (2, 4) or x.shape[1] != self.channels:
            raise ValueError(
                f"x must have shape (N, {self.channels}) or (N, {self.channels}, H, W), got {x.shape}"
            )


class BatchNorm(_ChannelNormalization):
    """Normalize each channel over the batch: mean and var over N, and over H and W where x has them.

    In training the statistics are those of the batch, and running averages follow them:
    running = (1 - momentum) running + momentum batch. Here `momentum` is THE SHARE OF THE NEW BATCH, as in PyTorch;
    in Keras it is the share of the old average. The variance that normalizes is biased (divided by the count n), the
    one that is averaged unbiased (by n - 1), as in PyTorch. In evaluation the running averages are used, so that one
    example does not depend on the others. Raises ValueError for a training batch with one number for each channel.
    Source: Ioffe and Szegedy (2015), algorithms 1 and 2.
    """

    def __init__(self, channels, eps=1e-5, momentum=0.1, affine=True, dtype=np.float64):
        super().__init__(channels, eps, affine, dtype)
        self.momentum = number("momentum", momentum, low=0, high=1)
        self.running_mean, self.running_var = np.zeros(channels, dtype), np.ones(channels, dtype)

    def buffers(self):
        """The running mean and variance, each (C,): part of the state, not learned."""
        return [self.running_mean, self.running_var]

    def _axes(self, ndim):
        return self._shared(ndim)

    def _normalized(self, x):
        self.from_batch = self.training  # what this forward did, for its backward
        if self.from_batch:
            z = super()._normalized(x)
            self._follow()
            return z
        mean, self.var = (np.expand_dims(running, self._axes(x.ndim)) for running in self.buffers())
        return (x - mean) / np.sqrt(self.var + self.eps)

    def _dx(self, dz):
        return super()._dx(dz) if self.from_batch else dz / np.sqrt(self.var + self.eps)

    def _follow(self):
        unbiased = self.var * self.count / (self.count - 1)
        for running, batch in zip(self.buffers(), (self.mean, unbiased), strict=True):
            running += self.momentum * (batch.ravel() - running)


class LayerNorm(_Normalization):
    """Normalize each example over all its features: mean and var over C, and over H and W where x has them.

    `shape` is that of one example, D or (C, H, W); each of its elements has a gain and a shift of its own. Training
    and evaluation do the same. Source: Ba, Kiros and Hinton (2016), section 3.
    """

    def __init__(self, shape, eps=1e-5, affine=True, dtype=np.float64):
        sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
        if not sizes:
            raise ValueError(f"shape must be that of one example, D or (C, H, W), got {shape}")
        self.shape = tuple(integer("shape", size, low=1) for size in sizes)
        super().__init__(self.shape, eps, affine, dtype)

    def _check(self, x):
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"x must have shape (N, {', '.join(map(str, self.shape))}), got {x.shape}"
            )

    def _axes(self, ndim):
        return tuple(range(1, ndim))

    def _shared(self, ndim):  # noqa: ARG002 - the same for images
        return (0,)


class InstanceNorm(_ChannelNormalization):
    """Normalize each channel of each image: mean and var over H and W, x is (N, C, H, W).

    Training and evaluation do the same. There is no gain and no shift unless affine=True, as in PyTorch.
    Source: Ulyanov, Vedaldi and Lempitsky (2016).
    """

    def __init__(self, channels, eps=1e-5, affine=False, dtype=np.float64):
        super().__init__(channels, eps, affine, dtype)

    def _check(self, x):
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"x must have shape (N, {self.channels}, H, W), got {x.shape}")

    def _axes(self, ndim):
        return tuple(range(2, ndim))


class GroupNorm(_ChannelNormalization):
    """Normalize groups of channels of each example: mean and var over C/G channels, and H and W where x has them.

    One group is layer normalization, C groups are instance normalization, but for the gains. Training and evaluation
    do the same. Raises ValueError unless `groups` divides `channels`. Source: Wu and He (2018), section 3.
    """

    def __init__(self, groups, channels, eps=1e-5, affine=True, dtype=np.float64):
        super().__init__(channels, eps, affine, dtype)
        self.groups = integer("groups", groups, low=1)
        if self.channels % self.groups:
            raise ValueError(f"groups must divide the {channels} channels, got {groups}")

    def _blocks(self, x):
        return x.reshape(len(x), self.groups, self.channels // self.groups, *x.shape[2:])

    def _axes(self, ndim):
        return tuple(range(2, ndim))
