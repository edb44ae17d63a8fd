"""A density as a mixture of kernels, one on each point."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.density.bandwidths import Bandwidth, BandwidthLike, resolve_bandwidth
from divergences.density.kernel_sums import log_kernel_sums
from divergences.density.kernels import SmoothingKernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.work import Run


@dataclass(frozen=True, eq=False)
class KernelMixture:
    r"""f(x) = sum over i of w_i K(L^-1 (x - x_i))/|det L|, a kernel density estimate.

    Parameters
    ----------
    white : ndarray of shape (n, d)
        L^-1 (x_i - origin).
    mass : ndarray of shape (n,)
        w_i, nonnegative with sum one.
    origin : ndarray of shape (d,)
        Mean of the points: differences are taken from it before L^-1 magnifies them.
    kernel : SmoothingKernel
        K.
    bandwidth : Bandwidth
        L.
    """

    white: NDArray[np.float64]
    mass: NDArray[np.float64]
    origin: NDArray[np.float64]
    kernel: SmoothingKernel
    bandwidth: Bandwidth

    @classmethod
    def fit(
        cls,
        points: NDArray[np.float64],
        mass: NDArray[np.float64],
        kernel: SmoothingKernel,
        bandwidth: BandwidthLike,
        columns: tuple[str, ...] | None = None,
    ) -> KernelMixture:
        """Choose the bandwidth and place the kernels.

        Parameters
        ----------
        points : ndarray of shape (n, d)
            The sample.
        mass : ndarray of shape (n,)
            Weights that sum to one.
        kernel : SmoothingKernel
            The kernel.
        bandwidth : Bandwidth, or any bandwidth setting
            As `resolve_bandwidth` takes it.
        columns : tuple of str, optional
            Names of the features for error messages.

        Returns
        -------
        KernelMixture
        """
        if not isinstance(bandwidth, Bandwidth):
            bandwidth = resolve_bandwidth(bandwidth, points, mass, kernel, columns)
        origin = mass @ points
        return cls(bandwidth.whiten(points - origin), mass, origin, kernel, bandwidth)

    @property
    def log_scale(self) -> float:
        """ln of what divides the sum of kernel profiles: c_d |det L|."""
        return self.kernel.log_normalizer(self.bandwidth.d) + self.bandwidth.log_determinant

    def log_density(
        self, points: NDArray[np.float64], run: Run | None = None
    ) -> NDArray[np.float64]:
        """ln f at points of shape (k, d); -inf where no kernel reaches."""
        white = self.bandwidth.whiten(points - self.origin)
        sums = log_kernel_sums(white, self.white, self._log_mass, self.kernel, run=run)
        return sums - self.log_scale

    def leave_one_out(self, run: Run | None = None) -> NDArray[np.float64]:
        """ln f_-i(x_i) of shape (n,): the density at each point from all the other ones."""
        if len(self.mass) < 2 or self.mass.max() >= 1:
            raise ValueError(
                "A leave-one-out density needs at least 2 points of positive weight, but there "
                "is 1."
            )
        sums = log_kernel_sums(
            self.white, self.white, self._log_mass, self.kernel, leave_out_self=True, run=run
        )
        return sums - np.log1p(-self.mass) - self.log_scale

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw n points of shape (n, d): a point by weight, moved by a draw from its kernel."""
        chosen = rng.choice(len(self.mass), size=n, p=self.mass)
        steps = self.kernel.sample(n, self.bandwidth.d, rng)
        return self.origin + (self.white[chosen] + steps) @ self.bandwidth.factor.T

    @property
    def _log_mass(self) -> NDArray[np.float64]:
        if np.ptp(self.mass) == 0:
            return np.full(len(self.mass), -math.log(len(self.mass)))
        with np.errstate(divide="ignore"):
            return np.log(self.mass)
