"""Every public function and class refuses bad input with one sentence, and answers unusual input right."""

import pytest

from tests.helpers.inputs import network
from tests.helpers.inputs.kinds import number
from tests.helpers.inputs.row import Row, WrongAnswer
from tests.helpers.support.bad_inputs import TABLE, UNCHECKED, draw, public


def test_every_public_function_and_class_has_a_row_or_a_reason():
    told = {name.partition(" ")[0] for name in [*TABLE, *UNCHECKED]}
    assert sorted(name for name in told if name.count(".") == 1) == sorted(public())


@pytest.mark.parametrize("name", network.TABLE)
def test_a_thousand_inputs_of_networks(name):
    draw(TABLE[name])


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
        Row(call, lam=number(0.5, low=0)).check("lam", True, -1.0, None)


def test_a_wrong_answer_and_a_changed_array_are_found():
    with pytest.raises(WrongAnswer, match="gave 'int', expected 'float'"):
        Row(lambda lam: type(lam).__name__, lam=number(0.5)).answer("lam", 1, 1.0)
    with pytest.raises(WrongAnswer, match="x of the caller was changed"):
        Row(lambda x: x.fill(0), x=network.passing(network.X)).answer(
            "x", network.X + 1, network.X + 1
        )
