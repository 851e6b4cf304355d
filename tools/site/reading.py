"""Text cells as JupyterLab reads them: formulas first, also those in HTML, and then Markdown."""

import json
import re

DISPLAYED = re.compile(r"\$\$.+?\$\$", re.DOTALL)
FOLDED = re.compile(r"(</summary>)\s*(.*?)\s*(</details>)", re.DOTALL)


def as_jupyterlab(text):
    """`text` with each displayed formula on one line, and blank lines around what is folded.

    A line of a formula that begins with + would open a list, and between blank lines HTML holds
    Markdown.
    """
    text = DISPLAYED.sub(lambda formula: formula[0].replace("\n", " "), text)
    return FOLDED.sub(r"\1\n\n\2\n\n\3", text)


def read(app, docname, source):
    """Change the text cells of a notebook before Sphinx reads it; its file stays as it is."""
    if app.env.doc2path(docname).suffix != ".ipynb":
        return
    nb = json.loads(source[0])
    for cell in nb["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = as_jupyterlab("".join(cell["source"]))
    source[0] = json.dumps(nb)
