"""Data at the door of a model of means and covariances: unweighted, regular, on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.density import find_subspace
from divergences.density.features import dense_samples
from divergences.measures import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class StandardScale:
    """The map of each feature to mean 0 and variance 1.

    Parameters
    ----------
    center, deviation : ndarray of shape (d,)
    """

    center: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, sample: Samples, what: str) -> StandardScale:
        """Find the scale, or raise an error that says why `what` cannot be fitted."""
        needed = sample.d + 1
        if sample.n < needed:
            raise ValueError(
                f"{what} of {sample.d} feature{'s' if sample.d > 1 else ''} needs at least "
                f"{needed} points, but X has {sample.n} sample{'s' if sample.n > 1 else ''}. "
                f"Collect more, or use fewer features."
            )
        subspace = find_subspace(sample.points, sample.columns)
        if not subspace.is_full:
            raise ValueError(
                f"{what} needs features that vary independently, but {subspace.words()}. Drop them."
            )
        return cls(sample.points.mean(axis=0), sample.points.std(axis=0))

    @property
    def log_determinant(self) -> float:
        """ln of the volume that the map takes to one."""
        return float(np.log(self.deviation).sum())

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map data of shape (k, d) to the standard scale."""
        return (points - self.center) / self.deviation

    def back(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points on the standard scale to the data's."""
        return self.center + points * self.deviation


def unweighted(X: Any, model: str) -> Samples:
    """Return the samples that X holds; weights are refused."""
    sample = dense_samples(X)
    if sample.weights is not None:
        raise ValueError(
            f"X must be unweighted for {model}. Repeat points, or use KernelDensity, which takes "
            f"weights."
        )
    return sample
