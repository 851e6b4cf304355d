"""Where training starts: random weights with the variance that keeps signals alive.

Every initializer has the signature (n_in, n_out, rng, shape=None, dtype=np.float64) -> array. n_in and n_out are the
fans: how many inputs feed one output, and how many outputs one input feeds. The result has shape (n_in, n_out), or
`shape` where the weights of a layer are stored otherwise (a convolution has n_in = C_in k^2 and n_out = C_out k^2).
"""

import numpy as np

from helpers.internal.arguments import float_type, generator, integer, number


def zeros(n_in, n_out, rng=None, shape=None, dtype=np.float64):  # noqa: ARG001 - one signature for all
    """All zeros: right for biases, wrong for weights (all units stay equal)."""
    return _cast(np.zeros(_shape(n_in, n_out, shape)), dtype)


def normal(std):
    """Return an initializer that draws from N(0, std^2). `std` is the standard deviation; the mean is 0."""
    std = number("std", std, low=0)

    def initializer(n_in, n_out, rng, shape=None, dtype=np.float64):
        """N(0, std^2)."""
        return _normal(_shape(n_in, n_out, shape), std, rng, dtype)

    return initializer


def xavier_normal(n_in, n_out, rng, shape=None, dtype=np.float64):
    """N(0, 2 / (n_in + n_out)): keeps the variance of a linear layer, forward and backward, on average.

    Source: Glorot and Bengio (2010), section 4.2.1, equation 12.
    """
    return _normal(_shape(n_in, n_out, shape), np.sqrt(2 / (n_in + n_out)), rng, dtype)


def xavier_uniform(n_in, n_out, rng, shape=None, dtype=np.float64):
    """U(-a, a) with a = sqrt(6 / (n_in + n_out)), so the variance a^2 / 3 is 2 / (n_in + n_out).

    Source: Glorot and Bengio (2010), equation 16.
    """
    return _uniform(_shape(n_in, n_out, shape), np.sqrt(6 / (n_in + n_out)), rng, dtype)


def he_normal(n_in, n_out, rng, shape=None, dtype=np.float64):
    """N(0, 2 / n_in): keeps the second moment through a ReLU, which halves it. One fan, not both.

    Source: He, Zhang, Ren and Sun (2015), section 2.2, equation 10.
    """
    return _normal(_shape(n_in, n_out, shape), np.sqrt(2 / n_in), rng, dtype)


def he_uniform(n_in, n_out, rng, shape=None, dtype=np.float64):
    """U(-a, a) with a = sqrt(6 / n_in), so the variance a^2 / 3 is 2 / n_in. Source: He et al. (2015), section 2.2."""
    return _uniform(_shape(n_in, n_out, shape), np.sqrt(6 / n_in), rng, dtype)


def orthogonal(n_in, n_out, rng, shape=None, dtype=np.float64):
    """A random matrix with orthonormal rows or columns, whichever are fewer: it keeps lengths.

    Q of the QR decomposition of a Gaussian matrix, its signs fixed so that Q is uniform (Haar). A `shape` of more than
    two axes is filled from a (shape[0], rest) matrix. Source: Saxe, McClelland and Ganguli (2014), section 3;
    Mezzadri (2007), section "A correct and efficient algorithm", for the signs.
    """
    shape = _shape(n_in, n_out, shape)
    rows, columns = shape[0], int(np.prod(shape[1:]))
    gaussian = generator("rng", rng).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(gaussian)
    q *= np.sign(np.diag(r))
    return _cast((q if rows >= columns else q.T).reshape(shape), dtype)


def _shape(n_in, n_out, shape):
    fans = integer("n_in", n_in, low=1), integer("n_out", n_out, low=1)
    if shape is None:
        return fans
    sizes = tuple(shape) if np.iterable(shape) else (shape,)
    if not sizes:
        raise ValueError(f"shape must have one axis or more, got {shape!r}")
    return tuple(integer("shape", size, low=1) for size in sizes)


def _normal(shape, std, rng, dtype):
    return _cast(std * generator("rng", rng).standard_normal(shape), dtype)


def _uniform(shape, bound, rng, dtype):
    return _cast(generator("rng", rng).uniform(-bound, bound, shape), dtype)


def _cast(values, dtype):
    return values.astype(float_type("dtype", dtype), copy=False)
