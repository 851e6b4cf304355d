import numpy as np
import pytest

from helpers.layers import Linear
from helpers.losses import CrossEntropyLoss, MSELoss
from helpers.optimizers import SGD
from helpers.regularizers import L2
from helpers.training import EarlyStopping, accuracy, evaluate, fit
from tests.helpers.support.refusal import refuses

X, Y = np.ones((5, 3)), np.ones((5, 2))
WITH_NAN = np.where(np.eye(5, 3), np.nan, 1)


def run(**changes):
    """Train a small model with some of the arguments changed."""
    model = Linear(3, 2, np.random.default_rng(0))
    optimizer = SGD(model.parameters(), changes.pop("lr", 0.1))
    arguments = {"model": model, "loss": MSELoss(), "optimizer": optimizer, "X": X, "y": Y}
    return fit(**arguments | {"epochs": 3, "rng": np.random.default_rng(0)} | changes)


def test_nothing_changed_runs():
    assert run().epochs == 3


OTHER = Linear(3, 2, np.random.default_rng(0))
OBJECT = " must be an object such as "


@pytest.mark.parametrize(
    ("changes", "kind", "sentence"),
    [
        ({"epochs": -1}, ValueError, "epochs must be an integer >= 0, got -1"),
        ({"epochs": 2.5}, TypeError, "epochs must be an integer >= 0, got float 2.5"),
        (
            {"rng": 0},
            TypeError,
            "rng must be a np.random.Generator such as np.random.default_rng(0), got int 0",
        ),
        ({"rng": None, "batch_size": None}, TypeError, "rng must be a np.random.Generator"),
        ({"batch_size": 0}, ValueError, "batch_size must be an integer >= 1, got 0"),
        ({"batch_size": 2.0}, TypeError, "batch_size must be an integer >= 1, got float 2.0"),
        (
            {"model": Linear},
            TypeError,
            f"model{OBJECT}Sequential(...), got type <class 'helpers.layers.Linear'>",
        ),
        ({"model": [OTHER]}, TypeError, f"model{OBJECT}Sequential(...), got a list"),
        (
            {"loss": MSELoss},
            TypeError,
            f"loss{OBJECT}MSELoss(), got type <class 'helpers.losses.MSELoss'>",
        ),
        ({"loss": "mse"}, TypeError, f"loss{OBJECT}MSELoss(), got str 'mse'"),
        ({"optimizer": SGD}, TypeError, f"optimizer{OBJECT}SGD(model.parameters(), lr=0.1), got "),
        (
            {"optimizer": SGD(OTHER.parameters(), 0.1)},
            ValueError,
            "optimizer must hold Parameters of this model, got others: make it anew for a new model",
        ),
        ({"penalty": 0.1}, TypeError, f"penalty{OBJECT}L2(0.01), got float 0.1"),
        ({"penalty": L2}, TypeError, f"penalty{OBJECT}L2(0.01), got "),
        (
            {"early_stopping": 5, "validation": (X, Y)},
            TypeError,
            f"early_stopping{OBJECT}EarlyStopping(5), got int 5",
        ),
        (
            {"early_stopping": EarlyStopping(5)},
            ValueError,
            "early_stopping needs validation=(X, y): the training loss cannot say when to stop",
        ),
        (
            {"validation": X},
            TypeError,
            "validation must be a pair (X, y), got an array of shape (5, 3)",
        ),
        ({"validation": (X, Y, Y)}, TypeError, "validation must be a pair (X, y), got a tuple"),
        ({"validation": ()}, TypeError, "validation must be a pair (X, y), got tuple ()"),
        (
            {"validation": (np.ones((5, 4)), Y)},
            ValueError,
            "validation X must have shape (N, 3), as X has, got (5, 4)",
        ),
        (
            {"X": np.ones((5, 1, 3)), "validation": (X, Y)},
            ValueError,
            "validation X must have shape (N, 1, 3), as X has, got (5, 3)",
        ),
    ],
)
def test_arguments_of_fit(changes, kind, sentence):
    with refuses(kind, sentence):
        run(**changes)


PAIRS = pytest.mark.parametrize(
    ("X", "y", "kind", "sentence"),
    [
        (X, Y[:4], ValueError, "X and y must have the same length, got shapes (5, 3) and (4, 2)"),
        (X, 1.0, ValueError, "X and y must have the same length, got shapes (5, 3) and ()"),
        (X[:0], Y[:0], ValueError, "X must hold at least one number, got shape (0, 3)"),
        (X[0], Y[0], ValueError, "X must have shape (N, D) or (N, C, H, W), got (3,)"),
        (3.0, Y, ValueError, "X must have shape (N, D) or (N, C, H, W), got ()"),
        (WITH_NAN, Y, ValueError, "X must hold finite numbers, got 3 nan or infinite"),
        (X, [np.inf] * 5, ValueError, "y must hold finite numbers, got 5 nan or infinite"),
        ([[1], [1, 2]], Y, ValueError, "X must be an array of numbers, got rows of unequal length"),
        (X, [[1], [1, 2]], ValueError, "y must be an array of numbers, got rows of unequal length"),
        (None, Y, TypeError, "X must be an array of real numbers, got NoneType None"),
        (X, ["a"] * 5, TypeError, "y must be an array of real numbers, got "),
        (X, None, TypeError, "y must be an array of real numbers, got NoneType None"),
    ],
)


@PAIRS
def test_data(X, y, kind, sentence):
    with refuses(kind, sentence):
        run(X=X, y=y)
    with refuses(kind, "validation " + sentence.replace(" and y", " and validation y")):
        run(validation=(X, y))
    with refuses(kind, sentence):
        evaluate(OTHER, MSELoss(), X, y)
    with refuses(kind, sentence):
        accuracy(OTHER, X, y)


@pytest.mark.parametrize(
    ("n_out", "y", "got"),
    [
        (2, [0.0, 1.0, 1.0, 0.0, 1.0], "an"),
        (2, [True] * 5, "an array of shape (5,) and dtype bool for outputs (5, 2)"),
        (2, np.eye(5, 2, dtype=int), "an array of shape (5, 2) and dtype int64 for outputs (5, 2)"),
        (1, [0, 1, 1, 0, 1], "an array of shape (5,) and dtype int64 for outputs (5, 1)"),
    ],
)
def test_accuracy_needs_a_label_and_two_logits_for_each_example(n_out, y, got):
    with refuses(
        ValueError,
        "y must hold one integer label for each row of logits (N, C) with C >= 2, got " + got,
    ):
        accuracy(Linear(3, n_out, np.random.default_rng(0)), X, y)


@pytest.mark.parametrize("loss", [MSELoss, CrossEntropyLoss])
def test_a_loss_and_a_target_that_do_not_fit_say_so_before_the_first_update(loss):
    model = Linear(3, 2, np.random.default_rng(0))
    before = model.state()
    with refuses(ValueError, "target must have "):
        run(model=model, optimizer=SGD(model.parameters(), 0.1), loss=loss(), y=np.ones((5, 1)))
    np.testing.assert_equal(model.state(), before)


REMEDY = "or inputs with a standard deviation near 1"


def test_a_run_that_diverges_says_at_which_step():
    with refuses(
        FloatingPointError,
        f"the loss became inf at step 3 of epoch 1: try a smaller lr than 1e+100, {REMEDY}",
    ):
        run(lr=1e100, batch_size=1)
    with refuses(FloatingPointError, "the loss is inf before the first update: scale X and y to "):
        run(X=1e200 * X)


@pytest.mark.parametrize("lr", [1e200, 1e308])
def test_a_run_that_diverges_in_its_last_step_is_refused_too(lr):
    with refuses(
        FloatingPointError,
        "the train loss became ",
        f" after epoch 1: try a smaller lr than {lr:g}, {REMEDY}",
    ):
        run(lr=lr, epochs=1)


def test_a_validation_loss_that_is_not_finite_is_refused():
    with refuses(
        FloatingPointError,
        "the validation loss became inf after epoch 1: try a smaller lr than 0.1",
    ):
        run(validation=(1e200 * X, Y))


def test_a_penalty_that_is_not_finite_counts_as_the_loss():
    class Endless(L2):
        def value(self, params):
            return super().value(params) + np.inf

    with refuses(FloatingPointError, "the loss is inf before the first update"):
        run(penalty=Endless(0.1))
