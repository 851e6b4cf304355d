"""A figure on its way into a notebook: drawn, packed as a PNG, wrapped with alternative text."""

import base64
import html
import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image


def png(fig):
    """The figure as a PNG: the same bytes for the same figure, without a date or a version."""
    return small_png(picture(fig))


def picture(fig):
    """Draw the figure, 100 pixels to the inch under the course's style, into a PIL image."""
    # A canvas that is used again remembers the sizes of its texts.
    canvas = fig.canvas if type(fig.canvas) is FigureCanvasAgg else FigureCanvasAgg(fig)
    canvas.draw()
    size = canvas.get_width_height()
    return Image.frombuffer("RGBA", size, canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")


def small_png(image):
    """A PIL image as a PNG of 256 colors: a third of the bytes, RMS error below 1 of 255."""
    # Other ways to choose the colors make white grey, or err by 50 of 255 in single pixels.
    method = Image.Quantize.MAXCOVERAGE
    return encoded(image.quantize(256, method, kmeans=1, dither=Image.Dither.NONE))


def reduced(png_bytes):
    """A PNG as one of 256 colors."""
    return small_png(Image.open(io.BytesIO(png_bytes)))


def encoded(image, compress_level=9):
    """The bytes of a PIL image as PNG."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=compress_level)
    return file.getvalue()


def img(png_bytes, alt, onload=""):
    """The <img> element that holds the picture itself and its alternative text."""
    source = "data:image/png;base64," + base64.b64encode(png_bytes).decode()
    script = f' onload="{html.escape(onload)}"' if onload else ""
    return f'<img alt="{html.escape(alt)}" src="{source}"{script}>'


def bundle(png_bytes, alt, caption=""):
    """What Jupyter displays: HTML with alternative text, the picture alone, or a line of text."""
    return {
        "text/html": img(png_bytes, alt) + caption,
        "image/png": base64.b64encode(png_bytes).decode(),
        "text/plain": f"Figure: {alt}",
    }
