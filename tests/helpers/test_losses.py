import math

import numpy as np
import pytest

from helpers.gradcheck import numerical_gradient, relative_error
from helpers.losses import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss


def mse(rng):
    shape = rng.integers(1, 5, rng.integers(1, 4))
    return MSELoss(), rng.standard_normal(shape), rng.standard_normal(shape)


def labels(rng):
    n, classes = rng.integers(1, 6, 2)
    return CrossEntropyLoss(), 3 * rng.standard_normal((n, classes)), rng.integers(0, classes, n)


def probabilities(rng):
    n, classes = rng.integers(1, 6, 2)
    logits = 3 * rng.standard_normal((n, classes))
    return CrossEntropyLoss(), logits, rng.dirichlet(np.ones(classes), n)


def bce(rng):
    shape = rng.integers(1, 5, rng.integers(1, 4))
    return BCEWithLogitsLoss(), 3 * rng.standard_normal(shape), rng.random(shape)


CASES = [mse, labels, probabilities, bce]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda f: f.__name__)
every_seed = pytest.mark.parametrize("seed", range(4))


def written_out(loss, prediction, target):
    """The value by plain sums over elements, with the softmax and the sigmoid as quotients."""
    if isinstance(loss, CrossEntropyLoss):
        if target.ndim == 1:
            target = np.eye(prediction.shape[1])[target]
        softmax = [[math.exp(z) / sum(map(math.exp, row)) for z in row] for row in prediction]
        pairs = zip(np.ravel(softmax), target.flat, strict=True)
        return math.fsum(-t * math.log(q) for q, t in pairs) / len(prediction)
    pairs = list(zip(prediction.flat, target.flat, strict=True))
    if isinstance(loss, MSELoss):
        return math.fsum((p - t) ** 2 for p, t in pairs) / len(pairs)
    pairs = [(1 / (1 + math.exp(-z)), t) for z, t in pairs]
    return math.fsum(-t * math.log(q) - (1 - t) * math.log(1 - q) for q, t in pairs) / len(pairs)


@every_case
@every_seed
def test_value_and_gradient_against_sums_and_differences(case, seed):
    loss, prediction, target = case(np.random.default_rng(seed))
    expected = written_out(loss, prediction, target)
    assert loss.value(prediction, target) == pytest.approx(expected, rel=1e-11, abs=1e-14)
    gradient = loss.backward()
    assert gradient.shape == prediction.shape
    differences = numerical_gradient(lambda z: loss.value(z, target), prediction)
    assert relative_error(gradient, differences, floor=1e-4) < 1e-6


@every_case
def test_trap_a_loss_that_is_a_sum(case):
    loss, prediction, target = case(np.random.default_rng(2))
    value = loss.value(prediction, target)
    gradient = loss.backward()
    twice = np.concatenate([prediction] * 2), np.concatenate([target] * 2)
    assert loss.value(*twice) == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(loss.backward(), np.concatenate([gradient] * 2) / 2, rtol=1e-12)


@every_case
@every_seed
def test_prediction_and_target_stay_untouched_and_may_be_read_only_or_strided(case, seed):
    loss, prediction, target = case(np.random.default_rng(seed))
    expected = loss.value(prediction, target)
    gradient = loss.backward()
    before = (prediction.copy(), target.copy())
    strided = (np.repeat(prediction, 2, axis=-1)[..., ::2], target[::-1].copy()[::-1])
    for given in ((prediction, target), strided):
        for values in given:
            values.flags.writeable = False
        assert loss.value(*given) == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(loss.backward(), gradient, rtol=1e-12)
        loss.backward()[...] = 0
        np.testing.assert_allclose(loss.backward(), gradient, rtol=1e-12)
        np.testing.assert_array_equal(given[0], before[0])
        np.testing.assert_array_equal(given[1], before[1])


@every_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target_dtype", [np.float32, np.float64])
def test_the_prediction_decides_the_dtype_of_the_gradient(case, dtype, target_dtype):
    loss, prediction, target = case(np.random.default_rng(0))
    target = target.astype(target_dtype) if target.dtype.kind == "f" else target
    expected = loss.value(prediction, target)
    value = loss.value(prediction.astype(dtype), target)
    assert type(value) is float
    assert value == pytest.approx(expected, rel=1e-5)
    assert loss.backward().dtype == dtype


@every_case
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, list])
def test_integer_predictions_count_as_float64(case, dtype):
    loss, prediction, target = case(np.random.default_rng(0))
    prediction = np.abs(prediction).astype(int if dtype is list else dtype)
    expected = loss.value(prediction.astype(np.float64), target)
    gradient = loss.backward()
    given = (prediction.tolist(), target.tolist()) if dtype is list else (prediction, target)
    assert loss.value(*given) == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(loss.backward(), gradient, rtol=1e-14)
    assert loss.backward().dtype == np.float64


def test_mse_by_hand():
    loss = MSELoss()
    assert loss.value(np.array([[1.0, 2.0]]), np.array([[0, 4]])) == 2.5  # (1 + 4) / 2
    assert loss.backward().tolist() == [[1, -2]]
    prediction = np.array([1, 0], np.uint8)
    assert loss.value(prediction, np.array([0, 1], np.uint8)) == 1  # 0 - 1 must not be 255


def test_cross_entropy_by_hand():
    loss = CrossEntropyLoss()
    logits = np.array([[0.0, math.log(3)]])  # softmax 1/4, 3/4
    assert loss.value(logits, np.array([1])) == pytest.approx(math.log(4 / 3))
    np.testing.assert_allclose(loss.backward(), [[0.25, -0.25]])
    value = loss.value(logits, np.array([[0.5, 0.5]]))
    assert value == pytest.approx(math.log(4) - math.log(3) / 2)
    np.testing.assert_allclose(loss.backward(), [[-0.25, 0.25]])
    assert loss.value(np.zeros((7, 10)), np.arange(7)) == pytest.approx(math.log(10))


def test_bce_by_hand():
    loss = BCEWithLogitsLoss()
    value = loss.value(np.array([0.0, math.log(3)]), np.array([1, 0]))
    assert value == pytest.approx((math.log(2) + math.log(4)) / 2)
    np.testing.assert_allclose(loss.backward(), [-0.25, 0.375])


@every_seed
def test_cross_entropy_identities(seed):
    loss, logits, target = labels(np.random.default_rng(seed))
    value = loss.value(logits, target)
    gradient = loss.backward()
    one_hot = np.eye(logits.shape[1])[target]
    for same_target in (one_hot, one_hot.astype(int), target.astype("u1")):
        assert loss.value(logits, same_target) == value
        np.testing.assert_array_equal(loss.backward(), gradient)
    assert loss.value(logits + 1e3, target) == pytest.approx(value, rel=1e-10, abs=1e-14)
    np.testing.assert_allclose(loss.backward(), gradient, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-15)


def test_bce_is_cross_entropy_of_the_logits_0_and_z():
    _, z, t = bce(np.random.default_rng(0))
    z = z.ravel()
    t = t.ravel()
    logits = np.stack([np.zeros(len(z)), z], axis=1)
    expected = CrossEntropyLoss().value(logits, np.stack([1 - t, t], axis=1))
    assert BCEWithLogitsLoss().value(z, t) == pytest.approx(expected, rel=1e-12)


def test_extreme_logits_neither_overflow_nor_lose_the_small_side():
    loss = CrossEntropyLoss()
    assert str(loss.value(np.array([[1e4, 0.0]]), np.array([0]))) == "0.0"  # not "-0.0"
    assert loss.value(np.array([[1e4, 0.0], [-1e4, 0.0]]), np.array([1, 0])) == 1e4
    assert loss.backward().tolist() == [[0.5, -0.5], [-0.5, 0.5]]
    loss = BCEWithLogitsLoss()
    assert loss.value(np.array([1e4, -1e4]), np.array([0, 1])) == 1e4
    assert loss.backward().tolist() == [0.5, -0.5]
    assert loss.value(np.array([-40.0]), np.array([0])) == pytest.approx(math.exp(-40), rel=1e-12)
    assert loss.value(np.array([1e4, -1e4]), np.array([1, 0])) == 0


def test_a_prediction_that_diverged_gives_nan_and_no_error():
    assert math.isnan(MSELoss().value(np.array([math.nan, 1.0]), np.array([0.0, 1.0])))
    assert math.isnan(CrossEntropyLoss().value(np.array([[math.nan, 1.0]]), np.array([0])))
