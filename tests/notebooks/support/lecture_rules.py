"""The rules for lectures, on top of those for every notebook in notebook_rules.py."""

import re

from tests.notebooks.support.notebook_rules import (
    ABSOLUTE,
    FOR_EVERY_NOTEBOOK,
    MAX_LINES,
    numbered_code,
    numbered_outputs,
    numbered_text,
)
from tools.notebooks import counts, form

ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
CLAIM_TEXT = re.compile(r"\*\*Claim (\d+)\.\*\*")
CLAIM_NAMED = re.compile(r"\(claims? (\d+(?:(?:, | and |, and )\d+)*)\)\.?$")
SECTIONS = ("Takeaways", "Exercises", "Sources")

MAX_SETUP, LONG_CELL, LONGEST_CELL, LONG_SHARE = 8, 7, 12, 0.1
CODE_CELLS, WORDS, TEXT_PER_CODE = (25, 40), (1500, 2500), (0.75, 1.5)
MIN_ALT = 20


def is_normal(text):
    """Is the text of a file what tools/notebooks/refresh.py would store for these outputs?"""
    return form.dump(form.normalize(form.parse(text))) == text


def counts_run_from_one(nb):
    """A cell without a count is checked by nobody: nbval passes over it in silence."""
    for expected, (index, cell) in enumerate(numbered_code(nb), start=1):
        if cell.execution_count != expected:
            yield (
                index,
                f"its count is {cell.execution_count}, expected {expected}; run tools/notebooks/refresh.py",
            )


def outputs_are_the_same_everywhere(nb):
    """No memory address, no path of one machine, and no claim that was left unchecked when the file was stored."""
    for index, output in numbered_outputs(nb):
        text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
        if found := ADDRESS.search(text) or ABSOLUTE.search(text):
            yield index, f"its output holds {found[0]!r}, which differs between machines"
        if "– not checked here:" in text:
            yield (
                index,
                "its claim was not checked; run tools/notebooks/refresh.py where the package is installed",
            )


def figures_have_alternative_text(nb):
    """Who cannot see the figure reads its text; two figures that say the same need no second one."""
    seen = {}
    for index, cell in numbered_code(nb):
        for alt in counts.figures(cell):
            if len((alt or "").strip()) < MIN_ALT:
                yield (
                    index,
                    f"its figure has the alternative text {alt!r}, expected {MIN_ALT} characters or more",
                )
            elif alt in seen:
                yield (
                    index,
                    f"its figure has the alternative text of the one in cell {seen[alt] + 1}, {alt[:40]!r}",
                )
            else:
                seen[alt] = index


def figures_are_explained(nb):
    """After every figure one sentence says what it shows."""
    for index, cell in numbered_code(nb):
        after = nb.cells[index + 1 : index + 2]
        if counts.figures(cell) and not (
            after and after[0].cell_type == "markdown" and after[0].source.strip()
        ):
            yield index, "no text cell after its figure says what it shows"


def sections_exist(nb):
    """The sections that every lecture has."""
    first = nb.cells[0].source if nb.cells and nb.cells[0].cell_type == "markdown" else ""
    if not first.startswith("# "):
        yield None, 'its first cell is no text cell that starts with "# "'
    if not any("predict" in cell.source.lower() for _, cell in numbered_text(nb)):
        yield None, 'no text cell asks the reader to predict ("Predict before you run")'
    for section in SECTIONS:
        heading = re.compile(rf"^##+ .*\b{section}\b", re.MULTILINE | re.IGNORECASE)
        if not any(heading.search(cell.source) for _, cell in numbered_text(nb)):
            yield None, f"no heading names the section {section!r}"


def setup_is_short(nb):
    """The first code cell has the same shape in every lecture."""
    for index, cell in numbered_code(nb)[:1]:
        if (lines := counts.code_lines(cell)) > MAX_SETUP:
            yield index, f"the set-up has {lines} lines, at most {MAX_SETUP} are allowed"
        for call in ("use_style()", "default_rng(0)"):
            if call not in cell.source:
                yield index, f"the set-up does not call {call}"


def claims_are_announced(nb):
    """The cell of the Nth claim comes right after a text cell with **Claim N.**, and no number is left over."""
    count = 0
    for index, cell in numbered_code(nb):
        before = nb.cells[index - 1] if index else None
        announced = (
            CLAIM_TEXT.findall(before.source) if before and before.cell_type == "markdown" else []
        )
        for _ in range(counts.claims(cell)):
            count += 1
            if str(count) not in announced:
                yield index, f"the text cell before claim {count} does not hold **Claim {count}.**"
    said = sorted(int(n) for _, cell in numbered_text(nb) for n in CLAIM_TEXT.findall(cell.source))
    if said != list(range(1, count + 1)):
        yield None, f"its text cells announce the claims {said}, its code makes {count}"


def takeaways_name_claims(nb):
    """Nothing is taken away that no claim checks."""
    count, bullets = sum(counts.claims(cell) for _, cell in numbered_code(nb)), list(_takeaways(nb))
    for index, bullet in bullets:
        named = CLAIM_NAMED.search(bullet)
        if named is None:
            yield (
                index,
                f'the takeaway "{bullet[:50]}" does not end with "(claim N)" or "(claims N, M)"',
            )
            continue
        for number in map(int, re.findall(r"\d+", named[1])):
            if not 1 <= number <= count:
                yield index, f"the takeaway names claim {number}, the notebook makes {count}"
    if not bullets:
        yield None, "its section Takeaways has no bullets"


def _takeaways(nb):
    """Each bullet of the section Takeaways in one line, with the position of its cell."""
    inside, bullet = False, None
    for index, cell in numbered_text(nb):
        for line in [*cell.source.splitlines(), ""]:
            start, heading = re.match(r"[*+-] +(.*)", line), re.match(r"##? ", line)
            if bullet is not None and (start or heading or not line.strip()):
                yield index, bullet
                bullet = None
            if heading:
                inside = line.startswith("## Takeaways")
            elif inside and start:
                bullet = start[1].strip()
            elif bullet is not None:
                bullet += " " + line.strip()


def sizes_are_right(nb):
    """One lecture is one sitting: words, code cells, and about as many text cells as code cells."""
    code, text, words = len(counts.code_cells(nb)), len(counts.text_cells(nb)), counts.words(nb)
    low, high = (round(share * code) for share in TEXT_PER_CODE)
    for what, value, (least, most) in (
        ("words", words, WORDS),
        ("code cells", code, CODE_CELLS),
        ("text cells", text, (low, high)),
    ):
        if not least <= value <= most:
            yield None, f"it has {value} {what}, expected {least} to {most}"


def few_cells_are_long(nb):
    """1 to 7 lines; 12 for the longest tenth."""
    lines = {index: counts.code_lines(cell) for index, cell in numbered_code(nb)}
    for index, count in lines.items():
        if LONGEST_CELL < count <= MAX_LINES:
            yield (
                index,
                f"it has {count} lines of code, in a lecture at most {LONGEST_CELL} are allowed",
            )
    long = sum(count > LONG_CELL for count in lines.values())
    if long > LONG_SHARE * len(lines):
        yield (
            None,
            f"{long} of its {len(lines)} code cells have more than {LONG_CELL} lines, at most a tenth may",
        )


FOR_LECTURES = (
    *FOR_EVERY_NOTEBOOK,
    counts_run_from_one,
    outputs_are_the_same_everywhere,
    figures_have_alternative_text,
    figures_are_explained,
    sections_exist,
    setup_is_short,
    claims_are_announced,
    takeaways_name_claims,
    sizes_are_right,
    few_cells_are_long,
)
