"""The site in a browser: it loads nothing from elsewhere, fits a phone, and reads well by ear."""

import functools
import http.server
import os
import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.project.support.site import SOURCES
from tools.notebooks import form

PAGES = ["index.html", "teachers.html", "helpers.html", "_modules/helpers/noise.html"]
PAGES += [path.relative_to(form.ROOT).with_suffix(".html").as_posix() for path in SOURCES]
LECTURE = "notebooks/02_l2_penalty.html"
GLOSSARY = "notebooks/glossary.html"
CAPSTONE = "notebooks/09_capstone.html"
READ = ["index.html", "helpers.html", GLOSSARY, LECTURE, "search.html"]
READ += [CAPSTONE] if os.environ.get("COURSE_DEEP") == "1" else []  # another page of the same kind
COLOURS = ["color-contrast", "link-in-text-block"]
TOO_WIDE = "document.documentElement.scrollWidth - innerWidth"
UNSET = """[...document.querySelectorAll('.math')].filter(
    e => !e.querySelector('mjx-container, mjx-assistive-mml')).length"""
BROKEN = "[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"
# Text outside of code that still has a dollar.
UNREAD = """() => {
    const article = document.querySelector('article').cloneNode(true);
    article.querySelectorAll('pre, code, mjx-container').forEach(element => element.remove());
    return article.textContent.match(/.{0,40}\\$.{0,40}/g) ?? [];
}"""


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def address(browser, request):  # noqa: ARG001 without a browser no site is built
    """Where the site is served."""
    handler = functools.partial(Silent, directory=request.getfixturevalue("built_site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def reader(browser):
    """One profile for all pages, so that what they share is loaded once."""
    context = browser.new_context(reduced_motion="reduce")  # colors change at once
    yield context
    context.close()


@pytest.fixture
def visit(reader, address):
    """visit(name, width) opens a page in the light; in the end nothing may have gone wrong."""
    pages = []
    wrong = []

    def open_page(name, width=1280):
        page = reader.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 900})
        page.add_init_script("localStorage.mode = localStorage.theme = 'light'")
        watch(page, address, wrong)
        page.goto(f"{address}/{name}")
        page.wait_for_function(f"{UNSET} === 0")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert wrong == []


def watch(page, address, wrong):
    """Append to `wrong` each request to another host or without an answer, and each exception."""

    def requested(request):
        if not request.url.startswith((address, "data:")):
            wrong.append(request.url)

    def failed(request):
        if not given_up(request):
            wrong.append(request.url)

    def answered(response):
        if response.status >= 400:
            wrong.append(f"{response.status} {response.url}")

    page.on("request", requested)
    page.on("requestfailed", failed)
    page.on("response", answered)
    page.on("pageerror", lambda error: wrong.append(str(error)))


def given_up(request):
    """Whether the browser stopped loading because the reader went on to another page."""
    return request.failure == "net::ERR_ABORTED"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone_and_sets_its_formulas(visit, name):
    page = visit(name, width=360)
    assert page.locator("mjx-merror").count() == 0
    assert page.evaluate(UNREAD) == []
    assert page.evaluate(TOO_WIDE) <= 0
    assert page.evaluate(BROKEN) == []


def test_a_lecture_has_formulas_of_both_kinds(visit):
    page = visit(LECTURE)
    assert page.locator("div.math mjx-container[display=true]").count() > 3
    assert page.locator("span.math mjx-container").count() > 50


@pytest.mark.parametrize("name", READ)
def test_no_serious_fault_for_readers_who_see_or_hear_otherwise(visit, name):
    """In the light all rules; in the dark those of colours, which alone can then be broken."""
    page = visit(name)
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert faults(page) == []
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert faults(page, runOnly=COLOURS) == []


def faults(page, **options):
    """What axe calls serious or critical."""
    # preload: axe would look for the theme's style sheets in the wrong folder
    found = Axe().run(page, options={"preload": False, **options}).response["violations"]
    return [in_words(fault) for fault in found if grave(fault)]


def in_words(fault):
    return f"{fault['id']}: {fault['nodes'][0]['html'][:200]}"


def grave(fault):
    return fault["impact"] in ("serious", "critical")


def test_search_finds_a_term(visit):
    page = visit("search.html?q=overfitting")
    expect(page.locator("#search-results li a").first).to_be_visible()
    assert (
        page.locator("#search-results a", has_text="Find out why a perfect fit fails").count() >= 1
    )
    assert visit("search.html?q=zzyzx").locator("#search-results li").count() == 0


def test_the_search_button_opens_the_field(visit):
    page = visit("index.html")
    page.locator(
        "button.search-button-field:visible, button.search-button__button:visible"
    ).first.click()
    page.locator("input[type=search]:visible").fill("dropout")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=dropout*")
    expect(page.locator("#search-results li a").first).to_be_visible()


def test_the_button_for_the_dark_changes_the_colours(visit):
    page = visit("index.html")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Color mode").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.wait_for_function(f"{background} !== '{light}'")


def test_previous_and_next_follow_the_order(visit):
    page = visit("notebooks/00_overfitting.html")
    for path in form.lectures()[1:]:
        page.locator("a.right-next").click()
        page.wait_for_url(f"**/{path.stem}.html")
    page.locator("a.left-prev").click()
    page.wait_for_url("**/08_augmentation.html")
