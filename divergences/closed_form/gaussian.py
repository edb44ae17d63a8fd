"""Pairs of normals: whitened to N(0, I) and N(m, diag(v)), where every formula is a sum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace
from scipy.linalg import eigh, solve_triangular

from divergences.measures import families as f
from divergences.measures.multivariate import MultivariateNormal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_SAME = 1e-13


@dataclass(frozen=True, eq=False)
class WhitenedPair:
    """P = N(0, I) and Q = N(shift, diag(variance)), an invertible linear map of the pair given."""

    shift: Array
    variance: Array

    def kullback_leibler(self) -> float:
        """KL(P || Q)."""
        return float(white_kullback_leibler(self.shift, self.variance).sum())

    def log_power(self, alpha: float) -> float:
        """ln of the integral of p^alpha q^(1 - alpha)."""
        rest = 1 - alpha
        mixed = alpha + rest / self.variance
        if (mixed <= _SAME).any():
            return math.inf
        spread = rest * np.log(self.variance) + np.log(mixed)
        shift = alpha * rest * self.shift**2 / (self.variance * mixed)
        return float(-np.sum(spread + shift) / 2)

    def factors(self) -> list[tuple[f.Line, f.Line]]:
        """Independent pairs on the line that are sufficient for the density ratio.

        Directions in which the two agree drop out; those with P's variance join into one, along
        the shift; those of equal variance without shift join into their squared length, which
        is a gamma variable.
        """
        same = np.abs(self.variance - 1) < _SAME
        distance = float(np.linalg.norm(self.shift[same]))
        pairs: list[tuple[f.Line, f.Line]] = []
        if distance > 0:
            pairs.append((f.Normal(0.0, 1.0), f.Normal(distance, 1.0)))
        still = ~same & (np.abs(self.shift) < _SAME)
        for index in np.flatnonzero(~same & ~still):
            deviation = math.sqrt(self.variance[index])
            pairs.append((f.Normal(0.0, 1.0), f.Normal(float(self.shift[index]), deviation)))
        for variance, count in _groups(self.variance[still]):
            if count == 1:
                pairs.append((f.Normal(0.0, 1.0), f.Normal(0.0, math.sqrt(variance))))
            else:
                half = count / 2
                pairs.append((f.Gamma(half, 2.0), f.Gamma(half, 2.0 * variance)))
        return pairs


def white_kullback_leibler(shift: Any, variance: Any) -> Any:
    """KL(N(0, 1) || N(shift, variance)), elementwise, of arrays or tensors.

    Its sum over the last axis is that of N(0, I) and N(shift, diag(variance)).
    """
    excess = 1 / variance - 1
    # excess - ln(1 + excess) without cancellation where the variances nearly agree.
    spread = excess - array_namespace(excess).log1p(excess)
    return (spread + shift**2 / variance) / 2


def _groups(values: Array) -> list[tuple[float, int]]:
    groups: list[tuple[float, int]] = []
    for value in np.sort(values):
        if groups and abs(value - groups[-1][0]) < _SAME * value:
            groups[-1] = (groups[-1][0], groups[-1][1] + 1)
        else:
            groups.append((float(value), 1))
    return groups


def white_pair(p: f.Family, q: f.Family) -> WhitenedPair | None:
    """Whiten a pair of normals (or of log-normals with one origin); None for other pairs."""
    if isinstance(p, f.LogNormal) and isinstance(q, f.LogNormal) and p.loc == q.loc:
        p, q = f.Normal(p.mean, p.std), f.Normal(q.mean, q.std)
    first, second = moments(p), moments(q)
    if first is None or second is None:
        return None
    factor = np.linalg.cholesky(first[1])
    shift = solve_triangular(factor, second[0] - first[0], lower=True)
    half = solve_triangular(factor, np.linalg.cholesky(second[1]), lower=True)
    variance, directions = eigh(half @ half.T)
    return WhitenedPair(directions.T @ shift, variance)


def moments(family: f.Family) -> tuple[Array, Array] | None:
    """Mean and covariance of a normal."""
    if isinstance(family, f.Normal):
        return np.array([family.mean]), np.array([[family.std**2]])
    if isinstance(family, MultivariateNormal):
        return family.mean, family.covariance
    return None


def root(matrix: Array) -> Array:
    """Symmetric square root of a positive semidefinite matrix."""
    values, vectors = eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def squared_bures(first: Array, second: Array) -> float:
    """Squared W2 distance of two centered normals: tr(A + B - 2 (A^1/2 B A^1/2)^1/2)."""
    # As the squared distance of A^1/2 from the best rotation of B^1/2, which does not cancel.
    first_root, second_root = root(first), root(second)
    left, _, right = np.linalg.svd(second_root @ first_root)
    rotated = right.T @ left.T @ second_root
    return float(np.sum((first_root - rotated) ** 2))


def gaussian_entropic_cost(first: Any, second: Any, epsilon: float) -> float:
    """OT_eps of two normals for the cost |x - y|^2, entropy relative to the product measure.

    Janati, Muzellec, Peyré and Cuturi (2020), theorem 1, with epsilon = 2 sigma^2.
    """
    (mean_p, cov_p), (mean_q, cov_q) = first, second
    half = epsilon / 2
    a = root(cov_p)
    spectrum = np.sqrt(4 * eigh(a @ cov_q @ a, eigvals_only=True).clip(min=0) + half**2)
    cost = np.trace(cov_p) + np.trace(cov_q) - spectrum.sum()
    cost += len(mean_p) * half * (1 - math.log(epsilon)) + half * np.log(spectrum + half).sum()
    return float(np.sum((mean_p - mean_q) ** 2) + cost)
