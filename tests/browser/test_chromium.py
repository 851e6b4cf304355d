"""What a machine without a browser, or without what the browser needs, is told; in CI it fails."""

import os

import pytest

from tests.browser.support import chromium

LOADER = "error while loading shared libraries: {}: cannot open shared object file"


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine with no browser. Returns a folder to put one into."""
    for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "LOCALAPPDATA", "PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("CHROMIUM", "PLAYWRIGHT_BROWSERS_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def program(path, script="exit 0"):
    """Write a program for sh."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_nothing_is_found_where_nothing_is(bare):  # noqa: ARG001
    with pytest.raises(chromium.Missing, match=r"^no Chromium: apt install chromium, or make "):
        chromium.find()


@pytest.mark.skipif(os.name == "nt", reason="looks for a name without .exe")
def test_the_variable_comes_first_then_the_path_then_a_download(bare, monkeypatch):
    download = program(bare / "ms-playwright" / "chromium-12" / "chrome-linux64" / "chrome")
    assert chromium.find() == download
    on_path = program(bare / "chromium-browser")
    assert chromium.find() == str(on_path)
    chosen = program(bare / "mine")
    monkeypatch.setenv("CHROMIUM", str(chosen))
    assert chromium.find() == str(chosen)


@pytest.mark.parametrize(
    "path",
    [
        "chrome-linux/chrome",
        "chrome-win64/chrome.exe",
        "chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing",
    ],
)
def test_the_newest_download_of_any_system_is_found(bare, monkeypatch, path):
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(bare / "downloads"))
    for number in (998, 1255, 1013):
        program(bare / "downloads" / f"chromium-{number}" / path)
    assert chromium.find() == bare / "downloads" / "chromium-1255" / path


@pytest.mark.skipif(os.name == "nt", reason="the driver is a script for sh")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            f'echo "node: {LOADER.format("libatomic.so.1")}" >&2; exit 127',
            r"libatomic\.so\.1 is missing \(apt install libatomic1\)",
        ),
        ("echo 'first\nIllegal instruction' >&2; exit 132", "Illegal instruction"),
        ("exit 1", "it gives no reason"),
    ],
)
def test_a_driver_that_does_not_start(monkeypatch, tmp_path, script, reason):
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(program(tmp_path / "node", script)))
    with pytest.raises(chromium.Missing, match=f"^Playwright's driver does not start: {reason}$"):
        chromium.check_driver()


def test_a_library_of_the_browser_comes_with_the_package():
    sentence = chromium.missing_library(f"[err] chrome: {LOADER.format('libnss3.so')}")
    assert sentence == "libnss3.so is missing (apt install chromium)"
    assert chromium.missing_library("no display") is None


@pytest.mark.skipif(os.name == "nt", reason="the driver is a script for sh")
@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_what_is_missing_is_a_skip_and_in_ci_a_failure(bare, monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    trace = bare / "trace"
    driver = program(bare / "node", f"> '{trace}'; exit 1")
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(driver))
    with pytest.raises(outcome, match=r"^no Chromium: "), chromium.for_tests():
        pass
    assert not trace.exists(), "the driver was started before there was a browser to drive"
    program(bare / "chromium")
    with pytest.raises(outcome, match=r"^Playwright's driver "), chromium.for_tests():
        pass
    assert trace.exists()
