"""A source notebook that breaks no rule, as small as it can be, for the tests of what reads one."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.notebooks import form

IMPORT = "from helpers.checks import topic as checks\n\n"
HINTS = "".join(
    f"<details><summary>Hint {n}: look</summary>\n\nHere.\n</details>\n" for n in (1, 2, 3)
)
HEADINGS = ("★ Write", "★★ Derive", "★★ Find the bug: two", "★★★ Design")
ANSWER = """def f{0}(x):
    \"\"\"Return 2 x.\"\"\"
    ### BEGIN SOLUTION
    return {0} * x
    ### END SOLUTION"""
HIDDEN = "\n\n### BEGIN HIDDEN TESTS\nchecks.check1(f1, seed=1)\n### END HIDDEN TESTS"


def graded(cell, **flags):
    """`cell` with nbgrader's metadata: False for each of its flags that is not in `flags`."""
    off = dict.fromkeys(("grade", "solution", "locked", "task"), False)
    cell.metadata["nbgrader"] = {"schema_version": 3, "grade_id": cell.id} | off | flags
    return cell


def exercise_cells(number, heading):
    done = [new_output("stream", name="stdout", text=f"✓ Exercise {number}, x: done\n")]
    call = f"{IMPORT}checks.check{number}(f{number})"
    test = new_code_cell(call, id=f"check{number}", outputs=done)
    return [
        new_markdown_cell(f"## {number} {heading}\n\nText.\n\n{HINTS}", id=f"text{number}"),
        graded(new_code_cell(ANSWER.format(number), id=f"answer{number}"), solution=True),
        graded(test, grade=True, locked=True, points=3),
    ]


def source():
    """A normal notebook: title, set-up, four exercises, a conclusion, the summary.

    The first exercise has hidden tests.
    """
    title = "# Assignment 03 · Ünïcode\n\nFor lecture [03](../../../03_topic.ipynb)."
    cells = [
        new_markdown_cell(title, id="title"),
        graded(new_code_cell("from helpers.checks import exercise", id="setup"), locked=True),
    ]
    for number, heading in enumerate(HEADINGS, start=1):
        cells += exercise_cells(number, heading)
    words = "*Your words.*\n\n### BEGIN SOLUTION\nIt doubles.\n### END SOLUTION"
    rubric = "### What did you find?\n\n| points | for |\n|---|---|\n| 1 | a |\n| 2 | b |"
    cells += [
        new_markdown_cell(rubric, id="rubric"),
        graded(new_markdown_cell(words, id="words"), grade=True, solution=True, points=3),
        graded(new_code_cell("exercise.summary(checks)", id="summary"), locked=True),
    ]
    nb = form.normalize(new_notebook(cells=cells))
    by_id(nb)["check1"].source += HIDDEN
    for count, cell in enumerate([cell for cell in nb.cells if cell.cell_type == "code"], start=1):
        cell.execution_count = count
    return nb


def by_id(nb):
    """The cells of a notebook by their ids."""
    return {cell.id: cell for cell in nb.cells}
