"""Networks: layers and what they are made of, losses, penalties, optimizers, training."""

import numbers

import numpy as np
from hypothesis import strategies as st

from helpers import (
    core,
    initializers,
    layers,
    losses,
    noise,
    normalization,
    optimizers,
    regularizers,
    training,
)
from tests.helpers.inputs.kinds import (
    SAME_DTYPE,
    Kind,
    array,
    drawn,
    dtype,
    flag,
    function,
    generator,
    integer,
    labels,
    listed,
    number,
    object_of,
    same,
    sequence,
    shares,
    word,
)
from tests.helpers.inputs.row import Row

RNG = np.random.default_rng(0)
X = np.round(8 * RNG.standard_normal((5, 3))) / 8
Y = np.round(8 * RNG.standard_normal((5, 2))) / 8
IMAGES = np.round(8 * RNG.random((2, 3, 4, 4))) / 8
LABELS = np.array([0, 2, 1, 1, 0])
SHARES = np.eye(3)[LABELS]


# ---- Layers ----


def through(layer):
    """Forward and backward of a layer; infinity passes in silence, as it does in fit."""

    def call(x, **arguments):
        made = layer(**arguments)
        with np.errstate(over="ignore", invalid="ignore"):
            y = made(x)
            dx = made.backward(np.ones_like(y))
        return y, dx, [p.grad for p in made.parameters()], made.buffers()

    return call


def passing(x, **options):
    """The input of a layer: nan and infinity go through, and no examples give none."""
    return array(x, **{"finite": False, "huge": False, "empty": False} | options)


def exactly(value, **options):
    """An integer >= 1 that fits the rest with one value."""
    return integer(value, low=1, least=value, most=value, **options)


INITIALIZER = function(initializers.he_normal, initializers.zeros, initializers.xavier_uniform)
OTHER_IMAGES = [IMAGES[:, :2], IMAGES[..., 0], IMAGES[0]]
CHANNELS = {
    "channels": exactly(3),
    "eps": number(1e-5, above=0),
    "affine": flag(usual=True),
    "dtype": dtype(),
}

LAYERS = {
    "layers.Linear": Row(
        through(layers.Linear),
        n_in=exactly(3),
        n_out=integer(2, low=1),
        rng=generator(),
        initializer=INITIALIZER,
        bias=flag(usual=True),
        dtype=dtype(),
        x=passing(X, wrong=[X[:, :2], X.T, X[:, 0]]),
    ),
    "layers.Conv2d": Row(
        through(layers.Conv2d),
        in_channels=exactly(3),
        out_channels=integer(2, low=1),
        kernel_size=integer(2, low=1, most=4),
        rng=generator(),
        stride=integer(1, low=1),
        padding=integer(1, low=0),
        initializer=INITIALIZER,
        dtype=dtype(),
        x=passing(IMAGES, wrong=[*OTHER_IMAGES, IMAGES[:, :, :0]]),
    ),
    "layers.ReLU": Row(through(layers.ReLU), x=passing(X, axes=False)),
    "layers.Tanh": Row(through(layers.Tanh), x=passing(X, axes=False)),
    "layers.Sigmoid": Row(through(layers.Sigmoid), x=passing(X, axes=False)),
    "layers.Flatten": Row(
        through(layers.Flatten), x=passing(IMAGES, axes=False, wrong=[np.float64(1), 1.0])
    ),
    "noise.Dropout": Row(  # the draws depend on the dtype of x
        through(noise.Dropout),
        p=number(0.5, low=0, below=1),
        rng=generator(),
        x=passing(X, axes=False, forms=SAME_DTYPE),
    ),
    "noise.GaussianNoise": Row(
        through(noise.GaussianNoise),
        std=number(0.5, low=0),
        rng=generator(),
        x=passing(X, axes=False),
    ),
    "normalization.BatchNorm": Row(
        through(normalization.BatchNorm),
        **CHANNELS,
        momentum=number(0.1, low=0, high=1),
        x=passing(X, empty=True, wrong=[X[:, :2], X.T, X[:1], X[0]]),
    ),
    "normalization.LayerNorm": Row(
        through(normalization.LayerNorm),
        **{name: kind for name, kind in CHANNELS.items() if name != "channels"},
        shape=sequence(
            3,
            [None, 0, -1, 2.5, "3", (), (3, 0), (3, 2.0), [None], {}],
            unusual=[((3,), 3), ([3], 3)],
        ),
        x=passing(8 * X, wrong=[X[:, :2], X.T, X[0]]),
    ),
    "normalization.InstanceNorm": Row(
        through(normalization.InstanceNorm),
        **CHANNELS,
        x=passing(IMAGES, wrong=[*OTHER_IMAGES, IMAGES[..., :1, :1], IMAGES[..., :0]]),
    ),
    "normalization.GroupNorm": Row(
        through(normalization.GroupNorm),
        **CHANNELS,
        groups=exactly(1).also(2, 4),
        x=passing(IMAGES, wrong=OTHER_IMAGES),
    ),
}


# ---- What layers are made of ----


def linear():
    return layers.Linear(3, 2, np.random.default_rng(0))


def loaded(state):
    layer = linear()
    layer.load(state)
    return layer.state()


def other_forms(state):
    return (
        [values.tolist() for values in state],
        [values.astype(np.float32) for values in state],
        tuple(state),
    )


def back(dy):
    """The gradients of a network; of the weights alone, they are the same."""
    gradients = []
    for way in ("backward", "backward_parameters"):
        network = core.Sequential(linear(), layers.Tanh())
        network(X)
        with np.errstate(invalid="ignore"):
            gradients += [getattr(network, way)(dy), [p.grad for p in network.parameters()]]
    return gradients


W = np.ones((3, 2))
B = np.zeros(2)
STATE = [W, B]
OTHER_STATES = [None, "state", object, {}, [], [W], [B, W], [W, B, W], W]
OTHER_STATES += [[None, None], ["a", "b"], [np.full((3, 2), "a"), B], [[[1.0], [1.0, 2.0]], B]]
RELU = layers.ReLU()
CORE = {
    "core.Parameter": Row(
        lambda data, decay: core.Parameter(data, decay).data,
        data=array(X, axes=False, huge=False),
        decay=flag(usual=True),
    ),
    "core.Layer": Row(lambda mode: core.Layer().train(mode).training, mode=flag(usual=True)),
    "core.Layer.load": Row(
        loaded,
        state=sequence(
            STATE, OTHER_STATES, unusual=[(state, STATE) for state in other_forms(STATE)]
        ),
    ),
    "core.Sequential": Row(
        lambda layers, x, mode: core.Sequential(*layers).train(mode)(x),
        layers=sequence(
            [RELU],
            [[None], [layers.ReLU], [3], [W], [[RELU]], [RELU, RELU]],
            more=st.text(min_size=1),
            unusual=[([], [])],
        ),
        x=passing(X, axes=False),
        mode=flag(usual=True),
    ),
    "core.Sequential.backward": Row(
        back,
        dy=passing(Y, empty=True, wrong=[Y[:, :1], Y[:1], Y[0], Y.T, Y[:, 0], np.ones((1, 1))]),
    ),
}


SHAPES = sequence(
    None,
    [0, -1, 2.5, "a", (3, 0), (3, -1), (2, 2.0), [None], (), np.ones((2, 2)), {}],
    more=st.integers(max_value=0) | st.floats(),
    unusual=[((2, 3, 1), [2, 3, 1]), (np.array([2, 3]), (2, 3)), (4, (4,)), (np.int8(4), 4)],
)


def weights(initializer):
    return Row(
        initializer,
        n_in=integer(3, low=1),
        n_out=integer(2, low=1),
        rng=generator(),
        shape=SHAPES,
        dtype=dtype(),
    )


NAMES = ("xavier_normal", "xavier_uniform", "he_normal", "he_uniform", "orthogonal")
INITIALIZERS = {f"initializers.{name}": weights(getattr(initializers, name)) for name in NAMES} | {
    "initializers.normal": Row(
        lambda std, rng: initializers.normal(std)(3, 2, rng),
        std=number(0.5, low=0),
        rng=generator(),
    ),
    "initializers.zeros": Row(
        initializers.zeros, n_in=integer(3, low=1), n_out=integer(2, low=1), dtype=dtype()
    ),
}


# ---- Losses, penalties, optimizers ----


def measured(loss):
    """The value of a loss and its gradient."""

    def call(**arguments):
        made = loss()
        with np.errstate(over="ignore", invalid="ignore"):
            return made.value(**arguments), made.backward()

    return call


OTHER_ROWS = [Y[:4], Y[:, :1], Y[:, 0], Y.T]
LOSSES = {
    "losses.MSELoss": Row(
        measured(losses.MSELoss),
        prediction=passing(Y, empty=True, wrong=OTHER_ROWS),
        target=array(Y, wrong=OTHER_ROWS, huge=False),
    ),
    "losses.BCEWithLogitsLoss": Row(
        measured(losses.BCEWithLogitsLoss),
        logits=passing(Y, empty=True, wrong=OTHER_ROWS),
        target=array(np.eye(5, 2), 0, 1, wrong=OTHER_ROWS),
    ),
    "losses.CrossEntropyLoss": Row(
        measured(losses.CrossEntropyLoss),
        logits=passing(X, empty=True, wrong=[X[:, 0]]),
        target=labels(
            LABELS,
            3,
            wrong=[X[:, :2], SHARES + 1, LABELS[:-1], np.where(LABELS == 2, -100, LABELS)],
        ),
    ),
    "losses.CrossEntropyLoss (probabilities)": Row(
        measured(losses.CrossEntropyLoss),
        logits=passing(X, empty=True, wrong=[X[:, 0]]),
        target=shares(SHARES, wrong=[SHARES[:, :2], SHARES[:4], SHARES[:, 0], SHARES.T]),
    ),
}


def penalized(penalty):
    """The penalty of W and its gradient."""

    def call(params, **arguments):
        made = penalty(**arguments)
        value = made.value(params)
        made.backward(params)
        return value, [p.grad for p in ([params] if isinstance(params, core.Parameter) else params)]

    return call


PARAMETERS = [core.Parameter(X), core.Parameter(Y[0], decay=False)]
NO_PARAMETERS = [None, 3, "params", [None], [3.0], [X], X, object, layers.Linear]
PARAMS = sequence(
    PARAMETERS,
    [*NO_PARAMETERS, linear(), [*PARAMETERS, X]],
    more=st.floats() | st.text(min_size=1),
    unusual=[(PARAMETERS[0],) * 2],
)
LAM = number(0.5, low=0)
REGULARIZERS = {
    "regularizers.L1": Row(penalized(regularizers.L1), lam=LAM, params=PARAMS),
    "regularizers.L2": Row(penalized(regularizers.L2), lam=LAM, params=PARAMS),
    "regularizers.ElasticNet": Row(
        penalized(regularizers.ElasticNet),
        lam=LAM,
        l1_ratio=number(0.5, low=0, high=1),
        params=PARAMS,
    ),
}

SUMS = "lambda/(2m)"
INVERSE = "sklearn LogisticRegression C"
CONVERSIONS = {
    "regularizers.Convention": Row(
        lambda value, m: regularizers.CONVENTIONS[SUMS].convert(value, m),
        value=LAM,
        m=integer(5, low=1),
    ),
    "regularizers.to_course": Row(
        regularizers.to_course,
        value=LAM,
        convention=word(SUMS, SUMS, "no half"),
        m=integer(5, low=1),
    ),
    "regularizers.from_course": Row(
        regularizers.from_course,
        lam=LAM,
        convention=word(SUMS, SUMS, "no half"),
        m=integer(5, low=1),
    ),
    "regularizers.to_course (inverse)": Row(
        regularizers.to_course,
        value=number(0.5, above=0),
        convention=word(INVERSE, INVERSE),
        m=integer(5, low=1),
    ),
}


def stepped(optimizer):
    """The parameters after two steps with gradients of ones."""

    def call(params, **arguments):
        made = optimizer(params, **arguments)
        for _ in range(2):
            for p in made.params:
                p.grad += 1
            made.step()
        return [p.data for p in made.params]

    return call


def descent(optimizer, **kinds):
    params = PARAMS.also([], {}, (), PARAMETERS[:1] * 2)
    return Row(
        stepped(optimizer),
        params=params,
        lr=number(0.5, above=0),
        weight_decay=number(0.5, low=0),
        **kinds,
    )


NO_PAIRS = [None, 0.9, "ab", (0.9,), (0.9, 0.99, 0.999), {0.9, 0.99}, {0: 0.9, 1: 0.99}, np.ones(3)]
OUTSIDE = [(1.0, 0.9), (0.9, 1), (-0.1, 0.9), (np.nan, 0.5), ("a", "b"), (0.9, None), (True, 0.9)]
BETAS = sequence(
    (0.9, 0.999),
    [*NO_PAIRS, *OUTSIDE],
    unusual=[([0.9, 0.999], (0.9, 0.999)), ((np.float64(0.5), 0), (0.5, 0.0))],
)
OPTIMIZERS = {
    "optimizers.SGD": descent(optimizers.SGD, momentum=number(0.5, low=0, below=1)),
    "optimizers.Adam": descent(optimizers.Adam, betas=BETAS, eps=number(1e-8, above=0)),
    "optimizers.AdamW": descent(optimizers.AdamW, betas=BETAS, eps=number(1e-8, above=0)),
    "optimizers.Optimizer": Row(
        lambda **arguments: [p.data for p in optimizers.Optimizer(**arguments).params],
        params=PARAMS.also([]),
        lr=number(0.5, above=0),
        weight_decay=number(0.5, low=0),
    ),
}


# ---- Training ----


def fitted(model, optimizer, **arguments):
    """The history of a run and the weights after it; a class of optimizers gets its parameters."""
    if isinstance(optimizer, type) and isinstance(model, core.Layer):
        optimizer = optimizer(model.parameters(), 0.1)
    history = training.fit(model, optimizer=optimizer, **arguments)
    return vars(history) | {"state": model.state()}


def predicted(model, X):
    with np.errstate(invalid="ignore"):
        return training.predict(model, X)


def with_lr(lr):
    """A run of three epochs."""
    model = linear()
    descent = optimizers.SGD(model.parameters(), lr)
    rng = np.random.default_rng(0)
    return training.fit(
        model, losses.MSELoss(), descent, X, Y, epochs=3, rng=rng, batch_size=1
    ).train_loss


def _below_infinity(loss):
    """nan and infinity are losses that are no improvement."""
    return not isinstance(loss, numbers.Real) or loss < np.inf


LATEST = number(0.5)
MODEL = object_of(
    linear(), layers.Linear, [linear()], unusual=[core.Sequential(linear(), layers.Tanh())]
)
LOSS = object_of(losses.MSELoss(), losses.MSELoss)
XS = array(X, wrong=[X[:4], X[:, :2], X[0]], huge=False)
YS = array(Y, wrong=[Y[:4], Y[:, :1], Y[:, 0]], huge=False)
OTHER = optimizers.SGD(linear().parameters(), 0.1)
OTHER_PAIRS = [(X, Y[:4]), (X * np.nan, Y), (X[:0], Y[:0]), (X, None), ("a", "b"), (X[:, :2], Y)]
VALIDATION = sequence(
    (X, Y),
    [X, (X, Y, Y), (), (X,), *OTHER_PAIRS],
    unusual=[([X, Y], (X, Y)), ((X[:1], Y[:1].tolist()), (X[:1], Y[:1]))],
)
TRAINING = {
    "training.fit": Row(
        fitted,
        model=MODEL,
        loss=LOSS,
        optimizer=object_of(optimizers.SGD, OTHER).but(object),
        X=XS,
        y=YS,
        epochs=integer(1, low=0),
        rng=generator(),
        batch_size=integer(2, low=1).but(None),
        penalty=object_of(regularizers.L2(0.1), regularizers.L2, unusual=[None]).but(None),
        validation=VALIDATION,
        early_stopping=object_of(
            training.EarlyStopping(1), training.EarlyStopping, unusual=[None]
        ).but(None),
        progress=flag(usual=False),
    ),
    "training.fit (diverges)": Row(
        with_lr,
        errors=(FloatingPointError,),
        lr=Kind(0.1, listed(1e60, 1e308) | drawn(st.floats(1e60, 1e308)), same(0.1)),
    ),
    "training.EarlyStopping": Row(
        lambda **arguments: vars(training.EarlyStopping(**arguments)),
        patience=integer(2, low=1),
        min_delta=number(0.5, low=0),
    ),
    "training.EarlyStopping.update": Row(
        lambda **arguments: training.EarlyStopping(1).update(**arguments),
        validation_loss=Kind(
            0.5, LATEST.bad.filter(_below_infinity), LATEST.unusual | listed((np.inf, np.nan))
        ),
        model=MODEL,
    ),
    "training.History": Row(lambda: training.History().epochs),
    "training.predict": Row(predicted, model=MODEL, X=passing(X, wrong=[X[:, :2], X[0]])),
    "training.evaluate": Row(training.evaluate, model=MODEL, loss=LOSS, X=XS, y=YS),
    "training.accuracy": Row(
        training.accuracy, model=MODEL, X=XS, y=labels(LABELS % 2, wrong=[LABELS[:-1]])
    ),
}

TABLE = LAYERS | CORE | INITIALIZERS | LOSSES | REGULARIZERS | CONVERSIONS | OPTIMIZERS | TRAINING
