"""Checks of assignment 09, the capstone."""

from itertools import combinations
from math import comb

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

IGNORED = "rng ignored"
NOT_REPEATABLE = "not repeatable"
UNPAIRED = "unpaired variance"
DEGREES = "wrong degrees of freedom"
BEST_OF_ALL = "best of all"
WORST = "worst for best"
FIRST = "first k tried"
BY_TRIAL = "order of trying for the ranking"
CHOSEN_THERE = "reported where it was chosen"
TURNED = "sign exchanged"
WITH_NONE = "compared with none"
WRONG_AXIS = "seeds and parts exchanged"


@exercise(1, "random search on a log axis")
def search(draw_strengths, rng):
    """draw_strengths(low, high, n, rng) -> strengths (n,) from low to high, even on a log axis."""
    n = 4000
    low = 10 ** rng.uniform(-4, -3)
    high = low * 10 ** rng.uniform(2, 3)
    got = numbers(draw_strengths(low, high, n, rng))
    expect(got.shape == (n,), "wrong shape", f"The answer has shape {got.shape}, expected ({n},).")
    expect((got != got[0]).any(), "one draw for all", "All strengths are equal. Draw n numbers.")
    _in_range(got, low, high)
    zero, again, one = (
        numbers(draw_strengths(low, high, n, np.random.default_rng(seed))) for seed in (0, 0, 1)
    )
    same = "Two generators give the same strengths. Use rng."
    expect(not np.array_equal(zero, one), IGNORED, same)
    two = "The same seed gives two results. Draw from the rng given."
    expect(np.array_equal(zero, again), NOT_REPEATABLE, two)
    _even(got, low, high)


def _even(got, low, high):
    middle = np.sqrt(low * high)
    below = np.mean(got < middle)
    log_axis = f"the middle from {low:.2g} to {high:.2g} on a log axis"
    seen = f"{below:.0%} of your strengths lie below {middle:.2g}, {log_axis}."
    expect(below > 0.25, "even axis", f"{seen} It is the exponent that must be drawn evenly.")
    heights = np.sort(np.log(got / low) / np.log(high / low))
    gap = np.abs(heights - np.linspace(0, 1, len(got))).max()
    uneven = f"{seen} Every factor of ten must get equally many."
    expect(gap < 0.06, "uneven on the log axis", uneven)


def _in_range(got, low, high):
    inside = (got > low * (1 - 1e-9)) & (got < high * (1 + 1e-9))
    if inside.all():
        return
    example = f"You draw {got[~inside][0]:.2g}"
    natural = np.log([low, high])
    tens = np.log10([low, high])
    exponents = _fills(got, natural) or _fills(got, tens)
    power = f"{example}, an exponent. Which power of it is the strength?"
    expect(not exponents, "exponent returned", power)
    mixed = (got > 0).all() and (_fills(np.log(got), tens) or _fills(np.log10(got), natural))
    base = f"{example}. Is the power taken to the base of the logarithm?"
    expect(not mixed, "two bases", base)
    raise Slip("out of range", f"{example}; the range is from {low:.2g} to {high:.2g}.")


def _fills(values, ends):
    return np.abs([values.min(), values.max()] - ends).max() < 0.05 * (ends[1] - ends[0])


@exercise(2, "a paired interval")
def interval(paired_interval, rng):
    """paired_interval(baseline, method, t) -> (mean, half width) of method - baseline, paired."""
    n = int(rng.choice([6, 8, 10]))
    baseline = 85 + 3 * rng.standard_normal(n)
    method = baseline + rng.uniform(1, 3) + rng.uniform(-1, 1, n)
    change = method - baseline
    mean, half = parts(paired_interval(baseline, method, T95), 2, "(mean, half width)")
    negative = "The method is better, and your difference is negative."
    own = "That is the method's own score, not what it gains."
    middle = "That is the median; the interval is about the mean."
    largest = "That is the largest of the differences. Every seed counts."
    double = "With twice the seeds your difference would double."
    slips = [
        (TURNED, negative, -change.mean()),
        ("baseline forgotten", own, method.mean()),
        ("median for the mean", middle, np.median(change)),
        ("best seed picked", largest, change.max()),
        ("sum for mean", double, change.sum()),
    ]
    otherwise = "Subtract seed by seed, then take the mean."
    expect_equal(mean, change.mean(), ("wrong mean", otherwise), slips)
    _half_width(half, baseline, method, n)


def _half_width(half, baseline, method, n):
    k = n - 1
    t = T95
    root = np.sqrt(n)
    std = (method - baseline).std(ddof=1)
    biased = (method - baseline).std()
    unpaired = np.sqrt((baseline.var(ddof=1) + method.var(ddof=1)) / n)
    right = t[k] * std / root
    shared = "Your spread still holds what both share, such as an easy split. What removes it?"
    wide = "More seeds do not narrow your interval."
    steadier = "A mean of n seeds is steadier by the root of n, not by n."
    spent = "Divide by n - 1, not n: one degree is spent on the mean."
    known = f"1.96 holds where the spread is known. {n} seeds only estimate it."
    free = f"You take t[{n}]. How many differences are free?"
    one = "Paired, one mean is estimated, not two."
    squared = "The spread enters squared: a width in points squared."
    ends = "That reaches from end to end. Half of it goes to each side."
    slips = [
        (UNPAIRED, shared, t[k] * unpaired),
        (UNPAIRED, shared, t[2 * n - 2] * unpaired),
        (UNPAIRED, shared, t[k] * method.std(ddof=1) / root),
        ("standard deviation for standard error", wide, t[k] * std),
        ("n for its root", steadier, t[k] * std / n),
        ("biased variance", spent, t[k] * biased / root),
        ("normal for t", known, 1.96 * std / root),
        (DEGREES, free, t[n] * std / root),
        (DEGREES, one, t[2 * n - 2] * std / root),
        ("standard error for the interval", "The factor t is missing.", std / root),
        ("variance for standard deviation", squared, t[k] * std**2 / root),
        ("whole width for half", ends, 2 * right),
        (TURNED, "A half width is positive.", -right),
    ]
    otherwise = "It is t times the standard error of the mean difference."
    # t may come from a table or a library
    expect_equal(half, right, ("wrong half width", otherwise), slips, rtol=3e-4)


LOW = [np.inf, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]
HIGH = [2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093]
T95 = np.array(LOW + HIGH)  # by degrees of freedom


@exercise(3, "the best of k")
def best(best_of, rng):
    """best_of(k, validation, fresh) -> (promised, delivered): mean scores of the best of k of n."""
    n = int(rng.integers(7, 10))
    k = int(rng.integers(3, 5))
    validation, fresh = _recipes(n, k, rng)
    promised, delivered = parts(best_of(k, validation, fresh), 2, "(promised, delivered)")
    _promised(promised, k, validation, fresh)
    _delivered(delivered, k, validation, fresh)


def _recipes(n, k, rng):
    """Scores of n recipes: neither the best on fresh digits nor the first k tried win."""
    validation = rng.permutation(np.cumsum(rng.uniform(0.5, 2, n))) + 75
    top = validation.argmax()
    late, other = rng.permutation(np.arange(k, n))[:2]
    validation[top], validation[late] = validation[late], validation[top]
    fresh = validation - rng.uniform(0, 3, n)
    fresh[late] -= 8
    fresh[other] += 12
    return validation, fresh


def _winners(k, scores):
    """The best recipe of each search, that is of each choice of k recipes."""
    searches = [list(chosen) for chosen in combinations(range(len(scores)), k)]
    return [chosen[scores[chosen].argmax()] for chosen in searches]


def _shares(k, n):
    """In how many searches the recipe wins that is the best, the second and so on."""
    return np.array([comb(n - i, k - 1) for i in range(1, n + 1)])


def _expected(k, ranked):
    """The mean of the best of k drawn without replacement from scores, best first."""
    n = len(ranked)
    return _shares(k, n) @ ranked / comb(n, k)


def _replaced(k, up):
    share = np.arange(len(up) + 1) / len(up)
    return np.diff(share**k) @ up


def _promised(promised, k, validation, fresh):
    n = len(validation)
    winners = _winners(k, validation)
    lowest = validation[_winners(k, -validation)].mean()
    up = np.sort(validation)
    down = up[::-1]
    shares = _shares(k, n)
    seen = f"n = {n}, k = {k}: there are {comb(n, k)} searches."
    twice = "Your search may try one recipe twice. Then it has fewer than k chances."
    low = "Your winner has the lowest score. From which end do you count?"
    average = "You average the k best. A search keeps one."
    first = "You take the first k. Average over all choices of k."
    stand = "Your weights go to the recipes as they stand. Sort first."
    not_fresh = "What you call promised is the score on fresh digits."
    slips = [
        ("drawn with replacement", twice, _replaced(k, up)),
        (WORST, low, lowest),
        (BEST_OF_ALL, f"You take the best of all {n}, whatever k is.", up[-1]),
        ("mean of all", "That is one try, not the best of k.", up.mean()),
        ("mean of the k best", average, down[:k].mean()),
        (FIRST, first, validation[:k].max()),
        ("one try too many", "That is the best of k + 1.", _expected(k + 1, down)),
        ("one try too few", "That is the best of k - 1.", _expected(k - 1, down)),
        ("not divided by the searches", f"{seen} The weights must sum to 1.", shares @ down),
        (BY_TRIAL, stand, shares @ validation / comb(n, k)),
        ("promise and delivery exchanged", not_fresh, fresh[winners].mean()),
    ]
    otherwise = f"{seen} In how many of them does recipe i win?"
    expect_equal(promised, validation[winners].mean(), ("wrong promise", otherwise), slips)


def _delivered(delivered, k, validation, fresh):
    n = len(validation)
    winners = _winners(k, validation)
    lowest = fresh[_winners(k, -validation)].mean()
    by_trial = _shares(k, n) @ fresh / comb(n, k)
    nobody = "You rank by the fresh score. In practice nobody can."
    ranking = "The fresh scores are not in the order of the ranking."
    random = "That is one recipe at random, not the winner."
    of_all = "That is the winner of all recipes, whatever k is."
    low = "Your winner has the lowest validation score."
    first = "You take the first k. Average over all choices."
    slips = [
        ("chosen on the fresh digits", nobody, _expected(k, np.sort(fresh)[::-1])),
        ("promise for delivery", "That is the validation score.", validation[winners].mean()),
        (BY_TRIAL, ranking, by_trial),
        ("mean of all", random, fresh.mean()),
        (BEST_OF_ALL, of_all, fresh[validation.argmax()]),
        (BEST_OF_ALL, "That is the best fresh score there is.", fresh.max()),
        (WORST, low, lowest),
        (FIRST, first, fresh[validation[:k].argmax()]),
    ]
    seen = f"n = {n}, k = {k}: there are {comb(n, k)} searches."
    otherwise = f"{seen} The winners are those of the promise. How do they score on fresh digits?"
    expect_equal(delivered, fresh[winners].mean(), ("wrong delivery", otherwise), slips)


@exercise(4, "find the bug: the lucky seed")
def lucky(seed_gain, rng):
    """seed_gain(validation, test) -> (S,): test score of the seed chosen of K, minus their mean."""
    K = 7
    S = 5
    validation, test = 85 + rng.uniform(-4, 4, (2, K, S))
    best = rng.permutation(K)[:S]
    splits = np.arange(S)
    validation[best, splits] = rng.uniform(95, 97, S)
    test[(best + 1) % K, splits] = rng.uniform(95, 97, S)
    test[best, splits] = rng.uniform(86, 90, S)  # good, not the best
    _gain(seed_gain(validation, test), validation, test)


def _gain(got, validation, test):
    best = validation.argmax(axis=0)
    splits = np.arange(test.shape[1])
    chosen = test[best, splits]
    average = test.mean(axis=0)
    highest = validation.max(axis=0)
    worst = test[validation.argmin(axis=0), splits]
    one = test[validation.mean(axis=1).argmax()]
    choice = "Your gain is the largest there is on test. What may choose the seed?"
    flatters = "The validation score chose the seed, so it flatters. Report another set."
    mixed = "The chosen seed's validation score flatters. Report another set."
    two = "You compare test with validation. Take both scores from one set."
    own = "Each split has its own validation scores, and its own choice."
    score = "That is the score of the chosen seed. What does it gain?"
    pair = "All splits are compared with one average. Pair them."
    compared = "You compare with the worst seed, not with the average."
    low = "You choose the seed with the lowest validation score."
    slips = [
        ("seed chosen on the test set", choice, test.max(axis=0) - average),
        (CHOSEN_THERE, flatters, highest - validation.mean(axis=0)),
        (CHOSEN_THERE, mixed, highest - average),
        ("two sets compared", two, chosen - validation.mean(axis=0)),
        ("one seed for all splits", own, one - average),
        ("average forgotten", score, chosen),
        ("one average for all splits", pair, chosen - test.mean()),
        ("compared with the worst seed", compared, chosen - test.min(axis=0)),
        (TURNED, "A better seed has a positive gain.", average - chosen),
        (WORST, low, worst - average),
        ("mean over splits", "Return the gain of each split.", np.mean(chosen - average)),
    ]
    number = f"On split 0 the chosen seed is number {best[0]}."
    otherwise = f"{number} How do it and the average seed score on test?"
    expect_equal(got, chosen - average, ("wrong gain", otherwise), slips)


@exercise(5, "leave one out")
def leave_one_out(contributions, rng):
    """contributions(none, full, without) -> (parts (P,), rest): mean(full - without[p])."""
    size = 6  # parts and seeds: a mean over the wrong axis has the right shape
    none = 82 + 2 * rng.standard_normal(size)
    full = none + rng.uniform(3, 5, size)
    without = full - rng.uniform(-2, 3, (size, 1)) - rng.uniform(-1, 1, (size, size))
    each, rest = parts(contributions(none, full, without), 2, "(parts, rest)")
    _contributions(each, none, full, without)
    _rest(rest, full - none, (full - without).mean(axis=1))


def _contributions(each, none, full, without):
    lost = full - without
    right = lost.mean(axis=1)
    by_row = full[:, None] - without
    helps = "A part that helps must have a positive contribution."
    plain = "You compare with the plain network. What is lost from the full recipe?"
    over_parts = "You average over the parts. without[p] holds the seeds of part p."
    columns = "full belongs to the seeds, the columns of `without`."
    one = "Return one number for each part, its mean over the seeds."
    scores = "Those are the scores without the parts. What is lost?"
    picked = "You take the best seed of each part. Average them."
    scaled = "You make the parts sum to the gain. They need not."
    divided = "You divide by the sum. Leave the points as they are."
    slips = [
        (TURNED, helps, -right),
        (WITH_NONE, plain, (without - none).mean(axis=1)),
        (WITH_NONE, plain, (none - without).mean(axis=1)),
        (WRONG_AXIS, over_parts, lost.mean(axis=0)),
        (WRONG_AXIS, columns, by_row.mean(axis=1)),
        ("difference of each seed", one, lost),
        ("full forgotten", scores, without.mean(axis=1)),
        ("best seed picked", picked, lost.max(axis=1)),
        ("scaled to the gain", scaled, right * (full - none).mean() / right.sum()),
        ("share of the whole", divided, right / right.sum()),
        ("relative change", "Return points, not a share of full.", (lost / full).mean(axis=1)),
    ]
    otherwise = "What is lost, on average, when part p alone is taken out of the full recipe?"
    expect_equal(each, right, ("wrong contribution", otherwise), slips)


def _rest(rest, gains, each):
    gain = gains.mean()
    total = each.sum()
    less = "The rest is the gain less the sum, not the other way round."
    beyond = "That is the sum of the parts. What does the gain have beyond it?"
    whole = "That is the whole gain. Subtract the parts."
    negative = "That is the sum of the parts with its sign turned round."
    mean = "You subtract the mean of the parts. Subtract them all."
    nothing = "Nothing makes the parts sum to the gain. Compute it."
    one = "Return one number: the mean over the seeds."
    slips = [
        (TURNED, less, total - gain),
        ("sum for the rest", beyond, total),
        ("gain for the rest", whole, gain),
        ("gain forgotten", negative, -total),
        ("mean for the sum", mean, gain - each.mean()),
        ("zero by definition", nothing, 0.0),
        ("rest of each seed", one, gains - total),
    ]
    otherwise = "The gain of the full recipe over none, less what the parts sum to."
    expect_equal(rest, gain - total, ("wrong rest", otherwise), slips)


METRICS = ("start loss", "end loss", "train (%)", "fresh (%)", "null (%)")
TRAIN, FRESH, NULL = METRICS[2:]
BOTH = {"L2": 0.02, "dropout": 0.5}
L2 = {"L2": 0.02}
DROPOUT = {"dropout": 0.5}


@exercise(6, "a fair ablation")
def fair(run, rng):
    """run(recipe, seed) -> a dict of METRICS: one training with the parts that recipe holds."""
    seed = int(rng.integers(1000))
    full, again, decayed, dropped = (
        metrics(METRICS, run(dict(recipe), seed)) for recipe in (BOTH, BOTH, L2, DROPOUT)
    )
    plain = [metrics(METRICS, run({}, seed + more)) for more in range(5)]
    two = "One recipe and seed gave two results. Where does rng start?"
    expect(agrees(full, again), NOT_REPEATABLE, two)
    _paired(full, [decayed, dropped, plain[0]])
    same = agrees(full, plain[1], "start loss")
    expect(not same, "seed without effect", "Two seeds have the same start loss.")
    highest = max(full[TRAIN], full[FRESH])
    expect(highest > 1, "share for percent", "Accuracies lie below 1. Multiply by 100.")
    silent = agrees(full, dropped, "end loss") or agrees(plain[0], decayed, "end loss")
    expect(not silent, "L2 without effect", _without_effect("L2"))
    silent = agrees(full, decayed, "end loss") or agrees(plain[0], dropped, "end loss")
    expect(not silent, "dropout without effect", _without_effect("dropout"))
    _honest(plain, full[NULL])


def _without_effect(part):
    return f"With {part} the training ends as without it. Where does it act?"


def _paired(full, others):
    start = all(agrees(full, other, "start loss") for other in others)
    differ = "The start loss depends on the recipe: split or first weights differ."
    expect(start, "not paired", differ)
    null = all(agrees(full, other, NULL) for other in others)
    labels = "The null model knows no recipe. Which labels make it?"
    expect(null, "null row depends on the recipe", labels)


def _honest(plain, null):
    train, fresh = (np.mean([result[name] for result in plain]) for name in (TRAIN, FRESH))
    leak = all(abs(result[TRAIN] - result[FRESH]) < 1e-9 for result in plain)
    equal = "Train and fresh accuracy are equal. On which digits is each measured?"
    expect(not leak, "tested on the training set", equal)
    ends = f"The plain network ends with {train:.0f} % of the training labels."
    expect(train > 60, "not trained", ends)
    learns = f"The plain network learns {train:.0f} % of its labels. A fifth must be wrong."
    expect(train < 92, "no wrong labels", learns)
    flipped = f"Fresh accuracy is {fresh:.0f} %. Which labels are flipped?"
    expect(fresh > 74.5, "wrong labels in the fresh set", flipped)
    frequent = f"null is {null:.1f} %: how many fresh digits are the most frequent one?"
    expect(2 < null < 21, "null row wrong", frequent)
