"""make assignments writes the same bytes each time, or says in one sentence what is wrong where."""

import builtins
import re
import subprocess
import sys

import pytest

from tests.notebooks.support.small_assignment import ANSWER, IMPORT, by_id, source
from tools.notebooks import assignments, form
from tools.notebooks.assignments import CODE_STUB, TEXT_STUB


def store(folder, nb, name="03_topic"):
    path = folder / "source" / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(form.dump(nb), encoding="utf-8")
    return path


def bytes_below(folder):
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def made(tmp_path):
    """The release of the small assignment."""
    return by_id(form.parse(assignments.released(store(tmp_path, source()))))


def test_a_second_run_changes_not_one_byte(tmp_path, capsys):
    store(tmp_path, source())
    other = tmp_path / "release" / "03_topic" / "notes.txt"
    other.parent.mkdir(parents=True)
    other.write_text("A learner's.")
    assert assignments.main([], tmp_path) == 0
    assert "written" in capsys.readouterr().out
    before = bytes_below(tmp_path)
    assert assignments.main([], tmp_path) == 0
    assert "unchanged" in capsys.readouterr().out
    assert bytes_below(tmp_path) == before
    assert len(before) == 3


def test_check_changes_nothing_and_names_what_is_stale(tmp_path, capsys):
    path = store(tmp_path, source())
    assert assignments.main(["--check"], tmp_path) == 1
    assert not (tmp_path / "release").exists()
    assert assignments.main([], tmp_path) == 0
    nb = source()
    nb.cells[0].source += " More."
    store(tmp_path, nb)
    before = bytes_below(tmp_path)
    capsys.readouterr()
    assert assignments.main(["--check"], tmp_path) == 1
    release = form.shown(assignments.release_of(path))
    assert capsys.readouterr().out == f"{release}: stale, run make assignments\n"
    assert bytes_below(tmp_path) == before


def test_what_is_stored_with_the_source_does_not_matter(tmp_path, made):
    nb = source()
    by_id(nb)["check1"].outputs = []
    by_id(nb)["answer2"].execution_count = None
    assert by_id(form.parse(assignments.released(store(tmp_path, nb)))) == made


def test_solutions_and_hidden_tests_are_gone(made):
    assert made["answer1"].source == f'def f1(x):\n    """Return 2 x."""\n    {CODE_STUB}'
    assert made["words"].source == f"*Your words.*\n\n{TEXT_STUB}"
    assert made["check1"].source.rstrip() == f"{IMPORT}checks.check1(f1)"


def test_outputs_are_gone_and_the_rest_stays(made):
    for cell in made.values():
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    assert made["title"].source == source().cells[0].source
    assert made["title"].metadata == {}
    assert list(made) == list(by_id(source()))


def test_cells_are_locked(made):
    locks = {
        name: [made[name].metadata.get(key) for key in ("deletable", "editable")] for name in made
    }
    assert locks["check1"] == locks["setup"] == [False, False]
    assert locks["answer1"] == locks["words"] == [False, None]
    assert locks["title"] == [None, None]
    for name in ("check1", "setup", "answer1", "words"):
        assert len(made[name].metadata.nbgrader.checksum) == 32


def test_a_release_without_a_source_is_named(tmp_path, capsys):
    store(tmp_path, source())
    assert assignments.main([], tmp_path) == 0
    folder = (tmp_path / "source" / "03_topic").rename(tmp_path / "source" / "08_topic")
    (folder / "03_topic.ipynb").rename(folder / "08_topic.ipynb")
    assert assignments.main([], tmp_path) == 1
    assert "release/03_topic/03_topic.ipynb has no source" in capsys.readouterr().err
    assert (tmp_path / "release" / "03_topic" / "03_topic.ipynb").is_file()


def test_without_source_nothing_is_wrong(tmp_path, capsys):
    for arguments in ([], ["--check"]):
        assert assignments.main(arguments, tmp_path) == 0
        sentence = "/source is missing; only teachers have it. release/ stays as it is.\n"
        assert capsys.readouterr().out.endswith(sentence)


def test_without_nbgrader_one_sentence(tmp_path, capsys, monkeypatch):
    store(tmp_path, source())
    real = builtins.__import__

    def missing(name, *rest):
        if name.startswith("nbgrader"):
            raise ModuleNotFoundError(f"No module named {name!r}", name="nbgrader")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(SystemExit) as caught:
        assignments.main([], tmp_path)
    assert caught.value.code == 1
    sentence = "The package nbgrader is missing; make assignments installs it.\n"
    assert capsys.readouterr().err == sentence


def change(name, **fields):
    return lambda nb: by_id(nb)[name].update(fields)


def replace(name, old, new):
    def broken(nb):
        assert old in by_id(nb)[name].source
        by_id(nb)[name].source = by_id(nb)[name].source.replace(old, new)

    return broken


def grader(name, **fields):
    return lambda nb: by_id(nb)[name].metadata.nbgrader.update(fields)


def without(name, key):
    return lambda nb: by_id(nb)[name].metadata.nbgrader.pop(key)


MARKS = ("### BEGIN SOLUTION", "### END SOLUTION")
NO_TEST = "a test cell holds `from helpers.checks import topic as checks` and one call"
NO_POINTS = "it is graded and its points are {}, expected a number above 0"
BROKEN = {
    "not closed": (replace("answer1", MARKS[1], ""), 4, "BEGIN SOLUTION has no END SOLUTION"),
    "not opened": (
        replace("answer1", MARKS[0], "pass"),
        4,
        "END SOLUTION does not follow BEGIN SOLUTION",
    ),
    "opened twice": (
        replace("answer1", MARKS[1], MARKS[0]),
        4,
        "BEGIN SOLUTION does not follow END SOLUTION",
    ),
    "hidden tests not closed": (
        replace("check1", "### END HIDDEN TESTS", ""),
        5,
        "BEGIN HIDDEN TESTS has no END HIDDEN TESTS",
    ),
    "solution in a plain cell": (
        change("title", source="\n".join(MARKS)),
        1,
        "a region SOLUTION and is not a solution",
    ),
    "hidden tests in an answer": (
        change("answer2", source=f"{ANSWER}\n### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS"),
        7,
        "it has a region HIDDEN TESTS and is not a grade cell",
    ),
    "no region": (
        change("answer1", source="def f(x):\n    return 2"),
        4,
        "a solution cell without BEGIN SOLUTION",
    ),
    "same name": (
        grader("check2", grade_id="check1"),
        8,
        "its grade_id 'check1' is that of cell 5",
    ),
    "another name": (
        grader("check2", grade_id="mine"),
        8,
        "its grade_id is 'mine' and its id 'check2'",
    ),
    "no points": (
        without("check2", "points"),
        8,
        NO_POINTS.format(None),
    ),
    "points 0": (
        grader("words", points=0),
        16,
        NO_POINTS.format(0),
    ),
    "metadata": (without("answer1", "task"), 4, "its nbgrader metadata lack task"),
    "text": (
        grader("words", solution=False),
        16,
        "it is a text cell, which must be both graded and a solution, or neither",
    ),
    "no import": (replace("check2", IMPORT, ""), 8, NO_TEST),
    "another import": (replace("check2", "topic", "norms"), 8, NO_TEST),
    "an assert": (change("check2", source=f"{IMPORT}assert f2(1) == 2"), 8, NO_TEST),
    "two calls": (change("check2", source=f"{IMPORT}checks.a(f2)\nchecks.b(f2)"), 8, NO_TEST),
    "a value": (change("check2", source=f"{IMPORT}checks.a(f2(1))"), 8, NO_TEST),
    "an option": (change("check2", source=f"{IMPORT}checks.a(f2, seed=1)"), 8, NO_TEST),
    "hidden code": (replace("check1", "checks.check1(f1, seed=1)", "x = 1"), 5, NO_TEST),
    "no Python": (change("check2", source="from"), 8, NO_TEST),
}


@pytest.mark.parametrize(("broken", "number", "sentence"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_said_with_notebook_and_cell(broken, number, sentence, tmp_path, capsys):
    nb = source()
    broken(nb)
    path = store(tmp_path, nb)
    assert assignments.main([], tmp_path) == 1
    errors = capsys.readouterr().err
    place = re.escape(f"{form.shown(path)}, cell {number} (")
    assert re.search(rf"^{place}.*{re.escape(sentence)}.*\.$", errors, re.MULTILINE), errors
    assert not (tmp_path / "release").exists()


@pytest.mark.parametrize("text", ["", "{", '{"cells": [], "nbformat": 3}'])
def test_a_broken_source_is_named(text, tmp_path, capsys):
    path = store(tmp_path, source())
    path.write_text(text)
    assert assignments.main([], tmp_path) == 1
    assert capsys.readouterr().err.startswith(f"{form.shown(path)}: it")


def test_what_nbgrader_refuses_is_said(tmp_path, capsys):
    nb = source()
    grader("answer1", schema_version=2)(nb)
    path = store(tmp_path, nb)
    assert assignments.main([], tmp_path) == 1
    assert capsys.readouterr().err.startswith(f"{form.shown(path)}: nbgrader refuses it, ")


def test_a_missing_source_is_named(tmp_path, capsys):
    (tmp_path / "source" / "03_topic").mkdir(parents=True)
    assert assignments.main([], tmp_path) == 1
    assert "source/03_topic/03_topic.ipynb" in capsys.readouterr().err


def test_one_that_is_broken_does_not_stop_the_others(tmp_path):
    store(tmp_path, source(), "02_topic").write_text("{")
    store(tmp_path, source())
    assert assignments.main([], tmp_path) == 1
    assert (tmp_path / "release" / "03_topic" / "03_topic.ipynb").is_file()


def test_the_command():
    command = [sys.executable, "-m", "tools.notebooks.assignments", "--help"]
    done = subprocess.run(command, cwd=form.ROOT, capture_output=True, text=True, check=True)
    assert "--check" in done.stdout
