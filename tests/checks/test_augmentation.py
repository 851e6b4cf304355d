"""Assignment 08: right and wrong answers to each exercise."""

import functools
from copy import deepcopy

import numpy as np

from helpers import augmentation
from helpers.checks import augmentation as checks
from helpers.core import Sequential
from helpers.data import load_digits, minibatches, split
from helpers.layers import Flatten, Linear, ReLU
from helpers.losses import CrossEntropyLoss
from helpers.optimizers import SGD
from helpers.training import accuracy, evaluate
from tests.checks.support.answers import SEEDS, assert_enough, assert_said, cases

TRAININGS = range(3)  # seeds for the answers that train


def shift_down(images, rows, fill):
    shifted = np.full_like(images, fill)
    for image, old, r in zip(shifted, images, rows, strict=True):
        image[r:] = old[: len(old) - r]
    return shifted


def shift_pad(images, rows, fill):
    height = images.shape[1]
    framed = [
        np.pad(x, ((r, 0), (0, 0)), constant_values=fill)[:height]
        for x, r in zip(images, rows, strict=True)
    ]
    return np.array(framed)


def shift_look_up(images, rows, fill):
    moved = np.empty_like(images)
    for n, h, w in np.ndindex(images.shape):
        moved[n, h, w] = images[n, h - rows[n], w] if h >= rows[n] else fill
    return moved


def each(change):
    """The answer that makes one image after the other: change(image, r, fill)."""
    return lambda images, rows, fill: np.array(
        [change(x.copy(), r, fill) for x, r in zip(images, rows, strict=True)], images.dtype
    )


def rolled_then_filled(image, r, fill, axis=0, sign=1):
    image = np.roll(image, sign * r, axis=axis)
    rows = image if axis == 0 else image.T
    rows[(slice(0, r) if sign == 1 else slice(len(rows) - r, None))] = fill
    return image


def old_left(image, r, fill):
    image[r:] = image[: len(image) - r].copy()
    return image


def covered(image, r, fill):
    image[:r] = fill
    return image


def slice_to_minus_zero(image, r, fill):
    shifted = np.full_like(image, fill)
    shifted[r:] = image[:-r]
    return shifted


def in_place(images, rows, fill):
    images[:] = shift_down(images, rows, fill)
    return images


SHIFT = (
    checks.shift,
    {
        "reference": shift_down,
        "pad": shift_pad,
        "look up": shift_look_up,
        "rolled": each(rolled_then_filled),
        "concatenate": each(
            lambda x, r, fill: np.concatenate([np.full((r, x.shape[1]), fill), x[: len(x) - r]])
        ),
    },
    {
        "wraps around": each(lambda x, r, fill: np.roll(x, r, axis=0)),
        "wraps around: upwards": each(lambda x, r, fill: np.roll(x, -r, axis=0)),
        "wrong direction": each(lambda x, r, fill: rolled_then_filled(x, r, fill, sign=-1)),
        "columns for rows": each(lambda x, r, fill: rolled_then_filled(x, r, fill, axis=1)),
        "columns for rows: to the left": each(
            lambda x, r, fill: rolled_then_filled(x, r, fill, axis=1, sign=-1)
        ),
        "one shift for all": lambda images, rows, fill: shift_down(
            images, np.full_like(rows, rows[0]), fill
        ),
        "fill forgotten": lambda images, rows, fill: shift_down(images, rows, 0),
        "old rows left standing": each(old_left),
        "edge repeated": each(
            lambda x, r, fill: np.pad(x, ((r, 0), (0, 0)), mode="edge")[: len(x)]
        ),
        "covered, not moved": each(covered),
        "not moved": lambda images, rows, fill: images,
        "wrong shift": lambda images, rows, fill: shift_down(images, rows + 1, fill),
        "zero rows forgotten": each(slice_to_minus_zero),
        "dtype changed": lambda images, rows, fill: shift_down(images.astype(float), rows, fill),
        "input changed": in_place,
        "wrong shape": lambda images, rows, fill: np.pad(
            images, ((0, 0), (7, 0), (0, 0)), constant_values=fill
        ),
    },
)


def mixup(X, Y, shares, partners):
    images = shares[:, None, None]
    labels = shares[:, None]
    return images * X + (1 - images) * X[partners], labels * Y + (1 - labels) * Y[partners]


def mixup_loop(X, Y, shares, partners):
    pairs = list(zip(shares, range(len(X)), partners, strict=True))
    return tuple(np.array([s * V[n] + (1 - s) * V[m] for s, n, m in pairs]) for V in (X, Y))


def mixup_einsum(X, Y, shares, partners):
    return tuple(V[partners] + np.einsum("n,n...->n...", shares, V - V[partners]) for V in (X, Y))


def mixup_matrix(X, Y, shares, partners):
    M = np.diag(shares) + np.diag(1 - shares) @ np.eye(len(X))[partners]
    return (M @ X.reshape(len(X), -1)).reshape(X.shape), M @ Y


def as_given(shares, partners):
    return shares, partners


def mixed(of_images=as_given, of_labels=as_given):
    """The reference with other (shares, partners) for the images or the labels."""

    def answer(X, Y, shares, partners):
        images, _ = mixup(X, Y, *of_images(shares, partners))
        _, labels = mixup(X, Y, *of_labels(shares, partners))
        return images, labels

    return answer


def exchanged(s, p):
    return 1 - s, p


def constant(s, p):
    return np.full_like(s, s[0]), p


def without_axes(X, Y, s, p):
    return s * X + (1 - s) * X[p], s * Y + (1 - s) * Y[p]


MIX = (
    checks.mix,
    {"reference": mixup, "loop": mixup_loop, "einsum": mixup_einsum, "matrix": mixup_matrix},
    {
        "labels not mixed": lambda X, Y, s, p: (mixup(X, Y, s, p)[0], Y),
        "labels not mixed: the partner's alone": lambda X, Y, s, p: (mixup(X, Y, s, p)[0], Y[p]),
        "images not mixed": lambda X, Y, s, p: (X, mixup(X, Y, s, p)[1]),
        "images not mixed: mixed with itself": mixed(lambda s, p: (s, np.arange(len(s)))),
        "hard labels": lambda X, Y, s, p: (mixup(X, Y, s, p)[0], np.round(mixup(X, Y, s, p)[1])),
        "shares exchanged in the images": mixed(exchanged, exchanged),
        "shares exchanged in the labels": mixed(as_given, exchanged),
        "one share for all": mixed(constant, constant),
        "one share for all: in the labels": mixed(as_given, constant),
        "one share for all: their mean": mixed(lambda s, p: (np.full_like(s, s.mean()), p)),
        "share along the wrong axis": without_axes,
        "share along the wrong axis: of one": lambda X, Y, s, p: (
            without_axes(X, Y, s[:, None], p)[0],
            Y,
        ),
        "share along the wrong axis: labels": lambda X, Y, s, p: (
            mixup(X, Y, s, p)[0],
            without_axes(X, Y, s, p)[1],
        ),
        "half and half": mixed(lambda s, p: (np.full_like(s, 0.5), p)),
        "partners turned round": mixed(lambda s, p: (s, np.argsort(p))),
        "partners ignored": mixed(as_given, lambda s, p: (s, np.arange(len(s))[::-1])),
        "more than a whole": lambda X, Y, s, p: (X + (1 - s[:, None, None]) * X[p], Y),
        "partner forgotten": lambda X, Y, s, p: (s[:, None, None] * X, Y),
        "wrong images": lambda X, Y, s, p: (X**2, Y),
        "wrong labels": lambda X, Y, s, p: (mixup(X, Y, s, p)[0], 0 * Y),
        "wrong return": lambda X, Y, s, p: mixup(X, Y, s, p)[0],
    },
)


def penalty(w, std):
    return std**2 * np.sum(w**2), 2 * std**2 * w, 2 * std**2


def penalty_loop(w, std):
    value = 0.0
    gradient = []
    for weight in w:
        value += float(weight * std) ** 2
        gradient.append(2 * std * std * float(weight))
    return value, gradient, 2 * std**2


def penalty_from_lam(w, std):
    lam = 2 * std**2
    return lam / 2 * np.linalg.norm(w) ** 2, lam * w, lam


def penalty_covariance(w, std):
    covariance = std**2 * np.eye(len(w))
    return w @ covariance @ w, (covariance + covariance.T) @ w, 2 * covariance[0, 0]


def but(place, change):
    """The reference with one of its three results changed: change(w, std)."""
    return lambda w, std: tuple(
        change(w, std) if n == place else part for n, part in enumerate(penalty(w, std))
    )


PENALTY = (
    checks.penalty,
    {
        "reference": penalty,
        "loop": penalty_loop,
        "from lam": penalty_from_lam,
        "covariance": penalty_covariance,
    },
    {
        "std for its square": but(0, lambda w, std: std * w @ w),
        "std for its square: in the gradient": but(1, lambda w, std: 2 * std * w),
        "std for its square: in lam": but(2, lambda w, std: 2 * std),
        "std for its square: std for lam": but(2, lambda w, std: std),
        "norm for its square": but(0, lambda w, std: std**2 * np.linalg.norm(w)),
        "standard deviation for variance": but(0, lambda w, std: std * np.linalg.norm(w)),
        "factor 2": but(0, lambda w, std: 2 * std**2 * w @ w),
        "half too much": but(0, lambda w, std: std**2 * w @ w / 2),
        "mean for the sum": but(0, lambda w, std: std**2 * np.mean(w**2)),
        "L1 for L2": but(0, lambda w, std: std**2 * np.abs(w).sum()),
        "weights summed before the square": but(0, lambda w, std: (std * w.sum()) ** 2),
        "wrong penalty": but(0, lambda w, std: 0.0),
        "factor 2 forgotten": but(1, lambda w, std: std**2 * w),
        "factor 2 twice": but(1, lambda w, std: 4 * std**2 * w),
        "wrong sign": but(1, lambda w, std: -2 * std**2 * w),
        "gradient of the mean": but(1, lambda w, std: 2 * std**2 * w / len(w)),
        "gradient of L1": but(1, lambda w, std: 2 * std**2 * np.sign(w)),
        "wrong gradient": but(1, lambda w, std: w),
        "half of lam forgotten": but(2, lambda w, std: std**2),
        "half taken twice": but(2, lambda w, std: std**2 / 2),
        "wrong lam": but(2, lambda w, std: 1.0),
        "wrong return": lambda w, std: penalty(w, std)[0],
    },
)


def spawned(workers, draws, rng):
    return np.array([child.integers(-1, 2, draws) for child in rng.spawn(workers)])


def seeded(workers, draws, rng):
    return [
        np.random.default_rng(seed).choice([-1, 0, 1], draws)
        for seed in rng.integers(2**60, size=workers)
    ]


def moves_loop(workers, draws, rng):
    return [[int(3 * rng.random()) - 1 for _ in range(draws)] for _ in range(workers)]


def copied(workers, draws, rng):
    return np.array([deepcopy(rng).integers(-1, 2, draws) for _ in range(workers)])


def copied_and_back(workers, draws, rng):
    return spawned(workers, draws, np.random.default_rng(deepcopy(rng).integers(2**60)))


WORKERS = (
    checks.workers,
    {
        "reference": spawned,
        "seeds drawn": seeded,
        "at once": lambda workers, draws, rng: rng.integers(-1, 2, (workers, draws)),
        "loop": moves_loop,
    },
    {
        "one stream for all workers": copied,
        "one stream for all workers: repeated": lambda w, d, rng: np.tile(
            rng.integers(-1, 2, d), (w, 1)
        ),
        "two workers alike": lambda w, d, rng: spawned(w, d, rng)[[0, 1, 2, 3, 4, 4]],
        "the same in every epoch": copied_and_back,
        "rng ignored": lambda w, d, rng: [
            np.random.default_rng(i).integers(-1, 2, d) for i in range(w)
        ],
        "not repeatable": lambda w, d, rng: spawned(w, d, np.random.default_rng()),
        "one draw for all steps": lambda w, d, rng: rng.integers(-1, 2, (w, 1)).repeat(d, axis=1),
        "upper end excluded": lambda w, d, rng: rng.integers(-1, 1, (w, d)),
        "not a move": lambda w, d, rng: rng.uniform(-1, 1, (w, d)),
        "uneven moves": lambda w, d, rng: rng.choice([-1, 0, 0, 1], (w, d)),
        "wrong shape": lambda w, d, rng: spawned(w, d, rng).T,
    },
)


def split_first(n, copies, test, rng):
    order = rng.permutation(n)
    return np.repeat(order[test:], copies), np.repeat(order[:test], copies)


def split_by_mask(n, copies, test, rng):
    held = np.isin(np.arange(n), rng.choice(n, test, replace=False))
    rows = np.tile(np.arange(n), copies)
    return rng.permutation(rows[~held[rows]]), rng.permutation(rows[held[rows]])


def split_loop(n, copies, test, rng):
    order = list(range(n))
    rng.shuffle(order)
    return [p for p in order[:-test] for _ in range(copies)], [
        p for p in order[-test:] for _ in range(copies)
    ]


def copies_first(n, copies, test, rng):
    rows = rng.permutation(np.repeat(np.arange(n), copies))
    return rows[test * copies :], rows[: test * copies]


def with_replacement(n, copies, test, rng):
    train, held = split_first(n, 1, test, rng)
    rows = [np.append(part, rng.choice(part, (copies - 1) * len(part))) for part in (train, held)]
    return tuple(rows)


SPLIT = (
    checks.honest_split,
    {"reference": split_first, "mask": split_by_mask, "loop": split_loop},
    {
        "copies in train and test": copies_first,
        "train and test exchanged": lambda n, c, t, rng: split_first(n, c, t, rng)[::-1],
        "pictures lost": lambda n, c, t, rng: (
            split_first(n, c, t, rng)[0][c:],
            split_first(n, c, t, rng)[1][:0],
        ),
        "pictures lost: most of them": lambda n, c, t, rng: split_first(n // 2, c, t, rng),
        "wrong number of test pictures": lambda n, c, t, rng: split_first(n, c, t // c, rng),
        "copies uneven": with_replacement,
        "copies uneven: none in the test": lambda n, c, t, rng: (lambda a, b: (a, b[::c]))(
            *split_first(n, c, t, rng)
        ),
        "copies forgotten": lambda n, c, t, rng: split_first(n, 1, t, rng),
        "wrong number of copies": lambda n, c, t, rng: split_first(n, c + 1, t, rng),
        "rng ignored": lambda n, c, t, rng: split_first(n, c, t, np.random.default_rng(0)),
        "rng ignored: the first pictures": lambda n, c, t, rng: (
            np.repeat(np.arange(t, n), c),
            np.repeat(np.arange(t), c),
        ),
        "rows for pictures": lambda n, c, t, rng: (np.arange(t * c, n * c), np.arange(t * c)),
        "wrong shape": lambda n, c, t, rng: tuple(
            part[:, None] for part in split_first(n, c, t, rng)
        ),
        "wrong return": lambda n, c, t, rng: split_first(n, c, t, rng)[0],
    },
)


DIGITS = load_digits()
IMAGES = DIGITS.X.reshape(-1, 8, 8)
SCANNED, MOVED = checks.METRICS[3:]


def train(strength, rng, draws, *, reach=1, epochs=60, redrawn=True):
    """One training: its five numbers, and its accuracy on the training digits."""
    (X, y), (X_test, y_test) = split(IMAGES, DIGITS.y, (200, 700), rng)
    moved = augmentation.shift(X_test, reach, rng.spawn(1)[0])
    model = Sequential(Flatten(), Linear(64, 64, rng), ReLU(), Linear(64, 10, rng))
    loss = CrossEntropyLoss()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    starts = [evaluate(model, loss, test, y_test) for test in (X_test, moved)]
    seen = augmentation.shift(X, strength, draws)
    for epoch in range(epochs):
        if redrawn and epoch:
            seen = augmentation.shift(X, strength, draws)
        for batch in minibatches(len(X), 50, rng):
            optimizer.zero_grad()
            loss.value(model(seen[batch]), y[batch])
            model.backward(loss.backward())
            optimizer.step()
    end = evaluate(model, loss, X_test, y_test)
    accuracies = [100 * accuracy(model, test, y_test) for test in (X_test, moved)]
    result = dict(zip(checks.METRICS, [*starts, end, *accuracies], strict=True))
    return result, 100 * accuracy(model, X, y)


@functools.cache
def trained(strength, seed, **others):
    """An answer that changes only the arguments or the numbers needs no training of its own."""
    rng = np.random.default_rng(seed)
    return train(strength, rng, rng.spawn(1)[0], **others)


def run(strength, seed, **others):
    return trained(strength, seed, **others)[0]


def run_two_seeds(strength, seed):
    return train(strength, np.random.default_rng(seed), np.random.default_rng([seed, 1]))[0]


def run_one_generator(strength, seed):
    rng = np.random.default_rng(seed)
    return train(strength, rng, rng)[0]


def run_unseeded(strength, seed):
    return train(strength, UNSEEDED, UNSEEDED, epochs=1)[0]


def run_leaked(strength, seed):
    result, on_train = trained(strength, seed)
    return result | {SCANNED: on_train}


def run_shifted_once(strength, seed):
    return run(strength, seed, redrawn=False) if strength else run(strength, seed)


def handed_in(change):
    """The reference with another result."""
    return lambda strength, seed: change(run(strength, seed))


UNSEEDED = np.random.default_rng(0)

# Where one epoch shows the slip, one is trained.
FAIR = (
    checks.fair,
    {"reference": run, "two seeds": run_two_seeds, "one generator": run_one_generator},
    {
        "not repeatable": run_unseeded,
        "not paired": lambda strength, seed: run(strength, seed + 1000 * strength, epochs=1),
        "test moved with the strength": lambda strength, seed: run(
            strength, seed, reach=strength, epochs=1
        ),
        "seed without effect": lambda strength, seed: run(strength, 0, epochs=1),
        "moved test stands still": lambda strength, seed: run(strength, seed, reach=0, epochs=1),
        "strength without effect": lambda strength, seed: run(0, seed),
        "share for percent": handed_in(lambda r: r | {n: r[n] / 100 for n in (SCANNED, MOVED)}),
        "not trained": lambda strength, seed: run(strength, seed, epochs=1),
        "the two tests exchanged": handed_in(lambda r: r | {SCANNED: r[MOVED], MOVED: r[SCANNED]}),
        "tested on the training set": run_leaked,
        "shifted once": run_shifted_once,
        "wrong return": handed_in(lambda r: r[SCANNED]),
        "not a number": handed_in(lambda r: r | {"start loss": [1, 2]}),
    },
)

ANSWERS = [SHIFT, MIX, PENALTY, WORKERS, SPLIT, FAIR]


@cases(ANSWERS)
def test_answer(check, answer, slip):
    assert_said(check, answer, slip, TRAININGS if check is checks.fair else SEEDS)


def test_there_are_enough():
    assert_enough(ANSWERS)
