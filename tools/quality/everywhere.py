"""Compares the lectures' outputs in many environments: make test-everywhere ARGS="oldest zone"

Words choose the environments whose names hold one of them. Each leaves its log in build/everywhere/. The last line and
the exit code say whether all passed; an environment that this machine cannot give counts as not passed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from dataclasses import dataclass, field
from pathlib import Path

from tools import ROOT

BUILD = ROOT / "build" / "everywhere"
ODD = BUILD / "a course, größer 正则化"
EXTRAS = "lab,test,parity"
LEFT_OUT = (
    ".git",
    ".venv",
    ".*_cache",
    "__pycache__",
    "*.egg-info",
    "build",
    "dist",
    "_site",
    "screenshots",
)
PASSED = re.compile(r"^(\d+) passed in")


class NotHere(Exception):
    """Why an environment cannot be had on this machine, in one sentence."""


@dataclass(frozen=True)
class Environment:
    """A name, the environment variables that make it, and the place of the course in it (a function below)."""

    name: str
    variables: dict = field(default_factory=dict)
    place: str = "here"


def blas(kernel, threads):
    name = f"OpenBLAS for {kernel}, {threads} thread{'s' if threads > 1 else ''}"
    return Environment(name, {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": str(threads)})


ENVIRONMENTS = [
    *(blas(kernel, threads) for kernel in ("Nehalem", "Haswell", "SkylakeX") for threads in (1, 2)),
    Environment(
        "NumPy without vector loops",
        {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"},
    ),
    # Old packages warn of what newer ones of their own dependencies deprecate.
    Environment(
        "the oldest packages", {"PYTEST_ADDOPTS": "-W default::DeprecationWarning"}, place="oldest"
    ),
    Environment("the newest packages", place="newest"),
    Environment("English locale", {"LC_ALL": "en_US.UTF-8", "LANGUAGE": "en"}),
    Environment("Chinese locale", {"LC_ALL": "zh_CN.UTF-8", "LANGUAGE": "zh_CN"}),
    Environment(
        "Chinese locale without UTF-8",
        {"LC_ALL": "zh_CN.GBK", "LANGUAGE": "zh_CN", "PYTHONUTF8": "0"},
    ),
    Environment(
        "another time zone", {"TZ": "Pacific/Chatham"}
    ),  # 12 hours and 45 minutes from Greenwich
    Environment("a path with spaces and umlauts", place="odd_path"),
    Environment("a read-only checkout", place="read_only"),
]


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
    shutil.copytree(ROOT, ODD, ignore=shutil.ignore_patterns(*LEFT_OUT))
    checked([sys.executable, "tools/setup.py", *EXTRAS.split(",")], cwd=ODD)
    return [ODD / ".venv" / "bin" / "python"], ODD


def read_only():
    """The checkout mounted read-only: for root, permissions alone would change nothing."""
    if shutil.which("bwrap") is None:
        raise NotHere("bubblewrap is not installed (apt install bubblewrap)")
    return [
        "bwrap",
        "--dev-bind",
        "/",
        "/",
        "--ro-bind",
        ROOT,
        ROOT,
        "--chdir",
        ROOT,
        sys.executable,
    ], ROOT


def packages(name, *options):
    """The Python of a virtual environment of its own, with the course and what pip's options make of its packages."""
    folder = BUILD / name
    if not folder.exists():
        venv.EnvBuilder(with_pip=True).create(folder)
    python = folder / "bin" / "python"
    checked(
        [python, "-m", "pip", "install", "--quiet", *options, "-e", f"{ROOT}[{EXTRAS}]"], cwd=ROOT
    )
    return python


def checked(command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        raise NotHere(
            f"setting it up failed: {done.stderr.strip().splitlines()[-1:] or 'nothing was said'}"
        )


def refuse_unknown_locale(variables):
    """Raise NotHere for a locale that is not installed: every program would take C in its place."""
    wanted = variables.get("LC_ALL")
    if not wanted or shutil.which("locale") is None:
        return
    known = subprocess.run(
        ["locale", "-a"], capture_output=True, text=True, errors="replace"
    ).stdout.lower()
    if wanted.lower().replace("-", "") not in known.replace("-", "").split():
        raise NotHere(f"the locale {wanted} is not installed (apt install locales, then localedef)")


def outcome(environment, notebooks):
    """One word or sentence about the outputs in this environment: "passed", or what is wrong."""
    log = BUILD / f"{re.sub(r'[^A-Za-z0-9]+', '-', environment.name)}.log"
    try:
        refuse_unknown_locale(environment.variables)
        python, folder = globals()[environment.place]()
    except NotHere as why:
        return f"not run: {why}"
    options = ["-q", "--nbval", "-n", "2", "--dist", "loadscope", "-p", "no:cacheprovider"]
    paths = [
        folder / path.relative_to(ROOT) if path.is_relative_to(ROOT) else path for path in notebooks
    ]
    with open(log, "w", encoding="utf-8") as file:
        variables = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environment.variables
        command = [*python, "-m", "pytest", *options, *paths]
        code = subprocess.call(
            command, cwd=folder, env=variables, stdout=file, stderr=subprocess.STDOUT
        )
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1]
    return (
        "passed"
        if code == 0 and PASSED.match(last)
        else f"failed: {last} ({log.relative_to(ROOT)})"
    )


def main(args):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "words", nargs="*", help="run the environments whose names hold one of these; all without"
    )
    parser.add_argument(
        "--notebooks",
        nargs="+",
        type=Path,
        default=sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")),
    )
    asked = parser.parse_args(args)
    chosen = [
        e for e in ENVIRONMENTS if not asked.words or any(word in e.name for word in asked.words)
    ]
    if not chosen:
        parser.error(f"no environment has one of the words {asked.words} in its name")
    BUILD.mkdir(parents=True, exist_ok=True)
    failed = 0
    for environment in chosen:
        start = time.monotonic()
        said = outcome(environment, [path.resolve() for path in asked.notebooks])
        failed += said != "passed"
        print(f"{environment.name:36}{time.monotonic() - start:5.0f} s  {said}", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
