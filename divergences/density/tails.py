"""Columns of heavy tails, drawn in by an invertible map that no f-divergence minds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device

from divergences.density.units import NORMAL_QUARTILES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BEYOND_NORMAL = 3.0
_SMALL = 1e-4


@dataclass(frozen=True, eq=False)
class TailMap:
    r"""sign(z) sqrt(ln(1 + 4 z²))/2, z = (x - median)/scale, in columns of heavy tails.

    It is z near the median, and takes tails of any power to those of a normal, which one
    bandwidth fits. It is invertible, so that the ratio of two densities at the image of a point is
    that at the point. The other columns stay as they are.

    Parameters
    ----------
    heavy : ndarray of bool, shape (d,)
    center, scale : ndarray of shape (d,)
        Medians and normalized quartile ranges of both samples as one.
    """

    heavy: NDArray[np.bool_]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, p: NDArray[np.float64], q: NDArray[np.float64]) -> TailMap | None:
        """The map for points of two samples, or None where no column has heavy tails.

        Tails are heavy where the standard deviation of either sample is three times as large as
        its quartiles would be those of a normal.
        """
        pooled = np.concatenate([p, q])
        scale = _quartile_range(pooled)
        heavy = np.zeros(len(scale), dtype=bool)
        with np.errstate(over="ignore"):
            for points in (p, q):
                heavy |= points.std(axis=0) > _BEYOND_NORMAL * _quartile_range(points)
        # Where half the points are one value there is no scale to draw tails in by.
        heavy &= np.minimum.reduce([scale, _quartile_range(p), _quartile_range(q)]) > 0
        return cls(heavy, np.median(pooled, axis=0), scale) if heavy.any() else None

    def __call__(self, points: Any) -> Any:
        """Map (k, d) points, an array or a tensor."""
        xp = array_namespace(points)
        center, scale, heavy = (
            xp.asarray(values, device=device(points))
            for values in (self.center, np.where(self.heavy, self.scale, 1.0), self.heavy)
        )
        z = (points - center) / scale
        # The root has no slope at zero, where tensors would have a gradient of 0/0.
        small = xp.abs(z) < _SMALL
        near, far = xp.where(small, z, xp.zeros_like(z)), xp.where(small, xp.ones_like(z), z)
        # 1 + 2 sinh² is the root of 1 + 4 z², and overflows for no z.
        logarithm = xp.log1p(2 * xp.sinh(xp.asinh(2 * far) / 2) ** 2)
        drawn_in = xp.where(small, near - near**3, xp.sign(far) * xp.sqrt(logarithm / 2))
        return xp.where(heavy, drawn_in, points)


def _quartile_range(points: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.quantile(points, [0.25, 0.75], axis=0)
    return np.asarray((high - low) / NORMAL_QUARTILES)
