"""Write notebooks/overview.png, the figure of the README: one that lecture 02 stores.

python tools/overview.py
"""

import base64
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import notebooks

LECTURE, CELL = "02_l2_penalty.ipynb", "penalty-figure-boundaries"


def picture():
    """The bytes of the PNG that the cell shows."""
    nb = notebooks.parse((notebooks.ROOT / "notebooks" / LECTURE).read_text(encoding="utf-8"))
    (cell,) = [cell for cell in nb.cells if cell.id == CELL]
    (png,) = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
    return base64.b64decode(png)


if __name__ == "__main__":
    (notebooks.ROOT / "notebooks" / "overview.png").write_bytes(picture())
