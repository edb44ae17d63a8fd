"""Products of features of which those are kept whose means differ most between P and Q."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from divergences.estimators.critics.differences import cross_difference, product_difference
from divergences.estimators.critics.feature_maps import FeatureMap, thinned
from divergences.estimators.critics.highest import highest
from divergences.estimators.ratios.labels import by_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]

_KINDS, _KINDS_OF_TRIPLES = 6, 4
_MOST_FEATURES_WITH_TRIPLES_OF_WAVES = 10
_PRODUCTS = 60
# The largest of N normal variables is about the root of 2 ln N.
_BEYOND_NOISE = 2.0


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
        chosen = np.sort(highest(product_difference(parts)[first, second], _PRODUCTS))
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
    clear = np.sort(highest(ratios, _PRODUCTS, np.sqrt(_BEYOND_NOISE * np.log(len(ratios)))))
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
