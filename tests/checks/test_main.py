"""python -m helpers.checks finds notebooks, says what is done in them, and leaves them alone."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.checks import __main__ as main
from helpers.checks import running

IMPORT = "from helpers.checks import inverted_dropout as checks\n"
BACKWARD = "checks.backward(lambda dy, mask, p: dy * mask / (1 - p))"
FORGOTTEN = "checks.backward(lambda dy, mask, p: dy / (1 - p))"
STATES = ["not yet", "done", "not yet", "not yet", "not yet"]


def store(path, *sources):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [new_markdown_cell("# Title"), *map(new_code_cell, sources)]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def states(path, **options):
    return [state for *_, state in running.run(path, **options).results]


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course with two assignments and a copy made by JupyterLab, as the current folder."""
    release = tmp_path / main.FOLDER
    for name in ("01_first", "04_second"):
        store(release / name / f"{name}.ipynb", IMPORT)
    store(release / "04_second" / ".ipynb_checkpoints" / "04_second-checkpoint.ipynb", IMPORT)
    monkeypatch.chdir(tmp_path)
    return release


def found(wanted, start=None):
    return [path.name for path in main.find(wanted, start)]


def test_all_notebooks_are_found_here_and_from_below(course):
    everything = ["01_first.ipynb", "04_second.ipynb"]
    assert found("*") == everything
    assert found("*", course / "04_second") == everything
    assert found("*", course.parents[1]) == everything


def test_some_are_found_by_number_file_and_folder(course):
    assert found("04") == found("4") == ["04_second.ipynb"]
    assert found(str(course / "01_first" / "01_first.ipynb")) == ["01_first.ipynb"]
    assert found(str(course)) == ["01_first.ipynb", "04_second.ipynb"]
    assert found(str(course / "01_first")) == ["01_first.ipynb"]


def test_what_is_missing_is_said(course):
    for wanted, sentence in [
        ("07", "There is no assignment 07 in notebooks/assignments/release."),
        ("x.ipynb", "There is no notebook x"),
    ]:
        with pytest.raises(FileNotFoundError) as caught:
            main.find(wanted)
        assert str(caught.value).startswith(sentence)


def test_elsewhere_the_notebooks_of_this_course_are_found(tmp_path):
    here = Path(main.__file__).resolve().parents[2] / main.FOLDER
    assert all(path.is_relative_to(here) for path in main.find("*", tmp_path))


def test_an_error_in_a_cell_does_not_stop_the_others(tmp_path):
    broken = ("1 / 0", "this is no Python")
    path = store(tmp_path / "mine.ipynb", *broken, IMPORT + BACKWARD, "%no_magic", "undefined")
    before = path.read_bytes()
    assert states(path) == STATES
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["mine.ipynb"]


def test_a_cell_that_takes_too_long_is_stopped(tmp_path):
    path = store(tmp_path / "slow.ipynb", "while True:\n    pass", IMPORT + BACKWARD)
    assert states(path, timeout=1) == STATES


def test_a_check_prints_even_where_nbgrader_is_at_work(tmp_path, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    _, cell = running.run(store(tmp_path / "mine.ipynb", IMPORT + FORGOTTEN)).cells
    assert [output.output_type for output in cell.outputs] == ["stream"]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("print(1)", "no cell imports its checks (from helpers.checks import ... as checks)"),
        (IMPORT + "import os\nos._exit(1)", "a cell ended its kernel"),
        (
            "from helpers.checks import no_such as checks",
            "helpers.checks has no checks named no_such, or a cell",
        ),
    ],
)
def test_what_cannot_be_run_is_said(source, sentence, tmp_path):
    with pytest.raises(running.CannotRun) as caught:
        running.run(store(tmp_path / "mine.ipynb", source))
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": 3, "nbformat": 4}', "\x00"])
def test_a_broken_file_is_said(text, tmp_path):
    (tmp_path / "mine.ipynb").write_text(text)
    with pytest.raises(running.CannotRun, match="not a notebook"):
        running.run(tmp_path / "mine.ipynb")


def test_the_table():
    rows = [
        (1, "the forward pass", "done"),
        (2, "lists", "not yet"),
        (3, "norms", "mask forgotten"),
    ]
    assert main.table(rows).splitlines() == [
        "  1  the forward pass  ✓ done",
        "  2  lists             – not yet",
        "  3  norms             ✗ mask forgotten",
    ]


def test_the_command(course):
    """As a learner calls it: a table for each notebook; a sentence if one is missing or broken."""
    store(course / "01_first" / "01_first.ipynb", IMPORT + FORGOTTEN)
    (course / "04_second" / "04_second.ipynb").write_text("{")
    command = [sys.executable, "-X", "utf8", "-m", "helpers.checks", "1", "01", "04", "08"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    broken = f"{main.FOLDER.as_posix()}/04_second/04_second.ipynb"
    assert run.stdout.splitlines()[::2][:2] == [
        "01_first",
        "  2  the backward pass                          ✗ mask forgotten",
    ]
    assert run.stdout.splitlines()[-1] == "0 of 5 done"
    assert run.stderr.splitlines() == [
        f"There is no assignment 08 in {main.FOLDER.as_posix()}.",
        f"{broken} could not be run: it is not a notebook, or a broken one.",
    ]
    assert run.returncode == 1
