"""What PyTorch has too: the call of a row here and there, and the arguments that both take."""

import copy

import numpy as np

from helpers import initializers, layers, losses, noise, normalization, optimizers
from tests.helpers.inputs import network
from tests.helpers.support.parity import import_or_skip

torch = import_or_skip("torch")
torch.set_num_threads(1)  # on tensors this small, threads only wait for each other
nn = torch.nn


def tensor(values, **options):
    """Real numbers as float64: lists, integers and layouts are not what PyTorch is compared on."""
    values = np.asarray(values)
    return torch.tensor(
        values.astype(np.float64) if values.dtype.kind in "fiub" else values, **options
    )


def integers(target):
    """Integer labels as they are, all else as `tensor` does."""
    target = np.asarray(target)
    return torch.tensor(target.astype(np.int64)) if target.dtype.kind in "iu" else tensor(target)


def rng():
    return np.random.default_rng(0)


# ---- Layers ----


def both(ours, theirs, arguments, training=True):
    """Forward and backward of two layers with the same weights; training=False if y is random."""
    return _ours(ours, training), _theirs(theirs, training), arguments.split()


def _weights(shape):
    return np.cos(np.arange(np.prod(shape))).reshape(shape)


def _ours(make, training):
    def call(x, **arguments):
        layer = make(**arguments).train(training)
        for p in layer.parameters():
            p.data[...] = _weights(p.data.shape)
        y = layer(x)
        return (
            y,
            layer.backward(np.ones_like(y)),
            [p.grad for p in layer.parameters()],
            layer.buffers(),
        )

    return call


def _theirs(make, training):
    def call(x, **arguments):
        layer = make(**arguments).double().train(training)
        x = tensor(x, requires_grad=True)
        for p in layer.parameters():  # Linear stores its weight transposed
            p.data = tensor(_weights(p.shape[::-1]).T if p.ndim == 2 else _weights(p.shape))
        y = layer(x)
        y.backward(torch.ones_like(y))
        gradients = [p.grad.T if p.ndim == 2 else p.grad for p in layer.parameters()]
        buffers = [values for values in layer.buffers() if values.ndim]  # the other counts batches
        return [part.detach().numpy() for part in (y, x.grad, *gradients, *buffers)]

    return call


LAYERS = {
    "layers.Linear": both(
        lambda **kinds: layers.Linear(**kinds, rng=rng()),
        lambda n_in, n_out, bias: nn.Linear(n_in, n_out, bias),
        "n_in n_out bias x",
    ),
    "layers.Conv2d": both(
        lambda **kinds: layers.Conv2d(**kinds, rng=rng()),
        nn.Conv2d,
        "in_channels out_channels kernel_size stride padding x",
    ),
    **{
        f"layers.{name}": both(getattr(layers, name), getattr(nn, name), "x")
        for name in ("ReLU", "Tanh", "Sigmoid", "Flatten")
    },
    "noise.Dropout": both(lambda p: noise.Dropout(p, rng()), nn.Dropout, "p x", training=False),
    "normalization.BatchNorm": both(
        normalization.BatchNorm,
        lambda channels, eps, momentum, affine: nn.BatchNorm1d(channels, eps, momentum, affine),
        "channels eps momentum affine x",
    ),
    "normalization.LayerNorm": both(
        normalization.LayerNorm,
        lambda shape, eps, affine: nn.LayerNorm(shape, eps, affine),
        "shape eps affine x",
    ),
    "normalization.InstanceNorm": both(
        normalization.InstanceNorm,
        lambda channels, eps, affine: nn.InstanceNorm2d(channels, eps, affine=affine),
        "channels eps affine x",
    ),
    "normalization.GroupNorm": both(
        normalization.GroupNorm,
        lambda groups, channels, eps, affine: nn.GroupNorm(groups, channels, eps, affine),
        "groups channels eps affine x",
    ),
}


# ---- Losses ----


def measured(loss, other, name="logits"):
    """The value and the gradient of two losses; `name` is the argument that is not the target."""

    def theirs(target, **kinds):
        prediction = tensor(kinds[name], requires_grad=True)
        value = other(
            prediction,
            integers(target) if isinstance(other, nn.CrossEntropyLoss) else tensor(target),
        )
        value.backward()
        return value.item(), prediction.grad.numpy()

    return network.measured(loss), theirs, (name, "target")


CROSS_ENTROPY = measured(losses.CrossEntropyLoss, nn.CrossEntropyLoss())
LOSSES = {
    "losses.MSELoss": measured(losses.MSELoss, nn.MSELoss(), "prediction"),
    "losses.BCEWithLogitsLoss": measured(losses.BCEWithLogitsLoss, nn.BCEWithLogitsLoss()),
    "losses.CrossEntropyLoss": CROSS_ENTROPY,
    "losses.CrossEntropyLoss (probabilities)": CROSS_ENTROPY,
}


# ---- Optimizers ----


def stepped(optimizer, other, *arguments):
    """Two steps of two optimizers, from the same parameters, of which the second does not decay."""

    def ours(**kinds):
        return network.stepped(optimizer)(copy.deepcopy(network.PARAMETERS), **kinds)

    def theirs(**kinds):
        params = [nn.Parameter(tensor(p.data)) for p in network.PARAMETERS]
        made = other([{"params": params[:1]}, {"params": params[1:], "weight_decay": 0.0}], **kinds)
        for count in (1, 2):
            for p in params:
                p.grad = torch.full_like(p, count)  # ours are not set to zero in between
            made.step()
        return [p.detach().numpy() for p in params]

    return ours, theirs, ("lr", "weight_decay", *arguments)


OPTIMIZERS = {
    "optimizers.SGD": stepped(optimizers.SGD, torch.optim.SGD, "momentum"),
    "optimizers.Adam": stepped(optimizers.Adam, torch.optim.Adam, "betas", "eps"),
    "optimizers.AdamW": stepped(optimizers.AdamW, torch.optim.AdamW, "betas", "eps"),
}


# ---- Initializers ----


def spread(initializer, other, unit, other_unit, **options):
    """The scale of two initializers: what they draw, divided by the same draw with scale 1."""

    def ours(n_in, n_out):
        return initializer(n_in, n_out, rng()) / unit(rng(), size=(n_in, n_out))

    def theirs(n_in, n_out):
        torch.manual_seed(0)
        drawn = other(torch.empty(n_out, n_in, dtype=torch.float64), **options)
        torch.manual_seed(0)
        return (drawn / other_unit(torch.empty_like(drawn))).T.numpy()

    return ours, theirs, ("n_in", "n_out")


NORMAL = np.random.Generator.standard_normal, torch.Tensor.normal_
UNIFORM = lambda rng, size: rng.uniform(-1, 1, size), lambda values: values.uniform_(-1, 1)
INITIALIZERS = {
    "initializers.he_normal": spread(
        initializers.he_normal, nn.init.kaiming_normal_, *NORMAL, nonlinearity="relu"
    ),
    "initializers.he_uniform": spread(
        initializers.he_uniform, nn.init.kaiming_uniform_, *UNIFORM, nonlinearity="relu"
    ),
    "initializers.xavier_normal": spread(
        initializers.xavier_normal, nn.init.xavier_normal_, *NORMAL
    ),
    "initializers.xavier_uniform": spread(
        initializers.xavier_uniform, nn.init.xavier_uniform_, *UNIFORM
    ),
}

PAIRS = LAYERS | LOSSES | OPTIMIZERS | INITIALIZERS
