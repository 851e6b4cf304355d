import math
from contextlib import nullcontext

import numpy as np
import pytest

from helpers.core import Layer, Parameter, Sequential
from helpers.gradcheck import check_layer, numerical_gradient, relative_error
from helpers.layers import Conv2d, Flatten, Linear, ReLU, Sigmoid, Tanh
from helpers.noise import Dropout, GaussianNoise
from tests.helpers.support.properties import assert_same
from tests.helpers.support.refusal import refuses


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 1, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, int])
def test_gradient_of_a_function_whose_derivative_is_known(shape, dtype):
    x = np.asarray(2 + 3 * rng().standard_normal(shape)).astype(dtype)
    gradient = numerical_gradient(lambda v: np.sum(np.sin(v) + v**3), x)
    assert gradient.dtype == np.float64
    x = x.astype(float)
    np.testing.assert_allclose(gradient, np.cos(x) + 3 * x**2, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("h", [0.5, 1e-2])
def test_differences_are_central_and_h_is_the_step(h):
    of_square = numerical_gradient(lambda v: v @ v, np.array([3.0, -1.0]), h)
    assert of_square.tolist() == pytest.approx([6, -2], abs=1e-12)
    of_cube = numerical_gradient(lambda v: np.sum(v**3), np.array([2.0]), h)
    assert of_cube == pytest.approx(12 + h**2, rel=1e-10)


def test_x_stays_untouched_even_if_f_writes_into_its_argument():
    x = np.array([1.0, 2.0])
    x.flags.writeable = False

    def f(v):
        v *= v
        return v.sum()

    np.testing.assert_allclose(numerical_gradient(f, x), [2, 4], rtol=1e-8)
    assert x.tolist() == [1, 2]
    np.testing.assert_allclose(numerical_gradient(f, np.ones((3, 4))[::2, ::-1]), 2, rtol=1e-8)


@pytest.mark.parametrize(
    ("a", "b", "error"),
    [
        ([1, 2], [1, 2], 0),
        ([3], [-3], 1),
        ([1, 3], [1, 1], 0.5),  # 2 / 4
        ([0], [1e-3], 1),
        ([0], [1e-9], 0.1),  # 1e-9 / the floor 1e-8
        ([0], [0], 0),
        (2, 6, 0.5),
    ],
)
def test_relative_error_by_hand(a, b, error):
    assert relative_error(a, b) == relative_error(b, a) == pytest.approx(error)


def test_relative_error_of_nan_is_nan_so_that_no_bound_holds():
    assert math.isnan(relative_error([1, math.nan], [1, 2]))


class Broken(Layer):
    """tanh(x * w + b) on rows of 3, with one slip in its backward."""

    def __init__(self, slip):
        self.w = Parameter([0.5, -1.0, 2.0])
        self.b = Parameter(0.3 * np.ones(3))
        self.slip = slip

    def forward(self, x):
        self.x = x
        self.y = np.tanh(x * self.w.data + self.b.data)
        return self.y

    def backward(self, dy):
        inner = dy * (1 - self.y**2)
        sign = -1 if self.slip == "sign of w" else 1
        factor = 1.1 if self.slip == "factor of x" else 1
        self.w.grad += sign * (inner * self.x).sum(0)
        self.b.grad += inner.mean(0) if self.slip == "mean over b" else inner.sum(0)
        if self.slip == "forgotten x":
            inner = dy
        return factor * inner * self.w.data


@pytest.mark.parametrize(
    ("slip", "name"),
    [("sign of w", "w"), ("mean over b", "b"), ("factor of x", "x"), ("forgotten x", "x")],
)
def test_a_slip_in_backward_shows_under_its_name_and_nowhere_else(slip, name):
    errors = check_layer(Broken(slip), rng().standard_normal((4, 3)), rng())
    assert errors.pop(name) > 1e-2
    assert max(errors.values()) < 1e-7
    assert max(check_layer(Broken(None), rng().standard_normal((4, 3)), rng()).values()) < 1e-7


class NoScale(Dropout):
    def backward(self, dy):
        return dy * self.mask


class NoMask(Dropout):
    def backward(self, dy):
        return dy / (1 - self.p)


@pytest.mark.parametrize("broken", [NoScale, NoMask])
def test_trap_a_dropout_that_forgets_the_mask_or_the_scale_is_found_here(broken):
    x = rng().standard_normal((6, 5))
    assert check_layer(broken(0.5, rng()), x, rng())["x"] > 0.1
    assert check_layer(Sequential(Tanh(), broken(0.5, rng())), x, rng())["x"] > 0.1
    assert check_layer(Dropout(0.5, rng()), x, rng())["x"] < 1e-7


def network():
    body = Sequential(Linear(3, 4, rng(1)), GaussianNoise(0.1, rng(2)), Tanh())
    return Sequential(Dropout(0.3, rng(3)), body, Sigmoid(), Linear(4, 2, rng(4), bias=False))


def test_names_say_the_position_of_each_parameter():
    errors = check_layer(network(), rng().standard_normal((2, 3)), rng())
    assert list(errors) == ["x", "1.0.weight", "1.0.bias", "3.weight"]
    assert max(errors.values()) < 1e-6
    assert list(check_layer(Linear(3, 2, rng()), np.ones((1, 3)), rng())) == ["x", "weight", "bias"]
    images = Sequential(Conv2d(1, 1, 2, rng()), Flatten())
    assert list(check_layer(images, np.ones((1, 1, 2, 2)), rng())) == ["x", "0.weight", "0.bias"]


class Residual(Layer):
    """x + f(x): its parameters belong to a layer inside, in no attribute of its own."""

    def __init__(self, slip=1.0):
        self.inner = Linear(2, 2, rng(), bias=False)
        self.slip = slip

    def forward(self, x):
        return x + self.inner(x)

    def backward(self, dy):
        dx = self.inner.backward(dy)
        self.inner.weight.grad *= self.slip
        return dy + dx

    def parameters(self):
        return self.inner.parameters()


def test_a_parameter_that_sits_deeper_is_checked_too():
    assert check_layer(Residual(), np.ones((1, 2)), rng())["parameter 0"] < 1e-7
    assert check_layer(Residual(slip=2.0), np.ones((1, 2)), rng())["parameter 0"] > 0.1


class Running(Tanh):
    """A layer with a running statistic, as BatchNorm has. It raises in its last forward."""

    def __init__(self, last):
        self.mean = np.zeros(3)
        self.left = last

    def forward(self, x):
        self.mean += 0.1 * (x.mean(0) - self.mean)
        self.left -= 1
        if self.left == 0:
            raise ArithmeticError("stop")
        return super().forward(x)

    def buffers(self):
        return [self.mean]


# never, among the differences of x, among those of a parameter
@pytest.mark.parametrize("last", [0, 5, 17])
def test_parameters_grads_buffers_and_frozen_states_are_left_as_they_were(last):
    inner = network()
    net = Sequential(Running(last), inner)
    x = rng().standard_normal((2, 3))
    dropout = inner.layers[0]
    noise = inner.layers[1].layers[1]
    dropout.frozen = True
    dropout.mask = np.array([True, False, True])
    for p in net.parameters():
        p.grad += 7
    before = [*net.state(), x.copy()]
    with pytest.raises(ArithmeticError, match="stop") if last else nullcontext():
        check_layer(net, x, rng())
    assert_same([*net.state(), x], before)
    assert all((p.grad == 7).all() for p in net.parameters())
    assert (dropout.frozen, noise.frozen) == (True, False)


def test_the_same_seed_gives_the_same_errors_in_either_mode():
    x = rng().standard_normal((2, 3))
    assert check_layer(network(), x, rng(5)) == check_layer(network(), x, rng(5))
    assert max(check_layer(network().eval(), x, rng()).values()) < 1e-6


@pytest.mark.parametrize(
    ("call", "kind", "name"),
    [
        (lambda: numerical_gradient([1], np.sum), TypeError, "x"),
        (lambda: numerical_gradient([1], [1]), TypeError, "f"),
        (lambda: numerical_gradient(np.sum, []), ValueError, "x"),
        (lambda: check_layer(ReLU(), [1.0], 0), TypeError, "rng"),
        (lambda: check_layer(ReLU(), [np.inf], rng()), ValueError, "x"),
    ],
)
def test_bad_input_is_refused(call, kind, name):
    with refuses(kind, f"{name} must "):
        call()


@pytest.mark.parametrize("h", [0, -1e-6])
def test_a_step_that_is_not_positive_is_refused(h):
    with refuses(ValueError, "h must be a number > 0"):
        numerical_gradient(np.sum, [1], h=h)


def test_a_function_of_several_numbers_is_refused():
    with refuses(ValueError, "f must return one number, got shape (2,)"):
        numerical_gradient(np.sin, [1, 2])


def test_a_and_b_of_different_shapes_are_refused():
    with refuses(ValueError, "a and b must have the same shape, got (1,) and (2,)"):
        relative_error([1], [1, 2])


@pytest.mark.parametrize(("layer", "got"), [(3, "int 3"), (np.tanh, "ufunc")])
def test_a_layer_without_backward_is_refused(layer, got):
    with refuses(TypeError, f"layer must have forward and backward, got {got}"):
        check_layer(layer, [1.0], rng())


def test_float32_parameters_are_refused():
    net = Sequential(Linear(1, 1, rng(), dtype=np.float32))
    expected = "layer must have float64 parameters"
    with refuses(ValueError, f"{expected}, got 0.weight of dtype float32"):
        check_layer(net, [[1.0]], rng())


def test_a_class_that_is_not_a_layer_needs_no_buffers():
    class Square:
        def __call__(self, x):
            self.x = x
            return x**2

        def backward(self, dy):
            return 2 * self.x * dy

        def parameters(self):
            return []

    errors = check_layer(Square(), [[1.0, -2.0]], rng())
    assert errors.keys() == {"x"}
    assert errors["x"] < 1e-8


def test_a_step_that_one_side_loses_is_refused():
    # 2^53 + 1 is rounded to 2^53, while 2^53 - 1 is a number of its own.
    with refuses(ValueError, "h must be large enough to change every number of x, got 1"):
        numerical_gradient(np.sum, [2.0**53], h=1)


@pytest.mark.parametrize("floor", [0, -1e-8])
def test_a_floor_that_is_not_positive_is_refused(floor):
    with refuses(ValueError, "floor must be "):
        relative_error([1.0], [1.0], floor)
