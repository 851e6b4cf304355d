import numpy as np
import pytest

from helpers.core import Parameter, Sequential
from helpers.layers import Linear
from helpers.optimizers import SGD, Adam, AdamW, Optimizer
from tests.helpers.support.refusal import refuses

SAME = Parameter([1.0, 2.0])
MODEL = Sequential(Linear(2, 2, np.random.default_rng(0)))
NO_PARAMETER = "params must be Parameter objects such as model.parameters(), got "


@pytest.mark.parametrize("make", [SGD, Adam, AdamW])
@pytest.mark.parametrize(
    ("params", "kind", "sentence"),
    [
        ([], ValueError, "params must hold at least one Parameter, got none"),
        ([SAME, SAME], ValueError, "params must be different Parameters, got the same one twice"),
        (MODEL, TypeError, NO_PARAMETER + "a Sequential"),
        (MODEL.parameters, TypeError, NO_PARAMETER + "a method"),
        ([SAME, np.ones(2)], TypeError, NO_PARAMETER + "an array of shape (2,) and dtype float64"),
        (None, TypeError, NO_PARAMETER + "NoneType None"),
    ],
    ids=["empty", "twice", "model", "method", "arrays", "None"],
)
def test_params_without_parameters_are_refused(make, params, kind, sentence):
    with refuses(kind, sentence):
        make(params, 0.1)


@pytest.mark.parametrize("make", [SGD, Adam, AdamW])
@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("lr", 0, ValueError),
        ("lr", "0.1", TypeError),
        ("lr", np.nan, ValueError),
        ("weight_decay", -1, ValueError),
    ],
)
def test_settings_of_all_are_refused(make, name, value, kind):
    with refuses(kind, f"{name} must be "):
        make([SAME], **{"lr": 0.1} | {name: value})


@pytest.mark.parametrize(
    ("make", "name", "value", "kind"),
    [
        (SGD, "momentum", 1, ValueError),
        (SGD, "momentum", -0.1, ValueError),
        (Adam, "eps", 0, ValueError),
    ],
)
def test_settings_of_one_are_refused(make, name, value, kind):
    with refuses(kind, f"{name} must be "):
        make([SAME], 0.1, **{name: value})


@pytest.mark.parametrize("make", [Adam, AdamW])
@pytest.mark.parametrize(("betas", "got"), [(0.9, "float 0.9"), ((0.9,), "tuple (0.9,)")])
def test_betas_must_be_a_pair(make, betas, got):
    with refuses(TypeError, f"betas must be a pair of numbers such as (0.9, 0.999), got {got}"):
        make([SAME], betas=betas)


@pytest.mark.parametrize("make", [Adam, AdamW])
@pytest.mark.parametrize(
    ("betas", "kind", "name"),
    [
        ((1, 0.9), ValueError, "betas[0]"),
        ((-0.1, 0.9), ValueError, "betas[0]"),
        ((0.9, "b"), TypeError, "betas[1]"),
        ((0.9, 1), ValueError, "betas[1]"),
        ((0.9, -0.1), ValueError, "betas[1]"),
    ],
)
def test_each_beta_is_a_share(make, betas, kind, name):
    with refuses(kind, f"{name} must be "):
        make([SAME], betas=betas)


def test_an_optimizer_without_a_step_is_named():
    with refuses(NotImplementedError, "Optimizer defines no step"):
        Optimizer([SAME], 0.1).step()
