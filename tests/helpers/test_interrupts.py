"""The stop button and Ctrl-C: no half step, no complete epoch lost, and no cell below runs."""

import pickle
import signal
import threading
import time

import numpy as np
import pytest

from helpers.core import Layer, Sequential
from helpers.internal.interrupts import HeldInterrupt
from helpers.losses import CrossEntropyLoss
from helpers.optimizers import SGD
from helpers.training import EarlyStopping, fit
from tests.helpers.support.small_runs import labelled, network, rng, train

STOPPED = "training was stopped"
X, Y = labelled()  # 30 examples: four steps an epoch with batches of 8


@pytest.fixture(autouse=True)
def _ctrl_c_raises():
    """Let Ctrl-C raise, here and in programs started from here: in the background it may not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Press(Layer):
    """y = x; presses Ctrl-C in the n-th forward or backward of training, `times` times."""

    def __init__(self, n, where="forward", times=1):
        self.left = n
        self.where = where
        self.times = times

    def forward(self, x):
        self._count("forward")
        return x

    def backward(self, dy):
        self._count("backward")
        return dy

    def _count(self, where):
        self.left -= self.training and where == self.where
        if self.left == 0 and self.times:
            for _ in range(self.times):
                self.times -= 1
                signal.raise_signal(signal.SIGINT)


def pressed(n, where="forward", times=1, **options):
    """Train until the n-th step; returns the exception and the model."""
    model = Sequential(*network(0.5).layers, Press(n, where, times))
    with pytest.raises(KeyboardInterrupt) as caught:
        train(model, X, Y, **{"epochs": 6, "validation": (X, Y)} | options)
    return caught.value, model


def trained(steps):
    """The state after so many steps without a press, and the losses of the complete epochs."""
    model = Sequential(*network(0.5).layers)
    seen = []

    class Count(SGD):
        def step(self):
            super().step()
            seen.append(model.state())

    optimizer = Count(model.parameters(), 0.1, momentum=0.9)
    settings = {"epochs": 6, "batch_size": 8, "rng": rng(), "validation": (X, Y)}
    history = fit(model, CrossEntropyLoss(), optimizer, X, Y, **settings)
    return seen[steps - 1], history


@pytest.mark.parametrize("where", ["forward", "backward"])
@pytest.mark.parametrize(
    ("steps", "epochs", "when"),
    [
        (1, 0, "before step 2 of epoch 1"),
        (3, 0, "before step 4 of epoch 1"),
        (4, 1, "before step 1 of epoch 2"),
        (10, 2, "before step 3 of epoch 3"),
        (24, 6, "after the last epoch"),
    ],
)
def test_the_step_is_finished_and_the_complete_epochs_are_kept(steps, epochs, when, where):
    error, model = pressed(steps, where)
    state, whole = trained(steps)
    np.testing.assert_equal(model.state(), state)
    history = error.history
    assert history.train_loss == whole.train_loss[:epochs]
    assert history.validation_accuracy == whole.validation_accuracy[:epochs]
    assert history.epochs == epochs
    assert history.best_epoch == (int(np.argmin(history.validation_loss)) + 1 if epochs else None)
    assert model.training
    complete = f"{epochs} complete epoch{'' if epochs == 1 else 's'}"
    assert str(error) == f"{STOPPED} {when}: sys.last_value.history holds the {complete}"


def test_with_early_stopping_the_best_weights_so_far_are_put_back():
    stopping = EarlyStopping(10)
    error, model = pressed(10, early_stopping=stopping)
    best_epoch = int(np.argmin(error.history.validation_loss)) + 1
    assert error.history.best_epoch == stopping.best_epoch == best_epoch
    np.testing.assert_equal(model.state(), trained(4 * stopping.best_epoch)[0])


def test_training_goes_on_after_a_press():
    _, model = pressed(5)
    assert train(model, X, Y, epochs=1).epochs == 1


def test_a_second_press_gets_out_of_a_step_that_never_ends():
    error, _ = pressed(6, times=2)
    when = "in the middle of a step"
    assert str(error) == f"{STOPPED} {when}: sys.last_value.history holds the 1 complete epoch"


def test_a_press_in_the_evaluation_leaves_no_epoch_half_recorded():
    class PressInEvaluation(Press):
        def _count(self, where):
            if where == "forward" and not self.training and self.times:
                self.times = 0
                signal.raise_signal(signal.SIGINT)

    model = Sequential(PressInEvaluation(0), *network().layers)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(model, X, Y, epochs=2, validation=(X, Y))
    history = caught.value.history
    losses = (history.train_loss, history.validation_loss)
    accuracies = (history.train_accuracy, history.validation_accuracy)
    assert [len(values) for values in losses + accuracies] == [1] * 4
    assert model.training


def test_ctrl_c_is_pythons_again_afterwards():
    train(network(), X, Y)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    pressed(3)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(ValueError, match="x must have shape"):
        train(network(), X[:, :2], Y)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: None])
def test_a_program_that_handles_ctrl_c_itself_keeps_its_handler(handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        with HeldInterrupt() as stop:
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is handler
            assert not stop.asked
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_a_thread_fit_runs_as_ever():
    results = []
    thread = threading.Thread(target=lambda: results.append(train(network(), X, Y)))
    thread.start()
    thread.join()
    assert results == [train(network(), X, Y)]


def test_the_exception_goes_through_a_pickle_with_its_history():
    error, _ = pressed(10)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.history) == (str(error), error.history)


CELL = """
import numpy as np
from helpers.core import Sequential
from helpers.layers import Linear, ReLU
from helpers.losses import MSELoss
from helpers.optimizers import SGD
from helpers.training import fit
rng = np.random.default_rng(0)
model = Sequential(Linear(2, 50, rng), ReLU(), Linear(50, 1, rng))
optimizer, X = SGD(model.parameters(), 1e-3), rng.standard_normal((200, 2))
print("begun", flush=True)
history = fit(model, MSELoss(), optimizer, X, X[:, :1], epochs=10**9, rng=rng)
"""


NEXT_CELL = """
import sys
history = sys.last_value.history
print(history.epochs > 0, history.train_loss[-1] < 1)
"""


def test_the_stop_button_of_a_notebook():
    manager = pytest.importorskip("jupyter_client.manager")
    kernel, client = manager.start_new_kernel(kernel_name="python3")
    outputs = []

    def watch(message):
        content = message["content"]
        outputs.append(content.get("text") or content.get("evalue") or "")
        if outputs[-1] == "begun\n":
            time.sleep(0.3)
            kernel.interrupt_kernel()

    try:
        reply = client.execute_interactive(CELL, output_hook=watch, timeout=60)
        assert reply["content"]["status"] == "error"
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        assert reply["content"]["evalue"].startswith(f"{STOPPED} before step 1 of epoch ")
        client.execute_interactive(NEXT_CELL, output_hook=watch, timeout=60)
        assert "True True\n" in outputs
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
        kernel.cleanup_resources()
