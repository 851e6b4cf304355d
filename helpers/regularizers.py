"""Penalties on the size of the weights, and a converter between the conventions for their strength.

In the course the objective is (mean loss) + penalty, with lam/2 ||W||^2 for L2 and lam ||W||_1 for
L1, summed over the parameters with `decay` True: weights, never biases, gains or shifts.
"""

from dataclasses import dataclass

import numpy as np

from helpers.core import Parameter
from helpers.internal.arguments import describe, integer, number, quoted


class L2:
    """penalty = lam/2 * sum of w^2, with gradient lam w: the SQUARED norm.

    Raises ValueError unless lam >= 0.
    """

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
    """penalty = lam * sum of |w|, with gradient lam sign(w), which is 0 at w = 0.

    Raises ValueError unless lam >= 0.
    """

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
    """penalty = lam * (r * sum of |w| + (1 - r)/2 * sum of w^2), with r = l1_ratio.

    It is L1 for r = 1 and L2 for r = 0. Raises ValueError unless lam >= 0 and 0 <= l1_ratio <= 1.
    Source: Zou and Hastie (2005), in scikit-learn's scaling.
    """

    def __init__(self, lam, l1_ratio):
        self.lam = number("lam", lam, low=0)
        self.l1_ratio = number("l1_ratio", l1_ratio, low=0, high=1)

    def value(self, params):
        """Return the penalty, a float."""
        params = _decaying(params)
        l1, l2 = self._l1_and_l2()
        return l1.value(params) + l2.value(params)

    def backward(self, params):
        """Add lam (r sign(w) + (1 - r) w) to the grad of every parameter that decays."""
        params = _decaying(params)
        l1, l2 = self._l1_and_l2()
        l1.backward(params)
        l2.backward(params)

    def _l1_and_l2(self):
        return L1(self.lam * self.l1_ratio), L2(self.lam * (1 - self.l1_ratio))


def _decaying(params):
    params = list(params) if np.iterable(params) else [params]
    for p in params:
        if not isinstance(p, Parameter):
            expected = "Parameter objects such as model.parameters()"
            raise TypeError(f"params must be {expected}, got {describe(p)}")
    return [p for p in params if p.decay]


@dataclass(frozen=True)
class Convention:
    """One way to write a penalty: its objective, and lam = factor * m^power * value.

    m is the number of training examples; power is 0, or -1 if the data term is a sum over examples.
    If `inverse`, a larger value means a weaker penalty: lam = factor * m^power / value.
    """

    objective: str
    factor: float
    power: int = 0
    inverse: bool = False

    def convert(self, value, m):
        """Return lam for `value`; if `inverse`, the same formula gives the value for lam."""
        value = _strength("value", value, self)
        m = integer("m", m, low=1)
        scale = self.factor * float(m) ** self.power
        return scale / value if self.inverse else scale * value


# MSE is mean (y - f)^2, CE the mean cross-entropy, SSE and SCE the same as sums over the m
# examples. scikit-learn's networks divide by the size of each BATCH: with minibatches, m is
# batch_size. MSE is for one output.
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

    m is the number of training examples, needed if the data term is a sum. scikit-learn's Ridge,
    Lasso and MLPRegressor are for squared error, LogisticRegression and MLPClassifier for
    cross-entropy. Raises ValueError if the name is unknown or m is missing.

    >>> to_course(0.5, "no half")
    1.0
    >>> to_course(10, "sklearn Ridge alpha", m=200)
    0.1
    >>> to_course(0.5, "sklearn LogisticRegression C", m=100)
    0.02
    """
    row, m = _row(convention, m)
    return row.convert(value, m)


def from_course(lam, convention, m=None):
    """Return the strength in `convention` that means the same as lam: `to_course` reversed."""
    row, m = _row(convention, m)
    lam = _strength("lam", lam, row)
    return row.convert(lam, m) if row.inverse else lam / row.convert(1.0, m)


def _row(convention, m):
    if not isinstance(convention, str) or convention not in CONVENTIONS:
        known = ", ".join(CONVENTIONS)
        raise ValueError(f"convention must be one of {known}, got {quoted(convention)}")
    row = CONVENTIONS[convention]
    if m is None and row.power != 0:
        use = f"is needed for {convention!r}: {row.objective}"
        raise ValueError(f"m, the number of training examples, {use}, got None")
    return row, 1 if m is None else m


def _strength(name, value, row):
    if row.inverse:
        return number(name, value, above=0)
    return number(name, value, low=0)
