"""Every public function and class refuses bad input in one sentence, and answers unusual input."""

import matplotlib.pyplot as plt
import pytest

from tests.helpers.inputs import network
from tests.helpers.inputs.kinds import number
from tests.helpers.inputs.row import Example, Row, WrongAnswer
from tests.helpers.support.bad_inputs import TABLE, UNCHECKED, UNCHECKED_MODULES, public, try_inputs


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    plt.close("all")


def test_every_public_function_and_class_has_a_row_or_a_reason():
    names = {name.partition(" ")[0] for name in [*TABLE, *UNCHECKED]}
    expected = {name for name in public() if name.partition(".")[0] not in UNCHECKED_MODULES}
    assert {name for name in names if name.count(".") == 1} == expected


@pytest.mark.parametrize("name", TABLE)
def test_bad_inputs_are_refused_and_unusual_ones_answered(name):
    try_inputs(TABLE[name])


def test_all_that_is_listed_is_tried_and_more_is_drawn():
    row = Row(lambda lam: lam, lam=number(0.5, low=0))
    tried = []
    counts = try_inputs(row, tried.append)
    listed = list(row.listed())
    assert tried[: len(listed)] == listed
    assert len(tried) >= len(listed) + 100
    assert counts.total() == len(tried)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (None, "was taken"),
        (IndexError("list index out of range"), "raised IndexError"),
        (ValueError("could not convert string to float: 'a'"), "another name"),
        (ValueError("lam is wrong"), "without what was expected"),
        (ValueError("lam must be a number,\ngot another"), "more than a sentence"),
    ],
)
def test_a_wrong_refusal_is_found(error, sentence):
    def call(lam):
        if lam != 0.5 and error:
            raise error

    with pytest.raises(WrongAnswer, match=sentence):
        Row(call, lam=number(0.5, low=0)).check(Example("lam", -1.0, bad=True))


def test_a_wrong_answer_and_a_changed_array_are_found():
    with pytest.raises(WrongAnswer, match="gave 'int', expected 'float'"):
        Row(lambda lam: type(lam).__name__, lam=number(0.5)).answer("lam", 1, 1.0)
    row = Row(lambda x: x.fill(0), x=network.passing(network.X))
    with pytest.raises(WrongAnswer, match="x of the caller was changed"):
        row.answer("x", network.X + 1, network.X + 1)
