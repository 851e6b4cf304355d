"""The command line that shuts a program in.

bubblewrap takes the files and the network away, prlimit the rest. Inside there are the system's
programs, this Python with its packages and the package `helpers`, all read-only, and an empty
folder to work in, which is gone afterwards. The course, its solutions, the submissions and the home
folder are not there. A program of root runs as a user that does not exist, because limits on
processes do not bind root.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
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
WRITABLE_BYTES = 128 * 2**20  # in each folder that can be written
PROGRAMS = ("bwrap", "prlimit", "choom", "setpriv")


class Limits(NamedTuple):
    """What a submission may take: seconds, bytes, processes."""

    cell: float = 60  # seconds of one cell
    call: float = 20  # seconds of one call by a check
    grace: float = 2  # seconds from an interrupt to the end
    submission: float = 300  # seconds of all of it
    memory: int = 4 * 2**30  # bytes
    file: int = 20 * 2**20  # bytes of one file
    output: int = 2 * 2**20  # bytes of one cell's output
    processes: int = 256


class NoSandbox(Exception):
    """One sentence for the teacher: what is missing and how to go on."""


def check() -> None:
    """Raise NoSandbox unless a program can be shut in on this machine."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise _no_sandbox(f"the program {missing[0]} is missing")
    trial = subprocess.run(
        command(["true"], Limits()), capture_output=True, text=True, errors="replace"
    )
    if trial.returncode != 0:
        raise _no_sandbox(f'{_what_failed(trial.stderr)}: "{trial.stderr.strip()[:200]}"')


def _no_sandbox(reason: str) -> NoSandbox:
    return NoSandbox(
        f"Submissions cannot be shut in, {reason}: install bubblewrap 0.8 or newer (apt install "
        "bubblewrap) and allow user namespaces, or grade submissions that you trust with "
        "ARGS=--trusted."
    )


def _what_failed(stderr: str) -> str:
    if "namespace" in stderr or "uid map" in stderr:
        return "user namespaces are forbidden here"
    return "bwrap failed"


def command(
    program: Sequence[str], limits: Limits, files: Iterable[tuple[str | Path, str]] = ()
) -> list[str]:
    """The command line that runs `program` shut in.

    `files` are pairs (path outside, path inside) of what it may read as well.
    """
    is_root = os.geteuid() == 0
    readable = [*_readable(), *files]
    return [
        "bwrap",
        *_namespaces(is_root),
        *("--hostname", "sandbox"),
        "--die-with-parent",
        "--new-session",
        "--clearenv",
        *_options("--setenv", environment().items()),
        *_file_system(readable),
        "--chdir",
        HOME,
        "--",
        *_first_to_go(),
        *_prlimit(limits),
        *(_nobody() if is_root else []),
        *program,
    ]


def _options(option: str, pairs: Iterable[tuple]) -> list[str]:
    """The option once for each pair, followed by both of its parts."""
    return [word for pair in pairs for word in (option, *map(str, pair))]


def _namespaces(is_root: bool) -> list[str]:
    users = [] if is_root else ["--unshare-user", "--disable-userns"]
    everyone = "--unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try"
    return [*users, *everyone.split()]


def _file_system(readable: list[tuple[str | Path, str]]) -> list[str]:
    """Options in the order in which bubblewrap carries them out; in the end / is read-only."""
    links = [(os.readlink(path), path) for path in SYSTEM if Path(path).is_symlink()]
    return [
        *("--proc", "/proc"),
        *("--dev", "/dev"),
        *_writable("/dev/shm"),
        *("--remount-ro", "/dev"),
        *_writable("/tmp"),
        *_writable(HOME),
        *_parents(inside for _, inside in readable),
        *_options("--symlink", links),
        *_options("--ro-bind", readable),
        *("--remount-ro", "/"),
    ]


def _readable() -> list[tuple[str, str]]:
    """Pairs (outside, inside) of what is needed to run a notebook."""
    candidates = [*SYSTEM, *(f"/etc/{name}" for name in ETC), sys.base_prefix, sys.prefix]
    candidates += [Path(data.__file__).parent, data.FOLDER]
    paths = dict.fromkeys(
        str(path) for path in candidates if Path(path).exists() and not Path(path).is_symlink()
    )
    inside_another = {
        path for path in paths if any(Path(other) in Path(path).parents for other in paths)
    }
    return [(path, path) for path in paths if path not in inside_another]


def _parents(paths: Iterable[str]) -> list[str]:
    """The folders above `paths`; bubblewrap would make them for its own user alone."""
    above = dict.fromkeys(str(folder) for path in paths for folder in reversed(Path(path).parents))
    folders = [folder for folder in above if folder not in ("/", "/tmp", HOME)]
    return [word for folder in folders for word in ("--perms", _mode(folder), "--dir", folder)]


def _mode(folder: str) -> str:
    return "1777" if folder == f"{HOME}/.matplotlib" else "0755"


def _writable(path: str) -> list[str]:
    return ["--perms", "1777", "--size", str(WRITABLE_BYTES), "--tmpfs", path]


def _first_to_go() -> list[str]:
    """Where the machine runs out of memory, the system ends this program first."""
    return ["choom", "-n", "1000", "--"]


def _prlimit(limits: Limits) -> list[str]:
    numbers = {
        "as": limits.memory,
        "fsize": limits.file,
        "nproc": limits.processes,
        "cpu": int(limits.submission) + 1,
        "nofile": 1024,
        "core": 0,
    }
    return ["prlimit", *(f"--{name}={number}:{number}" for name, number in numbers.items()), "--"]


def _nobody() -> list[str]:
    """Another user in every sandbox, so that its processes are counted apart from all others."""
    number = str(10**9 + secrets.randbelow(10**9))
    return [
        "setpriv",
        f"--reuid={number}",
        f"--regid={number}",
        "--clear-groups",
        "--bounding-set=-all",
        "--no-new-privs",
    ]


def environment() -> dict[str, str]:
    """The environment variables of a notebook that is graded."""
    programs = [str(Path(sys.prefix) / "bin"), "/usr/local/bin", "/usr/bin", "/bin"]
    variables = form.kernel_environment(f"{HOME}/.ipython") | {
        "PATH": os.pathsep.join(programs),
        "HOME": HOME,
        "USER": "learner",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
        "MPLCONFIGDIR": f"{HOME}/.matplotlib",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "LOKY_MAX_CPU_COUNT": "2",
    }
    return {name: text for name, text in variables.items() if text is not None}


def font_cache() -> list[tuple[Path, str]]:
    """Pairs (outside, inside) for matplotlib's list of fonts, which takes seconds to make."""
    import matplotlib

    form.build_font_cache()
    files = Path(matplotlib.get_cachedir()).glob("fontlist-*.json")
    return [(path, f"{HOME}/.matplotlib/{path.name}") for path in files]
