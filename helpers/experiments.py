"""Experiments over seeds: `paired` compares settings and says what is separable, `sweep` tries strengths.

Both call run(value, seed) -> {metric: number} once for every value and seed, on all cores. A run takes every draw from
np.random.default_rng(seed): two settings with the same seed then share the split, the start and the batches, and what
they share cancels in the difference. The intervals speak about new seeds. Where all seeds use one data set, they say
nothing about another data set.
"""

import html
import math
import os
import pickle
import re
import warnings
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
from joblib import Parallel, delayed, parallel_config
from joblib.parallel import get_active_backend
from tqdm.auto import tqdm  # a widget in a notebook: on stderr it would leave a red box behind

from helpers.arguments import array, integer, number, show

ROUNDING = 1e-12  # a difference below this share of the numbers compared is rounding, not a finding


def paired(
    settings,
    run,
    seeds,
    *,
    baseline=None,
    references=None,
    compare_references=False,
    better=None,
    simultaneous=False,
    digits=None,
    n_jobs=-1,
    progress=True,
):
    """Call run(value, seed) for every setting and seed, and return the PairedTable of differences from the baseline.

    settings    {name: value}, two or more. `baseline` is one of the names, the first if None
    run         a function (value, seed) -> {metric: number}; it may be written in the notebook
    seeds       two or more different integers, such as range(10)
    references  {name: score} of what stands beside the settings, such as the null model and the oracle. A score is
                {metric: number}, or a number, which belongs to the first metric, or a function of the seed that
                returns either
    n_jobs      the number of processes, -1 for one per core; `joblib.parallel_config` chooses another backend. The
                result does not depend on it, up to rounding of the last digit
    progress    draw a bar on stderr, unless the environment says COURSE_PROGRESS=off

    The other arguments are those of PairedTable. An exception in a run passes through, with a note that names the
    setting and the seed. Raises TypeError or ValueError for bad input, for a result that is no finite number, and for
    metrics that differ between runs.
    """
    references, seeds = {} if references is None else references, _seeds(seeds)
    _check_names(settings, baseline, references)
    calls = {name: partial(_function("run", run), value) for name, value in settings.items()}
    calls |= {name: score if callable(score) else partial(_constant, score) for name, score in references.items()}
    by_metric = {"better": _directions(better), "digits": _decimals(digits)}
    values = _collect(calls, seeds, by_metric, n_jobs, progress, references)
    return PairedTable(
        values,
        seeds,
        baseline=baseline,
        references=references,
        compare_references=compare_references,
        better=better,
        simultaneous=simultaneous,
        digits=digits,
    )


def sweep(strengths, run, seeds, *, better=None, n_jobs=-1, progress=True):
    """Call run(strength, seed) for every strength (K different numbers) and seed, and return the Sweep.

    `better` is {metric: "higher" or "lower"}, for `Sweep.best_on`. The rest is as for `paired`.
    """
    strengths, seeds = _strengths(strengths), _seeds(seeds)
    calls = {strength: partial(_function("run", run), strength) for strength in strengths}
    values = _collect(calls, seeds, {"better": _directions(better)}, n_jobs, progress)
    return Sweep(strengths, {metric: list(rows.values()) for metric, rows in values.items()}, seeds, better=better)


class _Printed:
    """Prints as text and, in a notebook, as an HTML table: both from the same cells, which `_layout` gives."""

    def __str__(self):
        return _as_text(*self._layout())

    __repr__ = __str__

    def _repr_html_(self):
        return _as_html(*self._layout())


class PairedTable(_Printed):
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
        self.seeds, self.metrics = _seeds(seeds), list(values)
        self.values = {
            metric: {name: _series(metric, name, row, len(self.seeds)) for name, row in rows.items()}
            for metric, rows in values.items()
        }
        names = list(dict.fromkeys(name for rows in values.values() for name in rows))
        self.references = [_pick("references", name, names) for name in references]
        self.settings = [name for name in names if name not in self.references]
        _check_names(dict.fromkeys(self.settings), baseline, {})
        _check_complete(self.values, self.settings)
        self.baseline = self.settings[0] if baseline is None else baseline
        self.better, self.digits = _directions(better), _decimals(digits, self.metrics)
        _check_metrics(self.metrics, better=self.better, digits=self.digits)
        self.compare_references, self.simultaneous = compare_references, simultaneous

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
        return _Comparison(_mean(b - a), _half_width(b - a, len(self._shown()) if self.simultaneous else 1), rounding)

    def _shown(self):
        """The comparisons of the table, as (metric, name)."""
        names = [*self.settings, *(self.references if self.compare_references else [])]
        names.remove(self.baseline)
        return [(metric, name) for metric, rows in self.values.items() for name in names if name in rows]

    def _mean_decimals(self, metric):
        widest = max(self._compare(metric, name).spread for name in self.settings)
        return self.digits.get(metric, _decimals_for(widest, self.mean(metric, self.baseline)))

    def _mean_cell(self, metric, name):
        return _digits(self.mean(metric, name), self._mean_decimals(metric))

    def _comparison_cells(self, metric, name):
        if (metric, name) not in self._shown():
            return ["", ""]
        comparison = self._compare(metric, name)
        given = self.digits.get(metric)
        decimals = comparison.decimals(self._mean_decimals(metric)) if given is None else given
        numbers = comparison.difference, comparison.half_width
        return [" ± ".join(_digits(x, decimals) for x in numbers), self.verdict(metric, name)]

    def _layout(self):
        """Titles, lines (level, label, cells) and the caption: a line per metric for two settings, else a block."""
        first, *others = sorted(self.settings, key=lambda name: name != self.baseline)
        two, lines = len(others) == 1, []
        blank = [""] if two else []  # a reference has one mean, below that of the baseline
        for metric, rows in self.values.items():
            means = [self._mean_cell(metric, name) for name in (first, *others)]
            lines.append((0, metric, [*means, *self._comparison_cells(metric, others[0])] if two else None))
            for name in [*([] if two else [first, *others]), *self.references]:
                if name in rows:
                    cells = [self._mean_cell(metric, name), *blank, *self._comparison_cells(metric, name)]
                    lines.append((1, name, cells))
        return [*([first, *others] if two else ["mean"]), "difference", "verdict"], lines, self._caption()

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
            return max(default, _decimals_for(abs(self.difference))) if self.separable else default
        fewest = _decimals_for(self.spread)
        return next((d for d in range(fewest, fewest + 2) if self._printed_separable(d) == self.separable), fewest + 2)

    def _printed_separable(self, decimals):
        return abs(float(_digits(self.difference, decimals))) > float(_digits(self.half_width, decimals))


class Sweep(_Printed):
    """What came out for each strength and seed: `values[metric]` has shape (K, seeds), row k for strengths[k].

    Prints as a table of means with their 95 % intervals: Student's t, each mean by itself, not paired.
    `better` is {metric: "higher" or "lower"}. Raises TypeError or ValueError for bad input.
    """

    def __init__(self, strengths, values, seeds, *, better=None):
        strengths, self.seeds, self.better = _strengths(strengths), _seeds(seeds), _directions(better)
        self.strengths = np.array(strengths)
        self.values = {
            metric: np.array([_series(metric, s, row, len(self.seeds)) for s, row in zip(strengths, rows, strict=True)])
            for metric, rows in values.items()
        }
        _check_metrics(list(self.values), better=self.better)

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
        scores = scores if per_seed else np.array([[_mean(row)] for row in scores])
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
        return _pick("metric", metric, self.values)[np.broadcast_to(rows, len(self.seeds)), np.arange(len(self.seeds))]

    def _sign(self, metric):
        if re.search(r"\btest\b", metric, re.IGNORECASE):
            raise ValueError(f"metric must not be one of the test set, which is read after the choice, got {metric!r}")
        guesses = {"loss": "lower", "error": "lower", "accuracy": "higher"}
        guess = next((direction for word, direction in guesses.items() if word in metric), None)
        direction = self.better.get(metric, guess)
        if direction is None:
            raise ValueError(f"better must say whether {metric!r} is good when 'higher' or 'lower', got no word of it")
        return 1 if direction == "higher" else -1

    def _layout(self):
        columns = [self._column(metric) for metric in self.values]
        lines = [(0, f"{s:g}", list(cells)) for s, *cells in zip(self.strengths, *columns, strict=True)]
        caption = f"{len(self.seeds)} seeds. Mean ± 95 % interval for each mean, not paired, not simultaneous."
        return list(self.values), lines, caption

    def _column(self, metric):
        mean, half = self.mean(metric), self.interval(metric)
        size = np.abs(mean).max()
        decimals = _decimals_for(half.max() if half.max() > ROUNDING * size else 0.0, size)
        return [f"{_digits(m, decimals)} ± {_digits(h, decimals)}" for m, h in zip(mean, half, strict=True)]


# Running


def _collect(calls, seeds, by_metric, n_jobs, progress, references=()):
    """Call calls[name](seed) for every seed and name; return {metric: {name: array over seeds}}."""
    tasks, rows, metrics = [(name, seed) for seed in seeds for name in calls], {name: [] for name in calls}, []
    # One task per batch: tasks pickled together would share what `run` closes over, such as a generator.
    with _one_thread_each():
        parallel = Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator")
    silent = not progress or os.environ.get("COURSE_PROGRESS") == "off"
    bar = tqdm(total=len(tasks), desc="runs", leave=False, disable=silent)
    with (
        _quiet_exit(),
        closing(parallel(delayed(_one)(calls[name], name, seed) for name, seed in tasks)) as results,
        bar,
    ):
        for (name, seed), result in zip(tasks, results, strict=True):
            expected = list(rows[name][0]) if rows[name] else metrics
            scores = _scores(result, name, seed, expected, name in references, not rows[name])
            metrics = metrics or list(scores)
            _check_metrics(metrics, **by_metric)
            rows[name].append(scores)
            bar.update()
    return {
        metric: {name: np.array([r[metric] for r in row]) for name, row in rows.items() if metric in row[0]}
        for metric in metrics
    }


def _one_thread_each():
    """One BLAS thread for each process, even where OPENBLAS_NUM_THREADS says more: they would wait for each other."""
    backend, _ = get_active_backend()
    if not backend.supports_inner_max_num_threads:
        return nullcontext()
    return parallel_config(backend=backend, inner_max_num_threads=1)


@contextmanager
def _quiet_exit():
    """Where one result is refused, the other runs are in vain: joblib need not warn of it too."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\d+ tasks have been successfully executed")
        warnings.filterwarnings("ignore", message=r"\d+ tasks which were still being processed")
        yield


def _one(call, name, seed):
    try:
        return call(seed)
    except Exception as error:
        error.add_note(f"This came from the run of {name!r} with seed {seed}.")
        if _travels(error):
            raise
        raise RuntimeError("\n".join([f"{type(error).__name__}: {error}", *error.__notes__])) from error


def _travels(error):
    """Whether the exception can go from one process to another: some cannot be made again from their message."""
    try:
        return type(pickle.loads(pickle.dumps(error))) is type(error)
    except Exception:
        return False


def _constant(score, _seed):
    return score


def _scores(result, name, seed, metrics, reference, first):
    """The checked result; a reference may be a number, for the first metric, and may lack metrics in all its runs."""
    if reference and not isinstance(result, dict):
        result = {metrics[0]: result}
    if not isinstance(result, dict) or not result:
        raise TypeError(f"run must return {{metric: number}}, got {show(result)} for {name!r} with seed {seed}")
    same = set(result) <= set(metrics) if reference and first else set(result) == set(metrics)
    if metrics and not same:
        expected = " and ".join(map(repr, metrics))
        raise ValueError(f"the metrics must be {expected} in every run, got {list(result)} for {name!r}, seed {seed}")
    return {metric: number(f"{metric!r} of {name!r} with seed {seed}", x) for metric, x in result.items()}


# Numbers


def _mean(values):
    return float(np.mean(values))


def _half_width(values, comparisons=1):
    from scipy.special import stdtrit  # takes 0.2 s, which the workers need not spend

    n = len(values)
    return float(stdtrit(n - 1, 1 - 0.05 / comparisons / 2) * np.std(values, ddof=1) / math.sqrt(n))


def _steady(x):
    return float(f"{x:.9g}")


def _digits(x, decimals):
    rounded = round(_steady(x), decimals) + 0.0  # -0.0 + 0.0 is 0.0
    return f"{rounded:.{max(decimals, 0)}f}"


def _decimals_for(size, otherwise=0.0):
    """As many decimals as put `size` between 1.5 and 15 units of the last; for size 0, three digits of `otherwise`."""
    if size > 0:
        return -math.floor(math.log10(_steady(size / 1.5)))
    return max(0, 2 - math.floor(math.log10(abs(otherwise)))) if otherwise else 0


# The two forms of a table


def _as_text(titles, lines, caption):
    labels = ["", *("  " * level + label for level, label, _ in lines)]
    rows = [cells or [""] * len(titles) for _, _, cells in lines]
    columns = [_padded([title, *cells]) for title, *cells in zip(titles, *rows, strict=True)]
    width = max(map(len, labels))
    text = ["   ".join([label.ljust(width), *cells]).rstrip() for label, *cells in zip(labels, *columns, strict=True)]
    return "\n".join([*text, caption])


def _padded(cells):
    """Words to the left; numbers to the right, with the ± below one another."""
    tail = max(len(cell.partition(" ± ")[2]) for cell in cells)
    halves = [cell.partition(" ± ") for cell in cells]
    cells = [head + pm + half.ljust(tail) if pm else head for head, pm, half in halves]
    width = max(map(len, cells))
    return [cell.ljust(width) if cells[0] == "verdict" else cell.rjust(width) for cell in cells]


def _as_html(titles, lines, caption):
    head = "".join(f'<th scope="col" style="{_side(title)}">{html.escape(title)}</th>' for title in titles)
    groups = [[]]
    for level, label, cells in lines:
        if cells is None and groups[-1]:
            groups.append([])
        groups[-1].append(_html_row(level, label, cells, titles))
    body = "\n".join("<tbody>\n" + "\n".join(group) + "\n</tbody>" for group in groups)
    caption = f'<caption style="caption-side: bottom; text-align: left">{html.escape(caption)}</caption>'
    return f"<table>\n{caption}\n<thead><tr><td></td>{head}</tr></thead>\n{body}\n</table>"


def _html_row(level, label, cells, titles):
    label, style = html.escape(label), f"text-align: left; font-weight: normal; padding-left: {level + 0.5}em"
    if cells is None:
        return f'<tr><th scope="rowgroup" colspan="{len(titles) + 1}" style="text-align: left">{label}</th></tr>'
    pairs = zip(titles, cells, strict=True)
    data = "".join(f'<td style="{_side(title)}">{cell}</td>' for title, cell in pairs)
    return f'<tr><th scope="row" style="{style}">{label}</th>{data}</tr>'


def _side(title):
    return f"text-align: {'left' if title == 'verdict' else 'right'}"


# Bad input


def _check_names(settings, baseline, references):
    for argument, names in (("settings", settings), ("references", references)):
        if not isinstance(names, dict) or not all(isinstance(name, str) and name for name in names):
            raise TypeError(f"{argument} must be a dict with names as keys, got {show(names)}")
    if len(settings) < 2:
        raise ValueError(f"settings must hold two or more names, got {list(settings)}")
    if baseline is not None:
        _pick("baseline", baseline, settings)
    if twice := [name for name in references if name in settings]:
        raise ValueError(f"references must have other names than settings, got {twice[0]!r} in both")


def _check_complete(values, settings):
    for metric, rows in values.items():
        if missing := [name for name in settings if name not in rows]:
            raise ValueError(f"values must hold every setting for {metric!r}, got none for {missing[0]!r}")


def _check_metrics(metrics, **by_metric):
    for argument, named in by_metric.items():
        for metric in named:
            if metric not in metrics:
                raise ValueError(f"{argument} must be about {' or '.join(map(repr, metrics))}, got {metric!r}")


def _pick(argument, key, choices):
    if key not in choices:
        raise ValueError(f"{argument} must be one of {', '.join(map(repr, choices))}, got {key!r}")
    return choices[key] if isinstance(choices, dict) else key


def _function(argument, value):
    if not callable(value):
        raise TypeError(f"{argument} must be a function (value, seed) -> {{metric: number}}, got {show(value)}")
    return value


def _different(argument, values, check, expected, at_least):
    if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{argument} must be {expected}, got {show(values)}")
    values = list(values)
    for value in values:
        check(f"each of {argument}", value)
    if len(values) < at_least:
        raise ValueError(f"{argument} must be {expected}, got {len(values)} of them")
    if twice := [value for value in values if values.count(value) > 1]:
        raise ValueError(f"{argument} must be different, got {twice[0]} more than once")
    return values


def _seeds(seeds):
    expected = "two or more integers such as range(10): one seed gives no interval"
    return [int(seed) for seed in _different("seeds", seeds, partial(integer, low=0), expected, 2)]


def _strengths(strengths):
    return _different("strengths", strengths, number, "numbers such as np.geomspace(1e-4, 1, 9)", 1)


def _directions(better):
    better = {} if better is None else better
    if not isinstance(better, dict) or not set(better.values()) <= {"higher", "lower"}:
        raise ValueError(f"better must be {{metric: 'higher' or 'lower'}}, got {better!r}")
    return better


def _decimals(digits, metrics=()):
    if not isinstance(digits, dict):
        digits = {} if digits is None else dict.fromkeys(metrics, integer("digits", digits))
    return {metric: integer(f"digits of {metric!r}", decimals) for metric, decimals in digits.items()}


def _series(metric, name, values, n):
    values = array(f"{metric!r} of {name!r}", values, ndim=1).astype(np.float64)
    if len(values) != n:
        raise ValueError(f"{metric!r} of {name!r} must have one number for each of the {n} seeds, got {len(values)}")
    values.setflags(write=False)
    return values
