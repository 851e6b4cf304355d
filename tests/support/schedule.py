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
CGROUPS = Path("/sys/fs/cgroup")
NO_LIMIT = 2**63
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


def limits():
    """The bytes that the control groups of this process allow, of either version."""
    own = Path("/proc/self/cgroup")
    for line in own.read_text().splitlines() if own.exists() else []:
        _, kinds, group = line.split(":", 2)
        if kinds == "":
            files = [CGROUPS / group.lstrip("/") / "memory.max", CGROUPS / "memory.max"]
        elif "memory" in kinds.split(","):
            name = "memory.limit_in_bytes"
            files = [CGROUPS / kinds / group.lstrip("/") / name, CGROUPS / kinds / name]
        else:
            continue
        texts = [file.read_text().strip() for file in files if file.exists()]
        yield from (int(text) for text in texts if text != "max")


def memory():
    """The bytes that the machine, or the container, has."""
    return min(psutil.virtual_memory().total, *limits(), NO_LIMIT)


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
    """What runs in one process: a file; all that shares the site, or JupyterLab in a browser."""
    path = nodeid.partition("::")[0]
    if path.endswith("/test_site.py"):
        return "the site"
    return "JupyterLab" if path.startswith("tests/browser/") else path


class Scopes(LoadScopeScheduling):
    """Deals scopes to the processes, in the order in which they were collected."""

    def _split_scope(self, nodeid):
        return scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    """Use Scopes for --dist loadscope, which pyproject.toml asks for."""
    return Scopes(config, log) if config.getvalue("dist") == "loadscope" else None
