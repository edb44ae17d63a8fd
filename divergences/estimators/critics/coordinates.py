"""Views of the numeric columns of points: standardized, by their ranks, and whitened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import ndtri

from divergences.density.units import NORMAL_QUARTILES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_FAR = 6.0
# The squares of its cube are still numbers of some digits.
_FARTHEST = 1e4
_KNOTS = 400
_JITTER = 1e-6
_SMALLEST_UNIT = 1e-100


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Two views of the numeric columns of points: standardized, and by their ranks.

    Parameters
    ----------
    columns : ndarray of shape (d,) or slice
        Which columns are numeric.
    center, scale : ndarray of shape (d,)
        Medians and quartile ranges, so that tails and far points do not set the scale.
    knots, ranks : tuple of ndarray
        Some values of each feature and the share of points below them.
    mean : ndarray of shape (d,)
        Of the standardized points.
    whitener : ndarray of shape (d, d)
        Lower Cholesky factor of their covariance.
    """

    columns: NDArray[np.intp] | slice
    center: Array
    scale: Array
    knots: tuple[Array, ...]
    ranks: tuple[Array, ...]
    mean: Array
    whitener: Array

    @classmethod
    def of(cls, points: Array, columns: NDArray[np.intp] | None = None) -> Coordinates:
        """Find the views from points of both samples."""
        chosen = slice(None) if columns is None else columns
        points = points[:, chosen]
        if points.shape[1] == 0:
            none = np.empty(0)
            return cls(chosen, none, none, (), (), none, np.empty((0, 0)))
        center = np.median(points, axis=0)
        low, high = np.quantile(points, [0.25, 0.75], axis=0)
        largest = np.maximum(np.abs(points).max(axis=0), np.finfo(float).tiny)
        # The square of a large number may be none.
        spread = largest * (points / largest).std(axis=0)
        scale = np.where(high > low, (high - low) / NORMAL_QUARTILES, spread)
        scale = np.where(scale > 0, scale, 1.0)
        tables = [rank_table(column) for column in points.T]
        knots, ranks = (tuple(side) for side in zip(*tables, strict=True))
        line = _shortened((points - center) / scale)
        covariance = _structured(np.atleast_2d(np.cov(line.T)), scale, len(line))
        whitener = np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
        return cls(chosen, center, scale, knots, ranks, line.mean(axis=0), whitener)

    @property
    def d(self) -> int:
        """Number of numeric columns."""
        return len(self.center)

    @property
    def correlated(self) -> bool:
        """Whether whitening does more than scale the features."""
        return bool(np.tril(self.whitener, -1).any())

    def numbers(self, points: Array) -> Array:
        """The numeric columns of points."""
        return points[:, self.columns]

    def line(self, points: Array) -> Array:
        """Standardized points; beyond six units the distance counts by its logarithm."""
        return _shortened((self.numbers(points) - self.center) / self.scale)

    def scaled(self, points: Array) -> Array:
        """Standardized points with far ones where they are: what is exact on them stays so."""
        with np.errstate(over="ignore"):
            scaled = (self.numbers(points) - self.center) / self.scale
        return np.asarray(np.clip(scaled, -_FARTHEST, _FARTHEST))

    def shares(self, points: Array) -> Array:
        """Share of points below, feature by feature."""
        columns = [
            np.interp(column, knots, ranks)
            for column, knots, ranks in zip(
                self.numbers(points).T, self.knots, self.ranks, strict=True
            )
        ]
        return np.array(columns).reshape(self.d, len(points)).T

    def scores(self, points: Array) -> Array:
        """Normal scores: the quantile of the standard normal at the share."""
        return np.asarray(ndtri(self.shares(points)))

    def white(self, points: Array) -> Array:
        """Standardized points without correlation."""
        return np.asarray(
            solve_triangular(self.whitener, (self.line(points) - self.mean).T, lower=True).T
        )


def _shortened(line: Array) -> Array:
    far = np.abs(line)
    beyond = _FAR + np.log1p(np.maximum(far - _FAR, 0))
    return np.asarray(np.sign(line) * np.where(far < _FAR, far, beyond))


def _structured(covariance: Array, scale: Array, n: int) -> Array:
    """Covariance with one variance in the data's units, one for each feature, or in full, by BIC.

    The fewer numbers are estimated, the sharper edges stay that lie at one radius.
    """
    d = len(covariance)
    variances = np.diag(covariance)
    units = np.maximum(scale / scale.max(), _SMALLEST_UNIT)
    candidates = [(1, np.diag(np.mean(variances * units**2) / units**2)), (d, np.diag(variances))]
    candidates.append((d * (d + 1) // 2, covariance))
    best, chosen = np.inf, covariance
    for parameters, candidate in candidates:
        regular = candidate + _JITTER * np.eye(d)
        fit = np.linalg.slogdet(regular)[1] + np.trace(np.linalg.solve(regular, covariance))
        criterion = n * fit + parameters * np.log(n)
        if criterion < best:
            best, chosen = criterion, regular
    return chosen


def rank_table(column: Array) -> tuple[Array, Array]:
    """Some of the values, and the share of points below each."""
    values, counts = np.unique(column, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2) / len(column)
    if len(values) > _KNOTS:
        kept = np.unique(np.linspace(0, len(values) - 1, _KNOTS).astype(np.intp))
        values, ranks = values[kept], ranks[kept]
    return values, ranks
