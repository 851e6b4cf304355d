"""Run notebooks from top to bottom and store them so that a second run changes not one byte.

make refresh                                    all lectures
make refresh ARGS="notebooks/03_*.ipynb"        those that are named
make refresh ARGS="--check -j 2"                change nothing, name what would change
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

from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from helpers.checks.running import ThisInterpreter
from tools.notebooks import form, pictures

CELL_TIMEOUT = 600  # seconds
QUOTED = 100  # characters of a line that an error message quotes
PUT_BACK = {"image/png": pictures.kept, "text/html": pictures.kept_in_html}
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")


class CannotRefresh(Exception):
    """A notebook cannot be stored; the message names notebook and cell."""


class Client(NotebookClient):
    """A notebook client without widgets that remembers which cell it runs."""

    def __init__(self, nb, **kwargs):
        kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=ThisInterpreter())
        super().__init__(
            nb, km=kernel, timeout=CELL_TIMEOUT, on_cell_start=self._remember, **kwargs
        )
        self.owns_km = True  # so that the kernel is shut down in the end
        self.running_cell = 0

    def _remember(self, cell, cell_index):  # noqa: ARG002 nbclient names the arguments
        self.running_cell = cell_index

    def handle_comm_msg(self, outs, msg, cell_index):
        """Do nothing: a widget must not swallow the still figure, and no widget state is stored."""


def execute(nb, folder):
    """Run the cells of `nb` in a fresh kernel that works in `folder`. Raises CannotRefresh."""
    client = Client(nb, resources={"metadata": {"path": str(folder)}})
    loop_factory = asyncio.SelectorEventLoop  # the only kind that zmq supports on Windows
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as ipython_folder,
        asyncio.Runner(loop_factory=loop_factory) as loop,
    ):
        try:
            loop.run(client.async_execute(env=form.environment(ipython_folder)))
        except CellExecutionError as error:
            what = f"raised {error.ename}: {_quoted(error.evalue)}"
            _refuse(nb, client.running_cell, what, error)
        except CellTimeoutError as error:
            what = f"ran for more than {CELL_TIMEOUT} seconds"
            _refuse(nb, client.running_cell, what, error)
        except DeadKernelError as error:
            _refuse(nb, client.running_cell, "ended its kernel", error)


def refuse_outputs(nb):
    """Raise CannotRefresh if a cell wrote to stderr or shows an address, new in each run."""
    for index, cell in enumerate(nb.cells):
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                _refuse(nb, index, f'wrote to stderr: "{_quoted(output.text)}"')
            text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            if ADDRESS.search(text):
                _refuse(nb, index, f'shows a memory address: "{_quoted(text)}"')


def _refuse(nb, index, what, cause=None):
    raise CannotRefresh(f"{form.cell_label(nb, index, QUOTED)} {what}") from cause


def _quoted(text):
    return form.first_line(text, QUOTED)


def keep_pictures(nb, stored):
    """Put the stored bytes back where a picture agrees with the stored one of its cell."""
    before = {cell.id: cell for cell in stored.cells}
    for cell in nb.cells:
        for new, old in _same_shaped_outputs(cell, before[cell.id]):
            for mime, put_back in PUT_BACK.items():
                if mime in new and mime in old:
                    new[mime] = put_back(old[mime], new[mime])


def _same_shaped_outputs(cell, stored):
    """Pairs of data bundles: the nth output with data of the cell and of its stored form."""
    new = _bundles(cell)
    old = _bundles(stored)
    return zip(new, old, strict=True) if len(new) == len(old) else ()


def _bundles(cell):
    return [output.data for output in cell.get("outputs", []) if "data" in output]


def refreshed(path):
    """The text that the notebook at `path` should have. Raises CannotRefresh."""
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
    """Replace the file in one step: a reader sees all of the old text or all of the new one."""
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
    state = form.state(same, check, "would change")
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
        up_to_date = list(pool.map(partial(refresh, check=options.check), paths))
    return 0 if all(up_to_date) else 1


if __name__ == "__main__":
    sys.exit(main())
