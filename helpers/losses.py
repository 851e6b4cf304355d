"""Losses: `value(prediction, target)` is a mean over the batch.

It is a mean, so that lambda means the same for every batch size. `backward()` is the gradient of
the last value.
"""

import numpy as np

from helpers.internal.arguments import array, describe, floats, rows


class _Loss:
    remembers = ()  # the names of what value leaves for backward

    def __getattr__(self, name):  # reached only where an attribute is missing
        if name in self.remembers:
            raise AttributeError(f"{type(self).__name__} has no {name!r} yet: call value first")
        return object.__getattribute__(self, name)  # raises with Python's own sentence


class MSELoss(_Loss):
    """L = mean of (prediction - target)^2 over all elements, as torch.nn.MSELoss. No factor 1/2.

    prediction and target have the same shape. Raises ValueError if the shapes differ: (N, 1) - (N,)
    would broadcast to (N, N).
    """

    remembers = ("error",)

    def value(self, prediction, target):
        """Return L, in squared units of the target."""
        prediction, target = _pair("prediction", prediction, target)
        self.error = prediction - target
        return float(np.mean(self.error**2))

    def backward(self):
        """Return dL/dprediction = 2 (prediction - target) / number of elements."""
        return 2 * self.error / self.error.size


class CrossEntropyLoss(_Loss):
    """L = -mean over n of sum over c of t[n, c] log softmax(logits[n])[c], in nats.

    logits are (N, C). The target is either the label of each example, integers (N,) from 0 to
    C - 1, or probabilities t (N, C) whose rows sum to one. Raises ValueError or TypeError for any
    other target. The same as torch.nn.CrossEntropyLoss.
    """

    remembers = ("softmax", "target")

    def value(self, logits, target):
        """Return L. The largest logit of each row is subtracted, so that exp cannot overflow."""
        logits = floats("logits", logits)
        if logits.ndim != 2 or logits.size == 0:
            raise ValueError(f"logits must have shape (N, C) with N >= 1, got {logits.shape}")
        self.target = self._probabilities(rows("target", target), logits)
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.softmax = np.exp(log_softmax)
        return float((self.target * -log_softmax).sum(axis=1).mean())

    def backward(self):
        """Return dL/dlogits = (softmax(logits) - t) / N, (N, C)."""
        return (self.softmax - self.target) / len(self.target)

    @staticmethod
    def _probabilities(target, logits):
        n, classes = logits.shape
        if target.shape == (n,):
            return _one_hot(target, classes).astype(logits.dtype)
        if target.shape != (n, classes):
            expected = f"({n},) or ({n}, {classes})"
            raise ValueError(f"target must have shape {expected}, got {target.shape}")
        target = floats("target", target)
        if (target < 0).any() or not np.allclose(target.sum(axis=1), 1):
            raise ValueError(
                "target must hold probabilities: rows of numbers >= 0 with sum 1, got other rows"
            )
        return target.astype(logits.dtype, copy=False)


class BCEWithLogitsLoss(_Loss):
    """L = mean of log(1 + exp(z)) - t z over all elements, in nats: binary cross-entropy.

    The logits z and the target t have the same shape, and t is between 0 and 1. Raises ValueError
    otherwise. The same as torch.nn.BCEWithLogitsLoss.
    """

    remembers = ("logits", "target")

    def value(self, logits, target):
        """Return L. log(1 + exp(z)) is computed as logaddexp(0, z), which cannot overflow."""
        logits, target = _pair("logits", logits, target)
        low = target.min()
        high = target.max()
        if low < 0 or high > 1:
            raise ValueError(f"target must be between 0 and 1, got {low} to {high}")
        self.logits = logits
        self.target = target
        return float(np.mean(np.logaddexp(0, logits) - target * logits))

    def backward(self):
        """Return dL/dz = (sigmoid(z) - t) / number of elements."""
        sigmoid = np.exp(-np.logaddexp(0, -self.logits))
        return (sigmoid - self.target) / self.target.size


def _one_hot(labels, classes):
    """Return t (N, C), True at the label of each example."""
    if labels.dtype.kind not in "iu":
        expected = "integer labels (N,) or probabilities (N, C)"
        raise TypeError(f"target must hold {expected}, got {describe(labels)}")
    low = labels.min()
    high = labels.max()
    if low < 0 or high >= classes:
        raise ValueError(f"target must hold labels 0 to {classes - 1}, got {low} to {high}")
    return labels[:, None] == np.arange(classes)


def _pair(name, prediction, target):
    prediction = floats(name, prediction)
    target = array("target", target)
    if prediction.shape != target.shape:
        expected = f"the shape of {name}, {prediction.shape}"
        raise ValueError(f"target must have {expected}, got {target.shape}")
    return prediction, target.astype(prediction.dtype, copy=False)
