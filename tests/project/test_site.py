"""The site: what becomes a page, where its links lead, that figures have alternative text."""

import ast
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from docutils.core import publish_doctree

from tests.project.support.site import RELEASES, REPOSITORY, SOURCES, build
from tools.notebooks import form
from tools.site import reading, reference, repository


class Page(HTMLParser):
    """What a page names: its links with their text, its anchors, its images."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.links = []
        self.loaded = []
        self.anchors = {"", "top"}
        self.alts = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors.add(attrs.get("id"))
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        if tag in ("script", "img", "iframe") and attrs.get("src"):
            self.loaded.append(attrs["src"])
        if tag == "link" and attrs.get("rel") in ("stylesheet", "preload", "icon"):
            self.loaded.append(attrs["href"])
        if tag == "img":
            self.alts.append(attrs.get("alt", ""))


@pytest.fixture(scope="module")
def pages(built_site):
    """path within the site -> Page"""
    folder = built_site
    html = [*folder.glob("*.html")]  # and not _static, which holds a template of the theme
    for part in ("notebooks", "_modules"):
        html += (folder / part).rglob("*.html")
    return {path.relative_to(folder).as_posix(): Page(path) for path in html}


def test_every_notebook_for_learners_is_a_page_and_no_other(pages):
    expected = {path.relative_to(form.ROOT).with_suffix(".html").as_posix() for path in SOURCES}
    assert len(expected) > 20
    assert {name for name in pages if name.startswith("notebooks/")} == expected


def test_no_solution_is_in_the_site(pages):
    folder = pages["index.html"].path.parent
    texts = [
        path
        for path in folder.rglob("*")
        if path.suffix in (".html", ".ipynb", ".txt", ".js", ".md")
    ]
    assert len(texts) > 40
    marked = [path for path in texts if "BEGIN SOLUTION" in path.read_text(encoding="utf-8")]
    assert marked == []


def dead(page, pages):
    """The links and files of a page that lead nowhere within the site."""
    folder = pages["index.html"].path.parent
    for link in [*page.links, *page.loaded]:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
        aim = None
        if target.is_relative_to(folder):
            aim = pages.get(target.relative_to(folder.resolve()).as_posix())
        if not target.is_file() or (aim and unquote(parts.fragment) not in aim.anchors):
            yield link


def test_no_link_is_dead(pages):
    assert sum(len(page.links) for page in pages.values()) > 500
    found = {name: list(dead(page, pages)) for name, page in pages.items()}
    assert {name: links for name, links in found.items() if links} == {}


def test_nothing_is_left_beside_the_site(pages):
    folder = pages["index.html"].path.parent
    assert list(folder.parent.iterdir()) == [folder]


def test_nothing_is_loaded_from_elsewhere(pages):
    loaded = [
        address
        for page in pages.values()
        for address in page.loaded
        if not address.startswith("data:")
    ]
    assert len(loaded) > 100
    assert [address for address in loaded if urlsplit(address).netloc] == []


def test_every_figure_has_alternative_text(pages):
    for path in form.lectures():
        page = pages[f"notebooks/{path.stem}.html"]
        assert len(page.alts) >= 4
        assert all(alt.strip() not in ("", "image") and ".png" not in alt for alt in page.alts), (
            page.path
        )


def test_launch_buttons_open_the_same_notebook(pages):
    for source in [*form.lectures(), *RELEASES]:
        name = source.relative_to(form.ROOT).as_posix()
        links = pages[name.replace(".ipynb", ".html")].links
        assert f"https://mybinder.org/v2/gh/someone/course/main?urlpath=lab/tree/{name}" in links
        assert f"https://colab.research.google.com/github/someone/course/blob/main/{name}" in links


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"COURSE_REPOSITORY": "git@github.com:a/b.git"}, "https://github.com/a/b"),
        ({"COURSE_REPOSITORY": "https://gitlab.com/a/b/"}, "https://gitlab.com/a/b"),
        ({"COURSE_REPOSITORY": "ssh://git@example.org:22/a/b.git"}, "https://example.org/a/b"),
        ({"GITHUB_REPOSITORY": "a/b"}, "https://github.com/a/b"),
        (
            {"GITHUB_REPOSITORY": "a/b", "GITHUB_SERVER_URL": "https://example.org"},
            "https://example.org/a/b",
        ),
        (
            {"COURSE_REPOSITORY": "https://github.com/a/b", "GITHUB_REPOSITORY": "c/d"},
            "https://github.com/a/b",
        ),
    ],
)
def test_the_address_of_the_repository(environment, address):
    assert repository.address(environment) == address


@pytest.mark.parametrize("remote", ["", "/srv/course.git", "../course", "https://example.org/a/b"])
def test_without_a_known_host_there_are_no_launch_buttons(monkeypatch, remote):
    monkeypatch.setattr(repository, "origin", lambda: remote)
    assert repository.theme_options({}) == {}


def test_a_formula_over_two_lines_is_read_as_in_jupyterlab():
    assert reading.as_jupyterlab("So $$a\n+ b$$\n+ c") == "So $$a + b$$\n+ c"


@pytest.mark.parametrize("between", ["", "\n\n"])
def test_what_is_folded_is_markdown(between):
    text = f"<summary>Why</summary>{between}$x${between}</details>"
    assert reading.as_jupyterlab(text) == "<summary>Why</summary>\n\n$x$\n\n</details>"


def test_a_folder_without_git_has_no_origin(tmp_path):
    assert repository.origin(tmp_path) == ""


def test_branch_and_jupyterhub_can_be_named():
    named = {
        "COURSE_REPOSITORY": REPOSITORY,
        "COURSE_BRANCH": "spring",
        "COURSE_JUPYTERHUB": "https://hub.example.org/",
    }
    options = repository.theme_options(named)
    assert options["repository_branch"] == "spring"
    assert options["launch_buttons"]["jupyterhub_url"] == "https://hub.example.org"


def test_a_folder_with_other_files_is_not_deleted(tmp_path):
    (tmp_path / "letter.txt").touch()
    done = build(tmp_path)
    assert done.returncode == 1
    sentence = "must be empty or a site made before, got a folder with other files."
    assert done.stderr == f"{tmp_path} {sentence}\n"
    assert Path(tmp_path, "letter.txt").exists()


# ---- The page "The helpers" ----


def documented():
    """(module.name, docstring) of every public function and class, and the methods of those."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    for name in reference.modules():
        tree = ast.parse((form.ROOT / "helpers" / f"{name}.py").read_text(encoding="utf-8"))
        things = [(f"{name}.{node.name}", node) for node in tree.body if isinstance(node, kinds)]
        for owner, node in things:
            methods = node.body if isinstance(node, ast.ClassDef) else []
            things += [(f"{owner}.{one.name}", one) for one in methods if isinstance(one, kinds)]
        for path, node in things:
            docstring = ast.get_docstring(node)
            if docstring and "._" not in path:
                yield path, docstring


DOCUMENTED = dict(documented())


def test_every_public_name_has_its_place(pages):
    assert len(DOCUMENTED) > 150
    page = pages["helpers.html"]
    offered = {f"experiments.{name}" for name in reference.OFFERED["experiments"]}
    assert {f"helpers.{name}" for name in {*DOCUMENTED} | offered} <= page.anchors


def test_nothing_of_the_machinery_has_a_place(pages):
    shown = {anchor for anchor in pages["helpers.html"].anchors if anchor}
    assert [anchor for anchor in shown if "internal." in anchor or "._" in anchor] == []


def test_the_modules_are_in_the_order_of_the_map():
    files = {path.stem for path in (form.ROOT / "helpers").glob("[a-z]*.py")}
    assert {*reference.modules()} == files
    assert reference.modules()[:3] == ["core", "layers", "noise"]


def as_words(docstring):
    """The words that a reader of the page sees."""
    faults_raise = {"report_level": 2, "halt_level": 2}
    tree = publish_doctree(reference.as_rst(docstring), settings_overrides=faults_raise)
    return tree.astext().replace("′", "'").split()


def test_no_word_or_sign_of_a_docstring_is_lost():
    for name, docstring in DOCUMENTED.items():
        assert as_words(docstring) == docstring.replace("`", "").split(), name


@pytest.mark.parametrize(
    ("docstring", "rst"),
    [
        ("w * g_t, |x|", r"\ w \* g\_t, \|x\|"),
        ("m' of the layer's X'", "\\ m′ of the layer's X′"),
        ("the key `a_b`s", r"\ the key \ ``a_b``\ s"),
        ("one\ntwo\n\nthree", "\\ one\ntwo\n\n\\ three"),
        (">>> 2 * 3\n6", ">>> 2 * 3\n6"),
        ("a    one\n     more\nb c  two", "``a``\n    \\ one more\n``b c``\n    \\ two"),
        ("x:\n  1\n  2", "| \\ x:\n|   \\ 1\n|   \\ 2"),
    ],
)
def test_a_docstring_as_rst(docstring, rst):
    assert reference.as_rst(docstring) == f"{rst}\n"
