"""Row 13: how the time of a step grows with width, batch and depth, beside what the arithmetic predicts."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.stats import linregress, t

from benchmarks.measure import side_by_side
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
    """Sizes and batch: the width of both hidden layers, the batch, or the number of hidden layers of 256 changes."""
    width, depth = (value if kind == "width" else 256), (value if kind == "depth" else 2)
    return (784, *[width] * depth, 10), (value if kind == "batch" else 256)


def operations(sizes, batch):
    """Multiplications and additions in the matrix products of a step: three for each weight, two for the first's."""
    products = [3 * a * b for a, b in pairwise(sizes)]
    return 2 * batch * (sum(products) - sizes[0] * sizes[1])


def slope(x, y):
    """The exponent of y ~ x^k by least squares on logarithms, and half its 95 % interval."""
    fit = linregress(np.log(x), np.log(y))
    return fit.slope, t.ppf(0.975, len(x) - 2) * fit.stderr


def swept(kind, effort):
    """(values, seconds): the median over rounds that take all sizes in turn."""
    values = SWEEPS[kind][: None if effort.blocks >= ROUNDS else LARGE]
    cases = {value: setting(kind, value) for value in values}
    steps = {
        value: helpers_step(*examples(batch, sizes), sizes)
        for value, (sizes, batch) in cases.items()
    }
    seconds = side_by_side(steps, replace(effort, blocks=min(effort.blocks, ROUNDS)))
    return values, [float(np.median(seconds[value])) for value in values]


def cause(kind, values, rounds):
    """A sentence from two profiles, at both ends of the fit: share and speed of the products, and what is next."""
    found = [
        shares(batch, rounds, sizes) for sizes, batch in (setting(kind, value) for value in values)
    ]
    whole = [sum(parts.values()) for parts in found]
    rates = [
        operations(*setting(kind, v)) / parts[PRODUCTS] / 1e9
        for v, parts in zip(values, found, strict=True)
    ]
    share = [parts.pop(PRODUCTS) / all_of_it for parts, all_of_it in zip(found, whole, strict=True)]
    name = max(found[0], key=found[0].get)
    other = [parts[name] / all_of_it for parts, all_of_it in zip(found, whole, strict=True)]
    return (
        f"from {kind} {values[0]:,} to {values[1]:,} the products go from {share[0]:.0%} to {share[1]:.0%} of the "
        f"step, and from {rates[0]:.0f} to {rates[1]:.0f} billion operations a second; "
        f"{name}: {other[0]:.0%} to {other[1]:.0%}"
    )


def measured(rows, threads, effort):  # noqa: ARG001 - one signature for all
    """The tables of row 13: the times, and the exponents at the large end."""
    times, fits = [], []
    for kind in SWEEPS:
        values, seconds = swept(kind, effort)
        times += [
            f"| {kind} {value:,} | {1e3 * s:.3g} |"
            for value, s in zip(values, seconds, strict=True)
        ]
        fits.append(fitted(kind, values[-LARGE:], seconds[-LARGE:], 4 * effort.blocks))
    yield (
        "growth",
        "\n".join(
            [
                "| grows | points | fitted | products | where they part |",
                "|---|---|--:|--:|---|",
                *fits,
            ]
        ),
    )
    yield "times", "\n".join([f"| size, threads: {threads} | ms a step |", "|---|--:|", *times])


def fitted(kind, values, seconds, rounds):
    """One line of the table of exponents."""
    exponent, half = slope(values, seconds)
    predicted, _ = slope(values, [operations(*setting(kind, value)) for value in values])
    why = "–" if abs(exponent - predicted) <= half else cause(kind, (values[0], values[-1]), rounds)
    return f"| {kind} | {values[0]:,} to {values[-1]:,} | {exponent:.2f} ± {half:.2f} | {predicted:.2f} | {why} |"
