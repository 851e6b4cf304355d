"""Only the text of a submission's cells counts, and its Markdown becomes HTML that runs nothing."""

import json

import pytest

from tests.grading.support import attacks, tiny
from tools.grading import feedback, judge, submissions

HONEST_TEXT = """
# Title

Some *text* with $x < y$, [a link](https://example.org) and

| a | b |
|---|---|
| 1 | 2 |

```python
x = 1
```

<details><summary>Hint</summary>x</details>
"""
CHANGED = {name: attack for name, attack in attacks.ATTACKS.items() if attack.change}


@pytest.fixture(scope="module")
def base():
    return tiny.release()


def built(nb, base):
    text = nb if isinstance(nb, str) else json.dumps(nb)
    return submissions.build(submissions.parse_cells(text), base)


def own(nb):
    """The cells of nbgrader in a notebook: name -> (text, nbgrader's metadata)."""
    return {
        judge.grade_id(cell): (cell.source, cell.metadata.nbgrader)
        for cell in nb.cells
        if judge.grade_id(cell)
    }


def test_an_honest_notebook_stays_as_it_is(base):
    nb = tiny.submission(tiny.HALF, last="1 + 1", text="Mine.")
    result = built(nb, base)
    assert [cell.source for cell in result.cells] == [cell.source for cell in nb.cells]
    assert {cell.cell_type for cell in result.cells} == {"code", "markdown"}
    assert own(result).keys() == own(base).keys()
    for name, (_, metadata) in own(result).items():
        assert metadata == own(base)[name][1]


@pytest.mark.parametrize("attack_name", CHANGED)
def test_tests_and_metadata_are_the_teachers(attack_name, base, tmp_path):
    attack = CHANGED[attack_name]
    nb = attacks.notebook(attack, tmp_path)
    if attack.refused:
        with pytest.raises(submissions.Refused, match=attack.refused):
            built(nb, base)
        return
    result = own(built(nb, base))
    for name, (text, metadata) in own(base).items():
        if metadata.solution and name not in result:
            continue  # what a learner removed is not put back over what stands elsewhere
        assert result[name][1] == metadata
        assert metadata.solution or result[name][0] == text


def test_missing_cells_come_back_where_they_were(base):
    nb = tiny.submission(tiny.RIGHT)
    nb.cells = [cell for cell in nb.cells if cell.id != "backward-check"]
    names = [judge.grade_id(cell) for cell in built(nb, base).cells]
    assert names == [judge.grade_id(cell) for cell in base.cells]


def test_a_removed_answer_is_not_put_back_over_another_cell(base):
    nb = tiny.submission(tiny.RIGHT, last=tiny.RIGHT["forward"])
    nb.cells = [cell for cell in nb.cells if cell.get("id") != "forward-answer"]
    result = built(nb, base)
    assert "forward-answer" not in own(result)
    assert result.cells[-1].source == tiny.RIGHT["forward"]


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b'{"nbformat": 3, "cells": []}', b"[]", b"7", b'{"nbformat": 4}', b""]
)
def test_a_file_that_is_not_a_notebook_is_refused(text):
    with pytest.raises(submissions.Refused, match="not a notebook of format 4"):
        submissions.parse_cells(text)


def test_text_that_is_not_unicode_is_mended():
    text = '{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["a\\ud800", "b"]}]}'
    assert submissions.parse_cells(text) == [("code", None, "a?b")]


@pytest.mark.parametrize("student", ["../x", "a b", "=1+1", "*", "-x", ".x", "a\nb"])
def test_a_student_needs_a_plain_name(student, base, tmp_path):
    with pytest.raises(submissions.Refused, match="letters, digits"):
        submissions.read(tmp_path, student, tiny.NAME, base)


@pytest.mark.parametrize(
    ("source", "evil"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("<img src=x onerror=alert(1)>", "onerror"),
        ("<img src='https://example.org/x.png'>", "example.org"),
        ("![x](https://example.org/x.png)", "example.org"),
        ("[x](javascript:alert(1))", "javascript:"),
        ("<a href=' JaVaScRiPt:alert(1)'>x</a>", "alert"),
        ("<a href='data:text/html,<script>'>x</a>", "data:"),
        ("<svg><script>alert(1)</script></svg>", "<s"),
        ("<b style='background: url(//example.org)'>x</b>", "example.org"),
        ("<iframe src='https://example.org'></iframe>", "<iframe"),
    ],
)
def test_markdown_runs_and_loads_nothing(source, evil):
    assert evil not in feedback.safe_html(source)


def test_markdown_of_an_honest_text_stays():
    page = feedback.safe_html(HONEST_TEXT)
    for tag in ("<h1", "<em>text</em>", "<td", "<pre>", "<details>"):
        assert tag in page
    assert "$x &lt; y$" in page
    assert 'href="https://example.org"' in page
