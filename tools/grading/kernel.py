"""A notebook's kernel in the sandbox, seen from outside: it runs cells and is asked for answers.

The kernel is not trusted. Its messages are data of a limited size; times, memory and output are limited from outside.
"""

import contextlib
import secrets
import shutil
import tempfile
import time
from pathlib import Path

import zmq
from jupyter_client.session import Session

from tools.grading import sandbox
from tools.grading.kept_outputs import Outputs, TooMuchOutput, error_output
from tools.grading.process import KernelProcess
from tools.grading.protocol import LARGEST, LONGEST, decode, encode, merge, pack, unpack

CHANNELS = ("shell", "iopub", "control")
STARTUP = 60  # seconds
TICK = 0.25  # seconds from one look at the process to the next


class Stopped(Exception):
    """The kernel is gone; the message says why."""


class OverTime(Exception):
    """There was no answer in time."""


class Lost(Exception):
    """A cell's output did not arrive."""


class CannotStart(Exception):
    """The kernel did not start, which is not the fault of the notebook."""


class Kernel:
    """with Kernel(limits) as kernel: kernel.run(source) gives outputs, kernel.call(name, arguments) an answer."""

    def __init__(self, limits=None, trusted=False):
        self.limits, self.trusted = limits or sandbox.Limits(), trusted
        self.process = self.gone = None  # `gone` says why the kernel was stopped

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="grading-"))
        self.context, self.session = zmq.Context(), Session(key=secrets.token_hex(16).encode())
        try:
            key = self.session.key.decode()
            self.process = KernelProcess(self.folder, key, CHANNELS, self.limits, self.trusted)
            self._connect()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._stop("the notebook is at its end")
        self.context.destroy(linger=0)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- Start and end ----

    def _connect(self):
        self.sockets, self.poller, self.looked = {}, zmq.Poller(), 0.0
        self.end = time.monotonic() + STARTUP + self.limits.submission
        for name, kind in (("shell", zmq.DEALER), ("iopub", zmq.SUB), ("control", zmq.DEALER)):
            self._open(name, kind)

    def _open(self, name, kind):
        self.sockets[name] = one = self.context.socket(kind)
        one.setsockopt(zmq.MAXMSGSIZE, 4 * LARGEST)  # beyond, the connection ends
        one.setsockopt(zmq.RCVHWM, 50)
        if kind == zmq.SUB:
            one.subscribe(b"")
        one.connect(f"ipc://{self.folder / name}")
        if name != "control":
            self.poller.register(one, zmq.POLLIN)

    def _open_iopub_again(self):
        self.poller.unregister(self.sockets["iopub"])
        self.sockets["iopub"].close(linger=0)
        self._open("iopub", zmq.SUB)
        self._wait_for_both(self.limits.call)

    def _start(self):
        try:
            if not self._wait_for_both(STARTUP):
                raise CannotStart(f"no kernel after {STARTUP} s")
        except Stopped as error:
            raise CannotStart(f'{error}; it said "{self.last_words}"') from None
        self.end = time.monotonic() + self.limits.submission

    def _wait_for_both(self, seconds):
        """Until a request is answered on both channels: before that, outputs could be missed."""
        end, waiting = time.monotonic() + seconds, {"shell", "iopub"}
        while waiting and time.monotonic() < end:
            request = self._send("shell", "kernel_info_request", {})
            with contextlib.suppress(OverTime):
                for name, _, _ in self._messages(request, min(1, seconds)):
                    waiting.discard(name)
                    if not waiting:
                        break
        return not waiting

    def _stop(self, reason):
        if self.process is not None:
            self.gone, process, self.process = str(reason), self.process, None
            self.last_words = process.kill()

    def _watch(self):
        """Raise Stopped where the kernel ended, holds too much memory, or had its time."""
        now = time.monotonic()
        if self.gone is None and now - self.looked >= TICK:
            self.looked = now
            wrong = (
                f"the submission took more than {self.limits.submission:g} s"
                if now > self.end
                else ""
            )
            if wrong := wrong or self.process.wrong():
                self._stop(wrong)
        if self.gone is not None:
            raise Stopped(self.gone)

    # ---- Messages ----

    def _send(self, channel, kind, content):
        return self.session.send(self.sockets[channel], kind, content)["header"]["msg_id"]

    def _execute(self, code, **options):
        standing = {"silent": False, "store_history": True, "user_expressions": {}}
        last = {"code": code, "allow_stdin": False, "stop_on_error": False}
        return self._send("shell", "execute_request", standing | last | options)

    def _messages(self, request, seconds):
        """(channel, message, bytes) of the answers to `request` as they come. Raises OverTime, Stopped."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._watch()
            for one, _ in self.poller.poll(1000 * min(left, TICK)):
                name = "shell" if one is self.sockets["shell"] else "iopub"
                message, size = self._receive(one)
                if message is not None and message["parent_header"].get("msg_id") == request:
                    yield name, message, size
        raise OverTime(f"no answer within {seconds:g} s")

    def _receive(self, one):
        """A message and its size, None for what is none: the notebook may send anything."""
        size = 0
        try:
            frames = one.recv_multipart(zmq.NOBLOCK)
            size = sum(map(len, frames))
            _, frames = self.session.feed_identities(frames)
            message = self.session.deserialize(frames)
            if all(
                isinstance(message[key], dict) for key in ("header", "parent_header", "content")
            ):
                return message, size
        except Exception:
            pass
        return None, size

    def _interrupt(self, request, reason):
        """Let a running cell or call end with KeyboardInterrupt; a kernel that does not end it is stopped."""
        self._send("control", "interrupt_request", {})
        try:
            for name, _, _ in self._messages(request, self.limits.grace):
                if name == "shell":
                    return
        except (OverTime, Stopped):
            self._stop(reason)

    # ---- Cells ----

    def run(self, source):
        """The outputs of a cell, the beginning where there are too many."""
        if self.gone is not None:
            return [error_output("NotRun", f"not run: {self.gone}")]
        outputs, request = Outputs(self.limits.output), self._execute(source)
        try:
            self._collect(request, outputs)
        except (Stopped, Lost) as reason:
            outputs.fail(reason)
        except (OverTime, TooMuchOutput) as reason:
            outputs.fail(reason)
            self._interrupt(request, reason)
        return outputs.kept

    def _collect(self, request, outputs):
        replied = False
        try:
            for name, message, size in self._messages(request, self.limits.cell):
                replied = replied or name == "shell"
                if name == "iopub" and outputs.add(message, size):
                    return
                if replied and name == "shell":
                    break
            for name, message, size in self._messages(request, 1):
                if name == "iopub" and outputs.add(message, size):
                    return
        except OverTime:
            if not replied:
                raise
            self._open_iopub_again()
            raise Lost("the output was too large, or lost") from None

    # ---- Answers ----

    def value(self, name):
        """What stands under a name in the notebook: `...` for nothing, a function that calls it, or plain data."""
        reply = self._ask([name, None])
        if "error" in reply:
            raise _exception(reply["error"])
        return self._function(name) if "callable" in reply else self._decoded(reply.get("result"))

    def _function(self, name):
        def function(*arguments):
            return self.call(name, arguments)

        return function

    def call(self, name, arguments):
        """The answer of a function of the notebook; `arguments` change as it changed them.

        Its exception comes back as one of the same name. Raises OverTime, Stopped.
        """
        if self.gone is not None:
            raise Stopped(self.gone)
        reply = self._ask([name, encode(tuple(arguments))])
        if "error" in reply:
            raise _exception(reply["error"])
        result = self._decoded(reply.get("result"))
        merge(arguments, self._decoded(reply.get("arguments")))
        return result

    def _ask(self, data):
        self._watch()
        expression = f"__import__('sys').modules['remote'].answer('{pack(data)}')"
        request = self._execute(
            "", silent=True, store_history=False, user_expressions={"answer": expression}
        )
        try:
            for name, message, _ in self._messages(request, self.limits.call):
                if name == "shell":
                    return _reply(message["content"])
        except OverTime as reason:
            self._interrupt(request, reason)
            raise
        return None

    def _decoded(self, data):
        try:
            return decode(data)
        except Exception:
            raise ValueError("the answer cannot be read") from None


def _reply(content):
    try:
        text = content["user_expressions"]["answer"]["data"]["text/plain"]
        reply = unpack(text.strip("'"))
    except Exception:
        reply = None
    return (
        reply if isinstance(reply, dict) else {"error": ["Unreadable", "the answer cannot be read"]}
    )


def _exception(error):
    """An exception with the name and the words that the notebook gave."""
    name, text = (str(part)[:LONGEST] for part in (*error, "", "")[:2])
    if name == "NotImplementedError":
        return NotImplementedError(text)
    return type(name if name.isidentifier() else "Error", (Exception,), {})(text)
