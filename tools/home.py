"""What a machine may lack, and what stands in for it: a home that can be written, shared memory."""

import os
import sys
from pathlib import Path


def use_a_writable_home(root, stream=None):
    """Let HOME be .venv/home, for this process and all that it starts, if HOME cannot be written.

    Jupyter, IPython, matplotlib, pip and browsers all want a place there. A sentence on `stream`,
    by default stderr, says so the first time.
    """
    home = Path(os.path.expanduser("~"))
    if home.is_dir() and os.access(str(home), os.W_OK | os.X_OK):
        return
    ours = root / ".venv" / "home"
    known = ours.is_dir()
    ours.mkdir(parents=True, exist_ok=True)
    for name in ("HOME", "USERPROFILE"):
        os.environ[name] = str(ours)
    if not known:
        message = f"{home} cannot be written: settings and caches go to .venv/home."
        print(message, file=stream or sys.stderr, flush=True)


def do_without_shared_memory():
    """Tell joblib where /dev/shm cannot be written, as in some containers.

    It would find out by itself, with a warning in every notebook, and make all runs in one process.
    """
    if sys.platform == "linux" and not os.access("/dev/shm", os.W_OK):
        os.environ["JOBLIB_MULTIPROCESSING"] = "0"
