"""Which rows are measured together, with how many threads, and by what."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks import growth, linear, memory, modules, networks, processes, profile, small


@dataclass(frozen=True)
class Group:
    """`measured(rows, threads, effort)` yields findings.

    It runs in a new process for each number of `threads`.
    """

    rows: tuple
    threads: tuple
    measured: Callable


OURS = 0
PYTORCH = 1
GROUPS = {
    "step": Group((1, 2, 3), (1, 2), networks.measured),
    "ours alone": Group((1,), (networks.ALONE_THREADS,), partial(networks.alone, OURS)),
    "PyTorch alone": Group((1,), (networks.ALONE_THREADS,), partial(networks.alone, PYTORCH)),
    "profile": Group((0,), (1, 2), profile.measured),
    "small": Group((4, 5), (1,), small.measured),
    "modules": Group((6, 7), (1, 2), modules.measured),
    "linear": Group((8,), (1,), linear.measured),
    "processes": Group((9, 10, 11), (1,), processes.measured),
    "memory": Group((12,), (1,), memory.measured),
    "growth": Group((13,), (1,), growth.measured),
}
