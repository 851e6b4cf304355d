"""For every public function and class of helpers/: what it refuses, and what it answers though it looks unusual.

`python -m tests.helpers.support.bad_inputs` draws 1,000 inputs for each and prints how many were refused and how many answered.
"""

import inspect
import warnings
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings

from tests.helpers.inputs import data, figures, network, reports
from tests.helpers.support.modules import modules, own

TABLE = network.TABLE | data.TABLE | reports.TABLE | figures.TABLE

EXAMPLES = 1_000
FORMULA = "a formula that a layer computes in every step: the layer checks"
PIECE = "a piece of show and explore, which check"
WITHIN = "a piece of fit and paired, which check"
FORMULAS = ("normalize", "normalize_backward", "mean_product", "sum_product")
UNCHECKED = {
    "core.Layer.backward": "the formula of one layer, under its sentence: Sequential checks dy for a whole network",
    **dict.fromkeys([f"normalization.{name}" for name in FORMULAS], FORMULA),
    **dict.fromkeys(
        [
            f"png.{name}"
            for name in ("bundle", "encoded", "img", "picture", "png", "reduced", "small_png")
        ],
        PIECE,
    ),
    **dict.fromkeys(
        ["plotting.spread", "widgets.Exploration", "widgets.Stage", "widgets.clear"], PIECE
    ),
    **dict.fromkeys(
        [
            f"interrupts.{name}"
            for name in ("HeldInterrupt", "divergence", "refuse_not_finite", "stopped")
        ],
        WITHIN,
    ),
    "fashion_mnist.load": "the body of data.load_fashion_mnist, whose row is here",
}


def public():
    """The names of all public functions and classes: "layers.Linear"."""
    for module_name, module in modules():
        for name, thing in own(module):
            if inspect.isfunction(thing) or inspect.isclass(thing):
                yield f"{module_name}.{name}"


def draw(row, check=None):
    """Check EXAMPLES inputs of a row, the same in each run; return how many were refused and answered."""
    counts = Counter()
    if not row.kinds:
        row.call()
        return counts

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(row.examples())
    def each(example):
        (check or row.check)(*example)
        counts["refused" if example[1] else "answered"] += 1

    each()
    return counts


def main():
    """Print the table of counts."""
    warnings.simplefilter("error")
    print(f"{'function':56} inputs  refused  answered")
    every = Counter()
    for name, row in TABLE.items():
        counts = draw(row)
        every += counts
        print(_line(name, counts))
    print(_line("all", every))


def _line(name, counts):
    return f"{name:54} {counts.total():8} {counts['refused']:8} {counts['answered']:9}"


if __name__ == "__main__":
    main()
