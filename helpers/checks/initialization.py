"""Checks of assignment 05, initialization."""

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

NORMAL = 3.0  # kurtosis, E[(w - mean)^4] / std^4
UNIFORM = 1.8


@exercise(1, "He's normal start")
def he(he_normal, rng):
    """he_normal(n_in, n_out, rng) -> weights (n_in, n_out) from N(0, 2 / n_in)."""
    n_in, n_out = _fans(rng)
    weights = _weights(he_normal, n_in, n_out, rng)
    right = np.sqrt(2 / n_in)
    mean = weights.mean()
    std = weights.std()
    seen = f"n_in={n_in}, n_out={n_out}: mean {mean:z.3f} and standard deviation {std:.4f}"
    order = "Which argument of the generator comes first, the mean or the standard deviation?"
    unscaled = abs(std - 1) <= 0.05
    expect(not unscaled or mean < right / 2, "mean for standard deviation", f"{seen}. {order}")
    expect(not unscaled, "scale forgotten", f"{seen}. Standard normal numbers have to be scaled.")
    centered = abs(mean) < 8 * right / np.sqrt(weights.size)
    expect(centered, "mean not zero", f"{seen}. The mean must be 0.")
    evenly = "The numbers fill an interval evenly. He's normal start has tails."
    kurtosis = _kurtosis(weights)
    expect(abs(kurtosis - UNIFORM) > 0.1, "uniform instead of normal", f"{seen}. {evenly}")
    share = np.mean(np.abs(weights - mean) > 2 * std)
    beyond = f"A share of {share:.3f} is beyond two standard deviations, expected 0.046."
    expect(abs(kurtosis - NORMAL) < 0.3, "not normal", beyond)
    _he_scale(std, right, n_in, n_out, seen)
    _generator(he_normal, rng)


def _fans(rng):
    return int(rng.integers(350, 450)), int(rng.integers(80, 130))


def _kurtosis(weights):
    return np.mean(((weights - weights.mean()) / weights.std()) ** 4)


def _he_scale(std, right, n_in, n_out, seen):
    variance = f"{seen}. You scaled by the variance. Take its root."
    terms = f"{seen}. How many terms does one output sum up?"
    half = f"{seen}. A ReLU takes half of the squares. Make up for it."
    fixed = f"{seen}. The scale has to depend on n_in."
    outside = f"{seen}. The 2 belongs to the variance."
    one_fan = f"{seen}. He needs one fan, not both."
    slips = [
        ("variance for standard deviation", variance, 2 / n_in),
        ("fan_out for fan_in", terms, np.sqrt(2 / n_out)),
        ("Xavier instead of He", one_fan, np.sqrt(2 / (n_in + n_out))),
        ("ReLU's half forgotten", half, np.sqrt(1 / n_in)),
        ("root of n_in forgotten", f"{seen}. The root covers n_in too.", np.sqrt(2) / n_in),
        ("factor 2 outside the root", outside, 2 / np.sqrt(n_in)),
        ("a fixed scale", fixed, 0.01),
    ]
    otherwise = ("wrong scale", f"{seen}. The variance must be 2 / n_in.")
    _scale(std, right, 0.03, otherwise, slips)


def _weights(initializer, n_in, n_out, rng):
    """The answer as an array (n_in, n_out) of different numbers."""
    weights = numbers(initializer(n_in, n_out, rng))
    came = f"The shape is {weights.shape}"
    turned = f"{came}. That is how PyTorch stores weights. Here y = x W, so W is (n_in, n_out)."
    expect(weights.shape != (n_out, n_in), "shape transposed", turned)
    expect(weights.shape == (n_in, n_out), "wrong shape", f"{came}, expected {(n_in, n_out)}.")
    expect(np.isfinite(weights).all(), "not a number", "Some weights are infinite or not a number.")
    equal = (weights == weights[:1]).all() or (weights == weights[:, :1]).all()
    copies = "Rows or columns are equal: such units stay copies. Draw every weight by itself."
    expect(not equal, "equal units", copies)
    return weights


def _scale(got, right, tolerance, otherwise, slips):
    """Raise the Slip whose scale is near `got`, unless the right one is."""
    if abs(got / right - 1) < tolerance:
        return
    for name, sentence, value in slips:
        expect(abs(got / value - 1) > tolerance, name, sentence)
    raise Slip(*otherwise)


def _generator(initializer, rng):
    """The same seed gives the same weights, another seed gives others."""
    seed = int(rng.integers(2**32))
    first, again, other = (
        numbers(initializer(20, 30, np.random.default_rng(number)))
        for number in (seed, seed, seed + 1)
    )
    draw = "Draw from the rng that is passed in."
    ignored = f"Two generators of one seed give different weights. {draw}"
    expect(np.array_equal(first, again), "rng ignored", ignored)
    fixed = f"All generators give the same weights. {draw}"
    expect(not np.array_equal(first, other), "seed inside", fixed)


@exercise(2, "Xavier's uniform start")
def xavier(xavier_uniform, rng):
    """xavier_uniform(n_in, n_out, rng) -> uniform on [-a, a] with a^2 = 6 / (n_in + n_out)."""
    n_in, n_out = _fans(rng)
    weights = _weights(xavier_uniform, n_in, n_out, rng)
    right = np.sqrt(6 / (n_in + n_out))
    low = weights.min()
    high = weights.max()
    seen = f"n_in={n_in}, n_out={n_out}: the weights lie between {low:.3f} and {high:.3f}"
    one_end = high >= 0.99 and low >= right / 2
    expect(not one_end, "high end forgotten", f"{seen}. Where does your interval end?")
    wide = f"{seen}. It must lie around 0, as wide on both sides."
    expect(low < 0 < high, "half of the interval", wide)
    kurtosis = _kurtosis(weights)
    bell = f"{seen}, most of them near 0. Use uniform numbers."
    expect(abs(kurtosis - NORMAL) > 0.3, "normal instead of uniform", bell)
    expect(abs(kurtosis - UNIFORM) < 0.1, "not uniform", f"{seen}, but not evenly.")
    same_width = f"{seen}. It must be as wide on both sides."
    expect(abs(high + low) < 0.05 * high, "not around 0", same_width)
    _bound(weights, right, n_in, n_out, seen)
    _generator(xavier_uniform, rng)


def _bound(weights, right, n_in, n_out, seen):
    both = n_in + n_out
    std = f"{seen}. A uniform number on [-a, a] has the standard deviation a / sqrt(3)."
    half = f"{seen}. Their variance is half of the right one."
    quarter = f"{seen}. Their variance is a quarter of the right one."
    width = f"{seen}. The bound is half of the width."
    unit = f"{seen}. The bound has the unit of a standard deviation."
    torch = f"{seen}. That is what Linear does by itself: 1 / sqrt(n_in)."
    slips = [
        ("standard deviation for the bound", std, np.sqrt(2 / both)),
        ("3 for 6", half, np.sqrt(3 / both)),
        ("n_in twice", f"{seen}. Where is n_out?", np.sqrt(3 / n_in)),
        ("n_out twice", f"{seen}. Where is n_in?", np.sqrt(3 / n_out)),
        ("He instead of Xavier", f"{seen}. Xavier takes both fans.", np.sqrt(6 / n_in)),
        ("width for the bound", width, np.sqrt(24 / both)),
        ("bound is half as large", quarter, np.sqrt(6 / both) / 2),
        ("root forgotten", unit, 6 / both),
        ("PyTorch's default", torch, np.sqrt(1 / n_in)),
    ]
    variance = f"The variance of the weights is {weights.var():.5f}, expected {2 / both:.5f}."
    _scale(weights.max(), right, 0.01, ("wrong bound", f"{seen}. {variance}"), slips)


TERMS = "number of terms forgotten"
ONE_TERM = "That is one term of the sum."
ROOT = "That is the root of the right answer."
STD = "standard deviation for variance"
NOT_SQUARED = "weight_std not squared"
EARLY = "ReLU before its time"


@exercise(3, "through one layer")
def layer(layer_moments, rng):
    """layer_moments(n_in, n_out, weight_std, x_mean, x_std) -> Var(z), E[relu(z)^2], E[dx^2]."""
    n_in = int(rng.integers(100, 200))
    n_out = int(rng.integers(30, 80))
    weight_std = rng.uniform(0.1, 0.3)
    x_mean = rng.uniform(0.8, 2)
    x_std = rng.uniform(0.5, 0.7)
    answer = layer_moments(n_in, n_out, weight_std, x_mean, x_std)
    names = "(variance of z, mean square after the ReLU, that of dx)"
    variance, square, back = parts(answer, 3, names)
    _variance(variance, n_in, n_out, weight_std, x_mean, x_std)
    _after_relu(square, n_in * weight_std**2 * (x_mean**2 + x_std**2))
    _back(back, n_in, n_out, weight_std)


def _variance(got, n_in, n_out, weight_std, x_mean, x_std):
    each = n_in * weight_std**2
    x_square = x_mean**2 + x_std**2
    right = each * x_square
    mean_square = "x has a mean, and it counts: E[x^2], not Var(x)."
    squares = "Doubling x makes the variance four times as large."
    terms = "How many terms does one z sum up?"
    double = "Doubling w makes the variance four times as large."
    n_mean = (n_in + n_out) / 2
    slips = [
        ("variance where the mean square belongs", mean_square, each * x_std**2),
        ("spread of x left out", "E[x^2] is more than the mean's square.", each * x_mean**2),
        ("square of the sum", "E[x^2] is a sum of squares.", each * (x_mean + x_std) ** 2),
        ("squares of x forgotten", squares, each * (x_mean + x_std)),
        ("fan_out for fan_in", terms, n_out * weight_std**2 * x_square),
        ("both fans", terms, n_mean * weight_std**2 * x_square),
        (NOT_SQUARED, double, n_in * weight_std * x_square),
        (TERMS, ONE_TERM, weight_std**2 * x_square),
        ("number of terms squared", "The terms are independent: variances add.", n_in * right),
        (STD, ROOT, np.sqrt(right)),
        (EARLY, "That is half of Var(z): the ReLU comes after z.", right / 2),
    ]
    one = "z is a sum of n_in terms x w of mean 0. What is E[(x w)^2] of one?"
    expect_equal(got, right, ("wrong variance", one), slips)


def _after_relu(got, variance):
    """`variance` is that of z, which is normal with mean 0."""
    share = "Negative z become 0. What share of the squares is left?"
    has_mean = "relu(z) has a mean: E[r^2], not Var(r)."
    squared = "That is E[relu(z)]^2. Square first, then average."
    mean = "That is E[relu(z)]. Its square is wanted, averaged."
    slips = [
        ("ReLU's half forgotten", share, variance),
        ("variance after the ReLU", has_mean, variance * (0.5 - 0.5 / np.pi)),
        ("square of the mean", squared, variance / (2 * np.pi)),
        ("the mean", mean, np.sqrt(variance / (2 * np.pi))),
        ("root mean square", ROOT, np.sqrt(variance / 2)),
        ("the half squared", "z is not halved: half of the z are 0.", variance / 4),
    ]
    signs = "z is as often positive as negative. What does a ReLU leave of z^2 in both cases?"
    expect_equal(got, variance / 2, ("wrong mean square", signs), slips)


def _back(got, n_in, n_out, weight_std):
    right = n_out * weight_std**2
    terms = "On the way back, how many terms does one dx sum up?"
    whole = "dz stands after the ReLU's backward: nothing is halved."
    double = "Doubling w makes the mean square of dx four times as large."
    slips = [
        ("fan_in for fan_out", terms, n_in * weight_std**2),
        ("both fans", terms, (n_in + n_out) / 2 * weight_std**2),
        (EARLY, whole, right / 2),
        (NOT_SQUARED, double, n_out * weight_std),
        (TERMS, ONE_TERM, weight_std**2),
        (STD, ROOT, np.sqrt(n_out) * weight_std),
    ]
    sums = "dx = dz W^T: one dx is a sum over the outputs, of terms of mean 0."
    expect_equal(got, right, ("wrong way back", sums), slips)


@exercise(4, "through many layers")
def depth(rms_by_layer, rng):
    """rms_by_layer(widths, weight_stds, x_rms) -> (L,) rms after each of L Linear-ReLU pairs."""
    count = int(rng.integers(3, 7))
    widths = [int(n) for n in rng.integers(30, 200, count + 1)]
    stds = rng.uniform(0.05, 0.3, count)
    x_rms = rng.uniform(0.5, 2)
    got = numbers(rms_by_layer(widths, stds, x_rms))
    each = "Return one number for each layer of weights. The input has none."
    input_too = f"{count + 1} numbers for {count} layers. {each}"
    expect(got.shape != (count + 1,), "the input counted", input_too)
    expect(got.shape != (), "last layer alone", f"One number for {count} layers. {each}")
    _rms(got, np.array(widths), stds, x_rms)


def _rms(got, widths, stds, x_rms):
    factors = widths[:-1] * stds**2 / 2
    right = _chained(factors, x_rms)
    fan_out = _chained(widths[1:] * stds**2 / 2, x_rms)
    not_squared = _chained(widths[:-1] * stds / 2, x_rms)
    whole = _chained(2 * factors, x_rms)
    halves = 2.0 ** np.arange(1, len(stds) + 1)
    case = f"widths {widths[:2].tolist()}, weight_std={stds[0]:.2f}, x_rms={x_rms:.2f}"
    first = f"{case}: after the first ReLU"
    value = f"{first} the rms is {right[0]:.2f}."
    scaled = f"{first} a mean square is scaled. Begin with one."
    rms_whole = f"{first} the squares are halved, not the rms."
    terms = f"{first}, one output summed up {widths[0]} terms."
    variance = f"{first} the weights' variance counts."
    chain = "Each layer gets what the one before it gives, not x."
    no_input = "The right factors, but x_rms has no influence."
    root = "The factor is the root of n Var(w) / 2."
    slips = [
        ("mean squares for their roots", f"{value} You give squares.", right**2),
        ("x_rms not squared", scaled, np.sqrt(x_rms * np.cumprod(factors))),
        ("ReLU's half forgotten", f"{first} half of the squares are gone.", whole),
        ("half outside the root", rms_whole, whole / halves),
        ("fan_out for fan_in", terms, fan_out),
        (NOT_SQUARED, variance, not_squared),
        ("layers not chained", chain, x_rms * np.sqrt(factors)),
        ("input left out", no_input, _chained(factors, 1)),
        ("factors added", "Each layer multiplies.", x_rms * np.cumsum(np.sqrt(factors))),
        ("variance through every layer", root, x_rms * np.cumprod(factors)),
    ]
    expect_equal(got, right, ("wrong rms", f"{value} Work that one out first."), slips)


def _chained(factors, x_rms):
    """The rms after each layer that multiplies the mean square by its factor."""
    return x_rms * np.sqrt(np.cumprod(factors))


@exercise(5, "find the bug: the fans of a convolution")
def convolution(xavier_bound, rng):
    """xavier_bound(shape) -> sqrt(6 / (fan_in + fan_out)) for linear and convolution weights."""
    c_out, c_in = (int(n) for n in rng.permutation([17, 19, 23, 29, 31, 37, 41, 43])[:2])
    height, width = (int(n) for n in rng.permutation([2, 3, 4, 5, 7])[:2])
    _convolution_bound(xavier_bound((c_out, c_in, height, width)), c_out, c_in, height, width)
    linear = f"shape {(c_out, c_in)}, a linear layer, has the fans {c_in} and {c_out}."
    otherwise = ("linear layers broken", linear)
    expect_equal(xavier_bound((c_out, c_in)), np.sqrt(6 / (c_in + c_out)), otherwise)


def _convolution_bound(got, c_out, c_in, height, width):
    shape = (c_out, c_in, height, width)
    area = height * width
    both = c_in + c_out

    def bound(fans):
        return np.sqrt(6 / fans)

    one = f"shape {shape}: one output sums up {c_in} channels of {height} x {width} numbers."
    back = f"shape {shape}: one input goes into {c_out} channels, {height} x {width} times each."
    end = f"{one} The channels come first."
    width_alone = "The fans are right. Is this a width?"
    one_side = "one side of the kernel"
    deviation = "standard deviation for the bound"
    axes = "axes read from the wrong end"
    slips = [
        ("sizes added", f"{one} A sum over the shape is neither fan.", bound(sum(shape))),
        ("kernel area forgotten", f"{one} You counted the channels.", bound(both)),
        ("area in fan_in alone", back, bound(c_in * area + c_out)),
        ("area in fan_out alone", f"{one} That is fan_in.", bound(c_in + c_out * area)),
        (one_side, f"{one} You took the height for the area.", bound(height * both)),
        (one_side, f"{one} You took the width for the area.", bound(width * both)),
        ("sides added", f"{one} An area is a product.", bound((height + width) * both)),
        ("all sizes multiplied", f"{one} fan_in and fan_out are added.", bound(np.prod(shape))),
        (axes, end, bound(c_out * c_in * (height + width))),
        ("fan_in alone", "That is He's choice. Xavier takes both fans.", bound(c_in * area)),
        ("fan_in twice", "Xavier takes both fans.", bound(2 * c_in * area)),
        (deviation, width_alone, np.sqrt(2 / (area * both))),
        ("root forgotten", "The fans are right. The bound is a root.", 6 / (area * both)),
    ]
    otherwise = ("wrong bound", f"{one} What is fan_in, and what is fan_out?")
    expect_equal(got, bound(area * both), otherwise, slips)


METRICS = ("start norm", "null error (%)", "train error (%)", "test error (%)")


@exercise(6, "a fair experiment")
def fair(run, rng):
    """run(scale, seed) -> METRICS of one training; its weights start at `scale` times He's."""
    seed = int(rng.integers(1000))
    whole, again, other = (metrics(METRICS, run(1.0, number)) for number in (seed, seed, seed + 1))
    half = metrics(METRICS, run(0.5, seed))
    repeats = "run(1, seed) gave two results. Make its generator from the seed."
    expect(agrees(whole, again), "not repeatable", repeats)
    split = "The null error changes with the scale: so does the split. Draw it from the seed alone."
    expect(agrees(whole, half, "null error (%)"), "not paired", split)
    _start(whole["start norm"], half["start norm"], other["start norm"])
    _trained(whole, half, other)


def _start(whole, half, other):
    """Is the norm of the first weights He's, half of it for scale 0.5, and another for a seed?"""
    ratio = half / max(whole, 1e-300)
    norms = f"The start norms are {half:.3f} for scale 0.5 and {whole:.3f} for 1"
    idle = f"{norms}. Where do the weights learn of the scale?"
    expect(abs(ratio - 1) > 1e-9, "scale without effect", idle)
    weights = f"{norms}. The scale multiplies the weights."
    expect(abs(ratio - 0.5**0.5) > 1e-9, "scale of the variance", weights)
    square = f"{norms}. One half was expected; take the root."
    expect(abs(ratio - 0.25) > 1e-9, "the square of the norm", square)
    draws = f"{norms}, expected one half: the draws differ with the scale."
    expect(abs(ratio - 0.5) < 1e-9, "not paired", draws)
    same = "Two seeds have one start norm, so the same first weights."
    expect(abs(whole - other) >= 1e-9, "seed without effect", same)
    he_norm = np.sqrt(2 * 50)
    near = f"{norms}. He's 64 x 50 weights have a norm near {he_norm:.0f}."
    expect(abs(whole / he_norm - 1) < 0.15, "not He's start", near)


def _trained(whole, half, other):
    null = whole["null error (%)"]
    label = "Predict the most frequent training label everywhere."
    expect(80 < null < 99, "wrong null row", f"The null error is {null:.1f} %. {label}")
    scaled = "Both scales end at one error. Is the trained model the scaled one?"
    expect(not agrees(whole, half, "train error (%)"), "scale without effect", scaled)
    test = whole["test error (%)"]
    epochs = f"From He's start the test error is {test:.0f} %. Is every epoch trained?"
    expect(test < 60, "not trained", epochs)
    rows = (whole, half, other)
    differ = any(row["train error (%)"] != row["test error (%)"] for row in rows)
    data = "Train and test error are equal in three runs. On which data was each computed?"
    expect(differ, "tested on the training set", data)
