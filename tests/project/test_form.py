"""The form of the code: one thought a line, short functions, nothing that hides in a line.

Two names a line, a walrus in a comprehension and the like save a line and cost each reader a second
look; a limit on lines would reward them, so the limits count statements. A line has at most 100
characters: that is ruff's rule E501, and the last tests here keep it switched on.

The lectures have a rule of their own, few_code_cells_have_many_lines in tests/notebooks/support.
"""

import ast
import subprocess
import sys

import pytest

from tools import ROOT
from tools.quality import house, style

FILES = [path for folder in house.FOLDERS for path in house.python_files(ROOT / folder)]
NAMES = [path.relative_to(ROOT).as_posix() for path in FILES]
RULES = {
    style.parallel_assignments: "assigns two names in one line; give each a line of its own",
    style.walruses_in_comprehensions: "has a walrus in a comprehension; write a loop",
    style.lambdas_with_defaults: "has a lambda with a default; write a function",
    style.dicts_as_conditions: "looks up a dictionary made for it; use if, or name the dictionary",
    style.flags_by_position: "passes True or False by position; name the argument",
}
# What held in November 2026, with one name a line. The longest function was helpers.training.fit,
# with 31: the loop of a training is told in one piece; the next had 24. Nine of ten had up to 16 in
# helpers/checks, where a check is a list of slips with their formulas, and up to 12 elsewhere.
MOST_STATEMENTS = 32
NINE_OF_TEN = 12
NINE_OF_TEN_CHECKS = 16


def problems(tree):
    """Pairs (line, what is wrong there) for each place of a file that breaks a rule."""
    for rule, sentence in RULES.items():
        yield from ((node.lineno, f"{sentence}: {ast.unparse(node)[:60]}") for node in rule(tree))
    for function in style.functions(tree):
        if (count := style.statements(function)) > MOST_STATEMENTS:
            sentence = f"{function.name} has {count} statements, at most {MOST_STATEMENTS} may be"
            yield function.lineno, sentence


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_form(path):
    found = sorted(problems(ast.parse(path.read_text(encoding="utf-8"))))
    name = path.relative_to(ROOT).as_posix()
    assert not found, "\n" + "\n".join(f"{name}:{line} {sentence}" for line, sentence in found)


def test_nine_of_ten_functions_are_short():
    """In each folder. A limit for each function alone would let all of them grow up to it."""
    for folder in {path.parent for path in FILES}:
        limit = NINE_OF_TEN_CHECKS if folder == ROOT / "helpers" / "checks" else NINE_OF_TEN
        p90 = house.measured([path.read_text(encoding="utf-8") for path in folder.glob("*.py")]).p90
        name = folder.relative_to(ROOT).as_posix()
        assert p90 <= limit, f"{name}: nine of ten functions have up to {p90:g} statements"


# --- the line length ---


@pytest.mark.parametrize("folder", house.FOLDERS)
@pytest.mark.parametrize(("length", "status"), [(100, 0), (101, 1)])
def test_ruff_refuses_a_line_of_more_than_100_characters(folder, length, status):
    line = "# " + "x " * 48 + (length - 98) * "x"
    command = [sys.executable, "-m", "ruff", "check", "--quiet", "-"]
    command += ["--stdin-filename", f"{folder}/sample.py"]
    done = subprocess.run(command, cwd=ROOT, input=f"{line}\n", capture_output=True, text=True)
    assert len(line) == length
    assert done.returncode == status
    assert ("E501" in done.stdout) == bool(status)


def test_no_line_is_excused():
    excuse = "noqa: " + "E501"
    texts = {
        name: path.read_text(encoding="utf-8") for name, path in zip(NAMES, FILES, strict=True)
    }
    assert not [name for name, text in texts.items() if excuse in text]


# --- the rules themselves ---


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        (style.parallel_assignments, "a, b = 1, 2"),
        (style.parallel_assignments, "a, b = b, a + b"),
        (style.parallel_assignments, "(a, b), c = f(), 1"),
        (style.parallel_assignments, "[a, b] = [1, 2]"),
        (style.parallel_assignments, "a, *rest = 1, 2, 3"),
        (style.parallel_assignments, "self.a, self.b = a, b"),
        (style.parallel_assignments, "pair = a, b = 1, 2"),
        (style.parallel_assignments, "a, b = pair = 1, 2"),
        (style.parallel_assignments, "a, b = (1, 2) if c else (3, 4)"),
        (style.walruses_in_comprehensions, "[y for x in xs if (y := f(x))]"),
        (style.walruses_in_comprehensions, "any((y := f(x)) for x in xs)"),
        (style.walruses_in_comprehensions, "{(y := f(x)): y for x in xs}"),
        (style.walruses_in_comprehensions, "[[y for _ in x if (y := x)] for x in xs]"),
        (style.lambdas_with_defaults, "lambda x, k=k: k * x"),
        (style.lambdas_with_defaults, "lambda *, k=k: k"),
        (style.dicts_as_conditions, "{True: 1, False: 2}[a > b]"),
        (style.dicts_as_conditions, "{None: 1}.get(a, 2)"),
        (style.flags_by_position, "f(x, True)"),
        (style.flags_by_position, "self.train(False)"),
        (style.flags_by_position, "text.splitlines(True)"),
    ],
)
def test_a_broken_sample_is_noticed(rule, broken):
    assert len(rule(ast.parse(broken))) == 1
    ((line, sentence),) = problems(ast.parse(f"\n{broken}"))
    assert line == 2
    assert sentence.startswith(RULES[rule])


@pytest.mark.parametrize(
    "sound",
    [
        "a, b = b, a",
        "x[i], x[j] = x[j], x[i]",
        "a, b = f()",
        "(x,) = rows",
        "first, *rest = text.split()",
        "a, b = f() if c else g()",
        "pair = 1, 2",
        "for a, b in ((1, 2), (3, 4)): pass",
        "a = b = 0",
        "if (y := f(x)): [y for x in xs]",
        "lambda x: x",
        "lambda *xs, **options: f(*xs, **options)",
        "NAMES[choice]",
        "names.get(choice)",
        "f(x, flag=True)",
        "setattr(x, 'seen', True)",
        "names.get(x, False)",
        "f(1)",
    ],
)
def test_a_sound_sample_passes(sound):
    assert list(problems(ast.parse(sound))) == []


@pytest.mark.parametrize(("count", "found"), [(MOST_STATEMENTS, 0), (MOST_STATEMENTS + 1, 1)])
def test_a_long_function_is_noticed(count, found):
    tree = ast.parse('def f():\n    """Not counted."""\n' + "    a()\n" * count)
    assert len(list(problems(tree))) == found
