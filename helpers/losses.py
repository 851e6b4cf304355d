"""Losses: `value(prediction, target)` is a mean over the batch, so that lambda means the same for every batch size."""

import numpy as np

from helpers.internal.arguments import array, describe, floats, rows


class _Loss:
    def __getattr__(self, name):  # reached only where an attribute is missing
        raise AttributeError(
            f"{type(self).__name__} has no {name!r}; if backward needs it, call value first"
        )


class MSELoss(_Loss):
    """L = mean of (prediction - target)^2 over all elements, as torch.nn.MSELoss. No factor 1/2.

    prediction and target have the same shape. Raises ValueError where they have not: (N, 1) minus (N,) would be (N, N).
    """

    def value(self, prediction, target):
        """Return L, in squared units of the target."""
        prediction, target = _pair("prediction", prediction, target)
        self.error = prediction - target
        return float(np.mean(self.error**2))

    def backward(self):
        """Return dL/dprediction = 2 (prediction - target) / number of elements."""
        return 2 * self.error / self.error.size


class CrossEntropyLoss(_Loss):
    """L = -mean over n of sum over c of t[n, c] log softmax(logits[n])[c], in nats, as torch.nn.CrossEntropyLoss.

    logits are (N, C). The target is either the label of each example, integers (N,) from 0 to C - 1, or probabilities
    t (N, C) whose rows sum to one. Raises ValueError or TypeError for any other target.
    """

    def value(self, logits, target):
        """Return L. The largest logit of each row is subtracted first, so that exp cannot overflow."""
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
            if target.dtype.kind not in "iu":
                raise TypeError(
                    f"target must hold integer labels (N,) or probabilities (N, C), got {describe(target)}"
                )
            if target.min() < 0 or target.max() >= classes:
                raise ValueError(
                    f"target must hold labels 0 to {classes - 1}, got {target.min()} to {target.max()}"
                )
            return (target[:, None] == np.arange(classes)).astype(logits.dtype)
        if target.shape != (n, classes):
            raise ValueError(
                f"target must have shape ({n},) or ({n}, {classes}), got {target.shape}"
            )
        target = floats("target", target)
        if (target < 0).any() or not np.allclose(target.sum(axis=1), 1):
            raise ValueError(
                "target must hold probabilities: rows of numbers >= 0 with sum 1, got other rows"
            )
        return target.astype(logits.dtype, copy=False)


class BCEWithLogitsLoss(_Loss):
    """L = mean of log(1 + exp(z)) - t z over all elements, in nats: binary cross-entropy on logits z, as in PyTorch.

    logits z and target t have the same shape; t is between 0 and 1. Raises ValueError where not.
    """

    def value(self, logits, target):
        """Return L. log(1 + exp(z)) is computed as logaddexp(0, z), which cannot overflow."""
        logits, target = _pair("logits", logits, target)
        if target.min() < 0 or target.max() > 1:
            raise ValueError(
                f"target must be between 0 and 1, got {target.min()} to {target.max()}"
            )
        self.logits, self.target = logits, target
        return float(np.mean(np.logaddexp(0, logits) - target * logits))

    def backward(self):
        """Return dL/dz = (sigmoid(z) - t) / number of elements."""
        sigmoid = np.exp(-np.logaddexp(0, -self.logits))
        return (sigmoid - self.target) / self.target.size


def _pair(name, prediction, target):
    prediction, target = floats(name, prediction), array("target", target)
    if prediction.shape != target.shape:
        raise ValueError(
            f"target must have the shape of {name}, {prediction.shape}, got {target.shape}"
        )
    return prediction, target.astype(prediction.dtype, copy=False)
