"""One assignment of a course, as nbgrader sees it: its steps run in a folder beside the course."""

import contextlib
import io
import logging
import shutil
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import PyFileConfigLoader
from traitlets.log import get_logger

from tools import ROOT
from tools.grading import judge

COURSE = ROOT / "notebooks" / "assignments"
STEPS = ("autograded", "feedback")


class CannotGrade(Exception):
    """One sentence for the teacher."""


class Course:
    """One assignment in a folder of its own beside the course, so that nothing half done is left in the course."""

    def __init__(self, root, work, name):
        self.root, self.work, self.name = Path(root), Path(work), name
        config = PyFileConfigLoader("nbgrader_config.py", path=str(COURSE)).load_config()
        config.CourseDirectory.root = str(self.work)
        config.CourseDirectory.db_url = self.database = f"sqlite:///{self.root / 'gradebook.db'}"
        config.CourseDirectory.assignment_id = name
        self.config = config
        self.said = io.StringIO()

    def convert(self, kind, student="*"):
        """Run a step of nbgrader. Raises CannotGrade with the last words of its log."""
        folder = CourseDirectory(config=self.config, student_id=student)
        step, log = kind(coursedir=folder, config=self.config), get_logger()
        step.force = True
        self.said.truncate(self.said.seek(0))
        try:
            with _logged(log, self.said):
                step.start()
        except (Exception, SystemExit) as error:
            raise CannotGrade(_reason(self.said.getvalue(), error)) from None

    def hand_out(self):
        """Bring the gradebook up to date with source/. Returns the notebook that learners got."""
        shutil.copytree(self.root / "source" / self.name, self.work / "source" / self.name)
        self.convert(GenerateAssignment)
        return nbformat.read(self.work / "release" / self.name / f"{self.name}.ipynb", as_version=4)

    def collect(self, student, nb):
        folder = self.work / "submitted" / student / self.name
        folder.mkdir(parents=True)
        nbformat.write(nb, folder / f"{self.name}.ipynb")

    def tests(self):
        with Gradebook(self.database) as gradebook:
            return judge.test_cells(gradebook, self.name, self.name)

    def keep(self, student):
        """Move what was made for a student into the course."""
        for step in STEPS:
            made, kept = (place / step / student / self.name for place in (self.work, self.root))
            if made.exists():
                shutil.rmtree(kept, ignore_errors=True)
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(made, kept)


@contextlib.contextmanager
def _logged(log, stream):
    """nbgrader's words go to `stream`."""
    handler, before = logging.StreamHandler(stream), (log.handlers[:], log.propagate, log.level)
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.handlers, log.propagate = before[:2]
        log.setLevel(before[2])


def _reason(said, error):
    """The line of nbgrader's log that names the exception, or else the exception."""
    lines = [line.strip() for line in said.splitlines() if ": " in line and line[:1].isalpha()]
    telling = [
        line for line in lines if not line.startswith(("There was an error", "Removing", "File"))
    ]
    return (telling or [f"{type(error).__name__}: {error}"])[-1][:300]
