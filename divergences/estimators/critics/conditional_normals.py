"""Each feature as a normal law given the others, in either sample: its mean and spread are curves.

Where the spread of one feature follows another, as in a funnel or in a series whose shocks cluster,
or its mean does so in a curve, ln(p/q) grows with squares of residuals in units of that spread. No
critic of fixed features follows that into the tails.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import digamma

from divergences.estimators.critics.feature_maps import FeatureMap, thinned
from divergences.estimators.critics.residuals import pursued
from divergences.estimators.ratios.labels import rows_by_weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]

_CURVES = 4
_MOST_FEATURES_IN_PRODUCTS = 8
_FEWEST_POINTS = 50
_ROUNDS, _STEPS = 3, 4
_LARGEST_SQUARE, _LARGEST_LOG = 50.0, 25.0
# A square is never quite zero, nor more than so many times what is expected in one step.
_SMALLEST, _LARGEST_EXCESS = 1e-9, 8.0
_RIDGE = 1e-6
# Of the logarithm of a squared standard normal.
_MEAN_LOG_SQUARE = float(digamma(0.5) + np.log(2.0))


@dataclass(frozen=True, eq=False)
class Curves:
    """Each feature, its size, square and sign, and of few features products of two.

    Parameters
    ----------
    coordinates : Coordinates
    """

    coordinates: Coordinates

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Features that are multiplied."""
        d = self.coordinates.d
        return list(combinations(range(d), 2)) if d <= _MOST_FEATURES_IN_PRODUCTS else []

    def __call__(self, points: Array) -> Array:
        """Regressors of (k, d) points."""
        line = self.coordinates.line(points)
        products = [line[:, i] * line[:, j] for i, j in self.pairs]
        return np.column_stack([line, np.abs(line), line**2, np.sign(line), *products])

    def without(self, feature: int) -> NDArray[np.bool_]:
        """Which regressors the feature takes no part in."""
        others = np.arange(self.coordinates.d) != feature
        products = [feature not in pair for pair in self.pairs]
        return np.append(np.tile(others, _CURVES), np.array(products, dtype=bool))


@dataclass(frozen=True, eq=False)
class Conditionals:
    """The features of one sample, given the others.

    Parameters
    ----------
    curves : FeatureMap
    means, spreads : ndarray of shape (1 + curves, d)
        Coefficients of the mean and of the logarithm of the variance, the intercept first.
    bent : ndarray of shape (d,)
        Whether the mean is more than a straight line or the spread not one number.
    """

    curves: FeatureMap
    means: Array
    spreads: Array
    bent: NDArray[np.bool_]

    @classmethod
    def of(cls, coordinates: Coordinates, points: Array) -> Conditionals:
        """Fit to the points of one sample."""
        raw = Curves(coordinates)
        curves = FeatureMap.standardized(raw, points)
        design, targets, d = curves(points), coordinates.scaled(points), coordinates.d
        gram = design.T @ design
        fits = [_conditional(design, gram, targets[:, j], raw.without(j)) for j in range(d)]
        means, spreads = (np.column_stack(side) for side in zip(*fits, strict=True))
        bent = (means[1 + d :] != 0).any(axis=0) | (spreads[1:] != 0).any(axis=0)
        return cls(curves, means, spreads, bent)

    def __call__(self, coordinates: Coordinates, points: Array, targets: Places) -> Array:
        """Squared residuals of (k, d) points in units of the spread, and its logarithm."""
        design = self.curves(points)
        mean, log_variance = (
            side[0, targets] + design @ side[1:, targets] for side in (self.means, self.spreads)
        )
        log_variance = np.clip(log_variance, -_LARGEST_LOG, _LARGEST_LOG)
        squares = (coordinates.scaled(points)[:, targets] - mean) ** 2 * np.exp(-log_variance)
        return np.hstack([np.minimum(squares, _LARGEST_SQUARE), log_variance])


@dataclass(frozen=True, eq=False)
class ConditionalNormals:
    """What the conditional laws of both samples say of a point."""

    coordinates: Coordinates
    sides: tuple[Conditionals, ...]
    targets: Places

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        return np.hstack([side(self.coordinates, points, self.targets) for side in self.sides])


def conditional_normals(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> FeatureMap | None:
    """Of features whose mean bends or whose spread varies with the others; None if none is."""
    rows = [np.flatnonzero(labels == label) for label in (1, 0)]
    rows = [thinned(own[rows_by_weight(weights[own])]) for own in rows]
    if min(map(len, rows)) < _FEWEST_POINTS:
        return None
    sides = tuple(Conditionals.of(coordinates, points[own]) for own in rows)
    targets = np.flatnonzero(sides[0].bent | sides[1].bent)
    if len(targets) == 0:
        return None
    return FeatureMap.standardized(ConditionalNormals(coordinates, sides, targets), points)


def _conditional(
    design: Array, gram: Array, target: Array, usable: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Coefficients of the mean and of the log-variance of a target, by few regressors.

    In turn the mean, each point by the inverse of its variance, and the variance: chosen by least
    squares of ln r², fitted as the scale of a normal law (Harvey, 1976).
    """
    n, weights, weighted = len(target), np.ones(len(target)), gram
    for _ in range(_ROUNDS):
        mean = _weighted_mean(design, weighted, target, weights, usable)
        squares = (target - mean[0] - design @ mean[1:]) ** 2
        squares += _SMALLEST * np.median(squares) + np.finfo(float).tiny
        logs = np.log(squares)
        center = logs.mean()
        side = design.T @ (logs - center)
        found, _ = pursued(gram, side, float(((logs - center) ** 2).sum()), usable, n)
        spread = _fitted_spread(design, squares, np.append(center - _MEAN_LOG_SQUARE, found))
        if not found.any():
            break
        log_variance = np.clip(spread[0] + design @ spread[1:], -_LARGEST_LOG, _LARGEST_LOG)
        weights = np.exp(-log_variance)
        weights /= weights.mean()
        weighted = (design * weights[:, np.newaxis]).T @ design
    return mean, spread


def _weighted_mean(
    design: Array, gram: Array, target: Array, weights: Array, usable: NDArray[np.bool_]
) -> Array:
    """Intercept and coefficients; the weights have mean one."""
    center = float(np.mean(weights * target))
    rest = target - center
    side = design.T @ (weights * rest)
    chosen, _ = pursued(gram, side, float(weights @ rest**2), usable, len(target))
    used = np.flatnonzero(chosen)
    inner = np.column_stack([np.ones(len(target)), design[:, used]])
    root = np.sqrt(weights)
    solution = np.linalg.lstsq(inner * root[:, np.newaxis], target * root, rcond=None)[0]
    found = np.zeros(1 + len(gram))
    found[np.append(0, 1 + used)] = solution
    return found


def _fitted_spread(design: Array, squares: Array, start: Array) -> Array:
    """Likelihood steps from log-linear coefficients, on the same few regressors."""
    used = np.append(0, np.flatnonzero(start[1:]) + 1)
    inner = np.column_stack([np.ones(len(design)), design[:, used[1:] - 1]])
    information = inner.T @ inner + _RIDGE * len(design) * np.eye(len(used))
    found = start[used]
    for _ in range(_STEPS):
        ratio = squares / np.exp(np.clip(inner @ found, -_LARGEST_LOG, _LARGEST_LOG))
        step = inner.T @ np.clip(ratio - 1.0, -1.0, _LARGEST_EXCESS)
        found = found + np.linalg.solve(information, step)
    spread = np.zeros_like(start)
    spread[used] = found
    return spread
