"""Training that ends early: how Ctrl-C is held back, and the sentences about divergence."""

import signal
import threading

import numpy as np


class HeldInterrupt:
    """Hold Ctrl-C and JupyterLab's stop button back until a step is done: no half updates.

    Inside `with HeldInterrupt() as stop:` a press sets `stop.asked` instead of raising
    KeyboardInterrupt; look at it between steps. If nobody looked, the end of the block raises. A
    second press raises at once, which gets out of a step that never ends. A program that handles
    Ctrl-C itself keeps its handler, and threads other than the main one never see a
    KeyboardInterrupt: in both cases nothing is held back.
    """

    def __enter__(self):
        self.asked = False
        in_main_thread = threading.current_thread() is threading.main_thread()
        self.holding = (
            in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self.holding:
            signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, kind, *_):
        if self.holding:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self.asked and kind is None:
            raise KeyboardInterrupt("after the last epoch")

    def _press(self, number, frame):
        if self.asked:
            signal.default_int_handler(number, frame)
        self.asked = True


def stopped(error, history):
    """Return the KeyboardInterrupt with a sentence and the History.

    An error without a message comes from a second Ctrl-C, which interrupted a step.
    """
    when = error.args[0] if error.args else "in the middle of a step"
    epochs = "1 complete epoch" if history.epochs == 1 else f"{history.epochs} complete epochs"
    error.args = (f"training was stopped {when}: sys.last_value.history holds the {epochs}",)
    error.history = history
    return error


def divergence(name, value, optimizer, epoch, step=None):
    """Return the FloatingPointError that says what stopped being finite, when, and what to try."""
    standard = "a standard deviation near 1"
    if (epoch, step) == (1, 1):
        remedy = f"scale X and y to {standard}, or create a new model with smaller weights"
        return FloatingPointError(f"the {name} is {value} before the first update: {remedy}")
    when = f"after epoch {epoch}" if step is None else f"at step {step} of epoch {epoch}"
    remedy = f"try a smaller lr than {optimizer.lr:g}, or inputs with {standard}"
    return FloatingPointError(f"the {name} became {value} {when}: {remedy}")


def refuse_not_finite(name, values):
    """Raise FloatingPointError if a trained model gives nan or infinity."""
    if not np.isfinite(values).all():
        remedy = "create a new model and train it with a smaller lr"
        raise FloatingPointError(
            f"{name} is nan or infinite, because the training diverged: {remedy}"
        )
