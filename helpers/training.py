"""Training: `fit` repeats the step and keeps a History; EarlyStopping ends it and gives the best weights back."""

import math
import os
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from helpers.arguments import generator, integer, number, show
from helpers.data import minibatches


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
        """Append the loss of the set `name`, "train" or "validation", and its accuracy where y holds labels."""
        outputs = predict(model, X)
        getattr(self, f"{name}_loss").append(loss.value(outputs, y))
        if _labels(y, outputs):
            getattr(self, f"{name}_accuracy").append(float(np.mean(outputs.argmax(axis=1) == y)))


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
        self.epoch += 1
        if validation_loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch, self.best_state = validation_loss, self.epoch, model.state()
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
    of its best epoch are put back at the end. Raises ValueError for unequal lengths or missing validation data,
    FloatingPointError with the step where the loss stops being finite.
    """
    integer("epochs", epochs, low=0)
    generator("rng", rng)
    _check_set("X", X, "y", y)
    if early_stopping is not None and validation is None:
        raise ValueError("early_stopping needs validation=(X, y): the training loss cannot say when to stop")
    if validation is not None:
        _check_pair(validation)
    if early_stopping is not None:
        early_stopping.reset()
    history = History()
    with np.errstate(over="ignore", invalid="ignore"), _bar(epochs, progress) as bar:
        for _ in bar:
            _train_one_epoch(model, loss, optimizer, X, y, batch_size, penalty, rng, history.epochs + 1)
            history.record("train", model, loss, X, y)
            if validation is not None:
                history.record("validation", model, loss, *validation)
                history.best_epoch = int(np.argmin(history.validation_loss)) + 1
            if early_stopping is not None and early_stopping.update(history.validation_loss[-1], model):
                break
    if early_stopping is not None:
        early_stopping.restore(model)
        history.best_epoch = early_stopping.best_epoch
    return history


def predict(model, X):
    """Return model(X) in evaluation mode; the mode that the model was in is put back."""
    training = model.training
    model.eval()
    try:
        return model(X)
    finally:
        model.train(training)


def evaluate(model, loss, X, y):
    """Return the loss of the model on (X, y), without penalty, in evaluation mode."""
    _check_set("X", X, "y", y)
    return loss.value(predict(model, X), y)


def accuracy(model, X, y):
    """Return the share of examples, 0 to 1, whose largest logit is at the label y (N,), in evaluation mode."""
    _check_set("X", X, "y", y)
    logits = predict(model, X)
    if not _labels(y, logits):
        raise ValueError(f"y must hold one integer label for each row of the logits {logits.shape}, got {show(y)}")
    return float(np.mean(logits.argmax(axis=1) == y))


def _train_one_epoch(model, loss, optimizer, X, y, batch_size, penalty, rng, epoch):
    model.train()
    params = optimizer.params
    batches = [slice(None)] if batch_size is None else minibatches(len(X), batch_size, rng)
    for step, batch in enumerate(batches, start=1):
        optimizer.zero_grad()
        value = loss.value(model(X[batch]), y[batch]) + (penalty.value(params) if penalty else 0.0)
        if not math.isfinite(value):
            raise FloatingPointError(
                f"the loss became {value} at step {step} of epoch {epoch}: try a smaller lr than {optimizer.lr:g}"
            )
        model.backward(loss.backward())
        if penalty:
            penalty.backward(params)
        optimizer.step()


def _labels(y, outputs):
    return np.asarray(y).dtype.kind in "iu" and outputs.ndim == 2 and np.shape(y) == outputs.shape[:1]


def _check_pair(validation):
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(f"validation must be a pair (X, y), got {show(validation)}")
    _check_set("validation X", validation[0], "validation y", validation[1])


def _check_set(name_X, X, name_y, y):
    if np.ndim(X) < 2 or len(X) == 0:
        raise ValueError(f"{name_X} must have shape (N, ...) with N >= 1, got {np.shape(X)}")
    if np.ndim(y) < 1 or len(X) != len(y):
        raise ValueError(f"{name_X} and {name_y} must have the same length, got {len(X)} and {np.shape(y)}")


def _bar(epochs, progress):
    silent = not progress or os.environ.get("COURSE_PROGRESS") == "off"
    return tqdm(range(epochs), desc="training", unit="epoch", disable=silent)
