"""helpers against PyTorch in float64: layers, networks, losses, initializers; all gradients."""

import math

import numpy as np
import pytest

from helpers import initializers
from helpers.core import Sequential
from helpers.layers import Conv2d, Flatten, Linear, ReLU, Sigmoid, Tanh
from helpers.losses import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from helpers.noise import Dropout
from tests.helpers.support.parity import import_or_skip
from tests.helpers.support.properties import run, upstream

torch = import_or_skip("torch")
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def rng(seed=0):
    return np.random.default_rng(seed)


def tensor(values, grad=True):
    return torch.tensor(values, dtype=torch.float64, requires_grad=grad)


def twin(layer):
    """The same layer in PyTorch, with copies of its parameters; Linear stores W transposed."""
    if isinstance(layer, Sequential):
        return torch.nn.Sequential(*map(twin, layer.layers))
    if not layer.parameters():
        return getattr(torch.nn, type(layer).__name__)()
    weight = layer.weight.data
    if isinstance(layer, Linear):
        weight = weight.T
        n_out, n_in = weight.shape
        other = torch.nn.Linear(n_in, n_out, bias=layer.bias is not None)
    else:
        c_out, c_in = weight.shape[:2]
        other = torch.nn.Conv2d(c_in, c_out, layer.k, layer.stride, layer.padding)
    other.weight = torch.nn.Parameter(tensor(weight))
    if layer.bias is not None:
        other.bias = torch.nn.Parameter(tensor(layer.bias.data))
    return other


def assert_parity(layer, x):
    for p in layer.parameters():
        p.data += 0.3 * rng(7).standard_normal(p.data.shape)
    other = twin(layer)
    x_ = tensor(x)
    y_ = other(x_)
    y, dx, *grads = run(layer, x)
    y_.backward(tensor(upstream(y), grad=False))
    np.testing.assert_allclose(y, y_.detach(), **CLOSE)
    np.testing.assert_allclose(dx, x_.grad, **CLOSE)
    for p, grad, p_ in zip(layer.parameters(), grads, other.parameters(), strict=True):
        expected = p_.grad.numpy()
        np.testing.assert_allclose(grad, expected.T if p.data.ndim == 2 else expected, **CLOSE)


@pytest.mark.parametrize(("n", "d", "h"), [(1, 1, 1), (5, 3, 7), (8, 64, 10)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(n, d, h, bias):
    assert_parity(Linear(d, h, rng(), bias=bias), rng(1).standard_normal((n, d)))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_conv(stride, padding, k):
    assert_parity(Conv2d(3, 4, k, rng(), stride, padding), rng(1).standard_normal((2, 3, 7, 9)))


@pytest.mark.parametrize("size", [(5, 5), (6, 5), (11, 8)])
def test_conv_of_odd_sizes(size):
    layer = Conv2d(1, 2, 5, rng(), stride=2, padding=3)
    assert_parity(layer, rng(1).standard_normal((3, 1, *size)))


@pytest.mark.parametrize("layer", [ReLU, Tanh, Sigmoid])
@pytest.mark.parametrize("scale", [0.1, 1, 10, 1000])
def test_elementwise_from_small_to_extreme_inputs_and_at_zero(layer, scale):
    x = np.concatenate([[0.0, -0.0, 1.0, -1.0], rng().standard_normal(60)]) * scale
    assert_parity(layer(), x.reshape(4, 16))


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4, 5), (1, 1, 1, 1), (4, 2, 3)])
def test_flatten(shape):
    assert_parity(Flatten(), rng().standard_normal(shape))


def test_deep_network():
    hidden = []
    for i, activation in enumerate((ReLU, Tanh, Sigmoid)):
        hidden += [Linear(8, 8, rng(i)), activation()]
    last = Sequential(Linear(8, 3, rng(9), bias=False))
    assert_parity(Sequential(*hidden, last), rng(1).standard_normal((6, 8)))


def test_network_of_convolutions():
    first = Conv2d(1, 4, 3, rng(0), padding=1)
    second = Conv2d(4, 3, 3, rng(1), stride=2)
    net = Sequential(first, ReLU(), second, Tanh(), Flatten(), Linear(27, 5, rng(2)))
    assert_parity(net, rng(1).standard_normal((4, 1, 8, 8)))


def assert_loss_parity(loss, prediction, target):
    prediction_ = tensor(prediction)
    other = getattr(torch.nn, type(loss).__name__)()(prediction_, torch.tensor(target))
    other.backward()
    np.testing.assert_allclose(loss.value(prediction, target), other.item(), **CLOSE)
    np.testing.assert_allclose(loss.backward(), prediction_.grad, **CLOSE)


@pytest.mark.parametrize("shape", [(1,), (7,), (5, 1), (4, 3, 2)])
def test_mse(shape):
    assert_loss_parity(MSELoss(), rng(1).standard_normal(shape), rng(2).standard_normal(shape))


@pytest.mark.parametrize("scale", [1, 50, 1e4])
@pytest.mark.parametrize("shape", [(1, 2), (6, 10), (3, 1)])
def test_cross_entropy_of_labels_and_of_probabilities(scale, shape):
    logits = scale * rng().standard_normal(shape)
    assert_loss_parity(CrossEntropyLoss(), logits, rng(1).integers(0, shape[1], shape[0]))
    assert_loss_parity(CrossEntropyLoss(), logits, rng(1).dirichlet(np.ones(shape[1]), shape[0]))


@pytest.mark.parametrize("scale", [1, 50, 1e4])
@pytest.mark.parametrize("shape", [(1,), (6, 1), (4, 3)])
def test_bce_with_logits(scale, shape):
    logits = scale * rng().standard_normal(shape)
    assert_loss_parity(BCEWithLogitsLoss(), logits, rng(1).random(shape))
    assert_loss_parity(BCEWithLogitsLoss(), logits, rng(1).integers(0, 2, shape).astype(float))


def test_dropout_has_two_values_and_the_share_of_torch():
    x = np.full(20_000, 3.0)
    ours = Dropout(0.2, rng())(x)
    torch.manual_seed(0)
    theirs = torch.nn.functional.dropout(tensor(x, grad=False), 0.2).numpy()
    np.testing.assert_allclose(np.unique(ours), np.unique(theirs), rtol=1e-12)
    sigma = math.sqrt(2 * 0.2 * 0.8 / x.size)  # of the difference of two shares
    assert abs((ours == 0).mean() - (theirs == 0).mean()) < 5 * sigma


def factor(draw, standard):
    """What an initializer multiplies its standard draws by, the same for every weight."""
    ratios = np.asarray(draw) / np.asarray(standard)
    assert np.ptp(ratios) < 1e-6 * abs(ratios.flat[0])  # torch draws uniform numbers in float32
    return np.median(ratios)


def torch_factor(init, standard, shape):
    draws = []
    for f in (init, standard):
        torch.manual_seed(0)
        draws.append(f(torch.empty(shape, dtype=torch.float64)))
    return factor(*draws)


def kaiming(f):
    return lambda w: f(w, mode="fan_in", nonlinearity="relu")


SCALED = {
    "he_normal": kaiming(torch.nn.init.kaiming_normal_),
    "he_uniform": kaiming(torch.nn.init.kaiming_uniform_),
    "xavier_normal": torch.nn.init.xavier_normal_,
    "xavier_uniform": torch.nn.init.xavier_uniform_,
}


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("make", ["Linear", "Conv2d"])
def test_trap_fan_out_for_fan_in_against_torch(name, make):
    f = getattr(initializers, name)
    if make == "Linear":
        weight = Linear(30, 7, rng(), initializer=f).weight.data
        shape = weight.T.shape
    else:
        weight = Conv2d(3, 8, 5, rng(), initializer=f).weight.data
        shape = weight.shape
    if name.endswith("normal"):
        ours = factor(weight, rng().standard_normal(weight.shape))
        theirs = torch_factor(SCALED[name], torch.nn.init.normal_, shape)
    else:
        ours = factor(weight, rng().uniform(-1, 1, weight.shape))
        theirs = torch_factor(SCALED[name], lambda w: torch.nn.init.uniform_(w, -1, 1), shape)
    assert ours == pytest.approx(theirs, rel=1e-10)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (5, 2, 3, 3), (12, 2, 2, 2)])
def test_orthogonal_keeps_the_same_side_orthonormal_as_torch(shape):
    ours = initializers.orthogonal(1, 1, rng(), shape)
    theirs = torch.nn.init.orthogonal_(torch.empty(shape)).numpy()
    for weight, atol in ((ours, 1e-14), (theirs, 1e-5)):  # theirs is float32
        w = weight.reshape(len(weight), -1)
        product = w @ w.T if w.shape[0] < w.shape[1] else w.T @ w
        np.testing.assert_allclose(product, np.eye(min(w.shape)), atol=atol)
