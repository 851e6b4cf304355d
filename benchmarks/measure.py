"""Times several ways to do one thing side by side: in turn, in blocks, in one process."""

import time
from dataclasses import asdict, dataclass, field

import numpy as np


@dataclass(frozen=True)
class Effort:
    """How long to measure: `blocks` for each side, each about `seconds` long, after `settle` seconds that do not count.

    The thread pools of OpenBLAS and of PyTorch go on spinning for a while after their last product, and take a core
    from whoever comes next. What runs while they do is thrown away.
    """

    blocks: int = 15
    seconds: float = 0.15
    settle: float = 0.06


QUICK = Effort(blocks=3, seconds=0.01, settle=0.002)


@dataclass
class Result:
    """One line of the table: `ratios` holds ours / theirs of each block; an `aim` of None is no aim."""

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
        """Does the median reach the aim? None where there is no aim."""
        return None if self.aim is None else self.quartiles()[1] <= self.aim


@dataclass
class Witness:
    """Two numbers that must agree for a comparison to be one: both sides did the same work."""

    row: int
    what: str
    ours: float
    theirs: float
    tolerance: float

    @property
    def holds(self):
        """Do they agree, relative to the larger?"""
        return abs(self.ours - self.theirs) <= self.tolerance * max(
            abs(self.ours), abs(self.theirs)
        )


@dataclass
class Report:
    """All that one run found."""

    results: list = field(default_factory=list)
    witnesses: list = field(default_factory=list)
    tables: dict = field(default_factory=dict)

    def add(self, found):
        """Take one thing that a group yields: a Result, a Witness, or a (name, table)."""
        if isinstance(found, Witness):
            self.witnesses.append(found)
        elif isinstance(found, Result):
            self.results.append(found)
        else:
            self.tables.update([found])


def packed(found):
    """What a group yields as plain data, for the way between two processes."""
    return [type(found).__name__, asdict(found) if not isinstance(found, tuple) else list(found)]


def unpacked(kind, data):
    """The inverse of `packed`."""
    return {"Result": Result, "Witness": Witness}[kind](**data) if kind != "tuple" else tuple(data)


def block(step, steps):
    """Seconds for each of `steps` steps, on average."""
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - start) / steps


def steps_of(step, seconds):
    """How many steps take about `seconds`, after a few that warm up."""
    once = min(block(step, 1) for _ in range(3))
    return max(1, round(seconds / block(step, max(1, round(seconds / 10 / once)))))


def side_by_side(sides, effort):
    """Time the functions of `sides`, a dict by name, in turn: a dict of arrays (blocks,) with the seconds of one step.

    Every other round goes backwards, so that a machine that slows down hurts all sides alike.
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
    ratios = (ours / theirs).tolist()
    medians = float(np.median(ours)), float(np.median(theirs))
    return Result(row, what, against, setting, ratios, aim, *medians, note)


def in_operations(row, what, setting, seconds):
    """A line of a table: both sides in units of the NumPy operation "one", which was timed in turn with them."""
    ours, theirs, one = (float(np.median(seconds[side])) for side in ("ours", "theirs", "one"))
    return (
        f"operations {row} {what} {setting}",
        f"| {row} | {what} | {setting} | {ours / one:.0f} | {theirs / one:.0f} |",
    )
