"""Checks of assignment 04, inverted dropout."""

import numpy as np

from helpers.checks.exercise import agrees, exercise, expect, expect_equal, metrics, numbers, parts


@exercise(1, "the forward pass")
def forward(dropout_forward, rng):
    """dropout_forward(x, p, rng) -> (y, mask): y = mask x / (1 - p), a mask element is 0 with probability p."""
    p, x = rng.uniform(0.15, 0.35), rng.uniform(1, 2, (200, 50))
    y, mask = (numbers(part) for part in parts(dropout_forward(x, p, rng), 2, "(y, mask)"))
    expect(y.shape == x.shape, "wrong shape", f"y has shape {y.shape}, x has {x.shape}.")
    _mask_is_random(y != 0, p)
    kept, mean = (
        y[y != 0] / x[y != 0],
        f"p={p:.2f}: the mean of x is {x.mean():.2f}, that of y {y.mean():.2f}.",
    )
    again = "the output of the next call"
    expect_equal(
        kept,
        np.full(len(kept), 1 / (1 - p)),
        ("wrong scale", f"{mean} What must a kept value be multiplied with so that they agree?"),
        [
            ("scale forgotten", f"{mean} Divide by the share that is kept.", np.ones(len(kept))),
            (
                "divided by p",
                f"{mean} p is the share that is dropped; divide by that of the others.",
                kept * 0 + 1 / p,
            ),
            (
                "multiplied by 1 - p",
                f"{mean} That is for prediction with standard dropout.",
                kept * 0 + 1 - p,
            ),
        ],
    )
    _mask_fits(numbers(mask), y != 0, p)
    second = numbers(parts(dropout_forward(x, p, rng), 2, "(y, mask)")[0])
    expect(
        (second != y).any(),
        "seed inside forward",
        f"The mask is the same in {again}. Draw from the rng given.",
    )
    _dtype_is_kept(dropout_forward, x, p, rng)


def _mask_is_random(kept, p):
    share, expected = 1 - kept.mean(), f"p={p:.2f} is the probability of dropping"
    tolerance = 8 * np.sqrt(p * (1 - p) / kept.size)
    columns, rows = (kept == kept[:1]).all(), (kept == kept[:, :1]).all()
    expect(share > 0, "nothing dropped", "No element of y is zero. Compare random numbers with p.")
    shared = (
        "All examples lose the same units." if columns else "An example keeps all units or none."
    )
    expect(
        not (columns or rows),
        "one mask for all",
        f"{shared} Draw one number for each element of x.",
    )
    exchanged = abs(share - (1 - p)) < tolerance
    expect(
        not exchanged, "keep and drop exchanged", f"{expected}, and a share of {share:.2f} is zero."
    )
    expect(
        abs(share - p) < tolerance,
        "wrong share dropped",
        f"{expected}, and a share of {share:.2f} is zero.",
    )


def _mask_fits(mask, kept, p):
    scaled = "The mask holds 1 / (1 - p). Keep zeros and ones in it; the scale belongs to y."
    expect_equal(
        mask,
        kept,
        ("wrong mask", "The mask must be 1 where x was kept and 0 where it was dropped."),
        [
            (
                "mask marks the dropped",
                "The mask is 1 where y is 0. It must say what is kept.",
                ~kept,
            ),
            ("scale inside the mask", scaled, kept / (1 - p)),
        ],
    )


def _dtype_is_kept(dropout_forward, x, p, rng):
    y = parts(dropout_forward(x.astype(np.float32), p, rng), 2, "(y, mask)")[0]
    dtype = getattr(y, "dtype", None)
    expect(
        dtype == np.float32,
        "dtype changed",
        f"x was float32 and y is {dtype}. Let the mask be of booleans.",
    )


@exercise(2, "the backward pass")
def backward(dropout_backward, rng):
    """dropout_backward(dy, mask, p) -> dx = mask dy / (1 - p)."""
    p, dy = rng.uniform(0.2, 0.4), rng.uniform(1, 2, (20, 30))
    mask = rng.random(dy.shape) >= p
    seen = f"Where the mask is 1 and dy is {dy[mask][0]:.2f}, y = x / (1 - p) with p={p:.2f}: what is dy/dx?"
    expect_equal(
        dropout_backward(dy, mask, p),
        dy * mask / (1 - p),
        ("wrong gradient", seen),
        [
            (
                "mask forgotten",
                "A dropped x has no influence on y. What is its gradient?",
                dy / (1 - p),
            ),
            ("mask and scale forgotten", "dx equals dy. The forward pass did more than y = x.", dy),
            ("scale forgotten", f"The mask is right. {seen}", dy * mask),
            (
                "scale taken twice",
                f"The factor is the square of the right one. {seen}",
                dy * mask / (1 - p) ** 2,
            ),
            (
                "keep and drop exchanged",
                f"You divide by p={p:.2f}, the probability of dropping. {seen}",
                dy * mask / p,
            ),
            ("mask turned round", "The gradient flows where x was dropped.", dy * ~mask / (1 - p)),
        ],
    )


@exercise(3, "mean and variance of the noise")
def moments(dropout_moments, rng):
    """dropout_moments(x, p) -> (mean, variance) of y, element by element: x and p / (1 - p) x^2."""
    p, x = rng.uniform(0.15, 0.35), rng.normal(0, 2, 12)
    mean, variance = parts(dropout_moments(x, p), 2, "(mean, variance)")
    expect_equal(
        mean,
        x,
        (
            "wrong mean",
            f"p={p:.2f}: y is 0 with probability p, else x / (1 - p). Take the weighted mean of the two.",
        ),
        [
            (
                "mean without the scale",
                "That is the mean of mask x. Inverted dropout divides it.",
                (1 - p) * x,
            ),
            (
                "mean of what is kept",
                "That is y where it is kept. The zeros count too.",
                x / (1 - p),
            ),
        ],
    )
    right = p / (1 - p) * x**2
    expect_equal(
        variance,
        right,
        ("wrong variance", f"Var[y] = E[y^2] - E[y]^2. For p={p:.2f} what is E[y^2]?"),
        [
            (
                "standard deviation for variance",
                "The answer is the square root of the right one.",
                np.sqrt(right),
            ),
            (
                "variance of standard dropout",
                "That is Var[mask x]. Dividing y by 1 - p does what?",
                p * (1 - p) * x**2,
            ),
            ("E[y^2] for the variance", "The square of the mean is not taken off.", x**2 / (1 - p)),
            (
                "keep and drop exchanged",
                "At p = 0 there is no noise; your variance grows there.",
                (1 - p) / p * x**2,
            ),
            (
                "x where its square belongs",
                "Doubling x makes the variance four times as large.",
                p / (1 - p) * x,
            ),
        ],
    )


@exercise(4, "find the bug: the mask that never changes")
def passes(train_passes, rng):
    """train_passes(x, p, steps, rng) -> (steps, *x.shape): one forward pass in training after the other."""
    p, x = 0.5, rng.uniform(1, 2, (6, 40))
    got = numbers(train_passes(x, p, 5, rng))
    expect(
        got.shape == (5, *x.shape),
        "wrong shape",
        f"The answer has shape {got.shape}, expected {(5, *x.shape)}.",
    )
    expect(
        not (got == x).all(),
        "dropout switched off",
        "y = x in all steps: that is what evaluation does.",
    )
    changed = (got != got[0]).any()
    expect(
        changed,
        "seed inside forward",
        "All steps drop the same units. Where does the generator start anew?",
    )
    new, second = np.random.default_rng(0), np.random.default_rng(1)
    equal = np.array_equal(
        numbers(train_passes(x, p, 5, new)), numbers(train_passes(x, p, 5, second))
    )
    expect(
        not equal,
        "rng ignored",
        "Two generators give the same masks. Draw from the rng that is passed in.",
    )
    kept = got != 0
    columns = (kept == kept[:, :1]).all()
    expect(
        not columns,
        "one mask for all",
        "All examples of a step lose the same units. Draw a number for each.",
    )
    share = 1 - kept.mean()
    expect(
        abs(share - p) < 0.12, "wrong share dropped", f"p={p}, and a share of {share:.2f} is zero."
    )
    expect_equal(
        got[kept],
        np.broadcast_to(x / (1 - p), got.shape)[kept],
        ("wrong scale", "The repair changed the scale. A kept value is x / (1 - p)."),
        [
            (
                "scale forgotten",
                "Kept values equal x. Divide by 1 - p.",
                np.broadcast_to(x, got.shape)[kept],
            )
        ],
    )


METRICS = ("start loss", "end loss", "train accuracy (%)", "test accuracy (%)")


@exercise(5, "a fair experiment")
def fair(run, rng):
    """run(p, seed) -> a dict of METRICS: one training of a network with dropout p (0: none), both losses on test."""
    seed = int(rng.integers(1000))
    plain, again, other = (metrics(METRICS, run(0.0, number)) for number in (seed, seed, seed + 1))
    dropped = metrics(METRICS, run(0.5, seed))
    for holds, name, sentence in (
        (
            agrees(plain, again),
            "not repeatable",
            "run(0, seed) gave two results. Make its generator from the seed.",
        ),
        (
            agrees(plain, dropped, "start loss"),
            "not paired",
            "The first weights or the split differ with p, see the start loss.",
        ),
        (
            not agrees(plain, other, "start loss"),
            "seed without effect",
            "Two seeds have one start loss: same weights, same split.",
        ),
        (
            not agrees(plain, dropped, "end loss"),
            "p without effect",
            "p = 0.5 trains like p = 0. Is there a Dropout layer?",
        ),
        (
            plain["train accuracy (%)"] > 60,
            "not trained",
            "Less than 60 % of the training digits are right at the end.",
        ),
        (
            plain["test accuracy (%)"] < 99.9,
            "tested on the training set",
            "100 % on new digits? See what accuracy was given.",
        ),
    ):
        expect(holds, name, sentence)
