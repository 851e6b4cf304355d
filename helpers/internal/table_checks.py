"""What the tables and experiments accept: seeds, strengths, names, metrics, and numbers by seed."""

from functools import partial

import numpy as np

from helpers.internal.arguments import array, describe, integer, number, quoted


def check_names(settings, baseline, references):
    """Check the dicts of settings and references by name, and the baseline.

    Raises TypeError unless both are dicts with names as keys, and ValueError unless there are two
    settings or more, the baseline is one of them, and no reference has the name of a setting.
    """
    _check_dict("settings", settings)
    _check_dict("references", references)
    if len(settings) < 2:
        raise ValueError(f"settings must hold two or more names, got {list(settings)}")
    if baseline is not None:
        pick("baseline", baseline, settings)
    if twice := [name for name in references if name in settings]:
        expected = "references must have other names than settings"
        raise ValueError(f"{expected}, got {twice[0]!r} in both")


def _check_dict(argument, names):
    if not isinstance(names, dict) or not all(isinstance(name, str) and name for name in names):
        raise TypeError(f"{argument} must be a dict with names as keys, got {describe(names)}")


def check_complete(values, settings):
    """Raise ValueError unless `values` {metric: {name: ...}} has every setting for every metric."""
    for metric, rows in values.items():
        if missing := [name for name in settings if name not in rows]:
            expected = f"values must hold every setting for {metric!r}"
            raise ValueError(f"{expected}, got none for {missing[0]!r}")


def check_metrics(metrics, **by_metric):
    """Raise ValueError if a dict by metric names a metric that does not exist."""
    for argument, named in by_metric.items():
        for metric in named:
            if metric not in metrics:
                expected = " or ".join(map(repr, metrics))
                raise ValueError(f"{argument} must be about {expected}, got {metric!r}")


def pick(argument, key, choices):
    """Return choices[key] from a dict, or `key` from other choices; raise ValueError if unknown."""
    if not _among(key, choices):
        expected = ", ".join(map(repr, choices))
        raise ValueError(f"{argument} must be one of {expected}, got {quoted(key)}")
    return choices[key] if isinstance(choices, dict) else key


def _among(key, choices):
    try:
        return key in choices
    except (TypeError, ValueError):  # lists are unhashable, and `in` is ambiguous for arrays
        return False


def checked_values(values):
    """Return `values` if it is {metric: {name: ...}}, by strings; otherwise raise TypeError."""
    expected = "values must be {metric: {name: array over seeds}}"
    if not isinstance(values, dict) or not values:
        raise TypeError(f"{expected}, got {describe(values)}")
    for metric, rows in values.items():
        if not isinstance(metric, str) or not _is_by_name(rows):
            raise TypeError(f"{expected}, got {describe(rows)} for {describe(metric)}")
    return values


def _is_by_name(rows):
    return isinstance(rows, dict) and all(isinstance(name, str) for name in rows)


def check_rows(values, strengths):
    """Check that `values` is {metric: rows} with one row for each strength.

    Raises TypeError if it is not a dict or is empty, and ValueError for other rows or keys.
    """
    expected = f"values must be {{metric: {len(strengths)} rows, one for each strength}}"
    if not isinstance(values, dict) or not values:
        raise TypeError(f"{expected}, got {describe(values)}")
    for metric, rows in values.items():
        count = len(rows) if hasattr(rows, "__len__") else None
        if not isinstance(metric, str) or count != len(strengths):
            raise ValueError(f"{expected}, got {describe(rows)} for {describe(metric)}")


def checked_seeds(seeds):
    """Return `seeds` as a list of two or more different integers >= 0."""
    expected = "two or more integers such as range(10): one seed gives no interval"
    seeds = _different("seeds", seeds, partial(integer, low=0), expected, at_least=2)
    return [int(seed) for seed in seeds]


def checked_strengths(strengths):
    """Return `strengths` as a list of one or more different numbers."""
    expected = "numbers such as np.geomspace(1e-4, 1, 9)"
    return _different("strengths", strengths, number, expected, at_least=1)


def _different(argument, values, check, expected, at_least):
    """The values as a list, each checked, if there are enough and no two are equal."""
    if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{argument} must be {expected}, got {describe(values)}")
    values = list(values)
    for value in values:
        check(f"each of {argument}", value)
    if len(values) < at_least:
        raise ValueError(f"{argument} must be {expected}, got {len(values)} of them")
    if twice := [value for value in values if values.count(value) > 1]:
        raise ValueError(f"{argument} must be different, got {twice[0]} more than once")
    return values


def checked_directions(better):
    """Return `better` as a dict {metric: "higher" or "lower"}, which is empty for None."""
    better = {} if better is None else better
    directions = ("higher", "lower")
    if not isinstance(better, dict) or not all(_among(x, directions) for x in better.values()):
        raise ValueError(f"better must be {{metric: 'higher' or 'lower'}}, got {quoted(better)}")
    return better


def checked_decimals(digits, metrics=()):
    """Return `digits` as a dict {metric: integer}; one integer counts for all `metrics`."""
    if digits is None:
        return {}
    if not isinstance(digits, dict):
        return dict.fromkeys(metrics, integer("digits", digits))
    return {metric: integer(f"digits of {metric!r}", count) for metric, count in digits.items()}


def checked_series(metric, name, values, n):
    """Return `values` as a read-only array (n,) of float64, one finite number for each seed."""
    values = array(f"{metric!r} of {name!r}", values, ndim=1).astype(np.float64)
    if len(values) != n:
        expected = f"{metric!r} of {name!r} must have one number for each of the {n} seeds"
        raise ValueError(f"{expected}, got {len(values)}")
    values.setflags(write=False)
    return values
