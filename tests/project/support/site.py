"""A pytest plugin: the site, built as `make site` does it, once in each process that needs it."""

import os
import subprocess
import sys

import pytest

from tools.notebooks import form

REPOSITORY = "https://github.com/someone/course"
RELEASES = sorted((form.ROOT / "notebooks/assignments/release").glob("*/*.ipynb"))
SOURCES = [*form.lectures(), *sorted((form.ROOT / "notebooks").glob("*.md")), *RELEASES]


def build(folder, **settings):
    """Call the tool as `make site` does, for a course in the repository REPOSITORY."""
    others = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COURSE_", "GITHUB_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "tools.site.build", folder],
        cwd=form.ROOT,
        env=others | {"COURSE_REPOSITORY": REPOSITORY} | settings,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def built_site(tmp_path_factory):
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("site") / "_site"
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder
