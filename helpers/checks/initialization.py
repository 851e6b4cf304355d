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


@exercise(1, "He's normal start")
def he(he_normal, rng):
    """he_normal(n_in, n_out, rng) -> weights (n_in, n_out) from N(0, 2 / n_in)."""
    n_in, n_out = int(rng.integers(350, 450)), int(rng.integers(80, 130))
    weights, right = _weights(he_normal, n_in, n_out, rng), np.sqrt(2 / n_in)
    mean, std = weights.mean(), weights.std()
    seen = f"n_in={n_in}, n_out={n_out}: mean {mean:z.3f} and standard deviation {std:.4f}"
    order = (
        "Look up which argument of the generator comes first: the mean or the standard deviation."
    )
    expect(
        abs(std - 1) > 0.05 or mean < right / 2, "mean for standard deviation", f"{seen}. {order}"
    )
    expect(
        abs(std - 1) > 0.05,
        "scale forgotten",
        f"{seen}. Standard normal numbers have to be scaled.",
    )
    expect(
        abs(mean) < 8 * right / np.sqrt(weights.size),
        "mean not zero",
        f"{seen}. The mean must be 0.",
    )
    shape = np.mean(((weights - mean) / std) ** 4)  # 3 for a normal, 1.8 for a uniform distribution
    uniform = "The numbers fill an interval evenly. He's normal start has tails."
    expect(abs(shape - 1.8) > 0.1, "uniform in place of normal", f"{seen}. {uniform}")
    bell = f"A share of {np.mean(np.abs(weights - mean) > 2 * std):.3f} is beyond two standard deviations, expected 0.046."
    expect(abs(shape - 3) < 0.3, "not normal", bell)
    _scale(
        std,
        right,
        0.03,
        ("wrong scale", f"{seen}. The variance must be 2 / n_in."),
        [
            (
                "variance for standard deviation",
                f"{seen}. You scaled by the variance. Take its root.",
                2 / n_in,
            ),
            (
                "fan_out for fan_in",
                f"{seen}. How many terms does one output sum up?",
                np.sqrt(2 / n_out),
            ),
            (
                "Xavier in place of He",
                f"{seen}. He needs one fan, not both.",
                np.sqrt(2 / (n_in + n_out)),
            ),
            (
                "ReLU's half forgotten",
                f"{seen}. A ReLU takes half of the squares. Make up for it.",
                np.sqrt(1 / n_in),
            ),
            ("root of n_in forgotten", f"{seen}. The root covers n_in too.", np.sqrt(2) / n_in),
            (
                "factor 2 outside the root",
                f"{seen}. The 2 belongs to the variance.",
                2 / np.sqrt(n_in),
            ),
            ("a fixed scale", f"{seen}. The scale has to depend on n_in.", 0.01),
        ],
    )
    _generator(he_normal, rng)


def _weights(initializer, n_in, n_out, rng):
    """The answer as an array (n_in, n_out) of different numbers."""
    weights = numbers(initializer(n_in, n_out, rng))
    turned = "That is how PyTorch stores weights. Here y = x W, so W is (n_in, n_out)."
    expect(
        weights.shape != (n_out, n_in),
        "shape transposed",
        f"The shape is {weights.shape}. {turned}",
    )
    expected = f"The shape is {weights.shape}, expected {(n_in, n_out)}."
    expect(weights.shape == (n_in, n_out), "wrong shape", expected)
    expect(np.isfinite(weights).all(), "not a number", "Some weights are infinite or not a number.")
    equal = (weights == weights[:1]).all() or (weights == weights[:, :1]).all()
    expect(
        not equal,
        "equal units",
        "Rows or columns are equal: such units stay copies. Draw every weight by itself.",
    )
    return weights


def _scale(got, right, tolerance, otherwise, slips):
    """Raise the Slip whose scale is near `got`, unless the right one is."""
    if abs(got / right - 1) < tolerance:
        return
    for name, sentence, value in slips:
        expect(abs(got / value - 1) > tolerance, name, sentence)
    raise Slip(*otherwise)


def _generator(initializer, rng):
    """The same seed gives the same weights, another seed others."""
    seed = int(rng.integers(2**32))
    first, again, other = (
        numbers(initializer(20, 30, np.random.default_rng(number)))
        for number in (seed, seed, seed + 1)
    )
    ignored = (
        "Two generators of one seed give different weights. Draw from the rng that is passed in."
    )
    expect(np.array_equal(first, again), "rng ignored", ignored)
    fixed = "All generators give the same weights. Draw from the rng that is passed in."
    expect(not np.array_equal(first, other), "seed inside", fixed)


@exercise(2, "Xavier's uniform start")
def xavier(xavier_uniform, rng):
    """xavier_uniform(n_in, n_out, rng) -> weights (n_in, n_out), uniform on [-a, a] with a^2 = 6 / (n_in + n_out)."""
    n_in, n_out = int(rng.integers(350, 450)), int(rng.integers(80, 130))
    weights, both = _weights(xavier_uniform, n_in, n_out, rng), n_in + n_out
    right, low, high = np.sqrt(6 / both), weights.min(), weights.max()
    seen = f"n_in={n_in}, n_out={n_out}: the weights lie between {low:.3f} and {high:.3f}"
    expect(
        high < 0.99 or low < right / 2,
        "high end forgotten",
        f"{seen}. Where does your interval end?",
    )
    expect(
        low < 0 < high,
        "half of the interval",
        f"{seen}. It must lie around 0, as wide on both sides.",
    )
    shape = np.mean(
        ((weights - weights.mean()) / weights.std()) ** 4
    )  # 1.8 for a uniform, 3 for a normal distribution
    expect(
        abs(shape - 3) > 0.3,
        "normal in place of uniform",
        f"{seen}, most of them near 0. Use uniform numbers.",
    )
    expect(abs(shape - 1.8) < 0.1, "not uniform", f"{seen}, but not evenly.")
    expect(
        abs(high + low) < 0.05 * high, "not around 0", f"{seen}. It must be as wide on both sides."
    )
    std = "A uniform number on [-a, a] has the standard deviation a / sqrt(3)."
    _scale(
        high,
        right,
        0.01,
        (
            "wrong bound",
            f"{seen}. The variance of the weights is {weights.var():.5f}, expected {2 / both:.5f}.",
        ),
        [
            ("standard deviation for the bound", f"{seen}. {std}", np.sqrt(2 / both)),
            ("3 for 6", f"{seen}. Their variance is half of the right one.", np.sqrt(3 / both)),
            ("n_in twice", f"{seen}. Where is n_out?", np.sqrt(3 / n_in)),
            ("n_out twice", f"{seen}. Where is n_in?", np.sqrt(3 / n_out)),
            ("He in place of Xavier", f"{seen}. Xavier takes both fans.", np.sqrt(6 / n_in)),
            ("width for the bound", f"{seen}. The bound is half of the width.", np.sqrt(24 / both)),
            (
                "bound is half as large",
                f"{seen}. Their variance is a quarter of the right one.",
                np.sqrt(6 / both) / 2,
            ),
            (
                "root forgotten",
                f"{seen}. The bound has the unit of a standard deviation.",
                6 / both,
            ),
            (
                "PyTorch's default",
                f"{seen}. That is what Linear does by itself: 1 / sqrt(n_in).",
                np.sqrt(1 / n_in),
            ),
        ],
    )
    _generator(xavier_uniform, rng)


@exercise(3, "through one layer")
def layer(layer_moments, rng):
    """layer_moments(n_in, n_out, weight_std, x_mean, x_std) -> (Var(z), E[relu(z)^2], E[dx^2] for E[dz^2] = 1)."""
    n_in, n_out = int(rng.integers(100, 200)), int(rng.integers(30, 80))
    weight_std, x_mean, x_std = rng.uniform(0.1, 0.3), rng.uniform(0.8, 2), rng.uniform(0.5, 0.7)
    answer = layer_moments(n_in, n_out, weight_std, x_mean, x_std)
    variance, square, back = parts(
        answer, 3, "(variance of z, mean square after the ReLU, that of dx)"
    )
    each, x_square = n_in * weight_std**2, x_mean**2 + x_std**2
    right = each * x_square
    expect_equal(
        variance,
        right,
        ("wrong variance", "z is a sum of n_in terms x w of mean 0. What is E[(x w)^2] of one?"),
        [
            (
                "variance where the mean square belongs",
                "x has a mean, and it counts: E[x^2], not Var(x).",
                each * x_std**2,
            ),
            (
                "spread of x left out",
                "E[x^2] is more than the square of the mean.",
                each * x_mean**2,
            ),
            ("square of the sum", "E[x^2] is a sum of squares.", each * (x_mean + x_std) ** 2),
            (
                "squares of x forgotten",
                "Doubling x makes the variance four times as large.",
                each * (x_mean + x_std),
            ),
            (
                "fan_out for fan_in",
                "How many terms does one z sum up?",
                n_out * weight_std**2 * x_square,
            ),
            (
                "both fans",
                "How many terms does one z sum up?",
                (n_in + n_out) / 2 * weight_std**2 * x_square,
            ),
            (
                "weight_std not squared",
                "Doubling w makes the variance four times as large.",
                n_in * weight_std * x_square,
            ),
            ("number of terms forgotten", "That is one term of the sum.", weight_std**2 * x_square),
            ("number of terms squared", "The terms are independent: variances add.", n_in * right),
            (
                "standard deviation for variance",
                "That is the root of the right answer.",
                np.sqrt(right),
            ),
            ("ReLU before its time", "That is half of Var(z): the ReLU comes after z.", right / 2),
        ],
    )
    expect_equal(
        square,
        right / 2,
        (
            "wrong mean square",
            "z is as often positive as negative. What does a ReLU leave of z^2 in both cases?",
        ),
        [
            (
                "ReLU's half forgotten",
                "Negative z become 0. What share of the squares is left?",
                right,
            ),
            (
                "variance after the ReLU",
                "relu(z) has a mean: E[r^2], not Var(r).",
                right * (0.5 - 0.5 / np.pi),
            ),
            (
                "square of the mean",
                "That is E[relu(z)]^2. Square first, then average.",
                right / (2 * np.pi),
            ),
            (
                "the mean",
                "That is E[relu(z)]. Its square is asked for, averaged.",
                np.sqrt(right / (2 * np.pi)),
            ),
            ("root mean square", "That is the root of the right answer.", np.sqrt(right / 2)),
            ("the half squared", "z is not halved: half of the z are 0.", right / 4),
        ],
    )
    expect_equal(
        back,
        n_out * weight_std**2,
        ("wrong way back", "dx = dz W^T: one dx is a sum over the outputs, of terms of mean 0."),
        [
            (
                "fan_in for fan_out",
                "On the way back, how many terms does one dx sum up?",
                n_in * weight_std**2,
            ),
            (
                "both fans",
                "On the way back, how many terms does one dx sum up?",
                (n_in + n_out) / 2 * weight_std**2,
            ),
            (
                "ReLU before its time",
                "dz stands after the ReLU's backward: nothing is halved.",
                n_out * weight_std**2 / 2,
            ),
            (
                "weight_std not squared",
                "Doubling w makes the mean square of dx four times as large.",
                n_out * weight_std,
            ),
            ("number of terms forgotten", "That is one term of the sum.", weight_std**2),
            (
                "standard deviation for variance",
                "That is the root of the right answer.",
                np.sqrt(n_out) * weight_std,
            ),
        ],
    )


@exercise(4, "through many layers")
def depth(rms_by_layer, rng):
    """rms_by_layer(widths, weight_stds, x_rms) -> (L,) root mean squares after each of L Linear-ReLU pairs."""
    count = int(rng.integers(3, 7))
    widths = [int(n) for n in rng.integers(30, 200, count + 1)]
    stds, x_rms = rng.uniform(0.05, 0.3, count), rng.uniform(0.5, 2)
    n_in, n_out = np.array(widths[:-1]), np.array(widths[1:])
    factors = n_in * stds**2 / 2
    right = x_rms * np.sqrt(np.cumprod(factors))
    first = (
        f"widths {widths[:2]}, weight_std={stds[0]:.2f}, x_rms={x_rms:.2f}: after the first ReLU"
    )
    got = numbers(rms_by_layer(widths, stds, x_rms))
    longer = "Return one number for each layer of weights. The input has none."
    expect(
        got.shape != (count + 1,),
        "the input counted",
        f"{count + 1} numbers for {count} layers. {longer}",
    )
    expect(got.shape != (), "last layer alone", f"One number for {count} layers. {longer}")
    expect_equal(
        got,
        right,
        ("wrong rms", f"{first} the rms is {right[0]:.2f}. Work that one out first."),
        [
            (
                "mean squares for their roots",
                f"{first} the rms is {right[0]:.2f}. You give squares.",
                right**2,
            ),
            (
                "x_rms not squared",
                f"{first} a mean square is scaled. Begin with one.",
                np.sqrt(x_rms * np.cumprod(factors)),
            ),
            (
                "ReLU's half forgotten",
                f"{first} half of the squares are gone.",
                x_rms * np.sqrt(np.cumprod(2 * factors)),
            ),
            (
                "half outside the root",
                f"{first} the squares are halved, not the rms.",
                x_rms * np.sqrt(np.cumprod(2 * factors)) / 2.0 ** np.arange(1, count + 1),
            ),
            (
                "fan_out for fan_in",
                f"{first}, one output summed up {widths[0]} terms.",
                x_rms * np.sqrt(np.cumprod(n_out * stds**2 / 2)),
            ),
            (
                "weight_std not squared",
                f"{first} the weights' variance counts.",
                x_rms * np.sqrt(np.cumprod(n_in * stds / 2)),
            ),
            (
                "layers not chained",
                "Each layer gets what the one before it gives, not x.",
                x_rms * np.sqrt(factors),
            ),
            (
                "input left out",
                "The right factors, but x_rms has no influence.",
                np.sqrt(np.cumprod(factors)),
            ),
            ("factors added", "Each layer multiplies.", x_rms * np.cumsum(np.sqrt(factors))),
            (
                "variance through every layer",
                "The factor is the root of n Var(w) / 2.",
                x_rms * np.cumprod(factors),
            ),
        ],
    )


@exercise(5, "find the bug: the fans of a convolution")
def convolution(xavier_bound, rng):
    """xavier_bound(shape) -> sqrt(6 / (fan_in + fan_out)) for (n_out, n_in) and (C_out, C_in, height, width)."""
    c_out, c_in = (int(n) for n in rng.permutation([17, 19, 23, 29, 31, 37, 41, 43])[:2])
    height, width = (int(n) for n in rng.permutation([2, 3, 4, 5, 7])[:2])
    shape = c_out, c_in, height, width
    area, both = height * width, c_in + c_out
    one = f"shape {shape}: one output sums up {c_in} channels of {height} x {width} numbers"
    back = f"shape {shape}: one input goes into {c_out} channels, {height} x {width} times each."

    def bound(fans, six=6):
        return np.sqrt(six / fans)

    expect_equal(
        xavier_bound(shape),
        bound(area * both),
        ("wrong bound", f"{one}. What is fan_in, and what is fan_out?"),
        [
            ("sizes added", f"{one}. A sum over the shape is neither fan.", bound(sum(shape))),
            ("kernel area forgotten", f"{one}. You counted the channels.", bound(both)),
            ("area in fan_in alone", back, bound(c_in * area + c_out)),
            ("area in fan_out alone", f"{one}. That is fan_in.", bound(c_in + c_out * area)),
            (
                "one side of the kernel",
                f"{one}. You took the height for the area.",
                bound(height * both),
            ),
            (
                "one side of the kernel",
                f"{one}. You took the width for the area.",
                bound(width * both),
            ),
            ("sides added", f"{one}. An area is a product.", bound((height + width) * both)),
            (
                "all sizes multiplied",
                f"{one}. fan_in and fan_out are added.",
                bound(np.prod(shape)),
            ),
            (
                "axes read from the wrong end",
                f"{one}. The channels come first.",
                bound(c_out * c_in * (height + width)),
            ),
            ("fan_in alone", "That is He's choice. Xavier takes both fans.", bound(c_in * area)),
            ("fan_in twice", "Xavier takes both fans.", bound(2 * c_in * area)),
            (
                "standard deviation for the bound",
                "The fans are right. Is this a width?",
                bound(area * both, 2),
            ),
            ("root forgotten", "The fans are right. The bound is a root.", 6 / (area * both)),
        ],
    )
    linear = f"shape {(c_out, c_in)}, a linear layer, has the fans {c_in} and {c_out}."
    expect_equal(xavier_bound((c_out, c_in)), bound(both), ("linear layers broken", linear))


METRICS = ("start norm", "null error (%)", "train error (%)", "test error (%)")


@exercise(6, "a fair experiment")
def fair(run, rng):
    """run(scale, seed) -> a dict of METRICS, of one training whose weights start at `scale` times He's."""
    seed = int(rng.integers(1000))
    whole, again, other = (metrics(METRICS, run(1.0, number)) for number in (seed, seed, seed + 1))
    half = metrics(METRICS, run(0.5, seed))
    ratio, he = half["start norm"] / max(whole["start norm"], 1e-300), np.sqrt(2 * 50)
    norms = f"The start norms are {half['start norm']:.3f} for scale 0.5 and {whole['start norm']:.3f} for 1"
    for holds, name, sentence in (
        (
            agrees(whole, again),
            "not repeatable",
            "run(1, seed) gave two results. Make its generator from the seed.",
        ),
        (
            agrees(whole, half, "null error (%)"),
            "not paired",
            "The null error changes with the scale: so does the split. Draw it from the seed alone.",
        ),
        (
            abs(ratio - 1) > 1e-9,
            "scale without effect",
            f"{norms}. Where do the weights learn of the scale?",
        ),
        (
            abs(ratio - 0.5**0.5) > 1e-9,
            "scale of the variance",
            f"{norms}. The scale multiplies the weights.",
        ),
        (
            abs(ratio - 0.25) > 1e-9,
            "the square of the norm",
            f"{norms}. One half was expected; take the root.",
        ),
        (
            abs(ratio - 0.5) < 1e-9,
            "not paired",
            f"{norms}, expected one half: the draws differ with the scale.",
        ),
        (
            not agrees(whole, other, "start norm"),
            "seed without effect",
            "Two seeds have one start norm, so the same first weights.",
        ),
        (
            abs(whole["start norm"] / he - 1) < 0.15,
            "not He's start",
            f"{norms}. He's 64 x 50 weights have a norm near {he:.0f}.",
        ),
        (
            80 < whole["null error (%)"] < 99,
            "wrong null row",
            f"The null error is {whole['null error (%)']:.1f} %. Predict the most frequent training label everywhere.",
        ),
        (
            not agrees(whole, half, "train error (%)"),
            "scale without effect",
            "Both scales end at one error. Is the trained model the scaled one?",
        ),
        (
            whole["test error (%)"] < 60,
            "not trained",
            f"From He's start the test error is {whole['test error (%)']:.0f} %. Is every epoch trained?",
        ),
        (
            any(row["train error (%)"] != row["test error (%)"] for row in (whole, half, other)),
            "tested on the training set",
            "Train and test error are equal in three runs. On which data was each computed?",
        ),
    ):
        expect(holds, name, sentence)
