"""The same seed gives the same bytes in every process: all random code runs twice, and is read."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.support import every_random_helper
from tests.helpers.support.every_random_helper import CALLS, parts
from tools import ROOT

MODULES = sorted((ROOT / "helpers").rglob("*.py"))
HIDDEN = {"hash", "id", "os", "time", "datetime"}  # what no seed is made of
GENERATORS = {"default_rng", "SeedSequence", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"}
ORDERED = {"list", "tuple", "dict", "enumerate", "iter", "next", "zip", "map", "join"}
ORDERED |= {"array", "asarray", "fromiter"}  # of NumPy
SETS = {"set", "frozenset"}
SET_OPERATORS = (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)


def process(cwd, order, seed, **environment):
    """The hashes of all results, computed in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.support.every_random_helper", order, str(seed)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_same_seed_gives_the_same_bytes_in_two_processes(tmp_path):
    one = process(ROOT, "forwards", 1, PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C")
    two = process(
        tmp_path, "backwards", 2, PYTHONHASHSEED="2", TZ="Asia/Shanghai", LC_ALL="C.UTF-8"
    )
    assert [name for name in one if one[name] != two[name]] == []
    assert set(one) == set(CALLS)


def test_everything_that_takes_a_generator_or_seeds_is_called():
    assert set(every_random_helper.names()) == set(CALLS)


def test_another_seed_gives_other_bytes():
    given_seeds = {"experiments.paired", "experiments.sweep", "table_checks.checked_seeds"}
    same = {"initializers.zeros", *given_seeds}
    for name, call in CALLS.items():
        results = (call(np.random.default_rng(seed)) for seed in (5, 5, 6))
        first, again, other = (b"|".join(parts(result)) for result in results)
        assert first == again, name
        assert (first == other) == (name in same), name


def hidden_randomness(tree):
    """What in a syntax tree makes two processes differ, but for NumPy's shared generator."""
    sets = {
        target.id for node in ast.walk(tree) for target in _targets(node) if _is_set(node.value)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (f"import {name}" for name in _modules(node) if name in ("secrets", "uuid"))
        elif isinstance(node, ast.For | ast.comprehension):
            if _is_set(node.iter, sets):
                yield f"a loop over {ast.unparse(node.iter)}"
        elif isinstance(node, ast.Call):
            yield from _calls(node, sets)


def _calls(node, sets):
    text = ast.unparse(node)
    function = ast.unparse(node.func)
    name = function.split(".")[-1]
    if function in ("os.urandom", "os.getrandom", "hash"):
        yield text
    if name in GENERATORS:
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        used = {ast.unparse(part) for argument in arguments for part in ast.walk(argument)}
        if not arguments or "None" in used or not HIDDEN.isdisjoint(used):
            yield text
    elif name in ORDERED and any(_is_set(argument, sets) for argument in node.args):
        yield text


def _is_set(node, names=()):
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in SETS
    if isinstance(node, ast.BinOp) and isinstance(node.op, SET_OPERATORS):
        return _is_set(node.left, names) or _is_set(node.right, names)
    if isinstance(node, ast.Name):
        return node.id in names
    return isinstance(node, ast.Set | ast.SetComp)


def _targets(node):
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target for target in targets if isinstance(target, ast.Name)]


def _modules(node):
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: path.relative_to(ROOT / "helpers").as_posix()
)
def test_no_hidden_randomness(path: Path):
    found = list(hidden_randomness(ast.parse(path.read_text(encoding="utf-8"))))
    assert not found, f"{path.name}: {', '.join(found)} may differ between two processes"


@pytest.mark.parametrize(
    "source",
    [
        "import uuid",
        "from secrets import token_bytes",
        "os.urandom(4)",
        "hash(name) % 7",
        "np.random.default_rng()",
        "default_rng(None)",
        "np.random.default_rng(seed=None)",
        "np.random.default_rng(int(time.time()))",
        "np.random.default_rng(hash('a'))",
        "np.random.Generator(np.random.PCG64())",
        "np.random.SeedSequence()",
        "for x in {1, 2}: print(x)",
        "for x in set(names): print(x)",
        "[x for x in {y for y in z}]",
        "list(set(x) | set(y))",
        "np.array(frozenset(x))",
        "', '.join({'a', 'b'})",
        "left = set(a)\nfor x in left: print(x)",
        "left = set(a) - {1}\nrows = [x for x in left]",
    ],
)
def test_a_slip_is_found(source):
    assert len(list(hidden_randomness(ast.parse(source)))) >= 1


@pytest.mark.parametrize(
    "source",
    [
        "np.random.default_rng(seed)",
        "np.random.default_rng([seed, 3])",
        "for x in sorted(set(names)): print(x)",
        "x in {1, 2}",
        "len(set(a))",
        "set(a) <= set(b)",
        "left = a - b\nlist(left)",
        "time.time()",
    ],
)
def test_what_is_in_order_passes(source):
    assert list(hidden_randomness(ast.parse(source))) == []
