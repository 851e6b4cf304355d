"""Row 12: what a training step allocates after the first, by tracemalloc, and which line of code asks for it."""

import linecache
import os
import sys
import tracemalloc
from collections import Counter
from itertools import pairwise

from benchmarks.networks import SIZES, examples, parts, stepped

BATCH = 250  # not 256: x (256, 784) would be as large as the first weight matrix


class Watch:
    """A trace function that asks tracemalloc after every opcode how much was new, and notes what is large."""

    def __init__(self, smallest):
        self.smallest, self.found, self.before = smallest, [], 0

    def __call__(self, frame, event, arg):  # noqa: ARG002 - the signature of sys.settrace
        self.look()
        frame.f_trace_opcodes = True
        going_on = frame.f_back if event == "return" else frame
        self.place = going_on.f_code.co_filename, going_on.f_lineno
        self.before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        return self

    def look(self):
        """Note the array that the last opcode made, if it made a large one."""
        grown = tracemalloc.get_traced_memory()[1] - self.before
        if grown >= self.smallest:
            self.found.append((*self.place, grown))


def step_and_peak(batch):
    """A warm training step, and its peak in bytes above what was there before."""
    X, y = examples(batch)
    made = parts()
    for _ in range(2):
        stepped(*made, X, y)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    stepped(*made, X, y)
    return lambda: stepped(*made, X, y), tracemalloc.get_traced_memory()[1] - before


def new_arrays(step, smallest):
    """[(file, line, bytes)] of the arrays of `smallest` bytes or more that one step makes, those it frees included."""
    watch, old = Watch(smallest), sys.gettrace()
    tracemalloc.reset_peak()
    watch.before = tracemalloc.get_traced_memory()[1]
    sys.settrace(watch)
    try:
        step()
    finally:
        sys.settrace(old)
    return watch.found


def of_weights(size):
    """Has an array of this many bytes the size of a weight matrix in float32, and so does not grow with the batch?"""
    return any(abs(size - 4 * a * b) < 2048 for a, b in pairwise(SIZES))


def measured(rows, threads, effort):  # noqa: ARG001 - one signature for all
    """The table of row 12."""
    tracemalloc.start()
    step, peak = step_and_peak(BATCH)
    smallest = (
        3 * BATCH * min(SIZES[:-1]) // 4
    )  # of a mask: what is freed at the same time hides a part
    made = new_arrays(step, smallest)
    tracemalloc.stop()
    batches = [(*place, size) for *place, size in made if not of_weights(size)]
    megabytes = sum(size for *_, size in batches) / 1e6
    head = (
        f"Batch {BATCH}: the peak of a step is {peak / 1e6:.2f} MB above what stays. New arrays as long as the batch "
        f"and 256 wide or wider, masks included: {len(batches)}, together {megabytes:.2f} MB; as large as a weight "
        f"matrix: {len(made) - len(batches)}. The lines that ask for the former:"
    )
    yield (
        "memory",
        "\n".join([head, "", "| line | new arrays | kB |", "|---|--:|--:|", *lines(batches)]),
    )


def lines(batches):
    """One line of the table for each line of code."""
    count, size = Counter(), Counter()
    for path, number, grown in batches:
        count[path, number] += 1
        size[path, number] += grown
    for (path, number), times in count.items():
        code = linecache.getline(path, number).split("#")[0].strip().replace("|", "\\|")
        name = os.path.relpath(path) if "helpers" in path else os.path.basename(path)
        yield f"| `{name}`: `{code}` | {times} | {size[path, number] / 1e3:.0f} |"
