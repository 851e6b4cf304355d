import math

import numpy as np
import pytest

from helpers.core import Sequential
from helpers.gradcheck import check_layer
from helpers.layers import Linear, ReLU, Tanh
from helpers.losses import CrossEntropyLoss
from helpers.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    normalize,
    normalize_backward,
)
from helpers.optimizers import SGD, AdamW
from helpers.regularizers import L1, L2
from helpers.training import EarlyStopping, evaluate, fit
from tests.helpers.support.properties import PROPERTIES, assert_same, build, run, upstream
from tests.helpers.support.refusal import refuses

CHANNELS = 4
SIZE = (2, 3)
MATRIX = (6, CHANNELS)
IMAGES = (3, CHANNELS, *SIZE)
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def case_of(name, make, shape):
    def case(rng, dtype):
        other_rng = rng.spawn(1)[0]  # not the draws of dy: a dx along x would be almost zero
        return make(dtype), other_rng.normal(2, 1, shape)

    case.__name__ = name
    return case


def network(rng, dtype):
    first = Linear(3, CHANNELS, rng, bias=False, dtype=dtype)  # centering removes its bias
    layers = BatchNorm(CHANNELS, dtype=dtype), Tanh(), LayerNorm(CHANNELS, dtype=dtype)
    return Sequential(first, *layers), rng.normal(0, 1, (8, 3))


BATCH = [
    case_of("batch", lambda dtype: BatchNorm(CHANNELS, dtype=dtype), MATRIX),
    case_of("batch of images", lambda dtype: BatchNorm(CHANNELS, dtype=dtype), IMAGES),
    case_of(
        "batch, not affine", lambda dtype: BatchNorm(CHANNELS, affine=False, dtype=dtype), MATRIX
    ),
]
EXAMPLE = [
    case_of("layer", lambda dtype: LayerNorm(CHANNELS, dtype=dtype), MATRIX),
    case_of("layer of images", lambda dtype: LayerNorm((CHANNELS, *SIZE), dtype=dtype), IMAGES),
    case_of(
        "layer, not affine", lambda dtype: LayerNorm((CHANNELS,), affine=False, dtype=dtype), MATRIX
    ),
    case_of("instance", lambda dtype: InstanceNorm(CHANNELS, dtype=dtype), IMAGES),
    case_of(
        "instance, affine", lambda dtype: InstanceNorm(CHANNELS, affine=True, dtype=dtype), IMAGES
    ),
    case_of("group", lambda dtype: GroupNorm(1, CHANNELS, dtype=dtype), MATRIX),
    case_of("group of images", lambda dtype: GroupNorm(2, CHANNELS, dtype=dtype), IMAGES),
    case_of(
        "group, not affine", lambda dtype: GroupNorm(2, CHANNELS, affine=False, dtype=dtype), IMAGES
    ),
]
ALONE = BATCH + EXAMPLE
CASES = [*ALONE, network]
each_case = pytest.mark.parametrize("case", ALONE, ids=lambda f: f.__name__)
each_batch = pytest.mark.parametrize("case", BATCH, ids=lambda f: f.__name__)


def sets_of(layer, shape):
    """Where x is normalized together: one index for each mean, written out a second time."""
    n = range(shape[0])
    channels = range(shape[1])
    if isinstance(layer, BatchNorm):
        return [(slice(None), c) for c in channels]
    if isinstance(layer, LayerNorm):
        return [(i,) for i in n]
    if isinstance(layer, InstanceNorm):
        return [(i, c) for i in n for c in channels]
    width = shape[1] // layer.groups
    return [(i, slice(first, first + width)) for i in n for first in range(0, shape[1], width)]


def trained(layer, shape, batches=5, seed=9):
    """The layer after some training batches, in evaluation mode."""
    rng = np.random.default_rng(seed)
    for _ in range(batches):
        layer(rng.normal(3, 2, shape))
    return layer.eval()


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda f: f.__name__)
def test_property(holds, case):
    for seed in range(3):
        holds(case, seed)


# --- values ---


def test_batch_norm_by_hand():
    layer = BatchNorm(1, eps=3.0)  # mean 2, var 1, sqrt(1 + 3) = 2
    layer.weight.data[:] = 4
    layer.bias.data[:] = 10
    assert layer(np.array([[1.0], [3.0]])).tolist() == [[8], [12]]  # 10 ± 4 / 2
    # dz = 4, 12 and dx = (4 - 8 + 2 / 2) / 2
    assert layer.backward(np.array([[1.0], [3.0]])).tolist() == [[-1.5], [1.5]]
    assert layer.weight.grad.tolist() == [1]  # -1/2 + 3/2
    assert layer.bias.grad.tolist() == [4]  # 1 + 3
    assert layer.running_mean == pytest.approx(0.2, rel=1e-15)  # 0.9 * 0 + 0.1 * 2
    assert layer.running_var == pytest.approx(1.1, rel=1e-15)  # 0.9 * 1 + 0.1 * 2, unbiased


def test_layer_norm_by_hand():
    layer = LayerNorm(2, eps=3.0)
    layer.weight.data[:] = [4, 6]
    layer.bias.data[:] = [10, 20]
    assert layer(np.array([[1.0, 3.0], [8.0, 6.0]])).tolist() == [[8, 23], [12, 17]]


@each_case
def test_each_set_against_np_mean_and_np_var(case):
    layer, x = build(case, seed=1)
    y = layer(x)
    z = np.empty_like(x)
    for place in sets_of(layer, x.shape):
        z[place] = (x[place] - np.mean(x[place])) / np.sqrt(np.var(x[place]) + 1e-5)
    if layer.weight is not None:
        per_element = isinstance(layer, LayerNorm)
        shape = x.shape[1:] if per_element else (-1, *[1] * (x.ndim - 2))
        z = layer.weight.data.reshape(shape) * z + layer.bias.data.reshape(shape)
    np.testing.assert_allclose(y, z, **EXACT)


@each_case
def test_without_gain_and_shift_each_set_has_mean_0_and_var_1(case):
    layer, x = case(np.random.default_rng(2), np.float64)
    y = layer(x)
    for place in sets_of(layer, x.shape):
        assert abs(y[place].mean()) < 1e-14
        var = x[place].var()
        assert y[place].var() == pytest.approx(var / (var + 1e-5), rel=1e-12)


@each_case
def test_numbers_that_are_all_equal_become_the_shift(case):
    layer, x = build(case, seed=1)
    y, dx, *_ = run(layer, np.full(x.shape, 7.0))
    expected = np.zeros(x.shape[1:])
    if layer.bias is not None:
        expected.T[...] = layer.bias.data.T  # (W, H, C) takes (C,)
    assert (y == expected).all()
    assert np.isfinite(dx).all()


def test_normalize_keeps_its_axes_with_length_1_and_eps_is_under_the_root():
    x = np.random.default_rng(0).normal(5, 2, (4, 3, 6))
    z, mean, var = normalize(x, (0, 2), eps=0.5)
    assert mean.shape == var.shape == (1, 3, 1)
    np.testing.assert_allclose(mean.ravel(), [x[:, c].mean() for c in range(3)], **EXACT)
    np.testing.assert_allclose(var.ravel(), [x[:, c].var() for c in range(3)], **EXACT)
    np.testing.assert_allclose(z, (x - mean) / np.sqrt(var + 0.5), **EXACT)
    dx = normalize_backward(np.ones(x.shape), z, var, (0, 2), eps=0.5)
    np.testing.assert_allclose(dx, 0, atol=1e-14)


def test_eps_is_1e_5_unless_given():
    x = np.array([[1.0], [3.0]])  # mean 2, var 1
    z, _, var = normalize(x, (0,))
    np.testing.assert_allclose(z, np.array([[-1.0], [1.0]]) / math.sqrt(1.00001), **EXACT)
    dx = normalize_backward(np.array([[1.0], [0.0]]), np.zeros((2, 1)), var, (0,))
    np.testing.assert_allclose(dx, np.array([[0.5], [-0.5]]) / math.sqrt(1.00001), **EXACT)


# --- identities ---


def with_gains_of(layer, other):
    """The layer with the gains and shifts of another, which has one for each channel."""
    for p, q in zip(layer.parameters(), other.parameters(), strict=True):
        p.data.T[...] = q.data  # (W, H, C) takes (C,)
    return layer


@pytest.mark.parametrize(
    ("kind", "other", "shape"),
    [
        (lambda: GroupNorm(1, CHANNELS), lambda: LayerNorm(CHANNELS), MATRIX),
        (lambda: GroupNorm(1, CHANNELS), lambda: LayerNorm((CHANNELS, *SIZE)), IMAGES),
        (
            lambda: GroupNorm(CHANNELS, CHANNELS),
            lambda: InstanceNorm(CHANNELS, affine=True),
            IMAGES,
        ),
        (
            lambda: BatchNorm(CHANNELS),
            lambda: InstanceNorm(CHANNELS, affine=True),
            (1, CHANNELS, *SIZE),
        ),
        (lambda: BatchNorm(1), lambda: LayerNorm((1, *SIZE)), (1, 1, *SIZE)),
    ],
    ids=[
        "one group is layer",
        "and of images",
        "a group each is instance",
        "batch of one image",
        "of one channel",
    ],
)
def test_two_sets_of_axes_that_are_the_same(kind, other, shape):
    layer, x = build(case_of("", lambda _: kind(), shape), seed=3)
    ours = run(layer, x)
    theirs = run(with_gains_of(other(), layer), x)
    for a, b in zip(ours[:2], theirs[:2], strict=True):
        np.testing.assert_allclose(a, b, **EXACT)


def test_batch_norm_of_images_is_batch_norm_of_their_pixels():
    layer, x = build(BATCH[1], seed=3)
    twin, _ = build(BATCH[0], seed=3)
    with_gains_of(twin, layer)
    images = run(layer, x)
    pixels = twin(np.moveaxis(x, 1, 3).reshape(-1, CHANNELS))
    dpixels = twin.backward(np.moveaxis(upstream(images[0]), 1, 3).reshape(-1, CHANNELS))
    for a, b in ((images[0], pixels), (images[1], dpixels)):
        np.testing.assert_allclose(np.moveaxis(a, 1, 3).reshape(-1, CHANNELS), b, **EXACT)
    assert_same(
        [*layer.buffers(), layer.weight.grad], [*twin.buffers(), twin.weight.grad], rtol=1e-12
    )


@each_case
def test_shifting_and_scaling_a_set_changes_nothing(case):
    layer, x = build(case, seed=4)
    layer.eps = 1e-12
    rng = np.random.default_rng(5)
    other = x.copy()
    for place in sets_of(layer, x.shape):
        other[place] = rng.uniform(0.5, 20) * other[place] + rng.uniform(-50, 50)
    np.testing.assert_allclose(layer(other), layer(x), rtol=1e-9, atol=1e-9)
    y = layer(x)
    if layer.weight is None:
        np.testing.assert_allclose(layer(-x), -y, rtol=1e-9, atol=1e-9)


@each_case
def test_trap_backward_forgets_the_terms_of_mean_and_var(case):
    layer, x = build(case, seed=4)
    layer.eps = 1e-12
    y = layer(x)
    dx = layer.backward(upstream(y))
    for place in sets_of(layer, x.shape):
        assert abs(dx[place].sum()) < 1e-13  # no step along 1: a shift changes nothing
        assert abs((dx[place] * layer.z[place]).sum()) < 1e-10  # no step along z: nor does a scale
        assert np.abs(dx[place]).max() > 1e-3


@pytest.mark.parametrize("case", EXAMPLE, ids=lambda f: f.__name__)
def test_layer_instance_and_group_norm_see_each_example_alone_and_have_one_mode(case):
    layer, x = build(case, seed=3)
    y, dx, *grads = run(layer, x)
    dy = upstream(y)
    for p in layer.parameters():
        p.zero_grad()
    layer.eval()
    alone = [(layer(x[n : n + 1]), layer.backward(dy[n : n + 1])) for n in range(len(x))]
    np.testing.assert_allclose(np.concatenate([y for y, _ in alone]), y, **EXACT)
    np.testing.assert_allclose(np.concatenate([dx for _, dx in alone]), dx, **EXACT)
    for p, grad in zip(layer.parameters(), grads, strict=True):
        np.testing.assert_allclose(p.grad, grad, **EXACT)
    assert layer.buffers() == []


# --- running statistics and the two modes of batch normalization ---


def test_running_averages_after_three_batches_written_out():
    layer = BatchNorm(2, momentum=0.25)
    rng = np.random.default_rng(0)
    mean = np.zeros(2)
    var = np.ones(2)
    for n in (3, 10, 4):
        x = rng.normal([1, -5], [2, 0.5], (n, 2))
        layer(x)
        mean = 0.75 * mean + 0.25 * x.mean(axis=0)
        var = 0.75 * var + 0.25 * x.var(axis=0, ddof=1)
    np.testing.assert_allclose(layer.buffers(), [mean, var], **EXACT)


def test_trap_momentum_is_the_share_of_the_new_batch_not_of_the_old_average():
    layer = BatchNorm(1, momentum=0.1)
    layer(np.array([[9.0], [11.0]]))
    assert layer.running_mean == pytest.approx(1)  # the other way round it would be 9
    still = BatchNorm(1, momentum=0)
    last = BatchNorm(1, momentum=1)
    for x in (np.array([[9.0], [11.0]]), np.array([[1.0], [5.0]])):
        still(x)
        last(x)
    np.testing.assert_allclose(still.buffers(), [[0], [1]], rtol=0)
    np.testing.assert_allclose(last.buffers(), [[3], [8]], rtol=1e-15)
    assert BatchNorm(1).momentum == 0.1


@pytest.mark.parametrize(
    ("shape", "n"), [((4, 1), 4), ((2, 1), 2), ((2, 1, 3, 5), 30), ((1, 1, 1, 2), 2)]
)
def test_trap_the_running_variance_is_unbiased_and_the_one_that_normalizes_is_not(shape, n):
    layer = BatchNorm(1, momentum=1)
    x = np.random.default_rng(0).normal(0, 3, shape)
    y = layer(x)
    assert layer.running_var == pytest.approx(((x - x.mean()) ** 2).sum() / (n - 1), rel=1e-12)
    assert y.var() == pytest.approx(x.var() / (x.var() + 1e-5), rel=1e-12)  # exactly 1 but for eps


def test_running_averages_come_to_the_mean_and_variance_of_the_data():
    layer = BatchNorm(1, momentum=0.01)
    rng = np.random.default_rng(0)
    for _ in range(1000):
        layer(rng.normal(3, 2, (8, 1)))
    share = 0.01 / (2 - 0.01)  # variance of an exponential average over that of one batch
    assert abs(layer.running_mean - 3) < 5 * math.sqrt(4 / 8 * share)  # 5 sigma
    sigma = math.sqrt(2 * 16 / 7 * share)
    assert abs(layer.running_var - 4) < 5 * sigma  # biased it would be 3.5, 7 sigma away


def test_evaluation_uses_the_running_averages():
    layer = BatchNorm(2, eps=1.0).eval()
    layer.running_mean[:] = [1, -2]
    layer.running_var[:] = [3, 8]
    layer.weight.data[:] = [4, 6]
    layer.bias.data[:] = [0, 1]
    y = layer(np.array([[5.0, 1.0]]))
    assert y.tolist() == [[8, 7]]  # 4 (5 - 1) / sqrt(4), 6 (1 + 2) / sqrt(9) + 1
    assert layer.backward(np.array([[1.0, 1.0]])).tolist() == [[2, 2]]  # 4 / sqrt(4), 6 / sqrt(9)


@each_batch
def test_trap_evaluation_with_batch_statistics(case):
    layer, x = build(case, seed=1)
    mates = np.random.default_rng(3).normal(100, 50, x.shape)
    together = trained(layer, x.shape)(np.concatenate([x[:1], mates]))
    assert together[:1].tobytes() == layer(x[:1]).tobytes()
    layer.train()
    first, other = (layer(np.concatenate([x[:1], rest]))[0] for rest in (x[1:], mates))
    assert (first != other).all()  # in training they do depend on each other


@each_batch
def test_trap_running_statistics_changed_in_evaluation(case):
    layer, x = build(case, seed=1)
    before = trained(layer, x.shape).state()
    run(layer, x)
    assert_same(layer.state(), before)
    layer.train()(x)
    changed = [(a != b).all() for a, b in zip(layer.state(), before, strict=True)]
    assert changed == [False] * len(layer.parameters()) + [True, True]


@each_batch
def test_trap_backward_in_evaluation_takes_the_statistics_for_functions_of_x(case):
    layer, x = build(case, seed=1)
    errors = check_layer(trained(layer, x.shape), x, np.random.default_rng(0))
    assert len(errors) == 1 + len(layer.parameters())
    assert max(errors.values()) < 1e-6, errors
    dx = run(layer, x)[1]
    per_channel = (-1, *[1] * (x.ndim - 2))
    gain = 1 if layer.weight is None else layer.weight.data.reshape(per_channel)
    root = np.sqrt(layer.running_var + 1e-5).reshape(per_channel)
    np.testing.assert_allclose(dx, upstream(dx) * gain / root, **EXACT)


@each_batch
def test_backward_follows_the_mode_of_its_forward(case):
    layer, x = build(case, seed=1)
    expected = run(layer, x)[:2]
    y = layer.train()(x)
    assert_same([y, layer.eval().backward(upstream(y))], expected)
    expected = run(layer, x)[:2]
    y = layer(x)
    assert_same([y, layer.train().backward(upstream(y))], expected)


def test_a_refused_batch_leaves_the_running_statistics():
    layer = BatchNorm(2)
    before = layer.state()
    with refuses(ValueError, "x must hold 2 numbers or more"):
        layer(np.ones((1, 2)))
    assert_same(layer.state(), before)


def test_the_state_carries_the_running_statistics():
    x = np.random.default_rng(1).normal(0, 1, MATRIX)
    layer, other = (trained(build(BATCH[0], seed)[0], MATRIX, seed=seed) for seed in (0, 1))
    state = layer.state()
    y = layer(x)
    expected = [layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var]
    assert_same(state, expected)
    assert (other(x) != y).any()
    buffers = other.buffers()
    other.load(state)
    assert all(a is b for a, b in zip(buffers, other.buffers(), strict=True))
    assert_same([other(x)], [y])
    trained(other.train(), MATRIX, seed=5)
    assert_same([layer(x)], [y])
    assert_same(state, expected)


class Diary(EarlyStopping):
    """Early stopping that writes down every epoch."""

    def update(self, validation_loss, model):
        self.states = [*getattr(self, "states", []), model.state()]
        return super().update(validation_loss, model)


def test_fit_puts_back_the_running_statistics_of_the_best_epoch():
    rng = np.random.default_rng(0)
    model = Sequential(Linear(5, 8, rng), BatchNorm(8), ReLU(), Linear(8, 2, rng))
    X = rng.normal(2, 1, (80, 5))
    y = rng.integers(0, 2, 80)
    y[:60] = np.where(rng.random(60) < 0.3, y[:60], X[:60, 0] > 2)
    validation = (X[40:], y[40:])
    stopping = Diary(4)
    loss = CrossEntropyLoss()
    settings = {"epochs": 60, "rng": rng, "batch_size": 10, "validation": validation}
    optimizer = SGD(model.parameters(), 0.3)
    history = fit(model, loss, optimizer, X[:40], y[:40], early_stopping=stopping, **settings)
    best = stopping.states[history.best_epoch - 1]
    last = stopping.states[-1]
    assert 1 < history.best_epoch < history.epochs < 60
    assert_same(model.state(), best)
    assert_same(model.buffers(), best[-2:])
    assert all((a != b).all() for a, b in zip(best[-2:], last[-2:], strict=True))
    assert evaluate(model, loss, *validation) == min(history.validation_loss)


# --- gains, precision, traps that all four share ---


@each_case
def test_gains_start_at_one_and_shifts_at_zero_with_one_for_each_channel_or_element(case):
    layer, x = case(np.random.default_rng(0), np.float64)
    if layer.weight is None:
        assert layer.parameters() == []
        assert layer.bias is None
        return
    assert layer.parameters() == [layer.weight, layer.bias]
    shape = x.shape[1:] if isinstance(layer, LayerNorm) else (CHANNELS,)
    assert layer.weight.data.tolist() == np.ones(shape).tolist()
    assert layer.bias.data.tolist() == np.zeros(shape).tolist()


def test_only_instance_norm_has_no_gain_unless_asked():
    made = BatchNorm(4), LayerNorm(4), GroupNorm(2, 4), InstanceNorm(4)
    assert [len(layer.parameters()) for layer in made] == [2, 2, 2, 0]


@each_case
def test_trap_gains_and_shifts_decayed(case):
    layer, _ = build(case, seed=0)
    assert not any(p.decay for p in layer.parameters())
    before = layer.state()
    for penalty in (L1(0.5), L2(0.5)):
        assert penalty.value(layer.parameters()) == 0
        penalty.backward(layer.parameters())
    assert not any(p.grad.any() for p in layer.parameters())
    for optimizer in (SGD, AdamW):
        if layer.parameters():
            optimizer(layer.parameters(), 0.1, weight_decay=0.5).step()
    assert_same(layer.state(), before)


@each_case
def test_trap_variance_as_mean_of_squares_minus_square_of_mean(case):
    layer, x = case(np.random.default_rng(0), np.float32)
    x = np.random.default_rng(1).normal(1e4, 1, (200, *x.shape[1:])).astype(np.float32)
    y = layer(x)
    short = []
    assert y.dtype == np.float32
    for place in sets_of(layer, x.shape):
        values = x[place].astype(np.float64)
        expected = (values - values.mean()) / np.sqrt(values.var() + 1e-5)
        np.testing.assert_allclose(y[place], expected, rtol=0.01, atol=0.01)
        short.append(np.mean(x[place] ** 2) - np.mean(x[place]) ** 2 - values.var())
    assert np.abs(short).max() > 0.5  # the short formula is that wrong here


@each_batch
def test_running_statistics_have_the_dtype_of_the_parameters(case):
    layer, x = build(case, seed=0, dtype=np.float32)
    layer(x)
    assert [values.dtype for values in layer.buffers()] == [np.float32] * 2
    assert layer.eval()(x).dtype == np.float32


@pytest.mark.parametrize(
    "make", [BatchNorm, InstanceNorm, LayerNorm, lambda *a, **k: GroupNorm(1, *a, **k)]
)
def test_affine_false_takes_gain_and_shift_away_and_eps_is_1e_5(make):
    for affine in (True, False):
        layer = make(3, affine=affine)
        assert len(layer.parameters()) == 2 * affine
        assert layer.eps == 1e-5


# --- bad input ---


@pytest.mark.parametrize(
    ("make", "kind", "name"),
    [
        (lambda: BatchNorm(0), ValueError, "channels"),
        (lambda: BatchNorm(3.0), TypeError, "channels"),
        (lambda: BatchNorm(channels=True), TypeError, "channels"),
        (lambda: InstanceNorm("3"), TypeError, "channels"),
        (lambda: GroupNorm(1, -2), ValueError, "channels"),
        (lambda: GroupNorm(0, 4), ValueError, "groups"),
        (lambda: GroupNorm(2.0, 4), TypeError, "groups"),
        (lambda: LayerNorm(0), ValueError, "shape"),
        (lambda: LayerNorm((3, 2.0)), TypeError, "shape"),
        (lambda: LayerNorm(None), TypeError, "shape"),
        (lambda: BatchNorm(3, eps=0), ValueError, "eps"),
        (lambda: LayerNorm(3, eps=-1e-5), ValueError, "eps"),
        (lambda: InstanceNorm(3, eps="1"), TypeError, "eps"),
        (lambda: GroupNorm(1, 3, eps=math.nan), ValueError, "eps"),
        (lambda: BatchNorm(3, momentum=1.1), ValueError, "momentum"),
        (lambda: BatchNorm(3, momentum=-0.1), ValueError, "momentum"),
        (lambda: BatchNorm(3, momentum=None), TypeError, "momentum"),
        (lambda: BatchNorm(3, affine=1), TypeError, "affine"),
        (lambda: BatchNorm(3, dtype=int), ValueError, "dtype"),
        (lambda: BatchNorm(3, affine=False, dtype=int), ValueError, "dtype"),
    ],
)
def test_settings_are_refused(make, kind, name):
    with refuses(kind, f"{name} must be "):
        make()


@pytest.mark.parametrize("groups", [3, 8])
def test_groups_that_do_not_divide_the_channels_are_refused(groups):
    with refuses(ValueError, f"groups must divide the 4 channels, got {groups}"):
        GroupNorm(groups, 4)


def test_layer_norm_refuses_an_example_without_axes():
    with refuses(ValueError, "shape must be that of one example, D or (C, H, W), got ()"):
        LayerNorm(())


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (BatchNorm(3), (5, 4), "(N, 3) or (N, 3, H, W)"),
        (BatchNorm(3), (5, 3, 2), "(N, 3) or (N, 3, H, W)"),
        (BatchNorm(3), (3,), "(N, 3) or (N, 3, H, W)"),
        (BatchNorm(3), (), "(N, 3) or (N, 3, H, W)"),
        (GroupNorm(1, 3), (2, 2, 2, 3), "(N, 3) or (N, 3, H, W)"),
        (InstanceNorm(3), (5, 3), "(N, 3, H, W)"),
        (InstanceNorm(3), (5, 4, 2, 2), "(N, 3, H, W)"),
        (LayerNorm(3), (5, 4), "(N, 3)"),
        (LayerNorm(3), (3,), "(N, 3)"),
        (LayerNorm(3), (), "(N, 3)"),
        (LayerNorm([2, 3]), (2, 3), "(N, 2, 3)"),
        (LayerNorm((2, 3, 3)), (5, 2, 3, 4), "(N, 2, 3, 3)"),
    ],
)
def test_x_of_another_shape_is_refused(layer, shape, expected):
    for mode in (True, False):
        with refuses(ValueError, f"x must have shape {expected}, got {shape}"):
            layer.train(mode)(np.ones(shape))


@pytest.mark.parametrize(
    ("layer", "shape", "count"),
    [
        (BatchNorm(3), (1, 3), 1),
        (BatchNorm(3), (1, 3, 1, 1), 1),
        (BatchNorm(3), (0, 3), 0),
        (InstanceNorm(3), (5, 3, 1, 1), 1),
        (InstanceNorm(3), (5, 3, 0, 2), 0),
        (GroupNorm(3, 3), (5, 3), 1),
        (LayerNorm(1), (5, 1), 1),
    ],
)
def test_a_mean_of_one_number_is_refused(layer, shape, count):
    with_statistics_of_x = (True,) if isinstance(layer, BatchNorm) else (True, False)
    expected = "x must hold 2 numbers or more for each mean"
    for mode in with_statistics_of_x:
        with refuses(ValueError, f"{expected}, got {count}: shape {shape}"):
            layer.train(mode)(np.ones(shape))


@each_case
def test_an_empty_batch_in_evaluation_is_an_empty_answer(case):
    layer, x = build(case, seed=0)
    y, dx, *grads = run(layer.eval(), x[:0])
    assert y.shape == dx.shape == x[:0].shape
    assert not any(grad.any() for grad in grads)


@each_batch
def test_one_example_is_enough_in_evaluation(case):
    layer, x = build(case, seed=0)
    assert np.isfinite(layer.eval()(x[:1])).all()


@each_case
def test_backward_before_forward_says_what_is_missing(case):
    layer, x = build(case, seed=0)
    with refuses(AttributeError, f"{type(layer).__name__} has no '", "' yet: call forward first"):
        layer.backward(x)
