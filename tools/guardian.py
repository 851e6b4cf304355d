"""Ends what a program has started when the program ends, however it ends.

A guardian is a small process in a session of its own, which Ctrl-C in the terminal does not reach.
It waits on a pipe that the system closes when the guarded program is gone, killed ones included.
Then it ends every process that inherited the program's mark in its environment: kernels, servers,
browsers, workers, and all that they started. A program that make started is ended with make, too.
"""

import atexit
import os
import secrets
import subprocess
import sys
import threading
import time

import psutil

MARK = "COURSE_RUN"
PATIENCE = 3  # seconds between asking a process to end and killing it
LOOK = 0.5  # seconds between two looks at the parent
ROUNDS = 5  # how often what was started meanwhile is looked for


def guard():
    """Have all that this process starts from now on ended with it. Returns the mark."""
    mark = secrets.token_hex(8)
    marks = os.environ.get(MARK, "").split()  # those of the programs that started this one
    command = [sys.executable, __file__, mark]
    if "MAKELEVEL" in os.environ:
        command += [str(os.getppid()), str(os.getpid())]
    guardian = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    atexit.register(dismiss, guardian)
    os.environ[MARK] = " ".join([*marks, mark])
    return mark


def dismiss(guardian):
    """Let the guardian do its work now, and wait for it."""
    guardian.stdin.close()
    guardian.wait()


def marked(mark):
    """The processes that inherited the mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if mark in process.environ().get(MARK, "").split():
                found.append(process)
        except (psutil.Error, OSError):  # gone, or another user's
            continue
    return found


def end(processes):
    """Ask the processes to end, and kill those that have not ended after PATIENCE."""
    for process in processes:
        _signal(process.terminate)
    deadline = time.monotonic() + PATIENCE
    while any(map(_runs, processes)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in filter(_runs, processes):
        _signal(process.kill)


def _runs(process):
    """Whether it does; one that has ended and that its parent has not asked for does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _signal(send):
    try:
        send()
    except psutil.Error:  # gone already
        return


def end_with(parent, guarded):
    """Wait until the guarded process has lost its parent, then end it."""
    try:
        process = psutil.Process(guarded)
        while process.ppid() == parent:
            time.sleep(LOOK)
    except psutil.NoSuchProcess:
        return
    end([process])


def watch(mark, *parent_and_guarded):
    """The guardian's life."""
    if parent_and_guarded:
        ids = [int(number) for number in parent_and_guarded]
        threading.Thread(target=end_with, args=ids, daemon=True).start()
    sys.stdin.buffer.read()
    for _ in range(ROUNDS):
        left = list(filter(_runs, marked(mark)))
        if not left:
            return
        end(left)


if __name__ == "__main__":
    watch(*sys.argv[1:])
