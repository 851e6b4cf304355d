"""How soon a figure follows its slider, beside `ipywidgets.interact`: make bench-sliders ARGS="03 04"

Opens the lectures in JupyterLab in a headless Chromium. Below each `explore` a cell shows the same drawing through
`interact` and plt.show. The two get their keys by turns. Without arguments all lectures are measured.

p50 and p95: milliseconds from the keydown event to the new image, decoded, over 30 moves. lag: from the release of a
key, held until the slider is at its end and a second at most, to the last image, the worst of three times. The clock
is the page's own.
"""

import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import nbformat
import numpy as np
from playwright.sync_api import sync_playwright

from tests.browser.support.lab import FLAGS, LECTURES, Notebook, Server, find_browser

MOVES, HOLDS, REPEATS = 30, 3, 30
BETWEEN_REPEATS, BETWEEN_MOVES, SETTLED = 33, 150, 1500  # ms
AIM = {"p95": 100, "lag": 200}  # ms
COLUMNS = "{:<22} {:<9} {:>8} {:>5} {:>5} {:>12} {:>5} {:>5} {:>9}".format

# The cell that is added below an `explore`: the same drawing, as one shows it who knows ipywidgets and pyplot alone.
BESIDE = """
import ipywidgets
import matplotlib.pyplot as plt

def beside(exploration):
    stage = exploration._stage
    def show(**values):
        _, axes = plt.subplots(*stage.subplots, figsize=stage.fig.get_size_inches())
        exploration._draw(axes, **values)
        plt.show()
    ipywidgets.interact(show, **{name: twin(control) for name, control in exploration._controls.items()})

def twin(control):
    own = ("options", "index") if hasattr(control, "options") else ("min", "max", "step", "value")
    return type(control)(description=control.description, **{name: getattr(control, name) for name in own})

beside(list(Out.values())[-1])
"""

STOPWATCH = """box => {
    const watch = box.stopwatch = {pressed: 0, released: 0, images: []};
    box.addEventListener('keydown', event => watch.pressed = event.timeStamp, true);
    box.addEventListener('keyup', event => watch.released = event.timeStamp, true);
    const decoded = () => watch.images.push(performance.now());
    new MutationObserver(changes => {
        const added = changes.flatMap(({addedNodes}) => [...addedNodes]).filter(node => node.nodeType === 1);
        const images = added.flatMap(node => node.matches('img') ? [node] : [...node.querySelectorAll('img')]);
        for (const image of images) image.decode().then(decoded);
    }).observe(box, {childList: true, subtree: true});
}"""
QUIET_SINCE = "([box, ms]) => performance.now() - Math.max(box.stopwatch.released, ...box.stopwatch.images) > ms"


class Follower:
    """A box of sliders with a figure, and the stopwatch in its page."""

    def __init__(self, box):
        self.page, self.sliders, self.key = box.page, box.get_by_role("slider"), "ArrowRight"
        self.box = box.element_handle()
        self.box.evaluate(STOPWATCH)

    def watched(self, what):
        """A number, or the list of them, that the stopwatch has."""
        return self.box.evaluate(f"box => box.stopwatch.{what}")

    def move(self, number):
        """Milliseconds from a key on slider `number` to another figure. It goes to one end, then to the other."""
        slider = self.sliders.nth(number)
        now, low, high = (
            float(slider.get_attribute(f"aria-value{end}")) for end in ("now", "min", "max")
        )
        self.key = {low: "ArrowRight", high: "ArrowLeft"}.get(now, self.key)
        self._press(slider, self.key)
        return self.watched("images[0]") - self.watched("pressed")

    def _press(self, slider, key):
        slider.focus()
        self.page.wait_for_timeout(BETWEEN_MOVES)
        self.watched("images.length = 0")
        self.page.keyboard.press(key)
        self.page.wait_for_function("box => box.stopwatch.images.length", arg=self.box)

    def lag(self, number):
        """Milliseconds from the release of a key, held from the left end to the right one, to the last figure."""
        slider = self.sliders.nth(number)
        if slider.get_attribute("aria-valuenow") != slider.get_attribute("aria-valuemin"):
            self._press(slider, "Home")
        self.page.wait_for_timeout(BETWEEN_MOVES)
        for _ in range(REPEATS):
            self.page.keyboard.down("ArrowRight")
            self.page.wait_for_timeout(BETWEEN_REPEATS)
            if slider.get_attribute("aria-valuenow") == slider.get_attribute("aria-valuemax"):
                break
        self.page.keyboard.up("ArrowRight")
        self.page.wait_for_function(QUIET_SINCE, arg=[self.box, SETTLED])
        return max(0, self.watched("images.at(-1)") - self.watched("released"))


def measured(number, sides):
    """(p50, p95, lag) of slider `number`, one row for each of the two `sides`."""
    moves = np.array([[side.move(number) for side in sides] for _ in range(MOVES)])
    lags = np.array([[side.lag(number) for side in sides] for _ in range(HOLDS)])
    return np.array([*np.percentile(moves, [50, 95], axis=0), lags.max(axis=0)]).T


def rows(context, server, name):
    """(slider, its measures) of every slider of a lecture."""
    with_interact(server.notebooks / name)
    with Notebook(context.new_page(), server, name) as notebook:
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
    (_, p95, lag), (_, p95_other, _) = measures
    missed = "" if p95 <= AIM["p95"] and lag <= AIM["lag"] else "  missed"
    numbers = [f"{number:.0f}" for number in measures.ravel()]
    return COLUMNS(lecture, slider, *numbers, f"{p95_other / p95:.1f}") + missed


def main(chosen):
    names = [name for name in LECTURES if not chosen or name.startswith(tuple(chosen))]
    worst = []
    print(
        COLUMNS(
            "lecture", "slider", "ours p50", "p95", "lag", "interact p50", "p95", "lag", "p95 ratio"
        ),
        flush=True,
    )
    with (
        sync_playwright() as playwright,
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder)) as server,
    ):
        chromium = playwright.chromium.launch(executable_path=find_browser(playwright), args=FLAGS)
        context = chromium.new_context(viewport={"width": 1280, "height": 1000})
        for name in names:
            for slider, measures in rows(context, server, name):
                print(line(Path(name).stem, slider, measures), flush=True)
                worst.append(measures[0])
        _, p95, lag = np.max(worst, axis=0)
        print(
            f"worst p95 {p95:.0f} ms (aim {AIM['p95']}), worst lag {lag:.0f} ms (aim {AIM['lag']}); {machine(chromium)}"
        )
        chromium.close()


def machine(chromium):
    """The processor, and the versions that matter."""
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("jupyterlab", "ipywidgets", "matplotlib")
    )
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{packages}, Chromium {chromium.version}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
