"""Every work that is cited stands once in notebooks/sources.md, with the same authors, year and title everywhere."""

import ast
import re
from functools import cache

import pytest

from tools.notebooks import counts, form

ROOT = form.ROOT
LECTURES = form.lectures()
SOURCES = sorted((ROOT / "notebooks" / "assignments" / "source").glob("*/*.ipynb"))
MODULES = sorted((ROOT / "helpers").rglob("*.py"))

NAME = r"(?:(?:De |Van |van )?[A-ZÄÖÜ](?:[\w’'-])+)"
AUTHORS = rf"{NAME}(?:, {NAME})*(?: and {NAME}| et al\.)?"
CITED = re.compile(rf"(?<![\w*])({AUTHORS})(,? \(|, | )((?:1[89]|20)\d\d)\b")
WORK = re.compile(
    rf"^\* (?P<authors>{AUTHORS}) \((?P<year>\d{{4}})\), \*(?P<title>.+?)\*, (?P<where>.+)\.$"
)

LINES = (ROOT / "notebooks" / "sources.md").read_text(encoding="utf-8").splitlines()
WORKS = [match.groupdict() for line in LINES if (match := WORK.match(line))]


@cache
def text_of(path):
    """The text cells of a notebook as one text."""
    return "\n\n".join(
        cell.source for cell in counts.text_cells(form.parse(path.read_text(encoding="utf-8")))
    )


@cache
def docstrings(path):
    """The docstrings of a module as one text."""
    nodes = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if hasattr(node, "body")
    ]
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return "\n\n".join(ast.get_docstring(node) or "" for node in nodes if isinstance(node, owners))


@cache
def cited(text):
    """Pairs (authors, year) of the works that `text` names; "In March 2017" is none."""
    found = CITED.findall(re.sub(r"\s+", " ", text))
    return [
        (who, year) for who, mark, year in found if mark != " " or re.search(r" and | et al\.", who)
    ]


def works(authors, year):
    """The works that a citation may mean: all authors, or the first of three or more and "et al."."""
    first = authors.removesuffix(" et al.")
    short = authors.endswith(" et al.")
    return [
        work
        for work in WORKS
        if work["year"] == year
        and (
            work["authors"] == authors
            or (short and re.match(rf"{re.escape(first)}(,| et al)", work["authors"]))
        )
    ]


def parts(path):
    """The text of a lecture, and the bullets of its section Sources."""
    body, _, end = text_of(path).partition("\n## Sources")
    return body, [
        re.sub(r"\s+", " ", bullet) for bullet in re.split(r"^\* ", end, flags=re.MULTILINE)[1:]
    ]


def test_every_bullet_of_the_list_is_a_work():
    bullets = [line for line in LINES if line.startswith("* ")]
    assert len(WORKS) == len(bullets) > 50, [line for line in bullets if not WORK.match(line)]


def test_the_list_is_in_order_and_names_no_work_twice():
    names = [(work["authors"].lower(), work["year"]) for work in WORKS]
    assert names == sorted(set(names))


@pytest.mark.parametrize("path", [*LECTURES, *SOURCES, *MODULES], ids=lambda path: path.stem)
def test_every_citation_is_one_work_of_the_list(path):
    text = docstrings(path) if path.suffix == ".py" else text_of(path)
    unknown = [
        f"{authors} ({year})" for authors, year in cited(text) if len(works(authors, year)) != 1
    ]
    assert not unknown, f"notebooks/sources.md names not exactly one work: {'; '.join(unknown)}"


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_what_a_lecture_cites_stands_in_its_sources(path):
    body, bullets = parts(path)
    listed = [work for bullet in bullets for pair in cited(bullet) for work in works(*pair)]
    missing = [pair for pair in cited(body) for work in works(*pair) if work not in listed]
    assert not missing, f"{form.shown(path)} cites without a source: {missing}"


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_sources_say_authors_title_and_why(path):
    _, bullets = parts(path)
    assert len(bullets) >= 4
    for bullet in bullets:
        assert re.search(r": .+\.", bullet), f"the source says not why to read it: {bullet}"
        for authors, year in cited(bullet):
            (work,) = works(authors, year)
            said = re.search(rf"{re.escape(authors)} \({year}\), \*([^*]+)\*", bullet)
            assert said, f"no title after {authors} ({year})"
            assert work["title"].startswith(said[1]), f"{said[1]!r} is not {work['title']!r}"


@pytest.mark.parametrize(
    "work", WORKS, ids=lambda work: f"{work['authors'].split(',')[0]} {work['year']}"
)
def test_every_work_of_the_list_is_cited(work):
    texts = [text_of(path) for path in (*LECTURES, *SOURCES)] + [
        docstrings(path) for path in MODULES
    ]
    assert any(work in works(*pair) for text in texts for pair in cited(text))


CITATIONS = [
    ("left is the variance (Bishop, 1995):", [("Bishop", "1995")]),
    ("(MC dropout, Gal and Ghahramani, 2016)", [("Gal and Ghahramani", "2016")]),
    ("Kim et al. (2007), section III", [("Kim et al.", "2007")]),
    ("Hastie,\nTibshirani and Friedman (2009), The", [("Hastie, Tibshirani and Friedman", "2009")]),
    ("Until March 2017 it was so (Keras issue 12511, 2019).", []),
]


@pytest.mark.parametrize(("text", "pairs"), CITATIONS)
def test_citations_are_found(text, pairs):
    assert cited(text) == pairs
