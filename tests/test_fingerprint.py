"""A fingerprint is the same in another process, and another one as soon as something that counts has changed."""

import os
import subprocess
import sys
from collections import OrderedDict, deque
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from helpers import fingerprint as module
from helpers import initializers
from helpers.fingerprint import fingerprint
from helpers.layers import Linear
from tests.refusal import refuses

NOTEBOOK = """
import numpy as np
from dataclasses import dataclass
from helpers import data
from helpers.core import Layer
from helpers.training import fit

EPOCHS, WORDS, TABLE, words = 50, {"a", "b", "c"}, np.arange(4.0), {"d", "e"}

@dataclass
class Setting:
    p: float = 0.5

class Double(Layer):
    factor = 2

    def forward(self, x):
        return self.factor * x

    @property
    def name(self):
        return "double"

    @staticmethod
    def half(x):
        return x / 2

    @classmethod
    def triple(cls, x):
        return 3 * x

def helper(x):
    return x * EPOCHS

def countdown(n):
    return n and countdown(n - 1)

def run(value, seed, scale=1):
    \"\"\"Train.\"\"\"
    rng = np.random.default_rng(seed)
    def inner(x):
        return helper(x) + TABLE.sum() + countdown(2)
    return {"loss": inner(value) * scale * Setting().p + Double().factor * (value in {"x", "y", "z"}) + len(WORDS)}

def unused():
    return 1
"""


def of(source=NOTEBOOK, name="run"):
    """The fingerprint of a function of a notebook."""
    names = {"__name__": "__main__"}
    exec(compile(source, "notebook", "exec"), names)
    return fingerprint(name, names[name])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("EPOCHS, WORDS, TABLE, words = 50", "EPOCHS, WORDS, TABLE, words = 51"),
        ("np.arange(4.0)", "np.arange(4.0) + 1e-15"),
        ('{"a", "b", "c"}', '{"a", "b", "d"}'),
        ("p: float = 0.5", "p: float = 0.4"),
        ("factor = 2", "factor = 3"),
        ("self.factor * x", "self.factor + x"),
        ('return "double"', 'return "triple"'),
        ("return x / 2", "return x / 4"),
        ("return 3 * x", "return 9 * x"),
        ("return x * EPOCHS", "return x + EPOCHS"),
        ("return x * EPOCHS", "return x * 50"),
        ("countdown(n - 1)", "countdown(n - 2)"),
        ("scale=1", "scale=2"),
        ("def inner(x)", "def inner(x, y=1)"),
        ('{"x", "y", "z"}', '{"x", "y", "w"}'),
        ("default_rng(seed)", "default_rng(seed + 1)"),
    ],
)
def test_what_counts(old, new):
    assert of(NOTEBOOK.replace(old, new)) != of()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import numpy as np", "\n\n# a comment\nimport numpy as np"),
        ("def unused", "def still_unused"),
        ('{"d", "e"}', '{"f"}'),
        ("return 1", "return 2"),
    ],
)
def test_what_does_not_count(old, new):
    assert old in NOTEBOOK
    assert of(NOTEBOOK.replace(old, new)) == of()


def test_values_that_differ_have_different_fingerprints():
    values = [0, 0.0, -0.0, False, None, "0", b"0", (), [], {}, set(), (0,), [0], {0: 0}, float("nan"), 1 + 0j]
    values += [np.zeros(2), np.zeros(2, np.float32), np.zeros((2, 1)), np.float64(0), np.zeros(2000), np.add, np.exp]
    values += [initializers.normal(0.01), initializers.normal(0.02), initializers.he_normal, Linear, Linear.forward]
    values += [lambda x: x, lambda x: x + 1, partial(max, 1), partial(max, 2), partial(min, 1), len, max, int, np]
    values += [..., NotImplemented, deque([1]), deque([2]), OrderedDict(a=1), OrderedDict(a=2)]
    values += [np.random.default_rng(0), np.random.default_rng(1), slice(1), slice(2), np.zeros(2000) + np.eye(2000)[5]]
    prints = [fingerprint("value", value) for value in values]
    assert len(set(prints)) == len(values)


def test_a_loop_of_references_ends():
    loop = [1]
    loop.append(loop)
    assert fingerprint("loop", loop) == fingerprint("loop", loop) != fingerprint("loop", [1, [1]])


def test_a_loop_counts_with_where_it_leads():
    mutual = "def run(): return step()\ndef step(): return back()\nback = run"
    assert of(mutual) == of(mutual) != of(mutual.replace("back = run", "back = step"))
    first, second = {}, {}
    first[0], second[0] = [first], []
    second[0].append(second[0])
    assert fingerprint("first", first) != fingerprint("second", second)


def test_types_of_one_name_in_two_modules_differ():
    def flag(module):
        return type("Flag", (), {"__module__": module, "__reduce__": lambda _: "ON"})()

    assert fingerprint("flag", flag("one")) == fingerprint("flag", flag("one")) != fingerprint("flag", flag("two"))


@pytest.mark.parametrize(
    ("name", "file", "followed"),
    [
        ("__main__", None, True),  # a notebook
        ("mine", Path("mine.py").absolute(), True),
        ("built_in", None, False),
        ("installed", Path("site-packages", "installed.py").absolute(), False),
        ("of_python", module.STANDARD / "of_python.py", False),
        ("of_the_course", module.HELPERS / "of_the_course.py", False),
    ],
)
def test_whose_code_is_followed(name, file, followed, monkeypatch):
    home = ModuleType(name)
    if file:
        home.__file__ = str(file)

    def found(body):
        names = {"__name__": name}
        exec(f"def run(): return {body}", names)
        return fingerprint("run", names["run"])

    assert found(1) != found(2)  # of a module that nobody can look up
    monkeypatch.setitem(sys.modules, name, home)
    assert (found(1) != found(2)) == followed


def test_the_same_in_another_process():
    script = f"{NOTEBOOK}\nfrom helpers.fingerprint import fingerprint\nprint(fingerprint('run', run))"
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1", "2")
    }
    assert found == {of()}


def test_another_version_of_the_course_or_of_numpy_is_another_fingerprint(monkeypatch, tmp_path):
    before = fingerprint("one", 1)
    (tmp_path / "layers.py").write_text("y = x")
    with monkeypatch.context() as changed:
        changed.setattr(module, "HELPERS", tmp_path)
        assert fingerprint("one", 1) != before
    monkeypatch.setattr(np, "__version__", "9.0")
    assert fingerprint("one", 1) != before


def test_what_cannot_be_told_apart_tomorrow_is_refused():
    sentence = "the run of 'a' must hold and use only what can be pickled, got a function: "
    with open(os.devnull) as file, refuses(TypeError, sentence, "cannot pickle"):
        fingerprint("the run of 'a'", lambda: file)
