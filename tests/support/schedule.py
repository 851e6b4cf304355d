"""A pytest plugin: how many processes there are, and which tests run where, in what order.

Long things start first, so that no process waits for another at the end. What shares a server or a
trained network runs in one process.
"""

import os
from pathlib import Path

import psutil
import pytest
from xdist.scheduler import LoadScopeScheduling

MEMORY = 1.5 * 2**30  # bytes for a process with its kernel, browser and PyTorch
CGROUP = Path("/sys/fs/cgroup/memory.max")
# Beginnings of paths, the longest runs first; what is not named comes last.
ORDER = (
    "tests/browser/",
    "notebooks/",
    "tests/grading/",
    "tests/notebooks/test_assignments.py",
    "tests/helpers/test_experiments_dask.py",
    "tests/project/",
    "tests/checks/",
    "tests/helpers/test_bad_inputs",
)


def memory():
    """The bytes that the machine, or the container, has."""
    total = psutil.virtual_memory().total
    limit = CGROUP.read_text().strip() if CGROUP.exists() else "max"
    return total if limit == "max" else min(total, int(limit))


def cores():
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def pytest_xdist_auto_num_workers():
    """-n auto: a process for each core, fewer where there is little memory."""
    return max(1, min(cores(), int(memory() // MEMORY)))


def place(nodeid):
    """Where in ORDER a test comes."""
    matching = (index for index, start in enumerate(ORDER) if nodeid.startswith(start))
    return next(matching, len(ORDER))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Sort the tests by ORDER; those of one place keep theirs."""
    items.sort(key=lambda item: place(item.nodeid))


def scope(nodeid):
    """What runs in one process: a file; the whole of tests/browser, which shares its server."""
    path = nodeid.partition("::")[0]
    return "tests/browser" if path.startswith("tests/browser/") else path


class Scopes(LoadScopeScheduling):
    """Deals scopes to the processes, in the order in which they were collected."""

    def _split_scope(self, nodeid):
        return scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    """Use Scopes for --dist loadscope, which pyproject.toml asks for."""
    return Scopes(config, log) if config.getvalue("dist") == "loadscope" else None
