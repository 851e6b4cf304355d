"""Who may import whom in helpers/, and what no file of the tree may hold."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.notebooks.support.notebook_rules import global_randomness
from tools import ROOT

HELPERS = ROOT / "helpers"


class Rule(NamedTuple):
    """What a module may import: modules of the course, packages at the top, packages inside functions only."""

    course: tuple = ()
    packages: tuple = ("numpy",)
    lazily: tuple = ()


TIER_0 = Rule()
TIER_1 = Rule(course=("core", "initializers"))
RULES = {
    "__init__": Rule(packages=()),
    # Tier 0: NumPy alone
    "augmentation": TIER_0,
    "claims": TIER_0,
    "core": TIER_0,
    "data": Rule(course=("internal.fashion_mnist",)),
    "gradcheck": TIER_0,
    "initializers": TIER_0,
    "linear_models": TIER_0,
    # Tier 1: core and initializers, never one another
    "layers": TIER_1,
    "losses": TIER_1,
    "noise": Rule(course=("core", "initializers", "internal.fast")),
    "normalization": TIER_1,
    "optimizers": TIER_1,
    "regularizers": TIER_1,
    # Tier 2
    "experiments": Rule(
        course=("internal.tables", "internal.table_checks"), packages=("numpy", "joblib", "tqdm")
    ),
    "training": Rule(course=("core", "data", "internal.interrupts"), packages=("numpy", "tqdm")),
    # Pictures
    "plotting": Rule(
        course=("internal.png",), packages=("numpy", "matplotlib", "scipy", "IPython")
    ),
    "widgets": Rule(
        course=("plotting", "internal.png"),
        packages=("numpy", "matplotlib", "ipywidgets", "IPython"),
    ),
    # Machinery
    "internal.__init__": Rule(packages=()),
    "internal.arguments": TIER_0,
    "internal.fast": TIER_0,
    "internal.fashion_mnist": Rule(
        lazily=("pooch", "requests", "tqdm")
    ),  # pooch downloads with requests
    "internal.interrupts": TIER_0,
    "internal.png": Rule(packages=("matplotlib", "PIL")),  # PIL comes with matplotlib
    "internal.printing": Rule(packages=()),
    "internal.table_checks": TIER_0,
    "internal.tables": Rule(
        course=("internal.printing", "internal.table_checks"), lazily=("scipy",)
    ),
    # Assignments
    "checks.running": Rule(packages=("ipykernel", "jupyter_client", "nbclient", "nbformat")),
}
CHECKS = Rule(course=("gradcheck", "checks"))
EVERYONE = ("internal.arguments",)  # refuses bad input with one sentence
LIGHT = [name for name in RULES if RULES[name].packages == ("numpy",)]
HEAVY = ("matplotlib", "scipy", "ipywidgets", "IPython", "sklearn", "torch", "tqdm", "pooch")

MODULES = sorted(HELPERS.rglob("*.py"))
IDS = [path.relative_to(HELPERS).as_posix() for path in MODULES]
each_module = pytest.mark.parametrize("path", MODULES, ids=IDS)


def rule_of(path):
    """The rule of a module of helpers/; None where it has none."""
    parts = path.relative_to(HELPERS).with_suffix("").parts
    return RULES.get(".".join(parts), CHECKS if parts[0] == "checks" else None)


def imported(tree, package=("helpers",)):
    """(dotted name, is inside a function) for every import in a tree of a module in `package`."""
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((name, id(node) in inside) for name in _names(node, package))


def _names(node, package):
    """The modules that an import statement names; `from helpers import core` and `from . import core` name core."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = package[: len(package) - node.level + 1] if node.level else ()
    module = ".".join((*base, node.module) if node.module else base)
    whole = module in ("helpers", "helpers.internal")
    return [f"{module}.{alias.name}" for alias in node.names] if whole else [module]


def slips(tree, rule, package=("helpers",)):
    """What a module imports and may not."""
    for name, lazily in imported(tree, package):
        top, *rest = name.split(".")
        if top in sys.stdlib_module_names:
            continue
        if top == "helpers":
            room = rest[:2] if rest[:1] == ["internal"] else rest[:1]
            allowed = ".".join(room) in rule.course + EVERYONE
        else:
            allowed = top in rule.packages or (lazily and top in rule.lazily)
        if not allowed:
            yield f"{name}{' inside a function' if lazily else ''}"


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def undocumented(tree):
    """Public functions and classes at the top of a module that have no docstring."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = (
        node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")
    )
    return [node.name for node in public if not (ast.get_docstring(node) or "").strip()]


@each_module
def test_imports(path):
    rule, name = rule_of(path), path.relative_to(ROOT).as_posix()
    assert rule is not None, (
        f"{name} has no rule: say in the table of {Path(__file__).name} whom it may import"
    )
    found = list(slips(parsed(path), rule, path.relative_to(ROOT).parent.parts))
    assert not found, (
        f"{name} imports {', '.join(found)}, which the table of {Path(__file__).name} does not allow"
    )


@each_module
def test_no_global_randomness(path):
    found = global_randomness(parsed(path))
    assert not found, (
        f"{path.name} uses {', '.join(found)}; randomness is an argument, rng: np.random.Generator"
    )


@each_module
def test_docstrings(path):
    found = undocumented(parsed(path))
    assert not found, f"{path.name}: {', '.join(found)} has no docstring"


def test_the_package_re_exports_nothing():
    tree = parsed(HELPERS / "__init__.py")
    code = [
        node
        for node in tree.body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    assert not code, (
        "helpers/__init__.py holds more than its docstring; write `from helpers.noise import Dropout`"
    )


def test_light_modules_pull_in_nothing_heavy():
    """In a fresh interpreter, in one go: the first heavy package that appears is named with the module behind it."""
    code = f"""
import importlib, sys
for name in {LIGHT}:
    importlib.import_module("helpers." + name)
    found = sorted(set({HEAVY}) & set(sys.modules))
    if found:
        sys.exit(f"import helpers.{{name}} pulls in {{', '.join(found)}}")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def files_of_the_tree():
    """What git tracks or would track; without git, everything but caches and environments."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [
            path.relative_to(ROOT) for path in ROOT.rglob("*") if not hidden(path.relative_to(ROOT))
        ]
    return [ROOT / name for name in filter(None, listed) if (ROOT / name).is_file()]


def hidden(path):
    return any(
        part == "__pycache__" or part in (".git", ".venv", ".pytest_cache", ".ruff_cache")
        for part in path.parts
    )


def test_no_file_names_the_folder_beside_the_tree():
    beside = b"../" + b"shared"
    found = [
        path.relative_to(ROOT).as_posix() for path in files_of_the_tree() if names(path, beside)
    ]
    assert not found, f"{', '.join(found)} names {beside.decode()}, which is no part of the course"


def names(path, text):
    """Does a file hold `text`? A binary file (with a zero byte near its start) does not count."""
    content = path.read_bytes()
    return text in content and b"\0" not in content[:8192]


# --- the checks themselves ---


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("layers", "import numpy as np\nfrom helpers.core import Layer\nimport math", []),
        ("layers", "from helpers.noise import Dropout", ["helpers.noise"]),
        ("layers", "from helpers import noise, core", ["helpers.noise"]),
        ("layers", "from . import noise", ["helpers.noise"]),
        ("layers", "from .noise import Dropout", ["helpers.noise"]),
        ("layers", "import helpers", ["helpers"]),
        ("layers", "def f():\n    import scipy.special", ["scipy.special inside a function"]),
        ("losses", "from helpers.internal.arguments import array", []),
        ("core", "from helpers.initializers import zeros", ["helpers.initializers"]),
        ("internal.fashion_mnist", "def f():\n    import pooch", []),
        ("data", "import pooch", ["pooch"]),
        ("training", "from helpers.data import minibatches\nfrom helpers.core import Layer", []),
        ("training", "import matplotlib.pyplot as plt", ["matplotlib.pyplot"]),
        (
            "experiments",
            "from helpers.internal.tables import Sweep\nfrom helpers.training import fit",
            ["helpers.training"],
        ),
        ("plotting", "import ipywidgets", ["ipywidgets"]),
        ("widgets", "import ipywidgets\nfrom matplotlib.figure import Figure", []),
        (
            "claims",
            "import tests.notebooks.support.lecture_rules",
            ["tests.notebooks.support.lecture_rules"],
        ),
        ("__init__", "from helpers.core import Layer", ["helpers.core"]),
    ],
)
def test_a_slip_is_found(module, source, found):
    assert list(slips(ast.parse(source), RULES[module])) == found


def test_checks_may_use_gradcheck_and_one_another():
    tree = ast.parse(
        "from helpers.gradcheck import relative_error\nfrom . import norms\nfrom helpers.core import Layer"
    )
    assert list(slips(tree, CHECKS, ("helpers", "checks"))) == ["helpers.core"]


def test_a_module_without_a_rule_is_found():
    assert rule_of(HELPERS / "surprise.py") is None
    assert rule_of(HELPERS / "checks" / "dropout.py") is CHECKS
    assert rule_of(HELPERS / "checks" / "running.py") is RULES["checks.running"]


def test_a_missing_docstring_is_found():
    assert undocumented(
        ast.parse("def f(): pass\ndef _g(): pass\nclass C:\n    '''.'''\n    def m(self): pass")
    ) == ["f"]


def test_binary_files_do_not_count(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"see ../x")
    (tmp_path / "b.png").write_bytes(b"\0 ../x")
    assert [names(tmp_path / name, b"../x") for name in ("a.txt", "b.png")] == [True, False]
