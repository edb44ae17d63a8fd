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
