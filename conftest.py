"""Load the notebook checks for every pytest call below this folder."""

pytest_plugins = ["tests.notebooks.support.nbval_adapter"]

# A release has no outputs to compare with (tests/notebooks/test_assignments.py runs it); the others hold learners' files.
collect_ignore = [
    f"notebooks/assignments/{name}" for name in ("release", "submitted", "autograded", "feedback")
]
