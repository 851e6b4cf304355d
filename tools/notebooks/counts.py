"""Count what a notebook holds: cells, lines, words, figures, claims."""

import ast
import re
from html.parser import HTMLParser


class _Images(HTMLParser):
    """Collects the alternative text of every <img> and <svg>, None for one without."""

    def __init__(self):
        super().__init__()
        self.alts = []

    def handle_starttag(self, tag, attrs):
        if tag in ("img", "svg"):
            self.alts.append(dict(attrs).get("alt" if tag == "img" else "aria-label"))


def alternative_texts(html):
    """The alternative text of every <img> and <svg> in `html`, None for an image without."""
    parser = _Images()
    parser.feed(html)
    return parser.alts


def figures(cell):
    """The alternative text of every figure that a code cell shows, None for a figure without."""
    texts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        in_html = alternative_texts(data.get("text/html", ""))
        texts += in_html or [None] * any(mime.startswith("image/") for mime in data)
    return texts


def code_cells(nb):
    """The code cells of a notebook that are not empty."""
    return [cell for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]


def text_cells(nb):
    """The text cells of a notebook that are not empty."""
    return [cell for cell in nb.cells if cell.cell_type == "markdown" and cell.source.strip()]


def code_lines(cell):
    """The number of lines of a code cell that are not blank."""
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def syntax_tree(cell):
    """The syntax tree of a code cell, or None if it is not Python."""
    try:
        return ast.parse(cell.source)
    except SyntaxError:
        return None


def claims(cell):
    """The number of calls of claim(...) and claim_with(...) in a code cell."""
    tree = syntax_tree(cell)
    if tree is None:
        return 0
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [getattr(function, "attr", getattr(function, "id", "")) for function in called]
    return sum(name in ("claim", "claim_with") for name in names)


# $...$, over line ends but not over paragraphs
FORMULA_IN_LINE = re.compile(r"(?<![\\\w])\$[^$\n]+(?:\n[^$\n]+)*\$")
NOT_PROSE = [
    re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL),  # code blocks
    re.compile(r"`[^`\n]*`"),  # code in a line
    re.compile(r"\$\$.*?\$\$", re.DOTALL),
    FORMULA_IN_LINE,
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"</?[a-zA-Z][^<>]*>"),  # tags
    re.compile(r"(?<=\])\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)"),  # the address of a link
    re.compile(r"https?://\S+"),
]


def prose(cell):
    """What a text cell says in words: its source without code, formulas, tags and addresses."""
    text = cell.source
    for pattern in NOT_PROSE:
        text = pattern.sub(" ", text)
    return text


def words(nb):
    """The number of words in the text cells."""
    return sum(len(re.findall(r"[^\W\d_][\w’'-]*", prose(cell))) for cell in text_cells(nb))
