"""Each rule for notebooks reports a broken sample, and no sound one."""

import copy

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.notebooks.support import lecture_rules, notebook_rules
from tools.notebooks import counts, form, report

SETUP = """import numpy as np
from helpers.plotting import use_style
use_style()
rng = np.random.default_rng(0)"""
FIGURE_CELL = 5
CLAIM_CELL = 7
PLAIN_CELL = 9
TAKEAWAYS = -2


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def figure(alt):
    html = f'<img alt="{alt}" src="data:image/png;base64,AAAA">'
    bundle = {"text/html": html, "image/png": "AAAA", "text/plain": f"Figure: {alt}"}
    return new_output("display_data", bundle)


def good_lecture():
    """A notebook of 30 code cells and 31 text cells that breaks no rule."""
    cells = [new_markdown_cell("# Shrink a weight")]
    for number in range(1, 31):
        cells.append(new_code_cell(f"print({number})", outputs=[stream(f"{number}\n")]))
        cells.append(new_markdown_cell("Sixty words are needed here. " * 12))
    cells[1].update(source=SETUP, outputs=[])
    cells[2].source = "## How far?\n**Predict before you run:** is it two?\n" + cells[2].source
    cells[FIGURE_CELL].outputs = [figure("A curve falls from one to zero")]
    cells[CLAIM_CELL - 1].source += "\n**Claim 1.** The weight shrinks."
    cells[CLAIM_CELL].source = 'claim("the weight shrinks", True)'
    cells[CLAIM_CELL].outputs = [stream("✓ the weight shrinks\n")]
    takeaway = "* It shrinks,\n  and stays so (claim 1)."
    cells[TAKEAWAYS - 1].source = f"## Takeaways\n{takeaway}\n\n" + "Words. " * 60
    cells[-1].source = "## Exercises and sources\n" + "Words. " * 60
    for count, cell in enumerate(cells[1::2], start=1):
        cell.execution_count = count
    return form.normalize(new_notebook(cells=cells))


def broken_rules(nb):
    """The sentences of every rule that `nb` breaks, by the name of the rule."""
    broken = {}
    for rule in lecture_rules.FOR_LECTURES:
        if sentences := list(notebook_rules.problems(rule, nb, "n.ipynb")):
            broken[rule.__name__] = sentences
    return broken


def test_a_good_lecture_breaks_no_rule():
    assert broken_rules(good_lecture()) == {}


def code(source):
    return lambda nb: nb.cells[PLAIN_CELL].update(source=source)


def text(source):
    def change(nb):
        nb.cells[PLAIN_CELL + 1].source += "\n" + source

    return change


def output(*outputs):
    return lambda nb: nb.cells[PLAIN_CELL].update(outputs=list(outputs))


def tag(name):
    return lambda nb: nb.cells[PLAIN_CELL].metadata.update(tags=[name])


def replace(index, old, new):
    return lambda nb: nb.cells[index].update(source=nb.cells[index].source.replace(old, new))


def shown(alt):
    return lambda nb: nb.cells[PLAIN_CELL].update(outputs=[figure(alt)])


def lines(number, cells=1):
    def change(nb):
        for cell in nb.cells[PLAIN_CELL : PLAIN_CELL + 2 * cells : 2]:
            cell.source = "\n".join(f"x = {i}" for i in range(number))

    return change


def count(value):
    return lambda nb: nb.cells[PLAIN_CELL].update(execution_count=value)


PNG_ALONE = new_output(
    "display_data", {"image/png": "AAAA", "text/plain": "<Figure size 640x480 with 1 Axes>"}
)
BROKEN = [
    ("counts_run_from_one", count(None), "its count is None, expected 5"),
    ("counts_run_from_one", count(7), "its count is 7, expected 5"),
    (
        "no_error_output",
        output(new_output("error", ename="KeyError", evalue="1", traceback=[])),
        "an error, KeyError",
    ),
    ("no_stderr", output(stream("UserWarning: no", "stderr")), "'UserWarning: no'"),
    (
        "outputs_are_the_same_everywhere",
        output(stream("<Line2D at 0x7f0123456789>")),
        "'0x7f0123456789'",
    ),
    ("outputs_are_the_same_everywhere", output(stream("saved in /tmp/x.txt")), "'/tmp/'"),
    (
        "outputs_are_the_same_everywhere",
        output(stream("– not checked here: PyTorch is not installed (s)")),
        "not check",
    ),
    ("figures_have_alternative_text", output(PNG_ALONE), "the alternative text None, expected 20"),
    ("figures_have_alternative_text", shown("A curve"), "the alternative text 'A curve'"),
    (
        "figures_have_alternative_text",
        shown("A curve falls from one to zero"),
        "of the one in cell 6",
    ),
    (
        "figures_are_explained",
        lambda nb: nb.cells.insert(FIGURE_CELL + 1, nb.cells.pop(PLAIN_CELL)),
        "no text cell after its figure",
    ),
    ("cells_are_short", lines(21), "21 lines of code, at most 20"),
    ("few_code_cells_have_many_lines", lines(13), "13 lines of code, in a lecture at most 12"),
    (
        "few_code_cells_have_many_lines",
        lines(8, cells=4),
        "4 of its 30 code cells have more than 7 lines",
    ),
    ("no_magics", code("%matplotlib inline"), "not plain Python"),
    ("no_magics", code("!ls"), "not plain Python"),
    ("no_magics", code("np.mean?"), "not plain Python"),
    ("no_magics", code('get_ipython().run_line_magic("time", "1")'), "get_ipython"),
    ("no_sys_path", code("import sys\nsys.path.append('..')"), "sys.path"),
    ("no_sys_path", code("from sys import path"), "sys.path"),
    ("no_star_import", code("from helpers.layers import *"), "imports * from helpers.layers"),
    ("no_global_randomness", code("np.random.seed(0)"), "uses np.random.seed"),
    ("no_global_randomness", code("x = numpy.random.randn(3)"), "uses numpy.random.randn"),
    ("no_global_randomness", code("r = np.random"), "uses np.random;"),
    ("no_global_randomness", code("import random"), "uses random"),
    ("no_global_randomness", code("from random import choice"), "uses random.choice"),
    ("no_global_randomness", code("from numpy.random import rand"), "uses numpy.random.rand"),
    ("no_global_randomness", code("from numpy import random"), "uses numpy.random"),
    ("no_global_randomness", code("import numpy.random as r"), "uses numpy.random"),
    ("no_absolute_path", code("open('/home/ada/data.csv')"), "'/home/'"),
    ("no_absolute_path", code("open('~/data.csv')"), "'~/'"),
    ("no_absolute_path", text("See C:\\Users\\ada for it."), "'C:\\\\Users'"),
    ("no_nbval_marker", code("# NBVAL_IGNORE_OUTPUT\n1"), "NBVAL_IGNORE_OUTPUT"),
    ("no_nbval_marker", code("1  # NBVAL_SKIP"), "NBVAL_SKIP"),
    ("no_nbval_marker", tag("nbval-ignore-output"), "nbval-ignore-output"),
    ("no_nbval_marker", tag("raises-exception"), "raises-exception"),
    ("no_nbval_marker", tag("skip-execution"), "skip-execution"),
    ("no_banned_word", text("We simply stop."), "'simply'"),
    ("no_banned_word", text("That is, of course, so."), "'of course'"),
    ("no_banned_word", text("Just stop."), "'Just'"),
    ("sections_exist", replace(0, "# ", ""), "its first cell"),
    ("sections_exist", replace(2, "Predict", "Say"), "predict"),
    ("sections_exist", replace(-1, "Exercises and", "The"), "'Exercises'"),
    ("sections_exist", replace(-1, "and sources", ""), "'Sources'"),
    (
        "setup_is_short",
        lambda nb: nb.cells[1].update(source=SETUP + "\nx = 1" * 5),
        "9 lines, at most 8",
    ),
    ("setup_is_short", replace(1, "use_style()", "pass"), "use_style()"),
    ("setup_is_short", replace(1, "default_rng(0)", "default_rng()"), "default_rng(0)"),
    (
        "claims_are_announced",
        replace(CLAIM_CELL - 1, "**Claim 1.**", "Claim 1."),
        "before claim 1 does not hold",
    ),
    ("claims_are_announced", code('claim_with("torch", "two", f)'), "before claim 2 does not hold"),
    (
        "claims_are_announced",
        text("**Claim 2.** Nobody checks it."),
        "announce the claims [1, 2], its code makes 1",
    ),
    ("takeaways_name_claims", replace(TAKEAWAYS - 1, " (claim 1)", ""), "does not end with"),
    (
        "takeaways_name_claims",
        replace(TAKEAWAYS - 1, "claim 1", "claims 1 and 3"),
        "names claim 3, the notebook makes 1",
    ),
    ("takeaways_name_claims", replace(TAKEAWAYS - 1, "* ", ""), "no bullets"),
    ("sizes_are_right", text("Words. " * 2000), "words, expected 1500 to 2500"),
    (
        "sizes_are_right",
        lambda nb: nb.cells.extend(copy.deepcopy(nb.cells[2:3] * 30)),
        "61 text cells, expected 22 to 45",
    ),
]


@pytest.mark.parametrize(
    ("rule", "change", "words"), BROKEN, ids=[f"{i}-{row[0]}" for i, row in enumerate(BROKEN)]
)
def test_a_broken_rule_is_named(rule, change, words):
    nb = good_lecture()
    change(nb)
    broken = broken_rules(nb)
    assert rule in broken
    assert words in " ".join(broken[rule])
    for sentence in broken[rule]:
        assert sentence.startswith("n.ipynb")
        assert sentence.endswith(".")


def test_every_rule_is_broken_above():
    assert {row[0] for row in BROKEN} == {rule.__name__ for rule in lecture_rules.FOR_LECTURES}


def test_too_few_code_cells():
    nb = good_lecture()
    del nb.cells[9:-4]
    assert "code cells, expected 25 to 40" in " ".join(broken_rules(nb)["sizes_are_right"])


def test_the_sentence_names_the_cell():
    nb = good_lecture()
    code("np.random.seed(0)")(nb)
    problem = "it uses np.random.seed; draw from a np.random.Generator"
    sentence = f'n.ipynb, cell 10 ("np.random.seed(0)"): {problem}.'
    assert broken_rules(nb)["no_global_randomness"] == [sentence]


@pytest.mark.parametrize(
    "source",
    [
        "rng = np.random.default_rng(0)",
        "isinstance(rng, np.random.Generator)",
        "np.random.SeedSequence(1).spawn(2)",
    ],
)
def test_generators_are_allowed(source):
    nb = good_lecture()
    code(source)(nb)
    assert broken_rules(nb) == {}


@pytest.mark.parametrize(
    "source",
    [
        "Adjust it.",
        "`just`",
        "```\nsimply\n```",
        "See <https://x.org/tmp/just>.",
        "An input/data/output.",
    ],
)
def test_what_only_looks_like_a_slip_passes(source):
    nb = good_lecture()
    text(source)(nb)
    assert broken_rules(nb) == {}


def test_takeaways_end_with_the_next_heading():
    nb = good_lecture()
    nb.cells[-1].source += "\n* a source without a claim"
    assert broken_rules(nb) == {}


def test_normal_form_is_recognized():
    text = form.dump(good_lecture())
    collapsed = text.replace('"metadata": {}', '"metadata": {"collapsed": true}', 1)
    assert lecture_rules.is_normal(text)
    assert not lecture_rules.is_normal(text.rstrip())
    assert not lecture_rules.is_normal(collapsed)


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("One two, three-four don't.", 4),
        ("A $x_1 = 2$ and `code here` and\n$$\nx = y\n$$\nend", 4),
        ("```python\nx = 1\n```\nA [link](https://x.org/a_(b)) <b>bold</b>", 3),
        ("10 20 %", 0),
    ],
)
def test_words_are_words(source, number):
    assert counts.words(new_notebook(cells=[new_markdown_cell(source)])) == number


def test_the_report_has_a_row_for_each_lecture(tmp_path):
    path = tmp_path / "03_shrink.ipynb"
    path.write_text(form.dump(good_lecture()), encoding="utf-8")
    assert report.row(path) == ("03_shrink", counts.words(good_lecture()), 31, 30, "1", 4, 1, 1)
    head, line = report.table([report.row(path)]).splitlines()
    assert head.split() == list(report.COLUMNS)
    assert len(head) == len(line)
