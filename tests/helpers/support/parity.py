"""A package that a test compares with: missing, it is a named skip at home and a failure where CI=true."""

import importlib
import importlib.util
import os

import pytest


def require(package):
    """Return the imported `package`. Where it is missing: skip with its name, or fail if the variable CI is "true"."""
    if importlib.util.find_spec(package.partition(".")[0]) is not None:
        return importlib.import_module(package)
    reason = f"{package} is not installed, so nothing was compared with it"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)
