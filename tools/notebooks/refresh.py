"""Run notebooks from top to bottom and store them so that a second run changes not one byte.

python -m tools.notebooks.refresh                     all lectures
python -m tools.notebooks.refresh notebooks/03_*.ipynb
python -m tools.notebooks.refresh --check -j 2        change nothing, name what would change
"""

import argparse
import asyncio
import contextlib
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import ipykernel.kernelspec
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools.notebooks import form, pictures

CELL_TIMEOUT = 600  # seconds
KEPT = {"image/png": pictures.kept, "text/html": pictures.kept_in_html}
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")


class CannotRefresh(Exception):
    """A notebook cannot be stored; the message names notebook and cell."""


class ThisInterpreter(KernelSpecManager):
    """Every kernel is the Python that runs this file, whatever kernels are installed for the user."""

    def get_kernel_spec(self, kernel_name):  # noqa: ARG002 the name in the notebook is fixed and says nothing
        # Without the option each kernel warns that its messages on loopback are not encrypted.
        command = ipykernel.kernelspec.get_kernel_dict(extra_arguments=["--log-level=ERROR"])
        return KernelSpec(resource_dir=str(ipykernel.kernelspec.RESOURCES), **command)


class Client(NotebookClient):
    """A notebook client without widgets that remembers which cell it runs."""

    def __init__(self, nb, **kwargs):
        kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=ThisInterpreter())
        super().__init__(
            nb, km=kernel, timeout=CELL_TIMEOUT, on_cell_start=self._remember, **kwargs
        )
        self.owns_km = True  # so that the kernel is shut down in the end
        self.at = 0

    def _remember(self, cell, cell_index):  # noqa: ARG002 nbclient names the arguments
        self.at = cell_index

    def handle_comm_msg(self, outs, msg, cell_index):
        """Do nothing: a widget of the kernel must not swallow the still figure, and no widget state is kept."""


def execute(nb, folder):
    """Run the cells of `nb` in a fresh kernel that works in `folder`. Raises CannotRefresh."""
    client = Client(nb, resources={"metadata": {"path": str(folder)}})
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as ipython_folder,
        asyncio.Runner(
            loop_factory=asyncio.SelectorEventLoop
        ) as loop,  # the only kind that zmq likes on Windows
    ):
        try:
            loop.run(client.async_execute(env=form.environment(ipython_folder)))
        except CellExecutionError as error:
            _refuse(nb, client.at, f"raised {error.ename}: {_first_line(error.evalue)}", error)
        except CellTimeoutError as error:
            _refuse(nb, client.at, f"ran for more than {CELL_TIMEOUT} seconds", error)
        except DeadKernelError as error:
            _refuse(nb, client.at, "ended its kernel", error)


def refuse_outputs(nb):
    """Raise CannotRefresh if a cell wrote to stderr or shows a memory address, which is another in every run."""
    for index, cell in enumerate(nb.cells):
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                _refuse(nb, index, f'wrote to stderr: "{_first_line(output.text)}"')
            text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            if ADDRESS.search(text):
                _refuse(nb, index, f'shows a memory address: "{_first_line(text)}"')


def _refuse(nb, index, what, cause=None):
    first = _first_line(nb.cells[index].source)
    raise CannotRefresh(f'cell {index + 1} ("{first}") {what}') from cause


def _first_line(text):
    lines = text.strip().splitlines() or [""]
    return lines[0] if len(lines[0]) <= 100 else lines[0][:97] + "..."


def keep_pictures(nb, stored):
    """Where a new picture agrees with the stored one of the same cell within the limits, put the stored bytes back."""
    before = {cell.id: cell for cell in stored.cells}
    for cell in nb.cells:
        for new, old in _same_shaped_outputs(cell, before[cell.id]):
            for mime, kept in KEPT.items():
                if mime in new and mime in old:
                    new[mime] = kept(old[mime], new[mime])


def _same_shaped_outputs(cell, stored):
    """Pairs of data bundles: the nth output with data of the cell and of its stored form."""
    bundles = [[out.data for out in c.get("outputs", []) if "data" in out] for c in (cell, stored)]
    return zip(*bundles, strict=False) if len(bundles[0]) == len(bundles[1]) else ()


def refreshed(path):
    """The text that the notebook at `path` should have. Raises CannotRefresh with a sentence that names it."""
    try:
        stored = form.parse(path.read_text(encoding="utf-8"))
        nb = form.normalize(stored)
        execute(nb, path.parent)
        nb = form.normalize(nb)
        refuse_outputs(nb)
        keep_pictures(nb, stored)
    except (CannotRefresh, ValueError, OSError) as error:
        raise CannotRefresh(f"{form.shown(path)}: {error}.") from error
    return form.dump(nb)


def write(path, text):
    """Replace the file in one step: whoever reads it sees all of the old text or all of the new one."""
    path = path.resolve()
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, path.stat().st_mode)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def refresh(path, check=False):
    """Run one notebook and print what became of it. True if it was up to date, or is now."""
    start = time.perf_counter()
    try:
        text = refreshed(path)
    except CannotRefresh as error:
        print(error, file=sys.stderr)
        return False
    same = text.encode() == path.read_bytes()
    if not (same or check):
        write(path, text)
    state = "unchanged" if same else "would change" if check else "written"
    print(f"{form.shown(path)}: {state} ({time.perf_counter() - start:.1f} s)", flush=True)
    return same or not check


def main(arguments=None):
    """The command line; the exit status is 0 if every notebook is up to date in the end."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all notebooks/NN_*.ipynb")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if a file would change"
    )
    parser.add_argument(
        "-j", "--jobs", type=int, default=1, help="how many notebooks run at a time"
    )
    options = parser.parse_args(arguments)
    paths = options.notebooks or form.lectures()
    if not paths:
        parser.error("there is no notebooks/NN_*.ipynb to run")
    form.build_font_cache()
    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        return 0 if all(list(pool.map(partial(refresh, check=options.check), paths))) else 1


if __name__ == "__main__":
    sys.exit(main())
