"""Who may import whom, and what no file of the tree may hold.

A new module of helpers/ needs a row in RULES, under its path with dots: TIER_0 if NumPy is enough,
TIER_1 if it is a layer, a loss, a penalty or an optimizer and so needs core and initializers. Any
other module gets a Rule that names what it imports; a package that one function needs may stand in
`lazily`, so that importing the module stays quick. Modules of helpers/checks need no row. Only
plotting, widgets and internal.png may import Matplotlib, and only widgets ipywidgets.
"""

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
    """What a module may import: modules of helpers, packages, packages inside functions."""

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
        course=("internal.tables", "internal.table_checks"),
        packages=("numpy", "joblib", "threadpoolctl", "tqdm"),
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
    # pooch downloads with requests
    "internal.fashion_mnist": Rule(lazily=("pooch", "requests", "tqdm")),
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
EVERYONE = ("internal.arguments",)  # one sentence for bad input
LIGHT = [name for name in RULES if RULES[name].packages == ("numpy",)]
HEAVY = ("matplotlib", "scipy", "ipywidgets", "IPython", "sklearn", "torch", "tqdm", "pooch")

OWNERS = {"matplotlib": {"plotting", "widgets", "internal.png"}, "ipywidgets": {"widgets"}}

TOOLS = sorted((ROOT / "tools").rglob("*.py"))
PROTOCOL = ROOT / "tools" / "grading" / "protocol.py"
PRIVATE = {"__pycache__", ".git", ".venv", ".pytest_cache", ".ruff_cache"}
MODULES = sorted(HELPERS.rglob("*.py"))
IDS = [path.relative_to(HELPERS).as_posix() for path in MODULES]
each_module = pytest.mark.parametrize("path", MODULES, ids=IDS)


def rule_of(path):
    """The rule of a module of helpers/; None if it has none."""
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
    """The modules that an import statement names; core in `from . import core`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = package[: len(package) - node.level + 1] if node.level else ()
    module = ".".join((*base, node.module) if node.module else base)
    whole = module in ("helpers", "helpers.internal")
    return [f"{module}.{alias.name}" for alias in node.names] if whole else [module]


def forbidden(tree, rule, package=("helpers",)):
    """What a module imports against its rule."""
    for name, lazily in imported(tree, package):
        _, *rest = name.split(".")
        if top(name) in sys.stdlib_module_names:
            continue
        if top(name) == "helpers":
            module = rest[:2] if rest[:1] == ["internal"] else rest[:1]
            allowed = ".".join(module) in rule.course + EVERYONE
        else:
            allowed = top(name) in rule.packages or (lazily and top(name) in rule.lazily)
        if not allowed:
            yield f"{name}{' inside a function' if lazily else ''}"


def top(name):
    """The first part of a dotted name: a package, or a folder of the course."""
    return name.partition(".")[0]


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
    rule = rule_of(path)
    name = path.relative_to(ROOT).as_posix()
    here = Path(__file__).name
    assert rule is not None, (
        f"{name} has no row in RULES of {here}; its docstring says how to add one"
    )
    names = list(forbidden(parsed(path), rule, path.relative_to(ROOT).parent.parts))
    why = f"which its row in RULES of {here} does not allow; move the code, or change the row"
    assert not names, f"{name} imports {', '.join(names)}, {why}"


def test_only_pictures_import_matplotlib_and_only_widgets_ipywidgets():
    for package, modules in OWNERS.items():
        allowed = {name for name, rule in RULES.items() if package in rule.packages + rule.lazily}
        assert allowed == modules


@pytest.mark.parametrize("path", TOOLS, ids=[path.relative_to(ROOT).as_posix() for path in TOOLS])
def test_tools_import_no_tests(path):
    names = [name for name, _ in imported(parsed(path), path.relative_to(ROOT).parent.parts)]
    wrong = [name for name in names if top(name) in ("tests", "benchmarks")]
    assert not wrong, f"{path.relative_to(ROOT).as_posix()} imports {', '.join(wrong)}"


def test_what_runs_inside_the_sandbox_imports_nothing_of_the_course():
    """tools/grading/protocol.py is alone there: no other file of tools/ is mounted."""
    names = [name for name, _ in imported(parsed(PROTOCOL), ("tools", "grading"))]
    assert not [name for name in names if top(name) in ("helpers", "tools", "tests", "benchmarks")]


@each_module
def test_no_global_randomness(path):
    names = ", ".join(global_randomness(parsed(path)))
    assert not names, f"{path.name} uses {names}; make rng, a np.random.Generator, an argument"


@each_module
def test_docstrings(path):
    names = undocumented(parsed(path))
    assert not names, f"{path.name}: {', '.join(names)} has no docstring"


def test_the_package_re_exports_nothing():
    tree = parsed(HELPERS / "__init__.py")
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1, "lectures say `from helpers.noise import Dropout`"


def test_light_modules_pull_in_nothing_heavy():
    """In one fresh interpreter; the first heavy package to appear is named with its module."""
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
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        listed = done.stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        every = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
        listed = [path for path in every if not PRIVATE.intersection(path.parts)]
    return [ROOT / name for name in filter(None, listed) if (ROOT / name).is_file()]


def test_no_file_names_the_folder_beside_the_tree():
    beside = b"../" + b"shared"
    paths = [path for path in files_of_the_tree() if holds(path, beside)]
    wrong = ", ".join(path.relative_to(ROOT).as_posix() for path in paths)
    assert not wrong, f"{wrong} names {beside.decode()}, which is not part of the course"


def holds(path, text):
    """Does a file hold `text`? A binary file (with a zero byte near its start) does not count."""
    content = path.read_bytes()
    return text in content and b"\0" not in content[:8192]


# --- the checks themselves ---


@pytest.mark.parametrize(
    ("module", "source", "names"),
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
        ("experiments", "from helpers.internal.tables import Sweep", []),
        ("experiments", "from helpers.training import fit", ["helpers.training"]),
        ("plotting", "import ipywidgets", ["ipywidgets"]),
        ("widgets", "import ipywidgets\nfrom matplotlib.figure import Figure", []),
        ("claims", "import tests.helpers.support", ["tests.helpers.support"]),
        ("claims", "from tools.notebooks import form", ["tools.notebooks"]),
        ("__init__", "from helpers.core import Layer", ["helpers.core"]),
    ],
)
def test_a_forbidden_import_is_found(module, source, names):
    assert list(forbidden(ast.parse(source), RULES[module])) == names


def test_checks_may_use_gradcheck_and_one_another():
    lines = ["from helpers.gradcheck import relative_error", "from . import norms"]
    tree = ast.parse("\n".join([*lines, "from helpers.core import Layer"]))
    assert list(forbidden(tree, CHECKS, ("helpers", "checks"))) == ["helpers.core"]


def test_a_module_without_a_rule_is_found():
    assert rule_of(HELPERS / "surprise.py") is None
    assert rule_of(HELPERS / "checks" / "dropout.py") is CHECKS
    assert rule_of(HELPERS / "checks" / "running.py") is RULES["checks.running"]


def test_a_missing_docstring_is_found():
    functions = "def f(): pass\ndef _g(): pass\n"
    tree = ast.parse(functions + 'class C:\n    "."\n    def m(self): pass')
    assert undocumented(tree) == ["f"]


def test_binary_files_do_not_count(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"see ../x")
    (tmp_path / "b.png").write_bytes(b"\0 ../x")
    assert holds(tmp_path / "a.txt", b"../x")
    assert not holds(tmp_path / "b.png", b"../x")
