"""The rules for every notebook: each yields pairs (position of the cell or None, what is wrong)."""

import ast
import re

from nbval.plugin import comment_markers, metadata_tags

from tools.notebooks import counts, form

BANNED = re.compile(r"\b(simply|obviously|trivially|of course|just)\b", re.IGNORECASE)
RANDOM_ALLOWED = {"default_rng", "Generator", "SeedSequence", "PCG64"}
ABSOLUTE = re.compile(
    r"(?<![\w.:/~-])(?:/(?:home|Users|root|tmp|usr|var|opt|mnt|work|private|data|etc)/|~/)"
    r"|\b[A-Z]:\\{1,2}(?:Users|Windows|Program)"
)
MAX_LINES = 20


def problems(rule, nb, name):
    """The sentences of one rule: they name the notebook and the cell."""
    for index, what in rule(nb):
        where = name if index is None else f"{name}, {form.cell_label(nb, index)}"
        yield f"{where}: {what}."


def numbered_code(nb):
    code = [(i, cell) for i, cell in enumerate(nb.cells) if cell.cell_type == "code"]
    return [(i, cell) for i, cell in code if cell.source.strip()]


def numbered_text(nb):
    return [(i, cell) for i, cell in enumerate(nb.cells) if cell.cell_type == "markdown"]


def numbered_outputs(nb):
    return [(i, output) for i, cell in numbered_code(nb) for output in cell.outputs]


def numbered_nodes(nb):
    """Every node of the syntax trees of a notebook, with the position of its cell."""
    for index, cell in numbered_code(nb):
        tree = counts.syntax_tree(cell)
        yield from ((index, node) for node in (ast.walk(tree) if tree else ()))


def no_error_output(nb):
    """An error in the material is shown by catching it."""
    for index, output in numbered_outputs(nb):
        if output.output_type == "error":
            yield index, f"it stores an error, {output.ename}"


def no_stderr(nb):
    """Warnings and progress bars differ between machines."""
    for index, output in numbered_outputs(nb):
        if output.get("name") == "stderr":
            yield index, f"it stores what went to stderr, {output.text.strip()[:60]!r}"


def cells_are_short(nb):
    """Longer code belongs in helpers."""
    for index, cell in numbered_code(nb):
        if (lines := counts.code_lines(cell)) > MAX_LINES:
            yield index, f"it has {lines} lines of code, at most {MAX_LINES} are allowed"


def no_magics(nb):
    """Every code cell is Python: no line magics, shell escapes or help marks."""
    for index, cell in numbered_code(nb):
        if counts.syntax_tree(cell) is None:
            no = "no magics (%), shell escapes (!) or help marks (?)"
            yield index, f"it is not plain Python; {no}"
    for index, node in numbered_nodes(nb):
        if isinstance(node, ast.Name) and node.id == "get_ipython":
            yield index, "it calls get_ipython, which is a magic by another name"


def no_sys_path(nb):
    """The helpers are installed, so nothing has to be found by hand."""
    for index, node in numbered_nodes(nb):
        attribute = isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path"
        imported = isinstance(node, ast.ImportFrom) and node.module == "sys"
        if attribute or (imported and any(alias.name == "path" for alias in node.names)):
            yield index, "it touches sys.path; the helpers are installed as a package"


def no_star_import(nb):
    """A reader must see where a name comes from."""
    for index, node in numbered_nodes(nb):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            yield index, f"it imports * from {node.module}"


def no_global_randomness(nb):
    """Randomness is an argument: rng = np.random.default_rng(0)."""
    for index, cell in numbered_code(nb):
        for found in global_randomness(counts.syntax_tree(cell)):
            yield index, f"it uses {found}; draw from a np.random.Generator"


def global_randomness(tree):
    """The names in a syntax tree that draw from, or seed, a generator that all code shares."""
    nodes = list(ast.walk(tree)) if tree else []
    used = [node for node in nodes if isinstance(node, ast.Attribute) and _is_np_random(node.value)]
    followed = {node.value for node in used}
    shared = [node for node in used if node.attr not in RANDOM_ALLOWED]
    shared += [node for node in nodes if _is_np_random(node) and node not in followed]
    imported = [name for node in nodes for name in _random_imports(node)]
    return [ast.unparse(node) for node in shared] + imported


def _is_np_random(node):
    return isinstance(node, ast.Attribute) and ast.unparse(node) in ("np.random", "numpy.random")


def _random_imports(node):
    """The shared generators that an import statement brings in."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name in ("random", "numpy.random")]
    if not isinstance(node, ast.ImportFrom) or node.level:
        return []
    imported = [alias.name for alias in node.names if alias.name not in RANDOM_ALLOWED]
    names = [f"{node.module}.{name}" for name in imported]
    return [name for name in names if name.startswith(("random.", "numpy.random"))]


def no_absolute_path(nb):
    """A path of one machine does not exist on another."""
    for index, cell in enumerate(nb.cells):
        if path := ABSOLUTE.search(cell.source):
            yield index, f"it names the absolute path {path[0]!r}"


def no_nbval_marker(nb):
    """A cell whose output is ignored, or that may raise, is not checked."""
    tags = set(metadata_tags) | {"skip-execution"}
    for index, cell in numbered_code(nb):
        marks = [mark for mark in comment_markers if re.search(rf"#\s*{mark}\b", cell.source)]
        for mark in marks + sorted(tags & set(cell.metadata.get("tags", []))):
            yield index, f"it carries {mark}, so it would not be checked"


def no_banned_word(nb):
    """What is simple to the writer need not be so to the reader."""
    for index, cell in numbered_text(nb):
        for found in BANNED.findall(counts.prose(cell)):
            yield index, f"it says {found!r}; leave the word out"


FOR_EVERY_NOTEBOOK = (
    no_error_output,
    no_stderr,
    cells_are_short,
    no_magics,
    no_sys_path,
    no_star_import,
    no_global_randomness,
    no_absolute_path,
    no_nbval_marker,
    no_banned_word,
)
