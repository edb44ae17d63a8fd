"""The few directions of many features along which P and Q differ most, seen closely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import eigh
from scipy.stats import chi2

from divergences.estimators.critics.chosen_pairs import EVERY_KIND, PairSplines, splines_of_pairs
from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.feature_maps import FeatureMap, Polynomial
from divergences.estimators.critics.highest import highest
from divergences.estimators.critics.projections import Projection, seen_through
from divergences.estimators.ratios.labels import by_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]

_MOST = 4
_BEYOND_CHANCE = 1.2
_FALSE_ALARMS = 0.001
_JITTER = 1e-6


def directions_that_differ(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> FeatureMap | None:
    """Quadratic forms and smoothing splines along the directions whose variances differ most.

    None if no direction's variance differs by more than chance.
    """
    directions = most_different_directions(coordinates.line(points), labels, weights)
    if directions.shape[1] == 0:
        return None
    view = Projection(coordinates, directions)
    seen = view(points)
    inner = Coordinates.of(seen)
    pairs = np.column_stack(np.triu_indices(inner.d, k=1))
    splines = splines_of_pairs(
        PairSplines(inner, np.arange(inner.d), pairs, EVERY_KIND), seen, labels, weights
    )
    quadratic = Polynomial(inner, by_rank=False, squares=True, products=True)
    return seen_through(view, FeatureMap.standardized(quadratic, seen).beside(splines))


def most_different_directions(line: Array, labels: Places, weights: Array) -> Array:
    """Up to four generalized eigenvectors of the covariances, and the one that parts the means.

    Of equal covariances, ratios of variances stay within about 2 sqrt(d (1/n + 1/m)) of one, the
    semicircle of random symmetric matrices (Wigner, 1958); those beyond are kept.
    """
    parts = by_label(line, labels, weights)
    means = [mass @ values for values, mass in parts]
    covariances = [
        ((values - mean) * mass[:, np.newaxis]).T @ (values - mean)
        for (values, mass), mean in zip(parts, means, strict=True)
    ]
    d = line.shape[1]
    noise = sum(float(mass @ mass) for _, mass in parts)
    pooled = (covariances[0] + covariances[1]) / 2 + _JITTER * np.eye(d)
    differences, vectors = eigh(covariances[0] - covariances[1], pooled)
    clear = highest(np.abs(differences), _MOST, _BEYOND_CHANCE * 2 * np.sqrt(d * noise))
    found = vectors[:, np.sort(clear)]
    apart = means[0] - means[1]
    towards = np.linalg.solve(pooled, apart)
    if chi2.logsf(float(apart @ towards) / noise, d) < np.log(_FALSE_ALARMS):
        found = np.column_stack([found, towards / np.linalg.norm(towards)])
    return np.asarray(found)
