"""Sphinx's settings for the site; tools/site/build.py calls it."""

from importlib.util import find_spec
from pathlib import Path

from sphinx.util.fileutil import copy_asset

from tools.site import reading, reference, repository

HERE = Path(__file__).resolve().parent
project = "Regularization of neural networks"
copyright = "the authors. Code: MIT. Text and figures: CC BY 4.0"  # noqa: A001 Sphinx names it
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.viewcode"]
exclude_patterns = ["README.md"]  # two pages include its parts

nb_execution_mode = "off"  # the outputs that are kept are the ones that are tested
nb_merge_streams = True
nb_ipywidgets_js = {}  # sliders stand still here, so nothing of them is loaded
nb_mime_priority_overrides = [
    ("html", "text/html", 0),
    ("html", "image/png", 1),
]  # the HTML has the alternative text
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_dmath_double_inline = True  # $$ within a paragraph, as JupyterLab shows it
myst_heading_anchors = 3
nitpicky = True
show_warning_types = True

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_preserve_defaults = True  # he_normal, and not its address
autodoc_typehints = "none"
add_module_names = False
toc_object_entries_show_parents = "hide"

MATHJAX = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
mathjax_path = "mathjax/tex-chtml.js"

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = [str(HERE / "static")]
html_css_files = ["course.css"]
html_copy_source = True
html_show_sphinx = False
html_theme_options = {
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "footer_content_items": ["copyright.html"],
    "pygments_light_style": "a11y-light",
    "pygments_dark_style": "a11y-dark",
    **repository.theme_options(),
}


def copy_mathjax(app, error):
    """Of the package's 24 MB, the program for TeX and its fonts."""
    if error is None:
        target = Path(app.outdir, "_static", "mathjax")
        copy_asset(MATHJAX / "tex-chtml.js", target)
        copy_asset(MATHJAX / "output/chtml/fonts/woff-v2", target / "output/chtml/fonts/woff-v2")


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", reading.read)
    reference.setup(app)
    app.connect("build-finished", copy_mathjax)
