"""Makes .venv and installs the course into it, once: python3 -m tools.setup lab test

The names are extras of pyproject.toml. A stamp in .venv says what it was made from; while that
holds, nothing is done. Packages come through uv, or through pip where uv cannot be had or fails.
Python 3.6 must be able to read this file, because it is here that an old Python is told which one
is needed.
"""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from tools.home import use_a_writable_home

ROOT = Path(__file__).resolve().parent.parent
NEEDED = (3, 11)
OFFLINE = (
    "connection broken",
    "connection error",
    "Max retries exceeded",
    "timed out",
    "(from versions: none)",
)
# What pip is told about where packages come from, in uv's words. Lists are separated by the second.
UV_WORDS = {
    "index-url": ("UV_DEFAULT_INDEX", None),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "constraint": ("UV_CONSTRAINT", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", None),
    "proxy": ("ALL_PROXY", None),
    "timeout": ("UV_HTTP_TIMEOUT", None),
    "default-timeout": ("UV_HTTP_TIMEOUT", None),
}


class Refused(Exception):
    """One sentence for the person at the keyboard."""


def check_python(version=sys.version_info, executable=sys.executable):
    if tuple(version[:2]) < NEEDED:
        this = ".".join(str(number) for number in version[:3])
        raise Refused(
            f"Python {NEEDED[0]}.{NEEDED[1]} or newer is needed, and {executable} is "
            f"Python {this}: name a newer one, for example make lab PYTHON=python3.12."
        )


def check_venv(find=find_spec):
    missing = [name for name in ("venv", "ensurepip") if find(name) is None]
    if missing:
        raise Refused(
            f"{sys.executable} comes without its module {missing[0]}: install it "
            f"(on Debian and Ubuntu: apt install python{NEEDED[0]}-venv), then call make again."
        )


def venv_program(root, name):
    """The path of a program in .venv, whether it is there or not."""
    if os.name == "nt":
        return root / ".venv" / "Scripts" / f"{name}.exe"
    return root / ".venv" / "bin" / name


def read_stamp(root):
    """What .venv was made from; {} if there is none, or it belongs to another Python or folder."""
    try:
        stamp = json.loads((root / ".venv" / "stamp.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if stamp["home"] == home(root) and venv_program(root, "python").exists() else {}


def home(root):
    """The Python and the folder that .venv belongs to: with another of either a new one is made."""
    return [sys.version, sys.base_prefix, str(root)]


def digest(root):
    files = [(root / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return [hashlib.sha256(content).hexdigest() for content in files]


def set_up(root, extras):
    """Make .venv hold `extras` and all that it held before; do nothing if it does."""
    old = read_stamp(root)
    extras = sorted({*extras, *old.get("extras", [])})
    new = {"home": home(root), "files": digest(root), "extras": extras}
    if new == old:
        return
    print("Setting up .venv, once ...", flush=True)
    start = time.monotonic()
    try:
        build(root, extras, fresh=not old)
        (root / ".venv" / "stamp.json").write_text(json.dumps(new, indent=1), encoding="utf-8")
    except OSError as error:
        reason = error.strerror or error
        raise Refused(f"The folder {root} cannot be written ({reason}).") from error
    except KeyboardInterrupt:
        raise Refused("Stopped before .venv was complete; the next call starts over.") from None
    print(f"Done in {time.monotonic() - start:.0f} s.", flush=True)


def build(root, extras, fresh):
    # Until all is done, nothing may look done.
    (root / ".venv" / "stamp.json").unlink(missing_ok=True)
    if fresh:
        create(root)
    use_a_writable_home(root)
    install(root, extras)
    build_font_cache(root)


def build_font_cache(root):
    """In the background: the first notebook to draw would report that it builds it."""
    command = [str(venv_program(root, "python")), "-c", "import matplotlib.pyplot"]
    subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def create(root):
    check_venv()
    import venv

    builder = venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt")
    try:
        builder.create(root / ".venv")
    except subprocess.CalledProcessError as error:
        quoted = telling_line((error.output or b"").decode(errors="replace"))
        raise Refused(f'Making .venv failed: Python said "{quoted}".') from error
    except ValueError as error:  # a colon in the folder's name
        raise Refused(f'Making .venv failed: Python said "{error}".') from error


def install(root, extras):
    """Install the course with its extras. The programs' own words go to .venv/install.log."""
    with open(root / ".venv" / "install.log", "w", encoding="utf-8") as log:
        installed = install_with_uv(root, extras, log) or install_with_pip(root, extras, log)
    if not installed:
        text = (root / ".venv" / "install.log").read_text(encoding="utf-8", errors="replace")
        text = text.rpartition("\n$ ")[2]  # what the last program said
        what = "Installing failed"
        if any(words in text for words in OFFLINE):
            what = "The packages could not be fetched, perhaps for want of a network"
        quoted = telling_line(text)
        raise Refused(f'{what}: pip said "{quoted}" (the rest is in .venv/install.log).')


def wanted(extras):
    """The arguments that uv and pip share."""
    return ["-c", "constraints.txt", "-e", f".[{','.join(extras)}]"]


def pip(root):
    python = str(venv_program(root, "python"))
    return [python, "-m", "pip", "--no-input", "--disable-pip-version-check"]


def install_with_pip(root, extras, log):
    return succeeds([*pip(root), "install", *wanted(extras)], root, log)


def install_with_uv(root, extras, log):
    """Whether uv could be had and installed everything; with pip's settings, so with its result."""
    scratch = root / ".venv" / "uv"
    try:
        uv = venv_program(root, "uv")
        if not uv.exists():
            fetch = ["install", "-c", "constraints.txt", "--only-binary", ":all:", "--no-deps"]
            if not succeeds([*pip(root), *fetch, "--target", str(scratch), "uv"], root, log):
                return False
            uv = scratch / "bin" / uv.name
        command = [str(uv), "pip", "install", "--python", str(venv_program(root, "python"))]
        command += ["--no-config", *wanted(extras)]
        return succeeds(command, root, log, {**os.environ, **uv_settings(root)})
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def uv_settings(root):
    """pip's settings, from its files and the environment, as environment variables for uv."""
    command = [*pip(root), "config", "list"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    settings = translated(done.stdout.decode(errors="replace"))
    # pip takes the best version of all places, uv the first place that has one.
    settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in settings.items() if name not in os.environ}


def translated(listed):
    """uv's variables for what `pip config list` printed; a later line wins, as it does for pip."""
    settings = {}
    for line in listed.splitlines():
        match = re.match(r"[^.]+?\.([\w-]+)=(.*)$", line.replace(":env:", "env"))
        if match and match.group(1) in UV_WORDS:
            name, separator = UV_WORDS[match.group(1)]
            value = ast.literal_eval(match.group(2))
            values = [part for part in value.split() if not is_missing_folder(part)]
            settings[name] = value if separator is None else separator.join(values)
    return {name: value for name, value in settings.items() if value}


def is_missing_folder(place):
    """Whether a place of packages is a folder that does not exist; pip passes over it."""
    path = place[len("file://") :] if place.startswith("file://") else place
    return path.startswith("/") and not os.path.exists(path)


def succeeds(command, root, log, env=None):
    log.write("\n$ {}\n".format(" ".join(command)))
    log.flush()
    try:
        return subprocess.call(command, cwd=str(root), stdout=log, stderr=log, env=env) == 0
    except OSError as error:  # no program for this machine
        log.write(f"{error}\n")
        return False


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
