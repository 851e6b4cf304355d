"""The look of every figure: one style, labels at line ends, text for readers who cannot see it."""

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression
from scipy.special import stdtrit

from helpers.internal import arguments
from helpers.internal.png import bundle, png

# Okabe and Ito, Color Universal Design, 2008. The first five are roles in the whole course.
COLORS = {
    "train": "#0072B2",
    "validation": "#D55E00",
    "test": "#009E73",
    "null": "#777777",
    "oracle": "#000000",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
}
STYLES = {
    "train": "-",
    "validation": "--",
    "test": "-.",
    "null": ":",
    "oracle": (0, (6, 2, 1, 2, 1, 2)),
}
LINES = {role: {"color": COLORS[role], "linestyle": style} for role, style in STYLES.items()}
CLASSES = [  # color and marker: no two classes look alike in grey
    ("blue", "o"),
    ("vermillion", "^"),
    ("green", "s"),
    ("purple", "D"),
    ("black", "v"),
    ("orange", "P"),
    ("sky", "X"),
    ("blue", "*"),
    ("vermillion", "<"),
    ("green", ">"),
]


def use_style():
    """Give all later figures the look of the course, whatever the settings of this computer."""
    plt.style.use(["default", "helpers.course"])


def label_lines(ax):
    """Write the label of each line at its right end, in its color.

    Labels that would overlap are pushed apart. Call it last, when the limits of the axes are final.
    Lines without a label are left alone.
    """
    _check_axes(ax)
    ax.autoscale_view()  # otherwise the limits are only set at the first drawing
    labelled = [line for line in ax.lines if not line.get_label().startswith("_")]
    lines = [line for line in labelled if _seen(line, ax).any()]
    if not lines:
        return
    ends = np.array([_right_end(line, ax) for line in lines])
    heights = ends[:, 1] * 72 / ax.figure.dpi  # in points
    shifts = spread(heights, 1.25 * plt.rcParams["font.size"]) - heights
    for line, end, shift in zip(lines, ends, shifts, strict=True):
        data = line.get_transform()
        place = {"xy": data.inverted().transform(end), "xycoords": data, "xytext": (6, shift)}
        look = {"color": line.get_color(), "va": "center", "annotation_clip": False}
        ax.annotate(line.get_label(), **place, textcoords="offset points", **look)


def _limits(limits):
    """Return the pair `limits`, checked."""
    limits = arguments.array("limits", limits, 1)
    if len(limits) != 2 or limits[0] >= limits[1]:
        raise ValueError(
            f"limits must be a pair (low, high) with low < high, got {limits.tolist()}"
        )
    return limits


def _check_axes(ax):
    """Return `ax` if it is one Axes."""
    if not isinstance(ax, Axes):
        raise TypeError(
            f"ax must be an Axes such as plt.subplots()[1], got {arguments.describe(ax)}"
        )
    return ax


def _seen(line, ax):
    """Which points of `line` lie between the left and the right end of the axes."""
    pixels = line.get_transform().transform(line.get_xydata())
    left, right = ax.get_window_extent().intervalx
    return np.isfinite(pixels).all(axis=1) & (pixels[:, 0] > left - 1) & (pixels[:, 0] < right + 1)


def _right_end(line, ax):
    """The last visible point of `line` in pixels, moved to the edge if it is above or below."""
    x, y = line.get_transform().transform(line.get_xydata()[_seen(line, ax)]).T
    return x.max(), np.clip(y[x.argmax()], *ax.get_window_extent().intervaly)


def spread(heights, gap):
    """Return `heights` (K,) moved apart by at least `gap`, with the least sum of squared moves."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(order))
    result = np.empty(len(order))
    result[order] = isotonic_regression(np.asarray(heights, float)[order] - steps).x + steps
    return result


def learning_curves(history, ax=None, *, ylabel="loss"):
    """Draw the losses of a History by epoch, with a ring at the best one. Returns the Axes.

    Train is solid, validation dashed and left out where it is empty. Raises ValueError for a
    history of no epochs.
    """
    if not hasattr(history, "train_loss"):
        raise TypeError(f"history must be what fit returns, got {arguments.describe(history)}")
    if not len(history.train_loss):
        raise ValueError("history must hold at least one epoch, got an empty train_loss")
    for losses in filter(len, (history.train_loss, history.validation_loss)):
        arguments.array("the losses of history", losses, 1)
    arguments.text("ylabel", ylabel)
    ax = _check_axes(ax) if ax is not None else plt.subplots()[1]
    for role, losses in (("train", history.train_loss), ("validation", history.validation_loss)):
        if losses:
            ax.plot(np.arange(1, len(losses) + 1), losses, **LINES[role], label=role)
    if history.validation_loss and history.best_epoch:
        _ring(ax, history.best_epoch, history.validation_loss[history.best_epoch - 1])
    ax.locator_params(axis="x", integer=True)
    ax.set(xlabel="epoch", ylabel=ylabel)
    label_lines(ax)
    return ax


def _ring(ax, epoch, loss):
    ring = {"marker": "o", "markersize": 9, "fillstyle": "none", "color": COLORS["validation"]}
    ax.plot([epoch], [loss], **ring, linestyle="none", label="_best")
    above = {"xytext": (0, 9), "textcoords": "offset points", "ha": "center"}
    ax.annotate(f"best: epoch {epoch}", (epoch, loss), **above, color=COLORS["validation"])


def interval_band(ax, x, values, label, **line):
    """Draw the mean over seeds with its 95 % interval, and return (mean, half width).

    The interval is mean ± t(0.975, S - 1) s / sqrt(S). `x` has shape (K,), `values` (S, K) with one
    row per seed. `line` are options of ax.plot, such as **LINES["train"]. Raises ValueError for
    fewer than two seeds, and if the shapes do not fit.
    """
    _check_axes(ax)
    if not isinstance(label, str):  # "" is a line without a label
        raise TypeError(f"label must be a string, got {arguments.describe(label)}")
    x = arguments.array("x", x, 1)
    values = arguments.array("values", values, 2)
    seeds = len(values)
    if values.shape[1] != len(x) or seeds < 2:
        expected = f"values must have shape (seeds, {len(x)}) with at least 2 seeds"
        raise ValueError(f"{expected}, got {values.shape}")
    mean = values.mean(axis=0)
    half = stdtrit(seeds - 1, 0.975) * values.std(axis=0, ddof=1) / np.sqrt(seeds)
    (drawn,) = ax.plot(x, mean, label=label, **line)
    ax.fill_between(x, mean - half, mean + half, color=drawn.get_color(), alpha=0.2, linewidth=0)
    return mean, half


def lambda_axis(ax, label="penalty strength λ"):
    """Make the x axis logarithmic, as every axis of lambda is, and name it."""
    _check_axes(ax).set_xscale("log")
    ax.set_xlabel(arguments.text("label", label))


def decision_boundary(predict, X, y, ax=None):
    """Draw the regions of a classifier of two inputs, and the examples with a marker per class.

    Returns the Axes. `predict` maps (N, 2) to scores (N, C), the largest of which wins, or to
    labels (N,). X has shape (N, 2), y (N,); labels are 0 to 9. Raises ValueError if shapes or
    labels do not fit.
    """
    X = arguments.array("X", X, 2)
    y = _labels("y", arguments.rows("y", y))
    if X.shape[1] != 2 or y.shape != X.shape[:1]:
        raise ValueError(f"X must have shape (N, 2) and y (N,), got {X.shape} and {y.shape}")
    arguments.function("predict", predict, "lambda X: model(X)")
    ax = _check_axes(ax) if ax is not None else plt.subplots()[1]
    low = X.min(axis=0)
    high = X.max(axis=0)
    grid = np.meshgrid(*np.linspace(low - 0.1 * (high - low), high + 0.1 * (high - low), 160).T)
    scores = _scores(predict(np.column_stack([axis.ravel() for axis in grid])), grid[0].size)
    for label, (color, _) in enumerate(CLASSES[: scores.shape[1]]):
        best_other = np.delete(scores, label, axis=1).max(axis=1)
        lead = (scores[:, label] - best_other).reshape(grid[0].shape)  # > 0 where the class wins
        ax.contourf(*grid, lead, levels=[0, np.inf], colors=[COLORS[color]], alpha=0.2)
        if lead.min() < 0 < lead.max():
            ax.contour(*grid, lead, levels=[0], colors="black", linewidths=0.8, linestyles="solid")
    _draw_examples(X, y, ax)
    return ax


def _draw_examples(X, y, ax):
    look = {"markersize": 6, "markeredgecolor": "white", "markeredgewidth": 0.5}
    for label in np.unique(y):
        color, marker = CLASSES[label]
        ax.plot(*X[y == label].T, marker, color=COLORS[color], **look)


def _scores(predicted, count):
    """What `predict` returned, as scores (count, C): 1 for the class of a label, otherwise 0."""
    predicted = arguments.array("the result of predict", predicted)
    if predicted.ndim == 1:
        labels = _labels("predict", predicted)
        predicted = np.eye(max(2, labels.max() + 1))[labels]
    if predicted.ndim != 2 or len(predicted) != count or not 2 <= predicted.shape[1] <= 10:
        expected = "predict must return labels (N,) or scores (N, C) of 2 to 10 classes"
        raise ValueError(f"{expected}, got {predicted.shape} for N={count}")
    return predicted


def _labels(name, values):
    """`values` as integers. Raises ValueError unless they are 0, 1, ... 9."""
    if not np.isin(values, range(10)).all():
        raise ValueError(f"{name} must hold labels from 0 to 9, got {np.unique(values)[:4]}")
    return values.astype(int)


def image_row(images, titles=None, *, cmap="gray", limits=None):
    """Draw images (K, H, W) in a row. Returns the Figure.

    They share one scale, from limits[0] to limits[1], or from the smallest value to the largest.
    Raises ValueError for another number of axes, and if there are not as many titles as images.
    """
    images = arguments.array("images", images, 3)
    titles = [""] * len(images) if titles is None else titles
    if not isinstance(titles, (list, tuple)) or not all(isinstance(title, str) for title in titles):
        raise TypeError(f"titles must be a list of strings, got {arguments.describe(titles)}")
    if len(titles) != len(images):
        raise ValueError(f"titles must be {len(images)}, one for each image, got {len(titles)}")
    low, high = _scale(images) if limits is None else _limits(limits)
    count, height, width = images.shape
    size = (1.2 * count, 1.2 * height / width + 0.25)
    fig, axes = plt.subplots(1, count, figsize=size, squeeze=False)
    for ax, image, title in zip(axes[0], images, titles, strict=True):
        ax.imshow(image, cmap=cmap, vmin=low, vmax=high)
        ax.set_title(title, loc="center", fontsize=10)
        ax.set_axis_off()
    return fig


def _scale(images):
    return images.min(), images.max()


def show(fig, alt):
    """Display the figure once, with `alt` as its alternative text, and close it.

    `alt` says in a sentence what the figure shows to somebody who cannot see it. Raises ValueError
    if it is too short.
    """
    alt = checked_alt(alt)
    if not isinstance(fig, Figure):
        raise TypeError(f"fig must be a Figure, got {arguments.describe(fig)}")
    display(bundle(png(fig), alt), raw=True)
    plt.close(fig)


def checked_alt(alt):
    """Return `alt`, stripped. Raises TypeError or ValueError if it cannot be a sentence."""
    if not isinstance(alt, str):
        raise TypeError(f"alt must be a sentence, got {arguments.describe(alt)}")
    if len(alt.strip()) < 20:
        raise ValueError(
            f"alt must be a sentence of at least 20 characters about the figure, got {alt!r}"
        )
    return alt.strip()
