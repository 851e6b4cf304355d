"""Times several ways to do one thing side by side: in turn, in blocks, in one process."""

import time
from dataclasses import asdict, dataclass, field

import numpy as np


@dataclass(frozen=True)
class Effort:
    """How long to measure: `blocks` for each side, each of about `seconds`.

    Before a block come `settle` seconds that do not count. The thread pools of OpenBLAS and of
    PyTorch go on spinning for a while after their last product, and take a core from whoever comes
    next. What runs while they do is thrown away.
    """

    blocks: int = 15
    seconds: float = 0.15
    settle: float = 0.06


QUICK = Effort(blocks=3, seconds=0.01, settle=0.002)


@dataclass
class Result:
    """One line of the table: `ratios` holds ours / theirs of each block; an `aim` may be None."""

    row: int
    what: str
    against: str
    setting: str
    ratios: list
    aim: float | None = None
    ours: float = float("nan")
    theirs: float = float("nan")
    note: str = ""

    def quartiles(self):
        """The first quartile, the median and the third quartile of the ratios."""
        return [float(q) for q in np.quantile(self.ratios, (0.25, 0.5, 0.75))]

    @property
    def met(self):
        """Does the median reach the aim? None if there is no aim."""
        return None if self.aim is None else self.quartiles()[1] <= self.aim


@dataclass
class Witness:
    """Two numbers that agree if both sides did the same work."""

    row: int
    what: str
    ours: float
    theirs: float
    tolerance: float

    @property
    def holds(self):
        """Do they agree, relative to the larger?"""
        larger = max(abs(self.ours), abs(self.theirs))
        return abs(self.ours - self.theirs) <= self.tolerance * larger


@dataclass
class Report:
    """All findings of one run."""

    results: list = field(default_factory=list)
    witnesses: list = field(default_factory=list)
    tables: dict = field(default_factory=dict)

    def add(self, finding):
        """Take one thing that a group yields: a Result, a Witness, or a (name, table)."""
        if isinstance(finding, Witness):
            self.witnesses.append(finding)
        elif isinstance(finding, Result):
            self.results.append(finding)
        else:
            name, table = finding
            self.tables[name] = table


FINDINGS = {"Result": Result, "Witness": Witness}


def packed(finding):
    """A finding as plain data, for the way between two processes."""
    data = list(finding) if isinstance(finding, tuple) else asdict(finding)
    return [type(finding).__name__, data]


def unpacked(kind, data):
    """The inverse of `packed`."""
    return FINDINGS[kind](**data) if kind in FINDINGS else tuple(data)


def block(step, steps):
    """Seconds for each of `steps` steps, on average."""
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - start) / steps


def steps_of(step, seconds):
    """How many steps take about `seconds`, after a few that warm up."""
    once = min(block(step, 1) for _ in range(3))
    trial = max(1, round(seconds / 10 / once))
    return max(1, round(seconds / block(step, trial)))


def side_by_side(sides, effort):
    """Time the functions of `sides`, a dict by name, in turn.

    Returns a dict of arrays (blocks,) with the seconds of one step. Every other round goes
    backwards, so that a machine that slows down hurts all sides alike.
    """
    steps = {name: steps_of(step, effort.seconds) for name, step in sides.items()}
    waste = {name: max(1, round(steps[name] * effort.settle / effort.seconds)) for name in sides}
    seconds = {name: [] for name in sides}
    for k in range(effort.blocks):
        for name in list(sides)[:: -1 if k % 2 else 1]:
            block(sides[name], waste[name])
            seconds[name].append(block(sides[name], steps[name]))
    return {name: np.array(values) for name, values in seconds.items()}


def compared(row, what, against, setting, ours, theirs, aim=None, note=""):
    """The Result of two arrays of seconds that were taken in turn."""
    return Result(
        row,
        what,
        against,
        setting,
        ratios=(ours / theirs).tolist(),
        aim=aim,
        ours=float(np.median(ours)),
        theirs=float(np.median(theirs)),
        note=note,
    )


def in_operations(row, what, setting, seconds):
    """A line of a table: both sides in units of a NumPy operation.

    That operation, the side "one", was timed in turn with them.
    """
    ours, theirs, one = (float(np.median(seconds[side])) for side in ("ours", "theirs", "one"))
    cells = f"| {row} | {what} | {setting} | {ours / one:.0f} | {theirs / one:.0f} |"
    return f"operations {row} {what} {setting}", cells


def markdown_table(head, alignment, lines):
    """The lines of a table in Markdown, under its head."""
    return "\n".join([head, alignment, *lines])
