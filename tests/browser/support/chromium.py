"""A headless Chromium, or one sentence that says what is missing.

Playwright's driver is a Node, which does not run on every system either; the browser is looked for
before it is started.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Error, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
CACHES = ("$XDG_CACHE_HOME", "~/.cache", "~/Library/Caches", "$LOCALAPPDATA")
DOWNLOADS = (
    "chromium-*/chrome-*/chrome",
    "chromium-*/chrome-*/chrome.exe",
    "chromium-*/chrome-*/*.app/Contents/MacOS/*",
)
PACKAGES = {"libatomic.so.1": "libatomic1"}  # all others come with Debian's chromium
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Missing(Exception):
    """One sentence: what is missing, and how to get it."""


@contextlib.contextmanager
def for_tests():
    """As `running`, but what is missing is a named skip, or a failure where CI is "true"."""
    try:
        with running() as browser:
            yield browser
    except Missing as missing:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(str(missing))


@contextlib.contextmanager
def running():
    """Playwright's Browser. Raises Missing where there is none, or nothing that can start it."""
    path = find()
    check_driver()
    with sync_playwright() as playwright:
        browser = _launch(playwright, path)
        yield browser
        browser.close()


def find():
    """The path of a Chromium: $CHROMIUM, one on the PATH, or Playwright's own download."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), *downloads()]
    for path in candidates:
        if path and Path(path).exists():
            return path
    raise Missing("no Chromium: apt install chromium, or make browser")


def downloads():
    """Where `playwright install chromium` has put browsers, the newest first."""
    caches = [os.path.expanduser(os.path.expandvars(cache)) for cache in CACHES]
    folders = [Path(cache) / "ms-playwright" for cache in caches]
    if own := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        folders = [Path(own)]
    paths = [path for folder in folders for pattern in DOWNLOADS for path in folder.glob(pattern)]
    return sorted(paths, key=revision, reverse=True)


def revision(path):
    """The number of a download: .../chromium-1255/chrome-linux64/chrome is 1255."""
    return int(re.search(r"chromium-(\d+)", str(path))[1])


def check_driver():
    """Raise Missing unless Playwright's driver starts."""
    command = [sys.executable, "-m", "playwright", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        reason = missing_library(done.stderr) or last_line(done.stderr)
        raise Missing(f"Playwright's driver does not start: {reason or 'it gives no reason'}")


def _launch(playwright, path):
    try:
        return playwright.chromium.launch(executable_path=path, args=FLAGS)
    except Error as error:
        library = missing_library(error.message)
        if library is None:
            raise
        raise Missing(f"{path} does not start: {library}") from None


def missing_library(text):
    """Which shared library the loader did not find, and how to get it; None if it found all."""
    found = re.search(r"error while loading shared libraries: ([^\s:]+)", text)
    if found is None:
        return None
    name = found[1]
    return f"{name} is missing (apt install {PACKAGES.get(name, 'chromium')})"


def last_line(text):
    """The last line that is not blank; "" if there is none."""
    return text.strip().rpartition("\n")[2]
