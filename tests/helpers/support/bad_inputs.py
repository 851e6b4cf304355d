"""For every public function and class of helpers/: what it refuses, and what unusual it answers.

`python -m tests.helpers.support.bad_inputs` prints how many inputs were refused and answered.
"""

import inspect
import os
import warnings
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.helpers.inputs import data, figures, network, reports
from tests.helpers.support.modules import modules, own

TABLE = network.TABLE | data.TABLE | reports.TABLE | figures.TABLE

DRAWN = 1_000 if os.environ.get("COURSE_DEEP") == "1" else 100
SETTINGS = settings(
    max_examples=DRAWN,
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)

LAYER_CHECKS = "a formula that a layer computes in every step: the layer checks"
CALLER_CHECKS = "a piece of show, explore, fit or paired, which check"
UNCHECKED_MODULES = {
    "fast": LAYER_CHECKS,
    "interrupts": CALLER_CHECKS,
    "png": CALLER_CHECKS,
}
UNCHECKED = {
    "core.Layer.backward": "the formula of one layer: Sequential checks dy for a whole network",
    "fashion_mnist.load": "the body of data.load_fashion_mnist, whose row is in the table",
    "normalization.normalize": LAYER_CHECKS,
    "normalization.normalize_backward": LAYER_CHECKS,
    "plotting.spread": CALLER_CHECKS,
    "widgets.Exploration": CALLER_CHECKS,
    "widgets.Stage": CALLER_CHECKS,
    "widgets.clear": CALLER_CHECKS,
}


def public():
    """The names of all public functions and classes: "layers.Linear"."""
    for module_name, module in modules():
        for name, thing in own(module):
            if inspect.isfunction(thing) or inspect.isclass(thing):
                yield f"{module_name}.{name}"


def try_inputs(row, check=None):
    """Check inputs of a row: all that are listed, then DRAWN of the others, the same in each run.

    Return how many were refused and answered.
    """
    counts = Counter()

    def each(example):
        (check or row.check)(example)
        counts["refused" if example.bad else "answered"] += 1

    if not row.kinds:
        row.call()
    for example in row.listed():
        each(example)
    if strategies := list(row.drawn()):
        SETTINGS(given(st.one_of(strategies))(each))()
    return counts


def main():
    """Print the table of counts."""
    warnings.simplefilter("error")
    print(f"{'function':56} inputs  refused  answered")
    every = Counter()
    for name, row in TABLE.items():
        counts = try_inputs(row)
        every += counts
        print(_line(name, counts))
    print(_line("all", every))


def _line(name, counts):
    return f"{name:54} {counts.total():8} {counts['refused']:8} {counts['answered']:9}"


if __name__ == "__main__":
    main()
