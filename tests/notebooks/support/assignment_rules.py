"""The rules for assignments, on top of those for every notebook: each yields (position of the cell or None, problem).

An exercise is a heading "## 2 ★★ Derive: ..." and the cells up to the next heading of its level.
"""

import re
from itertools import pairwise
from typing import NamedTuple

from tests.notebooks.support.lecture_rules import (
    counts_run_from_one,
    outputs_are_the_same_everywhere,
)
from tests.notebooks.support.notebook_rules import numbered_code, numbered_text
from tools.notebooks.assignments import MARK, called, is_test

HEADING = re.compile(r"^## (?:(\d+) (★{1,3}) )?(.+)$", re.MULTILINE)
HINT = re.compile(r"^<details><summary>Hint (\d): .+</summary>$", re.MULTILINE)
RUBRIC = re.compile(r"^\| *(\d+) *\|", re.MULTILINE)
TOPIC = re.compile(r"^from helpers\.checks import (?!exercise\b)(\w+) as checks$", re.MULTILINE)
EXERCISES = (4, 6)


class Exercise(NamedTuple):
    """One exercise of a notebook; `cells` are pairs (position, cell), the first of which holds the heading."""

    number: int
    stars: str
    title: str
    cells: list

    @property
    def text(self):
        return "\n".join(cell.source for _, cell in self.cells if cell.cell_type == "markdown")

    @property
    def tests(self):
        return [(index, cell) for index, cell in self.cells if is_test(cell)]

    @property
    def manual(self):
        """The text cells that a person grades."""
        return [
            cell
            for _, cell in self.cells
            if cell.cell_type == "markdown" and meta(cell).get("grade")
        ]


def meta(cell):
    """The cell's nbgrader metadata; {} where it has none."""
    return cell.metadata.get("nbgrader", {})


def exercises(nb):
    """The exercises of a notebook, in order."""
    headings = [
        (i, found) for i, cell in numbered_text(nb) if (found := HEADING.search(cell.source))
    ]
    ends = [(len(nb.cells), None)]
    return [
        Exercise(int(found[1]), found[2], found[3], list(enumerate(nb.cells))[start:end])
        for (start, found), (end, _) in pairwise(headings + ends)
        if found[1]
    ]


def topic(nb):
    """The name of the module in helpers.checks that the test cells import; "" where there is none."""
    found = TOPIC.search("\n".join(cell.source for _, cell in numbered_code(nb)))
    return found[1] if found else ""


def exercises_are_numbered(nb):
    """4 to 6 of them, from 1 on, of each difficulty, and one of them asks to find the bug."""
    found = exercises(nb)
    if [each.number for each in found] != list(range(1, len(found) + 1)):
        yield None, f"its exercises have the numbers {[each.number for each in found]}"
    if not EXERCISES[0] <= len(found) <= EXERCISES[1]:
        yield None, f"it has {len(found)} exercises, expected {EXERCISES[0]} to {EXERCISES[1]}"
    for stars in {"★", "★★", "★★★"} - {each.stars for each in found}:
        yield None, f"no exercise has {stars}"
    if not any("find the bug" in each.title.lower() for each in found):
        yield None, 'no heading of an exercise says "Find the bug"'


def exercises_have_three_hints(nb):
    """The shape, the formula, the first line: folded, so that each is opened alone."""
    for each in exercises(nb):
        if HINT.findall(each.text) != ["1", "2", "3"] or each.text.count("</details>") != 3:
            yield (
                each.cells[0][0],
                f"its folded hints are {HINT.findall(each.text)}, expected Hint 1, 2 and 3",
            )


def exercises_have_one_test(nb):
    """A cell for the answer, and after it one test cell."""
    for each in exercises(nb):
        if len(each.tests) != 1:
            yield each.cells[0][0], f"its exercise has {len(each.tests)} test cells, expected one"
            continue
        before = [
            cell
            for index, cell in each.cells
            if index < each.tests[0][0] and cell.cell_type == "code"
        ]
        if not any(meta(cell).get("solution") for cell in before):
            yield each.tests[0][0], "no cell for an answer comes before it"
    inside = {index for each in exercises(nb) for index, _ in each.tests}
    for index, cell in numbered_code(nb):
        if is_test(cell) and index not in inside:
            yield index, "it is a test cell of no exercise"


def tests_call_a_check(nb):
    """The import of the checks and one call; anything else belongs in the check."""
    for index, cell in numbered_code(nb):
        if is_test(cell) and called(cell, topic(nb)) is None:
            yield index, "a test cell holds the import of its checks and one call"


def designs_have_a_rubric(nb):
    """What a person grades says for what, and the points of its rubric are those of the cell."""
    for each in exercises(nb):
        if each.stars != "★★★":
            continue
        points, rubric = (
            [meta(cell).get("points") for cell in each.manual],
            [int(n) for n in RUBRIC.findall(each.text)],
        )
        if not each.manual:
            yield each.cells[0][0], "its exercise has ★★★ and no text cell that a person grades"
        elif not rubric or sum(rubric) != sum(points):
            yield (
                each.cells[0][0],
                f"its rubric has {sum(rubric)} points, the cells that a person grades {sum(points)}",
            )


def ends_with_the_summary(nb):
    """Where do I stand?"""
    code = numbered_code(nb)
    if not code or code[-1][1].source.strip() != "exercise.summary(checks)":
        yield None, "its last code cell is not exercise.summary(checks)"


def has_title(nb):
    """It starts with "# Assignment NN · ...", and a link to its lecture."""
    first = nb.cells[0].source if nb.cells else ""
    number = re.match(r"# Assignment (\d\d) · \S", first)
    if number is None:
        yield None, 'its first cell does not start with "# Assignment NN · ..."'
    elif f"(../../../{number[1]}_{topic(nb)}.ipynb)" not in first:
        yield 0, f"it does not link to its lecture, (../../../{number[1]}_{topic(nb)}.ipynb)"


def is_solved(nb):
    """The stored outputs of a source say that each exercise is done."""
    for index, cell in numbered_code(nb):
        said = "".join(output.get("text", "") for output in cell.outputs)
        if is_test(cell) and not (said.startswith("✓ ") and said.endswith(": done\n")):
            yield index, f"its check says {said!r}"


def has_no_outputs(nb):
    """A release was never run."""
    for index, cell in numbered_code(nb):
        if cell.outputs or cell.execution_count is not None:
            yield index, "it has outputs or a count"


def has_no_solution(nb):
    """Neither a mark of nbgrader's nor an answer is left."""
    for index, cell in enumerate(nb.cells):
        if found := MARK.search(cell.source):
            yield index, f"it holds {found[0]}"
        if (
            cell.cell_type == "code"
            and meta(cell).get("solution")
            and "NotImplementedError" not in cell.source
        ):
            yield index, "it is for the answer and raises no NotImplementedError"


def is_locked(nb):
    """No cell of nbgrader's can be deleted, and what is not for an answer cannot be edited."""
    for index, cell in enumerate(nb.cells):
        if not meta(cell):
            continue
        if cell.metadata.get("deletable") is not False:
            yield index, "it can be deleted"
        if cell.metadata.get("editable", True) is not meta(cell)["solution"]:
            yield index, "it is for an answer and locked, or is not and can be edited"


FOR_BOTH = (
    has_title,
    exercises_are_numbered,
    exercises_have_three_hints,
    exercises_have_one_test,
    tests_call_a_check,
    designs_have_a_rubric,
    ends_with_the_summary,
)
FOR_SOURCES = (*FOR_BOTH, counts_run_from_one, outputs_are_the_same_everywhere, is_solved)
FOR_RELEASES = (*FOR_BOTH, has_no_outputs, has_no_solution, is_locked)
