"""A package that a test compares with: a skip without it, and a failure where CI=true."""

import importlib
import importlib.util
import os

import pytest


def import_or_skip(package):
    """Return the imported `package`. If it is missing, skip and say so, or fail if CI is "true"."""
    top = package.partition(".")[0]  # find_spec imports the parents of a dotted name
    if importlib.util.find_spec(top) is not None:
        return importlib.import_module(package)
    reason = f"{top} is not installed, so nothing was compared with it: make parity installs it"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)
