"""Print one row for each lecture: words, text cells, code cells, their median and longest length, figures, claims.

python tools/lecture_report.py [notebooks...]
"""

import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import measures, notebooks

COLUMNS = ("lecture", "words", "text", "code", "median", "longest", "figures", "claims")


def row(path):
    """The measures of the lecture at `path`, in the order of COLUMNS."""
    nb = notebooks.parse(Path(path).read_text(encoding="utf-8"))
    code = measures.code_cells(nb)
    lines = [measures.code_lines(cell) for cell in code] or [0]
    figures = sum(len(measures.figures(cell)) for cell in code)
    claims = sum(map(measures.claims, code))
    counts = (measures.words(nb), len(measures.text_cells(nb)), len(code))
    return (Path(path).stem, *counts, f"{median(lines):g}", max(lines), figures, claims)


def table(rows):
    """The rows under their names, in columns."""
    cells = [[str(value) for value in line] for line in (COLUMNS, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for name, *numbers in cells:
        padded = (number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True))
        lines.append("  ".join((name.ljust(widths[0]), *padded)))
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(map(row, sys.argv[1:] or notebooks.lectures())))
