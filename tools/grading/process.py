"""The process of a notebook's kernel: in the sandbox or, for trusted submissions, without it."""

import contextlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from tools.grading import protocol, sandbox

PROGRAM_INSIDE = "/tmp/protocol.py"
SOCKETS_INSIDE = "/tmp/kernel"


class KernelProcess:
    """Runs tools/grading/protocol.py.

    Its channels are open from the start, so that the folder with their names is not needed inside
    the sandbox.
    """

    def __init__(
        self,
        folder: Path,
        key: str,
        channels: Sequence[str],
        limits: sandbox.Limits,
        *,
        trusted: bool,
    ) -> None:
        self.limits = limits
        self.trusted = trusted
        self.output = tempfile.TemporaryFile()  # noqa: SIM115  read and closed by kill
        listening = [_listen(folder / name) for name in channels]
        files = [channel.fileno() for channel in listening]
        if trusted:
            self.popen = self._start_trusted(folder, key, files)
        else:
            self.popen = self._start_in_sandbox(key, files)
        for channel in listening:
            channel.close()

    def _start_in_sandbox(self, key: str, files: list[int]) -> subprocess.Popen:
        program = [sys.executable, "-I", PROGRAM_INSIDE, key, SOCKETS_INSIDE, *map(str, files)]
        readable = [(protocol.__file__, PROGRAM_INSIDE), *sandbox.font_cache()]
        return self._popen(sandbox.command(program, self.limits, readable), files)

    def _start_trusted(self, folder: Path, key: str, files: list[int]) -> subprocess.Popen:
        sockets = str(folder / "kernel")
        program = [sys.executable, "-I", protocol.__file__, key, sockets, *map(str, files)]
        environment = {
            name: text.replace(sandbox.HOME, str(folder))
            for name, text in sandbox.environment().items()
        }
        return self._popen(program, files, cwd=folder, env=environment)

    def _popen(self, program: list[str], files: list[int], **where: object) -> subprocess.Popen:
        return subprocess.Popen(
            program,
            pass_fds=files,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
            **where,
        )

    def failure(self) -> str:
        """Why it cannot go on; "" as long as it can."""
        if self.popen.poll() is not None:
            return "the kernel ended"
        if self._memory() > self.limits.memory:
            return f"it held more than {self.limits.memory / 2**30:g} GB of memory"
        return ""

    def _memory(self) -> int:
        total = 0
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.popen.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    total += child.memory_info().rss
        return total

    def kill(self) -> str:
        """End the process and all that it started; return the last line that it wrote.

        In the sandbox the first process is killed, and the system ends all others in it.
        """
        with contextlib.suppress(psutil.Error, subprocess.TimeoutExpired):
            for child in psutil.Process(self.popen.pid).children(recursive=self.trusted):
                child.kill()
            if not self.trusted:
                self.popen.wait(10)
        self.popen.kill()
        self.popen.wait()
        return self._last_line()

    def _last_line(self) -> str:
        self.output.seek(0)
        lines = self.output.read(10_000).decode(errors="replace").strip().splitlines()
        self.output.close()
        return lines[-1] if lines else "nothing"


def _listen(path: Path) -> socket.socket:
    channel = socket.socket(socket.AF_UNIX)
    channel.bind(str(path))
    channel.listen(16)
    return channel
