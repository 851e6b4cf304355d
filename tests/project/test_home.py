"""What stands in for a home that cannot be written and for shared memory."""

import os

import pytest

from tools import home


@pytest.fixture(autouse=True)
def same_environment_afterwards(monkeypatch):
    for name in ("HOME", "USERPROFILE", "JOBLIB_MULTIPROCESSING"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.delenv("JOBLIB_MULTIPROCESSING")


@pytest.fixture
def say(capsys):
    return lambda: capsys.readouterr().err


def set_home(monkeypatch, folder):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))


def test_a_home_that_can_be_written_is_left_alone(tmp_path, monkeypatch, say):
    set_home(monkeypatch, tmp_path)
    home.use_a_writable_home(tmp_path / "course")
    assert (os.environ["HOME"], say()) == (str(tmp_path), "")
    assert not (tmp_path / "course").exists()


def test_a_home_that_is_missing_has_one_in_its_place_and_it_is_said_once(
    tmp_path, monkeypatch, say
):
    ours = tmp_path / ".venv" / "home"
    sentence = f"{tmp_path / 'none'} cannot be written: settings and caches go to .venv/home.\n"
    for expected in (sentence, ""):
        set_home(monkeypatch, tmp_path / "none")
        home.use_a_writable_home(tmp_path)
        assert os.environ["HOME"] == os.environ["USERPROFILE"] == str(ours)
        assert say() == expected


def test_a_home_that_is_read_only(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write where nobody may
    set_home(monkeypatch, tmp_path)
    home.use_a_writable_home(tmp_path)
    assert os.environ["HOME"] == str(tmp_path / ".venv" / "home")


@pytest.mark.parametrize(
    ("platform", "writable", "said"),
    [("linux", True, None), ("linux", False, "0"), ("darwin", False, None), ("win32", False, None)],
)
def test_joblib_hears_of_missing_shared_memory(monkeypatch, platform, writable, said):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(os, "access", lambda *_: writable)
    home.do_without_shared_memory()
    assert os.environ.get("JOBLIB_MULTIPROCESSING") == said
