"""Row 0: where the time of one training step goes, part by part."""

import time
from collections import defaultdict

import numpy as np

from benchmarks.measure import block
from benchmarks.networks import DROPPED, SIZES, examples, parts, products_step, stepped
from helpers.layers import ReLU
from helpers.noise import Dropout

PRODUCTS, REST = "matrix products, timed alone", "Linear beyond these: bias, sums, copies"
DRAWS, MASKS, RELU = "random draws", "masks and their scale", "ReLU"


class Stopwatch:
    """Adds up in `spent`, by name, what the functions that it wraps take, without what they call of one another."""

    def __init__(self):
        self.spent, self.inner = defaultdict(float), [0.0]

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
        self.rng, self.watch = rng, watch

    def __getattr__(self, name):
        found = getattr(self.rng, name)
        return self.watch.wrap(DRAWS, found) if callable(found) else found


def watched(model, loss, optimizer):
    """A Stopwatch on every part of a step."""
    watch = Stopwatch()
    for layer in model.layers:
        name = MASKS if isinstance(layer, Dropout) else RELU if isinstance(layer, ReLU) else REST
        watch.methods(name, layer, "forward", "backward", "backward_parameters")
        if isinstance(layer, Dropout):
            layer.rng = TimedGenerator(layer.rng, watch)
    watch.methods("loss", loss, "value", "backward")
    watch.methods("optimizer, with zeroing", optimizer, "zero_grad", "step")
    return watch


def shares(batch, rounds, sizes=SIZES, dropped=DROPPED):
    """Median seconds of each part of a step, a dict. The matrix products are timed alone, between the steps."""
    X, y = examples(batch, sizes)
    model, loss, optimizer = parts(sizes, dropped)
    alone, watch, seen = (
        products_step(model, X, y),
        watched(model, loss, optimizer),
        defaultdict(list),
    )
    for _ in range(rounds):
        watch.spent.clear()
        whole = block(lambda: stepped(model, loss, optimizer, X, y), 1)
        for name, seconds in watch.spent.items():
            seen[name].append(seconds)
        seen["calls between the parts"].append(whole - sum(watch.spent.values()))
        seen[PRODUCTS].append(block(alone, 1))
    found = {name: float(np.median(values[rounds // 4 :])) for name, values in seen.items()}
    products, rest = found.pop(PRODUCTS), found.pop(REST)
    return {PRODUCTS: products, REST: max(0.0, rest - products), **found}


def measured(rows, threads, effort):  # noqa: ARG001 - one signature for all
    """The table of the parts at a batch of 256."""
    found = shares(256, 20 * effort.blocks)
    whole = sum(found.values())
    lines = [
        f"| {name} | {1e3 * seconds:.3f} | {seconds / whole:.0%} |"
        for name, seconds in found.items()
    ]
    head = [f"| part, batch 256, threads: {threads} | ms | share |", "|---|--:|--:|"]
    yield (
        f"profile, threads: {threads}",
        "\n".join([*head, *lines, f"| all | {1e3 * whole:.3f} | |"]),
    )
