"""Tables as text and, in a notebook, as HTML, and how many digits they show."""

import html
import math

from helpers.internal.arguments import integer, number


class Printed:
    """Prints as text and, in a notebook, as an HTML table, both from the cells of `_layout`."""

    def __str__(self):
        return _as_text(*self._layout())

    __repr__ = __str__

    def _repr_html_(self):
        return _as_html(*self._layout())


# Digits


def _steady(x):
    return float(f"{x:.9g}")


def digits_of(x, decimals):
    """x to `decimals` decimals, after rounding to 9 significant digits; a zero has no minus."""
    x = number("x", x)
    decimals = integer("decimals", decimals, low=-300, high=300)
    rounded = round(_steady(x), decimals) + 0.0  # -0.0 + 0.0 is 0.0
    return f"{rounded:.{max(decimals, 0)}f}"


def decimals_for(size, otherwise=0.0):
    """How many decimals put `size` between 1.5 and 15 units; for 0, three digits of `otherwise`."""
    size = number("size", size, low=0)
    otherwise = number("otherwise", otherwise)
    if size > 0:
        return -math.floor(math.log10(_steady(size / 1.5)))
    return max(0, 2 - math.floor(math.log10(abs(otherwise)))) if otherwise else 0


# The two forms of a table


def _as_text(titles, lines, caption):
    labels = ["", *("  " * level + label for level, label, _ in lines)]
    rows = [cells or [""] * len(titles) for _, _, cells in lines]
    columns = [_padded([title, *cells]) for title, *cells in zip(titles, *rows, strict=True)]
    width = max(map(len, labels))
    padded = zip(labels, *columns, strict=True)
    text = ["   ".join([label.ljust(width), *cells]).rstrip() for label, *cells in padded]
    return "\n".join([*text, caption])


def _padded(cells):
    """Align words on the left, and numbers on the right with their ± in one column."""
    tail = max(len(cell.partition(" ± ")[2]) for cell in cells)
    halves = [cell.partition(" ± ") for cell in cells]
    cells = [head + pm + half.ljust(tail) if pm else head for head, pm, half in halves]
    width = max(map(len, cells))
    return [cell.ljust(width) if cells[0] == "verdict" else cell.rjust(width) for cell in cells]


def _as_html(titles, lines, caption):
    head = "".join(
        f'<th scope="col" style="{_side(title)}">{html.escape(title)}</th>' for title in titles
    )
    groups = [[]]
    for level, label, cells in lines:
        if cells is None and groups[-1]:
            groups.append([])
        groups[-1].append(_html_row(level, label, cells, titles))
    body = "\n".join("<tbody>\n" + "\n".join(group) + "\n</tbody>" for group in groups)
    caption = (
        f'<caption style="caption-side: bottom; text-align: left">{html.escape(caption)}</caption>'
    )
    return f"<table>\n{caption}\n<thead><tr><td></td>{head}</tr></thead>\n{body}\n</table>"


def _html_row(level, label, cells, titles):
    label = html.escape(label)
    if cells is None:
        width = len(titles) + 1
        heading = f'<th scope="rowgroup" colspan="{width}" style="text-align: left">{label}</th>'
        return f"<tr>{heading}</tr>"
    style = f"text-align: left; font-weight: normal; padding-left: {level + 0.5}em"
    pairs = zip(titles, cells, strict=True)
    data = "".join(f'<td style="{_side(title)}">{cell}</td>' for title, cell in pairs)
    return f'<tr><th scope="row" style="{style}">{label}</th>{data}</tr>'


def _side(title):
    return f"text-align: {'left' if title == 'verdict' else 'right'}"
