"""Which cluster a point is in, as features: shares that change, and slopes within each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from divergences.estimators.critics.feature_maps import FeatureMap, thinned
from divergences.estimators.critics.mixtures import ROWS_OF_MIXTURES, fit_mixture, least_bic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates
    from divergences.estimators.critics.critic_candidate import Training

    Array = NDArray[np.float64]

_COMPONENTS = (2, 3, 4, 6, 8, 12, 16, 24, 32)
_WORSE_IN_A_ROW = 2
_POINTS_OF_COMPONENT = 20
_VARIANCE_FLOOR = 1e-3
_FEWEST_VALUES = 6
_MOST_FEATURES_OF_OWN_SPREAD = 20


@dataclass(frozen=True, eq=False)
class Clusters:
    """Probability of each component of a Gaussian mixture, fitted to both samples as one.

    With slopes, the way from its mean too, which makes a critic that is linear within each
    cluster.
    """

    coordinates: Coordinates
    mixture: Any
    slopes: bool

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        line = self.coordinates.line(points)
        shares = self.mixture.predict_proba(line)
        if not self.slopes:
            return np.asarray(shares)
        ways = line[:, np.newaxis] - self.mixture.means_
        within = (shares[:, :, np.newaxis] * ways).reshape(len(points), -1)
        return np.hstack([shares, within])


def clusters(training: Training, *, slopes: bool = False) -> FeatureMap | None:
    """Clusters of both samples as one, as many as BIC asks for.

    None for slopes within them where half of the features have too few values to slope over.
    """
    if slopes and _has_few_values(training):
        return None
    raw = Clusters(training.coordinates, training.clusters, slopes)
    return FeatureMap.standardized(raw, training.points)


def _has_few_values(training: Training) -> bool:
    numbers = training.coordinates.numbers(thinned(training.points))
    return bool(np.median([len(np.unique(column)) for column in numbers.T]) < _FEWEST_VALUES)


def pooled_mixture(line: Array, seed: int) -> Any:
    """A Gaussian mixture with components along the axes; round ones, too, of many features.

    Parameters
    ----------
    line : ndarray of shape (n, d)
        Standardized points of both samples.
    seed : int

    Returns
    -------
    sklearn.mixture.GaussianMixture
    """
    rows = thinned(line, ROWS_OF_MIXTURES)
    most = max(_COMPONENTS[0], len(rows) // _POINTS_OF_COMPONENT)

    def best(shape: Literal["diag", "spherical"]) -> Any:
        tried = (
            fit_mixture(rows, count, seed, covariance=shape, floor=_VARIANCE_FLOOR)
            for count in _COMPONENTS
            if count <= most
        )
        return least_bic(tried, rows, _WORSE_IN_A_ROW)

    of_axes = best("diag")
    if line.shape[1] <= _MOST_FEATURES_OF_OWN_SPREAD:
        return of_axes
    return min(of_axes, best("spherical"), key=lambda mixture: mixture.bic(rows))
