"""Conv2d against loops; what it shares with all layers is in test_layers.py."""

import itertools

import numpy as np
import pytest

from helpers.initializers import normal, zeros
from helpers.layers import Conv2d
from tests.helpers.support.properties import build, run, upstream
from tests.helpers.support.refusal import refuses


def test_conv_by_hand():
    layer = Conv2d(1, 1, 2, np.random.default_rng(0), initializer=zeros)
    layer.weight.data[...] = [[[[1, 2], [3, 4]]]]
    layer.bias.data[...] = 100
    x = np.array([[[[1.0, 0, 2], [0, 1, 0]]]])
    assert layer(x).tolist() == [[[[105, 107]]]]  # 1*1 + 4*1, 2*2 + 3*1: not flipped
    assert layer.backward(np.array([[[[1.0, 10]]]])).tolist() == [[[[1, 12, 20], [3, 34, 40]]]]
    assert layer.weight.grad.tolist() == [[[[1, 20], [10, 1]]]]
    assert layer.bias.grad.tolist() == [11]


def conv_by_loops(layer, x, dy):
    """y, dx, dW, db straight from the formula in the docstring: product by product, no windows."""
    weight, bias = (p.data for p in layer.parameters())
    y = np.zeros_like(dy)
    dx = np.zeros_like(x)
    dweight = np.zeros_like(weight)
    outputs = np.ndindex(*dy.shape)
    inputs = np.ndindex(*weight.shape[1:])
    for (n, o, i, j), (c, u, v) in itertools.product(outputs, inputs):
        row = layer.stride * i + u - layer.padding
        column = layer.stride * j + v - layer.padding
        if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
            y[n, o, i, j] += weight[o, c, u, v] * x[n, c, row, column]
            dx[n, c, row, column] += weight[o, c, u, v] * dy[n, o, i, j]
            dweight[o, c, u, v] += x[n, c, row, column] * dy[n, o, i, j]
    return y + bias[:, None, None], dx, dweight, dy.sum((0, 2, 3))


GEOMETRIES = [  # stride, padding, kernel, height, width
    (1, 0, 3, 3, 3),
    (1, 1, 3, 5, 4),
    (2, 0, 3, 8, 7),  # the last row is never seen
    (2, 1, 3, 7, 6),
    (3, 2, 2, 5, 8),  # a stride beyond the kernel leaves gaps
    (2, 3, 5, 1, 4),  # lower than the kernel before the padding
    (1, 0, 1, 2, 3),
]


@pytest.mark.parametrize(("stride", "padding", "k", "height", "width"), GEOMETRIES)
def test_conv_against_loops(stride, padding, k, height, width):
    def case(rng, dtype):
        layer = Conv2d(2, 3, k, rng, stride=stride, padding=padding, dtype=dtype)
        return layer, rng.standard_normal((2, 2, height, width))

    layer, x = build(case, seed=0)
    results = run(layer, x)
    rows, columns = ((size + 2 * padding - k) // stride + 1 for size in (height, width))
    assert results[0].shape == (2, 3, rows, columns)
    expected = conv_by_loops(layer, x, upstream(results[0]))
    for result, other in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, other, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("pixels", [np.float32, np.float64, np.uint8])
def test_conv_with_float64_weights_never_rounds_dx_to_the_pixels(pixels):
    layer = Conv2d(1, 2, 3, np.random.default_rng(0))
    x = np.arange(25).reshape(1, 1, 5, 5).astype(pixels)
    y = layer.forward(x)
    assert layer.backward(upstream(y)).dtype == np.float64


def test_fans_of_a_convolution_reach_the_initializer_with_the_kernel_in_both():
    seen = []

    def spy(n_in, n_out, rng, shape=None, dtype=np.float64):
        seen.append((n_in, n_out, shape, dtype))
        return normal(1)(n_in, n_out, rng, shape, dtype)

    Conv2d(2, 5, 3, np.random.default_rng(0), initializer=spy)
    assert seen == [(18, 45, (5, 2, 3, 3), np.float64)]


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("kernel_size", 0, ValueError),
        ("kernel_size", (3, 3), TypeError),
        ("stride", 0, ValueError),
        ("padding", -1, ValueError),
        ("padding", "same", TypeError),
        ("in_channels", 0, ValueError),
        ("out_channels", 0, ValueError),
        ("out_channels", 1.0, TypeError),
        ("initializer", None, TypeError),
        ("dtype", int, ValueError),
        ("rng", 0, TypeError),
    ],
)
def test_conv_refuses(name, value, kind):
    settings = {
        "in_channels": 1,
        "out_channels": 1,
        "kernel_size": 3,
        "rng": np.random.default_rng(0),
    }
    with refuses(kind, f"{name} must be "):
        Conv2d(**settings | {name: value})


def test_with_float32_weights_a_float64_gradient_stays_float64():
    layer = Conv2d(1, 1, 2, np.random.default_rng(0), dtype=np.float32)
    y = layer(np.ones((1, 1, 3, 3)))
    assert y.dtype == np.float64
    assert layer.backward(np.ones_like(y)).dtype == np.float64


def test_the_gradient_has_the_finer_type_of_upstream_and_weights():
    layer = Conv2d(1, 1, 2, np.random.default_rng(0))
    dy = upstream(layer(np.ones((1, 1, 3, 3)))).astype(np.float32)
    assert layer.backward(dy).dtype == np.float64
