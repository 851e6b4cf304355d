"""make refresh stores the same bytes each time, or says in one sentence what is wrong where."""

import base64
import io
import json
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from tools.notebooks import form, pictures, refresh

DRAW = """
import base64, io
import numpy as np
from PIL import Image
from IPython.display import display

def png(value):
    buffer = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(buffer, "png")
    return base64.b64encode(buffer.getvalue()).decode()

def show(value):
    html = f'<img alt="grey" src="data:image/png;base64,{png(value)}">'
    display({"text/html": html, "image/png": png(value), "text/plain": "Figure: grey"}, raw=True)
"""
WIDGET = """
import ipywidgets
view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "w"}
display(view, raw=True)
ipywidgets.interact(lambda x: print("x is", x), x=3);
"""


def png(value):
    """A grey picture as base64, as the cell `DRAW` makes it."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(buffer, "png")
    return base64.b64encode(buffer.getvalue()).decode()


def store(path, *sources):
    cells = [source if isinstance(source, dict) else new_code_cell(source) for source in sources]
    raw = {"cells": cells, "metadata": {"widgets": {}}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(raw), encoding="utf-8")
    return path


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def run(path, *options):
    """Run refresh and return its exit status."""
    return refresh.main([str(path), *options])


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A notebook with everything that refresh has to put in order, refreshed once."""
    path = tmp_path_factory.mktemp("mixed") / "00_mixed.ipynb"
    cells = [
        new_markdown_cell("# Ünïcode ✓", metadata={"collapsed": True}, id="title"),
        new_code_cell(
            DRAW,
            metadata={"tags": ["a"], "trusted": True, "nbgrader": {"grade": False}},
            id="title",
        ),
        new_code_cell(
            "import sys\nprint('a')\nsys.stdout.flush()\nprint('b')\nshow(9)\nprint('c')"
        ),
        new_code_cell("1 + 1;"),
        new_code_cell(
            "import os\n(os.environ['COURSE_PROGRESS'], os.environ.get('MPLBACKEND') == 'Agg')"
        ),
        new_code_cell("sys.executable == " + repr(sys.executable)),
        new_code_cell(""),
        new_code_cell(WIDGET, execution_count=77),
    ]
    cells[2]["id"] = "not valid!"
    for cell in cells[3:]:
        del cell["id"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLBACKEND", "Agg")
        assert run(store(path, *cells)) == 0
    return path


def test_a_second_run_changes_not_one_byte(mixed, capsys):
    before = mixed.read_bytes()
    time = mixed.stat().st_mtime_ns
    assert run(mixed) == 0
    assert "unchanged" in capsys.readouterr().out
    assert mixed.read_bytes() == before
    assert mixed.stat().st_mtime_ns == time


def test_the_file_is_written_as_nbformat_does(mixed):
    text = mixed.read_bytes().decode()
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert "# Ünïcode ✓" in text


def test_counts_run_from_one(mixed):
    code = [cell for cell in read(mixed)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [1, 2, 3, 4, 5, None, 6]


def test_metadata_is_what_the_course_needs(mixed):
    nb = read(mixed)
    assert nb["metadata"] == form.METADATA
    assert nb["cells"][0]["metadata"] == {}
    assert nb["cells"][1]["metadata"] == {"tags": ["a"], "nbgrader": {"grade": False}}
    outputs = [output for cell in nb["cells"] for output in cell.get("outputs", [])]
    assert not any(output.get("metadata") for output in outputs)


def test_ids_are_kept_where_valid_and_new(mixed):
    ids = [cell["id"] for cell in read(mixed)["cells"]]
    assert ids[0] == "title"
    assert len(set(ids)) == len(ids)
    assert all(form.CELL_ID.fullmatch(name) for name in ids)


def test_streams_are_joined_around_a_figure(mixed):
    outputs = read(mixed)["cells"][2]["outputs"]
    assert [output.get("text") for output in outputs] == [["a\n", "b\n"], None, ["c\n"]]


def test_a_trailing_semicolon_hides_the_value(mixed):
    assert read(mixed)["cells"][3]["outputs"] == []


def test_the_kernel_is_this_interpreter_in_the_silent_environment(mixed):
    values = [cell["outputs"][0]["data"]["text/plain"] for cell in read(mixed)["cells"][4:6]]
    assert values == [["('off', False)"], ["True"]]


def test_widgets_leave_no_state_and_a_still_output(mixed):
    nb = read(mixed)
    outputs = nb["cells"][-1]["outputs"]
    assert "widgets" not in nb["metadata"]
    assert all(form.WIDGET_VIEW not in output.get("data", {}) for output in outputs)
    assert ["x is 3\n"] in [output.get("text") for output in outputs]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "import sys\nprint('slow', file=sys.stderr)",
            'cell 2 ("import sys") wrote to stderr: "slow".',
        ),
        ("1 / 0", 'cell 2 ("1 / 0") raised ZeroDivisionError: division by zero.'),
        ("object()", 'cell 2 ("object()") shows a memory address: "<object at 0x'),
        ("import os\nos._exit(1)", 'cell 2 ("import os") ended its kernel.'),
    ],
)
def test_a_cell_that_cannot_be_stored_leaves_the_file_alone(tmp_path, capsys, source, sentence):
    path = store(tmp_path / "00_bad.ipynb", "1", source)
    before = path.read_bytes()
    assert run(path) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{path}: {sentence}")
    assert error.count("\n") == 1
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is not a notebook of format 4"),
        ('{"cells": [], "nbformat": 3}', "its format is 3, expected 4"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_not_a_notebook_is_refused(tmp_path, capsys, text, words):
    path = tmp_path / "00_bad.ipynb"
    if text is not None:
        path.write_text(text)
    assert run(path) == 1
    assert words in capsys.readouterr().err


def test_check_changes_nothing_and_names_the_file(tmp_path, capsys):
    path = store(tmp_path / "00_old.ipynb", "print(1)")
    before = path.read_bytes()
    assert run(path, "--check") == 1
    assert f"{path}: would change" in capsys.readouterr().out
    assert path.read_bytes() == before


def test_two_at_a_time_by_the_command_line_whatever_the_home_and_the_kernels(tmp_path):
    paths = [store(tmp_path / f"0{i}_part.ipynb", f"print({i})") for i in range(2)]
    (tmp_path / "home").mkdir()
    (tmp_path / "kernels" / "python3").mkdir(parents=True)
    broken = {"argv": ["no-such-python"], "display_name": "Broken", "language": "python"}
    (tmp_path / "kernels" / "python3" / "kernel.json").write_text(json.dumps(broken))
    command = [sys.executable, "-m", "tools.notebooks.refresh", "-j", "2", *map(str, paths)]
    environment = form.environment(tmp_path)
    environment |= {"HOME": str(tmp_path / "home"), "JUPYTER_PATH": str(tmp_path)}
    environment["MPLCONFIGDIR"] = matplotlib.get_cachedir()  # a search for fonts takes ten seconds
    done = subprocess.run(
        command, env=environment, cwd=form.ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [read(path)["cells"][0]["outputs"][0]["text"] for path in paths] == [["0\n"], ["1\n"]]


def stored_bundle(value):
    html = f'<img alt="grey" src="data:image/png;base64,{png(value)}">'
    return {"text/html": html, "image/png": png(value), "text/plain": "Figure: grey"}


def showing(*values):
    """A notebook with one cell, which shows a grey picture for each of the values."""
    outputs = [new_output("display_data", stored_bundle(value)) for value in values]
    return new_notebook(cells=[new_code_cell("", outputs=outputs, id="a")])


@pytest.mark.parametrize(("stored", "expected"), [(100, 100), (109, 101)], ids=["within", "beyond"])
def test_a_picture_within_the_limits_keeps_its_bytes(stored, expected):
    """The kernel draws grey 101: next to 100 the stored bytes stay, next to 109 they do not."""
    old = showing(stored)
    new = showing(101)
    refresh.keep_pictures(new, old)
    assert new.cells[0].outputs[0].data == stored_bundle(expected)


@pytest.mark.parametrize(("stored", "state"), [(10, "unchanged"), (60, "written")])
def test_refresh_keeps_pictures_within_the_limits(mixed, tmp_path, capsys, stored, state):
    path = tmp_path / "00_stored.ipynb"
    text = mixed.read_text(encoding="utf-8").replace(png(9), png(stored))
    path.write_text(text, encoding="utf-8")
    assert run(path) == 0
    assert state in capsys.readouterr().out
    assert (png(9) in path.read_text(encoding="utf-8")) == (state == "written")


def test_only_the_picture_in_html_is_kept():
    old = f'<img alt="old" src="data:image/png;base64,{png(100)}">'
    new = f'<img alt="new" src="data:image/png;base64,{png(101)}">'
    assert pictures.kept_in_html(old, new) == old.replace("old", "new")
    assert pictures.kept_in_html(old, new + new) == new + new


def test_a_new_output_is_no_reason_to_keep_an_old_picture():
    old = showing(100)
    new = showing(101, 101)
    refresh.keep_pictures(new, old)
    assert new.cells[0].outputs[0].data == stored_bundle(101)


def test_derived_ids_depend_on_the_text_alone():
    def cells(*sources):
        return [{"cell_type": "code", "source": source} for source in sources]

    three = cells("x", "y", "x")
    four = cells("new", "x", ["y"], "x")
    form.mend_ids(three)
    form.mend_ids(four)
    assert [cell["id"] for cell in three] == [cell["id"] for cell in four[1:]]
    assert len({cell["id"] for cell in four}) == 4


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "00_a.ipynb"
    path.write_text("old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(refresh.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        refresh.write(path, "new")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_the_mode_of_the_file_stays(tmp_path):
    path = tmp_path / "00_a.ipynb"
    path.write_text("old")
    path.chmod(0o640)
    refresh.write(path, "new\n")
    assert (path.stat().st_mode & 0o777, path.read_bytes()) == (0o640, b"new\n")
