"""Figures: the style, labels that do not overlap, what is drawn, the bundle that Jupyter gets."""

import base64
import io
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from PIL import Image
from scipy import stats

from helpers import plotting
from helpers.internal.png import encoded, picture, png
from helpers.plotting import (
    COLORS,
    LINES,
    decision_boundary,
    image_row,
    interval_band,
    label_lines,
    lambda_axis,
    learning_curves,
    show,
    spread,
    use_style,
)
from tests.helpers.support.refusal import refuses

mpl.use("agg")
ALT = 'The "loss" falls over ten epochs & more.'
heights = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12)


@pytest.fixture(autouse=True)
def course_style():
    """The style of the course in each test, and nothing of it afterwards."""
    with mpl.rc_context():
        use_style()
        yield
    plt.close("all")


@pytest.fixture
def ax():
    return plt.subplots()[1]


def history(**lists):
    return SimpleNamespace(
        **{"train_loss": [3, 2, 1], "validation_loss": [], "best_epoch": None, **lists}
    )


def texts(ax):
    return {text.get_text(): text for text in ax.texts}


# The style


def test_the_style_has_no_box_no_grid_and_titles_at_the_left(ax):
    assert not ax.spines["top"].get_visible()
    assert not ax.spines["right"].get_visible()
    assert not mpl.rcParams["axes.grid"]
    assert mpl.rcParams["axes.titlelocation"] == "left"
    assert mpl.rcParams["image.cmap"] == "viridis"
    assert ax.figure.dpi == 100


def test_the_style_does_not_depend_on_earlier_settings():
    wanted = dict(mpl.rcParams)
    mpl.rcParams.update(
        {"font.size": 30, "text.usetex": True, "axes.facecolor": "black", "savefig.bbox": "tight"}
    )
    use_style()
    assert dict(mpl.rcParams) == wanted


def test_every_line_has_a_style_of_its_own_beside_its_color():
    cycle = list(mpl.rcParams["axes.prop_cycle"])
    assert {to_hex(entry["color"]).upper() for entry in cycle} <= set(COLORS.values())
    assert len({(entry["color"], entry["linestyle"]) for entry in cycle}) == len(cycle)
    assert len({str(line["linestyle"]) for line in LINES.values()}) == len(LINES)


def test_the_font_is_the_one_that_matplotlib_ships(ax):
    found = mpl.font_manager.findfont(ax.set_title("x").get_fontproperties())
    assert found.startswith(mpl.get_data_path())


# Labels at the ends of lines


@given(heights, st.floats(0.1, 100))
def test_spread_keeps_the_gap_the_order_and_the_mean(values, gap):
    moved = spread(values, gap)
    order = np.argsort(values, kind="stable")
    assert (np.diff(moved[order]) >= gap - 1e-9 * (1 + np.abs(values).max())).all()
    np.testing.assert_allclose(moved.mean(), np.mean(values), atol=1e-8)


def test_spread_moves_nothing_that_is_far_enough_apart():
    np.testing.assert_allclose(spread([30.0, 0.0, 10.0], 10), [30, 0, 10])
    np.testing.assert_allclose(spread([5.0, 5.0, 100.0], 10), [0, 10, 100])


def test_labels_stand_right_of_the_line_ends_in_their_colors_and_do_not_overlap(ax):
    for number in range(6):
        ax.plot([0, 1, 2], [0, number, 1 + 0.01 * number], label=f"line {number}")
    ax.plot([0, 1], [0, 0])
    label_lines(ax)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert [text.get_text() for text in ax.texts] == [f"line {number}" for number in range(6)]
    assert [text.get_color() for text in ax.texts] == [line.get_color() for line in ax.lines[:6]]
    assert all(box.x0 > ax.transData.transform((2, 0))[0] for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert max(box.x1 for box in boxes) <= ax.figure.bbox.x1


def test_a_label_stands_where_the_line_is_last_seen(ax):
    ax.plot([0, 1, 2, 3], [0, 1, 1, np.nan], label="ends early")
    ax.plot([3, 0], [5, 0], label="backwards")
    ax.plot([0, 1, 9], [0, 2, 100], label="leaves")
    ax.plot([8, 9], [0, 1], label="unseen")
    ax.axhline(3, label="null")
    ax.set(xlim=(0, 3), ylim=(0, 4))
    label_lines(ax)
    labels = texts(ax)
    assert set(labels) == {"ends early", "backwards", "leaves", "null"}
    ends = [labels[name].xy for name in ("ends early", "backwards", "leaves", "null")]
    np.testing.assert_allclose(
        ends,
        [
            (2, 1),
            (3, 4),  # at the edge of the axes
            (1, 2),
            (1, 3),
        ],
    )


def test_axes_without_labelled_lines_stay_as_they_are(ax):
    ax.plot([0, 1], [0, 1])
    label_lines(ax)
    assert not ax.texts


# What is drawn


def test_learning_curves_draw_both_losses_and_ring_the_best_epoch():
    ax = learning_curves(history(validation_loss=[4, 2.5, 3], best_epoch=2))
    train, validation, ring = ax.lines
    np.testing.assert_array_equal(train.get_xydata(), [[1, 3], [2, 2], [3, 1]])
    np.testing.assert_array_equal(validation.get_ydata(), [4, 2.5, 3])
    np.testing.assert_array_equal(ring.get_xydata(), [[2, 2.5]])
    assert (train.get_color(), validation.get_color()) == (COLORS["train"], COLORS["validation"])
    assert train.get_linestyle() != validation.get_linestyle()
    assert {"train", "validation", "best: epoch 2"} == set(texts(ax))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")


def test_learning_curves_without_validation_and_on_given_axes(ax):
    assert learning_curves(history(), ax, ylabel="loss (nats)") is ax
    assert len(ax.lines) == 1
    assert ax.get_ylabel() == "loss (nats)"


def test_learning_curves_of_nothing_are_refused():
    with refuses(ValueError, "history must", "empty"):
        learning_curves(history(train_loss=[]))


def test_interval_band_is_the_t_interval_over_seeds(ax):
    values = np.random.default_rng(0).normal(size=(10, 4))
    mean, half = interval_band(ax, np.arange(4), values, "test", **LINES["test"])
    low, high = stats.t.interval(0.95, 9, loc=values.mean(axis=0), scale=stats.sem(values, axis=0))
    np.testing.assert_allclose([mean - half, mean + half], [low, high])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), mean)
    band = ax.collections[0].get_paths()[0].get_extents()
    np.testing.assert_allclose([band.y0, band.y1], [low.min(), high.max()])
    assert ax.lines[0].get_label() == "test"


@pytest.mark.parametrize("shape", [(1, 4), (5, 3)])
def test_interval_band_refuses_one_seed_and_other_lengths(ax, shape):
    with refuses(ValueError, "values must have shape (seeds, 4)", f"got {shape}"):
        interval_band(ax, np.arange(4), np.zeros(shape), "x")


def test_interval_band_refuses_nan(ax):
    with refuses(ValueError, "values must", "nan"):
        interval_band(ax, np.arange(2), [[1, 2], [3, np.nan]], "x")


def test_lambda_is_on_a_log_axis(ax):
    lambda_axis(ax)
    assert ax.get_xscale() == "log"
    assert "λ" in ax.get_xlabel()


X = np.random.default_rng(0).uniform(-1, 1, size=(60, 2))


@pytest.mark.parametrize(
    "predict",
    [
        lambda X: np.column_stack([-X[:, 0], X[:, 0]]),
        lambda X: X[:, 0] > 0,
    ],
    ids=["scores", "labels"],
)
def test_decision_boundary_lies_where_the_classes_change(ax, predict):
    decision_boundary(predict, X, (X[:, 0] > 0).astype(int), ax)
    fill, line, *_ = ax.collections
    assert fill.get_paths()[0].get_extents().x1 == pytest.approx(0, abs=0.02)
    assert line.get_paths()[0].get_extents().x0 == pytest.approx(0, abs=0.02)
    markers = {(points.get_marker(), points.get_color()) for points in ax.lines}
    assert markers == {("o", COLORS["blue"]), ("^", COLORS["vermillion"])}
    assert sum(len(points.get_xdata()) for points in ax.lines) == 60


def test_decision_boundary_of_a_classifier_with_one_answer():
    ax = decision_boundary(lambda X: np.zeros(len(X), int), X, np.arange(60) % 3)
    assert len(ax.lines) == 3


def test_decision_boundary_refuses_shapes_that_do_not_fit():
    with refuses(ValueError, "X must have shape (N, 2)", "(60, 2)", "(59,)"):
        decision_boundary(len, X, np.zeros(59, int))
    with refuses(ValueError, "predict must return", "N=25600"):
        decision_boundary(lambda X: X[:3], X, np.zeros(60, int))
    with refuses(ValueError, "predict must return", "2 to 10 classes", "(25600, 1)"):
        decision_boundary(lambda X: X[:, :1], X, np.zeros(60, int))


def test_decision_boundary_refuses_what_is_no_label():
    with refuses(ValueError, "y must hold labels from 0 to 9", "-1"):
        decision_boundary(len, X, np.full(60, -1))
    with refuses(ValueError, "predict must hold labels from 0 to 9", "0.5"):
        decision_boundary(lambda X: np.full(len(X), 0.5), X, np.zeros(60, int))


def test_images_share_one_scale():
    fig = image_row(np.arange(24.0).reshape(3, 2, 4), ["a", "b", "c"])
    assert [ax.get_title() for ax in fig.axes] == ["a", "b", "c"]
    assert {ax.images[0].get_clim() for ax in fig.axes} == {(0, 23)}
    fig = image_row(np.zeros((2, 3, 3)), limits=(-1, 1))
    assert {ax.images[0].get_clim() for ax in fig.axes} == {(-1, 1)}


def test_images_need_a_title_each():
    with refuses(ValueError, "titles must be 3, one for each image, got 1"):
        image_row(np.zeros((3, 2, 2)), ["one"])


# What Jupyter gets


def drawn():
    fig, ax = plt.subplots()
    ax.plot([1, 2, 3], [3, 2, 1], label="train")
    ax.contourf(np.arange(9.0).reshape(3, 3), levels=9)
    ax.set_title("The loss falls")
    return fig


def test_show_displays_one_bundle_and_closes_the_figure(monkeypatch):
    shown = []
    monkeypatch.setattr(plotting, "display", lambda data, raw: shown.append((data, raw)))
    fig = drawn()
    wanted = png(fig)
    show(fig, ALT)
    ((data, raw),) = shown
    assert raw is True
    assert plt.get_fignums() == []
    assert data["text/plain"] == f"Figure: {ALT}"
    assert base64.b64decode(data["image/png"]) == wanted
    assert data["text/html"] == (
        '<img alt="The &quot;loss&quot; falls over ten epochs &amp; more." '
        f'src="data:image/png;base64,{data["image/png"]}">'
    )


@pytest.mark.parametrize(
    ("alt", "kind"), [("A figure.", ValueError), (" " * 30, ValueError), (None, TypeError)]
)
def test_show_wants_a_sentence(alt, kind):
    with refuses(kind, "alt must be a sentence"):
        show(drawn(), alt)


def test_the_png_is_the_same_each_time_and_holds_nothing_but_the_picture():
    first = png(drawn())
    assert first == png(drawn())
    image = Image.open(io.BytesIO(first))
    assert (image.size, image.mode, image.text) == ((640, 400), "P", {})
    assert [kind for kind in (b"tEXt", b"tIME", b"pHYs", b"iTXt") if kind in first] == []


def test_256_colors_look_like_all_colors():
    fig = drawn()
    exact = np.asarray(picture(fig), float)
    small = np.asarray(Image.open(io.BytesIO(png(fig))).convert("RGB"), float)
    assert np.sqrt(np.mean((exact - small) ** 2)) < 1
    assert np.abs(exact - small).max() < 25
    assert (small[0, 0] == 255).all()
    assert len(png(fig)) < 0.6 * len(encoded(picture(fig)))
