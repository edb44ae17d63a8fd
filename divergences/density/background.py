"""A broad density over both samples: what is known where neither has points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace
from scipy.special import gammaln

from divergences.density.bandwidths import Bandwidth, triangular_factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples

DEGREES = 2.0


@dataclass(frozen=True, eq=False)
class Background:
    r"""Student's t density with two degrees of freedom, the moments those of (P + Q)/2.

    Parameters
    ----------
    center : ndarray of shape (d,)
        Mean of the two samples' means.
    scatter : Bandwidth
        Covariance of the equal mixture of both samples.
    """

    center: NDArray[np.float64]
    scatter: Bandwidth

    @classmethod
    def of(cls, p: Samples, q: Samples) -> Background:
        """Match the moments of two samples; neither one's size counts."""
        center = (p.mass @ p.points + q.mass @ q.points) / 2
        rows = [
            (sample.points - center) * np.sqrt(sample.mass / 2)[:, np.newaxis] for sample in (p, q)
        ]
        return cls(center, Bandwidth(triangular_factor(np.vstack(rows))))

    def log_density(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """ln of the density at points of shape (k, d)."""
        white = self.scatter.whiten(points - self.center)
        density: NDArray[np.float64] = log_student(
            (white**2).sum(axis=1), self.scatter.d, self.scatter.log_determinant
        )
        return density


def log_student(squared: Any, d: int, log_determinant: Any) -> Any:
    """ln of the t density at squared Mahalanobis distances, on arrays and tensors."""
    xp = array_namespace(squared)
    constant = gammaln((DEGREES + d) / 2) - gammaln(DEGREES / 2)
    constant -= d / 2 * math.log(DEGREES * math.pi)
    return float(constant) - log_determinant - (DEGREES + d) / 2 * xp.log1p(squared / DEGREES)
