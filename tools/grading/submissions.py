"""Reads what learners handed in, and builds from it a notebook that nbgrader can be given.

Of a submission only the text of its cells counts. All else, the metadata of nbgrader above all, is the teacher's.
"""

import copy
import json
import os
import re
import stat
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.notebooks import form

LARGEST = 20 * 2**20  # bytes of a file
LONGEST = {"file": 2**20, "cell": 10**5}  # characters of the cells' text
MOST = 1000  # cells
STUDENT = re.compile(r"\w[\w.@-]*")
CELLS = {"code": new_code_cell, "markdown": new_markdown_cell}


class Refused(Exception):
    """A submission cannot be graded; one sentence says why."""


def students(root, name):
    """The folders of `submitted` that hold something for assignment `name`, in order."""
    folders = sorted(
        path for path in (Path(root) / "submitted").iterdir() if not path.name.startswith(".")
    )
    return [path.name for path in folders if path.is_symlink() or os.path.lexists(path / name)]


def read(root, student, name, base):
    """The notebook of a student as `build` makes it, and a remark ("" for none). Raises Refused."""
    if not STUDENT.fullmatch(student):
        raise Refused("the name of the folder must be letters, digits and . @ _ - alone")
    folder = Path(root) / "submitted" / student
    for path in (folder, folder / name):
        if path.is_symlink() or not path.is_dir():
            raise Refused(f"{path.name} is {'a link' if path.is_symlink() else 'no folder'}")
    path = find(folder / name, name)
    remark = "" if path.stem == name else f"handed in as {ascii(path.name)[1:-1]}"
    return build(cells(content(path)), base), remark


def find(folder, name):
    """The notebook of the assignment, or the only one that is there."""
    if os.path.lexists(folder / f"{name}.ipynb"):
        return folder / f"{name}.ipynb"
    found = sorted(path for path in folder.iterdir() if path.suffix == ".ipynb")
    if len(found) != 1:
        raise Refused(
            f"{name}.ipynb is missing" + (f" among {len(found)} notebooks" if found else "")
        )
    return found[0]


def content(path):
    """The bytes of a file that is no link, no pipe and not too large."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Refused(f"{'it is a link' if path.is_symlink() else error.strerror}") from None
    with open(number, "rb") as file:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise Refused("it is no file")
        if found.st_size > LARGEST:
            raise Refused(f"it has {found.st_size / 2**20:.0f} MB, more than {LARGEST / 2**20:.0f}")
        return file.read(LARGEST)


def cells(text):
    """(kind, grade_id or None, text) for each cell of a notebook. Raises Refused for what is none."""
    try:
        nb = json.loads(text)
        if nb["nbformat"] != 4:
            raise ValueError("another format")
        found = [_cell(cell) for cell in nb["cells"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Refused("it is no notebook of format 4") from None
    lengths = [len(text) for _, _, text in found]
    if (
        len(found) > MOST
        or sum(lengths) > LONGEST["file"]
        or max(lengths, default=0) > LONGEST["cell"]
    ):
        raise Refused(
            f"it has {len(found)} cells with {sum(lengths)} characters, too much for an assignment"
        )
    return found


def _cell(cell):
    text = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    metadata = cell.get("metadata")
    own = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = own.get("grade_id") if isinstance(own, dict) else None
    kind = "code" if cell["cell_type"] == "code" else "markdown"
    return kind, name if isinstance(name, str) else None, text.encode("utf-8", "replace").decode()


def build(found, base):
    """A notebook with the cells that were `found`: what the teacher locked is as in `base`, and what lacks is back.

    `base` is the notebook that was handed out. A cell that is there twice keeps its place in the last of both.
    """
    known = {
        cell.metadata.nbgrader.grade_id: cell for cell in base.cells if "nbgrader" in cell.metadata
    }
    last = {name: index for index, (_, name, _) in enumerate(found)}
    built = []
    for index, (kind, name, text) in enumerate(found):
        if name not in known or last[name] != index:
            built.append((None, CELLS[kind](text)))
            continue
        cell = copy.deepcopy(known[name])
        if cell.metadata.nbgrader.solution:
            cell.source = text
        built.append((name, cell))
    _put_back(built, known)
    nb = new_notebook(cells=[cell for _, cell in built], metadata=nbformat.from_dict(form.METADATA))
    for index, cell in enumerate(nb.cells):
        cell.id = f"cell-{index}"
    return nb


def _put_back(built, known):
    """Insert each graded or locked cell that is missing behind the one that stood before it."""
    place = 0
    for name, cell in known.items():
        places = [index for index, (other, _) in enumerate(built) if other == name]
        if places:
            place = places[0] + 1
        elif cell.metadata.nbgrader.grade or not cell.metadata.nbgrader.solution:
            built.insert(place, (name, copy.deepcopy(cell)))
            place += 1
