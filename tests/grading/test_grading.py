"""A course is graded from end to end by the real nbgrader.

20 honest submissions, and the hostile ones among them.
"""

import csv
import socket

import pytest

from tests.grading.support import attacks, tiny, watch
from tests.grading.support.run import make_grade, nbgrader, scores

watch.require_sandbox()

KINDS = {
    "solved": (tiny.RIGHT, 8),
    "half": (tiny.HALF, 5),
    "empty": (tiny.STUBS, 0),
    "wrong": (tiny.WRONG, 0),
}
HONEST = {f"honest{i:02}": list(KINDS.values())[i % 4] for i in range(20)}
HOSTILE = {name: attack for name, attack in attacks.ATTACKS.items() if not attack.alone}
QUICK = ("--cell-seconds", "2", "--call-seconds", "2", "--grace-seconds", "0.5", "-j", "3")
SENTINEL = ("source", "submitted", "elsewhere")


@pytest.fixture(scope="module")
def batch():
    """One run over all submissions: its folder, what it printed, and what changed outside."""
    with watch.public_folder() as root, socket.create_server(("127.0.0.1", 0)) as server:
        tiny.make(root)
        (root / "elsewhere").mkdir()
        (root / "elsewhere" / "file").write_text("untouched", encoding="utf-8")
        for student, (answers, _) in HONEST.items():
            tiny.hand_in(root, student, tiny.submission(answers, first="secret = 'SECRET'"))
        for name, attack in HOSTILE.items():
            attacks.hand_in(attack, root, student_of(name), server.getsockname()[1])
        watch.make_public(root)
        before = watch.fingerprint(*(root / name for name in SENTINEL))
        mark = watch.new_mark()
        run = make_grade(root, tiny.NAME, *QUICK, mark=mark)
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
        changed = watch.fingerprint(*(root / name for name in SENTINEL)) != before
        yield {"root": root, "run": run, "changed": changed, "left": watch.left_over(mark)}


def student_of(name):
    return "hostile-" + "".join(letter if letter.isalnum() else "-" for letter in name)


def test_batch_ends_with_a_table_and_says_where_the_files_are(batch):
    run = batch["run"]
    assert run.returncode == 1, run.stderr  # some were refused
    assert "Traceback" not in run.stdout + run.stderr
    assert f"{len(HONEST) + len(HOSTILE)} submissions in " in run.stdout
    assert str(batch["root"] / "grades" / f"{tiny.NAME}.csv") in run.stdout


@pytest.mark.parametrize("student", HONEST)
def test_honest_submissions_keep_their_scores(batch, student):
    row = scores(batch["root"])[student]
    _, points = HONEST[student]
    assert float(row["score"]) == points
    assert float(row["max_score"]) == 12
    assert row["remark"] == ""
    assert float(row["forward-check"]) == (3 if points else 0)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_submissions_earn_what_they_should(batch, name):
    row = scores(batch["root"])[student_of(name)]
    attack = HOSTILE[name]
    if attack.refused:
        assert row["score"] == ""
        assert row["remark"].startswith("not graded: ")
        assert attack.refused in row["remark"]
    else:
        assert float(row["score"]) == attack.earned, row
        assert row["remark"] in ("", f"handed in as {attack.file}.ipynb")


def test_columns_are_in_the_order_of_the_notebook(batch):
    names = list(next(iter(scores(batch["root"]).values())))
    cells = [*(f"{name}-check" for name in tiny.POINTS), "conclusion"]
    assert names == ["student_id", "score", "max_score", *cells, "needs_manual_grading", "remark"]


def test_nothing_outside_changes_and_no_process_is_left(batch):
    assert not batch["changed"]
    assert batch["left"] == []
    made = {path.name for path in batch["root"].iterdir()}
    assert made == {*SENTINEL, "autograded", "feedback", "grades", "gradebook.db"}


def test_feedback_is_there_and_shows_the_verdict(batch):
    for student in HONEST:
        page = feedback(batch, student)
        assert ("mask and scale forgotten" in page) == (HONEST[student][0] is tiny.WRONG)
        assert ("Exercise 1, the forward pass: done" in page) == (HONEST[student][1] > 0)


def feedback(batch, student):
    folder = batch["root"] / "feedback" / student / tiny.NAME
    return (folder / f"{tiny.NAME}.html").read_text(encoding="utf-8")


def test_feedback_holds_no_scripts_of_a_submission(batch):
    page = feedback(batch, student_of("scripts"))
    assert "EVIL" in page  # as text
    for evil in ("<script>EVIL", "onerror=EVIL>", "onload=EVIL>"):
        assert evil not in page, evil
    for quote in ("'", '"'):
        assert f"javascript:EVIL{quote}" not in page


def test_feedback_of_a_spy_holds_nothing_of_the_others(batch):
    for name in ("reads another submission", "reads the solutions"):
        assert "SECRET" not in feedback(batch, student_of(name))
        assert "root:" not in feedback(batch, student_of(name))


def test_nbgrader_exports_the_same_scores(batch):
    root = batch["root"]
    nbgrader(root / "elsewhere", "export", f"--CourseDirectory.root={root}")
    with open(root / "elsewhere" / "grades.csv", newline="", encoding="utf-8") as file:
        exported = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    ours = {student: float(row["score"]) for student, row in scores(root).items() if row["score"]}
    assert exported == ours
