"""Checks of assignment 06, early stopping."""

import operator
from functools import partial
from typing import NamedTuple

import numpy as np

from helpers.checks.exercise import exercise, expect, expect_equal, metrics, numbers, parts

OFF_BY_ONE = "patience off by one"
LAST_FOR_BEST = "last weights for best"
RUN_OUT = "last weights when the epochs run out"


@exercise(1, "the rule")
def rule(stop, rng):
    """stop(losses, patience, min_delta) -> (best epoch, last epoch), both counted from 1."""
    cases = _cases(rng, [partial(_tells, wrong) for _, _, wrong in RULES])
    got = [[numbers(part) for part in parts(stop(*case), 2, "(best, last)")] for case in cases]
    expect(
        all(np.ndim(part) == 0 for pair in got for part in pair),
        "wrong return",
        "Return two numbers, no arrays.",
    )
    seen = _first_wrong(cases, np.array(got), _epochs)
    slips = [
        (name, f"{seen} {said}", [wrong(*case) for case in cases]) for name, said, wrong in RULES
    ]
    expect_equal(
        got,
        [_epochs(*case) for case in cases],
        ("wrong epochs", f"{seen} Go through it by hand."),
        slips,
    )


def _epochs(
    losses,
    patience,
    min_delta,
    *,
    slack=0,
    margin=1,
    better=operator.lt,
    in_a_row=True,
    before=False,
):
    """The rule, and with another argument a slip."""
    best, waited = 1, 0
    for epoch in range(2, len(losses) + 1):
        level = losses[(epoch - 1 if before else best) - 1]
        if better(losses[epoch - 1], level - margin * min_delta):
            best, waited = epoch, 0 if in_a_row else waited
        else:
            waited += 1
        if waited >= patience + slack:
            return best, epoch
    return best, len(losses)


def _without_memory(losses, patience, min_delta):
    """The level follows the lowest loss even where it improves by less than min_delta."""
    best, lowest, counted = 1, losses[0], 1
    for epoch in range(2, len(losses) + 1):
        counted = epoch if losses[epoch - 1] < lowest - min_delta else counted
        best = epoch if losses[epoch - 1] < lowest else best
        lowest = min(lowest, losses[epoch - 1])
        if epoch - counted >= patience:
            return counted, best, epoch
    return counted, best, len(losses)


class Stopped(NamedTuple):
    """How the rule ends: what a wrong answer is made of."""

    losses: np.ndarray
    patience: int
    best: int
    last: int

    @property
    def ended(self):
        return self.last - self.best >= self.patience

    def lowest(self, last=None):
        return int(np.argmin(self.losses[:last])) + 1


def _rule(**wrong):
    return partial(_epochs, **wrong)


def _then(change, **wrong):
    return lambda losses, patience, d: change(
        Stopped(losses, patience, *_epochs(losses, patience, d, **wrong))
    )


def _never_stopped(losses, _, min_delta):
    return _epochs(losses, len(losses), min_delta)


_COUNT = "Count the epochs without a new best."
_ROW = "Patience is about epochs in a row. What does a new best do to the count?"
_BEFORE = "A loss is a new best against the best one, not against the epoch before."
_BEST = "The epoch to use is that of the best loss, not the one where you stop."
_ADD_UP = "Small improvements add up: compare with the last epoch that counted as a new best."
_KEPT = (
    "The losses may also run out before patience does. Keep the best epoch in a name of its own."
)
RULES = [
    (OFF_BY_ONE, f"You wait an epoch too long. {_COUNT}", _rule(slack=1)),
    (OFF_BY_ONE, f"You give up an epoch too early. {_COUNT}", _rule(slack=-1)),
    ("not in a row", _ROW, _rule(in_a_row=False)),
    ("last epoch for best", _BEST, _then(lambda s: (s.last, s.last))),
    (
        "equal counts as better",
        "A loss lower by exactly min_delta is no new best.",
        _rule(better=operator.le),
    ),
    (
        "min_delta forgotten",
        "A loss that is lower by less than min_delta is no new best.",
        _rule(margin=0),
    ),
    (
        "min_delta turned round",
        "In yours a loss may be higher and count as a new best.",
        _rule(margin=-1),
    ),
    ("compared with the epoch before", _BEFORE, _rule(before=True)),
    (
        "compared with the epoch before",
        _BEFORE,
        _then(lambda s: (s.lowest(s.last), s.last), before=True),
    ),
    (
        "patience ignored",
        "You go on to the last loss. The rule ends the training earlier.",
        _never_stopped,
    ),
    (
        "best of epochs never trained",
        "Your best epoch comes after the stop.",
        _then(lambda s: (s.lowest(), s.last)),
    ),
    ("patience epochs back", _KEPT, _then(lambda s: (s.last - s.patience, s.last))),
    ("counted from 0", "Epochs count from 1.", _then(lambda s: (s.best - 1, s.last - 1))),
    ("order exchanged", "Return the best epoch first.", _then(lambda s: (s.last, s.best))),
    ("small steps forgotten", _ADD_UP, lambda *case: _without_memory(*case)[::2]),
    ("small steps forgotten", _ADD_UP, lambda *case: _without_memory(*case)[1:]),
    (
        "best without min_delta",
        "Your best epoch has the lowest loss, but it improved by too little to count.",
        _then(lambda s: (s.lowest(s.last), s.last)),
    ),
]


def _tells(wrong, *case):
    return tuple(wrong(*case)) != _epochs(*case)


def _cases(rng, tells, more=8):
    """Random cases (losses, patience, min_delta): one that tells each slip from the right answer, and some more."""
    cases = []
    for tell in tells:
        cases.append(_case(rng))
        while not tell(*cases[-1]):
            cases[-1] = _case(rng)
    return cases + [_case(rng) for _ in range(more)]


def _case(rng):
    """Losses are multiples of 1/4, so that equal means equal; a difference is exact."""
    steps = rng.choice([-1, -0.5, -0.25, 0, 0.25, 0.5], rng.integers(5, 9))
    losses = rng.integers(8, 12) + np.cumsum(steps)
    return losses, int(rng.integers(2, 4)), float(rng.choice([0, 0.25, 0.5]))


def _first_wrong(cases, got, right):
    """What was seen in the shortest case where `got` differs, as a sentence."""
    wrong = [i for i, case in enumerate(cases) if tuple(got[i]) != right(*case)]
    if not wrong:
        return ""
    i = min(wrong, key=lambda i: len(cases[i][0]))
    losses, patience, min_delta = cases[i]
    best, last = (f"{value:g}" for value in got[i])
    return f"{_shown(losses)}, patience {patience}, min_delta {min_delta:g}: your best is {best}, your last {last}."


def _shown(losses):
    return f"Losses {' '.join(f'{loss:g}' for loss in losses)}"


@exercise(2, "keep the best weights")
def keep(train, rng):
    """train(w, updates, losses) -> (best, last): weights (D,) after the epoch of the lowest loss, and the end."""
    updates, best = rng.normal(0, 1, (9, 3)), int(rng.integers(3, 6))
    losses = rng.uniform(2, 3, 9)
    losses[[1, best]] = rng.uniform(1.5, 1.9), rng.uniform(0.5, 1)  # a first bump, and the bottom
    losses[7] = 4
    w = rng.normal(0, 1, 3)
    path = w + np.cumsum(updates, axis=0)
    last, low = path[-1], f"The lowest loss is that after epoch {best + 1}"
    got = [numbers(part) for part in parts(train(w, updates, losses), 2, "(best, last)")]
    expect(
        all(part.shape == w.shape for part in got),
        "wrong shape",
        f"Return two arrays of shape {w.shape}.",
    )
    alias = (
        "Both answers are the weights of the end. Did later epochs change the array that you kept?"
    )
    early = "Is its update in the weights that you keep?"
    expect_equal(
        got,
        [path[best], last],
        (
            "wrong weights",
            f"{low}. The weights there are w plus the updates of epochs 1 to {best + 1}.",
        ),
        [
            (LAST_FOR_BEST, alias, [last, last]),
            (
                "one epoch too early",
                f"{low}; you keep those of epoch {best}. {early}",
                [path[best - 1], last],
            ),
            (
                "one epoch too late",
                f"{low}; you keep those of epoch {best + 2}.",
                [path[best + 1], last],
            ),
            ("order exchanged", "Return the best weights first.", [last, path[best]]),
            (
                "stopped at the best",
                "Training goes on after the best epoch. last has all updates.",
                [path[best]] * 2,
            ),
            (
                "stops at the first bump",
                f"{low}. You keep the weights before the first rise.",
                [path[1], last],
            ),
            (
                "highest for lowest",
                "You keep the weights of the highest loss.",
                [path[np.argmax(losses)], last],
            ),
            ("the start", "You give back the weights before training.", [w, last]),
            (
                "update for weights",
                "You keep the update itself. Add it to the weights.",
                [updates[best], last],
            ),
            ("updates not added up", f"Epochs 1 to {best} count too.", [w + updates[best], last]),
            (
                "uphill",
                "You subtract the updates. They are what is added.",
                2 * w - np.array([path[best], last]),
            ),
        ],
    )


@exercise(3, "two filters")
def two_filters(filters, rng):
    """filters(h, lr, t) -> (descent, ridge): the shares 1 - (1 - lr h)^t and h / (h + 1/(lr t)) of w*."""
    lr, t = rng.uniform(0.05, 0.3), int(rng.integers(4, 10))
    h = rng.uniform(0.1, 0.7, 6) / lr
    descent, ridge = parts(filters(h, lr, t), 2, "(descent, ridge)")
    reached = np.zeros(6)
    for _ in range(t):
        reached = reached - lr * h * (reached - 1)  # the gradient, in units of w*
    _descent(descent, reached, h, lr, t)
    _ridge(ridge, h, lr * t, t, lr)


def _descent(descent, right, h, lr, t):
    seen = f"lr={lr:.2f}, t={t}: where h={h[0]:.2f}, descent from 0 gets to {right[0]:.3f} of w*"
    expect_equal(
        descent,
        right,
        ("wrong share of descent", f"{seen}. What does one step do to the distance from w*?"),
        [
            (
                "what is left for what is reached",
                f"{seen}. Yours is the distance that is left.",
                1 - right,
            ),
            (
                "lr missing in 1 - lr*h",
                f"{seen}. A step is lr times the gradient.",
                1 - (1 - h) ** t,
            ),
            ("one step", f"{seen}. That is the share after one step; take {t}.", lr * h),
            (
                "straight line",
                f"{seen}. A step takes a share of what is left, less each time.",
                lr * h * t,
            ),
            (
                "exponential for the power",
                "Near, and exact for tiny steps alone. Steps are finite.",
                1 - np.exp(-lr * h * t),
            ),
            (
                "curvature doubled",
                f"{seen}. h is the second derivative: no 2 is missing.",
                1 - (1 - 2 * lr * h) ** t,
            ),
            (
                "curvature halved",
                f"{seen}. The derivative of h/2 (w - w*)^2 is h (w - w*).",
                1 - (1 - lr * h / 2) ** t,
            ),
            (
                "one step too many",
                f"{seen}. Yours is one step further.",
                1 - (1 - lr * h) ** (t + 1),
            ),
            ("one step too few", f"{seen}. Yours is one step behind.", 1 - (1 - lr * h) ** (t - 1)),
        ],
    )


def _ridge(ridge, h, time, t, lr):
    lam = 1 / time
    seen = f"lr={lr:.2f}, t={t}"
    zero = "Set the gradient h (w - w*) + lam w to zero"
    expect_equal(
        ridge,
        h / (h + lam),
        (
            "wrong share of ridge",
            f"{zero}, solve for w / w*, and put in the lam that belongs to t.",
        ),
        [
            (
                "lam = lr t",
                f"{seen}: with more steps your penalty grows, and longer training shrinks less.",
                h / (h + time),
            ),
            (
                "lr missing in lam",
                f"{seen}: half the lr needs twice the steps to one point. See lam.",
                h / (h + 1 / t),
            ),
            ("t missing in lam", f"{seen}: your lam is the same for all t.", h / (h + 1 / lr)),
            (
                "what is left for what is reached",
                "Ridge comes to w* as lam goes to 0; yours to 0.",
                lam / (h + lam),
            ),
            (
                "lam doubled",
                f"{zero}: the half of lam/2 w^2 has gone with the 2.",
                h / (h + 2 * lam),
            ),
            ("lam halved", f"{zero}: what is the derivative of lam/2 w^2?", h / (h + lam / 2)),
            ("lam squared", f"{zero}. lam stands there once.", h / (h + lam**2)),
            ("h missing above", f"{zero}. h multiplies w* too.", 1 / (h + lam)),
        ],
    )


@exercise(4, "an honest report")
def honest(report, rng):
    """report(validation, test) -> (score, optimism), from losses (S, T) of S runs after each of T epochs."""
    (validation, test), runs = _curves(rng), np.arange(5)
    chosen, low = validation.argmin(axis=1), validation.min(axis=1)
    at = test[runs, chosen]
    score, optimism = parts(report(validation, test), 2, "(score, optimism)")
    own = "Each run has a validation curve of its own and stops by that."
    expect_equal(
        score,
        at.mean(),
        (
            "wrong score",
            f"Run 1 has its lowest validation loss after epoch {chosen[0] + 1}. What is reported of it?",
        ),
        [
            (
                "test set used to stop",
                "You choose by the test loss, and flatter yourself.",
                test.min(axis=1).mean(),
            ),
            (
                "test set used to stop",
                "Your epoch is that of the lowest mean test loss.",
                test[:, test.mean(0).argmin()].mean(),
            ),
            ("test set used to stop", "You take the lowest test loss of all.", test.min()),
            (
                "validation loss reported",
                "What chose the epoch is too good. Report another set.",
                low.mean(),
            ),
            (
                "last epoch for best",
                "That is the test loss at the end of training.",
                test[:, -1].mean(),
            ),
            ("one epoch for all runs", own, test[:, validation.mean(axis=0).argmin()].mean()),
            ("one epoch for all runs", own, test[:, chosen[0]].mean()),
            (
                "best run picked",
                "That is one of the runs. Report the mean of all.",
                at[low.argmin()],
            ),
            (
                "best run picked",
                "That is the run that tests best. Report the mean of all.",
                at.min(),
            ),
            (
                "one epoch too late",
                "Yours is the epoch after the chosen one.",
                test[runs, chosen + 1].mean(),
            ),
            (
                "one epoch too early",
                "Yours is the epoch before the chosen one.",
                test[runs, chosen - 1].mean(),
            ),
            (
                "highest for lowest",
                "You choose the worst epoch.",
                test[runs, validation.argmax(axis=1)].mean(),
            ),
            ("sum for mean", "With twice the runs your score would double.", at.sum()),
            ("score of each run", "Return one number: the mean over the runs.", at),
        ],
    )
    _optimism(optimism, validation, test, at, low)


def _curves(rng):
    """Losses (5, 14) of validation and test, each run lowest at an epoch of its own, another one in each set."""
    validation, test = 1 + rng.uniform(-0.1, 0.1, (2, 5, 14))
    epochs, runs = rng.permutation(np.arange(1, 13)), np.arange(5)
    low = rng.uniform(0.3, 0.5, 5)
    validation[runs, epochs[:5]] = low
    test[runs, epochs[:5]] = low + rng.permutation(
        [-0.1, 0.1, 0.15, 0.2, 0.3]
    )  # luck, once the other way
    test[runs, epochs[5:10]] = rng.uniform(0.05, 0.15, 5)
    validation[:, 0] += 1  # the first epoch is the highest
    return validation, test


def _optimism(optimism, validation, test, at, low):
    gap = "The chosen epoch's test loss minus its validation loss, run by run"
    expect_equal(
        optimism,
        (at - low).mean(),
        ("wrong optimism", f"{gap}; then the mean."),
        [
            (
                "sign turned round",
                "Too good a validation loss gives a positive optimism.",
                (low - at).mean(),
            ),
            (
                "last epoch for best",
                f"{gap}, not that of the last.",
                (test - validation)[:, -1].mean(),
            ),
            (
                "each set at its own minimum",
                f"{gap}: one epoch for both.",
                (test.min(axis=1) - low).mean(),
            ),
            (
                "mean over all epochs",
                f"{gap}. Epochs that were not chosen do not flatter.",
                (test - validation).mean(),
            ),
            (
                "absolute values",
                "Luck has a sign; without it noise counts as optimism.",
                abs(at - low).mean(),
            ),
            ("ratio for difference", f"{gap}: a difference, in nats.", (at / low).mean()),
            ("sum for mean", "With twice the runs your optimism would double.", (at - low).sum()),
            ("optimism of each run", "Return one number: the mean over the runs.", at - low),
        ],
    )


@exercise(5, "find the bug: the epochs run out")
def returned(returned_weights, rng):
    """returned_weights(weights, losses, patience) -> (D,): weights (T, D) after each epoch, those of the best one."""
    tells = [partial(_tells_index, wrong) for _, _, wrong in RETURNED] + [_tells_never_trained]
    cases = [case[:2] for case in _cases(rng, tells)]
    weights = [rng.normal(0, 1, (len(losses), 2)) for losses, _ in cases]
    got = [numbers(returned_weights(w, *case)) for w, case in zip(weights, cases, strict=True)]
    expect(
        all(w.shape == (2,) for w in got),
        "wrong shape",
        "Return the weights of one epoch, one row of weights.",
    )

    def rows(which):
        return [w[_index(which, *case)] for w, case in zip(weights, cases, strict=True)]

    right = rows(_best)
    i = min(range(len(got)), key=lambda i: (np.array_equal(got[i], right[i]), len(cases[i][0])))
    losses, patience = cases[i]
    best, last = _epochs(losses, patience, 0)
    ended = "patience ends it" if last - best >= patience else "the epochs run out"
    seen = f"{_shown(losses)}, patience {patience}: {ended} after epoch {last}"
    slips = [(name, f"{seen}. {said}", rows(wrong)) for name, said, wrong in RETURNED]
    expect_equal(
        got,
        right,
        ("wrong weights", f"{seen}. Which epoch's weights do you return, and which are best?"),
        slips,
    )


def _best(losses, patience, best, last):  # noqa: ARG001 - called like the wrong ones
    return best - 1


def _index(wrong, losses, patience):
    stopped = Stopped(losses, patience, *_epochs(losses, patience, 0))
    return wrong(stopped) - 1


def _tells_index(wrong, losses, patience, _):
    return _index(wrong, losses, patience) % len(losses) != _index(_best, losses, patience)


def _tells_never_trained(losses, patience, _):
    """The lowest loss comes later than one epoch more of patience would reach."""
    return int(np.argmin(losses)) != _epochs(losses, patience, 0, slack=1)[0] - 1


_best = operator.attrgetter("best")
RETURNED = [
    (
        RUN_OUT,
        "There the last weights come back. Which line is reached in that case?",
        lambda s: s.best if s.ended else s.last,
    ),
    (LAST_FOR_BEST, "The last weights come back, not the best.", lambda s: s.last),
    (
        "restored only when the epochs run out",
        "The other branch was right before. Both must give the best.",
        lambda s: s.last if s.ended else s.best,
    ),
    (
        "best of epochs never trained",
        "You return weights from after the stop. Nobody has trained those.",
        lambda s: s.lowest(),
    ),
    ("one epoch too early", "You return those before the best.", lambda s: s.best - 1),
    ("one epoch too late", "You return those after the best.", lambda s: min(s.best + 1, s.last)),
    (
        "patience epochs back",
        "The best epoch need not be patience epochs back.",
        lambda s: s.last - s.patience,
    ),
    (
        OFF_BY_ONE,
        "You wait an epoch longer than patience, and find another best.",
        lambda s: _epochs(s.losses, s.patience, 0, slack=1)[0],
    ),
    (
        OFF_BY_ONE,
        "You give up an epoch before patience is used up, and miss the best.",
        lambda s: _epochs(s.losses, s.patience, 0, slack=-1)[0],
    ),
]


METRICS = ("first loss", "epochs", "best epoch", "validation loss", "test loss", "null loss")


@exercise(6, "a fair experiment")
def fair(run, rng):
    """run(patience, seed, epochs=40) -> a dict of METRICS: one training that is stopped, and what came back."""
    seed, most = int(rng.integers(1000)), 40
    patient, hasty, again, other = (
        metrics(METRICS, run(*case)) for case in ((7, seed), (1, seed), (1, seed), (1, seed + 1))
    )
    expect(
        all(_near(hasty, again, name) for name in METRICS),
        "not repeatable",
        "run(1, seed) gave two results. Make its generator from the seed.",
    )
    paired = _near(patient, hasty, "first loss")
    expect(
        paired,
        "not paired",
        "After one epoch the loss differs with patience: other digits, weights or batches.",
    )
    alike = _near(hasty, other, "first loss")
    expect(
        not alike,
        "seed without effect",
        "Two seeds have the same first loss: same weights, same split.",
    )
    _follows({7: patient, 1: hasty}, most)
    best = int(patient["best epoch"])
    cut, soon = (metrics(METRICS, run(7, seed, min(most, best + extra))) for extra in (0, 3))
    seen = f"After {patient['epochs']:.0f} epochs the validation loss of what comes back is"
    back = f"{seen} {patient['validation loss']:.3f}. Training that ends with the best, epoch {best}, gives"
    expect(
        cut["epochs"] == best,
        "epochs ignored",
        f"run(7, seed, {best}) trained {cut['epochs']:.0f} epochs.",
    )
    same = _near(cut, patient, "validation loss")
    expect(same, LAST_FOR_BEST, f"{back} {cut['validation loss']:.3f}. Put the best weights back.")
    same = _near(soon, patient, "validation loss")
    expect(
        same,
        RUN_OUT,
        f"Patience 7, {best + 3} epochs at most, the best is {best}: the last weights come back.",
    )
    _honest(patient)


def _follows(runs, most):
    """Do the best and the last epoch fit to the patience? Both count from 1."""
    gaps = {patience: result["epochs"] - result["best epoch"] for patience, result in runs.items()}
    ended = {patience: result["epochs"] < most for patience, result in runs.items()}
    seen = "; ".join(
        f"patience {p}: best {r['best epoch']:.0f}, last {r['epochs']:.0f}" for p, r in runs.items()
    )
    right = all(
        gap == patience if ended[patience] else gap <= patience for patience, gap in gaps.items()
    )
    long = any(result["epochs"] > most for result in runs.values())
    expect(not long, "too many epochs", f"{seen}. At most {most} epochs are allowed.")
    zero = all(gap == 0 and ended[patience] for patience, gap in gaps.items())
    expect(not zero, "last epoch for best", f"{seen}. Which epoch's weights came back?")
    shifted = not right and len({gap - patience for patience, gap in gaps.items()}) == 1
    expect(not shifted, OFF_BY_ONE, f"{seen}. Is the best epoch counted from 1?")
    equal = not right and (len(set(gaps.values())) == 1 or not ended[1])
    expect(not equal, "patience without effect", f"{seen}. Does the rule get the patience?")
    expect(
        right,
        "wrong rule",
        f"{seen}. Between the two there should be as many epochs as patience says.",
    )


def _honest(result):
    leak = result["test loss"] == result["validation loss"]
    expect(
        not leak,
        "test set used to stop",
        "Validation and test loss are one number. Hold out two sets.",
    )
    learned = result["test loss"] < 1.6
    expect(
        learned,
        "not trained",
        f"The test loss is {result['test loss']:.2f}. Do the batches cover all digits in each epoch?",
    )
    ten = abs(result["null loss"] - np.log(10)) < 1e-3
    expect(
        ten,
        "null row wrong",
        "Who gives each of ten digits the probability 1/10 pays how many nats for a digit?",
    )


def _near(first, second, name):
    return abs(first[name] - second[name]) < 1e-9
