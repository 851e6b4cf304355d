"""Run the tests of helpers/ on mutants of it: make mutate, or make mutate ARGS="layers noise"

A mutant is a module with one small slip. It survives if the tests of its module pass: it shows what
no test looks at. tests/project/mutants.toml lists those that behave like the original, with the
reason. No file is changed: each mutant is imported from memory, in a process of its own. That needs
fork, so Linux or macOS.
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
LEFT_OUT = ("__init__", "plotting", "png", "widgets")  # figures and sliders
HELPERS = ROOT / "helpers"
FILES = {
    path.stem: path
    for folder in (HELPERS, HELPERS / "internal")
    for path in sorted(folder.glob("*.py"))
    if path.stem not in LEFT_OUT
}
MODULES = sorted(FILES)
# No other plugins: looking for them takes long.
PLUGINS = ("nbval.plugin", "pytest_timeout", "xdist.plugin", "_hypothesis_pytestplugin")
# What conftest.py loads for a whole run; for each mutant it would start a guardian.
NEEDLESS = ("tests.support.leftovers", "tests.support.schedule", "tests.support.durations")
WARM = (*PLUGINS, "numpy", "scipy.stats", "joblib", "tqdm", "hypothesis")
TESTED = "tests/helpers"
TESTS = {  # in addition to test_<module>.py and test_<module>_*.py
    "interrupts": ["training_diverges"],
    "printing": ["experiments"],
    "table_checks": ["tables", "experiments"],
    "tables": ["experiments"],
}
SLOW = ("test_experiments_dask.py",)


def tests_of(module):
    """The files of tests that concern a module, its own first."""
    names = [f"test_{module}.py", f"test_{module}_*.py"]
    names += [f"test_{other}.py" for other in TESTS.get(module, [])]
    paths = [path for name in names for path in sorted((ROOT / TESTED).glob(name))]
    return [f"{TESTED}/{path.name}" for path in paths if path.name not in SLOW]


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
    """In a new process: exit with pytest's code. It is killed after `seconds` of processor time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    sys.meta_path.insert(0, Mutated(module, code))
    import pytest

    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-o", "timeout=120"]
    options += [f"-p{name}" for name in PLUGINS]
    options += [f"-pno:{name}" for name in NEEDLESS]
    # What warm_up imported is not rewritten.
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    status = pytest.main([*options, *tests_of(module)])
    # joblib keeps its workers for minutes, and exit waits for them.
    for worker in multiprocessing.active_children():
        worker.terminate()
    sys.exit(status)


def begin(*task):
    """Start run_tests(*task) in a process that shares what is imported here."""
    process = multiprocessing.get_context("fork").Process(target=run_tests, args=task)
    process.start()
    return process


def survivors(module, mutated, seconds, jobs):
    """The slips among {Slip: source} with which all tests of a module pass."""
    waiting = list(mutated)
    running = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            slip = waiting.pop(0)
            process = begin(module, mutated[slip], seconds)
            running[process.sentinel] = process, slip
        for sentinel in connection.wait(running):
            process, slip = running.pop(sentinel)
            process.join()
            if process.exitcode == 0:
                yield slip


def original(module):
    """The source, and the seconds that a mutant may take. Raises SystemExit if its tests fail."""
    if not tests_of(module):
        sys.exit(f"{module}: no test has its name; name one in TESTS of tools/quality/mutate.py.")
    code = FILES[module].read_text(encoding="utf-8")
    start = time.monotonic()
    process = begin(module, code)
    process.join()
    if process.exitcode != 0:
        see = f"make test ARGS='{' '.join(tests_of(module))}'"
        sys.exit(f"{module}: its tests fail without a slip already; see {see}.")
    return code, int(20 + 4 * (time.monotonic() - start))


def examine(module, known, jobs):
    """Try all mutants of a module, of which `known` are equal to the original.

    Returns the module's row of the table, the slips that no test notices, and the faults.
    """
    code, seconds = original(module)
    mutated = mutants(code)
    alive = set(survivors(module, mutated, seconds, jobs))
    equals = known.keys() & mutated.keys()
    missed = [slip for slip in mutated if slip in alive and slip not in known]
    score = 1 - len(missed) / (len(mutated) - len(equals))
    row = f"{module:16}{len(mutated):8}{len(equals):8}{len(missed):10}{score:8.1%}"
    stale = known.keys() - mutated.keys()
    faults = [f"listed as equal, but no mutant of today: {slip}" for slip in stale]
    faults += [f"listed as equal, but a test fails: {slip}" for slip in equals - alive]
    faults += [f"{1 - score:.1%} survive"] if score < ENOUGH else []
    return row, [f"{module}.{slip}" for slip in missed], [f"{module}.py: {why}" for why in faults]


def warm_up():
    """Import what every mutant needs, and let hypothesis try few examples, the same each time."""
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
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
    gc.freeze()  # the processes need not look through what they share


def main(arguments=None):
    """Print the table and the slips that no test notices; exit with the faults."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "modules", nargs="*", choices=[*MODULES, []], metavar="module", help=", ".join(MODULES)
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="how many at a time (default: all cores)"
    )
    options = parser.parse_args(arguments)
    warm_up()
    known = equal(EQUAL)
    faults = []
    print(f"{'module':16}{'mutants':>8}{'equal':>8}{'survived':>10}{'killed':>8}")
    for module in options.modules or MODULES:
        row, missed, of_module = examine(module, known.get(module, {}), options.jobs)
        print("\n".join([row, *missed]), flush=True)
        faults += of_module
    sys.exit("\n".join(faults) or 0)


if __name__ == "__main__":
    main()
