"""RESULTS.md and its figure, from what one run measured.

The prose quotes no number that the run did not fill in.
"""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator

from benchmarks import networks
from benchmarks.measure import markdown_table
from helpers.plotting import COLORS, use_style

FOLDER = Path(__file__).parent
PACKAGES = ("numpy", "torch", "scikit-learn", "scipy", "joblib", "nbval")
MISSING = "This run did not measure it."
RESULTS = (
    "| row | what | against | setting | ratio | quartiles | aim | |",
    "|--:|---|---|---|--:|--:|--:|---|",
)
OPERATIONS = ("| row | what | setting | ours | theirs |", "|--:|---|---|--:|--:|")
WITNESSES = ("| row | what | ours | theirs |", "|--:|---|--:|--:|")

TEMPLATE = """# Benchmarks

Written by `make bench`{quick}; do not edit. {rows}

A ratio is our time over theirs: below 1 we are faster. It is the median over blocks; the quartiles
show its spread. No time in seconds is a claim, and no test depends on any.

![{alt}](results.png)

{results}

{missed}

## How

Both sides run in one process, in turn, block after block, every other round in the opposite order;
a ratio is that of two neighbouring blocks. Each number of threads has a process of its own, because
OpenBLAS and OpenMP read theirs at the start. The first steps of a block are not timed: the threads
of the side before still spin for a while and take a core from the one that comes next. {separate}

PyTorch runs eager, with `set_to_none=True`, its fused SGD (its other loops, plain and `foreach`,
were no faster when this was written) and no gradient for the data; nothing is compiled. Its
`Dropout`, like ours, draws in every step.

{machine}

## The same work

Without dropout nothing in a step is random. From the same weights both sides must come to the same
number, or the run ends.

{witnesses}

## Where a step goes

The network 784-256-256-10 with dropout. The products are timed alone between the steps; what the
Linear layers take beyond that is the next line.

{profile}

## How many operations

Rows 4, 6 and 7 have little arithmetic. What they cost is the number of operations, each a call from
Python and a pass over an array. Here both sides are counted in products of two such arrays (in row
4: of two arrays (211, 20)), timed in turn with them. The helpers write each step of a formula as an
operation of its own, so that it can be read; a fused kernel makes one pass of many.

{operations}

## Memory

{memory}

## Growth

Two hidden layers, batch 256, width 256, unless it is the one that grows. The exponent is a
least-squares line through the logarithms at the large end, with its 95 % interval; next to it is
the same line through the number of operations in the products.

{growth}

{times}
"""


def write(report, rows, *, quick, folder=FOLDER):
    """Write RESULTS.md and results.png into `folder`."""
    figure(report.results, folder / "results.png")
    tables = {name: report.tables.get(name, MISSING) for name in ("memory", "growth", "times")}
    operations = [line for name, line in report.tables.items() if name.startswith("operations")]
    profiles = [table for name, table in report.tables.items() if name.startswith("profile")]
    text = TEMPLATE.format(
        quick=" with `--quick`, a smoke test whose numbers mean nothing" if quick else "",
        rows=f"Rows: {', '.join(map(str, rows))}.",
        alt=alternative(report.results),
        results=markdown_table(*RESULTS, map(result_line, report.results)),
        missed=missed(report.results),
        separate=separate(report),
        machine=machine(),
        witnesses=markdown_table(*WITNESSES, map(witness_line, report.witnesses)),
        profile="\n\n".join(profiles) or MISSING,
        operations=markdown_table(*OPERATIONS, operations) if operations else MISSING,
        **tables,
    )
    (folder / "RESULTS.md").write_text(text, encoding="utf-8")


def result_line(result):
    """One Result as a line of its table."""
    low, ratio, high = result.quartiles()
    aim = ""
    verdict = result.note
    if result.aim is not None:
        aim = f"{result.aim:.2f}"
        verdict = "met" if result.met else "missed"
    words = f"| {result.row} | {result.what} | {result.against} | {result.setting} "
    return f"{words}| {ratio:.2f} | {low:.2f} to {high:.2f} | {aim} | {verdict} |"


def missed(results):
    """How many aims were met, and the rows that were not."""
    aims = [result for result in results if result.aim is not None]
    rows = sorted({result.row for result in aims if not result.met})
    words = f"{sum(result.met for result in aims)} of {len(aims)} aims met."
    if not rows:
        return words
    numbers = ", ".join(map(str, rows))
    return f"{words} Missed in rows {numbers}: the sections below say where the time goes."


def separate(report):
    """What changes when the two sides of row 1 have processes of their own.

    Returns "" if the run did not measure it.
    """
    setting = networks.setting_of(networks.ALONE_BATCH, networks.ALONE_THREADS)
    in_turn = [result for result in report.results if (result.row, result.setting) == (1, setting)]
    alone = [report.tables.get(f"alone {side}") for side in (0, 1)]
    if not in_turn or None in alone:
        return ""
    (result,) = in_turn
    ours, theirs = alone
    _, ratio, _ = result.quartiles()
    return (
        f"As a control, each side of row 1 ({setting}) was also timed in a process of its own: "
        f"ours took {ours / result.ours:.2f} times what it took in turn, PyTorch "
        f"{theirs / result.theirs:.2f} times, and the ratio was {ours / theirs:.2f} instead of "
        f"{ratio:.2f}."
    )


def witness_line(witness):
    """One Witness as a line of its table."""
    numbers = f"{witness.ours:.8g} | {witness.theirs:.8g}"
    return f"| {witness.row} | {witness.what} | {numbers} |"


def machine():
    """The processor, the system and the versions."""
    versions = [f"{name} {version(name)}" for name in PACKAGES]
    with_blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    blas = f"NumPy's BLAS is {with_blas['name']} {with_blas['version']}"
    words = f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    return f"Machine: {words}. Python {platform.python_version()}, {', '.join(versions)}; {blas}."


def processor():
    """The name of the processor, if the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unnamed processor"
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return next(names, "unnamed processor")


def alternative(results):
    """What the figure shows, for readers who cannot see it."""
    met = sum(result.met is True for result in results)
    aims = sum(result.aim is not None for result in results)
    faster = sum(result.quartiles()[1] < 1 for result in results)
    return (
        f"A dot for each of {len(results)} ratios of our time to theirs on a logarithmic axis, "
        f"with its quartiles as a line and its aim as a mark: {faster} lie below 1, and {met} of "
        f"{aims} aims are met"
    )


def figure(results, path):
    """Ratios as dots with their quartiles on a log axis, aims as marks.

    A missed aim has an open dot.
    """
    use_style()
    fig, ax = plt.subplots(figsize=(8.5, 1.2 + 0.19 * len(results)))
    for y, result in enumerate(results):
        _draw(ax, y, result)
    ax.axvline(1, color=COLORS["null"], linestyle=":", zorder=0)
    ax.set(xscale="log", xlabel="our time / theirs, log axis")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.set_yticks(range(len(results)), [label(result) for result in results], fontsize=7)
    ax.set_ylim(max(len(results), 1) - 0.5, -0.5)
    met = missed(results).split(" Missed")[0]
    ax.set_title(f"{met} Black marks are aims, open dots miss theirs.", loc="right")
    fig.savefig(path, dpi=110)
    plt.close(fig)


def _draw(ax, y, result):
    """One ratio with its quartiles and its aim, at the height y."""
    low, ratio, high = result.quartiles()
    color = COLORS["vermillion" if result.met is False else "blue"]
    inside = "white" if result.met is False else color
    ax.plot([low, high], [y, y], color=color, linestyle="-")
    ax.plot(ratio, y, "o", color=color, markerfacecolor=inside)
    if result.aim is not None:
        ax.plot(result.aim, y, "|", color="black", markersize=9)


def label(result):
    """The label of a dot."""
    setting = result.setting.replace("threads: ", "t")
    setting = setting.replace(", float32", "").replace(", float64", "")
    against = result.against.removesuffix(", eager")
    return f"{result.row}  {result.what} / {against} · {setting}"
