"""What holds for every layer, whatever its formula: PROPERTIES, to parametrize over.

A case is a function (rng, dtype) -> (layer, x) that draws its own sizes. A property is a function
of a case and a seed.
"""

import copy
import pickle

import numpy as np

from helpers.gradcheck import check_layer


def away_from_zero(rng, shape):
    """Random numbers of either sign, none within 0.1 of 0: differences would blur ReLU's kink."""
    x = rng.standard_normal(shape)
    return x + 0.1 * np.sign(x)


def build(case, seed, dtype=np.float64):
    """The layer and the input of a case. Biases move off zero, which would hide their slips."""
    rng = np.random.default_rng(seed)
    layer, x = case(rng, dtype)
    for p in layer.parameters():
        p.data += (0.3 * rng.standard_normal(p.data.shape)).astype(dtype)
    return layer, x.astype(dtype)


def upstream(y):
    """A random dL/dy with the shape and dtype of y, the same in every call."""
    return np.random.default_rng(1).standard_normal(y.shape).astype(y.dtype)


def run(layer, x):
    """Return [y, dx, then dL/dp of each parameter] of one forward and one backward."""
    for p in layer.parameters():
        p.zero_grad()
    y = layer(x)
    return [y, layer.backward(upstream(y)), *(p.grad.copy() for p in layer.parameters())]


def assert_same(results, others, rtol=0.0):
    for result, other in zip(results, others, strict=True):
        assert result.dtype == other.dtype
        np.testing.assert_allclose(result, other, rtol=rtol, atol=rtol)


def gradients_agree_with_differences(case, seed):
    layer, x = build(case, seed)
    errors = check_layer(layer, x, np.random.default_rng(seed))
    assert len(errors) == 1 + len(layer.parameters())
    assert max(errors.values()) < 1e-6, errors


def dx_and_grads_have_the_shapes_of_x_and_data(case, seed):
    layer, x = build(case, seed)
    _, dx, *grads = run(layer, x)
    assert dx.shape == x.shape
    assert [grad.shape for grad in grads] == [p.data.shape for p in layer.parameters()]


def trap_an_array_of_the_callers_changed_in_place(case, seed):
    layer, x = build(case, seed)
    for mode in (True, False):
        before = x.copy()
        y = layer.train(mode)(x)
        dy = upstream(y)
        layer.backward(dy)
        np.testing.assert_array_equal(x, before)
        np.testing.assert_array_equal(dy, upstream(y))


def trap_the_update_inside_backward(case, seed):
    layer, x = build(case, seed)
    before = [p.data.copy() for p in layer.parameters()]
    y = layer(x)
    before += [values.copy() for values in layer.buffers()]  # a forward in training moves them
    layer.backward(upstream(y))
    assert_same(layer.state(), before)


def backward_adds_to_grad(case, seed):
    layer, x = build(case, seed)
    y, dx, *grads = run(layer, x)
    np.testing.assert_array_equal(layer.backward(upstream(y)), dx)
    assert_same([p.grad for p in layer.parameters()], [2 * grad for grad in grads])


def dtype_of_floats_is_kept(case, seed):
    for dtype in (np.float32, np.float64):
        layer, x = build(case, seed, dtype)
        assert {result.dtype for result in run(layer, x)} == {np.dtype(dtype)}


def integers_and_lists_count_as_float64(case, seed):
    for dtype in (np.uint8, np.int64, bool):
        _, x = build(case, seed)
        x = np.abs(4 * x).astype(dtype)
        expected = run(build(case, seed)[0], x.astype(np.float64))
        assert_same(run(build(case, seed)[0], x), expected)
        assert_same(run(build(case, seed)[0], x.tolist()), expected)


def any_memory_layout_is_read(case, seed):
    layer, x = build(case, seed)
    expected = run(layer, x)
    wide = np.repeat(x, 2, axis=-1)
    for other in (np.asfortranarray(x), wide[..., ::2], x[::-1].copy()[::-1], x.copy()):
        other.flags.writeable = False
        assert_same(run(build(case, seed)[0], other), expected, rtol=1e-12)


def the_same_seed_gives_the_same_bytes(case, seed):
    first, second = (run(*build(case, seed)) for _ in range(2))
    assert [result.tobytes() for result in first] == [result.tobytes() for result in second]


def evaluation_repeats_itself(case, seed):
    layer, x = build(case, seed)
    assert layer.training
    assert layer.eval() is layer
    assert not layer.training
    assert_same(run(layer, x), run(layer, x))
    assert layer.train() is layer
    assert layer.training


def copies_compute_the_same_and_share_nothing(case, seed):
    layer, x = build(case, seed)
    twins = [copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))]
    expected = run(layer, x)
    for p in layer.parameters():
        p.data.fill(0)
    for twin in twins:
        assert_same(run(twin, x), expected)


PROPERTIES = [
    gradients_agree_with_differences,
    dx_and_grads_have_the_shapes_of_x_and_data,
    trap_an_array_of_the_callers_changed_in_place,
    trap_the_update_inside_backward,
    backward_adds_to_grad,
    dtype_of_floats_is_kept,
    integers_and_lists_count_as_float64,
    any_memory_layout_is_read,
    the_same_seed_gives_the_same_bytes,
    evaluation_repeats_itself,
    copies_compute_the_same_and_share_nothing,
]
