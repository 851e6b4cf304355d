"""A test run that is killed leaves no server, kernel, worker, browser or driver behind."""

import secrets
import subprocess
import sys
import time

import psutil
import pytest

from tests.browser.support import endless
from tools import ROOT

RUN = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", endless.__file__]


@pytest.fixture
def mark(monkeypatch):
    """Marks the processes of another test run, which guards itself."""
    mark = secrets.token_hex(8)
    monkeypatch.setenv("RUN_TO_BE_KILLED", mark)
    return mark


def marked(mark):
    """The command lines of the processes that inherited the mark."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("RUN_TO_BE_KILLED") == mark:
                yield " ".join(process.cmdline())
        except (psutil.Error, OSError):  # gone, or another user's
            continue


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.2)


@pytest.mark.usefixtures("browser")  # the other run needs one too
def test_nothing_outlives_a_test_run_that_is_killed(mark, monkeypatch, tmp_path):
    ready = tmp_path / "ready"
    log = tmp_path / "log"
    monkeypatch.setenv("READY", str(ready))
    with log.open("w") as output, subprocess.Popen(RUN, cwd=ROOT, stdout=output) as run:
        wait_until(lambda: ready.exists() or run.poll() is not None, 300)
        started = "\n".join(marked(mark))
        run.kill()
    for name in ("jupyterlab", "ipykernel_launcher", "loky", "chrom", "playwright"):
        assert name in started, f"{name} was not started:\n{log.read_text()}"
    wait_until(lambda: not any(marked(mark)), 60)
    assert list(marked(mark)) == []
