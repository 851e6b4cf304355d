"""`explore` in JupyterLab: keys, names for screen readers, a draw that fails, no kernel."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.support.lab import Notebook, write_notebook

SET_UP = """
import time
from helpers.plotting import use_style
from helpers.widgets import choice, explore, slider
use_style()
"""
POWER = """
def power(ax, p, points):
    if p == 1.5:
        raise ValueError("1.5 is <not> for us")
    ax.plot(range(points), [(i / points) ** p for i in range(points)], label="x^p")

explore(power, p=slider(0.5, 3, 0.5, start=1, label="the exponent p"), points=[10, 100, 1000],
        alt="The curve of x to the power {p:.1f} through {points} points")
"""
AT_1 = "The curve of x to the power 1.0 through 10 points"
SLOW = """
def slow(ax, k):
    time.sleep(0.1)
    ax.bar([0], [k])

explore(slow, k=(0, 100, 1), alt="One bar whose height is k, here {k}")
"""
WATCH_FRAMES = """box => {
    window.frames_seen = [];
    const look = () => frames_seen.push(box.querySelector('img').alt);
    const shown = box.querySelector('.widget-html-content');
    new MutationObserver(look).observe(shown, {childList: true});
}"""


@pytest.fixture(scope="module")
def notebook(context, server):
    write_notebook(server.notebooks / "explore.ipynb", [SET_UP, POWER, SLOW])
    with Notebook(context.new_page(), server, "explore.ipynb") as notebook:
        notebook.run_all()
        assert list(notebook.failures()) == []
        yield notebook


@pytest.fixture
def power(notebook):
    """The first exploration, with both sliders at their left ends."""
    power = notebook.explorations()[0]
    for handle in power.sliders.all():
        handle.press("Home")
    expect(power.image).to_have_attribute(
        "alt", "The curve of x to the power 0.5 through 10 points"
    )
    return power


def test_a_screen_reader_meets_names_values_and_the_alternative_text(power):
    expect(power.sliders.nth(0)).to_have_accessible_name("the exponent p")
    expect(power.sliders.nth(1)).to_have_accessible_name("points")
    power.press("ArrowRight", 1)
    expect(power.sliders.nth(1)).to_have_attribute("aria-valuetext", "100")
    assert power.alt == "The curve of x to the power 0.5 through 100 points"


@pytest.mark.parametrize(
    ("key", "value"), [("ArrowRight", "1.0"), ("PageUp", "3.0"), ("End", "3.0")]
)
def test_keys_move_the_slider_there_and_back(power, key, value):
    power.press(key)
    expect(power.sliders.nth(0)).to_have_attribute("aria-valuetext", value)
    assert f"the power {value} " in power.alt
    power.press("Home")
    assert "the power 0.5 " in power.alt


def test_a_drawing_that_fails_leaves_a_sentence_until_the_next_good_one(power):
    power.press("ArrowRight")
    power.sliders.nth(0).press("ArrowRight")
    expect(power.alert).to_have_text(
        "p = 1.5, points = 10 cannot be drawn (ValueError: 1.5 is <not> for us); "
        "the figure shows p = 1, points = 10."
    )
    assert "the power 1.0 " in power.alt
    power.sliders.nth(0).press("ArrowRight")
    expect(power.alert).to_have_count(0)
    assert "the power 2.0 " in power.alt


def test_a_key_held_down_drops_frames_but_never_the_last(notebook):
    slow = notebook.explorations()[1]
    slow.box.evaluate(WATCH_FRAMES)
    slow.sliders.focus()
    for _ in range(40):
        slow.keyboard.down("ArrowRight")
        notebook.page.wait_for_timeout(20)
    before_release = notebook.page.evaluate("frames_seen.length")
    slow.keyboard.up("ArrowRight")
    expect(slow.image).to_have_attribute("alt", "One bar whose height is k, here 40")
    frames = notebook.page.evaluate("frames_seen")
    assert frames == sorted(frames, key=lambda alt: int(alt.split()[-1]))
    assert len(frames) < 30
    # the one being drawn, the one waiting for it, the last
    assert len(frames) - before_release <= 3


def as_saved(saved):
    """The learner's own, which JupyterLab trusts."""


def as_downloaded(saved):
    """Somebody else's notebook, which JupyterLab does not trust."""
    saved["cells"][0]["source"] = "# written elsewhere"


@pytest.mark.parametrize(
    ("change", "kernel"), [(as_saved, False), (as_saved, True), (as_downloaded, True)]
)
def test_a_notebook_that_was_run_and_saved_shows_the_still_image(
    notebook, server, open_notebook, change, kernel
):
    notebook.save()
    saved = json.loads((server.notebooks / "explore.ipynb").read_text(encoding="utf-8"))
    change(saved)
    name = f"{change.__name__}.ipynb"
    (server.notebooks / name).write_text(json.dumps(saved), encoding="utf-8")
    with open_notebook(name, kernel=kernel) as reopened:
        page = reopened.page
        image = page.get_by_role("img", name=AT_1, exact=True)
        expect(image).to_be_visible()
        assert image.evaluate("image => image.complete && image.naturalWidth") == 640
        expect(page.get_by_text("Drawn at p = 1, points = 10.")).to_be_visible()
        expect(page.get_by_text("Error displaying widget")).to_have_count(0)
        expect(page.get_by_role("slider")).to_have_count(0)


def test_saving_leaves_the_open_figure_alive(notebook, power):
    notebook.save()
    power.press("ArrowRight")
    assert "the power 1.0 " in power.alt


def test_a_saved_notebook_leaves_the_version_of_python_out(notebook):
    notebook.save()
    saved = json.loads(notebook.file.read_text(encoding="utf-8"))
    assert saved["metadata"]["language_info"]["name"] == "python"
    assert "version" not in saved["metadata"]["language_info"]


def test_nothing_was_complained_of(notebook):
    assert notebook.complaints == []
