"""The mutants of a module: its source with one slip each, < for <=, a number off by one.

The slips are mutmut's and two more: a return gives None, a condition is reversed. Strings, errors
with their messages, annotations, decorators and imports are left alone: they are wording, or the
module could not be imported.
"""

import tomllib
from itertools import takewhile
from typing import NamedTuple

import libcst as cst
from libcst import matchers as m
from libcst.metadata import MetadataWrapper, WhitespaceInclusivePositionProvider
from mutmut.mutation import mutators

LEFT_ALONE = m.Raise() | m.Annotation() | m.Decorator() | m.Import() | m.ImportFrom()
LEFT_ALONE |= m.Call(func=m.Name("isinstance") | m.Name("len"))


class Slip(NamedTuple):
    """What a mutant changes. Its words identify it, not a line number, so that lines may move."""

    where: str  # function, Class.method, or "" at the top of the module
    line: str
    mutant: str

    def __str__(self):
        return f"{self.where or 'top'}:\n    - {self.line}\n    + {self.mutant}"


STRINGS = cst.SimpleString | cst.FormattedString | cst.ConcatenatedString


def lose_return(node):
    """`return x` becomes `return None`."""
    if node.value is not None and not m.matches(node.value, m.Name("None")):
        space = cst.SimpleWhitespace(" ")
        yield node.with_changes(value=cst.Name("None"), whitespace_after_return=space)


def lose_argument(node):
    """`f(x, y)` becomes `f(x)`, or `f(x, None)`."""
    for argument in node.args:
        if not isinstance(argument.value, STRINGS):
            shorter = mutators.operator_arg_removal(node)
            yield from (new for new in shorter if argument not in new.args)


NOT_OURS = (mutators.operator_string, mutators.operator_arg_removal)
OPERATORS = [pair for pair in mutators.mutation_operators if pair[1] not in NOT_OURS]
OPERATORS += [(cst.Return, lose_return), (cst.Call, lose_argument)]


def reversed_condition(test):
    """`if x` becomes `if not (x)`."""
    bracketed = test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return cst.UnaryOperation(cst.Not(), bracketed)


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (WhitespaceInclusivePositionProvider,)

    def __init__(self):
        super().__init__()
        self.changes = []  # (name of the function, place of the old node, new node)
        self.names = []  # of the functions and classes around this node

    def on_visit(self, node):
        if m.matches(node, LEFT_ALONE):
            return False
        if isinstance(node, cst.ClassDef | cst.FunctionDef):
            self.names.append(node.name.value)
        for kind, slips in OPERATORS:
            if isinstance(node, kind):
                for new in slips(node):
                    self.add(node, new)
        if isinstance(node, cst.If | cst.While | cst.CompIf):
            self.add(node.test, reversed_condition(node.test))
        return True

    def on_leave(self, node):
        if isinstance(node, cst.ClassDef | cst.FunctionDef):
            self.names.pop()

    def add(self, old, new):
        place = self.get_metadata(WhitespaceInclusivePositionProvider, old)
        self.changes.append((".".join(self.names), place, new))


def mutants(source):
    """Return {Slip: mutated source}. Slips with the same words in one function count as one."""
    tree = MetadataWrapper(cst.parse_module(source))
    visitor = _Visitor()
    tree.visit(visitor)
    mutated = {}
    for where, place, new in visitor.changes:
        code = replace(source, place, tree.module.code_for_node(new))
        if _compiles(code):
            mutated[Slip(where, *difference(source, code))] = code
    return mutated


def replace(source, place, new):
    """`source` with `new` from the first to the last character of `place`."""
    lines = source.splitlines(keepends=True)
    first = place.start.line - 1
    last = place.end.line - 1
    before = [*lines[:first], lines[first][: place.start.column]]
    after = [lines[last][place.end.column :], *lines[last + 1 :]]
    return "".join([*before, new, *after])


def difference(old, new):
    """The lines that differ, in `old` and in `new`, without their indents."""
    both = [[line.strip() for line in code.splitlines()] for code in (old, new)]
    start = _in_common(*both)
    end = _in_common(*(lines[start:][::-1] for lines in both))
    return tuple(" ".join(lines[start : len(lines) - end]) for lines in both)


def _in_common(old, new):
    """How many lines are the same at the start."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))))


def _compiles(code):
    try:
        compile(code, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def equal(path):
    """Read the list of mutants that no test can tell from the original: {module: {Slip: why}}."""
    modules = tomllib.loads(path.read_text(encoding="utf-8"))
    return {module: dict(_slips(entries)) for module, entries in modules.items()}


def _slips(entries):
    for entry in entries:
        for words in entry["mutants"]:
            yield Slip(entry["where"], entry["line"], words), entry["why"]
