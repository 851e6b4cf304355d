"""Assignment 09: right and wrong answers to each exercise."""

import functools
from itertools import combinations
from math import comb

import numpy as np

from helpers.checks import capstone as checks
from helpers.core import Sequential
from helpers.data import flip_labels, load_digits, split
from helpers.layers import Linear, ReLU
from helpers.losses import CrossEntropyLoss
from helpers.noise import Dropout
from helpers.optimizers import SGD
from helpers.training import accuracy, evaluate, fit
from tests.checks.support.answers import SEEDS, assert_enough, assert_said, cases

TRAININGS = range(3)  # seeds for the answers that train


def draw_strengths(low, high, n, rng):
    return low * (high / low) ** rng.random(n)


def powers_of_ten(low, high, n, rng):
    return rng.uniform(np.log10(low), np.log10(high), n)


def powers_of_e(low, high, n, rng):
    return rng.uniform(np.log(low), np.log(high), n)


SEARCH = (
    checks.search,
    {
        "reference": draw_strengths,
        "exponents": lambda *given: np.exp(powers_of_e(*given)),
        "loop": lambda low, high, n, rng: [
            10 ** rng.uniform(np.log10(low), np.log10(high)) for _ in range(n)
        ],
        "strata": lambda low, high, n, rng: (
            low * (high / low) ** rng.permutation((np.arange(n) + rng.random(n)) / n)
        ),
    },
    {
        "even axis": lambda low, high, n, rng: rng.uniform(low, high, n),
        "one draw for all": lambda low, high, n, rng: np.full(n, draw_strengths(low, high, 1, rng)),
        "exponent returned": powers_of_ten,
        "exponent returned: natural": powers_of_e,
        "two bases": lambda *given: 10 ** powers_of_e(*given),
        "two bases: the other way": lambda *given: np.exp(powers_of_ten(*given)),
        "out of range": lambda low, high, n, rng: low * (low / high) ** rng.random(n),
        "out of range: normal": lambda low, high, n, rng: (
            low * (high / low) ** rng.normal(0.5, 0.5, n)
        ),
        "rng ignored": lambda low, high, n, rng: np.geomspace(low, high, n),
        "rng ignored: seed inside": lambda low, high, n, rng: draw_strengths(
            low, high, n, np.random.default_rng(3)
        ),
        "not repeatable": lambda low, high, n, rng: draw_strengths(
            low, high, n, np.random.default_rng()
        ),
        "uneven on the log axis": lambda low, high, n, rng: low * (high / low) ** rng.beta(2, 2, n),
        "wrong shape": lambda low, high, n, rng: draw_strengths(low, high, 1, rng),
    },
)


def paired_interval(baseline, method, t):
    change = method - baseline
    n = len(change)
    return change.mean(), t[n - 1] * change.std(ddof=1) / np.sqrt(n)


def interval_loop(baseline, method, t):
    changes = [float(m - b) for b, m in zip(baseline, method, strict=True)]
    n = len(changes)
    mean = sum(changes) / n
    variance = sum((change - mean) ** 2 for change in changes) / (n - 1)
    return mean, float(t[n - 1]) * (variance / n) ** 0.5


def interval_covariance(baseline, method, t):
    (b, both), (_, m) = np.cov(baseline, method)
    n = len(baseline)
    return method.mean() - baseline.mean(), t[n - 1] * np.sqrt((b + m - 2 * both) / n)


def half(change):
    """The reference with another half width: change(difference, baseline, method, t, n)."""
    return lambda b, m, t: ((m - b).mean(), change(m - b, b, m, t, len(b)))


def center(change):
    return lambda b, m, t: (change(b, m), paired_interval(b, m, t)[1])


INTERVAL = (
    checks.interval,
    {"reference": paired_interval, "loop": interval_loop, "covariance": interval_covariance},
    {
        "sign exchanged": lambda b, m, t: paired_interval(m, b, t),
        "sign exchanged: of the width": half(
            lambda d, b, m, t, n: -t[n - 1] * d.std(ddof=1) / n**0.5
        ),
        "baseline forgotten": center(lambda b, m: m.mean()),
        "median for the mean": center(lambda b, m: np.median(m - b)),
        "best seed picked": center(lambda b, m: (m - b).max()),
        "sum for mean": center(lambda b, m: (m - b).sum()),
        "wrong mean": center(lambda b, m: 0.0),
        "unpaired variance": half(
            lambda d, b, m, t, n: t[n - 1] * np.sqrt((b.var(ddof=1) + m.var(ddof=1)) / n)
        ),
        "unpaired variance: more degrees": half(
            lambda d, b, m, t, n: t[2 * n - 2] * np.sqrt((b.var(ddof=1) + m.var(ddof=1)) / n)
        ),
        "unpaired variance: of one": half(lambda d, b, m, t, n: t[n - 1] * m.std(ddof=1) / n**0.5),
        "standard deviation for standard error": half(
            lambda d, b, m, t, n: t[n - 1] * d.std(ddof=1)
        ),
        "n for its root": half(lambda d, b, m, t, n: t[n - 1] * d.std(ddof=1) / n),
        "biased variance": half(lambda d, b, m, t, n: t[n - 1] * d.std() / n**0.5),
        "normal for t": half(lambda d, b, m, t, n: 1.96 * d.std(ddof=1) / n**0.5),
        "wrong degrees of freedom": half(lambda d, b, m, t, n: t[n] * d.std(ddof=1) / n**0.5),
        "wrong degrees of freedom: of two": half(
            lambda d, b, m, t, n: t[2 * n - 2] * d.std(ddof=1) / n**0.5
        ),
        "standard error for the interval": half(lambda d, b, m, t, n: d.std(ddof=1) / n**0.5),
        "variance for standard deviation": half(
            lambda d, b, m, t, n: t[n - 1] * d.var(ddof=1) / n**0.5
        ),
        "whole width for half": half(lambda d, b, m, t, n: 2 * t[n - 1] * d.std(ddof=1) / n**0.5),
        "wrong half width": half(lambda d, b, m, t, n: 1.0),
        "wrong return": lambda b, m, t: (m - b).mean(),
    },
)


def weights(k, n):
    return np.array([comb(n - i, k - 1) for i in range(1, n + 1)]) / comb(n, k)


def best_of(k, validation, fresh):
    order = np.argsort(-validation)
    w = weights(k, len(order))
    return w @ validation[order], w @ fresh[order]


def best_enumerated(k, validation, fresh):
    won = [
        max(chosen, key=lambda i: validation[i])
        for chosen in combinations(range(len(validation)), k)
    ]
    return float(np.mean([validation[i] for i in won])), float(np.mean([fresh[i] for i in won]))


def best_by_shares(k, validation, fresh):
    n = len(validation)
    order = np.argsort(validation)
    # the share of searches whose winner is among the i lowest
    below = np.array([comb(i, k) for i in range(n + 1)]) / comb(n, k)
    return np.diff(below) @ validation[order], np.diff(below) @ fresh[order]


def promise(change):
    return lambda k, v, f: (change(k, v, f), best_of(k, v, f)[1])


def delivery(change):
    return lambda k, v, f: (best_of(k, v, f)[0], change(k, v, f))


def replaced(k, v, f):
    return np.diff((np.arange(len(v) + 1) / len(v)) ** k) @ np.sort(v)


BEST = (
    checks.best,
    {"reference": best_of, "enumerated": best_enumerated, "shares": best_by_shares},
    {
        "drawn with replacement": promise(replaced),
        "worst for best": lambda k, v, f: tuple(
            weights(k, len(v)) @ s[np.argsort(v)] for s in (v, f)
        ),
        "worst for best: in the delivery": delivery(
            lambda k, v, f: weights(k, len(v)) @ f[np.argsort(v)]
        ),
        "best of all": promise(lambda k, v, f: v.max()),
        "best of all: delivered": delivery(lambda k, v, f: f[v.argmax()]),
        "best of all: the best there is": delivery(lambda k, v, f: f.max()),
        "mean of all": promise(lambda k, v, f: v.mean()),
        "mean of all: delivered": delivery(lambda k, v, f: f.mean()),
        "mean of the k best": promise(lambda k, v, f: np.sort(v)[-k:].mean()),
        "first k tried": promise(lambda k, v, f: v[:k].max()),
        "first k tried: delivered": delivery(lambda k, v, f: f[v[:k].argmax()]),
        "one try too many": lambda k, v, f: best_of(k + 1, v, f),
        "one try too few": lambda k, v, f: best_of(k - 1, v, f),
        "not divided by the searches": lambda k, v, f: tuple(
            comb(len(v), k) * s for s in best_of(k, v, f)
        ),
        "order of trying for the ranking": promise(lambda k, v, f: weights(k, len(v)) @ v),
        "order of trying for the ranking: fresh": delivery(lambda k, v, f: weights(k, len(v)) @ f),
        "promise and delivery exchanged": lambda k, v, f: best_of(k, v, f)[::-1],
        "chosen on the fresh digits": delivery(lambda k, v, f: best_of(k, f, f)[0]),
        "promise for delivery": delivery(lambda k, v, f: best_of(k, v, f)[0]),
        "wrong promise": promise(lambda k, v, f: 0.0),
        "wrong delivery": delivery(lambda k, v, f: 0.0),
        "wrong return": lambda k, v, f: best_of(k, v, f)[0],
    },
)


def seed_gain(validation, test):
    return test[validation.argmax(axis=0), np.arange(test.shape[1])] - test.mean(axis=0)


def gain_loop(validation, test):
    return [float(t[v.argmax()] - t.mean()) for v, t in zip(validation.T, test.T, strict=True)]


def gain_along(validation, test):
    chosen = np.take_along_axis(test, validation.argmax(axis=0, keepdims=True), axis=0)
    return (chosen - test.mean(axis=0, keepdims=True))[0]


def at(scores, chosen):
    return scores[chosen, np.arange(scores.shape[1])]


LUCKY = (
    checks.lucky,
    {"reference": seed_gain, "loop": gain_loop, "along": gain_along},
    {
        "seed chosen on the test set": lambda v, t: t.max(axis=0) - t.mean(axis=0),
        "reported where it was chosen": lambda v, t: v.max(axis=0) - v.mean(axis=0),
        "reported where it was chosen: mixed": lambda v, t: v.max(axis=0) - t.mean(axis=0),
        "two sets compared": lambda v, t: at(t, v.argmax(axis=0)) - v.mean(axis=0),
        "one seed for all splits": lambda v, t: t[v.mean(axis=1).argmax()] - t.mean(axis=0),
        "average forgotten": lambda v, t: at(t, v.argmax(axis=0)),
        "one average for all splits": lambda v, t: at(t, v.argmax(axis=0)) - t.mean(),
        "compared with the worst seed": lambda v, t: at(t, v.argmax(axis=0)) - t.min(axis=0),
        "sign exchanged": lambda v, t: -seed_gain(v, t),
        "worst for best": lambda v, t: at(t, v.argmin(axis=0)) - t.mean(axis=0),
        "mean over splits": lambda v, t: seed_gain(v, t).mean(),
        "wrong gain": lambda v, t: np.median(t, axis=0),
        "wrong shape": lambda v, t: t - t.mean(axis=0),
    },
)


def contributions(none, full, without):
    parts = (full - without).mean(axis=1)
    return parts, (full - none).mean() - parts.sum()


def contributions_loop(none, full, without):
    parts = [sum(f - w for f, w in zip(full, row, strict=True)) / len(full) for row in without]
    return parts, sum(full) / len(full) - sum(none) / len(none) - sum(parts)


def contributions_of_means(none, full, without):
    parts = np.mean(full) - np.mean(without, axis=1)
    return parts, np.mean(full - none - (full - without).sum(axis=0))


def shares(full, without):
    parts = (full - without).mean(axis=1)
    return parts / parts.sum()


def each(change):
    return lambda none, full, without: (
        change(none, full, without),
        contributions(none, full, without)[1],
    )


def rest(change):
    """The reference with another rest: change(gain, contributions)."""
    return lambda none, full, without: (
        contributions(none, full, without)[0],
        change(full - none, contributions(none, full, without)[0]),
    )


LEAVE_ONE_OUT = (
    checks.leave_one_out,
    {"reference": contributions, "loop": contributions_loop, "of means": contributions_of_means},
    {
        "sign exchanged": each(lambda n, f, w: (w - f).mean(axis=1)),
        "sign exchanged: in the rest": rest(lambda g, c: c.sum() - g.mean()),
        "compared with none": each(lambda n, f, w: (w - n).mean(axis=1)),
        "compared with none: turned round": each(lambda n, f, w: (n - w).mean(axis=1)),
        "seeds and parts exchanged": each(lambda n, f, w: (f - w).mean(axis=0)),
        "seeds and parts exchanged: in the difference": each(
            lambda n, f, w: (f[:, None] - w).mean(axis=1)
        ),
        "difference of each seed": each(lambda n, f, w: f - w),
        "full forgotten": each(lambda n, f, w: w.mean(axis=1)),
        "best seed picked": each(lambda n, f, w: (f - w).max(axis=1)),
        "scaled to the gain": each(lambda n, f, w: shares(f, w) * (f - n).mean()),
        "share of the whole": each(lambda n, f, w: shares(f, w)),
        "relative change": each(lambda n, f, w: ((f - w) / f).mean(axis=1)),
        "wrong contribution": each(lambda n, f, w: 0 * f),
        "sum for the rest": rest(lambda g, c: c.sum()),
        "gain for the rest": rest(lambda g, c: g.mean()),
        "gain forgotten": rest(lambda g, c: -c.sum()),
        "mean for the sum": rest(lambda g, c: g.mean() - c.mean()),
        "zero by definition": rest(lambda g, c: 0.0),
        "rest of each seed": rest(lambda g, c: g - c.sum()),
        "wrong rest": rest(lambda g, c: 100.0),
        "wrong return": lambda n, f, w: (f - w).mean(axis=1),
    },
)


DIGITS = load_digits()


def train(recipe, rng, masks, *, flipped=0.2, fresh_flipped=0.0, epochs=20):
    """The reference experiment; its wrong versions differ in what they hand in."""
    (X, y), (X_fresh, y_fresh) = split(DIGITS.X, DIGITS.y, (200, 697), rng)
    y = flip_labels(y, flipped, rng)
    y_fresh = flip_labels(y_fresh, fresh_flipped, rng)
    dropout = Dropout(recipe.get("dropout", 0), masks)
    model = Sequential(Linear(64, 64, rng), ReLU(), dropout, Linear(64, 10, rng))
    loss = CrossEntropyLoss()
    optimizer = SGD(model.parameters(), lr=0.07, momentum=0.9, weight_decay=recipe.get("L2", 0))
    start = evaluate(model, loss, X_fresh, y_fresh)
    fit(model, loss, optimizer, X, y, epochs=epochs, batch_size=50, rng=rng)
    return {
        "start loss": start,
        "end loss": evaluate(model, loss, X_fresh, y_fresh),
        "train (%)": 100 * accuracy(model, X, y),
        "fresh (%)": 100 * accuracy(model, X_fresh, y_fresh),
        "null (%)": 100 * float(np.mean(y_fresh == np.bincount(y).argmax())),
    }


@functools.cache
def trained(parts, seed, **others):
    """An answer that changes only the arguments or the numbers needs no training of its own."""
    rng = np.random.default_rng(seed)
    return train(dict(parts), rng, rng.spawn(1)[0], **others)


def run(recipe, seed, **others):
    return trained(tuple(recipe.items()), seed, **others)


def run_two_seeds(recipe, seed):
    return train(recipe, np.random.default_rng(seed), np.random.default_rng([seed, 1]))


def run_one_generator(recipe, seed):
    rng = np.random.default_rng(seed)
    return train(recipe, rng, rng)


def only(part):
    return lambda recipe, seed: run({part: recipe[part]} if part in recipe else {}, seed)


def handed_in(change):
    """The reference with another result."""
    return lambda recipe, seed: change(run(recipe, seed))


def null_from_recipe(recipe, seed):
    result = run(recipe, seed)
    return result | {"null (%)": result["null (%)"] + len(recipe)}


UNSEEDED = np.random.default_rng(0)

# Where one epoch shows the slip, one is trained.
FAIR = (
    checks.fair,
    {"reference": run, "two seeds": run_two_seeds, "one generator": run_one_generator},
    {
        "not repeatable": lambda recipe, seed: train(recipe, UNSEEDED, UNSEEDED, epochs=1),
        "not paired": lambda recipe, seed: run(recipe, seed + 1000 * len(recipe), epochs=1),
        "null row depends on the recipe": null_from_recipe,
        "seed without effect": lambda recipe, seed: run(recipe, 0, epochs=1),
        "share for percent": handed_in(lambda r: r | {n: r[n] / 100 for n in checks.METRICS[2:]}),
        "L2 without effect": only("dropout"),
        "dropout without effect": only("L2"),
        "not trained": lambda recipe, seed: run(recipe, seed, epochs=1),
        "tested on the training set": handed_in(lambda r: r | {"fresh (%)": r["train (%)"]}),
        "no wrong labels": lambda recipe, seed: run(recipe, seed, flipped=0.0),
        "wrong labels in the fresh set": lambda recipe, seed: run(recipe, seed, fresh_flipped=0.2),
        "null row wrong": handed_in(lambda r: r | {"null (%)": r["null (%)"] / 100}),
        "wrong return": handed_in(lambda r: r["fresh (%)"]),
        "not a number": handed_in(lambda r: r | {"null (%)": float("nan")}),
    },
)

ANSWERS = [SEARCH, INTERVAL, BEST, LUCKY, LEAVE_ONE_OUT, FAIR]


@cases(ANSWERS)
def test_answer(check, answer, slip):
    assert_said(check, answer, slip, TRAININGS if check is checks.fair else SEEDS)


def test_there_are_enough():
    assert_enough(ANSWERS)
