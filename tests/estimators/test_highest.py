"""The best few of many, where they are good enough."""

import numpy as np
import pytest

from divergences.estimators.critics.highest import highest


@pytest.mark.parametrize(
    ("most", "least", "expected"),
    [
        (2, -np.inf, [4, 1]),
        (9, -np.inf, [4, 1, 3, 0, 2]),
        (9, 3.0, [4, 1, 3]),
        (2, 3.0, [4, 1]),
        (9, 8.0, []),
    ],
)
def test_highest_come_first_and_equal_ones_in_order(most, least, expected):
    assert highest(np.array([2.0, 3.0, 1.0, 3.0, 7.0]), most, least).tolist() == expected
