"""What a cell of a submission shows, as far as it is kept: text and pictures."""

import re

from nbformat import NotebookNode

TEXT = ("text/plain",)
PICTURES = ("image/png", "image/jpeg")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


class TooMuchOutput(Exception):
    """A cell wrote more than is kept."""


class Outputs:
    """The outputs of one cell: text and pictures, no HTML and no scripts, because a browser will show them."""

    def __init__(self, limit):
        self.limit, self.size, self.kept = limit, 0, []

    def add(self, message, size):
        """Keep the output in a message; True for the message that ends the cell. Raises TooMuchOutput."""
        kind, content = message["header"].get("msg_type"), message["content"]
        if kind == "status":
            return content.get("execution_state") == "idle"
        self.size += size
        if self.size > self.limit:
            raise TooMuchOutput(
                f"more than {self.limit / 2**20:g} MB of output; the rest was not kept"
            )
        if kind == "stream":
            self._add_stream(
                "stderr" if content.get("name") == "stderr" else "stdout",
                clean(content.get("text")),
            )
        elif kind in ("display_data", "execute_result") and isinstance(content.get("data"), dict):
            self._add_data(content["data"])
        elif kind == "error":
            lines = content.get("traceback")
            lines = lines if isinstance(lines, list) else []
            self.kept.append(error_output(content.get("ename"), content.get("evalue"), lines))
        elif kind == "clear_output":
            self.kept.clear()
        return False

    def _add_stream(self, name, text):
        if self.kept and self.kept[-1].get("name") == name:
            self.kept[-1].text += text
        else:
            self.kept.append(NotebookNode(output_type="stream", name=name, text=text))

    def _add_data(self, data):
        kept = {mime: clean(data[mime]) for mime in TEXT if mime in data}
        kept |= {
            mime: data[mime]
            for mime in PICTURES
            if isinstance(data.get(mime), str) and BASE64.fullmatch(data[mime])
        }
        if kept:
            self.kept.append(NotebookNode(output_type="display_data", data=kept, metadata={}))

    def fail(self, reason):
        self.kept.append(error_output(type(reason).__name__, str(reason)))


def error_output(name, text, lines=None):
    """An output that says what went wrong."""
    lines = [clean(line) for line in lines or [f"{name}: {text}"]]
    return NotebookNode(output_type="error", ename=clean(name), evalue=clean(text), traceback=lines)


def clean(text):
    """`text` as a string that can be written as UTF-8."""
    return str(text).encode("utf-8", "replace").decode()
