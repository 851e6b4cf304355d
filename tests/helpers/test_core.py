import numpy as np
import pytest

from helpers.core import Layer, Parameter, Sequential
from helpers.layers import Conv2d, Flatten, Linear, ReLU, Tanh
from helpers.noise import Dropout
from tests.helpers.support.properties import assert_same, run
from tests.helpers.support.refusal import refuses


class Affine(Layer):
    """y = a x + c: two of them do not commute, so their order shows."""

    def __init__(self, a, c):
        self.a = Parameter([a])
        self.c = Parameter([c], decay=False)
        self.seen = np.zeros(1)

    def forward(self, x):
        self.x = x
        self.seen += len(x)
        return self.a.data * x + self.c.data

    def backward(self, dy):
        self.a.grad += np.sum(dy * self.x)
        self.c.grad += np.sum(dy)
        return self.a.data * dy

    def buffers(self):
        return [self.seen]


def model(seed=0):
    rng = np.random.default_rng(seed)
    body = Sequential(Linear(3, 4, rng), Tanh(), Dropout(0.5, rng))
    return Sequential(body, Affine(2.0, 1.0), Linear(4, 2, rng, bias=False))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameter_copies_its_data_and_keeps_floats(dtype):
    data = np.asfortranarray(np.ones((2, 3), dtype))
    data.flags.writeable = False
    p = Parameter(data)
    p.data += 1
    assert data.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert (p.data.dtype, p.grad.dtype, p.grad.shape) == (dtype, dtype, (2, 3))
    assert not p.grad.any()
    assert p.decay


def test_parameter_turns_integers_into_float64_and_decay_can_be_off():
    p = Parameter([1, 2], decay=False)
    assert p.data.dtype == np.float64
    assert p.decay is False


def test_zero_grad_clears_the_same_array_in_place():
    p = Parameter(np.ones(3))
    grad = p.grad
    grad += 5
    p.zero_grad()
    assert p.grad is grad
    assert grad.tolist() == [0, 0, 0]
    assert p.data.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("data", "kind", "sentence"),
    [
        ([], ValueError, "data must hold at least one number, got shape (0,)"),
        ([1, np.nan], ValueError, "data must hold finite numbers, got 1 nan or infinite"),
        ([[1], [1, 2]], ValueError, "data must be an array of numbers, got rows of unequal length"),
        ("weights", TypeError, "data must be an array of real numbers, got str 'weights'"),
        (None, TypeError, "data must be an array of real numbers, got NoneType None"),
    ],
)
def test_parameter_refuses(data, kind, sentence):
    with refuses(kind, sentence):
        Parameter(data)


def test_sequential_by_hand():
    layers = Sequential(Affine(2.0, 1.0), Affine(3.0, -1.0))
    assert layers(np.array([5.0])).tolist() == [32]  # 3 (2 * 5 + 1) - 1
    assert layers.backward(np.array([10.0])).tolist() == [60]
    assert [p.grad.tolist() for p in layers.parameters()] == [[150], [30], [110], [10]]


def test_sequential_is_its_layers_one_after_the_other():
    net = model()
    x = np.random.default_rng(1).standard_normal((5, 3))
    y, dx, *grads = run(net, x)
    twin = model()
    flat = [*twin.layers[0].layers, *twin.layers[1:]]
    assert_same([y, dx, *grads], run(Sequential(*flat), x))
    assert Sequential()(x) is x
    assert Sequential().backward(x) is x


def test_parameters_and_buffers_come_in_the_order_of_the_layers():
    net = model()
    body, affine, last = net.layers
    first = body.layers[0]
    assert net.parameters() == [first.weight, first.bias, affine.a, affine.c, last.weight]
    assert net.buffers() == [affine.seen]
    assert Layer().parameters() == Layer().buffers() == []


def test_modes_reach_every_layer_and_training_is_the_default():
    net = model()
    parts = [net, *net.layers, *net.layers[0].layers]
    assert all(part.training for part in parts)
    assert net.eval() is net
    assert not any(part.training for part in parts)
    assert net.train() is net
    assert all(part.training for part in parts)
    assert Layer.training


def test_a_loaded_state_computes_the_same_and_shares_no_memory():
    x = np.random.default_rng(1).standard_normal((5, 3))
    net = model(0).eval()
    other = model(7).eval()
    y = net(x)
    state = net.state()
    before = [values.copy() for values in state]
    assert (other(x) != y).any()
    assert (other(x) != y).any()  # a second forward, so that the buffers differ too
    arrays = [p.data for p in other.parameters()]
    other.load(state)
    assert all(p.data is data for p, data in zip(other.parameters(), arrays, strict=True))
    assert other.buffers()[0].tolist() == [5]
    assert_same([other(x)], [y])
    for p in [*other.parameters(), *net.parameters()]:
        p.data += 1
    assert_same(state, before)


def test_a_state_of_other_shapes_is_refused_and_changes_nothing():
    net = Linear(3, 2, np.random.default_rng(0))
    before = net.state()
    short = [np.ones((3, 2))]
    other = [np.ones((3, 2)), np.ones(3)]
    for state, got in ((short, "[(3, 2)]"), (other, "[(3, 2), (3,)]")):
        with refuses(ValueError, f"state must hold arrays of shapes [(3, 2), (2,)], got {got}"):
            net.load(state)
    assert_same(net.state(), before)


LAYERS = "layers must be Layer objects such as ReLU(), got "


@pytest.mark.parametrize(
    ("layers", "got"),
    [
        ([ReLU], "type "),
        ([[ReLU(), Tanh()]], "a list"),
        ([ReLU(), None], "NoneType None"),
        ([np.ones((30, 30))], "an array of shape (30, 30)"),
    ],
)
def test_sequential_refuses_what_is_not_a_layer(layers, got):
    with refuses(TypeError, LAYERS + got):
        Sequential(*layers)


def test_sequential_refuses_the_same_layer_twice():
    layer = Layer()
    twice = "layers must be different objects, got the same one twice: create two"
    with refuses(ValueError, twice):
        Sequential(layer, layer)


def test_what_a_subclass_forgot_is_named():
    with refuses(NotImplementedError, "Layer defines no forward"):
        Layer()(np.ones(1))
    with refuses(NotImplementedError, "Layer defines no backward"):
        Layer().backward(np.ones(1))


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (Linear(3, 2, np.random.default_rng(0)), "wieght"),
        (
            Linear(3, 2, np.random.default_rng(0)),
            "positive",
        ),  # ReLU remembers that, Linear does not
        (Sequential(ReLU()), "weight"),
        (Layer(), "x"),
    ],
)
def test_a_name_that_is_missing_gets_pythons_own_sentence(layer, name):
    with refuses(AttributeError, f"'{type(layer).__name__}' object has no attribute '{name}'"):
        getattr(layer, name)
    assert not hasattr(layer, name)


def test_what_forward_leaves_for_backward_says_that_forward_comes_first():
    layer = ReLU()
    with refuses(AttributeError, "ReLU has no 'positive' yet: call forward first"):
        _ = layer.positive
    layer(np.ones(2))
    assert layer.positive.all()


@pytest.mark.parametrize("x", [None, "text", [[1], [1, 2]], np.ones(2, complex)], ids=str)
def test_an_input_without_real_numbers_is_refused(x):
    with refuses(ValueError if isinstance(x, list) else TypeError, "x must be an array of"):
        ReLU()(x)


def test_a_network_of_images_runs_from_pixels_to_gradients():
    rng = np.random.default_rng(0)
    net = Sequential(Conv2d(1, 2, 3, rng), ReLU(), Flatten(), Linear(2 * 3 * 3, 4, rng))
    y, dx, *grads = run(net, rng.integers(0, 256, (2, 1, 5, 5)).astype(np.uint8))
    assert (y.shape, dx.shape, len(grads)) == ((2, 4), (2, 1, 5, 5), 4)
    assert all(grad.any() for grad in grads)


def test_backward_parameters_adds_what_backward_adds_and_ends_at_the_first_parameters():
    rng = np.random.default_rng(0)
    unasked = ReLU()
    unasked.backward = None  # calling it raises
    body = Sequential(Conv2d(1, 2, 3, rng), Tanh())
    net = Sequential(unasked, body, Flatten(), Linear(18, 4, rng), ReLU())
    x = rng.standard_normal((2, 1, 5, 5))
    dy = rng.standard_normal((2, 4))
    net(x)
    net.backward_parameters(dy)
    short = [p.grad.copy() for p in net.parameters()]
    for p in net.parameters():
        p.zero_grad()
    del unasked.backward
    net.backward(dy)
    assert all(grad.any() for grad in short)
    assert_same(short, [p.grad for p in net.parameters()])


def test_backward_parameters_of_a_network_without_parameters_does_nothing():
    Sequential(ReLU(), Flatten()).backward_parameters(np.ones((2, 3)))


def test_train_without_an_argument_switches_training_on_in_the_whole_tree():
    net = model().eval()
    body = net.layers[0]
    assert net.train() is net
    assert net.training is True
    assert all(layer.training is True for layer in [*net.layers, *body.layers])
    assert Tanh().eval().train().training is True


def test_a_network_refuses_a_gradient_of_another_shape_than_its_output():
    net = Sequential(ReLU())
    net(np.ones((2, 3)))
    with refuses(ValueError, "dy must have the shape of y, (2, 3), got (3, 2)"):
        net.backward(np.ones((3, 2)))
