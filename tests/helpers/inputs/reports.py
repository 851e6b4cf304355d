"""Experiments, their tables and how they print; figures and sliders."""

import numpy as np
from hypothesis import strategies as st

from helpers import experiments
from helpers.internal import printing, table_checks, tables
from tests.helpers.inputs.kinds import (
    Kind,
    array,
    drawn,
    flag,
    function,
    integer,
    listed,
    number,
    returning,
    same,
    sequence,
    word,
)
from tests.helpers.inputs.row import Row

LOSSES = {"plain": [1.0, 2.0, 3.0], "L2": [0.5, 1.0, 2.5], "null": [4.0, 4.0, 4.5]}
VALUES = {"loss": LOSSES}
SEEDS = [0, 1, 2]
NO_DIRECTIONS = [3, "lower", ["loss"], {"loss": "low"}, {"loss": None}, {"loss": []}]
DIRECTIONS = sequence({"loss": "lower"}, [*NO_DIRECTIONS, {"a": "lower"}])
OTHER_SEEDS = [None, 3, "ab", (), [1], [0, 0, 1], [0, -1, 2], [0, 0.5, 1], [None] * 3, [[0], [1]]]
RUNS = sequence(
    SEEDS,
    [*OTHER_SEEDS, {0: 1}, {}],
    unusual=[(range(3), SEEDS), (np.arange(3), SEEDS), ((0, 1, 2), SEEDS)],
)
NO_DIGITS = ["2", {"loss": 0.5}, [2], True, 2.0]
DIGITS = sequence(2, [*NO_DIGITS, {"a": 2}], unusual=[({"loss": 2}, 2), (np.int8(2), 2)])
METRIC = word("loss", "loss")
NAME = word("L2", "L2", "plain", "null")
NO_SETTINGS = [None, {}, {"a": 0}, ["a", "b"], {1: 0, 2: 1}, {"": 0, "a": 1}]
NO_STRENGTHS = [None, 3, "ab", [], [0.5, 0.5], [np.nan], ["a"], {0.5: 1}, [[0.5]]]


# ---- Experiments ----


def plain(value, seed):
    return {"loss": value + seed % 3}


def cells(table):
    """All that a table shows."""
    return str(table)


NO_JOBS = [None, "all", 0.5, 0, [], True]
ALONE = {
    "n_jobs": Kind(1, listed(*NO_JOBS) | drawn(st.floats()), same(1)),
    "progress": flag(usual=False),
}
NO_SCORES = [{}, 1.0, None, {"loss": np.nan}, {"loss": "low"}]
RUN = function(plain).also(*map(returning, NO_SCORES))
EXPERIMENTS = {
    "experiments.paired": Row(
        lambda **kinds: cells(experiments.paired(**kinds)),
        settings=sequence({"none": 0.0, "L2": 0.5}, NO_SETTINGS),
        run=RUN,
        seeds=RUNS,
        baseline=word("none", "none", "L2").but(None),
        references=sequence(
            {"null": 4.0},
            [4.0, ["null"], {"none": 4.0}, {3: 4.0}, {"null": "4"}, {"null": np.nan}],
        ),
        compare_references=flag(usual=False),
        better=DIRECTIONS,
        simultaneous=flag(usual=False),
        digits=DIGITS,
        **ALONE,
    ),
    "experiments.sweep": Row(
        lambda **kinds: cells(experiments.sweep(**kinds)),
        strengths=sequence([0.0, 0.5], [*NO_STRENGTHS, [True, 2]]),
        run=RUN,
        seeds=RUNS,
        better=DIRECTIONS,
        **ALONE,
    ),
}


# ---- Tables ----


def table(**kinds):
    return tables.PairedTable(**{"values": VALUES, "seeds": SEEDS, "references": ["null"]} | kinds)


def swept(**kinds):
    values = {"loss": [[1.0, 2.0, 3.0], [0.5, 0.5, 1.0]]}
    return tables.Sweep(**{"strengths": [0.0, 0.5], "values": values, "seeds": SEEDS} | kinds)


ONES = [1.0] * 3
NO_VALUES = [None, 3, "ab", [], {}, {"loss": None}]
NO_SERIES = [[1.0, 2.0], [np.nan] * 3, "abc", None, 1.0, [[1.0]] * 3, [1, 2, [3]]]
OTHER_VALUES = [
    {"loss": {"plain": ONES}},
    {"loss": {1: ONES, 2: ONES}},
    {"loss": [ONES, ONES]},
    {"loss": LOSSES, "error": {"plain": ONES}},
    {3: LOSSES},
    *({"loss": LOSSES | {"L2": bad}} for bad in NO_SERIES),
]
ROWS = {"loss": [[1.0, 2.0, 3.0], [0.5, 0.5, 1.0]]}
OTHER_ROWS = [[ONES], [[1.0] * 2] * 2, ["a", "b"]]


def asked(method):
    return Row(
        lambda metric, name: getattr(table(), method)(metric, name), metric=METRIC, name=NAME
    )


TABLES = {
    "tables.PairedTable": Row(
        lambda **kinds: cells(table(**kinds)),
        values=sequence(VALUES, [*NO_VALUES, *OTHER_VALUES]),
        seeds=RUNS.also([0, 1], [0, 1, 2, 3]),
        baseline=word("plain", "plain", "L2").but(None),
        references=sequence(
            ["null"], [3, ["oracle"], ["null", "L2"], [3], "null", None, [[]], {"a": 1}]
        ),
        compare_references=flag(usual=False),
        better=DIRECTIONS,
        simultaneous=flag(usual=True),
        digits=DIGITS,
    ),
    **{
        f"tables.PairedTable.{method}": asked(method)
        for method in ("mean", "difference", "interval", "verdict")
    },
    "tables.Sweep": Row(
        lambda **kinds: cells(swept(**kinds)),
        strengths=sequence(
            [0.0, 0.5],
            [None, 3, "ab", [], [0.5], [0.5, 0.5], [np.nan, 1], ["a", "b"], [0.1, 0.2, 0.3]],
        ),
        values=sequence(ROWS, [*NO_VALUES, *({"loss": rows} for rows in OTHER_ROWS)]),
        seeds=RUNS.also([0, 1]),
        better=DIRECTIONS,
    ),
    "tables.Sweep.best_on": Row(
        lambda **kinds: swept().best_on(**kinds),
        metric=METRIC.also("test loss"),
        per_seed=flag(usual=False),
    ),
    "tables.Sweep.at": Row(
        lambda **kinds: swept().at(**kinds),
        metric=METRIC,
        strength=sequence(
            0.5,
            [None, 0.3, "0.5", [0.5, 0.5], [0.3] * 3, {}, []],
            more=st.text(),
            unusual=[([0.5] * 3, 0.5)],
        ),
    ),
    "tables.Sweep.mean": Row(lambda metric: swept().mean(metric), metric=METRIC),
    "tables.Sweep.interval": Row(lambda metric: swept().interval(metric), metric=METRIC),
}


# ---- Their parts ----

UNKNOWN = st.dictionaries(st.text(), st.integers(), min_size=1).filter(lambda d: "loss" not in d)
PARTS = {
    "table_checks.check_names": Row(
        table_checks.check_names,
        settings=sequence({"a": 0, "b": 1}, [*NO_SETTINGS, "ab"]),
        baseline=word("a", "a", "b").but(None),
        references=sequence({"c": 0}, [None, ["c"], {"a": 0}, {3: 0}, "c"]),
    ),
    "table_checks.check_metrics": Row(
        lambda better: table_checks.check_metrics(["loss"], better=better),
        better=Kind({"loss": 1}, drawn(UNKNOWN), same({})),
    ),
    "table_checks.checked_seeds": Row(table_checks.checked_seeds, seeds=RUNS),
    "table_checks.checked_strengths": Row(
        table_checks.checked_strengths,
        strengths=sequence([0.0, 0.5], NO_STRENGTHS),
    ),
    "table_checks.checked_directions": Row(
        table_checks.checked_directions,
        better=sequence({"loss": "lower"}, NO_DIRECTIONS),
    ),
    "table_checks.checked_decimals": Row(
        table_checks.checked_decimals,
        digits=sequence(2, NO_DIGITS, unusual=[(np.int8(2), 2)]),
    ),
    "table_checks.checked_values": Row(
        table_checks.checked_values,
        values=sequence(VALUES, [*NO_VALUES, {3: LOSSES}, {"loss": {1: ONES}}]),
    ),
    "table_checks.check_rows": Row(
        lambda values: table_checks.check_rows(values, [0.0, 0.5]),
        values=sequence(ROWS, [*NO_VALUES, {"loss": [ONES]}, {3: [ONES, ONES]}]),
    ),
    "table_checks.check_complete": Row(
        lambda values: table_checks.check_complete(values, ["plain", "L2"]),
        values=Kind(VALUES, listed({"loss": {"plain": ONES}}), same(VALUES)),
    ),
    "table_checks.checked_series": Row(
        lambda values: table_checks.checked_series("loss", "L2", values, 3),
        values=array(ONES, wrong=[[1.0, 2.0]], huge=False),
    ),
    "table_checks.pick": Row(
        lambda metric: table_checks.pick("metric", metric, VALUES), metric=METRIC
    ),
    "printing.Printed": Row(lambda: printing.Printed.__repr__ is printing.Printed.__str__),
    "printing.digits_of": Row(
        printing.digits_of, x=number(0.5), decimals=integer(2, low=-300, high=300, least=-1, most=9)
    ),
    "printing.decimals_for": Row(
        printing.decimals_for, size=number(0.5, low=0), otherwise=number(0.5)
    ),
}

TABLE = EXPERIMENTS | TABLES | PARTS
