"""make test-everywhere: which environments there are, and that a changed output fails."""

import os

import nbformat
import pytest

from tools.quality import everywhere

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="these environments are Linux's and macOS's"
)

NAMES = [environment.name for environment in everywhere.ENVIRONMENTS]


KERNELS = [f"{name}, {n} t" for name in ("Nehalem", "Haswell", "SkylakeX") for n in (1, 2)]
OTHERS = ("vector loops", "oldest", "newest", "English", "Chinese", "zone", "spaces", "read-only")


@pytest.mark.parametrize("words", [*KERNELS, *OTHERS])
def test_there_is_an_environment(words):
    assert any(words in name for name in NAMES)


def test_each_place_and_each_name_is_of_use():
    assert len(set(NAMES)) == len(NAMES)
    places = {environment.place.__name__ for environment in everywhere.ENVIRONMENTS}
    assert places == {"here", "oldest", "newest", "odd_path", "read_only"}


def notebook(folder, code, output):
    """A notebook with one cell and its stored output."""
    outputs = [nbformat.v4.new_output("stream", text=output + "\n")]
    cell = nbformat.v4.new_code_cell(code, outputs=outputs, execution_count=1)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = folder / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), path)
    return path


@pytest.mark.parametrize(("stored", "failed"), [("12:45", 0), ("00:00", 1)])
def test_an_output_that_depends_on_the_clock_is_compared_under_the_other_zone(
    tmp_path, capsys, stored, failed
):
    clock = "print(f'{seconds // 3600}:{seconds % 3600 // 60}')"
    path = notebook(tmp_path, f"import time\nseconds = -time.timezone\n{clock}", stored)
    assert everywhere.main(["zone", "--notebooks", str(path)]) == failed
    row, total = capsys.readouterr().out.splitlines()
    assert row.startswith("another time zone")
    assert ("passed" in row) == (not failed)
    assert total == f"{1 - failed} passed, {failed} failed"


def test_an_environment_that_is_not_here_does_not_pass(tmp_path, capsys, monkeypatch):
    nowhere = everywhere.Environment("nowhere", {"LC_ALL": "xx_XX.UTF-8"})
    monkeypatch.setattr(everywhere, "ENVIRONMENTS", [nowhere])
    assert everywhere.main(["--notebooks", str(notebook(tmp_path, "print(1)", "1"))]) == 1
    assert "not run: the locale xx_XX.UTF-8 is not installed" in capsys.readouterr().out


def test_a_word_that_names_none_is_refused(capsys):
    with pytest.raises(SystemExit):
        everywhere.main(["nowhere"])
    assert "no environment has one of the words ['nowhere'] in its name" in capsys.readouterr().err
