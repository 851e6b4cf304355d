"""Compare the lectures' outputs in many environments: make test-everywhere ARGS="oldest zone"

Words choose the environments whose names hold one of them. Each leaves its log in
build/everywhere/. The last line and the exit status say whether all passed; an environment that
this machine does not have counts as failed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools import ROOT
from tools.notebooks import form

BUILD = ROOT / "build" / "everywhere"
ODD = BUILD / "a course, größer 正则化"
EXTRAS = ("lab", "test", "parity")
NO_SOURCES = (".git", ".venv", ".*_cache", "__pycache__", "*.egg-info")
MADE = ("build", "dist", "_site", "screenshots")
PASSED = re.compile(r"^(\d+) passed in")


class NotHere(Exception):
    """This machine does not have an environment; the message says why in one sentence."""


def here():
    """The checkout and the Python that runs this."""
    return [sys.executable], ROOT


def oldest():
    """A Python with the oldest packages that pyproject.toml allows."""
    return [packages("oldest", "-c", ROOT / "constraints-oldest.txt")], ROOT


def newest():
    """A Python with the newest packages that there are, whatever constraints.txt pins."""
    return [packages("newest", "--upgrade")], ROOT


def odd_path():
    """A copy of the course, set up from nothing as a learner does it."""
    shutil.rmtree(ODD, ignore_errors=True)
    shutil.copytree(ROOT, ODD, ignore=shutil.ignore_patterns(*NO_SOURCES, *MADE))
    checked([sys.executable, "-m", "tools.setup", *EXTRAS], cwd=ODD)
    return [ODD / ".venv" / "bin" / "python"], ODD


def read_only():
    """The checkout mounted read-only: for root, permissions alone would change nothing."""
    if shutil.which("bwrap") is None:
        raise NotHere("bubblewrap is not installed (apt install bubblewrap)")
    everything = ["--dev-bind", "/", "/"]
    checkout = ["--ro-bind", ROOT, ROOT, "--chdir", ROOT]
    return ["bwrap", *everything, *checkout, sys.executable], ROOT


def packages(name, *options):
    """The Python of a new virtual environment with the course and the packages that pip chooses."""
    folder = BUILD / name
    if not folder.exists():
        venv.EnvBuilder(with_pip=True).create(folder)
    python = folder / "bin" / "python"
    course = f"{ROOT}[{','.join(EXTRAS)}]"
    checked([python, "-m", "pip", "install", "--quiet", *options, "-e", course], cwd=ROOT)
    return python


def checked(command, cwd):
    """Run a command that sets an environment up. Raises NotHere if it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        *_, last = done.stderr.strip().splitlines() or ["it printed no error"]
        raise NotHere(f"setting it up failed: {last}")


@dataclass(frozen=True)
class Environment:
    """A name, the environment variables that make it, and where the course is run.

    `place` returns the command of a Python as a list, and the folder of the course.
    """

    name: str
    variables: dict = field(default_factory=dict)
    place: Callable = here


def blas(kernel, threads):
    """An environment in which NumPy multiplies matrices with the code for another processor."""
    name = f"OpenBLAS for {kernel}, {threads} thread{'s' if threads > 1 else ''}"
    return Environment(name, {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": str(threads)})


NO_VECTOR_LOOPS = {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"}
# Old packages use what newer versions of their own dependencies deprecate.
NO_DEPRECATIONS = {"PYTEST_ADDOPTS": "-W default::DeprecationWarning"}
GBK = {"LC_ALL": "zh_CN.GBK", "LANGUAGE": "zh_CN", "PYTHONUTF8": "0"}
CHATHAM = {"TZ": "Pacific/Chatham"}  # 12 hours and 45 minutes from Greenwich
ENVIRONMENTS = [
    *(blas(kernel, threads) for kernel in ("Nehalem", "Haswell", "SkylakeX") for threads in (1, 2)),
    Environment("NumPy without vector loops", NO_VECTOR_LOOPS),
    Environment("the oldest packages", NO_DEPRECATIONS, place=oldest),
    Environment("the newest packages", place=newest),
    Environment("English locale", {"LC_ALL": "en_US.UTF-8", "LANGUAGE": "en"}),
    Environment("Chinese locale", {"LC_ALL": "zh_CN.UTF-8", "LANGUAGE": "zh_CN"}),
    Environment("Chinese locale without UTF-8", GBK),
    Environment("another time zone", CHATHAM),
    Environment("a path with spaces and umlauts", place=odd_path),
    Environment("a read-only checkout", place=read_only),
]


def refuse_unknown_locale(variables):
    """Raise NotHere for a locale that is not installed: every program would use C instead."""
    wanted = variables.get("LC_ALL")
    if not wanted or shutil.which("locale") is None:
        return
    listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, errors="replace")
    known = listed.stdout.lower().replace("-", "").split()
    if wanted.lower().replace("-", "") not in known:
        raise NotHere(f"the locale {wanted} is not installed (apt install locales, then localedef)")


def outcome(environment, notebooks):
    """What became of the outputs in this environment: "passed", or what is wrong."""
    log = BUILD / f"{re.sub(r'[^A-Za-z0-9]+', '-', environment.name)}.log"
    try:
        refuse_unknown_locale(environment.variables)
        python, folder = environment.place()
    except NotHere as why:
        return f"not run: {why}"
    processes = "2" if len(notebooks) > 1 else "0"
    options = ["-q", "--nbval", "-n", processes, "-p", "no:cacheprovider"]
    inside = [path.relative_to(ROOT) for path in notebooks if path.is_relative_to(ROOT)]
    elsewhere = [path for path in notebooks if not path.is_relative_to(ROOT)]
    command = [*python, "-m", "pytest", *options, *(folder / path for path in inside), *elsewhere]
    variables = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environment.variables
    with open(log, "w", encoding="utf-8") as file:
        code = subprocess.call(
            command, cwd=folder, env=variables, stdout=file, stderr=subprocess.STDOUT
        )
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1]
    if code == 0 and PASSED.match(last):
        return "passed"
    return f"failed: {last} ({log.relative_to(ROOT)})"


def chosen(words):
    """The environments whose names hold one of the words; all of them if there are no words."""
    if not words:
        return ENVIRONMENTS
    return [each for each in ENVIRONMENTS if any(word in each.name for word in words)]


def main(args):
    """Run the lectures in each environment; the exit status is 1 if one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="parts of the environments' names; default: all")
    parser.add_argument("--notebooks", nargs="+", type=Path, default=form.lectures())
    options = parser.parse_args(args)
    environments = chosen(options.words)
    if not environments:
        parser.error(f"no environment has one of the words {options.words} in its name")
    BUILD.mkdir(parents=True, exist_ok=True)
    notebooks = [path.resolve() for path in options.notebooks]
    failed = 0
    for environment in environments:
        start = time.monotonic()
        result = outcome(environment, notebooks)
        failed += result != "passed"
        print(f"{environment.name:36}{time.monotonic() - start:5.0f} s  {result}", flush=True)
    print(f"{len(environments) - failed} passed, {failed} failed")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
