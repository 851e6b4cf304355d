"""Opens JupyterLab on notebooks/, for this computer alone: make lab ARGS="--no-browser --port 8899"

The arguments are JupyterLab's own. The course's settings are in tools/jupyter/; the learner's own
stay untouched.
"""

import argparse
import os
import socket
import sys

from tools import ROOT, guardian
from tools.home import do_without_shared_memory, use_a_writable_home
from tools.setup import read_stamp


def asked_port(args):
    """The port that the arguments ask for; None when they leave the choice to JupyterLab."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--port", "--ServerApp.port")
    return parser.parse_known_args(args)[0].port


def refusal(port):
    """Why `port` cannot be had, in one sentence; "" when it can."""
    if not (port.isdecimal() and int(port) < 65536):
        return f"--port must be a number from 0 to 65535, got {port}."
    with socket.socket() as probe:
        if os.name != "nt":  # there it would share a busy port; here it ignores closed connections
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
        except OSError as error:
            return (
                f"Port {port} cannot be used ({error.strerror}): "
                'leave --port out, or choose another, for example make lab ARGS="--port 8900".'
            )
    return ""


def options():
    """What depends on where the course lies; all else is in tools/jupyter/."""
    return [
        f"--ServerApp.root_dir={ROOT}",
        # A layout saved by another JupyterLab of the learner would open other folders.
        f"--LabApp.workspaces_dir={ROOT / '.venv' / 'workspaces'}",
        # In a container one is root; the server listens to this computer alone and wants its token.
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
    ]


def settings():
    """The folders of settings; of two that disagree the first one wins."""
    ours = ROOT / "tools" / "jupyter"
    if "grade" in read_stamp(ROOT).get("extras", []):
        yield from (ours / "grading", ours, ROOT / "notebooks" / "assignments")
    else:
        yield ours
    if "JUPYTER_CONFIG_PATH" in os.environ:
        yield os.environ["JUPYTER_CONFIG_PATH"]


def main(args):
    port = asked_port(args)
    sentence = "" if port is None else refusal(port)
    if sentence:
        print(sentence, file=sys.stderr)
        return 1
    use_a_writable_home(ROOT)
    do_without_shared_memory()
    guardian.guard()
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(map(str, settings()))
    from jupyterlab.labapp import LabApp  # a second's import, after the quick refusals

    return LabApp.launch_instance([*options(), *args])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
