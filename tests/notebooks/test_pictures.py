"""The limits of compared pictures on real figures: a moved point fails, other greys pass."""

import base64
import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from tools.notebooks import pictures

SIZES = [((6, 4), 100), ((6.4, 4.8), 72), ((8, 5), 150)]


def drawn(draw, size):
    """The figure that draw(ax) makes, as base64."""
    with mpl.rc_context({"figure.figsize": size[0], "figure.dpi": size[1], "backend": "Agg"}):
        figure, ax = plt.subplots()
        draw(ax)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        plt.close(figure)
    return base64.b64encode(buffer.getvalue()).decode()


def points(fourth=4.0, title="Five points on a line"):
    def draw(ax):
        ax.plot([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, fourth, 5], "o")
        ax.set(title=title, xlabel="x (s)", ylim=(-0.2, 5.2))

    return draw


def scatter(shift=0.0, **style):
    xy = np.random.default_rng(0).normal(size=(200, 2))
    xy[7, 0] += shift

    def draw(ax):
        ax.scatter(*xy.T, **style)
        ax.set(xlim=(-3, 3), ylim=(-3, 3))

    return draw


def curve(shift=0.0):
    x = np.linspace(0, 1, 300)
    return lambda ax: ax.plot(x, np.exp(-3 * x) + shift * np.sin(9 * x))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    ("stored", "new"),
    [
        (points(), points(4.02)),
        (points(), points(title="Five points on a lime")),
        (scatter(), scatter(0.05)),
        (scatter(s=4, alpha=0.2), scatter(0.5, s=4, alpha=0.2)),
        (curve(), curve(0.002)),
    ],
    ids=["point", "title", "marker", "faint marker", "curve"],
)
def test_a_real_change_is_seen(stored, new, size):
    assert pictures.problem(drawn(stored, size), drawn(new, size)) is not None


def noisy(encoded, levels, everywhere):
    """The picture with up to `levels` grey levels added, at every pixel or only at edges."""
    pixels = pictures.pixels(encoded)
    edge = (pixels.min(axis=2) > 0) & (pixels.max(axis=2) < 255) | everywhere
    noise = np.random.default_rng(0).integers(-levels, levels + 1, pixels.shape) * edge[..., None]
    buffer = io.BytesIO()
    picture = Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
    picture.save(buffer, "png", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("levels", "everywhere"), [(1, True), (2, True), (8, False)])
def test_another_machines_greys_pass(levels, everywhere, size):
    stored = drawn(points(), size)
    assert stored != noisy(stored, levels, everywhere)
    assert pictures.problem(stored, noisy(stored, levels, everywhere)) is None


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_last_digits_of_a_curve_pass(size):
    assert pictures.problem(drawn(curve(), size), drawn(curve(1e-6), size)) is None


def test_a_change_in_the_narrow_last_block_is_not_diluted():
    grey = np.full((17, 17, 3), 100, np.uint8)
    changed = grey.copy()
    changed[16, 16] += 30
    assert pictures.difference(encoded(grey), encoded(changed))[1:] == (30.0, 16, 16)


def encoded(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return base64.b64encode(buffer.getvalue())


def test_transparent_is_white():
    buffer = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(buffer, "png")
    assert (pictures.pixels(base64.b64encode(buffer.getvalue())) == 255).all()
