import math

import numpy as np
import pytest

from helpers.core import Sequential
from helpers.initializers import zeros
from helpers.layers import Conv2d, Flatten, Linear, ReLU, Sigmoid, Tanh
from tests.helpers.support.properties import PROPERTIES, away_from_zero, build, run, upstream
from tests.helpers.support.refusal import refuses


def linear(rng, dtype):
    n, d, h = rng.integers(1, 6, 3)
    return Linear(d, h, rng, dtype=dtype), away_from_zero(rng, (n, d))


def linear_without_bias(rng, dtype):
    return Linear(4, 3, rng, bias=False, dtype=dtype), away_from_zero(rng, (2, 4))


def conv(rng, dtype):
    n, c_in, c_out, k, stride = rng.integers(1, 4, 5)
    padding = rng.integers(0, 3)
    height, width = k + rng.integers(0, 4, 2)
    layer = Conv2d(c_in, c_out, k, rng, stride=stride, padding=padding, dtype=dtype)
    return layer, away_from_zero(rng, (n, c_in, height, width))


def elementwise(layer):
    def case(rng, dtype):  # noqa: ARG001 - one signature for all cases
        return layer(), away_from_zero(rng, rng.integers(1, 5, rng.integers(1, 5)))

    case.__name__ = layer.__name__
    return case


def network(rng, dtype):
    layers = (
        Conv2d(1, 2, 2, rng, padding=1, dtype=dtype),
        Tanh(),
        Flatten(),
        Linear(2 * 3 * 4, 2, rng, dtype=dtype),
    )
    return Sequential(*layers), away_from_zero(rng, (2, 1, 2, 3))


ELEMENTWISE = [elementwise(layer) for layer in (ReLU, Tanh, Sigmoid, Flatten)]
CASES = [linear, linear_without_bias, conv, network, *ELEMENTWISE]


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda f: f.__name__)
def test_property(holds, case):
    for seed in range(4):
        holds(case, seed)


@pytest.mark.parametrize("case", CASES, ids=lambda f: f.__name__)
def test_each_example_is_computed_alone_and_gradients_add_up(case):
    layer, x = build(case, seed=3)
    y, dx, *grads = run(layer, x)
    dy = upstream(y)
    for p in layer.parameters():
        p.zero_grad()
    alone = [(layer(x[n : n + 1]), layer.backward(dy[n : n + 1])) for n in range(len(x))]
    np.testing.assert_allclose(np.concatenate([y for y, _ in alone]), y, rtol=1e-12)
    np.testing.assert_allclose(np.concatenate([dx for _, dx in alone]), dx, rtol=1e-12)
    for p, grad in zip(layer.parameters(), grads, strict=True):
        np.testing.assert_allclose(p.grad, grad, rtol=1e-12, atol=1e-14)


def test_linear_by_hand():
    layer = Linear(2, 2, np.random.default_rng(0), initializer=zeros)
    layer.weight.data[...] = [[1, 2], [3, 4]]
    layer.bias.data[...] = [10, 20]
    assert layer(np.array([[1.0, -1.0]])).tolist() == [[8, 18]]  # 1 - 3 + 10, 2 - 4 + 20
    assert layer.backward(np.array([[1.0, 2.0]])).tolist() == [[5, 11]]  # 1*1 + 2*2, 1*3 + 2*4
    assert layer.weight.grad.tolist() == [[1, 2], [-1, -2]]
    assert layer.bias.grad.tolist() == [1, 2]


def test_linear_against_sums_written_out():
    layer, x = build(linear, seed=1)
    y, dx, dweight, dbias = run(layer, x)
    dy = upstream(y)
    weight = layer.weight.data
    np.testing.assert_allclose(y, np.einsum("nd,dh->nh", x, weight) + layer.bias.data, rtol=1e-12)
    np.testing.assert_allclose(dx, np.einsum("nh,dh->nd", dy, weight), rtol=1e-12)
    np.testing.assert_allclose(dweight, np.einsum("nd,nh->dh", x, dy), rtol=1e-12)
    np.testing.assert_allclose(dbias, np.einsum("nh->h", dy), rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "formula", "derivative"),
    [
        (ReLU, lambda v: max(v, 0.0), lambda v: 1.0 if v > 0 else 0.0),
        (Tanh, math.tanh, lambda v: 1 / math.cosh(v) ** 2),
        (Sigmoid, lambda v: 1 / (1 + math.exp(-v)), lambda v: 1 / (2 + math.exp(v) + math.exp(-v))),
        (Flatten, float, np.ones_like),
    ],
)
def test_elementwise_against_another_formula(layer, formula, derivative):
    x = np.random.default_rng(0).normal(0, 3, (4, 6))
    y, dx = run(layer(), x)
    np.testing.assert_allclose(y, np.vectorize(formula)(x), rtol=1e-12)
    np.testing.assert_allclose(
        dx, upstream(y) * np.vectorize(derivative)(x), rtol=1e-11, atol=1e-14
    )


def test_trap_relu_derivative_from_the_output_with_greater_or_equal():
    layer = ReLU()
    assert layer(np.array([-2.0, -0.0, 0.0, 5.0])).tolist() == [0, 0, 0, 5]
    assert layer.backward(np.full(4, 7.0)).tolist() == [0, 0, 0, 7]


def test_sigmoid_and_tanh_of_extreme_inputs_neither_overflow_nor_lose_the_small_side():
    x = np.array([-1e4, -700.0, -40.0, 0.0, 40.0, 1e4])
    y, dx = run(Sigmoid(), x)
    np.testing.assert_allclose(y, [0, math.exp(-700), math.exp(-40), 0.5, 1, 1], rtol=1e-12)
    assert np.isfinite(dx).all()
    assert Tanh()(x).tolist() == [-1, -1, -1, 0, 1, 1]


def test_flatten_joins_all_axes_but_the_first():
    x = np.arange(24).reshape(2, 3, 2, 2)
    assert Flatten()(x).tolist() == [list(range(12)), list(range(12, 24))]


def test_only_weights_are_decayed_and_biases_start_at_zero():
    rng = np.random.default_rng(0)
    for layer in (Linear(3, 2, rng), Conv2d(3, 2, 1, rng)):
        assert layer.parameters() == [layer.weight, layer.bias]
        assert (layer.weight.decay, layer.bias.decay) == (True, False)
        assert not layer.bias.data.any()
    assert Linear(3, 2, rng, bias=False).bias is None


def test_trap_fan_out_for_fan_in():
    rng = np.random.default_rng(0)
    for layer, fan_in in ((Linear(500, 10, rng), 500), (Conv2d(80, 10, 3, rng), 80 * 9)):
        weight = layer.weight.data
        sigma = 1 / math.sqrt(2 * weight.size)  # the relative sd of a sample sd
        assert weight.std() == pytest.approx(math.sqrt(2 / fan_in), rel=5 * sigma)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("n_in", 0, ValueError),
        ("n_out", -1, ValueError),
        ("n_in", "3", TypeError),
        ("rng", None, TypeError),
        ("initializer", 1.0, TypeError),
        ("bias", 1, TypeError),
        ("dtype", int, ValueError),
    ],
)
def test_linear_refuses(name, value, kind):
    settings = {"n_in": 3, "n_out": 2, "rng": np.random.default_rng(0)}
    with refuses(kind, f"{name} must be "):
        Linear(**settings | {name: value})


@pytest.mark.parametrize("shape", [(4, 2), (3,)])
def test_linear_refuses_x_of_another_shape(shape):
    layer = Linear(3, 2, np.random.default_rng(0))
    with refuses(ValueError, f"x must have shape (N, 3), got {shape}"):
        layer(np.ones(shape))


@pytest.mark.parametrize(
    ("padding", "shape", "expected"),
    [
        (0, (2, 1, 9, 9), "(N, 3, H >= 5, W >= 5)"),
        (1, (2, 3, 2, 9), "(N, 3, H >= 3, W >= 3)"),
        (0, (3, 9, 9), "(N, 3, H >= 5, W >= 5)"),
    ],
)
def test_conv_refuses_x_of_another_shape(padding, shape, expected):
    layer = Conv2d(3, 2, 5, np.random.default_rng(0), padding=padding)
    with refuses(ValueError, f"x must have shape {expected}, got {shape}"):
        layer(np.ones(shape))


@pytest.mark.parametrize("case", CASES, ids=lambda f: f.__name__)
def test_backward_before_forward_says_what_is_missing(case):
    layer, _ = build(case, seed=0)
    with refuses(AttributeError, "", " has no '", "' yet: call forward first"):
        layer.backward(np.ones((1, 2)))


def test_flatten_makes_a_column_of_one_axis_and_refuses_none():
    layer = Flatten()
    assert layer(np.arange(3.0)).tolist() == [[0.0], [1.0], [2.0]]
    assert layer.backward(np.ones((3, 1))).shape == (3,)
    with refuses(ValueError, "x must have shape (N, ...), got ()"):
        layer(np.float64(1))
