"""Row 8: the paths of lasso and ridge on the diabetes data, next to scikit-learn's."""

import numpy as np

from benchmarks.measure import Witness, compared, side_by_side
from helpers.data import load_diabetes
from helpers.linear_models import lam_max, lasso_path, ridge_path

STRENGTHS = 100
GAP = 1e-12  # of the mean square of y: where both stop the lasso


def centred(X, y):
    """X and y without their means."""
    return X - X.mean(axis=0), y - y.mean()


def lasso_sides(X, y, lams):
    """Both lasso paths as functions that return (K, D).

    scikit-learn gets the matrix of products that helps it.
    """
    from sklearn.linear_model import lasso_path as sklearn_path

    def theirs():
        options = {"precompute": True, "tol": GAP, "max_iter": 100_000}
        return sklearn_path(*centred(X, y), alphas=lams / 2, **options)[1].T

    return {"ours": lambda: lasso_path(X, y, lams, tol=GAP), "theirs": theirs}


def ridge_sides(X, y, lams):
    """Both ridge paths as functions that return (K, D).

    scikit-learn takes its fastest way: one call, one target for each strength, one decomposition.
    """
    from sklearn.linear_model import ridge_regression

    def theirs():
        inputs, target = centred(X, y)
        targets = np.tile(target[:, None], len(lams))
        return ridge_regression(inputs, targets, alpha=lams * len(y) / 2, solver="svd")

    return {"ours": lambda: ridge_path(X, y, lams), "theirs": theirs}


def objective(X, y, path, lams, penalty):
    """The mean over the strengths of mean((y - X w)^2) + lam penalty(w), centred."""
    inputs, target = centred(X, y)
    residuals = target[:, None] - inputs @ path.T
    return float(np.mean((residuals**2).mean(axis=0) + lams * penalty(path)))


PENALTIES = {
    "lasso": lambda w: np.abs(w).sum(axis=1),
    "ridge": lambda w: (w**2).sum(axis=1) / 2,
}


def measured(rows, threads, effort):  # noqa: ARG001 - one signature for all
    """Row 8."""
    X, y = load_diabetes()[:2]
    lams = lam_max(X, y) * np.geomspace(1, 1e-3, STRENGTHS)
    setting = f"{STRENGTHS} strengths, float64, threads: {threads}"
    for name, make_sides, aim in (("lasso", lasso_sides, 3.0), ("ridge", ridge_sides, 1.0)):
        sides = make_sides(X, y, lams)
        values = [objective(X, y, path(), lams, PENALTIES[name]) for path in sides.values()]
        what = f"objective of the {name}, mean over {STRENGTHS} strengths, scikit-learn"
        yield Witness(8, what, *values, 1e-10)
        seconds = side_by_side(sides, effort)
        what = f"{name} path on diabetes"
        yield compared(8, what, "scikit-learn", setting, *seconds.values(), aim)
