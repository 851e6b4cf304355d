"""Every notebook obeys notebook_rules.py; lectures and assignments have further rules."""

from functools import cache

import pytest

from tests.notebooks.support import assignment_rules, lecture_rules, notebook_rules
from tools.notebooks import form

LECTURES = form.lectures()
ASSIGNMENTS = form.ROOT / "notebooks" / "assignments"
SOURCES = sorted(ASSIGNMENTS.glob("source/[!.]*/*.ipynb"))
RELEASES = sorted(ASSIGNMENTS.glob("release/[!.]*/*.ipynb"))
EVERY = sorted((form.ROOT / "notebooks").rglob("*.ipynb"))
UNCOPIED = [path for path in EVERY if ".ipynb_checkpoints" not in path.parts]
NO_ASSIGNMENTS = [path for path in UNCOPIED if not path.is_relative_to(ASSIGNMENTS)]
OTHERS = [path for path in NO_ASSIGNMENTS if path not in LECTURES]
KINDS = (
    (LECTURES, lecture_rules.FOR_LECTURES),
    (OTHERS, notebook_rules.FOR_EVERY_NOTEBOOK),
    (SOURCES, notebook_rules.FOR_EVERY_NOTEBOOK + assignment_rules.FOR_SOURCES),
    (RELEASES, notebook_rules.FOR_EVERY_NOTEBOOK + assignment_rules.FOR_RELEASES),
)
RULED = [(path, rule) for paths, rules in KINDS for path in paths for rule in rules]
STORED = [*LECTURES, *SOURCES, *RELEASES]


def label(path):
    return path.stem if path in LECTURES else f"{path.parents[1].name}-{path.stem}"


@cache
def read(path):
    return form.parse(path.read_text(encoding="utf-8"))


def test_there_are_lectures():
    assert len(LECTURES) >= 2, f"notebooks/ holds {len(LECTURES)} lectures NN_topic.ipynb"


@pytest.mark.parametrize(
    ("path", "rule"), RULED, ids=[f"{label(path)}-{rule.__name__}" for path, rule in RULED] or None
)
def test_rule(path, rule):
    problems = list(notebook_rules.problems(rule, read(path), form.shown(path)))
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("path", STORED, ids=[label(path) for path in STORED] or None)
def test_form_is_what_refresh_stores(path):
    text = path.read_bytes().decode()
    sentence = f"{form.shown(path)} is not in normal form; run make refresh"
    assert lecture_rules.is_normal(text), sentence
