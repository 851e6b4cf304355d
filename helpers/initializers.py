"""Where training starts: random weights with the variance that keeps signals alive.

Every initializer has the signature (n_in, n_out, rng, shape=None, dtype=np.float64) -> array. n_in
and n_out are the fans: how many inputs feed one output, and how many outputs one input feeds. The
result has shape (n_in, n_out), or `shape` if a layer stores its weights in another one (a
convolution has n_in = C_in k^2 and n_out = C_out k^2).
"""

import math

import numpy as np

from helpers.internal.arguments import float_type, generator, integer, number


def zeros(n_in, n_out, rng=None, shape=None, dtype=np.float64):  # noqa: ARG001 - same signature
    """Return zeros: right for biases, wrong for weights (all units stay equal)."""
    shape = _checked_shape(n_in, n_out, shape)
    return _cast(np.zeros(shape), dtype)


def normal(std):
    """Return an initializer that draws from N(0, std^2): `std` is the standard deviation."""
    std = number("std", std, low=0)

    def initializer(n_in, n_out, rng, shape=None, dtype=np.float64):
        """N(0, std^2)."""
        shape = _checked_shape(n_in, n_out, shape)
        return _normal(shape, std, rng, dtype)

    return initializer


def xavier_normal(n_in, n_out, rng, shape=None, dtype=np.float64):
    """N(0, 2 / (n_in + n_out)): keeps the variance through a linear layer, averaged over both ways.

    Source: Glorot and Bengio (2010), section 4.2.1, equation 12.
    """
    shape = _checked_shape(n_in, n_out, shape)
    std = np.sqrt(2 / (n_in + n_out))
    return _normal(shape, std, rng, dtype)


def xavier_uniform(n_in, n_out, rng, shape=None, dtype=np.float64):
    """U(-a, a) with a = sqrt(6 / (n_in + n_out)), so the variance a^2 / 3 is 2 / (n_in + n_out).

    Source: Glorot and Bengio (2010), equation 16.
    """
    shape = _checked_shape(n_in, n_out, shape)
    a = np.sqrt(6 / (n_in + n_out))
    return _uniform(shape, a, rng, dtype)


def he_normal(n_in, n_out, rng, shape=None, dtype=np.float64):
    """N(0, 2 / n_in): keeps the second moment through a ReLU, which halves it. One fan, not both.

    Source: He, Zhang, Ren and Sun (2015), section 2.2, equation 10.
    """
    shape = _checked_shape(n_in, n_out, shape)
    std = np.sqrt(2 / n_in)
    return _normal(shape, std, rng, dtype)


def he_uniform(n_in, n_out, rng, shape=None, dtype=np.float64):
    """U(-a, a) with a = sqrt(6 / n_in), so the variance a^2 / 3 is 2 / n_in.

    Source: He, Zhang, Ren and Sun (2015), section 2.2.
    """
    shape = _checked_shape(n_in, n_out, shape)
    a = np.sqrt(6 / n_in)
    return _uniform(shape, a, rng, dtype)


def orthogonal(n_in, n_out, rng, shape=None, dtype=np.float64):
    """A random matrix with orthonormal rows or columns, whichever are fewer: it keeps lengths.

    It is Q of the QR decomposition of a Gaussian matrix, with signs such that Q is uniform (Haar).
    A `shape` of more than two axes is filled from a (shape[0], rest) matrix. Source: Saxe,
    McClelland and Ganguli (2014), section 3; Mezzadri (2007), section "A correct and efficient
    algorithm", for the signs.
    """
    shape = _checked_shape(n_in, n_out, shape)
    rows = shape[0]
    columns = math.prod(shape[1:])
    tall = (max(rows, columns), min(rows, columns))
    q, r = np.linalg.qr(generator("rng", rng).standard_normal(tall))
    q *= np.sign(np.diag(r))
    matrix = q if rows >= columns else q.T
    return _cast(matrix.reshape(shape), dtype)


def _checked_shape(n_in, n_out, shape):
    n_in = integer("n_in", n_in, low=1)
    n_out = integer("n_out", n_out, low=1)
    if shape is None:
        return n_in, n_out
    sizes = tuple(shape) if np.iterable(shape) else (shape,)
    if not sizes:
        raise ValueError(f"shape must have one axis or more, got {shape!r}")
    return tuple(integer("shape", size, low=1) for size in sizes)


def _normal(shape, std, rng, dtype):
    return _cast(std * generator("rng", rng).standard_normal(shape), dtype)


def _uniform(shape, a, rng, dtype):
    return _cast(generator("rng", rng).uniform(-a, a, shape), dtype)


def _cast(values, dtype):
    return values.astype(float_type("dtype", dtype), copy=False)
