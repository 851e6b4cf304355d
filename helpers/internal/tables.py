"""What `experiments` returns: PairedTable, differences with intervals and verdicts, and Sweep."""

import math
import re
from dataclasses import dataclass

import numpy as np

from helpers.internal.arguments import describe, flag
from helpers.internal.printing import Printed, decimals_for, digits_of
from helpers.internal.table_checks import (
    check_complete,
    check_metrics,
    check_names,
    check_rows,
    checked_decimals,
    checked_directions,
    checked_seeds,
    checked_series,
    checked_strengths,
    checked_values,
    pick,
)

ROUNDING = 1e-12  # a difference below this share of the numbers compared is rounding, not a finding


class PairedTable(Printed):
    """Means over seeds, paired differences from the baseline, their intervals and verdicts.

    values              {metric: {name: array over seeds}}, kept: `table.values["loss"]["plain"]`
    seeds               the integers that the arrays belong to
    baseline            the name that the others are compared with, the first if None
    references          names that stand below the others, for any of the metrics, only their mean
    compare_references  show the differences of the references too
    better              {metric: "higher" or "lower"}: the good direction
    simultaneous        False: each interval holds with 95 % by itself. True: all those shown hold
                        together with 95 %, by Bonferroni's correction
    digits              how many decimals to print: an integer, or {metric: integer}

    With differences d_s over n seeds the interval is mean(d) ± t sd(d) / sqrt(n), with n - 1 in the
    sd and in the degrees of freedom of Student's t, of which t is the 97.5 % point.

    The table prints as many decimals as put the half width between 1.5 and 15 units of the last
    one, so that it has one or two digits. The means follow the widest interval of their metric.
    A difference gets up to two more if rounding would contradict its verdict. Numbers are rounded
    from 9 significant digits: 93.85 and 93.85000000000001 print alike.

    Raises TypeError or ValueError for bad input. Source: Student (1908), "The probable error of a
    mean"; Dunn (1961), "Multiple comparisons among means", for the correction.
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
        self.seeds = checked_seeds(seeds)
        self.metrics = list(checked_values(values))
        self.values = {metric: self._checked(metric, rows) for metric, rows in values.items()}
        names = list(dict.fromkeys(name for rows in values.values() for name in rows))
        if isinstance(references, str) or not np.iterable(references):
            expected = "references must be names such as ['null']"
            raise TypeError(f"{expected}, got {describe(references)}")
        self.references = [pick("references", name, names) for name in references]
        self.settings = [name for name in names if name not in self.references]
        check_names(dict.fromkeys(self.settings), baseline, {})
        check_complete(self.values, self.settings)
        self.baseline = self.settings[0] if baseline is None else baseline
        self.better = checked_directions(better)
        self.digits = checked_decimals(digits, self.metrics)
        check_metrics(self.metrics, better=self.better, digits=self.digits)
        self.compare_references = flag("compare_references", compare_references)
        self.simultaneous = flag("simultaneous", simultaneous)

    def _checked(self, metric, rows):
        count = len(self.seeds)
        return {name: checked_series(metric, name, row, count) for name, row in rows.items()}

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
        """What the interval says: "not separable" if it covers zero, otherwise "better" or "worse".

        If `better` does not name the good direction of the metric, it says "higher" or "lower".
        """
        return self._compare(metric, name).verdict(self.better.get(metric))

    def _row(self, metric, name):
        return pick("name", name, pick("metric", metric, self.values))

    def _compare(self, metric, name):
        a = self._row(metric, self.baseline)
        b = self._row(metric, name)
        together = len(self._shown()) if self.simultaneous else 1
        rounding = ROUNDING * max(np.abs(a).max(), np.abs(b).max())
        return _Comparison(_mean(b - a), _half_width(b - a, together), rounding)

    def _shown(self):
        """The comparisons of the table, as (metric, name)."""
        compared = [*self.settings, *(self.references if self.compare_references else [])]
        compared.remove(self.baseline)
        by_metric = self.values.items()
        return [(metric, name) for metric, rows in by_metric for name in compared if name in rows]

    def _mean_decimals(self, metric):
        widest = max(self._compare(metric, name).spread for name in self.settings)
        return self.digits.get(metric, decimals_for(widest, self.mean(metric, self.baseline)))

    def _mean_cell(self, metric, name):
        return digits_of(self.mean(metric, name), self._mean_decimals(metric))

    def _comparison_cells(self, metric, name):
        if (metric, name) not in self._shown():
            return ["", ""]
        comparison = self._compare(metric, name)
        decimals = self.digits.get(metric)
        if decimals is None:
            decimals = comparison.decimals(self._mean_decimals(metric))
        difference = digits_of(comparison.difference, decimals)
        half_width = digits_of(comparison.half_width, decimals)
        return [f"{difference} ± {half_width}", self.verdict(metric, name)]

    def _layout(self):
        """Titles, lines (level, label, cells) and the caption; the baseline comes first."""
        names = sorted(self.settings, key=lambda name: name != self.baseline)
        if len(names) == 2:
            means = names
            lines_of = self._line_per_metric
        else:
            means = ["mean"]
            lines_of = self._block_per_metric
        lines = [line for metric in self.values for line in lines_of(metric, names)]
        return [*means, "difference", "verdict"], lines, self._caption()

    def _line_per_metric(self, metric, names):
        """One line with both settings, and the references below the mean of the baseline."""
        means = [self._mean_cell(metric, name) for name in names]
        yield 0, metric, [*means, *self._comparison_cells(metric, names[1])]
        for name in self._references_of(metric):
            cells = [self._mean_cell(metric, name), "", *self._comparison_cells(metric, name)]
            yield 1, name, cells

    def _block_per_metric(self, metric, names):
        """The metric's name, and below it a line for each setting and each reference."""
        yield 0, metric, None
        for name in [*names, *self._references_of(metric)]:
            yield 1, name, [self._mean_cell(metric, name), *self._comparison_cells(metric, name)]

    def _references_of(self, metric):
        return [name for name in self.references if name in self.values[metric]]

    def _caption(self):
        scope = "interval for each comparison, not simultaneous"
        if self.simultaneous:
            scope = f"intervals for all {len(self._shown())} comparisons together (Bonferroni)"
        compared = f'Difference from "{self.baseline}", paired by seed'
        return f"{len(self.seeds)} seeds. {compared}, ± 95 % {scope}."


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
        if better is None:
            return direction
        return "better" if direction == better else "worse"

    @property
    def spread(self):
        """The half width, or 0 if it is rounding."""
        return self.half_width if self.half_width > self.rounding else 0.0

    def decimals(self, default):
        """How many decimals the difference needs to agree with its verdict."""
        if self.spread:
            return self._enough_decimals(decimals_for(self.spread))
        return max(default, decimals_for(abs(self.difference))) if self.separable else default

    def _enough_decimals(self, fewest):
        for decimals in (fewest, fewest + 1):
            if self._looks_separable(decimals) == self.separable:
                return decimals
        return fewest + 2

    def _looks_separable(self, decimals):
        difference = float(digits_of(self.difference, decimals))
        return abs(difference) > float(digits_of(self.half_width, decimals))


class Sweep(Printed):
    """What came out for each strength and seed: `values[metric]` has shape (K, seeds).

    Prints as a table of means with their 95 % intervals: Student's t, each mean by itself, not
    paired. `better` is {metric: "higher" or "lower"}. Raises TypeError or ValueError for bad input.
    """

    def __init__(self, strengths, values, seeds, *, better=None):
        strengths = checked_strengths(strengths)
        self.strengths = np.array(strengths)
        self.seeds = checked_seeds(seeds)
        self.better = checked_directions(better)
        check_rows(values, strengths)
        self.values = {
            metric: self._checked(metric, strengths, rows) for metric, rows in values.items()
        }
        check_metrics(list(self.values), better=self.better)

    def _checked(self, metric, strengths, rows):
        pairs = zip(strengths, rows, strict=True)
        count = len(self.seeds)
        return np.array([checked_series(metric, strength, row, count) for strength, row in pairs])

    def mean(self, metric):
        """The means over seeds (K,)."""
        return np.array([_mean(row) for row in pick("metric", metric, self.values)])

    def interval(self, metric):
        """The half widths (K,) of the 95 % intervals of these means: a band is mean ± interval."""
        return np.array([_half_width(row) for row in pick("metric", metric, self.values)])

    def best_on(self, metric="validation loss", *, per_seed=False):
        """Return the strength with the best mean or, with `per_seed`, each seed's best (seeds,).

        Choose on validation data, then read the test metric there once, with `at`. One strength for
        all seeds is honest if all seeds share one split. If each seed draws its own, the validation
        examples of one seed are test examples of another: let each seed choose for itself, which
        also measures what choosing costs. The validation metric at the choice is too good, because
        it was chosen.

        A loss or an error is to be low and an accuracy high, unless `better` says otherwise. A tie
        goes to the first. Raises ValueError for a metric with the word "test" in its name, and if
        the good direction is unknown.
        """
        scores = pick("metric", metric, self.values) * self._sign(metric)
        if not flag("per_seed", per_seed):
            scores = np.array([[_mean(row)] for row in scores])
        tied = scores >= scores.max(axis=0) - ROUNDING * np.abs(scores).max()
        best = self.strengths[tied.argmax(axis=0)]
        return best if per_seed else best[0].item()

    def at(self, metric, strength):
        """Return the values (seeds,) at one strength, or at each seed's own from an array (seeds,).

        With them a comparison needs no further run:

            chosen = s.best_on("validation loss")
            rows = {"none": s.at("test loss", 0.0), "chosen": s.at("test loss", chosen)}
            PairedTable({"test loss": rows}, s.seeds)
        """
        chosen = np.ravel(strength).tolist()
        strengths = self.strengths.tolist()
        count = len(self.seeds)
        if len(chosen) not in (1, count):
            expected = f"strength must be one number, or one for each of {count} seeds"
            raise ValueError(f"{expected}, got {len(chosen)}")
        rows = [strengths.index(pick("strength", s, strengths)) for s in chosen]
        values = pick("metric", metric, self.values)
        return values[np.broadcast_to(rows, count), np.arange(count)]

    def _sign(self, metric):
        if re.search(r"\btest\b", metric, re.IGNORECASE):
            expected = "metric must not be one of the test set, which is read after the choice"
            raise ValueError(f"{expected}, got {metric!r}")
        guesses = {"loss": "lower", "error": "lower", "accuracy": "higher"}
        guess = next((direction for word, direction in guesses.items() if word in metric), None)
        direction = self.better.get(metric, guess)
        if direction is None:
            raise ValueError(f"better must say 'higher' or 'lower' for {metric!r}, got neither")
        return 1 if direction == "higher" else -1

    def _layout(self):
        columns = [self._column(metric) for metric in self.values]
        rows = zip(self.strengths, *columns, strict=True)
        lines = [(0, f"{strength:g}", list(cells)) for strength, *cells in rows]
        scope = "Mean ± 95 % interval for each mean, not paired, not simultaneous"
        return list(self.values), lines, f"{len(self.seeds)} seeds. {scope}."

    def _column(self, metric):
        means = self.mean(metric)
        halves = self.interval(metric)
        size = np.abs(means).max()
        widest = halves.max() if halves.max() > ROUNDING * size else 0.0
        decimals = decimals_for(widest, size)
        pairs = zip(means, halves, strict=True)
        return [f"{digits_of(m, decimals)} ± {digits_of(h, decimals)}" for m, h in pairs]


# Numbers


def _mean(values):
    return float(np.mean(values))


def _half_width(values, comparisons=1):
    from scipy.special import stdtrit  # takes 0.2 s, which the workers need not spend

    n = len(values)
    return float(stdtrit(n - 1, 1 - 0.05 / comparisons / 2) * np.std(values, ddof=1) / math.sqrt(n))
