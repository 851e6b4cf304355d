"""The page "The helpers": every public function and class, from the docstrings of helpers/.

The docstrings are plain text with formulas, not reStructuredText. `as_rst` keeps what they show: no
star, bar or underscore of a formula is markup, and a table stays a table.
"""

import pkgutil
import re
from itertools import groupby

import helpers

INTRODUCTION = """\
Every function and class of the package that the notebooks import, with its docstring. Each name
has one home: write ``from helpers.noise import Dropout`` and you know which file to open. Do open
it: the links to the source lead to a few lines of NumPy with the formula next to them.

The checks of the assignments are not listed here; ``python -m helpers.checks`` says what is done.
"""
# Classes that a module offers although machinery defines them.
OFFERED = {"experiments": ("PairedTable", "Sweep")}
NOT_LISTED = ("checks", "internal")

CODE = re.compile(r"`+([^`]+)`+")
MARKUP = re.compile(r"[\\*_|]")
PRIME = re.compile(r"(?<!')\b\w'(?!\w)")  # Sphinx would make the prime of x' a quotation mark
ENTRY = re.compile(r"(\S+(?: \S+)*) {2,}(\S.*)")


def modules():
    """The names of the modules in the reading order of helpers/__init__.py."""
    names = {module.name for module in pkgutil.iter_modules(helpers.__path__)} - {*NOT_LISTED}
    heads = [line.partition("  ")[0] for line in helpers.__doc__.splitlines()]
    order = [name for name in re.findall(r"\w+", "\n".join(heads)) if name in names]
    return list(dict.fromkeys(order)) + sorted(names - set(order))


def page():
    """The page as reStructuredText; Sphinx's autodoc fills it in."""
    title = "The helpers"
    return "\n".join([title, "=" * len(title), "", INTRODUCTION, *map(_section, modules())])


def _section(name):
    lines = [name, "-" * len(name), "", f".. automodule:: helpers.{name}", ""]
    for offered in OFFERED.get(name, ()):
        lines += [f".. autoclass:: helpers.{name}.{offered}", ""]
    return "\n".join(lines)


def setup(app):
    """Tell Sphinx whom to ask about docstrings, signatures and members."""
    app.connect("autodoc-process-docstring", change_docstring)
    app.connect("autodoc-process-signature", without_factories)
    app.connect("autodoc-skip-member", is_field_of_a_tuple)


def change_docstring(_app, _kind, _name, _thing, _options, lines):
    """Change the lines of a docstring in place."""
    lines[:] = as_rst("\n".join(lines)).splitlines()


def without_factories(_app, _kind, _name, _thing, _options, signature, returns):
    """`train_loss=<factory>` says nothing that `train_loss=...` does not."""
    return (signature and signature.replace("<factory>", "...")), returns


def is_field_of_a_tuple(_app, _kind, _name, thing, _skip, _options):
    """Leave out "Alias for field number 0"; None lets Sphinx decide about all else."""
    return True if type(thing).__name__ == "_tuplegetter" else None


def as_rst(docstring):
    """A docstring as reStructuredText that looks like it."""
    return "\n\n".join(_block(lines) for lines in _paragraphs(docstring)) + "\n"


def _paragraphs(docstring):
    """Lists of lines that no empty line parts."""
    for filled, lines in groupby(docstring.splitlines(), key=lambda line: bool(line.strip())):
        if filled:
            yield list(lines)


def _block(lines):
    """One paragraph: an example, a table with a name in each line, lines set apart, or prose."""
    if lines[0].lstrip().startswith(">>>"):
        return "\n".join(lines)
    entries = _entries(lines)
    if len(entries) > 1:
        return "\n".join(f"``{name}``\n    {_prose(text)}" for name, text in entries)
    if any(line.startswith(" ") for line in lines):
        return "\n".join(f"| {_indented(line)}" for line in lines)
    return _prose("\n".join(lines))


def _entries(lines):
    """Pairs (name, text) of a table such as the one of `paired`; [] unless every line fits."""
    entries = []
    for line in lines:
        entry = ENTRY.fullmatch(line)
        if entry:
            entries.append(entry.groups())
        elif entries and line.startswith("  "):
            name, text = entries[-1]
            entries[-1] = (name, f"{text} {line.strip()}")
        else:
            return []
    return entries


def _indented(line):
    text = line.lstrip(" ")
    return " " * (len(line) - len(text)) + _prose(text)


def _prose(text):
    """Text whose only markup is `code`. Escaped spaces do not show; code may touch a word there."""
    pieces = CODE.split(text)
    pieces[::2] = [_formulas(piece) for piece in pieces[::2]]
    pieces[1::2] = [rf"\ ``{' '.join(code.split())}``\ " for code in pieces[1::2]]
    return r"\ " + "".join(pieces)


def _formulas(text):
    return MARKUP.sub(r"\\\g<0>", PRIME.sub(lambda match: match[0].replace("'", "′"), text))
