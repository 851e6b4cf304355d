"""Layers without noise: Linear, Conv2d, ReLU, Tanh, Sigmoid, Flatten. The names are PyTorch's."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers.core import Layer, Parameter
from helpers.initializers import he_normal
from helpers.internal.arguments import flag, float_type, function, integer


class Linear(Layer):
    """y = x W + b, with x (N, D), W (D, H), b (H,). torch.nn.Linear stores W transposed.

    D is n_in and H is n_out. The bias starts at zero and is never decayed. Raises ValueError unless
    x is (N, D).
    """

    remembers = ("x",)

    def __init__(self, n_in, n_out, rng, initializer=he_normal, bias=True, dtype=np.float64):
        dtype = float_type("dtype", dtype)
        function("initializer", initializer, "he_normal")
        self.weight = Parameter(initializer(n_in, n_out, rng, dtype=dtype))
        self.bias = None
        if flag("bias", bias):
            self.bias = Parameter(np.zeros(n_out, dtype), decay=False)

    def forward(self, x):
        """Return x W + b, (N, H)."""
        if np.ndim(x) != 2 or x.shape[1] != len(self.weight.data):
            raise ValueError(f"x must have shape (N, {len(self.weight.data)}), got {np.shape(x)}")
        self.x = x
        y = x @ self.weight.data
        if self.bias is not None:
            y += self.bias.data
        return y

    def backward(self, dy):
        """Return dL/dx, (N, D), and add dL/dW and dL/db to the parameters' grad."""
        self.backward_parameters(dy)
        return dy @ self.weight.data.T  # dL/dx = dL/dy W^T      (N, D)

    def backward_parameters(self, dy):
        """Add dL/dW and dL/db to the parameters' grad, without dL/dx."""
        self.weight.grad += self.x.T @ dy  # dL/dW = x^T dL/dy      (D, H)
        if self.bias is not None:
            self.bias.grad += dy.sum(axis=0)  # dL/db = sum_n dL/dy_n  (H,)


class Conv2d(Layer):
    """y[n, o, i, j] = b[o] + sum over c, u, v of W[o, c, u, v] x[n, c, s i + u, s j + v].

    s is the stride; x is padded with zeros first. x is (N, C_in, H, W), W is (C_out, C_in, k, k)
    as in PyTorch, b is (C_out,) and y is (N, C_out, H', W') with H' = (H + 2 padding - k) // s +
    1. The sum is a correlation: the kernel is not flipped. Raises ValueError unless x has C_in
    channels and room for the kernel.
    """

    remembers = ("padded", "windows")

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        rng,
        stride=1,
        padding=0,
        initializer=he_normal,
        dtype=np.float64,
    ):
        self.k = integer("kernel_size", kernel_size, low=1)
        self.stride = integer("stride", stride, low=1)
        self.padding = integer("padding", padding, low=0)
        out_channels = integer("out_channels", out_channels, low=1)
        in_channels = integer("in_channels", in_channels, low=1)
        function("initializer", initializer, "he_normal")
        dtype = float_type("dtype", dtype)
        n_in = in_channels * self.k**2
        n_out = out_channels * self.k**2
        shape = (out_channels, in_channels, self.k, self.k)
        self.weight = Parameter(initializer(n_in, n_out, rng, shape=shape, dtype=dtype))
        self.bias = Parameter(np.zeros(out_channels, dtype), decay=False)

    def forward(self, x):
        """Return the correlation of x with every kernel, (N, C_out, H', W')."""
        channels = self.weight.data.shape[1]
        smallest = max(self.k - 2 * self.padding, 1)
        if np.ndim(x) != 4 or x.shape[1] != channels or min(x.shape[2:]) < smallest:
            expected = f"(N, {channels}, H >= {smallest}, W >= {smallest})"
            raise ValueError(f"x must have shape {expected}, got {np.shape(x)}")
        sides = (self.padding, self.padding)
        self.padded = np.pad(x, ((0, 0), (0, 0), sides, sides))
        self.windows = self._windows(self.padded)
        # the sum over c, u, v  (N, H', W', C_out)
        y = np.tensordot(self.windows, self.weight.data, axes=((1, 4, 5), (1, 2, 3)))
        return np.moveaxis(y, 3, 1) + self.bias.data[:, None, None]

    def backward(self, dy):
        """Return dL/dx, (N, C_in, H, W), and add dL/dW and dL/db to the parameters' grad."""
        # dL/dW = the windows of x, weighted by dL/dy  (C_out, C_in, k, k)
        self.weight.grad += np.tensordot(dy, self.windows, axes=((0, 2, 3), (0, 2, 3)))
        self.bias.grad += dy.sum(axis=(0, 2, 3))
        dpadded = np.zeros(self.padded.shape, np.result_type(dy, self.weight.data))
        rows, columns = (self.stride * size for size in dy.shape[2:])
        for u in range(self.k):
            for v in range(self.k):  # x[s i + u, s j + v] met W[u, v] on its way to y[i, j]
                dx = np.tensordot(dy, self.weight.data[:, :, u, v], axes=(1, 0))
                seen = dpadded[:, :, u : u + rows : self.stride, v : v + columns : self.stride]
                seen += np.moveaxis(dx, 3, 1)
        height, width = (size - self.padding for size in dpadded.shape[2:])
        return dpadded[:, :, self.padding : height, self.padding : width]

    def _windows(self, padded):
        """Return what the kernel sees, (N, C_in, H', W', k, k), without a copy."""
        windows = sliding_window_view(padded, (self.k, self.k), axis=(2, 3))
        return windows[:, :, :: self.stride, :: self.stride]


class ReLU(Layer):
    """y = max(x, 0), with derivative 1 where x > 0 and 0 elsewhere: at 0 it is 0, as in PyTorch."""

    remembers = ("positive",)

    def forward(self, x):
        """Return max(x, 0), any shape."""
        self.positive = x > 0
        return np.maximum(x, 0)

    def backward(self, dy):
        """Return dy where x > 0, and 0 elsewhere."""
        return dy * self.positive


class Tanh(Layer):
    """y = tanh(x), with derivative 1 - y^2."""

    remembers = ("y",)

    def forward(self, x):
        """Return tanh(x), any shape."""
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        """Return dy (1 - y^2)."""
        return dy * (1 - self.y**2)


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x)), with derivative y (1 - y).

    Computed as exp(-log(1 + exp(-x))), which cannot overflow.
    """

    remembers = ("y",)

    def forward(self, x):
        """Return the sigmoid of x, any shape."""
        self.y = np.exp(-np.logaddexp(0, -x))
        return self.y

    def backward(self, dy):
        """Return dy y (1 - y)."""
        return dy * self.y * (1 - self.y)


class Flatten(Layer):
    """y = x as a matrix: (N, C, H, W) becomes (N, C H W)."""

    remembers = ("shape",)

    def forward(self, x):
        """Return x with all axes but the first merged into one."""
        if x.ndim == 0:
            raise ValueError(f"x must have shape (N, ...), got {x.shape}")
        self.shape = x.shape
        return x.reshape(len(x), math.prod(x.shape[1:]))  # -1 fails for an empty batch

    def backward(self, dy):
        """Return dy in the shape of x."""
        return dy.reshape(self.shape)
