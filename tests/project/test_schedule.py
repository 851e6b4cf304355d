"""The order of a run, the number of its processes, and what it prints of its time."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.support import durations, schedule
from tools import ROOT


def test_long_things_come_first_and_the_rest_keeps_its_order():
    names = [
        "tests/helpers/test_core.py::test_b",
        "tests/helpers/test_core.py::test_a",
        "notebooks/00_overfitting.ipynb::Cell 0",
        "tests/browser/test_site.py::test_page",
    ]
    items = [SimpleNamespace(nodeid=name) for name in names]
    schedule.pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == [names[3], names[2], names[0], names[1]]


@pytest.mark.parametrize("start", schedule.ORDER)
def test_each_beginning_of_the_order_is_that_of_some_file(start):
    assert list(ROOT.glob(f"{start}*")), f"nothing begins with {start}"


def test_what_shares_a_server_runs_in_one_process():
    lab = schedule.scope("tests/browser/test_lectures.py::test_page[a]")
    assert lab == schedule.scope("tests/browser/test_explore.py::test_keys")
    site = schedule.scope("tests/browser/test_site.py::test_page[a]")
    assert site == schedule.scope("tests/project/test_site.py::test_page[a]") != lab
    assert schedule.scope("notebooks/00_overfitting.ipynb::Cell 3").endswith(".ipynb")
    assert schedule.scope("tests/checks/test_norms.py::test_answer[a::b]").endswith("test_norms.py")


@pytest.mark.parametrize(
    ("cores", "gibibytes", "processes"), [(2, 24, 2), (2, 2, 1), (1, 24, 1), (8, 8, 5), (1, 1, 1)]
)
def test_a_process_for_each_core_if_memory_allows(monkeypatch, cores, gibibytes, processes):
    monkeypatch.setattr(schedule, "cores", lambda: cores)
    monkeypatch.setattr(schedule, "memory", lambda: gibibytes * 2**30)
    assert schedule.pytest_xdist_auto_num_workers() == processes


def report(nodeid, when, duration):
    return SimpleNamespace(nodeid=nodeid, when=when, duration=duration)


def test_the_time_is_told_by_room_and_by_unit():
    seen = durations.Durations()
    seen.pytest_runtest_logreport(report("tests/checks/test_norms.py::test_a[1]", "setup", 0.5))
    seen.pytest_runtest_logreport(report("tests/checks/test_norms.py::test_a[1]", "call", 1.0))
    seen.pytest_runtest_logreport(report("tests/checks/test_norms.py::test_a[2]", "call", 2.0))
    seen.pytest_runtest_logreport(report("notebooks/00_a.ipynb::Cell 0", "call", 4.0))
    seen.pytest_runtest_logreport(report("notebooks/00_a.ipynb::Cell 1", "call", 8.0))
    assert seen.rooms == {"tests/checks": 3.5, "notebooks": 12.0}
    assert seen.tests == {"tests/checks": 2, "notebooks": 2}
    assert seen.units == {"tests/checks/test_norms.py::test_a": 3.5, "notebooks/00_a.ipynb": 12.0}


def test_a_run_prints_both_tables(tmp_path):
    (tmp_path / "test_many.py").write_text(
        "import pytest\n\n@pytest.mark.parametrize('n', range(12))\ndef test_one(n):\n    pass\n"
    )
    plugins = [
        "-p",
        "xdist",
        "-p",
        "tests.support.schedule",
        "-p",
        "tests.support.durations",
        "-n",
        "2",
    ]
    command = [sys.executable, "-m", "pytest", "-q", f"--rootdir={tmp_path}", *plugins]
    options = ["-c", os.devnull, "--dist", "loadscope", "--no-loadscope-reorder"]
    done = subprocess.run(
        [*command, *options, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "where the time went" in done.stdout
    assert "(12 tests)" in done.stdout
    assert "test_many.py::test_one" in done.stdout
