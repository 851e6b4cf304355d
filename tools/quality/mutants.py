"""The mutants of a module: its source with one small slip each: < for <=, a number off by one, an argument lost.

The slips are mutmut's, and two more: a return gives None, a condition is reversed. Left alone are strings, errors with
all that they say, annotations, decorators and imports: wording, or what would stop the module from being imported.
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
    """What a mutant changes. It is known by its words, not by a number, so that lines may move."""

    where: str  # function, Class.method, or "" at the top of the module
    line: str
    mutant: str

    def __str__(self):
        return f"{self.where or 'top'}:\n    - {self.line}\n    + {self.mutant}"


def lose_return(node):
    if node.value is not None and not m.matches(node.value, m.Name("None")):
        yield node.with_changes(
            value=cst.Name("None"), whitespace_after_return=cst.SimpleWhitespace(" ")
        )


def lose_argument(node):
    for argument in node.args:
        if not isinstance(
            argument.value, cst.SimpleString | cst.FormattedString | cst.ConcatenatedString
        ):
            yield from (
                new for new in mutators.operator_arg_removal(node) if argument not in new.args
            )


NOT_OURS = (mutators.operator_string, mutators.operator_arg_removal)
OPERATORS = [pair for pair in mutators.mutation_operators if pair[1] not in NOT_OURS]
OPERATORS += [(cst.Return, lose_return), (cst.Call, lose_argument)]


def reversed_condition(test):
    return cst.UnaryOperation(
        cst.Not(), test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    )


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (WhitespaceInclusivePositionProvider,)

    def __init__(self):
        super().__init__()
        self.found, self.inside = [], []

    def on_visit(self, node):
        if m.matches(node, LEFT_ALONE):
            return False
        if isinstance(node, cst.ClassDef | cst.FunctionDef):
            self.inside.append(node.name.value)
        for new in (
            new for kind, slips in OPERATORS if isinstance(node, kind) for new in slips(node)
        ):
            self.keep(node, new)
        if isinstance(node, cst.If | cst.While | cst.CompIf):
            self.keep(node.test, reversed_condition(node.test))
        return True

    def on_leave(self, node):
        if isinstance(node, cst.ClassDef | cst.FunctionDef):
            self.inside.pop()

    def keep(self, old, new):
        place = self.get_metadata(WhitespaceInclusivePositionProvider, old)
        self.found.append((".".join(self.inside), place, new))


def mutants(source):
    """Return {Slip: mutated source}. Slips with the same words in one function count as one."""
    tree, visitor, found = MetadataWrapper(cst.parse_module(source)), _Visitor(), {}
    tree.visit(visitor)
    for where, place, new in visitor.found:
        code = replace(source, place, tree.module.code_for_node(new))
        if _compiles(code):
            found[Slip(where, *difference(source, code))] = code
    return found


def replace(source, place, new):
    """`source` with `new` from the first to the last character of `place`."""
    lines = source.splitlines(keepends=True)
    first, last = (
        lines[place.start.line - 1][: place.start.column],
        lines[place.end.line - 1][place.end.column :],
    )
    return "".join([*lines[: place.start.line - 1], first, new, last, *lines[place.end.line :]])


def difference(old, new):
    """The lines that differ, in `old` and in `new`, without their indents."""
    old, new = ([line.strip() for line in code.splitlines()] for code in (old, new))
    start = _in_common(old, new)
    end = _in_common(old[start:][::-1], new[start:][::-1])
    return tuple(" ".join(lines[start : len(lines) - end]) for lines in (old, new))


def _in_common(old, new):
    """How many lines are the same from the first on."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))))


def _compiles(code):
    try:
        compile(code, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def equal(path):
    """Read the list of mutants that no test can tell from the original: {module: {Slip: why}}."""
    known = {}
    for module, entries in tomllib.loads(path.read_text(encoding="utf-8")).items():
        slips = {
            Slip(entry["where"], entry["line"], words): entry["why"]
            for entry in entries
            for words in entry["mutants"]
        }
        known[module] = slips
    return known
