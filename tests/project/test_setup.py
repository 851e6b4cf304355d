"""make's first step: it makes .venv once, and says in one sentence why it cannot."""

import ast
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tools import ROOT

SOURCE = ROOT / "tools" / "setup.py"

SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

# Whatever pip wants to fetch, it asks a port where nobody listens.
OFFLINE = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:9",
    "PIP_RETRIES": "1",
    "PIP_FIND_LINKS": "",
}

# A project that pip installs without a network: it builds itself and depends on what its [test] extra names.
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "tiny"
version = "1"

[project.optional-dependencies]
test = []
parity = []
wrong = ["no-such-package"]
"""
BACKEND = '''
import time, zipfile
from pathlib import Path

METADATA = """Metadata-Version: 2.1
Name: tiny
Version: 1
Provides-Extra: test
Provides-Extra: parity
Provides-Extra: wrong
Requires-Dist: no-such-package; extra == 'wrong'
"""

def build_editable(folder, config_settings=None, metadata_directory=None):
    if Path("broken").exists():
        raise RuntimeError("this project cannot be built")
    while Path("wait").exists():
        Path("waiting").touch()
        time.sleep(0.05)
    with zipfile.ZipFile(Path(folder) / "tiny-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny-1.dist-info/METADATA", METADATA)
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    return "tiny-1-py3-none-any.whl"
'''


@pytest.fixture(scope="module")
def setup():
    spec = importlib.util.spec_from_file_location("course_setup", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def project(folder):
    """A small course in `folder`, with the true tools/setup.py."""
    (folder / "tools").mkdir(parents=True)
    shutil.copy(SOURCE, folder / "tools")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "backend.py").write_text(BACKEND)
    (folder / "constraints.txt").write_text("")
    return folder


def command(folder, *extras):
    return [sys.executable, folder / "tools" / "setup.py", *extras]


def environment():
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PIP_")},
        **OFFLINE,
    }


def call(folder, *extras):
    done = subprocess.run(
        command(folder, *extras), capture_output=True, text=True, env=environment(), check=False
    )
    assert "Traceback" not in done.stderr
    return done


def refused(done):
    """The one sentence of a call that failed."""
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    return sentence


def state(folder):
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A finished set-up in a folder whose name has a space and other letters; tests leave it as they found it."""
    folder = project(tmp_path_factory.mktemp("setup") / "my cöurse")
    assert call(folder, "test").returncode == 0
    return folder


def test_an_old_python_can_read_the_file_and_is_told_which_one_is_needed(setup):
    ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 6))
    with pytest.raises(
        setup.Refused, match=r"Python 3\.11 or newer is needed, and /old/python3 is Python 3\.9\.2:"
    ):
        setup.check_python((3, 9, 2, "final", 0), "/old/python3")
    setup.check_python((3, 11, 0, "final", 0))


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv(setup, module):
    with pytest.raises(
        setup.Refused, match=f"without its module {module}: install it .*python3-venv"
    ):
        setup.check_venv(lambda name: None if name == module else name)
    setup.check_venv()


def test_the_second_call_is_quick_and_touches_nothing(ready):
    before = state(ready)
    start = time.perf_counter()
    done = call(ready, "test")
    assert time.perf_counter() - start < 2
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert state(ready) == before


def test_extras_are_added_and_stay(ready, setup):
    assert call(ready, "test", "parity").stdout.startswith("Setting up .venv")
    assert call(ready, "test").stdout == ""
    assert setup.read_stamp(ready)["extras"] == ["parity", "test"]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_file_installs_again_into_the_same_place(ready, name):
    marker = ready / ".venv" / "kept"
    marker.touch()
    with open(ready / name, "a") as file:
        file.write("\n# changed\n")
    assert call(ready, "test").stdout.startswith("Setting up .venv")
    assert call(ready, "test").stdout == ""
    assert marker.exists()


def test_another_python_or_another_folder_needs_another_venv(ready, setup, monkeypatch, tmp_path):
    assert setup.read_stamp(ready)
    moved = shutil.copytree(ready, tmp_path / "moved", symlinks=True)
    assert setup.read_stamp(moved) == {}
    monkeypatch.setattr(sys, "base_prefix", "/another/python")
    assert setup.read_stamp(ready) == {}


@pytest.mark.skipif(os.name == "nt", reason="there is no signal to a group of processes")
def test_an_interrupted_install_starts_over(ready):
    (ready / "wait").touch()
    (ready / ".venv" / "half").touch()
    (ready / "pyproject.toml").write_text(PROJECT + "# another")
    with subprocess.Popen(
        command(ready, "test"), env=environment(), start_new_session=True, **SILENT
    ) as running:
        deadline = time.monotonic() + 60
        while not (ready / "waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGKILL)
    (ready / "wait").unlink()

    assert call(ready, "test").stdout.startswith("Setting up .venv")
    assert not (ready / ".venv" / "half").exists()
    assert call(ready, "test").stdout == ""


def test_no_network(setup, ready, monkeypatch):
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(setup.Refused) as refusal:
        setup.install(ready, ["test", "wrong"])
    sentence = str(refusal.value)
    assert sentence.startswith(
        "The packages could not be fetched, perhaps for want of a network: pip said "
    )
    assert "No matching distribution found for no-such-package" in sentence
    assert "connection" in (ready / ".venv" / "install.log").read_text().lower()


def test_what_pip_says_is_quoted(setup, ready):
    (ready / "broken").touch()
    with pytest.raises(
        setup.Refused,
        match=r'^Installing failed: pip said "RuntimeError: this project cannot be built"',
    ):
        setup.install(ready, ["test"])
    (ready / "broken").unlink()


def test_a_folder_that_cannot_be_written(setup, tmp_path, monkeypatch, capsys):
    folder = project(tmp_path / "course")

    def forbid(path, *_args, **_kwargs):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(setup, "ROOT", folder)
    monkeypatch.setattr(os, "makedirs", forbid)
    monkeypatch.setattr(os, "mkdir", forbid)
    assert setup.main(["test"]) == 1
    assert (
        capsys.readouterr().err == f"The folder {folder} cannot be written (Permission denied).\n"
    )


def test_a_file_in_the_place_of_venv(tmp_path):
    folder = project(tmp_path / "course")
    (folder / ".venv").touch()
    assert refused(call(folder, "test")).startswith(f"The folder {folder} cannot be written (")
