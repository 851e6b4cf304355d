"""Write notebooks/overview.png, the figure of the README: one that lecture 02 stores.

python -m tools.notebooks.overview
"""

import base64

from tools.notebooks import form

LECTURE = form.ROOT / "notebooks" / "02_l2_penalty.ipynb"
CELL = "penalty-figure-boundaries"


def picture():
    """The bytes of the PNG that the cell shows."""
    nb = form.parse(LECTURE.read_text(encoding="utf-8"))
    (cell,) = [cell for cell in nb.cells if cell.id == CELL]
    shown = [output.get("data", {}) for output in cell.outputs]
    (png,) = [data["image/png"] for data in shown if "image/png" in data]
    return base64.b64decode(png)


if __name__ == "__main__":
    (form.ROOT / "notebooks" / "overview.png").write_bytes(picture())
