"""The benchmarks run, report in good form, and count what they say they count.

No timing is a test.
"""

import os
import re
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from benchmarks import __main__ as bench
from benchmarks import growth, measure, memory, networks, profile, report, small, textbook
from helpers.gradcheck import numerical_gradient, relative_error
from tests.helpers.support.parity import import_or_skip
from tools import ROOT

DEEP = os.environ.get("COURSE_DEEP") == "1"
RATIOS = ("4", "8") if DEEP else ("8",)  # cheap rows with a ratio, which stands there twice
CHEAP = (*RATIOS, "12")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """RESULTS.md and results.png of a smoke run."""
    for package in ("torch", "sklearn"):
        import_or_skip(package)
    folder = tmp_path_factory.mktemp("benchmarks")
    options = ["--quick", "--rows", *CHEAP, "--into", str(folder)]
    command = [sys.executable, "-m", "benchmarks", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    text = (folder / "RESULTS.md").read_text(encoding="utf-8")
    return text, (folder / "results.png").read_bytes()


def rows_under(text, head):
    """The cells of the table whose first line starts with `head`."""
    table = text[text.index(head) :].split("\n\n")[0].splitlines()
    bars = {line.count("|") - line.count("\\|") for line in table}
    assert len(bars) == 1, "lines of different length"
    cells = [re.split(r" ?(?<!\\)\| ?", line.strip("| ")) for line in table]
    return cells[2:]


def test_the_table_of_ratios(quick):
    rows = rows_under(quick[0], "| row | what | against")
    assert [cells[0] for cells in rows] == sorted(2 * RATIOS)
    for _, what, against, setting, ratio, quartiles, aim, *_ in rows:
        low, high = map(float, quartiles.split(" to "))
        assert 0 <= low <= float(ratio) <= high
        assert float(aim) > 0
        assert all((what, against, setting))


def test_both_sides_did_the_same_work(quick):
    rows = rows_under(quick[0], "| row | what | ours | theirs |")
    assert [cells[0] for cells in rows] == sorted(2 * RATIOS)
    for *_, ours, theirs in rows:
        assert float(ours) == pytest.approx(float(theirs), rel=1e-6)


def test_the_report_is_complete(quick):
    text, picture = quick
    assert picture.startswith(b"\x89PNG")
    assert re.search(r"!\[.{40,}\]\(results\.png\)", text)
    assert "whose numbers mean nothing" in text
    assert "NumPy's BLAS is" in text
    assert len(rows_under(text, "| line | new arrays")) > 3
    assert "{" not in text, "a part of the template was not filled in"


def test_different_work_ends_the_run(monkeypatch, tmp_path):
    wrong = measure.Witness(1, "loss", 1.0, 1.1, 1e-5)
    monkeypatch.setattr(bench, "measured", lambda *_, **__: measure.Report(witnesses=[wrong]))
    with pytest.raises(SystemExit, match=r"same work:\nrow 1: loss: 1 and 1\.1 DIFFER"):
        bench.main(["--into", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_a_nan_is_no_agreement():
    assert not measure.Witness(1, "loss", float("nan"), float("nan"), 1e-5).holds


def test_the_sides_run_in_turn():
    order = []
    sides = {name: partial(order.append, name) for name in "ab"}
    seconds = measure.side_by_side(sides, measure.Effort(blocks=3, seconds=1e-4, settle=1e-5))
    turns = re.sub(r"(.)\1*", r"\1", "".join(order))
    assert turns == "ababab"  # ab to warm up; then ab, ba, ab, where equal neighbors are one
    assert all(len(values) == 3 and (values > 0).all() for values in seconds.values())


def test_what_a_process_hands_on_comes_back():
    findings = [
        measure.Witness(1, "loss", 1.0, 1.0, 0.1),
        measure.Result(2, "a", "b", "c", [0.5, 0.7], 1.0, ours=3.0, theirs=5.0),
        ("t", "| |"),
    ]
    assert [measure.unpacked(*measure.packed(finding)) for finding in findings] == findings


def test_a_missed_aim_is_named():
    met = measure.Result(1, "a", "b", "c", [0.9] * 3, 1.0)
    missed = measure.Result(2, "a", "b", "c", [1.1] * 3, 1.0)
    sentence = "1 of 2 aims met. Missed in rows 2: the sections below say where the time goes."
    assert report.missed([met, missed]) == sentence


def test_exponents():
    sizes = np.array([64, 128, 256, 512])
    exponent, half = growth.slope(sizes, 3e-6 * sizes**1.5)
    assert exponent == pytest.approx(1.5)
    assert half == pytest.approx(0, abs=1e-6)
    products = 2 * 784 * 256 + 3 * 256 * 256 + 3 * 256 * 10
    assert growth.operations((784, 256, 256, 10), 32) == 2 * 32 * products


def test_the_products_are_those_of_a_step():
    pairs = networks.products(networks.network(), networks.examples(32)[0])
    assert len(pairs) == 8
    assert sum(2 * a.size * b.shape[1] for a, b in pairs) == growth.operations(networks.SIZES, 32)
    assert {part.dtype for pair in pairs for part in pair} == {np.dtype(np.float32)}


def test_every_large_array_is_counted_once():
    x = np.ones(50_000)

    class Length:
        def __index__(self):
            return len(x)

    def step():
        y = x + 1
        y *= np.empty(Length()).size  # calls Python, and is large only then
        return (y - x).sum() + np.add(y, x)[0]

    memory.tracemalloc.start()
    try:
        arrays = memory.new_arrays(step, smallest=300_000)
    finally:
        memory.tracemalloc.stop()
    first = step.__code__.co_firstlineno
    assert [line - first for _, line, _ in arrays] == [1, 2, 3, 3]
    assert all(size == pytest.approx(x.nbytes, abs=2048) for *_, size in arrays)


def test_parts_of_parts_are_taken_out():
    watch = profile.Stopwatch()
    inner = watch.wrap("inner", lambda: sum(range(200_000)))
    watch.wrap("outer", lambda: inner() + inner())()
    assert 0 < watch.spent["outer"] < watch.spent["inner"]


def test_the_textbook_has_the_right_gradients():
    """With dropout too: the seed of the global generator, as textbooks do it, fixes the masks."""
    X, y = small.points()
    params = networks.textbook_params(small.network(small.SIZES))
    keep_probs = (0.8, 0.5, 0.5)
    Y = y.T
    for name in ("b1", "b2", "b3"):
        params[name] += 0.1  # where both inputs are dropped, 0 would be the kink of ReLU

    def run(params):
        np.random.seed(3)  # noqa: NPY002
        A, cache = textbook.forward(X.T, params, keep_probs, textbook.sigmoid)
        cost = textbook.cost_sigmoid(A, Y) + textbook.penalty(params, 0.1)
        return cost, textbook.backward(A, Y, params, cache, keep_probs, 0.1)

    def cost(name, values):
        return run(params | {name: values})[0]

    for name, values in params.items():
        expected = numerical_gradient(partial(cost, name), values)
        assert relative_error(run(params)[1][f"d{name}"], expected) < 1e-6
