"""Text cells as JupyterLab reads them: it takes formulas out before it reads Markdown, and sets those in HTML, too."""

import json
import re

DISPLAYED = re.compile(r"\$\$.+?\$\$", re.DOTALL)
FOLDED = re.compile(r"(</summary>)\s*(.*?)\s*(</details>)", re.DOTALL)


def as_jupyterlab(text):
    """`text` with every displayed formula on one line, and what is folded set apart, so that it is Markdown as well."""
    text = DISPLAYED.sub(
        lambda formula: formula[0].replace("\n", " "), text
    )  # a line with + would open a list
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
