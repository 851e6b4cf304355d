"""RESULTS.md and its figure, from what one run measured. The prose quotes no number that the run did not fill in."""

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
from helpers.plotting import COLORS, use_style

FOLDER = Path(__file__).parent
PACKAGES = ("numpy", "torch", "scikit-learn", "scipy", "joblib", "nbval")
TABLE = "| row | what | against | setting | ratio | quartiles | aim | |\n|--:|---|---|---|--:|--:|--:|---|"
OPERATIONS = "| row | what | setting | ours | theirs |\n|--:|---|---|--:|--:|"

TEMPLATE = """# Benchmarks

Written by `make bench`{quick}; do not edit. {rows}

A ratio is our time over theirs: below 1 we are faster. It is the median over blocks; the quartiles show its spread. No
time in seconds is a claim, and no test depends on any.

![{alt}](results.png)

{results}

{missed}

## How

Both sides run in one process, in turn, block after block, every other round in the opposite order; a ratio is that of
two neighbouring blocks. Each number of threads has a process of its own, because OpenBLAS and OpenMP read theirs at the
start. The first steps of a block are not timed: the threads of the side before still spin for a while and take a core
from who comes next. {separate}

PyTorch runs eager, with `set_to_none=True`, its fused SGD (its other loops, plain and `foreach`, were no faster when
this was written) and no gradient for the data; nothing is compiled. Its `Dropout`, like ours, draws in every step.

{machine}

## The same work

Without dropout nothing in a step is random. From the same weights both sides must come to the same number, or the run
ends.

{witnesses}

## Where a step goes

The network 784-256-256-10 with dropout. The products are timed alone between the steps; what the Linear layers take
beyond that is the next line.

{profile}

## How many operations

Rows 4, 6 and 7 have little arithmetic. What they cost is the number of operations, each a call from Python and a pass
over an array. Here both sides are counted in products of two such arrays (in row 4: of two arrays (211, 20)), timed in
turn with them. The helpers write each step of a formula as an operation of its own, so that it can be read; a fused
kernel makes one pass of many.

{operations}

## Memory

{memory}

## Growth

Two hidden layers, batch 256, width 256, unless it is the one that grows. The exponent is a least-squares line through
the logarithms at the large end, with its 95 % interval; beside it the same line through the number of operations in the
products.

{growth}

{times}
"""


def write(report, rows, quick, folder=FOLDER):
    """Write RESULTS.md and results.png into `folder`."""
    figure(report.results, folder / "results.png")
    missing = "This run did not measure it."
    tables = {name: report.tables.get(name, missing) for name in ("memory", "growth", "times")}
    operations = [line for name, line in report.tables.items() if name.startswith("operations")]
    profiles = [table for name, table in report.tables.items() if name.startswith("profile")]
    text = TEMPLATE.format(
        quick=" with `--quick`, a smoke test whose numbers mean nothing" if quick else "",
        rows=f"Rows: {', '.join(map(str, rows))}.",
        alt=alternative(report.results),
        results="\n".join([TABLE, *map(table_line, report.results)]),
        missed=missed(report.results),
        separate=separate(report),
        machine=machine(),
        witnesses="\n".join(
            ["| row | what | ours | theirs |", "|--:|---|--:|--:|", *map(pair, report.witnesses)]
        ),
        profile="\n\n".join(profiles) or missing,
        operations="\n".join([OPERATIONS, *operations]) if operations else missing,
        **tables,
    )
    (folder / "RESULTS.md").write_text(text, encoding="utf-8")


def table_line(found):
    """One Result as a line of the table."""
    low, ratio, high = found.quartiles()
    aim = "" if found.aim is None else f"{found.aim:.2f}"
    verdict = {None: found.note, True: "met", False: "missed"}[found.met]
    words = f"| {found.row} | {found.what} | {found.against} | {found.setting} "
    return f"{words}| {ratio:.2f} | {low:.2f} to {high:.2f} | {aim} | {verdict} |"


def missed(results):
    """How many aims were met, and the rows that were not."""
    aims = [found for found in results if found.met is not None]
    rows = sorted({found.row for found in aims if not found.met})
    words = f"{sum(found.met for found in aims)} of {len(aims)} aims met."
    return (
        f"{words} Missed in rows {', '.join(map(str, rows))}: the sections below say where the time goes."
        if rows
        else words
    )


def separate(report):
    """What changes when the two sides of row 1 have processes of their own; "" where that was not measured."""
    together = [
        found
        for found in report.results
        if found.row == 1 and found.setting == networks.name(*networks.ALONE)
    ]
    alone = [report.tables.get(f"alone {side}") for side in (0, 1)]
    if not together or None in alone:
        return ""
    found, (ours, theirs) = together[0], alone
    return (
        f"As a control, each side of row 1 ({found.setting}) was also timed in a process of its own: ours took "
        f"{ours / found.ours:.2f} times what it took in turn, PyTorch {theirs / found.theirs:.2f} times, and the ratio "
        f"was {ours / theirs:.2f} instead of {found.quartiles()[1]:.2f}."
    )


def pair(found):
    """One Witness as a line of its table."""
    return f"| {found.row} | {found.what} | {found.ours:.8g} | {found.theirs:.8g} |"


def machine():
    """The processor, the system and the versions."""
    versions = [f"{name} {version(name)}" for name in PACKAGES]
    with_blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    blas = f"NumPy's BLAS is {with_blas['name']} {with_blas['version']}"
    words = f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    return f"Machine: {words}. Python {platform.python_version()}, {', '.join(versions)}; {blas}."


def processor():
    """The name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unnamed processor"
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
        "unnamed processor",
    )


def alternative(results):
    """What the figure shows, for who cannot see it."""
    met = sum(found.met is True for found in results)
    aims = sum(found.met is not None for found in results)
    faster = sum(found.quartiles()[1] < 1 for found in results)
    return (
        f"A dot for each of {len(results)} ratios of our time to theirs on a logarithmic axis, with its quartiles as a "
        f"line and its aim as a mark: {faster} lie below 1, and {met} of {aims} aims are met"
    )


def figure(results, path):
    """Ratios as dots with their quartiles on a log axis, aims as marks; a missed aim has an open dot."""
    use_style()
    fig, ax = plt.subplots(figsize=(8.5, 1.2 + 0.19 * len(results)))
    for y, found in enumerate(results):
        low, ratio, high = found.quartiles()
        color = COLORS["vermillion" if found.met is False else "blue"]
        ax.plot([low, high], [y, y], color=color, linestyle="-")
        ax.plot(
            ratio, y, "o", color=color, markerfacecolor="white" if found.met is False else color
        )
        if found.aim is not None:
            ax.plot(found.aim, y, "|", color="black", markersize=9)
    ax.axvline(1, color=COLORS["null"], linestyle=":", zorder=0)
    ax.set(xscale="log", xlabel="our time / theirs, log axis")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.set_yticks(range(len(results)), [name(found) for found in results], fontsize=7)
    ax.set_ylim(max(len(results), 1) - 0.5, -0.5)
    ax.set_title(
        f"{missed(results).split(' Missed')[0]} Black marks are aims, open dots miss theirs.",
        loc="right",
    )
    fig.savefig(path, dpi=110)
    plt.close(fig)


def name(found):
    """The label of a dot."""
    setting = (
        found.setting.replace("threads: ", "t").replace(", float32", "").replace(", float64", "")
    )
    return f"{found.row}  {found.what} / {found.against.removesuffix(', eager')} · {setting}"
