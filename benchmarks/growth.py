"""Row 13: how the time of a step grows with width, batch and depth, and what predicts it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.stats import linregress, t

from benchmarks.measure import markdown_table, side_by_side
from benchmarks.networks import examples, helpers_step
from benchmarks.profile import PRODUCTS, shares

SWEEPS = {
    "width": (64, 128, 256, 512, 1024, 2048),
    "batch": (8, 32, 128, 512, 1024, 2048, 4096),
    "depth": (1, 2, 4, 8, 16, 32),
}
LARGE = 4  # points of the large end that the line is fitted to
ROUNDS = 7


def setting(kind, value):
    """(sizes, batch) where the width, the batch, or the number of hidden layers is `value`.

    The others are 256, 256 and 2.
    """
    width = value if kind == "width" else 256
    batch = value if kind == "batch" else 256
    depth = value if kind == "depth" else 2
    return (784, *[width] * depth, 10), batch


def operations(sizes, batch):
    """Multiplications and additions in the matrix products of a step.

    Three products for each weight matrix, two for the first.
    """
    products = [3 * a * b for a, b in pairwise(sizes)]
    return 2 * batch * (sum(products) - sizes[0] * sizes[1])


def slope(x, y):
    """The exponent of y ~ x^k by least squares on logarithms, and half its 95 % interval."""
    fit = linregress(np.log(x), np.log(y))
    return fit.slope, t.ppf(0.975, len(x) - 2) * fit.stderr


def swept(kind, effort):
    """(values, seconds): the median over rounds that take all sizes in turn."""
    values = SWEEPS[kind][: None if effort.blocks >= ROUNDS else LARGE]
    steps = {}
    for value in values:
        sizes, batch = setting(kind, value)
        steps[value] = helpers_step(*examples(batch, sizes), sizes)
    seconds = side_by_side(steps, replace(effort, blocks=min(effort.blocks, ROUNDS)))
    return values, [float(np.median(seconds[value])) for value in values]


def cause(kind, values, rounds):
    """A sentence from two profiles, at both ends of the fit.

    It tells the share and the speed of the products, and of the part that comes next.
    """
    settings = [setting(kind, value) for value in values]
    parts = [shares(batch, rounds, sizes) for sizes, batch in settings]
    whole = [sum(seconds.values()) for seconds in parts]
    products = [seconds.pop(PRODUCTS) for seconds in parts]
    share = np.divide(products, whole)
    rates = [operations(*settings[end]) / products[end] / 1e9 for end in (0, 1)]
    name = max(parts[0], key=parts[0].get)
    other = np.divide([seconds[name] for seconds in parts], whole)
    return (
        f"from {kind} {values[0]:,} to {values[1]:,} the products go from {share[0]:.0%} to "
        f"{share[1]:.0%} of the step, and from {rates[0]:.0f} to {rates[1]:.0f} billion operations "
        f"a second; {name}: {other[0]:.0%} to {other[1]:.0%}"
    )


def measured(rows, threads, effort):  # noqa: ARG001 - one signature for all
    """The tables of row 13: the times, and the exponents at the large end."""
    times = []
    fits = []
    for kind in SWEEPS:
        values, seconds = swept(kind, effort)
        points = zip(values, seconds, strict=True)
        times += [f"| {kind} {value:,} | {1e3 * median:.3g} |" for value, median in points]
        fits.append(fitted(kind, values[-LARGE:], seconds[-LARGE:], 4 * effort.blocks))
    head = "| grows | points | fitted | products | where they part |"
    yield "growth", markdown_table(head, "|---|---|--:|--:|---|", fits)
    yield "times", markdown_table(f"| size, threads: {threads} | ms a step |", "|---|--:|", times)


def fitted(kind, values, seconds, rounds):
    """One line of the table of exponents."""
    exponent, half = slope(values, seconds)
    predicted, _ = slope(values, [operations(*setting(kind, value)) for value in values])
    why = "–"
    if abs(exponent - predicted) > half:
        why = cause(kind, (values[0], values[-1]), rounds)
    points = f"{values[0]:,} to {values[-1]:,}"
    return f"| {kind} | {points} | {exponent:.2f} ± {half:.2f} | {predicted:.2f} | {why} |"
