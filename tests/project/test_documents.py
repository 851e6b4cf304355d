"""The documents for contributors: links lead somewhere, and what they name is there."""

import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.util import find_spec

import pytest
import yaml

from tests.notebooks.test_links import broken, links
from tools import ROOT

ARCHITECTURE = ROOT / "docs" / "ARCHITECTURE.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
CHANGELOG = ROOT / "CHANGELOG.md"
CITATION = ROOT / "CITATION.cff"
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
GUIDES = [ARCHITECTURE, CONTRIBUTING]
LINKED = [*sorted((ROOT / "docs").glob("*.md")), CONTRIBUTING, CHANGELOG]

CODE = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"[\w.-]+(?:/[\w.-]*)+|\w+\.(?:py|md|toml|txt|cff|yml)")
MADE = ("_site/", ".venv/bin/python")  # by a command
TARGET = re.compile(r"(?:^|`)make +([a-z][a-z-]*)", re.MULTILINE)
PROGRAM = re.compile(r"-m +(tools[\w.]*)")


def text_of(document):
    return document.read_text(encoding="utf-8")


def code(document):
    """What stands in backticks, without the blocks between fences."""
    return CODE.findall(BLOCK.sub("", text_of(document)))


def named_files(document):
    """Pairs (path, name in it or "") of the files and folders that a document names."""
    pairs = [word.partition("::")[::2] for word in code(document)]
    return [(path, name) for path, name in pairs if PATH.fullmatch(path) and path not in MADE]


def has_name(path, name):
    """Whether a Python file defines a function, class or constant."""
    definition = rf"^\s*(?:(?:def|class) {name}\b|{name} = )"
    return re.search(definition, text_of(ROOT / path), re.MULTILINE) is not None


@cache
def targets():
    return set(re.findall(r"^([a-z][a-z-]*):", text_of(ROOT / "Makefile"), re.MULTILINE))


each_guide = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
each_form = pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)


@pytest.mark.parametrize("document", LINKED, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    faults = {target: broken(document, target) for target in links(text_of(document))}
    assert {target: fault for target, fault in faults.items() if fault} == {}


@each_guide
def test_every_path_exists(guide):
    paths = [path for path, _ in named_files(guide)]
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


@each_guide
def test_every_name_in_a_file_is_there(guide):
    pairs = [(path, name) for path, name in named_files(guide) if name]
    assert [f"{path}::{name}" for path, name in pairs if not has_name(path, name)] == []


@each_guide
def test_every_command_is_there(guide):
    text = text_of(guide)
    assert set(TARGET.findall(text)) <= targets()
    assert [module for module in PROGRAM.findall(text) if find_spec(module) is None] == []


def test_the_architecture_names_every_folder():
    named = {path.strip("/") for path, _ in named_files(ARCHITECTURE)}
    for top in ("helpers", "tools", "tests"):
        rooms = {path.parent for path in (ROOT / top).glob("*/__init__.py")}
        assert {room.relative_to(ROOT).as_posix() for room in rooms} <= named


def test_the_figure_names_every_module_that_a_learner_reads():
    words = set(re.findall(r"\w+", text_of(ROOT / "docs" / "architecture.svg")))
    assert {path.stem for path in (ROOT / "helpers").glob("[a-z]*.py")} <= words


def test_an_edition_has_one_version():
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    assert yaml.safe_load(text_of(CITATION))["version"] == project["version"]
    assert f"\n## {project['version']}" in text_of(CHANGELOG)


def test_every_edition_says_what_changed_for_grades():
    for section in re.split(r"^## ", text_of(CHANGELOG), flags=re.MULTILINE)[1:]:
        headings = re.findall("^### (.*)", section, re.MULTILINE)
        assert headings[:1] == ["What changed for grades"], section[:60]


def refused(schema, *files):
    """What check-jsonschema has against the files."""
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def test_the_citation_is_valid():
    assert refused("vendor.citation-file-format", CITATION) == ""


def test_the_forms_for_issues_are_valid():
    assert len(FORMS) == 2
    assert refused("vendor.github-issue-forms", *FORMS) == ""


@each_form
def test_a_form_asks_for_what_an_answer_needs(form):
    fields = {field.get("id"): field for field in yaml.safe_load(text_of(form))["body"]}
    assert "versions" in fields
    asked = [name for name, field in fields.items() if field.get("validations", {}).get("required")]
    assert len(asked) >= 4


# --- the checks themselves ---


def test_what_is_missing_is_noticed(tmp_path):
    guide = tmp_path / "guide.md"
    guide.write_text(
        "`tools/nowhere.py`, `tools/setup.py::nothing`, `x = a / b`, `_site/`, `core`\n"
        "```\n`tools/in_a_block.py`\n```\n"
    )
    assert named_files(guide) == [("tools/nowhere.py", ""), ("tools/setup.py", "nothing")]
    assert not has_name("tools/setup.py", "nothing")
    assert has_name("helpers/noise.py", "Dropout")
