"""What `experiments` returns: PairedTable, the differences with their intervals and verdicts, and Sweep."""

import math
import re
from dataclasses import dataclass
from functools import partial

import numpy as np

from helpers.internal.arguments import array, describe, flag, integer, number, quoted
from helpers.internal.printing import Printed, decimals_for, digits_of

ROUNDING = 1e-12  # a difference below this share of the numbers compared is rounding, not a finding


class PairedTable(Printed):
    """Means over seeds, paired differences from the baseline, their intervals, and a verdict; prints as a table.

    values              {metric: {name: array over seeds}}, kept: `table.values["loss"]["plain"]`
    seeds               the integers that the arrays belong to
    baseline            the name that the others are compared with, the first if None
    references          names that stand below the others, for any of the metrics, with their mean alone
    compare_references  show the differences of the references too
    better              {metric: "higher" or "lower"}: the good direction
    simultaneous        False: each interval holds with 95 % by itself. True: all those shown hold together with
                        95 %, by Bonferroni's correction
    digits              how many decimals to print: an integer, or {metric: integer}

    With differences d_s over n seeds the interval is mean(d) ± t sd(d) / sqrt(n), with n - 1 in the sd and in the
    degrees of freedom of Student's t, of which t is the 97.5 % point.

    Decimals: as many as put the half width between 1.5 and 15 units of the last one, so that it has one or two digits.
    The means follow the widest interval of their metric. A difference gets up to two more where rounding would
    contradict its verdict. Numbers are rounded from 9 significant digits: 93.85 and 93.85000000000001 print alike.

    Raises TypeError or ValueError for bad input. Source: Student (1908), "The probable error of a mean"; Dunn (1961),
    "Multiple comparisons among means", for the correction.
    """

    def __init__(
        self,
        values,
        seeds,
        *,
        baseline=None,
        references=(),
        compare_references=False,
        better=None,
        simultaneous=False,
        digits=None,
    ):
        self.seeds, self.metrics = checked_seeds(seeds), list(_checked_values(values))
        self.values = {
            metric: {
                name: _series(metric, name, row, len(self.seeds)) for name, row in rows.items()
            }
            for metric, rows in values.items()
        }
        names = list(dict.fromkeys(name for rows in values.values() for name in rows))
        if isinstance(references, str) or not np.iterable(references):
            raise TypeError(
                f"references must be names such as ['null'], got {describe(references)}"
            )
        self.references = [_pick("references", name, names) for name in references]
        self.settings = [name for name in names if name not in self.references]
        check_names(dict.fromkeys(self.settings), baseline, {})
        _check_complete(self.values, self.settings)
        self.baseline = self.settings[0] if baseline is None else baseline
        self.better, self.digits = (
            checked_directions(better),
            checked_decimals(digits, self.metrics),
        )
        check_metrics(self.metrics, better=self.better, digits=self.digits)
        self.compare_references = flag("compare_references", compare_references)
        self.simultaneous = flag("simultaneous", simultaneous)

    def mean(self, metric, name):
        """The mean over seeds."""
        return _mean(self._row(metric, name))

    def difference(self, metric, name):
        """The mean over seeds of (value of `name`) - (value of the baseline with the same seed)."""
        return self._compare(metric, name).difference

    def interval(self, metric, name):
        """The half width of the interval around `difference`."""
        return self._compare(metric, name).half_width

    def verdict(self, metric, name):
        """What the interval says: "not separable" where it covers zero, else "better" or "worse".

        Where `better` names no good direction for the metric, it is "higher" or "lower" in their place.
        """
        return self._compare(metric, name).verdict(self.better.get(metric))

    def _row(self, metric, name):
        return _pick("name", name, _pick("metric", metric, self.values))

    def _compare(self, metric, name):
        a, b = self._row(metric, self.baseline), self._row(metric, name)
        rounding = ROUNDING * max(np.abs(a).max(), np.abs(b).max())
        return _Comparison(
            _mean(b - a),
            _half_width(b - a, len(self._shown()) if self.simultaneous else 1),
            rounding,
        )

    def _shown(self):
        """The comparisons of the table, as (metric, name)."""
        names = [*self.settings, *(self.references if self.compare_references else [])]
        names.remove(self.baseline)
        return [
            (metric, name) for metric, rows in self.values.items() for name in names if name in rows
        ]

    def _mean_decimals(self, metric):
        widest = max(self._compare(metric, name).spread for name in self.settings)
        return self.digits.get(metric, decimals_for(widest, self.mean(metric, self.baseline)))

    def _mean_cell(self, metric, name):
        return digits_of(self.mean(metric, name), self._mean_decimals(metric))

    def _comparison_cells(self, metric, name):
        if (metric, name) not in self._shown():
            return ["", ""]
        comparison = self._compare(metric, name)
        given = self.digits.get(metric)
        decimals = comparison.decimals(self._mean_decimals(metric)) if given is None else given
        numbers = comparison.difference, comparison.half_width
        return [" ± ".join(digits_of(x, decimals) for x in numbers), self.verdict(metric, name)]

    def _layout(self):
        """Titles, lines (level, label, cells) and the caption: a line per metric for two settings, else a block."""
        first, *others = sorted(self.settings, key=lambda name: name != self.baseline)
        two, lines = len(others) == 1, []
        blank = [""] if two else []  # a reference has one mean, below that of the baseline
        for metric, rows in self.values.items():
            means = [self._mean_cell(metric, name) for name in (first, *others)]
            lines.append(
                (0, metric, [*means, *self._comparison_cells(metric, others[0])] if two else None)
            )
            for name in [*([] if two else [first, *others]), *self.references]:
                if name in rows:
                    cells = [
                        self._mean_cell(metric, name),
                        *blank,
                        *self._comparison_cells(metric, name),
                    ]
                    lines.append((1, name, cells))
        return (
            [*([first, *others] if two else ["mean"]), "difference", "verdict"],
            lines,
            self._caption(),
        )

    def _caption(self):
        scope = "interval for each comparison, not simultaneous"
        if self.simultaneous:
            scope = f"intervals for all {len(self._shown())} comparisons together (Bonferroni)"
        return f'{len(self.seeds)} seeds. Difference from "{self.baseline}", paired by seed, ± 95 % {scope}.'


@dataclass(frozen=True)
class _Comparison:
    difference: float
    half_width: float
    rounding: float

    @property
    def separable(self):
        return abs(self.difference) > self.half_width + self.rounding

    def verdict(self, better):
        if not self.separable:
            return "not separable"
        direction = "higher" if self.difference > 0 else "lower"
        return {None: direction, direction: "better"}.get(better, "worse")

    @property
    def spread(self):
        """The half width, without what is rounding."""
        return self.half_width if self.half_width > self.rounding else 0.0

    def decimals(self, default):
        if not self.spread:
            return max(default, decimals_for(abs(self.difference))) if self.separable else default
        fewest = decimals_for(self.spread)
        return next(
            (d for d in range(fewest, fewest + 2) if self._printed_separable(d) == self.separable),
            fewest + 2,
        )

    def _printed_separable(self, decimals):
        return abs(float(digits_of(self.difference, decimals))) > float(
            digits_of(self.half_width, decimals)
        )


class Sweep(Printed):
    """What came out for each strength and seed: `values[metric]` has shape (K, seeds), row k for strengths[k].

    Prints as a table of means with their 95 % intervals: Student's t, each mean by itself, not paired.
    `better` is {metric: "higher" or "lower"}. Raises TypeError or ValueError for bad input.
    """

    def __init__(self, strengths, values, seeds, *, better=None):
        strengths, self.seeds, self.better = (
            checked_strengths(strengths),
            checked_seeds(seeds),
            checked_directions(better),
        )
        self.strengths = np.array(strengths)
        _check_rows(values, strengths)
        self.values = {
            metric: np.array(
                [
                    _series(metric, s, row, len(self.seeds))
                    for s, row in zip(strengths, rows, strict=True)
                ]
            )
            for metric, rows in values.items()
        }
        check_metrics(list(self.values), better=self.better)

    def mean(self, metric):
        """The means over seeds (K,)."""
        return np.array([_mean(row) for row in _pick("metric", metric, self.values)])

    def interval(self, metric):
        """The half widths (K,) of the 95 % intervals of these means: a band is mean ± interval."""
        return np.array([_half_width(row) for row in _pick("metric", metric, self.values)])

    def best_on(self, metric="validation loss", *, per_seed=False):
        """Return the strength with the best mean over seeds or, with `per_seed`, each seed's own best (seeds,).

        Choose on validation data, then read the test metric there once, with `at`. One strength for all seeds is honest
        where all seeds share one split. Where each seed draws its own, the validation examples of one seed are test
        examples of another: let each seed choose for itself, which also measures what choosing costs. The validation
        metric at the choice is too good, because it was chosen.

        A loss or an error is to be low and an accuracy high, unless `better` says otherwise. A tie goes to the first.
        Raises ValueError for a metric with the word "test" in its name, and where the good direction is unknown.
        """
        scores = _pick("metric", metric, self.values) * self._sign(metric)
        scores = (
            scores if flag("per_seed", per_seed) else np.array([[_mean(row)] for row in scores])
        )
        tied = scores >= scores.max(axis=0) - ROUNDING * np.abs(scores).max()
        best = self.strengths[tied.argmax(axis=0)]
        return best if per_seed else best[0].item()

    def at(self, metric, strength):
        """Return the values (seeds,) at one strength, or at each seed's own where `strength` is an array (seeds,).

        With them a comparison needs no further run:
        PairedTable({"test loss": {"none": s.at("test loss", 0.0), "chosen": s.at("test loss", s.best_on())}}, s.seeds).
        """
        chosen, strengths = np.ravel(strength).tolist(), self.strengths.tolist()
        if len(chosen) not in (1, len(self.seeds)):
            raise ValueError(
                f"strength must be one number, or one for each of {len(self.seeds)} seeds, got {len(chosen)}"
            )
        rows = [strengths.index(_pick("strength", s, strengths)) for s in chosen]
        return _pick("metric", metric, self.values)[
            np.broadcast_to(rows, len(self.seeds)), np.arange(len(self.seeds))
        ]

    def _sign(self, metric):
        if re.search(r"\btest\b", metric, re.IGNORECASE):
            raise ValueError(
                f"metric must not be one of the test set, which is read after the choice, got {metric!r}"
            )
        guesses = {"loss": "lower", "error": "lower", "accuracy": "higher"}
        guess = next((direction for word, direction in guesses.items() if word in metric), None)
        direction = self.better.get(metric, guess)
        if direction is None:
            raise ValueError(
                f"better must say whether {metric!r} is good when 'higher' or 'lower', got no word of it"
            )
        return 1 if direction == "higher" else -1

    def _layout(self):
        columns = [self._column(metric) for metric in self.values]
        lines = [
            (0, f"{s:g}", list(cells)) for s, *cells in zip(self.strengths, *columns, strict=True)
        ]
        caption = f"{len(self.seeds)} seeds. Mean ± 95 % interval for each mean, not paired, not simultaneous."
        return list(self.values), lines, caption

    def _column(self, metric):
        mean, half = self.mean(metric), self.interval(metric)
        size = np.abs(mean).max()
        decimals = decimals_for(half.max() if half.max() > ROUNDING * size else 0.0, size)
        return [
            f"{digits_of(m, decimals)} ± {digits_of(h, decimals)}"
            for m, h in zip(mean, half, strict=True)
        ]


# Numbers


def _mean(values):
    return float(np.mean(values))


def _half_width(values, comparisons=1):
    from scipy.special import stdtrit  # takes 0.2 s, which the workers need not spend

    n = len(values)
    return float(stdtrit(n - 1, 1 - 0.05 / comparisons / 2) * np.std(values, ddof=1) / math.sqrt(n))


# Bad input


def check_names(settings, baseline, references):
    """Raise TypeError or ValueError unless these are dicts by name, with two settings or more and a known baseline."""
    for argument, names in (("settings", settings), ("references", references)):
        if not isinstance(names, dict) or not all(isinstance(name, str) and name for name in names):
            raise TypeError(f"{argument} must be a dict with names as keys, got {describe(names)}")
    if len(settings) < 2:
        raise ValueError(f"settings must hold two or more names, got {list(settings)}")
    if baseline is not None:
        _pick("baseline", baseline, settings)
    if twice := [name for name in references if name in settings]:
        raise ValueError(
            f"references must have other names than settings, got {twice[0]!r} in both"
        )


def _check_complete(values, settings):
    for metric, rows in values.items():
        if missing := [name for name in settings if name not in rows]:
            raise ValueError(
                f"values must hold every setting for {metric!r}, got none for {missing[0]!r}"
            )


def check_metrics(metrics, **by_metric):
    """Raise ValueError where a dict by metric names one that is not there."""
    for argument, named in by_metric.items():
        for metric in named:
            if metric not in metrics:
                raise ValueError(
                    f"{argument} must be about {' or '.join(map(repr, metrics))}, got {metric!r}"
                )


def _pick(argument, key, choices):
    if not _among(key, choices):
        raise ValueError(
            f"{argument} must be one of {', '.join(map(repr, choices))}, got {quoted(key)}"
        )
    return choices[key] if isinstance(choices, dict) else key


def _among(key, choices):
    try:
        return key in choices
    except (TypeError, ValueError):  # a list has no hash, an array no single truth
        return False


def _checked_values(values):
    """`values` if it is {metric: {name: ...}}, with words for both."""
    expected = "values must be {metric: {name: array over seeds}}"
    if not isinstance(values, dict) or not values:
        raise TypeError(f"{expected}, got {describe(values)}")
    for metric, rows in values.items():
        if (
            not isinstance(metric, str)
            or not isinstance(rows, dict)
            or not all(isinstance(name, str) for name in rows)
        ):
            raise TypeError(f"{expected}, got {describe(rows)} for {describe(metric)}")
    return values


def _check_rows(values, strengths):
    expected = f"values must be {{metric: {len(strengths)} rows, one for each strength}}"
    if not isinstance(values, dict) or not values:
        raise TypeError(f"{expected}, got {describe(values)}")
    for metric, rows in values.items():
        if (
            not isinstance(metric, str)
            or not hasattr(rows, "__len__")
            or len(rows) != len(strengths)
        ):
            raise ValueError(f"{expected}, got {describe(rows)} for {describe(metric)}")


def _different(argument, values, check, expected, at_least):
    if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{argument} must be {expected}, got {describe(values)}")
    values = list(values)
    for value in values:
        check(f"each of {argument}", value)
    if len(values) < at_least:
        raise ValueError(f"{argument} must be {expected}, got {len(values)} of them")
    if twice := [value for value in values if values.count(value) > 1]:
        raise ValueError(f"{argument} must be different, got {twice[0]} more than once")
    return values


def checked_seeds(seeds):
    """`seeds` as a list of two or more different integers."""
    expected = "two or more integers such as range(10): one seed gives no interval"
    return [int(seed) for seed in _different("seeds", seeds, partial(integer, low=0), expected, 2)]


def checked_strengths(strengths):
    """`strengths` as a list of different numbers."""
    return _different("strengths", strengths, number, "numbers such as np.geomspace(1e-4, 1, 9)", 1)


def checked_directions(better):
    """`better` as a dict {metric: "higher" or "lower"}."""
    better = {} if better is None else better
    if not isinstance(better, dict) or not all(
        _among(value, ("higher", "lower")) for value in better.values()
    ):
        raise ValueError(f"better must be {{metric: 'higher' or 'lower'}}, got {quoted(better)}")
    return better


def checked_decimals(digits, metrics=()):
    """`digits` as a dict {metric: integer}; one integer counts for all `metrics`."""
    if not isinstance(digits, dict):
        digits = {} if digits is None else dict.fromkeys(metrics, integer("digits", digits))
    return {
        metric: integer(f"digits of {metric!r}", decimals) for metric, decimals in digits.items()
    }


def _series(metric, name, values, n):
    values = array(f"{metric!r} of {name!r}", values, ndim=1).astype(np.float64)
    if len(values) != n:
        raise ValueError(
            f"{metric!r} of {name!r} must have one number for each of the {n} seeds, got {len(values)}"
        )
    values.setflags(write=False)
    return values
