"""notebooks/glossary.md: each term is in the lecture it names, and each lecture links to it."""

import re
from functools import cache

import pytest

from tools.notebooks import counts, form

GLOSSARY = form.ROOT / "notebooks" / "glossary.md"
ROW = re.compile(
    r"^\| (?P<term>.+) \| (?P<chinese>.+) \| (?P<meaning>.+)"
    r" \| \[(?P<number>\d\d)\]\((?P<file>.+)\) \|$",
    re.MULTILINE,
)
ROWS = [match.groupdict() for match in ROW.finditer(GLOSSARY.read_text(encoding="utf-8"))]
HAN = re.compile(r"[\u4e00-\u9fff]|dropout|softmax")


def plain(text):
    """Text in small letters without markup, so that $L_\\infty$ is found as L∞."""
    bare = re.sub(r"[$_{}\\*`\"]", "", text.lower())
    words = bare.replace("infty", "∞").replace("lambda", "λ").replace("-", " ")
    return re.sub(r"\s+", " ", words)


def forms(term):
    """The words under which a term may appear: those between commas, brackets and "and"."""
    return [plain(words) for words in re.split(r"[,()]| and ", term) if words.strip()]


def stands_in(words, text):
    """Does `text` hold `words`, as words, in the singular, the plural or the past?"""
    return re.search(rf"(?<!\w){re.escape(words.strip())}(?:s|es|d|ed)?(?!\w)", text) is not None


@cache
def plain_text(file):
    """The text of a lecture's text cells, plain."""
    nb = form.parse((GLOSSARY.parent / file).read_text(encoding="utf-8"))
    return plain("\n".join(cell.source for cell in counts.text_cells(nb)))


def test_every_line_of_a_table_is_a_row():
    text = GLOSSARY.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    tables = sum(line.startswith("| Term |") for line in lines)
    assert len(ROWS) == len(lines) - 2 * tables > 100


def test_no_term_stands_twice():
    terms = [plain(row["term"]) for row in ROWS]
    assert sorted(terms) == sorted(set(terms))


@pytest.mark.parametrize("row", ROWS, ids=[plain(row["term"]).replace(" ", "_") for row in ROWS])
def test_term(row):
    assert row["file"].startswith(f"{row['number']}_")
    assert HAN.search(row["chinese"].lower()), f"{row['term']} has no Chinese name"
    assert row["meaning"].endswith(".")
    text = plain_text(row["file"])
    names = forms(row["term"])
    assert any(stands_in(name, text) for name in names), f"{row['file']}: no {' or '.join(names)}"


@pytest.mark.parametrize("path", form.lectures(), ids=lambda path: path.stem)
def test_every_lecture_links_to_the_glossary(path):
    assert "](glossary.md)" in path.read_text(encoding="utf-8")


def test_a_term_is_found_as_words_only():
    assert stands_in("weight", "the weights shrink")
    assert stands_in("memorize", "all were memorized")
    assert not stands_in("lam", "with lambda")
    assert not stands_in("norm", "a normal start")
