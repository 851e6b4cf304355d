"""Every lecture in a browser, as a learner runs it: no cell fails, every slider works from the keyboard."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.support.lab import LECTURES


@pytest.mark.parametrize("name", LECTURES)
def test_lecture_runs_and_its_sliders_move_by_keyboard(open_notebook, name):
    notebook = open_notebook(name)
    notebook.run_all()
    assert list(notebook.failures()) == []
    explorations = list(notebook.explorations())
    assert explorations, "a lecture has at least one figure that follows sliders"
    for exploration in explorations:
        expect(exploration.image).to_have_attribute("alt", re.compile(".{20}"))
        for number, slider in enumerate(exploration.sliders.all()):
            expect(slider).to_have_accessible_name(re.compile("."))
            at_the_end = slider.get_attribute("aria-valuenow") == slider.get_attribute(
                "aria-valuemax"
            )
            for key in ("Home", "End") if at_the_end else ("End", "Home"):
                exploration.press(key, number)
    assert notebook.page.locator(".jp-OutputArea img:not([alt])").count() == 0
    assert notebook.complaints == []
