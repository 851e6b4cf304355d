import numpy as np
import pytest

from helpers.core import Parameter, Sequential
from helpers.gradcheck import numerical_gradient, relative_error
from helpers.layers import Linear
from helpers.regularizers import L1, L2, ElasticNet
from tests.helpers.support.properties import away_from_zero
from tests.helpers.support.refusal import refuses

PENALTIES = [L1(0.3), L2(0.3), ElasticNet(0.3, 0.25), ElasticNet(0.3, 0), ElasticNet(0.3, 1)]
every_penalty = pytest.mark.parametrize(
    "penalty", PENALTIES, ids=["L1", "L2", "ElasticNet", "ratio 0", "ratio 1"]
)
every_seed = pytest.mark.parametrize("seed", range(4))


def draw(seed, dtype=np.float64):
    """Parameters of random shapes with a gradient; the last one does not decay."""
    rng = np.random.default_rng(seed)
    shapes = [rng.integers(1, 4, rng.integers(1, 5)) for _ in range(3)]
    params = [
        Parameter(away_from_zero(rng, shape).astype(dtype), decay=i < 2)
        for i, shape in enumerate(shapes)
    ]
    for p in params:
        p.grad += rng.standard_normal(p.grad.shape).astype(dtype)
    return params


def added(penalty, params):
    """What backward adds to each grad."""
    before = [p.grad.copy() for p in params]
    penalty.backward(params)
    return [p.grad - grad for p, grad in zip(params, before, strict=True)]


def value_as_function_of(p, penalty, params):
    def value(data):
        before = p.data
        p.data = data
        result = penalty.value(params)
        p.data = before
        return result

    return value


@every_penalty
@every_seed
def test_backward_adds_the_gradient_of_value(penalty, seed):
    params = draw(seed)
    for p, gradient in zip(params, added(penalty, params), strict=True):
        differences = numerical_gradient(value_as_function_of(p, penalty, params), p.data)
        assert relative_error(gradient, differences) < 1e-6


@every_penalty
@every_seed
def test_trap_the_bias_decayed(penalty, seed):
    params = draw(seed)
    *weights, bias = params
    value = penalty.value(params)
    assert value > 0
    assert not added(penalty, params)[-1].any()
    assert penalty.value([bias]) == 0
    assert penalty.value(weights) == value


@every_penalty
def test_of_a_network_only_the_weights_are_penalized(penalty):
    rng = np.random.default_rng(0)
    first = Linear(3, 4, rng)
    last = Linear(4, 2, rng)
    params = Sequential(first, last).parameters()
    weights = [first.weight, last.weight]
    assert penalty.value(params) == pytest.approx(sum(map(penalty.value, weights)), rel=1e-12)
    assert [gradient.any() for gradient in added(penalty, params)] == [True, False, True, False]


@every_penalty
@every_seed
def test_trap_an_array_of_the_callers_changed_in_place(penalty, seed):
    params = draw(seed)
    before = [(p.data.copy(), p.grad.copy()) for p in params]
    penalty.value(params)
    for p, (_, grad) in zip(params, before, strict=True):
        np.testing.assert_array_equal(p.grad, grad)
        p.data.flags.writeable = False
    penalty.backward(params)
    assert len(params) == 3
    for p, (data, _) in zip(params, before, strict=True):
        np.testing.assert_array_equal(p.data, data)


@every_penalty
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept_and_the_value_is_a_float(penalty, dtype):
    params = draw(1, dtype)
    exact = draw(1)
    assert type(penalty.value(params)) is float
    assert penalty.value(params) == pytest.approx(penalty.value(exact), rel=1e-6)
    for gradient, other in zip(added(penalty, params), added(penalty, exact), strict=True):
        assert gradient.dtype == dtype
        np.testing.assert_allclose(gradient, other, rtol=1e-5, atol=1e-6)


@every_penalty
def test_the_same_input_gives_the_same_bytes(penalty):
    first = added(penalty, draw(2))
    second = added(penalty, draw(2))
    assert [values.tobytes() for values in first] == [values.tobytes() for values in second]


@every_penalty
@every_seed
def test_an_iterator_of_parameters_is_as_good_as_a_list(penalty, seed):
    params = draw(seed)
    twins = draw(seed)
    assert penalty.value(iter(params)) == penalty.value(params)
    penalty.backward(params)
    penalty.backward(iter(twins))
    np.testing.assert_equal([p.grad for p in twins], [p.grad for p in params])


@pytest.mark.parametrize(
    ("penalty", "value", "gradient"),
    [
        (L1(0.5), 3.0, [1.5, -0.5, 1, 0.5]),  # 0.5 (3 + 2 + 0 + 1)
        (L2(0.5), 3.5, [2.5, -1, 1, 0.5]),  # 0.25 (9 + 4 + 0 + 1)
        (ElasticNet(0.5, 0.2), 3.4, [2.3, -0.9, 1, 0.5]),  # 0.1 * 6 + 0.2 * 14
        (ElasticNet(0.5, 1), 3.0, [1.5, -0.5, 1, 0.5]),
        (ElasticNet(0.5, 0), 3.5, [2.5, -1, 1, 0.5]),
        (L1(0), 0, [1, 0, 1, 0]),
        (L2(0), 0, [1, 0, 1, 0]),
    ],
)
def test_by_hand(penalty, value, gradient):
    p = Parameter([3.0, -2, 0, 1])
    p.grad += [1, 0, 1, 0]
    assert penalty.value([p]) == pytest.approx(value, rel=1e-14)
    penalty.backward([p])
    np.testing.assert_allclose(p.grad, gradient, rtol=1e-14)


def test_the_strength_of_an_elastic_net_may_be_changed():
    penalty = ElasticNet(0.5, 0.2)
    params = draw(0)
    before = penalty.value(params)
    penalty.lam = 1.0
    assert penalty.value(params) == pytest.approx(2 * before, rel=1e-14)


@pytest.mark.parametrize("make", [L1, L2, lambda lam: ElasticNet(lam, 0.5)])
@pytest.mark.parametrize("lam", [-1e-9, np.nan, np.inf, True, "0.1", None, [0.1]])
def test_a_bad_strength_is_refused(make, lam):
    with refuses(ValueError if isinstance(lam, float) else TypeError, "lam must be "):
        make(lam)


@pytest.mark.parametrize("ratio", [-0.1, 1.1, np.nan])
def test_a_ratio_outside_0_to_1_is_refused(ratio):
    with refuses(ValueError, "l1_ratio must be "):
        ElasticNet(0.1, ratio)


@every_penalty
@pytest.mark.parametrize("call", ["value", "backward"])
@pytest.mark.parametrize(
    ("params", "got"),
    [
        (Sequential(Linear(2, 2, np.random.default_rng(0))), "a Sequential"),
        ([np.ones(3)], "an array of shape (3,)"),
        (None, "NoneType None"),
        (Sequential().parameters, "a method"),
    ],
    ids=["model", "arrays", "None", "method"],
)
def test_params_without_parameters_are_refused(penalty, call, params, got):
    expected = "Parameter objects such as model.parameters()"
    with refuses(TypeError, f"params must be {expected}, got {got}"):
        getattr(penalty, call)(params)
