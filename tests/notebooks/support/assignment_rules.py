"""The rules for assignments, in addition to those for every notebook.

Each rule yields pairs (position of the cell or None, what is wrong). An exercise is a heading
"## 2 ★★ Derive: ..." and the cells up to the next heading of its level.
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
    """One exercise of a notebook; `cells` are pairs (position, cell), the heading's cell first."""

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
        texts = [cell for _, cell in self.cells if cell.cell_type == "markdown"]
        return [cell for cell in texts if meta(cell).get("grade")]


def meta(cell):
    """The cell's nbgrader metadata; {} if it has none."""
    return cell.metadata.get("nbgrader", {})


def exercises(nb):
    """The exercises of a notebook, in order."""
    cells = list(enumerate(nb.cells))
    searched = [(index, HEADING.search(cell.source)) for index, cell in numbered_text(nb)]
    headings = [(index, heading) for index, heading in searched if heading]
    return [
        Exercise(int(heading[1]), heading[2], heading[3], cells[start:end])
        for (start, heading), (end, _) in pairwise([*headings, (len(cells), None)])
        if heading[1]
    ]


def topic(nb):
    """The name of the module in helpers.checks that the test cells import; "" without one."""
    imported = TOPIC.search("\n".join(cell.source for _, cell in numbered_code(nb)))
    return imported[1] if imported else ""


def exercises_are_numbered(nb):
    """4 to 6 of them, from 1 on, of each difficulty, and one of them asks to find the bug."""
    of_notebook = exercises(nb)
    numbers = [each.number for each in of_notebook]
    count = len(of_notebook)
    if numbers != list(range(1, count + 1)):
        yield None, f"its exercises have the numbers {numbers}"
    if not EXERCISES[0] <= count <= EXERCISES[1]:
        yield None, f"it has {count} exercises, expected {EXERCISES[0]} to {EXERCISES[1]}"
    for stars in {"★", "★★", "★★★"} - {each.stars for each in of_notebook}:
        yield None, f"no exercise has {stars}"
    if not any("find the bug" in each.title.lower() for each in of_notebook):
        yield None, 'no heading of an exercise says "Find the bug"'


def exercises_have_three_hints(nb):
    """The shape, the formula, the first line: folded, so that each is opened alone."""
    for each in exercises(nb):
        hints = HINT.findall(each.text)
        if hints != ["1", "2", "3"] or each.text.count("</details>") != 3:
            yield each.cells[0][0], f"its folded hints are {hints}, expected Hint 1, 2 and 3"


def exercises_have_one_test(nb):
    """A cell for the answer, and after it one test cell."""
    for each in exercises(nb):
        if len(each.tests) != 1:
            yield each.cells[0][0], f"its exercise has {len(each.tests)} test cells, expected one"
            continue
        ((test, _),) = each.tests
        before = [cell for index, cell in each.cells if index < test and cell.cell_type == "code"]
        if not any(meta(cell).get("solution") for cell in before):
            yield test, "no cell for an answer comes before it"
    inside = {index for each in exercises(nb) for index, _ in each.tests}
    for index, cell in numbered_code(nb):
        if is_test(cell) and index not in inside:
            yield index, "it is a test cell outside of the exercises"


def tests_call_a_check(nb):
    """The import of the checks and one call; anything else belongs in the check."""
    for index, cell in numbered_code(nb):
        if is_test(cell) and called(cell, topic(nb)) is None:
            yield index, "a test cell holds the import of its checks and one call"


def designs_have_a_rubric(nb):
    """A cell that a person grades comes with a rubric, whose points are those of the cell."""
    for each in exercises(nb):
        if each.stars != "★★★":
            continue
        points = sum(meta(cell).get("points") for cell in each.manual)
        rubric = sum(map(int, RUBRIC.findall(each.text)))
        heading = each.cells[0][0]
        if not each.manual:
            yield heading, "its exercise has ★★★ and no text cell that a person grades"
        elif rubric == 0 or rubric != points:
            yield heading, f"its rubric has {rubric} points, what a person grades has {points}"


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
        verdict = "".join(output.get("text", "") for output in cell.outputs)
        if is_test(cell) and not (verdict.startswith("✓ ") and verdict.endswith(": done\n")):
            yield index, f"its check says {verdict!r}"


def has_no_outputs(nb):
    """A release was never run."""
    for index, cell in numbered_code(nb):
        if cell.outputs or cell.execution_count is not None:
            yield index, "it has outputs or a count"


def has_no_solution(nb):
    """Neither a mark of nbgrader's nor an answer is left."""
    for index, cell in enumerate(nb.cells):
        if mark := MARK.search(cell.source):
            yield index, f"it holds {mark[0]}"
        for_answer = cell.cell_type == "code" and meta(cell).get("solution")
        if for_answer and "NotImplementedError" not in cell.source:
            yield index, "it is for the answer and does not raise NotImplementedError"


def is_locked(nb):
    """No cell of nbgrader's can be deleted, and only those for answers can be edited."""
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
