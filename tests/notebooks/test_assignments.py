"""The assignments: source/ and release/ belong together, and learners can run what they get."""

import contextlib
import importlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from traitlets.config.loader import PyFileConfigLoader

from helpers.checks import exercise, running
from tests.notebooks.support.assignment_rules import exercises, topic
from tools.notebooks import assignments, form
from tools.notebooks.assignments import FOLDER, called, is_test, release_of

NUMBERS = [f"{number:02}" for number in range(1, 10)]
GENERIC = {"wrong shape", "wrong return", "nothing returned", "not a number", "unexpected answer"}
LEAST_SLIPS = 3
LEAST_IN_ALL = 40
SOURCES = assignments.sources()
RELEASES = sorted((FOLDER / "release").glob("[!.]*/*.ipynb"))
each_release = pytest.mark.parametrize("path", RELEASES, ids=[path.stem for path in RELEASES])
each_source = pytest.mark.parametrize("path", SOURCES, ids=[path.stem for path in SOURCES])
with_sources = pytest.mark.skipif(
    not (FOLDER / "source").is_dir(),
    reason="notebooks/assignments/source is missing; only teachers have it",
)


def read(path):
    return form.parse(path.read_text(encoding="utf-8"))


def checks_of(path):
    return importlib.import_module(f"helpers.checks.{path.stem[3:]}")


# --- what belongs together ---


@pytest.mark.parametrize("number", NUMBERS)
def test_every_lecture_has_its_assignment(number):
    lectures = [path.stem for path in form.lectures() if path.stem.startswith(number)]
    assert len(lectures) == 1, f"the lectures {number} are {lectures}, expected one"
    releases = [path.stem for path in RELEASES if path.stem.startswith(number)]
    assert releases == lectures, f"the assignments {number} of release/ are {releases}"


@with_sources
@pytest.mark.parametrize("number", NUMBERS)
def test_every_assignment_has_its_source(number):
    made = [release_of(path) for path in SOURCES if path.is_file() and path.stem.startswith(number)]
    releases = [path for path in RELEASES if path.stem.startswith(number)]
    assert releases == made, (
        f"the assignments {number} of release/ are {releases}, from source/ {made}"
    )


@pytest.mark.parametrize("name", ["source", "release"])
def test_nothing_else_lies_in_the_folders(name):
    files = [path for path in (FOLDER / name).rglob("*") if path.is_file()]
    inside = [path.relative_to(FOLDER / name) for path in files]
    saved = [path for path in inside if ".ipynb_checkpoints" not in path.parts]
    other = [str(path) for path in saved if not is_assignment(path)]
    assert not other, f"{name}/ holds {', '.join(other)}, expected NN_topic/NN_topic.ipynb alone"


def is_assignment(path):
    """Is it NN_topic/NN_topic.ipynb?"""
    folder = path.parts[0]
    return folder[:2] in NUMBERS and path.as_posix() == f"{folder}/{folder}.ipynb"


@each_release
def test_its_check_is_of_its_name(path):
    """helpers.checks.inverted_dropout checks 04_inverted_dropout: each check once, in order."""
    nb = read(path)
    checks = exercise.exercises(checks_of(path))
    assert topic(nb) == path.stem[3:]
    assert [check.number for check in checks] == [each.number for each in exercises(nb)]
    cells = [cell for cell in nb.cells if is_test(cell)]
    assert [called(cell, topic(nb)) for cell in cells] == [check.__name__ for check in checks]
    assert nb.cells[0].source.startswith(f"# Assignment {path.stem[:2]} ·")


@each_release
def test_its_lecture_names_it(path):
    link = f"](assignments/release/{path.stem}/{path.name})"
    lecture = form.ROOT / "notebooks" / path.name
    texts = [cell.source for cell in read(lecture).cells]
    assert any(link in text for text in texts), f"{lecture.name} has no link {link[1:]}"


@with_sources
@each_source
def test_no_solution_is_in_its_release(path):
    """No line of an answer is left in its cell, and no hint or buggy code holds all of them."""
    left = {cell.id: cell.source for cell in read(release_of(path)).cells}
    text = "\n".join(left.values())
    for cell in read(path).cells:
        if "### BEGIN SOLUTION" in cell.source:
            lines = solution_lines(cell)
            name = f"{path.name}, {cell.id}"
            assert lines, f"{name}: the solution is empty"
            assert not [line for line in lines if line in left[cell.id]], f"{name}: a line is left"
            assert not all(line in text for line in lines), f"{name}: its release shows the answer"


def solution_lines(cell):
    """The lines between the marks, without short ones, such as a closing bracket."""
    solution = cell.source.partition("### BEGIN SOLUTION")[2].partition("### END SOLUTION")[0]
    return [line.strip() for line in solution.splitlines() if len(line.strip()) > 3]


# --- what a learner gets ---


@pytest.fixture(scope="module")
def runs():
    """Every release, run as python -m helpers.checks runs it."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(RELEASES, pool.map(running.run, RELEASES), strict=True))


@each_release
def test_run_all_of_a_release_reaches_the_end(path, runs):
    for index, cell in enumerate(runs[path].cells):
        outputs = cell.get("outputs", [])
        errors = [output for output in outputs if output.output_type == "error"]
        assert not errors, f"cell {index + 1}: {errors[0].ename}: {errors[0].evalue}"
        assert not [out for out in outputs if out.get("name") == "stderr"], f"cell {index + 1}"


@each_release
def test_a_release_says_not_yet_of_each_exercise(path, runs):
    checks = exercise.exercises(checks_of(path))
    assert runs[path].results == [[check.number, check.title, "not yet"] for check in checks]
    tests = [cell for cell in runs[path].cells if is_test(cell)]
    printed = ["".join(output.text for output in cell.outputs) for cell in tests]
    assert printed == [f"– Exercise {check.number}, {check.title}: not yet\n" for check in checks]


# --- how many slips have a name ---


def answers():
    """Rows (check, right answers, wrong answers) of every tests/checks/test_<topic>.py."""
    for path in RELEASES:
        with contextlib.suppress(ModuleNotFoundError):
            yield from importlib.import_module(f"tests.checks.test_{path.stem[3:]}").ANSWERS


def named(wrong):
    """The slips of a check that are a misconception; exercise.py names the others."""
    names = {name.partition(":")[0] for name in wrong if not name.startswith("raises ")}
    return names - GENERIC


def test_slips_have_names():
    slips = {f"{check.__module__}.{check.__name__}": named(wrong) for check, _, wrong in answers()}
    few = [check for check, names in slips.items() if len(names) < LEAST_SLIPS]
    assert not few, f"{', '.join(few)}: fewer than {LEAST_SLIPS} slips have a name"
    assert sum(map(len, slips.values())) >= LEAST_IN_ALL


@each_release
def test_every_check_has_answers_in_its_tests(path):
    module = checks_of(path)
    tested = [check.__name__ for check, _, _ in answers() if check.__module__ == module.__name__]
    assert sorted(tested) == sorted(check.__name__ for check in exercise.exercises(module))


# --- make assignments ---


@with_sources
def test_releases_are_fresh(capsys):
    assert assignments.main(["--check"]) == 0, capsys.readouterr()


@with_sources
def test_nbgrader_by_hand_gives_the_same():
    """nbgrader generate_assignment writes the stubs of make assignments."""
    config = PyFileConfigLoader("nbgrader_config.py", str(FOLDER)).load_config().ClearSolutions
    assert config.code_stub == {"python": assignments.CODE_STUB}
    assert config.text_stub == assignments.TEXT_STUB
