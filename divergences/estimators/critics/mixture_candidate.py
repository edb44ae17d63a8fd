"""Gaussian mixtures, whose ratio extends beyond where both samples have points."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from divergences.estimators.critics.critic_candidate import (
    FittedCritic,
    Training,
    bounded,
    falls_behind,
)
from divergences.estimators.critics.feature_maps import Coordinates
from divergences.estimators.ratios.labels import rows_by_weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_COMPONENTS = (1, 2, 3, 4, 6, 8, 12, 16)
_WORSE_IN_A_ROW = 3
_STARTS = 2
_ROWS_OF_MIXTURE = 10_000
_COVARIANCE_FLOOR = 1e-4


@dataclass(frozen=True)
class MixturesCandidate:
    """A Gaussian mixture for each sample, with as many components as its BIC asks for.

    EM takes no weights: where they differ it is fitted to rows repeated in proportion to them.
    """

    most_components: int
    name: str = "gaussian mixtures"
    costly: ClassVar[bool] = True

    def fit(self, training: Training) -> FittedCritic | None:
        """Fit by EM in each fold's complement and to all points."""
        line = training.coordinates.line(training.points)
        sides = [training.labels == label for label in (1, 0)]

        def repeated(rows: NDArray[np.bool_]) -> Array:
            return line[rows][rows_by_weight(training.weights[rows])]

        counts = [self._components(repeated(side), training.seed) for side in sides]

        def fit(rows: NDArray[np.bool_]) -> MixturesCritic:
            models = (
                _mixture(repeated(side & rows), count, training.seed)
                for side, count in zip(sides, counts, strict=True)
            )
            return MixturesCritic(training.coordinates, *models)

        held_out = np.empty(len(line))
        for fold, here in enumerate(training.each_fold):
            held_out[here] = fit(~here).at_line(line[here])
            if fold == 0 and falls_behind(training, held_out, here):
                return None
        whole = fit(np.ones(len(line), dtype=bool))
        return FittedCritic.bounded(held_out, whole.at_line(line), whole)

    def _components(self, line: Array, seed: int) -> int:
        best, chosen, worse = np.inf, 1, 0
        for count in _COMPONENTS:
            if count > self.most_components or 4 * count > len(line):
                break
            criterion = float(_mixture(line, count, seed, starts=1).bic(line))
            if criterion < best:
                best, chosen, worse = criterion, count, 0
            else:
                worse += 1
                if worse == _WORSE_IN_A_ROW:
                    break
        return chosen


@dataclass(frozen=True, eq=False)
class MixturesCritic:
    """Log-ratio of two Gaussian mixtures."""

    coordinates: Coordinates
    p: Any
    q: Any

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        return self.at_line(self.coordinates.line(points))

    def at_line(self, line: Array) -> Array:
        """Evaluate at standardized points."""
        return bounded(self.p.score_samples(line) - self.q.score_samples(line))


def _mixture(line: Array, components: int, seed: int, starts: int = _STARTS) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    rows = line[:: -(-len(line) // _ROWS_OF_MIXTURE)]
    with warnings.catch_warnings():
        # A mixture that has not settled is a critic like another; held-out points judge it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianMixture(
            min(components, len(rows)),
            reg_covar=_COVARIANCE_FLOOR,
            n_init=starts if components > 1 else 1,
            max_iter=200,
            random_state=seed,
        ).fit(rows)
