"""Finished runs on disk: one small file for each, so that what was computed once is not computed again."""

import hashlib
import json
import os
import re
import warnings
from pathlib import Path

from helpers.arguments import number, show
from helpers.fingerprint import fingerprint


class NoCache:
    """Keeps nothing."""

    def file(self, _name, _seed):
        """No file."""

    def __str__(self):
        return "are lost, but would be kept with cache=folder"


class RunCache:
    """The files of the runs calls[name](seed) in a folder, which is made where it is missing.

    The name of a file holds the fingerprint of its call, so that a run of other code is never taken for this one.
    Raises TypeError for what is no path, ValueError where the path leads to a file.
    """

    def __init__(self, folder, calls):
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"cache must be a folder such as 'runs', got {show(folder)}")
        self.folder = Path(folder).absolute()
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"cache must be a folder, got the file {folder}")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.keys = {name: fingerprint(f"the run of {name!r}", call) for name, call in calls.items()}

    def file(self, name, seed):
        """The path of one run."""
        key = hashlib.sha256(f"{name}\n{seed}\n{self.keys[name]}".encode()).hexdigest()
        return self.folder / f"{re.sub(r'[^A-Za-z0-9.]+', '_', str(name))[:40]}-seed{seed}-{key[:20]}.json"

    def __str__(self):
        return f"are kept in {self.folder}, from where the same call goes on"


def keep(file, result):
    """Write what a run returned, whole or not at all. What `paired` will refuse, such as nan, is not kept."""
    try:
        result = _numbers(result)
    except (TypeError, ValueError):
        return
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.write_text(json.dumps({"result": result, "checksum": _checksum(file, result)}), encoding="utf-8")
    os.replace(part, file)


def kept(file):
    """Return what a run returned, or None; a damaged file is named in a warning, and counts as none."""
    if file is None or not file.exists():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["checksum"] == _checksum(file, content["result"]):
            return content["result"]
    except (ValueError, TypeError, KeyError):  # no UTF-8, no JSON, no dict, no such key
        pass
    warnings.warn(f"the kept run {file} is damaged and is computed again", stacklevel=2)
    return None


def _numbers(result):
    if not isinstance(result, dict):
        return number("the result", result)
    if not all(isinstance(metric, str) for metric in result):
        raise TypeError("JSON would make strings of other names")
    return {metric: number(metric, x) for metric, x in result.items()}


def _checksum(file, result):
    return hashlib.sha256(f"{file.name} {json.dumps(result)}".encode()).hexdigest()
