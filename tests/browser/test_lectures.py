"""Every lecture in a browser: opening changes nothing, no cell fails, sliders follow the keyboard.

Cells below the last slider are not run here; nbval runs them.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.support.lab import LECTURES
from tools import ROOT

DIRTY = re.compile(r"\bjp-mod-dirty\b")


@pytest.fixture(scope="module", params=LECTURES)
def lecture(request, open_notebook):
    with open_notebook(request.param) as notebook:
        yield notebook


def test_a_lecture_is_changed_by_an_edit_and_not_by_opening_it(lecture):
    expect(lecture.tab).to_contain_text(lecture.file.name)
    expect(lecture.tab).not_to_have_class(DIRTY)
    assert lecture.file.read_bytes() == (ROOT / "notebooks" / lecture.file.name).read_bytes()
    lecture.cell("import numpy as np").first.locator(".cm-content").click()
    lecture.page.keyboard.press("ControlOrMeta+End")
    lecture.page.keyboard.type("  # mine")
    expect(lecture.tab).to_have_class(DIRTY)


def test_a_lecture_runs_and_its_sliders_move_by_keyboard(lecture):
    lecture.run_to_the_last_explore()
    assert list(lecture.failures()) == []
    explorations = list(lecture.explorations())
    assert explorations, "a lecture has at least one figure that follows sliders"
    for exploration in explorations:
        expect(exploration.image).to_have_attribute("alt", re.compile(".{20}"))
        for number, slider in enumerate(exploration.sliders.all()):
            expect(slider).to_have_accessible_name(re.compile("."))
            move_there_and_back(exploration, number, slider)
    assert lecture.page.locator(".jp-OutputArea img:not([alt])").count() == 0
    assert lecture.complaints == []


def move_there_and_back(exploration, number, slider):
    now = slider.get_attribute("aria-valuenow")
    at_the_end = now == slider.get_attribute("aria-valuemax")
    for key in ("Home", "End") if at_the_end else ("End", "Home"):
        exploration.press(key, number)
