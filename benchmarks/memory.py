"""Row 12: what a training step allocates after the first, and which line of code asks for it."""

import linecache
import os
import sys
import tracemalloc
from collections import Counter
from itertools import pairwise

from benchmarks.measure import markdown_table
from benchmarks.networks import SIZES, examples, parts, stepped

BATCH = 250  # not 256: x (256, 784) would be as large as the first weight matrix


class Watch:
    """A trace function that notes large new arrays: after every opcode it asks tracemalloc."""

    def __init__(self, smallest):
        self.smallest = smallest
        self.arrays = []
        self.before = 0

    def __call__(self, frame, event, arg):  # noqa: ARG002 - the signature of sys.settrace
        self.look()
        frame.f_trace_opcodes = True
        going_on = frame.f_back if event == "return" else frame
        self.place = (going_on.f_code.co_filename, going_on.f_lineno)
        self.before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        return self

    def look(self):
        """Note the array that the last opcode made, if it made a large one."""
        grown = tracemalloc.get_traced_memory()[1] - self.before
        if grown >= self.smallest:
            self.arrays.append((*self.place, grown))


def step_and_peak(batch):
    """A warm training step, and its peak in bytes above what was there before."""
    X, y = examples(batch)
    network_parts = parts()
    for _ in range(2):
        stepped(*network_parts, X, y)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    stepped(*network_parts, X, y)
    peak = tracemalloc.get_traced_memory()[1] - before
    return lambda: stepped(*network_parts, X, y), peak


def new_arrays(step, smallest):
    """[(file, line, bytes)] of the arrays of at least `smallest` bytes that one step makes.

    Those that it frees again are included.
    """
    watch = Watch(smallest)
    old = sys.gettrace()
    tracemalloc.reset_peak()
    watch.before = tracemalloc.get_traced_memory()[1]
    sys.settrace(watch)
    try:
        step()
    finally:
        sys.settrace(old)
    return watch.arrays


def of_weights(size):
    """Has an array of this many bytes the size of a weight matrix in float32?

    Then it does not grow with the batch.
    """
    return any(abs(size - 4 * a * b) < 2048 for a, b in pairwise(SIZES))


def measured(rows, threads, effort):  # noqa: ARG001 - one signature for all
    """The table of row 12."""
    tracemalloc.start()
    step, peak = step_and_peak(BATCH)
    mask = BATCH * min(SIZES[:-1])
    smallest = 3 * mask // 4  # of a mask: what is freed at the same time hides a part
    made = new_arrays(step, smallest)
    tracemalloc.stop()
    batches = [(*place, size) for *place, size in made if not of_weights(size)]
    megabytes = sum(size for *_, size in batches) / 1e6
    introduction = (
        f"Batch {BATCH}: the peak of a step is {peak / 1e6:.2f} MB above what stays. New arrays as "
        "long as the batch and 256 wide or wider, masks included: "
        f"{len(batches)}, together {megabytes:.2f} MB; as large as a weight matrix: "
        f"{len(made) - len(batches)}. The lines that ask for the former:"
    )
    table = markdown_table("| line | new arrays | kB |", "|---|--:|--:|", lines(batches))
    yield "memory", f"{introduction}\n\n{table}"


def lines(batches):
    """One line of the table for each line of code."""
    count = Counter()
    size = Counter()
    for path, number, grown in batches:
        count[path, number] += 1
        size[path, number] += grown
    for (path, number), times in count.items():
        code = linecache.getline(path, number).split("#")[0].strip().replace("|", "\\|")
        name = os.path.relpath(path) if "helpers" in path else os.path.basename(path)
        yield f"| `{name}`: `{code}` | {times} | {size[path, number] / 1e3:.0f} |"
