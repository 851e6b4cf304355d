"""`explore`: what it draws, says and refuses. How it works in a browser: tests/browser/."""

import base64
import doctest
import io
import re
import threading

import ipywidgets
import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from helpers import widgets
from helpers.internal.png import picture
from helpers.plotting import use_style
from helpers.widgets import Stage, choice, explore, slider
from tests.helpers.support.refusal import refuses
from tools.notebooks.counts import alternative_texts

mpl.use("agg")
ALT = "A line of slope {p:.1f} through the origin"
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def course_style():
    """The style of the course in each test. No test leaves a figure or a setting behind."""
    with mpl.rc_context():
        use_style()
        before = dict(mpl.rcParams)
        yield
        assert dict(mpl.rcParams) == before
        assert plt.get_fignums() == []


def test_the_example_runs():
    results = doctest.testmod(widgets)
    assert results.failed == 0
    assert results.attempted > 0


def line(ax, p):
    ax.plot([0, 1], [0, p])
    ax.set_ylim(0, 2)


class Live:
    """The live view of an exploration: its sliders, image and sentence."""

    def __init__(self, exploration):
        *self.sliders, self.image, self.alert = exploration._view.children

    @property
    def alt(self):
        return alternative_texts(self.image.value)[0]

    @property
    def pixels(self):
        return decoded(self.image.value)


def decoded(html):
    source = re.search('src="data:image/png;base64,([^"]+)"', html)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source))).convert("RGB"))


def start(draw=line, alt=ALT, **sliders):
    return Live(explore(draw, alt=alt, **(sliders or {"p": (0.0, 2.0, 0.5)})))


def fresh(draw, subplots=(1, 1), **values):
    """The pixels of a figure that has drawn nothing before."""
    stage = Stage((6.4, 4.0), subplots)
    draw(stage.axes, **values)
    return np.asarray(picture(stage.fig))


# The bundle


def test_one_bundle_holds_the_live_view_and_the_still_image():
    bundle = explore(
        line, alt=ALT, p=slider(0, 2, 0.5, start=1, label="slope <p>")
    )._repr_mimebundle_()
    assert set(bundle) == {VIEW, "text/html", "image/png", "text/plain"}
    assert bundle["text/plain"] == "Figure: A line of slope 1.0 through the origin"
    assert alternative_texts(bundle["text/html"]) == ["A line of slope 1.0 through the origin"]
    assert (
        "Drawn at p = 1. Where a kernel runs, sliders move slope &lt;p&gt; from 0 to 2."
        in bundle["text/html"]
    )
    assert "onload" not in bundle["text/html"]
    assert f'base64,{bundle["image/png"]}"' in bundle["text/html"]


def test_the_still_image_is_what_the_live_view_shows_but_for_the_number_of_colors():
    exploration = explore(line, alt=ALT, p=(0.0, 2.0, 0.5))
    still = decoded(exploration._repr_mimebundle_()["text/html"])
    shown = Live(exploration).pixels
    assert np.sqrt(np.mean((still.astype(float) - shown) ** 2)) < 1


def test_the_bundle_is_the_same_in_every_run():
    first, second = (
        explore(line, alt=ALT, p=(0.0, 2.0, 0.5))._repr_mimebundle_() for _ in range(2)
    )
    assert {**first, VIEW: 0} == {**second, VIEW: 0}


def test_a_kernel_without_a_browser_shows_one_still_image_and_writes_nothing():
    call = "explore(lambda ax, p: ax.plot([0, p]), p=(0, 2, 1), alt='A line {p} high at its end')"
    cell = nbformat.v4.new_code_cell(f"from helpers.widgets import explore\n{call}")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "execute_result"
    assert output.data["text/plain"] == "Figure: A line 0 high at its end"


# The figure follows


def test_a_slider_that_moves_changes_image_and_alternative_text():
    live = start()
    np.testing.assert_array_equal(live.pixels, fresh(line, p=0.0))
    live.sliders[0].value = 1.5
    assert live.alt == "A line of slope 1.5 through the origin"
    np.testing.assert_array_equal(live.pixels, fresh(line, p=1.5))


def test_each_slider_is_an_argument_of_its_kind():
    seen = []
    live = start(
        lambda _, n, x, lam, word: seen.append((n, x, lam, word)),
        alt="Nothing is drawn for {n}, {x}, {lam}, {word}",
        n=(1, 5, 2),
        x=(0.25, 1, 0.25),
        lam=np.logspace(-2, 0, 3).tolist(),
        word=choice(["a", "b"], start="b"),
    )
    live.sliders[2].index = 1
    assert seen == [(1, 0.25, 0.01, "b"), (1, 0.25, 0.1, "b")]
    assert isinstance(seen[0][0], int)
    assert [type(widget).__name__ for widget in live.sliders] == [
        "IntSlider",
        "FloatSlider",
    ] + 2 * ["SelectionSlider"]
    assert [widget.description for widget in live.sliders] == ["n", "x", "lam", "word"]
    assert live.sliders[1].readout_format == ".2f"


def test_alt_may_be_a_function_of_the_values():
    live = start(alt=lambda p: f"A line that {'rises' if p > 1 else 'does not rise'} above one")
    assert live.alt == "A line that does not rise above one"
    live.sliders[0].value = 2
    assert live.alt == "A line that rises above one"


def test_html_in_texts_stays_text():
    live = start(alt='Slope "{p}" <b>bold</b> & more')
    assert live.alt == 'Slope "0.0" <b>bold</b> & more'
    assert "<b>" not in live.image.value


def bars(ax, p):
    ax.hist(np.linspace(0, 1, 100) ** (1 + p), bins=50)
    ax.set(xlim=(0, 1), title=f"p = {p}")


def logarithmic(ax, p):
    if p:
        ax.set_yscale("log")
    ax.plot([1, 10, 1000])


def turned_labels(ax, p):
    ax.plot([0, 1])
    ax.tick_params(labelrotation=90 if p == 0 else 0, length=3 + p)


def named_ticks(ax, p):
    ax.plot([0, 1])
    if p == 0:
        ax.set_xticks([0, 1], ["none", "all"], rotation=45)


def hidden_axis(ax, p):
    ax.plot([0, 1])
    if p == 0:
        ax.set_axis_off()
    ax.invert_yaxis()


def second_scale(ax, p):
    ax.plot([0, p])
    ax.twinx().plot([100, 0], "--")


def color_bar(ax, p):
    ax.figure.colorbar(ax.contourf(np.outer(np.arange(5), np.arange(5)) ** (1 + p / 4)), ax=ax)


def heading(ax, p):
    ax.plot([0, 1])
    ax.figure.suptitle(f"p = {p}")


def categories(ax, p):
    ax.bar(["a", "b"] if p else ["c", "d"], [1, 2])


@pytest.mark.parametrize(
    "draw",
    [
        bars,
        logarithmic,
        turned_labels,
        named_ticks,
        hidden_axis,
        second_scale,
        color_bar,
        heading,
        categories,
    ],
)
def test_a_figure_drawn_again_is_the_one_drawn_for_the_first_time(draw):
    live = start(draw, p=(0.0, 2.0, 1.0))
    for value in (1.0, 0.0, 2.0, 0.0):
        live.sliders[0].value = value
    np.testing.assert_array_equal(live.pixels, fresh(draw, p=0.0))


def test_several_panels_come_as_an_array():
    def panels(axes, p):
        left, right = axes
        left.plot([0, p])
        right.plot([p, 0])

    live = Live(explore(panels, alt=ALT, subplots=(1, 2), figsize=(8, 3), p=(0.0, 2.0, 1.0)))
    live.sliders[0].value = 2
    assert live.pixels.shape == (300, 800, 3)


def test_axes_stay_where_the_first_drawing_put_them():
    corners = []

    def growing(ax, p):
        corners.append(ax.get_position().bounds)
        ax.plot([0, 10**p])

    live = start(growing, p=(0, 9, 1))
    live.sliders[0].value = 6
    live.sliders[0].value = 9
    assert corners[1] == corners[2]


def test_a_slider_may_be_served_by_another_thread():
    live = start()
    other = threading.Thread(target=setattr, args=(live.sliders[0], "value", 2))
    other.start()
    other.join()
    np.testing.assert_array_equal(live.pixels, fresh(line, p=2.0))


def test_what_is_drawn_ahead_is_not_drawn_again():
    drawn = []

    def counted(ax, p, word):
        drawn.append((p, word))
        line(ax, p)

    sliders = {"p": slider(0.1, 0.4, 0.1, start=0.2), "word": ["a", "b"]}
    live = Live(explore(counted, alt="The line {p:.1f} {word} and so on", ahead=True, **sliders))
    assert drawn == [(0.2, "a")] + [(p, word) for p in (0.1, 0.2, 0.3, 0.4) for word in "ab"]
    live.sliders[0].value = 0.3
    live.sliders[1].index = 1
    assert live.alt == "The line 0.3 b and so on"
    np.testing.assert_array_equal(live.pixels, fresh(line, p=0.3))
    assert len(drawn) == 9


# What goes wrong


def fails_at_one(ax, p):
    line(ax, p)
    if p == 1:
        raise ZeroDivisionError("no\n  <one>")


def test_a_drawing_that_fails_keeps_the_figure_and_says_so_until_the_next_good_one():
    exploration = explore(fails_at_one, alt=ALT, p=(0.0, 2.0, 1.0))
    live = Live(exploration)
    before = live.image.value
    live.sliders[0].value = 1
    assert live.alert.value.startswith('<p role="alert"')
    assert (
        "p = 1 cannot be drawn (ZeroDivisionError: no &lt;one&gt;); the figure shows p = 0."
        in live.alert.value
    )
    assert live.image.value == before
    assert "Drawn at p = 0." in exploration._repr_mimebundle_()["text/html"]
    live.sliders[0].value = 2
    assert live.alert.value == ""
    np.testing.assert_array_equal(live.pixels, fresh(line, p=2.0))


def test_an_interrupt_is_not_swallowed():
    def interrupted(ax, p):  # noqa: ARG001
        if p:
            raise KeyboardInterrupt

    live = start(interrupted)
    with pytest.raises(KeyboardInterrupt):
        live.sliders[0].value = 1
    live.sliders[0].value = 0  # and nothing is locked


def test_what_the_first_drawing_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        explore(fails_at_one, alt=ALT, p=slider(0, 2, 1, start=1))


def test_what_a_drawing_ahead_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        explore(fails_at_one, alt=ALT, ahead=True, p=(0, 2, 1))


# What is refused


@pytest.mark.parametrize(
    ("spec", "kind", "parts"),
    [
        ((1, 1, 0.1), ValueError, ("p: high must be a number > 1, got 1",)),
        ((2, 1, 0.1), ValueError, ("p: high must",)),
        ((0, 1, 0), ValueError, ("p: step must be a number > 0 and <= 1, got 0",)),
        ((0, 1, 2), ValueError, ("p: step must",)),
        ((0, 1, "x"), TypeError, ("p: step must",)),
        ((0, float("inf"), 1), ValueError, ("p: high must",)),
        ((0, 1), TypeError, ("p: a slider must be (low, high, step), a list", "(0, 1)")),
        (3, TypeError, ("p: a slider must be (low, high, step), a list", "3")),
        ([1], ValueError, ("p: values must hold at least 2", "[1]")),
    ],
)
def test_a_slider_that_does_not_fit_is_refused(spec, kind, parts):
    with refuses(kind, *parts):
        explore(line, alt=ALT, p=spec)


def test_a_start_outside_the_range_is_refused():
    with refuses(ValueError, "start must be a number >= 0 and <= 1, got 2"):
        slider(0, 1, 0.1, start=2)
    with refuses(ValueError, "start must be one of the values", "got 3"):
        choice([1, 2], start=3)


def test_a_start_may_differ_from_a_value_by_rounding():
    assert choice(np.logspace(-3, 0, 4), start=0.1 + 1e-17).index == 2


def test_too_many_positions_are_not_drawn_ahead():
    with refuses(
        ValueError, "ahead must be for sliders of at most 50 positions together", "got 102"
    ):
        explore(lambda ax, p, **_: line(ax, p), alt=ALT, ahead=True, p=(0, 50, 1), q=["a", "b"])


def test_explore_wants_sliders():
    with refuses(ValueError, "explore must get at least one slider", "got none"):
        explore(line, alt=ALT)


@pytest.mark.parametrize("names", [("q",), ("p", "q"), ()])
def test_draw_must_take_the_sliders(names):
    def draw(ax, p, r=0):
        """Draw nothing."""

    sliders = dict.fromkeys(names, (0, 1, 1)) or {"r": (0, 1, 1)}
    with refuses(
        TypeError,
        f"draw must be a function of the axes and {', '.join(sliders)}",
        "draw(ax, p, r=0)",
    ):
        explore(draw, alt=ALT, **sliders)


def test_draw_must_be_a_function():
    with refuses(TypeError, "draw must be a function of the axes and p", "int 3"):
        explore(3, alt=ALT, p=(0, 1, 1))


@pytest.mark.parametrize(
    ("alt", "kind", "part"),
    [
        ("Short {p}", ValueError, "at least 20 characters"),
        (None, TypeError, "None"),
        ("A line of slope {q} through the origin", ValueError, "places for p alone"),
        ("A line of slope {} through the origin", ValueError, "places for p alone"),
        ("A line of slope {p:d} through the origin", ValueError, "places for p alone"),
        ("A line of slope {p through the origin", ValueError, "places for p alone"),
        (lambda p: "Short", ValueError, "at least 20 characters"),  # noqa: ARG005
    ],
)
def test_alt_must_be_a_sentence_about_the_sliders(alt, kind, part):
    with refuses(kind, "alt must", part):
        explore(line, alt=alt, p=(0.0, 1.0, 0.5))


def test_other_widgets_are_no_sliders():
    with refuses(TypeError, "p: a slider must be"):
        explore(line, alt=ALT, p=ipywidgets.Checkbox())
