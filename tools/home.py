"""A home for settings and caches where the user's own cannot be written."""

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
