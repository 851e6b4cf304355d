"""What is quicker than its formula gives what the formula gives."""

import math

import numpy as np
import pytest

from helpers.internal.fast import mask_from_bits
from tests.helpers.support.small_runs import rng


@pytest.mark.parametrize("p", [0.25, 0.3, 1e-12, 1 - 1e-12])
@pytest.mark.parametrize("shape", [(7, 6), (5,), (1, 1, 1), (), (0, 3)])
def test_a_mask_from_bits_compares_each_half_of_a_draw_with_p(shape, p):
    mask = mask_from_bits(rng(), shape, p)
    draws = [int(draw) for draw in rng().integers(2**64, size=50, dtype=np.uint64)]
    halves = [half for draw in draws for half in (draw % 2**32, draw // 2**32)]
    uniform = np.array(halves[: mask.size]).reshape(shape) / 2**32
    assert mask.shape == shape
    assert mask.tolist() == (uniform >= p).tolist()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_a_mask_from_bits_drops_as_often_as_the_formula(p):
    n = 1_000_000
    sigma = math.sqrt(p * (1 - p) / n)
    assert abs(mask_from_bits(rng(), (n,), p).mean() - (1 - p)) < 5 * sigma
    assert abs((rng().random(n) >= p).mean() - (1 - p)) < 5 * sigma


@pytest.mark.parametrize(("size", "draws"), [(10, 5), (9, 5), (1, 1), (0, 0)])
def test_a_mask_from_bits_takes_one_draw_for_two_elements(size, draws):
    used = rng()
    advanced = rng()
    mask_from_bits(used, (size,), 0.5)
    advanced.bit_generator.advance(draws)
    assert used.bit_generator.state == advanced.bit_generator.state
