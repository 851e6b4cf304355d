"""Run a learner's notebook in a fresh kernel, and ask which exercises are done.

The file stays as it is.
"""

import asyncio
import json
import logging
import os
import re
import sys
from typing import NamedTuple

import ipykernel.kernelspec
import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

CELL_TIMEOUT = 60  # seconds
CHECKED_BY = re.compile(r"^from helpers\.checks import (\w+) as checks\b", re.MULTILINE)
ASK = """\
import json
from helpers.checks import exercise, {0}
print(json.dumps(exercise.results({0})))"""


class CannotRun(Exception):
    """A notebook cannot be run to its end; the message says why in one sentence."""


class Run(NamedTuple):
    """What became of a notebook: rows (number, title, state), and its cells as they ran.

    A state is "done", "not yet", or the name of a slip.
    """

    results: list
    cells: list


class ThisInterpreter(KernelSpecManager):
    """Every kernel is the Python that runs this file, whatever kernels the user has installed."""

    def get_kernel_spec(self, kernel_name):  # noqa: ARG002 the notebook's name for it says nothing
        # Without the option each kernel warns that its messages on loopback are not encrypted.
        command = ipykernel.kernelspec.get_kernel_dict(extra_arguments=["--log-level=ERROR"])
        return KernelSpec(resource_dir=str(ipykernel.kernelspec.RESOURCES), **command)


def run(path, timeout=CELL_TIMEOUT):
    """Run the notebook at `path` in its folder, and return a Run.

    A cell that raises, or takes longer than `timeout` seconds, does not stop the others. Raises
    CannotRun if the file is not a notebook, has no checks, or ends its kernel.
    """
    nb = _read(path)
    code = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "code")
    imported = CHECKED_BY.search(code)
    if imported is None:
        raise CannotRun("no cell imports its checks (from helpers.checks import ... as checks)")
    nb.cells.append(nbformat.v4.new_code_cell(ASK.format(imported[1])))
    _execute(nb, path.parent, timeout)
    *cells, asked = nb.cells
    printed = [output["text"] for output in asked.outputs if output.get("name") == "stdout"]
    try:
        return Run(json.loads("".join(printed)), cells)
    except ValueError:
        sentence = f"helpers.checks has no checks named {imported[1]}, or a cell broke them"
        raise CannotRun(sentence) from None


def _read(path):
    try:
        return nbformat.read(path, as_version=4)
    except OSError as error:
        raise CannotRun(f"it cannot be read ({error.strerror})") from None
    except Exception:  # nbformat lets through KeyError, AttributeError and its own errors
        raise CannotRun("it is not a notebook, or a broken one") from None


def _execute(nb, folder, timeout):
    quiet = logging.getLogger("helpers.checks.running")
    quiet.disabled = True  # nbclient logs each cell that takes too long
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=ThisInterpreter())
    client = NotebookClient(
        nb,
        km=kernel,
        log=quiet,
        timeout=timeout,
        interrupt_on_timeout=True,
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.owns_km = True  # so that it shuts the kernel down at the end
    environment = {key: value for key, value in os.environ.items() if key != "NBGRADER_EXECUTION"}
    loop = asyncio.SelectorEventLoop if sys.platform == "win32" else None  # as zmq wants it there
    with asyncio.Runner(loop_factory=loop) as runner:
        try:
            runner.run(client.async_execute(env=environment | {"COURSE_PROGRESS": "off"}))
        except (DeadKernelError, RuntimeError):
            raise CannotRun("a cell ended its kernel") from None
