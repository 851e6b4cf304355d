"""A pytest plugin: where the time of a run went, room by room, and the ten slowest.

A room is a folder of tests/. The cells of a notebook count as one, and so do the runs of one test
with different parameters.
"""

from collections import Counter

SLOWEST = 10


def room(nodeid):
    """The folder of a test below tests/, or the folder of a notebook."""
    path = nodeid.partition("::")[0]
    return "/".join(path.split("/")[:-1][:2])


def unit(nodeid):
    """What one row of the slowest is about: a notebook, or a test with all its parameters."""
    path, _, name = nodeid.partition("::")
    return path if path.endswith(".ipynb") else f"{path}::{name.partition('[')[0]}"


class Durations:
    """Seconds of the tests that have run: set-up, call and tear-down."""

    def __init__(self):
        self.rooms = Counter()
        self.units = Counter()
        self.tests = Counter()

    def pytest_runtest_logreport(self, report):
        """Count one phase of one test."""
        self.rooms[room(report.nodeid)] += report.duration
        self.units[unit(report.nodeid)] += report.duration
        self.tests[room(report.nodeid)] += report.when == "call"

    def pytest_terminal_summary(self, terminalreporter):
        """Print the two tables after the results; nothing for a handful of tests."""
        if self.tests.total() < SLOWEST:
            return
        terminalreporter.section("where the time went, in seconds over all processes")
        for name, seconds in self.rooms.most_common():
            terminalreporter.write_line(f"{seconds:8.1f}  {name} ({self.tests[name]} tests)")
        terminalreporter.section(f"the {SLOWEST} slowest")
        for name, seconds in self.units.most_common(SLOWEST):
            terminalreporter.write_line(f"{seconds:8.1f}  {name}")


def pytest_configure(config):
    """The process that reports collects what all others measured."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations(), "durations")
