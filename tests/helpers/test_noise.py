import math

import numpy as np
import pytest

from helpers.noise import Dropout, GaussianNoise
from tests.helpers.support.properties import PROPERTIES, build, run, upstream
from tests.helpers.support.refusal import refuses

RANDOM = {"Dropout": Dropout, "GaussianNoise": GaussianNoise}


def noisy(kind, strength):
    def case(rng, dtype):  # noqa: ARG001 - one signature for all cases
        return kind(strength, rng), rng.normal(2, 1, rng.integers(2, 5, rng.integers(2, 5)))

    case.__name__ = f"{kind.__name__}({strength})"
    return case


CASES = [noisy(Dropout, 0.3), noisy(Dropout, 0), noisy(GaussianNoise, 0.5), noisy(GaussianNoise, 0)]


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda f: f.__name__)
def test_property(holds, case):
    for seed in range(4):
        holds(case, seed)


def test_dropout_by_hand():
    layer = Dropout(0.75, np.random.default_rng(0))
    layer.mask = np.array([True, False, True])
    layer.frozen = True
    assert layer(np.array([1.0, 2, -3])).tolist() == [4, 0, -12]  # 1 / (1 - 0.75) = 4 times x
    assert layer.backward(np.array([1.0, 1, 0.5])).tolist() == [4, 0, 2]


def test_dropout_against_another_formula():
    layer, x = build(noisy(Dropout, 0.3), seed=2)
    y, dx = run(layer, x)
    rng = np.random.default_rng(2)
    noisy(Dropout, 0.3)(rng, float)  # what the case draws before the mask
    expected = np.where(rng.random(x.shape) < 0.3, 0, 1 / 0.7)
    np.testing.assert_allclose(y, x * expected, rtol=1e-14)
    np.testing.assert_allclose(dx, upstream(y) * expected, rtol=1e-14)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_trap_dropout_backward_forgets_the_mask_or_the_scale(p):
    layer = Dropout(p, np.random.default_rng(0))
    y = layer(np.ones((20, 30)))
    dx = layer.backward(np.ones(y.shape))
    assert (dx[y == 0] == 0).all()
    assert dx[y != 0] == pytest.approx(1 / (1 - p), rel=1e-14)
    assert 0 < np.count_nonzero(dx) < dx.size


@pytest.mark.parametrize("name", RANDOM)
def test_trap_a_seed_inside_forward_so_that_the_noise_never_changes(name):
    layer = RANDOM[name](0.5, np.random.default_rng(0))
    x = np.ones((4, 25))
    first, second, third = (layer(x) for _ in range(3))
    assert (first != second).any()
    assert (second != third).any()
    other = RANDOM[name](0.5, np.random.default_rng(1))
    assert (other(x) != first).any()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_p_is_the_probability_of_dropping_in_each_row_and_each_column(p, dtype):
    n = 2000
    layer = Dropout(p, np.random.default_rng(0))
    layer(np.ones((n, n), dtype))
    for axis in (0, 1):  # 5 sigma of a binomial share, raised to 6 for the largest of 2000 rows
        share = 1 - layer.mask.mean(axis=axis)
        assert np.abs(share - p).max() < 6 * math.sqrt(p * (1 - p) / n)
    assert abs((1 - layer.mask.mean()) - p) < 5 * math.sqrt(p * (1 - p)) / n


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_neighbors_that_share_a_draw_are_dropped_independently(dtype):
    p = 0.3
    n = 1_000_001  # odd: the last element has no neighbor
    layer = Dropout(p, np.random.default_rng(0))
    assert layer(np.ones(n, dtype)).dtype == dtype
    first = layer.mask[:-1:2]
    second = layer.mask[1::2]
    both = (1 - p) ** 2
    sigma = math.sqrt(both * (1 - both) / len(first))
    assert np.mean(first & second) == pytest.approx(both, abs=5 * sigma)


@pytest.mark.parametrize("p", [1e-12, 1 - 1e-12])
def test_a_p_at_the_edge_is_met_in_float32_too(p):
    layer = Dropout(p, np.random.default_rng(0))
    layer(np.ones(1000, np.float32))
    assert layer.mask.mean() == 1 - round(p)


def test_dropout_keeps_the_mean_and_adds_the_variance_of_its_docstring():
    p = 0.2
    n = 200_000
    x = 3.0
    y = Dropout(p, np.random.default_rng(0))(np.full(n, x))
    variance = p / (1 - p) * x**2
    assert y.mean() == pytest.approx(x, abs=5 * math.sqrt(variance / n))  # 5 sigma
    spread = np.std((y - x) ** 2) / math.sqrt(n)  # one sigma of the sample variance
    assert np.mean((y - x) ** 2) == pytest.approx(variance, abs=5 * spread)


def test_gaussian_noise_has_the_std_it_was_given():
    std = 0.5
    n = 200_000
    layer = GaussianNoise(std, np.random.default_rng(0))
    x = np.full(n, 3.0)
    e = (layer(x) - x) / std
    np.testing.assert_allclose(e, layer.noise, atol=1e-14)
    assert abs(e.mean()) < 5 / math.sqrt(n)  # 5 sigma
    assert abs(np.mean(e**2) - 1) < 5 * math.sqrt(2 / n)  # 5 sigma: Var[e^2] = 2
    # 5 sigma: Var[e^4] = 105 - 9; uniform noise has 1.8
    assert abs(np.mean(e**4) - 3) < 5 * math.sqrt(96 / n)


def test_gaussian_noise_on_a_linear_model_is_l2_with_lam_2_std_squared():
    rng = np.random.default_rng(0)
    std = 0.3
    n = 100_000
    w = np.array([1.0, -2.0])
    x = np.array([0.5, 1.5])
    y = 4.0
    errors = (GaussianNoise(std, rng)(np.tile(x, (n, 1))) @ w - y) ** 2
    lam = 2 * std**2
    expected = (x @ w - y) ** 2 + lam / 2 * (w @ w)
    assert errors.mean() == pytest.approx(expected, abs=5 * errors.std() / math.sqrt(n))  # 5 sigma


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("strength", [0, 0.4])
def test_evaluation_is_silent_and_draws_nothing(name, strength):
    rng = np.random.default_rng(0)
    layer = RANDOM[name](strength, rng)
    x = np.arange(6.0)
    layer.eval()
    before = rng.bit_generator.state
    assert layer(x).tolist() == x.tolist()
    assert layer.backward(2 * x).tolist() == (2 * x).tolist()
    assert rng.bit_generator.state == before
    layer.train()
    assert (layer(x) != x).any() == (strength > 0)


def test_backward_follows_the_mode_of_its_forward():
    layer = Dropout(0.5, np.random.default_rng(0))
    x = np.ones(50)
    y = layer(x)
    layer.eval()
    assert layer.backward(x).tolist() == y.tolist()
    layer(x)
    layer.train()
    assert layer.backward(x).tolist() == x.tolist()


@pytest.mark.parametrize("name", RANDOM)
def test_frozen_uses_the_last_noise_again_and_draws_new_noise_afterwards(name):
    layer = RANDOM[name](0.5, np.random.default_rng(0))
    x = np.ones(50)
    y = layer(x)
    layer.frozen = True
    assert layer(x).tolist() == y.tolist()
    assert (layer(2 * x) != y).any()
    layer.frozen = False
    assert layer(x).tolist() != y.tolist()


def test_the_draws_come_from_rng_and_from_nothing_global():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - this is what must not be used
    rng = np.random.default_rng(5)
    twin = np.random.default_rng(5)
    assert (Dropout(0.4, rng)(np.ones(30)) != 0).tolist() == (twin.random(30) >= 0.4).tolist()
    assert GaussianNoise(1, rng)(np.zeros(30)).tolist() == twin.standard_normal(30).tolist()
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_a_missing_mask_is_named():
    layer = Dropout(0.5, np.random.default_rng(0))
    layer.frozen = True
    with refuses(AttributeError, "Dropout has no 'mask' yet: call forward first"):
        layer(np.ones(3))
    with refuses(AttributeError, "Dropout has no 'dropped' yet: call forward first"):
        Dropout(0.5, np.random.default_rng(0)).backward(np.ones(3))
    with refuses(AttributeError, "GaussianNoise has no 'noise' yet: call forward first"):
        _ = GaussianNoise(0.5, np.random.default_rng(0)).noise


@pytest.mark.parametrize(
    ("kind", "strength", "error", "name"),
    [
        (Dropout, 1, ValueError, "p"),
        (Dropout, 1.2, ValueError, "p"),
        (Dropout, -0.1, ValueError, "p"),
        (Dropout, math.nan, ValueError, "p"),
        (Dropout, "0.5", TypeError, "p"),
        (Dropout, True, TypeError, "p"),
        (GaussianNoise, -1, ValueError, "std"),
        (GaussianNoise, None, TypeError, "std"),
    ],
)
def test_a_bad_strength_is_refused(kind, strength, error, name):
    with refuses(error, f"{name} must be"):
        kind(strength, np.random.default_rng(0))


@pytest.mark.parametrize("kind", RANDOM.values())
@pytest.mark.parametrize("rng", [0, None, np.random])
def test_a_seed_instead_of_a_generator_is_refused(kind, rng):
    with refuses(TypeError, "rng must be"):
        kind(0.5, rng)


@pytest.mark.parametrize("layer", [lambda rng: Dropout(0, rng), lambda rng: GaussianNoise(0, rng)])
def test_a_strength_of_zero_draws_nothing(layer):
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    x = np.ones((2, 3))
    assert layer(rng)(x) is x
    assert rng.bit_generator.state == before


@pytest.mark.parametrize(
    ("dtype", "size", "draws"), [("f8", 10, 10), ("f4", 10, 5), ("f4", 9, 5), ("f4", 1, 1)]
)
def test_a_float32_mask_takes_one_draw_for_two_elements(dtype, size, draws):
    rng = np.random.default_rng(0)
    other = np.random.default_rng(0)
    Dropout(0.5, rng)(np.ones(size, dtype))
    other.bit_generator.advance(draws)
    assert rng.bit_generator.state == other.bit_generator.state
