"""The table's inputs given to PyTorch: it answers and refuses the same, but for DIFFERENCES."""

import numbers
import warnings
from fractions import Fraction

import numpy as np
import pytest

from tests.helpers.inputs import network
from tests.helpers.inputs.pairs import PAIRS
from tests.helpers.inputs.row import Row, WrongAnswer, flat
from tests.helpers.support.bad_inputs import try_inputs

TAKEN = "PyTorch takes it"
REFUSED = "PyTorch refuses it"
OTHER = "PyTorch has other values"
NORMS = [f"normalization.{name}Norm" for name in ("Batch", "Layer", "Instance", "Group")]
ADAMS = ["optimizers.Adam", "optimizers.AdamW"]
DRAWN = [
    f"initializers.{name}"
    for name in ("he_normal", "he_uniform", "xavier_normal", "xavier_uniform")
]
EPS = dict.fromkeys(NORMS, "eps")
MOMENTUM = {"normalization.BatchNorm": "eps momentum"}
SGD = {"optimizers.SGD": "lr momentum weight_decay"}
LOSSES = ["losses.MSELoss", "losses.BCEWithLogitsLoss"]
TARGETS = dict.fromkeys([*LOSSES, "losses.CrossEntropyLoss (probabilities)"], "target")
STRETCHED = {"losses.MSELoss": "prediction target"}

DIFFERENCES = [  # (which, what came, why, {row: arguments})
    # Arguments of constructors
    (
        TAKEN,
        "True or False",
        "Python counts with True as 1; as a number it is a slip of the pen",
        {"layers.Conv2d": "kernel_size", "noise.Dropout": "p"} | EPS | MOMENTUM | SGD,
    ),
    (
        TAKEN,
        "True or False",
        "the same",
        dict.fromkeys(ADAMS, "lr eps weight_decay") | dict.fromkeys(DRAWN, "n_in"),
    ),
    (
        TAKEN,
        "no flag",
        "PyTorch asks for the truth of any object; here the word 'False' would count as true",
        {"layers.Linear": "bias"} | dict.fromkeys(NORMS, "affine"),
    ),
    (
        TAKEN,
        "bytes",
        "a text there may name a padding, and b'1' is iterable",
        {"layers.Conv2d": "stride padding"},
    ),
    (TAKEN, "dict", "its two keys are unpacked as the betas", dict.fromkeys(ADAMS, "betas")),
    (
        TAKEN,
        "NoneType",
        "there it asks for the mean over all batches, which is not here",
        {NORMS[0]: "momentum"},
    ),
    (
        TAKEN,
        "nan",
        "a comparison with nan is False, and PyTorch asks whether it is too small",
        EPS | MOMENTUM | SGD,
    ),
    (
        TAKEN,
        "infinity",
        "only the lower bound is asked for: y is 0 or nan after it",
        EPS | MOMENTUM | SGD,
    ),
    (
        TAKEN,
        "infinity",
        "the same: all weights are nan after a step",
        dict.fromkeys(ADAMS, "lr eps weight_decay"),
    ),
    (
        TAKEN,
        "below 0",
        "not checked: the root of a negative number is nan",
        dict.fromkeys(NORMS[1:], "eps"),
    ),
    (
        TAKEN,
        "below 0",
        "not checked: the running averages would leave the data",
        {NORMS[0]: "momentum"},
    ),
    (TAKEN, "above 1", "not checked: the running averages would swing", {NORMS[0]: "momentum"}),
    (
        TAKEN,
        "above 1",
        "only the lower bound is asked for: the velocity would explode",
        {"optimizers.SGD": "momentum"},
    ),
    (
        TAKEN,
        "1",
        "only the lower bound is asked for: the velocity would forget nothing",
        {"optimizers.SGD": "momentum"},
    ),
    (
        TAKEN,
        "1",
        "everything is dropped there; here 1 / (1 - p) has no value",
        {"noise.Dropout": "p"},
    ),
    (TAKEN, "0", "a constant feature would give 0 / 0", dict.fromkeys(NORMS[1:], "eps")),
    (TAKEN, "0", "PyTorch lets an optimizer stand still", {"optimizers.SGD": "lr"}),
    (
        TAKEN,
        "0",
        "the same; with eps 0 a gradient of 0 gives 0 / 0",
        dict.fromkeys(ADAMS, "lr eps"),
    ),
    (
        TAKEN,
        "0",
        "PyTorch makes weights without numbers, with a warning",
        {"layers.Linear": "n_out"},
    ),
    (TAKEN, "0", "the same", dict.fromkeys(DRAWN, "n_in n_out")),
    (
        REFUSED,
        "Fraction",
        "the kernels in C++ take Python's own numbers alone",
        {"noise.Dropout": "p"}
        | EPS
        | MOMENTUM
        | SGD
        | {ADAMS[0]: "eps weight_decay", ADAMS[1]: "eps"},
    ),
    (REFUSED, "tuple", "of (0.5, 0) PyTorch wants both as floats", dict.fromkeys(ADAMS, "betas")),
    (
        OTHER,
        "unsigned",
        "PyTorch steps by -lr, and minus np.uint8(1) is 255",
        {"optimizers.SGD": "lr"},
    ),
    # Inputs of layers
    (
        TAKEN,
        "complex numbers",
        "they have no order and no place in the course",
        {"layers.Tanh": "x", "layers.Sigmoid": "x", "noise.Dropout": "x"},
    ),
    (
        TAKEN,
        "shape (1, 1, 1, 5, 3)",
        "PyTorch lets axes stand before the features; here x is (N, D)",
        {"layers.Linear": "x", "normalization.LayerNorm": "x"},
    ),
    (
        TAKEN,
        "shape (3,)",
        "one example without a batch; here x is (N, D)",
        {"normalization.LayerNorm": "x"},
    ),
    (
        TAKEN,
        "shape (3, 4, 4)",
        "one image without a batch; here x is (N, C, H, W)",
        {"layers.Conv2d": "x", "normalization.InstanceNorm": "x"},
    ),
    (
        TAKEN,
        "shape (2, 3, 4)",
        "signals with one axis; here are tables and images",
        {"normalization.GroupNorm": "x"},
    ),
    (
        TAKEN,
        "shape (2, 3, 4, 4, 1, 1, 1)",
        "any number of axes, the same",
        {"normalization.GroupNorm": "x"},
    ),
    (TAKEN, "shape (0, 3)", "the mean of no examples is nan", {NORMS[0]: "x"}),
    (
        TAKEN,
        "shape (2, 3, 4, 0)",
        "the mean of no pixels is nan",
        {"normalization.InstanceNorm": "x"},
    ),
    (
        REFUSED,
        "shape (0, 3, 4, 4)",
        "no images give no images here",
        {"normalization.InstanceNorm": "x"},
    ),
    (
        OTHER,
        "nan",
        "nan > 0 is False: no gradient here; PyTorch asks nan <= 0 and lets it pass",
        {"layers.ReLU": "x"},
    ),
    # Losses
    *[
        (
            TAKEN,
            f"shape {shape}",
            "PyTorch warns and stretches: (N, 1) minus (N,) is (N, N)",
            STRETCHED,
        )
        for shape in ((), (5, 1), (1, 1, 1, 5, 2), (5, 2, 1, 1, 1))
    ],
    (TAKEN, "nan", "the loss is nan, and says nothing of the target", TARGETS),
    (TAKEN, "infinity", "the same, or infinite", TARGETS),
    (
        TAKEN,
        "other numbers",
        "targets outside 0..1 and sums other than 1 are not checked",
        dict(list(TARGETS.items())[1:]),
    ),
    (
        TAKEN,
        "shape (5, 3)",
        "the rows have sum 6, which is not checked",
        {"losses.CrossEntropyLoss": "target"},
    ),
    (
        TAKEN,
        "other numbers",
        "the label -100 is left out there (ignore_index)",
        {"losses.CrossEntropyLoss": "target"},
    ),
    (
        OTHER,
        "infinity",
        "0 times infinity is nan here; PyTorch picks the label's entry, or takes (1 - t) z",
        {"losses.BCEWithLogitsLoss": "logits", "losses.CrossEntropyLoss": "logits"},
    ),
]


def expected_differences(name):
    """The differences that the table above tells of a row."""
    return {
        (argument, came, which)
        for which, came, _, rows in DIFFERENCES
        for argument in rows.get(name, "").split()
    }


def in_words(given, usual):
    """What came, in a word or two."""
    if isinstance(usual, bool):
        return "no flag"
    if isinstance(usual, np.ndarray):
        return _array_in_words(np.asarray(given), usual)
    if isinstance(given, (bool, np.bool_)):
        return "True or False"
    if isinstance(given, Fraction) or not isinstance(given, numbers.Real):
        return type(given).__name__
    return _number_in_words(given)


def _array_in_words(given, usual):
    if given.dtype.kind not in "fiub":
        return "complex numbers" if given.dtype.kind == "c" else "no numbers"
    if given.shape != usual.shape:
        return f"shape {given.shape}"
    if np.isnan(given).any():
        return "nan"
    return "infinity" if np.isinf(given).any() else "other numbers"


def _number_in_words(given):
    if isinstance(given, np.unsignedinteger):
        return "unsigned"
    if not np.isfinite(float(given)) and not given < 0:
        return "nan" if np.isnan(given) else "infinity"
    if given < 0:
        return "below 0"
    return "above 1" if given > 1 else f"{abs(given):g}"


def outcome(call, arguments):
    """The parts of what a call returns, or None where it is refused."""
    with np.errstate(over="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns where learners would see it, and goes on
        try:
            return flat(call(**arguments))
        except Exception:  # the table says which are right
            return None


def difference(row, name, given, ours, theirs):
    """TAKEN, REFUSED, OTHER or None."""
    if ours is None and theirs is None:
        return None
    if ours is None or theirs is None:
        return TAKEN if ours is None else REFUSED
    try:
        row.compare(name, given, ours, theirs)
    except WrongAnswer:
        return OTHER
    return None


@pytest.mark.parametrize("name", PAIRS)
def test_the_same_as_in_pytorch_but_for_what_is_told(name):
    ours, theirs, names = PAIRS[name]
    row = Row(ours, **{argument: network.TABLE[name].kinds[argument] for argument in names})
    found = set()

    def check(example):
        name, given = example[:2]
        arguments = row.arguments(name, given)
        which = difference(row, name, given, outcome(ours, arguments), outcome(theirs, arguments))
        if which:
            found.add((name, in_words(given, row.kinds[name].usual), which))

    try_inputs(row, check)
    assert found == expected_differences(name)


def test_a_difference_is_told_once_and_for_a_row_that_is_compared():
    every = [
        (row, argument, came)
        for _, came, _, rows in DIFFERENCES
        for row, a in rows.items()
        for argument in a.split()
    ]
    assert len(set(every)) == len(every)
    assert {row for row, _, _ in every} <= set(PAIRS)
