"""JupyterLab as learners see it: a server of its own, and one notebook in a browser."""

import base64
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import matplotlib
from playwright.sync_api import expect

from tools import ROOT

LECTURES = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    "notebook-extension/tracker": {
        "windowingMode": "none",  # all cells are in the page, not only those on the screen
        "codeCellConfig": {
            "autoClosingBrackets": True
        },  # as many learners have it; typed in full they must come once
    },
}


def find_browser(playwright):
    """The path of a Chromium: $CHROMIUM, one on the PATH, or Playwright's own. None where there is none."""
    on_path = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    candidates = [os.environ.get("CHROMIUM"), *on_path, playwright.chromium.executable_path]
    return next((path for path in candidates if path and Path(path).exists()), None)


expect.set_options(timeout=30_000)  # ms; 5 s are too short for a busy machine
OPEN = """async ([path, kernel]) => {
    const kernelPreference = kernel ? undefined : {shouldStart: false, canStart: false, autoStartDefault: false};
    const {context, sessionContext} = await jupyterapp.commands.execute('docmanager:open', {path, kernelPreference});
    await context.ready;
    if (kernel) await sessionContext.ready;
}"""


class Server:
    """JupyterLab on a free port with the course's settings, over a copy of notebooks/, its folders not the user's."""

    def __init__(self, folder):
        self.folder, self.notebooks, self.token = (
            folder,
            folder / "notebooks",
            secrets.token_hex(16),
        )
        shutil.copytree(ROOT / "notebooks", self.notebooks, ignore=shutil.ignore_patterns(".*"))
        for name, setting in SETTINGS.items():
            file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True)
            file.write_text(json.dumps(setting))

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with (self.folder / "server.log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *self._options()],
                env=self._environment(), stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        """End the server, which ends its kernels; what is left after 10 seconds is killed."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
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
        own = {
            "HOME": "home",
            "USERPROFILE": "home",
            "IPYTHONDIR": "ipython",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
        }
        for name in set(own.values()):
            (self.folder / name).mkdir()
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("JUPYTER", "MPL"))
        }
        return kept | {key: str(self.folder / name) for key, name in own.items()} | {
            "JUPYTER_CONFIG_PATH": str(ROOT / "tools" / "jupyter"),
            "MPLCONFIGDIR": matplotlib.get_cachedir(),  # the list of fonts takes seconds to make
        }  # fmt: skip

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


class Notebook:
    """One notebook, open in a page of its own; `complaints` collects what its JavaScript could not do."""

    def __init__(self, page, server, name, kernel=True):
        self.page, self.complaints = page, []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)
        page.goto(f"{server.address}/lab?reset&token={server.token}")
        page.wait_for_selector(".jp-Launcher")
        page.evaluate(OPEN, [f"notebooks/{name}", kernel])
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        if kernel:
            self._wait_for_kernel()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """End the kernel and close the page."""
        self.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        self.page.close()

    def _hear(self, message):
        # Without a network JupyterLab looks in vain for its list of extensions; that is none of ours.
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

    def cell(self, code):
        """The code cell that shows `code`."""
        return self.page.locator(".jp-CodeCell").filter(
            has=self.page.locator(".cm-content", has_text=code)
        )

    def retype(self, cell, code):
        """Put `code` for the last line of a cell from the keyboard."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+End")
        self.page.keyboard.press("Shift+Home")
        self.page.keyboard.type(code)

    def run(self, cell):
        """Click into a cell, press Shift+Enter and wait for its end."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        self._wait_for_kernel()

    def save(self):
        """Do what File > Save does, and wait until it is done."""
        self.page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:save'); }")

    def code_cells(self):
        """The code cells in the form of a file, those without code left out."""
        cells = self.page.evaluate("jupyterapp.shell.currentWidget.model.toJSON().cells")
        return [
            cell
            for cell in cells
            if cell["cell_type"] == "code" and "".join(cell["source"]).strip()
        ]

    def failures(self):
        """One line for every cell that raised or was not reached."""
        for number, cell in enumerate(self.code_cells(), start=1):
            raised = [output for output in cell["outputs"] if output["output_type"] == "error"]
            if raised or cell["execution_count"] is None:
                yield f"code cell {number}: " + (
                    f"{raised[0]['ename']}: {raised[0]['evalue']}" if raised else "not run"
                )

    def explorations(self):
        """Everything that `explore` made, in order."""
        self.page.wait_for_function("!document.body.innerText.includes('Loading widget...')")
        return [Exploration(box) for box in self.page.locator(".course-explore").all()]


class Exploration:
    """The sliders and the figure of one `explore(...)`."""

    def __init__(self, box):
        self.sliders, self.image, self.alert = (
            box.get_by_role(role) for role in ("slider", "img", "alert")
        )
        self.box, self.keyboard = box, box.page.keyboard
        expect(self.sliders.first).to_have_accessible_name(re.compile("."))  # the image has loaded

    @property
    def alt(self):
        return self.image.get_attribute("alt")

    @property
    def picture(self):
        """The bytes of the picture that is shown."""
        return base64.b64decode(self.image.get_attribute("src").partition(",")[2])

    def press(self, key, number=0):
        """Press a key on a slider, and wait for the answer. Raises AssertionError unless it is another picture."""
        box, before = self.box.element_handle(), self.picture
        image = self.image.element_handle()
        self.sliders.nth(number).focus()
        self.keyboard.press(key)
        answered = "([box, image]) => box.querySelector('img') !== image || box.querySelector('[role=alert]')"
        self.box.page.wait_for_function(answered, arg=[box, image])
        if self.alert.count():
            raise AssertionError(self.alert.first.inner_text())
        assert self.picture != before, f"{key} changed nothing in the picture: {self.alt}"
