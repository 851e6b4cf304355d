"""Augmentation: training examples changed at random so that their labels survive (or are mixed).

Images are arrays (N, H, W) or (N, C, H, W). Each of the N images gets a change of its own, and all
its channels get the same one. The input is never changed, and the order is kept, so the labels y
still fit; floats keep their dtype, integers become float64. Everything random takes `rng`, a
np.random.Generator.
"""

import numpy as np

from helpers.internal.arguments import array, describe, floats, generator, integer, number


def shift(images, most, rng, fill=0.0):
    """Move each image down and to the right by whole numbers of pixels from -most to most.

    All moves are equally likely. What leaves the frame is lost, and `fill` comes in. Raises
    ValueError unless 0 <= most < min(H, W).
    """
    images = _images(images)
    most = integer("most", most, low=0, high=min(images.shape[-2:]) - 1)
    moves = generator("rng", rng).integers(-most, most + 1, (2, len(images)))
    rows, columns = _pixels(images)
    return _look_up(images, rows - _per_image(moves[0]), columns - _per_image(moves[1]), fill)


def rotate(images, degrees, rng, fill=0.0):
    """Turn each image about its center by an angle drawn uniformly from -degrees to degrees.

    Positive angles turn it counterclockwise, as np.rot90 does. Between pixels the value is
    bilinear: a mean of the four neighbors, weighted by nearness. `fill` lies outside. Raises
    ValueError unless 0 <= degrees <= 180.
    """
    images = _images(images)
    degrees = number("degrees", degrees, 0, 180)
    angles = np.radians(generator("rng", rng).uniform(-1, 1, len(images)) * degrees)
    rows, columns = _turned(_pixels(images), images.shape[-2:], _per_image(angles))
    return _bilinear(images, rows, columns, fill)


def jitter(X, std, rng):
    """Return X + std e with e from N(0, 1). `std` has the unit of X; values may leave its range."""
    X = array("X", X)
    std = number("std", std, low=0)
    return X + std * generator("rng", rng).standard_normal(X.shape).astype(X.dtype, copy=False)


def cutout(images, size, rng, fill=0.0):
    """Cover size x size pixels of each image with `fill`, centered on a pixel drawn uniformly.

    A square at the edge is cut off by it. Source: DeVries and Taylor (2017), section 3.2.
    """
    images = _images(images)
    size = integer("size", size, low=0)
    centers = generator("rng", rng).integers(0, images.shape[-2:], (len(images), 2)).T
    inside = True
    for pixel, center in zip(_pixels(images), centers, strict=True):
        first = _per_image(center) - size // 2
        inside = inside & (pixel >= first) & (pixel < first + size)
    fill = np.asarray(number("fill", fill), images.dtype)
    return np.where(_over_channels(inside, images), fill, images)


def mixup(X, y, alpha, rng, classes=None):
    """Return (share X + (1 - share) X', share Y + (1 - share) Y') with partners of the same batch.

    `share` is from Beta(alpha, alpha), one for each of the N examples. y holds labels (N,) of
    `classes` classes, or probabilities (N, C); the result holds probabilities (N, C), which
    CrossEntropyLoss takes. The labels are mixed with the images: pictures of two digits are not one
    of them. alpha -> 0 mixes nothing. Raises ValueError if X and y differ in length. Source:
    Zhang, Cisse, Dauphin and Lopez-Paz (2018), section 2.
    """
    X = array("X", X)
    Y = _probabilities(y, classes, X).astype(X.dtype, copy=False)
    alpha = number("alpha", alpha, above=0)
    partners = generator("rng", rng).permutation(len(X))
    shares = rng.beta(alpha, alpha, len(X)).astype(X.dtype, copy=False)
    return tuple(_mix(values, values[partners], shares) for values in (X, Y))


def _mix(a, b, shares):
    shares = shares.reshape(-1, *[1] * (a.ndim - 1))
    return shares * a + (1 - shares) * b


def _probabilities(y, classes, X):
    floats("y", y)  # checked only: labels stay integers
    y = np.asarray(y)
    if y.shape[:1] != X.shape[:1]:
        raise ValueError(
            f"y must hold one label for each example of X, got shapes {y.shape} and {X.shape}"
        )
    if y.ndim == 2:
        return _rows_of_shares(array("y", y), classes)
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise TypeError(
            f"y must hold integer labels (N,) or probabilities (N, C), got {describe(y)}"
        )
    if classes is None:
        raise TypeError("classes must be an integer >= 1 if y holds labels, got None")
    classes = integer("classes", classes, low=1)
    if y.min() < 0 or y.max() >= classes:
        raise ValueError(f"y must hold labels 0 to {classes - 1}, got {y.min()} to {y.max()}")
    return y[:, None] == np.arange(classes)


def _rows_of_shares(y, classes):
    if (y < 0).any() or not np.allclose(y.sum(axis=1), 1):
        raise ValueError(
            "y must hold probabilities: rows of numbers >= 0 with sum 1, got other rows"
        )
    if classes is not None and integer("classes", classes) != y.shape[1]:
        raise ValueError(
            f"classes must be {y.shape[1]}, the columns of y, or None, got {describe(classes)}"
        )
    return y


def _images(images):
    images = array("images", images)
    if images.ndim not in (3, 4):
        raise ValueError(f"images must have shape (N, H, W) or (N, C, H, W), got {images.shape}")
    return images


def _pixels(images):
    """Row and column of each pixel: (1, H, 1) and (1, 1, W)."""
    height, width = images.shape[-2:]
    return np.arange(height)[None, :, None], np.arange(width)[None, None, :]


def _per_image(values):
    return np.asarray(values)[:, None, None]


def _over_channels(values, images):
    return values[:, None] if images.ndim == 4 else values


def _turned(pixels, size, angles):
    """Where the pixels of the turned images come from: their places turned back."""
    middle_row, middle_column = (np.asarray(size) - 1) / 2
    down = pixels[0] - middle_row
    right = pixels[1] - middle_column
    cos = np.cos(angles)
    sin = np.sin(angles)
    return middle_row + cos * down + sin * right, middle_column + cos * right - sin * down


def _look_up(images, rows, columns, fill):
    """images at (rows, columns), arrays of integers (N, H, W); `fill` outside the frame."""
    height, width = images.shape[-2:]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    rows = np.clip(rows, 0, height - 1)
    columns = np.clip(columns, 0, width - 1)
    n = _per_image(np.arange(len(images)))
    if images.ndim == 4:
        values = np.moveaxis(images[n, :, rows, columns], 3, 1)
    else:
        values = images[n, rows, columns]
    fill = np.asarray(number("fill", fill), images.dtype)
    return np.where(_over_channels(inside, images), values, fill)


def _bilinear(images, rows, columns, fill):
    top = np.floor(rows).astype(int)
    left = np.floor(columns).astype(int)
    down = (rows - top).astype(images.dtype)
    right = (columns - left).astype(images.dtype)
    total = 0
    for row, row_share in ((top, 1 - down), (top + 1, down)):
        for column, column_share in ((left, 1 - right), (left + 1, right)):
            share = _over_channels(row_share * column_share, images)
            total = total + share * _look_up(images, row, column, fill)
    return total
