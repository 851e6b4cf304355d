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


@exercise(1, "shift down")
def shift(shift_down, rng):
    """shift_down(images, rows, fill) -> images (N, H, W), the n-th moved down by rows[n], `fill` where it came from."""
    images, fill = rng.uniform(1, 2, (5, 8, 6)), rng.uniform(-2, -1)
    rows = rng.permutation([1, 2, 3, 4, 5])
    down, top = _moved(images, rows, fill), np.arange(8)[None, :, None] < rows[:, None, None]
    mirrored, aside = (
        images[..., ::-1],
        "Your images move to the side. Which axis of (N, H, W) runs down?",
    )
    rolled = [_each(np.roll, images, sign * rows, axis=0) for sign in (1, -1)]
    seen = f"Image 0 moves by {rows[0]}: its top row must now be row {rows[0]}"
    expect_equal(
        shift_down(images, rows, fill),
        down,
        ("wrong shift", f"{seen}, and all rows above it hold {fill:.2f}."),
        [
            (
                "wraps around",
                "What leaves at the bottom comes in at the top. It must be lost.",
                rolled[0],
            ),
            (
                "wraps around",
                "What leaves at the top comes in at the bottom, and the way is up.",
                rolled[1],
            ),
            (
                "wrong direction",
                f"Your images move up. {seen}.",
                _moved(images[:, ::-1], rows, fill)[:, ::-1],
            ),
            ("columns for rows", aside, _right(images, rows, fill)),
            ("columns for rows", aside, _right(mirrored, rows, fill)[..., ::-1]),
            (
                "one shift for all",
                "All images move alike. Each has its own number in `rows`.",
                _moved(images, rows[0] + 0 * rows, fill),
            ),
            (
                "fill forgotten",
                f"What comes in is 0, the caller asked for {fill:.2f}.",
                _moved(images, rows, 0.0),
            ),
            (
                "old rows left standing",
                "The rows at the top still show the old image. What belongs there?",
                np.where(top, images, down),
            ),
            (
                "edge repeated",
                "The first row is repeated at the top. What belongs there?",
                _moved(images, rows, None),
            ),
            (
                "covered, not moved",
                "The top rows are covered, and the rest stands where it was.",
                np.where(top, fill, images),
            ),
            ("not moved", "Your images are the old ones.", images),
        ],
    )
    _stands_still(shift_down, images, fill)
    single = shift_down(images.astype(np.float32), rows, -1.0)
    dtype = getattr(single, "dtype", None)
    expect(
        dtype == np.float32,
        "dtype changed",
        f"The images were float32, yours are {dtype}. See np.full_like.",
    )


def _moved(images, rows, fill):
    """Moved down; the first row again and again where fill is None."""
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
    expect(
        right,
        "zero rows forgotten",
        "An image with rows[n] = 0 must stay as it is. Which slice ends at -0?",
    )


@exercise(2, "mixup")
def mix(mixup, rng):
    """mixup(X, Y, shares, partners) -> (mixed X, mixed Y): shares[n] of n and the rest of partners[n], in both."""
    X, labels = rng.uniform(0, 1, (6, 6, 6)), rng.permutation([0, 1, 2, 3, 4, 5])
    large = np.append(
        rng.uniform(0.6, 0.95, 3), rng.uniform(0.05, 0.4, 3)
    )  # else rounding would change nothing
    shares, partners = rng.permutation(large), np.roll(np.arange(6), 2)
    got = parts(mixup(X, np.eye(6)[labels], shares, partners), 2, "(mixed X, mixed Y)")
    Y, s = np.eye(6)[labels], shares[0]
    what = f"Example 0 keeps a share of {s:.2f}; the other {1 - s:.2f} belong to its partner, number {partners[0]}."
    mixed = [_mixed(values, shares, partners) for values in (X, Y)]
    for name, values, right, answer in zip(("images", "labels"), (X, Y), mixed, got, strict=True):
        expect_equal(
            answer, right, (f"wrong {name}", what), _mix_slips(name, values, shares, partners)
        )


def _mixed(values, shares, partners):
    shares = shares.reshape(-1, *[1] * (values.ndim - 1))
    return shares * values + (1 - shares) * values[partners]


def _mix_slips(name, values, s, partners):
    along = s if values.ndim == 2 else s[:, None]  # broadcasts as well, along the wrong axis
    other, own = values[partners], s.reshape(-1, *[1] * (values.ndim - 1))
    one, whole = (
        f"All {name} are mixed with one share. Each example has its own.",
        f"Parts of your {name} exceed a whole.",
    )
    wrong_axis = (
        f"Your {name} take the shares along the wrong axis. How do (N,) and (N, H, W) line up?"
    )
    unmixed = f"{name} not mixed"
    hard = (
        "hard labels",
        "The larger share takes the whole label. Keep both parts.",
        np.round(_mixed(values, s, partners)),
    )
    return ([hard] if name == "labels" else []) + [
        (unmixed, f"Your {name} are those of before. Both belong to two examples now.", values),
        (unmixed, f"Your {name} are the partner's alone. Both belong to two examples now.", other),
        (
            f"shares exchanged in the {name}",
            f"In your {name} the partner has the share, the example the rest.",
            _mixed(values, 1 - s, partners),
        ),
        ("share along the wrong axis", wrong_axis, along * values + (1 - along) * other),
        ("share along the wrong axis", wrong_axis, s * values + (1 - s) * other),
        ("one share for all", one, _mixed(values, 0 * s + s[0], partners)),
        ("one share for all", one, _mixed(values, 0 * s + s.mean(), partners)),
        (
            "half and half",
            f"Your {name} are the mean of two. The shares say how much of each.",
            (values + other) / 2,
        ),
        (
            "partners turned round",
            f"In your {name} n is the partner of its partner. Which row does partners[n] name?",
            _mixed(values, s, np.argsort(partners)),
        ),
        (
            "partners ignored",
            f"Your {name} have another partner than `partners` says.",
            _mixed(values, s, np.arange(6)[::-1]),
        ),
        ("more than a whole", whole, values + (1 - own) * other),
        ("more than a whole", whole, own * values + other),
        (
            "partner forgotten",
            f"Your {name} lack the partner's part: they only fade.",
            own * values,
        ),
    ]


@exercise(3, "the penalty that noise adds")
def penalty(noise_penalty, rng):
    """noise_penalty(w, std) -> (value, gradient, lam): std^2 ||w||^2, its slope, and lam of lam/2 ||w||^2."""
    w, std = rng.uniform(0.5, 2, 7) * rng.choice([-1, 1], 7), rng.uniform(0.2, 0.6)
    value, gradient, lam = parts(noise_penalty(w, std), 3, "(value, gradient, lam)")
    square, root = w @ w, np.sqrt(w @ w)
    hint = "One output is y + std e·w. What are the mean and the variance of e·w?"
    expect_equal(
        value,
        std**2 * square,
        ("wrong penalty", hint),
        [
            (
                "std for its square",
                "Twice the noise makes it four times as large, yours two times.",
                std * square,
            ),
            ("norm for its square", "Doubling w must make it four times as large.", std**2 * root),
            (
                "standard deviation for variance",
                "That is the spread of the output. The error is a square.",
                std * root,
            ),
            (
                "factor 2",
                "That is twice the right one. Multiply the square out: which mean has the middle term?",
                2 * std**2 * square,
            ),
            ("half too much", "The half belongs to lam/2, not to the value.", std**2 * square / 2),
            (
                "mean for the sum",
                "Each input adds its own noise. The parts add up.",
                std**2 * square / w.size,
            ),
            (
                "L1 for L2",
                "Sizes are added up. The noise comes in squared.",
                std**2 * np.abs(w).sum(),
            ),
            (
                "weights summed before the square",
                "The noises of two inputs are independent.",
                std**2 * w.sum() ** 2,
            ),
        ],
    )
    expect_equal(
        gradient,
        2 * std**2 * w,
        (
            "wrong gradient",
            "Differentiate your value by one weight; the answer has the shape of w.",
        ),
        [
            (
                "factor 2 forgotten",
                "That is half the slope of your value. What does a square bring?",
                std**2 * w,
            ),
            ("factor 2 twice", "That is twice the slope of your value.", 4 * std**2 * w),
            (
                "std for its square",
                "The value holds the square of std; so must its slope.",
                2 * std * w,
            ),
            ("wrong sign", "Uphill is away from zero.", -2 * std**2 * w),
            (
                "gradient of the mean",
                "Too small by the number of weights.",
                2 * std**2 * w / w.size,
            ),
            (
                "gradient of L1",
                "All weights are pulled alike. Here the pull goes with the size.",
                2 * std**2 * np.sign(w),
            ),
        ],
    )
    expect_equal(
        lam,
        2 * std**2,
        ("wrong lam", "Which lam makes lam/2 ||w||^2 equal to your value?"),
        [
            (
                "half of lam forgotten",
                "Put it into lam/2 ||w||^2: that is half of your value.",
                std**2,
            ),
            (
                "half taken twice",
                "Put it into lam/2 ||w||^2: that is a quarter of your value.",
                std**2 / 2,
            ),
            ("std for its square", "lam grows with the variance of the noise.", std),
            ("std for its square", "lam grows with the variance of the noise.", 2 * std),
        ],
    )


@exercise(4, "find the bug: workers that draw the same")
def workers(worker_moves, rng):
    """worker_moves(workers, draws, rng) -> (workers, draws), from -1, 0 and 1: other draws in each worker and epoch."""
    epochs = [numbers(worker_moves(6, 200, rng)) for _ in range(2)]
    shape = epochs[0].shape
    expect(shape == (6, 200), "wrong shape", f"The answer has shape {shape}, expected (6, 200).")
    again = [numbers(worker_moves(6, 200, np.random.default_rng(seed))) for seed in (0, 0, 1)]
    values, counts = np.unique(np.array(epochs), return_counts=True)
    expect(np.isin(values, (-1, 0, 1)).all(), "not a move", "A move is -1, 0 or 1.")
    first = [row.tobytes() for row in epochs[0]]
    constant = all((row == row[0]).all() for row in epochs[0])
    for holds, name, sentence in (
        (
            not constant,
            "one draw for all steps",
            "A worker makes one move again and again. Draw `draws` of them.",
        ),
        (
            len(set(first)) > 1,
            "one stream for all workers",
            "All workers make the same moves. What is copied?",
        ),
        (len(set(first)) == 6, "two workers alike", "Two of six workers make the same 200 moves."),
        (
            not np.array_equal(again[0], again[2]),
            "rng ignored",
            "Two generators give the same moves. Start from rng.",
        ),
        (
            np.array_equal(again[0], again[1]),
            "not repeatable",
            "One seed outside gives two results. Start from rng.",
        ),
        (
            set(first).isdisjoint(row.tobytes() for row in epochs[1]),
            "the same in every epoch",
            "A second call with the same rng repeats moves of the first. What must become of the parent's generator?",
        ),
        (
            len(values) == 3,
            "upper end excluded",
            f"Only {values.astype(int).tolist()} occur. Does `integers` reach its second number?",
        ),
        (
            np.abs(counts / 2400 - 1 / 3).max() < 0.08,
            "uneven moves",
            f"-1, 0 and 1 must be equally likely, yours come {counts.tolist()} times.",
        ),
    ):
        expect(holds, name, sentence)


@exercise(5, "find the bug: copies first, split later")
def honest_split(split_copies, rng):
    """split_copies(n, copies, test, rng) -> (train, test): the picture that each row shows, pictures 0 to n - 1."""
    n, copies, size = 60, int(rng.integers(3, 6)), 15
    train, test = _rows(split_copies(n, copies, size, rng))
    shared, each = (
        np.intersect1d(train, test),
        np.bincount(np.append(train, test).astype(int), minlength=n),
    )
    pictures = len(np.unique(test))
    others = [
        np.unique(_rows(split_copies(n, copies, size, np.random.default_rng(seed)))[1])
        for seed in (0, 1)
    ]
    for holds, name, sentence in (
        (
            not len(shared),
            "copies in train and test",
            f"{len(shared)} of {n} pictures are in both. What comes first?",
        ),
        (
            pictures != n - size,
            "train and test exchanged",
            f"The test set has {pictures} pictures, expected {size}.",
        ),
        (
            each.min() > 0,
            "pictures lost",
            f"{np.sum(each == 0)} of {n} pictures are in neither part.",
        ),
        (
            pictures == size,
            "wrong number of test pictures",
            f"The test set has {pictures} pictures, expected {size}.",
        ),
        (
            (each == each[0]).all(),
            "copies uneven",
            f"Some pictures have more copies than others; each has {copies}.",
        ),
        (
            each[0] > 1,
            "copies forgotten",
            f"Each picture comes once. Make {copies} of it, after the split.",
        ),
        (
            each[0] == copies,
            "wrong number of copies",
            f"Each picture comes {each[0]} times, expected {copies}.",
        ),
        (
            not np.array_equal(*others),
            "rng ignored",
            "Two generators give the same test pictures. Shuffle with rng.",
        ),
    ):
        expect(holds, name, sentence)


def _rows(answer):
    train, test = (numbers(part) for part in parts(answer, 2, "(train, test)"))
    expect(train.ndim == test.ndim == 1, "wrong shape", "Both parts are one row of numbers each.")
    both = np.append(train, test)
    right = np.isin(both, np.arange(60)).all()
    expect(
        right,
        "rows for pictures",
        f"There are pictures 0 to 59, and you name {both.max():g}. Whose copy is it?",
    )
    return train, test


METRICS = ("start loss", "start loss, moved", "end loss", "as scanned (%)", "moved (%)")
SCANNED, MOVED = METRICS[3:]


@exercise(6, "a fair experiment")
def fair(run, rng):
    """run(strength, seed) -> a dict of METRICS: one training on digits shifted anew in each epoch."""
    seed = int(rng.integers(1000))
    still, again, shifted = (metrics(METRICS, run(strength, seed)) for strength in (0, 0, 1))
    other, more = (metrics(METRICS, run(strength, seed + 1)) for strength in (0, 1))
    scanned, moved, learned = still[SCANNED], still[MOVED], (shifted[MOVED] + more[MOVED]) / 2
    for holds, name, sentence in (
        (
            agrees(still, again),
            "not repeatable",
            "run(0, seed) gave two results. Where does its rng start?",
        ),
        (
            agrees(still, shifted, "start loss"),
            "not paired",
            "The start loss depends on the strength: first weights, split and test digits must not.",
        ),
        (
            agrees(still, shifted, "start loss, moved"),
            "test moved with the strength",
            "The moved test digits depend on the strength. They move by a pixel at most, alike for all.",
        ),
        (
            not agrees(still, other, "start loss"),
            "seed without effect",
            "Two seeds have one start loss.",
        ),
        (
            abs(still["start loss"] - still["start loss, moved"]) > 1e-9,
            "moved test stands still",
            "Both start losses are equal. Were the test digits moved?",
        ),
        (
            not agrees(still, shifted, "end loss"),
            "strength without effect",
            "Strength 1 trains like 0. Does the training see the shifted digits?",
        ),
        (
            max(scanned, moved) > 1,
            "share for percent",
            "The accuracies lie below 1. Multiply by 100.",
        ),
        (
            max(scanned, moved) > 75,
            "not trained",
            f"Without shifts {scanned:.0f} % is read at the end. Count the steps.",
        ),
        (
            moved < scanned,
            "the two tests exchanged",
            "Trained without shifts, your network reads moved digits better. Which is which?",
        ),
        (
            scanned < 99.9,
            "tested on the training set",
            "100 % on new digits? See what accuracy was given.",
        ),
        (
            learned > 72,
            "shifted once",
            f"With shifts {learned:.0f} % of moved digits are read, and more is there. How often are they drawn?",
        ),
    ):
        expect(holds, name, sentence)
