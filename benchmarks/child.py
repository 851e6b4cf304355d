"""One process of the benchmarks: runs one group of rows and prints each finding as a line."""

import json
import sys

from benchmarks.groups import GROUPS
from benchmarks.measure import QUICK, Effort, packed


def main(group, rows, threads, quick):
    """Run `group`; PyTorch, which reads other variables too, uses the same number of threads."""
    effort = QUICK if quick else Effort()
    for finding in GROUPS[group].measured(rows, threads, effort):
        print(json.dumps(packed(finding)), flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
