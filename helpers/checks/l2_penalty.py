"""Checks of assignment 02, the L2 penalty."""

import numpy as np

from helpers.checks.exercise import Slip, exercise, expect, expect_equal, numbers, parts


@exercise(1, "the cost, with lambda/(2m)")
def cost(penalized_cost, rng):
    """penalized_cost(data_cost, [W1, b1, W2, ...], lam, m) -> data_cost + lam/(2m) sum ||W||^2."""
    params = [rng.normal(0, 1, shape) for shape in ((2, 5), (5,), (5, 3), (3,), (3, 1), (1,))]
    lam = rng.uniform(0.3, 0.9)
    m = int(rng.integers(20, 60))
    data = rng.uniform(1, 2)
    squares = np.array([(p**2).sum() for p in params])
    total = squares[::2].sum()
    half = lam / (2 * m)
    unsquared = "norm where its square belongs"
    one_layer = "one layer only"
    without_m = f"The penalty is m = {m} times too large. In this notation it is divided by m."
    without_half = "The penalty is twice as large as it should be. See what it is divided by."
    without_both = f"The penalty is 2m = {2 * m} times too large. See the factor before the sum."
    biases = "The biases are in the sum. Which entries of the list are weights?"
    alone = "You add up the biases alone. Which entries of the list have two axes?"
    averaged = "The squares of a matrix are averaged. Add them up."
    sizes = "You add up sizes; the penalty adds up squares."
    penalty = "You return the penalty alone. It comes on top of data_cost."
    lengths = np.sqrt(squares[::2])
    order = "A matrix norm of order 2 sees one singular value. Use every entry."
    slips = [
        ("1/m forgotten", without_m, data + lam / 2 * total),
        ("1/2 forgotten", without_half, data + lam / m * total),
        ("1/2 and 1/m forgotten", without_both, data + lam * total),
        ("bias penalized", biases, data + half * squares.sum()),
        ("weights and biases exchanged", alone, data + half * squares[1::2].sum()),
        (unsquared, "Each W counts with its length. Take no root.", data + half * lengths.sum()),
        (unsquared, "All W count with one length. Take no root.", data + half * total**0.5),
        ("spectral norm", order, data + half * _summed(_spectral, params)),
        ("L1 for L2", sizes, data + half * _summed(_sizes, params)),
        ("mean for the sum", averaged, data + half * _summed(_mean, params)),
        (one_layer, "You penalize the last layer; there are three.", data + half * squares[-2]),
        (one_layer, "You penalize the first layer; there are three.", data + half * squares[0]),
        ("data cost forgotten", penalty, half * total),
    ]
    add = "add up the squares of all entries of W1, W2 and W3, then multiply by the factor."
    otherwise = ("wrong cost", f"lam = {lam:.2f}, m = {m}: {add}")
    expect_equal(penalized_cost(data, params, lam, m), data + half * total, otherwise, slips)


def _summed(penalty, params):
    return sum(penalty(w) for w in params[::2])


def _spectral(w):
    return np.linalg.norm(w, 2) ** 2


def _sizes(w):
    return np.abs(w).sum()


def _mean(w):
    return (w**2).mean()


@exercise(2, "the gradient, confirmed")
def gradient(penalized_gradient, rng):
    """penalized_gradient(X, y, W, b, lam) -> (dW, db) of mean cross-entropy + lam/2 ||W||^2."""
    X = rng.standard_normal((12, 4))
    W = rng.normal(0, 1, (4, 1))
    b = rng.uniform(0.5, 1, 1)
    lam = rng.uniform(0.2, 0.8)
    y = rng.permutation(np.arange(12) % 2)[:, None]
    dW, db = parts(penalized_gradient(X, y, W, b, lam), 2, "(dW, db)")
    forecast = 1 / (1 + np.exp(-(X @ W + b)))
    _of_weights(dW, X, forecast, y, W, lam)
    _of_bias(numbers(db), (forecast - y) / len(X), b, lam)


def _of_weights(dW, X, forecast, y, W, lam):
    N = len(X)
    data = X.T @ (forecast - y) / N
    no_lam = "dW ignores lam: the cost has the penalty, its gradient does not."
    away = "lam pushes the weights away from zero. Which sign has the slope of w^2?"
    unit = "lam adds a vector of length lam, whatever W is. The norm is squared here."
    labels = "The data term is the same whatever y is. How far off is the forecast?"
    turned = "Is it forecast minus label, or label minus forecast?"
    sign = "lam adds its sign. Here the pull goes with the size."
    no_m = "lam adds lam/m W. Here the penalty is lam/2, without m."
    length = np.linalg.norm(W)
    slips = [
        ("lambda W forgotten", no_lam, data),
        ("factor 2 left over", "lam adds 2 lam W. Differentiate lam/2 w^2.", data + 2 * lam * W),
        ("half left over", "lam adds lam/2 W. The square brings a 2 down.", data + lam / 2 * W),
        ("lambda divided by m", no_m, data + lam / N * W),
        ("mean forgotten", "The data term is a sum; the cost is a mean.", N * data + lam * W),
        ("penalty subtracted", away, data - lam * W),
        ("gradient of the norm", unit, data + lam * W / length),
        ("gradient of L1", sign, data + lam * np.sign(W)),
        ("labels forgotten", labels, X.T @ forecast / N + lam * W),
        ("data term turned round", turned, -data + lam * W),
    ]
    apart = "Take it apart: call it with lam = 0, then see what lam adds. Which part is off?"
    expect_equal(dW, data + lam * W, ("wrong gradient of W", apart), slips)


def _of_bias(db, off, b, lam):
    right = off.sum(axis=0)
    often = f"db is {len(off)} times too small. How often did you divide by N?"
    slips = [
        ("bias decayed", "lam pulls the bias as well. Only W is penalized.", right + lam * b),
        ("mean forgotten", "db is a sum over examples; the cost is a mean.", len(off) * right),
        ("mean taken twice", often, off.mean(axis=0)),
        ("not summed over examples", "All examples share one b, so db has one entry.", off),
    ]
    each = "b moves the logit of every example by the same amount. What does each contribute?"
    got = db.reshape(1) if db.size == 1 else db
    expect_equal(got, right, ("wrong gradient of b", each), slips)


@exercise(3, "what is left of each direction")
def directions(shrink, rng):
    """shrink(H, w_star, lam) -> (w_lam, df): (H + lam I)^-1 H w_star, the sum of h / (h + lam)."""
    V = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    h = np.array([0.1, 0.5, 2, 8]) * rng.uniform(0.8, 1.2, 4)
    lam = rng.uniform(0.3, 0.7)
    H = V * h @ V.T
    w_star = rng.uniform(1, 2, 4) * rng.choice([-1, 1], 4)
    w_lam, df = parts(shrink(H, w_star, lam), 2, "(w_lam, df)")
    shares = h / (h + lam)
    on_axes = np.diag(H) / (np.diag(H) + lam)
    _shrunk(w_lam, H, w_star, lam, shares, on_axes, V * shares @ V.T @ w_star)
    _degrees(df, h, lam, shares, on_axes)


def _shrunk(w_lam, H, w_star, lam, shares, on_axes, right):
    I = np.eye(4)
    along = np.linalg.eigh(H)[1].T @ w_star
    every = np.linalg.solve(H + lam, H @ w_star)
    twice = np.linalg.solve(H + 2 * lam * I, H @ w_star)
    moves = "With lam = 0 the minimum stays at w_star; yours moves."
    askew = "The steep directions of H lie askew; you shrink entry by entry."
    axis = "h / (h + lam) belongs to an eigenvector, not to an axis."
    turn = "These are the parts along the eigenvectors. Put the vector together again."
    idle = "lam has no effect on the weights. Where does it enter the gradient?"
    one_factor = "Steep directions keep more than flat ones."
    slips = [
        ("lam added to every element", "lam I has lam on its diagonal only.", every),
        ("H forgotten on the right", moves, np.linalg.solve(H + lam * I, w_star)),
        ("curvature read off the axes", askew, on_axes * w_star),
        ("eigenvalues without their directions", axis, shares * w_star),
        ("not turned back", turn, shares * along),
        ("what is lost", "You return w_star - w_lam. A huge lam must give 0.", w_star - right),
        ("one factor for all", one_factor, w_star / (1 + lam)),
        ("no shrinking", idle, w_star),
        ("2 lam for lam", "The slope of lam/2 w^2 is lam w.", twice),
    ]
    put = "At w_lam the gradient H (w - w_star) + lam w is zero. Put your w in: what is left?"
    expect_equal(w_lam, right, ("wrong weights", put), slips)


def _degrees(df, h, lam, shares, on_axes):
    right = shares.sum()
    squared = "squares of the eigenvalues"
    singular = "Singular values of X are squared, eigenvalues of H are not."
    both = "Both are squared. Add up the shares h / (h + lam)."
    whole = "lam has no effect on df. Each direction counts with its share."
    slips = [
        (squared, singular, np.sum(h**2 / (h**2 + lam))),
        (squared, both, np.sum(h**2 / (h**2 + lam**2))),
        ("shares squared", "Add up the shares themselves.", np.sum(shares**2)),
        ("what is lost", "It grows with lam. Count what is kept.", np.sum(1 - shares)),
        ("mean for the sum", "It is below 1: a share, not a number of directions.", shares.mean()),
        ("curvature read off the axes", "The diagonal of H is not its eigenvalues.", on_axes.sum()),
        ("directions counted whole", whole, 4.0),
        ("bias counted", "It is too large by 1. There is no bias in w.", right + 1),
    ]
    ends = "At lam = 0 all four directions count 1 each; at a huge lam none."
    expect_equal(df, right, ("wrong degrees of freedom", ends), slips)


NAMES = ("lambda/(2m)", "keras L2", "weight_decay", "Ridge alpha", "LogisticRegression C")
WRONG_SIDE = ("m on the wrong side", "make its loss a mean. What happens to its penalty?")
NO_M = ("m forgotten", "a factor m stands in its loss or its penalty and not in yours.")
WHOLE = ("half forgotten", "twice the right one. Who writes 1/2 before the penalty, who does not?")
HALVED = ("half on the wrong side", "is the 1/2 in its objective, in yours, or in both?")
M_TOO_MANY = ("m where there is none", "its loss is a mean, as yours is.")
INVERSE = ("C not inverted", "C stands before the loss: a strong penalty means a small C.")


@exercise(4, "one penalty, five numbers")
def conventions(convert, rng):
    """convert(lam, m) -> for each of NAMES what means lam/2 ||w||^2 on the mean loss there."""
    lam = rng.uniform(0.05, 0.3)
    m = int(rng.integers(30, 300))
    got = convert(lam, m)
    if type(got) is not dict or set(got) != set(NAMES):
        raise Slip("wrong return", f"Return a dict with the keys {', '.join(map(repr, NAMES))}.")
    case = f"lam = {lam:.3f}, m = {m}"
    both = "Write both objectives and make one the other's multiple."
    for name, right, slips in _conventions(lam, m):
        named = [(slip, f"{name}: {sentence}", value) for (slip, sentence), value in slips]
        expect_equal(got[name], right, ("wrong number", f"{name}: {case}. {both}"), named)


def _conventions(lam, m):
    """Rows (name, right number, its slips)."""
    course = [(WRONG_SIDE, lam / m), (NO_M, lam), (WHOLE, 2 * lam * m), (HALVED, lam * m / 2)]
    keras = [(WHOLE, lam), (HALVED, 2 * lam)]
    torch = [(HALVED, lam / 2), (WHOLE, 2 * lam), (M_TOO_MANY, lam / m), (M_TOO_MANY, lam * m)]
    ridge = [(WHOLE, lam * m), (NO_M, lam / 2), (NO_M, lam)]
    ridge += [(WRONG_SIDE, lam / m / 2), (HALVED, 2 * lam * m)]
    logistic = [(INVERSE, lam * m), (NO_M, 1 / lam), (WRONG_SIDE, m / lam)]
    logistic += [(WHOLE, 2 / lam / m), (HALVED, 0.5 / lam / m)]
    right = (lam * m, lam / 2, lam, lam * m / 2, 1 / (lam * m))
    return zip(NAMES, right, (course, keras, torch, ridge, logistic), strict=True)


@exercise(5, "find the bug: a bias that cannot follow")
def bias(fit_ridge, rng):
    """fit_ridge(X, y, lam) -> (w, b), the smallest mean((y - X w - b)^2) + lam/2 ||w||^2."""
    X = rng.standard_normal((25, 3)) * [0.5, 1, 2] + rng.uniform(1, 2, 3)
    y = X @ rng.uniform(1, 2, 3) + rng.uniform(20, 40) + rng.standard_normal(25)
    lam = rng.uniform(0.3, 0.9)
    w, b = parts(fit_ridge(X, y, lam), 2, "(w, b)")
    right_w, right_b = _ridge(X, y, [lam] * 3)
    _ridge_weights(numbers(w), X, y, lam, right_w)
    mean = "That is the mean of y. It is b only where every column has the mean 0."
    zero = "The weights are right, and b is 0. What do the means of X and y say?"
    held = "The weights are right, and b is shrunk. It should be free."
    slips = [
        ("columns not centred", mean, y.mean()),
        ("bias forgotten", zero, 0.0),
        ("wrong sign", "b has the wrong sign: y is about X w + b.", -right_b),
        ("bias penalized", held, right_b / (1 + lam / 2)),
    ]
    errors = "At the minimum the errors y - X w - b have the mean 0. Do yours?"
    expect_equal(b, right_b, ("wrong bias", errors), slips)


def _ridge_weights(w, X, y, lam, right):
    N = len(X)

    def weights(strengths, of_bias=0.0):
        return _ridge(X, y, strengths, of_bias)[0]

    held = "Add 100 to all y: b should grow by 100. Who holds it back?"
    first = "The first weight is free, not b. Where is the column of ones?"
    last = "The last weight is free, and so is b. Only b should be."
    forced = "The fit is forced through 0. Where does b come in?"
    twice = "The penalty is twice as strong as it should be. Write down both slopes: where is a 2?"
    weak = "A sum of squares against lam/2: the penalty is N times too weak."
    strong = "The penalty is N times too strong. Is the error a mean in your equations?"
    slips = [
        ("bias penalized", held, weights([lam] * 3, lam)),
        ("wrong weight spared", first, weights([0, lam, lam], lam)),
        ("last weight spared", last, weights([lam, lam, 0])),
        ("bias forgotten", forced, _through_zero(X, y, lam)),
        ("nothing penalized", "That is least squares: lam has no effect.", weights([0] * 3)),
        ("lam for lam/2", twice, weights([2 * lam] * 3)),
        ("mean forgotten", weak, weights([lam / N] * 3)),
        ("N on the wrong side", strong, weights([lam * N] * 3)),
    ]
    move = "Put your (w, b) into the cost, move one weight a little: does the cost fall?"
    expect_equal(w, right, ("wrong weights", move), slips)


def _ridge(X, y, strengths, of_bias=0.0):
    """(w, b) with one strength for each weight and one for the bias."""
    A = np.column_stack([X, np.ones(len(X))])
    *w, b = np.linalg.solve(A.T @ A / len(X) + np.diag([*strengths, of_bias]) / 2, A.T @ y / len(X))
    return np.array(w), b


def _through_zero(X, y, lam):
    return np.linalg.solve(X.T @ X / len(X) + lam / 2 * np.eye(X.shape[1]), X.T @ y / len(X))


METRICS = ("validation errors", "chosen", "test error", "test error without", "null error")
SEEDS = 12
STRENGTHS = tuple(float(lam) for lam in np.geomspace(0.01, 100, 17))


@exercise(6, "choose lambda, and touch the test set once")
def honest(run, rng):
    """run(lams, seed) -> METRICS of ridge on 30 patients: validation alone chooses lam."""
    first = int(rng.integers(1000))
    results = [_metrics(run(STRENGTHS, first + i), len(STRENGTHS)) for i in range(SEEDS)]
    _one_run(run, results, first)
    none = _metrics(run((0.0,), first), 1)
    _one_split(run, results[0], none, first)
    _null_strength(run, results[0], none, first)
    _chosen_on_validation(run, results, first)
    _reported_for_the_chosen(run, results, first)


def _one_run(run, results, first):
    """What a first run says by itself, again, and with another seed."""
    result, other = results[:2]
    again = _metrics(run(STRENGTHS, first), len(STRENGTHS))
    repeats = "run(lams, seed) gave two results. Make its rng from the seed."
    expect(_equal(result, again), "not repeatable", repeats)
    errors = result["validation errors"]
    one_error = "All strengths have one validation error. Does each have its own fit?"
    expect(not np.allclose(errors, errors[0]), "lam without effect", one_error)
    reported = abs(result["test error"] - errors.min()) <= 1e-9 * errors.min()
    small = "Your test error is the smallest validation error, which was chosen to be small."
    expect(not reported, "validation error reported", small)
    one_split = "Two seeds have one null error: the split is the same. Make the rng from the seed."
    expect(result["null error"] != other["null error"], "seed without effect", one_split)


def _one_split(run, result, none, first):
    backwards = _metrics(run(STRENGTHS[::-1], first), len(STRENGTHS))
    ordered = np.allclose(result["validation errors"], backwards["validation errors"][::-1])
    split = "The errors depend on the order or number of strengths. Do all of them see one split?"
    expect(ordered and _equal(result, none, ["null error"]), "not paired", split)


def _null_strength(run, result, none, first):
    alone = _metrics(run(STRENGTHS[:1], first), 1)
    without = result["test error without"]
    listed = "The test error without a penalty changes with the strengths. Its own strength is 0."
    expect(_equal(result, alone, ["test error without"]), "null strength left out", listed)
    same = abs(none["test error"] - without) < 1e-6 * none["test error"]
    zero = "run((0.0,), seed) has another test error than no penalty. Same split, lam = 0?"
    expect(same, "null strength left out", zero)


def _chosen_on_validation(run, results, first):
    chosen = [result["chosen"] for result in results]
    outside = f"The strength chosen, {chosen[0]:g}, is not in lams."
    expect(set(chosen) <= set(STRENGTHS), "index for the strength", outside)
    best = [STRENGTHS[result["validation errors"].argmin()] for result in results]
    missed = [i for i in range(SEEDS) if chosen[i] != best[i]]
    if missed:
        _chosen_otherwise(run, results, first, chosen, best, missed)
    scaled = "For every seed. Are the columns scaled, and the validation patients not fitted?"
    expect(set(best) != {STRENGTHS[0]}, "weakest penalty always best", scaled)


def _chosen_otherwise(run, results, first, chosen, best, missed):
    """Raise the Slip of strengths that are not the best on validation, in the runs `missed`."""
    largest = [STRENGTHS[result["validation errors"].argmax()] for result in results]
    small = "The strength with the largest validation error is chosen. Small is good."
    expect(chosen != largest, "largest error chosen", small)
    data = "The weakest penalty always wins: on which data?"
    expect(set(chosen) != {STRENGTHS[0]}, "chosen on the training set", data)
    fixed = f"Every seed takes lam = {chosen[0]:g}, whatever its validation errors are."
    expect(len(set(chosen)) > 1, "nothing chosen", fixed)
    on_test = all(chosen[i] == _best_on_test(run, first + i) for i in missed[:5])
    patients = "The strength is the best on the test set. Which patients may choose?"
    expect(not on_test, "chosen on the test set", patients)
    at = missed[0]
    least = f"Chosen: {chosen[at]:g}; the validation error is smallest at {best[at]:g}."
    raise Slip("not the best on validation", least)


def _best_on_test(run, seed):
    return STRENGTHS[np.argmin(_test_errors(run, seed))]


def _reported_for_the_chosen(run, results, first):
    below = all(result["test error without"] <= result["test error"] for result in results)
    training = "Without a penalty the error is smallest for every seed: on which patients?"
    expect(not below, "tested on the training set", training)
    for i, result in enumerate(results):
        _reported(run, result, first + i)
    null = np.mean([result["null error"] for result in results])
    mean = np.mean([result["test error"] for result in results])
    bias_there = f"Test error {mean:.1f}, null {null:.1f}: is the bias there?"
    expect(mean < null, "no better than the mean", bias_there)


def _reported(run, result, seed):
    """Is the test error that of the strength chosen?"""
    got = result["test error"]
    right = _metrics(run((result["chosen"],), seed), 1)["test error"]
    if abs(got - right) <= 1e-6 * right:
        return
    smallest = abs(got - min(_test_errors(run, seed))) < 1e-6 * right
    best = "The smallest test error of all strengths is reported. Validation chose another."
    expect(not smallest, "best test error reported", best)
    alone = f"It is {got:.1f}; with the chosen strength alone, run gives {right:.1f}."
    raise Slip("wrong test error", alone)


def _test_errors(run, seed):
    return [_metrics(run((lam,), seed), 1)["test error"] for lam in STRENGTHS]


def _equal(first, second, names=METRICS):
    return all(np.allclose(first[name], second[name], rtol=1e-9) for name in names)


def _metrics(result, count):
    if type(result) is not dict or set(result) != set(METRICS):
        raise Slip("wrong return", f"Return a dict with the keys {', '.join(map(repr, METRICS))}.")
    values = {name: numbers(value) for name, value in result.items()}
    for name, value in values.items():
        each = name == "validation errors"
        expected = "one number for each of lams" if each else "one finite number"
        fits = value.shape == ((count,) if each else ()) and np.isfinite(value).all()
        expect(fits, "not a number", f"{name!r} must be {expected}.")
    return {name: value if value.ndim else float(value) for name, value in values.items()}
