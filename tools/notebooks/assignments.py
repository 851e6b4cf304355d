"""Make the assignments that learners get, release/, from those with solutions, source/.

The releases are those of nbgrader's generate_assignment.

make assignments                write what is stale; a second run changes not one byte
make assignments ARGS=--check   change nothing, name what is stale
"""

import argparse
import ast
import re
import sys

from tools.notebooks import form

FOLDER = form.ROOT / "notebooks" / "assignments"
CODE_STUB = 'raise NotImplementedError("your code")'
TEXT_STUB = "*Write it here.*"
KEYS = ("schema_version", "grade_id", "grade", "solution", "locked", "task")
MARK = re.compile(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS)")
HIDDEN = re.compile(
    r"^[^\n]*BEGIN HIDDEN TESTS.*?END HIDDEN TESTS[^\n]*$", re.MULTILINE | re.DOTALL
)


class CannotMake(Exception):
    """An assignment cannot be made; the message has a sentence for each reason."""


def preprocessors():
    """Those of nbgrader's generate_assignment, in its order, but for its database and templates."""
    from nbgrader import preprocessors as nbgrader

    without_solutions = [
        nbgrader.LockCells(),
        nbgrader.ClearSolutions(code_stub={"python": CODE_STUB}, text_stub=TEXT_STUB),
        nbgrader.ClearOutput(),
        nbgrader.CheckCellMetadata(),
        nbgrader.ComputeChecksums(),
    ]
    without_tests = [
        nbgrader.ClearHiddenTests(),
        nbgrader.ClearMarkScheme(),
        nbgrader.ComputeChecksums(),
        nbgrader.CheckCellMetadata(),
    ]
    return without_solutions + without_tests


def released(path):
    """The text of the release of the source notebook at `path`. Raises CannotMake."""
    name = form.shown(path)
    try:
        nb = form.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CannotMake(f"{name}: {error}.") from error
    topic = path.stem[3:]
    sentences = [
        f"{name}, {form.cell_label(nb, index)}: {what}." for index, what in problems(nb, topic)
    ]
    if sentences:
        raise CannotMake("\n".join(sentences))
    try:
        for preprocessor in preprocessors():
            nb, _ = preprocessor.preprocess(nb, {})
    except Exception as error:  # nbgrader has many classes of them
        raise CannotMake(f"{name}: nbgrader refuses it, {str(error).rstrip('.')}.") from error
    return form.dump(form.normalize(nb))


def problems(nb, topic):
    """What is in the way of a release: pairs (position of the cell, what is wrong)."""
    cell_of = {}
    for index, cell in enumerate(nb.cells):
        yield from ((index, what) for what in _wrong_marks(cell))
        meta = cell.metadata.get("nbgrader")
        if meta is None:
            continue
        if missing := [key for key in KEYS if key not in meta]:
            yield index, f"its nbgrader metadata lack {', '.join(missing)}"
            continue
        if (first := cell_of.setdefault(meta.grade_id, index)) != index:
            yield index, f"its grade_id {meta.grade_id!r} is that of cell {first + 1}"
        yield from ((index, what) for what in _wrong_cell(cell, meta, topic))


def _wrong_marks(cell):
    meta = cell.metadata.get("nbgrader", {})
    opened = None
    for verb, region in MARK.findall(cell.source):
        begins = verb == "BEGIN"
        if opened != (None if begins else region):
            before = "END" if begins else "BEGIN"
            yield f"{verb} {region} does not follow {before} {opened or region}"
        opened = region if begins else None
        kind = "solution" if region == "SOLUTION" else "grade"
        if begins and not meta.get(kind):
            yield f"it has a region {region} and is not a {kind} cell"
    if opened:
        yield f"BEGIN {opened} has no END {opened}"


def _wrong_cell(cell, meta, topic):
    if meta.grade_id != cell.id:
        yield f"its grade_id is {meta.grade_id!r} and its id {cell.id!r}, expected the same name"
    points = meta.get("points")
    if meta.grade and (type(points) not in (int, float) or points <= 0):
        yield f"it is graded and its points are {points}, expected a number above 0"
    if cell.cell_type == "markdown" and (meta.grade != meta.solution or meta.task):
        yield "it is a text cell, which must be both graded and a solution, or neither"
    if cell.cell_type == "code" and meta.solution and "BEGIN SOLUTION" not in cell.source:
        yield "it is a solution cell without BEGIN SOLUTION, so that all of it would be lost"
    if is_test(cell) and called(cell, topic) is None:
        yield (
            f"a test cell holds `from helpers.checks import {topic} as checks` and one call, "
            "checks.name(answers)"
        )


def is_test(cell):
    """Is it a cell whose points a check decides?"""
    meta = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and meta.get("grade", False) and not meta.get("solution", False)


def called(cell, topic):
    """The name of the check that a test cell calls; None if the cell holds something else.

    A region of hidden tests does not count if it holds nothing but calls of checks.
    """
    try:
        seen_by_learners = ast.parse(HIDDEN.sub("", cell.source)).body
        statements = ast.parse(cell.source).body
    except SyntaxError:
        return None
    names = [_check_called(node) for node in statements[1:]]
    if len(seen_by_learners) != 2 or None in names:
        return None
    first, second = seen_by_learners
    imports = ast.unparse(first) == f"from helpers.checks import {topic} as checks"
    call = second.value
    answers = not call.keywords and all(type(value) is ast.Name for value in call.args)
    return names[0] if imports and answers else None


def _check_called(node):
    call = node.value if isinstance(node, ast.Expr) else None
    function = call.func if isinstance(call, ast.Call) else None
    of_checks = isinstance(function, ast.Attribute) and ast.unparse(function.value) == "checks"
    return function.attr if of_checks else None


def sources(folder=FOLDER):
    """The notebooks source/NN_topic/NN_topic.ipynb, in order."""
    folders = sorted((folder / "source").glob("[0-9][0-9]_*"))
    return [path / f"{path.name}.ipynb" for path in folders]


def release_of(source):
    """Where the release of a source notebook belongs."""
    return source.parents[2] / "release" / source.parent.name / source.name


def orphans(folder=FOLDER):
    """The notebooks of release/ that have no source."""
    made = [release_of(path) for path in sources(folder)]
    return [path for path in sorted((folder / "release").glob("[!.]*/*.ipynb")) if path not in made]


def make(source, check=False):
    """Make one release and print what became of it. True if it was up to date, or is now."""
    target = release_of(source)
    try:
        text = released(source)
    except CannotMake as error:
        print(error, file=sys.stderr)
        return False
    same = target.is_file() and target.read_bytes() == text.encode()
    if not (same or check):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    state = form.state(same, check, "stale, run make assignments")
    print(f"{form.shown(target)}: {state}", flush=True)
    return same or not check


def main(arguments=None, folder=FOLDER):
    """The command line; the exit status is 0 if every release has a source and is up to date."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if a release is stale"
    )
    check = parser.parse_args(arguments).check
    if not (folder / "source").is_dir():
        where = f"{form.shown(folder)}/source"
        print(f"{where} is missing; only teachers have it. release/ stays as it is.")
        return 0
    try:
        preprocessors()
    except ModuleNotFoundError as error:
        parser.exit(1, f"The package {error.name} is missing; make assignments installs it.\n")
    fresh = [make(source, check) for source in sources(folder)]
    left = orphans(folder)
    for path in left:
        sentence = "has no source; remove it, or restore its source."
        print(f"{form.shown(path)} {sentence}", file=sys.stderr)
    return 0 if all(fresh) and not left else 1


if __name__ == "__main__":
    sys.exit(main())
