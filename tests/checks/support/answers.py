"""Answers to an exercise, right and wrong, and what its check must say of each."""

import contextlib
import io

import pytest

from helpers.checks.exercise import Slip

SEEDS = range(5)  # each answer is checked on fresh numbers this often


def cases(answers):
    """Parametrize test(check, answer, slip) over rows (check, right answers, wrong answers).

    The answers are dicts {"name": function}. The name of a wrong one is its slip, or "slip: how"
    where several wrong answers share a slip.
    """
    params = []
    for check, right, wrong in answers:
        params += [_param(check, answer, None, f"right-{name}") for name, answer in right.items()]
        for name, answer in wrong.items():
            params.append(_param(check, answer, name.partition(":")[0], name))
    return pytest.mark.parametrize(("check", "answer", "slip"), params)


def _param(check, answer, slip, name):
    return pytest.param(check, answer, slip, id=f"{check.__name__}-{name}".replace(" ", "_"))


def assert_said(check, answer, slip, seeds=SEEDS):
    """A right answer is done; a wrong one raises its slip if graded, and prints it otherwise."""
    first, *others = seeds
    mark = "✓" if slip is None else "✗"
    assert said(check, answer, first).startswith(mark), check.result
    assert getattr(check.result, "name", None) == slip, check.result
    for seed in others:
        if slip is None:
            check(answer, strict=True, seed=seed)
        else:
            with pytest.raises(Slip) as caught:
                check(answer, strict=True, seed=seed)
            assert caught.value.name == slip, caught.value


def said(check, answer, seed=0):
    """What a learner reads."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        check(answer, strict=False, seed=seed)
    return printed.getvalue()


def assert_enough(answers):
    """Each exercise has at least three right answers, and wrong ones for at least three slips."""
    for check, right, wrong in answers:
        assert len(right) >= 3, f"{check.__name__} has {len(right)} right answers"
        slips = {name.partition(":")[0] for name in wrong}
        assert len(slips) >= 3, f"{check.__name__} has too few wrong answers"
