"""The course's settings for JupyterLab: a learner sees nothing of nbgrader, a teacher does."""

import os

import pytest
from jupyter_core.paths import jupyter_config_path, jupyter_path
from jupyter_server.extension.config import ExtensionConfigManager
from jupyterlab_server.config import get_page_config
from playwright.sync_api import expect

from tools import ROOT

LEARNER = ROOT / "tools" / "jupyter"
TEACHER = LEARNER / "grading"
EXTENSION = "@jupyter/nbgrader"


@pytest.mark.parametrize(
    ("folders", "shown"),
    [([LEARNER], False), ([TEACHER, LEARNER], True)],
    ids=["learner", "teacher"],
)
def test_nbgrader_is_for_teachers(monkeypatch, folders, shown):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", os.pathsep.join(map(str, folders)))
    page = get_page_config(jupyter_path("labextensions"))
    assert (EXTENSION not in page["disabledExtensions"]) is shown
    server = ExtensionConfigManager(read_config_path=jupyter_config_path())
    enabled = server.get_jpserver_extensions()
    assert {enabled[name] for name in enabled if name.startswith("nbgrader.")} == {shown}


def test_a_learner_sees_no_panel_of_a_teacher(open_notebook):
    with open_notebook("01_norms.ipynb", kernel=False) as notebook:
        page = notebook.page
        expect(page.locator(".lm-MenuBar-itemLabel", has_text="Kernel")).to_be_visible()
        expect(page.locator(".lm-MenuBar-itemLabel", has_text="Nbgrader")).to_have_count(0)
        expect(page.get_by_role("tab", name="Property Inspector")).to_be_visible()
        expect(page.locator("[data-id*=nbgrader], [id*=nbgrader]")).to_have_count(0)
        assert "Create Assignment" not in page.inner_text("body")
