"""Batch, layer, instance and group normalization: one formula, four sets of axes.

z = (x - mean) / sqrt(var + eps) and y = gain z + shift. The mean and the variance are taken over a
set of axes, and that set is all that differs. For x of shape (N, C, H, W) it is

batch: (N, H, W), one mean for each channel
layer: (C, H, W), one for each example
instance: (H, W), one for each channel of each example
group: (C/G, H, W) of x viewed as (N, G, C/G, H, W), one for each group of each example

For x of shape (N, C) the axes H and W are absent. The gain is called `weight` and the shift `bias`,
as in PyTorch; neither is decayed.
"""

import math

import numpy as np

from helpers.core import Layer, Parameter
from helpers.internal.arguments import flag, float_type, integer, number


def normalize(x, axes, eps=1e-5):
    """Return z = (x - mean) / sqrt(var + eps), mean and var; the axes keep length 1 in these two.

    var is the biased variance, the mean of (x - mean)^2 over `axes`. The shorter E[x^2] - E[x]^2
    loses its digits if the mean is large. Source: Ioffe and Szegedy (2015), algorithm 1.
    """
    mean = x.mean(axis=axes, keepdims=True)
    centered = x - mean
    var = (centered**2).mean(axis=axes, keepdims=True)
    return centered / np.sqrt(var + eps), mean, var


def normalize_backward(dz, z, var, axes, eps=1e-5):
    """Return dx = (dz - mean(dz) - z mean(dz z)) / sqrt(var + eps), the means over the same `axes`.

    What is subtracted is the part of dz along 1 and along z: z does not change if x is shifted or
    scaled.
    """
    along_1 = dz.mean(axis=axes, keepdims=True)
    along_z = z * (dz * z).mean(axis=axes, keepdims=True)
    return (dz - along_1 - along_z) / np.sqrt(var + eps)


class _Normalization(Layer):
    """What the four have in common: normalize, then a gain and a shift of the given shape.

    Each defines `view(x) -> (blocks, axes)`, x in the shape in which it is normalized over `axes`;
    `shared_axes(ndim)`, the axes of x along which the gain is the same; and `_check(x)`, which
    raises ValueError unless the layer takes the shape of x.
    """

    remembers = ("z", "var")

    def __init__(self, shape, eps, affine, dtype):
        self.eps = number("eps", eps, above=0)
        dtype = float_type("dtype", dtype)
        self.weight = None
        self.bias = None
        if flag("affine", affine):
            self.weight = Parameter(np.ones(shape, dtype), decay=False)
            self.bias = Parameter(np.zeros(shape, dtype), decay=False)

    def forward(self, x):
        """Return gain z + shift, the shape of x."""
        self._check(x)
        blocks, axes = self.view(x)
        _check_counts(blocks, axes, x)
        z, self.mean, self.var = normalize(blocks, axes, self.eps)
        self.z = z.reshape(x.shape)
        return self._affine(self.z)

    def backward(self, dy):
        """Return dL/dx and add dL/dgain and dL/dshift to the parameters' grad."""
        dz, axes = self.view(self._affine_backward(dy))
        z, _ = self.view(self.z)
        dx = normalize_backward(dz, z, self.var, axes, self.eps)
        return dx.reshape(dy.shape)

    def _affine(self, z):
        """Return gain z + shift, or z without a gain."""
        if self.weight is None:
            return z
        shared = self.shared_axes(z.ndim)
        gain = np.expand_dims(self.weight.data, shared)
        return gain * z + np.expand_dims(self.bias.data, shared)

    def _affine_backward(self, dy):
        """Return dL/dz; add dL/dgain = sum of dy z and dL/dshift = sum of dy to the grads."""
        if self.weight is None:
            return dy
        shared = self.shared_axes(dy.ndim)
        self.weight.grad += (dy * self.z).sum(axis=shared)
        self.bias.grad += dy.sum(axis=shared)
        return dy * np.expand_dims(self.weight.data, shared)


def _check_counts(blocks, axes, x):
    count = math.prod(blocks.shape[axis] for axis in axes)
    if count < 2:
        raise ValueError(
            f"x must hold 2 numbers or more for each mean, got {count}: shape {x.shape}"
        )


class _ChannelNormalization(_Normalization):
    """A normalization with one gain and one shift for each of C channels."""

    def __init__(self, channels, eps, affine, dtype):
        self.channels = integer("channels", channels, low=1)
        super().__init__(channels, eps, affine, dtype)

    def shared_axes(self, ndim):
        """All axes but that of the channels."""
        return (0, *range(2, ndim))

    def _check(self, x):
        if x.ndim not in (2, 4) or x.shape[1] != self.channels:
            expected = f"(N, {self.channels}) or (N, {self.channels}, H, W)"
            raise ValueError(f"x must have shape {expected}, got {x.shape}")


class BatchNorm(_ChannelNormalization):
    """Normalize each channel over the batch: mean and var over N, and over H and W of images.

    In training the statistics are those of the batch, and running averages follow them:

    running = (1 - momentum) running + momentum batch

    Here `momentum` is THE SHARE OF THE NEW BATCH, as in PyTorch; in Keras it is the share of the
    old average. The variance that normalizes is biased (divided by the count n), the one that is
    averaged unbiased (by n - 1), as in PyTorch. In evaluation the running averages are used, so
    that one example does not depend on the others. Raises ValueError for a training batch with one
    number for each channel. Source: Ioffe and Szegedy (2015), algorithms 1 and 2.
    """

    remembers = ("z", "var", "from_batch")

    def __init__(self, channels, eps=1e-5, momentum=0.1, affine=True, dtype=np.float64):
        super().__init__(channels, eps, affine, dtype)
        self.momentum = number("momentum", momentum, low=0, high=1)
        self.running_mean = np.zeros(channels, dtype)
        self.running_var = np.ones(channels, dtype)

    def buffers(self):
        """Return the running mean and variance, each (C,): saved, but not learned."""
        return [self.running_mean, self.running_var]

    def view(self, x):
        """Return x and the axes (0,) or (0, 2, 3)."""
        return x, self.shared_axes(x.ndim)

    def forward(self, x):
        """Return gain z + shift, the shape of x, by the statistics of its mode."""
        self.from_batch = self.training  # backward needs to know what this pass did
        if self.from_batch:
            y = super().forward(x)
            self._update_running(x.size // self.channels)
            return y
        self._check(x)
        shared = self.shared_axes(x.ndim)
        mean = np.expand_dims(self.running_mean, shared)
        self.var = np.expand_dims(self.running_var, shared)
        self.z = (x - mean) / np.sqrt(self.var + self.eps)
        return self._affine(self.z)

    def backward(self, dy):
        """Return dL/dx and add dL/dgain and dL/dshift to the parameters' grad."""
        if self.from_batch:
            return super().backward(dy)
        return self._affine_backward(dy) / np.sqrt(self.var + self.eps)

    def _update_running(self, n):
        unbiased = self.var * n / (n - 1)
        self.running_mean += self.momentum * (self.mean.ravel() - self.running_mean)
        self.running_var += self.momentum * (unbiased.ravel() - self.running_var)


class LayerNorm(_Normalization):
    """Normalize each example over all its features: mean and var over C, and H and W of images.

    `shape` is that of one example, D or (C, H, W); each of its elements has a gain and a shift of
    its own. Training and evaluation do the same. Source: Ba, Kiros and Hinton (2016), section 3.
    """

    def __init__(self, shape, eps=1e-5, affine=True, dtype=np.float64):
        sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
        if not sizes:
            raise ValueError(f"shape must be that of one example, D or (C, H, W), got {shape}")
        self.shape = tuple(integer("shape", size, low=1) for size in sizes)
        super().__init__(self.shape, eps, affine, dtype)

    def view(self, x):
        """Return x and the axes (1,) or (1, 2, 3)."""
        return x, tuple(range(1, x.ndim))

    def shared_axes(self, ndim):  # noqa: ARG002 - the same for images
        """Only the axis of the examples."""
        return (0,)

    def _check(self, x):
        if x.shape[1:] != self.shape:
            expected = f"(N, {', '.join(map(str, self.shape))})"
            raise ValueError(f"x must have shape {expected}, got {x.shape}")


class InstanceNorm(_ChannelNormalization):
    """Normalize each channel of each image: mean and var over H and W, x is (N, C, H, W).

    Training and evaluation do the same. There is no gain and no shift unless affine=True, as in
    PyTorch. Source: Ulyanov, Vedaldi and Lempitsky (2016).
    """

    def __init__(self, channels, eps=1e-5, affine=False, dtype=np.float64):
        super().__init__(channels, eps, affine, dtype)

    def view(self, x):
        """Return x and the axes (2, 3)."""
        return x, (2, 3)

    def _check(self, x):
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"x must have shape (N, {self.channels}, H, W), got {x.shape}")


class GroupNorm(_ChannelNormalization):
    """Normalize groups of C/G channels of each example, over H and W too for images.

    One group is layer normalization, C groups are instance normalization, but for the gains.
    Training and evaluation do the same. Raises ValueError unless `groups` divides `channels`.
    Source: Wu and He (2018), section 3.
    """

    def __init__(self, groups, channels, eps=1e-5, affine=True, dtype=np.float64):
        super().__init__(channels, eps, affine, dtype)
        self.groups = integer("groups", groups, low=1)
        if self.channels % self.groups:
            raise ValueError(f"groups must divide the {channels} channels, got {groups}")

    def view(self, x):
        """Return x as (N, G, C/G) or (N, G, C/G, H, W), and the axes (2,) or (2, 3, 4)."""
        blocks = x.reshape(len(x), self.groups, self.channels // self.groups, *x.shape[2:])
        return blocks, tuple(range(2, blocks.ndim))
