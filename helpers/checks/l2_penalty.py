"""Checks of assignment 02, the L2 penalty."""

import numpy as np

from helpers.checks.exercise import Slip, exercise, expect, expect_equal, numbers, parts


@exercise(1, "the cost, with lambda/(2m)")
def cost(penalized_cost, rng):
    """penalized_cost(data_cost, params, lam, m) -> data_cost + lam/(2m) sum ||W||^2; params = [W1, b1, W2, b2, ...]."""
    params = [rng.normal(0, 1, shape) for shape in ((2, 5), (5,), (5, 3), (3,), (3, 1), (1,))]
    lam, m, start = rng.uniform(0.3, 0.9), int(rng.integers(20, 60)), rng.uniform(1, 2)
    squares = np.array([(p**2).sum() for p in params])
    W, weights, biases, half = params[::2], squares[::2].sum(), squares[1::2].sum(), lam / (2 * m)
    expect_equal(
        penalized_cost(start, params, lam, m),
        start + half * weights,
        (
            "wrong cost",
            f"lam = {lam:.2f}, m = {m}: add up the squares of all entries of W1, W2 and W3, then the factor.",
        ),
        [
            (
                "1/m forgotten",
                f"The penalty is m = {m} times too large. In this notation it is divided by m.",
                start + lam / 2 * weights,
            ),
            (
                "1/2 forgotten",
                "The penalty is twice as large as it should be. See what it is divided by.",
                start + lam / m * weights,
            ),
            (
                "1/2 and 1/m forgotten",
                f"The penalty is 2m = {2 * m} times too large. See the factor before the sum.",
                start + lam * weights,
            ),
            (
                "bias penalized",
                "The biases are in the sum. Which entries of the list are weights?",
                start + half * squares.sum(),
            ),
            (
                "weights and biases exchanged",
                "You add up the biases alone. Which entries of the list have two axes?",
                start + half * biases,
            ),
            (
                "norm where its square belongs",
                "Each W counts with its length. No root is taken.",
                start + half * np.sqrt(squares[::2]).sum(),
            ),
            (
                "norm where its square belongs",
                "All W count with one length. No root is taken.",
                start + half * np.sqrt(weights),
            ),
            (
                "spectral norm",
                "A matrix norm of order 2 sees one singular value. Use every entry.",
                start + half * _spectral(W),
            ),
            (
                "L1 for L2",
                "You add up sizes; the penalty adds up squares.",
                start + half * sum(np.abs(w).sum() for w in W),
            ),
            (
                "mean for the sum",
                "The squares of a matrix are averaged. Add them up.",
                start + half * sum((w**2).mean() for w in W),
            ),
            (
                "one layer only",
                "You penalize the last layer; there are three.",
                start + half * squares[-2],
            ),
            (
                "one layer only",
                "You penalize the first layer; there are three.",
                start + half * squares[0],
            ),
            (
                "data cost forgotten",
                "You return the penalty alone. It comes on top of data_cost.",
                half * weights,
            ),
        ],
    )


def _spectral(weights):
    return sum(np.linalg.norm(w, 2) ** 2 for w in weights)


@exercise(2, "the gradient, confirmed")
def gradient(penalized_gradient, rng):
    """penalized_gradient(X, y, W, b, lam) -> (dW, db) of mean cross-entropy + lam/2 ||W||^2 of a logistic layer."""
    X, W, b, lam = (
        rng.standard_normal((12, 4)),
        rng.normal(0, 1, (4, 1)),
        rng.uniform(0.5, 1, 1),
        rng.uniform(0.2, 0.8),
    )
    y = rng.permutation(np.arange(12) % 2)[:, None]
    dW, db = parts(penalized_gradient(X, y, W, b, lam), 2, "(dW, db)")
    forecast = 1 / (1 + np.exp(-(X @ W + b)))
    off = (forecast - y) / len(X)
    data = X.T @ off
    expect_equal(
        dW,
        data + lam * W,
        (
            "wrong gradient of W",
            "Take it apart: call it with lam = 0, then see what lam adds. Which part is off?",
        ),
        [
            (
                "lambda W forgotten",
                "dW does not know lam: the cost has the penalty, its gradient has not.",
                data,
            ),
            (
                "factor 2 left over",
                "lam adds 2 lam W. What is the derivative of lam/2 w^2?",
                data + 2 * lam * W,
            ),
            ("half left over", "lam adds lam/2 W. The square brings a 2 down.", data + lam / 2 * W),
            (
                "lambda divided by m",
                "lam adds lam/m W. Here the penalty is lam/2, without m.",
                data + lam / len(X) * W,
            ),
            (
                "mean forgotten",
                "The data term is a sum over examples; the cost is a mean.",
                len(X) * data + lam * W,
            ),
            (
                "penalty subtracted",
                "lam pushes the weights away from zero. Which sign has the slope of w^2?",
                data - lam * W,
            ),
            (
                "gradient of the norm",
                "lam adds a vector of length lam, whatever W is. The norm is squared here.",
                data + lam * W / np.linalg.norm(W),
            ),
            (
                "gradient of L1",
                "lam adds its sign. Here the pull goes with the size.",
                data + lam * np.sign(W),
            ),
            (
                "labels forgotten",
                "The data term is the same whatever y is. How far is the forecast off?",
                X.T @ forecast / len(X) + lam * W,
            ),
            (
                "data term turned round",
                "Forecast minus label, or label minus forecast?",
                -data + lam * W,
            ),
        ],
    )
    db = numbers(db)
    expect_equal(
        db.reshape(1) if db.size == 1 else db,
        off.sum(axis=0),
        (
            "wrong gradient of b",
            "b moves the logit of every example by the same amount. What does each contribute?",
        ),
        [
            (
                "bias decayed",
                "lam pulls the bias as well. What is penalized is W.",
                off.sum(axis=0) + lam * b,
            ),
            (
                "mean forgotten",
                "db is a sum over examples; the cost is a mean.",
                len(X) * off.sum(axis=0),
            ),
            (
                "mean taken twice",
                f"db is {len(X)} times too small. How often did you divide by N?",
                off.mean(axis=0),
            ),
            (
                "not summed over examples",
                "There is one b for all examples, so db has one entry.",
                off,
            ),
        ],
    )


@exercise(3, "what is left of each direction")
def directions(shrink, rng):
    """shrink(H, w_star, lam) -> (w_lam, df): (H + lam I)^-1 H w_star, and the sum of h / (h + lam)."""
    V = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    h, lam = np.array([0.1, 0.5, 2, 8]) * rng.uniform(0.8, 1.2, 4), rng.uniform(0.3, 0.7)
    H, w_star = V * h @ V.T, rng.uniform(1, 2, 4) * rng.choice([-1, 1], 4)
    w_lam, df = parts(shrink(H, w_star, lam), 2, "(w_lam, df)")
    kept, I, along = h / (h + lam), np.eye(4), np.diag(H) / (np.diag(H) + lam)
    right = V * kept @ V.T @ w_star
    vectors = np.linalg.eigh(H)[1]
    expect_equal(
        w_lam,
        right,
        (
            "wrong weights",
            "At w_lam the gradient H (w - w_star) + lam w is zero. Put your w in: what is left?",
        ),
        [
            (
                "lam added to every element",
                "lam I has lam on its diagonal only.",
                np.linalg.solve(H + lam, H @ w_star),
            ),
            (
                "H forgotten on the right",
                "With lam = 0 the minimum stays at w_star; yours moves.",
                np.linalg.solve(H + lam * I, w_star),
            ),
            (
                "curvature read off the axes",
                "The steep directions of H lie askew; you shrink entry by entry.",
                along * w_star,
            ),
            (
                "eigenvalues without their directions",
                "h / (h + lam) belongs to an eigenvector, not to an axis.",
                kept * w_star,
            ),
            (
                "not turned back",
                "These are the parts along the eigenvectors. Put the vector together again.",
                kept * (vectors.T @ w_star),
            ),
            ("what is lost", "You return w_star - w_lam. A huge lam must give 0.", w_star - right),
            (
                "one factor for all",
                "Steep directions keep more than flat ones.",
                w_star / (1 + lam),
            ),
            (
                "no shrinking",
                "lam has no effect on the weights. Where does it enter the gradient?",
                w_star,
            ),
            (
                "2 lam for lam",
                "The slope of lam/2 w^2 is lam w.",
                np.linalg.solve(H + 2 * lam * I, H @ w_star),
            ),
        ],
    )
    expect_equal(
        df,
        kept.sum(),
        (
            "wrong degrees of freedom",
            "At lam = 0 all four directions count 1 each; at a huge lam none.",
        ),
        [
            (
                "squares of the eigenvalues",
                "Singular values of X are squared, eigenvalues of H are not.",
                np.sum(h**2 / (h**2 + lam)),
            ),
            (
                "squares of the eigenvalues",
                "Both are squared. Add up the shares h / (h + lam).",
                np.sum(h**2 / (h**2 + lam**2)),
            ),
            ("shares squared", "Add up the shares themselves.", np.sum(kept**2)),
            ("what is lost", "It grows with lam. Count what is kept.", np.sum(1 - kept)),
            (
                "mean for the sum",
                "It is below 1: a share, not a number of directions.",
                kept.mean(),
            ),
            (
                "curvature read off the axes",
                "You take the diagonal of H for its eigenvalues.",
                along.sum(),
            ),
            (
                "directions counted whole",
                "lam has no effect on df. Each direction counts with its share.",
                4.0,
            ),
            ("bias counted", "It is too large by 1. There is no bias in w.", kept.sum() + 1),
        ],
    )


NAMES = ("lambda/(2m)", "keras L2", "weight_decay", "Ridge alpha", "LogisticRegression C")


@exercise(4, "one penalty, five numbers")
def conventions(convert, rng):
    """convert(lam, m) -> a dict of NAMES: what to write in each library for lam/2 ||w||^2 on the mean loss."""
    lam, m = rng.uniform(0.05, 0.3), int(rng.integers(30, 300))
    got = convert(lam, m)
    if type(got) is not dict or set(got) != set(NAMES):
        raise Slip("wrong return", f"Return a dict with the keys {', '.join(map(repr, NAMES))}.")
    wrong_side = ("m on the wrong side", "make its loss a mean. What happens to its penalty?")
    forgotten = ("m forgotten", "a factor m stands in its loss or its penalty and not in yours.")
    half = (
        "half forgotten",
        "it is twice the right one. Who writes 1/2 before the penalty, and who does not?",
    )
    halved = ("half on the wrong side", "is the 1/2 in its objective, in yours, or in both?")
    no_m = ("m where there is none", "its loss is a mean, as yours is.")
    inverse = ("C not inverted", "C stands before the loss: a strong penalty means a small C.")
    for name, right, slips in (
        (
            "lambda/(2m)",
            lam * m,
            [(wrong_side, lam / m), (forgotten, lam), (half, 2 * lam * m), (halved, lam * m / 2)],
        ),
        ("keras L2", lam / 2, [(half, lam), (halved, 2 * lam)]),
        (
            "weight_decay",
            lam,
            [(halved, lam / 2), (half, 2 * lam), (no_m, lam / m), (no_m, lam * m)],
        ),
        (
            "Ridge alpha",
            lam * m / 2,
            [
                (half, lam * m),
                (forgotten, lam / 2),
                (forgotten, lam),
                (wrong_side, lam / m / 2),
                (halved, 2 * lam * m),
            ],
        ),
        (
            "LogisticRegression C",
            1 / (lam * m),
            [
                (inverse, lam * m),
                (forgotten, 1 / lam),
                (wrong_side, m / lam),
                (half, 2 / lam / m),
                (halved, 0.5 / lam / m),
            ],
        ),
    ):
        slips = [(slip, f"{name}: {sentence}", value) for (slip, sentence), value in slips]
        otherwise = (
            "wrong number",
            f"{name}: lam = {lam:.3f}, m = {m}. Write both objectives and make one the other's multiple.",
        )
        expect_equal(got[name], right, otherwise, slips)


@exercise(5, "find the bug: a bias that cannot follow")
def bias(fit_ridge, rng):
    """fit_ridge(X, y, lam) -> (w, b), the smallest mean((y - X w - b)^2) + lam/2 ||w||^2, b free."""
    X = rng.standard_normal((25, 3)) * [0.5, 1, 2] + rng.uniform(1, 2, 3)
    y, lam = (
        X @ rng.uniform(1, 2, 3) + rng.uniform(20, 40) + rng.standard_normal(25),
        rng.uniform(0.3, 0.9),
    )
    w, b = parts(fit_ridge(X, y, lam), 2, "(w, b)")
    right_w, right_b = _ridge(X, y, [lam] * 3)
    variants = {
        "bias penalized": (
            "Add 100 to all y: b should grow by 100. Who holds it back?",
            _ridge(X, y, [lam] * 3, lam),
        ),
        "wrong weight spared": (
            "The first weight is free, not b. Where is the column of ones?",
            _ridge(X, y, [0, lam, lam], lam),
        ),
        "last weight spared": (
            "The last weight is free, and so is b. Only b should be.",
            _ridge(X, y, [lam, lam, 0]),
        ),
        "bias forgotten": (
            "The fit is forced through 0. Where does b come in?",
            _through_zero(X, y, lam),
        ),
        "nothing penalized": ("That is least squares: lam has no effect.", _ridge(X, y, [0] * 3)),
        "lam for lam/2": (
            "The penalty is twice as strong as it should be. Write down both slopes: where is a 2?",
            _ridge(X, y, [2 * lam] * 3),
        ),
        "mean forgotten": (
            "A sum of squares against lam/2: the penalty is N times too weak.",
            _ridge(X, y, [lam / 25] * 3),
        ),
        "N on the wrong side": (
            "The penalty is N times too strong. Is the error a mean in your equations?",
            _ridge(X, y, [lam * 25] * 3),
        ),
    }
    otherwise = (
        "wrong weights",
        "Put your (w, b) into the cost, move one weight a little: does the cost fall?",
    )
    expect_equal(
        numbers(w),
        right_w,
        otherwise,
        [(name, said, pair[0]) for name, (said, pair) in variants.items()],
    )
    expect_equal(
        b,
        right_b,
        ("wrong bias", "At the minimum the errors y - X w - b have the mean 0. Do yours?"),
        [
            (
                "columns not centred",
                "That is the mean of y. It is b only where every column has the mean 0.",
                y.mean(),
            ),
            (
                "bias forgotten",
                "The weights are right, and b is 0. What do the means of X and y say of it?",
                0.0,
            ),
            ("wrong sign", "b has the wrong sign: y is about X w + b.", -right_b),
            (
                "bias penalized",
                "The weights are right, and b is shrunk. It should be free.",
                right_b / (1 + lam / 2),
            ),
        ],
    )


def _ridge(X, y, strengths, of_bias=0.0):
    """(w, b) with one strength for each weight and one for the bias."""
    A = np.column_stack([X, np.ones(len(X))])
    *w, b = np.linalg.solve(A.T @ A / len(X) + np.diag([*strengths, of_bias]) / 2, A.T @ y / len(X))
    return np.array(w), b


def _through_zero(X, y, lam):
    return np.linalg.solve(X.T @ X / len(X) + lam / 2 * np.eye(X.shape[1]), X.T @ y / len(X)), 0.0


METRICS = ("validation errors", "chosen", "test error", "test error without", "null error")
SEEDS = 12
STRENGTHS = tuple(float(lam) for lam in np.geomspace(0.01, 100, 17))


@exercise(6, "choose lambda, and touch the test set once")
def honest(run, rng):
    """run(lams, seed) -> a dict of METRICS for ridge on 30 patients: lam is chosen on validation alone."""
    first, lams = int(rng.integers(1000)), STRENGTHS
    results = [_metrics(run(lams, first + i), len(lams)) for i in range(SEEDS)]
    result, other = results[:2]
    again, backwards = (_metrics(run(order, first), len(lams)) for order in (lams, lams[::-1]))
    errors, reverse = result["validation errors"], backwards["validation errors"][::-1]
    alone = _metrics(run(lams[:1], first), 1)
    none = _metrics(run((0.0,), first), 1)
    for holds, name, sentence in (
        (
            _equal(result, again),
            "not repeatable",
            "run(lams, seed) gave two results. Make its rng from the seed.",
        ),
        (
            not np.allclose(errors, errors[0]),
            "lam without effect",
            "All strengths have one validation error. Does each have its own fit?",
        ),
        (
            abs(result["test error"] - errors.min()) > 1e-9 * errors.min(),
            "validation error reported",
            "What is reported as test error is the smallest validation error. It was chosen to be small.",
        ),
        (
            result["null error"] != other["null error"],
            "seed without effect",
            "Two seeds have one null error: the split is the same. Make the rng from the seed.",
        ),
        (
            np.allclose(errors, reverse) and _equal(result, none, ["null error"]),
            "not paired",
            "The errors depend on the order or number of strengths. Do all of them see one split?",
        ),
        (
            _equal(result, alone, ["test error without"]),
            "null strength left out",
            "The test error without a penalty changes with the list of strengths. Its strength is 0.",
        ),
        (
            abs(none["test error"] - result["test error without"]) < 1e-6 * none["test error"],
            "null strength left out",
            "run((0.0,), seed) has another test error than the one without a penalty. Same split, lam = 0?",
        ),
    ):
        expect(holds, name, sentence)
    _chosen_on_validation(run, lams, results, first)
    _reported_for_the_chosen(run, lams, results, first)


def _chosen_on_validation(run, lams, results, first):
    chosen = [result["chosen"] for result in results]
    expect(
        set(chosen) <= set(lams),
        "index for the strength",
        f"The strength chosen, {chosen[0]:g}, is not in lams.",
    )
    best = [lams[result["validation errors"].argmin()] for result in results]
    missed = [i for i in range(SEEDS) if chosen[i] != best[i]]
    if not missed:
        small = "For every seed. Are the columns scaled, and are the validation patients others than those fitted?"
        expect(set(best) != {lams[0]}, "weakest penalty always best", small)
        return
    largest = all(
        lam == lams[result["validation errors"].argmax()]
        for lam, result in zip(chosen, results, strict=True)
    )
    expect(
        not largest,
        "largest error chosen",
        "The strength with the largest validation error is chosen. Small is good.",
    )
    weakest = set(chosen) == {lams[0]}
    expect(
        not weakest, "chosen on the training set", "The weakest penalty always wins: on which data?"
    )
    expect(
        len(set(chosen)) > 1,
        "nothing chosen",
        f"Every seed takes lam = {chosen[0]:g}, whatever its validation errors are.",
    )
    seen = all(chosen[i] == lams[np.argmin(_test_errors(run, lams, first + i))] for i in missed[:5])
    expect(
        not seen,
        "chosen on the test set",
        "The strength is the best on the test set. Which patients may choose?",
    )
    raise Slip(
        "not the best on validation",
        f"Chosen: {chosen[missed[0]]:g}; validation errs least at {best[missed[0]]:g}.",
    )


def _reported_for_the_chosen(run, lams, results, first):
    below = all(result["test error without"] <= result["test error"] for result in results)
    training = (
        "Without a penalty it errs least for every seed: on which patients is the error taken?"
    )
    expect(not below, "tested on the training set", training)
    for i, result in enumerate(results):
        got = result["test error"]
        right = _metrics(run((result["chosen"],), first + i), 1)["test error"]
        if abs(got - right) <= 1e-6 * right:
            continue
        best = abs(got - min(_test_errors(run, lams, first + i))) < 1e-6 * right
        expect(
            not best,
            "best test error reported",
            "The smallest test error of all strengths is reported. Validation chose another.",
        )
        raise Slip(
            "wrong test error",
            f"It is {got:.1f}; with the chosen strength alone, run gives {right:.1f}.",
        )
    null, mean = (
        np.mean([result[name] for result in results]) for name in ("null error", "test error")
    )
    expect(
        mean < null,
        "no better than the mean",
        f"Test error {mean:.1f}, null {null:.1f}: is the bias there?",
    )


def _test_errors(run, lams, seed):
    return [_metrics(run((lam,), seed), 1)["test error"] for lam in lams]


def _equal(first, second, names=METRICS):
    return all(np.allclose(first[name], second[name], rtol=1e-9) for name in names)


def _metrics(result, count):
    if type(result) is not dict or set(result) != set(METRICS):
        raise Slip("wrong return", f"Return a dict with the keys {', '.join(map(repr, METRICS))}.")
    values = {name: numbers(value) for name, value in result.items()}
    shapes = {name: (count,) if name == "validation errors" else () for name in METRICS}
    for name, value in values.items():
        fits = value.shape == shapes[name] and np.isfinite(value).all()
        expect(
            fits,
            "not a number",
            f"{name!r} must be {'one number for each of lams' if shapes[name] else 'one finite number'}.",
        )
    return {name: value if shapes[name] else float(value) for name, value in values.items()}
