"""Write the course as web pages into _site/, from the outputs that the notebooks hold: make site

No notebook is run, no network is needed, and the pages ask none either. Every warning is an error.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

from sphinx.application import Sphinx

from tools.notebooks import form
from tools.site import reference

HERE = Path(__file__).resolve().parent
FILES = ("README.md", "notebooks/overview.png")


def gather(folder):
    """Put into `folder` what becomes a page, each under its path; no solution is among them."""
    releases = (form.ROOT / "notebooks/assignments/release").glob("*/*.ipynb")
    texts = (form.ROOT / "notebooks").glob("*.md")
    sources = [*(form.ROOT / name for name in FILES), *form.lectures(), *texts, *releases]
    for source in sources:
        target = Path(folder) / source.relative_to(form.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    for page in HERE.glob("*.md"):
        shutil.copy(page, folder)
    Path(folder, "helpers.rst").write_text(reference.page(), encoding="utf-8")


def build(site):
    """Replace `site`. Raises SystemExit, and replaces nothing, if a page causes a warning."""
    site = Path(site)
    if site.exists() and any(site.iterdir()) and not (site / "objects.inv").exists():
        raise SystemExit(
            f"{site} must be empty or a site made before, got a folder with other files."
        )
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "source")
        pages = Path(scratch, "pages")  # not `site` itself: MyST-NB writes beside the pages, too
        gather(source)
        made = Sphinx(
            source,
            HERE,
            pages,
            Path(scratch, "state"),
            "html",
            status=None,
            warningiserror=True,
            keep_going=True,
        )
        made.build()
        if made.statuscode:
            raise SystemExit("The site has the faults above.")
        shutil.rmtree(site, ignore_errors=True)
        shutil.move(pages, site)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=form.ROOT / "_site")
    folder = Path(parser.parse_args().folder).absolute()
    build(folder)
    print(f"{os.path.relpath(folder)}/index.html is the front page.")
