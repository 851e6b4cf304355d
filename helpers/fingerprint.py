"""A fingerprint of a function and all that it uses, which is the same tomorrow unless one of them changed."""

import copyreg
import dis
import hashlib
import sys
import sysconfig
from pathlib import Path
from types import CodeType, FunctionType, MappingProxyType, ModuleType

import numpy as np

from helpers.arguments import show

PLAIN = (type(None), bool, int, float, complex, str)
HELPERS, STANDARD = Path(__file__).parent, Path(sysconfig.get_path("stdlib"))
PER_PROCESS = (
    "__dict__",
    "__weakref__",
    "__doc__",
    "__firstlineno__",
    "__static_attributes__",
    "__annotate_func__",
    "__annotations_cache__",
)


def fingerprint(name, value):
    """Return 64 hexadecimal digits that stand for `value` and what it uses, under these versions of course and NumPy.

    A function counts with its bytecode, defaults, closure and the global names that it reads, so comments and line
    numbers do not matter; functions and classes of your own notebook or module are followed, installed ones count by
    name. What a function finds in another way is not seen: a file, an attribute of a module, `eval`.
    Raises TypeError, with `name`, for what cannot be told apart between two sessions, such as an open file.
    """
    try:
        read = _Reader().read(value)
    except Exception as error:  # pickling raises whatever it likes
        raise TypeError(f"{name} must hold and use only what can be pickled, got {show(value)}: {error}") from error
    return _digest([_versions(), read])


class _Reader:
    """Turns values into digests; each object is read once, and a loop of references ends where it meets itself."""

    def __init__(self):
        self.seen = {}  # id: (digest, the object, kept so that no other one gets its id)

    def read(self, value):
        if type(value) in PLAIN:
            return f"{type(value).__name__} {value!r}"
        if type(value) is bytes:
            return hashlib.sha256(value).hexdigest()
        if id(value) not in self.seen:
            self.seen[id(value)] = f"a loop to {type(value).__name__} {getattr(value, '__qualname__', '')}", value
            self.seen[id(value)] = _digest([type(value).__name__, *self._parts(value)]), value
        return self.seen[id(value)][0]

    def _parts(self, value):
        """The digests of what a value is made of."""
        if isinstance(value, (set, frozenset)):
            return sorted(map(self.read, value))
        return map(self.read, self._pieces(value))

    def _pieces(self, value):
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, CodeType):
            return value.co_code, value.co_consts, value.co_names, value.co_varnames, value.co_freevars
        if isinstance(value, ModuleType):
            return [value.__name__]
        if isinstance(value, type):
            return [value.__module__, value.__qualname__, *(() if _installed(value) else self._class(value))]
        if isinstance(value, (staticmethod, classmethod)):
            return [value.__func__]
        if isinstance(value, property):
            return value.fget, value.fset, value.fdel
        if type(value) in (tuple, list):
            return value
        if type(value) in (dict, MappingProxyType):
            return [piece for item in value.items() for piece in item]
        return self._object(value)

    def _function(self, function):
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        settings = [function.__qualname__, function.__defaults__, function.__kwdefaults__, cells]
        if _installed(function):
            return [function.__module__, *settings]
        names = dict.fromkeys(_global_names(function.__code__))
        return [function.__code__, *settings, {n: function.__globals__[n] for n in names if n in function.__globals__}]

    @staticmethod
    def _class(cls):
        members = {name: value for name, value in sorted(vars(cls).items()) if name not in PER_PROCESS}
        return [cls.__bases__, members]

    @staticmethod
    def _object(value):
        registered = copyreg.dispatch_table.get(type(value))
        made = registered(value) if registered else value.__reduce_ex__(4)
        if isinstance(made, str):  # the name of something global, such as a ufunc
            return [type(value).__module__, made]
        constructor, arguments, state, items, pairs = (*made, None, None, None)[:5]
        return [constructor, arguments, state, list(items or ()), list(pairs or ())]


def _installed(function):
    """Whether it comes with Python, a package or the course; a notebook is __main__, which has no file."""
    module = sys.modules.get(function.__module__)
    if module is None or module.__name__ == "__main__":
        return False
    path = Path(getattr(module, "__file__", None) or STANDARD / "built in")
    packages = not {"site-packages", "dist-packages"}.isdisjoint(path.parts)
    return packages or path.is_relative_to(HELPERS) or path.is_relative_to(STANDARD)


def _global_names(code):
    """The names that a function reads from its module, also inside of the functions that it defines."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


def _versions():
    sources = [path.read_bytes() for path in sorted(HELPERS.glob("*.py"))]
    return f"{sys.version_info[:2]} {np.__version__} {hashlib.sha256(b''.join(sources)).hexdigest()}"


def _digest(parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()
