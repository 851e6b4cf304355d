"""Checks of assignment 06, early stopping."""

import operator
from functools import partial
from typing import NamedTuple

import numpy as np

from helpers.checks.exercise import (
    Slip,
    agrees,
    exercise,
    expect,
    expect_equal,
    metrics,
    numbers,
    parts,
)

OFF_BY_ONE = "patience off by one"
LAST_FOR_BEST = "last weights for best"
RUN_OUT = "last weights when the epochs run out"
NO_PATIENCE = "patience without effect"


@exercise(1, "the rule")
def rule(stop, rng):
    """stop(losses, patience, min_delta) -> (best epoch, last epoch), both counted from 1."""
    cases = _cases(rng, [partial(_tells, wrong) for _, _, wrong in RULES])
    got = [[numbers(part) for part in parts(stop(*case), 2, "(best, last)")] for case in cases]
    single = all(np.ndim(part) == 0 for pair in got for part in pair)
    expect(single, "wrong return", "Return two numbers, not arrays.")
    seen = _first_wrong(cases, np.array(got), _epochs)
    slips = [
        (name, f"{seen} {hint}", [wrong(*case) for case in cases]) for name, hint, wrong in RULES
    ]
    right = [_epochs(*case) for case in cases]
    expect_equal(got, right, ("wrong epochs", f"{seen} Go through it by hand."), slips)


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
    best = 1
    waited = 0
    for epoch in range(2, len(losses) + 1):
        level = losses[(epoch - 1 if before else best) - 1]
        if better(losses[epoch - 1], level - margin * min_delta):
            best = epoch
            waited = 0 if in_a_row else waited
        else:
            waited += 1
        if waited >= patience + slack:
            return best, epoch
    return best, len(losses)


def _without_memory(losses, patience, min_delta):
    """The level follows the lowest loss even where it improves by less than min_delta."""
    best = counted = 1
    lowest = losses[0]
    for epoch, loss in enumerate(losses[1:], start=2):
        counted = epoch if loss < lowest - min_delta else counted
        best = epoch if loss < lowest else best
        lowest = min(lowest, loss)
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


_lowest_trained = _then(lambda s: (s.lowest(s.last), s.last))
_lowest_before = _then(lambda s: (s.lowest(s.last), s.last), before=True)
_last_twice = _then(lambda s: (s.last, s.last))
_lowest_of_all = _then(lambda s: (s.lowest(), s.last))
_patience_back = _then(lambda s: (s.last - s.patience, s.last))
_from_zero = _then(lambda s: (s.best - 1, s.last - 1))
_exchanged = _then(lambda s: (s.last, s.best))

BEFORE = "compared with the epoch before"
SMALL_STEPS = "small steps forgotten"
_LATE = "You wait one epoch too long. Count the epochs without a new best."
_EARLY = "You give up one epoch too early. Count the epochs without a new best."
_ROW = "Patience counts epochs in a row. What does a new best do to the count?"
_BEST = "The epoch to use is that of the best loss, not the one where you stop."
_EQUAL = "A loss that is lower by exactly min_delta is not a new best."
_LESS = "A loss that is lower by less than min_delta is not a new best."
_HIGHER = "In yours a higher loss may count as a new best."
_COMPARE = "Compare a loss with the best one, not with that of the epoch before."
_GO_ON = "You go on to the last loss. The rule ends the training earlier."
_AFTER = "Your best epoch comes after the stop."
_BACK = "The losses may run out before patience does. Keep the best epoch in its own variable."
_ADD_UP = "Small improvements add up: compare with the last epoch that counted as a new best."
_TOO_LITTLE = "Your best epoch has the lowest loss, but it improved by too little to count."
RULES = [
    (OFF_BY_ONE, _LATE, _rule(slack=1)),
    (OFF_BY_ONE, _EARLY, _rule(slack=-1)),
    ("not in a row", _ROW, _rule(in_a_row=False)),
    ("last epoch for best", _BEST, _last_twice),
    ("equal counts as better", _EQUAL, _rule(better=operator.le)),
    ("min_delta forgotten", _LESS, _rule(margin=0)),
    ("min_delta turned round", _HIGHER, _rule(margin=-1)),
    (BEFORE, _COMPARE, _rule(before=True)),
    (BEFORE, _COMPARE, _lowest_before),
    ("patience ignored", _GO_ON, _never_stopped),
    ("best of epochs never trained", _AFTER, _lowest_of_all),
    ("patience epochs back", _BACK, _patience_back),
    ("counted from 0", "Epochs count from 1.", _from_zero),
    ("order exchanged", "Return the best epoch first.", _exchanged),
    (SMALL_STEPS, _ADD_UP, lambda *case: _without_memory(*case)[::2]),
    (SMALL_STEPS, _ADD_UP, lambda *case: _without_memory(*case)[1:]),
    ("best without min_delta", _TOO_LITTLE, _lowest_trained),
]


def _tells(wrong, *case):
    return tuple(wrong(*case)) != _epochs(*case)


def _cases(rng, tells, more=8):
    """Random cases (losses, patience, min_delta).

    For each function in `tells` there is a case where its slip and the right answer differ.
    """
    cases = []
    for tell in tells:
        case = _case(rng)
        while not tell(*case):
            case = _case(rng)
        cases.append(case)
    return cases + [_case(rng) for _ in range(more)]


def _case(rng):
    """Losses are multiples of 1/4, so that equal means equal and a difference is exact."""
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
    given = f"{_listed(losses)}, patience {patience}, min_delta {min_delta:g}"
    return f"{given}: your best is {best}, your last {last}."


def _listed(losses):
    return f"Losses {' '.join(f'{loss:g}' for loss in losses)}"


@exercise(2, "keep the best weights")
def keep(train, rng):
    """train(w, updates, losses) -> (best, last), weights (D,): at the lowest loss, at the end."""
    updates = rng.normal(0, 1, (9, 3))
    best = int(rng.integers(3, 6))
    losses = rng.uniform(2, 3, 9)
    losses[1] = rng.uniform(1.5, 1.9)  # a first bump follows
    losses[best] = rng.uniform(0.5, 1)
    losses[7] = 4
    w = rng.normal(0, 1, 3)
    got = [numbers(part) for part in parts(train(w, updates, losses), 2, "(best, last)")]
    shaped = all(part.shape == w.shape for part in got)
    expect(shaped, "wrong shape", f"Return two arrays of shape {w.shape}.")
    path = w + np.cumsum(updates, axis=0)
    last = path[-1]
    highest = path[np.argmax(losses)]
    low = f"The lowest loss is that after epoch {best + 1}"
    alias = "Both answers are the last weights. Did later epochs change the array that you kept?"
    early = f"{low}; you keep those of epoch {best}. Is its update in the weights that you keep?"
    late = f"{low}; you keep those of epoch {best + 2}."
    ended = "Training goes on after the best epoch. last has all updates."
    bump = f"{low}. You keep the weights before the first rise."
    added = "You keep the update itself. Add it to the weights."
    uphill = "You subtract the updates. Add them."
    slips = [
        (LAST_FOR_BEST, alias, [last, last]),
        ("one epoch too early", early, [path[best - 1], last]),
        ("one epoch too late", late, [path[best + 1], last]),
        ("order exchanged", "Return the best weights first.", [last, path[best]]),
        ("stopped at the best", ended, [path[best], path[best]]),
        ("stops at the first bump", bump, [path[1], last]),
        ("highest for lowest", "You keep the weights of the highest loss.", [highest, last]),
        ("the start", "You return the weights before training.", [w, last]),
        ("update for weights", added, [updates[best], last]),
        ("updates not added up", f"Epochs 1 to {best} count too.", [w + updates[best], last]),
        ("uphill", uphill, 2 * w - np.array([path[best], last])),
    ]
    otherwise = f"{low}. The weights there are w plus the updates of epochs 1 to {best + 1}."
    expect_equal(got, [path[best], last], ("wrong weights", otherwise), slips)


@exercise(3, "two filters")
def two_filters(filters, rng):
    """filters(h, lr, t) -> (1 - (1 - lr h)^t, h / (h + 1/(lr t))), shares of w*."""
    lr = rng.uniform(0.05, 0.3)
    t = int(rng.integers(4, 10))
    h = rng.uniform(0.1, 0.7, 6) / lr
    descent, ridge = parts(filters(h, lr, t), 2, "(descent, ridge)")
    reached = np.zeros(6)
    for _ in range(t):
        reached = reached - lr * h * (reached - 1)  # the gradient, in units of w*
    _descent(descent, reached, h, lr, t)
    _ridge(ridge, h, lr, t)


def _descent(descent, right, h, lr, t):
    seen = f"lr={lr:.2f}, t={t}: at h={h[0]:.2f}, descent from 0 gets to {right[0]:.3f} of w*"
    left = f"{seen}. Yours is the distance that is left."
    one = f"{seen}. That is the share after one step; take {t}."
    line = f"{seen}. A step takes a share of what is left, less each time."
    near = "Close, but exact only for tiny steps. Steps are finite."
    doubled = f"{seen}. h is the second derivative: no 2 is missing."
    halved = f"{seen}. The derivative of h/2 (w - w*)^2 is h (w - w*)."
    no_lr = f"{seen}. A step is lr times the gradient."
    ahead = f"{seen}. Yours is one step further."
    behind = f"{seen}. Yours is one step behind."
    slips = [
        ("what is left for what is reached", left, 1 - right),
        ("lr missing in 1 - lr*h", no_lr, 1 - (1 - h) ** t),
        ("one step", one, lr * h),
        ("straight line", line, lr * h * t),
        ("exponential for the power", near, 1 - np.exp(-lr * h * t)),
        ("curvature doubled", doubled, 1 - (1 - 2 * lr * h) ** t),
        ("curvature halved", halved, 1 - (1 - lr * h / 2) ** t),
        ("one step too many", ahead, 1 - (1 - lr * h) ** (t + 1)),
        ("one step too few", behind, 1 - (1 - lr * h) ** (t - 1)),
    ]
    otherwise = f"{seen}. What does one step do to the distance from w*?"
    expect_equal(descent, right, ("wrong share of descent", otherwise), slips)


def _ridge(ridge, h, lr, t):
    lam = 1 / (lr * t)
    seen = f"lr={lr:.2f}, t={t}"
    zero = "Set the gradient h (w - w*) + lam w to zero"
    grows = f"{seen}: with more steps your penalty grows. Longer training shrinks less."
    no_lr = f"{seen}: half the lr needs twice the steps to one point. See lam."
    no_t = f"{seen}: your lam is the same for all t."
    left = "Ridge comes to w* as lam goes to 0; yours to 0."
    doubled = f"{zero}: the 2 of the square cancels the half of lam/2 w^2."
    halved = f"{zero}: what is the derivative of lam/2 w^2?"
    slips = [
        ("lam = lr t", grows, h / (h + lr * t)),
        ("lr missing in lam", no_lr, h / (h + 1 / t)),
        ("t missing in lam", no_t, h / (h + 1 / lr)),
        ("what is left for what is reached", left, lam / (h + lam)),
        ("lam doubled", doubled, h / (h + 2 * lam)),
        ("lam halved", halved, h / (h + lam / 2)),
        ("lam squared", f"{zero}. lam is not squared there.", h / (h + lam**2)),
        ("h missing above", f"{zero}. h multiplies w* too.", 1 / (h + lam)),
    ]
    otherwise = f"{zero}, solve for w / w*, and put in the lam that belongs to t."
    expect_equal(ridge, h / (h + lam), ("wrong share of ridge", otherwise), slips)


@exercise(4, "an honest report")
def honest(report, rng):
    """report(validation, test) -> (score, optimism), from losses (S, T): S runs, T epochs."""
    validation, test = _curves(rng)
    score, optimism = parts(report(validation, test), 2, "(score, optimism)")
    _score(score, validation, test)
    _optimism(optimism, validation, test)


def _score(score, validation, test):
    chosen = validation.argmin(axis=1)
    low = validation.min(axis=1)
    at = _at(test, chosen)
    together = test[:, validation.mean(axis=0).argmin()].mean()
    test_mean = test.mean(axis=0).min()
    used = "test set used to stop"
    by_test = "You choose by the test loss, and flatter yourself."
    by_mean = "You choose the epoch with the lowest mean test loss."
    flatters = "The loss that chose the epoch is too low. Report another set."
    own = "Each run has its own validation curve and stops by that."
    picked = "That is one of the runs. Report the mean of all."
    tested = "That is the run that tests best. Report the mean of all."
    slips = [
        (used, by_test, test.min(axis=1).mean()),
        (used, by_mean, test_mean),
        (used, "You take the lowest test loss of all.", test.min()),
        ("validation loss reported", flatters, low.mean()),
        ("last epoch for best", "That is the final test loss.", test[:, -1].mean()),
        ("one epoch for all runs", own, together),
        ("one epoch for all runs", own, test[:, chosen[0]].mean()),
        ("best run picked", picked, at[low.argmin()]),
        ("best run picked", tested, at.min()),
        ("one epoch too late", "You take the next epoch.", _at(test, chosen + 1).mean()),
        ("one epoch too early", "You take the epoch before.", _at(test, chosen - 1).mean()),
        ("highest for lowest", "That is the worst epoch.", _at(test, validation.argmax(1)).mean()),
        ("sum for mean", "With twice the runs your score would double.", at.sum()),
        ("score of each run", "Return one number: the mean over the runs.", at),
    ]
    first = f"Run 1 has its lowest validation loss after epoch {chosen[0] + 1}."
    expect_equal(score, at.mean(), ("wrong score", f"{first} What is reported of it?"), slips)


def _at(losses, epochs):
    """One loss of each run, at its own epoch."""
    return losses[np.arange(len(losses)), epochs]


def _curves(rng):
    """Losses (5, 14) of validation and test; each run is lowest at another epoch in each set."""
    validation, test = 1 + rng.uniform(-0.1, 0.1, (2, 5, 14))
    epochs = rng.permutation(np.arange(1, 13))
    runs = np.arange(5)
    low = rng.uniform(0.3, 0.5, 5)
    validation[runs, epochs[:5]] = low
    luck = [-0.1, 0.1, 0.15, 0.2, 0.3]  # once the other way
    test[runs, epochs[:5]] = low + rng.permutation(luck)
    test[runs, epochs[5:10]] = rng.uniform(0.05, 0.15, 5)
    validation[:, 0] += 1  # the first epoch is the highest
    return validation, test


def _optimism(optimism, validation, test):
    low = validation.min(axis=1)
    at = _at(test, validation.argmin(axis=1))
    gaps = test - validation
    gap = "The chosen epoch's test loss minus its validation loss, run by run"
    positive = "If validation flatters, the optimism is positive."
    own = f"{gap}: one epoch for both."
    others = f"{gap}. Epochs that were not chosen do not flatter."
    signed = "Luck has a sign; without it noise counts as optimism."
    twice = "With twice the runs your optimism would double."
    slips = [
        ("sign turned round", positive, (low - at).mean()),
        ("last epoch for best", f"{gap}, not that of the last.", gaps[:, -1].mean()),
        ("each set at its own minimum", own, (test.min(axis=1) - low).mean()),
        ("mean over all epochs", others, gaps.mean()),
        ("absolute values", signed, abs(at - low).mean()),
        ("ratio for difference", f"{gap}: a difference, in nats.", (at / low).mean()),
        ("sum for mean", twice, (at - low).sum()),
        ("optimism of each run", "Return one number: the mean over the runs.", at - low),
    ]
    expect_equal(optimism, (at - low).mean(), ("wrong optimism", f"{gap}; then the mean."), slips)


@exercise(5, "find the bug: the epochs run out")
def returned(returned_weights, rng):
    """returned_weights(weights, losses, patience) -> (D,): weights (T, D) at the best epoch."""
    tells = [partial(_tells_index, wrong) for _, _, wrong in RETURNED] + [_tells_never_trained]
    cases = [case[:2] for case in _cases(rng, tells)]
    weights = [rng.normal(0, 1, (len(losses), 2)) for losses, _ in cases]
    got = [numbers(returned_weights(w, *case)) for w, case in zip(weights, cases, strict=True)]
    one_row = all(w.shape == (2,) for w in got)
    expect(one_row, "wrong shape", "Return the weights of one epoch, one row of weights.")

    def rows(which):
        return [w[_index(which, *case)] for w, case in zip(weights, cases, strict=True)]

    right = rows(_best)
    i = min(range(len(got)), key=lambda i: (np.array_equal(got[i], right[i]), len(cases[i][0])))
    losses, patience = cases[i]
    best, last = _epochs(losses, patience, 0)
    ended = "patience ends it" if last - best >= patience else "the epochs run out"
    seen = f"{_listed(losses)}, patience {patience}: {ended} after epoch {last}"
    slips = [(name, f"{seen}. {hint}", rows(wrong)) for name, hint, wrong in RETURNED]
    otherwise = f"{seen}. Which epoch's weights do you return, and which are best?"
    expect_equal(got, right, ("wrong weights", otherwise), slips)


_best = operator.attrgetter("best")


def _index(wrong, losses, patience):
    stopped = Stopped(losses, patience, *_epochs(losses, patience, 0))
    return wrong(stopped) - 1


def _tells_index(wrong, losses, patience, _):
    return _index(wrong, losses, patience) % len(losses) != _index(_best, losses, patience)


def _tells_never_trained(losses, patience, _):
    """The lowest loss comes later than one epoch more of patience would reach."""
    return int(np.argmin(losses)) != _epochs(losses, patience, 0, slack=1)[0] - 1


def _slack(slack):
    return lambda s: _epochs(s.losses, s.patience, 0, slack=slack)[0]


_LINE = "There the last weights come back. Which line is reached in that case?"
_OTHER = "The other branch was right before. Both must return the best weights."
_UNTRAINED = "You return weights from after the stop. They were never trained."
_NEED_NOT = "The best epoch need not be patience epochs back."
_LONGER = "You wait one epoch longer than patience, and find another best."
_SHORTER = "You give up one epoch before patience is used up, and miss the best."
RETURNED = [
    (RUN_OUT, _LINE, lambda s: s.best if s.ended else s.last),
    (LAST_FOR_BEST, "The last weights come back, not the best.", lambda s: s.last),
    ("restored only when the epochs run out", _OTHER, lambda s: s.last if s.ended else s.best),
    ("best of epochs never trained", _UNTRAINED, lambda s: s.lowest()),
    ("one epoch too early", "You return those before the best.", lambda s: s.best - 1),
    ("one epoch too late", "You return those after the best.", lambda s: min(s.best + 1, s.last)),
    ("patience epochs back", _NEED_NOT, lambda s: s.last - s.patience),
    (OFF_BY_ONE, _LONGER, _slack(1)),
    (OFF_BY_ONE, _SHORTER, _slack(-1)),
]


METRICS = ("first loss", "epochs", "best epoch", "validation loss", "test loss", "null loss")
MOST = 40  # epochs


@exercise(6, "a fair experiment")
def fair(run, rng):
    """run(patience, seed, epochs=40) -> a dict of METRICS: one training that is stopped."""
    seed = int(rng.integers(1000))
    patient, hasty, again, other = (
        metrics(METRICS, run(*case)) for case in ((7, seed), (1, seed), (1, seed), (1, seed + 1))
    )
    twice = "run(1, seed) gave two results. Make its generator from the seed."
    expect(agrees(hasty, again), "not repeatable", twice)
    differs = "After one epoch the loss depends on patience: other digits, weights or batches."
    expect(agrees(patient, hasty, "first loss"), "not paired", differs)
    same = "Two seeds have the same first loss: same weights, same split."
    expect(not agrees(hasty, other, "first loss"), "seed without effect", same)
    _follows({7: patient, 1: hasty})
    best = int(patient["best epoch"])
    cut, soon = (metrics(METRICS, run(7, seed, min(MOST, best + more))) for more in (0, 3))
    _restored(patient, cut, soon, best)
    _honest(patient)


def _follows(runs):
    """Do the best and the last epoch agree with the patience? Both count from 1."""
    gaps = {patience: result["epochs"] - result["best epoch"] for patience, result in runs.items()}
    ended = {patience: result["epochs"] < MOST for patience, result in runs.items()}
    seen = "; ".join(
        f"patience {p}: best {r['best epoch']:.0f}, last {r['epochs']:.0f}" for p, r in runs.items()
    )
    long = any(result["epochs"] > MOST for result in runs.values())
    expect(not long, "too many epochs", f"{seen}. At most {MOST} epochs are allowed.")
    zero = all(gap == 0 and ended[patience] for patience, gap in gaps.items())
    expect(not zero, "last epoch for best", f"{seen}. Which epoch's weights came back?")
    if all(gap == p if ended[p] else gap <= p for p, gap in gaps.items()):
        return
    shifted = len({gap - patience for patience, gap in gaps.items()}) == 1
    expect(not shifted, OFF_BY_ONE, f"{seen}. Is the best epoch counted from 1?")
    unheard = len(set(gaps.values())) == 1 or not ended[1]
    expect(not unheard, NO_PATIENCE, f"{seen}. Does the rule get the patience?")
    between = f"{seen}. There should be as many epochs between them as patience says."
    raise Slip("wrong rule", between)


def _restored(patient, cut, soon, best):
    """Are the weights the same where the training ends with the best epoch, or soon after it?"""
    ignored = f"run(7, seed, {best}) trained {cut['epochs']:.0f} epochs."
    expect(cut["epochs"] == best, "epochs ignored", ignored)
    came = f"After {patient['epochs']:.0f} epochs, weights of loss {patient['validation loss']:.3f}"
    there = f"those of the best, epoch {best}, have {cut['validation loss']:.3f}"
    same = agrees(cut, patient, "validation loss")
    expect(same, LAST_FOR_BEST, f"{came} come back; {there}. Put the best weights back.")
    ran_out = (
        f"Patience 7, at most {best + 3} epochs, the best is {best}: the last weights come back."
    )
    expect(agrees(soon, patient, "validation loss"), RUN_OUT, ran_out)


def _honest(result):
    leak = result["test loss"] == result["validation loss"]
    equal = "Validation and test loss are the same number. Hold out two sets."
    expect(not leak, "test set used to stop", equal)
    high = (
        f"The test loss is {result['test loss']:.2f}. Do the batches cover all digits in an epoch?"
    )
    expect(result["test loss"] < 1.6, "not trained", high)
    forecast = (
        "A forecast gives each of ten digits the probability 1/10. What is its loss, in nats?"
    )
    expect(abs(result["null loss"] - np.log(10)) < 1e-3, "null row wrong", forecast)
