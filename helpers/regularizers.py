"""Penalties on the size of the weights, and a converter between the conventions for their strength.

In the course the objective is (mean loss) + penalty, with lam/2 ||W||^2 for L2 and lam ||W||_1 for L1, summed over the
parameters with `decay` True: weights, never biases, gains or shifts.
"""

from dataclasses import dataclass

import numpy as np

from helpers.core import Parameter
from helpers.internal.arguments import describe, integer, number, quoted


class L2:
    """penalty = lam/2 * sum of w^2, with gradient lam w: the SQUARED norm. Raises ValueError unless lam >= 0."""

    def __init__(self, lam):
        self.lam = number("lam", lam, low=0)

    def value(self, params):
        """Return the penalty, a float."""
        return self.lam / 2 * float(sum(np.sum(p.data**2) for p in _decaying(params)))

    def backward(self, params):
        """Add lam w to the grad of every parameter that decays."""
        for p in _decaying(params):
            p.grad += self.lam * p.data


class L1:
    """penalty = lam * sum of |w|, with gradient lam sign(w), and 0 at w = 0. Raises ValueError unless lam >= 0."""

    def __init__(self, lam):
        self.lam = number("lam", lam, low=0)

    def value(self, params):
        """Return the penalty, a float."""
        return self.lam * float(sum(np.sum(np.abs(p.data)) for p in _decaying(params)))

    def backward(self, params):
        """Add lam sign(w) to the grad of every parameter that decays."""
        for p in _decaying(params):
            p.grad += self.lam * np.sign(p.data)


class ElasticNet:
    """penalty = lam * (r * sum of |w| + (1 - r)/2 * sum of w^2), with r = l1_ratio: L1 for r = 1, L2 for r = 0.

    Raises ValueError unless lam >= 0 and 0 <= l1_ratio <= 1. Source: Zou and Hastie (2005), in scikit-learn's scaling.
    """

    def __init__(self, lam, l1_ratio):
        self.lam = number("lam", lam, low=0)
        self.l1_ratio = number("l1_ratio", l1_ratio, low=0, high=1)

    def value(self, params):
        """Return the penalty, a float."""
        params = _decaying(params)
        return sum(part.value(params) for part in self._parts())

    def backward(self, params):
        """Add lam (r sign(w) + (1 - r) w) to the grad of every parameter that decays."""
        params = _decaying(params)
        for part in self._parts():
            part.backward(params)

    def _parts(self):
        return L1(self.lam * self.l1_ratio), L2(self.lam * (1 - self.l1_ratio))


def _decaying(params):
    params = list(params) if np.iterable(params) else [params]
    for p in params:
        if not isinstance(p, Parameter):
            raise TypeError(
                f"params must be Parameter objects such as model.parameters(), got {describe(p)}"
            )
    return [p for p in params if p.decay]


@dataclass(frozen=True)
class Convention:
    """One way to write a penalty: its objective, and lam = factor * value * m^power (or over value, where `inverse`).

    m is the number of training examples; power is 0, or -1 where the data term is a sum over examples.
    """

    objective: str
    factor: float
    power: int = 0
    inverse: bool = False

    def convert(self, value, m):
        """Return lam for `value`; the same formula leads back where `inverse`."""
        value, m = _strength("value", value, self), integer("m", m, low=1)
        scale = self.factor * float(m) ** self.power
        return scale / value if self.inverse else scale * value


# MSE is mean (y - f)^2, CE the mean cross-entropy, SSE and SCE the same as sums over the m examples.
# scikit-learn's networks divide by the size of each BATCH: with minibatches, m is batch_size. MSE is for one output.
CONVENTIONS = {
    "course L2": Convention("mean loss + lam/2 ||w||^2", 1.0),
    "no half": Convention("mean loss + value ||w||^2", 2.0),
    "lambda/(2m)": Convention("mean loss + value/(2m) ||w||^2", 1.0, power=-1),
    "keras.regularizers.L2": Convention("mean loss + value ||w||^2", 2.0),
    "torch.optim.SGD weight_decay": Convention("mean loss, gradient + value w", 1.0),
    "sklearn Ridge alpha": Convention("SSE + value ||w||^2", 2.0, power=-1),
    "sklearn LogisticRegression C": Convention(
        "value SCE + 1/2 ||w||^2", 1.0, power=-1, inverse=True
    ),
    "sklearn MLPClassifier alpha": Convention("CE + value/(2m) ||w||^2", 1.0, power=-1),
    "sklearn MLPRegressor alpha": Convention("MSE/2 + value/(2m) ||w||^2", 2.0, power=-1),
    "course L1": Convention("mean loss + lam ||w||_1", 1.0),
    "keras.regularizers.L1": Convention("mean loss + value ||w||_1", 1.0),
    "sklearn Lasso alpha": Convention("MSE/2 + value ||w||_1", 2.0),
}


def to_course(value, convention, m=None):
    """Return the course's lam for a strength written in another `convention`, a key of CONVENTIONS.

    m is the number of training examples, needed where the data term is a sum. scikit-learn's Ridge, Lasso
    and MLPRegressor are for squared error, LogisticRegression and MLPClassifier for cross-entropy. Raises ValueError
    for an unknown name and without m.
    """
    row, m = _row(convention, m)
    return row.convert(_strength("value", value, row), m)


def from_course(lam, convention, m=None):
    """Return the strength in `convention` that means the same as the course's lam: the inverse of `to_course`."""
    row, m = _row(convention, m)
    lam = _strength("lam", lam, row)
    return row.convert(lam, m) if row.inverse else lam / row.convert(1.0, m)


def _row(convention, m):
    if not isinstance(convention, str) or convention not in CONVENTIONS:
        raise ValueError(
            f"convention must be one of {', '.join(CONVENTIONS)}, got {quoted(convention)}"
        )
    row = CONVENTIONS[convention]
    if row.power and m is None:
        sentence = (
            f"m, the number of training examples, is needed for {convention!r}: {row.objective}"
        )
        raise ValueError(f"{sentence}, got None")
    return row, 1 if m is None else integer("m", m, low=1)


def _strength(name, value, row):
    return number(name, value, above=0) if row.inverse else number(name, value, low=0)
