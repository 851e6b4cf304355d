"""A test that waits to be killed with all that it has started, for test_leftovers."""

import os
import time
from pathlib import Path

from tests.browser.support.lab import write_notebook

WORKERS = """
from joblib import Parallel, delayed
Parallel(n_jobs=2)(delayed(abs)(number) for number in range(2))
"""


def test_waits_to_be_killed(open_notebook, server):
    write_notebook(server.notebooks / "endless.ipynb", [WORKERS])
    with open_notebook("endless.ipynb") as notebook:
        notebook.run_all()
        assert list(notebook.failures()) == []
        Path(os.environ["READY"]).touch()
        time.sleep(600)
