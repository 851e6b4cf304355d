"""Tables and their checks on numbers made by hand: what is shown, rounded, chosen and refused."""

import numpy as np
import pytest

from helpers.internal.table_checks import (
    check_names,
    checked_decimals,
    checked_directions,
    checked_seeds,
)
from helpers.internal.tables import PairedTable, Sweep

HALF = 4.302652730 / 3**0.5  # half width of -1, 0 and 1: t with 2 degrees of freedom


def apart(difference, half, at=0.0):
    """Two settings over three seeds: a is constant, b differs by `difference` ± `half`."""
    a = np.full(3, float(at))
    return {"a": a, "b": a + np.array([-1.0, 0.0, 1.0]) * half / HALF + difference}


def lines(table):
    return [line.split() for line in str(table).splitlines()[:-1]]


THREE = {"a": [1.0, 2.0, 3.0], "b": [1.5, 2.5, 3.5], "c": [0.0, 2.0, 4.0], "null": [9.0, 9.0, 9.0]}
VALUES = {"loss": THREE, "score": {name: THREE[name] for name in "abc"}}


# Paired tables


def test_what_a_table_keeps_of_its_arguments():
    table = PairedTable(
        VALUES, np.array([5, 0, 7]), references=iter(["null"]), digits=2, better={"loss": "lower"}
    )
    assert table.seeds == [5, 0, 7]
    assert table.metrics == ["loss", "score"]
    assert table.settings == ["a", "b", "c"]
    assert {type(seed) for seed in table.seeds} == {int}
    assert (table.baseline, table.references) == ("a", ["null"])
    assert (table.better, table.digits) == ({"loss": "lower"}, {"loss": 2, "score": 2})
    assert (table.compare_references, table.simultaneous) == (False, False)
    assert table.values["loss"]["null"].tolist() == [9.0, 9.0, 9.0]
    assert table.values["loss"]["a"].dtype == np.float64


def test_a_table_keeps_its_numbers_whatever_becomes_of_the_callers():
    a = np.zeros(3)
    b = np.ones(3)
    table = PairedTable({"loss": {"a": a, "b": b}}, range(3))
    b[:] = 7
    assert table.difference("loss", "b") == 1


def test_only_the_metrics_of_better_are_judged():
    table = PairedTable(
        {"loss": apart(0.5, 0.1), "score": apart(0.5, 0.1)}, range(3), better={"loss": "lower"}
    )
    assert [table.verdict(metric, "b") for metric in ("loss", "score")] == ["worse", "higher"]


@pytest.mark.parametrize(("more", "comparisons"), [({}, 4), ({"compare_references": True}, 5)])
def test_only_the_comparisons_that_are_shown_share_the_5_percent(more, comparisons):
    stats = pytest.importorskip("scipy.stats")
    table = PairedTable(VALUES, range(3), references=["null"], simultaneous=True, **more)
    assert f"all {comparisons} comparisons together" in str(table)
    expected = stats.t.ppf(1 - 0.025 / comparisons, 2) / 3**0.5  # c - a is -1, 0 and 1
    assert table.interval("loss", "c") == pytest.approx(expected)


@pytest.mark.parametrize("size", [1e6, -1e6, 1e-6])
def test_a_difference_counts_from_a_share_of_1e_12_on(size):
    def verdict(share):
        a = np.full(3, size)
        table = PairedTable({"loss": {"a": a, "b": a + share * abs(size)}}, range(3))
        return table.verdict("loss", "b")

    assert [verdict(1e-13), verdict(1e-10), verdict(-1e-10)] == ["not separable", "higher", "lower"]


def test_zeros_alone_are_not_separable():
    table = PairedTable({"loss": apart(0.0, 0.0)}, range(3))
    assert lines(table)[1] == ["loss", "0", "0", "0", "±", "0", "not", "separable"]


def test_the_baseline_stands_first_and_is_compared_with_nothing():
    table = PairedTable(VALUES, range(3), baseline="c", references=["null"])
    assert [[row[0], len(row)] for row in lines(table)[1:6]] == [
        ["loss", 1],
        ["c", 2],
        ["a", 7],
        ["b", 7],
        ["null", 2],
    ]
    assert lines(table)[6:] == [["score"], *lines(table)[2:5]]


def test_for_two_settings_a_reference_has_its_mean_below_that_of_the_baseline():
    values = {"loss": apart(1.0, 0.2, at=2.0) | {"null": [5.0, 5.0, 5.0]}}
    options = {"references": ["null"], "compare_references": True, "digits": 1}
    assert str(PairedTable(values, range(3), **options)).splitlines()[:-1] == [
        "           a     b   difference   verdict",
        "loss     2.0   3.0    1.0 ± 0.2   higher",
        "  null   5.0          3.0 ± 0.0   higher",
    ]


def test_the_means_follow_the_widest_interval_and_each_difference_its_own():
    values = {"loss": apart(1.0, 0.02, at=3.0) | {"c": apart(9.0, 2.0, at=3.0)["b"]}}
    assert lines(PairedTable(values, range(3)))[2:] == [
        ["a", "3"],
        ["b", "4", "1.00", "±", "0.02", "higher"],
        ["c", "12", "9", "±", "2", "higher"],
    ]


def test_rounding_has_no_say_in_the_decimals():
    a = np.array([1e6, 2e6, 4e6]) / 7
    table = PairedTable({"loss": {"a": a, "b": a + 0.1}}, range(3))
    assert table.interval("loss", "b") > 0
    assert lines(table)[1] == ["loss", "333333", "333333", "0.10", "±", "0.00", "higher"]


def test_a_difference_that_is_rounding_shows_no_digits_of_its_own():
    table = PairedTable({"loss": apart(1e-8, 0.0, at=1e6)}, range(3))
    assert lines(table)[1] == ["loss", "1000000", "1000000", "0", "±", "0", "not", "separable"]


@pytest.mark.parametrize(
    ("difference", "half", "shown"),
    [
        (0.1734, 0.1712, "0.173 ± 0.171   higher"),
        (0.17123, 0.17112, "0.171 ± 0.171   higher"),  # two decimals more and no third
        (-0.24, 0.17, "-0.24 ± 0.17   lower"),
        (0.25, 0.26, "0.2 ± 0.3   not separable"),
        (0.349, 0.351, "0.3 ± 0.4   not separable"),
        (0.2601, 0.2602, "0.3 ± 0.3   not separable"),
        (0.3501, 0.3502, "0.4 ± 0.4   not separable"),
    ],
)
def test_a_difference_gets_up_to_two_decimals_more_for_its_verdict(difference, half, shown):
    assert shown in str(PairedTable({"loss": apart(difference, half)}, range(3)))


@pytest.mark.parametrize(
    ("digits", "shown"),
    [
        (0, {"loss": ["100", "112", "12", "±", "3"], "score": ["100", "112", "12", "±", "3"]}),
        (
            {"loss": 0},
            {"loss": ["100", "112", "12", "±", "3"], "score": ["100", "112", "12", "±", "3"]},
        ),
        (
            {"loss": -1, "score": 2},
            {"loss": ["100", "110", "10", "±", "0"], "score": ["100.00", "112.34", "12.34"]},
        ),
    ],
)
def test_the_decimals_may_be_given_for_all_metrics_or_for_some(digits, shown):
    table = PairedTable(
        {"loss": apart(12.34, 3, at=100), "score": apart(12.34, 3, at=100)}, range(3), digits=digits
    )
    for metric, *cells in lines(table)[1:]:
        assert cells[: len(shown[metric])] == shown[metric]


# Sweeps

LOSSES = [[3.0, 1.0], [1.0, 2.0], [2.0, 4.0]]  # means 2, 1.5 and 3


def test_what_a_sweep_keeps_of_its_arguments():
    result = Sweep(iter([0.5, 1, 2]), {"loss": LOSSES}, (4, 9), better={"loss": "lower"})
    assert result.seeds == [4, 9]
    assert result.better == {"loss": "lower"}
    assert result.strengths.tolist() == [0.5, 1, 2]
    assert result.values["loss"].tolist() == LOSSES
    assert result.mean("loss").tolist() == [2.0, 1.5, 3.0]


@pytest.mark.parametrize(
    ("metric", "best"),
    [
        ("loss", 1),
        ("error rate", 1),
        ("accuracy", 2),
        ("contested loss", 1),
        ("latest accuracy", 2),
    ],
)
def test_a_loss_and_an_error_are_to_be_low_an_accuracy_high(metric, best):
    assert Sweep([0, 1, 2], {metric: LOSSES}, [4, 9]).best_on(metric) == best


def test_the_best_strength_is_of_the_type_it_was_given_in():
    values = {"validation loss": LOSSES}
    assert type(Sweep([0.5, 1.5, 2.5], values, [4, 9]).best_on()) is float
    assert type(Sweep([0, 1, 2], values, [4, 9]).best_on(per_seed=False)) is int


@pytest.mark.parametrize("size", [1.0, 1e-6, 1e6])
@pytest.mark.parametrize(("share", "best"), [(1e-13, 0), (1e-10, 1)])
def test_a_tie_is_what_differs_by_rounding_alone(size, share, best):
    rows = size * np.array([[1.0, 1.0], [1 - share, 1 - share], [3.0, 3.0]])
    result = Sweep([0, 1, 2], {"validation loss": rows, "accuracy": -rows}, [4, 9])
    assert (result.best_on(), result.best_on("accuracy")) == (best, best)
    assert result.best_on(per_seed=True).tolist() == [best, best]


def test_a_share_of_1e_12_itself_is_still_a_tie():
    rows = [[1 - 1e-12] * 2, [1.0, 1.0]]
    assert Sweep([0, 1], {"accuracy": rows}, [4, 9]).best_on("accuracy") == 0


@pytest.mark.parametrize("metric", ["test loss", "Test accuracy", "error on the TEST set"])
def test_no_word_test_however_it_is_written_is_chosen_on(metric):
    sentence = f"^metric must not be one of the test set, .* got '{metric}'$"
    with pytest.raises(ValueError, match=sentence):
        Sweep([0, 1, 2], {metric: LOSSES}, [4, 9]).best_on(metric)


def test_the_values_at_one_strength_or_at_one_for_each_seed():
    result = Sweep([0, 1, 2], {"loss": LOSSES}, [4, 9])
    assert result.at("loss", 2).tolist() == [2.0, 4.0]
    assert result.at("loss", [1]).tolist() == [1.0, 2.0]
    assert result.at("loss", np.array([1, 0])).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ([[-2.0, -4.0, -6.0], [0.25, 0.25, 0.25]], ["-4 ± 5", "0 ± 0"]),
        ([[-250.0, -250.0, -250.0], [1.0, 1.0, 1.0]], ["-250 ± 0", "1 ± 0"]),
        ([[0.0, 0.0, 0.0]] * 2, ["0 ± 0", "0 ± 0"]),
        ([[1e6, 1e6, 1e6 + 1e-9], [1e6, 1e6, 1e6]], ["1000000 ± 0", "1000000 ± 0"]),  # rounding
        (
            [[1e-6, 1e-6, 1.00001e-6], [1e-6, 1e-6, 1e-6]],
            ["0.000001000003 ± 0.000000000014", f"{1e-6:.12f} ± {0:.12f}"],
        ),
    ],
)
def test_all_means_of_a_sweep_have_the_decimals_of_the_widest_interval(rows, shown):
    result = Sweep([1, 2], {"loss": rows}, range(3))
    assert [" ".join(row[1:]) for row in lines(result)[1:]] == shown


# Bad input

PAIRS = {"loss": {"a": [1.0, 2.0], "b": [1.0, 3.0]}}
EXPECTED = "values must be {metric: {name: array over seeds}}, got"
TWO = {"loss": [[1, 2], [3, 4]]}
ROWS = "values must be {metric: 2 rows, one for each strength}, got"
SEEDS = "seeds must be two or more integers such as range(10): one seed gives no interval, got"


def pairs(values=PAIRS, seeds=(0, 1), **options):
    return PairedTable(values, seeds, **options)


def rows(values, **options):
    return Sweep([1, 2], values, [0, 1], **options)


BAD = {
    f"{EXPECTED} dict {{}}": lambda: pairs({}),
    f"{EXPECTED} list [1]": lambda: pairs([1]),
    f"{EXPECTED} dict {{'a': [1, 2]}} for int 3": lambda: pairs({3: {"a": [1, 2]}}),
    f"{EXPECTED} list [1, 2] for str 'loss'": lambda: pairs({"loss": [1, 2]}),
    f"{EXPECTED} dict {{1: [1, 2]}} for str 'loss'": lambda: pairs({"loss": {1: [1, 2]}}),
    "'loss' of 'a' must have 1 axis, got shape (1, 2)": lambda: pairs(
        {"loss": {"a": [[1, 2]], "b": [1, 2]}}
    ),
    "'loss' of 'b' must have one number for each of the 2 seeds, got 1": lambda: pairs(
        {"loss": {"a": [1, 2], "b": [1]}}
    ),
    "settings must hold two or more names, got ['b']": lambda: pairs(references=["a"]),
    "baseline must be one of 'a', 'b', got ['a']": lambda: pairs(baseline=["a"]),
    "references must be names such as ['null'], got str 'a'": lambda: pairs(references="a"),
    "references must be names such as ['null'], got int 3": lambda: pairs(references=3),
    "references must be one of 'a', 'b', got array([1, 2])": lambda: pairs(
        references=[np.array([1, 2])]
    ),
    "better must be about 'loss', got 'los'": lambda: pairs(better={"los": "lower"}),
    "digits must be about 'loss', got 'los'": lambda: pairs(digits={"los": 2}),
    "digits of 'loss' must be an integer, got float 0.5": lambda: pairs(digits={"loss": 0.5}),
    "compare_references must be True or False, got int 1": lambda: pairs(compare_references=1),
    "simultaneous must be True or False, got NoneType None": lambda: pairs(simultaneous=None),
    "metric must be one of 'loss', got 'los'": lambda: pairs().interval("los", "b"),
    f"{ROWS} dict {{}}": lambda: rows({}),
    f"{ROWS} list [[1, 2], [3, 4]]": lambda: rows([[1, 2], [3, 4]]),
    f"{ROWS} list [[1, 2], [3, 4]] for int 3": lambda: rows({3: [[1, 2], [3, 4]]}),
    f"{ROWS} int 1 for str 'loss'": lambda: rows({"loss": 1}),
    f"{ROWS} list [[1, 2]] for str 'loss'": lambda: rows({"loss": [[1, 2]]}),
    "'loss' of 2 must have one number for each of the 2 seeds, got 3": lambda: rows(
        {"loss": [[1, 2], [1, 2, 3]]}
    ),
    "better must be about 'loss', got 'less'": lambda: rows(TWO, better={"less": "lower"}),
    "metric must be one of 'loss', got 'lost'": lambda: rows(TWO).mean("lost"),
    "metric must be one of 'loss', got 'loose'": lambda: rows(TWO).interval("loose"),
    "metric must be one of 'loss', got 'less'": lambda: rows(TWO).best_on("less"),
    "metric must be one of 'loss', got 'l'": lambda: rows(TWO).at("l", 1),
    "per_seed must be True or False, got int 1": lambda: rows(TWO).best_on("loss", per_seed=1),
    "strength must be one of 1, 2, got 3": lambda: rows(TWO).at("loss", [1, 3]),
    "strength must be one number, or one for each of 2 seeds, got 3": (
        lambda: rows(TWO).at("loss", [1, 2, 1])
    ),
    "strength must be one number, or one for each of 2 seeds, got 0": (
        lambda: rows(TWO).at("loss", [])
    ),
    f"{SEEDS} str '123'": lambda: checked_seeds("123"),
    f"{SEEDS} bytes b'123'": lambda: checked_seeds(b"123"),
    f"{SEEDS} dict {{1: 2, 3: 4}}": lambda: checked_seeds({1: 2, 3: 4}),
    f"{SEEDS} NoneType None": lambda: checked_seeds(None),
    f"{SEEDS} 1 of them": lambda: checked_seeds([4]),
    "settings must be a dict with names as keys, got dict {'a': 1, '': 2}": lambda: check_names(
        {"a": 1, "": 2}, None, {}
    ),
    "references must be a dict with names as keys, got list ['c']": lambda: check_names(
        {"a": 1, "b": 2}, None, ["c"]
    ),
    "better must be {metric: 'higher' or 'lower'}, got {'loss': ['lower']}": (
        lambda: checked_directions({"loss": ["lower"]})
    ),
    "digits must be an integer, got bool True": lambda: checked_decimals(digits=True),
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_input_is_refused_with_one_sentence(sentence):
    with pytest.raises((TypeError, ValueError)) as refusal:
        BAD[sentence]()
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("digits", "by_metric"), [(None, {}), (3, {"x": 3, "y": 3}), ({"x": 0}, {"x": 0})]
)
def test_digits_become_one_integer_by_metric(digits, by_metric):
    assert checked_decimals(digits, ["x", "y"]) == by_metric


def test_what_is_different_may_come_one_by_one():
    assert checked_seeds(seed**2 for seed in range(3)) == [0, 1, 4]
    assert checked_directions(None) == {}
