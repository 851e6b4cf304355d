"""make mutate: its slips, its verdict on tests, and its list of equal mutants, kept up to date."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.helpers.support.parity import import_or_skip

import_or_skip("mutmut")

from tools import ROOT  # noqa: E402
from tools.quality.mutants import equal, mutants  # noqa: E402
from tools.quality.mutate import EQUAL, FILES  # noqa: E402

SOURCE = '''
def inside(x, low=0):
    """A docstring."""
    if x is None:
        raise TypeError(f"x must be {low + 1}")
    return np.mean(x, axis=0) >= low


class Box:
    size: int = 3

    def double(self, *names: "1 + 1"):
        return self.size * 2, "a", len(names[1:])
'''


def slips(where):
    return {(slip.line, slip.mutant) for slip in mutants(SOURCE) if slip.where == where}


def test_numbers_operators_arguments_returns_and_conditions_are_mutated():
    line = "return np.mean(x, axis=0) >= low"
    assert slips("inside") >= {
        ("def inside(x, low=0):", "def inside(x, low=1):"),
        ("if x is None:", "if x is not None:"),
        ("if x is None:", "if not (x is None):"),
        (line, "return np.mean(x, axis=0) > low"),
        (line, "return np.mean(x, axis=1) >= low"),
        (line, "return np.mean(x, axis=None) >= low"),
        (line, "return np.mean(x, ) >= low"),
        (line, "return None"),
    }
    assert ("size: int = 3", "size: int = 4") in slips("Box")
    assert (
        'return self.size * 2, "a", len(names[1:])',
        'return self.size / 2, "a", len(names[1:])',
    ) in slips("Box.double")


def test_words_of_errors_docstrings_and_annotations_are_left_alone():
    for slip, code in mutants(SOURCE).items():
        assert 'raise TypeError(f"x must be {low + 1}")' in code, slip
        assert '"""A docstring."""' in code, slip
        assert '"1 + 1"' in code, slip


def test_each_mutant_differs_from_the_source_in_one_place():
    for slip, code in mutants(SOURCE).items():
        assert code != SOURCE
        assert len(code.splitlines()) == len(SOURCE.splitlines()), slip


def test_a_mutant_keeps_its_name_when_lines_move():
    assert mutants("# a comment\n" + SOURCE).keys() == mutants(SOURCE).keys()


def entry(module, mutant):
    words = f'line = "return x * 2"\nmutants = ["{mutant}"]\nwhy = "none"'
    return f'[[{module}]]\nwhere = "twice"\n{words}\n'


def make_mutate(root, tests, listed=""):
    """make mutate, in a course with a module twice(x) and a test for each of `tests`."""
    if os.name == "nt":
        pytest.skip("Windows has no fork")
    for folder in ("helpers/internal", "tests/helpers", "tests/project", "tools/quality"):
        (root / folder).mkdir(parents=True)
    for name in ("__init__.py", "quality/__init__.py", "quality/mutate.py", "quality/mutants.py"):
        shutil.copy(ROOT / "tools" / name, root / "tools" / name)
    for name, line in tests.items():
        (root / "helpers" / f"{name}.py").write_text("def twice(x):\n    return x * 2\n")
        test = f"from helpers.{name} import twice\n\ndef test():\n    {line}\n"
        if line:
            (root / "tests" / "helpers" / f"test_{name}.py").write_text(test)
    (root / "tests" / "project" / "mutants.toml").write_text(listed)
    command = [sys.executable, "-m", "tools.quality.mutate", "--jobs", "2"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_the_verdicts_on_five_modules(tmp_path):
    exact = "assert twice(2) == 4"
    weak = "assert twice(1) >= 2"
    tests = {
        "a_killed": exact,
        "b_survives": weak,
        "c_equal": weak,
        "d_not_equal": exact,
        "e_stale": exact,
    }
    listed = entry("c_equal", "return x * 3") + entry("d_not_equal", "return x * 3")
    listed += entry("e_stale", "return x * 5")
    done = make_mutate(tmp_path, tests, listed)
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["module", "mutants", "equal", "survived", "killed"],
        ["a_killed", "3", "0", "0", "100.0%"],
        ["b_survives", "3", "0", "1", "66.7%"],
        ["b_survives.twice:"],
        ["-", "return", "x", "*", "2"],
        ["+", "return", "x", "*", "3"],
        ["c_equal", "3", "1", "0", "100.0%"],
        ["d_not_equal", "3", "1", "0", "100.0%"],
        ["e_stale", "3", "0", "0", "100.0%"],
    ]
    faults = [line for line in done.stderr.splitlines() if not line.startswith(" ")]
    assert faults == [
        "b_survives.py: 33.3% survive",
        "d_not_equal.py: listed as equal, but a test fails: twice:",
        "e_stale.py: listed as equal, but no mutant of today: twice:",
    ]
    assert done.returncode == 1


SEE = "make test ARGS='tests/helpers/test_red.py'"
WITHOUT_PASSING_TESTS = {
    "assert twice(2) == 5": f"red: its tests fail without a slip already; see {SEE}.",
    None: "red: no test has its name; name one in TESTS of tools/quality/mutate.py.",
}


@pytest.mark.parametrize(("line", "sentence"), WITHOUT_PASSING_TESTS.items())
def test_without_tests_that_pass_it_ends(tmp_path, line, sentence):
    done = make_mutate(tmp_path, {"red": line})
    assert done.returncode == 1
    assert done.stderr.strip() == sentence


KNOWN = equal(EQUAL)


@pytest.mark.parametrize("module", KNOWN)
def test_the_list_of_the_course_names_mutants_of_today(module):
    source = FILES[module].read_text(encoding="utf-8")
    assert [str(slip) for slip in KNOWN[module].keys() - mutants(source)] == []
    assert all(KNOWN[module].values()), "each has a reason"
