"""make lab's second step: JupyterLab on notebooks/, for this computer alone, with our settings."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from tools import ROOT, lab

LAB = [sys.executable, "-m", "tools.lab"]


@pytest.fixture
def busy_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize("args", [["--port", "8899"], ["--port=8899"], ["--ServerApp.port=8899"]])
def test_spellings_of_the_port(args):
    assert lab.asked_port(["--no-browser", *args, "--debug"]) == "8899"
    assert lab.asked_port(["--no-browser"]) is None


@pytest.mark.parametrize("spelling", ["--port {}", "--port={}"])
def test_a_busy_port_is_refused_in_one_sentence(busy_port, spelling):
    args = spelling.format(busy_port).split()
    done = subprocess.run([*LAB, *args], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith(f"Port {busy_port} cannot be used (")
    assert sentence.endswith(
        'leave --port out, or choose another, for example make lab ARGS="--port 8900".'
    )


@pytest.mark.parametrize("port", ["abc", "-1", "65536"])
def test_a_port_that_is_none(port):
    assert lab.refusal(port) == f"--port must be a number from 0 to 65535, got {port}."
    assert lab.refusal(str(free_port())) == ""


def get(port, path, token=""):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"token {token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A running JupyterLab of a learner who never had one: (port, token, its log)."""
    home = tmp_path_factory.mktemp("home")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "JPY", "COV_"))
    }
    port = free_port()
    log = home / "log"
    command = [*LAB, "--no-browser", "--port", str(port)]
    env = {**kept, "HOME": str(home), "USERPROFILE": str(home), "APPDATA": str(home)}
    with (
        open(log, "w") as output,
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output) as running,
    ):
        try:
            yield port, wait_for_token(running, log), log
        finally:
            running.terminate()


def wait_for_token(running, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        if found := re.search(r"127\.0\.0\.1:\d+/lab\?token=([0-9a-f]{32,})", log.read_text()):
            return found[1]
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


def test_it_starts_without_a_warning(server):
    assert re.findall(r"^\[[WE] .*|.*Warning.*", server[2].read_text(), re.MULTILINE) == []


def test_it_wants_its_token(server):
    port, token, _ = server
    assert json.loads(get(port, "/api/status", token))["kernels"] == 0
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        get(port, "/api/status")
    refused.value.close()


def test_it_listens_on_one_address_of_this_computer_alone(server):
    """Whoever listens on all addresses listens on 127.0.0.2 too."""
    for address, reached in [("127.0.0.1", True), ("127.0.0.2", False)]:
        with socket.socket() as client:
            client.settimeout(2)
            assert (client.connect_ex((address, server[0])) == 0) is reached


def test_it_opens_notebooks_and_can_show_helpers(server):
    port, token, _ = server
    page = get(port, "/lab", token)
    assert re.search(r'"preferredPath": "/?notebooks/?"', page)
    assert json.loads(get(port, "/api/contents/helpers?content=0", token))["type"] == "directory"


def test_it_does_not_ask_about_news(server):
    port, token, _ = server
    settings = json.loads(
        get(port, "/lab/api/settings/@jupyterlab/apputils-extension:notification", token)
    )
    assert settings["settings"] == {}
    defaults = {name: value["default"] for name, value in settings["schema"]["properties"].items()}
    assert (defaults["fetchNews"], defaults["checkForUpdates"]) == ("false", False)


@pytest.mark.parametrize(
    ("extras", "folders"),
    [
        (["lab", "test"], ["tools/jupyter"]),
        (["grade", "lab"], ["tools/jupyter/grading", "tools/jupyter", "notebooks/assignments"]),
    ],
)
def test_a_teacher_has_other_settings_than_a_learner(monkeypatch, extras, folders):
    """The panels of nbgrader, and its settings, come with what make grade installs."""
    monkeypatch.setattr(lab, "read_stamp", lambda _: {"extras": extras})
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "of the user")
    assert [str(folder) for folder in lab.settings()] == [
        *(str(ROOT / folder) for folder in folders),
        "of the user",
    ]
