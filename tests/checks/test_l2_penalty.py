"""Assignment 02: right and wrong answers to each exercise."""

from functools import cache

import numpy as np

from helpers import linear_models
from helpers.checks import l2_penalty as checks
from helpers.data import load_diabetes, split, standardize
from helpers.regularizers import from_course
from tests.checks.support.answers import assert_enough, assert_said, cases


def squares(arrays):
    return sum((p**2).sum() for p in arrays)


def cost_loop(data_cost, params, lam, m):
    total = 0.0
    for p in params:
        if p.ndim == 2:
            for value in p.ravel():
                total += value * value
    return data_cost + lam * total / m / 2


def cost_in_place(data_cost, params, lam, m):
    for W in params[::2]:
        W **= 2
    return data_cost + lam / (2 * m) * sum(W.sum() for W in params[::2])


def cost(penalty):
    """The reference with another sum over the params."""
    return lambda J, params, lam, m: J + lam / (2 * m) * penalty(params)


def over_weights(size):
    """The sum of size(W) over the weights."""
    return lambda params: sum(size(W) for W in params[::2])


COST = (
    checks.cost,
    {
        "reference": lambda J, params, lam, m: J + lam / (2 * m) * squares(params[::2]),
        "loop": cost_loop,
        "norms": cost(over_weights(lambda W: np.linalg.norm(W) ** 2)),
    },
    {
        "1/m forgotten": lambda J, params, lam, m: J + lam / 2 * squares(params[::2]),
        "1/2 forgotten": lambda J, params, lam, m: J + lam / m * squares(params[::2]),
        "1/2 and 1/m forgotten": lambda J, params, lam, m: J + lam * squares(params[::2]),
        "bias penalized": cost(squares),
        "weights and biases exchanged": cost(lambda params: squares(params[1::2])),
        "norm where its square belongs": cost(over_weights(np.linalg.norm)),
        "norm where its square belongs: of all": cost(lambda params: squares(params[::2]) ** 0.5),
        "spectral norm": cost(over_weights(lambda W: np.linalg.norm(W, 2) ** 2)),
        "L1 for L2": cost(over_weights(lambda W: np.abs(W).sum())),
        "mean for the sum": cost(over_weights(lambda W: (W**2).mean())),
        "one layer only": cost(lambda params: squares(params[-2:-1])),
        "one layer only: the first": cost(lambda params: squares(params[:1])),
        "data cost forgotten": lambda J, params, lam, m: lam / (2 * m) * squares(params[::2]),
        "wrong cost": cost(lambda params: -squares(params[::2])),
        "input changed": cost_in_place,
        "nothing returned": lambda J, params, lam, m: None,
    },
)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gradient(X, y, W, b, lam):
    off = (sigmoid(X @ W + b) - y) / len(X)
    return X.T @ off + lam * W, off.sum(axis=0)


def gradient_loop(X, y, W, b, lam):
    dW = lam * W
    db = 0.0
    for x, label in zip(X, y, strict=True):
        off = sigmoid(x @ W + b) - label
        dW = dW + np.outer(x, off) / len(X)
        db = db + off / len(X)
    return dW, db


def gradient_numerical(X, y, W, b, lam):
    """Central differences of the cost, in complex steps: exact to rounding."""

    def cost(W, b):
        z = X @ W + b
        return np.mean(np.log(1 + np.exp(z)) - y * z) + lam / 2 * np.sum(W**2)

    h = 1e-20j
    dW = [cost(W + h * np.eye(len(W))[:, [i]], b).imag / 1e-20 for i in range(len(W))]
    return np.array(dW)[:, None], cost(W, b + h).imag / 1e-20


def weights(change):
    """The reference with another dW, made of (data term, W, lam, N)."""

    def answer(X, y, W, b, lam):
        dW, db = gradient(X, y, W, b, lam)
        return change(dW - lam * W, W, lam, len(X)), db

    return answer


def biases(change):
    """The reference with another db, made of (off (N, 1), b, lam)."""
    return lambda X, y, W, b, lam: (
        gradient(X, y, W, b, lam)[0],
        change((sigmoid(X @ W + b) - y) / len(X), b, lam),
    )


GRADIENT = (
    checks.gradient,
    {"reference": gradient, "loop": gradient_loop, "complex steps": gradient_numerical},
    {
        "lambda W forgotten": weights(lambda data, W, lam, N: data),
        "factor 2 left over": weights(lambda data, W, lam, N: data + 2 * lam * W),
        "half left over": weights(lambda data, W, lam, N: data + lam / 2 * W),
        "lambda divided by m": weights(lambda data, W, lam, N: data + lam / N * W),
        "mean forgotten": weights(lambda data, W, lam, N: N * data + lam * W),
        "penalty subtracted": weights(lambda data, W, lam, N: data - lam * W),
        "gradient of the norm": weights(lambda data, W, lam, N: data + lam * W / np.linalg.norm(W)),
        "gradient of L1": weights(lambda data, W, lam, N: data + lam * np.sign(W)),
        "labels forgotten": lambda X, y, W, b, lam: gradient(X, 0 * y, W, b, lam),
        "data term turned round": weights(lambda data, W, lam, N: -data + lam * W),
        "wrong gradient of W": weights(lambda data, W, lam, N: data + lam * W**2),
        "wrong shape": weights(lambda data, W, lam, N: (data + lam * W).ravel()),
        "bias decayed": biases(lambda off, b, lam: off.sum(axis=0) + lam * b),
        "mean forgotten: in db": biases(lambda off, b, lam: len(off) * off.sum(axis=0)),
        "mean taken twice": biases(lambda off, b, lam: off.mean(axis=0)),
        "not summed over examples": biases(lambda off, b, lam: off),
        "wrong gradient of b": biases(lambda off, b, lam: np.abs(off).sum(axis=0)),
        "wrong return": lambda X, y, W, b, lam: gradient(X, y, W, b, lam)[0],
    },
)


def shrink(H, w_star, lam):
    I = np.eye(len(H))
    return np.linalg.solve(H + lam * I, H @ w_star), np.trace(np.linalg.solve(H + lam * I, H))


def shrink_by_direction(H, w_star, lam):
    h, V = np.linalg.eigh(H)
    w = sum(value / (value + lam) * (v @ w_star) * v for value, v in zip(h, V.T, strict=True))
    return w, sum(value / (value + lam) for value in h)


def shrink_descended(H, w_star, lam):
    w = np.zeros(len(H))
    lr = 1 / (np.linalg.norm(H, 2) + lam)
    for _ in range(1000):
        w = w - lr * (H @ (w - w_star) + lam * w)
    return w, (H * np.linalg.inv(H + lam * np.eye(len(H)))).sum()


def left(change):
    """The reference with other weights, made of (H, h, V, w_star, lam)."""
    return lambda H, w_star, lam: (
        change(H, *np.linalg.eigh(H), w_star, lam),
        shrink(H, w_star, lam)[1],
    )


def counted(change):
    """The reference with another df, made of (H, h, lam)."""
    return lambda H, w_star, lam: (shrink(H, w_star, lam)[0], change(H, np.linalg.eigvalsh(H), lam))


DIRECTIONS = (
    checks.directions,
    {
        "reference": shrink,
        "direction by direction": shrink_by_direction,
        "inverse": lambda H, w, lam: (
            np.linalg.inv(H + lam * np.eye(len(H))) @ H @ w,
            np.sum(1 / (1 + lam / np.linalg.eigvalsh(H))),
        ),
        "descended": shrink_descended,
    },
    {
        "lam added to every element": left(lambda H, h, V, w, lam: np.linalg.solve(H + lam, H @ w)),
        "H forgotten on the right": left(
            lambda H, h, V, w, lam: np.linalg.solve(H + lam * np.eye(4), w)
        ),
        "curvature read off the axes": left(
            lambda H, h, V, w, lam: np.diag(H) / (np.diag(H) + lam) * w
        ),
        "eigenvalues without their directions": left(lambda H, h, V, w, lam: h / (h + lam) * w),
        "not turned back": left(lambda H, h, V, w, lam: h / (h + lam) * (V.T @ w)),
        "what is lost": left(lambda H, h, V, w, lam: V @ (lam / (h + lam) * (V.T @ w))),
        "one factor for all": left(lambda H, h, V, w, lam: w / (1 + lam)),
        "no shrinking": left(lambda H, h, V, w, lam: w),
        "2 lam for lam": left(
            lambda H, h, V, w, lam: np.linalg.solve(H + 2 * lam * np.eye(4), H @ w)
        ),
        "wrong weights": left(
            lambda H, h, V, w, lam: np.linalg.solve(H + lam / 2 * np.eye(4), H @ w)
        ),
        "squares of the eigenvalues": counted(lambda H, h, lam: np.sum(h**2 / (h**2 + lam))),
        "squares of the eigenvalues: and of lam": counted(
            lambda H, h, lam: np.sum(h**2 / (h**2 + lam**2))
        ),
        "shares squared": counted(lambda H, h, lam: np.sum((h / (h + lam)) ** 2)),
        "what is lost: in df": counted(lambda H, h, lam: np.sum(lam / (h + lam))),
        "mean for the sum": counted(lambda H, h, lam: np.mean(h / (h + lam))),
        "curvature read off the axes: in df": counted(
            lambda H, h, lam: np.sum(np.diag(H) / (np.diag(H) + lam))
        ),
        "directions counted whole": counted(lambda H, h, lam: len(H)),
        "bias counted": counted(lambda H, h, lam: 1 + np.sum(h / (h + lam))),
        "wrong degrees of freedom": counted(lambda H, h, lam: np.sum(h / (h + lam / 2))),
        "wrong return": lambda H, w, lam: shrink(H, w, lam)[0],
    },
)


def convert(lam, m, **wrong):
    """The five numbers; `wrong` replaces one by its name without spaces and signs."""
    keys = dict(zip(("course", "keras", "torch", "ridge", "C"), checks.NAMES, strict=True))
    right = dict(
        zip(checks.NAMES, (lam * m, lam / 2, lam, lam * m / 2, 1 / (lam * m)), strict=True)
    )
    return right | {keys[short]: value for short, value in wrong.items()}


def convert_helpers(lam, m):
    theirs = ("lambda/(2m)", "keras.regularizers.L2", "torch.optim.SGD weight_decay")
    theirs += ("sklearn Ridge alpha", "sklearn LogisticRegression C")
    return {
        name: from_course(lam, key, m=m) for name, key in zip(checks.NAMES, theirs, strict=True)
    }


def convert_step_by_step(lam, m):
    result = {"weight_decay": lam, "keras L2": 0.5 * lam}
    result["Ridge alpha"] = m * result["keras L2"]
    result["lambda/(2m)"] = 2 * result["Ridge alpha"]
    return result | {"LogisticRegression C": 0.5 / result["Ridge alpha"]}


CONVENTIONS = (
    checks.conventions,
    {"reference": convert, "helpers": convert_helpers, "step by step": convert_step_by_step},
    {
        "m forgotten": lambda lam, m: convert(lam, m, course=lam),
        "m on the wrong side": lambda lam, m: convert(lam, m, course=lam / m),
        "half forgotten": lambda lam, m: convert(lam, m, keras=lam),
        "half on the wrong side": lambda lam, m: convert(lam, m, keras=2 * lam),
        "half on the wrong side: torch": lambda lam, m: convert(lam, m, torch=lam / 2),
        "m where there is none": lambda lam, m: convert(lam, m, torch=lam / m),
        "half forgotten: Ridge": lambda lam, m: convert(lam, m, ridge=lam * m),
        "m forgotten: Ridge": lambda lam, m: convert(lam, m, ridge=lam / 2),
        "m on the wrong side: Ridge": lambda lam, m: convert(lam, m, ridge=lam / (2 * m)),
        "C not inverted": lambda lam, m: convert(lam, m, C=lam * m),
        "m forgotten: C": lambda lam, m: convert(lam, m, C=1 / lam),
        "m on the wrong side: C": lambda lam, m: convert(lam, m, C=m / lam),
        "half forgotten: C": lambda lam, m: convert(lam, m, C=2 / (lam * m)),
        "wrong number": lambda lam, m: convert(lam, m, ridge=lam**2),
        "wrong return": lambda lam, m: list(convert(lam, m).values()),
    },
)


def solved(X, y, strengths):
    """The last strength is that of the bias."""
    A = np.column_stack([X, np.ones(len(X))])
    *w, b = np.linalg.solve(A.T @ A / len(X) + np.diag(strengths) / 2, A.T @ y / len(X))
    return np.array(w), b


def bias(X, y, lam):
    return solved(X, y, [lam, lam, lam, 0])


def bias_centred(X, y, lam):
    Z = X - X.mean(axis=0)
    w = np.linalg.solve(Z.T @ Z + len(X) * lam / 2 * np.eye(3), Z.T @ (y - y.mean()))
    return w, y.mean() - X.mean(axis=0) @ w


def bias_loop(X, y, lam):
    """Coordinate descent, from zero."""
    w = np.zeros(3)
    b = 0.0
    for _ in range(500):
        for d, x in enumerate(X.T):
            w[d] = x @ (y - b - X @ w + x * w[d]) / (x @ x + len(y) * lam / 2)
        b = np.mean(y - X @ w)
    return w, b


BIAS = (
    checks.bias,
    {"reference": bias, "centred": bias_centred, "helper": linear_models.ridge, "loop": bias_loop},
    {
        "bias penalized": lambda X, y, lam: solved(X, y, [lam] * 4),
        "wrong weight spared": lambda X, y, lam: solved(X, y, [0, lam, lam, lam]),
        "last weight spared": lambda X, y, lam: solved(X, y, [lam, lam, 0, 0]),
        "bias forgotten": lambda X, y, lam: (solved(X, y, [lam, lam, lam, 1e12])[0], 0),
        "nothing penalized": lambda X, y, lam: solved(X, y, [0] * 4),
        "lam for lam/2": lambda X, y, lam: bias(X, y, 2 * lam),
        "mean forgotten": lambda X, y, lam: bias(X, y, lam / len(X)),
        "N on the wrong side": lambda X, y, lam: bias(X, y, lam * len(X)),
        "wrong weights": lambda X, y, lam: bias(X, y, lam + 1),
        "columns not centred": lambda X, y, lam: (bias(X, y, lam)[0], y.mean()),
        "bias forgotten: at the end": lambda X, y, lam: (bias(X, y, lam)[0], 0.0),
        "wrong sign": lambda X, y, lam: (bias(X, y, lam)[0], -bias(X, y, lam)[1]),
        "bias penalized: at the end": lambda X, y, lam: (
            bias(X, y, lam)[0],
            bias(X, y, lam)[1] / (1 + lam / 2),
        ),
        "wrong bias": lambda X, y, lam: (bias(X, y, lam)[0], 1.0),
        "wrong return": lambda X, y, lam: np.append(*bias(X, y, lam)),
    },
)


def error(fit, X, y):
    w, b = fit
    return float(np.sqrt(np.mean((y - X @ w - b) ** 2)))


PATIENTS = load_diabetes()


def deal(rng, scaled=True):
    """(X, y) of the training, the validation and the test patients."""
    parts = split(PATIENTS.X, PATIENTS.y, (30, 30, 300), rng)
    if not scaled:
        return parts
    columns = standardize(*(X for X, _ in parts))
    return [(X, y) for X, (_, y) in zip(columns, parts, strict=True)]


@cache
def dealt(seed, scaled=True):
    return deal(np.random.default_rng(seed), scaled)


@cache
def errors(lam, seed, bias=True, scaled=True):
    """The errors of one fit on the training, the validation and the test patients."""
    parts = dealt(seed, scaled)
    w, b = linear_models.ridge(*parts[0], lam)
    return [error((w, b if bias else 0.0), *part) for part in parts]


def run(
    lams, seed, chooser=None, tested_on=2, validated_on=1, reported=None, bias=True, scaled=True
):
    """The reference experiment; its wrong versions differ in what they hand in."""
    training, _, test = dealt(seed, scaled)
    by_part = list(zip(*(errors(lam, seed, bias, scaled) for lam in lams), strict=True))
    validation = by_part[validated_on]
    best = chooser(*by_part) if chooser else int(np.argmin(validation))
    return {
        "validation errors": validation,
        "chosen": lams[best],
        "test error": reported(by_part) if reported else by_part[tested_on][best],
        "test error without": errors(0.0, seed, bias, scaled)[tested_on],
        "null error": error((np.zeros(10), training[1].mean()), *test),
    }


def run_squared(lams, seed):
    """Mean squared errors instead of their roots, and one solution of all strengths at once."""
    (X, y), (X_val, y_val), (X_test, y_test) = deal(np.random.default_rng(seed))
    path = linear_models.ridge_path(X, y, [*lams, 0.0])
    b = y.mean() - path @ X.mean(axis=0)
    validation = np.mean((y_val[:, None] - X_val @ path.T - b) ** 2, axis=0)[:-1]
    test = np.mean((y_test[:, None] - X_test @ path.T - b) ** 2, axis=0)
    k = validation.argmin()
    return {
        "validation errors": validation,
        "chosen": np.array(lams)[k],
        "test error": test[k],
        "test error without": test[-1],
        "null error": np.mean((y_test - y.mean()) ** 2),
    }


def run_loop(lams, seed):
    """Draws its own split, remembers the best fit so far."""
    X = 40 * PATIENTS.X
    y = PATIENTS.y
    order = np.random.default_rng(seed).permutation(len(y))
    train, val, test = np.split(order, [40, 80])
    validation = []
    for lam in lams:
        fit = linear_models.ridge(X[train], y[train], lam)
        validation.append(error(fit, X[val], y[val]))
        if validation[-1] == min(validation):
            chosen = lam
            best = fit
    plain = linear_models.ridge(X[train], y[train], 0.0)
    null = (np.zeros(10), y[train].mean())
    return {
        "validation errors": validation,
        "chosen": chosen,
        "test error": error(best, X[test], y[test]),
        "test error without": error(plain, X[test], y[test]),
        "null error": error(null, X[test], y[test]),
    }


UNSEEDED = np.random.default_rng(0)


def run_two_splits(lams, seed):
    """The first strength is dealt other patients than the rest."""
    validation = [errors(lam, (seed, place == 0))[1] for place, lam in enumerate(lams)]
    best = int(np.argmin(validation))
    return run(lams, seed) | {"validation errors": validation, "chosen": lams[best]}


def changed(change):
    return lambda lams, seed: (lambda result: result | change(result, lams, seed))(run(lams, seed))


def but(**options):
    """The reference with other options."""
    return lambda lams, seed: run(lams, seed, **options)


def index_chosen(lams, seed):
    result = run(lams, seed)
    return result | {"chosen": 1000 + int(np.argmin(result["validation errors"]))}


HONEST = (
    checks.honest,
    {"reference": run, "squared errors": run_squared, "loop": run_loop},
    {
        "not repeatable": lambda lams, seed: run(lams, UNSEEDED.integers(10**9)),
        "lam without effect": changed(
            lambda result, lams, seed: {"validation errors": [1.0] * len(lams)}
        ),
        "seed without effect": lambda lams, seed: run(lams, 0),
        "not paired": run_two_splits,
        "not paired: by the number of strengths": lambda lams, seed: run(lams, (seed, len(lams))),
        "null strength left out": changed(
            lambda result, lams, seed: {"test error without": run(lams[:1], seed)["test error"]}
        ),
        "null strength left out: a constant": changed(
            lambda result, lams, seed: {"test error without": 70.0}
        ),
        "index for the strength": index_chosen,
        "chosen on the test set": but(chooser=lambda train, val, test: int(np.argmin(test))),
        "chosen on the training set": but(chooser=lambda train, val, test: int(np.argmin(train))),
        "largest error chosen": but(chooser=lambda train, val, test: int(np.argmax(val))),
        "nothing chosen": but(chooser=lambda train, val, test: len(val) // 2),
        "not the best on validation": but(
            chooser=lambda train, val, test: min(int(np.argmin(val)) + 1, len(val) - 1)
        ),
        "tested on the training set": but(tested_on=0),
        "validation error reported": but(reported=lambda by_part: min(by_part[1])),
        "best test error reported": but(reported=lambda by_part: min(by_part[2])),
        "weakest penalty always best: columns not scaled": but(scaled=False),
        "weakest penalty always best: validated in training": but(validated_on=0),
        "no better than the mean": but(bias=False),
        "wrong test error": but(reported=lambda by_part: float(np.mean(by_part[2]))),
        "not a number": changed(lambda result, lams, seed: {"validation errors": 3.0}),
        "wrong return": lambda lams, seed: run(lams, seed)["chosen"],
    },
)

ANSWERS = [COST, GRADIENT, DIRECTIONS, CONVENTIONS, BIAS, HONEST]


@cases(ANSWERS)
def test_answer(check, answer, slip):
    assert_said(check, answer, slip)


def test_there_are_enough():
    assert_enough(ANSWERS)
