"""make's first step: it makes .venv once, and says in one sentence why it cannot."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import pytest

from tools import ROOT, setup

FILES = ("__init__.py", "home.py", "setup.py")

SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

# Whatever pip wants to fetch, it asks a port where nobody listens.
OFFLINE = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:9",
    "PIP_RETRIES": "1",
    "PIP_FIND_LINKS": "",
}

# A project that is installed without a network: it builds itself and depends on what its extra
# names.
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
        tags = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("tiny-1.dist-info/WHEEL", tags)
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    return "tiny-1-py3-none-any.whl"
'''


def project(folder):
    """A small course in `folder`, with the true tools.setup."""
    (folder / "tools").mkdir(parents=True)
    for name in FILES:
        shutil.copy(ROOT / "tools" / name, folder / "tools")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "backend.py").write_text(BACKEND)
    (folder / "constraints.txt").write_text("")
    return folder


def command(*extras):
    return [sys.executable, "-m", "tools.setup", *extras]


def environment():
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return {**kept, **OFFLINE}


def call(folder, *extras):
    done = subprocess.run(
        command(*extras),
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
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
    """A finished set-up, in a folder whose name has a space and other letters."""
    folder = project(tmp_path_factory.mktemp("setup") / "my cöurse")
    assert call(folder, "test").returncode == 0
    return folder


def test_an_old_python_can_read_the_file_and_is_told_which_one_is_needed():
    for name in FILES:
        ast.parse((ROOT / "tools" / name).read_text(encoding="utf-8"), feature_version=(3, 6))
    with pytest.raises(
        setup.Refused, match=r"Python 3\.11 or newer is needed, and /old/python3 is Python 3\.9\.2:"
    ):
        setup.check_python((3, 9, 2, "final", 0), "/old/python3")
    setup.check_python((3, 11, 0, "final", 0))


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv(module):
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


def test_extras_are_added_and_stay(ready):
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


def test_another_python_or_another_folder_needs_another_venv(ready, monkeypatch, tmp_path):
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
        command("test"), cwd=ready, env=environment(), start_new_session=True, **SILENT
    ) as running:
        deadline = time.monotonic() + 60
        while not (ready / "waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGKILL)
    (ready / "wait").unlink()

    assert call(ready, "test").stdout.startswith("Setting up .venv")
    assert not (ready / ".venv" / "half").exists()
    assert call(ready, "test").stdout == ""


def test_no_network(ready, monkeypatch):
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


def test_what_pip_says_is_quoted(ready):
    (ready / "broken").touch()
    with pytest.raises(
        setup.Refused,
        match=r'^Installing failed: pip said "RuntimeError: this project cannot be built"',
    ):
        setup.install(ready, ["test"])
    (ready / "broken").unlink()


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, capsys):
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


# --- uv, with pip's settings and pip's result ---

LISTED = """:env:.find-links='{here} /no/such/folder'
:env:.timeout='5'
global.cert='/etc/certificates.crt'
global.extra-index-url='https://one.test/simple file:///no/such/folder/simple'
global.index-url='https://mirror.test/simple'
install.constraint='limits.txt'
global.disable-pip-version-check='1'
"""


def test_the_settings_of_pip_in_the_words_of_uv(tmp_path):
    """A place of packages that is a missing folder is passed over, as pip does."""
    assert setup.translated(LISTED.format(here=tmp_path)) == {
        "UV_FIND_LINKS": str(tmp_path),
        "UV_HTTP_TIMEOUT": "5",
        "SSL_CERT_FILE": "/etc/certificates.crt",
        "UV_INDEX": "https://one.test/simple",
        "UV_DEFAULT_INDEX": "https://mirror.test/simple",
        "UV_CONSTRAINT": "limits.txt",
    }


def test_what_the_environment_says_of_uv_wins(ready, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.test/simple")
    assert setup.uv_settings(ready)["UV_DEFAULT_INDEX"] == "https://mirror.test/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://other.test/simple")
    assert "UV_DEFAULT_INDEX" not in setup.uv_settings(ready)


def wheel(folder, name, version, *requires):
    """A wheel of a package that holds nothing."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    files = {
        "METADATA": metadata,
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for file, content in files.items():
            archive.writestr(f"{info}/{file}", content)


def packages(root):
    """{name: version} of what .venv holds, without the two installers."""
    listed = subprocess.run(
        [*setup.pip(root), "list", "--format", "json"], capture_output=True, text=True, check=True
    )
    found = {package["name"]: package["version"] for package in json.loads(listed.stdout)}
    return {name: version for name, version in found.items() if name not in ("pip", "uv")}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """The address of an index of some packages in several versions."""
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "1.1", "2.0"):
        wheel(folder, "base", version)
        wheel(folder, "middle", version, "base<2", 'absent; python_version < "3"')
    wheel(folder, "extra", "3.0", "middle>=1.1")
    for name in ("base", "middle", "extra"):
        page = folder / "simple" / name / "index.html"
        page.parent.mkdir(parents=True)
        files = [path.name for path in folder.glob(f"{name}-*.whl")]
        links = "".join(f'<a href="../../{file}">{file}</a>' for file in files)
        page.write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")
    return f"file://{folder}/simple"


def small_course(folder, uv):
    """A course whose extra needs the packages above, its .venv made, with a program uv in it."""
    project(folder)
    # uv reads what stands in pyproject.toml, pip asks the backend.
    needs = BACKEND.replace("no-such-package; extra == 'wrong'", "extra; extra == 'test'")
    (folder / "backend.py").write_text(needs)
    (folder / "pyproject.toml").write_text(PROJECT.replace("test = []", 'test = ["extra"]'))
    (folder / "constraints.txt").write_text("middle==1.1\n")
    setup.create(folder)
    if uv is not None:
        shutil.copy(uv, setup.venv_program(folder, "uv"))
    return folder


def test_uv_and_pip_install_the_same(tmp_path, wheels, monkeypatch):
    """Of three versions the constraints choose one, which in turn limits another package."""
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PIP_INDEX_URL", wheels)
    uv = small_course(tmp_path / "by uv", setup.venv_program(ROOT, "uv"))
    pip = small_course(tmp_path / "by pip", None)
    with open(tmp_path / "log", "w") as log:
        assert setup.install_with_uv(uv, ["test"], log), (tmp_path / "log").read_text()
        assert setup.install_with_pip(pip, ["test"], log), (tmp_path / "log").read_text()
    assert packages(uv) == packages(pip)
    assert packages(uv).items() >= {"base": "1.1", "middle": "1.1", "extra": "3.0"}.items()


@pytest.mark.skipif(os.name == "nt", reason="a script is no program there")
def test_where_uv_fails_pip_does_it(tmp_path, monkeypatch):
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    broken = tmp_path / "uv"
    broken.write_text("#!/bin/sh\necho no uv for this machine\nexit 1\n")
    broken.chmod(0o755)
    folder = project(tmp_path / "course")
    setup.create(folder)
    shutil.copy(broken, setup.venv_program(folder, "uv"))
    setup.install(folder, ["test"])
    assert packages(folder)["tiny"] == "1"
    assert "no uv for this machine" in (folder / ".venv" / "install.log").read_text()


@pytest.mark.skipif(os.environ.get("COURSE_DEEP") != "1", reason="make test-deep installs it twice")
def test_uv_and_pip_install_the_same_course(tmp_path):
    found = []
    for install in (setup.install_with_uv, setup.install_with_pip):
        folder = tmp_path / install.__name__
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".venv", ".git", "build"))
        setup.create(folder)
        with open(folder / "log", "w") as log:
            assert install(folder, ["lab"], log), (folder / "log").read_text()
        found.append(packages(folder))
    assert found[0] == found[1]
