"""Each hostile submission on its own.

It earns nothing that it should not, and nothing outside changes.
"""

import json
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
from nbgrader.utils import determine_grade

from tests.grading.support import attacks, tiny, watch
from tools.grading import judge, kernel, sandbox, submissions

watch.require_sandbox()

LIMITS = sandbox.Limits(cell=2, call=1.5, grace=0.5, submission=60, memory=3 * 2**30)
PATIENT = LIMITS._replace(call=20, grace=20)  # where points are earned, on a busy machine too
TESTS = {f"{name}-check": tiny.check(name) for name in tiny.POINTS}
WITH_CODE = {
    name: attack for name, attack in attacks.ATTACKS.items() if attack.first or attack.last
}


@pytest.fixture(scope="module")
def base():
    return tiny.release()


@pytest.fixture
def course():
    """A course with a gradebook and another's submission, outside the sandbox."""
    with watch.public_folder() as root:
        tiny.make(root)
        tiny.hand_in(root, "honest00", tiny.submission(tiny.RIGHT, first="secret = 'SECRET'"))
        (root / "gradebook.db").write_bytes(b"")
        watch.make_public(root)
        yield root


def score(nb, tests=TESTS, limits=LIMITS):
    """The points of a notebook, and all its outputs."""
    outputs = judge.judged_outputs(nb, tests, limits)
    points = 0
    for cell, own in zip(nb.cells, outputs, strict=True):
        if cell.cell_type == "code":
            cell.outputs = own
        if judge.grade_id(cell) in tests:
            points += determine_grade(cell)[0]
    return points, outputs


@pytest.mark.parametrize(
    ("answers", "points"),
    [(tiny.RIGHT, 8), (tiny.HALF, 5), (tiny.WRONG, 0), (tiny.STUBS, 0)],
    ids=["right", "half", "wrong", "empty"],
)
def test_honest(base, answers, points):
    cells = submissions.parse_cells(json.dumps(tiny.submission(answers)))
    earned, _ = score(submissions.build(cells, base), limits=PATIENT)
    assert earned == points


@pytest.mark.parametrize("name", WITH_CODE)
def test_attack_alone(name, base, course, monkeypatch):
    attack = WITH_CODE[name]
    mark = watch.new_mark()
    monkeypatch.setenv(*mark)
    before = watch.fingerprint(course)
    listening = Listening()
    cells = submissions.parse_cells(json.dumps(attacks.notebook(attack, course, listening.port)))
    limits = PATIENT if attack.earned else LIMITS
    points, outputs = score(submissions.build(cells, base), limits=limits)
    assert points == attack.earned
    assert watch.fingerprint(course) == before
    assert watch.left_over(mark) == []
    assert "SECRET" not in str(outputs)
    assert len(str(outputs)) < 4 * LIMITS.output
    assert listening.heard == []


class Listening:
    """A server on this machine, which nothing in a sandbox can reach."""

    def __init__(self):
        self.heard = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        self.heard.append(self.server.accept()[1])


# ---- What is inside ----


def inside(*program, limits=LIMITS):
    """What a program prints in the sandbox."""
    return subprocess.run(
        sandbox.command(program, limits), capture_output=True, text=True, timeout=30
    )


def test_nothing_of_the_course_is_inside(course):
    find = ("find", "/", "-name", "*.ipynb", "-not", "-path", "*/site-packages/*")
    assert inside(*find).stdout == ""
    assert inside("ls", str(course)).returncode != 0
    assert "helpers" in inside("ls", str(sandbox.Path(sandbox.data.__file__).parents[1])).stdout


def test_environment_is_empty_but_for_what_a_notebook_needs(monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    names = {line.partition("=")[0] for line in inside("env").stdout.splitlines()}
    assert names - {"PWD"} == set(sandbox.environment())


def test_only_the_folders_to_work_in_can_be_written():
    folders = "/ /dev /etc /usr /home /proc ~ /tmp /dev/shm"
    touch = f"for d in {folders}; do touch $d/x 2>/dev/null && echo $d; done; true"
    assert inside("sh", "-c", touch).stdout.split() == [sandbox.HOME, "/tmp", "/dev/shm"]


@pytest.mark.parametrize(
    ("option", "limit"),
    [
        ("-v", LIMITS.memory // 1024),
        ("-u", LIMITS.processes),
        ("-c", 0),
        ("-n", 1024),
        ("-t", int(LIMITS.submission) + 1),
    ],
)
def test_limits(option, limit):
    assert inside("bash", "-c", f"ulimit -H {option}").stdout.strip() == str(limit)


FORKS = """
import os, time
for number in range(2000):
    try:
        if os.fork() == 0:
            time.sleep(60)
    except OSError:
        break
print(number, flush=True)
os.kill(-1, 9)
"""


def test_number_of_processes_is_limited():
    assert 100 < int(inside(sys.executable, "-c", FORKS).stdout) < LIMITS.processes


def test_one_sentence_if_bubblewrap_is_missing(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None if name == "bwrap" else name)
    sentence = r"bwrap is missing.*apt install bubblewrap.*ARGS=--trusted\.$"
    with pytest.raises(sandbox.NoSandbox, match=sentence):
        sandbox.check()


def test_one_sentence_if_user_namespaces_are_forbidden(monkeypatch):
    stderr = "bwrap: No permissions to create new namespace, the kernel may not allow it"
    program = [sys.executable, "-c", f"import sys; sys.exit({stderr!r})"]
    monkeypatch.setattr(sandbox, "command", lambda *_: program)
    sentence = r"user namespaces are forbidden here.*ARGS=--trusted\.$"
    with pytest.raises(sandbox.NoSandbox, match=sentence):
        sandbox.check()


# ---- The kernel from outside ----


FUNCTION = """
def f(x, rng, d):
    x += 1
    d["k"] = [x]
    return rng.random(2), rng.spawn(1)[0].random()
"""


def test_arguments_and_generators_change_as_in_a_call():
    x = np.zeros(2)
    rng = np.random.default_rng(3)
    expected = np.random.default_rng(3)
    d = {}
    with kernel.Kernel(PATIENT) as notebook:
        assert notebook.run(FUNCTION) == []
        for _ in range(2):
            draws, spawned = notebook.call("f", (x, rng, d))
            assert draws.tolist() == expected.random(2).tolist()
            assert spawned == expected.spawn(1)[0].random()
        assert x.tolist() == [2, 2]
        assert d["k"][0].tolist() == [2, 2]
        assert rng.random() == expected.random()
        assert notebook.value("nothing") is ...
        assert notebook.run("1 + 1")[0]["data"]["text/plain"] == "2"


def test_without_the_sandbox_too():
    with kernel.Kernel(PATIENT, trusted=True) as notebook:
        assert notebook.run("x = 3") == []
        assert notebook.value("x") == 3
