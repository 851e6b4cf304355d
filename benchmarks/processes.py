"""Rows 9 to 11: what runs in processes of its own: imports, seeds on two processes, notebooks."""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import numpy as np

from benchmarks.measure import Result, Witness, compared
from helpers.core import Sequential
from helpers.data import load_digits, minibatches, split
from helpers.experiments import paired
from helpers.layers import Linear, ReLU
from helpers.losses import CrossEntropyLoss
from helpers.noise import Dropout
from helpers.optimizers import SGD
from helpers.training import accuracy
from tools import ROOT

LECTURES = sorted(ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"))
SEEDS = 20
EPOCHS = 20
BATCH = 50
TIMED_IMPORT = """
import time
start = time.perf_counter()
import {}
print(time.perf_counter() - start)
"""
NBVAL = "--nbval -n 2 --dist loadscope -q -p no:cacheprovider"


def seconds_of_import(module):
    """What `import module` takes in a fresh interpreter, without the start of the interpreter."""
    command = [sys.executable, "-c", TIMED_IMPORT.format(module)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    return float(done.stdout)


def imports(effort):
    """Row 9."""
    seconds_of_import("helpers.layers")  # writes the bytecode
    modules = ("helpers.layers", "numpy")
    rounds = [[seconds_of_import(module) for module in modules] for _ in range(effort.blocks)]
    ours, theirs = np.array(rounds).T
    yield compared(9, "import helpers.layers", "import numpy", "fresh processes", ours, theirs, 1.3)


def digits_run(p, seed, epochs=EPOCHS):
    """The accuracy on validation digits of a network with dropout p, trained on 1,000 digits."""
    rng = np.random.default_rng(seed)
    train, validation = split(*load_digits()[:2], (1000, 500), rng)
    model = Sequential(Linear(64, 100, rng), ReLU(), Dropout(p, rng), Linear(100, 10, rng))
    loss = CrossEntropyLoss()
    optimizer = SGD(model.parameters(), 0.1, momentum=0.9)
    for _ in range(epochs):
        for batch in minibatches(len(train[1]), BATCH, rng):
            optimizer.zero_grad()
            loss.value(model(train[0][batch]), train[1][batch])
            model.backward_parameters(loss.backward())
            optimizer.step()
    return {"accuracy": accuracy(model.eval(), *validation)}


def seeds(effort):
    """Row 10: each round is one whole experiment on one and on two processes."""
    times = {1: [], 2: []}
    means = {}
    for k in range(7 if effort.blocks >= 15 else 1):
        for n_jobs in (1, 2) if k % 2 else (2, 1):
            start = time.perf_counter()
            means[n_jobs] = mean_accuracy(n_jobs)
            times[n_jobs].append(time.perf_counter() - start)
    yield Witness(10, "mean accuracy at p = 0.5, one process", means[2], means[1], 1e-12)
    setting = f"{SEEDS} paired seeds of digits, threads: 1 in each"
    both = (np.array(times[2]), np.array(times[1]))
    aim = round(1 / 1.7, 3)
    yield compared(10, "an experiment on 2 processes", "on 1 process", setting, *both, aim)


def mean_accuracy(n_jobs):
    """The mean accuracy at p = 0.5 of an experiment on `n_jobs` processes."""
    settings = {"none": 0.0, "p = 0.5": 0.5}
    table = paired(settings, digits_run, range(SEEDS), n_jobs=n_jobs, progress=False)
    return float(np.mean(table.values["accuracy"]["p = 0.5"]))


def nbval_seconds(paths):
    """What pytest takes to check these notebooks as `make test` does; they must pass."""
    project = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    command = [sys.executable, "-m", "pytest", *project, *NBVAL.split(), *map(str, paths)]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
    if done.returncode:
        raise SystemExit(f"nbval failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return time.perf_counter() - start


def empty_notebooks(folder, count):
    """Notebooks with one cell that does nothing."""
    for k in range(count):
        cell = nbformat.v4.new_code_cell("pass", execution_count=1, id=f"empty-{k}")
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / f"empty_{k}.ipynb")
    return sorted(folder.glob("*.ipynb"))


def lectures(effort):
    """Row 11: once, because it takes minutes. Its aim is in seconds, on the machine named there."""
    chosen = LECTURES[:1] if effort.blocks < 15 else LECTURES
    with TemporaryDirectory() as folder:
        empty = nbval_seconds(empty_notebooks(Path(folder), len(chosen)))
    full = nbval_seconds(chosen)
    note = f"{full:.0f} s, aim 150 s or less in all"
    what = f"{len(chosen)} lectures under nbval"
    against = "as many empty notebooks under nbval"
    ratios = [full / empty]
    yield Result(11, what, against, "2 workers, once", ratios, ours=full, theirs=empty, note=note)


def measured(rows, threads, effort):  # noqa: ARG001 - one signature for all
    """Rows 9 to 11."""
    for row, part in ((9, imports), (10, seeds), (11, lectures)):
        if row in rows:
            yield from part(effort)
