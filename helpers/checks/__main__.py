"""Show which exercises of your assignments are done.

python -m helpers.checks              all assignments
python -m helpers.checks 04 05        some of them, by their numbers
python -m helpers.checks my.ipynb     a notebook, or a folder with notebooks

The notebooks run from top to bottom, and the files stay as they are. Save your work first.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

FOLDER = Path("notebooks", "assignments", "release")
AT_A_TIME = 2
MARKS = {"done": "✓", "not yet": "–"}


def main(arguments=None):
    """The command line; the exit status is 0 unless a notebook is missing or could not be run."""
    parser = argparse.ArgumentParser(
        "python -m helpers.checks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    help_text = "default: all assignments"
    parser.add_argument("wanted", nargs="*", metavar="NUMBER or PATH", help=help_text)
    wanted = parser.parse_args(arguments).wanted or ["*"]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a terminal may have no ✓
    try:
        from helpers.checks import running
    except ModuleNotFoundError as error:
        missing = f"The package {error.name} is missing."
        parser.exit(1, f"{missing} It comes with the JupyterLab of the course: make lab.\n")
    paths, problems = _paths(wanted)
    problems += _print_results(running, paths)
    print("".join(f"{problem}\n" for problem in problems), end="", file=sys.stderr)
    return 1 if problems else 0


def _print_results(running, paths):
    """Run the notebooks, print what is done, and return a sentence for each that cannot be run."""
    states = []
    problems = []
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for path, result in zip(paths, pool.map(partial(_results, running), paths), strict=True):
            if isinstance(result, Exception):
                problems.append(f"{_shown(path)} could not be run: {result}.")
            else:
                states += [state for *_, state in result]
                print(f"{path.stem}\n{table(result)}\n", flush=True)
    if states:
        print(f"{states.count('done')} of {len(states)} done", flush=True)
    return problems


def _paths(wanted):
    """The notebooks, each once, and a sentence for each argument that names none."""
    paths = []
    problems = []
    for argument in wanted:
        try:
            paths += [path for path in find(argument) if path not in paths]
        except FileNotFoundError as error:
            problems.append(str(error))
    return paths, problems


def _results(running, path):
    try:
        return running.run(path).results
    except running.CannotRun as error:
        return error


def find(wanted, start=None):
    """The notebooks that "*", a number such as "04", a file or a folder stands for.

    Assignments are looked for in notebooks/assignments/release below `start` (default: the current
    folder) and the folders above it, then in the course that this file belongs to. Raises
    FileNotFoundError with one sentence.
    """
    path = Path(wanted)
    if wanted != "*" and not wanted.isdigit():
        if not path.exists():
            raise FileNotFoundError(f"There is no notebook {path}.")
        return [path] if path.is_file() else _notebooks(path, "*") + _notebooks(path, "*/*")
    start = Path(start or Path.cwd())
    roots = [start, *start.parents, Path(__file__).resolve().parents[2]]
    folder = next((root / FOLDER for root in roots if (root / FOLDER).is_dir()), None)
    if folder is None:
        nowhere = f"There is no folder {FOLDER.as_posix()} here."
        raise FileNotFoundError(f"{nowhere} Call this in the folder of the course.")
    notebooks = _notebooks(folder, "*/*" if wanted == "*" else f"{int(wanted):02}_*/*")
    if not notebooks:
        which = "" if wanted == "*" else f"{wanted} "
        raise FileNotFoundError(f"There is no assignment {which}in {_shown(folder)}.")
    return notebooks


def _notebooks(folder, pattern):
    paths = sorted(folder.glob(f"{pattern}.ipynb"))
    return [path for path in paths if ".ipynb_checkpoints" not in path.parts]


def _shown(path):
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


def table(rows):
    """One line for each (number, title, state): ✓ done, – not yet, or ✗ and the slip's name."""
    width = max(len(title) for _, title, _ in rows)
    return "\n".join(
        f"  {number}  {title:<{width}}  {MARKS.get(state, '✗')} {state}"
        for number, title, state in rows
    )


if __name__ == "__main__":
    sys.exit(main())
