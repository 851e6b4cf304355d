"""A course with one assignment of three exercises, and submissions for it, honest and not."""

import copy
import json

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions, LockCells

NAME = "01_tiny"
POINTS = {"forward": 3, "backward": 2, "moments": 3}
FORWARD = """
def dropout_forward(x, p, rng):
    mask = rng.random(x.shape) >= p
    return x * mask / (1 - p), mask
"""
RIGHT = {
    "forward": FORWARD.strip(),
    "backward": "def dropout_backward(dy, mask, p):\n    return dy * mask / (1 - p)",
    "moments": "def dropout_moments(x, p):\n    return x, p / (1 - p) * x**2",
}
WRONG = {
    "forward": "def dropout_forward(x, p, rng):\n    return x, x > 0",
    "backward": "def dropout_backward(dy, mask, p):\n    return dy",
    "moments": "def dropout_moments(x, p):\n    return x, p * x",
}
STUBS = {
    name: text.partition("\n")[0] + "\n    raise NotImplementedError"
    for name, text in RIGHT.items()
}
HALF = RIGHT | {"moments": WRONG["moments"]}


def check(name):
    return f"from helpers.checks import inverted_dropout as checks\n\nchecks.{name}(dropout_{name})"


def source():
    """The teacher's notebook.

    A locked set-up cell, three answers with their tests, one answer that the teacher reads.
    """
    cells = [_cell("setup", "import numpy as np", locked=True)]
    for name in POINTS:
        head, _, body = RIGHT[name].partition("\n")
        solved = f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
        hidden = f"\n### BEGIN HIDDEN TESTS\nchecks.{name}(dropout_{name})\n### END HIDDEN TESTS"
        graded = {"grade": True, "locked": True, "points": POINTS[name]}
        cells.append(_cell(f"{name}-answer", solved, solution=True))
        cells.append(_cell(f"{name}-check", check(name) + hidden, **graded))
    text = new_markdown_cell("*Your conclusion.*", id="conclusion")
    text.metadata["nbgrader"] = _metadata("conclusion", solution=True, grade=True, points=4)
    return new_notebook(cells=[*cells, text])


def release():
    """The notebook that is handed out."""
    nb = source()
    for step in (LockCells(), ClearSolutions(), ClearHiddenTests()):
        nb, _ = step.preprocess(nb, {})
    return nb


def _cell(name, text, **metadata):
    return new_code_cell(text, id=name, metadata={"nbgrader": _metadata(name, **metadata)})


def _metadata(name, *, grade=False, solution=False, locked=False, **points):
    flags = {"grade": grade, "solution": solution, "locked": locked, "task": False}
    return {"grade_id": name, "schema_version": 3, **flags, **points}


def submission(answers, first="", last="", text="*Your conclusion.*"):
    """A learner's notebook with `answers`, and a cell of code before and after all others."""
    nb = source()
    for cell in nb.cells:
        name, _, kind = cell.id.partition("-")
        if kind == "answer":
            cell.source = answers[name]
        elif kind == "check":
            cell.source = check(name)
        elif name == "conclusion":
            cell.source = text
    before, after = ([new_code_cell(code)] if code else [] for code in (first, last))
    return new_notebook(cells=[*before, *copy.deepcopy(nb.cells), *after])


def make(root):
    """The course without submissions."""
    folder = root / "source" / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_text(writes(source()), encoding="utf-8")
    return root


def hand_in(root, student, nb, name=NAME):
    """Put a notebook, or the text of a file, where learners' work is collected.

    Returns its folder.
    """
    folder = root / "submitted" / student / NAME
    folder.mkdir(parents=True)
    text = nb if isinstance(nb, str) else json.dumps(nb)
    (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
    return folder
