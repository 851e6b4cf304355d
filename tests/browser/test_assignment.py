"""An assignment in a browser, as a learner works on it: run all, type an answer, read the check."""

import re

import pytest
from playwright.sync_api import expect

ASSIGNMENT = "assignments/release/04_inverted_dropout/04_inverted_dropout.ipynb"
WRONG = "return dy * mask"
RIGHT = "scale = 1 / (1 - p)\nreturn dy * mask * scale"
TYPED = "jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.source"


@pytest.fixture
def assignment(open_notebook):
    with open_notebook(ASSIGNMENT) as notebook:
        notebook.run_all()
        yield notebook


def test_a_learner_reads_not_yet_then_the_slip_then_done(assignment):
    assert list(assignment.failures()) == []
    answer = assignment.cell("def dropout_backward(")
    check = assignment.cell("checks.backward(")
    other_check = assignment.cell("checks.forward(")
    summary = assignment.cell("exercise.summary(")
    expect(check).to_contain_text("Exercise 2, the backward pass: not yet")
    expect(summary).to_contain_text("0 of 5 done")

    assignment.retype(answer, WRONG)
    assignment.run(answer)
    assignment.run(check)
    expect(check).to_contain_text(re.compile("Exercise 2, the backward pass: scale forgotten"))
    expect(check).to_contain_text("The mask is right.")

    assignment.retype(answer, RIGHT)
    head, *body = assignment.page.evaluate(TYPED).splitlines()
    assert head == "def dropout_backward(dy, mask, p):"
    assert body[1:] == ["    scale = 1 / (1 - p)", "    return dy * mask * scale"]
    assignment.run(answer)
    assignment.run(check)
    expect(check).to_contain_text("Exercise 2, the backward pass: done")
    assignment.run(summary)
    expect(summary).to_contain_text("1 of 5 done")
    expect(other_check).to_contain_text("Exercise 1, the forward pass: not yet")
    assert list(assignment.failures()) == []
    assert assignment.complaints == []


def test_what_checks_and_given_cells_hold_cannot_be_typed_over(assignment):
    check = assignment.cell("checks.backward(")
    assignment.retype(check, "print('done')")
    expect(check.locator(".cm-content")).to_have_text(
        re.compile(r"checks\.backward\(dropout_backward\)$")
    )
