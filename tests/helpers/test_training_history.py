"""What fit, evaluate and accuracy record: modes, the History, kinds of input, the progress bar."""

import copy

import numpy as np
import pytest

from helpers.core import Sequential
from helpers.layers import Conv2d, Flatten, Linear, ReLU
from helpers.losses import CrossEntropyLoss
from helpers.regularizers import L2
from helpers.training import accuracy, evaluate, predict
from tests.helpers.support.small_runs import labelled, network, rng, train


def test_recording_is_in_evaluation_mode_and_the_model_is_left_in_training_mode():
    X, y = labelled()
    model = network(0.5).eval()
    history = train(model, X, y, validation=(X[:9], y[:9]))
    one_epoch = [True] * 4 + [False] * 2  # 4 batches, then both sets
    assert model.layers[0].modes == one_epoch * 4
    assert all(part.training for part in [model, *model.layers])
    assert history.train_loss[-1] == evaluate(model, CrossEntropyLoss(), X, y)
    assert history.validation_loss[-1] == evaluate(model, CrossEntropyLoss(), X[:9], y[:9])
    assert history.train_accuracy[-1] == accuracy(model, X, y)
    assert history.validation_accuracy[-1] == accuracy(model, X[:9], y[:9])


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize(
    "ask", [predict, accuracy, lambda model, X, y: evaluate(model, CrossEntropyLoss(), X, y)]
)
def test_asking_for_a_result_repeats_itself_and_puts_the_mode_back(mode, ask):
    X, y = labelled()
    model = network(0.5).train(mode)
    data = (X,) if ask is predict else (X, y)
    np.testing.assert_array_equal(ask(model, *data), ask(copy.deepcopy(model).eval(), *data))
    with pytest.raises(ValueError, match="x must have shape"):
        ask(model, X[:, :2], *data[1:])
    assert [part.training for part in [model, *model.layers]] == [mode] * 6


def test_accuracy_by_hand():
    model = Sequential()
    logits = np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0], [1.0, 0.0]])
    assert accuracy(model, logits, np.array([0, 1, 1, 1])) == 0.5
    assert accuracy(model, logits, [0, 1, 0, 0]) == 1


@pytest.mark.parametrize("validation", [True, False])
@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("epochs", [0, 1, 3])
def test_lengths_of_the_history(validation, labels, epochs):
    X, y = labelled()
    model = network()
    y = y if labels else np.eye(3)[y]
    history = train(model, X, y, epochs=epochs, validation=(X, y) if validation else None)
    both = validation * epochs
    losses = (history.train_loss, history.validation_loss)
    accuracies = (history.train_accuracy, history.validation_accuracy)
    assert [len(values) for values in losses] == [epochs, both]
    assert [len(values) for values in accuracies] == [labels * epochs, labels * both]
    assert {type(value) for values in losses + accuracies for value in values} <= {float}
    assert history.epochs == epochs
    assert history.best_epoch == (int(np.argmin(history.validation_loss)) + 1 if both else None)


def test_lists_and_integers_are_read_as_arrays():
    X, y = labelled()
    X = np.round(10 * X)
    expected = train(network(), X, y, validation=(X, y))
    for data in ((X.tolist(), y.tolist()), (X.astype(int), y)):
        assert train(network(), *data, validation=data) == expected


def test_float32_stays_float32():
    X, y = labelled(dtype=np.float32)
    model = network(0.5, np.float32)
    history = train(model, X, y, penalty=L2(0.1))
    arrays = [*model.state(), *model.layers[0].inputs]
    assert {values.dtype for values in arrays} == {np.dtype(np.float32)}
    assert type(history.train_loss[0]) is float


def test_a_network_of_images_learns():
    X = rng().standard_normal((40, 1, 6, 6))
    y = np.arange(40) % 2
    X[y == 1, :, :, 3:] += 2
    model = Sequential(Conv2d(1, 2, 3, rng(1)), ReLU(), Flatten(), Linear(32, 2, rng(2)))
    history = train(model, X, y, epochs=20, validation=(X[:8], y[:8]))
    assert history.train_loss[-1] < 0.1 < history.train_loss[0]
    assert history.train_accuracy[-1] == accuracy(model, X, y) == 1


@pytest.mark.parametrize(
    ("options", "variable", "shown"),
    [
        ({"progress": True}, None, True),
        ({"progress": True}, "off", False),
        ({"progress": False}, None, False),
        ({}, None, False),
    ],
)
def test_progress_goes_to_stderr_and_can_be_silenced(options, variable, shown, monkeypatch, capsys):
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    if variable:
        monkeypatch.setenv("COURSE_PROGRESS", variable)
    train(network(), *labelled(), **options)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("training: 100%" in err and "4/4" in err) if shown else err == ""
