"""Grades an assignment: make grade ASSIGNMENT=04_inverted_dropout

Reads submitted/<student>/<assignment>/<assignment>.ipynb below notebooks/assignments. Writes
autograded/, feedback/, and the scores to gradebook.db and grades/<assignment>.csv. Learners' code
runs in a sandbox; --trusted skips the sandbox. A second call grades everything again; scores and
comments that were given by hand stay.
"""

import argparse
import contextlib
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.converters import Autograde, GenerateFeedback

from tools.grading import judge, sandbox, scores, submissions
from tools.grading.one_assignment import COURSE, CannotGrade, OneAssignment

SETTABLE = ("cell", "call", "grace", "submission")  # limits with an option --<limit>-seconds


class Runs:
    """The runs of all notebooks, some at a time and ahead of nbgrader, each in the sandbox."""

    def __init__(self, jobs: int, limits: sandbox.Limits, *, trusted: bool) -> None:
        self.limits = limits
        self.run = partial(_judged_outputs, limits=limits, trusted=trusted)
        self.pool = self._new_pool(jobs)
        self.started = {}

    def _new_pool(self, jobs: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            jobs,
            multiprocessing.get_context("fork"),  # quick: nothing is imported again
            initializer=_limit_memory,
            initargs=(self.limits.memory,),
        )

    def start(
        self, student: str, nb: NotebookNode, tests: dict[str, str]
    ) -> Callable[[], list[judge.Outputs]]:
        """Start a run; returns a function that waits for its outputs."""
        work = (nbformat.writes(nb), tests)
        self.started[student] = (work, self.pool.submit(self.run, *work))
        return partial(self.outputs, student)

    def outputs(self, student: str) -> list[judge.Outputs]:
        """The outputs of a run.

        A run can take its process down, and all that were waiting with it; each of those is run
        again in a process of its own.
        """
        work, future = self.started.pop(student)
        try:
            return future.result()
        except BrokenProcessPool:
            with self._new_pool(1) as alone:
                return alone.submit(self.run, *work).result()


def _judged_outputs(
    text: str, tests: dict[str, str], limits: sandbox.Limits, *, trusted: bool
) -> list[judge.Outputs]:
    nb = nbformat.reads(text, as_version=4)
    return judge.judged_outputs(nb, tests, limits, trusted=trusted)


def _limit_memory(max_bytes: int) -> None:
    """Limit this process too: a check works on the answers that it gets."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (max_bytes, hard))


def grade(
    root: Path,
    name: str,
    *,
    trusted: bool = False,
    limits: sandbox.Limits | None = None,
    jobs: int = 2,
    report: Callable[[str], None] = print,
) -> dict[str, str]:
    """Grade all submissions of assignment `name`. Returns {student: remark}.

    A remark starts with "not graded: " if there is no new score. Raises CannotGrade,
    sandbox.NoSandbox.
    """
    if not trusted:
        sandbox.check()
    students = _students(root, name)
    with tempfile.TemporaryDirectory(prefix="grade-") as work:
        assignment = OneAssignment(root, work, name)
        base = assignment.hand_out()
        runs = Runs(jobs, limits or sandbox.Limits(), trusted=trusted)
        try:
            remarks = _start_all(runs, assignment, base, students)
            for student in list(runs.started):
                _grade_student(assignment, student, remarks)
                report(f"{student}: {remarks[student] or 'graded'}")
        finally:
            runs.pool.shutdown(cancel_futures=True)
            judge.Execute.ready.clear()
        order = [judge.grade_id(cell) for cell in base.cells]
        scores.write(root, assignment.database, name, remarks, order)
    return remarks


def _students(root: Path, name: str) -> list[str]:
    """Who handed in something. Raises CannotGrade if nobody did or there is no such assignment."""
    source = Path(root) / "source"
    if not (name and (source / name / f"{name}.ipynb").is_file()):
        known = ", ".join(sorted(path.name for path in source.glob("*") if path.is_dir())) or "none"
        problem = f"There is no assignment {name}" if name else "ASSIGNMENT names no assignment"
        raise CannotGrade(f"{problem} in {source}; there are: {known}.")
    submitted = Path(root) / "submitted"
    students = submissions.students(root, name) if submitted.is_dir() else []
    if not students:
        expected = f"<student>/{name}/{name}.ipynb"
        raise CannotGrade(f"Nothing was handed in: {submitted} has no {expected}.")
    return students


def _start_all(
    runs: Runs, assignment: OneAssignment, base: NotebookNode, students: list[str]
) -> dict[str, str]:
    """Read every submission and start its run. Returns {student: remark}."""
    remarks = {}
    for student in students:
        with _failure_noted(remarks, student, "not graded"):
            nb, remarks[student] = submissions.read(assignment.root, student, assignment.name, base)
            assignment.collect(student, nb)
            outputs = runs.start(student, nb, assignment.test_cells())
            judge.Execute.ready[student] = outputs
    return remarks


def _grade_student(assignment: OneAssignment, student: str, remarks: dict[str, str]) -> None:
    with _failure_noted(remarks, student, "not graded"):
        assignment.run_step(Autograde, student)
        with _failure_noted(remarks, student, "no feedback"):
            assignment.run_step(GenerateFeedback, student)
        assignment.move_to_course(student)


@contextlib.contextmanager
def _failure_noted(remarks: dict[str, str], student: str, consequence: str) -> Iterator[None]:
    """Whatever is wrong with one submission becomes its remark, and the next one goes on."""
    try:
        yield
    except Exception as error:
        reason = "".join(letter if letter.isprintable() else " " for letter in str(error))
        remarks[student] = f"{consequence}: {reason or type(error).__name__}"


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit status is 0 if every submission was graded."""
    options = _parser().parse_args(arguments)
    warnings.filterwarnings("ignore", module="nbgrader")  # about newer versions of its packages
    programs = Path(sys.executable).parent  # alembic, which nbgrader calls
    os.environ["PATH"] = os.pathsep.join([str(programs), os.environ["PATH"]])
    root = options.root.resolve()
    name = options.assignment.strip("/")
    seconds = {limit: getattr(options, f"{limit}_seconds") for limit in SETTABLE}
    limits = sandbox.Limits(**seconds)
    start = time.monotonic()
    try:
        remarks = grade(root, name, trusted=options.trusted, limits=limits, jobs=options.jobs)
    except (CannotGrade, sandbox.NoSandbox) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(*scores.table(root, name), sep="\n")
    print(f"{len(remarks)} submissions in {time.monotonic() - start:.0f} s.")
    print(f"Scores: {scores.csv_file(root, name)}")
    print(f"Feedback: {root / 'feedback'}/<student>/{name}/{name}.html")
    return 1 if any(remark.startswith("not graded") for remark in remarks.values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    folder = "the name of a folder in source/, such as 04_inverted_dropout"
    add("assignment", nargs="?", default="", help=folder)
    add("--trusted", action="store_true", help="run the submissions without the sandbox")
    add("--root", type=Path, default=COURSE, help="the folder with source/ and submitted/")
    add("-j", "--jobs", type=int, default=2, help="how many notebooks run at a time")
    for limit in SETTABLE:
        default = getattr(sandbox.Limits(), limit)
        add(f"--{limit}-seconds", type=float, default=default, help=f"default: {default:g}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
