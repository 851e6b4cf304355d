"""Runs the grading of a course in processes of its own, because nbgrader warns."""

import csv
import os
import subprocess
import sys
from pathlib import Path

from tests.grading.support import tiny
from tools import ROOT

SCORES_NOW = """
import json, sys, warnings
warnings.simplefilter("ignore")
from nbgrader.api import Gradebook
with Gradebook("sqlite:///" + sys.argv[1]) as gradebook:
    exec(sys.argv[2])
"""


def make_grade(root, name=tiny.NAME, *options, mark=("X", "")):
    """What `make grade` runs."""
    command = [sys.executable, "-m", "tools.grading.grade", name, "--root", str(root), *options]
    environment = os.environ | dict([mark])
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500
    )


def scores(root, name=tiny.NAME):
    with open(root / "grades" / f"{name}.csv", newline="", encoding="utf-8") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


def gradebook(root, code):
    """Run code that finds the gradebook under its name."""
    subprocess.run(
        [sys.executable, "-c", SCORES_NOW, str(root / "gradebook.db"), code], cwd=ROOT, check=True
    )


def nbgrader(folder, *arguments):
    """Run a command of nbgrader in a folder."""
    command = [sys.executable, "-W", "ignore", "-m", "nbgrader", *arguments]
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    }
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
