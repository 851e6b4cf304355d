"""However a program ends that has a guardian, nothing that it started goes on."""

import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import psutil
import pytest

from tools import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no sessions and no SIGKILL")

SLEEP = "import time; time.sleep(300)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
# Starts a process in a session of its own, which starts another; prints the ids; then goes on.
PROGRAM = f"""
import signal, subprocess, sys, time
from tools import guardian

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
guardian.guard()
parent = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', sys.argv[1]]); "
parent += "print(child.pid, flush=True); "
command = [sys.executable, "-c", parent + {SLEEP!r}, sys.argv[1]]
child = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, text=True)
print(child.pid, child.stdout.readline(), flush=True)
if sys.argv[2] == "wait":
    time.sleep(300)
"""


@contextmanager
def start(*command):
    kept = {
        name: value for name, value in os.environ.items() if name not in ("MAKELEVEL", "MAKEFLAGS")
    }
    program = subprocess.Popen(
        command,
        cwd=ROOT,
        env=kept | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        try:
            yield program
        finally:
            program.kill()


def started(program):
    """The two processes whose ids the program printed."""
    ids = program.stdout.readline().split() + program.stdout.readline().split()
    return [psutil.Process(int(number)) for number in ids if psutil.pid_exists(int(number))]


def all_gone(processes, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        running = [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        if not running:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("sleeper", [SLEEP, DEAF], ids=["heeds SIGTERM", "ignores SIGTERM"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_program_that_is_ended(sleeper, how):
    with start(sys.executable, "-c", PROGRAM, sleeper, "wait") as program:
        processes = started(program)
        assert len(processes) == 2
        program.send_signal(how)
        assert all_gone(processes)


def test_a_program_that_ends_by_itself():
    """It waits for its guardian: when it is gone, so is what it started."""
    with start(sys.executable, "-c", PROGRAM, SLEEP, "end") as program:
        processes = started(program)
        assert program.wait(60) == 0
        assert all_gone(processes, seconds=0.5)


def test_what_others_started_goes_on():
    with start(sys.executable, "-c", SLEEP) as other:
        with start(sys.executable, "-c", PROGRAM, SLEEP, "end") as program:
            assert program.wait(60) == 0
        assert other.poll() is None


def test_a_program_ends_with_the_make_that_started_it(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = shlex.join([sys.executable, "program.py", SLEEP, "wait"])
    (tmp_path / "Makefile").write_text(f"all:\n\t@{command}\n")
    with start("make", "--no-print-directory", "-C", str(tmp_path)) as make:
        processes = [*started(make), *psutil.Process(make.pid).children(recursive=True)]
        assert len(processes) > 2
        make.kill()
        assert all_gone(processes)
