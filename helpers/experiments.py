"""Experiments over seeds: `paired` compares settings and says what is separable, `sweep` tries strengths.

Both call run(value, seed) -> {metric: number} once for every value and seed, on all cores. A run takes every draw from
np.random.default_rng(seed): two settings with the same seed then share the split, the start and the batches, and what
they share cancels in the difference. The intervals speak about new seeds. Where all seeds use one data set, they say
nothing about another data set.
"""

import os
import pickle
import warnings
from concurrent.futures import BrokenExecutor
from contextlib import closing, contextmanager, nullcontext
from functools import partial

import numpy as np
from joblib import Parallel, delayed, parallel_config
from joblib.parallel import get_active_backend
from tqdm.auto import tqdm  # a widget in a notebook: on stderr it would leave a red box behind

from helpers.internal.arguments import describe, flag, integer, number
from helpers.internal.tables import (
    PairedTable,
    Sweep,
    check_metrics,
    check_names,
    checked_decimals,
    checked_directions,
    checked_seeds,
    checked_strengths,
)


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
    metrics that differ between runs; RuntimeError where the system killed a worker.
    """
    references, seeds = {} if references is None else references, checked_seeds(seeds)
    flag("compare_references", compare_references)
    flag("simultaneous", simultaneous)
    check_names(settings, baseline, references)
    calls = {name: partial(_function("run", run), value) for name, value in settings.items()}
    calls |= {
        name: score if callable(score) else partial(_constant, score)
        for name, score in references.items()
    }
    by_metric = {"better": checked_directions(better), "digits": checked_decimals(digits)}
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
    strengths, seeds = checked_strengths(strengths), checked_seeds(seeds)
    calls = {strength: partial(_function("run", run), strength) for strength in strengths}
    values = _collect(calls, seeds, {"better": checked_directions(better)}, n_jobs, progress)
    return Sweep(
        strengths,
        {metric: list(rows.values()) for metric, rows in values.items()},
        seeds,
        better=better,
    )


# Running


def _collect(calls, seeds, by_metric, n_jobs, progress, references=()):
    """Call calls[name](seed) for every seed and name; return {metric: {name: array over seeds}}."""
    _check_jobs(n_jobs)
    flag("progress", progress)
    tasks, rows, metrics = (
        [(name, seed) for seed in seeds for name in calls],
        {name: [] for name in calls},
        [],
    )
    silent = not progress or os.environ.get("COURSE_PROGRESS") == "off"
    bar = tqdm(total=len(tasks), desc="runs", leave=False, disable=silent)
    with closing(_results(tasks, calls, n_jobs)) as results, bar:
        for (name, seed), result in zip(tasks, results, strict=True):
            expected = list(rows[name][0]) if rows[name] else metrics
            scores = _scores(result, name, seed, expected, name in references, not rows[name])
            metrics = metrics or list(scores)
            check_metrics(metrics, **by_metric)
            rows[name].append(scores)
            bar.update()
    return {
        metric: {
            name: np.array([r[metric] for r in row])
            for name, row in rows.items()
            if metric in row[0]
        }
        for metric in metrics
    }


def _results(tasks, calls, n_jobs):
    """Yield the results in the order of the tasks."""
    # One task per batch: tasks pickled together would share what `run` closes over, such as a generator.
    with _one_thread_each():
        parallel = Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator")
    jobs = (delayed(_one)(calls[name], name, seed) for name, seed in tasks)
    with _quiet_exit(), _broken_off(), closing(parallel(jobs)) as results:
        yield from results


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


@contextmanager
def _broken_off():
    """Say in one sentence what happened where the system killed a process: joblib says it in a page."""
    try:
        yield
    except BrokenExecutor:
        reason = "a worker was killed, most often because the memory was full"
        raise RuntimeError(f"{reason}: try a smaller n_jobs") from None


def _one(call, name, seed):
    try:
        return call(seed)
    except Exception as error:
        error.add_note(f"This came from the run of {name!r} with seed {seed}.")
        if _travels(error):
            raise
        raise RuntimeError(
            "\n".join([f"{type(error).__name__}: {error}", *error.__notes__])
        ) from error


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
        raise TypeError(
            f"run must return {{metric: number}}, got {describe(result)} for {name!r} with seed {seed}"
        )
    same = set(result) <= set(metrics) if reference and first else set(result) == set(metrics)
    if metrics and not same:
        expected = " and ".join(map(repr, metrics))
        raise ValueError(
            f"the metrics must be {expected} in every run, got {list(result)} for {name!r}, seed {seed}"
        )
    return {
        metric: number(f"{metric!r} of {name!r} with seed {seed}", x)
        for metric, x in result.items()
    }


def _check_jobs(n_jobs):
    if integer("n_jobs", n_jobs) == 0:
        raise ValueError("n_jobs must be a number of processes, or -1 for one per core, got 0")


def _function(argument, value):
    if not callable(value):
        raise TypeError(
            f"{argument} must be a function (value, seed) -> {{metric: number}}, got {describe(value)}"
        )
    return value
