"""What the losses refuse, and how they say it."""

import numpy as np
import pytest

from helpers.losses import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, _Loss
from tests.helpers.support.refusal import refuses

ELEMENTWISE = pytest.mark.parametrize(
    ("loss", "name"), [(MSELoss, "prediction"), (BCEWithLogitsLoss, "logits")]
)
LABELS = "target must hold integer labels (N,) or probabilities (N, C), got an array of shape (2,)"
ROWS = "target must hold probabilities: rows of numbers >= 0 with sum 1, got other rows"


@ELEMENTWISE
@pytest.mark.parametrize(
    ("prediction", "target", "kind", "sentence"),
    [
        ((3, 1), np.ones(3), ValueError, "target must have the shape of {name}, (3, 1), got (3,)"),
        ((3,), 1.0, ValueError, "target must have the shape of {name}, (3,), got ()"),
        ((2,), ["a", "b"], TypeError, "target must be"),
        ((2,), [0, np.nan], ValueError, "target must hold"),
        ((0,), [], ValueError, "target must hold"),
    ],
)
def test_elementwise_losses_refuse(loss, name, prediction, target, kind, sentence):
    with refuses(kind, sentence.format(name=name)):
        loss().value(np.ones(prediction), target)


@ELEMENTWISE
def test_a_prediction_without_numbers_is_refused(loss, name):
    with refuses(TypeError, f"{name} must be"):
        loss().value(None, np.ones(3))


@pytest.mark.parametrize("target", [[-0.1, 0.5], [0, 1.1]])
def test_bce_refuses_targets_that_are_no_probabilities(target):
    low, high = map(float, target)
    with refuses(ValueError, f"target must be between 0 and 1, got {low} to {high}"):
        BCEWithLogitsLoss().value(np.zeros(2), np.array(target))


@pytest.mark.parametrize(
    ("target", "kind", "sentence"),
    [
        ([0.0, 1.0], TypeError, LABELS),
        ([True, False], TypeError, LABELS),
        (["a", "b"], TypeError, LABELS),
        ([0, 3], ValueError, "target must hold labels 0 to 2, got 0 to 3"),
        ([-1, 1], ValueError, "target must hold labels 0 to 2, got -1 to 1"),
        ([[0], [1]], ValueError, "target must have shape (2,) or (2, 3), got (2, 1)"),
        ([0, 1, 2], ValueError, "target must have shape (2,) or (2, 3), got (3,)"),
        ([[1, 1, 0], [0, 1, 0]], ValueError, ROWS),
        ([[1, 1, -1], [0, 1, 0]], ValueError, ROWS),
        ([[np.nan, 1, 0], [0, 1, 0]], ValueError, ROWS),
        ([["a", "b", "c"]] * 2, TypeError, "target must be"),
    ],
)
def test_cross_entropy_refuses_targets(target, kind, sentence):
    with refuses(kind, sentence):
        CrossEntropyLoss().value(np.zeros((2, 3)), np.array(target))


@pytest.mark.parametrize("shape", [(3,), (2, 3, 1), (0, 3)])
def test_cross_entropy_refuses_logits_of_another_shape(shape):
    with refuses(ValueError, f"logits must have shape (N, C) with N >= 1, got {shape}"):
        CrossEntropyLoss().value(np.zeros(shape), np.zeros(3, int))


@pytest.mark.parametrize("loss", [MSELoss, CrossEntropyLoss, BCEWithLogitsLoss])
def test_backward_before_value_says_what_is_missing(loss):
    with refuses(AttributeError, f"{loss.__name__} has no '", "' yet: call value first"):
        loss().backward()


@pytest.mark.parametrize("loss", [MSELoss, CrossEntropyLoss, BCEWithLogitsLoss, _Loss])
def test_a_name_that_is_missing_gets_pythons_own_sentence(loss):
    with refuses(AttributeError, f"'{loss.__name__}' object has no attribute 'valeu'"):
        _ = loss().valeu
    assert not hasattr(loss(), "grad")
