"""Cross-fitted critics of all labelings at once, from what the pooled points alone determine.

A linear smoother predicts each point's label as a weighted mean of the labels of the others,
with weights that do not depend on labels: near points, or a ridge regression's leave-one-out
formula. One matrix then holds the held-out critics of every permutation, which makes a test exact
and keeps it as cheap as a matrix product.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist

from divergences.definitions import RatioDivergence
from divergences.density.units import Standardization
from divergences.inference.permutation import Statistic

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS = 4_000
_WIDTHS = (1.0, 0.5, 0.25)
_FEW_NEIGHBORS = 5
_MOST_FEATURES_WITH_PRODUCTS = 15
_LARGEST_LOG_RATIO = 4.0


class Smoother(ABC):
    """Held-out log-ratios as a fixed function of the labels of the other points."""

    @abstractmethod
    def log_ratios(self, labels: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """ln(p/q) at each point from labels (N, b), of which `share` are P's, without its own."""


@dataclass(frozen=True, eq=False)
class NearbyShare(Smoother):
    """Share of P among the points nearby, with the mass of one further point at its mean.

    Parameters
    ----------
    weights : array or sparse array of shape (N, N)
        Nonnegative, with zeros on the diagonal.
    mass : ndarray of shape (N, 1)
        Sums of their rows.
    """

    weights: Any
    mass: NDArray[np.float64]

    @classmethod
    def of(cls, weights: Any) -> NearbyShare:
        """Sum the rows."""
        return cls(weights, np.asarray(weights.sum(axis=1), dtype=np.float64).reshape(-1, 1))

    def log_ratios(self, labels: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """Log-odds of the share, less those of the whole."""
        near = self.weights @ labels.astype(self.weights.dtype)
        return np.asarray(
            np.log(near / share + 1.0) - np.log((self.mass - near) / (1.0 - share) + 1.0)
        )


@dataclass(frozen=True, eq=False)
class RidgeRegression(Smoother):
    """Leave-one-out predictions of a ridge regression, turned to log-ratios to first order.

    Parameters
    ----------
    basis : ndarray of shape (N, r)
        Left singular vectors of the centered terms.
    shrunk : ndarray of shape (r, 1)
        Squared singular values over the same plus the penalty.
    leverage : ndarray of shape (N, 1)
        Weight of each point in its own prediction.
    """

    basis: NDArray[np.float64]
    shrunk: NDArray[np.float64]
    leverage: NDArray[np.float64]

    @classmethod
    def of(cls, terms: NDArray[np.float64]) -> RidgeRegression:
        """Standardize the terms; the penalty is their number, in points."""
        basis, singular, _ = np.linalg.svd(standardized(terms), full_matrices=False)
        shrunk = singular**2 / (singular**2 + terms.shape[1])
        leverage = basis**2 @ shrunk + 1 / len(terms)
        return cls(basis, shrunk[:, np.newaxis], leverage[:, np.newaxis])

    def log_ratios(self, labels: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """Predicted excess of the label over its mean, by the slope of the log-odds there."""
        excess = self.basis @ (self.shrunk * (self.basis.T @ labels))
        held_out = (excess - self.leverage * (labels - share)) / (1.0 - self.leverage)
        slope = share * (1.0 - share)
        return np.clip(held_out / slope, -_LARGEST_LOG_RATIO, _LARGEST_LOG_RATIO)


def critics_statistic(
    definition: RatioDivergence, points: NDArray[np.float64], share: float
) -> Statistic:
    """Held-out divergences by seven critics, which differ in the shapes that they see.

    Gaussian kernels at one, half and a quarter of the median distance, the nearest 5 and sqrt(N)
    neighbors, ridge regressions on linear and on quadratic terms.

    Parameters
    ----------
    definition : RatioDivergence
        Whose variational terms are averaged.
    points : ndarray of shape (N, d)
        Both samples, in an order that knows nothing of the labels.
    share : float
        Share of P's points.

    Returns
    -------
    Statistic
    """
    smoothers = _smoothers(points)

    def of_labels(labels: NDArray[np.float64]) -> NDArray[np.float64]:
        values = []
        for smoother in smoothers.values():
            ratios = smoother.log_ratios(labels, share).astype(np.float64)
            at_p = (labels * definition.critic_p(ratios)).mean(axis=0) / share
            at_q = ((1 - labels) * definition.critic_q(ratios)).mean(axis=0) / (1 - share)
            values.append(at_p + at_q)
        return np.array(values)

    return Statistic(of_labels, tuple(smoothers))


def _smoothers(points: NDArray[np.float64]) -> dict[str, Smoother]:
    features = standardized(points)
    distances = cdist(features, features)
    # Each point is at distance zero of itself, which shifts the median of many by next to nothing.
    median = float(np.median(distances[distances > 0])) if distances.any() else 1.0
    np.fill_diagonal(distances, np.inf)
    found: dict[str, Smoother] = {}
    for width in _WIDTHS:
        kernel = np.exp(-0.5 * (distances / (width * median)) ** 2).astype(np.float32)
        found[f"a kernel as wide as {width:g} times the median distance"] = NearbyShare.of(kernel)
    for count in dict.fromkeys((_FEW_NEIGHBORS, round(len(points) ** 0.5))):
        k = min(count, len(points) - 1)
        found[f"the nearest {k} neighbors"] = NearbyShare.of(_adjacency(distances, k))
    found["linear terms"] = RidgeRegression.of(features)
    found["quadratic terms"] = RidgeRegression.of(_quadratic(features))
    return found


def _adjacency(distances: NDArray[np.float64], k: int) -> csr_array:
    size = len(distances)
    nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
    starts = np.arange(0, size * k + 1, k)
    return csr_array((np.ones(size * k), nearest.ravel(), starts), shape=(size, size))


def _quadratic(features: NDArray[np.float64]) -> NDArray[np.float64]:
    terms = [features, features**2]
    d = features.shape[1]
    if d <= _MOST_FEATURES_WITH_PRODUCTS:
        first, second = np.triu_indices(d, k=1)
        terms.append(features[:, first] * features[:, second])
    return np.hstack(terms)


def standardized(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns of mean 0 and spread 1; those that are constant become 0."""
    mass = np.full(len(values), 1 / len(values))
    return Standardization.of(values, mass)(values)
