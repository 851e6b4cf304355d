"""Every link leads to a file, to a heading in it, or to a well-formed https address."""

import re
from functools import cache
from urllib.parse import unquote, urlsplit

import pytest

from tools.notebooks import counts, form

ROOT = form.ROOT
ASSIGNMENTS = ROOT / "notebooks" / "assignments"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    ROOT / "data" / "README.md",
    *sorted((ROOT / "notebooks").glob("*.md")),
]
NOTEBOOKS = [*form.lectures(), *sorted(ASSIGNMENTS.glob("source/*/*.ipynb"))]
NOTEBOOKS += sorted(ASSIGNMENTS.glob("release/*/*.ipynb"))
MODULES = sorted((ROOT / "helpers").rglob("*.py"))

BLOCK = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(rf"{BLOCK.pattern}|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(
    r"\]\(<?([^()\s<>]*(?:\([^()\s]*\)[^()\s]*)*)>?(?: \"[^\"]*\")?\)|(?:src|href)=\"([^\"]*)\""
)
ADDRESS = re.compile(r"\bhttps?://[^\s<>()\[\]\"'`]*[^\s<>()\[\]\"'`.,;:!?]")
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
LOCAL = ("localhost", "127.0.0.1")  # of programs that run here
# Speaks only http; a checksum guards the files.
WITHOUT_HTTPS = ("fashion-mnist.s3-website.eu-central-1.amazonaws.com",)


@cache
def text_of(path):
    """The text of a page, or of the text cells of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n\n".join(cell.source for cell in counts.text_cells(form.parse(text)))


def links(text):
    """The targets of the links in Markdown, without those in code."""
    return [first or second for first, second in LINK.findall(CODE.sub("", text))]


def anchors(text):
    """The addresses of the headings of a page: lower case, words joined by hyphens."""
    headings = re.findall(r"^#+ +(.+?) *#*$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(path, target):
    """What is wrong with the link from the file at `path` to `target`, or None."""
    where = urlsplit(target)
    if where.scheme:
        return None if ADDRESS.fullmatch(target) else "is not an address"
    file = path if not where.path else (path.parent / unquote(where.path)).resolve()
    if not file.exists():
        return "leads to no file"
    if not file.is_relative_to(ROOT):
        return "leads out of the course"
    if where.fragment and unquote(where.fragment) not in anchors(text_of(file)):
        return "leads to no heading"
    return None


def malformed(address):
    """What is wrong with an address, or None."""
    where = urlsplit(address)
    if where.hostname in LOCAL:
        return None
    if where.scheme != "https" and where.hostname not in WITHOUT_HTTPS:
        return "does not start with https"
    return None if HOST.fullmatch(where.hostname or "") and not where.username else "names no host"


def label(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS], ids=label)
def test_links_lead_somewhere(path):
    verdicts = {target: broken(path, target) for target in links(text_of(path))}
    problems = [f"{target} {wrong}" for target, wrong in verdicts.items() if wrong]
    assert not problems, f"{label(path)}: {'; '.join(problems)}"


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS, *MODULES], ids=label)
def test_addresses_are_https_and_well_formed(path):
    text = path.read_text(encoding="utf-8") if path.suffix == ".py" else text_of(path)
    verdicts = {address: malformed(address) for address in ADDRESS.findall(text)}
    problems = [f"{address} {wrong}" for address, wrong in verdicts.items() if wrong]
    assert not problems, f"{label(path)}: {'; '.join(problems)}"


def test_there_are_pages_notebooks_and_links():
    assert len(PAGES) >= 5
    assert len(NOTEBOOKS) >= 28
    assert sum(len(links(text_of(path))) for path in (*PAGES, *NOTEBOOKS)) > 150


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A page in a course of its own, next to another one with two headings."""
    monkeypatch.setattr("tests.notebooks.test_links.ROOT", tmp_path)
    other = "# Other page\n\n## What is `x`, and why?\n\n```sh\n# no heading\n```\n"
    (tmp_path / "other.md").write_text(other, encoding="utf-8")
    path = tmp_path / "page.md"
    path.write_text("# This page\n", encoding="utf-8")
    return path


LEADS = [
    "other.md",
    "other.md#other-page",
    "other.md#what-is-x-and-why",
    "#this-page",
    "https://example.org/a",
]


@pytest.mark.parametrize("target", LEADS)
def test_a_link_that_leads_somewhere(page, target):
    assert broken(page, target) is None


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        ("missing.md", "leads to no file"),
        ("other.md#no-heading", "leads to no heading"),
        ("#other-page", "leads to no heading"),
        ("..", "leads out of the course"),
        ("https://", "is not an address"),
        ("file:///data", "is not an address"),
    ],
)
def test_a_link_that_does_not(page, target, wrong):
    assert broken(page, target) == wrong


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("https://arxiv.org/abs/1708.07747", None),
        ("http://127.0.0.1:8888/lab", None),
        ("http://arxiv.org/abs/1708.07747", "does not start with https"),
        ("https://arxiv", "names no host"),
        ("https://ar_xiv.org", "names no host"),
        ("https://me@arxiv.org", "names no host"),
    ],
)
def test_an_address(address, wrong):
    assert malformed(address) == wrong


def test_links_in_code_are_none():
    text = '`[a](b)` [c](d.md) ![e](f.png)\n```\n[g](h)\n```\n<img src="i.png">'
    assert links(text) == ["d.md", "f.png", "i.png"]
