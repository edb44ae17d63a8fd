"""Logistic regression on the few products that differ most: many features, few ties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from divergences.estimators.critic_candidate import FittedCritic, Training, falls_behind
from divergences.estimators.feature_maps import Coordinates, FeatureMap
from divergences.estimators.ridge_candidates import RidgeCritic
from divergences.estimators.ridge_logistic import fit_best_strength

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Choose = Callable[[Coordinates, Array, NDArray[np.intp], Array], Callable[[Array], Array]]


@dataclass(frozen=True)
class ScreenedCandidate:
    """Logistic regression on features that are chosen by the labels.

    They are chosen anew without each fold, so that no point has a say in its own prediction.
    """

    name: str
    choose: Choose
    costly: ClassVar[bool] = True

    def fit(self, training: Training) -> FittedCritic | None:
        """Choose and fit in each fold's complement, and on all points."""
        held_out = np.empty(len(training.points))
        for fold in range(int(training.folds.max()) + 1):
            here = training.folds == fold
            held_out[here] = self._fit(training, ~here)(training.points[here])
            if fold == 0 and falls_behind(training, held_out, here):
                return None
        whole = self._fit(training, np.ones(len(held_out), dtype=bool))
        return FittedCritic.bounded(held_out, whole(training.points), whole)

    def _fit(self, training: Training, rows: NDArray[np.bool_]) -> RidgeCritic:
        points = training.points[rows]
        labels, weights = training.labels[rows], training.weights[rows]
        chosen = self.choose(training.coordinates, points, labels, weights)
        features = FeatureMap.standardized(chosen, points)
        fit = fit_best_strength(features(points), labels, weights, features.roughness)
        return RidgeCritic(features, None, fit.coefficients)
