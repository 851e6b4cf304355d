"""Measure, side by side, and write RESULTS.md with its figure: python -m benchmarks [--rows 1 4] [--quick]

Each group of rows runs in fresh processes, one for each number of threads: BLAS and OpenMP read theirs at the start.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import measure, report
from benchmarks.groups import GROUPS

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def child(group, rows, threads, quick):
    """Yield what one group finds, from a process with this number of threads."""
    order = json.dumps({"group": group, "rows": rows, "threads": threads, "quick": quick})
    command = [sys.executable, "-m", "benchmarks.child", order]
    env = os.environ | dict.fromkeys(THREADS, str(threads))
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            yield measure.unpacked(*json.loads(line))
    if process.returncode:
        raise SystemExit(
            f"{group} with {threads} threads ended with exit code {process.returncode}"
        )


def measured(rows, quick):
    """The Report of these rows; each line is printed when it is there."""
    whole = measure.Report()
    for name, group in GROUPS.items():
        wanted = [row for row in group.rows if row in rows]
        for threads in group.threads if wanted else ():
            for found in child(name, wanted, threads, quick):
                whole.add(found)
                print(line(found), flush=True)
    return whole


def line(found):
    """What is printed of one thing that was found."""
    if isinstance(found, measure.Witness):
        verdict = "agree" if found.holds else "DIFFER"
        return f"row {found.row}: {found.what}: {found.ours:.7g} and {found.theirs:.7g} {verdict}"
    if isinstance(found, tuple):
        return f"{found[0]}: {found[1]}" if isinstance(found[1], float) else found[1]
    low, ratio, high = found.quartiles()
    aim = "" if found.aim is None else f", aim {found.aim:g}{'' if found.met else ' MISSED'}"
    milliseconds = f"{1e3 * found.ours:.3g} ms to {1e3 * found.theirs:.3g} ms"
    head = f"row {found.row}: {found.what}, {found.setting} / {found.against}"
    return f"{head}: {ratio:.3f} ({low:.3f} to {high:.3f}){aim}; {milliseconds}"


def main(argv=None):
    every = sorted({row for group in GROUPS.values() for row in group.rows})
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rows", type=int, nargs="+", choices=every, default=every)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test: its numbers mean nothing"
    )
    parser.add_argument(
        "--into", type=Path, default=report.FOLDER, help="the folder of RESULTS.md and results.png"
    )
    options = parser.parse_args(argv)
    found = measured(options.rows, options.quick)
    if wrong := [line(witness) for witness in found.witnesses if not witness.holds]:
        sys.exit("\n".join(["The two sides did not do the same work:", *wrong]))
    report.write(found, options.rows, options.quick, options.into)


if __name__ == "__main__":
    main()
