"""How soon a figure follows its slider: make bench-sliders ARGS="03 04"

Opens the lectures in JupyterLab in a headless Chromium. Below each `explore` a cell shows the same
drawing through `ipywidgets.interact` and plt.show, and the two get their keys by turns. Without
arguments all lectures are measured.

p50 and p95: milliseconds from the keydown event to the new image, decoded, over 30 moves. lag: from
the release of a key to the last image, the worst of three times; the key is held until the slider
is at its end, a second at most. The clock is the page's own.
"""

import argparse
import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

import nbformat
import numpy as np

from tests.browser.support import chromium
from tests.browser.support.lab import LECTURES, Notebook, Server

MOVES = 30
HOLDS = 3
REPEATS = 30
BETWEEN_REPEATS = 33  # ms, as are the following
BETWEEN_MOVES = 150
SETTLED = 1500
AIM_P95 = 100
AIM_LAG = 200
COLUMNS = "{:<22} {:<9} {:>8} {:>5} {:>5} {:>12} {:>5} {:>5} {:>9}".format
HEAD = ("ours p50", "p95", "lag", "interact p50", "p95", "lag", "p95 ratio")

# The cell that is added below an `explore`: the same drawing, with ipywidgets and pyplot alone.
BESIDE = """
import ipywidgets
import matplotlib.pyplot as plt

def beside(exploration):
    stage = exploration._stage
    def show(**values):
        _, axes = plt.subplots(*stage.subplots, figsize=stage.fig.get_size_inches())
        exploration._draw(axes, **values)
        plt.show()
    twins = {name: twin(control) for name, control in exploration._controls.items()}
    ipywidgets.interact(show, **twins)

def twin(control):
    has_options = hasattr(control, "options")
    names = ("options", "index") if has_options else ("min", "max", "step", "value")
    traits = {name: getattr(control, name) for name in ("description", *names)}
    return type(control)(**traits)

beside(list(Out.values())[-1])
"""

STOPWATCH = """box => {
    const watch = box.stopwatch = {pressed: 0, released: 0, images: []};
    box.addEventListener('keydown', event => watch.pressed = event.timeStamp, true);
    box.addEventListener('keyup', event => watch.released = event.timeStamp, true);
    const decoded = () => watch.images.push(performance.now());
    new MutationObserver(changes => {
        const added = changes.flatMap(({addedNodes}) => [...addedNodes]);
        for (const node of added.filter(node => node.nodeType === 1)) {
            const images = node.matches('img') ? [node] : node.querySelectorAll('img');
            for (const image of images) image.decode().then(decoded);
        }
    }).observe(box, {childList: true, subtree: true});
}"""
QUIET_SINCE = """([box, ms]) => {
    const last = Math.max(box.stopwatch.released, ...box.stopwatch.images);
    return performance.now() - last > ms;
}"""


class Follower:
    """A box of sliders with a figure, and the stopwatch in its page."""

    def __init__(self, box):
        self.page = box.page
        self.sliders = box.get_by_role("slider")
        self.key = "ArrowRight"
        self.box = box.element_handle()
        self.box.evaluate(STOPWATCH)

    def watched(self, expression):
        """The value of an expression that begins with a field of the stopwatch."""
        return self.box.evaluate(f"box => box.stopwatch.{expression}")

    def move(self, number):
        """Milliseconds from a key on slider `number` to another figure.

        The slider goes to one end, then to the other.
        """
        slider = self.sliders.nth(number)
        if self._is_at(slider, "max"):
            self.key = "ArrowLeft"
        elif self._is_at(slider, "min"):
            self.key = "ArrowRight"
        self._press(slider, self.key)
        return self.watched("images[0]") - self.watched("pressed")

    def _is_at(self, slider, end):
        now, there = (slider.get_attribute(f"aria-value{name}") for name in ("now", end))
        return float(now) == float(there)

    def _press(self, slider, key):
        slider.focus()
        self.page.wait_for_timeout(BETWEEN_MOVES)
        self.watched("images.length = 0")
        self.page.keyboard.press(key)
        self.page.wait_for_function("box => box.stopwatch.images.length", arg=self.box)

    def lag(self, number):
        """Milliseconds from the release of a key to the last figure.

        The key is held from the left end to the right one.
        """
        slider = self.sliders.nth(number)
        if not self._is_at(slider, "min"):
            self._press(slider, "Home")
        self.page.wait_for_timeout(BETWEEN_MOVES)
        for _ in range(REPEATS):
            self.page.keyboard.down("ArrowRight")
            self.page.wait_for_timeout(BETWEEN_REPEATS)
            if self._is_at(slider, "max"):
                break
        self.page.keyboard.up("ArrowRight")
        self.page.wait_for_function(QUIET_SINCE, arg=[self.box, SETTLED])
        return max(0, self.watched("images.at(-1)") - self.watched("released"))


def measured(number, sides):
    """(p50, p95, lag) of slider `number`, one row for each of the two `sides`."""
    moves = np.array([[side.move(number) for side in sides] for _ in range(MOVES)])
    lags = np.array([[side.lag(number) for side in sides] for _ in range(HOLDS)])
    return np.array([*np.percentile(moves, [50, 95], axis=0), lags.max(axis=0)]).T


def measures_of_sliders(page, server, name):
    """Yield (slider, its measures) for every slider of a lecture."""
    with_interact(server.notebooks / name)
    with Notebook(page, server, name) as notebook:
        notebook.run_all()
        if failures := list(notebook.failures()):
            raise SystemExit(f"{name}: {'; '.join(failures)}")
        ours = [exploration.box for exploration in notebook.explorations()]
        others = notebook.page.locator(".widget-interact").all()
        for boxes in zip(ours, others, strict=True):
            sides = [Follower(box) for box in boxes]
            for number, slider in enumerate(sides[0].sliders.all()):
                yield slider.get_attribute("aria-label"), measured(number, sides)


def with_interact(path):
    """Add the same figure through `interact` below each `explore` of the notebook at `path`."""
    nb = nbformat.read(path, as_version=4)
    for index, cell in reversed(list(enumerate(nb.cells))):
        if cell.cell_type == "code" and "\nexplore(" in f"\n{cell.source}":
            nb.cells.insert(index + 1, nbformat.v4.new_code_cell(BESIDE.strip()))
    nbformat.write(nb, path)


def line(lecture, slider, measures):
    """The measures of a slider, for the table that is printed."""
    (_, p95, lag), (_, p95_other, _) = measures
    missed = "" if p95 <= AIM_P95 and lag <= AIM_LAG else "  missed"
    numbers = [f"{number:.0f}" for number in measures.ravel()]
    return COLUMNS(lecture, slider, *numbers, f"{p95_other / p95:.1f}") + missed


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sliders",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("lectures", nargs="*", help="how their names begin, such as 03 04")
    chosen = tuple(parser.parse_args(arguments).lectures)
    names = [name for name in LECTURES if not chosen or name.startswith(chosen)]
    worst = []
    print(COLUMNS("lecture", "slider", *HEAD), flush=True)
    with (
        chromium.running() as browser,
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder)) as server,
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        for name in names:
            for slider, measures in measures_of_sliders(page, server, name):
                print(line(Path(name).stem, slider, measures), flush=True)
                worst.append(measures[0])
        _, p95, lag = np.max(worst, axis=0)
        print(f"worst p95 {p95:.0f} ms (aim {AIM_P95}), worst lag {lag:.0f} ms (aim {AIM_LAG})")
        print(machine(browser))


def machine(browser):
    """The processor, and the versions that matter."""
    versions = [f"{name} {version(name)}" for name in ("jupyterlab", "ipywidgets", "matplotlib")]
    computer = f"{platform.machine()}, {os.cpu_count()} cores"
    programs = [f"Python {platform.python_version()}", *versions, f"Chromium {browser.version}"]
    return ", ".join([computer, *programs])


if __name__ == "__main__":
    main()
