"""Time both sides in turn and write RESULTS.md: python -m benchmarks [--rows 1 4] [--quick]

Each group of rows runs in fresh processes, one for each number of threads: BLAS and OpenMP read
theirs at the start.
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


def child(group, rows, threads, *, quick):
    """Yield what one group finds, from a process with this number of threads."""
    order = json.dumps({"group": group, "rows": rows, "threads": threads, "quick": quick})
    command = [sys.executable, "-m", "benchmarks.child", order]
    env = os.environ | dict.fromkeys(THREADS, str(threads))
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        for packed in process.stdout:
            yield measure.unpacked(*json.loads(packed))
    if process.returncode:
        end = f"ended with exit code {process.returncode}"
        raise SystemExit(f"{group} with {threads} threads {end}")


def measured(rows, *, quick):
    """The Report of these rows; each line is printed as soon as it is there."""
    whole = measure.Report()
    for name, group in GROUPS.items():
        wanted = [row for row in group.rows if row in rows]
        for threads in group.threads if wanted else ():
            for finding in child(name, wanted, threads, quick=quick):
                whole.add(finding)
                print(line(finding), flush=True)
    return whole


def line(finding):
    """What is printed of one finding."""
    if isinstance(finding, measure.Witness):
        return witness_line(finding)
    if isinstance(finding, measure.Result):
        return result_line(finding)
    name, content = finding
    return f"{name}: {content}" if isinstance(content, float) else content


def witness_line(witness):
    """Both numbers, and whether they agree."""
    verdict = "agree" if witness.holds else "DIFFER"
    numbers = f"{witness.ours:.7g} and {witness.theirs:.7g}"
    return f"row {witness.row}: {witness.what}: {numbers} {verdict}"


def result_line(result):
    """The ratio with its quartiles, its aim, and both times."""
    low, ratio, high = result.quartiles()
    missed = "" if result.met else " MISSED"
    aim = "" if result.aim is None else f", aim {result.aim:g}{missed}"
    milliseconds = f"{1e3 * result.ours:.3g} ms to {1e3 * result.theirs:.3g} ms"
    head = f"row {result.row}: {result.what}, {result.setting} / {result.against}"
    return f"{head}: {ratio:.3f} ({low:.3f} to {high:.3f}){aim}; {milliseconds}"


def main(argv=None):
    """The command line."""
    every = sorted({row for group in GROUPS.values() for row in group.rows})
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("--rows", type=int, nargs="+", choices=every, default=every)
    add("--quick", action="store_true", help="a smoke test: its numbers mean nothing")
    folder = "the folder of RESULTS.md and results.png"
    add("--into", type=Path, default=report.FOLDER, help=folder)
    options = parser.parse_args(argv)
    findings = measured(options.rows, quick=options.quick)
    wrong = [line(witness) for witness in findings.witnesses if not witness.holds]
    if wrong:
        sys.exit("\n".join(["The two sides did not do the same work:", *wrong]))
    report.write(findings, options.rows, quick=options.quick, folder=options.into)


if __name__ == "__main__":
    main()
