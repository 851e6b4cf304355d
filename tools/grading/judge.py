"""Grades a notebook: its cells run in the sandbox; the checks run here, on plain data.

A notebook can change everything inside its kernel. So the test cells come from the teacher's source
and are executed in this process; whatever a test cell calls by a learner's name is asked of the
kernel. This verdict replaces the outputs of the notebook's own test cells, and nbgrader turns it
into scores.
"""

import builtins
import contextlib
import io
import os
import signal
import symtable
import threading
from collections.abc import Callable, Iterator
from typing import ClassVar
from unittest.mock import patch

from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from helpers.checks.exercise import Slip
from tools.grading.kept_outputs import error_output
from tools.grading.kernel import Kernel, Stopped
from tools.grading.sandbox import Limits
from tools.notebooks.assignments import HIDDEN

GRADED = {"NBGRADER_EXECUTION": "autograde"}  # makes a check raise
CHECK_SECONDS = 60  # for the checks of one cell, besides the calls

Outputs = list[NotebookNode]  # of one cell


class TooSlow(Exception):
    """A check took too long, perhaps because of an answer that was made for it."""


def judged_outputs(
    nb: NotebookNode,
    tests: dict[str, str],
    limits: Limits | None = None,
    *,
    trusted: bool = False,
) -> list[Outputs]:
    """The outputs of each cell of `nb`; those of a test cell are made here.

    `tests` are the sources of the test cells, by grade_id.
    """
    with Kernel(limits, trusted=trusted) as kernel:
        shown = [_run(cell, kernel) for cell in nb.cells]
        verdicts = {name: verdict(source, kernel) for name, source in tests.items()}
    return [verdicts.get(grade_id(cell), own) for cell, own in zip(nb.cells, shown, strict=True)]


def _run(cell: NotebookNode, kernel: Kernel) -> Outputs:
    if cell.cell_type != "code" or not cell.source.strip():
        return []
    return kernel.run(HIDDEN.sub("", cell.source))


def grade_id(cell: NotebookNode) -> str | None:
    """nbgrader's name of a cell; None for a cell that the learner added."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def verdict(source: str, kernel: Kernel) -> Outputs:
    """The outputs of a test cell, executed here.

    They are what the checks print, or the error that costs the points.
    """
    printed = io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(printed),
            patch.dict(os.environ, GRADED),
            _alarm(kernel.limits),
        ):
            answers = {name: kernel.value(name) for name in unknown_names(source)}
            exec(compile(source, "<check>", "exec"), {"__name__": "__check__"} | answers)
    except Slip as slip:
        return [error_output("Slip", str(slip), [f"✗ {slip}"])]
    except Stopped as reason:
        return [error_output("Stopped", f"Not verified: {reason}.")]
    except Exception as error:  # an answer that a check did not expect
        sentence = f"Not verified, the check stopped: {str(error)[:300]}"
        return [error_output(type(error).__name__, sentence)]
    return [NotebookNode(output_type="stream", name="stdout", text=printed.getvalue() or "✓\n")]


def unknown_names(source: str) -> list[str]:
    """The names that a cell uses and neither binds nor finds in Python: the learner's."""
    symbols = symtable.symtable(source, "<check>", "exec").get_symbols()
    unbound = [
        symbol.get_name()
        for symbol in symbols
        if symbol.is_referenced() and not (symbol.is_assigned() or symbol.is_imported())
    ]
    return [name for name in unbound if not hasattr(builtins, name)]


@contextlib.contextmanager
def _alarm(limits: Limits) -> Iterator[None]:
    """Raise TooSlow after the time for the checks and several calls, in a process's main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach only the main thread
        return

    def stop(*_: object) -> None:
        raise TooSlow("the check took too long")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, CHECK_SECONDS + 10 * limits.call)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_cells(gradebook: Gradebook, notebook: str, assignment: str) -> dict[str, str]:
    """The sources of the test cells in the gradebook, by grade_id.

    A test cell is code with points that is not itself the learner's answer.
    """
    record = gradebook.find_notebook(notebook, assignment)
    answers = {cell.name for cell in record.solution_cells}
    graded_code = {cell.name for cell in record.grade_cells if cell.cell_type == "code"}
    tests = graded_code - answers
    return {cell.name: cell.source for cell in record.source_cells if cell.name in tests}


class Execute(NbGraderPreprocessor):
    """Replaces nbgrader's preprocessor of this name, also in `nbgrader autograde` and formgrader.

    `ready` has, for each student whose notebook was run before, a function that returns the
    outputs.
    """

    ready: ClassVar[dict[str, Callable[[], list[Outputs]]]] = {}

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Run the notebook in the sandbox and judge it outside."""
        names = resources["nbgrader"]
        if names["student"] in self.ready:
            outputs = self.ready[names["student"]]()
        else:
            with Gradebook(names["db_url"]) as gradebook:
                tests = test_cells(gradebook, names["notebook"], names["assignment"])
            outputs = judged_outputs(nb, tests)
        code_cells = [
            (cell, own)
            for cell, own in zip(nb.cells, outputs, strict=True)
            if cell.cell_type == "code"
        ]
        for count, (cell, own) in enumerate(code_cells, start=1):
            cell.outputs = own
            cell.execution_count = count
        return nb, resources
