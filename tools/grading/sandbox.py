"""The command line that shuts a program in: bubblewrap takes the files and the network away, prlimit the rest.

Inside there are the system's programs, this Python with its packages and the package `helpers`, all read-only, and an
empty folder to work in that is gone afterwards. The course, its solutions, the submissions and the home folder are not
there. A program of root runs as a user that does not exist, because limits on processes do not bind root.
"""

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from helpers import data
from tools.notebooks import form

HOME = "/home/learner"
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC = (
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "localtime",
    "mime.types",
)
ROOM = 128 * 2**20  # bytes in each folder that can be written
TOOLS = ("bwrap", "prlimit", "choom", "setpriv")


class Limits(NamedTuple):
    """Seconds of a cell, of a call by a check, from an interrupt to the end, of a submission; bytes; processes."""

    cell: float = 60
    call: float = 20
    grace: float = 2
    submission: float = 300
    memory: int = 4 * 2**30
    file: int = 20 * 2**20
    output: int = 2 * 2**20
    processes: int = 256


class NoSandbox(Exception):
    """One sentence for the teacher: what is missing and how to go on."""


def check():
    """Raise NoSandbox unless a program can be shut in on this machine."""
    missing = [name for name in TOOLS if shutil.which(name) is None]
    if missing:
        reason = f"the program {missing[0]} is missing"
    else:
        tried = subprocess.run(
            command(["true"], Limits()), capture_output=True, text=True, errors="replace"
        )
        if tried.returncode == 0:
            return
        reason = f'{_what_failed(tried.stderr)}: "{tried.stderr.strip()[:200]}"'
    raise NoSandbox(
        f"Submissions cannot be shut in, {reason}: install bubblewrap 0.8 or newer (apt install bubblewrap) and allow "
        "user namespaces, or grade submissions that you trust with ARGS=--trusted."
    )


def _what_failed(said):
    return (
        "user namespaces are forbidden here"
        if "namespace" in said or "uid map" in said
        else "bwrap failed"
    )


def command(program, limits, files=()):
    """`program` (a list), wrapped. `files` are pairs (path outside, path inside) that it may read as well."""
    root = os.geteuid() == 0
    own = [
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
    ]
    users = [] if root else ["--unshare-user", "--disable-userns"]
    pairs = [*_readable(), *files]
    binds = [part for pair in pairs for part in ("--ro-bind", *map(str, pair))]
    links = [
        part
        for name in SYSTEM
        if Path(name).is_symlink()
        for part in ("--symlink", os.readlink(name), name)
    ]
    folders = [part for name in ("/tmp", HOME) for part in _room(name)]
    return [
        *(
            "bwrap",
            *users,
            *own,
            "--hostname",
            "sandbox",
            "--die-with-parent",
            "--new-session",
            "--clearenv",
        ),
        *(part for pair in environment().items() for part in ("--setenv", *pair)),
        *("--proc", "/proc", "--dev", "/dev", *_room("/dev/shm"), "--remount-ro", "/dev"),
        *(*folders, *_parents(inside for _, inside in pairs), *links, *binds),
        *("--remount-ro", "/", "--chdir", HOME, "--"),
        *("choom", "-n", "1000", "--"),  # where memory runs out, this goes first
        *_prlimit(limits),
        *(_nobody() if root else []),
        *program,
    ]


def _readable():
    """Pairs (outside, inside) of what is needed to run a notebook."""
    wanted = [*SYSTEM, *(f"/etc/{name}" for name in ETC), sys.base_prefix, sys.prefix]
    wanted += [Path(data.__file__).parent, data.FOLDER]
    kept = dict.fromkeys(
        str(path) for path in wanted if Path(path).exists() and not Path(path).is_symlink()
    )
    inside_another = {
        path for path in kept if any(Path(other) in Path(path).parents for other in kept)
    }
    return [(path, path) for path in kept if path not in inside_another]


def _parents(paths):
    """The folders above `paths`: bubblewrap would make them for its own user alone."""
    above = dict.fromkeys(str(folder) for path in paths for folder in reversed(Path(path).parents))
    modes = {f"{HOME}/.matplotlib": "1777"}
    wanted = (folder for folder in above if folder not in ("/", "/tmp", HOME))
    return [
        part
        for folder in wanted
        for part in ("--perms", modes.get(folder, "0755"), "--dir", folder)
    ]


def _room(path):
    return ["--perms", "1777", "--size", str(ROOM), "--tmpfs", path]


def _prlimit(limits):
    numbers = {
        "as": limits.memory,
        "fsize": limits.file,
        "nproc": limits.processes,
        "cpu": int(limits.submission) + 1,
        "nofile": 1024,
        "core": 0,
    }
    return ["prlimit", *(f"--{name}={number}:{number}" for name, number in numbers.items()), "--"]


def _nobody():
    """Another user in every sandbox: the number of its processes is counted for itself."""
    number = str(10**9 + secrets.randbelow(10**9))
    return [
        "setpriv",
        "--reuid",
        number,
        "--regid",
        number,
        "--clear-groups",
        "--bounding-set=-all",
        "--no-new-privs",
    ]


def environment():
    """The environment variables of a notebook that is graded."""
    wanted = form.kernel_environment(f"{HOME}/.ipython") | {
        "PATH": os.pathsep.join(
            [str(Path(sys.prefix) / "bin"), "/usr/local/bin", "/usr/bin", "/bin"]
        ),
        "HOME": HOME,
        "USER": "learner",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
        "MPLCONFIGDIR": f"{HOME}/.matplotlib",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "LOKY_MAX_CPU_COUNT": "2",
    }
    return {key: value for key, value in wanted.items() if value is not None}


def font_cache():
    """Pairs (outside, inside): matplotlib's list of fonts, which takes seconds to make anew."""
    import matplotlib

    form.build_font_cache()
    files = Path(matplotlib.get_cachedir()).glob("fontlist-*.json")
    return [(path, f"{HOME}/.matplotlib/{path.name}") for path in files]
