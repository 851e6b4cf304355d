"""Compare a derived gradient with central differences. In float64 expect errors of 1e-10 to 1e-7; 1e-2 is a bug."""

import numpy as np

from helpers.internal.arguments import array, describe, floats, function, generator, number


def numerical_gradient(f, x, h=1e-5):
    """Return df/dx by central differences, (f(x + h e_i) - f(x - h e_i)) / (2h), for every element of x.

    f takes an array of the shape of x and returns a number; x itself is not changed. The error of the formula is of
    order h^2, that of rounding of order 1e-16 / h. Raises ValueError where f returns no single number.
    """
    x = array("x", x).astype(np.float64)
    function("f", f, "np.sum")
    h = number("h", h, above=0)
    if (x + h == x).any():
        raise ValueError(f"h must be large enough to change every number of x, got {h:g}")
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        gradient[i] = (_at(f, x, i, h) - _at(f, x, i, -h)) / (2 * h)
    return gradient


def relative_error(a, b, floor=1e-8):
    """Return max |a - b| / max(floor, |a| + |b|) over all elements: 0 is equal, 1 is of opposite sign."""
    a, b, floor = (
        floats("a", a).astype(float),
        floats("b", b).astype(float),
        number("floor", floor, above=0),
    )
    if a.shape != b.shape:
        raise ValueError(f"a and b must have the same shape, got {a.shape} and {b.shape}")
    if a.size == 0:
        raise ValueError(f"a and b must hold at least one number, got shape {a.shape}")
    with np.errstate(invalid="ignore"):  # infinity minus infinity is nan, which is below no bound
        return float(np.max(np.abs(a - b) / np.maximum(floor, np.abs(a) + np.abs(b))))


def check_layer(layer, x, rng):
    """Return {"x": error, "weight": error, ...}: relative errors of a layer's backward against central differences.

    The scalar that is differentiated is sum(layer(x) * dy) with a random dy. A random layer is frozen, so that each
    forward sees the same mask. Parameters, their grads, buffers and the frozen state are left as they were. Raises
    TypeError for what is no layer, ValueError for float32 parameters: h would drown in their rounding.
    """
    generator("rng", rng)
    x = array("x", x).astype(np.float64)
    noisy = [
        part for part in _parts(layer).values() if hasattr(type(part), "frozen") and not part.frozen
    ]
    _refuse_low_precision(layer)
    saved = [values.copy() for values in _kept(layer)]
    dy = rng.standard_normal(layer(x).shape)  # this forward draws the mask that the others see
    for part in noisy:
        part.frozen = True
    try:
        return _errors(layer, x, dy)
    finally:
        for part in noisy:
            part.frozen = False
        for values, before in zip(_kept(layer), saved, strict=True):
            values[...] = before


def _errors(layer, x, dy):
    for p in layer.parameters():
        p.zero_grad()
    layer(x)
    dx = layer.backward(dy)
    errors = {
        "x": relative_error(dx, numerical_gradient(lambda values: np.sum(layer(values) * dy), x))
    }
    for name, p in _named_parameters(layer).items():
        errors[name] = relative_error(p.grad, numerical_gradient(_loss_of(layer, p, x, dy), p.data))
    return errors


def _loss_of(layer, p, x, dy):
    def loss(values):
        kept = p.data.copy()
        p.data[...] = values
        try:
            return np.sum(layer(x) * dy)
        finally:
            p.data[...] = kept

    return loss


def _parts(layer, prefix=""):
    """The layer itself, or the layers of a Sequential by position, nested ones as "1.0"."""
    if not hasattr(type(layer), "backward"):
        raise TypeError(f"layer must have forward and backward, got {describe(layer)}")
    if not isinstance(vars(layer).get("layers"), list):
        return {prefix: layer}
    return {
        name: part
        for i, inner in enumerate(layer.layers)
        for name, part in _parts(inner, f"{prefix}{i}.").items()
    }


def _named_parameters(layer):
    named = {}
    for prefix, part in _parts(layer).items():
        names = {id(value): name for name, value in vars(part).items()}
        named |= {
            prefix + names.get(id(p), f"parameter {i}"): p for i, p in enumerate(part.parameters())
        }
    return named


def _kept(layer):
    return [p.grad for p in layer.parameters()] + list(getattr(layer, "buffers", list)())


def _refuse_low_precision(layer):
    for name, p in _named_parameters(layer).items():
        if p.data.dtype != np.float64:
            raise ValueError(
                f"layer must have float64 parameters, got {name} of dtype {p.data.dtype}"
            )


def _at(f, x, i, step):
    moved = x.copy()
    moved[i] += step
    value = np.asarray(f(moved))
    if value.size != 1:
        raise ValueError(f"f must return one number, got shape {value.shape}")
    return array("the number that f returns", value).item()
