"""A figure that follows sliders, with a still image where no kernel runs."""

import html
import inspect
import itertools
import math
import numbers
import threading
from decimal import Decimal

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from helpers.internal import arguments
from helpers.internal.png import bundle, encoded, img, picture, reduced
from helpers.plotting import COLORS, checked_alt

SLIDERS = (ipywidgets.IntSlider, ipywidgets.FloatSlider, ipywidgets.SelectionSlider)
LOOK = {"style": {"description_width": "initial"}, "layout": {"width": "30em", "max_width": "100%"}}

# ipywidgets gives its sliders no accessible name, and a slider over a list tells its index instead
# of its value. The browser runs this with each image: the handle gets its label as a name, and
# tells the value next to it.
NAME_THE_SLIDERS = """
for (const slider of this.closest('.course-explore').querySelectorAll('.widget-slider')) {
  const handle = slider.querySelector('[role=slider]');
  const readout = slider.querySelector('.widget-readout');
  if (handle.hasAttribute('aria-label')) continue;
  const name = slider.querySelector('label').textContent;
  handle.setAttribute('aria-label', name);
  readout.setAttribute('role', 'textbox');
  readout.setAttribute('aria-label', name + ', typed');
  slider.querySelector('.noUi-target').noUiSlider.on('update',
    () => handle.setAttribute('aria-valuetext', readout.textContent));
}"""


def explore(draw, *, alt, figsize=(6.4, 4.0), subplots=(1, 1), ahead=False, **sliders):
    """Show the figure that draw(ax, **values) draws, and draw it again when a slider moves.

    The call is the last line of a cell. Each slider is (low, high, step), a list of values,
    `slider(...)` or `choice(...)`; its name is an argument of `draw`.

    >>> def draw(ax, slope):
    ...     ax.plot([0, 1], [0, slope])
    ...     ax.set_ylim(-2, 2)
    >>> lines = explore(draw, alt="A line of slope {slope} from the origin.", slope=(-2, 2, 1))

    With subplots=(rows, columns) `draw` gets an array of Axes. They come empty each time and stay
    where the first drawing put them, so set limits if the range of the data moves. `alt` is the
    alternative text: a sentence with places such as {p:.1f} for the values, or a function of them.
    `figsize` is in inches.

    `draw` is called for as long as the notebook is open: a later cell must not give another meaning
    to what it reads. It should take less than 50 ms; 50 bars from
    ax.stairs(heights, edges, fill=True) take 15 ms less than from ax.bar. If it takes more,
    ahead=True draws all positions of the sliders, 50 at most, before it shows the first.

    Raises TypeError or ValueError for arguments that do not fit, and what the first drawing raises;
    with `ahead`, what any drawing raises.
    """
    controls = {name: _control(name, spec) for name, spec in sliders.items()}
    _check_draw(draw, controls)
    positions = _positions(controls) if ahead else []
    return Exploration(draw, alt, Stage(figsize, subplots), controls, positions)


def slider(low, high, step, *, start=None, label=None):
    """A slider from `low` to `high` that starts at `start`, or at `low`.

    If all numbers are integers, so are its values. Raises TypeError or ValueError unless
    low <= start <= high and 0 < step <= high - low.
    """
    arguments.number("low", low)
    arguments.number("high", high, above=low)
    arguments.number("step", step, above=0, high=high - low)
    start = low if start is None else start
    arguments.number("start", start, low, high)
    _check_label(label)
    options = {"value": start, "min": low, "max": high, "step": step, "description": label or ""}
    if all(isinstance(value, numbers.Integral) for value in (low, high, step, start)):
        return ipywidgets.IntSlider(**options, **LOOK)
    decimals = max(_decimals(low), _decimals(step))
    return ipywidgets.FloatSlider(**options, **LOOK, readout_format=f".{decimals}f")


def choice(values, *, start=None, label=None):
    """A slider over a list of values, such as np.logspace(-4, 0, 9), that starts at `start`.

    Without `start` it starts at the first. Raises ValueError unless there are two values or more,
    and `start` is one of them.
    """
    if isinstance(values, (str, dict)) or not np.iterable(values):
        got = arguments.describe(values)
        raise TypeError(f"values must be a list such as [0.1, 1.0], got {got}")
    _check_label(label)
    values = list(values)
    if len(values) < 2:
        raise ValueError(f"values must hold at least 2 values, got {values}")
    index = 0 if start is None else _index(values, start)
    options = [(_words(value), value) for value in values]
    return ipywidgets.SelectionSlider(options=options, index=index, description=label or "", **LOOK)


def _index(values, start):
    for index, value in enumerate(values):
        if _same(value, start) is True:
            return index
    raise ValueError(f"start must be one of the values, got {start!r}")


def _same(a, b):
    both = isinstance(a, numbers.Real) and isinstance(b, numbers.Real)
    return math.isclose(a, b, rel_tol=1e-9) if both else a == b


def _check_label(label):
    if label is not None:
        arguments.text("label", label)


def _words(value):
    return f"{value:.4g}" if isinstance(value, numbers.Real) else str(value)


def _decimals(value):
    """How many decimals `value` is written with: 2 for 0.25."""
    return max(0, -Decimal(repr(float(value))).normalize().as_tuple().exponent)


def _control(name, spec):
    """The widget of a slider, described by its name where it has no label."""
    try:
        widget = spec if isinstance(spec, SLIDERS) else _from_shorthand(spec)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
    widget.description = widget.description or name
    return widget


def _from_shorthand(spec):
    if isinstance(spec, list):
        return choice(spec)
    if isinstance(spec, tuple) and len(spec) == 3:
        return slider(*spec)
    expected = "a slider must be (low, high, step), a list, slider(...) or choice(...)"
    raise TypeError(f"{expected}, got {arguments.describe(spec)}")


def _check_draw(draw, controls):
    if not controls:
        raise ValueError("explore must get at least one slider such as p=(0.0, 1.0, 0.1), got none")
    try:
        inspect.signature(draw).bind(None, **controls)
    except TypeError:
        expected = f"draw must be a function of the axes and {', '.join(controls)}"
        raise TypeError(f"{expected}, got {_signature(draw)}") from None


def _signature(draw):
    if inspect.isfunction(draw):
        return f"{draw.__name__}{inspect.signature(draw)}"
    return arguments.describe(draw)


def _positions(controls):
    """The values of all sliders together, in every combination."""
    combinations = list(itertools.product(*map(_stops, controls.values())))
    count = len(combinations)
    if count > 50:
        raise ValueError(f"ahead must be for sliders of at most 50 positions together, got {count}")
    return [dict(zip(controls, combination, strict=True)) for combination in combinations]


def _stops(control):
    """The values that a slider can take."""
    if isinstance(control, ipywidgets.SelectionSlider):
        return [value for _, value in control.options]
    count = math.floor((control.max - control.min) / control.step + 1e-9) + 1
    return [round(control.min + step * control.step, 9) for step in range(count)]


class Stage:
    """A figure that pyplot does not know, so that no cell shows it, and its Axes."""

    def __init__(self, figsize, subplots):
        self.fig = Figure(figsize=figsize)
        self.subplots = subplots
        self.build()

    def build(self):
        self.fig.clear()
        self.fig.set_layout_engine("constrained")
        self.axes = self.fig.subplots(*self.subplots)
        self.empty()

    def empty(self):
        """Remove all that was drawn, and return the Axes."""
        own = list(np.ravel(self.axes))
        _, *drawn_on = self.fig.get_children()
        if drawn_on != own:  # a color bar, a second scale or a heading was added
            self.build()
        else:
            for ax in own:
                clear(ax)
        return self.axes

    def picture(self):
        """The figure as a PIL image. Its layout is made once: it takes long, and jumps distract."""
        image = picture(self.fig)
        self.fig.set_layout_engine("none")
        return image


def clear(ax):
    """Make the Axes empty, with few ticks, reused: new ones take half the time of a frame."""
    axes = (ax.xaxis, ax.yaxis)
    before = [(axis.majorTicks, axis.minorTicks, _tick_look(axis)) for axis in axes]
    ax.clear()
    for axis, (major, minor, look) in zip(axes, before, strict=True):
        if look == _tick_look(axis):
            axis.majorTicks = major
            axis.minorTicks = minor
    ax.locator_params(nbins=5)


def _tick_look(axis):
    """What must be untouched for ticks to be reused."""
    return [
        axis.get_tick_params("major"),
        axis.get_tick_params("minor"),
        axis.isDefault_majfmt,
        axis.isDefault_minfmt,
    ]


class Exploration:
    """What `explore` returns: sliders and the figure if a kernel runs, otherwise a still image."""

    def __init__(self, draw, alt, stage, controls, positions):
        self._draw = draw
        self._alt = alt
        self._stage = stage
        self._controls = controls
        self._image = ipywidgets.HTML()
        self._alert = ipywidgets.HTML()
        self._lock = threading.RLock()
        self._ahead = {}
        self._update()
        self._ahead = {repr(values): self._drawn(values) for values in positions}
        self._view = ipywidgets.VBox([*controls.values(), self._image, self._alert])
        self._view.add_class("course-explore")
        for control in controls.values():
            control.observe(self._follow, names="value")

    def _update(self):
        """Show the figure at the values of the sliders."""
        values = self._values()
        self._shown = self._ahead.get(repr(values)) or self._drawn(values)
        _, alt, frame = self._shown
        self._image.value = img(frame, alt, onload=NAME_THE_SLIDERS)
        self._alert.value = ""

    def _drawn(self, values):
        """What is shown at `values`: them, the alternative text and the picture."""
        alt = self._alt_text(values)
        self._draw(self._stage.empty(), **values)
        # The fastest without loss: 137 ms from key to image on two busy cores, as SVG 170 ms,
        # at 200 dots to the inch 174 ms.
        return values, alt, encoded(self._stage.picture(), compress_level=1)

    def _follow(self, _change):
        """A slider moved. The browser sends the next value when this is done: none queue up."""
        with self._lock:  # in JupyterLab sliders are served by another thread than cells
            try:
                self._update()
            except Exception as error:
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                failed = f"{_in_words(self._values())} cannot be drawn ({reason})"
                sentence = f"{failed}; the figure shows {_in_words(self._shown[0])}."
                style = f"color: {COLORS['vermillion']}"
                alert = f'<p role="alert" style="{style}">{html.escape(sentence)}</p>'
                self._alert.value = alert

    def _values(self):
        return {name: control.value for name, control in self._controls.items()}

    def _alt_text(self, values):
        if callable(self._alt):
            return checked_alt(self._alt(**values))
        text = checked_alt(self._alt)
        try:
            return text.format(**values)
        except (LookupError, AttributeError, ValueError) as error:
            expected = f"alt must have places for {', '.join(values)} alone"
            raise ValueError(f"{expected}, got {text!r} ({error})") from None

    def _repr_mimebundle_(self, **_):
        """The live view and the still image; what shows the output takes the first that it can."""
        values, alt, frame = self._shown
        moves = ", ".join(map(_range_in_words, self._controls.values()))
        caption = f"Drawn at {_in_words(values)}. Where a kernel runs, sliders move {moves}."
        still = bundle(reduced(frame), alt, f"<p><small>{html.escape(caption)}</small></p>")
        return self._view._repr_mimebundle_() | still


def _in_words(values):
    return ", ".join(f"{name} = {_words(value)}" for name, value in values.items())


def _range_in_words(control):
    if isinstance(control, ipywidgets.SelectionSlider):
        first = control.options[0][0]
        last = control.options[-1][0]
    else:
        first = _words(control.min)
        last = _words(control.max)
    return f"{control.description} from {first} to {last}"
