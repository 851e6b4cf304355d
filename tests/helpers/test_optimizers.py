import numpy as np
import pytest

from helpers.core import Parameter
from helpers.optimizers import SGD, Adam, AdamW, Optimizer

MAKERS = {  # with an lr of 0.1 unless another is given
    "SGD": lambda params, **options: SGD(params, **{"lr": 0.1} | options),
    "momentum": lambda params, **options: SGD(params, **{"lr": 0.1, "momentum": 0.9} | options),
    "Adam": lambda params, **options: Adam(params, **{"lr": 0.1} | options),
    "AdamW": lambda params, **options: AdamW(params, **{"lr": 0.1} | options),
}
every_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
every_seed = pytest.mark.parametrize("seed", range(3))


def draw(seed, dtype=np.float64):
    """A weight and a bias of random shapes."""
    rng = np.random.default_rng(seed)
    shapes = [rng.integers(1, 4, rng.integers(1, 5)) for _ in range(2)]
    weight, bias = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    return [Parameter(weight), Parameter(bias, decay=False)]


def walk(params, optimizer, steps=5, seed=7):
    """Take some steps along random gradients; return the data."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        optimizer.zero_grad()
        for p in params:
            p.grad += rng.standard_normal(p.grad.shape).astype(p.grad.dtype)
        optimizer.step()
    return [p.data for p in params]


def step(make, w, *gradients, **options):
    """The single weight w after one step along each of the gradients."""
    p = Parameter([w])
    optimizer = make([p], **options)
    for gradient in gradients:
        p.grad[...] = gradient
        optimizer.step()
    return p.data[0]


@pytest.mark.parametrize(
    ("name", "gradients", "options", "expected"),
    [
        ("SGD", [3], {}, 1.7),  # 2 - 0.1 * 3
        ("SGD", [3], {"weight_decay": 0.5}, 1.6),  # 2 - 0.1 (3 + 0.5 * 2)
        ("SGD", [3, 1], {"weight_decay": 0.5}, 1.42),  # 1.6 - 0.1 (1 + 0.5 * 1.6)
        ("momentum", [3, 1], {}, 1.33),  # v = 3, then 0.9 * 3 + 1 = 3.7
        ("momentum", [3, 1], {"weight_decay": 0.5}, 1.06),  # v = 4, then 0.9 * 4 + 1 + 0.8 = 5.4
        ("Adam", [3], {}, 1.9),  # the first step is lr, whatever the gradient
        ("Adam", [-0.1], {}, 2.1),
        ("Adam", [3], {"weight_decay": 0.5}, 1.9),  # coupled: the decay is lost in the scaling
        ("AdamW", [3], {"weight_decay": 0.5}, 1.8),  # decoupled: 2 (1 - 0.05) - 0.1
        ("AdamW", [0], {"weight_decay": 0.5}, 1.9),
        ("Adam", [3, -1], {"betas": (0, 0)}, 2.0),  # without memory each step is lr times the sign
        ("Adam", [1, 2], {"betas": (0.5, 0)}, 2 - 0.1 - 0.1 * (0.5**2 + 0.5 * 2) / 0.75 / 2),
        ("Adam", [1, 0], {"betas": (0, 0.75)}, 1.9),  # v goes on, m is 0
        ("Adam", [1, 2], {"betas": (0, 0.75)}, 2 - 0.1 - 0.1 * 2 / np.sqrt((0.1875 + 1) / 0.4375)),
    ],
)
def test_by_hand(name, gradients, options, expected):
    assert step(MAKERS[name], 2.0, *gradients, **options) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_trap_adams_eps_inside_the_root(name):
    """m' / (sqrt(v') + eps) with g = eps is 1/2; inside the root it would be about sqrt(eps)."""
    w = step(MAKERS[name], 1.0, 1e-4, eps=1e-4, weight_decay=0)
    assert w == pytest.approx(1 - 0.1 / 2, rel=1e-12)


def test_the_steps_of_adam_are_the_formula_of_its_docstring():
    rng = np.random.default_rng(3)
    b1 = 0.8
    b2 = 0.6
    p = Parameter(rng.standard_normal((3, 2)))
    w = p.data.copy()
    m = 0
    v = 0
    adam = Adam([p], 0.05, betas=(b1, b2), eps=0.01)
    for t in (1, 2, 3, 4):
        g = rng.standard_normal((3, 2))
        p.grad[...] = g
        adam.step()
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        w -= 0.05 * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + 0.01)
        np.testing.assert_allclose(p.data, w, rtol=1e-13)


@every_optimizer
@every_seed
def test_trap_the_bias_decayed(make, seed):
    decayed = draw(seed)
    plain = draw(seed)
    walk(decayed, make(decayed, weight_decay=0.5))
    walk(plain, make(plain, weight_decay=0))
    np.testing.assert_array_equal(decayed[1].data, plain[1].data)
    assert (decayed[0].data != plain[0].data).all()


@pytest.mark.parametrize("make", [SGD, Adam], ids=["SGD", "Adam"])
def test_weight_decay_is_off_by_default(make):
    assert make(draw(0), 0.1).weight_decay == 0


def test_the_defaults_of_adam_and_adamw_are_those_of_pytorch():
    for make, decay in ((Adam, 0), (AdamW, 0.01)):
        optimizer = make(draw(0))
        assert (optimizer.lr, optimizer.eps) == (1e-3, 1e-8)
        assert (optimizer.betas, optimizer.weight_decay) == ((0.9, 0.999), decay)


@every_optimizer
@every_seed
def test_a_step_changes_the_same_arrays_in_place_and_no_gradient(make, seed):
    params = draw(seed)
    arrays = [(p.data, p.grad) for p in params]
    optimizer = make(params, weight_decay=0.1)
    walk(params, optimizer)
    for p in params:
        p.grad[...] = 2 + p.data**2
    before = [p.grad.copy() for p in params]
    optimizer.step()
    for p, grad, (data, same) in zip(params, before, arrays, strict=True):
        assert p.data is data
        assert p.grad is same
        np.testing.assert_array_equal(p.grad, grad)
    optimizer.zero_grad()
    assert not any(p.grad.any() for p in params)


@every_optimizer
@every_seed
def test_a_step_against_the_gradient_makes_the_loss_smaller(make, seed):
    params = draw(seed)
    optimizer = make(params, lr=1e-3)
    before = [p.data**2 for p in params]
    for p in params:
        p.grad += 2 * p.data
    optimizer.step()
    assert all((p.data**2 < square).all() for p, square in zip(params, before, strict=True))


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(make, dtype):
    params = draw(1, dtype)
    exact = draw(1)
    optimizer = make(params, weight_decay=0.1)
    optimizer.lr = np.float64(0.05)
    expected = walk(exact, make(exact, lr=0.05, weight_decay=0.1))
    for data, other in zip(walk(params, optimizer), expected, strict=True):
        assert data.dtype == dtype
        np.testing.assert_allclose(data, other, rtol=1e-4, atol=1e-4)


@every_optimizer
def test_the_same_seed_gives_the_same_bytes_and_two_optimizers_share_nothing(make):
    first = draw(2)
    second = draw(2)
    optimizers = [make(first), make(second)]
    walk(first, optimizers[0], steps=3)
    walk(second, optimizers[1], steps=3)
    assert [p.data.tobytes() for p in first] == [p.data.tobytes() for p in second]


@every_optimizer
def test_lr_may_be_changed_between_steps(make):
    params = draw(0)
    before = [p.data.copy() for p in params]
    optimizer = make(params, weight_decay=0.1)
    optimizer.lr = 0.0
    np.testing.assert_equal(walk(params, optimizer), before)


def test_a_new_lr_scales_the_whole_velocity():
    p = Parameter([2.0])
    optimizer = SGD([p], 0.1, momentum=0.9)
    steps = [(0.1, 3, 1.7), (0.01, 1, 1.663)]  # v = 3, then 0.9 * 3 + 1
    for optimizer.lr, gradient, expected in steps:
        p.grad[...] = gradient
        optimizer.step()
        assert p.data[0] == pytest.approx(expected, rel=1e-14)


@every_optimizer
def test_params_may_be_an_iterator_or_one_parameter(make):
    params = draw(0)
    assert make(iter(params)).params == params
    assert make(params[0]).params == [params[0]]


def test_without_decay_adamw_is_adam_in_every_step():
    first = Parameter([1.0, -2.0])
    second = Parameter([1.0, -2.0])
    adam = Adam([first], 0.1)
    adamw = AdamW([second], 0.1, weight_decay=0)
    for gradient in ([1.0, -3.0], [0.5, 2.0], [-4.0, 0.0]):
        for p, optimizer in ((first, adam), (second, adamw)):
            p.grad[...] = gradient
            optimizer.step()
        np.testing.assert_array_equal(first.data, second.data)
    assert (adam.t, adamw.t) == (3, 3)


def test_an_optimizer_without_weight_decay_shrinks_nothing():
    p = Parameter([2.0])
    plain = Optimizer([p], 0.1)
    plain.shrink(p)
    assert p.data.tolist() == [2.0]
    assert plain.coupled_gradient(p).tolist() == [0.0]
