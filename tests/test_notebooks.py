"""Every notebook obeys the rules of notebook_rules.py, every lecture those of lecture_rules.py as well."""

from functools import cache

import pytest

from tests import lecture_rules, notebook_rules
from tools import notebooks

LECTURES = notebooks.lectures()
OTHERS = sorted(
    path
    for path in (notebooks.ROOT / "notebooks").rglob("*.ipynb")
    if path not in LECTURES and ".ipynb_checkpoints" not in path.parts
)
RULED = [(path, rule) for path in LECTURES for rule in lecture_rules.FOR_LECTURES]
RULED += [(path, rule) for path in OTHERS for rule in notebook_rules.FOR_EVERY_NOTEBOOK]


@cache
def read(path):
    return notebooks.parse(path.read_text(encoding="utf-8"))


def test_there_are_lectures():
    assert len(LECTURES) >= 2, f"notebooks/ holds {len(LECTURES)} lectures NN_topic.ipynb, expected 2 or more"


@pytest.mark.parametrize(("path", "rule"), RULED, ids=[f"{path.stem}-{rule.__name__}" for path, rule in RULED] or None)
def test_rule(path, rule):
    found = list(notebook_rules.problems(rule, read(path), notebooks.shown(path)))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", LECTURES, ids=[path.stem for path in LECTURES] or None)
def test_form_is_what_refresh_stores(path):
    text = path.read_bytes().decode()
    assert lecture_rules.is_normal(text), f"{notebooks.shown(path)} is not in normal form; run tools/refresh.py"
