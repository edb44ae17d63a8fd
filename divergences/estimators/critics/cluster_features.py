"""Which cluster a point is in, as features: shares that change, and slopes within each."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.estimators.critics.feature_maps import FeatureMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.critic_candidate import Training
    from divergences.estimators.critics.feature_maps import Coordinates

    Array = NDArray[np.float64]

_COMPONENTS = (2, 3, 4, 6, 8, 12, 16, 24, 32)
_WORSE_IN_A_ROW = 2
_POINTS_OF_COMPONENT = 20
_ROWS_OF_MIXTURE = 10_000
_VARIANCE_FLOOR = 1e-3
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


def clusters(training: Training, *, slopes: bool = False) -> FeatureMap:
    """Clusters of both samples as one, as many as BIC asks for."""
    raw = Clusters(training.coordinates, training.clusters, slopes)
    return FeatureMap.standardized(raw, training.points)


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
    rows = line[:: -(-len(line) // _ROWS_OF_MIXTURE)]
    shapes = ("diag", "spherical") if line.shape[1] > _MOST_FEATURES_OF_OWN_SPREAD else ("diag",)
    found = [_of_shape(rows, shape, seed) for shape in shapes]
    return min(found, key=lambda each: each[0])[1]


def _of_shape(rows: Array, shape: str, seed: int) -> tuple[float, Any]:
    """The mixture of the number of components with the lowest BIC, after that BIC."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    best, chosen, worse = np.inf, None, 0
    for count in _COMPONENTS:
        if chosen is not None and _POINTS_OF_COMPONENT * count > len(rows):
            break
        with warnings.catch_warnings():
            # Whether it has settled is of no account: held-out points judge what comes of it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture = GaussianMixture(
                count, covariance_type=shape, reg_covar=_VARIANCE_FLOOR, random_state=seed
            ).fit(rows)
        criterion = float(mixture.bic(rows))
        worse = 0 if criterion < best else worse + 1
        if criterion < best:
            best, chosen = criterion, mixture
        if worse == _WORSE_IN_A_ROW:
            break
    return best, chosen
