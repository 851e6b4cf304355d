"""Run a learner's notebook in a fresh kernel and ask which exercises are done. The file stays as it is."""

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
ASK = "import json\nfrom helpers.checks import exercise, {0}\nprint(json.dumps(exercise.results({0})))"


class CannotRun(Exception):
    """A notebook cannot be run to its end; the message says why in one sentence."""


class Run(NamedTuple):
    """What became of a notebook: rows (number, title, "done", "not yet" or a slip's name), and its cells as run."""

    results: list
    cells: list


class ThisInterpreter(KernelSpecManager):
    """Every kernel is the Python that runs this file, whatever kernels are installed for the user."""

    def get_kernel_spec(self, kernel_name):  # noqa: ARG002 the name in the notebook is fixed and says nothing
        command = ipykernel.kernelspec.get_kernel_dict(extra_arguments=["--log-level=ERROR"])
        return KernelSpec(resource_dir=str(ipykernel.kernelspec.RESOURCES), **command)


def run(path, timeout=CELL_TIMEOUT):
    """Run the notebook at `path` in its folder; a cell that raises, or takes longer, does not stop the others.

    Returns a Run. Raises CannotRun where the file is no notebook, has no checks, or ends its kernel.
    """
    nb = _read(path)
    imported = CHECKED_BY.search(
        "\n".join(cell.source for cell in nb.cells if cell.cell_type == "code")
    )
    if imported is None:
        raise CannotRun("no cell imports its checks (from helpers.checks import ... as checks)")
    nb.cells.append(nbformat.v4.new_code_cell(ASK.format(imported[1])))
    _execute(nb, path.parent, timeout)
    said = "".join(
        output.get("text", "") for output in nb.cells[-1].outputs if output.get("name") == "stdout"
    )
    try:
        return Run(json.loads(said), nb.cells[:-1])
    except ValueError:
        raise CannotRun(
            f"helpers.checks has no checks of the name {imported[1]}, or a cell broke them"
        ) from None


def _read(path):
    try:
        return nbformat.read(path, as_version=4)
    except OSError as error:
        raise CannotRun(f"it cannot be read ({error.strerror})") from None
    except Exception:  # nbformat raises what it meets: KeyError, AttributeError, its own
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
    client.owns_km = True  # so that the kernel is shut down in the end
    environment = {key: value for key, value in os.environ.items() if key != "NBGRADER_EXECUTION"}
    loop = (
        asyncio.SelectorEventLoop if sys.platform == "win32" else None
    )  # the only kind that zmq likes there
    with asyncio.Runner(loop_factory=loop) as runner:
        try:
            runner.run(client.async_execute(env=environment | {"COURSE_PROGRESS": "off"}))
        except (DeadKernelError, RuntimeError):
            raise CannotRun("a cell ended its kernel") from None
