"""Transport along maps that are known to be optimal: shifts, similarities, linear maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples

_POINTS_PER_FEATURE = 4  # fewer leave a covariance matrix that is mostly noise
_NO_SCALING = 1e-6  # nearer to one, the fixed point is too far away to compute with


@dataclass(frozen=True, eq=False)
class AffineMap:
    """The map c + u to c + shift + A u, which is optimal for |x - y|^r.

    A is a positive number for any order, since moving along rays is then optimal; for r = 2 it
    may be any symmetric positive definite matrix (Brenier). `dual` is the pair of potentials that
    proves it: f(x) + g(y) <= |x - y|^r everywhere, with equality along the map. So its mean over
    any two samples that it was not fitted on is, on average, at most W_r^r.

    Parameters
    ----------
    center, shift : ndarray of shape (d,)
        The letters of the formula.
    factor : float or ndarray of shape (d, d)
        The letter A.
    order : float
        Power of the cost.
    """

    center: NDArray[np.float64]
    shift: NDArray[np.float64]
    factor: float | NDArray[np.float64]
    order: float

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move (k, d) points."""
        return self.center + self.shift + _times(points - self.center, self.factor)

    def cost(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """|x - T x|^r of (k, d) points."""
        moves = np.square(self(points) - points).sum(axis=1)
        return np.asarray(moves ** (self.order / 2))

    def dual(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Potentials f at (n, d) points of P and g at (m, d) points of Q."""
        u, w = x - self.center, y - self.center - self.shift
        if self.order == 2:
            return self._quadratic(u, w)
        assert isinstance(self.factor, float)
        if abs(self.factor - 1.0) < _NO_SCALING:
            return self._linear(u, w)
        return self._radial(u, w + self.shift, self.factor)

    def _quadratic(
        self, u: NDArray[np.float64], w: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        back = _inverse(self.factor)
        f = (u * (u - _times(u, self.factor) - 2 * self.shift)).sum(axis=1)
        g = (w * (w - _times(w, back) + 2 * self.shift)).sum(axis=1)
        return f, g + self.shift @ self.shift

    def _linear(
        self, u: NDArray[np.float64], w: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        length = float(np.linalg.norm(self.shift))
        if length == 0.0:
            return np.zeros(len(u)), np.zeros(len(w))
        slope = self.order * length ** (self.order - 1) * self.shift / length
        return -u @ slope, w @ slope + length**self.order

    def _radial(
        self, u: NDArray[np.float64], w: NDArray[np.float64], factor: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        fixed = self.shift / (1.0 - factor)
        near, far = (np.square(points - fixed).sum(axis=1) ** (self.order / 2) for points in (u, w))
        strength = float(np.sign(1.0 - factor)) * abs(1.0 - factor) ** (self.order - 1)
        return strength * near, -strength * factor ** (1 - self.order) * far


def _times(points: NDArray[np.float64], factor: float | NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = points * factor if isinstance(factor, float) else points @ factor
    return product


def _inverse(factor: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
    return 1.0 / factor if isinstance(factor, float) else np.asarray(np.linalg.inv(factor))


def fit_affine_maps(p: Samples, q: Samples, order: float) -> tuple[AffineMap, AffineMap]:
    """Map each sample to the other's mean and spread; for r = 2 to its covariances.

    The shift and, for orders other than 2, the scaling are drawn toward none by the noise that
    they carry, so that two samples of one measure are hardly moved at all.

    Parameters
    ----------
    p, q : Samples
        The two samples.
    order : float
        Power of the cost.

    Returns
    -------
    (AffineMap, AffineMap)
        From P toward Q, and back.
    """
    center_p, center_q = _center(p), _center(q)
    there = _without_noise(center_q - center_p, _noise(p) + _noise(q))
    factor, back = _factors(p, q, order)
    return AffineMap(center_p, there, factor, order), AffineMap(center_q, -there, back, order)


def _center(sample: Samples) -> NDArray[np.float64]:
    # From the first point, so that a common offset costs no digits.
    first = sample.points[0]
    return np.asarray(first + sample.mass @ (sample.points - first))


def _noise(sample: Samples) -> float:
    return sum(sample.variance_of_mean(feature) for feature in sample.points.T)


def _without_noise(shift: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    square = float(shift @ shift)
    return shift * np.sqrt(max(0.0, 1.0 - noise / square)) if square > 0 else shift


def _factors(
    p: Samples, q: Samples, order: float
) -> tuple[float | NDArray[np.float64], float | NDArray[np.float64]]:
    squares = [_squared_distances(sample) for sample in (p, q)]
    spreads = [sample.mean(values) for sample, values in zip((p, q), squares, strict=True)]
    if min(spreads) == 0.0:
        return 1.0, 1.0
    points = min(p.effective_size, q.effective_size)
    if order == 2 and points > _POINTS_PER_FEATURE * p.d > _POINTS_PER_FEATURE:
        there = _brenier(_covariance(p), _covariance(q))
        return there, _inverse(there)
    log_ratio = np.log(spreads[1] / spreads[0]) / 2
    noise = sum(
        sample.variance_of_mean(values / (2 * spread))
        for sample, values, spread in zip((p, q), squares, spreads, strict=True)
    )
    shrunk = log_ratio * max(0.0, 1.0 - noise / log_ratio**2) if log_ratio != 0 else 0.0
    factor = float(np.exp(shrunk))
    return factor, _inverse(factor)


def _squared_distances(sample: Samples) -> NDArray[np.float64]:
    return np.asarray(np.square(sample.points - _center(sample)).sum(axis=1))


def _covariance(sample: Samples) -> NDArray[np.float64]:
    centered = sample.points - _center(sample)
    raw = centered.T @ (centered * sample.mass[:, None])
    share = sample.d / (sample.effective_size + sample.d)
    round_part = np.trace(raw) / sample.d * np.eye(sample.d)
    return np.asarray((1 - share) * raw + share * round_part)


def _brenier(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric positive A with A source A = target."""
    root = _matrix_root(source)
    inverse = np.linalg.inv(root)
    found = inverse @ _matrix_root(root @ target @ root) @ inverse
    return np.asarray((found + found.T) / 2)


def _matrix_root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
