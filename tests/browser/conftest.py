"""A browser and a JupyterLab for the tests of this folder."""

import re
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.support import chromium
from tests.browser.support.lab import Notebook, Server

SCREENSHOTS = Path(__file__).with_name("screenshots")


# Of the package, not of the session: while Playwright runs, no other test can start an event loop.
@pytest.fixture(scope="package")
def browser():
    with chromium.for_tests() as browser:
        yield browser


@pytest.fixture(scope="package")
def context(browser):
    """One empty profile, so that JupyterLab is fetched once."""
    return browser.new_context(viewport={"width": 1280, "height": 1000})


@pytest.fixture(scope="package")
def server(browser, tmp_path_factory):  # noqa: ARG001 without a browser no server is started
    with Server(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="package")
def open_notebook(request, context, server):
    """with open_notebook(name) as notebook: ... JupyterLab is loaded once, and after a failure."""
    page = context.new_page()
    tidy = False

    @contextmanager
    def opened(name, **options):
        nonlocal tidy
        if not tidy:
            page.goto("about:blank")
        tidy = False
        failures = request.session.testsfailed
        with Notebook(page, server, name, **options) as notebook:
            yield notebook
        tidy = request.session.testsfailed == failures

    return opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):  # noqa: ARG001 pytest names the arguments
    """Keep a picture of every page that is open where a test fails."""
    report = yield
    if report.failed and "context" in item.funcargs:
        for number, page in enumerate(item.funcargs["context"].pages, start=1):
            name = re.sub(r"\W+", "-", item.nodeid.rpartition("/")[2]).strip("-")
            page.screenshot(path=SCREENSHOTS / f"{name}-{number}.png")
    return report
