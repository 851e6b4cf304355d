"""The process of a notebook's kernel, in the sandbox or, for those who are trusted, without it."""

import contextlib
import socket
import subprocess
import sys
import tempfile

import psutil

from tools.grading import protocol, sandbox

INSIDE, SOCKETS = "/tmp/protocol.py", "/tmp/kernel"


class KernelProcess:
    """Runs tools/grading/protocol.py. Its channels are open already: the folder of their names is not in the sandbox."""

    def __init__(self, folder, key, channels, limits, trusted):
        self.limits, self.trusted = limits, trusted
        self.words = tempfile.TemporaryFile()  # noqa: SIM115  what it says outside of its messages
        listening = [_listen(folder / name) for name in channels]
        fds = [one.fileno() for one in listening]
        program, where = self._program(folder, [key, *map(str, fds)])
        output = {"stdin": subprocess.DEVNULL, "stdout": self.words, "stderr": self.words}
        self.popen = subprocess.Popen(
            program, pass_fds=fds, start_new_session=True, **output, **where
        )
        for one in listening:
            one.close()

    def _program(self, folder, arguments):
        key, *files = arguments
        if not self.trusted:
            program = [sys.executable, "-I", INSIDE, key, SOCKETS, *files]
            return sandbox.command(
                program, self.limits, [(protocol.__file__, INSIDE), *sandbox.font_cache()]
            ), {}
        here = {
            name: text.replace(sandbox.HOME, str(folder))
            for name, text in sandbox.environment().items()
        }
        program = [sys.executable, "-I", protocol.__file__, key, str(folder / "kernel"), *files]
        return program, {"cwd": folder, "env": here}

    def wrong(self):
        """Why it cannot go on: "" as long as it can."""
        if self.popen.poll() is not None:
            return "the kernel ended"
        if self._memory() > self.limits.memory:
            return f"it held more than {self.limits.memory / 2**30:g} GB of memory"
        return ""

    def _memory(self):
        total = 0
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.popen.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    total += child.memory_info().rss
        return total

    def kill(self):
        """End the first process of the sandbox, and the system ends all others in it. Returns its last words."""
        with contextlib.suppress(psutil.Error, subprocess.TimeoutExpired):
            for child in psutil.Process(self.popen.pid).children(recursive=self.trusted):
                child.kill()
            if not self.trusted:
                self.popen.wait(10)
        self.popen.kill()
        self.popen.wait()
        self.words.seek(0)
        said = self.words.read(10_000).decode(errors="replace").strip().splitlines()
        self.words.close()
        return said[-1] if said else "nothing"


def _listen(path):
    one = socket.socket(socket.AF_UNIX)
    one.bind(str(path))
    one.listen(16)
    return one
