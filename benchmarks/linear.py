"""Row 8: the paths of lasso and ridge on the diabetes data, beside scikit-learn's."""

import numpy as np

from benchmarks.measure import Witness, compared, side_by_side
from helpers.data import load_diabetes
from helpers.linear_models import lam_max, lasso_path, ridge_path

STRENGTHS = 100
GAP = 1e-12  # of the mean square of y: where both stop the lasso


def lasso_sides(X, y, lams):
    """Both lasso paths as functions that return (K, D). scikit-learn gets the matrix of products that helps it."""
    from sklearn.linear_model import lasso_path as sklearn_path

    def theirs():
        centred, target = X - X.mean(axis=0), y - y.mean()
        options = {"precompute": True, "tol": GAP, "max_iter": 100_000}
        return sklearn_path(centred, target, alphas=lams / 2, **options)[1].T

    return {"ours": lambda: lasso_path(X, y, lams, tol=GAP), "theirs": theirs}


def ridge_sides(X, y, lams):
    """Both ridge paths. scikit-learn's fastest way: one call, one target for each strength, one decomposition."""
    from sklearn.linear_model import ridge_regression

    def theirs():
        centred, target = X - X.mean(axis=0), y - y.mean()
        targets = np.tile(target[:, None], len(lams))
        return ridge_regression(centred, targets, alpha=lams * len(y) / 2, solver="svd")

    return {"ours": lambda: ridge_path(X, y, lams), "theirs": theirs}


def objective(X, y, path, lams, penalty):
    """The mean over the strengths of mean((y - X w)^2) + lam penalty(w), centred."""
    residuals = (y - y.mean())[:, None] - (X - X.mean(axis=0)) @ path.T
    return float(np.mean((residuals**2).mean(axis=0) + lams * penalty(path)))


def measured(rows, threads, effort):  # noqa: ARG001 - one signature for all
    """Row 8."""
    X, y = load_diabetes()[:2]
    lams = lam_max(X, y) * np.geomspace(1, 1e-3, STRENGTHS)
    penalties = {
        "lasso": lambda w: np.abs(w).sum(axis=1),
        "ridge": lambda w: (w**2).sum(axis=1) / 2,
    }
    for name, make, aim in (("lasso", lasso_sides, 3.0), ("ridge", ridge_sides, 1.0)):
        sides = make(X, y, lams)
        values = [objective(X, y, way(), lams, penalties[name]) for way in sides.values()]
        yield Witness(
            8,
            f"objective of the {name}, mean over {STRENGTHS} strengths, scikit-learn",
            *values,
            1e-10,
        )
        seconds, setting = (
            side_by_side(sides, effort),
            f"{STRENGTHS} strengths, float64, threads: {threads}",
        )
        yield compared(
            8, f"{name} path on diabetes", "scikit-learn", setting, *seconds.values(), aim
        )
