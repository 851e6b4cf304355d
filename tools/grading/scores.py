"""The scores in the gradebook as a CSV file that an LMS can read, and as a table."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import Gradebook, SubmittedAssignment


def rows(database: str, assignment: str, remarks: dict[str, str], order: list) -> list[dict]:
    """One dict for each student, in order of their names.

    It holds student_id, score, max_score, a score for each graded cell, and what is left to do.
    """
    by_student = {}
    with Gradebook(database) as gradebook:
        for submission in gradebook.assignment_submissions(assignment):
            student = submission.student_id
            if _was_graded(submission):
                by_student[student] = _row(submission, remarks.get(student, ""), order)
    for student in remarks.keys() - by_student.keys():
        by_student[student] = {"student_id": student, "remark": remarks[student]}
    return [by_student[student] for student in sorted(by_student)]


def _was_graded(submission: SubmittedAssignment) -> bool:
    grades = submission.notebooks[0].grades
    return any(grade.auto_score is not None or grade.manual_score is not None for grade in grades)


def _row(submission: SubmittedAssignment, remark: str, order: list) -> dict:
    grades = submission.notebooks[0].grades
    ordered = sorted(grades, key=lambda grade: [*order, grade.name].index(grade.name))
    by_hand = any(grade.needs_manual_grade for grade in grades)
    return {
        "student_id": submission.student_id,
        "score": submission.score,
        "max_score": submission.max_score,
        **{grade.name: grade.score for grade in ordered},
        "needs_manual_grading": "yes" if by_hand else "no",
        "remark": remark,
    }


def write(root: Path, database: str, assignment: str, remarks: dict[str, str], order: list) -> None:
    """Write grades/<assignment>.csv, complete or not at all.

    `order` has the names of the cells as they follow one another in the notebook.
    """
    table_rows = rows(database, assignment, remarks, order)
    path = csv_file(root, assignment)
    path.parent.mkdir(exist_ok=True)
    longest_first = sorted(table_rows, key=len, reverse=True)
    columns = list(dict.fromkeys(key for row in longest_first for key in row))
    unfinished = path.with_suffix(".new")
    with open(unfinished, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(table_rows)
    os.replace(unfinished, path)


def csv_file(root: Path, assignment: str) -> Path:
    """Where the scores of an assignment are written."""
    return Path(root) / "grades" / f"{assignment}.csv"


def table(root: Path, assignment: str) -> Iterator[str]:
    """The scores in the CSV file as lines of text."""
    with open(csv_file(root, assignment), newline="", encoding="utf-8") as file:
        table_rows = list(csv.DictReader(file))
    width = max(len(row["student_id"]) for row in table_rows)
    for row in table_rows:
        score = "    –"
        if row["score"]:
            score = f"{float(row['score']):5g} of {float(row['max_score']):g}"
        by_hand = ", some points by hand" if row["needs_manual_grading"] == "yes" else ""
        remark = f"  {row['remark']}" if row["remark"] else ""
        yield f"{row['student_id']:<{width}}  {score}{by_hand}{remark}"
