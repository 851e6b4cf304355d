"""A browser and a JupyterLab for the tests of this folder."""

import os
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.support.lab import FLAGS, Notebook, Server, find_browser

SCREENSHOTS = Path(__file__).with_name("screenshots")


# Of the package, not of the session: while Playwright runs, no other test can start an event loop.
@pytest.fixture(scope="package")
def browser():
    with sync_playwright() as playwright:
        path = find_browser(playwright)
        if path is None:
            refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            refuse("no Chromium: set CHROMIUM to its path, or run `playwright install chromium`")
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def context(browser):
    """One empty profile, so that JupyterLab is loaded once."""
    return browser.new_context(viewport={"width": 1280, "height": 1000})


@pytest.fixture(scope="package")
def server(browser, tmp_path_factory):  # noqa: ARG001 without a browser no server is started
    with Server(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def open_notebook(context, server):
    """open_notebook(name) opens a notebook of the server's folder in a page of its own."""
    with ExitStack() as opened:
        yield lambda name, **options: opened.enter_context(
            Notebook(context.new_page(), server, name, **options)
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):  # noqa: ARG001 pytest names the arguments
    """Keep a picture of every page that is open where a test fails."""
    report = yield
    if report.failed and "context" in item.funcargs:
        for number, page in enumerate(item.funcargs["context"].pages, start=1):
            name = re.sub(r"\W+", "-", item.nodeid.rpartition("/")[2]).strip("-")
            page.screenshot(path=SCREENSHOTS / f"{name}-{number}.png")
    return report
