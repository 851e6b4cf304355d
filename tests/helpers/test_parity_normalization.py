"""helpers.normalization against PyTorch: values, all gradients, running statistics, evaluation."""

import numpy as np
import pytest

from helpers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm
from tests.helpers.support.parity import import_or_skip
from tests.helpers.support.properties import run, upstream

torch = import_or_skip("torch")
torch.set_num_threads(1)  # on tensors this small, threads only wait for each other
C = 6
SIZE = (3, 5)
MATRIX = (6, C)
IMAGES = (5, C, *SIZE)
CLOSE = {np.float64: {"rtol": 1e-10, "atol": 1e-10}, np.float32: {"rtol": 1e-4, "atol": 1e-5}}

BATCH = {
    "BatchNorm1d": (BatchNorm, lambda: (C,), torch.nn.BatchNorm1d, MATRIX),
    "BatchNorm2d": (BatchNorm, lambda: (C,), torch.nn.BatchNorm2d, IMAGES),
}
PAIRS = BATCH | {
    "LayerNorm": (LayerNorm, lambda: (C,), torch.nn.LayerNorm, MATRIX),
    "LayerNorm of images": (LayerNorm, lambda: ((C, *SIZE),), torch.nn.LayerNorm, IMAGES),
    "InstanceNorm2d": (InstanceNorm, lambda: (C,), torch.nn.InstanceNorm2d, IMAGES),
    "one group": (GroupNorm, lambda: (1, C), torch.nn.GroupNorm, IMAGES),
    "two groups": (GroupNorm, lambda: (2, C), torch.nn.GroupNorm, IMAGES),
    "two groups of a matrix": (GroupNorm, lambda: (2, C), torch.nn.GroupNorm, MATRIX),
    "a group for each channel": (GroupNorm, lambda: (C, C), torch.nn.GroupNorm, IMAGES),
}
each_dtype = pytest.mark.parametrize("dtype", CLOSE, ids=["float64", "float32"])
each_affine = pytest.mark.parametrize("affine", [True, False], ids=["affine", "not affine"])


def numbers(seed, shape, dtype):
    return np.random.default_rng([seed, 2]).normal(3, 2, shape).astype(dtype)


def both(name, affine, dtype, pairs=PAIRS, **options):
    """Our layer and PyTorch's, with the same gains and shifts, and the shape of x."""
    ours, args, theirs, shape = pairs[name]
    layer = ours(*args(), affine=affine, dtype=dtype, **options)
    name_of_affine = "elementwise_affine" if theirs is torch.nn.LayerNorm else "affine"
    other = theirs(*args(), **{name_of_affine: affine}, **options)
    other = other.to(torch.tensor(dtype(0)).dtype)
    for seed, p, p_ in zip(range(2), layer.parameters(), other.parameters(), strict=False):
        p.data[...] = numbers(seed, p.data.shape, dtype)
        p_.data = torch.tensor(p.data)
    return layer, other, shape


def assert_parity(layer, other, x):
    close = CLOSE[x.dtype.type]
    x_ = torch.tensor(x, requires_grad=True)
    other.zero_grad()
    y_ = other(x_)
    y, *gradients = run(layer, x)
    y_.backward(torch.tensor(upstream(y)))
    np.testing.assert_allclose(y, y_.detach(), **close)
    expected = [x_.grad, *(p.grad for p in other.parameters())]
    for gradient, gradient_ in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, gradient_, **close)


@each_dtype
@each_affine
@pytest.mark.parametrize("name", PAIRS)
def test_values_and_gradients_in_training_and_in_evaluation(name, affine, dtype):
    layer, other, shape = both(name, affine, dtype)
    for seed, mode in ((5, True), (6, True), (7, False)):
        layer.train(mode)
        other.train(mode)
        assert_parity(layer, other, numbers(seed, shape, dtype))


@each_dtype
@each_affine
@pytest.mark.parametrize(
    "options", [{}, {"momentum": 0.3}, {"momentum": 1.0, "eps": 1e-2}], ids=str
)
@pytest.mark.parametrize("name", BATCH)
def test_running_statistics_after_batches_of_several_sizes_and_evaluation_with_them(
    name, options, affine, dtype
):
    layer, other, shape = both(name, affine, dtype, **options)
    for seed, n in enumerate((2, 7, 3, 50)):
        x = numbers(seed, (n, *shape[1:]), dtype)
        layer(x)
        other(torch.tensor(x))
        np.testing.assert_allclose(layer.running_mean, other.running_mean, **CLOSE[dtype])
        np.testing.assert_allclose(layer.running_var, other.running_var, **CLOSE[dtype])
    layer.eval()
    other.eval()
    assert_parity(layer, other, numbers(9, (1, *shape[1:]), dtype))
    np.testing.assert_allclose(layer.running_var, other.running_var, **CLOSE[dtype])


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("eps", [1e-12, 0.5, 10.0])
def test_eps(name, eps):
    layer, other, shape = both(name, affine=True, dtype=np.float64, eps=eps)
    assert_parity(layer, other, numbers(4, shape, np.float64))


@pytest.mark.parametrize("name", PAIRS)
def test_defaults(name):
    """Whether there are gains, eps, and where gains, shifts and running statistics start."""
    ours, args, theirs, shape = PAIRS[name]
    layer = ours(*args())
    other = theirs(*args()).double()
    assert layer.eps == other.eps
    assert_parity(layer, other, 0.01 * numbers(4, shape, np.float64))
    state = other.state_dict().values()  # theirs counts the batches too
    for a, b in zip(layer.state(), state, strict=False):
        np.testing.assert_allclose(a, b, **CLOSE[np.float64])


@pytest.mark.parametrize("name", BATCH)
def test_both_refuse_a_training_batch_with_one_number_for_each_channel(name):
    layer, other, shape = both(name, affine=True, dtype=np.float64)
    x = np.ones((1, C, *[1] * (len(shape) - 2)))
    with pytest.raises(ValueError, match="got 1"):
        layer(x)
    with pytest.raises(ValueError, match="more than 1 value"):
        other(torch.tensor(x))
