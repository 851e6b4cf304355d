"""What crosses the border of the sandbox: plain data, and a program that needs no other file."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tools.grading import protocol

MALFORMED = (ValueError, TypeError, KeyError, AttributeError)
THIRD_PARTY = {"numpy", "IPython", "ipykernel", "zmq"}  # part of every learner's environment


def there_and_back(value):
    return protocol.decode(protocol.unpack(protocol.pack(protocol.encode(value))))


# ---- Alone in the sandbox ----


def test_it_imports_nothing_of_the_project():
    tree = ast.parse(Path(protocol.__file__).read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    tops = {name.partition(".")[0] for name in names}
    assert tops <= THIRD_PARTY | set(sys.stdlib_module_names)


def test_its_file_runs_alone(tmp_path):
    alone = shutil.copy(protocol.__file__, tmp_path / "protocol.py")
    show = "print({'tools', 'helpers', 'zmq', 'IPython'} & set(sys.modules))"
    run = f"import runpy, sys; runpy.run_path({str(alone)!r}); {show}"
    command = [sys.executable, "-I", "-c", run]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# ---- Data there and back ----


@pytest.mark.parametrize(
    "value", [None, True, 3, 0.5, "x", ..., (1, [2, "y"], ()), {"a": 1, 2: (None,)}, [{}, [[]]]]
)
def test_plain_data_comes_back(value):
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "uint16", "bool"])
def test_arrays_and_scalars_come_back(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    for value in (array, array[1, 2], array[:0], array.T):
        back = there_and_back(value)
        assert type(back) is type(value)
        assert back.dtype == dtype
        np.testing.assert_array_equal(back, value)


def test_a_generator_comes_back_in_its_state():
    rng = np.random.default_rng(3)
    rng.random(5)
    rng.spawn(2)
    back = there_and_back(rng)
    assert back.random() == rng.random()
    assert back.spawn(1)[0].random() == rng.spawn(1)[0].random()


@pytest.mark.parametrize(
    ("value", "description"),
    [
        (object(), "a object"),
        (np.array(["x"]), "an array of dtype <U1"),
        (np.array([None]), "an array of dtype object"),
        (
            np.zeros(protocol.MAX_ANSWER_BYTES // 2 + 1, "b"),
            "an array of shape (8388609,), too large",
        ),
    ],
    ids=["object", "text", "objects", "large"],
)
def test_anything_else_comes_back_as_words(value, description):
    back = there_and_back(value)
    assert type(back) is protocol.NotPlain
    assert repr(back) == description


@pytest.mark.parametrize(
    "data",
    [
        [],
        {},
        {"tuple": 7},
        {"pickle": "gASVAAAAAAAA"},
        {"list": [], "tuple": []},
        {"array": ["O", [1], "AAAAAAAAAAA="]},
        {"array": ["<f8", [-1, -8], "AAAAAAAA"]},
        {"array": ["<f8", [10**9], "AAAAAAAAAAA="]},
        {"generator": [{}, None]},
    ],
)
def test_malformed_data_is_refused(data):
    with pytest.raises(MALFORMED):
        protocol.decode(data)


# ---- Arguments that a call changed ----


def test_merge_changes_in_place():
    x = np.zeros(2)
    inner = [1]
    old = [x, inner, {"k": 1}]
    merged = protocol.merge(old, [np.ones(2), [2, 3], {"k": 2}, "more"])
    assert merged is old
    assert old == [x, inner, {"k": 2}, "more"]
    assert x.tolist() == [1, 1]
    assert inner == [2, 3]


def test_merge_returns_what_cannot_be_changed_in_place():
    x = np.zeros(2)
    assert protocol.merge(x, np.ones(3)).tolist() == [1, 1, 1]
    assert protocol.merge(1, 2) == 2
    assert protocol.merge((x, 1), (np.ones(2), 2))[0] is x
