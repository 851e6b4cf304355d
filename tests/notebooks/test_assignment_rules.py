"""Each rule for assignments reports a broken sample, and no sound one."""

import pytest

from tests.notebooks.support import assignment_rules, notebook_rules
from tests.notebooks.support.small_assignment import IMPORT, by_id, source
from tools.notebooks import assignments, form


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    path = tmp_path_factory.mktemp("assignment") / "03_topic.ipynb"
    path.write_text(form.dump(source()), encoding="utf-8")
    return assignments.released(path)


def broken_rules(nb, rules):
    every = rules + notebook_rules.FOR_EVERY_NOTEBOOK
    return {rule.__name__ for rule in every if list(notebook_rules.problems(rule, nb, "n.ipynb"))}


def test_a_good_assignment_breaks_no_rule(released):
    assert broken_rules(source(), assignment_rules.FOR_SOURCES) == set()
    assert broken_rules(form.parse(released), assignment_rules.FOR_RELEASES) == set()


def replace(name, old, new):
    def broken(cells):
        assert old in cells[name].source
        cells[name].source = cells[name].source.replace(old, new)

    return broken


def change(name, **fields):
    return lambda cells: cells[name].update(fields)


def meta(name, **fields):
    return lambda cells: cells[name].metadata.nbgrader.update(fields)


BOTH = [
    ("has_title", replace("title", "Assignment", "Exercise")),
    ("has_title", replace("title", "03_topic.ipynb", "04_topic.ipynb")),
    ("exercises_are_numbered", replace("text2", "## 2", "## 3")),
    ("exercises_are_numbered", replace("text4", "★★★", "★★")),
    ("exercises_are_numbered", replace("text3", "Find the bug", "Look")),
    ("exercises_are_numbered", replace("text1", "★ Write", "★★ Write")),
    ("exercises_are_numbered", replace("text4", "## 4 ★★★", "##")),
    ("exercises_have_three_hints", replace("text2", "Hint 3", "Hint 2")),
    ("exercises_have_three_hints", replace("text2", "</details>", "")),
    ("exercises_have_three_hints", replace("text2", "<details>", "<b>")),
    ("exercises_have_one_test", meta("check2", grade=False)),
    ("exercises_have_one_test", meta("answer2", solution=False)),
    ("exercises_have_one_test", replace("text4", "## 4 ★★★ Design", "## More")),
    ("tests_call_a_check", change("check2", source="assert True")),
    ("tests_call_a_check", replace("check3", "topic", "norms")),
    ("designs_have_a_rubric", meta("words", grade=False)),
    ("designs_have_a_rubric", meta("words", points=4)),
    ("designs_have_a_rubric", replace("rubric", "| 1 |", "")),
    ("ends_with_the_summary", change("summary", source="print(1)")),
    ("no_banned_word", replace("text1", "Text.", "Just do it.")),
]
SOURCE = [
    ("counts_run_from_one", change("setup", execution_count=None)),
    (
        "is_solved",
        lambda cells: cells["check2"].outputs[0].update(text="– Exercise 2, x: not yet\n"),
    ),
    ("is_solved", change("check2", outputs=[])),
]
RELEASE = [
    ("has_no_outputs", change("setup", execution_count=1)),
    ("has_no_solution", replace("answer1", "raise", "### BEGIN SOLUTION\n    raise")),
    ("has_no_solution", replace("answer1", "NotImplementedError", "ValueError")),
    ("is_locked", lambda cells: cells["check1"].metadata.pop("deletable")),
    ("is_locked", lambda cells: cells["check1"].metadata.pop("editable")),
    ("is_locked", lambda cells: cells["answer1"].metadata.update(editable=False)),
]


@pytest.mark.parametrize(("rule", "broken"), BOTH + SOURCE)
def test_a_broken_rule_is_found_in_a_source(rule, broken):
    nb = source()
    broken(by_id(nb))
    assert rule in broken_rules(nb, assignment_rules.FOR_SOURCES)


@pytest.mark.parametrize(("rule", "broken"), BOTH + RELEASE)
def test_a_broken_rule_is_found_in_a_release(rule, broken, released):
    nb = form.parse(released)
    broken(by_id(nb))
    assert rule in broken_rules(nb, assignment_rules.FOR_RELEASES)


def test_exercises_hold_the_cells_up_to_the_next_heading():
    found = assignment_rules.exercises(source())
    assert [(each.number, each.stars, each.title) for each in found][2:] == [
        (3, "★★", "Find the bug: two"),
        (4, "★★★", "Design"),
    ]
    assert [cell.id for _, cell in found[1].cells] == ["text2", "answer2", "check2"]
    assert [cell.id for cell in found[3].manual] == ["words"]
    assert [cell.id for _, cell in found[3].tests] == ["check4"]


def test_the_topic_is_what_the_tests_import():
    nb = source()
    assert assignment_rules.topic(nb) == "topic"
    for cell in nb.cells:
        cell.source = cell.source.replace(IMPORT, "")
    assert assignment_rules.topic(nb) == ""
