"""Measure the code by folder: make house, or python -m tools.quality.house ANOTHER_CHECKOUT

The table has a row for each folder: its Python files, their lines, how many of those have more than
100 characters; parallel assignments (`a, b = 1, 2`) and `raise` in 1,000 lines; and the median, the
90th percentile and the longest of its functions. The length of a function is its number of
statements, those in blocks included, without the docstring; a function inside it counts as one and
is measured by itself. Of the lectures the code cells are measured.

Below are the public functions and classes of helpers/ that no notebook, tool or other module of
helpers/ uses. A name in brackets is used by its own module.
"""

import argparse
import ast
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from tools import ROOT
from tools.notebooks import counts, form
from tools.quality import style

FOLDERS = ("helpers", "tools", "tests", "benchmarks")
LONGEST_LINE = 100
COLUMNS = ("files", "lines", "> 100", "parallel", "raise", "median", "p90", "longest")


class Measures(NamedTuple):
    """One row of the table, in the order of COLUMNS."""

    files: int
    lines: int
    long_lines: int
    parallel: float
    raises: float
    median: float
    p90: float
    longest: int

    def __str__(self):
        parallel = f"{self.parallel:9.1f}{self.raises:9.1f}"
        lengths = f"{self.median:9.3g}{self.p90:9.3g}{self.longest:9}"
        return f"{self.files:9}{self.lines:9}{self.long_lines:9}{parallel}{lengths}"


def measured(sources):
    """The Measures of the texts of some Python files."""
    lines = [line for source in sources for line in source.splitlines()]
    trees = [ast.parse(source) for source in sources]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    lengths = [style.statements(function) for tree in trees for function in style.functions(tree)]
    parallel = sum(len(style.parallel_assignments(tree)) for tree in trees)
    thousands = max(len(lines), 1) / 1000
    return Measures(
        files=len(sources),
        lines=len(lines),
        long_lines=sum(len(line) > LONGEST_LINE for line in lines),
        parallel=parallel / thousands,
        raises=sum(isinstance(node, ast.Raise) for node in nodes) / thousands,
        median=median(lengths or [0]),
        p90=ninetieth_percentile(lengths),
        longest=max(lengths, default=0),
    )


def ninetieth_percentile(lengths):
    """The length that nine of ten do not exceed, between two where it falls between them."""
    if len(lengths) < 2:
        return max(lengths, default=0)
    return quantiles(lengths, n=10, method="inclusive")[-1]


def code_of(notebook):
    """The code cells of a notebook as one text."""
    nb = form.parse(notebook.read_text(encoding="utf-8"))
    return "\n\n".join(cell.source for cell in counts.code_cells(nb)) + "\n"


def python_files(folder):
    """The Python files in a folder and all below it, in order."""
    return sorted(folder.rglob("*.py"))


def rooms(root):
    """{row: texts to measure}: each folder, each of FOLDERS as a whole, the lectures."""
    found = {}
    for top in FOLDERS:
        together = defaultdict(list)
        for path in python_files(root / top):
            if text := path.read_text(encoding="utf-8"):
                together[path.parent.relative_to(root).as_posix()].append(text)
        found |= sorted(together.items())
        if len(together) > 1:
            found[f"{top}, together"] = [text for texts in together.values() for text in texts]
    return found | {"lectures": [code_of(path) for path in form.lectures(root)]}


def module_name(path, root):
    """The dotted name under which a file is imported."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def public_names(tree):
    """The functions and classes at the top of a module that have no underscore in front."""
    definitions = [node for node in tree.body if isinstance(node, (*style.FUNCTIONS, ast.ClassDef))]
    return [node.name for node in definitions if not node.name.startswith("_")]


def mentioned_names(tree):
    """The names that the code of a module holds; a definition does not mention its own name."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def used_names(tree, package=()):
    """The dotted names that a module in `package` imports or reaches through an import."""
    meaning = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            meaning |= {alias.asname or _top(alias.name): _bound(alias) for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            module = _absolute(node, package)
            names = {alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names}
            meaning |= names
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    chains = [ast.unparse(node).partition(".") for node in attributes]
    reached = {f"{meaning[first]}.{rest}" for first, _, rest in chains if first in meaning}
    return set(meaning.values()) | reached


def _top(name):
    return name.partition(".")[0]


def _bound(alias):
    """What the new name stands for: a after `import a.b`, and a.b after `import a.b as c`."""
    return alias.name if alias.asname else _top(alias.name)


def _absolute(node, package):
    """The dotted name of the module in `from module import ...`, which may be a relative one."""
    base = package[: len(package) - node.level + 1] if node.level else ()
    return ".".join((*base, node.module) if node.module else base)


def parsed(path):
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def unused_names(root):
    """The public names of helpers/ that nothing outside of their own module uses."""
    used = set()
    for path in [*python_files(root / "helpers"), *python_files(root / "tools")]:
        used |= used_names(parsed(path), path.relative_to(root).parent.parts)
    for path in (root / "notebooks").rglob("[!.]*.ipynb"):
        used |= used_names(ast.parse(code_of(path)))
    for path in python_files(root / "helpers"):
        tree = parsed(path)
        module = module_name(path, root)
        for name in public_names(tree):
            dotted = f"{module}.{name}"
            if dotted not in used:
                yield f"({dotted})" if name in mentioned_names(tree) else dotted


def main(arguments=None):
    """Print the table and the unused names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", nargs="?", type=Path, default=ROOT, help="default: this checkout")
    root = parser.parse_args(arguments).root.resolve()
    print(" " * 24 + "".join(f"{name:>9}" for name in COLUMNS))
    for name, sources in rooms(root).items():
        print(f"{name:24}{measured(sources)}")
    print("\nused by no notebook, tool or other module:")
    print("\n".join(unused_names(root)) or "none")


if __name__ == "__main__":
    sys.exit(main())
