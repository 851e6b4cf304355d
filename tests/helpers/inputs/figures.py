"""Figures and sliders, at their boundary.

What they draw is compared in tests/helpers/test_plotting.py and test_widgets.py.
"""

from types import SimpleNamespace

import numpy as np
from hypothesis import strategies as st
from matplotlib.figure import Figure

from helpers import plotting, widgets
from tests.helpers.inputs.kinds import (
    Kind,
    array,
    drawn,
    function,
    listed,
    number,
    returning,
    same,
    sequence,
    text,
)
from tests.helpers.inputs.row import Row

X = np.array([[0.0, 0.5], [1.0, 1.5], [2.0, 0.25], [3.0, 1.0]])
LABELS = np.array([0, 1, 1, 0])
SENTENCE = "A line that falls and then rises again."
NO_FIGURES = listed(None, 3, 0.5, "figure", [], {}, object, np.ones(2))
NO_FIGURES |= drawn(st.integers(), st.text())


class Drawn:
    """Stands for an Axes or a Figure that is made once: copies of those would take long."""


FIGURE = Figure(figsize=(1, 1))
AX = FIGURE.subplots()


def on_axes(draw):
    def call(ax, **arguments):
        if ax is Drawn:
            for artist in (*AX.lines, *AX.collections, *AX.texts):
                artist.remove()
            drawn = draw(AX, **arguments)
            return None if drawn is AX else drawn
        return draw(ax, **arguments)

    return call


def history(train, validation=(), best_epoch=None):
    return SimpleNamespace(
        train_loss=list(train), validation_loss=list(validation), best_epoch=best_epoch
    )


AXES = Kind(Drawn, NO_FIGURES, same(Drawn))
NAME = text("a name")
OTHER_HISTORIES = [
    history([]),
    history([np.nan, 1.0]),
    history(["a", "b"]),
    history([2.0], [np.inf]),
]
HISTORIES = sequence(history([2.0, 1.0]), [None, 3, [2.0, 1.0], {}, *OTHER_HISTORIES])
TITLES = sequence(["a", "b"], ["ab", 3, ["a"], ["a", "b", "c"], [1, 2], {"a": 1, "b": 2}])
LIMITS = sequence((0.0, 1.0), [3, (0.0,), ("a", "b"), (1.0, 0.0), (0.0, np.nan), "ab"])
OTHER_LABELS = [None, "abcd", LABELS[:3], LABELS + 0.5, LABELS + 9, -LABELS - 1, X]
PLOTTING = {
    "plotting.use_style": Row(lambda: plotting.use_style()),
    "plotting.label_lines": Row(on_axes(plotting.label_lines), ax=AXES),
    "plotting.learning_curves": Row(
        on_axes(lambda ax, **kinds: plotting.learning_curves(ax=ax, **kinds)),
        ax=AXES.but(None),
        history=HISTORIES,
        ylabel=NAME,
    ),
    "plotting.interval_band": Row(
        on_axes(plotting.interval_band),
        ax=AXES,
        x=array(X[:, 0], wrong=[X], huge=False),
        values=array(X.T, wrong=[X, X[0], X.T[:1], X.T[:, :3]], huge=False),
        label=NAME,
    ),
    "plotting.lambda_axis": Row(on_axes(plotting.lambda_axis), ax=AXES, label=NAME),
    "plotting.decision_boundary": Row(
        lambda **kinds: plotting.decision_boundary(**kinds),
        predict=function(lambda grid: grid)
        .only_bad()
        .also(returning(None), lambda grid: grid * np.nan, lambda grid: grid[:3]),
        X=array(X, wrong=[X[:3], X[:, :1]], huge=False).only_bad(),
        y=Kind(LABELS, listed(*OTHER_LABELS)),
        ax=Kind(None, AXES.but(None).bad),
    ),
    "plotting.image_row": Row(
        plotting.image_row,
        images=array(np.ones((2, 3, 3)), wrong=[X], huge=False).only_bad(),
        titles=TITLES.only_bad().but(None),
        limits=LIMITS.only_bad(),
    ),
    "plotting.show": Row(
        lambda fig, alt: plotting.show(FIGURE if fig is Drawn else fig, alt),
        fig=Kind(Drawn, NO_FIGURES),
        alt=text(SENTENCE).only_bad(),
    ),
    "plotting.checked_alt": Row(
        plotting.checked_alt, alt=text(SENTENCE).also("", "short", " " * 30)
    ),
}


# ---- Sliders ----


def draw(ax, p):
    ax.axhline(p)


def without_p(ax):
    ax.axhline(0)


def settings(widget):
    """What a slider was made with."""
    names = ("min", "max", "step", "value", "description")
    return [getattr(widget, name) for name in names if hasattr(widget, name)]


NO_SLIDERS = [None, 3, "abc", (), (0,), [1], [], {}]
NO_SLIDERS += [(1.0, 0.0, 0.1), (0.0, 1.0, 0.0), (0.0, 1.0, "a"), (0, np.nan, 1)]
NO_SENTENCES = listed(None, 3, "", "short", SENTENCE + "{q}", SENTENCE + "{") | drawn(st.integers())
WIDGETS = {
    "widgets.slider": Row(
        lambda **kinds: settings(widgets.slider(**kinds)),
        low=Kind(-4.0, number(0.0).bad, same(-4.0, -3.5)),
        high=Kind(6.0, number(0.0).bad | drawn(st.floats(max_value=-4.0)), same(6.0, 7.5)),
        step=number(0.25, above=0.0, high=10.0),
        start=number(1.5, low=-4.0, high=6.0).but(None),
        label=NAME.but(None),
    ),
    "widgets.choice": Row(
        lambda **kinds: settings(widgets.choice(**kinds)),
        values=sequence(
            [1.0, 2.0],
            [None, 3, [], [1.0], "ab", {}],
            unusual=[((1.0, 2.0), [1.0, 2.0])],
        ),
        start=sequence(2.0, [3.0, "2", [2.0], np.ones(2)], more=st.text(), unusual=[(2, 2.0)]),
        label=NAME.but(None),
    ),
    "widgets.explore": Row(
        widgets.explore,
        draw=function(draw).also(without_p).only_bad(),
        alt=Kind(SENTENCE, NO_SENTENCES),
        p=sequence((0.0, 1.0, 0.5), NO_SLIDERS).only_bad(),
    ),
}

TABLE = PLOTTING | WIDGETS
