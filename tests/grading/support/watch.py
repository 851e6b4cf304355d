"""What an attack must not change: files outside of the sandbox, and the processes of this machine."""

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
    """A named skip where nothing can be shut in, a failure where the variable CI is "true"."""
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
    found = {}
    for path in paths:
        state = path.lstat()
        content = (
            hashlib.sha256(path.read_bytes()).hexdigest()
            if path.is_file() and not path.is_symlink()
            else ""
        )
        found[str(path)] = (state.st_mode, state.st_mtime_ns if content else 0, content)
    return found


def marked():
    """A mark for the environment of a process: what it starts carries the mark too, until it is shut in."""
    return "GRADING_MARK", uuid.uuid4().hex


def left_over(mark, seconds=5):
    """The processes that carry the mark after a wait; the first one of a sandbox lives as long as all in it."""
    end = time.monotonic() + seconds
    while (found := _carrying(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def _carrying(mark):
    wanted, found = "=".join(mark).encode(), []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (path / "environ").read_bytes() and int(path.name) != os.getpid():
                found.append((path / "cmdline").read_bytes()[:200])
        except OSError:
            continue
    return found
