"""The directions along which each sample falls into independent parts, seen one by one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.critics.projections import Projection, waves_in_view
from divergences.estimators.ratios.labels import rows_by_weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates
    from divergences.estimators.critics.feature_maps import FeatureMap

    Array = NDArray[np.float64]

_STEPS, _TOLERANCE = 100, 1e-4
_SURELY = 4.0  # in standard errors
_FLATTEST = 1e-8


def independent_components(
    coordinates: Coordinates, points: Array, labels: NDArray[np.intp], weights: Array
) -> FeatureMap | None:
    """Smoothing splines along the independent components of P and of Q (Hyvärinen, 1999).

    None if neither sample has such directions: a normal one looks the same along all.
    """
    line = coordinates.line(points)
    sides = [labels == label for label in (1, 0)]
    directions = [_unmixed(line[side][rows_by_weight(weights[side])]) for side in sides]
    found = [columns for columns in directions if columns is not None]
    if not found:
        return None
    return waves_in_view(Projection(coordinates, np.hstack(found)), points)


def _unmixed(sample: Array) -> Array | None:
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    centered = sample - sample.mean(axis=0)
    variances, vectors = np.linalg.eigh(np.cov(centered.T))
    if variances[0] <= _FLATTEST * variances[-1]:
        return None
    whitener = vectors / np.sqrt(variances)
    white = centered @ whitener
    if _could_be_normal(white):
        return None
    with warnings.catch_warnings():
        # Held-out points judge the directions, settled or not.
        warnings.simplefilter("ignore", ConvergenceWarning)
        ica = FastICA(
            whiten=False, max_iter=_STEPS, tol=_TOLERANCE, w_init=np.eye(white.shape[1])
        ).fit(white)
    found = whitener @ ica.components_.T
    return np.asarray(found) if np.all(np.isfinite(found)) else None


def _could_be_normal(white: Array) -> bool:
    """Whether the radii are as long-tailed as those of a normal sample (Mardia, 1970)."""
    n, d = white.shape
    kurtosis = float(np.mean(np.sum(white**2, axis=1) ** 2))
    return bool(abs(kurtosis - d * (d + 2)) < _SURELY * np.sqrt(8 * d * (d + 2) / n))
