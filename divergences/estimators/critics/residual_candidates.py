"""Critics of what each feature leaves when the others have said what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from divergences.estimators.critics.chosen_pairs import pairs_in_view
from divergences.estimators.critics.feature_maps import Both
from divergences.estimators.critics.projections import waves_in_view
from divergences.estimators.critics.screened_candidate import ScreenedCandidate

if TYPE_CHECKING:
    from divergences.estimators.critics.critic_candidate import FittedCritic, Training
    from divergences.estimators.critics.feature_maps import FeatureMap


def waves_of_residuals(training: Training) -> FeatureMap | None:
    """Smoothing splines in what each feature leaves; None where straight lines say as much."""
    residuals = training.residuals
    return None if residuals is None else waves_in_view(residuals, training.points)


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
        choice = ScreenedCandidate(self.name, lambda _, *rows: pairs_in_view(view, *rows))
        return choice.fit(training)
