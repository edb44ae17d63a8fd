import math

import pytest
import torch

from divergences.checks import all_finite


@pytest.mark.parametrize(
    ("values", "finite"),
    [
        ([1.0, -2.0], True),
        ([3e38, 3e38], True),
        ([1.0, math.nan], False),
        ([math.inf, -math.inf], False),
    ],
)
def test_a_sum_that_overflows_is_no_infinity_of_the_batch(values, finite):
    assert all_finite(torch.tensor(values)) is finite
