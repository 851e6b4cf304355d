"""Finished runs on disk: found again bit for bit, never in place of others, damaged ones named and made again."""

import os
import signal
import stat
import time
from pathlib import Path

import numpy as np
import pytest

from helpers import cache as module
from helpers.cache import RunCache, keep, kept
from helpers.experiments import paired, sweep
from tests.refusal import refuses

AWKWARD = [0.1, -0.0, 5e-324, 1e308, 1 / 3, np.float32(0.1), np.nextafter(1, 2), 7, np.int64(3)]


@pytest.fixture(autouse=True)
def silent(monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", "off")


@pytest.fixture
def called(tmp_path):
    """A run that leaves a mark in a folder for each call, and the list of these calls."""
    marks = tmp_path / "marks"
    marks.mkdir()

    def run(value, seed):
        (marks / f"{value} {seed} {time.monotonic_ns()}").touch()
        return {"loss": np.random.default_rng(seed).normal() + value, "seed": seed}

    return run, lambda: sorted(tuple(map(float, path.name.split()[:2])) for path in marks.iterdir())


def numbers(table):
    return {metric: {name: row.tobytes() for name, row in rows.items()} for metric, rows in table.values.items()}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_is_kept_equals_what_is_run_bit_for_bit(n_jobs, tmp_path, called):
    run, calls = called
    options = {"seeds": range(3), "n_jobs": n_jobs, "references": {"null": 0.5, "seed": lambda seed: {"seed": seed}}}
    tables = [paired({"a": 0, "b": 1 / 3}, run, cache=folder, **options) for folder in (None, *[tmp_path / "runs"] * 2)]
    assert numbers(tables[0]) == numbers(tables[1]) == numbers(tables[2])
    assert str(tables[0]) == str(tables[2])
    assert len(calls()) == 12  # six without a cache, six with, none the second time


def test_every_float_comes_back_as_it_was(tmp_path):
    file = tmp_path / "run.json"
    keep(file, {f"metric {i}": x for i, x in enumerate(AWKWARD)})
    assert [x.hex() for x in kept(file).values()] == [float(x).hex() for x in AWKWARD]
    keep(file, 0.1)
    assert kept(file) == 0.1


@pytest.mark.parametrize("result", [np.nan, {"loss": np.inf}, {"loss": True}, {"loss": "1"}, {1: 2.0}, None, [1.0]])
def test_what_paired_refuses_is_not_kept(result, tmp_path):
    keep(tmp_path / "run.json", result)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_refused_is_refused_again(tmp_path):
    for _ in range(2):
        with refuses(TypeError, "'loss' of 'a' with seed 0 must be a number, got bool True"):
            paired({"a": 0, "b": 1}, lambda *_: {"loss": True}, range(2), n_jobs=1, cache=tmp_path)


def test_more_seeds_and_more_settings_cost_their_own_runs_only(tmp_path, called):
    run, calls = called
    options = {"n_jobs": 1, "cache": tmp_path / "runs"}
    paired({"a": 0, "b": 1}, run, [0, 1], **options)
    paired({"c": 2, "b": 1, "a": 0}, run, [2, 1, 0], **options)
    assert calls() == [(value, seed) for value in (0, 1, 2) for seed in (0, 1, 2)]


def test_sweep_has_a_cache_too(tmp_path, called):
    run, calls = called
    first, second = (sweep([0.0, 0.5], run, [0, 1], n_jobs=1, cache=tmp_path / "runs") for _ in range(2))
    assert numbers_of(first) == numbers_of(second)
    assert len(calls()) == 4


def numbers_of(swept):
    return {metric: rows.tobytes() for metric, rows in swept.values.items()}


def test_other_code_values_and_names_are_never_taken_for_these(tmp_path):
    scale = 1

    def run(value, _seed):
        return {"loss": scale * value}

    def loss(settings, function):
        return paired(settings, function, range(2), n_jobs=1, cache=tmp_path).mean("loss", "b")

    assert loss({"a": 0, "b": 1}, run) == 1
    assert loss({"a": 0, "b": 2}, run) == 2
    assert loss({"a": 0, "b": 1}, lambda value, _seed: {"loss": 3 * value}) == 3
    scale = 4
    assert loss({"a": 0, "b": 1}, run) == 4


@pytest.mark.parametrize(
    "damaged", ["a digit", "", '{{"result": {{"loss', "{0}{0}", "\0\0", "[]", "{{}}", '{{"result": 1, "checksum": 2}}']
)
def test_a_damaged_file_is_named_and_made_again(damaged, tmp_path):
    def table():
        return paired({"a": 0, "b": 1}, lambda value, _seed: {"loss": value + 0.5}, range(2), n_jobs=1, cache=tmp_path)

    before = numbers(table())
    file = next(tmp_path.glob("b-seed1-*"))
    sound = file.read_text()
    file.write_text(damaged.format(sound) if damaged != "a digit" else sound.replace("1.5", "1.25"))
    with pytest.warns(UserWarning, match="^the kept run .* is damaged and is computed again$") as caught:
        assert numbers(table()) == before
    assert [str(file) in str(warning.message) for warning in caught] == [True]
    assert file.read_text() == sound
    assert numbers(table()) == before


def test_a_file_of_another_run_under_this_name_is_damaged_too(tmp_path):
    keep(tmp_path / "a.json", 1.0)
    (tmp_path / "a.json").rename(tmp_path / "b.json")
    with pytest.warns(UserWarning, match=r"b\.json is damaged") as caught:
        assert kept(tmp_path / "b.json") is None
    assert caught[0].filename == __file__  # the line that asked for it


@pytest.mark.parametrize("cached", [True, False])
def test_a_press_of_ctrl_c_tells_what_becomes_of_the_finished_runs(cached, tmp_path):
    def run(_value, _seed):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        paired({"a": 0, "b": 1}, run, range(2), n_jobs=1, cache=tmp_path if cached else None)
    kept_in = f"are kept in {tmp_path}, from where the same call goes on"
    assert caught.value.__notes__ == [
        f"Finished runs {kept_in if cached else 'are lost, but would be kept with cache=folder'}."
    ]


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    keep(tmp_path / "a.json", 1.0)

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        keep(tmp_path / "a.json", 2.0)
    assert kept(tmp_path / "a.json") == 1.0


def test_names_make_good_file_names(tmp_path):
    runs = RunCache(tmp_path, dict.fromkeys(["N(0, 0.01²), ReLU", "a/b", "a:b", 0.001, "x" * 300], abs))
    names = [runs.file(name, 3).name for name in runs.keys]
    assert names[0].startswith("N_0_0.01_ReLU-seed3-")
    assert len({name.lower() for name in names}) == 5
    assert all(len(name) < 100 and name.isascii() and not set(name) & set('/\\:*?"<>|') for name in names)


def test_a_relative_folder_is_made_here_even_where_the_workers_stand_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = RunCache("new/runs", {"a": abs})
    assert Path("new/runs").is_dir()
    assert runs.file("a", 0).parent == tmp_path / "new" / "runs"


def test_what_is_no_folder_is_refused(tmp_path):
    def call(cache):
        paired({"a": 0, "b": 1}, lambda *_: {"loss": 0}, range(2), cache=cache)

    (tmp_path / "file").touch()
    with refuses(TypeError, "cache must be a folder such as 'runs', got bool True"):
        call(True)
    with refuses(ValueError, f"cache must be a folder, got the file {tmp_path / 'file'}"):
        call(tmp_path / "file")
    with open(os.devnull) as stream, refuses(TypeError, "the run of 'b' must hold and use only what can be pickled"):
        paired({"a": 0, "b": stream}, lambda *_: {"loss": 0}, range(2), cache=tmp_path / "runs")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
@pytest.mark.parametrize("cached", [True, False])
def test_a_killed_worker_costs_one_sentence_and_its_own_run(cached, tmp_path, called):
    run, calls = called
    mark, folder = tmp_path / "killed", tmp_path / "runs"

    def deadly(value, seed):
        if (value, seed) == (1, 3) and not mark.exists():
            time.sleep(0.3)  # the other worker finishes what stands before
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return run(value, seed)

    def table():
        return paired({"a": 0, "b": 1}, deadly, range(6), n_jobs=2, cache=folder if cached else None)

    end = f"are kept in {folder}, from where the same call goes on" if cached else "are lost, but would be kept with "
    with refuses(RuntimeError, "a worker was killed, most often because the memory was full", "finished runs " + end):
        table()
    before = len(calls())
    assert before >= 6
    result = table()
    assert len(calls()) - before == (12 - before if cached else 12)
    assert numbers(result) == numbers(paired({"a": 0, "b": 1}, run, range(6), n_jobs=1))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_others_may_read_the_files(tmp_path):
    keep(tmp_path / "a.json", 1.0)
    (tmp_path / "b.json").touch()
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == stat.S_IMODE((tmp_path / "b.json").stat().st_mode)
