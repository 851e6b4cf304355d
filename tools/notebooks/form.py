"""Read, normalize and write notebooks; the environment in which their kernels run."""

import contextlib
import copy
import hashlib
import importlib.util
import itertools
import json
import os
import re
from pathlib import Path

import nbformat

from tools import ROOT

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CELL_METADATA = ("tags", "nbgrader", "deletable", "editable")
CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# No version of Python: it would change with whoever ran refresh last.
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


def first_line(text, longest=60):
    """The first line of `text`, cut to `longest` characters; "" if there is none."""
    line, *_ = text.strip().splitlines() or [""]
    return line if len(line) <= longest else line[: longest - 3] + "..."


def cell_label(nb, index, longest=60):
    """How a sentence names a cell: by its position, counted from 1, and its first line."""
    return f'cell {index + 1} ("{first_line(nb.cells[index].source, longest)}")'


def state(up_to_date, check, stale):
    """What became of a file: "unchanged", "written", or `stale` if it was only to be checked."""
    if up_to_date:
        return "unchanged"
    return stale if check else "written"


def parse(text):
    """The notebook in `text`, with mended cell ids. Raises ValueError unless its format is 4."""
    try:
        raw = json.loads(text)
        cells = raw["cells"]
        version = raw["nbformat"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError("it is not a notebook of format 4") from error
    if version != 4:
        raise ValueError(f"its format is {version}, expected 4")
    mend_ids(cells)
    return nbformat.reads(json.dumps(raw | {"nbformat_minor": 5}), as_version=4)


def mend_ids(cells):
    """Keep each id that is valid and new; derive the others from the cell's text.

    A derived id is the same in each run.
    """
    taken = set()
    for cell in cells:
        if not CELL_ID.fullmatch(str(cell.get("id", ""))) or cell["id"] in taken:
            cell["id"] = _derived_id(cell, taken)
        taken.add(cell["id"])


def _derived_id(cell, taken):
    """Eight digits of a hash of the cell's type and text, and a number if equal cells precede."""
    text = cell["cell_type"] + "".join(cell["source"])
    hashes = (hashlib.sha256(f"{number} {text}".encode()) for number in itertools.count())
    ids = (new.hexdigest()[:8] for new in hashes)
    return next(new for new in ids if new not in taken)


def normalize(nb):
    """A copy of `nb` in the form that is stored: it does not show who ran it, when and where."""
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
    """Join the chunks in which a stream arrived; text before and after a figure stays apart."""
    merged = []
    for output in outputs:
        if merged and output.output_type == "stream" and merged[-1].get("name") == output.name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


def dump(nb):
    """The text of the file: JSON with an indent of 1, sorted keys, unescaped characters."""
    return nbformat.writes(nb, version=nbformat.NO_CONVERT) + "\n"


def kernel_environment(ipython_folder):
    """The environment variables that make outputs the same on every machine; None means unset."""
    matplotlib = importlib.util.find_spec("matplotlib")
    rc = Path(matplotlib.origin).parent / "mpl-data" / "matplotlibrc" if matplotlib else None
    return {
        "COURSE_PROGRESS": "off",  # progress bars write to stderr
        "IPYTHONDIR": str(ipython_folder),  # no start-up files and history of the user's
        "MATPLOTLIBRC": str(rc) if rc else None,  # no font sizes of the user's
        "MPLBACKEND": None,  # the kernel chooses its inline backend only if nothing is set
    }


def environment(ipython_folder):
    """os.environ with `kernel_environment` laid over it."""
    merged = dict(os.environ) | kernel_environment(ipython_folder)
    return {key: value for key, value in merged.items() if value is not None}


def build_font_cache():
    """Let matplotlib look for its fonts now: in a kernel it would warn on stderr after 5 s."""
    with contextlib.suppress(ImportError):
        import matplotlib.font_manager  # noqa: F401
