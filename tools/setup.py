"""Makes .venv and installs the course into it, once: python3 tools/setup.py lab test

The names are extras of pyproject.toml. A stamp in .venv says what it was made from; while that holds, nothing is done.
Python 3.6 must be able to read this file, because it is here that an old Python is told which one is needed.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = (3, 11)
OFFLINE = (
    "connection broken",
    "connection error",
    "Max retries exceeded",
    "timed out",
    "(from versions: none)",
)


class Refused(Exception):
    """One sentence for the person at the keyboard."""


def check_python(version=sys.version_info, executable=sys.executable):
    if tuple(version[:2]) < NEEDED:
        this = ".".join(str(number) for number in version[:3])
        raise Refused(
            f"Python {NEEDED[0]}.{NEEDED[1]} or newer is needed, and {executable} is Python {this}: "
            "name a newer one, for example make lab PYTHON=python3.12."
        )


def check_venv(find=find_spec):
    missing = [name for name in ("venv", "ensurepip") if find(name) is None]
    if missing:
        raise Refused(
            f"{sys.executable} comes without its module {missing[0]}: install it "
            f"(on Debian and Ubuntu: apt install python{NEEDED[0]}-venv), then call make again."
        )


def venv_python(root):
    return root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def read_stamp(root):
    """What .venv was made from; {} when it is not there, or is not finished, or is of no use here."""
    try:
        stamp = json.loads((root / ".venv" / "stamp.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if stamp["home"] == home(root) and venv_python(root).exists() else {}


def home(root):
    """The Python and the folder that .venv belongs to: with another of either it must be made anew."""
    return [sys.version, sys.base_prefix, str(root)]


def digest(root):
    files = [(root / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return [hashlib.sha256(content).hexdigest() for content in files]


def set_up(root, extras):
    """Makes .venv hold `extras` and all that it held before; does nothing when it does."""
    old = read_stamp(root)
    extras = sorted({*extras, *old.get("extras", [])})
    new = {"home": home(root), "files": digest(root), "extras": extras}
    if new == old:
        return
    print("Setting up .venv: a minute or two, once ...", flush=True)
    start = time.monotonic()
    try:
        build(root, extras, fresh=not old)
        (root / ".venv" / "stamp.json").write_text(json.dumps(new, indent=1), encoding="utf-8")
    except OSError as error:
        raise Refused(f"The folder {root} cannot be written ({error.strerror}).") from error
    except KeyboardInterrupt:
        raise Refused("Stopped before .venv was complete; the next call starts over.") from None
    print(f"Done in {time.monotonic() - start:.0f} s.", flush=True)


def build(root, extras, fresh):
    (root / ".venv" / "stamp.json").unlink(
        missing_ok=True
    )  # until all is done, nothing may look done
    if fresh:
        create(root)
    install(root, extras)
    # Builds the font cache, which a first notebook would report otherwise.
    subprocess.call(
        [venv_python(root), "-c", "import matplotlib.pyplot"], stderr=subprocess.DEVNULL
    )


def create(root):
    check_venv()
    import venv

    try:
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(root / ".venv")
    except subprocess.CalledProcessError as error:
        said = telling_line((error.output or b"").decode(errors="replace"))
        raise Refused(f'Making .venv failed: Python said "{said}".') from error
    except ValueError as error:  # a colon in the folder's name
        raise Refused(f'Making .venv failed: Python said "{error}".') from error


def install(root, extras):
    """pip's own words go to .venv/install.log; its last telling line is quoted when it fails."""
    log = root / ".venv" / "install.log"
    command = [
        venv_python(root),
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
    ]
    command += ["-c", "constraints.txt", "-e", f".[{','.join(extras)}]"]
    with open(log, "w", encoding="utf-8") as output:
        code = subprocess.call(command, cwd=root, stdout=output, stderr=subprocess.STDOUT)
    if code != 0:
        text = log.read_text(encoding="utf-8", errors="replace")
        offline = any(words in text for words in OFFLINE)
        what = (
            "The packages could not be fetched, perhaps for want of a network"
            if offline
            else "Installing failed"
        )
        raise Refused(
            f'{what}: pip said "{telling_line(text)}" (the rest is in .venv/install.log).'
        )


def telling_line(text):
    """pip's last ERROR, or else the last error of a program that pip ran, or else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["nothing"]
    for pattern in (r"ERROR: (.*)", r"(\w+Error: .*)"):
        found = [match[1] for match in (re.match(pattern, line) for line in lines) if match]
        if found:
            return found[-1]
    return lines[-1]


def main(extras):
    try:
        check_python()
        set_up(ROOT, extras)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
