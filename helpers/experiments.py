"""Experiments over seeds: `paired` compares settings, `sweep` tries strengths.

Both call run(value, seed) -> {metric: number} once for every value and seed, on all cores. A run
takes every draw from np.random.default_rng(seed): two settings with the same seed then share the
split, the start and the batches, and what they share cancels in the difference. The intervals speak
about new seeds. If all seeds use one data set, they say nothing about another data set.
"""

import os
import pickle
import warnings
from concurrent.futures import BrokenExecutor
from contextlib import closing, contextmanager, nullcontext
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm  # a widget in a notebook: on stderr it would leave a red box behind

from helpers.internal.arguments import describe, flag, integer, number
from helpers.internal.table_checks import (
    check_metrics,
    check_names,
    checked_decimals,
    checked_directions,
    checked_seeds,
    checked_strengths,
)
from helpers.internal.tables import PairedTable, Sweep

with warnings.catch_warnings():
    # Without shared memory, as in some containers, all runs happen in this process.
    warnings.filterwarnings("ignore", message=".*joblib will operate in serial mode")
    from joblib import Parallel, delayed, parallel_config
    from joblib.parallel import get_active_backend


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
    """Call run(value, seed) for every setting and seed, and return the PairedTable of differences.

    settings    {name: value}, two or more. `baseline` is one of the names, the first if None
    run         a function (value, seed) -> {metric: number}; it may be written in the notebook
    seeds       two or more different integers, such as range(10)
    references  {name: score} of what stands below the settings, such as the null model and the
                oracle. A score is {metric: number}, or a number, which belongs to the first metric,
                or a function of the seed that returns either
    n_jobs      the number of processes, -1 for one per core. Each has one BLAS thread, and so has
                the calling process until the last run is done. The result does not depend on
                n_jobs, up to rounding of the last digit
    progress    draw a bar on stderr, unless the environment says COURSE_PROGRESS=off

    The other arguments are those of PairedTable.

    >>> settings = {"none": 0.0, "L2": 0.5}
    >>> def run(lam, seed):
    ...     shared, own = np.random.default_rng(seed).random(2)
    ...     return {"loss": 1 + shared - lam * own}
    >>> paired(settings, run, range(10), n_jobs=1, progress=False)  # doctest: +NORMALIZE_WHITESPACE
           none     L2     difference   verdict
    loss   1.56   1.28   -0.28 ± 0.11   lower
    10 seeds. Difference from "none", paired by seed, ± 95 %
    interval for each comparison, not simultaneous.

    The same call on a Dask cluster, whose address stands in quotes here:

        with distributed.Client("127.0.0.1:8786"), joblib.parallel_config("dask"):
            table = paired(settings, run, range(10))

    An exception in a run is passed on, with a note that names the setting and the seed. Raises
    TypeError or ValueError for bad input, for a result that is not a finite number, and for metrics
    that differ between runs; RuntimeError if the system killed a worker.
    """
    references = {} if references is None else references
    seeds = checked_seeds(seeds)
    flag("compare_references", compare_references)
    flag("simultaneous", simultaneous)
    check_names(settings, baseline, references)
    calls = {name: partial(_checked_run(run), value) for name, value in settings.items()}
    calls |= {name: _score_of_seed(score) for name, score in references.items()}
    scores = _Scores(
        calls, references, better=checked_directions(better), digits=checked_decimals(digits)
    )
    _collect(scores, calls, seeds, n_jobs, progress)
    return PairedTable(
        scores.by_metric(),
        seeds,
        baseline=baseline,
        references=references,
        compare_references=compare_references,
        better=better,
        simultaneous=simultaneous,
        digits=digits,
    )


def sweep(strengths, run, seeds, *, better=None, n_jobs=-1, progress=True):
    """Call run(strength, seed) for every strength (K different numbers) and seed; return the Sweep.

    `better` is {metric: "higher" or "lower"}, for `Sweep.best_on`. The rest is as for `paired`.
    """
    strengths = checked_strengths(strengths)
    seeds = checked_seeds(seeds)
    calls = {strength: partial(_checked_run(run), strength) for strength in strengths}
    scores = _Scores(calls, better=checked_directions(better))
    _collect(scores, calls, seeds, n_jobs, progress)
    values = {metric: list(rows.values()) for metric, rows in scores.by_metric().items()}
    return Sweep(strengths, values, seeds, better=better)


def _checked_run(run):
    if not callable(run):
        expected = "run must be a function (value, seed) -> {metric: number}"
        raise TypeError(f"{expected}, got {describe(run)}")
    return run


def _score_of_seed(score):
    """A function of the seed, also for a score that is the same for all."""
    return score if callable(score) else partial(_constant, score)


def _constant(score, _seed):
    return score


# Results


class _Scores:
    """The results of all runs by name, each checked: every run must return the same metrics.

    A reference may return a number, for the first metric, and may lack metrics in all its runs.
    The `options` are dicts with metrics as keys, checked when the first result comes.
    """

    def __init__(self, names, references=(), **options):
        self.references = references
        self.options = options
        self.metrics = []  # those of the first result
        self.results = {name: [] for name in names}

    def add(self, name, seed, result):
        """Check the result of one run and keep it."""
        if name in self.references and not isinstance(result, dict):
            result = {self.metrics[0]: result}
        if not isinstance(result, dict) or not result:
            came = f"{describe(result)} for {name!r} with seed {seed}"
            raise TypeError(f"run must return {{metric: number}}, got {came}")
        self._check_metrics(name, seed, list(result))
        place = f"of {name!r} with seed {seed}"
        scores = {metric: number(f"{metric!r} {place}", x) for metric, x in result.items()}
        if not self.metrics:
            self.metrics = list(scores)
            check_metrics(self.metrics, **self.options)
        self.results[name].append(scores)

    def _check_metrics(self, name, seed, metrics):
        """Raise ValueError if the metrics differ from those of an earlier run."""
        earlier = self.results[name]
        expected = list(earlier[0]) if earlier else self.metrics
        lacking = set(expected) - set(metrics)
        may_lack = not earlier and name in self.references
        if expected and (set(metrics) - set(expected) or (lacking and not may_lack)):
            sentence = f"the metrics must be {' and '.join(map(repr, expected))} in every run"
            raise ValueError(f"{sentence}, got {metrics} for {name!r}, seed {seed}")

    def by_metric(self):
        """{metric: {name: array over seeds}}."""
        return {metric: dict(self._arrays(metric)) for metric in self.metrics}

    def _arrays(self, metric):
        for name, results in self.results.items():
            if metric in results[0]:
                yield name, np.array([scores[metric] for scores in results])


# Running


def _collect(scores, calls, seeds, n_jobs, progress):
    """Add the result of calls[name](seed) to the scores for every seed and name."""
    if integer("n_jobs", n_jobs) == 0:
        raise ValueError("n_jobs must be a number of processes, or -1 for one per core, got 0")
    silent = not flag("progress", progress) or os.environ.get("COURSE_PROGRESS") == "off"
    tasks = [(name, seed) for seed in seeds for name in calls]
    bar = tqdm(total=len(tasks), desc="runs", leave=False, disable=silent)
    with closing(_results(tasks, calls, n_jobs)) as results, bar:
        for (name, seed), result in zip(tasks, results, strict=True):
            scores.add(name, seed, result)
            bar.update()


def _results(tasks, calls, n_jobs):
    """Yield the results in the order of the tasks."""
    # One task per batch: tasks pickled together would share what `run` closes over, such as a
    # generator.
    with _one_thread_for_each_worker():
        parallel = Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator")
    jobs = (delayed(_call)(calls[name], name, seed) for name, seed in tasks)
    # This process is limited too: without workers it makes the runs itself.
    with (
        threadpool_limits(1),
        _silent_joblib(),
        _one_sentence_for_a_killed_worker(),
        closing(parallel(jobs)) as results,
    ):
        yield from results


def _one_thread_for_each_worker():
    """Give each worker one BLAS thread, even if OPENBLAS_NUM_THREADS says more.

    With more threads than cores they would wait for each other.
    """
    backend, _ = get_active_backend()
    if not backend.supports_inner_max_num_threads:
        return nullcontext()
    return parallel_config(backend=backend, inner_max_num_threads=1)


@contextmanager
def _silent_joblib():
    """Once a result is rejected the other runs do not matter: silence joblib's warnings of them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\d+ tasks have been successfully executed")
        warnings.filterwarnings("ignore", message=r"\d+ tasks which were still being processed")
        yield


@contextmanager
def _one_sentence_for_a_killed_worker():
    """Say in one sentence that the system killed a process; joblib says it in a page."""
    try:
        yield
    except BrokenExecutor:
        reason = "a worker was killed, most often because the memory was full"
        raise RuntimeError(f"{reason}: try a smaller n_jobs") from None


def _call(call, name, seed):
    try:
        return call(seed)
    except Exception as error:
        error.add_note(f"This came from the run of {name!r} with seed {seed}.")
        if _travels(error):
            raise
        sentence = f"{type(error).__name__}: {error}"
        raise RuntimeError("\n".join([sentence, *error.__notes__])) from error


def _travels(error):
    """Whether the exception can go from one process to another: some cannot be unpickled."""
    try:
        return type(pickle.loads(pickle.dumps(error))) is type(error)
    except Exception:
        return False
