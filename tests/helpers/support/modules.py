"""The modules of helpers/ that have tests of their own: all but the checks of the assignments."""

import pkgutil
from importlib import import_module

import helpers
import helpers.internal


def modules():
    """(last part of its name, module) of every module in helpers/ and helpers/internal/."""
    for package in (helpers, helpers.internal):
        for info in pkgutil.iter_modules(package.__path__):
            if not info.ispkg:
                yield info.name, import_module(f"{package.__name__}.{info.name}")


def own(module):
    """(name, thing) of what a module defines and does not call private."""
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", None) == module.__name__ and not name.startswith("_"):
            yield name, thing
