"""Every cited work stands once in notebooks/sources.md, with its authors, year and title."""

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
WORKS = [match.groupdict() for match in map(WORK.match, LINES) if match]


@cache
def text_of(path):
    """The text cells of a notebook as one text."""
    nb = form.parse(path.read_text(encoding="utf-8"))
    return "\n\n".join(cell.source for cell in counts.text_cells(nb))


@cache
def docstrings(path):
    """The docstrings of a module as one text."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return "\n\n".join(ast.get_docstring(node) or "" for node in nodes if isinstance(node, owners))


@cache
def cited(text):
    """Pairs (authors, year) of the works that `text` names; "In March 2017" does not count."""
    candidates = CITED.findall(re.sub(r"\s+", " ", text))
    return [
        (authors, year)
        for authors, mark, year in candidates
        if mark != " " or re.search(r" and | et al\.", authors)
    ]


def works(authors, year):
    """The works that a citation may mean: all authors, or the first of several and "et al."."""
    of_year = [work for work in WORKS if work["year"] == year]
    return [work for work in of_year if means(authors, work["authors"])]


def means(cited_as, authors):
    """Does a citation name these authors, in full or as "First et al."?"""
    if cited_as.endswith(" et al."):
        first = re.escape(cited_as.removesuffix(" et al."))
        return re.match(rf"{first}(,| et al)", authors) is not None
    return cited_as == authors


def body_and_sources(path):
    """The text of a lecture, and the bullets of its section Sources."""
    body, _, end = text_of(path).partition("\n## Sources")
    bullets = re.split(r"^\* ", end, flags=re.MULTILINE)[1:]
    return body, [re.sub(r"\s+", " ", bullet) for bullet in bullets]


def test_every_bullet_of_the_list_is_a_work():
    bullets = [line for line in LINES if line.startswith("* ")]
    assert len(WORKS) == len(bullets) > 50, [line for line in bullets if not WORK.match(line)]


def test_the_list_is_in_order_and_names_no_work_twice():
    names = [(work["authors"].lower(), work["year"]) for work in WORKS]
    assert names == sorted(set(names))


@pytest.mark.parametrize("path", [*LECTURES, *SOURCES, *MODULES], ids=lambda path: path.stem)
def test_every_citation_is_one_work_of_the_list(path):
    text = docstrings(path) if path.suffix == ".py" else text_of(path)
    pairs = [pair for pair in cited(text) if len(works(*pair)) != 1]
    unknown = "; ".join(f"{authors} ({year})" for authors, year in pairs)
    assert not unknown, f"notebooks/sources.md must hold exactly one work for: {unknown}"


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_what_a_lecture_cites_stands_in_its_sources(path):
    body, bullets = body_and_sources(path)
    listed = [work for bullet in bullets for pair in cited(bullet) for work in works(*pair)]
    missing = [pair for pair in cited(body) for work in works(*pair) if work not in listed]
    assert not missing, f"{form.shown(path)} cites without a source: {missing}"


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_sources_say_authors_title_and_why(path):
    _, bullets = body_and_sources(path)
    assert len(bullets) >= 4
    for bullet in bullets:
        assert re.search(r": .+\.", bullet), f"the source does not say why to read it: {bullet}"
        for authors, year in cited(bullet):
            (work,) = works(authors, year)
            title = re.search(rf"{re.escape(authors)} \({year}\), \*([^*]+)\*", bullet)
            assert title, f"no title after {authors} ({year})"
            assert work["title"].startswith(title[1]), f"{title[1]!r} is not {work['title']!r}"


@pytest.mark.parametrize(
    "work", WORKS, ids=lambda work: f"{work['authors'].split(',')[0]} {work['year']}"
)
def test_every_work_of_the_list_is_cited(work):
    texts = [*map(text_of, LECTURES), *map(text_of, SOURCES), *map(docstrings, MODULES)]
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
