"""A pytest plugin: however a run ends, no server, kernel, browser or worker outlives it."""

import signal

from tools import ROOT, guardian
from tools.home import do_without_shared_memory, use_a_writable_home


def pytest_configure(config):
    """In the process that started the others: guard them, and end in order when asked to."""
    if hasattr(config, "workerinput"):
        return
    use_a_writable_home(ROOT)
    do_without_shared_memory()
    guardian.guard()
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
