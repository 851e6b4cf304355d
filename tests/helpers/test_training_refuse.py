import numpy as np
import pytest

from helpers.layers import Linear
from helpers.losses import CrossEntropyLoss, MSELoss
from helpers.optimizers import SGD
from helpers.regularizers import L2
from helpers.training import EarlyStopping, accuracy, evaluate, fit
from tests.helpers.support.refusal import refuses

X = np.ones((5, 3))
Y = np.ones((5, 2))
WITH_NAN = np.where(np.eye(5, 3), np.nan, 1)


def run(**changes):
    """Train a small model with some of the arguments changed."""
    model = Linear(3, 2, np.random.default_rng(0))
    optimizer = SGD(model.parameters(), changes.pop("lr", 0.1))
    arguments = {"model": model, "loss": MSELoss(), "optimizer": optimizer, "X": X, "y": Y}
    return fit(**arguments | {"epochs": 3, "rng": np.random.default_rng(0)} | changes)


def test_nothing_changed_runs():
    assert run().epochs == 3


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("epochs", -1, ValueError),
        ("epochs", 2.5, TypeError),
        ("rng", 0, TypeError),
        ("rng", None, TypeError),
        ("batch_size", 0, ValueError),
        ("batch_size", 2.0, TypeError),
        ("progress", "off", TypeError),
    ],
)
def test_settings_of_fit(name, value, kind):
    with refuses(kind, f"{name} must be "):
        run(**{name: value})


OTHER = Linear(3, 2, np.random.default_rng(0))
AN_SGD = "SGD(model.parameters(), lr=0.1)"


@pytest.mark.parametrize(
    ("name", "value", "example", "got"),
    [
        ("model", Linear, "Sequential(...)", "type <class 'helpers.layers.Linear'>"),
        ("model", [OTHER], "Sequential(...)", "a list"),
        ("loss", MSELoss, "MSELoss()", "type <class 'helpers.losses.MSELoss'>"),
        ("loss", "mse", "MSELoss()", "str 'mse'"),
        ("optimizer", SGD, AN_SGD, "type <class"),
        ("penalty", 0.1, "L2(0.01)", "float 0.1"),
        ("penalty", L2, "L2(0.01)", "type <class"),
        ("early_stopping", 5, "EarlyStopping(5)", "int 5"),
    ],
)
def test_objects_of_fit(name, value, example, got):
    with refuses(TypeError, f"{name} must be an object such as {example}, got {got}"):
        run(**{name: value}, validation=(X, Y))


def test_an_optimizer_of_another_model_is_refused():
    remedy = "create a new optimizer for a new model"
    with refuses(ValueError, f"optimizer must hold Parameters of this model, got others: {remedy}"):
        run(optimizer=SGD(OTHER.parameters(), 0.1))


def test_early_stopping_without_validation_is_refused():
    reason = "the training loss cannot say when to stop"
    with refuses(ValueError, f"early_stopping needs validation=(X, y): {reason}"):
        run(early_stopping=EarlyStopping(5))


@pytest.mark.parametrize(
    ("validation", "got"),
    [(X, "an array of shape (5, 3)"), ((X, Y, Y), "a tuple"), ((), "tuple ()")],
)
def test_validation_that_is_not_a_pair_is_refused(validation, got):
    with refuses(TypeError, f"validation must be a pair (X, y), got {got}"):
        run(validation=validation)


@pytest.mark.parametrize(
    ("train", "validation", "expected"),
    [
        (X, np.ones((5, 4)), "(N, 3), as X has, got (5, 4)"),
        (np.ones((5, 1, 3)), X, "(N, 1, 3), as X has, got (5, 3)"),
    ],
)
def test_validation_of_another_shape_is_refused(train, validation, expected):
    with refuses(ValueError, f"validation X must have shape {expected}"):
        run(X=train, validation=(validation, Y))


SHAPE = "X must have shape (N, D) or (N, C, H, W), got "
LENGTHS = "X and y must have the same length, got shapes "
PAIRS = pytest.mark.parametrize(
    ("X", "y", "kind", "sentence"),
    [
        (X, Y[:4], ValueError, LENGTHS + "(5, 3) and (4, 2)"),
        (X, 1.0, ValueError, LENGTHS + "(5, 3) and ()"),
        (X[0], Y[0], ValueError, SHAPE + "(3,)"),
        (3.0, Y, ValueError, SHAPE + "()"),
        (X[:0], Y[:0], ValueError, "X must "),
        (WITH_NAN, Y, ValueError, "X must "),
        (X, [np.inf] * 5, ValueError, "y must "),
        ([[1], [1, 2]], Y, ValueError, "X must "),
        (X, [[1], [1, 2]], ValueError, "y must "),
        (None, Y, TypeError, "X must "),
        (X, ["a"] * 5, TypeError, "y must "),
        (X, None, TypeError, "y must "),
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
    ("n_out", "y"),
    [
        (2, np.array([0.0, 1.0, 1.0, 0.0, 1.0])),
        (2, np.array([True] * 5)),
        (2, np.eye(5, 2, dtype=int)),
        (1, np.array([0, 1, 1, 0, 1])),
    ],
)
def test_accuracy_needs_a_label_and_two_logits_for_each_example(n_out, y):
    expected = "one integer label for each row of logits (N, C) with C >= 2"
    got = f"an array of shape {y.shape} and dtype {y.dtype} for outputs (5, {n_out})"
    with refuses(ValueError, f"y must hold {expected}, got {got}"):
        accuracy(Linear(3, n_out, np.random.default_rng(0)), X, y)


@pytest.mark.parametrize("loss", [MSELoss, CrossEntropyLoss])
def test_a_loss_and_a_target_that_do_not_fit_say_so_before_the_first_update(loss):
    model = Linear(3, 2, np.random.default_rng(0))
    before = model.state()
    with refuses(ValueError, "target must have "):
        run(model=model, optimizer=SGD(model.parameters(), 0.1), loss=loss(), y=np.ones((5, 1)))
    np.testing.assert_equal(model.state(), before)


INPUTS = "or inputs with a standard deviation near 1"


def test_a_run_that_diverges_says_at_which_step():
    when = "at step 3 of epoch 1"
    remedy = f"try a smaller lr than 1e+100, {INPUTS}"
    with refuses(FloatingPointError, f"the loss became inf {when}: {remedy}"):
        run(lr=1e100, batch_size=1)
    with refuses(FloatingPointError, "the loss is inf before the first update: scale X and y to "):
        run(X=1e200 * X)


@pytest.mark.parametrize("lr", [1e200, 1e308])
def test_a_run_that_diverges_in_its_last_step_is_refused_too(lr):
    remedy = f"try a smaller lr than {lr:g}, {INPUTS}"
    with refuses(FloatingPointError, "the train loss became ", f" after epoch 1: {remedy}"):
        run(lr=lr, epochs=1)


def test_a_validation_loss_that_is_not_finite_is_refused():
    remedy = f"try a smaller lr than 0.1, {INPUTS}"
    with refuses(FloatingPointError, f"the validation loss became inf after epoch 1: {remedy}"):
        run(validation=(1e200 * X, Y))


def test_a_loss_that_is_not_finite_is_noticed_with_a_penalty_too():
    with refuses(FloatingPointError, "the loss is inf before the first update"):
        run(X=1e200 * X, penalty=L2(0.1))


def test_a_penalty_that_is_not_finite_counts_as_the_loss():
    class Endless(L2):
        def value(self, params):
            return super().value(params) + np.inf

    with refuses(FloatingPointError, "the loss is inf before the first update"):
        run(penalty=Endless(0.1))
