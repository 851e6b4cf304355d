"""Training that diverges ends at once, with one sentence and no warning from NumPy before it."""

import numpy as np
import pytest

from helpers.core import Sequential
from helpers.layers import Linear, ReLU, Sigmoid, Tanh
from helpers.losses import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from helpers.normalization import BatchNorm, LayerNorm
from helpers.optimizers import SGD, Adam, AdamW, Optimizer
from helpers.regularizers import L1, L2, ElasticNet
from helpers.training import EarlyStopping, accuracy, evaluate, fit, predict
from tests.helpers.support.refusal import refuses
from tests.helpers.support.small_runs import rng, slope

TRY = "try a smaller lr than {:g}, or inputs with a standard deviation near 1"
SCALE = "scale X and y to a standard deviation near 1"
SCALE_OR_SHRINK = f"{SCALE}, or create a new model with smaller weights"
ONE = np.ones((1, 1))


class Push(Optimizer):
    """Sets all weights to the next of `values` at each step."""

    def __init__(self, params, values):
        super().__init__(params, 0.1)
        self.values = iter(values)

    def step(self):
        value = next(self.values)
        for p in self.params:
            p.data[...] = value


def pushed(values, batch_size=None, n=1, **options):
    model = slope()
    zeros = np.zeros((n, 1))
    settings = {"epochs": 5, "rng": rng(), "batch_size": batch_size} | options
    fit(model, MSELoss(), Push(model.parameters(), values), zeros, zeros, **settings)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_step_is_the_one_after_the_update_that_broke(value):
    remedy = TRY.format(0.1)
    with refuses(FloatingPointError, f"the loss became nan at step 3 of epoch 1: {remedy}"):
        pushed([1.0, value], batch_size=2, n=6)  # 0 * inf is nan
    with refuses(FloatingPointError, f"the train loss became nan after epoch 1: {remedy}"):
        pushed([1.0, 1.0, value], batch_size=2, n=6)
    with refuses(FloatingPointError, f"the loss became nan at step 2 of epoch 2: {remedy}"):
        pushed([1.0, 1.0, 1.0, value], batch_size=2, n=6)
    with refuses(FloatingPointError, "the train loss became nan after epoch 3: "):
        pushed([1.0, 1.0, value])


def test_a_loss_that_is_not_finite_before_the_first_update_does_not_blame_the_lr():
    model = slope(1e200)
    with refuses(FloatingPointError, f"the loss is inf before the first update: {SCALE_OR_SHRINK}"):
        fit(model, MSELoss(), SGD(model.parameters(), 0.1), ONE, ONE, epochs=1, rng=rng())
    assert model.weight.data[0, 0] == 1e200


OPTIMIZERS = {
    "SGD": lambda params: SGD(params, 1e30),
    "momentum": lambda params: SGD(params, 1e30, momentum=0.9),
    "SGD with decay": lambda params: SGD(params, 1e30, weight_decay=0.1),
    "Adam": lambda params: Adam(params, 1e30),
    "Adam with decay": lambda params: Adam(params, 1e30, weight_decay=0.1),
    "AdamW": lambda params: AdamW(params, 1e30),
}
LOSSES = {"mse": MSELoss(), "bce": BCEWithLogitsLoss(), "ce": CrossEntropyLoss()}


def plain_network(dtype):
    return Sequential(Linear(4, 8, rng(), dtype=dtype), ReLU(), Linear(8, 3, rng(), dtype=dtype))


def normalized_network(dtype):
    return Sequential(
        Linear(4, 8, rng(), dtype=dtype),
        BatchNorm(8, dtype=dtype),
        ReLU(),
        Linear(8, 8, rng(), dtype=dtype),
        LayerNorm(8, dtype=dtype),
        Sigmoid(),
        Linear(8, 3, rng(), dtype=dtype),
    )


@pytest.mark.parametrize(
    "penalty", [None, L1(0.1), L2(0.1), ElasticNet(0.1, 0.5)], ids=lambda p: type(p).__name__
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_ends_in_a_sentence_or_in_finite_numbers(
    optimizer, loss, batch_size, dtype, penalty
):
    X = rng().standard_normal((20, 4)).astype(dtype)
    y = rng().integers(0, 3, 20)
    y = y if loss == "ce" else np.eye(3)[y]
    settings = {"epochs": 20, "batch_size": batch_size, "penalty": penalty, "validation": (X, y)}
    for network in (plain_network(dtype), normalized_network(dtype)):
        method = OPTIMIZERS[optimizer](network.parameters())
        sentence, history = attempt(network, LOSSES[loss], method, X, y, rng=rng(), **settings)
        if history is None:
            assert TRY.format(1e30) in sentence
        else:
            assert np.isfinite(history.train_loss + history.validation_loss).all()
            assert all(np.isfinite(p.data).all() for p in network.parameters())


def attempt(*arguments, **settings):
    """The sentence of a run that diverged, and the History of one that did not."""
    try:
        return None, fit(*arguments, **settings)
    except FloatingPointError as error:
        return str(error), None


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_weights_that_are_infinite_under_a_finite_loss_are_found(value):
    line = slope()
    model = Sequential(line, Tanh())  # tanh(inf) is 1
    push = Push(line.parameters(), [1.0, value, 1.0])
    sentence = f"the largest weight became inf after epoch 2: {TRY.format(0.1)}"
    with refuses(FloatingPointError, sentence):
        fit(model, MSELoss(), push, ONE, ONE, epochs=3, rng=rng())


def test_with_early_stopping_the_best_weights_are_put_back():
    model = slope()
    push = Push(model.parameters(), [3.0, 0.9, np.inf])
    settings = {"epochs": 5, "rng": rng(), "validation": (ONE, ONE)}
    stopping = EarlyStopping(5)
    with refuses(FloatingPointError, "the train loss became nan after epoch 3"):
        fit(model, MSELoss(), push, 0 * ONE, 0 * ONE, early_stopping=stopping, **settings)
    assert model.weight.data[0, 0] == 0.9
    assert model.training


def test_without_it_the_weights_are_those_that_gave_the_loss():
    model = slope()
    push = Push(model.parameters(), [1e200, 5.0])
    ones = np.ones((2, 1))
    with refuses(FloatingPointError, "the loss became inf at step 2 of epoch 1"):
        fit(model, MSELoss(), push, ones, ones, epochs=1, rng=rng(), batch_size=1)
    assert model.weight.data[0, 0] == 1e200


@pytest.mark.parametrize("weight", [np.nan, np.inf, 1e308])
def test_evaluate_and_accuracy_refuse_what_diverged_and_predict_returns_it(weight):
    X = np.array([[1.0, 1.0]])
    model = Linear(2, 2, rng())
    model.weight.data[...] = weight
    remedy = "because the training diverged: create a new model and train it with a smaller lr"
    with refuses(FloatingPointError, f"the loss is nan or infinite, {remedy}"):
        evaluate(model, CrossEntropyLoss(), X, [1])
    with refuses(FloatingPointError, f"a logit is nan or infinite, {remedy}"):
        accuracy(model, X, [1])
    with np.errstate(all="ignore"):
        assert not np.isfinite(predict(model, X)).any()
