"""make house, on sources that are small enough to count by hand."""

import ast
from textwrap import dedent

import nbformat
import pytest

from tools.quality import house, style

SHORT = "def one():\n    return 1\n"
LONG = '''
def three(x):
    """Not counted."""
    if x:
        raise ValueError
    return x

class Box:
    def five(self):
        a, b = 1, 2
        for _ in range(a):
            b += 1

            def inner():
                return b

        return inner
'''


def test_a_row_of_the_table():
    found = house.measured([SHORT, LONG, "# " + 99 * "x" + "\n"])
    lines = 2 + 17 + 1
    assert found == house.Measures(
        files=3,
        lines=lines,
        long_lines=1,
        parallel=1000 / lines,
        raises=1000 / lines,
        median=2,  # of 1, 3, 5 and inner's 1
        p90=pytest.approx(4.4),
        longest=5,
    )


def test_no_function_and_no_file():
    assert house.measured(["x = 1\n"])[5:] == (0, 0, 0)
    assert house.measured([])[:3] == (0, 0, 0)


def test_one_function_is_its_own_percentile():
    assert house.measured([SHORT])[5:] == (1, 1, 1)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("pass", 1),
        ('"""Only a docstring."""', 0),
        ("if a:\n    b()\nelif c:\n    d()\nelse:\n    e()", 5),
        ("try:\n    a()\nexcept E:\n    b()\nfinally:\n    c()", 4),
        ("with a:\n    b()", 2),
        ("match a:\n    case 1:\n        b()", 2),
        ("def inner():\n    a()\n    b()", 1),
        ("class Inner:\n    a = 1", 1),
        ("a = 1; b = 2", 2),
        ("f(\n    1,\n    2,\n)", 1),
    ],
)
def test_statements_of_a_function(body, count):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    (function,) = style.functions(ast.parse(f"def f():\n{lines}"))[:1]
    assert style.statements(function) == count


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from helpers.noise import Dropout", {"helpers.noise.Dropout"}),
        ("from helpers.noise import Dropout as D", {"helpers.noise.Dropout"}),
        ("from helpers import noise\nnoise.Dropout(0.5)", {"helpers.noise.Dropout"}),
        ("from helpers.checks import norms as checks\nchecks.l2(f)", {"helpers.checks.norms.l2"}),
        ("import helpers.noise\nhelpers.noise.Dropout", {"helpers.noise.Dropout"}),
        ("import helpers.noise as n\nn.Dropout", {"helpers.noise.Dropout"}),
        ("from .noise import Dropout", {"helpers.noise.Dropout"}),
        ("from . import noise\nnoise.Dropout", {"helpers.noise.Dropout"}),
    ],
)
def test_a_use_is_noticed(source, names):
    assert names <= house.used_names(ast.parse(source), ("helpers",))


def test_a_name_of_another_module_is_no_use():
    used = house.used_names(ast.parse("from tools import noise\nnoise.Dropout\nDropout()"))
    assert used == {"tools.noise", "tools.noise.Dropout"}


@pytest.fixture
def small_course(tmp_path):
    """A course with a lecture and two modules, of whose names the lecture uses one."""
    files = {
        "helpers/core.py": """
            from .internal.words import sentence

            def used(): return sentence()
            def base(): pass
            def unused(): return base()
            def _private(): pass
            """,
        "helpers/internal/__init__.py": "",
        "helpers/internal/words.py": "def sentence(): return 1",
        "tests/test_core.py": "from helpers.core import unused",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip(), encoding="utf-8")
    cells = [nbformat.v4.new_code_cell("from helpers.core import used")]
    cells += [nbformat.v4.new_markdown_cell("text"), nbformat.v4.new_code_cell("a, b = 1, 2")]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / "01_topic.ipynb")
    return tmp_path


def test_the_table_of_a_small_course(small_course, capsys):
    house.main([str(small_course)])
    heading, *rows = capsys.readouterr().out.split("\n\n")[0].splitlines()
    assert heading.split() == " ".join(house.COLUMNS).split()
    assert [row.split("  ")[0] for row in rows] == [
        "helpers",
        "helpers/internal",
        "helpers, together",
        "tests",
        "lectures",
    ]
    assert rows[2].split()[-8:] == ["2", "7", "0", "0.0", "0.0", "1", "1", "1"]
    assert rows[-1].split()[1:] == ["1", "3", "0", "333.3", "0.0", "0", "0", "0"]


def test_names_that_nothing_uses_are_listed_and_tests_do_not_count(small_course, capsys):
    assert list(house.unused_names(small_course)) == ["(helpers.core.base)", "helpers.core.unused"]
    house.main([str(small_course)])
    assert capsys.readouterr().out.endswith("\n(helpers.core.base)\nhelpers.core.unused\n")
