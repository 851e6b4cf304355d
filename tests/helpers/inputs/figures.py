"""Figures and sliders, at their boundary: what is drawn is compared in tests/helpers/test_plotting.py and test_widgets.py."""

from types import SimpleNamespace

import numpy as np
from hypothesis import strategies as st
from matplotlib.figure import Figure

from helpers import plotting, widgets
from tests.helpers.inputs.kinds import (
    Kind,
    array,
    function,
    number,
    returning,
    same,
    sequence,
    text,
)
from tests.helpers.inputs.row import Row

X = np.array([[0.0, 0.5], [1.0, 1.5], [2.0, 0.25], [3.0, 1.0]])
LABELS, SENTENCE = np.array([0, 1, 1, 0]), "A line that falls and then rises again."
NO_FIGURES = (
    st.sampled_from([None, 3, 0.5, "figure", [], {}, object, np.ones(2)])
    | st.integers()
    | st.text()
)


class Drawn:
    """Stands for an Axes, a Figure or a picture that is made once: copies of those would take long."""


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


def only_bad(kind):
    """The same without unusual values: the call takes 20 ms and more."""
    return Kind(kind.usual, kind.bad, st.nothing())


def history(train, validation=(), best_epoch=None):
    return SimpleNamespace(
        train_loss=list(train), validation_loss=list(validation), best_epoch=best_epoch
    )


AXES = Kind(Drawn, NO_FIGURES, same(Drawn))
NAME = text("a name")
HISTORIES = sequence(
    history([2.0, 1.0]),
    None,
    3,
    [2.0, 1.0],
    {},
    history([]),
    history([np.nan, 1.0]),
    history(["a", "b"]),
    history([2.0], [np.inf]),
)
TITLES = sequence(["a", "b"], "ab", 3, ["a"], ["a", "b", "c"], [1, 2], {"a": 1, "b": 2})
LIMITS = sequence((0.0, 1.0), 3, (0.0,), ("a", "b"), (1.0, 0.0), (0.0, np.nan), "ab")
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
        predict=only_bad(function(lambda grid: grid)).also(
            returning(None), lambda grid: grid * np.nan, lambda grid: grid[:3]
        ),
        X=only_bad(array(X, wrong=[X[:3], X[:, :1]], huge=False)),
        y=Kind(
            LABELS,
            st.sampled_from([None, "abcd", LABELS[:3], LABELS + 0.5, LABELS + 9, -LABELS - 1, X]),
            st.nothing(),
        ),
        ax=Kind(None, AXES.but(None).bad, st.nothing()),
    ),
    "plotting.image_row": Row(
        plotting.image_row,
        images=only_bad(array(np.ones((2, 3, 3)), wrong=[X], huge=False)),
        titles=only_bad(TITLES).but(None),
        limits=only_bad(LIMITS),
    ),
    "plotting.show": Row(
        lambda fig, alt: plotting.show(FIGURE if fig is Drawn else fig, alt),
        fig=Kind(Drawn, NO_FIGURES, st.nothing()),
        alt=Kind(SENTENCE, text("").bad, st.nothing()),
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


OTHER_SLIDERS = [
    None,
    3,
    "abc",
    (),
    (0,),
    (1.0, 0.0, 0.1),
    (0.0, 1.0, 0.0),
    (0.0, 1.0, "a"),
    [1],
    [],
    {},
    (0, np.nan, 1),
]
WIDGETS = {
    "widgets.slider": Row(
        lambda **kinds: settings(widgets.slider(**kinds)),
        low=Kind(-4.0, number(0.0).bad | st.just(np.inf), same(-4.0, -3.5)),
        high=Kind(6.0, number(0.0).bad | st.floats(max_value=-4.0), same(6.0, 7.5)),
        step=number(0.25, above=0.0, high=10.0),
        start=number(1.5, low=-4.0, high=6.0).but(None),
        label=NAME.but(None),
    ),
    "widgets.choice": Row(
        lambda **kinds: settings(widgets.choice(**kinds)),
        values=sequence(
            [1.0, 2.0],
            None,
            3,
            [],
            [1.0],
            "ab",
            {},
            drawn=st.floats(),
            unusual=[((1.0, 2.0), [1.0, 2.0])],
        ),
        start=sequence(2.0, 3.0, "2", [2.0], np.ones(2), drawn=st.text(), unusual=[(2, 2.0)]),
        label=NAME.but(None),
    ),
    "widgets.explore": Row(
        widgets.explore,
        draw=only_bad(function(draw).also(without_p)),
        alt=Kind(
            SENTENCE,
            st.sampled_from([None, 3, "", "short", SENTENCE + "{q}", SENTENCE + "{"])
            | st.integers(),
            st.nothing(),
        ),
        p=only_bad(sequence((0.0, 1.0, 0.5), *OTHER_SLIDERS)),
    ),
}

TABLE = PLOTTING | WIDGETS
