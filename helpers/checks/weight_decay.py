"""Checks of assignment 03, weight decay."""

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

LR_MISSING = "lr missing in 1 - lr*lam"
AFTER = "decay after instead of within the step"


@exercise(1, "shrink, then descend")
def sgd(sgd_step, rng):
    """sgd_step(w, g, lr, lam) -> (1 - lr lam) w - lr g."""
    lr, lam, w, g = (
        rng.uniform(0.05, 0.2),
        rng.uniform(0.5, 2),
        rng.normal(0, 1, (5, 3)),
        rng.normal(0, 1, (5, 3)),
    )
    keep = 1 - lr * lam
    still = (
        f"With lr={lr:.2f}, lam={lam:.2f} and no gradient, one step leaves {keep:.2f} of a weight"
    )
    expect_equal(
        sgd_step(w, g, lr, lam),
        keep * w - lr * g,
        ("wrong step", f"{still}. With lam=0 it is plain gradient descent. Try both cases."),
        [
            (LR_MISSING, f"{still}; yours leaves {1 - lam:.2f}.", (1 - lam) * w - lr * g),
            (
                AFTER,
                "The gradient's step was shrunk too. The decay acts on the w that came in.",
                keep * (w - lr * g),
            ),
            ("decay forgotten", "That is plain gradient descent. Where is lam?", w - lr * g),
            ("the weights grow", f"{still}; yours grows it.", (1 + lr * lam) * w - lr * g),
            (
                "uphill",
                "Without decay the step goes along the gradient. The loss rises there.",
                keep * w + lr * g,
            ),
            (
                "gradient scaled by lam",
                "With lam=0 your weights do not learn.",
                keep * w - lr * lam * g,
            ),
            (
                "lr missing before the gradient",
                "The shrinking is right. The gradient has no lr.",
                keep * w - g,
            ),
            (
                "lam doubled",
                f"{still}. The half of lam/2 ||w||^2 cancels a 2.",
                (1 - 2 * lr * lam) * w - lr * g,
            ),
            (
                "lam halved",
                f"{still}. What is the derivative of lam/2 w^2?",
                (1 - lr * lam / 2) * w - lr * g,
            ),
            (
                "L1 in place of L2",
                "All weights lose the same. L2 takes a share.",
                w - lr * g - lr * lam * np.sign(w),
            ),
        ],
    )


SHAPES = {
    "hidden.weight": (4, 3),
    "hidden.bias": (3,),
    "norm.gain": (3,),
    "norm.shift": (3,),
    "bias_net.weight": (3, 2),
    "weighting.bias": (2,),
}


@exercise(2, "who decays")
def groups(group_step, rng):
    """group_step(params, grads, lr, lam) -> the new params; only names that end in ".weight" decay."""
    lr, lam = rng.uniform(0.05, 0.2), rng.uniform(0.5, 2)
    names = [str(name) for name in rng.permutation(list(SHAPES))]
    params, grads = ({name: rng.normal(1, 1, SHAPES[name]) for name in names} for _ in range(2))
    got = _named(group_step(params, grads, lr, lam), names)

    def step(decays, shrink=lr * lam):
        kept = {name: 1 - shrink * decays(name) for name in names}
        return _joined({name: kept[name] * params[name] - lr * grads[name] for name in names})

    def spared_stand_still(name):
        return (
            params[name] * (1 - lr * lam) - lr * grads[name] if _is_weight(name) else params[name]
        )

    partly = "Print which names decay: part of a name, such as the bias in bias_net.weight, misleads you."
    expect_equal(
        _joined(got),
        step(_is_weight),
        (
            "wrong step",
            f"Wrong for: {_differ(got, params, grads, lr, lam)}. Compare with exercise 1, name by name.",
        ),
        [
            (
                "bias decayed",
                "All shrink. hidden.bias sets a level and must not.",
                step(set(names).__contains__),
            ),
            (
                "nothing decays",
                "No parameter shrinks. Print the names that you let decay.",
                step(set().__contains__),
            ),
            (
                "weights spared",
                "The weights do not shrink and the others do.",
                step(lambda name: not _is_weight(name)),
            ),
            (
                "gains decayed",
                "The biases are spared. A gain and a shift set scale and level too: they stay.",
                step(lambda name: not name.endswith(".bias")),
            ),
            ("name matched in part", partly, step(lambda name: "weight" in name)),
            ("name matched in part", partly, step(lambda name: "bias" not in name)),
            ("name matched in part", partly, step(lambda name: name == "hidden.weight")),
            (
                LR_MISSING,
                f"The right ones decay, by lam={lam:.2f} in place of lr lam.",
                step(_is_weight, lam),
            ),
            (
                "the spared do not learn",
                "Biases and gains came back as they were. No decay is not no step.",
                _joined({name: spared_stand_still(name) for name in names}),
            ),
        ],
    )


def _is_weight(name):
    return name.endswith(".weight")


def _named(result, names):
    if type(result) is not dict:
        raise Slip("wrong return", "Return a dict: every name with its new array.")
    missing = [name for name in names if name not in result]
    expect(
        not missing,
        "parameters lost",
        f"The answer has no {', '.join(missing)}. The spared ones belong in it.",
    )
    for name in names:
        shape = numbers(result[name]).shape
        expect(
            shape == SHAPES[name],
            "wrong shape",
            f"{name} came back with shape {shape}, not {SHAPES[name]}.",
        )
    return {name: numbers(result[name]) for name in names}


def _joined(arrays):
    return np.concatenate([np.ravel(arrays[name]) for name in SHAPES])


def _differ(got, params, grads, lr, lam):
    right = {
        name: (1 - lr * lam * _is_weight(name)) * params[name] - lr * grads[name] for name in SHAPES
    }
    return ", ".join(name for name in SHAPES if not np.allclose(got[name], right[name], rtol=1e-6))


@exercise(3, "what is left of the start")
def untouched(untouched_start, rng):
    """untouched_start(n_weights, n_points, std, lr, lam, steps) -> (expected norm, half-life in steps)."""
    n_weights, n_points, steps = (
        int(rng.integers(*ends)) for ends in ((150, 300), (10, 60), (300, 900))
    )
    std, lr, lam = rng.uniform(0.2, 0.8), rng.uniform(0.005, 0.02), rng.uniform(0.3, 0.9)
    answer = untouched_start(n_weights, n_points, std, lr, lam, steps)
    norm, half_life = parts(answer, 2, "(norm, half_life)")
    _norm(norm, n_weights, n_points, std, lr, lam, steps)
    _half_life(half_life, lr, lam)


def _norm(got, n_weights, n_points, std, lr, lam, steps):
    left, start = (1 - lr * lam) ** steps, std * np.sqrt(n_weights - n_points)
    case = f"{n_weights} weights, {n_points} points, std={std:.2f}, lr={lr:.3f}, lam={lam:.2f}, {steps} steps"
    one = "One number of N(0, std^2) has the expected square std^2. Add up, then take the root."
    expect_equal(
        got,
        start * left,
        (
            "wrong norm",
            f"For {case} the norm starts near {start:.2f} in the untouched part. What is left of it?",
        ),
        [
            (
                "touched directions counted",
                "You count all weights. The points reach some.",
                std * n_weights**0.5 * left,
            ),
            (
                "the touched part",
                "That is the part that the points reach.",
                std * n_points**0.5 * left,
            ),
            (
                "the square of the norm",
                "That is the squared norm. Take its root.",
                (start * left) ** 2,
            ),
            (
                "half of the square",
                "d2l calls this a norm. It is half the square.",
                (start * left) ** 2 / 2,
            ),
            ("root forgotten", one, std * (n_weights - n_points) * left),
            ("variance for standard deviation", one, std * start * left),
            ("std forgotten", one, start / std * left),
            (
                LR_MISSING,
                f"One step leaves 1 - lr lam = {1 - lr * lam:.4f} of a weight.",
                start * (1 - lam) ** steps,
            ),
            ("one step", f"That is after one step. There are {steps}.", start * (1 - lr * lam)),
            ("the start", "That is the norm before the first step.", start),
            (
                "straight line",
                "A step takes a share of what is left.",
                start * (1 - steps * lr * lam),
            ),
            (
                "exponential for the power",
                "Near, not exact: that is for ever smaller steps.",
                start * np.exp(-lr * lam * steps),
            ),
        ],
    )


def _half_life(got, lr, lam):
    right = np.log(0.5) / np.log(1 - lr * lam)
    seen = f"lr={lr:.3f}, lam={lam:.2f}"
    whole = (
        "The answer is a whole number. Give the t at which the formula says one half, such as 12.3."
    )
    expect_equal(
        got,
        right,
        ("wrong half-life", f"{seen}: put your t into (1 - lr lam)^t. It must give 0.5."),
        [
            ("negative time", "The size is right and the sign is not.", -right),
            (
                "exponential for the power",
                "Near, not exact: it solves exp(-lr lam t) = 1/2.",
                np.log(2) / (lr * lam),
            ),
            (
                "straight line",
                "After this t a straight line reaches one half. Decay slows down.",
                0.5 / (lr * lam),
            ),
            (
                LR_MISSING,
                f"{seen}: one step leaves {1 - lr * lam:.4f}.",
                np.log(0.5) / np.log(1 - lam),
            ),
            (
                "one e-th for one half",
                "After this t, 0.37 is left, which is 1/e.",
                -1 / np.log(1 - lr * lam),
            ),
            (
                "turned over",
                "Your number is the share of a half-life that one step takes.",
                1 / right,
            ),
            ("rounded", whole, np.ceil(right)),
            ("rounded", whole, np.floor(right)),
        ],
    )


@exercise(4, "one step of AdamW")
def adamw(adamw_step, rng):
    """adamw_step(w, g, m, v, t, lr, lam, beta1, beta2, eps) -> (w, m, v), decay apart from the moments."""
    w, g, m = rng.normal(0, 1, (3, 6))
    v, t, lr, lam = (
        rng.uniform(0.5, 2, 6),
        int(rng.integers(3, 8)),
        rng.uniform(0.05, 0.1),
        rng.uniform(0.5, 1),
    )
    beta1, beta2, eps = rng.uniform(0.8, 0.9), rng.uniform(0.95, 0.99), rng.uniform(0.05, 0.1)
    answer = adamw_step(w, g, m, v, t, lr, lam, beta1, beta2, eps)
    new_w, new_m, new_v = parts(answer, 3, "(w, m, v)")
    moments = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    _moments((new_m, new_v), moments, (w, g, m, v), t, lam, (beta1, beta2))
    _moved(new_w, w, (m, v), moments, t, lr, lam, (beta1, beta2), eps)


def _moments(got, right, before, t, lam, betas):
    (w, g, m, v), (b1, b2) = before, betas
    coupled = g + lam * w
    inside = (
        "decay inside the moments",
        "lam w went into m or v. That is Adam with L2; here the moments see g alone.",
    )
    turned = (
        "beta the other way round",
        "beta is the share of the old moment, 1 - beta that of the new gradient.",
    )
    corrected = (
        "corrected moments returned",
        "m and v carry on without the correction. It is for this step alone.",
    )
    expect_equal(
        got[0],
        right[0],
        ("wrong m", "m is the running average of g: beta1 of the old, the rest of the new."),
        [
            (*inside, b1 * m + (1 - b1) * coupled),
            (*turned, (1 - b1) * m + b1 * g),
            (*corrected, right[0] / (1 - b1**t)),
            ("betas exchanged", "m takes beta1 and v takes beta2.", b2 * m + (1 - b2) * g),
            ("moments not updated", "m came back as it was. It must take g in first.", m),
        ],
    )
    expect_equal(
        got[1],
        right[1],
        ("wrong v", "v is the running average of g^2: beta2 of the old, the rest of the new."),
        [
            (*inside, b2 * v + (1 - b2) * coupled**2),
            (*turned, (1 - b2) * v + b2 * g**2),
            (*corrected, right[1] / (1 - b2**t)),
            (
                "g where its square belongs",
                "v averages squares; yours can become negative.",
                b2 * v + (1 - b2) * g,
            ),
            ("betas exchanged", "m takes beta1 and v takes beta2.", b1 * v + (1 - b1) * g**2),
            ("moments not updated", "v came back as it was. It must take g^2 in first.", v),
        ],
    )


def _moved(got, w, old, moments, t, lr, lam, betas, eps):
    powers = [beta**t for beta in betas]

    def step(pair=moments, off=powers):
        return lr * (pair[0] / (1 - off[0])) / (np.sqrt(pair[1] / (1 - off[1])) + eps)

    kept, (m, v) = (1 - lr * lam) * w, moments
    first, root = lr * m / (1 - powers[0]), np.sqrt(v / (1 - powers[1]))
    off_by_one = "bias correction off by one", f"The first step has t=1, this one t={t}."
    eps_said = (
        "The moments are corrected first, v by its own factor; then the root; then eps is added."
    )
    correct = "At t=1, m is (1 - beta1) g. What has it to be divided by to be g? See t."
    expect_equal(
        got,
        kept - step(),
        (
            "wrong step",
            "m and v are right. With lam=0 it is Adam's step; with m=0 the weights shrink by 1 - lr lam.",
        ),
        [
            (LR_MISSING, "Your weights shrink by 1 - lam, whatever lr is.", (1 - lam) * w - step()),
            (
                AFTER,
                "Adam's step was shrunk too. The decay acts on the w that came in.",
                kept - (1 - lr * lam) * step(),
            ),
            ("decay forgotten", "That is Adam without decay.", w - step()),
            (
                "the weights grow",
                "With m=0 the weights must shrink. Look at the sign.",
                (1 + lr * lam) * w - step(),
            ),
            ("uphill", "With lam=0 the weights move along m. The loss rises there.", kept + step()),
            (
                "decay divided by the root",
                "The decay must stay out of the fraction.",
                w - step() - lr * lam * w / (root + eps),
            ),
            ("bias correction forgotten", correct, kept - step(off=(0, 0))),
            (
                "bias correction of v forgotten",
                "m is corrected. v started at 0 as well.",
                kept - step(off=(powers[0], 0)),
            ),
            (
                "bias correction of m forgotten",
                "v is corrected. m started at 0 as well.",
                kept - step(off=(0, powers[1])),
            ),
            (*off_by_one, kept - step(off=[beta ** (t - 1) for beta in betas])),
            (*off_by_one, kept - step(off=[beta ** (t + 1) for beta in betas])),
            ("eps inside the root", eps_said, kept - first / np.sqrt(root**2 + eps)),
            (
                "eps before the bias correction",
                eps_said,
                kept - first * np.sqrt(1 - powers[1]) / (np.sqrt(v) + eps),
            ),
            ("root forgotten", "v holds squares. Take the root.", kept - first / (root**2 + eps)),
            ("old moments used", "m and v must take g in before w moves.", kept - step(old)),
        ],
    )


@exercise(5, "find the bug: decay by the micro-batch")
def accumulated(accumulated_step, rng):
    """accumulated_step(w, gradients, lr, lam): one step with the mean of the gradients (K, D) of K micro-batches."""
    count, lr, lam, w = (
        int(rng.integers(3, 7)),
        rng.uniform(0.05, 0.2),
        rng.uniform(0.5, 1),
        rng.normal(0, 1, 8),
    )
    gradients, keep = rng.normal(0, 1, (count, 8)), 1 - lr * lam
    mean = gradients.mean(axis=0)
    every = w
    for g in gradients:
        every = keep * every - lr * g
    seen = f"{count} micro-batches of gradient 0 must leave {keep:.3f} w"
    expect_equal(
        accumulated_step(w, gradients, lr, lam),
        keep * w - lr * mean,
        (
            "wrong step",
            f"{seen}, as one large batch does. With lam=0 the answer is w - lr times the mean gradient.",
        ),
        [
            (
                "decay for every micro-batch",
                f"{seen}; yours leave {keep**count:.3f} w.",
                keep**count * w - lr * mean,
            ),
            (
                "lam divided by the count",
                f"{seen}. Near, and not exact. How often does w move?",
                (1 - lr * lam / count) ** count * w - lr * mean,
            ),
            (
                "lam divided by the count",
                f"{seen}, however many there are.",
                (1 - lr * lam / count) * w - lr * mean,
            ),
            (
                "decay forgotten",
                f"{seen}; yours leave w as it was. It must shrink once.",
                w - lr * mean,
            ),
            (
                "gradients summed",
                f"Their step is {count} times too long.",
                keep * w - lr * gradients.sum(axis=0),
            ),
            (
                "a step for every micro-batch",
                "w moved with each of them. They are parts of one batch.",
                every,
            ),
            ("last gradient alone", "The others had no influence.", keep * w - lr * gradients[-1]),
            (
                AFTER,
                "The gradient's step was shrunk too. The decay acts on w alone.",
                keep * (w - lr * mean),
            ),
            (LR_MISSING, f"{seen}; yours leave {1 - lam:.2f} w.", (1 - lam) * w - lr * mean),
        ],
    )


METRICS = ("start loss", "end loss", "weight norm", "null loss")


@exercise(6, "a fair experiment")
def fair(run, rng):
    """run(weight_decay, seed) -> a dict of METRICS, of one training; losses are mean squared errors on the test set."""
    seed = int(rng.integers(1000))
    plain, again, other = (metrics(METRICS, run(0.0, number)) for number in (seed, seed, seed + 1))
    decayed, strong = (metrics(METRICS, run(value, seed)) for value in (1.0, 10.0))
    level = f"With weight decay 10 the loss is {strong['end loss']:.1f}, the null model's {plain['null loss']:.1f}."
    for holds, name, sentence in (
        (
            agrees(plain, again),
            "not repeatable",
            "run(0, seed) gave two results. Make its generator from the seed.",
        ),
        (
            agrees(plain, decayed, "null loss"),
            "not paired",
            "The null loss changes with the decay: so do the data. Draw them from the seed alone.",
        ),
        (
            agrees(plain, decayed, "start loss"),
            "not paired",
            "The start loss changes with the decay: so do the first weights. Draw them from the seed alone.",
        ),
        (
            not agrees(plain, other, "start loss"),
            "seed without effect",
            "Two seeds have one start loss: same data, same start.",
        ),
        (
            0.8 < plain["null loss"] < 2.5,
            "wrong null row",
            f"The null loss is {plain['null loss']:.2f}. Predict the mean of the training answers, for the test set.",
        ),
        (
            plain["end loss"] > 0.9,
            "tested on the training set",
            f"The loss is {plain['end loss']:.2f}, less than the noise of variance 1. Which data was it computed on?",
        ),
        (
            not agrees(plain, decayed, "end loss"),
            "decay without effect",
            "A decay of 1 trains like none. Where does the optimizer learn of it?",
        ),
        (
            decayed["weight norm"] < plain["weight norm"],
            "the weights grow",
            "With decay the weights end larger than without. Look at its sign.",
        ),
        (
            decayed["end loss"] < decayed["start loss"] / 2,
            "not trained",
            f"With weight decay 1 the loss went from {decayed['start loss']:.1f} to {decayed['end loss']:.1f} only.",
        ),
        (
            strong["end loss"] < 2 * plain["null loss"],
            "bias decayed",
            f"{level} The answers have a level of 3: what holds the intercept back?",
        ),
    ):
        expect(holds, name, sentence)
