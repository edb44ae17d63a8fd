"""Logistic regression on features that the labels choose: few of many, anew without each fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import FittedCritic, Training, falls_behind
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
        held_out, strengths = np.zeros(len(training.points)), STRENGTHS
        for fold, here in enumerate(training.each_fold):
            fit = self._fit(training, ~here, strengths)
            if fit is None:
                if fold == 0:
                    return None
                continue
            critic, strength = fit
            strengths = np.array([strength])
            held_out[here] = critic(training.points[here])
            if fold == 0 and falls_behind(training, held_out, here):
                return None
        fit = self._fit(training, np.ones(len(held_out), dtype=bool), strengths)
        if fit is None:
            return None
        critic, _ = fit
        return FittedCritic.bounded(held_out, critic(training.points), critic)

    def _fit(
        self, training: Training, rows: NDArray[np.bool_], strengths: Array
    ) -> tuple[RidgeCritic, float] | None:
        points = training.points[rows]
        labels, weights = training.labels[rows], training.weights[rows]
        features = self.choose(training.coordinates, points, labels, weights)
        if features is None:
            return None
        fit = fit_best_strength(features(points), labels, weights, features.roughness, strengths)
        return RidgeCritic(features, None, fit.coefficients), fit.strength
