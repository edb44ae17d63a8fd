"""What each feature leaves when the others have said what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.feature_maps import FeatureMap, thinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.critic_candidate import Training

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]

# Cosines of each feature, and in products of two; the first that are few enough.
_FREQUENCIES = ((24, 4), (16, 3), (16, 2), (24, 0), (12, 0), (4, 0))
_MOST_REGRESSORS = 500
_POINTS_OF_REGRESSOR = 10
_MOST_TERMS = 60
_RANK = 1e-12
_WORTH_IT = 0.7  # of the variance that a straight line leaves


@dataclass(frozen=True, eq=False)
class Regressors:
    """Lines, squares, cubes and cosines of ranks of each feature, and products of two features.

    Parameters
    ----------
    coordinates : Coordinates
    frequencies : int
    in_pairs : int
        Of cosines in products; 0 for products of the features alone.
    """

    coordinates: Coordinates
    frequencies: int
    in_pairs: int

    @classmethod
    def of(cls, coordinates: Coordinates, n: int) -> Regressors | None:
        """As many as there are points for; None if those are too few."""
        for frequencies, in_pairs in _FREQUENCIES:
            found = cls(coordinates, frequencies, in_pairs)
            if len(found.takes_part()) <= min(n, _MOST_REGRESSORS):
                return found
        return None

    def __call__(self, points: Array) -> Array:
        """Regressors of (k, d) points."""
        line, shares = self.coordinates.scaled(points), self.coordinates.shares(points)
        waves = [np.cos(np.pi * k * shares) for k in range(1, self.frequencies + 1)]
        parts = [line, line**2, line**3, *waves]
        for i, j in combinations(range(self.coordinates.d), 2):
            parts.append(line[:, [i]] * line[:, [j]])
            left, right = (
                np.column_stack([wave[:, m] for wave in waves[: self.in_pairs]] or [line[:, :0]])
                for m in (i, j)
            )
            parts.append((left[:, :, np.newaxis] * right[:, np.newaxis]).reshape(len(line), -1))
        return np.hstack(parts)

    def takes_part(self) -> NDArray[np.bool_]:
        """Of shape (regressors, d): whether the feature is in it."""
        d = self.coordinates.d
        alone = np.tile(np.eye(d, dtype=bool), (3 + self.frequencies, 1))
        pairs = np.zeros((d * (d - 1) // 2, d), dtype=bool)
        for row, both in enumerate(combinations(range(d), 2)):
            pairs[row, list(both)] = True
        return np.vstack([alone, np.repeat(pairs, 1 + self.in_pairs**2, axis=0)])


@dataclass(frozen=True, eq=False)
class Residuals:
    """Standardized features less what the others let expect of them, by regression on few terms.

    The labels have no say in it.

    Parameters
    ----------
    regressors : FeatureMap
    targets : ndarray of shape (t,)
        Those features of which the others say more than a straight line does.
    coefficients : ndarray of shape (regressors + 1, t)
        The intercept first; zero for regressors that the feature takes part in.
    """

    coordinates: Coordinates
    regressors: FeatureMap
    targets: Places
    coefficients: Array

    @classmethod
    def of(cls, training: Training) -> Residuals | None:
        """Fit to all points; None if the others never say more than a straight line does."""
        coordinates, points = training.coordinates, thinned(training.points)
        raw = Regressors.of(coordinates, len(points))
        if raw is None or coordinates.d < 2:
            return None
        features, takes_part = FeatureMap.standardized(raw, points), raw.takes_part()
        design, line = features(points), coordinates.scaled(points)
        means = line.mean(axis=0)
        gram, sides = design.T @ design, design.T @ (line - means)
        targets, coefficients = [], []
        for j, squares in enumerate(((line - means) ** 2).sum(axis=0)):
            lines = np.delete(np.arange(coordinates.d), j)
            straight, left = _solved(gram, sides[:, j], lines), float(squares)
            plain = left - straight @ sides[:, j]
            found, left = pursued(gram, sides[:, j], left, ~takes_part[:, j], len(points))
            if left < _WORTH_IT * plain:
                targets.append(j)
                coefficients.append(np.append(means[j], found))
        if not targets:
            return None
        return cls(coordinates, features, np.array(targets), np.column_stack(coefficients))

    def __call__(self, points: Array) -> Array:
        """Residuals of (k, d) points."""
        expected = self.coefficients[0] + self.regressors(points) @ self.coefficients[1:]
        return np.asarray(self.coordinates.scaled(points)[:, self.targets] - expected)


def _solved(gram: Array, side: Array, used: Places) -> Array:
    """Least squares on some of the columns; zero for the others."""
    inner = gram[np.ix_(used, used)]
    found = np.zeros(len(gram))
    found[used] = np.linalg.lstsq(inner, side[used], rcond=_RANK)[0]
    return found


def pursued(
    gram: Array, side: Array, squares: float, usable: NDArray[np.bool_], n: int
) -> tuple[Array, float]:
    """Coefficients of few columns, zero for the others, and the sum of squares that they leave.

    One column after the other, that which correlates most with what is left, as long as the
    extended BIC falls (Pati, Rezaiifar and Krishnaprasad, 1993; Chen and Chen, 2008).
    """
    sizes = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    price = np.log(n) + 2 * np.log(len(gram))
    used: list[int] = []
    found, left = np.zeros(len(gram)), squares
    for _ in range(min(_MOST_TERMS, n // _POINTS_OF_REGRESSOR)):
        along = np.where(usable, np.abs(side - gram @ found) / sizes, 0.0)
        along[used] = 0.0
        trial = [*used, int(np.argmax(along))]
        solution = _solved(gram, side, np.array(trial))
        rest = max(squares - float(solution @ side), _RANK * squares)
        if rest <= 0 or n * np.log(left / rest) < price:
            break
        used, found, left = trial, solution, rest
    return found, left
