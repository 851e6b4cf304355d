"""Assignment 06: right and wrong answers to each exercise."""

import functools
from functools import partial

import numpy as np

from helpers.checks import early_stopping as checks
from helpers.core import Sequential
from helpers.data import flip_labels, load_digits, minibatches, split
from helpers.layers import Linear, ReLU
from helpers.losses import CrossEntropyLoss
from helpers.optimizers import SGD
from helpers.training import EarlyStopping, evaluate, fit
from tests.checks.support.answers import SEEDS, assert_enough, assert_said, cases

TRAININGS = range(3)  # seeds for the answers that train


def stop(losses, patience, min_delta):
    best = last = 1
    while last < len(losses) and last - best < patience:
        last += 1
        if losses[last - 1] < losses[best - 1] - min_delta:
            best = last
    return best, last


def stop_counting(losses, patience, min_delta):
    lowest = np.inf
    best = wait = 0
    for epoch, loss in enumerate(losses, start=1):
        wait += 1
        if loss < lowest - min_delta:
            lowest = loss
            best = epoch
            wait = 0
        if wait >= patience:
            break
    return best, epoch


def stop_recursive(losses, patience, min_delta, best=1):
    for epoch in range(best + 1, min(best + patience, len(losses)) + 1):
        if losses[best - 1] - losses[epoch - 1] > min_delta:
            return stop_recursive(losses, patience, min_delta, epoch)
    return best, min(best + patience, len(losses))


def is_better(loss, level, min_delta):
    return loss < level - min_delta


def level_of_the_best(level, loss, better):
    return loss if better else level


def level_before(level, loss, better):
    return loss


def lowest_level(level, loss, better):
    return min(level, loss)


def stop_patched(level_after=level_of_the_best, is_better=is_better, reset=True, zero=0):
    """The reference with one thing changed."""

    def answer(losses, patience, min_delta):
        level = losses[0]
        best = 1
        wait = 0
        for epoch, loss in enumerate(losses[1:], start=2):
            better = is_better(loss, level, min_delta)
            level = level_after(level, loss, better)
            if better:
                best = epoch
                wait = 0 if reset else wait
            else:
                wait += 1
            if wait >= patience:
                break
        return best - zero, epoch - zero

    return answer


def lowest_before(losses, patience, min_delta):
    _, last = stop_patched(level_before)(losses, patience, min_delta)
    return int(np.argmin(losses[:last])) + 1, last


def then(change):
    return lambda losses, p, d: change(losses, p, *stop(losses, p, d))


def stop_in_place(losses, patience, min_delta):
    losses -= 1
    return stop(losses, patience, min_delta)


RULE = (
    checks.rule,
    {
        "reference": stop,
        "counting": stop_counting,
        "recursive": stop_recursive,
    },
    {
        "patience off by one: too long": lambda losses, p, d: stop(losses, p + 1, d),
        "patience off by one: too short": lambda losses, p, d: stop(losses, p - 1, d),
        "not in a row": stop_patched(reset=False),
        "last epoch for best": then(lambda losses, p, best, last: (last, last)),
        "equal counts as better": stop_patched(is_better=lambda a, b, d: a <= b - d),
        "min_delta forgotten": lambda losses, p, d: stop(losses, p, 0),
        "min_delta turned round": lambda losses, p, d: (
            stop(losses, p, -d) if d else stop_patched()(losses, p, d)
        ),
        "compared with the epoch before": stop_patched(level_before),
        "compared with the epoch before: lowest kept": lowest_before,
        "patience ignored": lambda losses, p, d: stop(losses, 1000, d),
        "best of epochs never trained": then(
            lambda losses, p, best, last: (int(np.argmin(losses)) + 1, last)
        ),
        "patience epochs back": then(lambda losses, p, best, last: (last - p, last)),
        "counted from 0": stop_patched(zero=1),
        "order exchanged": then(lambda losses, p, best, last: (last, best)),
        "small steps forgotten": stop_patched(lowest_level),
        "best without min_delta": then(
            lambda losses, p, best, last: (int(np.argmin(losses[:last])) + 1, last)
        ),
        "wrong epochs": then(lambda losses, p, best, last: (1, 1)),
        "wrong return": lambda losses, p, d: stop(losses, p, d)[0],
        "wrong return: arrays": lambda losses, p, d: (losses, losses),
        "input changed": stop_in_place,
    },
)


def train(w, updates, losses):
    w = w.copy()
    lowest = np.inf
    for update, loss in zip(updates, losses, strict=True):
        w += update
        if loss < lowest:
            lowest = loss
            best = w.copy()
    return best, w


def train_new_arrays(w, updates, losses):
    path = []
    for update in updates:
        w = w + update
        path.append(w)
    return path[min(range(len(losses)), key=lambda epoch: losses[epoch])], path[-1]


def train_at_once(w, updates, losses):
    return w + updates[: np.argmin(losses) + 1].sum(axis=0), w + updates.sum(axis=0)


def train_reference(w, updates, losses):
    w = w.copy()
    lowest = np.inf
    for update, loss in zip(updates, losses, strict=True):
        w += update
        if loss < lowest:
            lowest = loss
            best = w
    return best, w


def train_saved_before(w, updates, losses):
    w = w.copy()
    lowest = np.inf
    for update, loss in zip(updates, losses, strict=True):
        if loss < lowest:
            lowest = loss
            best = w.copy()
        w += update
    return best, w


def train_in_place(w, updates, losses):
    for update in updates:
        w += update
    return w, w


def on_path(change):
    """Another result made of the path of weights (T, D) and the best index."""
    return lambda w, updates, losses: change(
        w + np.cumsum(updates, axis=0), int(np.argmin(losses)), w, updates, losses
    )


KEEP = (
    checks.keep,
    {"reference": train, "new arrays": train_new_arrays, "at once": train_at_once},
    {
        "last weights for best: a name": train_reference,
        "last weights for best: no choice": on_path(
            lambda path, k, w, u, loss: (path[-1], path[-1])
        ),
        "one epoch too early": train_saved_before,
        "one epoch too late": on_path(lambda path, k, w, u, loss: (path[k + 1], path[-1])),
        "order exchanged": on_path(lambda path, k, w, u, loss: (path[-1], path[k])),
        "stopped at the best": on_path(lambda path, k, w, u, loss: (path[k], path[k])),
        "stops at the first bump": on_path(
            lambda path, k, w, u, loss: (path[np.argmax(np.diff(loss) > 0)], path[-1])
        ),
        "highest for lowest": on_path(
            lambda path, k, w, u, loss: (path[np.argmax(loss)], path[-1])
        ),
        "the start": on_path(lambda path, k, w, u, loss: (w, path[-1])),
        "update for weights": on_path(lambda path, k, w, u, loss: (u[k], path[-1])),
        "updates not added up": on_path(lambda path, k, w, u, loss: (w + u[k], path[-1])),
        "uphill": lambda w, updates, losses: train(w, -updates, losses),
        "wrong weights": on_path(lambda path, k, w, u, loss: (path.mean(axis=0), path[-1])),
        "wrong shape": on_path(lambda path, k, w, u, loss: (path, path[-1])),
        "input changed": train_in_place,
    },
)


def filters(h, lr, t):
    return 1 - (1 - lr * h) ** t, h / (h + 1 / (lr * t))


def filters_loop(h, lr, t):
    w = np.zeros(len(h))
    for _ in range(t):
        w += lr * h * (1 - w)
    return list(w), [float(k / (k + 1 / (lr * t))) for k in h]


def filters_rewritten(h, lr, t):
    return -np.expm1(t * np.log1p(-lr * h)), 1 - 1 / (1 + lr * h * t)


def descent(change):
    return lambda h, lr, t: (change(h, lr, t), filters(h, lr, t)[1])


def ridge(change):
    return lambda h, lr, t: (filters(h, lr, t)[0], change(h, lr, t))


FILTERS = (
    checks.two_filters,
    {"reference": filters, "loop": filters_loop, "rewritten": filters_rewritten},
    {
        "what is left for what is reached: descent": descent(lambda h, lr, t: (1 - lr * h) ** t),
        "lr missing in 1 - lr*h": descent(lambda h, lr, t: 1 - (1 - h) ** t),
        "one step": descent(lambda h, lr, t: lr * h),
        "straight line": descent(lambda h, lr, t: lr * h * t),
        "exponential for the power": descent(lambda h, lr, t: 1 - np.exp(-lr * h * t)),
        "curvature doubled": descent(lambda h, lr, t: 1 - (1 - 2 * lr * h) ** t),
        "curvature halved": descent(lambda h, lr, t: 1 - (1 - lr * h / 2) ** t),
        "one step too many": descent(lambda h, lr, t: 1 - (1 - lr * h) ** (t + 1)),
        "one step too few": descent(lambda h, lr, t: 1 - (1 - lr * h) ** (t - 1)),
        "wrong share of descent": descent(lambda h, lr, t: h),
        "lam = lr t": ridge(lambda h, lr, t: h / (h + lr * t)),
        "lr missing in lam": ridge(lambda h, lr, t: h / (h + 1 / t)),
        "t missing in lam": ridge(lambda h, lr, t: h / (h + 1 / lr)),
        "what is left for what is reached: ridge": ridge(lambda h, lr, t: 1 / (1 + lr * t * h)),
        "lam doubled": ridge(lambda h, lr, t: h / (h + 2 / (lr * t))),
        "lam halved": ridge(lambda h, lr, t: h / (h + 0.5 / (lr * t))),
        "lam squared": ridge(lambda h, lr, t: h / (h + 1 / (lr * t) ** 2)),
        "h missing above": ridge(lambda h, lr, t: 1 / (h + 1 / (lr * t))),
        "wrong share of ridge": ridge(lambda h, lr, t: h),
        "wrong return": lambda h, lr, t: filters(h, lr, t)[0],
        "wrong shape": ridge(lambda h, lr, t: 1.0),
    },
)


def report(validation, test):
    chosen = validation.argmin(axis=1)
    runs = np.arange(len(validation))
    return test[runs, chosen].mean(), np.mean(test[runs, chosen] - validation[runs, chosen])


def report_loop(validation, test):
    scores = []
    gaps = []
    for seen, hidden in zip(validation, test, strict=True):
        best = min(range(len(seen)), key=lambda epoch: seen[epoch])
        scores.append(hidden[best])
        gaps.append(hidden[best] - seen[best])
    return sum(scores) / len(scores), sum(gaps) / len(gaps)


def report_along(validation, test):
    best = validation.argmin(axis=1, keepdims=True)
    score = np.take_along_axis(test, best, axis=1).mean()
    return score, score - validation.min(axis=1).mean()


def entries(losses, epochs):
    """One loss of each run, at its own epoch."""
    return losses[np.arange(len(losses)), epochs]


def scored(change):
    """The reference with another score of (validation, test, chosen test losses)."""
    return lambda v, t: (change(v, t, entries(t, v.argmin(axis=1))), report(v, t)[1])


def flattered(change):
    return lambda v, t: (report(v, t)[0], change(v, t, entries(t, v.argmin(axis=1))))


def shifted(epochs):
    return scored(lambda v, t, at: entries(t, v.argmin(axis=1) + epochs).mean())


HONEST = (
    checks.honest,
    {"reference": report, "loop": report_loop, "take along axis": report_along},
    {
        "test set used to stop": scored(lambda v, t, at: t.min(axis=1).mean()),
        "test set used to stop: mean curve": scored(lambda v, t, at: t.mean(axis=0).min()),
        "test set used to stop: lowest of all": scored(lambda v, t, at: t.min()),
        "validation loss reported": scored(lambda v, t, at: v.min(axis=1).mean()),
        "last epoch for best: score": scored(lambda v, t, at: t[:, -1].mean()),
        "one epoch for all runs": scored(lambda v, t, at: t.mean(axis=0)[v.mean(axis=0).argmin()]),
        "one epoch for all runs: of the first": scored(lambda v, t, at: t[:, v[0].argmin()].mean()),
        "best run picked": scored(lambda v, t, at: at[v.min(axis=1).argmin()]),
        "best run picked: by test": scored(lambda v, t, at: at.min()),
        "one epoch too late": shifted(1),
        "one epoch too early": shifted(-1),
        "highest for lowest": scored(lambda v, t, at: entries(t, v.argmax(axis=1)).mean()),
        "sum for mean: score": scored(lambda v, t, at: at.sum()),
        "score of each run": scored(lambda v, t, at: at),
        "wrong score": scored(lambda v, t, at: 0.0),
        "sign turned round": flattered(lambda v, t, at: v.min(axis=1).mean() - at.mean()),
        "last epoch for best: optimism": flattered(
            lambda v, t, at: t[:, -1].mean() - v[:, -1].mean()
        ),
        "each set at its own minimum": flattered(
            lambda v, t, at: np.mean(t.min(axis=1) - v.min(axis=1))
        ),
        "mean over all epochs": flattered(lambda v, t, at: t.mean() - v.mean()),
        "absolute values": flattered(lambda v, t, at: np.abs(at - v.min(axis=1)).mean()),
        "ratio for difference": flattered(lambda v, t, at: np.mean(at / v.min(axis=1))),
        "sum for mean: optimism": flattered(lambda v, t, at: np.sum(at - v.min(axis=1))),
        "optimism of each run": flattered(lambda v, t, at: at - v.min(axis=1)),
        "wrong optimism": flattered(lambda v, t, at: 0.0),
        "wrong return": lambda v, t: report(v, t)[0],
    },
)


def returned(weights, losses, patience):
    return weights[stop(losses, patience, 0)[0] - 1]


def returned_repaired(weights, losses, patience):
    lowest = np.inf
    wait = 0
    for epoch, loss in enumerate(losses):
        wait += 1
        if loss < lowest:
            lowest = loss
            best = weights[epoch].copy()
            wait = 0
        if wait >= patience:
            break
    return best


def returned_by_prefix(weights, losses, patience):
    return weights[int(np.argmin(losses[: stop(losses, patience, 0)[1]]))]


def shipped(weights, losses, patience):
    lowest = np.inf
    wait = 0
    for epoch, loss in enumerate(losses):
        wait += 1
        if loss < lowest:
            lowest = loss
            best = weights[epoch]
            wait = 0
        if wait >= patience:
            return best
    return weights[epoch]


def row(change):
    return lambda weights, losses, p: weights[change(losses, p, *stop(losses, p, 0))]


RETURNED = (
    checks.returned,
    {"reference": returned, "repaired": returned_repaired, "by prefix": returned_by_prefix},
    {
        "last weights when the epochs run out": shipped,
        "last weights for best": row(lambda losses, p, best, last: last - 1),
        "restored only when the epochs run out": row(
            lambda losses, p, best, last: (best if last < best + p else last) - 1
        ),
        "best of epochs never trained": lambda weights, losses, p: weights[int(np.argmin(losses))],
        "one epoch too early": row(lambda losses, p, best, last: best - 2),
        "one epoch too late": row(lambda losses, p, best, last: min(best, last - 1)),
        "patience epochs back": row(lambda losses, p, best, last: last - p - 1),
        "patience off by one: too long": lambda weights, losses, p: returned(
            weights, losses, p + 1
        ),
        "patience off by one: too short": lambda weights, losses, p: returned(
            weights, losses, p - 1
        ),
        "wrong weights": lambda weights, losses, p: weights.mean(axis=0),
        "wrong shape": lambda weights, losses, p: weights,
    },
)


DIGITS = load_digits()


def dealt(rng):
    """Three pairs (X, y), for training with wrong labels, validation and test."""
    (X, y), *held_out = split(DIGITS.X, DIGITS.y, (200, 50, 500), rng)
    return (X, flip_labels(y, 0.2, rng)), *held_out


def network(rng):
    return Sequential(Linear(64, 32, rng), ReLU(), Linear(32, 10, rng))


def run(patience, seed, epochs=40):
    """The solution: one training, ended by EarlyStopping."""
    rng = np.random.default_rng(seed)
    (X, y), validation, test = dealt(rng)
    model = network(rng)
    loss = CrossEntropyLoss()
    options = {"epochs": epochs, "batch_size": 20, "rng": rng, "validation": validation}
    rule = EarlyStopping(patience)
    optimizer = SGD(model.parameters(), lr=0.3)
    history = fit(model, loss, optimizer, X, y, early_stopping=rule, **options)
    return {
        "first loss": history.validation_loss[0],
        "epochs": history.epochs,
        "best epoch": history.best_epoch,
        "validation loss": evaluate(model, loss, *validation),
        "test loss": evaluate(model, loss, *test),
        "null loss": np.log(10),
    }


@functools.cache
def curves(seed, lr=0.3):
    """Losses (2, 40) on validation and test digits after each epoch of a training to the end.

    A rule only ends a training, so one training serves all the answers below.
    """
    rng = np.random.default_rng(seed)
    (X, y), *held_out = dealt(rng)
    model = network(rng)
    loss = CrossEntropyLoss()
    optimizer = SGD(model.parameters(), lr)
    losses = []
    for _ in range(40):
        for batch in minibatches(len(X), 20, rng):
            optimizer.zero_grad()
            loss.value(model(X[batch]), y[batch])
            model.backward(loss.backward())
            optimizer.step()
        losses.append([evaluate(model, loss, *pair) for pair in held_out])
    return np.transpose(losses)


def best_epoch(best, last, patience):
    return best


def run_by_hand(patience, seed, epochs=40, *, lr=0.3, restored=best_epoch, held_out="validation"):
    """The rule of exercise 1, on the curves; the weights that come back are those of `restored`."""
    validation, test = curves(seed, lr)
    watched = test if held_out == "test" else validation
    best, last = stop(watched[:epochs], patience, 0)
    back = restored(best, last, patience) - 1
    return {
        "first loss": watched[0],
        "epochs": last,
        "best epoch": best,
        "validation loss": watched[back],
        "test loss": test[back],
        "null loss": 2.302585,
    }


def called_with(change):
    """By hand, with another (patience, seed, epochs)."""

    def answer(patience, seed, epochs=40):
        return run_by_hand(*change(patience, seed, epochs))

    return answer


def handed_in(change):
    """By hand, with another result."""

    def answer(patience, seed, epochs=40):
        return change(run_by_hand(patience, seed, epochs))

    return answer


def read_on(patience, seed, epochs=40):
    return run_by_hand(epochs, seed, epochs, restored=last_epoch)


def last_epoch(best, last, patience):
    return last


def best_after_patience(best, last, patience):
    return best if last - best >= patience else last


UNSEEDED = np.random.default_rng(0)
# Where one epoch shows the slip, one is trained.
FAIR = (
    checks.fair,
    {
        "reference": run,
        "by hand": run_by_hand,
        "seed in a tuple": called_with(lambda p, seed, epochs: (p, (seed, 7), epochs)),
    },
    {
        "not repeatable": lambda p, seed: run(p, UNSEEDED, epochs=1),
        "not paired": lambda p, seed: run(p, [seed, p], epochs=1),
        "seed without effect": called_with(lambda p, seed, epochs: (p, 0, epochs)),
        "patience without effect": called_with(lambda p, seed, epochs: (5, seed, epochs)),
        "patience without effect: no rule": read_on,
        "patience off by one": called_with(lambda p, seed, epochs: (p + 1, seed, epochs)),
        "patience off by one: from 0": handed_in(
            lambda result: result | {"best epoch": result["best epoch"] - 1}
        ),
        "wrong rule": called_with(lambda p, seed, epochs: (2 * p, seed, epochs)),
        "last epoch for best": handed_in(lambda result: result | {"best epoch": result["epochs"]}),
        "too many epochs": handed_in(lambda result: result | {"epochs": 41}),
        "epochs ignored": called_with(lambda p, seed, epochs: (p, seed)),
        "last weights for best": partial(run_by_hand, restored=last_epoch),
        "last weights when the epochs run out": partial(run_by_hand, restored=best_after_patience),
        "test set used to stop": partial(run_by_hand, held_out="test"),
        "not trained": partial(run_by_hand, lr=1e-3),
        "null row wrong": handed_in(lambda result: result | {"null loss": 10}),
        "wrong return": handed_in(lambda result: result["test loss"]),
        "not a number": handed_in(lambda result: result | {"test loss": [1, 2]}),
    },
)

ANSWERS = [RULE, KEEP, FILTERS, HONEST, RETURNED, FAIR]


@cases(ANSWERS)
def test_answer(check, answer, slip):
    assert_said(check, answer, slip, TRAININGS if check is checks.fair else SEEDS)


def test_there_are_enough():
    assert_enough(ANSWERS)
