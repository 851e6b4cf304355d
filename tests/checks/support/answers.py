"""Answers to an exercise, right and wrong, and what its check must say of each."""

import contextlib
import io

import pytest

from helpers.checks.exercise import Slip

SEEDS = range(5)  # each answer is checked on fresh numbers this often


def cases(answers):
    """Parametrize test(check, answer, slip) over a list of (check, {"a right answer": f, ...}, {"slip": f, ...}).

    In the second dict a key may be "slip: how" where several wrong answers share a slip.
    """
    rows = []
    for check, right, wrong in answers:
        rows += [
            (check, answer, None, f"{check.__name__}-right-{name}")
            for name, answer in right.items()
        ]
        rows += [
            (check, answer, name.partition(":")[0], f"{check.__name__}-{name}")
            for name, answer in wrong.items()
        ]
    params = [pytest.param(*row[:3], id=row[3].replace(" ", "_")) for row in rows]
    return pytest.mark.parametrize(("check", "answer", "slip"), params)


def assert_said(check, answer, slip, seeds=SEEDS):
    """A right answer is done; a wrong one raises the slip when graded, and prints its name for a learner."""
    for seed in seeds:
        if slip is None:
            check(answer, strict=True, seed=seed)
        else:
            with pytest.raises(Slip) as caught:
                check(answer, strict=True, seed=seed)
            assert caught.value.name == slip, caught.value
    assert said(check, answer).startswith("✓" if slip is None else "✗")


def said(check, answer):
    """What a learner reads."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        check(answer, strict=False, seed=0)
    return printed.getvalue()


def assert_enough(answers):
    """Each exercise has three right answers or more (the reference and two others), and three wrong ones or more."""
    for check, right, wrong in answers:
        assert len(right) >= 3, f"{check.__name__} has {len(right)} right answers"
        assert len({name.partition(":")[0] for name in wrong}) >= 3, (
            f"{check.__name__} has too few wrong answers"
        )
