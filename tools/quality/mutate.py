"""Runs the tests of helpers/ on mutants of it: make mutate, or make mutate ARGS="layers noise"

A mutant is a module with one small slip. One that the tests of its module let pass survives: it shows what no test
looks at. tests/project/mutants.toml lists those that behave like the original, with the reason. No file is changed: each mutant
is imported from memory, in a process of its own. That needs fork, so Linux or macOS.
"""

import argparse
import gc
import importlib
import importlib.abc
import importlib.util
import multiprocessing
import os
import resource
import sys
import time
from multiprocessing import connection

from tools import ROOT
from tools.quality.mutants import equal, mutants

EQUAL = ROOT / "tests" / "project" / "mutants.toml"
ENOUGH = 0.95
LEFT_OUT = ("__init__", "plotting", "widgets")  # figures and sliders
HELPERS = ROOT / "helpers"
FILES = {
    path.stem: path
    for folder in (HELPERS, HELPERS / "internal")
    for path in sorted(folder.glob("*.py"))
    if path.stem not in LEFT_OUT
}
MODULES = sorted(FILES)
PLUGINS = (
    "nbval.plugin",
    "pytest_timeout",
    "_hypothesis_pytestplugin",
)  # no others: to look for them takes long
WARM = (*PLUGINS, "numpy", "scipy.stats", "joblib", "tqdm", "hypothesis")
TESTED = "tests/helpers"
TESTS = {  # beside test_<module>.py and test_<module>_*.py
    "interrupts": ["training_diverges"],
    "printing": ["experiments"],
    "tables": ["experiments"],
}
SLOW = ("test_experiments_dask.py",)


def tests_of(module):
    """The files of tests that concern a module, its own first."""
    names = [f"test_{module}.py", f"test_{module}_*.py"]
    names += [f"test_{other}.py" for other in TESTS.get(module, [])]
    found = [path for name in names for path in sorted((ROOT / TESTED).glob(name))]
    return [f"{TESTED}/{path.name}" for path in found if path.name not in SLOW]


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports a module of helpers/ from a text instead of its file."""

    def __init__(self, module, code):
        self.path = FILES[module]
        self.name = ".".join(self.path.relative_to(ROOT).with_suffix("").parts)
        self.code = code.encode()

    def find_spec(self, fullname, path, target=None):  # noqa: ARG002
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def get_filename(self, fullname):  # noqa: ARG002
        return str(self.path)

    def get_data(self, path):  # noqa: ARG002
        return self.code


def run_tests(module, code, seconds=600):
    """In a process of its own: exit with pytest's code. More than `seconds` of processor time end it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    sys.meta_path.insert(0, Mutated(module, code))
    import pytest

    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-o", "timeout=120"]
    options += [f"-p{name}" for name in PLUGINS]
    options += [
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]  # what was imported once for all is plain
    status = pytest.main([*options, *tests_of(module)])
    for worker in (
        multiprocessing.active_children()
    ):  # joblib keeps its workers for minutes, and exit waits for them
        worker.terminate()
    sys.exit(status)


def begin(*task):
    process = multiprocessing.get_context("fork").Process(target=run_tests, args=task)
    process.start()
    return process


def survivors(module, found, seconds, jobs):
    """The slips of `found` that pass all tests."""
    waiting, running = list(found), {}
    while waiting or running:
        while waiting and len(running) < jobs:
            slip = waiting.pop(0)
            process = begin(module, found[slip], seconds)
            running[process.sentinel] = process, slip
        for sentinel in connection.wait(running):
            process, slip = running.pop(sentinel)
            process.join()
            if process.exitcode == 0:
                yield slip


def original(module):
    """The source, and the seconds of processor time of a mutant. Raises SystemExit where tests fail already."""
    if not tests_of(module):
        sys.exit(f"{module}: no test has its name; name one in TESTS of tools/quality/mutate.py.")
    code = FILES[module].read_text(encoding="utf-8")
    start = time.monotonic()
    process = begin(module, code)
    process.join()
    if process.exitcode != 0:
        sys.exit(
            f"{module}: its tests do not pass as it is; see make test ARGS='{' '.join(tests_of(module))}'."
        )
    return code, int(20 + 4 * (time.monotonic() - start))


def examine(module, known, jobs):
    """Try all mutants of a module. Returns its row of the table, and sentences about what is wrong."""
    code, seconds = original(module)
    found = mutants(code)
    alive = set(survivors(module, found, seconds, jobs))
    counted = len(found) - len(known.keys() & found)
    missed = [slip for slip in found if slip in alive and slip not in known]
    score = 1 - len(missed) / counted
    row = f"{module:16}{len(found):8}{len(found) - counted:8}{len(missed):10}{score:8.1%}"
    faults = [
        f"{module}.py: a list of equal mutants names none of today's: {slip}"
        for slip in known.keys() - found
    ]
    faults += [
        f"{module}.py: listed as equal, but a test fails: {slip}"
        for slip in known.keys() & found.keys() - alive
    ]
    faults += [f"{module}.py: {1 - score:.1%} survive"] if score < ENOUGH else []
    return row, [f"{module}.{slip}" for slip in missed], faults


def warm_up():
    """Import what every mutant needs, and run few and always the same examples."""
    os.environ |= {
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    os.chdir(ROOT)
    for name in WARM:
        importlib.import_module(name)
    from hypothesis import Phase, settings

    few = settings(
        max_examples=20,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
    )
    settings.register_profile("mutate", few)
    settings.load_profile("mutate")
    gc.freeze()  # no process looks through again what all have in common


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "modules", nargs="*", choices=[*MODULES, []], metavar="module", help=", ".join(MODULES)
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="how many at a time (default: all cores)"
    )
    options = parser.parse_args(arguments)
    warm_up()
    known, faults = equal(EQUAL), []
    print(f"{'module':16}{'mutants':>8}{'equal':>8}{'survived':>10}{'killed':>8}")
    for module in options.modules or MODULES:
        row, missed, wrong = examine(module, known.get(module, {}), options.jobs)
        print("\n".join([row, *missed]), flush=True)
        faults += wrong
    sys.exit("\n".join(faults) or 0)


if __name__ == "__main__":
    main()
