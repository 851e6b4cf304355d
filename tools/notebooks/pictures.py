"""Compare two figures as pictures: a machine may draw other shades of grey, but no other result."""

import base64
import io
import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image

# Figures inside HTML: <img src="data:image/png;base64,...">.
DATA_URI = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
CUT_OUT = "data:image/png;base64,(picture)"

# The limits, on grey levels 0..255. Measured with matplotlib 3.11 on figures of 6x4 in at 100 dpi,
# 6.4x4.8 in at 72 and 8x5 in at 150, and on figures of 6.4x4 in with the 256 colors that
# helpers.internal.png stores; the range over all:
#
#                                                RMS of the picture   largest RMS of an 8x8 block
#   must pass  every pixel +-1 (another rounding)      0.29 to 0.84         0.7 to 3.1
#              every pixel +-2                         0.84 to 1.3          1.3 to 3.4
#              antialiased black and blue +-8          0.42 to 0.97         3.5 to 5.0
#              a curve or contour moved by 1e-6        0.01 to 0.40         0.2 to 6.0
#   must fail  one point moved from 4 to 4.02          1.0 to 1.2           36 to 70
#              one of 200 markers moved by 0.05 of 6   1.9 to 2.4           65 to 147
#              the same, s=4 and alpha=0.2, by 0.5     0.33 to 0.42         13 to 25
#              one of 200 markers 5 % along viridis    0.30 to 0.32         12 to 23
#              one character of the title              2.7 to 12            125 to 207
#
# The picture's RMS alone lets a moved point pass; blocks of 8 keep harmless and harmful changes
# further apart than blocks of 16 or 32 do (antialiasing 5.0 against a faint marker 13; with 16: 3.9
# against 6.5). A move of less than half a pixel changes no pixel, since markers snap to pixels: the
# cell should print the numbers that its figure shows as well.
RMS_LIMIT = 2.0
BLOCK_LIMIT = 10.0
BLOCK = 8


class Difference(NamedTuple):
    """How two pictures differ: RMS of all, largest RMS of a block, and its corner in pixels."""

    rms: float
    block_rms: float
    x: int
    y: int

    @property
    def within_limits(self):
        """Is the difference one that another machine may make?"""
        return self.rms <= RMS_LIMIT and self.block_rms <= BLOCK_LIMIT

    def __str__(self):
        return (
            f"RMS {self.rms:.2f} (limit {RMS_LIMIT:g}), largest {BLOCK}x{BLOCK} block "
            f"{self.block_rms:.1f} (limit {BLOCK_LIMIT:g}) at x={self.x}, y={self.y}"
        )


def decoded(encoded):
    """The bytes of a base64 string; b"" if it is not base64."""
    try:
        return base64.b64decode(encoded)
    except ValueError:
        return b""


@lru_cache(maxsize=8)  # the copy inside the HTML is the same string
def pixels(encoded):
    """The picture in a base64 string, on white: float32 (height, width, 3).

    Raises ValueError unless the string holds a picture.
    """
    try:
        picture = Image.open(io.BytesIO(decoded(encoded))).convert("RGBA")
    except OSError as error:
        raise ValueError("the output holds no readable PNG") from error
    white = Image.new("RGBA", picture.size, "white")
    return np.asarray(Image.alpha_composite(white, picture).convert("RGB"), np.float32)


def difference(stored, new):
    """The Difference of two base64 pictures.

    Raises ValueError if their sizes differ, or if one of them is not a picture.
    """
    old_pixels = pixels(stored)
    new_pixels = pixels(new)
    if old_pixels.shape != new_pixels.shape:
        raise ValueError(f"the size changed from {_size(old_pixels)} to {_size(new_pixels)} pixels")
    squares = np.square(old_pixels - new_pixels).mean(axis=2)
    blocks = _block_means(squares)
    row, column = np.unravel_index(blocks.argmax(), blocks.shape)
    return Difference(
        float(np.sqrt(squares.mean())),
        float(np.sqrt(blocks.max())),
        int(column) * BLOCK,
        int(row) * BLOCK,
    )


def _size(picture):
    height, width, _ = picture.shape
    return f"{width}x{height}"


def problem(stored, new):
    """A phrase that says how two base64 pictures differ; None if they agree within the limits."""
    if stored == new:
        return None
    try:
        apart = difference(stored, new)
    except ValueError as error:
        return str(error)
    return None if apart.within_limits else str(apart)


def kept(stored, new):
    """`stored` if the two base64 pictures agree within the limits, otherwise `new`."""
    return stored if problem(stored.strip(), new.strip()) is None else new


def kept_in_html(stored, new):
    """The HTML `new`, with the stored bytes of each picture that agrees with the stored one."""
    before = DATA_URI.findall(stored)
    if len(before) != len(DATA_URI.findall(new)):
        return new
    in_order = iter(before)

    def address(match):
        return match[0].replace(match[1], kept(next(in_order), match[1]))

    return DATA_URI.sub(address, new)


def _block_means(squares):
    """Means over blocks; the last row and column are padded with their edge, to dilute no block."""
    height, width = squares.shape
    padded = np.pad(squares, ((0, -height % BLOCK), (0, -width % BLOCK)), mode="edge")
    return padded.reshape(padded.shape[0] // BLOCK, BLOCK, -1, BLOCK).mean(axis=(1, 3))
