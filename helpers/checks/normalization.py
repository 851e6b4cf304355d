"""Checks of assignment 07, normalization."""

import numpy as np

from helpers.checks.exercise import (
    agrees,
    close,
    exercise,
    expect,
    expect_equal,
    metrics,
    numbers,
    parts,
)

EPS_OUTSIDE = "eps outside the root"
NO_EPS = "eps forgotten"
STD = "standard deviation for variance"
UNBIASED = "unbiased for biased variance"
BIASED = "biased for unbiased variance"
SHORTCUT = "E[x^2] - E[x]^2"


@exercise(1, "one formula")
def formula(normalize, rng):
    """normalize(x, axes, eps) -> z = (x - mean) / sqrt(var + eps), of the shape of x, for any set of axes."""
    for shape, axes in (
        ((5, 4), (0,)),
        ((5, 4), (1,)),
        ((5, 4, 3, 2), (0, 2, 3)),
        ((5, 4, 3, 2), (2, 3)),
    ):
        x = rng.normal(rng.uniform(1, 3), rng.uniform(1, 2), shape)
        _formula(normalize, x, axes, rng.uniform(0.05, 0.2))


def _formula(normalize, x, axes, eps):
    centered, var = x - x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    count = x.size // var.size
    seen = f"x {x.shape}, axes {axes}, eps={eps:.2f}"
    other = tuple(axis for axis in range(x.ndim) if axis not in axes)
    expect_equal(
        normalize(x, axes, eps),
        _z(x, axes, eps),
        (
            "wrong z",
            f"{seen}: z has mean 0, and nearly variance 1, over these axes. Which of the two is wrong?",
        ),
        [
            (
                "axes exchanged",
                f"{seen}: you average over the other axes, {other}.",
                _z(x, other, eps),
            ),
            (
                "one mean for all",
                f"{seen}: you take one mean and one variance of the whole x.",
                _z(x, None, eps),
            ),
            (
                EPS_OUTSIDE,
                f"{seen}: eps belongs to the variance, before the root.",
                centered / (np.sqrt(var) + eps),
            ),
            (
                NO_EPS,
                f"{seen}: where all values are equal you divide by 0.",
                centered / np.sqrt(var),
            ),
            ("eps squared", f"{seen}: eps is added as it is.", centered / np.sqrt(var + eps**2)),
            (
                UNBIASED,
                f"{seen}: you divide by {count - 1} values.",
                centered / np.sqrt(var * count / (count - 1) + eps),
            ),
            (
                "root forgotten",
                f"{seen}: you divide by the variance. z should have no unit.",
                centered / (var + eps),
            ),
            (
                "squared for the root",
                f"{seen}: a power 2 stands where 1/2 belongs.",
                centered / (var + eps) ** 2,
            ),
            (
                "sum for mean",
                f"{seen}: twice the data would shrink z.",
                centered / np.sqrt(var * count + eps),
            ),
            (
                "mean not subtracted",
                f"{seen}: the mean of your z is not 0.",
                x / np.sqrt(var + eps),
            ),
            ("mean alone", f"{seen}: your z is centered, and not scaled.", centered),
            (
                "divided before the mean",
                f"{seen}: x is divided, the mean is not.",
                x / np.sqrt(var + eps) - x + centered,
            ),
        ],
    )


def _z(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


GROUPS = 3


@exercise(2, "four sets of axes")
def four_norms(norm, rng):
    """norm(x, kind, groups) -> z of x (N, C, H, W), for kind "batch", "layer", "instance" and "group"; eps is 1e-5."""
    x = rng.normal(0, 1, (4, 6, 3, 2)) + rng.normal(0, 2, (4, 6, 1, 1))
    x *= rng.uniform(0.5, 2, (4, 6, 1, 1))
    axes = {"batch": (0, 2, 3), "layer": (1, 2, 3), "instance": (2, 3), "whole": (0, 1, 2, 3)}
    z = {kind: _z(x, these, 1e-5) for kind, these in axes.items()} | {"group": _grouped(x, GROUPS)}
    one = {
        "batch": "A channel has one mean, over all examples and pixels",
        "layer": "An example has one mean, over its channels and pixels",
        "instance": "Each channel of each example has a mean of its own",
        "group": f"Each example has {GROUPS} means, one for each group of neighboring channels",
    }
    for kind, said in one.items():
        slips = [
            (f"{other} for {kind}", f"{said}. Yours is {other} norm.", z[other])
            for other in one
            if other != kind
        ]
        slips += [
            (name, f"kind {kind!r}: {text} {said}.", value)
            for name, text, value in _strays(x, kind, z["whole"])
        ]
        expect_equal(
            norm(x, kind, GROUPS),
            z[kind],
            (f"wrong {kind} norm", f"{said}. Print the shape of your means."),
            slips,
        )


def _grouped(x, groups):
    blocks = x.reshape(len(x), groups, -1, *x.shape[2:])
    return _z(blocks, (2, 3, 4), 1e-5).reshape(x.shape)


def _strays(x, kind, whole):
    """Mistakes in the set of axes that no norm has a name for."""
    yield "one mean for all", "examples and channels share one mean.", whole
    if kind == "group":
        size = x.shape[1] // GROUPS
        mixed = x.reshape(len(x), size, GROUPS, *x.shape[2:])
        across = x.reshape(len(x), GROUPS, size, *x.shape[2:])
        yield (
            "size for number",
            f"your groups hold {GROUPS} channels; there should be {GROUPS} groups.",
            _grouped(x, size),
        )
        yield (
            "channels interleaved",
            "your groups take every third channel.",
            _z(mixed, (1, 3, 4), 1e-5).reshape(x.shape),
        )
        yield (
            "groups over the batch",
            "your groups span the batch.",
            _z(across, (0, 2, 3, 4), 1e-5).reshape(x.shape),
        )
        yield (
            "pixels forgotten",
            "each pixel has a mean of its own.",
            _z(across, (2,), 1e-5).reshape(x.shape),
        )
    else:
        axis = {"batch": 0, "layer": 1, "instance": 2}[kind]
        yield "pixels forgotten", f"you average over axis {axis} alone.", _z(x, (axis,), 1e-5)


@exercise(3, "the backward pass")
def backward(norm_backward, rng):
    """norm_backward(dy, x, gain, eps) -> (dx, dgain, dshift) of y = gain z + shift, x (N, C), mean and var over N."""
    n, eps = 6, rng.uniform(0.1, 0.3)
    x, dy, gain = rng.normal(1, 2, (n, 3)), rng.normal(0.5, 1, (n, 3)), rng.uniform(1.5, 3, 3)
    dx, dgain, dshift = parts(norm_backward(dy, x, gain, eps), 3, "(dx, dgain, dshift)")
    z, std = _z(x, 0, eps), np.sqrt(x.var(0) + eps)
    expect_equal(
        dshift,
        dy.sum(0),
        (
            "wrong dshift",
            "The shift is added to each example of its channel. Collect what comes back.",
        ),
        [
            (
                "mean for sum",
                "dshift: all examples add to it. The mean is in the loss already.",
                dy.mean(0),
            )
        ],
    )
    expect_equal(
        dgain,
        (dy * z).sum(0),
        ("wrong dgain", "What is dy/dgain of one element? Then add over the examples."),
        [
            (
                "z forgotten in dgain",
                "dgain equals dshift. What is the gain multiplied with?",
                dy.sum(0),
            ),
            ("x for z in dgain", "The gain is multiplied with z, not with x.", (dy * x).sum(0)),
            (
                "mean for sum",
                "dgain: all examples add to it. The mean is in the loss already.",
                (dy * z).mean(0),
            ),
            (
                "gain kept in dgain",
                "y = gain z + shift: the derivative has no gain in it.",
                (dy * z * gain).sum(0),
            ),
            (
                NO_EPS,
                "z of the forward pass has eps in its root.",
                (dy * z).sum(0) * std / np.sqrt(std**2 - eps),
            ),
            ("gradient of each example", "One gain serves all examples: add over them.", dy * z),
        ],
    )
    _dx(dx, dy * gain, z, std, gain, eps)


def _dx(dx, dz, z, std, gain, eps):
    """The gradient in three steps, through the variance, the mean and x, as Ioffe and Szegedy write it."""
    n, along = len(dz), (dz * z).mean(0)
    dvar = (dz * z).sum(0) * -0.5 / std**2
    dmean = -dz.sum(0) / std
    right = dz / std + dvar * 2 * z * std / n + dmean / n
    shift = "Adding 1 to all x changes no z, so dx must add up to 0 in each channel"
    both = f"Mean and variance depend on x too. {shift}."
    without = np.sqrt(std**2 - eps)
    expect_equal(
        dx,
        right,
        ("wrong dx", f"{shift}. Does yours? Compare with numerical_gradient where it differs."),
        [
            ("statistics taken as constants", both, dz / std),
            (
                "mean term forgotten",
                f"{shift}; yours adds up to {(dz - z * along)[:, 0].sum() / std[0]:.2f}.",
                (dz - z * along) / std,
            ),
            (
                "z term forgotten",
                "The way through the variance is missing. Scaling x hardly changes z.",
                (dz - dz.mean(0)) / std,
            ),
            ("gain forgotten", "dx does not feel the gain. y = gain z: what is dz?", right / gain),
            ("gain taken twice", "The gain is in dx once too often.", right * gain),
            (
                "sum for mean",
                "The terms taken off are means over the examples.",
                (dz - dz.sum(0) - z * (dz * z).sum(0)) / std,
            ),
            ("std forgotten", "Does dx have the unit of 1/x? z has none.", right * std),
            ("variance for its root", "You divide by the variance; its root made z.", right / std),
            (
                "sign of the z term",
                "The z term is taken off, not added.",
                (dz - dz.mean(0) + z * along) / std,
            ),
            (
                "sign of the mean term",
                f"{shift}. Its sign is turned round.",
                (dz + dz.mean(0) - z * along) / std,
            ),
            (
                NO_EPS,
                "The forward pass divides by sqrt(var + eps). Use the same root.",
                right * std / without,
            ),
        ],
    )


@exercise(4, "what batch norm remembers")
def memory(remember, rng):
    """remember(batches, x, momentum, eps) -> (running mean, running var, z): batches (B, N, C), x (M, C) to predict."""
    n, momentum, eps = 5, rng.uniform(0.2, 0.4), rng.uniform(0.05, 0.2)
    batches, x = rng.normal(2, 2, (4, n, 3)), rng.normal(2, 2, (2, 3))
    mean, var, z = parts(remember(batches, x, momentum, eps), 3, "(running mean, running var, z)")
    means, biased = batches.mean(1), batches.var(1)
    unbiased = biased * n / (n - 1)
    right_mean, right_var = _running(0, means, momentum), _running(1, unbiased, momentum)
    share = f"momentum={momentum:.2f} is the share of the new batch"
    expect_equal(
        mean,
        right_mean,
        ("wrong running mean", f"{share}. Start at 0; do one batch by hand."),
        _means(means, momentum),
    )
    expect_equal(
        var,
        right_var,
        ("wrong running variance", f"{share}. Start at 1; the batch gives its unbiased variance."),
        [
            (
                BIASED,
                f"What is averaged is divided by {n - 1}, not by {n}.",
                _running(1, biased, momentum),
            ),
            (STD, "You average standard deviations.", _running(1, np.sqrt(unbiased), momentum)),
            (STD, "You average standard deviations.", _running(1, np.sqrt(biased), momentum)),
            ("started at 0", "The running variance starts at 1.", _running(0, unbiased, momentum)),
            (
                "momentum the other way round",
                f"{share}. The mean is right.",
                _running(1, unbiased, 1 - momentum),
            ),
            (
                "started at the first batch",
                "It starts at 1, before any batch.",
                _running(unbiased[0], unbiased[1:], momentum),
            ),
            ("last batch alone", "The batches before are forgotten.", unbiased[-1]),
            (
                "corrected at the end",
                "The share of the starting 1 needs no correction: correct each batch.",
                _running(1, biased, momentum) * n / (n - 1),
            ),
        ],
    )
    _evaluation(z, x, right_mean, right_var, eps, n)


def _running(start, values, momentum):
    for value in values:
        start = (1 - momentum) * start + momentum * value
    return start


def _means(means, momentum):
    turned = (
        f"momentum={momentum:.2f} is the share of the NEW batch here; Keras means the old average."
    )
    first = "It starts at 0, before any batch."
    return [
        ("momentum the other way round", turned, _running(0, means, 1 - momentum)),
        ("plain average", "All batches weigh the same in yours.", means.mean(0)),
        ("last batch alone", "The batches before are forgotten.", means[-1]),
        ("started at the first batch", first, _running(means[0], means[1:], momentum)),
        ("never updated", "It is still 0 after four batches.", 0 * means[0]),
        ("old average not reduced", "The two shares add up to 1.", momentum * means.sum(0)),
    ]


def _evaluation(z, x, mean, var, eps, n):
    alone = "A prediction may not depend on the other examples in x. Use what was remembered."
    batch = x - x.mean(0)
    back = "var is unbiased already where it is used. Use it as it is."
    expect_equal(
        z,
        (x - mean) / np.sqrt(var + eps),
        ("wrong z", "z is the formula of exercise 1, with the running mean and variance in it."),
        [
            ("evaluation using batch statistics", alone, batch / np.sqrt(x.var(0) + eps)),
            ("evaluation using batch statistics", alone, batch / np.sqrt(var + eps)),
            ("evaluation using batch statistics", alone, (x - mean) / np.sqrt(x.var(0) + eps)),
            (
                EPS_OUTSIDE,
                "eps belongs to the variance, before the root.",
                (x - mean) / (np.sqrt(var) + eps),
            ),
            (NO_EPS, "Where the variance is 0 you divide by 0.", (x - mean) / np.sqrt(var)),
            ("root forgotten", "You divide by the variance.", (x - mean) / (var + eps)),
            ("corrected twice", back, (x - mean) / np.sqrt(var * n / (n - 1) + eps)),
            ("corrected back", back, (x - mean) / np.sqrt(var * (n - 1) / n + eps)),
            ("mean not subtracted", "The running mean is not taken off.", x / np.sqrt(var + eps)),
            ("not scaled", "The running variance is not used.", x - mean),
        ],
    )


@exercise(5, "find the bug: the variance that is below zero")
def below_zero(variance, rng):
    """variance(x) -> (C,): the biased variance of each column of a float32 x (N, C), whatever its mean is."""
    x = rng.normal(0, 1, (64, 200)).astype(np.float32)
    near, far = (
        x + np.float32(rng.uniform(1, 2)),
        x * np.float32(0.9) + np.float32(rng.uniform(9000, 12000)),
    )
    _near_zero(numbers(variance(near)), near.astype(float))
    got, right = numbers(variance(far)), far.astype(float).var(0)
    seen = f"The mean is near {far.mean():.0f}, the variance near {right.mean():.1f}; yours goes from {got.min():.1f} to"
    seen = f"{seen} {got.max():.1f}."
    expect(
        got.min() >= 0,
        SHORTCUT,
        f"{seen} Two numbers near 10^8 are subtracted. What is small before you square?",
    )
    expect(
        got.min() > 0,
        "clipped at zero",
        f"{seen} A negative variance is hidden, and the positive ones are as wrong.",
    )
    expect(
        close(got, right, 0.01),
        "digits lost",
        f"{seen} Large numbers are still subtracted after squaring.",
    )


def _near_zero(got, x):
    right, n = x.var(0), len(x)
    expect_equal(
        got,
        right,
        (
            "wrong variance",
            "The variance is the mean of (x - mean)^2 over the rows, a number for each column.",
        ),
        [
            (STD, "That is the root of the right answer.", np.sqrt(right)),
            (
                UNBIASED,
                f"You divide by {n - 1}. The variance that normalizes divides by {n}.",
                right * n / (n - 1),
            ),
            ("sum for mean", "You add the squares. Divide by their number.", right * n),
            ("mean not subtracted", "That is E[x^2].", np.mean(x**2, axis=0)),
            ("wrong axis", "One variance for each column, over the rows.", x.var(1)),
            ("one variance for all", "One variance for each column, over the rows.", x.var()),
            (
                "one mean for all columns",
                "Each column has its own mean.",
                np.mean((x - x.mean()) ** 2, axis=0),
            ),
            (
                "absolute values",
                "You average |x - mean|. Square it.",
                np.abs(x - x.mean(0)).mean(0),
            ),
        ],
        rtol=1e-4,
    )


METRICS = ("first weights", "test loss", "test accuracy (%)", "in pairs (%)", "null (%)")


@exercise(6, "a fair experiment")
def fair(run, rng):
    """run(kind, seed, batch_size=32) -> a dict of METRICS: one training with "none", "batch" or "group" norm."""
    seed = int(rng.integers(1000))
    batch, again, group, plain = (
        metrics(METRICS, run(kind, seed)) for kind in ("batch", "batch", "group", "none")
    )
    other, small = metrics(METRICS, run("batch", seed + 1)), metrics(METRICS, run("batch", seed, 4))
    expect(
        agrees(batch, again),
        "not repeatable",
        "One seed gave two results. Make its generator from it.",
    )
    kinds = "differ between batch, group and none."
    same = agrees(batch, group, "null (%)") and agrees(batch, plain, "null (%)")
    expect(same, "not paired", f"The null rows {kinds} The split must not depend on the kind.")
    same = agrees(batch, group, "first weights") and agrees(batch, plain, "first weights")
    expect(same, "not paired", f"The first weights {kinds} They must not depend on it.")
    same = agrees(batch, other, "first weights")
    expect(not same, "seed without effect", "Two seeds have the same first weights.")
    same = agrees(batch, group, "test loss") or agrees(batch, plain, "test loss")
    expect(
        not same, "kind without effect", "Two kinds have one test loss. Is the norm in the network?"
    )
    same = agrees(batch, small, "test loss")
    expect(not same, "batch size without effect", "Batches of 4 and of 32 have one test loss.")
    _honest([batch, group, plain], small)


def _honest(runs, small):
    both = [(result["test accuracy (%)"], result["in pairs (%)"]) for result in [*runs, small]]
    seen = f"All at once {both[0][0]:.1f} %, in pairs {both[0][1]:.1f} %"
    alike = all(abs(together - pairs) < 1 for together, pairs in both)
    expect(
        alike,
        "evaluation using batch statistics",
        f"{seen}: a prediction depends on who is beside it.",
    )
    share = max(together for together, _ in both) <= 1
    expect(not share, "share for percent", f"The accuracy is {both[0][0]:.2f}. Multiply by 100.")
    lowest = min(result["test accuracy (%)"] for result in runs)
    expect(lowest > 40, "not trained", f"A kind ends at {lowest:.0f} % with batches of 32.")
    leak = max(together for together, _ in both) > 99.9
    expect(
        not leak, "tested on the training set", "100 % on new digits? See what accuracy was given."
    )
    null = runs[0]["null (%)"]
    right = 2 < null < 21
    expect(
        right,
        "null row wrong",
        f"null is {null:.1f} %. Of the 500, how many have the most frequent label of the 256?",
    )
