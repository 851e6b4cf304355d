"""A notebook's kernel in the sandbox, seen from outside: it runs cells and is asked for answers.

The kernel is not trusted. Its messages are data of a limited size; time, memory and output are
limited from outside.
"""

import contextlib
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import zmq
from jupyter_client.session import Session
from nbformat import NotebookNode

from tools.grading import protocol, sandbox
from tools.grading.kept_outputs import KeptOutputs, TooMuchOutput, error_output
from tools.grading.process import KernelProcess

CHANNELS = ("shell", "iopub", "control")
STARTUP = 60  # seconds
TICK = 0.25  # seconds between two looks at the process

Message = dict[str, Any]  # of Jupyter's protocol: header, parent_header, content


class Stopped(Exception):
    """The kernel is gone; the message says why."""


class OverTime(Exception):
    """There was no answer in time."""


class Lost(Exception):
    """A cell's output did not arrive."""


class CannotStart(Exception):
    """The kernel did not start, which is not the fault of the notebook."""


class Kernel:
    """A kernel for one submission.

    with Kernel(limits) as kernel:
        kernel.run(source)                  # the outputs of a cell
        kernel.call("f", (1, 2))            # the answer of a function of the notebook
    """

    def __init__(self, limits: sandbox.Limits | None = None, *, trusted: bool = False) -> None:
        self.limits = limits or sandbox.Limits()
        self.trusted = trusted
        self.process = None
        self.stop_reason = None  # None while the kernel runs

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="grading-"))
        self.context = zmq.Context()
        self.session = Session(key=secrets.token_hex(16).encode())
        try:
            key = self.session.key.decode()
            self.process = KernelProcess(
                self.folder, key, CHANNELS, self.limits, trusted=self.trusted
            )
            self._connect()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop("the notebook is at its end")
        self.context.destroy(linger=0)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- Start and end ----

    def _connect(self) -> None:
        self.sockets = {}
        self.poller = zmq.Poller()
        self.last_look = 0.0
        self.deadline = time.monotonic() + STARTUP + self.limits.submission
        for name, kind in (("shell", zmq.DEALER), ("iopub", zmq.SUB), ("control", zmq.DEALER)):
            self._open(name, kind)

    def _open(self, name: str, kind: int) -> None:
        channel = self.context.socket(kind)
        channel.setsockopt(zmq.MAXMSGSIZE, 4 * protocol.MAX_ANSWER_BYTES)  # more: it disconnects
        channel.setsockopt(zmq.RCVHWM, 50)
        if kind == zmq.SUB:
            channel.subscribe(b"")
        channel.connect(f"ipc://{self.folder / name}")
        if name != "control":
            self.poller.register(channel, zmq.POLLIN)
        self.sockets[name] = channel

    def _open_iopub_again(self) -> None:
        self.poller.unregister(self.sockets["iopub"])
        self.sockets["iopub"].close(linger=0)
        self._open("iopub", zmq.SUB)
        self._wait_for_both(self.limits.call)

    def _start(self) -> None:
        try:
            if not self._wait_for_both(STARTUP):
                raise CannotStart(f"no kernel after {STARTUP} s")
        except Stopped as error:
            raise CannotStart(f'{error}; it said "{self.last_line}"') from None
        self.deadline = time.monotonic() + self.limits.submission

    def _wait_for_both(self, seconds: float) -> bool:
        """Wait until a request is answered on both channels; before that, outputs could be missed.

        Returns False if the time ran out.
        """
        end = time.monotonic() + seconds
        waiting = {"shell", "iopub"}
        while waiting and time.monotonic() < end:
            request = self._send("shell", "kernel_info_request", {})
            with contextlib.suppress(OverTime):
                for channel, _, _ in self._messages(request, min(1, seconds)):
                    waiting.discard(channel)
                    if not waiting:
                        break
        return not waiting

    def _stop(self, reason: object) -> None:
        if self.process is not None:
            self.stop_reason = str(reason)
            process = self.process
            self.process = None
            self.last_line = process.kill()

    def _watch(self) -> None:
        """Raise Stopped if the kernel ended, holds too much memory, or has used up its time."""
        now = time.monotonic()
        if self.stop_reason is None and now - self.last_look >= TICK:
            self.last_look = now
            if now > self.deadline:
                self._stop(f"the submission took more than {self.limits.submission:g} s")
            elif failure := self.process.failure():
                self._stop(failure)
        if self.stop_reason is not None:
            raise Stopped(self.stop_reason)

    # ---- Messages ----

    def _send(self, channel: str, kind: str, content: Message) -> str:
        return self.session.send(self.sockets[channel], kind, content)["header"]["msg_id"]

    def _execute(
        self, code: str, *, hidden: bool = False, expressions: dict[str, str] | None = None
    ) -> str:
        content = {
            "code": code,
            "silent": hidden,
            "store_history": not hidden,
            "user_expressions": expressions or {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        return self._send("shell", "execute_request", content)

    def _messages(self, request: str, seconds: float) -> Iterator[tuple[str, Message, int]]:
        """Yield (channel, message, bytes) of the answers to `request` as they come.

        Raises OverTime, Stopped.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._watch()
            for socket, _ in self.poller.poll(1000 * min(left, TICK)):
                channel = "shell" if socket is self.sockets["shell"] else "iopub"
                message, size = self._receive(socket)
                if message is not None and message["parent_header"].get("msg_id") == request:
                    yield channel, message, size
        raise OverTime(f"no answer within {seconds:g} s")

    def _receive(self, socket: zmq.Socket) -> tuple[Message | None, int]:
        """A message and its size; None if it is malformed, for the notebook may send anything."""
        size = 0
        try:
            frames = socket.recv_multipart(zmq.NOBLOCK)
            size = sum(map(len, frames))
            _, frames = self.session.feed_identities(frames)
            message = self.session.deserialize(frames)
            parts = [message[key] for key in ("header", "parent_header", "content")]
            if all(isinstance(part, dict) for part in parts):
                return message, size
        except Exception:
            pass
        return None, size

    def _interrupt(self, request: str, reason: Exception) -> None:
        """Let a running cell or call end with KeyboardInterrupt; stop a kernel that goes on."""
        self._send("control", "interrupt_request", {})
        try:
            for channel, _, _ in self._messages(request, self.limits.grace):
                if channel == "shell":
                    return
        except (OverTime, Stopped):
            self._stop(reason)

    # ---- Cells ----

    def run(self, source: str) -> list[NotebookNode]:
        """The outputs of a cell; only their beginning if there are too many."""
        if self.stop_reason is not None:
            return [error_output("NotRun", f"not run: {self.stop_reason}")]
        outputs = KeptOutputs(self.limits.output)
        request = self._execute(source)
        try:
            self._collect(request, outputs)
        except (Stopped, Lost) as reason:
            outputs.add_failure(reason)
        except (OverTime, TooMuchOutput) as reason:
            outputs.add_failure(reason)
            self._interrupt(request, reason)
        return outputs.nodes

    def _collect(self, request: str, outputs: KeptOutputs) -> None:
        """Keep what a cell shows until it ends; the reply may come before its last output."""
        replied = False
        try:
            for channel, message, size in self._messages(request, self.limits.cell):
                if channel == "shell":
                    replied = True
                    break
                if outputs.add(message, size):
                    return
            for channel, message, size in self._messages(request, 1):
                if channel == "iopub" and outputs.add(message, size):
                    return
        except OverTime:
            if not replied:
                raise
            self._open_iopub_again()
            raise Lost("the output was too large, or lost") from None

    # ---- Answers ----

    def value(self, name: str) -> Any:
        """What the notebook has under a name.

        Returns `...` for nothing, a function that calls the notebook's, or plain data.
        """
        reply = self._ask([name, None])
        return self._function(name) if "callable" in reply else _decoded(reply.get("result"))

    def _function(self, name: str) -> Callable:
        def function(*arguments: object) -> object:
            return self.call(name, arguments)

        return function

    def call(self, name: str, arguments: tuple) -> object:
        """The answer of a function of the notebook, which may change `arguments` too.

        Its exception comes back as one of the same name. Raises OverTime, Stopped.
        """
        if self.stop_reason is not None:
            raise Stopped(self.stop_reason)
        reply = self._ask([name, protocol.encode(tuple(arguments))])
        result = _decoded(reply.get("result"))
        protocol.merge(arguments, _decoded(reply.get("arguments")))
        return result

    def _ask(self, question: list) -> Message:
        """The reply to a question for `protocol.answer`. Raises what the notebook raised."""
        self._watch()
        packed = protocol.pack(question)
        expression = f"__import__('sys').modules['protocol'].answer('{packed}')"
        request = self._execute("", hidden=True, expressions={"answer": expression})
        messages = self._messages(request, self.limits.call)
        try:
            reply = next(message for channel, message, _ in messages if channel == "shell")
        except OverTime as reason:
            self._interrupt(request, reason)
            raise
        return _reply(reply["content"])


def _reply(content: Message) -> Message:
    try:
        text = content["user_expressions"]["answer"]["data"]["text/plain"]
        reply = protocol.unpack(text.strip("'"))
    except Exception:
        reply = None
    if not isinstance(reply, dict):
        reply = {"error": ["Unreadable", "the answer cannot be read"]}
    if "error" in reply:
        raise _exception(reply["error"])
    return reply


def _decoded(data: Any) -> object:
    try:
        return protocol.decode(data)
    except Exception:
        raise ValueError("the answer cannot be read") from None


def _exception(error: Any) -> Exception:
    """An exception with the name and the words that the notebook gave."""
    name, text = (str(part)[: protocol.MAX_ERROR_LENGTH] for part in (*error, "", "")[:2])
    if name == "NotImplementedError":
        return NotImplementedError(text)
    return type(name if name.isidentifier() else "Error", (Exception,), {})(text)
