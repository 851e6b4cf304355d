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
NO_DECAY = "decay forgotten"
GROWS = "the weights grow"


@exercise(1, "shrink, then descend")
def sgd(sgd_step, rng):
    """sgd_step(w, g, lr, lam) -> (1 - lr lam) w - lr g."""
    lr = rng.uniform(0.05, 0.2)
    lam = rng.uniform(0.5, 2)
    w = rng.normal(0, 1, (5, 3))
    g = rng.normal(0, 1, (5, 3))
    kept = 1 - lr * lam
    case = f"With lr={lr:.2f}, lam={lam:.2f} and no gradient"
    still = f"{case}, one step leaves {kept:.2f} of a weight"
    after = "The gradient's step was shrunk too. The decay acts on the w that came in."
    uphill = "Without decay the step goes along the gradient. The loss rises there."
    stuck = "With lam=0 your weights do not learn."
    bare = "The shrinking is right. The gradient has no lr."
    doubled = f"{still}. The half of lam/2 ||w||^2 cancels a 2."
    halved = f"{still}. What is the derivative of lam/2 w^2?"
    l1 = "All weights lose the same. L2 takes a share."
    slips = [
        (LR_MISSING, f"{still}; yours leaves {1 - lam:.2f}.", (1 - lam) * w - lr * g),
        (AFTER, after, kept * (w - lr * g)),
        (NO_DECAY, "That is plain gradient descent. Where is lam?", w - lr * g),
        (GROWS, f"{still}; yours grows it.", (1 + lr * lam) * w - lr * g),
        ("uphill", uphill, kept * w + lr * g),
        ("gradient scaled by lam", stuck, kept * w - lr * lam * g),
        ("lr missing before the gradient", bare, kept * w - g),
        ("lam doubled", doubled, (1 - 2 * lr * lam) * w - lr * g),
        ("lam halved", halved, (1 - lr * lam / 2) * w - lr * g),
        ("L1 instead of L2", l1, w - lr * g - lr * lam * np.sign(w)),
    ]
    both = f"{still}. With lam=0 it is plain gradient descent. Try both cases."
    expect_equal(sgd_step(w, g, lr, lam), kept * w - lr * g, ("wrong step", both), slips)


SHAPES = {
    "hidden.weight": (4, 3),
    "hidden.bias": (3,),
    "norm.gain": (3,),
    "norm.shift": (3,),
    "bias_net.weight": (3, 2),
    "weighting.bias": (2,),
}
IN_PART = "name matched in part"


@exercise(2, "who decays")
def groups(group_step, rng):
    """group_step(params, grads, lr, lam) -> new params; only names ending in ".weight" decay."""
    lr = rng.uniform(0.05, 0.2)
    lam = rng.uniform(0.5, 2)
    names = [str(name) for name in rng.permutation(list(SHAPES))]
    params, grads = ({name: rng.normal(1, 1, SHAPES[name]) for name in names} for _ in range(2))
    got = _named(group_step(params, grads, lr, lam), names)
    _decayed_groups(got, names, params, grads, lr, lam)


def _decayed_groups(got, names, params, grads, lr, lam):
    def step(decaying, shrink=lr * lam):
        left = {name: 1 - shrink * (name in decaying) for name in names}
        return {name: left[name] * params[name] - lr * grads[name] for name in names}

    weights = [name for name in names if name.endswith(".weight")]
    others = [name for name in names if name not in weights]
    no_biases = [name for name in names if not name.endswith(".bias")]
    with_weight = [name for name in names if "weight" in name]
    without_bias = [name for name in names if "bias" not in name]
    right = step(weights)
    spared = {name: right[name] if name in weights else params[name] for name in names}
    differ = [name for name in SHAPES if not np.allclose(got[name], right[name], rtol=1e-6)]
    otherwise = f"Wrong for: {', '.join(differ)}. Compare with exercise 1, name by name."
    all_shrink = "All shrink. hidden.bias sets a level and must not."
    none_shrink = "No parameter shrinks. Print the names that you let decay."
    gains = "The biases are spared. A gain and a shift set scale and level too: spare them."
    partly = "Print which names decay: part of a name, as in bias_net.weight, misleads you."
    strength = f"The right ones decay, by lam={lam:.2f} instead of lr lam."
    stand = "Biases and gains came back as they were. No decay does not mean no step."
    slips = [
        ("bias decayed", all_shrink, step(names)),
        ("nothing decays", none_shrink, step([])),
        ("weights spared", "The weights do not shrink and the others do.", step(others)),
        ("gains decayed", gains, step(no_biases)),
        (IN_PART, partly, step(with_weight)),
        (IN_PART, partly, step(without_bias)),
        (IN_PART, partly, step(["hidden.weight"])),
        (LR_MISSING, strength, step(weights, lam)),
        ("the spared do not learn", stand, spared),
    ]
    joined = [(name, sentence, _joined(value)) for name, sentence, value in slips]
    expect_equal(_joined(got), _joined(right), ("wrong step", otherwise), joined)


def _named(result, names):
    if type(result) is not dict:
        raise Slip("wrong return", "Return a dict: every name with its new array.")
    missing = [name for name in names if name not in result]
    belong = f"The answer has no {', '.join(missing)}. The spared ones belong in it."
    expect(not missing, "parameters lost", belong)
    arrays = {name: numbers(result[name]) for name in names}
    for name, array in arrays.items():
        came = f"{name} came back with shape {array.shape}, not {SHAPES[name]}."
        expect(array.shape == SHAPES[name], "wrong shape", came)
    return arrays


def _joined(arrays):
    return np.concatenate([np.ravel(arrays[name]) for name in SHAPES])


@exercise(3, "what is left of the start")
def untouched(untouched_start, rng):
    """untouched_start(n_weights, n_points, std, lr, lam, steps) -> (expected norm, half-life)."""
    n_weights = int(rng.integers(150, 300))
    n_points = int(rng.integers(10, 60))
    steps = int(rng.integers(300, 900))
    std = rng.uniform(0.2, 0.8)
    lr = rng.uniform(0.005, 0.02)
    lam = rng.uniform(0.3, 0.9)
    answer = untouched_start(n_weights, n_points, std, lr, lam, steps)
    norm, half_life = parts(answer, 2, "(norm, half_life)")
    _norm(norm, n_weights, n_points, std, lr, lam, steps)
    _half_life(half_life, lr, lam)


def _norm(got, n_weights, n_points, std, lr, lam, steps):
    untouched_weights = n_weights - n_points
    one_step = 1 - lr * lam
    left = one_step**steps
    start = std * np.sqrt(untouched_weights)
    right = start * left
    one = "One number of N(0, std^2) has the expected square std^2. Add up, then take the root."
    counted = "You count all weights. The points reach some."
    reached = "That is the part that the points reach."
    leaves = f"One step leaves 1 - lr lam = {one_step:.4f} of a weight."
    power = "Close, not exact: that is the limit of ever smaller steps."
    slips = [
        ("touched directions counted", counted, std * n_weights**0.5 * left),
        ("the touched part", reached, std * n_points**0.5 * left),
        ("the square of the norm", "That is the squared norm. Take its root.", right**2),
        ("half of the square", "d2l calls this a norm. It is half the square.", right**2 / 2),
        ("root forgotten", one, std * untouched_weights * left),
        ("variance for standard deviation", one, std * start * left),
        ("std forgotten", one, start / std * left),
        (LR_MISSING, leaves, start * (1 - lam) ** steps),
        ("one step", f"That is after one step. There are {steps}.", start * one_step),
        ("the start", "That is the norm before the first step.", start),
        ("straight line", "A step takes a share of the rest.", start * (1 - steps * lr * lam)),
        ("exponential for the power", power, start * np.exp(-lr * lam * steps)),
    ]
    sizes = f"{n_weights} weights, {n_points} points, {steps} steps"
    case = f"{sizes}, {std=:.2f}, {lr=:.3f}, {lam=:.2f}"
    begins = f"{case}: the untouched part has the norm {start:.2f} at first. What is left of it?"
    expect_equal(got, right, ("wrong norm", begins), slips)


def _half_life(got, lr, lam):
    right = np.log(0.5) / np.log(1 - lr * lam)
    case = f"{lr=:.3f}, {lam=:.2f}"
    near = "Close, not exact: it solves exp(-lr lam t) = 1/2."
    line = "After this t a straight line reaches one half. Decay slows down."
    e = "After this t, 0.37 is left, which is 1/e."
    share = "Your number is the share of a half-life that one step takes."
    whole = "Do not round. Give the t at which the formula says one half, such as 12.3."
    leaves = f"{case}: one step leaves {1 - lr * lam:.4f}."
    slips = [
        ("negative time", "The size is right and the sign is not.", -right),
        ("exponential for the power", near, np.log(2) / (lr * lam)),
        ("straight line", line, 0.5 / (lr * lam)),
        (LR_MISSING, leaves, np.log(0.5) / np.log(1 - lam)),
        ("one e-th for one half", e, -1 / np.log(1 - lr * lam)),
        ("turned over", share, 1 / right),
        ("rounded", whole, np.ceil(right)),
        ("rounded", whole, np.floor(right)),
    ]
    put = f"{case}: put your t into (1 - lr lam)^t. It must give 0.5."
    expect_equal(got, right, ("wrong half-life", put), slips)


@exercise(4, "one step of AdamW")
def adamw(adamw_step, rng):
    """adamw_step(w, g, m, v, t, lr, lam, beta1, beta2, eps) -> (w, m, v); w alone decays."""
    w, g, m = rng.normal(0, 1, (3, 6))
    v = rng.uniform(0.5, 2, 6)
    t = int(rng.integers(3, 8))
    lr = rng.uniform(0.05, 0.1)
    lam = rng.uniform(0.5, 1)
    beta1 = rng.uniform(0.8, 0.9)
    beta2 = rng.uniform(0.95, 0.99)
    eps = rng.uniform(0.05, 0.1)
    answer = adamw_step(w, g, m, v, t, lr, lam, beta1, beta2, eps)
    new_w, new_m, new_v = parts(answer, 3, "(w, m, v)")
    right_m = beta1 * m + (1 - beta1) * g
    right_v = beta2 * v + (1 - beta2) * g**2
    coupled = g + lam * w
    _first_moment(new_m, right_m, m, g, coupled, t, beta1, beta2)
    _second_moment(new_v, right_v, v, g, coupled, t, beta1, beta2)
    _moved(new_w, w, (m, v), (right_m, right_v), t, lr, lam, (beta1, beta2), eps)


INSIDE = "decay inside the moments"
TURNED = "beta the other way round"
CORRECTED = "corrected moments returned"
ALONE = "lam w went into m or v. That is Adam with L2; here the moments see g alone."
OLD_SHARE = "beta is the share of the old moment, 1 - beta that of the new gradient."
THIS_STEP = "m and v carry on without the correction. It is for this step alone."
EACH_BETA = "m takes beta1 and v takes beta2."


def _first_moment(got, right, m, g, coupled, t, b1, b2):
    slips = [
        (INSIDE, ALONE, b1 * m + (1 - b1) * coupled),
        (TURNED, OLD_SHARE, (1 - b1) * m + b1 * g),
        (CORRECTED, THIS_STEP, right / (1 - b1**t)),
        ("betas exchanged", EACH_BETA, b2 * m + (1 - b2) * g),
        ("moments not updated", "m came back as it was. It must take g in first.", m),
    ]
    average = "m is the running average of g: beta1 of the old, the rest of the new."
    expect_equal(got, right, ("wrong m", average), slips)


def _second_moment(got, right, v, g, coupled, t, b1, b2):
    negative = "v averages squares; yours can become negative."
    slips = [
        (INSIDE, ALONE, b2 * v + (1 - b2) * coupled**2),
        (TURNED, OLD_SHARE, (1 - b2) * v + b2 * g**2),
        (CORRECTED, THIS_STEP, right / (1 - b2**t)),
        ("g where its square belongs", negative, b2 * v + (1 - b2) * g),
        ("betas exchanged", EACH_BETA, b1 * v + (1 - b1) * g**2),
        ("moments not updated", "v came back as it was. It must take g^2 in first.", v),
    ]
    average = "v is the running average of g^2: beta2 of the old, the rest of the new."
    expect_equal(got, right, ("wrong v", average), slips)


def _moved(got, w, old, moments, t, lr, lam, betas, eps):
    def step(pair=moments, times=(t, t)):
        m = pair[0] / (1 - betas[0] ** times[0])
        v = pair[1] / (1 - betas[1] ** times[1])
        return lr * m / (np.sqrt(v) + eps)

    m, v = moments
    m_hat = m / (1 - betas[0] ** t)
    v_hat = v / (1 - betas[1] ** t)
    shrink = lr * lam * w
    kept = w - shrink
    never = np.inf  # a moment that is not corrected
    off_by_one = "bias correction off by one"
    first_t = f"The first step has t=1, this one t={t}."
    after = "Adam's step was shrunk too. The decay acts on the w that came in."
    sign = "With m=0 the weights must shrink. Look at the sign."
    order = "Correct both moments, v by its own factor; then take the root; then add eps."
    correct = "At t=1, m is (1 - beta1) g. Divide it by what to get g? See t."
    no_v = "m is corrected. v started at 0 as well."
    no_m = "v is corrected. m started at 0 as well."
    stay_out = "The decay must stay out of the fraction."
    eps_early = m_hat * np.sqrt(1 - betas[1] ** t) / (np.sqrt(v) + eps)
    decayed_fraction = lam * w / (np.sqrt(v_hat) + eps)
    slips = [
        (LR_MISSING, "Your weights shrink by 1 - lam, whatever lr is.", (1 - lam) * w - step()),
        (AFTER, after, kept - (1 - lr * lam) * step()),
        (NO_DECAY, "That is Adam without decay.", w - step()),
        (GROWS, sign, w + shrink - step()),
        ("uphill", "With lam=0 the weights move along m. The loss rises there.", kept + step()),
        ("decay divided by the root", stay_out, w - step() - lr * decayed_fraction),
        ("bias correction forgotten", correct, kept - step(times=(never, never))),
        ("bias correction of v forgotten", no_v, kept - step(times=(t, never))),
        ("bias correction of m forgotten", no_m, kept - step(times=(never, t))),
        (off_by_one, first_t, kept - step(times=(t - 1, t - 1))),
        (off_by_one, first_t, kept - step(times=(t + 1, t + 1))),
        ("eps inside the root", order, kept - lr * m_hat / np.sqrt(v_hat + eps)),
        ("eps before the bias correction", order, kept - lr * eps_early),
        ("root forgotten", "v holds squares. Take the root.", kept - lr * m_hat / (v_hat + eps)),
        ("old moments used", "m and v must take g in before w moves.", kept - step(old)),
    ]
    without = "With lam=0 it is Adam's step; with m=0 the weights shrink by 1 - lr lam."
    expect_equal(got, kept - step(), ("wrong step", f"m and v are right. {without}"), slips)


@exercise(5, "find the bug: decay by the micro-batch")
def accumulated(accumulated_step, rng):
    """accumulated_step(w, gradients, lr, lam): a step with the mean of gradients (K, D)."""
    count = int(rng.integers(3, 7))
    lr = rng.uniform(0.05, 0.2)
    lam = rng.uniform(0.5, 1)
    w = rng.normal(0, 1, 8)
    gradients = rng.normal(0, 1, (count, 8))
    kept = 1 - lr * lam
    down = lr * gradients.mean(axis=0)
    each = w
    for g in gradients:
        each = kept * each - lr * g
    seen = f"{count} micro-batches of gradient 0 must leave {kept:.3f} w"
    near = f"{seen}. Close, not exact. How often does w move?"
    divided = "lam divided by the count"
    steps = "w moved with each of them. They are parts of one batch."
    after = "The gradient's step was shrunk too. The decay acts on w alone."
    every = kept**count
    shares = (1 - lr * lam / count) ** count
    last = kept * w - lr * gradients[-1]
    summed = f"Their step is {count} times too long."
    slips = [
        ("decay for every micro-batch", f"{seen}; yours leave {every:.3f} w.", every * w - down),
        (divided, near, shares * w - down),
        (divided, f"{seen}, however many there are.", (1 - lr * lam / count) * w - down),
        (NO_DECAY, f"{seen}; yours leave w as it was. It must shrink once.", w - down),
        ("gradients summed", summed, kept * w - count * down),
        ("a step for every micro-batch", steps, each),
        ("last gradient alone", "The others had no influence.", last),
        (AFTER, after, kept * (w - down)),
        (LR_MISSING, f"{seen}; yours leave {1 - lam:.2f} w.", (1 - lam) * w - down),
    ]
    as_one = "as one large batch does. With lam=0 it is w - lr times the mean gradient."
    otherwise = ("wrong step", f"{seen}, {as_one}")
    expect_equal(accumulated_step(w, gradients, lr, lam), kept * w - down, otherwise, slips)


METRICS = ("start loss", "end loss", "weight norm", "null loss")


@exercise(6, "a fair experiment")
def fair(run, rng):
    """run(weight_decay, seed) -> METRICS of one training; losses are mean squares on test."""
    seed = int(rng.integers(1000))
    plain, again, other = (metrics(METRICS, run(0.0, number)) for number in (seed, seed, seed + 1))
    decayed, strong = (metrics(METRICS, run(value, seed)) for value in (1.0, 10.0))
    _paired(plain, again, other, decayed)
    _tested(plain)
    _decayed(plain, decayed, strong)


def _paired(plain, again, other, decayed):
    repeats = "run(0, seed) gave two results. Make its generator from the seed."
    expect(agrees(plain, again), "not repeatable", repeats)
    alone = "Draw them from the seed alone."
    data = f"The null loss changes with the decay: so do the data. {alone}"
    expect(agrees(plain, decayed, "null loss"), "not paired", data)
    start = f"The start loss changes with the decay: so do the first weights. {alone}"
    expect(agrees(plain, decayed, "start loss"), "not paired", start)
    same = "Two seeds have one start loss: same data, same start."
    expect(not agrees(plain, other, "start loss"), "seed without effect", same)


def _tested(plain):
    null = plain["null loss"]
    mean = "Predict the mean of the training answers, for the test set."
    expect(0.8 < null < 2.5, "wrong null row", f"The null loss is {null:.2f}. {mean}")
    end = plain["end loss"]
    noise = f"The loss is {end:.2f}, less than the noise of variance 1. On which data?"
    expect(end > 0.9, "tested on the training set", noise)


def _decayed(plain, decayed, strong):
    idle = "A decay of 1 trains like none. Where does the optimizer learn of it?"
    expect(not agrees(plain, decayed, "end loss"), "decay without effect", idle)
    larger = "With decay the weights end larger than without. Look at its sign."
    expect(decayed["weight norm"] < plain["weight norm"], GROWS, larger)
    start = decayed["start loss"]
    end = decayed["end loss"]
    only = f"With weight decay 1 the loss went from {start:.1f} to {end:.1f} only."
    expect(end < start / 2, "not trained", only)
    level = f"With weight decay 10 the loss is {strong['end loss']:.1f}"
    null = f"{level}, the null model's {plain['null loss']:.1f}."
    held = f"{null} The answers have a level of 3: what holds the intercept back?"
    expect(strong["end loss"] < 2 * plain["null loss"], "bias decayed", held)
