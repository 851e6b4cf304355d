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
NO_ROOT = "root forgotten"
STD = "standard deviation for variance"
UNBIASED = "unbiased for biased variance"
BIASED = "biased for unbiased variance"
SHORTCUT = "E[x^2] - E[x]^2"
ONE_MEAN = "one mean for all"
NO_PIXELS = "pixels forgotten"
TURNED = "momentum the other way round"
LAST_BATCH = "last batch alone"
FIRST_BATCH = "started at the first batch"
BY_BATCH = "evaluation using batch statistics"
NOT_PAIRED = "not paired"


@exercise(1, "one formula")
def formula(normalize, rng):
    """normalize(x, axes, eps) -> z = (x - mean) / sqrt(var + eps), shaped as x, over any axes."""
    for shape, axes in (
        ((5, 4), (0,)),
        ((5, 4), (1,)),
        ((5, 4, 3, 2), (0, 2, 3)),
        ((5, 4, 3, 2), (2, 3)),
    ):
        x = rng.normal(rng.uniform(1, 3), rng.uniform(1, 2), shape)
        _formula(normalize, x, axes, rng.uniform(0.05, 0.2))


def _formula(normalize, x, axes, eps):
    centered = x - x.mean(axes, keepdims=True)
    var = x.var(axes, keepdims=True)
    std = np.sqrt(var + eps)
    n = x.size // var.size
    other = tuple(axis for axis in range(x.ndim) if axis not in axes)
    seen = f"x {x.shape}, axes {axes}, eps={eps:.2f}"
    whole = f"{seen}: you take one mean and one variance of all of x."
    before = f"{seen}: eps belongs to the variance, before the root."
    zero = f"{seen}: where all values are equal you divide by 0."
    unit = f"{seen}: you divide by the variance. z should have no unit."
    power = f"{seen}: you take the power 2 instead of 1/2."
    slips = [
        ("axes exchanged", f"{seen}: you average over the other axes, {other}.", _z(x, other, eps)),
        (ONE_MEAN, whole, _z(x, None, eps)),
        (EPS_OUTSIDE, before, centered / (np.sqrt(var) + eps)),
        (NO_EPS, zero, centered / np.sqrt(var)),
        ("eps squared", f"{seen}: eps is added as it is.", centered / np.sqrt(var + eps**2)),
        (UNBIASED, f"{seen}: you divide by {n - 1}.", centered / np.sqrt(var * n / (n - 1) + eps)),
        (NO_ROOT, unit, centered / (var + eps)),
        ("squared for the root", power, centered / (var + eps) ** 2),
        ("sum for mean", f"{seen}: twice the data shrink z.", centered / np.sqrt(var * n + eps)),
        ("mean not subtracted", f"{seen}: the mean of your z is not 0.", x / std),
        ("mean alone", f"{seen}: your z is centered, but not scaled.", centered),
        ("divided before the mean", f"{seen}: divide the mean too.", x / std - x + centered),
    ]
    both = f"{seen}: over these axes z has mean 0, and nearly variance 1. Which of them is wrong?"
    expect_equal(normalize(x, axes, eps), centered / std, ("wrong z", both), slips)


def _z(x, axes, eps=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


GROUPS = 3
MEANS = {
    "batch": "A channel has one mean, over all examples and pixels",
    "layer": "An example has one mean, over its channels and pixels",
    "instance": "Each channel of each example has its own mean",
    "group": f"Each example has {GROUPS} means, one for each group of neighboring channels",
}


@exercise(2, "four sets of axes")
def four_norms(norm, rng):
    """norm(x, kind, groups) -> z of x (N, C, H, W) for a kind of MEANS; eps is 1e-5."""
    x = rng.normal(0, 1, (4, 6, 3, 2)) + rng.normal(0, 2, (4, 6, 1, 1))
    x *= rng.uniform(0.5, 2, (4, 6, 1, 1))
    z = {
        "batch": _z(x, (0, 2, 3)),
        "layer": _z(x, (1, 2, 3)),
        "instance": _z(x, (2, 3)),
        "group": _grouped(x, GROUPS),
    }
    for kind, means in MEANS.items():
        others = [other for other in MEANS if other != kind]
        slips = [(f"{o} for {kind}", f"{means}. Yours is {o} norm.", z[o]) for o in others]
        strays = _strays_of_group(x) if kind == "group" else _strays(x, kind)
        for name, hint, value in strays:
            slips.append((name, f"kind {kind!r}: {hint} {means}.", value))
        otherwise = f"{means}. Print the shape of your means."
        expect_equal(norm(x, kind, GROUPS), z[kind], (f"wrong {kind} norm", otherwise), slips)


def _grouped(x, groups):
    return _z(x.reshape(len(x), groups, -1, *x.shape[2:]), (2, 3, 4)).reshape(x.shape)


ALL_SHARE = "examples and channels share one mean."


def _strays(x, kind):
    """Mistakes in the set of axes that no norm is named after."""
    if kind == "batch":
        axis = 0
    elif kind == "layer":
        axis = 1
    else:
        axis = 2
    return [
        (ONE_MEAN, ALL_SHARE, _z(x, (0, 1, 2, 3))),
        (NO_PIXELS, f"you average over axis {axis} alone.", _z(x, (axis,))),
    ]


def _strays_of_group(x):
    size = x.shape[1] // GROUPS
    every_third = x.reshape(len(x), size, GROUPS, *x.shape[2:])
    blocks = x.reshape(len(x), GROUPS, size, *x.shape[2:])
    few = f"your groups hold {GROUPS} channels; there should be {GROUPS} groups."
    strays = [
        (ONE_MEAN, ALL_SHARE, _z(x, (0, 1, 2, 3))),
        ("size for number", few, _grouped(x, size)),
        ("channels interleaved", "you group every third channel.", _z(every_third, (1, 3, 4))),
        ("groups over the batch", "your groups span the batch.", _z(blocks, (0, 2, 3, 4))),
        (NO_PIXELS, "each pixel has its own mean.", _z(blocks, (2,))),
    ]
    return [(name, hint, value.reshape(x.shape)) for name, hint, value in strays]


@exercise(3, "the backward pass")
def backward(norm_backward, rng):
    """norm_backward(dy, x, gain, eps) -> (dx, dgain, dshift) of y = gain z + shift, x (N, C)."""
    n = 6
    eps = rng.uniform(0.1, 0.3)
    x = rng.normal(1, 2, (n, 3))
    dy = rng.normal(0.5, 1, (n, 3))
    gain = rng.uniform(1.5, 3, 3)
    dx, dgain, dshift = parts(norm_backward(dy, x, gain, eps), 3, "(dx, dgain, dshift)")
    z = _z(x, 0, eps)
    mean = "dshift: all examples add to it. The mean is in the loss already."
    otherwise = "The shift is added to each example of its channel. Collect what comes back."
    slips = [("mean for sum", mean, dy.mean(0))]
    expect_equal(dshift, dy.sum(0), ("wrong dshift", otherwise), slips)
    _dgain(dgain, dy, x, gain, eps)
    _dx(dx, dy * gain, z, np.sqrt(x.var(0) + eps), gain, eps)


def _dgain(dgain, dy, x, gain, eps):
    products = dy * _z(x, 0, eps)
    right = products.sum(0)
    equals = "dgain equals dshift. What is the gain multiplied by?"
    mean = "dgain: all examples add to it. The mean is in the loss already."
    derivative = "y = gain z + shift: the derivative has no gain in it."
    no_eps = "z of the forward pass has eps in its root."
    slips = [
        ("z forgotten in dgain", equals, dy.sum(0)),
        ("x for z in dgain", "The gain is multiplied by z, not by x.", (dy * x).sum(0)),
        ("mean for sum", mean, products.mean(0)),
        ("gain kept in dgain", derivative, gain * right),
        (NO_EPS, no_eps, (dy * _z(x, 0, 0)).sum(0)),
        ("gradient of each example", "One gain serves all examples: add over them.", products),
    ]
    otherwise = "What is dy/dgain of one element? Then add over the examples."
    expect_equal(dgain, right, ("wrong dgain", otherwise), slips)


def _dx(dx, dz, z, std, gain, eps):
    """Through the variance, the mean and x, the three steps of Ioffe and Szegedy."""
    n = len(dz)
    dvar = (dz * z).sum(0) * -0.5 / std**2
    dmean = -dz.sum(0) / std
    right = dz / std + dvar * 2 * z * std / n + dmean / n
    mean = dz.mean(0)
    along = z * (dz * z).mean(0)
    adds_up = (dz - along)[:, 0].sum() / std[0]
    shift = "Adding 1 to all x does not change z, so dx must add up to 0 in each channel"
    through = "The way through the variance is missing. Scaling x hardly changes z."
    same_root = "The forward pass divides by sqrt(var + eps). Use the same root."
    constants = f"Mean and variance depend on x too. {shift}."
    averages = "Subtract means over the examples, not sums."
    unit = "Does dx have the unit of 1/x? z has none."
    power = "You divide by the variance; its root made z."
    slips = [
        ("statistics taken as constants", constants, dz / std),
        ("mean term forgotten", f"{shift}; yours adds up to {adds_up:.2f}.", (dz - along) / std),
        ("z term forgotten", through, (dz - mean) / std),
        ("gain forgotten", "dx ignores the gain. y = gain z: what is dz?", right / gain),
        ("gain taken twice", "The gain is in dx once too often.", right * gain),
        ("sum for mean", averages, (dz - n * mean - n * along) / std),
        ("std forgotten", unit, right * std),
        ("variance for its root", power, right / std),
        ("sign of the z term", "Subtract the z term.", (dz - mean + along) / std),
        ("sign of the mean term", f"{shift}. Flip its sign.", (dz + mean - along) / std),
        (NO_EPS, same_root, right * std / np.sqrt(std**2 - eps)),
    ]
    otherwise = f"{shift}. Does yours? Compare with numerical_gradient where it differs."
    expect_equal(dx, right, ("wrong dx", otherwise), slips)


@exercise(4, "what batch norm remembers")
def memory(remember, rng):
    """remember(batches, x, momentum, eps) -> (running mean, running var, z of x (M, C))."""
    n = 5
    momentum = rng.uniform(0.2, 0.4)
    eps = rng.uniform(0.05, 0.2)
    batches = rng.normal(2, 2, (4, n, 3))
    x = rng.normal(2, 2, (2, 3))
    mean, var, z = parts(remember(batches, x, momentum, eps), 3, "(running mean, running var, z)")
    right_mean = _running(0, batches.mean(1), momentum)
    right_var = _running(1, batches.var(1, ddof=1), momentum)
    share = f"momentum={momentum:.2f} is the share of the new batch"
    _running_mean(mean, right_mean, batches.mean(1), momentum, share)
    _running_var(var, right_var, batches, momentum, share)
    _evaluation(z, x, right_mean, right_var, eps, n)


def _running(start, values, momentum):
    for value in values:
        start = (1 - momentum) * start + momentum * value
    return start


def _running_mean(mean, right, means, momentum, share):
    turned = f"{share.replace('new', 'NEW')} here; in Keras it is that of the old average."
    first = "It starts at 0, before any batch."
    slips = [
        (TURNED, turned, _running(0, means, 1 - momentum)),
        ("plain average", "All batches weigh the same in yours.", means.mean(0)),
        (LAST_BATCH, "You forget the batches before.", means[-1]),
        (FIRST_BATCH, first, _running(means[0], means[1:], momentum)),
        ("never updated", "It is still 0 after four batches.", 0 * means[0]),
        ("old average not reduced", "The two shares add up to 1.", momentum * means.sum(0)),
    ]
    otherwise = f"{share}. Start at 0; do one batch by hand."
    expect_equal(mean, right, ("wrong running mean", otherwise), slips)


def _running_var(var, right, batches, momentum, share):
    n = batches.shape[1]
    biased = batches.var(1)
    unbiased = batches.var(1, ddof=1)
    divided = f"Average variances divided by {n - 1}, not by {n}."
    roots = "You average standard deviations."
    first = "It starts at 1, before any batch."
    at_the_end = _running(1, biased, momentum) * n / (n - 1)
    each = "Correct each batch: the share of the starting 1 needs no correction."
    slips = [
        (BIASED, divided, _running(1, biased, momentum)),
        (STD, roots, _running(1, np.sqrt(unbiased), momentum)),
        (STD, roots, _running(1, np.sqrt(biased), momentum)),
        ("started at 0", "The running variance starts at 1.", _running(0, unbiased, momentum)),
        (TURNED, f"{share}. The mean is right.", _running(1, unbiased, 1 - momentum)),
        (FIRST_BATCH, first, _running(unbiased[0], unbiased[1:], momentum)),
        (LAST_BATCH, "You forget the batches before.", unbiased[-1]),
        ("corrected at the end", each, at_the_end),
    ]
    otherwise = f"{share}. Start at 1; the batch gives its unbiased variance."
    expect_equal(var, right, ("wrong running variance", otherwise), slips)


def _evaluation(z, x, mean, var, eps, n):
    std = np.sqrt(var + eps)
    batch_std = np.sqrt(x.var(0) + eps)
    centered = x - mean
    alone = "A prediction must not depend on the other examples in x. Use what was remembered."
    before = "eps belongs to the variance, before the root."
    unbiased = "var is unbiased already. Use it as it is."
    slips = [
        (BY_BATCH, alone, (x - x.mean(0)) / batch_std),
        (BY_BATCH, alone, (x - x.mean(0)) / std),
        (BY_BATCH, alone, centered / batch_std),
        (EPS_OUTSIDE, before, centered / (np.sqrt(var) + eps)),
        (NO_EPS, "Where the variance is 0 you divide by 0.", centered / np.sqrt(var)),
        (NO_ROOT, "You divide by the variance.", centered / (var + eps)),
        ("corrected twice", unbiased, centered / np.sqrt(var * n / (n - 1) + eps)),
        ("corrected back", unbiased, centered / np.sqrt(var * (n - 1) / n + eps)),
        ("mean not subtracted", "The running mean is not subtracted.", x / std),
        ("not scaled", "The running variance is not used.", centered),
    ]
    otherwise = "z is the formula of exercise 1 with the running mean and variance in it."
    expect_equal(z, centered / std, ("wrong z", otherwise), slips)


@exercise(5, "find the bug: the variance that is below zero")
def below_zero(variance, rng):
    """variance(x) -> (C,): the biased variance of each column of a float32 x (N, C)."""
    x = rng.normal(0, 1, (64, 200)).astype(np.float32)
    near = x + np.float32(rng.uniform(1, 2))
    far = x * np.float32(0.9) + np.float32(rng.uniform(9000, 12000))
    _near_zero(numbers(variance(near)), near.astype(float))
    got = numbers(variance(far))
    right = far.astype(float).var(0)
    yours = f"yours goes from {got.min():.1f} to {got.max():.1f}"
    seen = f"The mean is near {far.mean():.0f}, the variance near {right.mean():.1f}; {yours}."
    small = f"{seen} You subtract two numbers near 10^8. What is small before you square?"
    expect(got.min() >= 0, SHORTCUT, small)
    hidden = f"{seen} You hide the negative variances; the positive ones are just as wrong."
    expect(got.min() > 0, "clipped at zero", hidden)
    large = f"{seen} You still subtract large numbers after squaring."
    expect(close(got, right, 0.01), "digits lost", large)


def _near_zero(got, x):
    right = x.var(0)
    n = len(x)
    divided = f"You divide by {n - 1}. The variance that normalizes divides by {n}."
    column = "One variance for each column, over the rows."
    deviations = np.abs(x - x.mean(0))
    around_one = np.mean((x - x.mean()) ** 2, axis=0)
    slips = [
        (STD, "That is the root of the right answer.", np.sqrt(right)),
        (UNBIASED, divided, right * n / (n - 1)),
        ("sum for mean", "You add the squares. Divide by their number.", right * n),
        ("mean not subtracted", "That is E[x^2].", np.mean(x**2, axis=0)),
        ("wrong axis", column, x.var(1)),
        ("one variance for all", column, x.var()),
        ("one mean for all columns", "Each column has its own mean.", around_one),
        ("absolute values", "You average |x - mean|. Square it.", deviations.mean(0)),
    ]
    otherwise = "The variance is the mean of (x - mean)^2 over the rows, a number for each column."
    expect_equal(got, right, ("wrong variance", otherwise), slips, rtol=1e-4)


METRICS = ("first weights", "test loss", "test accuracy (%)", "in pairs (%)", "null (%)")


@exercise(6, "a fair experiment")
def fair(run, rng):
    """run(kind, seed, batch_size=32) -> a dict of METRICS, for "none", "batch" or "group" norm."""
    seed = int(rng.integers(1000))
    batch, again, group, plain = (
        metrics(METRICS, run(kind, seed)) for kind in ("batch", "batch", "group", "none")
    )
    other = metrics(METRICS, run("batch", seed + 1))
    small = metrics(METRICS, run("batch", seed, 4))
    two = "One seed gave two results. Make its generator from it."
    expect(agrees(batch, again), "not repeatable", two)
    kinds = "differ between batch, group and none."
    same = agrees(batch, group, "null (%)") and agrees(batch, plain, "null (%)")
    expect(same, NOT_PAIRED, f"The null rows {kinds} The split must not depend on the kind.")
    same = agrees(batch, group, "first weights") and agrees(batch, plain, "first weights")
    expect(same, NOT_PAIRED, f"The first weights {kinds} They must not depend on it.")
    same = agrees(batch, other, "first weights")
    expect(not same, "seed without effect", "Two seeds have the same first weights.")
    same = agrees(batch, group, "test loss") or agrees(batch, plain, "test loss")
    equal = "Two kinds have the same test loss. Is the norm in the network?"
    expect(not same, "kind without effect", equal)
    same = agrees(batch, small, "test loss")
    sizes = "Batches of 4 and of 32 have the same test loss."
    expect(not same, "batch size without effect", sizes)
    _honest([batch, group, plain], small)


def _honest(runs, small):
    both = [(result["test accuracy (%)"], result["in pairs (%)"]) for result in [*runs, small]]
    first, in_pairs = both[0]
    alike = all(abs(together - pairs) < 1 for together, pairs in both)
    seen = f"All at once {first:.1f} %, in pairs {in_pairs:.1f} %"
    expect(alike, BY_BATCH, f"{seen}: a prediction depends on the other digits in its batch.")
    highest = max(together for together, _ in both)
    expect(highest > 1, "share for percent", f"The accuracy is {first:.2f}. Multiply by 100.")
    lowest = min(result["test accuracy (%)"] for result in runs)
    expect(lowest > 40, "not trained", f"A kind ends at {lowest:.0f} % with batches of 32.")
    perfect = "100 % on new digits? Check which digits were scored."
    expect(highest <= 99.9, "tested on the training set", perfect)
    null = runs[0]["null (%)"]
    frequent = "Of the 500, how many have the most frequent label of the 256?"
    expect(2 < null < 21, "null row wrong", f"null is {null:.1f} %. {frequent}")
