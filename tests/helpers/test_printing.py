"""Printed tables made by hand: how many digits, the columns of the text, the rows in HTML."""

import re
from xml.etree import ElementTree

import pytest

from helpers.internal.printing import Printed, decimals_for, digits_of


class Table(Printed):
    def __init__(self, titles, lines, caption="4 seeds, p < 1 & q"):
        self.parts = titles, lines, caption

    def _layout(self):
        return self.parts


TITLES = ["mean", "difference", "verdict"]
BLOCKS = Table(
    TITLES,
    [
        (0, "loss < 1", None),
        (1, "plain", ["12.0", "", ""]),
        (1, "with dropout", ["2.0", "-0.25 ± 0.125", "better"]),
        (0, "error", None),
        (1, "plain", ["9.0", "3 ± 1", "not separable"]),
    ],
)
LINES = Table(
    ["a", "b"], [(0, "loss", ["1", "20"]), (1, "null", ["3", ""]), (0, "error", ["4", "5"])]
)


# Digits


@pytest.mark.parametrize(
    ("x", "decimals", "shown"),
    [
        (1.26, 1, "1.3"),
        (2, 0, "2"),
        (2.0, 3, "2.000"),
        (1260.0, -2, "1300"),
        (-0.04, 1, "0.0"),
        (-0.06, 1, "-0.1"),
        (0.3450000000001, 2, "0.34"),  # as 0.345: what comes after 9 significant digits is rounding
        (0.345, 2, "0.34"),
        (5e-300, 299, f"0.{'0' * 299}"),
        (5e-300, 300, f"0.{'0' * 299}5"),
        (1e300, -300, f"{1e300:.0f}"),
    ],
)
def test_a_number_is_shown_with_so_many_decimals(x, decimals, shown):
    assert digits_of(x, decimals) == shown


@pytest.mark.parametrize(
    ("size", "decimals"),
    [
        (0.0149, 3),
        (0.015, 2),
        (0.149, 2),
        (0.15, 1),
        (1.49, 1),
        (1.5, 0),
        (14.9, 0),
        (15, -1),
        (149, -1),
        (150, -2),
    ],
)
def test_a_size_has_between_1_5_and_15_units_of_the_last_decimal(size, decimals):
    assert decimals_for(size) == decimals
    assert decimals_for(size, otherwise=1e-9) == decimals


@pytest.mark.parametrize(
    ("otherwise", "decimals"), [(0.0, 0), (0.025, 4), (1, 2), (-93.85, 1), (100, 0), (12345.6, 0)]
)
def test_where_the_size_is_0_three_digits_of_another_number_are_shown(otherwise, decimals):
    assert decimals_for(0, otherwise) == decimals


def test_without_any_size_there_are_no_decimals():
    assert decimals_for(0) == 0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: digits_of("1", 2), "x must be a number, got str '1'"),
        (
            lambda: digits_of(1.0, 2.5),
            "decimals must be an integer >= -300 and <= 300, got float 2.5",
        ),
        (lambda: digits_of(1.0, 301), "decimals must be an integer >= -300 and <= 300, got 301"),
        (lambda: digits_of(1.0, -301), "decimals must be an integer >= -300 and <= 300, got -301"),
        (lambda: decimals_for(-1.0), "size must be a number >= 0, got -1.0"),
        (lambda: decimals_for(0, float("nan")), "otherwise must be a number, got nan"),
    ],
)
def test_what_is_no_number_or_out_of_range_is_refused(call, sentence):
    with pytest.raises((TypeError, ValueError)) as refusal:
        call()
    assert str(refusal.value) == sentence


# The text


def test_numbers_stand_to_the_right_words_to_the_left_and_halves_below_one_another():
    assert str(BLOCKS).splitlines() == [
        "                 mean      difference   verdict",
        "loss < 1",
        "  plain          12.0",
        "  with dropout    2.0   -0.25 ± 0.125   better",
        "error",
        "  plain           9.0       3 ± 1       not separable",
        "4 seeds, p < 1 & q",
    ]
    assert repr(BLOCKS) == str(BLOCKS)


@pytest.mark.parametrize("form", [str, Table._repr_html_], ids=["text", "HTML"])
@pytest.mark.parametrize("cells", [["1"], ["1", "2", "3"]])
def test_a_line_with_a_cell_too_few_or_too_many_loses_none_in_silence(form, cells):
    with pytest.raises(ValueError, match=r"zip\(\)"):
        form(Table(["a", "b"], [(0, "loss", cells)]))


# HTML


def parsed(table):
    """Its head, its groups of rows and its caption, from HTML that is well-formed XML too."""
    root = ElementTree.fromstring(table._repr_html_())
    return root.find("thead/tr"), root.findall("tbody"), root.find("caption").text


def style(cell):
    return dict(pair.split(": ") for pair in cell.get("style").split("; "))


def test_html_has_the_same_words_in_the_same_places():
    head, groups, caption = parsed(BLOCKS)
    assert [cell.text for cell in head] == [None, *TITLES]
    assert caption == "4 seeds, p < 1 & q"
    assert [[[cell.text or "" for cell in row] for row in group] for group in groups] == [
        [
            ["loss < 1"],
            ["plain", "12.0", "", ""],
            ["with dropout", "2.0", "-0.25 ± 0.125", "better"],
        ],
        [["error"], ["plain", "9.0", "3 ± 1", "not separable"]],
    ]


def test_lines_without_a_title_of_their_own_are_one_group():
    _, groups, _ = parsed(LINES)
    assert [[row[0].text for row in group] for group in groups] == [["loss", "null", "error"]]


def test_a_screen_reader_is_told_what_heads_a_column_a_row_or_a_group():
    head, groups, _ = parsed(BLOCKS)
    assert [cell.get("scope") for cell in head] == [None, "col", "col", "col"]
    for first, *rows in groups:
        assert [(cell.tag, cell.get("scope"), cell.get("colspan")) for cell in first] == [
            ("th", "rowgroup", "4")
        ]
        assert {(row[0].tag, row[0].get("scope")) for row in rows} == {("th", "row")}


def test_html_has_each_column_on_its_side_and_each_label_at_its_level():
    head, groups, _ = parsed(BLOCKS)
    sides = ["right", "right", "left"]
    assert [style(cell)["text-align"] for cell in head[1:]] == sides
    for row in [row for _, *rows in groups for row in rows]:
        assert [style(cell)["text-align"] for cell in row[1:]] == sides
    _, (rows,), _ = parsed(LINES)
    paddings = [style(row[0])["padding-left"] for row in rows]
    assert [float(re.fullmatch(r"(.+)em", padding)[1]) for padding in paddings] == [0.5, 1.5, 0.5]
