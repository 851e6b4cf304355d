"""Read, normalize and write notebooks; the environment in which their kernels run."""

import contextlib
import copy
import hashlib
import importlib.util
import json
import os
import re
from pathlib import Path

import nbformat

from tools import ROOT

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CELL_METADATA = ("tags", "nbgrader", "deletable", "editable")
CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# No version: it would say who ran refresh last, and change with each of them.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


def lectures(root=ROOT):
    """The lectures notebooks/NN_topic.ipynb under `root`, in order."""
    return sorted((Path(root) / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def shown(path):
    """`path` as the course names it: relative to the root where it lies below it."""
    path = Path(path).resolve()
    return (path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).as_posix()


def parse(text):
    """The notebook in `text`, with mended cell ids. Raises ValueError for what is no notebook of format 4."""
    try:
        raw = json.loads(text)
        cells, version = raw["cells"], raw["nbformat"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError("it is no notebook of format 4") from error
    if version != 4:
        raise ValueError(f"its format is {version}, expected 4")
    mend_ids(cells)
    return nbformat.reads(json.dumps(raw | {"nbformat_minor": 5}), as_version=4)


def mend_ids(cells):
    """Keep each id that is valid and new; derive the others from the cell's text, so that they stay the same."""
    taken = set()
    for cell in cells:
        if not CELL_ID.fullmatch(str(cell.get("id", ""))) or cell["id"] in taken:
            cell["id"] = _derived_id(cell, taken)
        taken.add(cell["id"])


def _derived_id(cell, taken):
    """Eight hexadecimal digits of the hash of the cell's type, text and the number of its equals before it."""
    text, number = cell["cell_type"] + "".join(cell["source"]), 0
    while (new := hashlib.sha256(f"{number} {text}".encode()).hexdigest()[:8]) in taken:
        number += 1
    return new


def normalize(nb):
    """A copy of `nb` in the form that is stored: nothing in it depends on when, where and by whom it was run."""
    nb = copy.deepcopy(nb)
    nb.metadata = nbformat.from_dict(METADATA)
    for cell in nb.cells:
        cell.metadata = {
            key: cell.metadata[key]
            for key in CELL_METADATA
            if cell.metadata.get(key) not in (None, [])
        }
        if cell.cell_type == "code":
            cell.outputs = merge_streams(filter(None, map(_stored_output, cell.outputs)))
            if not cell.source.strip():
                cell.execution_count = None
    return nb


def _stored_output(output):
    """`output` without widget view and passing metadata, or None if nothing is left."""
    if "data" in output:
        output.data.pop(WIDGET_VIEW, None)
        output.metadata = {
            mime: value for mime, value in output.metadata.items() if mime in output.data
        }
    return None if output.get("data") == {} else output


def merge_streams(outputs):
    """Join the chunks in which a stream arrived; what stands before a figure and what after it stay apart."""
    merged = []
    for output in outputs:
        if merged and output.output_type == "stream" and merged[-1].get("name") == output.name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


def dump(nb):
    """The text of the file: JSON with an indent of 1, sorted keys, characters as they are and a final newline."""
    return nbformat.writes(nb, version=nbformat.NO_CONVERT) + "\n"


def kernel_environment(ipython_folder):
    """The environment variables under which a notebook gives the same outputs on every machine; None: unset."""
    matplotlib = importlib.util.find_spec("matplotlib")
    rc = Path(matplotlib.origin).parent / "mpl-data" / "matplotlibrc" if matplotlib else None
    return {
        "COURSE_PROGRESS": "off",  # progress bars write to stderr
        "IPYTHONDIR": str(ipython_folder),  # nobody's own start-up files and history
        "MATPLOTLIBRC": str(rc) if rc else None,  # nobody's own font sizes
        "MPLBACKEND": None,  # the kernel chooses its inline backend only where nothing is set
    }


def environment(ipython_folder):
    """os.environ with `kernel_environment` laid over it."""
    merged = dict(os.environ) | kernel_environment(ipython_folder)
    return {key: value for key, value in merged.items() if value is not None}


def build_font_cache():
    """Let matplotlib look for its fonts here: a kernel that does so for more than 5 s says it on stderr."""
    with contextlib.suppress(ImportError):
        import matplotlib.font_manager  # noqa: F401
