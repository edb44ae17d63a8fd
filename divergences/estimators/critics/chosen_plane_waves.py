"""Plane waves of any direction and length, those whose means differ most: oblique fringes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.critics.feature_maps import FeatureMap, beside_scores, thinned
from divergences.estimators.critics.highest import highest
from divergences.estimators.ratios.labels import by_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]

_TRIED, _LONGEST, _SHORTEST = 1500, 1.0, 9.0
_ROWS = 4_000
_REFINED, _STEPS, _MOST_WAVES = 8, 12, 4
_ALIKE = 0.5
_FALSE_ALARMS = 0.001


@dataclass(frozen=True, eq=False)
class PlaneWaves:
    """Cosines and sines of w'x and of 2 w'x, x whitened.

    Parameters
    ----------
    coordinates : Coordinates
    vectors : ndarray of shape (t, d)
        The w.
    """

    coordinates: Coordinates
    vectors: Array

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        turns = self.coordinates.white(points) @ self.vectors.T
        waves = [f(k * turns) for k in (1, 2) for f in (np.cos, np.sin)]
        return np.hstack(waves)


def plane_waves_that_differ(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> FeatureMap | None:
    """Waves along which the characteristic functions differ by more than chance, or None.

    Among random ones the best are followed to where the difference is largest.
    """
    seen, of_seen, masses = (thinned(rows, _ROWS) for rows in (points, labels, weights))
    parts = by_label(coordinates.white(seen), of_seen, masses)
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(_TRIED, coordinates.d))
    lengths = rng.uniform(_LONGEST, _SHORTEST, (_TRIED, 1))
    tried = lengths * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    vectors = _refined(parts, tried[highest(_excess(parts, tried)[0], _REFINED)])
    # Each of those that are tried may be followed a little way; that counts as ten more.
    least = -2 * np.log(_FALSE_ALARMS / (10 * _TRIED))
    kept: list[Array] = []
    for one in vectors[highest(_excess(parts, vectors)[0], _REFINED, least)]:
        near = [min(np.linalg.norm(one - k), np.linalg.norm(one + k)) < _ALIKE for k in kept]
        if not any(near):
            kept.append(one)
    if not kept:
        return None
    raw = PlaneWaves(coordinates, np.array(kept[:_MOST_WAVES]))
    return beside_scores(coordinates, points, FeatureMap.standardized(raw, points))


def _excess(parts: list[tuple[Array, Array]], vectors: Array) -> tuple[Array, Array]:
    """Twice the squared difference of characteristic functions over its variance, and its slope.

    It is chi-squared of two degrees of freedom, beyond x by chance with probability e^(-x/2).
    """
    difference, slope, noise = np.zeros(len(vectors), complex), 0.0, 0.0
    for sign, (points, mass) in zip((1.0, -1.0), parts, strict=True):
        wave = np.exp(1j * (points @ vectors.T)) * mass[:, np.newaxis]
        difference += sign * wave.sum(axis=0)
        slope = slope + sign * 1j * (wave.T @ points)
        noise += float(mass @ mass)
    gradient = 2 * np.real(np.conj(difference)[:, np.newaxis] * slope)
    return 2 * np.abs(difference) ** 2 / noise, 2 * gradient / noise


def _refined(parts: list[tuple[Array, Array]], vectors: Array) -> Array:
    """Steps uphill of the squared difference, each halved until it gains."""
    length = np.full((len(vectors), 1), 0.5)
    value, slope = _excess(parts, vectors)
    for _ in range(_STEPS):
        steps = length * slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-300)
        trial_value, trial_slope = _excess(parts, vectors + steps)
        gained = (trial_value > value)[:, np.newaxis]
        vectors = np.where(gained, vectors + steps, vectors)
        slope = np.where(gained, trial_slope, slope)
        value = np.maximum(value, trial_value)
        length = np.where(gained, 1.2 * length, length / 2)
    return vectors
