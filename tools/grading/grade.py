"""Grades an assignment: make grade ASSIGNMENT=04_inverted_dropout

Reads submitted/<student>/<assignment>/<assignment>.ipynb below notebooks/assignments. Writes autograded/, feedback/,
and the scores to gradebook.db and grades/<assignment>.csv. Learners' code runs in a sandbox; --trusted leaves it away.
A second call grades anew; scores and comments that were given by hand stay.
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
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import nbformat
from nbgrader.converters import Autograde, GenerateFeedback

from tools.grading import judge, sandbox, scores, submissions
from tools.grading.one_assignment import COURSE, CannotGrade, Course

SECONDS = ("cell", "call", "grace", "submission")  # limits that can be set


class Runs:
    """The runs of all notebooks, two at a time and ahead of nbgrader, each in the sandbox."""

    def __init__(self, jobs, limits, trusted):
        self.run, self.limits = partial(_outputs, limits=limits, trusted=trusted), limits
        self.pool, self.begun = self._new_pool(jobs), {}

    def _new_pool(self, jobs):
        context = multiprocessing.get_context("fork")  # quick: nothing is imported again
        return ProcessPoolExecutor(
            jobs, context, initializer=_limit_memory, initargs=(self.limits.memory,)
        )

    def begin(self, student, nb, tests):
        work = (nbformat.writes(nb), tests)
        self.begun[student] = (work, self.pool.submit(self.run, *work))
        return partial(self.outputs, student)

    def outputs(self, student):
        """What a run gave. Where a run took the process with it, the others are run again, each in one of its own."""
        work, future = self.begun.pop(student)
        try:
            return future.result()
        except BrokenProcessPool:
            with self._new_pool(1) as alone:
                return alone.submit(self.run, *work).result()


def _outputs(text, tests, limits, trusted):
    return judge.outputs(nbformat.reads(text, as_version=4), tests, limits, trusted)


def _limit_memory(largest):
    """What a check does with an answer stays small too."""
    resource.setrlimit(resource.RLIMIT_AS, (largest, resource.getrlimit(resource.RLIMIT_AS)[1]))


def grade(root, name, *, trusted=False, limits=None, jobs=2, report=print):
    """Grade all submissions of assignment `name`. Returns {student: remark}.

    A remark starts with "not graded: " where there is no new score. Raises CannotGrade, sandbox.NoSandbox.
    """
    if not trusted:
        sandbox.check()
    limits, students = limits or sandbox.Limits(), _students(root, name)
    with tempfile.TemporaryDirectory(prefix="grade-") as work:
        course, remarks = Course(root, work, name), {}
        base, runs = course.hand_out(), Runs(jobs, limits, trusted)
        try:
            for student in students:
                with _remarks(remarks, student, "not graded"):
                    nb, remarks[student] = submissions.read(root, student, name, base)
                    course.collect(student, nb)
                    judge.Execute.ready[student] = runs.begin(student, nb, course.tests())
            for student in list(runs.begun):
                _grade_one(course, student, remarks)
                report(f"{student}: {remarks[student] or 'graded'}")
        finally:
            runs.pool.shutdown(cancel_futures=True)
            judge.Execute.ready.clear()
        scores.write(
            root, course.database, name, remarks, [judge.grade_id(cell) for cell in base.cells]
        )
    return remarks


def _students(root, name):
    """Who handed in, once it is clear that there is such an assignment."""
    source = Path(root) / "source"
    if not (name and (source / name / f"{name}.ipynb").is_file()):
        known = ", ".join(sorted(path.name for path in source.glob("*") if path.is_dir())) or "none"
        wanted = f"There is no assignment {name}" if name else "ASSIGNMENT names no assignment"
        raise CannotGrade(f"{wanted} in {source}; there are: {known}.")
    found = submissions.students(root, name) if (Path(root) / "submitted").is_dir() else []
    if not found:
        raise CannotGrade(
            f"Nothing was handed in: {Path(root) / 'submitted'} has no <student>/{name}/{name}.ipynb."
        )
    return found


def _grade_one(course, student, remarks):
    with _remarks(remarks, student, "not graded"):
        course.convert(Autograde, student)
        with _remarks(remarks, student, "no feedback"):
            course.convert(GenerateFeedback, student)
        course.keep(student)


@contextlib.contextmanager
def _remarks(remarks, student, what):
    """Whatever is wrong with one submission is said of it, and the next one goes on."""
    try:
        yield
    except Exception as error:
        said = "".join(one if one.isprintable() else " " for one in str(error))
        remarks[student] = f"{what}: {said or type(error).__name__}"


def main(arguments=None):
    """The command line; the exit status is 0 if every submission was graded."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "assignment",
        nargs="?",
        default="",
        help="the name of a folder in source/, such as 04_inverted_dropout",
    )
    parser.add_argument(
        "--trusted", action="store_true", help="run the submissions without the sandbox"
    )
    parser.add_argument(
        "--root", type=Path, default=COURSE, help="the folder with source/ and submitted/"
    )
    parser.add_argument(
        "-j", "--jobs", type=int, default=2, help="how many notebooks run at a time"
    )
    for what in SECONDS:
        standing = getattr(sandbox.Limits(), what)
        parser.add_argument(
            f"--{what}-seconds", type=float, default=standing, help=f"default: {standing:g}"
        )
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore", module="nbgrader")  # it meets newer versions of its packages
    os.environ["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ["PATH"]]
    )  # it calls alembic
    limits = sandbox.Limits(**{what: getattr(options, f"{what}_seconds") for what in SECONDS})
    start = time.monotonic()
    try:
        root, name = options.root.resolve(), options.assignment.strip("/")
        remarks = grade(root, name, trusted=options.trusted, limits=limits, jobs=options.jobs)
    except (CannotGrade, sandbox.NoSandbox) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(*scores.table(root, name), sep="\n")
    print(f"{len(remarks)} submissions in {time.monotonic() - start:.0f} s.")
    print(
        f"Scores: {scores.csv_file(root, name)}\nFeedback: {root / 'feedback'}/<student>/{name}/{name}.html"
    )
    return 1 if any(remark.startswith("not graded") for remark in remarks.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
