"""What every pytest call below this folder uses."""

import os

# Before NumPy is imported: a thread for each core in each process would wait for the others, and
# small products take ten times as long. A value that is set stays.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

pytest_plugins = [
    "tests.support.leftovers",
    "tests.support.schedule",
    "tests.support.durations",
    "tests.notebooks.support.nbval_adapter",
    "tests.project.support.site",
]

# A release has no outputs to compare with (tests/notebooks/test_assignments.py runs it);
# the other folders hold learners' files.
collect_ignore = [
    f"notebooks/assignments/{name}" for name in ("release", "submitted", "autograded", "feedback")
]
