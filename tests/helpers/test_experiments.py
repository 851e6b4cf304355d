"""Paired runs: numbers by hand, coverage by simulation, both printed forms, runs that go wrong."""

import doctest
import os
import re
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from html.parser import HTMLParser

import joblib
import numpy as np
import pytest
import threadpoolctl

from helpers import experiments
from helpers.experiments import PairedTable, Sweep, paired, sweep
from helpers.internal import tables
from tests.helpers.support.refusal import refuses
from tools import ROOT

SEEDS = [3, 1, 4, 15]
BETTER = {"accuracy (%)": "higher", "loss": "lower"}
BOTH = pytest.mark.parametrize(
    "call", [partial(paired, {"plain": 0.0, "dropout": 1.0}), partial(sweep, [0.0, 1.0])]
)


def noisy(value, seed):
    """Settings with the same seed share `common`, which is much larger than their difference."""
    common, own = np.random.default_rng(seed).normal(size=2) * [10, 0.1]
    return {"accuracy (%)": 90 + common + value * (1 + own), "loss": 2 + common - value * (1 + own)}


def table(a, b, **options):
    return PairedTable({"loss": {"plain": a, "dropout": b}}, range(len(a)), **options)


@pytest.fixture(autouse=True)
def silent(monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", "off")


# The numbers


def test_a_paired_interval_by_hand():
    result = table([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 4.0, 6.0])  # differences 1, 2, 1, 2
    # mean 1.5; squared deviations sum to 1, so sd = sqrt(1/3), over sqrt(4) it is 0.288675;
    # t with 3 degrees of freedom is 3.182446
    assert result.mean("loss", "plain") == 2.5
    assert result.mean("loss", "dropout") == 4.0
    assert result.difference("loss", "dropout") == 1.5
    assert result.interval("loss", "dropout") == pytest.approx(3.182446 * 0.2886751, rel=1e-6)
    assert result.verdict("loss", "dropout") == "higher"


def test_the_interval_is_that_of_the_paired_t_test():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 12))
    low, high = stats.ttest_rel(b, a).confidence_interval(0.95)
    result = table(a, b)
    assert result.difference("loss", "dropout") == pytest.approx((low + high) / 2)
    assert result.interval("loss", "dropout") == pytest.approx((high - low) / 2)


def test_the_interval_covers_the_truth_95_times_in_100():
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(2_000):
        a = rng.normal(size=6) * 5
        result = table(a, a + rng.normal(0.3, 1.0, size=6))
        error = abs(result.difference("loss", "dropout") - 0.3)
        hits.append(error <= result.interval("loss", "dropout"))
    assert 0.93 < np.mean(hits) < 0.97


def test_simultaneous_intervals_hold_together():
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(1_000):
        rows = {str(k): rng.normal(size=8) for k in range(6)}  # truly equal: five comparisons
        result = PairedTable({"loss": rows}, range(8), simultaneous=True)
        hits.append({result.verdict("loss", str(k)) for k in range(1, 6)} == {"not separable"})
    assert 0.94 < np.mean(hits) < 0.99


def test_bonferroni_divides_by_the_comparisons_shown():
    stats = pytest.importorskip("scipy.stats")
    values = {
        m: {"a": [1, 2, 3], "b": [2, 2, 5], "c": [0, 1, 1], "null": [7, 8, 7]}
        for m in ("loss", "error")
    }
    alone = PairedTable(values, range(3), references=["null"])
    together = PairedTable(values, range(3), references=["null"], simultaneous=True)
    ratio = together.interval("loss", "b") / alone.interval("loss", "b")
    assert ratio == pytest.approx(stats.t.ppf(1 - 0.025 / 4, 2) / stats.t.ppf(0.975, 2))
    assert "all 4 comparisons together (Bonferroni)" in str(together)
    assert "not simultaneous" in str(alone)


def test_pairing_cancels_what_seeds_share():
    result = paired({"plain": 0.0, "dropout": 1.0}, noisy, range(10), n_jobs=1)
    assert np.std(result.values["loss"]["plain"]) > 3
    assert result.interval("loss", "dropout") < 0.2
    shuffled = result.values["loss"] | {"dropout": np.roll(result.values["loss"]["dropout"], 1)}
    assert PairedTable({"loss": shuffled}, range(10)).interval("loss", "dropout") > 3


def test_every_run_gets_its_value_and_its_integer_seed():
    def run(value, seed):
        assert type(seed) is int
        return {"value": value, "seed": seed, "both": 100 * value + seed}

    result = paired({"a": 1, "b": 2}, run, np.array(SEEDS), n_jobs=1)
    assert result.seeds == SEEDS
    assert result.values["seed"]["a"].tolist() == SEEDS
    assert result.values["seed"]["b"].tolist() == SEEDS
    assert result.values["both"]["b"].tolist() == [203, 201, 204, 215]
    assert result.difference("value", "b") == 1
    assert result.difference("seed", "b") == 0


def test_runs_go_seed_by_seed():
    order = []

    def run(value, seed):
        order.append((seed, value))
        return {"x": 0}

    paired({"a": 1, "b": 2}, run, [5, 6], n_jobs=1)
    assert order == [(5, 1), (5, 2), (6, 1), (6, 2)]


def test_another_baseline_turns_the_sign():
    result = paired({"plain": 0.0, "dropout": 1.0}, noisy, SEEDS, n_jobs=1)
    turned = paired({"plain": 0.0, "dropout": 1.0}, noisy, SEEDS, n_jobs=1, baseline="dropout")
    assert turned.difference("loss", "plain") == -result.difference("loss", "dropout")
    assert str(turned).splitlines()[0].split() == ["dropout", "plain", "difference", "verdict"]


def test_results_cannot_be_changed_by_accident():
    result = paired({"plain": 0.0, "dropout": 1.0}, noisy, SEEDS, n_jobs=1)
    with pytest.raises(ValueError, match="read-only"):
        result.values["loss"]["plain"][0] = 0


# Verdicts


@pytest.mark.parametrize(
    ("shift", "better", "verdict"),
    [
        (1.0, None, "higher"),
        (-1.0, None, "lower"),
        (1.0, {"loss": "lower"}, "worse"),
        (-1.0, {"loss": "lower"}, "better"),
        (1.0, {"loss": "higher"}, "better"),
        (-1.0, {"loss": "higher"}, "worse"),
        (0.05, {"loss": "lower"}, "not separable"),
    ],
)
def test_the_words_of_the_verdict(shift, better, verdict):
    a = np.arange(6.0)
    wobble = np.array([0.1, -0.1, 0.1, -0.1, 0.1, -0.1])
    assert table(a, a + shift + wobble, better=better).verdict("loss", "dropout") == verdict


def test_identical_runs_are_not_separable():
    result = table([0.1, 0.2, 0.4], [0.1, 0.2, 0.4])
    assert (result.difference("loss", "dropout"), result.interval("loss", "dropout")) == (0, 0)
    assert result.verdict("loss", "dropout") == "not separable"
    assert "0.000 ± 0.000   not separable" in str(result)


def test_what_is_rounding_is_not_separable():
    a = np.array([0.1, 0.2, 0.4])
    assert table(a, a * (1 + 2e-16) + 1e-16).verdict("loss", "dropout") == "not separable"


def test_a_constant_difference_is_separable():
    result = table([0.1, 0.2, 0.4], [1.1, 1.2, 1.4])
    assert result.verdict("loss", "dropout") == "higher"
    assert "1.000 ± 0.000   higher" in str(result)


def test_a_tiny_constant_difference_shows_its_digits():
    text = str(table([1.0, 2.0, 4.0], [1.00001, 2.00001, 4.00001]))
    assert "0.000010 ± 0.000000   higher" in text


# The two forms


def test_two_settings_make_a_line_per_metric():
    values = {
        "accuracy (%)": {
            "one-hot": [93.0, 94.0, 95.0],
            "smoothed": [93.1, 94.0, 94.9],
            "most frequent": [9.7] * 3,
        },
        "loss": {"one-hot": [0.200, 0.210, 0.220], "smoothed": [0.301, 0.310, 0.322]},
    }
    result = PairedTable(values, range(3), references=["most frequent"], better=BETTER)
    assert str(result).splitlines() == [
        "                  one-hot   smoothed      difference   verdict",
        "accuracy (%)         94.0       94.0     0.0 ± 0.2     not separable",
        "  most frequent       9.7",
        "loss                0.210      0.311   0.101 ± 0.002   worse",
        '3 seeds. Difference from "one-hot", paired by seed, ± 95 % interval for each comparison, '
        "not simultaneous.",
    ]
    assert repr(result) == str(result)


def test_more_settings_make_a_block_per_metric():
    values = {
        "loss": {
            "a": [1.0, 2.0, 3.0],
            "b": [1.1, 2.0, 2.9],
            "c": [0.4, 1.5, 2.3],
            "null": [9.0, 9.0, 9.0],
        }
    }
    options = {"references": ["null"], "better": {"loss": "lower"}}
    assert str(PairedTable(values, range(3), **options)).splitlines()[:-1] == [
        "         mean   difference   verdict",
        "loss",
        "  a       2.0",
        "  b       2.0    0.0 ± 0.2   not separable",
        "  c       1.4   -0.6 ± 0.2   better",
        "  null    9.0",
    ]
    lines = str(PairedTable(values, range(3), compare_references=True, **options)).splitlines()
    assert lines[5].split() == ["null", "9.0", "7", "±", "2", "worse"]


class Cells(HTMLParser):
    """The text of all cells; fails on a tag that is not closed."""

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.cells = []
        self.attributes = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.cells.append(data)


@pytest.mark.parametrize("names", [("<plain>", "a & b"), ("<plain>", "a & b", "c")])
def test_the_html_form_holds_the_same_words(names):
    rng = np.random.default_rng(0)
    values = {m: {name: rng.normal(size=5) for name in (*names, "null")} for m in ("x < 0", "loss")}
    result = PairedTable(values, range(5), references=["null"])
    html = Cells(result._repr_html_())
    caption, *cells = html.cells
    *lines, last = str(result).splitlines()
    assert caption == last
    assert sorted("".join(cells).replace(" ", "")) == sorted("".join(lines).replace(" ", ""))
    scopes = [attrs.get("scope") for tag, attrs in html.attributes if tag == "th"]
    assert set(scopes) <= {"col", "row", "rowgroup"}
    assert html.attributes[1][0] == "caption"


def test_digits_may_be_given():
    a = np.array([1.0, 2.0, 3.0])
    b = np.array([1.1, 2.0, 2.9])
    assert "2.0000    2.0000   0.0000 ± 0.2484   not separable" in str(table(a, b, digits=4))
    values = {"loss": {"a": a, "b": b}, "error": {"a": a, "b": b}}
    text = str(PairedTable(values, range(3), digits={"loss": 0}))
    assert "0 ± 0 " in text
    assert "0.0 ± 0.2" in text


@pytest.mark.parametrize(
    ("half_width", "shown"),
    [
        (0.0149, "0.015"),
        (0.0151, "0.02"),
        (0.2, "0.2"),
        (1.49, "1.5"),
        (1.51, "2"),
        (14.9, "15"),
        (151.0, "200"),
    ],
)
def test_the_half_width_has_one_or_two_digits(half_width, shown):
    d = np.array([-1.0, 0.0, 1.0])
    d *= half_width / table(0 * d, d).interval("loss", "dropout")
    assert f"± {shown} " in str(table(0 * d, d))


def test_minus_zero_is_never_printed():
    for mean in (-0.01, -1e-9, -0.0):
        d = np.array([-1.0, 0.0, 1.0]) + mean
        text = str(table(0 * d, d))
        assert not re.search(r"-0(\.0*)?(?![\d.])", text), text


def test_rounding_dust_does_not_change_the_text():
    rng = np.random.default_rng(0)
    for _ in range(50):
        # Shares of 800: ties at the last printed digit are common.
        a = np.round(rng.uniform(90, 96, size=20) * 8) / 8
        b = a + np.round(rng.normal(size=20) * 8) / 8
        dust = [values * (1 + 1e-14 * rng.normal(size=20)) for values in (a, b)]
        assert str(table(a, b)) == str(table(*dust))


def test_more_decimals_where_rounding_would_hide_the_verdict():
    d = np.array([-1.0, 0.0, 1.0])
    d *= 0.17 / table(0 * d, d).interval("loss", "dropout")
    assert "0.24 ± 0.17   higher" in str(table(0 * d, d + 0.24))
    assert "0.2 ± 0.2   not separable" in str(table(0 * d, d + 0.16))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compare_references": True},
        {"simultaneous": True},
        {"better": BETTER},
        {"digits": 3},
        {"baseline": "both"},
    ],
    ids=str,
)
def test_paired_makes_the_table_that_its_options_ask_for(options):
    settings = {"plain": 0.0, "dropout": 1.0, "both": 1.5}
    null = {"null": {"loss": 9.0}}
    result = paired(settings, noisy, SEEDS, n_jobs=1, references=null, **options)
    assert str(result) == str(PairedTable(result.values, SEEDS, references=list(null), **options))


# References


def test_references_are_numbers_dicts_or_functions():
    references = {
        "null": 10,
        "oracle": {"loss": 0.5},
        "coin": lambda seed: {"loss": seed, "accuracy (%)": 50.0},
        "guess": lambda seed: float(seed),
    }
    result = paired({"plain": 0.0, "dropout": 1.0}, noisy, SEEDS, n_jobs=1, references=references)
    assert result.references == list(references)
    assert result.mean("accuracy (%)", "null") == 10
    assert result.values["loss"]["coin"].tolist() == SEEDS
    assert result.values["accuracy (%)"]["guess"].tolist() == SEEDS
    assert "null" not in result.values["loss"]
    expected = np.mean(result.values["loss"]["oracle"] - result.values["loss"]["plain"])
    assert result.difference("loss", "oracle") == pytest.approx(expected)


# Processes


def test_one_and_two_processes_give_the_same_numbers():
    scale = 2.0

    def run(value, seed):  # a closure, as in a notebook
        return {"loss": value * scale + np.random.default_rng(seed).normal()}

    one, two = (paired({"a": 0.0, "b": 1.0}, run, range(6), n_jobs=n) for n in (1, 2))
    for name in ("a", "b"):
        assert one.values["loss"][name].tolist() == two.values["loss"][name].tolist()
    assert str(one) == str(two)


def test_runs_in_other_processes_share_no_generator():
    rng = np.random.default_rng(0)  # a slip: a run should draw from default_rng(seed)
    result = paired({"a": 0, "b": 1}, lambda *_: {"draw": rng.random()}, range(20), n_jobs=2)
    assert len(np.unique(np.concatenate(list(result.values["draw"].values())))) == 1


def test_each_worker_has_one_blas_thread_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")

    def run(_value, _seed):
        return {"threads": int(os.environ["OPENBLAS_NUM_THREADS"])}

    assert paired({"a": 0, "b": 1}, run, range(2), n_jobs=2).mean("threads", "a") == 1


def test_one_blas_thread_in_this_process_too():
    """Where there is no shared memory all runs are made here, in no more time than they need."""

    def run(_value, _seed):
        pools = threadpoolctl.threadpool_info()
        return {"threads": max(pool["num_threads"] for pool in pools)}

    assert paired({"a": 0, "b": 1}, run, range(2), n_jobs=1).mean("threads", "a") == 1


@BOTH
def test_as_many_runs_go_at_once_as_there_are_cores(call):
    cores = joblib.cpu_count()
    together = threading.Barrier(cores)

    def run(_value, _seed):
        together.wait(10)  # raises where fewer come
        return {"loss": 0.0}

    with joblib.parallel_config("threading"):
        call(run, range(2 * cores))


def test_the_backend_can_be_chosen_from_outside():
    expected = paired({"plain": 0.0, "dropout": 1.0}, noisy, SEEDS, n_jobs=1)
    with joblib.parallel_config("threading"):
        assert str(paired({"plain": 0.0, "dropout": 1.0}, noisy, SEEDS, n_jobs=2)) == str(expected)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_failing_run_names_setting_and_seed(n_jobs):
    def run(value, seed):
        if value and seed == 4:
            raise FloatingPointError("the loss became nan")
        return noisy(value, seed)

    with pytest.raises(FloatingPointError, match="the loss became nan") as caught:
        paired({"plain": 0.0, "dropout": 1.0}, run, SEEDS, n_jobs=n_jobs)
    assert caught.value.__notes__ == ["This came from the run of 'dropout' with seed 4."]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_exception_that_cannot_be_unpickled_comes_as_a_sentence(n_jobs):
    class Awkward(Exception):
        def __init__(self, left, right):
            super().__init__(f"{left} and {right}")

    def run(_value, _seed):
        raise Awkward("this", "that")

    sentences = r"Awkward: this and that\nThis came from the run of '\w+' with seed \d+\."
    with pytest.raises(RuntimeError, match=sentences):
        paired({"plain": 0.0, "dropout": 1.0}, run, SEEDS, n_jobs=n_jobs)


LONG_RUNS = """
import signal, sys, time
from helpers.experiments import paired

def run(value, seed):
    print("running", flush=True)
    time.sleep(60)

signal.signal(signal.SIGINT, signal.default_int_handler)
paired({"plain": 0.0, "dropout": 1.0}, run, range(4), n_jobs=int(sys.argv[1]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups to interrupt")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_ends_the_program_and_leaves_no_worker(n_jobs):
    program = subprocess.Popen(
        [sys.executable, "-c", LONG_RUNS, str(n_jobs)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for _ in range(n_jobs):
        assert program.stdout.readline() == "running\n"
    os.killpg(program.pid, signal.SIGINT)  # a terminal interrupts the workers too
    _, errors = program.communicate(timeout=60)
    assert program.returncode == -signal.SIGINT
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert _ends(program.pid), "a worker is left"


def _ends(group):
    """Whether no process of the group is left, or will be in half a minute."""
    for _ in range(300):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_the_example_prints_what_it_says():
    results = doctest.testmod(experiments)
    assert results.failed == 0
    assert results.attempted > 0


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_nan_is_refused_in_one_sentence(n_jobs):
    def run(value, seed):
        time.sleep(0.01)
        return noisy(value, seed) | {"loss": float("nan") if value and seed == 1 else 1.0}

    with refuses(ValueError, "'loss' of 'dropout' with seed 1 must"):
        paired({"plain": 0.0, "dropout": 1.0}, run, SEEDS, n_jobs=n_jobs)


# Progress


@BOTH
def test_the_bar_is_drawn_on_stderr_and_can_be_silenced(call, monkeypatch, capsys):
    call(noisy, SEEDS, n_jobs=1)
    assert capsys.readouterr() == ("", "")
    monkeypatch.delenv("COURSE_PROGRESS")
    call(noisy, SEEDS, n_jobs=1, progress=False)
    assert capsys.readouterr() == ("", "")
    call(noisy, SEEDS, n_jobs=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert "runs:   0%" in err
    assert "0/8" in err
    assert err.endswith("\r")  # nothing is left of it


# Sweeps


def valley(strength, seed):
    """A validation loss that is lowest at strength 0.1, or at 0.01 for even seeds."""
    place = np.log10(strength) + (1 if seed % 2 else 2)
    return {
        "validation loss": place**2,
        "validation accuracy": -(place**2),
        "test loss": strength + seed,
    }


def test_a_sweep_holds_strengths_by_seeds():
    result = sweep([0.1, 0.001, 0.01], valley, SEEDS, n_jobs=1)
    assert result.strengths.tolist() == [0.1, 0.001, 0.01]
    assert result.values["test loss"].tolist() == [
        [s + seed for seed in SEEDS] for s in (0.1, 0.001, 0.01)
    ]
    assert result.mean("test loss") == pytest.approx([5.85, 5.751, 5.76])
    expected = [tables._half_width(row) for row in result.values["test loss"]]
    assert result.interval("test loss").tolist() == expected


def test_the_interval_of_a_mean_is_students():
    stats = pytest.importorskip("scipy.stats")
    rows = np.random.default_rng(0).normal(size=(2, 7))
    low, high = stats.ttest_1samp(rows, 0, axis=1).confidence_interval(0.95)
    assert Sweep([1, 2], {"loss": rows}, range(7)).interval("loss") == pytest.approx(
        (high - low) / 2
    )


def test_one_strength_is_chosen_by_the_mean_over_seeds():
    result = sweep([1.0, 0.1, 0.01, 0.001], valley, [1, 3, 5, 2], n_jobs=1)
    assert result.best_on("validation loss") == 0.1
    assert result.best_on() == 0.1
    assert result.best_on("validation accuracy") == 0.1
    assert result.at("test loss", 0.1).tolist() == [1.1, 3.1, 5.1, 2.1]


def test_each_seed_may_choose_for_itself():
    result = sweep([1.0, 0.1, 0.01, 0.001], valley, [1, 3, 5, 2], n_jobs=1)
    chosen = result.best_on("validation loss", per_seed=True)
    assert chosen.tolist() == [0.1, 0.1, 0.1, 0.01]
    assert result.at("test loss", chosen).tolist() == [1.1, 3.1, 5.1, 2.01]


def test_a_tie_goes_to_the_first_strength():
    rows = [[3.0, 3.0], [1.0, 0.1 + 0.2], [1.0, 0.3]]
    result = Sweep([5, 7, 9], {"validation loss": rows}, range(2))
    assert result.best_on("validation loss") == 7
    assert type(result.best_on("validation loss")) is int
    assert result.best_on("validation loss", per_seed=True).tolist() == [7, 7]


def test_better_decides_the_direction():
    rows = {"validation loss": [[1.0, 2.0], [5.0, 6.0]], "gap": [[1.0, 2.0], [5.0, 6.0]]}
    assert Sweep([1, 2], rows, range(2), better={"validation loss": "higher"}).best_on() == 2
    assert Sweep([1, 2], rows, range(2), better={"gap": "lower"}).best_on("gap") == 1
    options = {"n_jobs": 1, "better": {"gap": "higher"}}
    assert sweep([1.0, 2.0], lambda x, _: {"gap": x}, SEEDS, **options).best_on("gap") == 2
    sentence = "^better must say 'higher' or 'lower' for 'gap', got neither$"
    with pytest.raises(ValueError, match=sentence):
        Sweep([1, 2], rows, range(2)).best_on("gap")


def test_nothing_is_chosen_on_the_test_set():
    result = sweep([0.1, 0.01], valley, SEEDS, n_jobs=1)
    sentence = "^metric must not be one of the test set, which is read after the choice, got"
    with pytest.raises(ValueError, match=f"{sentence} 'test loss'$"):
        result.best_on("test loss")


def test_a_sweep_prints_means_with_intervals():
    rows = {
        "validation loss": [[1.0, 2.0, 3.0], [1.0, 1.1, 1.2]],
        "accuracy (%)": [[90.0, 90.0, 90.0]] * 2,
    }
    result = Sweep([0.0001, 10], rows, range(3))
    assert str(result).splitlines() == [
        "         validation loss   accuracy (%)",
        "0.0001             2 ± 2     90.0 ± 0.0",
        "10                 1 ± 0     90.0 ± 0.0",
        "3 seeds. Mean ± 95 % interval for each mean, not paired, not simultaneous.",
    ]
    assert Cells(result._repr_html_()).cells[1:3] == ["validation loss", "accuracy (%)"]


def test_integers_reach_the_run_as_integers():
    def run(patience, _seed):
        return {"epochs": len(range(patience))}

    result = sweep([1, 5, 20], run, SEEDS, n_jobs=1)
    assert result.mean("epochs").tolist() == [1, 5, 20]


# Bad input


def two(**options):
    settings = {"a": 0.0, "b": 1.0}
    return paired(**{"settings": settings, "run": noisy, "seeds": SEEDS, "n_jobs": 1} | options)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        (
            {"seeds": [7]},
            ValueError,
            "seeds must be two or more integers such as range(10): one seed gives no interval,",
        ),
        (
            {"seeds": 10},
            TypeError,
            "seeds must be two or more integers such as range(10): one seed gives no interval,",
        ),
        ({"seeds": [1, 2, 1]}, ValueError, "seeds must be different, got 1 more than once"),
        ({"seeds": [1, 2.5]}, TypeError, "each of seeds must"),
        ({"seeds": [1, -2]}, ValueError, "each of seeds must"),
        ({"settings": {"a": 1}}, ValueError, "settings must hold two or more names, got ['a']"),
        (
            {"settings": [0.0, 1.0]},
            TypeError,
            "settings must be a dict with names as keys, got list [0.0, 1.0]",
        ),
        (
            {"settings": {0: 1, 1: 2}},
            TypeError,
            "settings must be a dict with names as keys, got dict {0: 1, 1: 2}",
        ),
        (
            {"run": 3},
            TypeError,
            "run must be a function (value, seed) -> {metric: number}, got int 3",
        ),
        ({"baseline": "c"}, ValueError, "baseline must be one of 'a', 'b', got 'c'"),
        (
            {"references": {"a": 1}},
            ValueError,
            "references must have other names than settings, got 'a' in both",
        ),
        (
            {"references": {"null": {"los": 1}}},
            ValueError,
            "the metrics must be 'accuracy (%)' and 'loss' in every run,",
        ),
        (
            {"references": {"coin": lambda seed: {"loss" if seed == 3 else "accuracy (%)": 1}}},
            ValueError,
            "the metrics must be 'loss' in every run, got ['accuracy (%)'] for 'coin', seed 1",
        ),
        ({"references": {"null": "9"}}, TypeError, "'accuracy (%)' of 'null' with seed 3 must"),
        (
            {"better": {"los": "lower"}},
            ValueError,
            "better must be about 'accuracy (%)' or 'loss', got 'los'",
        ),
        (
            {"better": {"loss": "less"}},
            ValueError,
            "better must be {metric: 'higher' or 'lower'}, got {'loss': 'less'}",
        ),
        (
            {"better": "lower"},
            ValueError,
            "better must be {metric: 'higher' or 'lower'}, got 'lower'",
        ),
        (
            {"digits": {"los": 1}},
            ValueError,
            "digits must be about 'accuracy (%)' or 'loss', got 'los'",
        ),
        ({"digits": 1.5}, TypeError, "digits must"),
        (
            {"run": lambda *_: {}},
            TypeError,
            "run must return {metric: number}, got dict {} for 'a' with seed 3",
        ),
        (
            {"run": lambda *_: 3.0},
            TypeError,
            "run must return {metric: number}, got float 3.0 for 'a' with seed 3",
        ),
        ({"run": lambda *_: {"x": "1"}}, TypeError, "'x' of 'a' with seed 3 must"),
        (
            {"run": lambda v, _: {f"x{v:g}": 1}},
            ValueError,
            "the metrics must be 'x0' in every run, got ['x1'] for 'b',",
        ),
        (
            {"run": lambda v, _: {"x": 1} if v else {"x": 1, "y": 2}},
            ValueError,
            "the metrics must be 'x' and 'y' in every run, got ['x'] for 'b', seed 3",
        ),
        (
            {"run": lambda _, seed: {"x": 1} if seed == 4 else {"x": 1, "y": 2}},
            ValueError,
            "the metrics must be 'x' and 'y' in every run, got ['x'] for 'a', seed 4",
        ),
    ],
)
def test_bad_input_is_one_sentence(options, error, sentence):
    with pytest.raises(error, match="^" + re.escape(sentence)):
        two(**options)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda t: t.mean("los", "a"), "metric must be one of 'accuracy (%)', 'loss', got 'los'"),
        (lambda t: t.verdict("loss", "c"), "name must be one of 'a', 'b', got 'c'"),
        (
            lambda t: PairedTable(t.values, range(3)),
            "'accuracy (%)' of 'a' must have one number for each of the 3 seeds,",
        ),
        (
            lambda t: PairedTable(t.values, SEEDS, references=["c"]),
            "references must be one of 'a', 'b', got 'c'",
        ),
        (
            lambda _: PairedTable({"x": {"a": [1, 2], "b": [1, 2]}, "y": {"a": [1, 2]}}, [0, 1]),
            "values must hold every",
        ),
        (
            lambda _: sweep([], noisy, SEEDS),
            "strengths must be numbers such as np.geomspace(1e-4, 1, 9), got 0 of them",
        ),
        (
            lambda _: sweep([1, 1.0], noisy, SEEDS),
            "strengths must be different, got 1 more than once",
        ),
        (lambda _: sweep([1, np.nan], noisy, SEEDS), "each of strengths must"),
        (
            lambda _: sweep([1], valley, SEEDS, n_jobs=1).at("test loss", 2),
            "strength must be one of 1, got 2",
        ),
        (
            lambda _: sweep([1], valley, SEEDS, n_jobs=1).at("test loss", [1, 1]),
            "strength must be one number, or one",
        ),
    ],
)
def test_bad_questions_are_one_sentence(call, sentence):
    with pytest.raises(ValueError, match="^" + re.escape(sentence)):
        call(two())


def swept(**options):
    return sweep(**{"strengths": [0.0, 1.0], "run": noisy, "seeds": SEEDS, "n_jobs": 1} | options)


@pytest.mark.parametrize(
    ("call", "options", "runs"),
    [
        (two, {"baseline": "c"}, 0),
        (two, {"digits": 1.5}, 0),
        (two, {"digits": {"los": 1}}, 1),
        (two, {"compare_references": 1}, 0),
        (two, {"simultaneous": 1}, 0),
        *[(call, {"n_jobs": 0}, 0) for call in (two, swept)],
        *[(call, {"progress": None}, 0) for call in (two, swept)],
        *[(call, {"better": "lower"}, 0) for call in (two, swept)],
        *[(call, {"better": {"los": "lower"}}, 1) for call in (two, swept)],
    ],
)
def test_a_typing_error_is_found_in_the_first_run_or_before(call, options, runs):
    calls = []

    def run(value, seed):
        calls.append(seed)
        return noisy(value, seed)

    with pytest.raises((TypeError, ValueError), match=f"^{next(iter(options))} must be "):
        call(run=run, **options)
    assert len(calls) == runs
