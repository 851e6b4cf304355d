"""The scores in the gradebook as a CSV that an LMS can read, and as a table."""

import csv
import os
from pathlib import Path

from nbgrader.api import Gradebook


def rows(database, name, remarks, order):
    """One dict for each student: student_id, score, max_score, a score for each graded cell, and what is left to do."""
    found = {}
    with Gradebook(database) as gradebook:
        for submission in gradebook.assignment_submissions(name):
            notebook = submission.notebooks[0]
            grades = sorted(
                notebook.grades, key=lambda grade: [*order, grade.name].index(grade.name)
            )
            student, manual = (
                submission.student_id,
                any(grade.needs_manual_grade for grade in grades),
            )
            if all(grade.auto_score is None and grade.manual_score is None for grade in grades):
                continue  # never graded
            found[student] = {
                "student_id": student,
                "score": submission.score,
                "max_score": submission.max_score,
            }
            found[student] |= {grade.name: grade.score for grade in grades}
            found[student] |= {
                "needs_manual_grading": "yes" if manual else "no",
                "remark": remarks.get(student, ""),
            }
    for student in remarks.keys() - found.keys():
        found[student] = {"student_id": student, "remark": remarks[student]}
    return [found[student] for student in sorted(found)]


def write(root, database, name, remarks, order):
    """grades/<assignment>.csv, complete or not at all; `order` are the names of the cells as learners see them."""
    found = rows(database, name, remarks, order)
    path = csv_file(root, name)
    path.parent.mkdir(exist_ok=True)
    columns = list(
        dict.fromkeys(key for row in sorted(found, key=len, reverse=True) for key in row)
    )
    with open(path.with_suffix(".new"), "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(found)
    os.replace(path.with_suffix(".new"), path)


def csv_file(root, name):
    return Path(root) / "grades" / f"{name}.csv"


def table(root, name):
    """The scores as lines of text."""
    with open(csv_file(root, name), newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    width = max(len(row["student_id"]) for row in found)
    for row in found:
        score = (
            f"{float(row['score']):5g} of {float(row['max_score']):g}" if row["score"] else "    –"
        )
        manual = ", some points by hand" if row["needs_manual_grading"] == "yes" else ""
        yield f"{row['student_id']:<{width}}  {score}{manual}{'  ' if row['remark'] else ''}{row['remark']}"
