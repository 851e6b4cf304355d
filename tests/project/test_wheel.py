"""The package works from a wheel too: all of helpers/, and data/ as helpers._data."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from tools import ROOT

SCRIPT = """
import helpers
from helpers.data import FOLDER, load_diabetes, load_digits

X, y, names = load_digits()
assert X.shape == (1797, 64)
assert y.shape == (1797,)
assert load_diabetes().X.shape == (442, 10)
print(helpers.__file__, FOLDER, sep="\\n")
"""


def run(*command, cwd, **variables):
    environment = os.environ | variables
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that nothing is written here, with the installed setuptools."""
    folder = tmp_path_factory.mktemp("wheel") / "source"
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("helpers", "data"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-CC-BY-4.0"):
        shutil.copy(ROOT / name, folder)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", cwd=folder)
    (built,) = (folder / "dist").glob("*.whl")
    return built


def test_every_module_and_style_and_data_set_is_in_the_wheel(wheel):
    """A new folder below helpers/ must be added to `packages` in pyproject.toml."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    folders = {"helpers": "helpers", "data": "helpers/_data"}
    wanted = {
        f"{inside}/{path.relative_to(ROOT / outside).as_posix()}"
        for outside, inside in folders.items()
        for path in (ROOT / outside).rglob("*")
        if path.suffix in {".py", ".mplstyle", ".csv", ".gz", ".md"} or path.name == "SHA256SUMS"
    }
    assert wanted - names == set()
    tops = {name.split("/")[0].split("-")[0] for name in names}
    assert tops == {"helpers", "regularization_course"}


def test_the_wheel_carries_both_licences(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name.split("/")[-1] for name in archive.namelist() if "/licenses/" in name}
    assert names == {"LICENSE", "LICENSE-CC-BY-4.0"}


def test_installed_elsewhere_it_finds_its_data(wheel, tmp_path):
    target = tmp_path / "target"
    pip = (sys.executable, "-m", "pip", "install", "--no-deps", "--no-index")
    run(*pip, "--target", target, wheel, cwd=tmp_path)
    printed = run(sys.executable, "-c", SCRIPT, cwd=tmp_path, PYTHONPATH=str(target))
    helpers = target / "helpers"
    assert printed.splitlines() == [str(helpers / "__init__.py"), str(helpers / "_data")]


def test_the_editable_install_finds_the_data_of_this_folder(tmp_path):
    printed = run(sys.executable, "-c", SCRIPT, cwd=tmp_path)
    assert printed.splitlines() == [str(ROOT / "helpers" / "__init__.py"), str(ROOT / "data")]
