"""The checks of notebooks fail if an output changed, and pass if only the machine did."""

import base64
import inspect
import io
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from IPython.display import display
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from tools.notebooks import form, pictures


def png(value, size=40, spot=None):
    """A grey picture as base64, with a spot of 3x3 pixels in another grey."""
    pixels = np.full((size, size, 3), value, np.uint8)
    if spot is not None:
        pixels[20:23, 20:23] = spot
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return base64.b64encode(buffer.getvalue()).decode()


def html(value, alt="grey", **more):
    return f'<p><img alt="{alt}" src="data:image/png;base64,{png(value, **more)}"> end</p>'


def show(**data):
    """Display one bundle; the _ in a name stands for the / of a MIME type."""
    display({name.replace("_", "/"): value for name, value in data.items()}, raw=True)


IMPORTS = """import base64, io
import numpy as np
from PIL import Image
from IPython.display import display
"""
SETUP = "\n".join((IMPORTS, *map(inspect.getsource, (png, html, show))))
WIDGET = "application/vnd.jupyter.widget-view+json"
CLAIMED = "✓ nine is odd\n✓ torch agrees\n"
UNCHECKED = "– not checked here: PyTorch is not installed (torch agrees)"


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def shown(**data):
    bundle = {name.replace("_", "/"): value for name, value in data.items()}
    return new_output("display_data", bundle)


def result(text):
    return new_output("execute_result", {"text/plain": text}, execution_count=1)


# name, the cell, its stored outputs, what the check says: "" if it passes
CELLS = [
    ("set-up", SETUP, [], ""),
    ("semicolon", "1 + 1;", [], ""),
    ("environment", "import os\nprint(os.environ['COURSE_PROGRESS'])", [stream("off\n")], ""),
    ("own profile", "print('ipython-' in os.environ['IPYTHONDIR'])", [stream("True\n")], ""),
    ("inline figures", "print(os.environ['MPLBACKEND'][-6:])", [stream("inline\n")], ""),
    ("equal", "print(1)\nshow(image_png=png(9), text_html=html(9))\n2", None, ""),
    ("stdout", "print(1)", [stream("2\n")], "stdout"),
    ("stderr", "import sys\nprint(1, file=sys.stderr)", [], "stderr"),
    ("text", "1 + 1", [result("3")], "text/plain"),
    (
        "html text",
        "show(text_html=html(9, alt='gray'))",
        [shown(text_html=html(9))],
        "mismatch 'text/html'",
    ),
    ("latex", "show(text_latex='$a$')", [shown(text_latex="$b$")], "text/latex"),
    ("error", "1 / 0", [], "ZeroDivisionError"),
    (
        "no picture",
        "show(text_plain='a')",
        [shown(text_plain="a", image_png=png(9))],
        "Missing output fields",
    ),
    (
        "new picture",
        "show(text_plain='a', image_png=png(9))",
        [shown(text_plain="a")],
        "Unexpected output fields",
    ),
    ("another jpeg", "show(image_jpeg='AAAA')", [shown(image_jpeg="BBBB")], "image/jpeg"),
    ("one grey level", "show(image_png=png(100))", [shown(image_png=png(101))], ""),
    (
        "three grey levels",
        "show(image_png=png(100))",
        [shown(image_png=png(103))],
        "RMS 3.00 (limit 2)",
    ),
    ("a spot", "show(image_png=png(100, spot=160))", [shown(image_png=png(100))], "at x=16, y=16"),
    (
        "size",
        "show(image_png=png(9, size=41))",
        [shown(image_png=png(9))],
        "changed from 40x40 to 41x41",
    ),
    ("no PNG", "show(image_png=png(9))", [shown(image_png="AAAA")], "no readable PNG"),
    ("html grey level", "show(text_html=html(100))", [shown(text_html=html(101))], ""),
    (
        "html spot",
        "show(text_html=html(9, spot=99))",
        [shown(text_html=html(9))],
        "largest 8x8 block",
    ),
    (
        "second picture",
        "show(text_html=html(9) + html(90))",
        [shown(text_html=html(9) * 2)],
        "Picture 2 of the cell",
    ),
    ("html picture gone", "show(text_html='<p></p>')", [shown(text_html=html(9))], "text/html"),
    (
        "widget",
        f"display({{'{WIDGET}': {{'model_id': str(id(show))}}, 'text/plain': 'w'}}, raw=True)",
        [new_output("display_data", {"text/plain": "w"})],
        "",
    ),
    ("claim lost", f"print({UNCHECKED!r})", [stream("something else\n")], "stdout"),
    ("claim checked at last", "print('✓ torch agrees')", [stream(UNCHECKED + "\n")], "stdout"),
    (
        "claim next to a change",
        f"print('✓ ten is odd')\nprint({UNCHECKED!r})",
        [stream(CLAIMED)],
        "stdout",
    ),
]
CLAIM = (
    "claim not checked",
    f"print('✓ nine is odd')\nprint({UNCHECKED!r})",
    [stream(CLAIMED)],
    "",
)
PLUGINS = ("-pnbval.plugin", "-ppytest_timeout", "-pxdist.plugin", "-pno:cacheprovider")
PLUGINS += ("-ptests.notebooks.support.nbval_adapter",)
EQUAL = [stream("1\n"), shown(image_png=png(9), text_html=html(9)), result("2")]


def store(path, rows):
    cells = []
    for count, (_, source, outputs, _) in enumerate(rows, start=1):
        stored = EQUAL if outputs is None else outputs
        cells.append(new_code_cell(source, outputs=stored, execution_count=count))
    path.write_text(form.dump(form.normalize(new_notebook(cells=cells))), encoding="utf-8")
    return path


def check(folder, *options, **environment):
    """Run pytest --nbval on the notebooks in `folder`; return outcome and message of each cell."""
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "--nbval", "-c", form.ROOT / "pyproject.toml"]
    command += [f"--rootdir={folder}", f"--junitxml={report}", *PLUGINS, *options]
    command += sorted(folder.glob("*.ipynb"))
    variables = os.environ | {"PYTHONPATH": str(form.ROOT), "MPLBACKEND": "Agg"} | environment
    # Other plugins take a second to import.
    variables |= {"TMPDIR": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [outcome(case) for case in ElementTree.parse(report).iter("testcase")]


def outcome(case):
    """The status and the message of one cell in pytest's report."""
    message = "".join(child.get("message", "") + (child.text or "") for child in case)
    statuses = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    return (statuses or ["passed"])[0], message


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What the checks say of CELLS and CLAIM at home, by name."""
    folder = tmp_path_factory.mktemp("checked")
    store(folder / "00_cells.ipynb", [*CELLS, CLAIM])
    names = [row[0] for row in (*CELLS, CLAIM)]
    return dict(zip(names, check(folder, CI=""), strict=True))


@pytest.mark.parametrize(
    ("name", "words"), [(row[0], row[3]) for row in CELLS], ids=[row[0] for row in CELLS]
)
def test_a_cell(checked, name, words):
    status, message = checked[name]
    assert status == ("failure" if words else "passed"), message
    assert words in message


def test_a_claim_that_cannot_be_checked_is_a_named_skip_at_home(checked):
    status, message = checked["claim not checked"]
    assert status == "skipped"
    assert f"00_cells.ipynb, Cell {len(CELLS)}: {UNCHECKED.removeprefix('– ')}" in message


def test_a_failed_picture_is_saved_for_viewing(checked):
    _, message = checked["a spot"]
    paths = map(Path, re.search(r"See (\S+\.png) and (\S+\.png)\.", message).groups())
    saved = [pictures.pixels(base64.b64encode(path.read_bytes())) for path in paths]
    assert [pixels[20, 20, 0] for pixels in saved] == [100, 160]


def test_in_ci_with_workers_a_notebook_stays_whole_and_the_same_claim_fails(tmp_path):
    for number in range(2):
        rows = [("", f"x = {number}", [], ""), ("", "print(x)", [stream(f"{number}\n")], "")]
        store(tmp_path / f"0{number}_part.ipynb", rows)
    store(tmp_path / "02_claim.ipynb", [CLAIM])
    outcomes = check(tmp_path, "-n2", "--dist=loadscope", CI="true")
    assert sorted(status for status, _ in outcomes) == ["failure"] + ["passed"] * 4
    (message,) = [message for status, message in outcomes if status == "failure"]
    assert "CI=true, and a claim was not checked here: PyTorch is not installed" in message


def test_the_plugin_is_loaded_for_every_call_below_the_root(pytestconfig):
    assert pytestconfig.pluginmanager.has_plugin("tests.notebooks.support.nbval_adapter")
    assert os.environ["COURSE_PROGRESS"] == "off"
