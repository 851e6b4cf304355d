import math

import numpy as np
import pytest

from helpers.initializers import (
    he_normal,
    he_uniform,
    normal,
    orthogonal,
    xavier_normal,
    xavier_uniform,
    zeros,
)
from tests.helpers.support.refusal import refuses

N_IN = 400
N_OUT = 100  # far apart, so that a mix-up of the fans shows
VARIANCES = {
    he_normal: 2 / N_IN,
    he_uniform: 2 / N_IN,
    xavier_normal: 2 / (N_IN + N_OUT),
    xavier_uniform: 2 / (N_IN + N_OUT),
}
NORMAL = [he_normal, xavier_normal, normal(0.7)]
UNIFORM = [he_uniform, xavier_uniform]
EVERY = [*NORMAL, *UNIFORM, orthogonal]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("f", VARIANCES, ids=lambda f: f.__name__)
def test_trap_fan_out_for_fan_in(f):
    w = f(N_IN, N_OUT, rng())
    variance = VARIANCES[f]
    kurtosis = 3 if f in NORMAL else 1.8
    sigma = math.sqrt((kurtosis - 1) / w.size)
    assert abs(w.mean()) < 5 * math.sqrt(variance / w.size)  # 5 sigma of a mean
    assert np.mean(w**2) / variance == pytest.approx(1, abs=5 * sigma)


@pytest.mark.parametrize("f", UNIFORM, ids=lambda f: f.__name__)
def test_uniform_fills_its_bounds_and_never_leaves_them(f):
    w = f(N_IN, N_OUT, rng())
    a = math.sqrt(3 * VARIANCES[f])
    assert np.abs(w).max() <= a
    assert w.max() > 0.999 * a
    assert w.min() < -0.999 * a
    assert abs(np.mean((w / a) ** 4) - 1 / 5) < 5 * math.sqrt((1 / 9 - 1 / 25) / w.size)  # 5 sigma


@pytest.mark.parametrize("f", NORMAL, ids=["he_normal", "xavier_normal", "normal"])
def test_normal_has_the_fourth_moment_of_a_gaussian(f):
    w = f(N_IN, N_OUT, rng())
    sigma = math.sqrt(96 / w.size)  # Var[e^4] = 105 - 9
    assert abs(np.mean((w / w.std()) ** 4) - 3) < 5 * sigma


@pytest.mark.parametrize("std", [0.01, 3.0])
def test_trap_normal_of_std_that_sets_the_mean(std):
    w = normal(std)(200, 100, rng())
    assert abs(w.mean()) < 5 * std / math.sqrt(w.size)  # 5 sigma
    assert w.std() == pytest.approx(std, rel=5 / math.sqrt(2 * w.size))  # 5 sigma


def test_by_hand():
    e = rng().standard_normal((8, 2))
    w = xavier_normal(6, 2, rng(), shape=(8, 2))
    np.testing.assert_allclose(w, e / 2, rtol=1e-14)  # sqrt(2 / (6 + 2))
    np.testing.assert_allclose(he_normal(8, 2, rng()), e / 2, rtol=1e-14)  # sqrt(2 / 8)
    np.testing.assert_allclose(normal(0.25)(8, 2, rng()), e / 4, rtol=1e-14)
    u = rng().uniform(-1, 1, (6, 2))
    w = xavier_uniform(4, 2, rng(), shape=(6, 2))
    np.testing.assert_allclose(w, u, rtol=1e-14)  # sqrt(6 / (4 + 2))
    np.testing.assert_allclose(he_uniform(6, 2, rng()), u, rtol=1e-14)  # sqrt(6 / 6)
    assert zeros(2, 3).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert normal(0)(2, 1, rng()).tolist() == [[0], [0]]


@pytest.mark.parametrize(
    ("n_in", "n_out", "shape"),
    [
        (5, 5, None),
        (3, 7, None),
        (7, 3, None),
        (1, 4, None),
        (18, 45, (5, 2, 3, 3)),
        (8, 48, (12, 2, 2, 2)),
    ],
)
def test_orthogonal_has_orthonormal_rows_or_columns(n_in, n_out, shape):
    w = orthogonal(n_in, n_out, rng(), shape)
    assert w.shape == (shape or (n_in, n_out))
    w = w.reshape(len(w), -1)
    q = w if w.shape[0] >= w.shape[1] else w.T
    np.testing.assert_allclose(q.T @ q, np.eye(q.shape[1]), atol=1e-14)


def test_orthogonal_is_uniform_over_all_rotations_and_reflections():
    generator = rng()
    draws = 400
    q = np.array([orthogonal(3, 3, generator) for _ in range(draws)])
    sigma = math.sqrt(1 / 3 / draws)  # of the mean of an entry: mean 0, mean square 1/3
    assert np.abs(q.mean(axis=0)).max() < 5 * sigma
    assert abs(np.linalg.det(q).mean()) < 5 / math.sqrt(draws)  # 5 sigma of a sign


@pytest.mark.parametrize("f", [zeros, *EVERY], ids=lambda f: f.__name__)
def test_every_initializer_keeps_to_one_signature(f):
    assert f(3, 4, rng()).shape == (3, 4)
    assert f(np.int64(18), 27, rng(), (3, 2, 3, 3)).shape == (3, 2, 3, 3)
    assert f(6, 1, rng(), shape=6).shape == (6,)
    for dtype in (np.float32, np.float64):
        assert f(3, 4, rng(), dtype=dtype).dtype == dtype
    assert f(3, 4, rng()).tobytes() == f(3, 4, rng()).tobytes()
    np.testing.assert_allclose(f(3, 4, rng(), dtype=np.float32), f(3, 4, rng()), rtol=1e-6)


@pytest.mark.parametrize("f", EVERY, ids=lambda f: f.__name__)
def test_draws_come_from_rng_and_go_on(f):
    generator = rng()
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - this must not be used
    assert (f(3, 4, generator) != f(3, 4, generator)).all()
    assert (f(3, 4, rng(1)) != f(3, 4, rng(2))).all()
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize("f", EVERY, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("n_in", 0, ValueError),
        ("n_in", -3, ValueError),
        ("n_out", 2.0, TypeError),
        ("n_out", "2", TypeError),
        ("n_out", 0, ValueError),
        ("shape", (3, 0), ValueError),
        ("shape", (), ValueError),
        ("rng", 0, TypeError),
        ("dtype", int, ValueError),
    ],
)
def test_bad_input_is_refused(f, name, value, kind):
    with refuses(kind, f"{name} must "):
        f(**{"n_in": 3, "n_out": 2, "rng": rng()} | {name: value})


@pytest.mark.parametrize(("std", "kind"), [(-1, ValueError), (None, TypeError)])
def test_a_bad_std_is_refused(std, kind):
    with refuses(kind, "std must be "):
        normal(std)


def test_a_shape_may_have_an_axis_of_length_1():
    assert zeros(3, 1, shape=(1, 3)).shape == (1, 3)
