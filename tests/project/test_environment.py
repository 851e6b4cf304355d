"""pyproject.toml, constraints.txt, environment.yml and the Makefile must say the same."""

import ast
import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tools import ROOT
from tools.notebooks import overview

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def direct():
    """Every requirement that pyproject.toml names: to build, to run, and of each extra."""
    groups = [
        PYPROJECT["build-system"]["requires"],
        PYPROJECT["project"]["dependencies"],
        *EXTRAS.values(),
    ]
    return [Requirement(text) for group in groups for text in group]


def pins():
    """name -> version, of the lines that hold on every system."""
    return {canonicalize_name(pin.name): pin for pin in map(Requirement, CONSTRAINTS)}


def environment():
    file = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [entry for entry in file["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in file["dependencies"] if isinstance(entry, dict)]
    return file, conda, pip


def test_constraints_are_pins_and_nothing_else():
    """No index, no address, no file: where packages come from is the business of the machine."""
    for line in CONSTRAINTS:
        pin = Requirement(line)
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), line
        assert pin.url is None
        assert not pin.extras
    assert len(pins()) == len(CONSTRAINTS), "one pin for each package"


@pytest.mark.parametrize("requirement", direct(), ids=str)
def test_a_direct_dependency_is_pinned_within_its_range(requirement):
    pin = pins()[canonicalize_name(requirement.name)]
    assert pin.marker is None
    (version,) = [specifier.version for specifier in pin.specifier]
    assert version in requirement.specifier


def test_the_build_uses_the_pinned_setuptools():
    """pip applies constraints to what it installs, not to what it builds with."""
    assert PYPROJECT["build-system"]["requires"] == [f"setuptools{pins()['setuptools'].specifier}"]


def test_conda_brings_python_and_pip_alone():
    file, conda, _ = environment()
    assert file["channels"] == ["conda-forge", "nodefaults"]
    assert file["name"] == PYPROJECT["project"]["name"]
    assert [re.match(r"\w+", entry)[0] for entry in conda] == ["python", "pip"]
    (version,) = re.findall(r"^python=(.*)$", conda[0])
    assert version in SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert version in PYTHONS


def test_pip_brings_what_make_lab_brings():
    pip = environment()[2]
    assert pip[0] == "-c constraints.txt"
    (extras,) = re.findall(r"^-e \.\[(.*)\]$", pip[1])
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"lab:              # JupyterLab on the notebooks\n\t$(SETUP) {extras}\n" in makefile
    assert set(extras.split(",")) <= set(EXTRAS)


def test_extras_of_the_makefile_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = re.findall(r"\$\(SETUP\) (.*)", makefile)
    named = {extra for line in lines for extra in line.split()}
    assert named == set(EXTRAS)


def test_the_oldest_python_is_the_same_everywhere():
    tree = ast.parse((ROOT / "tools" / "setup.py").read_text(encoding="utf-8"))
    (needed,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "NEEDED"
    ]
    oldest = ".".join(map(str, needed))
    assert PYPROJECT["project"]["requires-python"] == f">={oldest}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f"--python-version {oldest} " in (ROOT / "Makefile").read_text(encoding="utf-8")


def workflow(name):
    file = ROOT / ".github" / "workflows" / f"{name}.yml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def commands(job):
    return [step["run"] for step in job["steps"] if "run" in step]


def test_the_workflow_runs_the_commands_of_the_makefile_on_three_systems():
    """All tests on the oldest and the newest Python, the quick ones on the other ten machines."""
    job = workflow("ci")["jobs"]["test"]
    matrix = job["strategy"]["matrix"]
    assert matrix["python"] == PYTHONS
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    whole = [(entry["python"], entry["command"]) for entry in matrix["include"]]
    assert whole == [(PYTHONS[0], "test"), (PYTHONS[-1], "test")]
    assert job["env"]["COMMAND"] == "${{ matrix.command || 'quick' }}"
    assert commands(job)[-1] == 'make "$COMMAND"'


def test_the_nightly_workflow_runs_the_deep_tests():
    assert commands(workflow("nightly")["jobs"]["deep"])[-1] == "make test-deep"


def test_the_check_of_a_change_is_the_command_of_the_readme():
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == "make test"


@pytest.mark.parametrize(
    "name", ["pyproject.toml", "constraints.txt", "environment.yml", "Makefile", ".ci/run"]
)
def test_no_address_of_a_registry(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"https?://|index-url|find-links", text)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_to_files_lead_somewhere(name):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
    missing = [link for link in links if not (ROOT / link).exists() and not link.endswith(".ipynb")]
    assert missing == []


def test_the_readme_lists_every_lecture_with_its_minutes():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"\]\((notebooks/\d[^)]+\.ipynb)\) \|[^|]+\| (\d+) \|", text))
    lectures = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    minutes = {
        path: re.search(r"About (\d+) minutes", path.read_text(encoding="utf-8")).group(1)
        for path in lectures
    }
    assert listed == {path.relative_to(ROOT).as_posix(): said for path, said in minutes.items()}


def test_the_figure_of_the_readme_is_that_of_its_lecture():
    assert (ROOT / "notebooks" / "overview.png").read_bytes() == overview.picture(), (
        "run python -m tools.notebooks.overview"
    )
