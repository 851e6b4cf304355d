"""What an attack must not change: files outside the sandbox, and the processes of this machine."""

import contextlib
import hashlib
import os
import tempfile
import time
import uuid
from pathlib import Path

import pytest

from tools.grading import sandbox


def require_sandbox():
    """Skip, with the reason, where nothing can be shut in; fail if the variable CI is "true"."""
    try:
        sandbox.check()
    except sandbox.NoSandbox as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(f"no attack was tried: {error}", allow_module_level=True)


@contextlib.contextmanager
def public_folder():
    """A folder whose files every user could read and change, were they in the sandbox."""
    with tempfile.TemporaryDirectory(prefix="course-") as name:
        yield Path(name)


def make_public(folder):
    """Let no right of a file be what stops an attack."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o777)


def fingerprint(*folders):
    """The content, the mode and the time of every file in `folders`."""
    paths = sorted(path for folder in folders for path in Path(folder).rglob("*"))
    return {str(path): _state(path) for path in paths}


def _state(path):
    status = path.lstat()
    if not path.is_file() or path.is_symlink():
        return status.st_mode
    return status.st_mode, status.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()


def new_mark():
    """A mark for the environment of a process.

    What the process starts carries the mark too, until it is shut in.
    """
    return "GRADING_MARK", uuid.uuid4().hex


def left_over(mark, seconds=5):
    """The processes that still carry the mark after a wait.

    The first process of a sandbox lives as long as all others in it.
    """
    end = time.monotonic() + seconds
    while (commands := _carrying(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    return commands


def _carrying(mark):
    assignment = "=".join(mark).encode()
    commands = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if assignment in (path / "environ").read_bytes() and int(path.name) != os.getpid():
                commands.append((path / "cmdline").read_bytes()[:200])
        except OSError:
            continue
    return commands
