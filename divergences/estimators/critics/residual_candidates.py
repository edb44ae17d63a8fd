"""Critics of what each feature leaves when the others have said what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from divergences.estimators.critics.chosen_pairs import pairs_that_differ
from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.feature_maps import Both, FeatureMap, Waves
from divergences.estimators.critics.projections import seen_through
from divergences.estimators.critics.screened_candidate import ScreenedCandidate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from divergences.estimators.critics.critic_candidate import FittedCritic, Training

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]

_FREQUENCIES = 7


def waves_of_residuals(training: Training) -> FeatureMap | None:
    """Smoothing splines in what each feature leaves; None where straight lines say as much."""
    residuals = training.residuals
    if residuals is None:
        return None
    seen = residuals(training.points)
    raw = Waves.of(Coordinates.of(seen), seen, _FREQUENCIES, 0)
    return seen_through(residuals, FeatureMap.standardized(raw, seen, raw.roughness()))


@dataclass(frozen=True)
class ResidualPairsCandidate:
    """Splines in the pairs of features and residuals that differ most: another dependence."""

    name: str = "chosen pairs with residuals"
    costly: ClassVar[bool] = True

    def fit(self, training: Training) -> FittedCritic | None:
        """Choose and fit in each fold's complement, and on all points."""
        if training.residuals is None:
            return None
        view = Both(training.coordinates.line, training.residuals)

        def choose(
            coordinates: Coordinates, points: Array, labels: Places, weights: Array
        ) -> FeatureMap | None:
            seen = view(points)
            features = pairs_that_differ(Coordinates.of(seen), seen, labels, weights)
            return None if features is None else seen_through(view, features)

        return ScreenedCandidate(self.name, choose).fit(training)
