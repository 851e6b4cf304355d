"""The steps of fit: what a step computes, which examples it sees, what it may change."""

import numpy as np
import pytest

from helpers.core import Sequential
from helpers.losses import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from helpers.optimizers import SGD, Adam, Optimizer
from helpers.regularizers import L2
from helpers.training import fit
from tests.helpers.support.small_runs import Spy, labelled, network, rng, slope, train

X2 = np.array([[1.0], [3.0]])
ZEROS = np.zeros((2, 1))  # mean loss 5 w^2, gradient 10 w


def test_one_step_and_two_by_hand():
    model = slope()
    history = fit(model, MSELoss(), SGD(model.parameters(), 0.01), X2, ZEROS, epochs=2, rng=rng())
    weight = model.weight.data[0, 0]
    assert weight == pytest.approx(0.81, rel=1e-14)  # 1 - 0.01 * 10, then 0.9 - 0.01 * 9
    np.testing.assert_allclose(history.train_loss, [5 * 0.9**2, 5 * 0.81**2], rtol=1e-14)


def test_the_penalty_is_in_the_gradient_and_not_in_the_recorded_loss():
    model = slope()
    settings = {"epochs": 1, "rng": rng(), "penalty": L2(0.5), "validation": (X2, ZEROS)}
    history = fit(model, MSELoss(), SGD(model.parameters(), 0.01), X2, ZEROS, **settings)
    assert model.weight.data[0, 0] == pytest.approx(0.895, rel=1e-14)  # 1 - 0.01 (10 + 0.5)
    losses = history.train_loss + history.validation_loss
    np.testing.assert_allclose(losses, [5 * 0.895**2] * 2, rtol=1e-14)


@pytest.mark.parametrize("batch_size", [None, 1, 5, 12])
def test_trap_a_loss_that_is_a_sum_lam_would_mean_less_in_a_small_batch(batch_size):
    X = np.zeros((12, 1))
    model = slope()
    settings = {"epochs": 3, "rng": rng(), "batch_size": batch_size, "penalty": L2(0.5)}
    fit(model, MSELoss(), SGD(model.parameters(), 0.1), X, X, **settings)
    steps = 3 * -(-12 // (batch_size or 12))
    assert model.weight.data[0, 0] == pytest.approx(0.95**steps, rel=1e-13)


@pytest.mark.parametrize("loss", [MSELoss, CrossEntropyLoss, BCEWithLogitsLoss])
def test_trap_a_loss_that_is_a_sum_examples_given_twice_train_the_same(loss):
    X, y = labelled()
    y = y if loss is CrossEntropyLoss else np.eye(3)[y]
    states = []
    for copies in (1, 2, 5):
        model = network()
        many_X = np.concatenate([X] * copies)
        many_y = np.concatenate([y] * copies)
        settings = {"epochs": 5, "rng": rng(), "penalty": L2(0.1)}
        fit(model, loss(), Adam(model.parameters(), 0.01), many_X, many_y, **settings)
        states.append(np.concatenate([values.ravel() for values in model.state()]))
    np.testing.assert_allclose(states[1:], [states[0]] * 2, rtol=1e-9, atol=1e-12)


def test_trap_the_update_inside_backward():
    class Idle(Optimizer):
        def step(self):
            pass

    X, y = labelled()
    model = network(0.5)
    before = model.state()
    settings = {"epochs": 2, "rng": rng(), "penalty": L2(1)}
    fit(model, CrossEntropyLoss(), Idle(model.parameters(), 0.1), X, y, **settings)
    np.testing.assert_equal(model.state(), before)


def test_trap_batches_made_by_shuffling_their_starts():
    X, y = labelled(12)
    model = network()
    train(model, X, y, epochs=40, batch_size=3)
    met = [batch for batch in model.layers[0].batches() if (batch == X[0]).all(axis=1).any()]
    assert len(met) == 40
    others = np.unique(np.concatenate(met), axis=0)
    assert len(others) == 12  # in time the first example meets all of them


@pytest.mark.parametrize("batch_size", [1, 4, 7, 12, 100])
def test_every_epoch_holds_every_example_once_with_its_own_target(batch_size):
    X = rng(1).standard_normal((12, 1))
    spy = Spy()
    line = slope()
    model = Sequential(spy, line)
    settings = {"epochs": 3, "rng": rng(), "batch_size": batch_size}
    fit(model, MSELoss(), SGD(model.parameters(), 0.1), X, X, **settings)
    assert line.weight.data[0, 0] == 1  # y = x was exact from the start
    batches = spy.batches()
    assert len(batches) == 3 * -(-12 // batch_size)
    for seen in np.split(np.concatenate(batches), 3):
        np.testing.assert_array_equal(np.sort(seen, axis=0), np.sort(X, axis=0))


def test_without_batch_size_all_examples_come_in_order_and_rng_is_not_drawn_from():
    X, y = labelled()
    model = network()
    draws = rng(5)
    train(model, X, y, batch_size=None, rng=draws)
    np.testing.assert_array_equal(model.layers[0].batches(), [X] * 4)
    assert draws.random() == rng(5).random()


def test_runs_with_the_same_rng_are_paired_whatever_differs_between_them():
    X, y = labelled()
    plain = network(0)
    other = network(0.5)
    train(plain, X, y)
    train(other, X, y, penalty=L2(0.1), validation=(X, y))
    first, second = (np.concatenate(model.layers[0].batches()) for model in (plain, other))
    np.testing.assert_array_equal(first, second)


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not():
    X, y = labelled()
    runs = []
    for seed in (0, 0, 1):
        model = network(0.5)
        history = train(model, X, y, seed, validation=(X, y))
        runs.append((b"".join(values.tobytes() for values in model.state()), history))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_only_the_parameters_of_the_optimizer_move():
    X, y = labelled()
    model = network()
    first = model.layers[1]
    last = model.layers[4]
    before = first.state()
    moving = last.state()
    settings = {"epochs": 2, "rng": rng(), "penalty": L2(0.1)}
    fit(model, CrossEntropyLoss(), SGD(last.parameters(), 0.1), X, y, **settings)
    np.testing.assert_equal(first.state(), before)
    assert all((now != then).any() for now, then in zip(last.state(), moving, strict=True))


@pytest.mark.parametrize("batch_size", [None, 8])
def test_trap_an_array_of_the_callers_changed_in_place(batch_size):
    X, y = labelled()
    before = (X.copy(), y.copy())
    X.flags.writeable = False
    y.flags.writeable = False
    train(network(0.5), X, y, batch_size=batch_size, validation=(X, y), penalty=L2(0.1))
    np.testing.assert_equal((X, y), before)
