"""Grades a notebook: its cells run in the sandbox, and the checks run here, on answers that are plain data.

A notebook can change everything inside its kernel. So the test cells come from the teacher's source and are executed in
this process; what a test cell calls by a learner's name is asked from the kernel. The outputs of the notebook's own
test cells are replaced by this verdict, and nbgrader makes scores of them.
"""

import builtins
import contextlib
import io
import os
import re
import signal
import symtable
import threading
from unittest.mock import patch

from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from helpers.checks.exercise import Slip
from tools.grading.kept_outputs import error_output
from tools.grading.kernel import Kernel, Stopped
from tools.grading.sandbox import Limits

HIDDEN = re.compile(
    r"^.*BEGIN HIDDEN TESTS.*$.*?^.*END HIDDEN TESTS.*$\n?", re.MULTILINE | re.DOTALL
)
GRADED = {"NBGRADER_EXECUTION": "autograde"}  # a check raises then
CHECKING = 60  # seconds that the checks of one cell may take, beside the calls


class TooSlow(Exception):
    """A check took too long, perhaps because of an answer that was made for it."""


def outputs(nb, tests, limits=None, trusted=False):
    """The outputs of each cell of `nb`, those of a test cell made here; `tests` are their sources by grade_id."""
    with Kernel(limits or Limits(), trusted) as kernel:
        found = [
            kernel.run(HIDDEN.sub("", cell.source)) if is_code(cell) else [] for cell in nb.cells
        ]
        verdicts = {name: verdict(source, kernel) for name, source in tests.items()}
    return [verdicts.get(grade_id(cell), own) for cell, own in zip(nb.cells, found, strict=True)]


def is_code(cell):
    return cell.cell_type == "code" and bool(cell.source.strip())


def grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def verdict(source, kernel):
    """The outputs of a test cell, executed here: what the checks print, or the error that costs the points."""
    printed = io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(printed),
            patch.dict(os.environ, GRADED),
            _alarm(kernel.limits),
        ):
            names = {name: kernel.value(name) for name in unknown_names(source)}
            exec(compile(source, "<check>", "exec"), {"__name__": "__check__"} | names)
    except Slip as slip:
        return [error_output("Slip", str(slip), [f"✗ {slip}"])]
    except Stopped as reason:
        return [error_output("Stopped", f"Not verified: {reason}.")]
    except Exception as error:  # an answer that a check did not expect
        return [
            error_output(
                type(error).__name__, f"Not verified, the check stopped: {str(error)[:300]}"
            )
        ]
    return [NotebookNode(output_type="stream", name="stdout", text=printed.getvalue() or "✓\n")]


def unknown_names(source):
    """The names that a cell uses and neither binds nor finds in Python: those of the learner."""
    symbols = symtable.symtable(source, "<check>", "exec").get_symbols()
    used = [
        one
        for one in symbols
        if one.is_referenced() and not (one.is_assigned() or one.is_imported())
    ]
    return [one.get_name() for one in used if not hasattr(builtins, one.get_name())]


@contextlib.contextmanager
def _alarm(limits):
    """TooSlow after the time for checks and several calls, where signals can be had."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_):
        raise TooSlow("the check took too long")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, CHECKING + 10 * limits.call)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_cells(gradebook, notebook, assignment):
    """The sources of the test cells in the gradebook, by grade_id: code with points that is no one's own answer."""
    record = gradebook.find_notebook(notebook, assignment)
    own = {cell.name for cell in record.solution_cells}
    tests = {cell.name for cell in record.grade_cells if cell.cell_type == "code"} - own
    return {cell.name: cell.source for cell in record.source_cells if cell.name in tests}


class Execute(NbGraderPreprocessor):
    """Takes the place of nbgrader's preprocessor of this name, also for `nbgrader autograde` and formgrader."""

    ready = {}  # noqa: RUF012  student -> a function that returns the outputs, where they were made before

    def preprocess(self, nb, resources):
        """Run the notebook in the sandbox and judge it outside."""
        this = resources["nbgrader"]
        if this["student"] in self.ready:
            found = self.ready[this["student"]]()
        else:
            with Gradebook(this["db_url"]) as gradebook:
                tests = test_cells(gradebook, this["notebook"], this["assignment"])
            found = outputs(nb, tests)
        code = 0
        for cell, own in zip(nb.cells, found, strict=True):
            if cell.cell_type == "code":
                code += 1
                cell.outputs, cell.execution_count = own, code
        return nb, resources
