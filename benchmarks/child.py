"""What a process of its own does for the benchmarks: run one group of rows and print what it finds, line by line."""

import json
import sys

from benchmarks.groups import GROUPS
from benchmarks.measure import QUICK, Effort, packed


def main(group, rows, threads, quick):
    """Run `group`; PyTorch, which may have been told otherwise, takes the same number of threads."""
    for found in GROUPS[group].measured(rows, threads, QUICK if quick else Effort()):
        print(json.dumps(packed(found)), flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
