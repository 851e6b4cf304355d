"""Write notebooks/overview.png, the figure of the README: one that lecture 02 stores.

python -m tools.notebooks.overview
"""

import base64

from tools.notebooks import form

LECTURE, CELL = "02_l2_penalty.ipynb", "penalty-figure-boundaries"


def picture():
    """The bytes of the PNG that the cell shows."""
    nb = form.parse((form.ROOT / "notebooks" / LECTURE).read_text(encoding="utf-8"))
    (cell,) = [cell for cell in nb.cells if cell.id == CELL]
    (png,) = [
        output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})
    ]
    return base64.b64decode(png)


if __name__ == "__main__":
    (form.ROOT / "notebooks" / "overview.png").write_bytes(picture())
