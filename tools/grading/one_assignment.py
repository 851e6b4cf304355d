"""One assignment of a course, as nbgrader sees it: its steps run in a folder outside the course."""

import contextlib
import io
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import BaseConverter, GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import PyFileConfigLoader
from traitlets.log import get_logger

from tools import ROOT
from tools.grading import judge

COURSE = ROOT / "notebooks" / "assignments"
STEPS = ("autograded", "feedback")


class CannotGrade(Exception):
    """One sentence for the teacher."""


class OneAssignment:
    """An assignment in a working folder of its own.

    Nothing half done is left in the course at `root`; only its gradebook is there from the start.
    """

    def __init__(self, root: Path, work: Path, name: str) -> None:
        self.root = Path(root)
        self.work = Path(work)
        self.name = name
        self.database = f"sqlite:///{self.root / 'gradebook.db'}"
        self.config = PyFileConfigLoader("nbgrader_config.py", path=str(COURSE)).load_config()
        self.config.CourseDirectory.root = str(self.work)
        self.config.CourseDirectory.db_url = self.database
        self.config.CourseDirectory.assignment_id = name

    def run_step(self, step: type[BaseConverter], student: str = "*") -> None:
        """Run a step of nbgrader. Raises CannotGrade with the telling line of its log."""
        folder = CourseDirectory(config=self.config, student_id=student)
        converter = step(coursedir=folder, config=self.config)
        converter.force = True
        log = io.StringIO()
        try:
            with _logged_to(log):
                converter.start()
        except (Exception, SystemExit) as error:
            raise CannotGrade(_reason(log.getvalue(), error)) from None

    def hand_out(self) -> NotebookNode:
        """Bring the gradebook up to date with source/. Returns the notebook that learners got."""
        shutil.copytree(self.root / "source" / self.name, self.work / "source" / self.name)
        self.run_step(GenerateAssignment)
        return nbformat.read(self.work / "release" / self.name / f"{self.name}.ipynb", as_version=4)

    def collect(self, student: str, nb: NotebookNode) -> None:
        """Put a student's notebook where nbgrader reads it."""
        folder = self.work / "submitted" / student / self.name
        folder.mkdir(parents=True)
        nbformat.write(nb, folder / f"{self.name}.ipynb")

    def test_cells(self) -> dict[str, str]:
        """The sources of the test cells, by grade_id."""
        with Gradebook(self.database) as gradebook:
            return judge.test_cells(gradebook, self.name, self.name)

    def move_to_course(self, student: str) -> None:
        """Move what was made for a student into the course, over what an earlier run left there."""
        for step in STEPS:
            made = self.work / step / student / self.name
            target = self.root / step / student / self.name
            if made.exists():
                shutil.rmtree(target, ignore_errors=True)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(made, target)


@contextlib.contextmanager
def _logged_to(stream: io.StringIO) -> Iterator[None]:
    """What nbgrader logs goes to `stream`."""
    log = get_logger()
    before = (log.handlers[:], log.propagate, log.level)
    log.handlers = [logging.StreamHandler(stream)]
    log.propagate = False
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.handlers, log.propagate, level = before
        log.setLevel(level)


def _reason(log: str, error: BaseException) -> str:
    """The line of nbgrader's log that names the exception, or the exception itself."""
    lines = [line.strip() for line in log.splitlines() if ": " in line and line[:1].isalpha()]
    introductions = ("There was an error", "Removing", "File")
    telling = [line for line in lines if not line.startswith(introductions)]
    return (telling or [f"{type(error).__name__}: {error}"])[-1][:300]
