"""Training: `fit` repeats the step; EarlyStopping ends it and puts the best weights back."""

import math
import os
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from tqdm.auto import tqdm  # a widget in a notebook: on stderr it would leave a red box

from helpers.data import minibatches
from helpers.internal.arguments import array, describe, flag, generator, integer, number
from helpers.internal.interrupts import HeldInterrupt, divergence, refuse_not_finite, stopped


@dataclass
class History:
    """What `fit` measured after each epoch: entry 0 is after epoch 1, `best_epoch` counts from 1.

    It measures in evaluation mode, on whole sets. Losses are without the penalty. Accuracies are
    shares from 0 to 1; without integer labels their lists stay empty, and so do the validation
    lists without validation data.
    """

    train_loss: list = field(default_factory=list)
    train_accuracy: list = field(default_factory=list)
    validation_loss: list = field(default_factory=list)
    validation_accuracy: list = field(default_factory=list)
    best_epoch: int | None = None

    @property
    def epochs(self):
        """The number of complete epochs."""
        return len(self.train_loss)

    def record(self, name, model, loss, X, y):
        """Append the loss of the set `name`, "train" or "validation", and return it.

        If y holds labels, append the accuracy too.
        """
        outputs = predict(model, X)
        value = loss.value(outputs, y)
        getattr(self, f"{name}_loss").append(value)
        if _are_labels(y, outputs):
            getattr(self, f"{name}_accuracy").append(_share_right(outputs, y))
        return value


class EarlyStopping:
    """Stop after `patience` epochs in a row without an improvement, and remember the best weights.

    An improvement is a validation loss that is lower by more than `min_delta`, in the unit of the
    loss. One object may serve several runs: `fit` resets it. Raises ValueError unless patience >= 1
    and min_delta >= 0. Source: Prechelt (1998), "Early stopping - but when?", section 2.
    """

    def __init__(self, patience, min_delta=0.0):
        self.patience = integer("patience", patience, low=1)
        self.min_delta = number("min_delta", min_delta, low=0)
        self.reset()

    def reset(self):
        """Forget everything, as before the first epoch."""
        self.epoch = 0
        self.best_epoch = None
        self.best_loss = math.inf
        self.best_state = None

    def update(self, validation_loss, model):
        """Take in the loss after one more epoch; return True when it is time to stop."""
        # The loss of a model that diverged passes: it is no improvement.
        if not _is_diverged(validation_loss):
            number("validation_loss", validation_loss)
        _check_methods("model", model, "Sequential(...)", "state", "load")
        self.epoch += 1
        if validation_loss < self.best_loss - self.min_delta:
            self.best_epoch = self.epoch
            self.best_loss = validation_loss
            self.best_state = model.state()
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

    One step is: zero the gradients, forward, loss + penalty, backward, update. Each epoch draws new
    batches of `batch_size` examples from `rng`; None takes all at once. `validation` is a pair
    (X, y). With `early_stopping` the weights of its best epoch are put back at the end. The model
    is left in training mode. Raises TypeError or ValueError if the arguments do not fit together.

    If a loss stops being finite, FloatingPointError names the step; infinite weights under a finite
    loss are noticed at the end of the epoch. The model keeps the weights that gave this loss (with
    `early_stopping`, those of the best epoch): create a new model and a new optimizer.

    On Ctrl-C or the stop button, fit finishes the step and raises KeyboardInterrupt, so that no
    cell below runs as if the training were complete. The model keeps the weights of its last full
    step (with `early_stopping`, those of the best epoch), and the exception's `history` holds the
    complete epochs: in a notebook `import sys; history = sys.last_value.history`. A second press
    stops in the middle of the step.
    """
    integer("epochs", epochs, low=0)
    flag("progress", progress)
    generator("rng", rng)
    _check_objects(model, loss, optimizer, penalty)
    _check_early_stopping(early_stopping, validation)
    sets = _checked_sets(X, y, validation)
    X, y = sets["train"]
    params = optimizer.params
    history = History()
    if early_stopping is not None:
        early_stopping.reset()
    with (
        _ending(model, history, early_stopping),
        HeldInterrupt() as stop,
        np.errstate(over="ignore", invalid="ignore"),  # divergence gets its own sentence
        _bar(epochs, progress) as bar,
    ):
        for epoch in bar:
            model.train()
            for step, batch in enumerate(_batches(len(X), batch_size, rng), start=1):
                if stop.asked:
                    raise KeyboardInterrupt(f"before step {step} of epoch {epoch}")
                optimizer.zero_grad()
                value = loss.value(model(X[batch]), y[batch])
                if penalty is not None:
                    value += penalty.value(params)
                if not math.isfinite(value):
                    raise divergence("loss", value, optimizer, epoch, step)
                model.backward_parameters(loss.backward())
                if penalty is not None:
                    penalty.backward(params)
                optimizer.step()
            _record_epoch(history, model, loss, optimizer, sets)
            if _is_time_to_stop(early_stopping, history, model):
                break
    return history


def predict(model, X):
    """Return model(X) in evaluation mode, and put the mode that the model was in back."""
    _check_methods("model", model, "Sequential(...)", "forward", "train", "eval")
    training = model.training
    model.eval()
    try:
        return model(X)
    finally:
        model.train(training)


def evaluate(model, loss, X, y):
    """Return the loss of the model on (X, y), without penalty, in evaluation mode.

    Raises FloatingPointError unless it is finite: the training of the model diverged.
    """
    _check_methods("loss", loss, "MSELoss()", "value", "backward")
    X, y = _checked_pair(X, y)
    with np.errstate(over="ignore", invalid="ignore"):
        value = loss.value(predict(model, X), y)
    refuse_not_finite("the loss", value)
    return value


def accuracy(model, X, y):
    """Return the share of examples, 0 to 1, whose largest logit is at the label y (N,).

    The model is in evaluation mode. Raises FloatingPointError unless all logits are finite: the
    largest of nan would be a label like any other.
    """
    X, y = _checked_pair(X, y)
    with np.errstate(over="ignore", invalid="ignore"):
        logits = predict(model, X)
    if not _are_labels(y, logits):
        expected = "one integer label for each row of logits (N, C) with C >= 2"
        raise ValueError(f"y must hold {expected}, got {describe(y)} for outputs {logits.shape}")
    refuse_not_finite("a logit", logits)
    return _share_right(logits, y)


@contextmanager
def _ending(model, history, early_stopping):
    """However the training ends: put the best weights back, and give Ctrl-C a sentence."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise stopped(error, history) from None
    finally:
        if early_stopping is not None:
            early_stopping.restore(model)
            history.best_epoch = early_stopping.best_epoch


def _bar(epochs, progress):
    silent = not progress or os.environ.get("COURSE_PROGRESS") == "off"
    return tqdm(range(1, epochs + 1), desc="training", unit="epoch", disable=silent)


def _batches(n, batch_size, rng):
    return [slice(None)] if batch_size is None else minibatches(n, batch_size, rng)


def _record_epoch(history, model, loss, optimizer, sets):
    for name, pair in sets.items():
        value = history.record(name, model, loss, *pair)
        if not math.isfinite(value):
            raise divergence(f"{name} loss", value, optimizer, history.epochs)
    if "validation" in sets:
        history.best_epoch = int(np.argmin(history.validation_loss)) + 1
    for p in optimizer.params:
        if not np.isfinite(p.data).all():  # the loss may stay finite: tanh(inf) is 1
            raise divergence("largest weight", np.abs(p.data).max(), optimizer, history.epochs)


def _is_time_to_stop(early_stopping, history, model):
    if early_stopping is None:
        return False
    return early_stopping.update(history.validation_loss[-1], model)


def _is_diverged(loss):
    """Is it nan or infinity, the loss of a model that diverged?"""
    return isinstance(loss, (float, np.floating)) and (math.isnan(loss) or loss == math.inf)


def _are_labels(y, outputs):
    integers = y.dtype.kind in "iu" and y.shape == outputs.shape[:1]
    return integers and outputs.ndim == 2 and outputs.shape[1] > 1


def _share_right(logits, y):
    return float(np.mean(logits.argmax(axis=1) == y))


def _checked_sets(X, y, validation):
    """Return {"train": (X, y)}, and "validation" if there is one, as arrays that fit together."""
    X, y = _checked_pair(X, y)
    if validation is None:
        return {"train": (X, y)}
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(f"validation must be a pair (X, y), got {describe(validation)}")
    X_val, y_val = _checked_pair(*validation, "validation ")
    if X_val.shape[1:] != X.shape[1:]:
        expected = f"shape (N, {', '.join(map(str, X.shape[1:]))}), as X has"
        raise ValueError(f"validation X must have {expected}, got {X_val.shape}")
    return {"train": (X, y), "validation": (X_val, y_val)}


def _checked_pair(X, y, prefix=""):
    X = array(f"{prefix}X", X)
    array(f"{prefix}y", y)  # only to check it: labels stay integers
    y = np.asarray(y)
    if X.ndim < 2:
        raise ValueError(f"{prefix}X must have shape (N, D) or (N, C, H, W), got {X.shape}")
    if X.shape[:1] != y.shape[:1]:
        names = f"{prefix}X and {prefix}y"
        raise ValueError(f"{names} must have the same length, got shapes {X.shape} and {y.shape}")
    return X, y


def _check_objects(model, loss, optimizer, penalty):
    trainable = ("forward", "backward_parameters", "parameters")
    _check_methods("model", model, "Sequential(...)", *trainable)
    _check_methods("loss", loss, "MSELoss()", "value", "backward")
    _check_methods("optimizer", optimizer, "SGD(model.parameters(), lr=0.1)", "zero_grad", "step")
    if penalty is not None:
        _check_methods("penalty", penalty, "L2(0.01)", "value", "backward")
    if not set(map(id, optimizer.params)) <= set(map(id, model.parameters())):
        remedy = "create a new optimizer for a new model"
        raise ValueError(f"optimizer must hold Parameters of this model, got others: {remedy}")


def _check_early_stopping(early_stopping, validation):
    if early_stopping is None:
        return
    methods = ("reset", "update", "restore")
    _check_methods("early_stopping", early_stopping, "EarlyStopping(5)", *methods)
    if validation is None:
        reason = "the training loss cannot say when to stop"
        raise ValueError(f"early_stopping needs validation=(X, y): {reason}")


def _check_methods(name, value, example, *methods):
    if isinstance(value, type) or not all(hasattr(value, method) for method in methods):
        raise TypeError(f"{name} must be an object such as {example}, got {describe(value)}")
