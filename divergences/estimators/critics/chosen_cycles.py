"""Fast oscillations along single features, those that differ most: times of day, combs, fringes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import rfft

from divergences.estimators.critics.feature_maps import FeatureMap, beside_scores
from divergences.estimators.critics.highest import highest
from divergences.estimators.ratios.labels import by_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]

# Slower ones are among the waves; there are four bins to the fastest.
_SLOWEST, _FASTEST, _BINS = 3, 1024, 4096
_MOST_CYCLES = 20
_FALSE_ALARMS = 0.01
# Faster ones tell even ranks from odd ones, which is how many points lie below.
_FEWEST_RANKS = 4
_MIDDLE = (0.005, 0.995)
# Beyond so many ranges no phase is told.
_FARTHEST = 100.0


@dataclass(frozen=True, eq=False)
class ChosenCycles:
    """Cosines and sines of some frequencies.

    Parameters
    ----------
    coordinates : Coordinates
    low, high : ndarray of shape (d,)
        Nearly the whole range of each feature, in which values make the phases too.
    columns : ndarray of shape (t,)
        Of each cycle; those from d on are of values, those before of ranks.
    frequencies : ndarray of shape (t,)
    """

    coordinates: Coordinates
    low: Array
    high: Array
    columns: Places
    frequencies: Array

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        phases = _phases(self.coordinates, points, self.low, self.high)
        turns = 2 * np.pi * self.frequencies * phases[:, self.columns]
        return np.hstack([np.cos(turns), np.sin(turns)])


def cycles_that_differ(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> FeatureMap | None:
    """The cycles whose mean cosine and sine differ by more than chance; None if there are none."""
    low, high = np.quantile(coordinates.numbers(points), _MIDDLE, axis=0)
    parts = by_label(_phases(coordinates, points, low, high), labels, weights)
    power = np.array([_power(*sides) for sides in zip(*map(_columns, parts), strict=True)])
    # The logarithm of the chance of a chi-squared of two degrees of freedom.
    chance = -power / 2
    turns = _SLOWEST + np.arange(chance.shape[1]) / 2
    chance[: coordinates.d, turns > len(points) / _FEWEST_RANKS] = 0.0
    clear = highest(-chance.ravel(), _MOST_CYCLES, -np.log(_FALSE_ALARMS / chance.size))
    if len(clear) == 0:
        return None
    columns, places = np.divmod(clear, chance.shape[1])
    chosen = np.column_stack([columns, _SLOWEST + places / 2])
    # With the first overtone, as the logarithm of a wave is none.
    columns, frequencies = np.unique(np.concatenate([chosen, chosen * [1, 2]]), axis=0).T
    raw = ChosenCycles(coordinates, low, high, columns.astype(np.intp), frequencies)
    return beside_scores(coordinates, points, FeatureMap.standardized(raw, points))


def _columns(part: tuple[Array, Array]) -> list[tuple[Array, Array]]:
    phases, mass = part
    return [(phase, mass) for phase in phases.T]


def _power(p: tuple[Array, Array], q: tuple[Array, Array]) -> Array:
    """How much the cosines and sines of each frequency, in steps of a half, differ in two samples.

    Twice the squared difference over its variance, which is chi-squared of two degrees of freedom
    where either sample has nothing of that frequency, and less where both have.
    """
    density, noise = np.zeros(_BINS), 0.0
    for sign, (phase, mass) in ((1.0, p), (-1.0, q)):
        inside = (phase >= 0) & (phase < 1)
        place = (phase[inside] * _BINS).astype(np.intp)
        density += sign * np.bincount(place, mass[inside], _BINS)
        noise += float(mass[inside] @ mass[inside])
    # Zeros as long again make frequencies of a half, as cycles need not fill the range.
    spectrum = rfft(density, 2 * _BINS)[2 * _SLOWEST : 2 * _FASTEST]
    return np.asarray(2 * np.abs(spectrum) ** 2 / max(noise, np.finfo(float).tiny))


def _phases(coordinates: Coordinates, points: Array, low: Array, high: Array) -> Array:
    """From 0 to 1 by the ranks of each feature, and by its values."""
    width = np.where(high > low, high - low, 1.0)
    with np.errstate(over="ignore"):
        by_value = (coordinates.numbers(points) - low) / width
    return np.hstack([coordinates.shares(points), np.clip(by_value, -_FARTHEST, _FARTHEST)])
