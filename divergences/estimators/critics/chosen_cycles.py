"""Fast oscillations along single features, those that differ most: times of day, combs, fringes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from divergences.estimators.critics.chosen_products import by_label, mean_difference
from divergences.estimators.critics.feature_maps import FeatureMap, thinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.feature_maps import Coordinates

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]

# Slower ones are among the waves.
_SLOWEST, _FASTEST = 3, 40
_MOST_CYCLES = 30
_FALSE_ALARMS = 0.01
_MIDDLE = (0.005, 0.995)


@dataclass(frozen=True, eq=False)
class ChosenCycles:
    """Normal scores, their squares, cosines and sines of some frequencies.

    Parameters
    ----------
    coordinates : Coordinates
    low, high : ndarray of shape (d,)
        Nearly the whole range of each feature, in which values make the phases too.
    columns, frequencies : ndarray of shape (t,)
        Of each cycle; columns from d on are those of values, those before of ranks.
    """

    coordinates: Coordinates
    low: Array
    high: Array
    columns: Places
    frequencies: Places

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        scores = self.coordinates.scores(points)
        phases = _phases(self.coordinates, points, self.low, self.high)
        turns = 2 * np.pi * self.frequencies * phases[:, self.columns]
        return np.hstack([scores, scores**2, np.cos(turns), np.sin(turns)])


def cycles_that_differ(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> FeatureMap | None:
    """The cycles whose mean cosine and sine differ by more than chance; None if there are none."""
    seen = thinned(points)
    numbers = coordinates.numbers(seen)
    low, high = np.quantile(numbers, _MIDDLE, axis=0)
    phases = _phases(coordinates, seen, low, high)
    turn = np.exp(2j * np.pi * phases)
    power = turn ** (_SLOWEST - 1)
    masses = thinned(labels), thinned(weights)
    squares = []
    for _ in range(_SLOWEST, _FASTEST + 1):
        power = power * turn
        both = np.hstack([power.real, power.imag])
        ratios = mean_difference(by_label(both, *masses)).reshape(2, -1)
        squares.append((ratios**2).sum(axis=0))
    chance = chi2.logsf(np.array(squares), 2)
    most = np.argsort(chance, axis=None, kind="stable")[:_MOST_CYCLES]
    clear = most[chance.flat[most] < np.log(_FALSE_ALARMS / chance.size)]
    if len(clear) == 0:
        return None
    frequencies, columns = np.divmod(clear, phases.shape[1])
    chosen = np.column_stack([columns, frequencies + _SLOWEST])
    # With the first overtone, as the logarithm of a wave is none.
    columns, frequencies = np.unique(np.concatenate([chosen, chosen * [1, 2]]), axis=0).T
    raw = ChosenCycles(coordinates, low, high, columns, frequencies)
    return FeatureMap.standardized(raw, points)


def _phases(coordinates: Coordinates, points: Array, low: Array, high: Array) -> Array:
    """From 0 to 1 by the ranks of each feature, and by its values."""
    width = np.where(high > low, high - low, 1.0)
    return np.hstack([coordinates.shares(points), (coordinates.numbers(points) - low) / width])
