"""Row 0: where the time of one training step goes, part by part."""

import time
from collections import defaultdict

import numpy as np

from benchmarks.measure import block, markdown_table
from benchmarks.networks import DROPPED, SIZES, examples, parts, products_step, stepped
from helpers.layers import ReLU
from helpers.noise import Dropout

PRODUCTS = "matrix products, timed alone"
REST = "Linear beyond these: bias, sums, copies"
DRAWS = "random draws"
MASKS = "masks and their scale"
RELU = "ReLU"


class Stopwatch:
    """Adds up in `spent`, by name, the seconds that the functions it wraps take.

    What one of them spends inside another counts for the other alone.
    """

    def __init__(self):
        self.spent = defaultdict(float)
        self.inner = [0.0]

    def wrap(self, name, function):
        """The function with its time taken."""

        def timed(*args, **kwargs):
            self.inner.append(0.0)
            start = time.perf_counter()
            result = function(*args, **kwargs)
            whole = time.perf_counter() - start
            self.spent[name] += whole - self.inner.pop()
            self.inner[-1] += whole
            return result

        return timed

    def methods(self, name, thing, *methods):
        """Take the time of these methods of this one object."""
        for method in methods:
            setattr(thing, method, self.wrap(name, getattr(thing, method)))


class TimedGenerator:
    """A generator of random numbers whose draws are timed."""

    def __init__(self, rng, watch):
        self.rng = rng
        self.watch = watch

    def __getattr__(self, name):
        attribute = getattr(self.rng, name)
        return self.watch.wrap(DRAWS, attribute) if callable(attribute) else attribute


def watched(model, loss, optimizer):
    """A Stopwatch on every part of a step."""
    watch = Stopwatch()
    for layer in model.layers:
        watch.methods(part_of(layer), layer, "forward", "backward", "backward_parameters")
        if isinstance(layer, Dropout):
            layer.rng = TimedGenerator(layer.rng, watch)
    watch.methods("loss", loss, "value", "backward")
    watch.methods("optimizer, with zeroing", optimizer, "zero_grad", "step")
    return watch


def part_of(layer):
    """The name of the part that a layer's time belongs to."""
    if isinstance(layer, Dropout):
        return MASKS
    return RELU if isinstance(layer, ReLU) else REST


def shares(batch, rounds, sizes=SIZES, dropped=DROPPED):
    """Median seconds of each part of a step, a dict.

    The matrix products are timed alone, between the steps.
    """
    X, y = examples(batch, sizes)
    model, loss, optimizer = parts(sizes, dropped)
    alone = products_step(model, X, y)
    watch = watched(model, loss, optimizer)
    seen = defaultdict(list)
    for _ in range(rounds):
        watch.spent.clear()
        whole = block(lambda: stepped(model, loss, optimizer, X, y), 1)
        for name, seconds in watch.spent.items():
            seen[name].append(seconds)
        seen["calls between the parts"].append(whole - sum(watch.spent.values()))
        seen[PRODUCTS].append(block(alone, 1))
    medians = {name: float(np.median(values[rounds // 4 :])) for name, values in seen.items()}
    products = medians.pop(PRODUCTS)
    rest = medians.pop(REST)
    return {PRODUCTS: products, REST: max(0.0, rest - products), **medians}


def measured(rows, threads, effort):  # noqa: ARG001 - one signature for all
    """The table of the parts at a batch of 256."""
    parts_of_step = shares(256, 20 * effort.blocks)
    whole = sum(parts_of_step.values())
    lines = [
        f"| {name} | {1e3 * seconds:.3f} | {seconds / whole:.0%} |"
        for name, seconds in parts_of_step.items()
    ]
    lines.append(f"| all | {1e3 * whole:.3f} | |")
    head = f"| part, batch 256, threads: {threads} | ms | share |"
    yield f"profile, threads: {threads}", markdown_table(head, "|---|--:|--:|", lines)
