"""How much means over P and over Q differ, in standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.ratios.labels import mean_and_variance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# Of means that are of order one: constant columns differ by rounding alone.
_ROUNDING = 1e-9


def mean_difference(parts: list[tuple[Array, Array]]) -> Array:
    """Of the means of all columns, in standard errors."""
    difference, variance = np.zeros(parts[0][0].shape[1]), np.zeros(parts[0][0].shape[1])
    for sign, (values, mass) in zip((1.0, -1.0), parts, strict=True):
        mean, spread = mean_and_variance(values, mass)
        difference += sign * mean
        variance += spread
    return np.asarray(np.abs(difference) / np.sqrt(np.maximum(variance, _ROUNDING**2)))


def product_difference(
    parts: list[tuple[Array, Array]], times: Sequence[Array | float] = (1.0, 1.0)
) -> Array:
    """Of the mean products of all columns, times one more, in standard errors."""
    return cross_difference(
        [
            (values * np.reshape(factor, (-1, 1)), values, mass)
            for (values, mass), factor in zip(parts, times, strict=True)
        ]
    )


def cross_difference(parts: list[tuple[Array, Array, Array]]) -> Array:
    """Of the mean products of columns of one array and of another, in standard errors."""
    shape = parts[0][0].shape[1], parts[0][1].shape[1]
    difference, variance = np.zeros(shape), np.zeros(shape)
    for sign, (left, right, mass) in zip((1.0, -1.0), parts, strict=True):
        mean = (left * mass[:, np.newaxis]).T @ right
        # Of the mean, with the masses of a sample whose points may weigh differently.
        spread = (left**2 * mass[:, np.newaxis] ** 2).T @ right**2
        difference += sign * mean
        variance += np.maximum(spread - mean**2 * float(mass @ mass), 0.0)
    return np.asarray(np.abs(difference) / np.sqrt(np.maximum(variance, _ROUNDING**2)))
