"""Compare a derived gradient with central differences.

In float64 expect errors of 1e-10 to 1e-7; 1e-2 is a bug.
"""

import numpy as np

from helpers.internal.arguments import array, describe, floats, function, generator, number


def numerical_gradient(f, x, h=1e-5):
    """Return df/dx by central differences: (f(x + h e_i) - f(x - h e_i)) / (2h) for each element i.

    f takes an array of the shape of x and returns a number; x itself is not changed. The error of
    the formula is of order h^2, that of rounding of order 1e-16 / h. Raises ValueError unless f
    returns a single number.
    """
    x = array("x", x).astype(np.float64)
    function("f", f, "np.sum")
    h = number("h", h, above=0)
    if (x + h == x).any():
        raise ValueError(f"h must be large enough to change every number of x, got {h:g}")
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        gradient[i] = (_value_at(f, x, i, h) - _value_at(f, x, i, -h)) / (2 * h)
    return gradient


def relative_error(a, b, floor=1e-8):
    """Return max |a - b| / max(floor, |a| + |b|) over all elements: 0 if equal, 1 if opposite."""
    a = floats("a", a).astype(float)
    b = floats("b", b).astype(float)
    floor = number("floor", floor, above=0)
    if a.shape != b.shape:
        raise ValueError(f"a and b must have the same shape, got {a.shape} and {b.shape}")
    if a.size == 0:
        raise ValueError(f"a and b must hold at least one number, got shape {a.shape}")
    with np.errstate(invalid="ignore"):  # infinity - infinity is nan, which no bound accepts
        return float(np.max(np.abs(a - b) / np.maximum(floor, np.abs(a) + np.abs(b))))


def check_layer(layer, x, rng):
    """Return {"x": error, "weight": error, ...}: relative errors of backward, by differences.

    The scalar that is differentiated is sum(layer(x) * dy) with a random dy. A random layer is
    frozen, so that each forward uses the same mask. Parameters, their grads, buffers and the
    frozen state are left as they were. Raises TypeError unless layer is a layer, and ValueError
    for float32 parameters: their rounding would hide a difference of h.
    """
    generator("rng", rng)
    x = array("x", x).astype(np.float64)
    unfrozen = [simple for simple in _simple_layers(layer).values() if _can_be_frozen(simple)]
    _refuse_low_precision(layer)
    saved = [values.copy() for values in _grads_and_buffers(layer)]
    dy = rng.standard_normal(layer(x).shape)  # this forward draws the mask that the others use
    for simple in unfrozen:
        simple.frozen = True
    try:
        return _errors(layer, x, dy)
    finally:
        for simple in unfrozen:
            simple.frozen = False
        for values, before in zip(_grads_and_buffers(layer), saved, strict=True):
            values[...] = before


def _errors(layer, x, dy):
    for p in layer.parameters():
        p.zero_grad()
    layer(x)
    dx = layer.backward(dy)
    numerical = numerical_gradient(lambda values: np.sum(layer(values) * dy), x)
    errors = {"x": relative_error(dx, numerical)}
    for name, p in _named_parameters(layer).items():
        numerical = numerical_gradient(_loss_of(layer, p, x, dy), p.data)
        errors[name] = relative_error(p.grad, numerical)
    return errors


def _loss_of(layer, p, x, dy):
    """Return sum(layer(x) * dy) as a function of the numbers in p."""

    def loss(values):
        before = p.data.copy()
        p.data[...] = values
        try:
            return np.sum(layer(x) * dy)
        finally:
            p.data[...] = before

    return loss


def _simple_layers(layer, prefix=""):
    """Return {"": layer}, or the layers of a Sequential: {"0.": first, "1.0.": nested, ...}."""
    if not hasattr(type(layer), "backward"):
        raise TypeError(f"layer must have forward and backward, got {describe(layer)}")
    if not isinstance(vars(layer).get("layers"), list):
        return {prefix: layer}
    simple = {}
    for i, inner in enumerate(layer.layers):
        simple |= _simple_layers(inner, f"{prefix}{i}.")
    return simple


def _can_be_frozen(simple):
    return hasattr(type(simple), "frozen") and not simple.frozen


def _named_parameters(layer):
    named = {}
    for prefix, simple in _simple_layers(layer).items():
        names = {id(value): name for name, value in vars(simple).items()}
        for i, p in enumerate(simple.parameters()):
            named[prefix + names.get(id(p), f"parameter {i}")] = p
    return named


def _grads_and_buffers(layer):
    grads = [p.grad for p in layer.parameters()]
    buffers = layer.buffers() if hasattr(layer, "buffers") else []
    return grads + list(buffers)


def _refuse_low_precision(layer):
    for name, p in _named_parameters(layer).items():
        if p.data.dtype != np.float64:
            got = f"{name} of dtype {p.data.dtype}"
            raise ValueError(f"layer must have float64 parameters, got {got}")


def _value_at(f, x, i, step):
    """Return f(x + step e_i)."""
    moved = x.copy()
    moved[i] += step
    value = np.asarray(f(moved))
    if value.size != 1:
        raise ValueError(f"f must return one number, got shape {value.shape}")
    return array("the number that f returns", value).item()
