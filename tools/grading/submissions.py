"""Reads what learners handed in, and builds from it a notebook that nbgrader can be given.

Only the text of a submission's cells counts. Everything else, nbgrader's metadata above all, is the
teacher's.
"""

import copy
import json
import os
import re
import stat
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.notebooks import form

MAX_FILE_BYTES = 20 * 2**20
MAX_CELLS = 1000
MAX_CELL_CHARACTERS = 10**5
MAX_CHARACTERS = 2**20  # of all cells together
STUDENT = re.compile(r"\w[\w.@-]*")
NEW_CELL = {"code": new_code_cell, "markdown": new_markdown_cell}


class Refused(Exception):
    """A submission cannot be graded; one sentence says why."""


class HandedIn(NamedTuple):
    """What counts of a learner's cell: code or markdown, nbgrader's name for it, its text."""

    kind: str
    grade_id: str | None
    text: str


def students(root: Path, assignment: str) -> list[str]:
    """The folders of `submitted` that hold something for the assignment, in order."""
    folders = sorted((Path(root) / "submitted").iterdir())
    return [
        folder.name
        for folder in folders
        if not folder.name.startswith(".")
        and (folder.is_symlink() or os.path.lexists(folder / assignment))
    ]


def read(root: Path, student: str, assignment: str, base: NotebookNode) -> tuple[NotebookNode, str]:
    """The notebook of a student as `build` makes it, and a remark ("" for none).

    Raises Refused.
    """
    if not STUDENT.fullmatch(student):
        raise Refused("the name of the folder must consist of letters, digits and . @ _ -")
    folder = Path(root) / "submitted" / student
    for path in (folder, folder / assignment):
        if path.is_symlink():
            raise Refused(f"{path.name} is a link")
        if not path.is_dir():
            raise Refused(f"{path.name} is not a folder")
    path = find_notebook(folder / assignment, assignment)
    remark = "" if path.stem == assignment else f"handed in as {ascii(path.name)[1:-1]}"
    return build(parse_cells(read_bytes(path)), base), remark


def find_notebook(folder: Path, assignment: str) -> Path:
    """The notebook of the assignment, or the only one that is there."""
    expected = folder / f"{assignment}.ipynb"
    if os.path.lexists(expected):
        return expected
    notebooks = sorted(path for path in folder.iterdir() if path.suffix == ".ipynb")
    if len(notebooks) == 1:
        return notebooks[0]
    others = f" among {len(notebooks)} notebooks" if notebooks else ""
    raise Refused(f"{expected.name} is missing{others}")


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file that is not too large."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Refused("it is a link" if path.is_symlink() else f"{error.strerror}") from None
    with open(number, "rb") as file:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("it is not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            megabytes = status.st_size / 2**20
            raise Refused(f"it has {megabytes:.0f} MB, more than {MAX_FILE_BYTES / 2**20:.0f}")
        return file.read(MAX_FILE_BYTES)


def parse_cells(text: str | bytes) -> list[HandedIn]:
    """The cells of a notebook in the text of its file.

    Raises Refused unless it is a notebook of format 4 of a reasonable size.
    """
    try:
        nb = json.loads(text)
        if nb["nbformat"] != 4:
            raise ValueError("another format")
        cells = [_handed_in(cell) for cell in nb["cells"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Refused("it is not a notebook of format 4") from None
    lengths = [len(cell.text) for cell in cells]
    total = sum(lengths)
    longest = max(lengths, default=0)
    if len(cells) > MAX_CELLS or total > MAX_CHARACTERS or longest > MAX_CELL_CHARACTERS:
        size = f"{len(cells)} cells with {total} characters"
        raise Refused(f"it has {size}, too much for an assignment")
    return cells


def _handed_in(cell: dict[str, Any]) -> HandedIn:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return HandedIn(
        kind="code" if cell["cell_type"] == "code" else "markdown",
        grade_id=name if isinstance(name, str) else None,
        text=text.encode("utf-8", "replace").decode(),
    )


def build(cells: list[HandedIn], base: NotebookNode) -> NotebookNode:
    """A notebook with the texts of `cells` and the metadata of `base`, which was handed out.

    Locked cells are restored from `base`, missing ones are put back. A cell that is there twice
    counts where it stands last.
    """
    teachers = {
        cell.metadata.nbgrader.grade_id: cell for cell in base.cells if "nbgrader" in cell.metadata
    }
    last_place = {cell.grade_id: index for index, cell in enumerate(cells)}
    built = []
    for index, cell in enumerate(cells):
        if cell.grade_id in teachers and last_place[cell.grade_id] == index:
            built.append((cell.grade_id, _filled_in(teachers[cell.grade_id], cell.text)))
        else:
            built.append((None, NEW_CELL[cell.kind](cell.text)))
    _put_back_missing(built, teachers)
    nb = new_notebook(cells=[cell for _, cell in built], metadata=nbformat.from_dict(form.METADATA))
    for index, cell in enumerate(nb.cells):
        cell.id = f"cell-{index}"
    return nb


def _filled_in(teachers_cell: NotebookNode, text: str) -> NotebookNode:
    """A copy of the teacher's cell, with the learner's text if it is there to be filled in."""
    cell = copy.deepcopy(teachers_cell)
    if cell.metadata.nbgrader.solution:
        cell.source = text
    return cell


def _put_back_missing(
    built: list[tuple[str | None, NotebookNode]], teachers: dict[str, NotebookNode]
) -> None:
    """Insert each graded or locked cell that is missing after the one that preceded it."""
    place = 0
    for name, cell in teachers.items():
        places = [index for index, (other, _) in enumerate(built) if other == name]
        if places:
            place = places[0] + 1
        elif cell.metadata.nbgrader.grade or not cell.metadata.nbgrader.solution:
            built.insert(place, (name, copy.deepcopy(cell)))
            place += 1
