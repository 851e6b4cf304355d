"""Every row of regularizers.CONVENTIONS, by its formula or by the minimizer of a library."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.core import Parameter
from helpers.layers import Linear
from helpers.losses import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from helpers.regularizers import CONVENTIONS, L1, L2, from_course, to_course
from tests.helpers.support.parity import import_or_skip
from tests.helpers.support.refusal import refuses

M = 40
D = 4
X = np.random.default_rng(0).standard_normal((M, D))
Y = X @ [2.0, -1, 0.5, 0] + 0.3 * np.random.default_rng(1).standard_normal(M) + 3
LABELS = np.digitize(Y, [2, 4])
w = np.array([3.0, -2, 1, 0])
SQUARES = (w**2).sum()
SIZES = np.abs(w).sum()
# The penalty at w for a value of 0.3 and M examples, next to a mean loss: a data term that is a sum
# is divided by M, one that is halved is doubled.
FORMULAS = {
    "course L2": (L2, 0.3 / 2 * SQUARES),
    "no half": (L2, 0.3 * SQUARES),
    "lambda/(2m)": (L2, 0.3 / (2 * M) * SQUARES),
    "keras.regularizers.L2": (L2, 0.3 * SQUARES),
    "torch.optim.SGD weight_decay": (L2, 0.3 / 2 * SQUARES),  # its gradient is 0.3 w
    "sklearn Ridge alpha": (L2, 0.3 * SQUARES / M),
    "sklearn LogisticRegression C": (L2, 1 / 2 * SQUARES / (0.3 * M)),
    "sklearn MLPClassifier alpha": (L2, 0.3 / (2 * M) * SQUARES),
    "sklearn MLPRegressor alpha": (L2, 2 * 0.3 / (2 * M) * SQUARES),
    "course L1": (L1, 0.3 * SIZES),
    "keras.regularizers.L1": (L1, 0.3 * SIZES),
    "sklearn Lasso alpha": (L1, 2 * 0.3 * SIZES),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_penalty_of_the_documented_formula(name):
    penalty, expected = FORMULAS[name]
    value = penalty(to_course(0.3, name, M)).value([Parameter(w)])
    assert value == pytest.approx(expected, rel=1e-14)


def gradients(loss, penalty, coef, intercept, y):
    """The gradients of the mean loss and of the penalty at a linear model, (D, H) each."""
    model = Linear(D, coef.shape[1], np.random.default_rng(0))
    model.weight.data[...] = coef
    model.bias.data[...] = intercept
    loss.value(model(X), y)
    model.backward(loss.backward())
    data = model.weight.grad.copy()
    penalty.backward(model.parameters())
    return data, model.weight.grad - data


def ridge(alpha):
    model = import_or_skip("sklearn.linear_model").Ridge(alpha, tol=1e-10).fit(X, Y)
    return MSELoss(), model.coef_[:, None], model.intercept_, Y[:, None]


def logistic_regression(c):
    regression = import_or_skip("sklearn.linear_model").LogisticRegression
    return regression(C=c, tol=1e-10, max_iter=10_000)


def logistic(c):
    model = logistic_regression(c).fit(X, LABELS > 0)
    return BCEWithLogitsLoss(), model.coef_.T, model.intercept_, (LABELS > 0)[:, None]


def multinomial(c):
    model = logistic_regression(c).fit(X, LABELS)
    return CrossEntropyLoss(), model.coef_.T, model.intercept_, LABELS


LBFGS = {"solver": "lbfgs", "tol": 1e-14, "max_iter": 10_000, "random_state": 0}


def mlp_classifier(alpha):
    network = import_or_skip("sklearn.neural_network").MLPClassifier
    model = network(hidden_layer_sizes=(), alpha=alpha, **LBFGS).fit(X, LABELS)
    return CrossEntropyLoss(), model.coefs_[0], model.intercepts_[0], LABELS


def mlp_regressor(alpha):
    network = import_or_skip("sklearn.neural_network").MLPRegressor
    model = network(hidden_layer_sizes=(), alpha=alpha, **LBFGS).fit(X, Y)
    return MSELoss(), model.coefs_[0], model.intercepts_[0], Y[:, None]


def sgd(weight_decay):
    torch = import_or_skip("torch")
    model = torch.nn.Linear(D, 1, dtype=torch.float64)
    groups = [{"params": [model.weight], "weight_decay": weight_decay}, {"params": [model.bias]}]
    optimizer = torch.optim.SGD(groups, lr=0.2)
    data = torch.tensor(X)
    target = torch.tensor(Y)[:, None]
    for _ in range(200):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(data), target).backward()
        optimizer.step()
    return MSELoss(), model.weight.detach().numpy().T, model.bias.item(), target.numpy()


MINIMIZERS = [
    ("sklearn Ridge alpha", ridge, 20.0),
    ("sklearn LogisticRegression C", logistic, 0.1),
    ("sklearn LogisticRegression C", multinomial, 0.1),
    ("sklearn MLPClassifier alpha", mlp_classifier, 20.0),
    ("sklearn MLPRegressor alpha", mlp_regressor, 20.0),
    ("torch.optim.SGD weight_decay", sgd, 0.5),
]


@pytest.mark.parametrize(("name", "minimize", "value"), MINIMIZERS)
def test_the_minimizer_of_a_library_is_the_minimizer_of_the_course(name, minimize, value):
    loss, coef, intercept, y = minimize(value)
    data, penalty = gradients(loss, L2(to_course(value, name, M)), coef, intercept, y)
    assert np.abs(penalty).max() > 0.01
    np.testing.assert_allclose(data, -penalty, rtol=1e-3, atol=1e-5)


def test_the_minimizer_of_lasso():
    """The gradient of the data is -lam sign(w) if w is not 0, and smaller than lam if it is."""
    alpha = 0.4
    model = import_or_skip("sklearn.linear_model").Lasso(alpha, tol=1e-12).fit(X, Y)
    lam = to_course(alpha, "sklearn Lasso alpha")
    coef = model.coef_[:, None]
    data, penalty = gradients(MSELoss(), L1(lam), coef, model.intercept_, Y[:, None])
    nonzero = coef != 0
    assert 0 < nonzero.sum() < D
    np.testing.assert_allclose(data[nonzero], -penalty[nonzero], rtol=1e-6)
    assert (np.abs(data[~nonzero]) < lam).all()


def test_with_minibatches_the_m_of_scikit_learns_networks_is_the_batch_size():
    network = import_or_skip("sklearn.neural_network").MLPRegressor
    sgd = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1, "random_state": 0}
    nothing = (np.zeros((M, D)), np.zeros(M))  # without any signal the weights only shrink
    model = network(hidden_layer_sizes=(), alpha=0.5, batch_size=10, **sgd).partial_fit(*nothing)
    before = model.coefs_[0].copy()
    model.partial_fit(*nothing)  # four batches
    lam = to_course(0.5, "sklearn MLPRegressor alpha", 10) / 2  # its data term is MSE / 2
    np.testing.assert_allclose(model.coefs_[0], before * (1 - 0.1 * lam) ** 4, rtol=1e-12)


def test_every_convention_stands_in_a_test():
    assert set(FORMULAS) == set(CONVENTIONS)
    compared = {*(name for name, *_ in MINIMIZERS), "sklearn Lasso alpha"}
    assert compared == {name for name in CONVENTIONS if name.startswith(("sklearn", "torch"))}


every_name = pytest.mark.parametrize("name", CONVENTIONS)


@every_name
@settings(deadline=None, max_examples=50)
@given(value=st.floats(1e-12, 1e12), m=st.integers(1, 10**9))
def test_there_and_back(name, value, m):
    assert from_course(to_course(value, name, m), name, m) == pytest.approx(value, rel=1e-14)
    assert to_course(from_course(value, name, m), name, m) == pytest.approx(value, rel=1e-14)


@every_name
def test_the_number_of_examples_matters_only_if_the_data_term_is_a_sum(name):
    row = CONVENTIONS[name]
    for convert in (to_course, from_course):
        if row.power:
            use = f"is needed for {name!r}: {row.objective}"
            with refuses(ValueError, f"m, the number of training examples, {use}, got None"):
                convert(0.5, name)
            assert convert(0.5, name, 20) != convert(0.5, name, 10)
        else:
            assert convert(0.5, name) == convert(0.5, name, 20)


@every_name
def test_no_penalty_is_0_on_both_sides_but_for_an_inverse_strength(name):
    for convert, argument in ((to_course, "value"), (from_course, "lam")):
        if CONVENTIONS[name].inverse:
            with refuses(ValueError, f"{argument} must be "):
                convert(0, name, 10)
        else:
            assert convert(0, name, 10) == 0
        with refuses(ValueError, f"{argument} must be "):
            convert(-1, name, 10)
        with refuses(TypeError, f"{argument} must be "):
            convert("1", name, 10)


@pytest.mark.parametrize("convert", [to_course, from_course])
@pytest.mark.parametrize("name", ["ridge", None, ["course L2"], 2])
def test_an_unknown_convention_is_refused_with_the_list_of_the_known(convert, name):
    known = ", ".join(CONVENTIONS)
    with refuses(ValueError, f"convention must be one of {known}, got {name!r}"):
        convert(0.1, name)


@pytest.mark.parametrize(
    ("m", "kind"), [(0, ValueError), (-3, ValueError), (2.5, TypeError), (True, TypeError)]
)
def test_a_bad_number_of_examples_is_refused(m, kind):
    for convert in (to_course, from_course):
        with refuses(kind, "m must be "):
            convert(0.1, "sklearn Ridge alpha", m)
    with refuses(kind, "m must be "):
        CONVENTIONS["sklearn Ridge alpha"].convert(0.1, m)
