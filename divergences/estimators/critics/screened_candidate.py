"""Logistic regression on features that the labels choose: few of many, anew without each fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import FittedCritic, Training, fit_by_folds
from divergences.estimators.critics.feature_maps import FeatureMap
from divergences.estimators.critics.ridge_candidates import RidgeCritic
from divergences.estimators.critics.ridge_logistic import STRENGTHS, fit_best_strength

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Choose = Callable[[Coordinates, Array, NDArray[np.intp], Array], FeatureMap | None]


@dataclass(frozen=True)
class ScreenedCandidate:
    """Logistic regression on features that are chosen by the labels.

    They are chosen anew without each fold, so that no point has a say in its own prediction. Only
    the strength of the penalty is that of the first.
    """

    name: str
    choose: Choose
    costly: ClassVar[bool] = True

    def fit(self, training: Training) -> FittedCritic | None:
        """Choose and fit in each fold's complement, and on all points."""
        strengths = STRENGTHS

        def fit(rows: NDArray[np.bool_]) -> RidgeCritic | None:
            nonlocal strengths
            points = training.points[rows]
            labels, weights = training.labels[rows], training.weights[rows]
            features = self.choose(training.coordinates, points, labels, weights)
            if features is None:
                return None
            values = features(points)
            found = fit_best_strength(values, labels, weights, features.roughness, strengths)
            strengths = np.array([found.strength])
            return RidgeCritic(features, None, found.coefficients)

        return fit_by_folds(training, fit)
