"""Ridge, lasso, elastic net, best subsets: scikit-learn, optimality and numbers worked by hand."""

from itertools import combinations

import numpy as np
import pytest

from helpers import linear_models
from helpers.linear_models import (
    best_subsets,
    effective_degrees_of_freedom,
    elastic_net,
    lam_max,
    lasso,
    lasso_path,
    ridge,
    ridge_path,
    soft_threshold,
)
from tests.helpers.support.parity import import_or_skip
from tests.helpers.support.refusal import refuses

SHAPES = [(40, 6), (12, 30), (25, 25)]


def problem(N, D, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, D)) * rng.uniform(0.5, 2, size=D) + rng.normal(size=D)
    return X, X[:, 0] - 2 * X[:, 1] + rng.normal(size=N) + 5


@pytest.fixture(scope="module")
def diabetes():
    X, y = import_or_skip("sklearn.datasets").load_diabetes(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def centered(X, y):
    return X - X.mean(axis=0), y - y.mean()


def kkt_violation(X, y, w, lam, l1_ratio=1.0):
    """How far the slopes are from optimal, as a share of lam_max; that of the intercept is zero."""
    X, y = centered(X, y)
    slope = 2 * X.T @ (X @ w - y) / len(y) + lam * (1 - l1_ratio) * w
    on = w != 0
    inside = np.abs(slope[~on]).max(initial=0) - lam * l1_ratio
    exact = np.abs(slope[on] + lam * l1_ratio * np.sign(w[on])).max(initial=0)
    return max(inside, exact) / (2 * np.abs(X.T @ y).max() / len(y))


# Numbers worked by hand: x = -1, 1 and y = 0, 4 have mean 2 and, centered, G = 1, c = 2, s = 4.

X2 = np.array([[-1.0], [1.0]])
Y2 = np.array([0.0, 4.0])


def test_ridge_of_two_points():
    w, b = ridge(X2, Y2, 2.0)  # (1 + 2/2) w = 2
    assert w == pytest.approx([1.0])
    assert b == pytest.approx(2.0)


def test_lasso_of_two_points():
    w, b = lasso(X2, Y2, 2.0)  # w = 2 - 2/2
    assert w == pytest.approx([1.0])
    assert b == pytest.approx(2.0)
    assert lam_max(X2, Y2) == pytest.approx(4.0)


def test_elastic_net_of_two_points():
    w, _ = elastic_net(X2, Y2, 2.0, 0.5)  # (2 - 1/2) / (1 + 1/2)
    assert w == pytest.approx([1.0])


def test_degrees_of_freedom_of_two_points():
    assert effective_degrees_of_freedom(X2, 2.0) == pytest.approx(0.5)  # 2 / (2 + 2 * 2/2)


def test_best_subsets_of_two_points():
    assert best_subsets(X2, Y2) == [((), pytest.approx(8.0)), ((0,), pytest.approx(0.0, abs=1e-12))]


# The soft threshold


def test_soft_threshold_shrinks_and_cuts():
    assert soft_threshold(np.array([-3.0, -1.0, -0.5, 0.0, 0.5, 2.5]), 1.0).tolist() == [
        -2,
        0,
        0,
        0,
        0,
        1.5,
    ]


def test_soft_threshold_never_gives_minus_zero():
    assert not np.signbit(soft_threshold(np.array([-0.5, -1.0, 0.0, -0.0, 0.5]), 1.0)).any()


def test_soft_threshold_is_the_minimizer():
    grid = np.linspace(-5, 5, 100_001)
    for z in (-2.3, -0.4, 0.7, 3.1):
        best = grid[np.argmin((grid - z) ** 2 / 2 + 0.8 * np.abs(grid))]
        assert soft_threshold(z, 0.8) == pytest.approx(best, abs=1e-4)


def test_soft_threshold_keeps_float32_and_broadcasts():
    result = soft_threshold(np.ones((2, 3), np.float32), np.array([0.1, 0.2, 2.0]))
    assert result.dtype == np.float32
    assert result[0] == pytest.approx([0.9, 0.8, 0.0])


def test_a_threshold_of_0_changes_nothing():
    assert soft_threshold([-3.0, 0.0, 2.0], 0).tolist() == [-3, 0, 2]


def test_soft_threshold_refuses_thresholds_of_another_shape():
    with refuses(ValueError, "t must be a number or have the shape of z, (3,), got (2,)"):
        soft_threshold(np.ones(3), np.ones(2))


def test_soft_threshold_refuses_a_negative_threshold():
    with pytest.raises(ValueError, match=r"^t must hold numbers >= 0, got -1\.0$"):
        soft_threshold(1.0, -1.0)


# Optimality, without another library as the witness


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.9, 0.3, 0.01])
def test_lasso_satisfies_the_kkt_conditions(shape, share):
    X, y = problem(*shape)
    lam = share * lam_max(X, y)
    assert kkt_violation(X, y, lasso(X, y, lam)[0], lam) < 1e-10


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("l1_ratio", [0.0, 0.2, 0.9, 1.0])
def test_elastic_net_satisfies_the_kkt_conditions(shape, l1_ratio):
    X, y = problem(*shape)
    assert kkt_violation(X, y, elastic_net(X, y, 0.4, l1_ratio)[0], 0.4, l1_ratio) < 1e-10


@pytest.mark.parametrize("shape", SHAPES)
def test_ridge_has_zero_gradient(shape):
    X, y = problem(*shape)
    w, b = ridge(X, y, 0.7)
    residual = y - X @ w - b
    assert -2 * X.T @ residual / len(y) + 0.7 * w == pytest.approx(0, abs=1e-12)
    assert residual.mean() == pytest.approx(0, abs=1e-12)


def test_orthonormal_design_has_a_closed_form():
    rng = np.random.default_rng(0)
    X = np.linalg.qr(np.column_stack([np.ones(30), rng.normal(size=(30, 5))]))[0][:, 1:] * np.sqrt(
        30
    )
    y = rng.normal(size=30) * 3
    least_squares = X.T @ y / 30
    assert lasso(X, y, 0.6)[0] == pytest.approx(soft_threshold(least_squares, 0.3))
    assert ridge(X, y, 0.6)[0] == pytest.approx(least_squares / 1.3)
    assert elastic_net(X, y, 0.6, 0.5)[0] == pytest.approx(
        soft_threshold(least_squares, 0.15) / 1.15
    )
    assert effective_degrees_of_freedom(X, 0.6) == pytest.approx(5 / 1.3)


def test_degrees_of_freedom_are_the_trace_of_the_fit():
    X, _ = problem(20, 4)
    fits = [X @ w + b for w, b in (ridge(X, unit, 0.5) for unit in np.eye(20))]
    assert effective_degrees_of_freedom(X, 0.5) + 1 == pytest.approx(
        np.trace(fits)
    )  # 1 for the intercept


def test_constant_columns_have_no_degree_of_freedom():
    assert effective_degrees_of_freedom(np.ones((4, 2)), 0) == 0


def test_degrees_of_freedom_start_at_the_rank():
    X, _ = problem(20, 4)
    assert effective_degrees_of_freedom(np.column_stack([X, X]), 0.0) == pytest.approx(4)


@pytest.mark.parametrize("shape", SHAPES)
def test_strength_zero_is_least_squares(shape):
    X, y = problem(*shape)
    design = np.column_stack([X - X.mean(axis=0), np.ones(len(y))])
    expected = np.linalg.lstsq(design, y)[0][:-1]  # the shortest where D >= N
    for w in (
        ridge(X, y, 0)[0],
        lasso(X, y, 0)[0],
        ridge_path(X, y, [0.0])[0],
        lasso_path(X, y, [0.0])[0],
    ):
        assert w == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_a_strength_near_zero_converges_to_least_squares(seed):
    X, y = problem(40, 6, seed)
    assert lasso(X, y, 1e-14 * lam_max(X, y), max_sweeps=50)[0] == pytest.approx(ridge(X, y, 0)[0])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_duality_gap_bounds_the_distance_from_the_minimum(shape):
    X, y = problem(*shape)
    X, y = centered(X, y)
    dual = linear_models._Lasso(X.T @ X / len(y), X.T @ y / len(y), y @ y / len(y), 1e-12, 100)
    lam = 0.1 * lam_max(X, y)
    best, _ = lasso(X, y, lam)
    rng = np.random.default_rng(0)

    def objective(w):
        return np.mean((y - X @ w) ** 2) + lam * np.abs(w).sum()

    assert dual.gap(lam, best) == pytest.approx(0, abs=1e-12 * dual.s)
    for scale in (1e-3, 0.1, 1.0):
        w = best + scale * rng.normal(size=len(best))
        assert dual.gap(lam, w) >= objective(w) - objective(best) > 0


@pytest.mark.parametrize("shape", SHAPES)
def test_lam_max_is_where_the_last_weight_goes(shape):
    X, y = problem(*shape)
    lam = lam_max(X, y)
    for strong in (lam, 1.5 * lam):
        w, b = lasso(X, y, strong)
        assert not w.any()
        assert b == pytest.approx(y.mean())
    assert np.count_nonzero(lasso(X, y, 0.999 * lam)[0]) == 1


# Paths


def test_paths_follow_the_order_of_the_strengths():
    X, y = problem(40, 6)
    lams = np.array([0.1, 2.0, 0.0, 0.5, 2.0])
    for path, single in ((ridge_path, ridge), (lasso_path, lasso)):
        rows = path(X, y, lams)
        assert rows.shape == (5, 6)
        assert rows == pytest.approx(np.array([single(X, y, lam)[0] for lam in lams]), abs=1e-9)


def test_a_wide_path_takes_few_sweeps():
    X, y = problem(30, 120)
    lams = np.geomspace(1, 1e-4, 40) * lam_max(X, y)
    path = lasso_path(X, y, lams, max_sweeps=30)
    assert max(kkt_violation(X, y, w, lam) for w, lam in zip(path, lams, strict=True)) < 1e-10


def test_correlated_powers_converge():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=60)
    X = np.vander(x, 13)[:, :-1]
    y = np.sin(6 * x) + 0.1 * rng.normal(size=60)
    lam = 1e-4 * lam_max(X, y)
    assert kkt_violation(X, y, lasso(X, y, lam)[0], lam) < 1e-10


def test_no_convergence_is_one_sentence():
    X, y = problem(12, 30)
    sentence = (
        r"^lasso did not converge: at lam = \S+ the relative duality gap is \S+ after 1 sweeps"
    )
    with pytest.raises(RuntimeError, match=f"{sentence}, above tol = 1e-12"):
        lasso(X, y, 1e-3 * lam_max(X, y), max_sweeps=1)


@pytest.mark.parametrize(
    "fit",
    [lasso, lambda X, y, lam: elastic_net(X, y, lam, 0.5), lambda *a: lasso_path(*a[:2], [a[2]])],
)
def test_a_thousand_sweeps_are_the_most(fit, monkeypatch):
    monkeypatch.setattr(linear_models._Lasso, "gap", lambda *_: 2.0)
    with pytest.raises(RuntimeError, match=r"gap is 5\.0e-01 after 1000 sweeps, above tol = 1e-12"):
        fit(X2, Y2, 1.0)


# Awkward columns


def test_constant_column_gets_no_weight():
    X, y = problem(40, 6)
    wide = np.column_stack([X, np.full(40, 0.1)])
    for fit in (ridge, lasso):
        for lam in (0.0, 1e-9, 0.3):
            w, _ = fit(wide, y, lam)
            assert w[-1] == 0
            assert w[:-1] == pytest.approx(fit(X, y, lam)[0])


def test_constant_targets_give_the_intercept_alone():
    X, _ = problem(40, 6)
    for fit in (ridge, lasso):
        w, b = fit(X, np.full(40, 0.1), 0.5)
        assert not w.any()
        assert b == pytest.approx(0.1)


def test_two_copies_of_a_column():
    X, y = problem(40, 3)
    twice = np.column_stack([X, X[:, 0]])
    w, _ = elastic_net(twice, y, 0.5, 0.8)
    assert w[0] == pytest.approx(w[3])
    alone, _ = lasso(X, y, 0.5)
    w, _ = lasso(twice, y, 0.5)
    assert w[0] + w[3] == pytest.approx(alone[0])
    assert w[0] * w[3] >= 0
    w, _ = ridge(twice, y, 0.0)
    assert w[0] == pytest.approx(w[3])


def test_one_row_is_its_own_mean():
    w, b = lasso([[1.0, 2.0]], [3.0], 0.1)
    assert w.tolist() == [0, 0]
    assert b == 3


# Best subsets


@pytest.mark.parametrize("shape", [(30, 6), (5, 7), (30, 5)])
def test_best_subsets_equal_a_loop_over_supports(shape):
    X, y = problem(*shape)
    X, y = centered(X, y)
    if shape[1] == 5:
        X[:, 2:4] = X[:, :2] @ np.array(
            [[0.3, 1.0], [0.7, -0.1]]
        )  # combinations of the first two columns
    for size, (support, rss) in enumerate(best_subsets(X, y)):
        residuals = {}
        for columns in combinations(range(shape[1]), size):
            A = X[:, columns]
            w = np.linalg.lstsq(A, y)[0]
            residuals[columns] = np.sum((y - A @ w) ** 2)
        assert rss == pytest.approx(min(residuals.values()), abs=1e-9)
        assert residuals[support] == pytest.approx(rss, abs=1e-9)


def test_best_subsets_take_the_first_of_two_copies():
    X, y = problem(30, 3)
    supports = [
        support for support, _ in best_subsets(np.column_stack([X, X[:, 1], np.ones(30)]), y)
    ]
    assert supports[1] == (1,)
    assert supports[4] == (0, 1, 2, 3)


def test_among_equally_good_subsets_rounding_does_not_choose():
    for seed in range(20):
        X, y = problem(30, 3, seed)
        X[:, 2] = X[:, 1] / 3 + X[:, 0]  # any two columns span the same plane
        assert best_subsets(X, 1e3 * X[:, 0] + y)[2].support == (0, 1)


def test_best_subsets_of_constant_targets_are_the_first_columns():
    X, _ = problem(30, 3)
    assert best_subsets(X, np.full(30, 2.0)) == [((), 0), ((0,), 0), ((0, 1), 0), ((0, 1, 2), 0)]


def test_best_subsets_of_fifteen_columns_at_most():
    assert len(best_subsets(*problem(40, 15))) == 16
    with refuses(ValueError, "the number of columns of X must be an integer <= 15, got 16"):
        best_subsets(*problem(40, 16))


# What goes in and what comes out


def calls(X, y):
    return {
        "ridge": ridge(X, y, 0.5)[0],
        "lasso": lasso(X, y, 0.5)[0],
        "elastic_net": elastic_net(X, y, 0.5, 0.5)[0],
        "ridge_path": ridge_path(X, y, [1.0, 0.1, 0.0]),
        "lasso_path": lasso_path(X, y, [1.0, 0.1, 0.0]),
    }


def test_inputs_are_untouched_even_where_read_only():
    X, y = problem(20, 4)
    X0 = X.copy()
    y0 = y.copy()
    X.setflags(write=False)
    y.setflags(write=False)
    calls(X, y)
    best_subsets(X, y)
    assert (X == X0).all()
    assert (y == y0).all()


def test_strided_and_fortran_input_give_the_same():
    X, y = problem(20, 4)
    wide = np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)
    for variant in (wide[::2, ::3], np.asfortranarray(X), X[::-1][::-1], X.tolist()):
        for name, expected in calls(X, y).items():
            assert calls(variant, np.repeat(y, 2)[::2])[name] == pytest.approx(expected), name


def test_float32_is_kept():
    X, y = (values.astype(np.float32) for values in problem(20, 4))
    for name, result in calls(X, y).items():
        assert result.dtype == np.float32, name
        assert result == pytest.approx(calls(X.astype(float), y.astype(float))[name], rel=1e-6), (
            name
        )
    assert lasso(X, y, 0.5)[1].dtype == np.float32


def test_integers_become_float64():
    assert ridge([[-1], [1]], [0, 4], 2)[0].dtype == np.float64


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda X, y: ridge(X[0], y, 1), ValueError, "X must"),
        (lambda X, y: ridge(X, y[:, None], 1), ValueError, "y must"),
        (
            lambda X, y: lasso(X, y[1:], 1),
            ValueError,
            "y must have one number for each of the 20 rows of X, got 19",
        ),
        (lambda X, y: lasso(X, y, -1), ValueError, "lam must"),
        (lambda X, y: lasso(X, y, np.nan), ValueError, "lam must"),
        (lambda X, y: ridge(X, y, "1"), TypeError, "lam must"),
        (lambda X, y: ridge(X, y * np.nan, 1), ValueError, "y must"),
        (lambda X, y: ridge_path(X, y, 1.0), ValueError, "lams must"),
        (lambda X, y: ridge_path(X, y, []), ValueError, "lams must"),
        (
            lambda X, y: lasso_path(X, y, [1, -2]),
            ValueError,
            "lams must hold numbers >= 0, got -2.0",
        ),
        (lambda X, y: elastic_net(X, y, 1, 2), ValueError, "l1_ratio must"),
        (lambda X, y: lasso(X, y, 1, tol=0), ValueError, "tol must"),
        (lambda X, y: lasso(X, y, 1, max_sweeps=0), ValueError, "max_sweeps must"),
        (lambda X, _: effective_degrees_of_freedom(X[0, 0], 1), ValueError, "X must"),
        (lambda X, _: effective_degrees_of_freedom(X, -1), ValueError, "lam must"),
        (lambda X, y: best_subsets(X * 1j, y), TypeError, "X must"),
    ],
)
def test_bad_input_is_one_sentence(call, error, sentence):
    with refuses(error, sentence):
        call(*problem(20, 4))


# Parity with scikit-learn


@pytest.mark.parametrize("lam", [100.0, 1.0, 0.01])
def test_ridge_equals_scikit_learn(diabetes, lam):
    linear_model = import_or_skip("sklearn.linear_model")
    for X, y in (diabetes, *(problem(*shape) for shape in SHAPES)):
        other = linear_model.Ridge(alpha=lam * len(y) / 2, solver="svd").fit(X, y)
        w, b = ridge(X, y, lam)
        assert w == pytest.approx(other.coef_, rel=1e-8, abs=1e-8)
        assert b == pytest.approx(other.intercept_, rel=1e-8, abs=1e-8)
        assert ridge_path(X, y, [lam])[0] == pytest.approx(other.coef_, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_lasso_and_elastic_net_equal_scikit_learn(diabetes, l1_ratio):
    linear_model = import_or_skip("sklearn.linear_model")
    for X, y in (diabetes, *(problem(*shape) for shape in SHAPES)):
        lam = 0.05 * lam_max(X, y)
        other = linear_model.ElasticNet(
            alpha=lam / 2, l1_ratio=l1_ratio, tol=1e-14, max_iter=100_000
        ).fit(X, y)
        w, b = elastic_net(X, y, lam, l1_ratio)
        assert w == pytest.approx(other.coef_, rel=1e-7, abs=1e-7)
        assert b == pytest.approx(other.intercept_, rel=1e-7, abs=1e-7)


def test_lasso_path_equals_scikit_learn(diabetes):
    linear_model = import_or_skip("sklearn.linear_model")
    X, y = diabetes
    lams = np.geomspace(1, 1e-3, 50) * lam_max(X, y)
    other = linear_model.lasso_path(X, y - y.mean(), alphas=lams / 2, tol=1e-14, max_iter=100_000)[
        1
    ].T
    assert lasso_path(X, y, lams) == pytest.approx(other, rel=1e-7, abs=1e-7)


def test_lam_max_equals_scikit_learn(diabetes):
    linear_model = import_or_skip("sklearn.linear_model")
    X, y = diabetes
    assert lam_max(X, y) / 2 == pytest.approx(
        linear_model.lasso_path(X, y - y.mean(), eps=0.5)[0].max()
    )


@pytest.mark.parametrize(
    "fit", [lambda X, y: ridge(X, y, 1.0), lambda X, y: lasso(X, y, 1.0)], ids=["ridge", "lasso"]
)
def test_numbers_whose_squares_overflow_are_refused_by_name(fit):
    X, y = problem(8, 2)
    huge = 1e200
    with refuses(ValueError, "X must hold numbers with finite squares, got one of size ", "e+20"):
        fit(huge * X, y)
    with refuses(ValueError, "y must hold numbers with finite squares, got one of size ", "e+20"):
        fit(X, huge * y)
