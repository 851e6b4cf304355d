import numpy as np
import pytest

from helpers.initializers import zeros
from helpers.layers import Linear
from helpers.optimizers import Optimizer
from helpers.training import EarlyStopping, fit
from tests.helpers.support.refusal import refuses
from tests.helpers.test_core import Affine


class Count(Optimizer):
    """Adds 1 to every weight, so that the weight is the number of epochs trained."""

    def step(self):
        for p in self.params:
            p.data += 1


class Curve:
    """A loss that is 0 for target 0, the training data, and `losses` by epoch for target 1."""

    def __init__(self, losses):
        self.losses = losses

    def value(self, prediction, target):
        return float(self.losses[round(prediction[0, 0]) - 1]) if target[0] else 0.0

    def backward(self):
        return np.zeros((1, 1))


def run(losses, stopping, epochs=None):
    """Train along the curve; return the History and the weight, the epoch that it comes from."""
    rng = np.random.default_rng(0)
    model = Linear(1, 1, rng, initializer=zeros, bias=False)
    count = Count(model.parameters(), 1)
    one = np.ones((1, 1))
    settings = {"epochs": epochs or len(losses), "rng": rng, "validation": (one, [1])}
    history = fit(model, Curve(losses), count, one, [0], early_stopping=stopping, **settings)
    return history, model.weight.data[0, 0]


@pytest.mark.parametrize(
    ("losses", "patience", "min_delta", "epochs", "best"),
    [
        ([3, 2, 1, 2, 0, 0], 1, 0, 4, 3),
        ([3, 2, 2.5, 2.4, 0, 0], 2, 0, 4, 2),
        ([3, 2, 2.5, 1, 2, 3, 0], 2, 0, 6, 4),  # worse, then better: the count starts again
        ([1, 2, 2, 2, 2, 2, 0], 5, 0, 6, 1),  # the fifth epoch without improvement is the last
        ([1, 2, 2, 2, 2, 0, 3, 3, 3, 3, 3, 0], 5, 0, 11, 6),  # the fifth improves
        ([5, 4, 3, 2, 1], 1, 0, 5, 5),
        ([1, 2, 3], 5, 0, 3, 1),  # the epochs run out: the best is put back all the same
        ([2, 1, 1, 1, 0], 2, 0, 4, 2),  # a tie is no improvement, the first one stays
        ([3, 2.5, 2.5, 0], 2, 0.5, 3, 1),  # neither is exactly min_delta
        ([3, 2.75, 2.25, 2, 2, 0], 2, 0.5, 5, 3),  # two small improvements count together
        ([3, 2.75, 2.5, 2.25, 0], 3, 1, 4, 1),
        ([1, 0, 0], 1, 1e9, 2, 1),  # the first epoch always counts
        ([-1, -2, -1, 0], 1, 0, 3, 2),
    ],
)
def test_when_it_stops_and_which_weights_are_put_back(losses, patience, min_delta, epochs, best):
    history, weight = run(losses, EarlyStopping(patience, min_delta))
    assert history.validation_loss == losses[:epochs]
    assert (history.epochs, history.best_epoch, weight) == (epochs, best, best)


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_patience_is_how_many_epochs_in_a_row_are_borne(patience):
    losses = [1, *[2] * 9]
    assert run(losses, EarlyStopping(patience))[0].epochs == 1 + patience
    in_time = [1, *[2] * (patience - 1), 0, 0]
    assert run(in_time, EarlyStopping(patience), epochs=patience + 1)[0].best_epoch == patience + 1


def test_without_early_stopping_the_best_epoch_is_known_and_the_last_weights_stay():
    history, weight = run([3, 1, 2, 1], None)
    assert (history.epochs, history.best_epoch, weight) == (4, 2, 4)


def test_one_object_serves_a_second_run():
    stopping = EarlyStopping(2)
    run([3, 0, 1, 1], stopping)
    history, weight = run([9, 8, 7, 8, 9, 0], stopping)
    assert (history.epochs, history.best_epoch, weight) == (5, 3, 3)


def test_no_epochs_leave_the_weights():
    model = Affine(2.0, 1.0)
    stopping = EarlyStopping(1)
    stopping.restore(model)
    assert model.a.data[0] == 2


@pytest.mark.parametrize("loss", [np.nan, np.inf, float("nan"), np.float32("inf")])
def test_a_loss_that_is_not_finite_is_no_improvement(loss):
    model = Affine(2.0, 1.0)
    stopping = EarlyStopping(2)
    answers = [stopping.update(value, model) for value in (loss, 1.0, loss, loss)]
    assert answers == [False, False, False, True]
    assert stopping.best_epoch == 2
    stopping.reset()
    assert [stopping.update(loss, model) for _ in range(2)] == [False, True]  # nor is the first one
    assert stopping.best_epoch is None


def test_the_best_state_is_a_copy_and_holds_the_buffers():
    model = Affine(2.0, 1.0)
    stopping = EarlyStopping(1)
    best = model.state()
    assert not stopping.update(1.0, model)
    model(np.ones(3))  # moves the buffer
    model.a.data += 1
    assert stopping.update(1.5, model)
    stopping.restore(model)
    np.testing.assert_equal(model.state(), best)
    model.a.data += 1
    stopping.restore(model)
    np.testing.assert_equal(model.state(), best)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("patience", 0, ValueError),
        ("patience", 2.0, TypeError),
        ("patience", True, TypeError),
        ("min_delta", -0.1, ValueError),
        ("min_delta", None, TypeError),
    ],
)
def test_settings_are_refused(name, value, kind):
    with refuses(kind, f"{name} must be "):
        EarlyStopping(**{"patience": 1} | {name: value})


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("low", TypeError),
        (None, TypeError),
        (True, TypeError),
        (-np.inf, ValueError),
        (10**400, ValueError),
    ],
)
def test_a_value_that_cannot_be_a_loss_is_refused(loss, kind):
    with refuses(kind, "validation_loss must be "):
        EarlyStopping(1).update(loss, Affine(2.0, 1.0))
