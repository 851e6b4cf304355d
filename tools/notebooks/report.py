"""Print the size of each lecture: python -m tools.notebooks.report [notebooks...]

Words, text cells, code cells, the median and the longest of these in lines, figures, claims.
"""

import sys
from pathlib import Path
from statistics import median

from tools.notebooks import counts, form

COLUMNS = ("lecture", "words", "text", "code", "median", "longest", "figures", "claims")


def row(path):
    """The sizes of the lecture at `path`, in the order of COLUMNS."""
    nb = form.parse(Path(path).read_text(encoding="utf-8"))
    code = counts.code_cells(nb)
    lines = [counts.code_lines(cell) for cell in code] or [0]
    cells = (len(counts.text_cells(nb)), len(code), f"{median(lines):g}", max(lines))
    figures = sum(len(counts.figures(cell)) for cell in code)
    claims = sum(map(counts.claims, code))
    return (Path(path).stem, counts.words(nb), *cells, figures, claims)


def table(rows):
    """The rows below the names of their columns."""
    cells = [[str(value) for value in line] for line in (COLUMNS, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for name, *numbers in cells:
        padded = (number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True))
        lines.append("  ".join((name.ljust(widths[0]), *padded)))
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(map(row, sys.argv[1:] or form.lectures())))
