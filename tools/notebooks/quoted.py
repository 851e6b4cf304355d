"""Name the numbers in a lecture's text that are in no output and no setting of its section.

python -m tools.notebooks.quoted [notebooks...]
python -m tools.notebooks.quoted --change   and say how many changed digits would be noticed
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
from tools.notebooks.quoted_elsewhere import ELSEWHERE

NUMBER = re.compile(
    r"""
    (?<![\w.])
    (?:
        (?:(?P<factor>\d+(?:\.\d+)?)\s*\\cdot\s*)?10\^\{?(?P<power>-?\d+)\}?
        |
        (?P<digits>
            (?:\d{1,3}(?:(?:,|\{,\})\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)
            (?:e[-+]?\d+)?
        )
        (?P<percent>\s?\\?%)?
    )
    """,
    re.VERBOSE,
)
# Numbers that are not results: names and places of things, years, versions, times, parts of a
# formula, and the level of every interval in the course. Results stand in formulas in a line too.
NAMED = (
    "lecture|claim|exercise|experiment|section|chapter|equation|figure|table|algorithm|theorem"
    "|lemma|page|issue|request|week|tutorial|assignment|seed|python|pytorch|arxiv|stat"
)
NO_RESULT = [
    *(pattern for pattern in counts.NOT_PROSE if pattern is not counts.FORMULA_IN_LINE),
    re.compile(r"^(?:#+ \d\d ·| *\d+\.) ", re.MULTILINE),
    re.compile(
        rf"\b(?:{NAMED})s? #?\d+(?:\.\d+)*(?:(?:, | and |, and | or | to )\d+(?:\.\d+)*)*",
        re.IGNORECASE,
    ),
    re.compile(r"(?<![\d.,])(?:19|20)\d\d\b(?![.,]\d)|\b\d+\.\d+\.\d+\b|\b\d+ minutes"),
    re.compile(r"95 % (?=(?:[\w-]+\s){0,2}interval)"),
    re.compile(r"_\{?\d+\}?|\\sqrt\{?\d+\}?"),
]
HEADING = re.compile(r"^## +(.*)$", re.MULTILINE)
WHOLE = ("", "Takeaways")  # the title and the end speak of the whole lecture
NOT_CHECKED = ("Exercises", "Sources")  # what to try, and what others wrote
SENTENCE_OF = {"claim": 0, "claim_with": 1, "set_title": 0}  # which argument is a sentence
# Sizes and limits of figures are not settings of an experiment.
DRAWN_ON = {"ax", "axes", "fig", "plt"}


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
        """Is it worth looking for? Nearly every section holds each whole number of one digit."""
        return self.percent or self.value >= 10 or self.value != self.value.to_integral_value()

    def quotes(self, shown):
        """Is it `shown`, or a share `shown` in percent? The text may not round what is printed."""
        if self.percent and not shown.percent:
            return self.value in (shown.value, 100 * shown.value)
        return self.percent == shown.percent and self.value == shown.value

    def changed(self):
        """The numbers that differ from this one in one digit, without zeros in front."""
        exponent = self.text.find("^") + 1
        for k, old in enumerate(self.text):
            if k < exponent or not old.isdigit():
                continue
            for digit in set("0123456789") - {old}:
                text = self.text[:k] + digit + self.text[k + 1 :]
                if not re.match(r"0\d", text):
                    yield from list(numbers(text))[:1]


def numbers(text):
    """The numbers in `text`, in order."""
    for match in NUMBER.finditer(text):
        if match["power"]:
            digits = f"{match['factor'] or 1}e{match['power']}"
        else:
            digits = re.sub("[,{}]", "", match["digits"])
        yield Number(match[0], Decimal(digits), bool(match["percent"]))


def without_names(text):
    """`text` without the numbers that are not results."""
    for pattern in NO_RESULT:
        text = pattern.sub(" ", text)
    return text


def sections(nb):
    """Triples (position of the cell, heading of its section, code cell or text).

    A text cell is cut at its headings.
    """
    heading = ""
    for index, cell in enumerate(nb.cells):
        if cell.cell_type == "code":
            yield index, heading, cell
            continue
        first, *rest = HEADING.split(cell.source)
        yield index, heading, first
        for heading, text in zip(rest[::2], rest[1::2], strict=True):
            yield index, heading, f"{heading}\n\n{text}"


def sentences(part):
    """What a person wrote: a text, or in a code cell the titles, alternative texts and claims."""
    if isinstance(part, str):
        return [part]
    calls = [node for node in ast.walk(ast.parse(part.source)) if isinstance(node, ast.Call)]
    keywords = [keyword for call in calls for keyword in call.keywords]
    values = [keyword.value for keyword in keywords if keyword.arg in ("alt", "title")]
    for call in calls:
        place = SENTENCE_OF.get(_name(call.func))
        values += call.args[place : place + 1] if place is not None else ()
    constants = [value.value for value in values if isinstance(value, ast.Constant)]
    return [value for value in constants if isinstance(value, str)]


def _name(function):
    return getattr(function, "attr", getattr(function, "id", ""))


def printed(cell):
    """The numbers in the outputs of a code cell that the computation made, not a person."""
    for output in cell.outputs:
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        lines = [line for line in text.splitlines() if not line.startswith(("Figure: ", "✓"))]
        yield from numbers("\n".join(lines))


def settings(node):
    """The numbers in code, but for those that say how a figure looks."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield Number(str(node.value), Decimal(str(node.value)))
    owner = getattr(node, "func", None)
    while isinstance(owner, (ast.Attribute, ast.Subscript)):
        owner = owner.value
    if getattr(owner, "id", "") in DRAWN_ON:
        return
    for child in ast.iter_child_nodes(node):
        yield from settings(child)


class Lecture:
    """The numbers of a lecture: those it quotes, and by section those it prints or sets in code.

    `elsewhere` holds the numbers that it may quote from other sources.
    """

    def __init__(self, nb, elsewhere=()):
        self.quoted = []  # (position of the cell, heading of the section, number)
        self.shown = defaultdict(set)
        self.settings = set()
        self.elsewhere = set(elsewhere)
        for index, heading, part in sections(nb):
            if not isinstance(part, str):
                self._add_code(heading, part)
            if heading not in NOT_CHECKED:
                self._add_quotes(index, heading, part)
        in_sections = {number for _, heading, number in self.quoted if heading not in WHOLE}
        self.quoted_in_sections = in_sections | self.settings

    def _add_code(self, heading, cell):
        in_code = set(settings(ast.parse(cell.source)))
        self.shown[heading] |= {*printed(cell), *in_code}
        self.settings |= in_code

    def _add_quotes(self, index, heading, part):
        for text in sentences(part):
            found = numbers(without_names(text))
            self.quoted += [(index, heading, number) for number in found if number.tells]

    def finds(self, number, heading):
        """Is the number shown where it must be, or quoted from elsewhere?

        The title and the takeaways repeat what a section says. There, a number of two significant
        digits must be shown in the same section. One with fewer is mostly a setting, one with more
        is nowhere by chance: any section will do.
        """
        places = [self.quoted_in_sections if heading in WHOLE else self.shown[heading]]
        if number.digits < 2:
            places.append(self.settings)
        if number.digits > 2:
            places += self.shown.values()
        candidates = (shown for place in places for shown in place)
        return number.text in self.elsewhere or any(map(number.quotes, candidates))

    def missing(self):
        """Pairs (position of the cell, number) of what is not found."""
        quotes = [quote for quote in self.quoted if not self.finds(quote[2], quote[1])]
        return [(index, number) for index, _, number in quotes]

    def noticed(self, least=2):
        """For each number of `least` digits or more: the share of its changes that is not found."""
        for _, heading, number in self.quoted:
            if number.digits >= least:
                changes = list(number.changed())
                yield sum(not self.finds(change, heading) for change in changes) / len(changes)


def read(path):
    """The lecture at `path`, with the numbers that it may quote from elsewhere."""
    path = Path(path)
    nb = form.parse(path.read_text(encoding="utf-8"))
    return Lecture(nb, ELSEWHERE.get(path.stem[:2], ()))


def main(arguments=None):
    """Print a line for each number that is missing; the exit status is 1 if there is one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all notebooks/NN_*.ipynb")
    parser.add_argument(
        "--change", action="store_true", help="say how many changed digits would be noticed"
    )
    options = parser.parse_args(arguments)
    complete = [report(path, options.change) for path in options.notebooks or form.lectures()]
    return 0 if all(complete) else 1


def report(path, change):
    """Print what is missing in the lecture at `path`. True if nothing is."""
    lecture = read(path)
    heading = f"{form.shown(path)}: {len(lecture.quoted)} numbers"
    shares = list(lecture.noticed()) if change else []
    if shares:
        mean = sum(shares) / len(shares)
        heading += f", {mean:.0%} of the changes to {len(shares)} would be noticed"
    print(heading)
    missing = lecture.missing()
    for index, number in missing:
        print(f"  cell {index + 1}: {number.text} is in no output and no setting")
    return not missing


if __name__ == "__main__":
    sys.exit(main())
