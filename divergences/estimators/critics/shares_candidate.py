"""Clusters of both samples as one, and the share that each sample has of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from divergences.estimators.critics.critic_candidate import FittedCritic, Training, bounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates

    Array = NDArray[np.float64]

_EXTRA_POINTS = 0.5
_STEPS = 100
_SETTLED = 1e-3


@dataclass(frozen=True)
class SharesCandidate:
    """Two Gaussian mixtures of the same components, those of both samples as one.

    Unlike a regression on the probabilities of the components, the log-ratio grows inside a
    component that one sample lacks, up to what half a point there would make of it.
    """

    name: str = "shares of clusters"
    costly: ClassVar[bool] = False

    def fit(self, training: Training) -> FittedCritic:
        """Fit the shares in each fold's complement and to all points."""
        of_all = training.clusters.predict_proba(training.coordinates.line(training.points))

        def ratio_of(rows: NDArray[np.bool_]) -> Array:
            sides = (rows & (training.labels == label) for label in (1, 0))
            return np.stack(
                [
                    _shares(of_all[side], training.weights[side], training.clusters.weights_)
                    for side in sides
                ]
            )

        held_out = np.empty(len(of_all))
        for here in training.each_fold:
            held_out[here] = _log_ratio(of_all[here], ratio_of(~here))
        whole = ratio_of(np.ones(len(of_all), dtype=bool))
        critic = SharesCritic(training.coordinates, training.clusters, whole)
        return FittedCritic.bounded(held_out, _log_ratio(of_all, whole), critic)


@dataclass(frozen=True, eq=False)
class SharesCritic:
    """Log-ratio of two mixtures of the same components.

    Parameters
    ----------
    coordinates : Coordinates
    mixture : sklearn.mixture.GaussianMixture
        Of both samples as one.
    relative : ndarray of shape (2, n_components)
        Share of each component in P, and in Q, over that in the mixture.
    """

    coordinates: Coordinates
    mixture: Any
    relative: Array

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        of_each = self.mixture.predict_proba(self.coordinates.line(points))
        return bounded(_log_ratio(of_each, self.relative))


def _log_ratio(of_each: Array, relative: Array) -> Array:
    densities = np.maximum(of_each @ relative.T, np.finfo(np.float64).tiny)
    return np.log(densities[:, 0]) - np.log(densities[:, 1])


def _shares(of_each: Array, weights: Array, pooled: Array) -> Array:
    """Shares over the pooled ones, by EM; each component has half a point more than was seen."""
    total = weights.sum()
    relative = np.ones(len(pooled))
    for _ in range(_STEPS):
        parts = of_each * relative
        counts = (weights / parts.sum(axis=1)) @ parts
        before = relative
        relative = (counts + _EXTRA_POINTS) / (total + _EXTRA_POINTS * len(pooled)) / pooled
        if np.abs(relative - before).max() < _SETTLED:
            break
    return relative
