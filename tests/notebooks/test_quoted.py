"""Every number that a lecture quotes is in an output or a setting of the notebook."""

from decimal import Decimal
from functools import cache

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.notebooks import form, quoted
from tools.notebooks.quoted_elsewhere import ELSEWHERE

LECTURES = form.lectures()
read = cache(quoted.read)


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_every_number_is_shown(path):
    missing = [f"cell {index + 1}: {number.text}" for index, number in read(path).missing()]
    assert not missing, (
        f"{form.shown(path)} quotes what no output and no setting shows: {'; '.join(missing)}"
    )


def test_a_changed_digit_is_noticed():
    """In numbers of two significant digits or more: nine of ten changes."""
    shares = [share for path in LECTURES for share in read(path).noticed()]
    assert len(shares) > 300
    assert sum(shares) / len(shares) > 0.89


@pytest.mark.parametrize(
    ("lecture", "text"), [(name, text) for name, texts in ELSEWHERE.items() for text in texts]
)
def test_every_number_from_elsewhere_is_quoted_and_not_found_inside(lecture, text):
    path = next(path for path in LECTURES if path.stem.startswith(lecture))
    alone = quoted.Lecture(form.parse(path.read_text(encoding="utf-8")))
    assert text in [number.text for _, number in alone.missing()]


def lecture(text, *, code="steps = 20", output="", first="# A title", last="", elsewhere="33"):
    """The missing numbers of a lecture with `text` in a section that has `code` and `output`."""
    cells = [
        new_markdown_cell(f"{first}\n\n## Elsewhere"),
        new_code_cell("", outputs=[new_output("stream", name="stdout", text=elsewhere)]),
        new_markdown_cell(f"## A section\n{text}"),
        new_code_cell(code, outputs=[new_output("stream", name="stdout", text=output)]),
        new_markdown_cell(
            f"## Takeaways\n{last}\n\n## Exercises\nTry 67.8 and 91.\n\n"
            "## Sources\nSection 51, 43 pages."
        ),
    ]
    return [number.text for _, number in quoted.Lecture(new_notebook(cells=cells)).missing()]


FOUND = [
    ("The gap is 4.51.", "gap 4.51"),
    ("The gap is 4.5.", "gap 4.50"),
    ("It loses 4.5 points.", "change -4.5"),
    ("The change is −4.5 ± 1.2.", "change -4.5 ± 1.2"),
    ("It is right in 84.5 %.", "accuracy 0.845"),
    ("It is right in 84.5 %.", "accuracy (%) 84.5"),
    ("Of 1,797 digits", "1797 digits"),
    ("Between 12.5 and 14.2", "12.5 to 14.2"),
    ("The network 64-64-10", "64 64 10"),
    ("Over 20 steps", ""),
    ("Within $10^{-12}$", "below 1e-12"),
    ("It falls to $7 \\cdot 10^{-37}$.", "7e-37"),
    ("Of $1{,}024$ sets", "1,024 sets"),
]


@pytest.mark.parametrize(("text", "output"), FOUND)
def test_what_is_shown_may_be_quoted(text, output):
    assert lecture(text, output=output) == []


NOT_FOUND = [
    ("The gap is 4.51.", "gap 4.52", ["4.51"]),
    ("The gap is 4.5.", "gap 4.51", ["4.5"]),
    ("The gap is 45.", "gap 45.2", ["45"]),
    ("It is right in 84 %.", "accuracy 0.845", ["84 %"]),
    ("It is right in 0.845.", "accuracy 84.5 %", ["0.845"]),
    ("In 7 % of them", "", ["7 %"]),
    ("Of 1,797 digits", "797 digits", ["1,797"]),
    ("Within $10^{-12}$", "below 1e-11", ["10^{-12}"]),
    ("It needs 33 steps.", "", ["33"]),
    ("The gap is 4.51.", "Figure: the gap is 4.51", ["4.51"]),
    ("The gap is 4.51.", "✓ the gap is 4.51", ["4.51"]),
]


@pytest.mark.parametrize(("text", "output", "missing"), NOT_FOUND)
def test_what_is_not_shown_is_missing(text, output, missing):
    assert lecture(text, output=output) == missing


def test_three_digits_may_stand_in_another_section():
    assert lecture("It needs 33.5 steps.", elsewhere="33.5") == []


NAMES = [
    "as lecture 04 said, and lectures 11 and 12",
    "**Claim 12.** It shrinks (claims 13, 14).",
    "Ioffe and Szegedy (2015), section 3.2, equations 12 and 16",
    "in `range(77)` and in\n\n```python\nx = 78\n```",
    "$$x_{79} = 80$$",
    "[page](https://example.org/81)",
    "d2l 1.0.3, PyTorch 2.13, issue 51102, pull request 10788",
    "About 60 minutes, and two or 3 more.",
    "Bands are 95 % intervals, with a 95 % confidence interval each.",
]


@pytest.mark.parametrize("text", NAMES)
def test_names_and_places_are_no_results(text):
    assert lecture(text) == []


@pytest.mark.parametrize("place", ["first", "last"])
def test_title_and_takeaways_repeat_what_a_section_says(place):
    assert lecture("It wins 4.5.", output="4.5 and 6.7", **{place: "It wins 4.5."}) == []
    assert lecture("It wins 4.5.", output="4.5 and 6.7", **{place: "It wins 6.7."}) == ["6.7"]


HAND_WRITTEN = [
    'show(fig, alt="The curve falls to 4.51")',
    'ax.set_title("It falls to 4.51")',
    'ax.set(title="It falls to 4.51", ylim=(0, 4.51))',
    'claim("it falls to 4.51", True)',
    'claim_with("torch", "it falls to 4.51", agrees)',
]


@pytest.mark.parametrize("code", HAND_WRITTEN)
def test_titles_alternative_texts_and_claims_quote_too(code):
    assert lecture("", code=code) == ["4.51"]
    assert lecture("", code=code, output="4.51") == []


def test_limits_of_a_figure_are_no_settings():
    assert lecture("The axis ends at 0.45.", code="ax.set(ylim=(0, 0.45))") == ["0.45"]
    assert lecture("The rate is 0.45.", code="fit(lr=0.45)") == []


def test_changes_of_a_digit():
    (number,) = quoted.numbers("1.5")
    changed = {change.text for change in number.changed()}
    assert {"1.6", "2.5", "0.5"} <= changed
    assert len(changed) == 18
    assert number.value == Decimal("1.5")


def test_command_names_notebook_cell_and_number(tmp_path, capsys):
    path = tmp_path / LECTURES[4].name
    text = LECTURES[4].read_text(encoding="utf-8")
    assert text.count("0.25, 4 and 9 are p") == 1
    path.write_text(text.replace("0.25, 4 and 9 are p", "0.27, 4 and 9 are p"), encoding="utf-8")
    assert quoted.main([str(LECTURES[4])]) == 0
    assert quoted.main([str(path), "--change"]) == 1
    printed = capsys.readouterr().out
    assert "0.27 is in no output and no setting" in printed
    assert "of the changes to" in printed
