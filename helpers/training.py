"""Training: `fit` repeats the step and keeps a History; EarlyStopping ends it and gives the best weights back."""

import math
import numbers
import os
from dataclasses import dataclass, field

import numpy as np
from tqdm.auto import tqdm  # a widget in a notebook: on stderr it would leave a red box behind

from helpers.data import minibatches
from helpers.internal.arguments import array, describe, flag, generator, integer, number
from helpers.internal.interrupts import HeldInterrupt, divergence, refuse_not_finite, stopped


@dataclass
class History:
    """What `fit` saw after each epoch, in evaluation mode on whole sets; entry 0 is after epoch 1.

    Losses are without the penalty. Accuracies are shares from 0 to 1, for integer labels only, else the lists stay
    empty; so do the validation lists without validation data. `best_epoch` counts from 1.
    """

    train_loss: list = field(default_factory=list)
    train_accuracy: list = field(default_factory=list)
    validation_loss: list = field(default_factory=list)
    validation_accuracy: list = field(default_factory=list)
    best_epoch: int | None = None

    @property
    def epochs(self):
        """How many epochs were trained."""
        return len(self.train_loss)

    def record(self, name, model, loss, X, y):
        """Append the loss of the set `name`, "train" or "validation", and its accuracy where y holds labels.

        Returns the loss.
        """
        outputs = predict(model, X)
        value = loss.value(outputs, y)
        getattr(self, f"{name}_loss").append(value)
        if _are_labels(y, outputs):
            getattr(self, f"{name}_accuracy").append(float(np.mean(outputs.argmax(axis=1) == y)))
        return value


class EarlyStopping:
    """Stop after `patience` epochs in a row without an improvement of more than `min_delta`; keep the best weights.

    The loss watched is the validation loss, in its own unit. One object may serve several runs: `fit` resets it.
    Raises ValueError unless patience >= 1 and min_delta >= 0.
    Source: Prechelt (1998), "Early stopping - but when?", section 2.
    """

    def __init__(self, patience, min_delta=0.0):
        self.patience = integer("patience", patience, low=1)
        self.min_delta = number("min_delta", min_delta, low=0)
        self.reset()

    def reset(self):
        """Forget all that was seen."""
        self.best_loss, self.best_epoch, self.best_state, self.epoch = math.inf, None, None, 0

    def update(self, validation_loss, model):
        """Take in the loss after one more epoch. Returns True when it is time to stop."""
        if not isinstance(validation_loss, numbers.Real) or validation_loss < math.inf:
            number(
                "validation_loss", validation_loss
            )  # nan and infinity pass: they are no improvement
        _check_methods("model", model, "Sequential(...)", "state", "load")
        self.epoch += 1
        if validation_loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch, self.best_state = (
                validation_loss,
                self.epoch,
                model.state(),
            )
        return self.epoch - (self.best_epoch or 0) >= self.patience

    def restore(self, model):
        """Put the weights of the best epoch back into the model."""
        if self.best_state is not None:
            model.load(self.best_state)


def fit(
    model,
    loss,
    optimizer,
    X,
    y,
    *,
    epochs,
    rng,
    batch_size=None,
    penalty=None,
    validation=None,
    early_stopping=None,
    progress=False,
):
    """Train `model` for `epochs` passes over X (N, ...) and y (N, ...), and return the History.

    One step is: zero the gradients, forward, loss + penalty, backward, update. Batches of `batch_size` examples (None:
    all at once) are drawn anew each epoch from `rng`. `validation` is a pair (X, y). With `early_stopping` the weights
    of its best epoch are put back at the end. The model is left in training mode. Raises TypeError or ValueError for
    what does not fit together.

    Where a loss stops being finite, FloatingPointError names the step; infinite weights under a finite loss are seen
    at the end of the epoch. The model keeps the weights that gave this loss (those of the best epoch, with
    `early_stopping`): make it and the optimizer anew.

    Stopped by Ctrl-C or the stop button, fit finishes the step and raises KeyboardInterrupt: no cell below runs as if
    the training were complete. The model keeps the weights of its last full step (of the best epoch, with
    `early_stopping`), and the exception's `history` holds the complete epochs: in a notebook
    `import sys; history = sys.last_value.history`. A second press stops in the middle of the step.
    """
    integer("epochs", epochs, low=0)
    flag("progress", progress)
    generator("rng", rng)
    _check_parts(model, loss, optimizer, penalty, early_stopping)
    sets = _sets(X, y, validation)
    if early_stopping is not None:
        if validation is None:
            raise ValueError(
                "early_stopping needs validation=(X, y): the training loss cannot say when to stop"
            )
        early_stopping.reset()
    history = History()
    try:
        with (
            HeldInterrupt() as stop,
            np.errstate(over="ignore", invalid="ignore"),
            _bar(epochs, progress) as bar,
        ):
            for _ in bar:
                _train_one_epoch(
                    model, loss, optimizer, *sets["train"], batch_size, penalty, rng, stop, history
                )
                _record_epoch(history, model, loss, optimizer, sets)
                if early_stopping is not None and early_stopping.update(
                    history.validation_loss[-1], model
                ):
                    break
    except KeyboardInterrupt as error:
        raise stopped(error, history) from None
    finally:
        if early_stopping is not None:
            early_stopping.restore(model)
            history.best_epoch = early_stopping.best_epoch
    return history


def predict(model, X):
    """Return model(X) in evaluation mode; the mode that the model was in is put back."""
    _check_methods("model", model, "Sequential(...)", "forward", "train", "eval")
    training = model.training
    model.eval()
    try:
        return model(X)
    finally:
        model.train(training)


def evaluate(model, loss, X, y):
    """Return the loss of the model on (X, y), without penalty, in evaluation mode.

    Raises FloatingPointError where it is not finite: the training of the model diverged.
    """
    _check_methods("loss", loss, "MSELoss()", "value", "backward")
    X, y = _pair(X, y)
    with np.errstate(over="ignore", invalid="ignore"):
        value = loss.value(predict(model, X), y)
    refuse_not_finite("the loss", value)
    return value


def accuracy(model, X, y):
    """Return the share of examples, 0 to 1, whose largest logit is at the label y (N,), in evaluation mode.

    Raises FloatingPointError where a logit is not finite: the largest of nan would be a label like any other.
    """
    X, y = _pair(X, y)
    with np.errstate(over="ignore", invalid="ignore"):
        logits = predict(model, X)
    if not _are_labels(y, logits):
        expected = "one integer label for each row of logits (N, C) with C >= 2"
        raise ValueError(f"y must hold {expected}, got {describe(y)} for outputs {logits.shape}")
    refuse_not_finite("a logit", logits)
    return float(np.mean(logits.argmax(axis=1) == y))


def _train_one_epoch(model, loss, optimizer, X, y, batch_size, penalty, rng, stop, history):
    model.train()
    params = optimizer.params
    batches = [slice(None)] if batch_size is None else minibatches(len(X), batch_size, rng)
    for step, batch in enumerate(batches, start=1):
        if stop.asked:
            raise KeyboardInterrupt(f"before step {step} of epoch {history.epochs + 1}")
        optimizer.zero_grad()
        value = loss.value(model(X[batch]), y[batch]) + (
            0.0 if penalty is None else penalty.value(params)
        )
        if not math.isfinite(value):
            raise divergence("loss", value, optimizer, history.epochs + 1, step)
        model.backward_parameters(loss.backward())
        if penalty is not None:
            penalty.backward(params)
        optimizer.step()


def _record_epoch(history, model, loss, optimizer, sets):
    for name, pair in sets.items():
        value = history.record(name, model, loss, *pair)
        if not math.isfinite(value):
            raise divergence(f"{name} loss", value, optimizer, history.epochs)
    if "validation" in sets:
        history.best_epoch = int(np.argmin(history.validation_loss)) + 1
    for p in optimizer.params:
        if not np.isfinite(p.data).all():  # tanh(inf) is 1: the loss need not tell
            raise divergence("largest weight", np.abs(p.data).max(), optimizer, history.epochs)


def _are_labels(y, outputs):
    return (
        y.dtype.kind in "iu"
        and outputs.ndim == 2
        and outputs.shape[1] > 1
        and y.shape == outputs.shape[:1]
    )


def _sets(X, y, validation):
    sets = {"train": _pair(X, y)}
    if validation is not None:
        if not isinstance(validation, (tuple, list)) or len(validation) != 2:
            raise TypeError(f"validation must be a pair (X, y), got {describe(validation)}")
        sets["validation"] = _pair(*validation, "validation ")
        if sets["validation"][0].shape[1:] != sets["train"][0].shape[1:]:
            expected = f"shape (N, {', '.join(map(str, sets['train'][0].shape[1:]))}), as X has"
            raise ValueError(
                f"validation X must have {expected}, got {sets['validation'][0].shape}"
            )
    return sets


def _pair(X, y, prefix=""):
    X = array(f"{prefix}X", X)
    array(f"{prefix}y", y)  # checked only: labels stay integers
    y = np.asarray(y)
    if X.ndim < 2:
        raise ValueError(f"{prefix}X must have shape (N, D) or (N, C, H, W), got {X.shape}")
    if X.shape[:1] != y.shape[:1]:
        raise ValueError(
            f"{prefix}X and {prefix}y must have the same length, got shapes {X.shape} and {y.shape}"
        )
    return X, y


def _check_parts(model, loss, optimizer, penalty, early_stopping):
    _check_methods(
        "model", model, "Sequential(...)", "forward", "backward_parameters", "parameters"
    )
    _check_methods("loss", loss, "MSELoss()", "value", "backward")
    _check_methods("optimizer", optimizer, "SGD(model.parameters(), lr=0.1)", "zero_grad", "step")
    if penalty is not None:
        _check_methods("penalty", penalty, "L2(0.01)", "value", "backward")
    if early_stopping is not None:
        _check_methods(
            "early_stopping", early_stopping, "EarlyStopping(5)", "reset", "update", "restore"
        )
    if not set(map(id, optimizer.params)) <= set(map(id, model.parameters())):
        raise ValueError(
            "optimizer must hold Parameters of this model, got others: make it anew for a new model"
        )


def _check_methods(name, value, example, *methods):
    if isinstance(value, type) or not all(hasattr(value, method) for method in methods):
        raise TypeError(f"{name} must be an object such as {example}, got {describe(value)}")


def _bar(epochs, progress):
    silent = not progress or os.environ.get("COURSE_PROGRESS") == "off"
    return tqdm(range(epochs), desc="training", unit="epoch", disable=silent)
