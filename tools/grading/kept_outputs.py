"""What a cell of a submission shows, as far as it is kept: text and pictures."""

import re
from typing import Any

from nbformat import NotebookNode

TEXT = ("text/plain",)
PICTURES = ("image/png", "image/jpeg")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


class TooMuchOutput(Exception):
    """A cell wrote more than is kept."""


class KeptOutputs:
    """The outputs of one cell, `nodes`: text and pictures only.

    HTML and scripts are dropped, because a browser will show what is kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.received_bytes = 0
        self.nodes: list[NotebookNode] = []

    def add(self, message: dict[str, Any], size: int) -> bool:
        """Keep the output in a message; True for the message that ends the cell.

        Raises TooMuchOutput.
        """
        kind = message["header"].get("msg_type")
        content = message["content"]
        if kind == "status":
            return content.get("execution_state") == "idle"
        self.received_bytes += size
        if self.received_bytes > self.max_bytes:
            megabytes = self.max_bytes / 2**20
            raise TooMuchOutput(f"more than {megabytes:g} MB of output; the rest was not kept")
        self._add_output(kind, content)
        return False

    def _add_output(self, kind: Any, content: dict[str, Any]) -> None:
        if kind == "stream":
            name = "stderr" if content.get("name") == "stderr" else "stdout"
            self._add_stream(name, clean(content.get("text")))
        elif kind in ("display_data", "execute_result") and isinstance(content.get("data"), dict):
            self._add_data(content["data"])
        elif kind == "error":
            lines = content.get("traceback")
            lines = lines if isinstance(lines, list) else []
            self.nodes.append(error_output(content.get("ename"), content.get("evalue"), lines))
        elif kind == "clear_output":
            self.nodes.clear()

    def _add_stream(self, name: str, text: str) -> None:
        if self.nodes and self.nodes[-1].get("name") == name:
            self.nodes[-1].text += text
        else:
            self.nodes.append(NotebookNode(output_type="stream", name=name, text=text))

    def _add_data(self, data: dict[str, Any]) -> None:
        safe = {mime: clean(data[mime]) for mime in TEXT if mime in data}
        safe |= {mime: data[mime] for mime in PICTURES if _is_base64(data.get(mime))}
        if safe:
            self.nodes.append(NotebookNode(output_type="display_data", data=safe, metadata={}))

    def add_failure(self, reason: Exception) -> None:
        """Say why the cell did not come to its end."""
        self.nodes.append(error_output(type(reason).__name__, str(reason)))


def _is_base64(text: object) -> bool:
    return isinstance(text, str) and BASE64.fullmatch(text) is not None


def error_output(name: object, text: object, lines: list | None = None) -> NotebookNode:
    """An output that says what went wrong."""
    traceback = [clean(line) for line in lines or [f"{name}: {text}"]]
    return NotebookNode(
        output_type="error", ename=clean(name), evalue=clean(text), traceback=traceback
    )


def clean(text: object) -> str:
    """`text` as a string that can be written as UTF-8."""
    return str(text).encode("utf-8", "replace").decode()
