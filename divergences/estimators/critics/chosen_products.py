"""Products of features of which those are kept whose means differ most between P and Q."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from divergences.estimators.critics.feature_maps import FeatureMap, thinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]

_KINDS, _KINDS_OF_TRIPLES = 6, 4
_MOST_FEATURES_WITH_TRIPLES_OF_WAVES = 10
_PRODUCTS = 60
_BEYOND_NOISE = 2.0
# Of means that are of order one: constant columns differ by rounding alone.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class ChosenProducts:
    """Normal scores, their squares, and the products of some pairs."""

    coordinates: Coordinates
    first: Places
    second: Places

    @classmethod
    def most_different(
        cls, coordinates: Coordinates, points: Array, labels: Places, weights: Array
    ) -> FeatureMap:
        """Keep the pairs whose mean product differs most, in standard errors."""
        parts = by_label(coordinates.scores(points), labels, weights)
        first, second = np.triu_indices(coordinates.d, k=1)
        chosen = _largest(product_difference(parts)[first, second])
        return FeatureMap.standardized(cls(coordinates, first[chosen], second[chosen]), points)

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        scores = self.coordinates.scores(points)
        return np.hstack([scores, scores**2, scores[:, self.first] * scores[:, self.second]])


@dataclass(frozen=True, eq=False)
class ChosenWaves:
    """Normal scores, their squares, and some products of two or three scores, sizes or waves.

    Parameters
    ----------
    coordinates : Coordinates
    factors : ndarray of shape (k, 3)
        Columns of `_waves` that each product is made of; -1 stands for none.
    """

    coordinates: Coordinates
    factors: Places

    @classmethod
    def most_different(
        cls, coordinates: Coordinates, points: Array, labels: Places, weights: Array
    ) -> FeatureMap:
        """Keep the products whose means differ most, in standard errors."""
        factors, _ = _clear_products(coordinates, points, labels, weights)
        return FeatureMap.standardized(cls(coordinates, factors), points)

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        scores, waves = self.coordinates.scores(points), _waves(self.coordinates, points)
        waves = np.column_stack([waves, np.ones(len(points))])
        first, second, third = (waves[:, factor] for factor in self.factors.T)
        return np.hstack([scores, scores**2, first * second * third])


def strongest_interaction(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> Places | None:
    """The two or three features whose product differs most; None if none does clearly."""
    factors, ratios = _clear_products(coordinates, points, labels, weights)
    if len(factors) == 0:
        return None
    strongest = factors[np.argmax(ratios)]
    return np.sort(strongest[strongest >= 0] % coordinates.d)


def _clear_products(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> tuple[Places, Array]:
    """The products that differ most, with how much, in standard errors.

    Of many features, products of three are those of scores alone.
    """
    waves = _waves(coordinates, thinned(points))
    parts = by_label(waves, thinned(labels), thinned(weights))
    d = coordinates.d
    columns = np.arange(d * _KINDS)
    found = [_pairs(parts, columns, d)]
    if 3 <= d <= _MOST_FEATURES_WITH_TRIPLES_OF_WAVES:
        few = columns[: d * _KINDS_OF_TRIPLES]
        found += [_pairs(parts, few[few % d > third % d], d, third) for third in few]
    else:
        found += [_around(parts, middle, d) for middle in range(1, d - 1)]
    factors, ratios = (np.concatenate(side) for side in zip(*found, strict=True))
    # So many products of nothing but noise hardly ever differ more.
    clear = _largest(ratios)
    clear = clear[ratios[clear] > np.sqrt(_BEYOND_NOISE * np.log(len(ratios)))]
    return factors[clear], ratios[clear]


def _waves(coordinates: Coordinates, points: Array) -> Array:
    """Normal scores, their sizes and cosines of the ranks, of mean zero and variance one.

    All features of a kind are together, those kinds first that make products of three.
    """
    shares = coordinates.shares(points)
    scores = ndtri(shares)
    sizes = (np.abs(scores) - np.sqrt(2 / np.pi)) / np.sqrt(1 - 2 / np.pi)
    cosines = [np.sqrt(2) * np.cos(np.pi * k * shares) for k in (1, 3, 2, 4)]
    return np.hstack([scores, sizes, *cosines])


def by_label(values: Array, labels: Places, weights: Array) -> list[tuple[Array, Array]]:
    """Values and masses of P's rows, and of Q's."""
    return [
        (values[labels == label], weights[labels == label] / weights[labels == label].sum())
        for label in (1, 0)
    ]


def _largest(ratios: Array) -> Places:
    return np.sort(np.argsort(-ratios, kind="stable")[:_PRODUCTS])


def _pairs(
    parts: list[tuple[Array, Array]], columns: Places, d: int, third: int = -1
) -> tuple[Places, Array]:
    """Products of two columns, and of a third, of different features, and how much they differ."""
    first, second = np.triu_indices(len(columns), k=1)
    apart = columns[first] % d != columns[second] % d
    first, second = first[apart], second[apart]
    chosen = [(values[:, columns], mass) for values, mass in parts]
    times = [values[:, third] for values, _ in parts] if third >= 0 else [1.0, 1.0]
    ratio = product_difference(chosen, times)[first, second]
    return np.column_stack([columns[first], columns[second], np.full(len(first), third)]), ratio


def _around(parts: list[tuple[Array, Array]], middle: int, d: int) -> tuple[Places, Array]:
    """Products of three scores, this the second of them: each triple of features is met once."""
    before, after = np.arange(middle), np.arange(middle + 1, d)
    sides = [
        (values[:, before] * values[:, [middle]], values[:, after], mass) for values, mass in parts
    ]
    first, third = (side.ravel() for side in np.meshgrid(before, after, indexing="ij"))
    factors = np.column_stack([first, np.full(len(first), middle), third])
    return factors, cross_difference(sides).ravel()


def mean_difference(parts: list[tuple[Array, Array]]) -> Array:
    """Of the means of all columns, in standard errors."""
    difference, variance = np.zeros(parts[0][0].shape[1]), np.zeros(parts[0][0].shape[1])
    for sign, (values, mass) in zip((1.0, -1.0), parts, strict=True):
        mean = mass @ values
        difference += sign * mean
        variance += mass**2 @ (values - mean) ** 2
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
