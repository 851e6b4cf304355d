"""Training that ends before its time: how the stop button is heeded, and the sentences about divergence."""

import signal
import threading

import numpy as np


class HeldInterrupt:
    """Hold Ctrl-C, and JupyterLab's stop button, back until a step is done: no weights are left half updated.

    Inside of `with HeldInterrupt() as stop:` a press sets `stop.asked` in place of raising KeyboardInterrupt; look at
    it between steps. Where nobody looked, the end of the block raises. A second press raises at once, which gets out
    of a step that never ends. A program with its own handling of Ctrl-C keeps it, and threads other than the main one
    never see a KeyboardInterrupt: nothing is done in either.
    """

    def __enter__(self):
        self.asked = False
        main = threading.current_thread() is threading.main_thread()
        self.holding = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
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
    """Return the KeyboardInterrupt with a sentence and the History; it came without words if a step was cut in two."""
    when = error.args[0] if error.args else "in the middle of a step"
    epochs = f"{history.epochs} epoch{'' if history.epochs == 1 else 's'}"
    error.args = (f"training was stopped {when}: sys.last_value.history holds the {epochs} before",)
    error.history = history
    return error


def divergence(name, value, optimizer, epoch, step=None):
    """Return the FloatingPointError that says what stopped being finite, when, and what to try."""
    if (epoch, step) == (1, 1):
        remedy = "scale X and y to a standard deviation near 1, or make the model anew with smaller weights"
        return FloatingPointError(f"the {name} is {value} before the first update: {remedy}")
    when = f"after epoch {epoch}" if step is None else f"at step {step} of epoch {epoch}"
    remedy = f"try a smaller lr than {optimizer.lr:g}, or inputs with a standard deviation near 1"
    return FloatingPointError(f"the {name} became {value} {when}: {remedy}")


def refuse_not_finite(name, values):
    """Raise FloatingPointError where a trained model gives what is no finite number."""
    if not np.isfinite(values).all():
        remedy = "make the model anew and train it with a smaller lr"
        raise FloatingPointError(
            f"{name} is nan or infinite, because the training diverged: {remedy}"
        )
