"""Checks of assignment 08, augmentation."""

import numpy as np

from helpers.checks.exercise import (
    Slip,
    agrees,
    close,
    exercise,
    expect,
    expect_equal,
    metrics,
    numbers,
    parts,
)

WRAPS = "wraps around"
COLUMNS = "columns for rows"
STD = "std for its square"
ONE_SHARE = "one share for all"
WRONG_AXIS = "share along the wrong axis"
TOO_MUCH = "more than a whole"
IGNORED = "rng ignored"
NOT_REPEATABLE = "not repeatable"


@exercise(1, "shift down")
def shift(shift_down, rng):
    """shift_down(images, rows, fill) -> images (N, H, W), the n-th moved down by rows[n]."""
    images = rng.uniform(1, 2, (5, 8, 6))
    fill = rng.uniform(-2, -1)
    rows = rng.permutation([1, 2, 3, 4, 5])
    down = _moved(images, rows, fill)
    _shifted(shift_down(images, rows, fill), down, images, rows, fill)
    _stands_still(shift_down, images, fill)
    single = shift_down(images.astype(np.float32), rows, -1.0)
    dtype = getattr(single, "dtype", None)
    changed = f"The images were float32, yours are {dtype}. See np.full_like."
    expect(dtype == np.float32, "dtype changed", changed)


def _shifted(got, down, images, rows, fill):
    top = np.arange(8)[None, :, None] < rows[:, None, None]
    up = _moved(images[:, ::-1], rows, fill)[:, ::-1]
    left = _right(images[..., ::-1], rows, fill)[..., ::-1]
    alike = _moved(images, rows[0] + 0 * rows, fill)
    old = np.where(top, images, down)
    covered = np.where(top, fill, images)
    seen = f"Image 0 moves by {rows[0]}: its top row must now be row {rows[0]}"
    from_below = "What leaves at the bottom comes in at the top. It must be lost."
    from_above = "What leaves at the top comes in at the bottom, and you move up."
    aside = "Your images move to the side. Which axis of (N, H, W) runs down?"
    own = "All images move alike. Each has its own number in `rows`."
    stand = "The rows at the top still show the old image. What belongs there?"
    repeated = "The first row is repeated at the top. What belongs there?"
    cover = "You cover the top rows, and the rest does not move."
    zeros = f"What comes in is 0; the caller asked for {fill:.2f}."
    slips = [
        (WRAPS, from_below, _each(np.roll, images, rows, axis=0)),
        (WRAPS, from_above, _each(np.roll, images, -rows, axis=0)),
        ("wrong direction", f"Your images move up. {seen}.", up),
        (COLUMNS, aside, _right(images, rows, fill)),
        (COLUMNS, aside, left),
        ("one shift for all", own, alike),
        ("fill forgotten", zeros, _moved(images, rows, 0.0)),
        ("old rows left standing", stand, old),
        ("edge repeated", repeated, _moved(images, rows, None)),
        ("covered, not moved", cover, covered),
        ("not moved", "Your images are the old ones.", images),
    ]
    otherwise = f"{seen}, and all rows above it hold {fill:.2f}."
    expect_equal(got, down, ("wrong shift", otherwise), slips)


def _moved(images, rows, fill):
    """Moved down; where fill is None the first row is repeated."""
    source = np.arange(images.shape[1])[None, :] - rows[:, None]  # (N, H)
    moved = images[np.arange(len(images))[:, None], np.maximum(source, 0)]
    return moved if fill is None else np.where(source[:, :, None] >= 0, moved, fill)


def _right(images, rows, fill):
    return _moved(images.swapaxes(1, 2), rows, fill).swapaxes(1, 2)


def _each(move, images, rows, **options):
    return np.array([move(image, r, **options) for image, r in zip(images, rows, strict=True)])


def _stands_still(shift_down, images, fill):
    rows = np.array([2, 0, 1, 0, 3])
    try:
        got = numbers(shift_down(images, rows, fill))
        right = got.shape == images.shape and close(got, _moved(images, rows, fill))
    except Slip:
        right = False
    ends = "An image with rows[n] = 0 must stay as it is. Which slice ends at -0?"
    expect(right, "zero rows forgotten", ends)


@exercise(2, "mixup")
def mix(mixup, rng):
    """mixup(X, Y, shares, partners) -> (X, Y): shares[n] of n and the rest of partners[n]."""
    X = rng.uniform(0, 1, (6, 6, 6))
    Y = np.eye(6)[rng.permutation(6)]
    uneven = [*rng.uniform(0.6, 0.95, 3), *rng.uniform(0.05, 0.4, 3)]  # rounding changes them
    shares = rng.permutation(uneven)
    partners = np.roll(np.arange(6), 2)
    images, labels = parts(mixup(X, Y, shares, partners), 2, "(mixed X, mixed Y)")
    first = shares[0]
    rest = f"the other {1 - first:.2f} belong to its partner, number {partners[0]}."
    otherwise = f"Example 0 keeps a share of {first:.2f}; {rest}"
    slips = _mix_slips("images", X, shares, partners)
    expect_equal(images, _mixed(X, shares, partners), ("wrong images", otherwise), slips)
    mixed = _mixed(Y, shares, partners)
    hard = "The larger share takes the whole label. Keep both parts."
    slips = _mix_slips("labels", Y, shares, partners)
    slips = [("hard labels", hard, np.round(mixed)), *slips]
    expect_equal(labels, mixed, ("wrong labels", otherwise), slips)


def _mixed(values, shares, partners):
    shares = shares.reshape(-1, *[1] * (values.ndim - 1))
    return shares * values + (1 - shares) * values[partners]


def _mix_slips(name, values, s, partners):
    own = s.reshape(-1, *[1] * (values.ndim - 1))
    along = s if values.ndim == 2 else s[:, None]  # broadcasts too, but along the wrong axis
    other = values[partners]
    first = _mixed(values, 0 * s + s[0], partners)
    average = _mixed(values, 0 * s + s.mean(), partners)
    turned = _mixed(values, s, np.argsort(partners))
    reverse = _mixed(values, s, np.arange(6)[::-1])
    two = "Both belong to two examples now."
    one = f"All {name} are mixed with one share. Each example has its own."
    whole = f"The parts of your {name} add up to more than a whole."
    axis = f"Your {name} take the shares along the wrong axis. How do (N,) and (N, H, W) line up?"
    exchanged = f"In your {name} the partner has the share, the example the rest."
    mean = f"Your {name} are the mean of two. The shares say how much of each."
    partner = f"In your {name} n is the partner of its partner. Which row does partners[n] name?"
    ignored = f"Your {name} have another partner than `partners` says."
    fade = f"Your {name} lack the partner's part: they only fade."
    return [
        (f"{name} not mixed", f"Your {name} are the old ones. {two}", values),
        (f"{name} not mixed", f"Your {name} are the partner's alone. {two}", other),
        (f"shares exchanged in the {name}", exchanged, _mixed(values, 1 - s, partners)),
        (WRONG_AXIS, axis, along * values + (1 - along) * other),
        (WRONG_AXIS, axis, s * values + (1 - s) * other),
        (ONE_SHARE, one, first),
        (ONE_SHARE, one, average),
        ("half and half", mean, (values + other) / 2),
        ("partners turned round", partner, turned),
        ("partners ignored", ignored, reverse),
        (TOO_MUCH, whole, values + (1 - own) * other),
        (TOO_MUCH, whole, own * values + other),
        ("partner forgotten", fade, own * values),
    ]


@exercise(3, "the penalty that noise adds")
def penalty(noise_penalty, rng):
    """noise_penalty(w, std) -> (value, gradient, lam): std^2 ||w||^2 is lam/2 ||w||^2."""
    w = rng.uniform(0.5, 2, 7) * rng.choice([-1, 1], 7)
    std = rng.uniform(0.2, 0.6)
    value, gradient, lam = parts(noise_penalty(w, std), 3, "(value, gradient, lam)")
    _value(value, w, std)
    _gradient(gradient, w, std)
    half = "Put it into lam/2 ||w||^2: that is half of your value."
    quarter = "Put it into lam/2 ||w||^2: that is a quarter of your value."
    variance = "lam grows with the variance of the noise."
    slips = [
        ("half of lam forgotten", half, std**2),
        ("half taken twice", quarter, std**2 / 2),
        (STD, variance, std),
        (STD, variance, 2 * std),
    ]
    otherwise = "Which lam makes lam/2 ||w||^2 equal to your value?"
    expect_equal(lam, 2 * std**2, ("wrong lam", otherwise), slips)


def _value(value, w, std):
    square = w @ w
    root = np.sqrt(square)
    right = std**2 * square
    noise = "Twice the noise makes it four times as large, yours two times."
    doubled = "Doubling w must make it four times as large."
    spread = "That is the spread of the output. The error is a square."
    middle = "That is twice the right one. Expand the square: what is the mean of the middle term?"
    halved = "The half belongs to lam/2, not to the value."
    each = "Each input adds its own noise. The parts add up."
    sizes = "You add up absolute values. The noise comes in squared."
    summed = "The noises of two inputs are independent."
    slips = [
        (STD, noise, std * square),
        ("norm for its square", doubled, std**2 * root),
        ("standard deviation for variance", spread, std * root),
        ("factor 2", middle, 2 * right),
        ("half too much", halved, right / 2),
        ("mean for the sum", each, right / w.size),
        ("L1 for L2", sizes, std**2 * np.abs(w).sum()),
        ("weights summed before the square", summed, std**2 * w.sum() ** 2),
    ]
    otherwise = "One output is y + std e·w. What are the mean and the variance of e·w?"
    expect_equal(value, right, ("wrong penalty", otherwise), slips)


def _gradient(gradient, w, std):
    right = 2 * std**2 * w
    half = "That is half the slope of your value. What does a square bring?"
    held = "The value holds the square of std; so must its slope."
    alike = "All weights are pulled alike. Here a larger weight is pulled more."
    slips = [
        ("factor 2 forgotten", half, std**2 * w),
        ("factor 2 twice", "That is twice the slope of your value.", 2 * right),
        (STD, held, 2 * std * w),
        ("wrong sign", "Uphill is away from zero.", -right),
        ("gradient of the mean", "Too small by the number of weights.", right / w.size),
        ("gradient of L1", alike, 2 * std**2 * np.sign(w)),
    ]
    otherwise = "Differentiate your value by one weight; the answer has the shape of w."
    expect_equal(gradient, right, ("wrong gradient", otherwise), slips)


@exercise(4, "find the bug: workers that draw the same")
def workers(worker_moves, rng):
    """worker_moves(workers, draws, rng) -> (workers, draws): -1, 0 or 1, new in each epoch."""
    epochs = [numbers(worker_moves(6, 200, rng)) for _ in range(2)]
    shape = epochs[0].shape
    expect(shape == (6, 200), "wrong shape", f"The answer has shape {shape}, expected (6, 200).")
    again = [numbers(worker_moves(6, 200, np.random.default_rng(seed))) for seed in (0, 0, 1)]
    expect(np.isin(epochs, (-1, 0, 1)).all(), "not a move", "A move is -1, 0 or 1.")
    _differ(epochs[0])
    two = "Two generators give the same moves. Start from rng."
    expect(not np.array_equal(again[0], again[2]), IGNORED, two)
    one = "The same seed gives two results. Start from rng."
    expect(np.array_equal(again[0], again[1]), NOT_REPEATABLE, one)
    first, second = ({row.tobytes() for row in epoch} for epoch in epochs)
    parent = (
        "A second call with the same rng repeats moves. How does the parent's generator move on?"
    )
    expect(first.isdisjoint(second), "the same in every epoch", parent)
    _even(epochs)


def _differ(moves):
    constant = all((row == row[0]).all() for row in moves)
    again = "A worker makes one move again and again. Draw `draws` of them."
    expect(not constant, "one draw for all steps", again)
    different = len({row.tobytes() for row in moves})
    copied = "All workers make the same moves. What is copied?"
    expect(different > 1, "one stream for all workers", copied)
    alike = "Two of six workers make the same 200 moves."
    expect(different == 6, "two workers alike", alike)


def _even(epochs):
    values, counts = np.unique(np.array(epochs), return_counts=True)
    only = f"Only {values.astype(int).tolist()} occur. Does `integers` reach its second number?"
    expect(len(values) == 3, "upper end excluded", only)
    likely = f"-1, 0 and 1 must be equally likely; yours come {counts.tolist()} times."
    expect(np.abs(counts / 2400 - 1 / 3).max() < 0.08, "uneven moves", likely)


PICTURES = 60
TESTED = 15


@exercise(5, "find the bug: copies first, split later")
def honest_split(split_copies, rng):
    """split_copies(n, copies, test, rng) -> (train, test): the picture that each row shows."""
    copies = int(rng.integers(3, 6))
    train, test = _split(split_copies, copies, rng)
    tested = len(np.unique(test))
    shared = len(np.intersect1d(train, test))
    both = f"{shared} of {PICTURES} pictures are in both parts. What comes first?"
    expect(not shared, "copies in train and test", both)
    pictures = f"The test set has {tested} pictures, expected {TESTED}."
    expect(tested != PICTURES - TESTED, "train and test exchanged", pictures)
    each = np.bincount(np.append(train, test).astype(int), minlength=PICTURES)
    _complete(each, copies, tested, pictures)
    zero, one = (
        np.unique(_split(split_copies, copies, np.random.default_rng(seed))[1]) for seed in (0, 1)
    )
    two = "Two generators give the same test pictures. Shuffle with rng."
    expect(not np.array_equal(zero, one), IGNORED, two)


def _complete(each, copies, tested, pictures):
    """Does each picture come with all its copies, and are there TESTED in the test set?"""
    lost = f"{np.sum(each == 0)} of {len(each)} pictures are in neither part."
    expect(each.min() > 0, "pictures lost", lost)
    expect(tested == TESTED, "wrong number of test pictures", pictures)
    uneven = f"Some pictures have more copies than others; each has {copies}."
    expect((each == each[0]).all(), "copies uneven", uneven)
    single = f"Each picture comes once. Make {copies} of it, after the split."
    expect(each[0] > 1, "copies forgotten", single)
    times = f"Each picture comes {each[0]} times, expected {copies}."
    expect(each[0] == copies, "wrong number of copies", times)


def _split(split_copies, copies, rng):
    """The rows of both parts, and a Slip unless they name pictures."""
    answer = parts(split_copies(PICTURES, copies, TESTED, rng), 2, "(train, test)")
    train, test = (numbers(part) for part in answer)
    expect(train.ndim == test.ndim == 1, "wrong shape", "Both parts are one row of numbers each.")
    both = np.append(train, test)
    named = (
        f"There are pictures 0 to {PICTURES - 1}, but you name {both.max():g}. Whose copy is it?"
    )
    expect(np.isin(both, np.arange(PICTURES)).all(), "rows for pictures", named)
    return train, test


METRICS = ("start loss", "start loss, moved", "end loss", "as scanned (%)", "moved (%)")
SCANNED, MOVED = METRICS[3:]


@exercise(6, "a fair experiment")
def fair(run, rng):
    """run(strength, seed) -> a dict of METRICS: one training on digits shifted in each epoch."""
    seed = int(rng.integers(1000))
    still, again, shifted = (metrics(METRICS, run(strength, seed)) for strength in (0, 0, 1))
    other, more = (metrics(METRICS, run(strength, seed + 1)) for strength in (0, 1))
    two = "run(0, seed) gave two results. Where does its rng start?"
    expect(agrees(still, again), NOT_REPEATABLE, two)
    start = "The start loss depends on the strength: first weights, split and test digits must not."
    expect(agrees(still, shifted, "start loss"), "not paired", start)
    alike = "The moved test digits depend on the strength. They always move by one pixel at most."
    same = agrees(still, shifted, "start loss, moved")
    expect(same, "test moved with the strength", alike)
    same = agrees(still, other, "start loss")
    expect(not same, "seed without effect", "Two seeds have the same start loss.")
    same = abs(still["start loss"] - still["start loss, moved"]) <= 1e-9
    equal = "Both start losses are equal. Were the test digits moved?"
    expect(not same, "moved test stands still", equal)
    unseen = "Strength 1 trains like 0. Does the training see the shifted digits?"
    expect(not agrees(still, shifted, "end loss"), "strength without effect", unseen)
    _honest(still, (shifted[MOVED] + more[MOVED]) / 2)


def _honest(still, learned):
    scanned = still[SCANNED]
    moved = still[MOVED]
    highest = max(scanned, moved)
    expect(highest > 1, "share for percent", "The accuracies lie below 1. Multiply by 100.")
    low = f"Without shifts the network reads {scanned:.0f} % at the end. Count the steps."
    expect(highest > 75, "not trained", low)
    better = "Trained without shifts, your network reads moved digits better. Which is which?"
    expect(moved < scanned, "the two tests exchanged", better)
    perfect = "100 % on new digits? Check which digits were scored."
    expect(scanned < 99.9, "tested on the training set", perfect)
    once = f"Trained with shifts, it reads {learned:.0f} % of moved digits. It could read more."
    expect(learned > 72, "shifted once", f"{once} How often are the shifts drawn?")
