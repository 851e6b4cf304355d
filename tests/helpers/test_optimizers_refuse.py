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
def test_what_holds_no_parameters_is_refused(make, params, kind, sentence):
    with refuses(kind, sentence):
        make(params, 0.1)


@pytest.mark.parametrize(
    ("make", "options", "kind", "sentence"),
    [
        *(
            (make, {"lr": 0}, ValueError, "lr must be a number > 0, got 0")
            for make in (SGD, Adam, AdamW)
        ),
        (SGD, {"lr": "0.1"}, TypeError, "lr must be a number > 0, got str '0.1'"),
        (SGD, {"lr": np.nan}, ValueError, "lr must be a number > 0, got nan"),
        (
            SGD,
            {"lr": 1, "momentum": 1},
            ValueError,
            "momentum must be a number >= 0 and < 1, got 1",
        ),
        (
            SGD,
            {"lr": 1, "momentum": -0.1},
            ValueError,
            "momentum must be a number >= 0 and < 1, got -0.1",
        ),
        *(
            (
                make,
                {"lr": 1, "weight_decay": -1},
                ValueError,
                "weight_decay must be a number >= 0, got -1",
            )
            for make in (SGD, Adam, AdamW)
        ),
        (Adam, {"eps": 0}, ValueError, "eps must be a number > 0, got 0"),
        (
            Adam,
            {"betas": 0.9},
            TypeError,
            "betas must be a pair of numbers such as (0.9, 0.999), got float 0.9",
        ),
        (
            Adam,
            {"betas": (0.9,)},
            TypeError,
            "betas must be a pair of numbers such as (0.9, 0.999), got tuple (0.9,)",
        ),
        (AdamW, {"betas": (1, 0.9)}, ValueError, "betas[0] must be a number >= 0 and < 1, got 1"),
        (
            AdamW,
            {"betas": (0.9, "b")},
            TypeError,
            "betas[1] must be a number >= 0 and < 1, got str 'b'",
        ),
    ],
)
def test_settings_are_refused(make, options, kind, sentence):
    with refuses(kind, sentence):
        make([SAME], **options)


def test_an_optimizer_without_a_step_is_named():
    with refuses(NotImplementedError, "Optimizer defines no step"):
        Optimizer([SAME], 0.1).step()
