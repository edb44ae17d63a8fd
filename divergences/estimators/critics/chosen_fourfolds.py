"""Products of four features, those whose means differ most: parities, plaquettes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from divergences.estimators.critics.differences import product_difference
from divergences.estimators.critics.feature_maps import FeatureMap, beside_scores, thinned
from divergences.estimators.critics.highest import highest
from divergences.estimators.ratios.labels import by_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]

_MOST_KEPT = 30
_FALSE_ALARMS = 0.001
_SHARE_OF_EITHER_SIGN = 0.25


@dataclass(frozen=True, eq=False)
class Fourfolds:
    """Products of four signs and of four scores.

    Parameters
    ----------
    coordinates : Coordinates
    natural : ndarray of shape (d,)
        Whether a feature's own zero parts its points, not their median.
    factors : ndarray of shape (t, 4)
        Features of each product.
    """

    coordinates: Coordinates
    natural: NDArray[np.bool_]
    factors: Places

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        signs = _signs(self.coordinates, points, self.natural)
        products = signs[:, self.factors].prod(axis=2)
        sizes = np.abs(self.coordinates.scores(points))[:, self.factors].prod(axis=2)
        return np.hstack([products, products * sizes])


def _signs(coordinates: Coordinates, points: Array, natural: NDArray[np.bool_]) -> Array:
    """Of the numbers themselves, or about their medians."""
    return np.where(
        natural, np.sign(coordinates.numbers(points)), np.sign(coordinates.scores(points))
    )


def fourfolds_that_differ(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> FeatureMap | None:
    """The products of four signs whose means differ by more than chance; None if there are none."""
    seen = thinned(points)
    numbers = coordinates.numbers(seen)
    either = np.minimum((numbers > 0).mean(axis=0), (numbers < 0).mean(axis=0))
    natural = either >= _SHARE_OF_EITHER_SIGN
    signs = _signs(coordinates, seen, natural)
    first, second = np.triu_indices(coordinates.d, k=1)
    parts = by_label(signs[:, first] * signs[:, second], thinned(labels), thinned(weights))
    ratios = product_difference(parts)
    # Each four once: the two lower ones with the two upper ones.
    low, high = np.nonzero(second[:, np.newaxis] < first)
    chance = norm.logsf(ratios[low, high])
    clear = np.sort(highest(-chance, _MOST_KEPT, -np.log(_FALSE_ALARMS / (2 * len(chance)))))
    if len(clear) == 0:
        return None
    sides = (first[low[clear]], second[low[clear]], first[high[clear]], second[high[clear]])
    raw = Fourfolds(coordinates, natural, np.column_stack(sides))
    return beside_scores(coordinates, points, FeatureMap.standardized(raw, points))
