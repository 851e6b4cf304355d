"""Name the numbers in the text of a lecture that stand in no output and no setting of its section.

python -m tools.notebooks.quoted [notebooks...]
python -m tools.notebooks.quoted --change     also: the share that would be named with one digit changed
"""

import argparse
import ast
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tools.notebooks import counts, form
from tools.notebooks.quoted_elsewhere import OUTSIDE

NUMBER = re.compile(
    r"(?<![\w.])(?:(?:(?P<factor>\d+(?:\.\d+)?)\s*\\cdot\s*)?10\^\{?(?P<power>-?\d+)\}?"
    r"|(?P<digits>(?:\d{1,3}(?:(?:,|\{,\})\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?)(?P<percent>\s?\\?%)?)"
)
# Numbers that are no results: names and places of things, years, versions, times, parts of a formula, and the level
# of every interval in the course.
NAMED = (
    "lecture|claim|exercise|experiment|section|chapter|equation|figure|table|algorithm|theorem|lemma|page|issue|request"
    "|week|tutorial|assignment|seed|python|pytorch|arxiv|stat"
)
MATH_IN_LINE = (
    r"(?<![\\\w])\$[^$\n]+(?:\n[^$\n]+)*\$"  # kept: results stand in formulas in a line too
)
NO_RESULT = [
    *(pattern for pattern in counts.NOT_PROSE if pattern.pattern != MATH_IN_LINE),
    re.compile(r"^(?:#+ \d\d ·| *\d+\.) ", re.MULTILINE),
    re.compile(
        rf"\b(?:{NAMED})s? #?\d+(?:\.\d+)*(?:(?:, | and |, and | or | to )\d+(?:\.\d+)*)*",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?<![\d.,])(?:19|20)\d\d\b(?![.,]\d)|\b\d+\.\d+\.\d+\b|\b\d+ minutes|95 % (?=(?:[\w-]+\s){0,2}interval)"
    ),
    re.compile(r"_\{?\d+\}?|\\sqrt\{?\d+\}?"),
]
HEADING = re.compile(r"^## +(.*)$", re.MULTILINE)
WHOLE = ("", "Takeaways")  # the title and the end speak of the whole lecture
NOT_CHECKED = ("Exercises", "Sources")  # what to try, and what others wrote
SAID_BY = {"claim": 0, "claim_with": 1, "set_title": 0}  # which argument is a sentence
DRAWN_ON = {
    "ax",
    "axes",
    "fig",
    "plt",
}  # sizes and limits of figures are no settings of an experiment


@dataclass(frozen=True)
class Number:
    """A number as it is written: its size, without its sign, and whether it is in percent."""

    text: str
    value: Decimal
    percent: bool = False

    @property
    def digits(self):
        """How many significant digits it has, not counting zeros at the end."""
        return len(self.value.normalize().as_tuple().digits)

    @property
    def tells(self):
        """Is it worth looking for? A whole number of one digit stands in nearly every section."""
        return self.percent or self.value >= 10 or self.value != self.value.to_integral_value()

    def quotes(self, shown):
        """Is it `shown`, or a share `shown` in percent? Rounding is for the output: the text says what is printed."""
        if self.percent and not shown.percent:
            return self.value in (shown.value, 100 * shown.value)
        return self.percent == shown.percent and self.value == shown.value

    def changed(self):
        """The numbers that differ from this one in one digit, as long as they are written as a number is."""
        for k in range(self.text.find("^") + 1, len(self.text)):
            for digit in set("0123456789") - {self.text[k]} if self.text[k].isdigit() else ():
                text = self.text[:k] + digit + self.text[k + 1 :]
                if not re.match(r"0\d", text):
                    yield from list(numbers(text))[:1]


def numbers(text):
    """The numbers in `text`, in order."""
    for match in NUMBER.finditer(text):
        digits = (
            f"{match['factor'] or 1}e{match['power']}"
            if match["power"]
            else re.sub("[,{}]", "", match["digits"])
        )
        yield Number(match[0], Decimal(digits), bool(match["percent"]))


def without_names(text):
    """`text` without the numbers that are no results."""
    for pattern in NO_RESULT:
        text = pattern.sub(" ", text)
    return text


def sections(nb):
    """Triples (position of the cell, heading of its section, cell or text): a text cell is cut at its headings."""
    heading = ""
    for index, cell in enumerate(nb.cells):
        if cell.cell_type == "code":
            yield index, heading, cell
            continue
        first, *rest = HEADING.split(cell.source)
        yield index, heading, first
        for heading, text in zip(rest[::2], rest[1::2], strict=True):
            yield index, heading, f"{heading}\n\n{text}"


def said(part):
    """What a person wrote: a text, or in a code cell the titles, alternative texts and claims."""
    if isinstance(part, str):
        return [part]
    calls = [node for node in ast.walk(ast.parse(part.source)) if isinstance(node, ast.Call)]
    values = [
        keyword.value
        for call in calls
        for keyword in call.keywords
        if keyword.arg in ("alt", "title")
    ]
    for call in calls:
        place = SAID_BY.get(_name(call.func))
        values += call.args[place : place + 1] if place is not None else ()
    return [
        value.value
        for value in values
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    ]


def _name(function):
    return getattr(function, "attr", getattr(function, "id", ""))


def printed(cell):
    """The numbers in the outputs of a code cell that the computation made, not a person."""
    for output in cell.outputs:
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        yield from numbers(
            "\n".join(line for line in text.splitlines() if not line.startswith(("Figure: ", "✓")))
        )


def settings(node):
    """The numbers that stand in code, but for those that say how a figure looks."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield Number(str(node.value), Decimal(str(node.value)))
    owner = getattr(node, "func", None)
    while isinstance(owner, (ast.Attribute, ast.Subscript)):
        owner = owner.value
    for child in ast.iter_child_nodes(node) if getattr(owner, "id", "") not in DRAWN_ON else ():
        yield from settings(child)


class Lecture:
    """The numbers of a lecture: what is said, and by section what is printed or set in code."""

    def __init__(self, nb, outside=()):
        self.said, self.shown, self.set, self.outside = [], defaultdict(set), set(), set(outside)
        for index, heading, part in sections(nb):
            if not isinstance(part, str):
                code = set(settings(ast.parse(part.source)))
                self.shown[heading] |= {*printed(part), *code}
                self.set |= code
            for text in said(part) if heading not in NOT_CHECKED else ():
                self.said += [
                    (index, heading, number)
                    for number in numbers(without_names(text))
                    if number.tells
                ]
        self.told = {number for _, heading, number in self.said if heading not in WHOLE} | self.set

    def finds(self, number, heading):
        """Is the number shown where it must be, or from outside?

        The title and the takeaways repeat what a section says. There, a number of two significant digits must be shown
        in the same section. One with fewer is mostly a setting, one with more is nowhere by chance: anywhere will do.
        """
        places = [self.told] if heading in WHOLE else [self.shown[heading]]
        places += [self.set] if number.digits < 2 else []
        places += self.shown.values() if number.digits > 2 else []
        return number.text in self.outside or any(
            number.quotes(shown) for place in places for shown in place
        )

    def missing(self):
        """Pairs (position of the cell, number) of what is not found."""
        return [
            (index, number)
            for index, heading, number in self.said
            if not self.finds(number, heading)
        ]

    def noticed(self, least=2):
        """For each number of `least` digits or more: the share of its changes that would be missing."""
        for _, heading, number in self.said:
            if number.digits >= least:
                changes = list(number.changed())
                yield sum(not self.finds(change, heading) for change in changes) / len(changes)


def read(path):
    """The lecture at `path`, with the numbers that it may quote from outside."""
    path = Path(path)
    return Lecture(form.parse(path.read_text(encoding="utf-8")), OUTSIDE.get(path.stem[:2], ()))


def main(arguments=None):
    """Print a line for each number that is missing; the exit status is 1 if there is one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all notebooks/NN_*.ipynb")
    parser.add_argument(
        "--change", action="store_true", help="say how many changed digits would be noticed"
    )
    options, status = parser.parse_args(arguments), 0
    for path in options.notebooks or form.lectures():
        lecture = read(path)
        missing = lecture.missing()
        print(f"{form.shown(path)}: {len(lecture.said)} numbers", end="")
        for index, number in missing:
            print(f"\n  cell {index + 1}: {number.text} is in no output and no setting", end="")
        if options.change and (shares := list(lecture.noticed())):
            print(
                f", {sum(shares) / len(shares):.0%} of the changes to {len(shares)} would be noticed",
                end="",
            )
        print()
        status |= bool(missing)
    return status


if __name__ == "__main__":
    sys.exit(main())
