"""JupyterLab as learners see it: a server of its own, and one notebook in a browser."""

import base64
import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import matplotlib
import nbformat
from playwright.sync_api import expect

from tools import ROOT

LECTURES = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SETTINGS = {
    "notebook-extension/tracker": {
        "windowingMode": "none",  # all cells are in the page, not only those on the screen
        # as many learners have it; typed in full they must come once
        "codeCellConfig": {"autoClosingBrackets": True},
    },
}
EXPLORE = re.compile(r"^explore\(", re.MULTILINE)
OWN_FOLDERS = {
    "HOME": "home",
    "USERPROFILE": "home",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
}
OPEN = """async ([path, kernel]) => {
    const preference = {shouldStart: false, canStart: false, autoStartDefault: false};
    const options = {path, kernelPreference: kernel ? undefined : preference};
    const widget = await jupyterapp.commands.execute('docmanager:open', options);
    await widget.context.ready;
    if (!kernel) return;
    await widget.sessionContext.ready;
    await widget.sessionContext.session.kernel.info;
}"""
CLOSE = """async () => {
    const widget = jupyterapp.shell.currentWidget;
    await widget.sessionContext.shutdown();
    widget.dispose();
}"""
ANSWERED = """([box, image]) =>
    box.querySelector('img') !== image || box.querySelector('[role=alert]')"""
FORGET_THE_LAST_RUN = """() => {
    const {model} = jupyterapp.shell.currentWidget.content.activeCell;
    model.executionCount = null;
    return model;
}"""
RUN_ALL_ABOVE = """async number => {
    jupyterapp.shell.currentWidget.content.activeCellIndex = number;
    await jupyterapp.commands.execute('notebook:run-all-above');
}"""

expect.set_options(timeout=30_000)  # ms; 5 s are too short for a busy machine


class Server:
    """JupyterLab on a free port with the course's settings, over a copy of notebooks/.

    Its folders are not the user's.
    """

    def __init__(self, folder):
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.token = secrets.token_hex(16)
        shutil.copytree(ROOT / "notebooks", self.notebooks, ignore=shutil.ignore_patterns(".*"))
        for name, setting in SETTINGS.items():
            file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True)
            file.write_text(json.dumps(setting))

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        command = [sys.executable, "-m", "jupyterlab", *self._options()]
        with (self.folder / "server.log").open("w") as log:
            # In a session of its own: Ctrl-C reaches the test run, which then ends the server.
            self.process = subprocess.Popen(
                command, env=self._environment(), stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        """End the server, which ends its kernels; kill it if it has not ended after 10 seconds."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait()

    def _options(self):
        return [
            "--no-browser",
            "--allow-root",
            "--expose-app-in-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.address.rpartition(':')[2]}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.folder}",
            f"--IdentityProvider.token={self.token}",
            f"--LabApp.user_settings_dir={self.folder / 'settings'}",
            f"--LabApp.workspaces_dir={self.folder / 'workspaces'}",
        ]

    def _environment(self):
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("JUPYTER", "MPL"))
        }
        own = {key: self.folder / name for key, name in OWN_FOLDERS.items()}
        for path in own.values():
            path.mkdir(exist_ok=True)
        settings = {
            "JUPYTER_CONFIG_PATH": ROOT / "tools" / "jupyter",
            "MPLCONFIGDIR": matplotlib.get_cachedir(),  # the list of fonts takes seconds to make
        }
        return inherited | {key: str(path) for key, path in (own | settings).items()}

    def _wait(self, seconds=60):
        end = time.monotonic() + seconds
        while True:
            try:
                return self.ask("GET", "status")
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError((self.folder / "server.log").read_text()) from None
                time.sleep(0.1)

    def ask(self, method, what):
        """What the server's REST interface answers."""
        request = urllib.request.Request(f"{self.address}/api/{what}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.loads(answer.read() or "null")


def write_notebook(path, sources):
    """Write a notebook of code cells that have not been run."""
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, path)


class Notebook:
    """One notebook, open in a page; `complaints` collects what its JavaScript could not do.

    JupyterLab is loaded into the page unless it is there. No other notebook may be open in it.
    """

    def __init__(self, page, server, name, kernel=True):
        self.page = page
        self.file = server.notebooks / name
        self.complaints = []
        page.on("pageerror", self._hear_error)
        page.on("console", self._hear)
        if not page.url.startswith(server.address):
            page.goto(f"{server.address}/lab?reset&token={server.token}")
            page.wait_for_selector(".jp-Launcher")
        page.evaluate(OPEN, [f"notebooks/{name}", kernel])
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        if kernel:
            self._wait_for_kernel()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        """End the kernel and close the notebook, unsaved; JupyterLab stays in the page.

        After a failure all is left as it is, for a picture of it.
        """
        if kind is not None:
            return
        self.page.evaluate(CLOSE)
        self.page.remove_listener("pageerror", self._hear_error)
        self.page.remove_listener("console", self._hear)

    def _hear_error(self, error):
        self.complaints.append(str(error))

    def _hear(self, message):
        # Without a network JupyterLab looks in vain for its list of extensions; not our concern.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _wait_for_kernel(self):
        idle = "jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
        self.page.wait_for_function(idle)

    def run_all(self):
        """Do what Run > Run All Cells does, and wait until it is done; it stops at an error."""
        self.page.set_default_timeout(180_000)  # ms, and no limit for the next line
        self.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        self._wait_for_kernel()

    def run_to_the_last_explore(self):
        """Run all cells above the last `explore`, then that one with Shift+Enter."""
        self.page.set_default_timeout(180_000)  # ms, and no limit for the cells above
        cells = self._cells()
        explores = [number for number, cell in enumerate(cells) if EXPLORE.search(source(cell))]
        self.page.evaluate(RUN_ALL_ABOVE, explores[-1])
        self._wait_for_kernel()
        self.run(self.page.locator(".jp-Notebook-cell").nth(explores[-1]))

    def cell(self, code):
        """The code cell that shows `code`."""
        return self.page.locator(".jp-CodeCell").filter(
            has=self.page.locator(".cm-content", has_text=code)
        )

    def retype(self, cell, code):
        """Type `code` over the last line of a cell."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+End")
        self.page.keyboard.press("Shift+Home")
        self.page.keyboard.type(code)

    def run(self, cell):
        """Click into a cell, press Shift+Enter and wait for its end."""
        cell.locator(".cm-content").click()
        model = self.page.evaluate_handle(FORGET_THE_LAST_RUN)
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_function("model => model.executionCount !== null", arg=model)
        self._wait_for_kernel()

    def save(self):
        """Do what File > Save does, and wait until it is done."""
        self.page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:save'); }")

    @property
    def tab(self):
        """The notebook's tab; it has the class jp-mod-dirty while changes are unsaved."""
        return self.page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")

    def failures(self):
        """One line for every code cell that raised or was not reached."""
        cells = [
            cell for cell in self._cells() if cell["cell_type"] == "code" and source(cell).strip()
        ]
        for number, cell in enumerate(cells, start=1):
            raised = [output for output in cell["outputs"] if output["output_type"] == "error"]
            if raised:
                yield f"code cell {number}: {raised[0]['ename']}: {raised[0]['evalue']}"
            elif cell["execution_count"] is None:
                yield f"code cell {number}: not run"

    def _cells(self):
        """The cells in the form of a file."""
        return self.page.evaluate("jupyterapp.shell.currentWidget.model.toJSON().cells")

    def explorations(self):
        """Everything that `explore` made, in order."""
        self.page.wait_for_function("!document.body.innerText.includes('Loading widget...')")
        return [Exploration(box) for box in self.page.locator(".course-explore").all()]


def source(cell):
    return "".join(cell["source"])


class Exploration:
    """The sliders and the figure of one `explore(...)`."""

    def __init__(self, box):
        self.box = box
        self.keyboard = box.page.keyboard
        self.sliders = box.get_by_role("slider")
        self.image = box.get_by_role("img")
        self.alert = box.get_by_role("alert")
        expect(self.sliders.first).to_have_accessible_name(re.compile("."))  # the image has loaded

    @property
    def alt(self):
        return self.image.get_attribute("alt")

    @property
    def picture(self):
        """The bytes of the picture that is shown."""
        return base64.b64decode(self.image.get_attribute("src").partition(",")[2])

    def press(self, key, number=0):
        """Press a key on a slider, and wait for the answer.

        Raises AssertionError unless it is another picture.
        """
        before = self.picture
        elements = [self.box.element_handle(), self.image.element_handle()]
        self.sliders.nth(number).focus()
        self.keyboard.press(key)
        self.box.page.wait_for_function(ANSWERED, arg=elements)
        if self.alert.count():
            raise AssertionError(self.alert.first.inner_text())
        assert self.picture != before, f"{key} changed nothing in the picture: {self.alt}"
