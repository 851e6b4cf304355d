"""One call of all in helpers/ that takes a generator or seeds, and the bytes that it returns."""

import hashlib
import inspect
import json
import sys

import numpy as np

from helpers import augmentation, data, gradcheck, initializers, layers, noise, training
from helpers.core import Layer
from helpers.experiments import PairedTable, Sweep, paired, sweep
from helpers.internal.fast import mask_from_bits
from helpers.internal.table_checks import checked_seeds
from tests.helpers.support.modules import modules, own
from tests.helpers.support.small_runs import labelled, network, train

RANDOM = {"rng", "seed", "seeds"}
IMAGES = np.random.default_rng(9).random((6, 8, 8))
X, Y = labelled()


def noisy(value, seed):
    return {"loss": value + np.random.default_rng(seed).normal()}


def after(layer, x):
    """The layer's state and its output."""
    return layer.state(), layer(x)


def initialized(initializer):
    return lambda rng: [
        initializer(5, 4, rng),
        initializer(18, 9, rng, shape=(2, 2, 3, 3), dtype=np.float32),
    ]


def trained(rng):
    model = network(0.5)
    early = training.EarlyStopping(2)
    history = train(model, X, Y, rng=rng, validation=(X, Y), early_stopping=early)
    return history, model.state()


CALLS = {
    "augmentation.shift": lambda rng: augmentation.shift(IMAGES, 2, rng),
    "augmentation.rotate": lambda rng: augmentation.rotate(IMAGES, 20, rng),
    "augmentation.jitter": lambda rng: augmentation.jitter(X, 0.3, rng),
    "augmentation.cutout": lambda rng: augmentation.cutout(IMAGES, 3, rng),
    "augmentation.mixup": lambda rng: augmentation.mixup(X, Y, 0.4, rng, classes=3),
    "data.make_moons": lambda rng: data.make_moons(20, 0.1, rng),
    "data.make_polynomial": lambda rng: data.make_polynomial(20, 0.1, rng),
    "data.make_sparse_regression": lambda rng: data.make_sparse_regression(20, 5, 2, 0.1, rng),
    "data.split": lambda rng: data.split(X, Y, (10, 20), rng),
    "data.minibatches": lambda rng: list(data.minibatches(20, 6, rng)),
    "data.flip_labels": lambda rng: data.flip_labels(Y, 0.3, rng),
    "fast.mask_from_bits": lambda rng: mask_from_bits(rng, (4, 3), 0.5),
    "gradcheck.check_layer": lambda rng: gradcheck.check_layer(layers.Tanh(), X, rng),
    "initializers.zeros": initialized(initializers.zeros),
    "initializers.xavier_normal": initialized(initializers.xavier_normal),
    "initializers.xavier_uniform": initialized(initializers.xavier_uniform),
    "initializers.he_normal": initialized(initializers.he_normal),
    "initializers.he_uniform": initialized(initializers.he_uniform),
    "initializers.orthogonal": lambda rng: initializers.orthogonal(5, 4, rng),
    "layers.Linear": lambda rng: after(layers.Linear(4, 3, rng), X),
    "layers.Conv2d": lambda rng: after(layers.Conv2d(1, 2, 3, rng), IMAGES[:, None]),
    "noise.Dropout": lambda rng: after(noise.Dropout(0.5, rng), X),
    "noise.GaussianNoise": lambda rng: after(noise.GaussianNoise(0.5, rng), X),
    "training.fit": trained,
    "experiments.paired": lambda _: paired(
        {"a": 0.0, "b": 1.0}, noisy, range(4), n_jobs=1, progress=False
    ),
    "experiments.sweep": lambda _: sweep([0.1, 1.0], noisy, range(4), n_jobs=1, progress=False),
    "tables.PairedTable": lambda rng: PairedTable(
        {"x": dict(zip("ab", rng.normal(size=(2, 5)), strict=True))}, range(5)
    ),
    "table_checks.checked_seeds": lambda _: checked_seeds(range(3)),
    "tables.Sweep": lambda rng: Sweep([1, 2], {"x": rng.normal(size=(2, 5))}, range(5)),
}


def names():
    """The names in helpers/ of what takes one of RANDOM: functions, classes and public methods."""
    for module_name, module in modules():
        for name, thing in own(module):
            yield from (f"{module_name}.{found}" for found in taking_randomness(name, thing))


def taking_randomness(name, thing):
    """The name of a function or of the methods of a class that take a generator or seeds."""
    if isinstance(thing, type):
        for method, function in vars(thing).items():
            if method == "__init__" or not method.startswith("_"):
                full_name = name if method == "__init__" else f"{name}.{method}"
                yield from taking_randomness(full_name, function)
    elif inspect.isfunction(thing) and not RANDOM.isdisjoint(inspect.signature(thing).parameters):
        yield name


def parts(value):
    """The bytes that a result is made of."""
    if isinstance(value, np.ndarray | np.generic):
        yield f"{value.dtype}{value.shape}".encode() + value.tobytes()
    elif isinstance(value, list | tuple):
        for item in value:
            yield from parts(item)
    elif isinstance(value, dict):
        yield from parts(list(value.items()))
    elif isinstance(value, Layer):
        yield from parts(value.state())
    elif isinstance(value, training.History | PairedTable | Sweep):
        yield from parts([str(value), vars(value)])
    else:
        yield repr(value).encode()


def digests(order):
    """{name: hash of the result}, computed in the order of the names or against it."""
    return {
        name: hashlib.sha256(b"|".join(parts(CALLS[name](np.random.default_rng(5))))).hexdigest()
        for name in sorted(CALLS, reverse=order == "backwards")
    }


if __name__ == "__main__":
    np.random.seed(int(sys.argv[2]))  # noqa: NPY002 - shows who draws from the shared generator
    print(json.dumps(digests(sys.argv[1])))
