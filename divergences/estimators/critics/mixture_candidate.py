"""Gaussian mixtures, whose ratio extends beyond where both samples have points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import (
    FittedCritic,
    Training,
    bounded,
    fit_by_folds,
)
from divergences.estimators.critics.feature_maps import thinned
from divergences.estimators.critics.mixtures import ROWS_OF_MIXTURES, fit_mixture, least_bic
from divergences.estimators.ratios.labels import rows_by_weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_COMPONENTS = (1, 2, 3, 4, 6, 8, 12, 16)
_WORSE_IN_A_ROW = 3
_STARTS = 2
_COVARIANCE_FLOOR = 1e-4


@dataclass(frozen=True)
class MixturesCandidate:
    """A Gaussian mixture for each sample, with as many components as its BIC asks for.

    EM takes no weights: where they differ it is fitted to rows repeated in proportion to them.
    Values that recur, such as counts, are spread over their cells before (Theis, van den Oord and
    Bethge, 2016): a component as narrow as a value would make the absence of the next one certain.
    """

    most_components: int
    name: str = "gaussian mixtures"
    costly: ClassVar[bool] = True

    def fit(self, training: Training) -> FittedCritic | None:
        """Fit by EM in each fold's complement and to all points."""
        line = training.coordinates.line(training.points)
        cells = _spread_over_cells(line, np.random.default_rng([training.seed, 1]))
        sides = [training.labels == label for label in (1, 0)]

        def repeated(rows: NDArray[np.bool_]) -> Array:
            return cells[rows][rows_by_weight(training.weights[rows])]

        counts = [self._components(repeated(side), training.seed) for side in sides]

        def fit(rows: NDArray[np.bool_]) -> MixturesCritic:
            models = (
                _mixture(repeated(side & rows), count, training.seed)
                for side, count in zip(sides, counts, strict=True)
            )
            return MixturesCritic(training.coordinates, *models)

        return fit_by_folds(training, fit)

    def _components(self, line: Array, seed: int) -> int:
        most = min(self.most_components, len(line) // 4)
        tried = (_mixture(line, c, seed, starts=1) for c in _COMPONENTS if c <= most)
        chosen = least_bic(tried, line, _WORSE_IN_A_ROW)
        return 1 if chosen is None else int(chosen.n_components)


@dataclass(frozen=True, eq=False)
class MixturesCritic:
    """Log-ratio of two Gaussian mixtures."""

    coordinates: Coordinates
    p: Any
    q: Any

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        line = self.coordinates.line(points)
        return bounded(self.p.score_samples(line) - self.q.score_samples(line))


def _spread_over_cells(line: Array, rng: np.random.Generator) -> Array:
    """Each value that recurs anywhere between the middles of the ways to its neighbors."""
    spread = line.copy()
    for column in spread.T:
        distinct, place, count = np.unique(column, return_inverse=True, return_counts=True)
        if len(distinct) < 2:
            continue
        recurs = np.flatnonzero(count[place] > 1)
        half = np.diff(distinct) / 2
        below, above = np.append(half[:1], half), np.append(half, half[-1:])
        here = place[recurs]
        share = rng.random(len(recurs))
        column[recurs] += share * above[here] - (1 - share) * below[here]
    return spread


def _mixture(line: Array, components: int, seed: int, starts: int = _STARTS) -> Any:
    rows = thinned(line, ROWS_OF_MIXTURES)
    return fit_mixture(
        rows,
        min(components, len(rows)),
        seed,
        covariance="full",
        floor=_COVARIANCE_FLOOR,
        starts=starts if components > 1 else 1,
        iterations=200,
    )
