"""The rules for lectures, in addition to those for every notebook in notebook_rules.py."""

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

MOST_SETUP_LINES = 8
MANY_LINES = 7
MOST_LINES = 12
SHARE_WITH_MANY_LINES = 0.1
CODE_CELLS = (25, 40)
WORDS = (1500, 2500)
TEXT_PER_CODE = (0.75, 1.5)
LEAST_ALTERNATIVE_TEXT = 20


def is_normal(text):
    """Is the text of a file what make refresh would store for these outputs?"""
    return form.dump(form.normalize(form.parse(text))) == text


def counts_run_from_one(nb):
    """A cell without a count is not checked: nbval skips it silently."""
    for expected, (index, cell) in enumerate(numbered_code(nb), start=1):
        if (count := cell.execution_count) != expected:
            yield index, f"its count is {count}, expected {expected}; run make refresh"


def outputs_are_the_same_everywhere(nb):
    """No memory address, no path of one machine, no claim that the stored run left unchecked."""
    for index, output in numbered_outputs(nb):
        text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
        if local := ADDRESS.search(text) or ABSOLUTE.search(text):
            yield index, f"its output holds {local[0]!r}, which differs between machines"
        if "– not checked here:" in text:
            where = "where the package is installed"
            yield index, f"its claim was not checked; run make refresh {where}"


def figures_have_alternative_text(nb):
    """It is for readers who cannot see the figure; no two figures have the same."""
    cell_of = {}
    for index, cell in numbered_code(nb):
        for alt in counts.figures(cell):
            its_text = "its figure has the alternative text"
            if len((alt or "").strip()) < LEAST_ALTERNATIVE_TEXT:
                least = f"{LEAST_ALTERNATIVE_TEXT} characters or more"
                yield index, f"{its_text} {alt!r}, expected {least}"
            elif alt in cell_of:
                other = f"of the one in cell {cell_of[alt] + 1}"
                yield index, f"{its_text} {other}, {alt[:40]!r}"
            else:
                cell_of[alt] = index


def figures_are_explained(nb):
    """After every figure one sentence says what it shows."""
    for index, cell in numbered_code(nb):
        after = nb.cells[index + 1 : index + 2]
        explained = after and after[0].cell_type == "markdown" and after[0].source.strip()
        if counts.figures(cell) and not explained:
            yield index, "no text cell after its figure says what it shows"


def sections_exist(nb):
    """The sections that every lecture has."""
    first = nb.cells[0].source if nb.cells and nb.cells[0].cell_type == "markdown" else ""
    if not first.startswith("# "):
        yield None, 'its first cell is not a text cell that starts with "# "'
    if not any("predict" in cell.source.lower() for _, cell in numbered_text(nb)):
        yield None, 'no text cell asks the reader to predict ("Predict before you run")'
    for section in SECTIONS:
        heading = re.compile(rf"^##+ .*\b{section}\b", re.MULTILINE | re.IGNORECASE)
        if not any(heading.search(cell.source) for _, cell in numbered_text(nb)):
            yield None, f"no heading names the section {section!r}"


def setup_is_short(nb):
    """The first code cell has the same shape in every lecture."""
    for index, cell in numbered_code(nb)[:1]:
        if (lines := counts.code_lines(cell)) > MOST_SETUP_LINES:
            yield index, f"the set-up has {lines} lines, at most {MOST_SETUP_LINES} are allowed"
        for call in ("use_style()", "default_rng(0)"):
            if call not in cell.source:
                yield index, f"the set-up does not call {call}"


def claims_are_announced(nb):
    """The cell of the Nth claim comes right after a text cell with **Claim N.**, no other does."""
    texts = dict(numbered_text(nb))
    count = 0
    for index, cell in numbered_code(nb):
        announced = CLAIM_TEXT.findall(texts[index - 1].source) if index - 1 in texts else []
        for _ in range(counts.claims(cell)):
            count += 1
            if str(count) not in announced:
                yield index, f"the text cell before claim {count} does not hold **Claim {count}.**"
    numbers = sorted(int(n) for cell in texts.values() for n in CLAIM_TEXT.findall(cell.source))
    if numbers != list(range(1, count + 1)):
        yield None, f"its text cells announce the claims {numbers}, its code makes {count}"


def takeaways_name_claims(nb):
    """A claim checks each takeaway."""
    count = sum(counts.claims(cell) for _, cell in numbered_code(nb))
    bullets = list(_takeaways(nb))
    for index, bullet in bullets:
        named = CLAIM_NAMED.search(bullet)
        if named is None:
            end = 'does not end with "(claim N)" or "(claims N, M)"'
            yield index, f'the takeaway "{bullet[:50]}" {end}'
            continue
        for number in map(int, re.findall(r"\d+", named[1])):
            if not 1 <= number <= count:
                yield index, f"the takeaway names claim {number}, the notebook makes {count}"
    if not bullets:
        yield None, "its section Takeaways has no bullets"


def _takeaways(nb):
    """Each bullet of the section Takeaways in one line, with the position of its cell."""
    inside = False
    bullet = None
    for index, cell in numbered_text(nb):
        for line in [*cell.source.splitlines(), ""]:
            start = re.match(r"[*+-] +(.*)", line)
            heading = re.match(r"##? ", line)
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
    code = len(counts.code_cells(nb))
    text_cells = [round(share * code) for share in TEXT_PER_CODE]
    sizes = [
        ("words", counts.words(nb), WORDS),
        ("code cells", code, CODE_CELLS),
        ("text cells", len(counts.text_cells(nb)), text_cells),
    ]
    for what, value, (least, most) in sizes:
        if not least <= value <= most:
            yield None, f"it has {value} {what}, expected {least} to {most}"


def few_code_cells_have_many_lines(nb):
    """1 to 7 lines; up to 12 for a tenth of the cells."""
    lines = {index: counts.code_lines(cell) for index, cell in numbered_code(nb)}
    for index, count in lines.items():
        if MOST_LINES < count <= MAX_LINES:
            yield index, f"it has {count} lines of code, in a lecture at most {MOST_LINES} may be"
    many = sum(count > MANY_LINES for count in lines.values())
    if many > SHARE_WITH_MANY_LINES * len(lines):
        cells = f"{many} of its {len(lines)} code cells"
        yield None, f"{cells} have more than {MANY_LINES} lines, at most a tenth may"


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
    few_code_cells_have_many_lines,
)
