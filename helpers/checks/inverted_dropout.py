"""Checks of assignment 04, inverted dropout."""

import numpy as np

from helpers.checks.exercise import agrees, exercise, expect, expect_equal, metrics, numbers, parts

EXCHANGED = "keep and drop exchanged"
FROZEN = "seed inside forward"
ONE_MASK = "one mask for all"
SHARE = "wrong share dropped"
UNSCALED = "scale forgotten"


@exercise(1, "the forward pass")
def forward(dropout_forward, rng):
    """dropout_forward(x, p, rng) -> (y, mask): y = mask x / (1 - p), a mask element is 0 in p."""
    p = rng.uniform(0.15, 0.35)
    x = rng.uniform(1, 2, (200, 50))
    y, mask = (numbers(part) for part in parts(dropout_forward(x, p, rng), 2, "(y, mask)"))
    expect(y.shape == x.shape, "wrong shape", f"y has shape {y.shape}, x has {x.shape}.")
    _mask_is_random(y != 0, p)
    _scaled(x, y, p)
    _mask_fits(numbers(mask), y != 0, p)
    second = numbers(parts(dropout_forward(x, p, rng), 2, "(y, mask)")[0])
    again = "The mask is the same in the output of the next call. Draw from the rng given."
    expect((second != y).any(), FROZEN, again)
    _dtype_is_kept(dropout_forward, x, p, rng)


def _mask_is_random(kept, p):
    share = 1 - kept.mean()
    tolerance = 8 * np.sqrt(p * (1 - p) / kept.size)
    expect(share > 0, "nothing dropped", "No element of y is zero. Compare random numbers with p.")
    same_units = (kept == kept[:1]).all()
    same_rows = (kept == kept[:, :1]).all()
    units = "All examples lose the same units." if same_units else "Each keeps all units or none."
    each = f"{units} Draw one number for each element of x."
    expect(not (same_units or same_rows), ONE_MASK, each)
    zero = f"p={p:.2f} is the probability of dropping, and a share of {share:.2f} is zero."
    expect(abs(share - (1 - p)) >= tolerance, EXCHANGED, zero)
    expect(abs(share - p) < tolerance, SHARE, zero)


def _scaled(x, y, p):
    kept = y[y != 0] / x[y != 0]
    one = np.ones(len(kept))
    mean = f"p={p:.2f}: the mean of x is {x.mean():.2f}, that of y {y.mean():.2f}."
    dropped = f"{mean} p is the share that is dropped; divide by that of the others."
    standard = f"{mean} That is for prediction with standard dropout."
    slips = [
        (UNSCALED, f"{mean} Divide by the share that is kept.", one),
        ("divided by p", dropped, one / p),
        ("multiplied by 1 - p", standard, one * (1 - p)),
    ]
    which_factor = f"{mean} Multiply a kept value by what to make them agree?"
    expect_equal(kept, one / (1 - p), ("wrong scale", which_factor), slips)


def _mask_fits(mask, kept, p):
    turned = "The mask is 1 where y is 0. It must say what is kept."
    scaled = "The mask holds 1 / (1 - p). Keep zeros and ones in it; the scale belongs to y."
    slips = [
        ("mask marks the dropped", turned, ~kept),
        ("scale inside the mask", scaled, kept / (1 - p)),
    ]
    marks = "The mask must be 1 where x was kept and 0 where it was dropped."
    expect_equal(mask, kept, ("wrong mask", marks), slips)


def _dtype_is_kept(dropout_forward, x, p, rng):
    y = parts(dropout_forward(x.astype(np.float32), p, rng), 2, "(y, mask)")[0]
    dtype = getattr(y, "dtype", None)
    booleans = f"x was float32 and y is {dtype}. Let the mask be of booleans."
    expect(dtype == np.float32, "dtype changed", booleans)


@exercise(2, "the backward pass")
def backward(dropout_backward, rng):
    """dropout_backward(dy, mask, p) -> dx = mask dy / (1 - p)."""
    p = rng.uniform(0.2, 0.4)
    dy = rng.uniform(1, 2, (20, 30))
    mask = rng.random(dy.shape) >= p
    formula = f"y = x / (1 - p) with p={p:.2f}: what is dy/dx?"
    seen = f"Where the mask is 1 and dy is {dy[mask][0]:.2f}, {formula}"
    dropped = "A dropped x has no influence on y. What is its gradient?"
    both = "dx equals dy. The forward pass did more than y = x."
    square = f"The factor is the square of the right one. {seen}"
    by_p = f"You divide by p={p:.2f}, the probability of dropping. {seen}"
    turned = "The gradient flows where x was dropped."
    slips = [
        ("mask forgotten", dropped, dy / (1 - p)),
        ("mask and scale forgotten", both, dy),
        (UNSCALED, f"The mask is right. {seen}", dy * mask),
        ("scale taken twice", square, dy * mask / (1 - p) ** 2),
        (EXCHANGED, by_p, dy * mask / p),
        ("mask turned round", turned, dy * ~mask / (1 - p)),
    ]
    right = dy * mask / (1 - p)
    expect_equal(dropout_backward(dy, mask, p), right, ("wrong gradient", seen), slips)


@exercise(3, "mean and variance of the noise")
def moments(dropout_moments, rng):
    """dropout_moments(x, p) -> (mean, variance) of y: x and p / (1 - p) x^2, element by element."""
    p = rng.uniform(0.15, 0.35)
    x = rng.normal(0, 2, 12)
    mean, variance = parts(dropout_moments(x, p), 2, "(mean, variance)")
    _mean(mean, x, p)
    _variance(variance, x, p)


def _mean(got, x, p):
    unscaled = "That is the mean of mask x. Inverted dropout divides it."
    outcomes = f"p={p:.2f}: y is 0 with probability p, otherwise x / (1 - p)."
    slips = [
        ("mean without the scale", unscaled, (1 - p) * x),
        ("mean of what is kept", "That is y where it is kept. Zeros count too.", x / (1 - p)),
    ]
    otherwise = ("wrong mean", f"{outcomes} Take the weighted mean of the two.")
    expect_equal(got, x, otherwise, slips)


def _variance(got, x, p):
    right = p / (1 - p) * x**2
    root = "The answer is the square root of the right one."
    standard = "That is Var[mask x]. What does dividing y by 1 - p do?"
    square = "The square of the mean is not subtracted."
    grows = "At p = 0 there is no noise; your variance grows there."
    double = "Doubling x makes the variance four times as large."
    slips = [
        ("standard deviation for variance", root, np.sqrt(right)),
        ("variance of standard dropout", standard, p * (1 - p) * x**2),
        ("E[y^2] for the variance", square, x**2 / (1 - p)),
        (EXCHANGED, grows, (1 - p) / p * x**2),
        ("x where its square belongs", double, p / (1 - p) * x),
    ]
    formula = f"Var[y] = E[y^2] - E[y]^2. For p={p:.2f} what is E[y^2]?"
    expect_equal(got, right, ("wrong variance", formula), slips)


@exercise(4, "find the bug: the mask that never changes")
def passes(train_passes, rng):
    """train_passes(x, p, steps, rng) -> (steps, *x.shape): forward passes in training."""
    p = 0.5
    x = rng.uniform(1, 2, (6, 40))
    shape = (5, *x.shape)
    got = numbers(train_passes(x, p, 5, rng))
    came = f"The answer has shape {got.shape}, expected {shape}."
    expect(got.shape == shape, "wrong shape", came)
    off = "y = x in all steps: that is what evaluation does."
    expect((got != x).any(), "dropout switched off", off)
    same_units = "All steps drop the same units. Where does the generator start again?"
    expect((got != got[0]).any(), FROZEN, same_units)
    first, second = (numbers(train_passes(x, p, 5, np.random.default_rng(n))) for n in (0, 1))
    ignored = "Two generators give the same masks. Draw from the rng that is passed in."
    expect(not np.array_equal(first, second), "rng ignored", ignored)
    _passes_drop(got, x, p)


def _passes_drop(got, x, p):
    kept = got != 0
    shared = "All examples of a step lose the same units. Draw a number for each."
    expect((kept != kept[:, :1]).any(), ONE_MASK, shared)
    share = 1 - kept.mean()
    expect(abs(share - p) < 0.12, SHARE, f"p={p}, and a share of {share:.2f} is zero.")
    unscaled = np.broadcast_to(x, got.shape)[kept]
    slips = [(UNSCALED, "Kept values equal x. Divide by 1 - p.", unscaled)]
    changed = "The repair changed the scale. A kept value is x / (1 - p)."
    expect_equal(got[kept], unscaled / (1 - p), ("wrong scale", changed), slips)


METRICS = ("start loss", "end loss", "train accuracy (%)", "test accuracy (%)")


@exercise(5, "a fair experiment")
def fair(run, rng):
    """run(p, seed) -> METRICS of one training with dropout p (0: none), both losses on test."""
    seed = int(rng.integers(1000))
    plain, again, other = (metrics(METRICS, run(0.0, number)) for number in (seed, seed, seed + 1))
    dropped = metrics(METRICS, run(0.5, seed))
    repeats = "run(0, seed) gave two results. Make its generator from the seed."
    expect(agrees(plain, again), "not repeatable", repeats)
    differ = "The first weights or the split differ with p, see the start loss."
    expect(agrees(plain, dropped, "start loss"), "not paired", differ)
    same = "Two seeds have one start loss: same weights, same split."
    expect(not agrees(plain, other, "start loss"), "seed without effect", same)
    layer = "p = 0.5 trains like p = 0. Is there a Dropout layer?"
    expect(not agrees(plain, dropped, "end loss"), "p without effect", layer)
    few = "Less than 60 % of the training digits are right at the end."
    expect(plain["train accuracy (%)"] > 60, "not trained", few)
    all_right = "100 % on new digits? See what accuracy was given."
    expect(plain["test accuracy (%)"] < 99.9, "tested on the training set", all_right)
