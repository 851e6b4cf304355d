"""make grade: what it prints, what a second run keeps, an assignment of the course.

Also nbgrader called by hand.
"""

import json
import shutil

import nbformat
import pytest

from tests.grading.support import attacks, tiny, watch
from tests.grading.support.run import ROOT, gradebook, make_grade, nbgrader, scores
from tools.grading import grade, sandbox

watch.require_sandbox()

REAL = "04_inverted_dropout"


def test_second_run_keeps_what_was_given_by_hand(tmp_path):
    tiny.make(tmp_path)
    essay = tiny.submission(tiny.HALF, text="My conclusion.")
    for student in ("ann", "bob", "cid"):
        tiny.hand_in(tmp_path, student, essay)
    assert make_grade(tmp_path, tiny.NAME, "--trusted").returncode == 0
    assert {row["needs_manual_grading"] for row in scores(tmp_path).values()} == {"yes"}
    by_hand = f"""
for name, points in (("conclusion", 4), ("moments-check", 2.5)):
    gradebook.find_grade(name, "{tiny.NAME}", "{tiny.NAME}", "ann").manual_score = points
comment = gradebook.find_comment("conclusion", "{tiny.NAME}", "{tiny.NAME}", "ann")
comment.manual_comment = "Well said."
gradebook.db.commit()
"""
    gradebook(tmp_path, by_hand)
    path = tmp_path / "submitted" / "bob" / tiny.NAME / f"{tiny.NAME}.ipynb"
    path.write_text("{", encoding="utf-8")
    solved = tiny.submission(tiny.RIGHT, text="My conclusion.")
    (tmp_path / "submitted" / "cid" / tiny.NAME / f"{tiny.NAME}.ipynb").write_text(
        json.dumps(solved), encoding="utf-8"
    )
    graded = make_grade(tmp_path)
    assert graded.returncode == 1, graded.stderr
    rows = scores(tmp_path)
    assert float(rows["ann"]["score"]) == 5 + 4 + 2.5
    assert float(rows["bob"]["score"]) == 5
    assert float(rows["cid"]["score"]) == 8
    assert rows["bob"]["remark"] == "not graded: it is not a notebook of format 4"
    page = tmp_path / "feedback" / "ann" / tiny.NAME / f"{tiny.NAME}.html"
    assert "Well said." in page.read_text(encoding="utf-8")


def test_nbgrader_by_hand_uses_the_sandbox_too(tmp_path):
    tiny.make(tmp_path)
    tiny.hand_in(tmp_path, "ann", tiny.submission(tiny.HALF, first=attacks.TRANSFORM))
    settings = [
        f"--CourseDirectory.root={tmp_path}",
        f"--CourseDirectory.db_url=sqlite:///{tmp_path}/gradebook.db",
    ]
    for step in ("generate_assignment", "autograde"):
        nbgrader(ROOT / "notebooks" / "assignments", step, tiny.NAME, *settings)
    check = f"""
grades = gradebook.find_submission("{tiny.NAME}", "ann").notebooks[0].grades
scores = {{grade.name: grade.score for grade in grades if grade.name.endswith("-check")}}
assert scores == {{"backward-check": 2, "forward-check": 3, "moments-check": 0}}, scores
"""
    gradebook(tmp_path, check)


def test_an_assignment_of_the_course(tmp_path):
    source = ROOT / "notebooks" / "assignments" / "source" / REAL
    shutil.copytree(source, tmp_path / "source" / REAL)
    for student, folder in (("solved", source), ("empty", source.parents[1] / "release" / REAL)):
        target = tmp_path / "submitted" / student / REAL
        target.mkdir(parents=True)
        shutil.copy(folder / f"{REAL}.ipynb", target)
    graded = make_grade(tmp_path, REAL)
    assert graded.returncode == 0, graded.stdout + graded.stderr
    rows = scores(tmp_path, REAL)
    solved = nbformat.read(source / f"{REAL}.ipynb", as_version=4)
    metadata = [cell.metadata.get("nbgrader", {}) for cell in solved.cells]
    points = sum(cell["points"] for cell in metadata if cell.get("grade") and not cell["solution"])
    assert float(rows["solved"]["score"]) == points
    assert float(rows["empty"]["score"]) == 0
    assert rows["empty"]["needs_manual_grading"] == "no"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("05_nothing", "There is no assignment 05_nothing in {root}/source; there are: 01_tiny."),
        ("", "ASSIGNMENT names no assignment in {root}/source; there are: 01_tiny."),
        (
            tiny.NAME,
            "Nothing was handed in: {root}/submitted has no <student>/01_tiny/01_tiny.ipynb.",
        ),
    ],
)
def test_one_sentence_if_there_is_nothing_to_grade(tmp_path, name, sentence, capsys):
    tiny.make(tmp_path)
    assert refusal([name, "--root", str(tmp_path)], capsys) == sentence.format(root=tmp_path) + "\n"
    assert not (tmp_path / "gradebook.db").exists()


def test_one_sentence_without_the_sandbox(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "PROGRAMS", ("no-such-bwrap",))
    tiny.hand_in(tiny.make(tmp_path), "ann", tiny.submission(tiny.RIGHT))
    sentence = refusal([tiny.NAME, "--root", str(tmp_path)], capsys)
    assert sentence.count("\n") == 1
    assert sentence.endswith("or grade submissions that you trust with ARGS=--trusted.\n")
    assert not (tmp_path / "gradebook.db").exists()


def refusal(arguments, capsys):
    """What the command line prints when it grades nothing."""
    assert grade.main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err
