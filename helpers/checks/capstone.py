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


@exercise(1, "random search on a log axis")
def search(draw_strengths, rng):
    """draw_strengths(low, high, n, rng) -> n strengths (n,) between low and high, even on a log axis."""
    low, n = 10 ** rng.uniform(-4, -3), 4000
    high = low * 10 ** rng.uniform(2, 3)
    got = numbers(draw_strengths(low, high, n, rng))
    expect(got.shape == (n,), "wrong shape", f"The answer has shape {got.shape}, expected ({n},).")
    expect((got != got[0]).any(), "one draw for all", "All strengths are equal. Draw n numbers.")
    _in_range(got, low, high)
    again = [
        numbers(draw_strengths(low, high, n, np.random.default_rng(seed))) for seed in (0, 0, 1)
    ]
    expect(
        not np.array_equal(again[0], again[2]),
        "rng ignored",
        "Two generators give the same strengths. Use rng.",
    )
    expect(
        np.array_equal(*again[:2]),
        "not repeatable",
        "One seed gives two results. Draw from the rng given.",
    )
    middle = np.sqrt(low * high)
    below = np.mean(got < middle)
    seen = f"{below:.0%} of your strengths lie below {middle:.2g}, the middle from {low:.2g} to {high:.2g} on a log axis."
    expect(below > 0.25, "even axis", f"{seen} What is drawn evenly must be the exponent.")
    heights = np.sort(np.log(got / low) / np.log(high / low))
    gap = np.abs(heights - np.linspace(0, 1, n)).max()
    expect(
        gap < 0.06, "uneven on the log axis", f"{seen} Every factor of ten must get equally many."
    )


def _in_range(got, low, high):
    inside = (got > low * (1 - 1e-9)) & (got < high * (1 + 1e-9))
    if inside.all():
        return
    example, natural, tens = (
        f"You draw {got[~inside][0]:.2g}",
        np.log([low, high]),
        np.log10([low, high]),
    )
    exponents = _fills(got, natural) or _fills(got, tens)
    expect(
        not exponents,
        "exponent returned",
        f"{example}, an exponent. Which power of it is the strength?",
    )
    mixed = (got > 0).all() and (_fills(np.log(got), tens) or _fills(np.log10(got), natural))
    expect(not mixed, "two bases", f"{example}. Is the power taken to the base of the logarithm?")
    raise Slip("out of range", f"{example}, the range is from {low:.2g} to {high:.2g}.")


def _fills(values, ends):
    return np.abs([values.min(), values.max()] - ends).max() < 0.05 * (ends[1] - ends[0])


@exercise(2, "a paired interval")
def interval(paired_interval, rng):
    """paired_interval(baseline, method, t) -> (mean, half width) of method - baseline over n paired seeds."""
    n, t = int(rng.choice([6, 8, 10])), T95
    baseline = 85 + 3 * rng.standard_normal(n)
    method = baseline + rng.uniform(1, 3) + rng.uniform(-1, 1, n)
    mean, half = parts(paired_interval(baseline, method, t), 2, "(mean, half width)")
    change = method - baseline
    expect_equal(
        mean,
        change.mean(),
        ("wrong mean", "Subtract seed by seed, then take the mean."),
        [
            (
                "sign exchanged",
                "The method is better, and your difference is negative.",
                -change.mean(),
            ),
            (
                "baseline forgotten",
                "That is the method's own score, not what it gains.",
                method.mean(),
            ),
            (
                "median for the mean",
                "That is the median; the interval is about the mean.",
                np.median(change),
            ),
            (
                "best seed picked",
                "That is the largest of the differences. Every seed counts.",
                change.max(),
            ),
            ("sum for mean", "With twice the seeds your difference would double.", change.sum()),
        ],
    )
    std, root, k = change.std(ddof=1), np.sqrt(n), n - 1
    variances = baseline.var(ddof=1) + method.var(ddof=1)
    unpaired = "What both share, such as an easy split, is still in your spread. Which numbers have it no more?"
    right = t[k] * std / root
    expect_equal(
        half,
        right,
        ("wrong half width", "It is t times the standard error of the mean difference."),
        [
            ("unpaired variance", unpaired, t[k] * np.sqrt(variances / n)),
            ("unpaired variance", unpaired, t[2 * n - 2] * np.sqrt(variances / n)),
            ("unpaired variance", unpaired, t[k] * method.std(ddof=1) / root),
            (
                "standard deviation for standard error",
                "More seeds do not narrow your interval.",
                t[k] * std,
            ),
            (
                "n for its root",
                "A mean of n seeds is steadier by the root of n, not by n.",
                t[k] * std / n,
            ),
            (
                "biased variance",
                "The spread divides by n. One degree is spent on the mean.",
                t[k] * change.std() / root,
            ),
            (
                "normal for t",
                f"1.96 holds where the spread is known. {n} seeds only estimate it.",
                1.96 * std / root,
            ),
            (
                "wrong degrees of freedom",
                f"You take t[{n}]. How many differences are free?",
                t[n] * std / root,
            ),
            (
                "wrong degrees of freedom",
                "Paired, one mean is estimated, not two.",
                t[2 * n - 2] * std / root,
            ),
            ("standard error for the interval", "The factor t is missing.", std / root),
            (
                "variance for standard deviation",
                "The spread enters as its square: a width in points squared.",
                t[k] * std**2 / root,
            ),
            (
                "whole width for half",
                "That reaches from end to end. Half of it goes to each side.",
                2 * right,
            ),
            ("sign exchanged", "A half width is positive.", -right),
        ],
        rtol=3e-4,  # t may come from a table or a library
    )


LOW = [np.inf, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]
T95 = np.array(
    [*LOW, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093]
)  # by degrees of freedom


@exercise(3, "the best of k")
def best(best_of, rng):
    """best_of(k, validation, fresh) -> (promised, delivered): mean scores of the winner of k of n recipes."""
    n, k = int(rng.integers(7, 10)), int(rng.integers(3, 5))
    validation = rng.permutation(np.cumsum(rng.uniform(0.5, 2, n))) + 75
    top, (late, other) = validation.argmax(), rng.permutation(np.arange(k, n))[:2]
    validation[[top, late]] = validation[[late, top]]  # the best is not among the first k tried
    fresh = validation - rng.uniform(0, 3, n)
    fresh[late], fresh[other] = (
        fresh[late] - 8,
        fresh[other] + 12,
    )  # nor is the best on fresh digits
    searches = [list(chosen) for chosen in combinations(range(n), k)]
    winners = [chosen[validation[chosen].argmax()] for chosen in searches]
    losers = [chosen[validation[chosen].argmin()] for chosen in searches]
    up, down = np.sort(validation), np.sort(validation)[::-1]
    promised, delivered = parts(best_of(k, validation, fresh), 2, "(promised, delivered)")
    right, behind = (
        validation[winners].mean(),
        np.array([comb(n - i, k - 1) for i in range(1, n + 1)]),
    )
    seen = f"n = {n}, k = {k}: there are {comb(n, k)} searches."
    expect_equal(
        promised,
        right,
        ("wrong promise", f"{seen} In how many of them does recipe i win?"),
        [
            (
                "drawn with replacement",
                "Your search may try one recipe twice. Then it has fewer than k chances.",
                _replaced(k, up),
            ),
            (
                "worst for best",
                "Your winner has the lowest score. From which end do you count?",
                validation[losers].mean(),
            ),
            ("best of all", f"You take the best of all {n}, whatever k is.", up[-1]),
            ("mean of all", "That is one try, not the best of k.", up.mean()),
            ("mean of the k best", "You average the k best. A search keeps one.", down[:k].mean()),
            (
                "first k tried",
                "You take the first k. Average over all choices of k.",
                validation[:k].max(),
            ),
            ("one try too many", "That is the best of k + 1.", _expected(k + 1, down)),
            ("one try too few", "That is the best of k - 1.", _expected(k - 1, down)),
            ("not divided by the searches", f"{seen} The weights must sum to 1.", behind @ down),
            (
                "order of trying for the ranking",
                "Your weights go to the recipes as they stand. Sort first.",
                behind @ validation / comb(n, k),
            ),
            (
                "promise and delivery exchanged",
                "What you call promised is the score on fresh digits.",
                fresh[winners].mean(),
            ),
        ],
    )
    expect_equal(
        delivered,
        fresh[winners].mean(),
        (
            "wrong delivery",
            f"{seen} The winners are those of the promise. What do they score on fresh digits?",
        ),
        [
            (
                "chosen on the fresh digits",
                "You rank by the fresh score. In life nobody can.",
                _expected(k, np.sort(fresh)[::-1]),
            ),
            ("promise for delivery", "That is the validation score again.", right),
            (
                "order of trying for the ranking",
                "The fresh scores are not in the order of the ranking.",
                behind @ fresh / comb(n, k),
            ),
            ("mean of all", "That is one recipe at random, not the winner.", fresh.mean()),
            (
                "best of all",
                "That is the winner of all recipes, whatever k is.",
                fresh[validation.argmax()],
            ),
            ("best of all", "That is the best fresh score there is.", fresh.max()),
            (
                "worst for best",
                "Your winner has the lowest validation score.",
                fresh[losers].mean(),
            ),
            (
                "first k tried",
                "You take the first k. Average over all choices.",
                fresh[validation[:k].argmax()],
            ),
        ],
    )


def _expected(k, ranked):
    """The mean of the best of k drawn without replacement from scores, best first."""
    n = len(ranked)
    return sum(comb(n - i, k - 1) * score for i, score in enumerate(ranked, 1)) / comb(n, k)


def _replaced(k, up):
    share = np.arange(len(up) + 1) / len(up)
    return np.diff(share**k) @ up


@exercise(4, "find the bug: the lucky seed")
def lucky(seed_gain, rng):
    """seed_gain(validation, test) -> (S,): on each split, test score of the chosen of K seeds minus their mean."""
    K, S = 7, 5
    validation, test = 85 + rng.uniform(-4, 4, (2, K, S))
    best, splits = rng.permutation(K)[:S], np.arange(S)
    lucky = (best + 1) % K
    validation[best, splits], test[lucky, splits] = rng.uniform(95, 97, S), rng.uniform(95, 97, S)
    test[best, splits] = rng.uniform(86, 90, S)  # good, not the best
    chosen, average = test[best, splits], test.mean(axis=0)
    one = test[validation.mean(axis=1).argmax()]
    expect_equal(
        seed_gain(validation, test),
        chosen - average,
        (
            "wrong gain",
            f"On split 0 the chosen seed is number {best[0]}. What do it and the average seed score on test?",
        ),
        [
            (
                "seed chosen on the test set",
                "Your gain is the largest there is on test. What may choose the seed?",
                test.max(axis=0) - average,
            ),
            (
                "reported where it was chosen",
                "The validation score chose the seed, so it flatters. Report another set.",
                validation.max(axis=0) - validation.mean(axis=0),
            ),
            (
                "reported where it was chosen",
                "The chosen seed's validation score flatters. Report another set.",
                validation.max(axis=0) - average,
            ),
            (
                "two sets compared",
                "You compare test with validation. Take both scores from one set.",
                chosen - validation.mean(axis=0),
            ),
            (
                "one seed for all splits",
                "Each split has validation scores of its own, and a choice of its own.",
                one - average,
            ),
            (
                "average forgotten",
                "That is the score of the chosen seed. What does it gain?",
                chosen,
            ),
            (
                "one average for all splits",
                "All splits are compared with one average. Pair them.",
                chosen - test.mean(),
            ),
            (
                "compared with the worst seed",
                "You compare with the worst seed, not with the average.",
                chosen - test.min(axis=0),
            ),
            ("sign exchanged", "A better seed has a positive gain.", average - chosen),
            (
                "worst for best",
                "You choose the seed with the lowest validation score.",
                test[validation.argmin(axis=0), splits] - average,
            ),
            ("mean over splits", "Return the gain of each split.", np.mean(chosen - average)),
        ],
    )


@exercise(5, "leave one out")
def leave_one_out(contributions, rng):
    """contributions(none, full, without) -> (parts (P,), rest): mean(full - without[p]), and what they leave over."""
    size = 6  # parts and seeds: a mean over the wrong axis has the right shape
    none = 82 + 2 * rng.standard_normal(size)
    full = none + rng.uniform(3, 5, size)
    without = full - rng.uniform(-2, 3, (size, 1)) - rng.uniform(-1, 1, (size, size))
    each, rest = parts(contributions(none, full, without), 2, "(parts, rest)")
    right, gain = (full - without).mean(axis=1), (full - none).mean()
    total = right.sum()
    expect_equal(
        each,
        right,
        (
            "wrong contribution",
            "What is lost, on average, when part p alone is taken out of the full recipe?",
        ),
        [
            ("sign exchanged", "A part that helps must have a positive contribution.", -right),
            (
                "compared with none",
                "You compare with the plain network. What is lost from the full recipe?",
                (without - none).mean(axis=1),
            ),
            (
                "compared with none",
                "You compare with the plain network. What is lost from the full recipe?",
                (none - without).mean(axis=1),
            ),
            (
                "seeds and parts exchanged",
                "You average over the parts. without[p] holds the seeds of part p.",
                (full - without).mean(axis=0),
            ),
            (
                "seeds and parts exchanged",
                "full belongs to the seeds, the columns of `without`.",
                (full[:, None] - without).mean(axis=1),
            ),
            (
                "difference of each seed",
                "Return one number for each part, its mean over the seeds.",
                full - without,
            ),
            (
                "full forgotten",
                "Those are the scores without the parts. What is lost?",
                without.mean(axis=1),
            ),
            (
                "best seed picked",
                "You take the best seed of each part. Average them.",
                (full - without).max(axis=1),
            ),
            (
                "scaled to the gain",
                "You make the parts sum to the gain. Nothing says that they must.",
                right * gain / total,
            ),
            (
                "share of the whole",
                "You divide by the sum. Leave the points as they are.",
                right / total,
            ),
            (
                "relative change",
                "Return points, not parts of the full score.",
                ((full - without) / full).mean(axis=1),
            ),
        ],
    )
    expect_equal(
        rest,
        gain - total,
        ("wrong rest", "The gain of the full recipe over none, less what the parts sum to."),
        [
            (
                "sign exchanged",
                "The rest is the gain less the sum, not the other way round.",
                total - gain,
            ),
            (
                "sum for the rest",
                "That is the sum of the parts. What does the gain have beyond it?",
                total,
            ),
            ("gain for the rest", "That is the whole gain. Take the parts off.", gain),
            ("gain forgotten", "That is the sum of the parts, turned round.", -total),
            (
                "mean for the sum",
                "You take off the mean of the parts. All of them belong.",
                gain - right.mean(),
            ),
            ("zero by definition", "Nothing makes the parts sum to the gain. Compute it.", 0.0),
            (
                "rest of each seed",
                "Return one number: the mean over the seeds.",
                full - none - total,
            ),
        ],
    )


METRICS = ("start loss", "end loss", "train (%)", "fresh (%)", "null (%)")


@exercise(6, "a fair ablation")
def fair(run, rng):
    """run(recipe, seed) -> a dict of METRICS: one training with the parts "L2" and "dropout" that recipe holds."""
    seed, recipe = int(rng.integers(1000)), {"L2": 0.02, "dropout": 0.5}
    full, again = (metrics(METRICS, run(dict(recipe), seed)) for _ in range(2))
    without = {
        part: metrics(METRICS, run({k: v for k, v in recipe.items() if k != part}, seed))
        for part in recipe
    }
    plain = [metrics(METRICS, run({}, seed + more)) for more in range(5)]
    runs, null = [full, *without.values(), plain[0]], full["null (%)"]
    same = {
        name: all(agrees(full, one, name) for one in runs) for name in ("start loss", "null (%)")
    }
    for holds, name, sentence in (
        (
            agrees(full, again),
            "not repeatable",
            "One recipe and seed gave two results. Where does rng start?",
        ),
        (
            same["start loss"],
            "not paired",
            "The start loss depends on the recipe: split or first weights differ.",
        ),
        (
            same["null (%)"],
            "null row depends on the recipe",
            "The null model knows no recipe. Which labels make it?",
        ),
        (
            not agrees(full, plain[1], "start loss"),
            "seed without effect",
            "Two seeds have one start loss.",
        ),
        (
            max(full["train (%)"], full["fresh (%)"]) > 1,
            "share for percent",
            "Accuracies lie below 1. Multiply by 100.",
        ),
    ):
        expect(holds, name, sentence)
    for part, others in (("L2", "dropout"), ("dropout", "L2")):
        silent = agrees(full, without[part], "end loss") or agrees(
            plain[0], without[others], "end loss"
        )
        expect(
            not silent,
            f"{part} without effect",
            f"With {part} the training ends as without. Where does it act?",
        )
    _honest(plain, null)


def _honest(plain, null):
    train, fresh = (np.mean([one[name] for one in plain]) for name in ("train (%)", "fresh (%)"))
    leak = all(abs(one["train (%)"] - one["fresh (%)"]) < 1e-9 for one in plain)
    for holds, name, sentence in (
        (
            not leak,
            "tested on the training set",
            "Train and fresh accuracy are equal. On which digits is each taken?",
        ),
        (
            train > 60,
            "not trained",
            f"The plain network ends with {train:.0f} % of the training labels.",
        ),
        (
            train < 92,
            "no wrong labels",
            f"The plain network learns {train:.0f} % of its labels. A fifth must be wrong.",
        ),
        (
            fresh > 74.5,
            "wrong labels in the fresh set",
            f"Fresh accuracy is {fresh:.0f} %. Which labels are flipped?",
        ),
        (
            2 < null < 21,
            "null row wrong",
            f"null is {null:.1f} %: how many fresh digits are the most frequent one?",
        ),
    ):
        expect(holds, name, sentence)
