"""Smoothing kernels: radial densities on R^d, each normalized in every dimension.

A kernel is K(z) = k(|z|)/c_d with c_d = S_d M(d), where S_d = 2 pi^(d/2)/Gamma(d/2) is the
surface of the unit sphere and M(s) = integral of k(r) r^(s - 1) dr its radial moment. The
moments are all that normalization, variance and roughness need. The log profiles take numpy
arrays and torch tensors alike, with gradients that stay finite where the kernel ends.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from array_api_compat import array_namespace
from scipy.special import betaln, gammaln

from divergences.checks import check_choice

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SmoothingKernel(ABC):
    """A radial kernel K(z) = k(|z|)/c_d, a probability density on R^d for every d.

    Laws: K integrates to one in every dimension; draws have density K; k(0) = 1 is the maximum
    of the profile. A point's own scale is one: bandwidths stretch z.
    """

    name: ClassVar[str]
    """What users write as `kernel=`."""

    bounded: ClassVar[bool]
    """Whether the kernel is zero outside the unit ball."""

    @abstractmethod
    def log_profile(self, squared: Any) -> Any:
        """ln k(r), elementwise on an array or tensor of r² = |z|²; -inf where k is zero."""

    @abstractmethod
    def log_moment(self, order: float) -> float:
        """ln of the integral of k(r) r^(order - 1) over r > 0."""

    @abstractmethod
    def log_squared_moment(self, order: float) -> float:
        """ln of the integral of k(r)² r^(order - 1) over r > 0."""

    @abstractmethod
    def radii(self, n: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw n values of |z|, of density proportional to k(r) r^(d - 1)."""

    def log_normalizer(self, d: int) -> float:
        """ln c_d, the log integral of k(|z|) over R^d."""
        return _log_sphere(d) + self.log_moment(d)

    def variance(self, d: int) -> float:
        """Variance of each coordinate of z under K."""
        return math.exp(self.log_moment(d + 2) - self.log_moment(d)) / d

    def log_roughness(self, d: int) -> float:
        """ln of the integral of K² over R^d."""
        return _log_sphere(d) + self.log_squared_moment(d) - 2 * self.log_normalizer(d)

    def canonical_factor(self, d: int) -> float:
        """Bandwidth at which this kernel smooths as much as a Gaussian kernel of bandwidth 1.

        The ratio of canonical bandwidths, (R(K)/sigma⁴)^(1/(d + 4)) over that of the Gaussian,
        with roughness R and variance sigma²: both kernels then balance squared bias and
        variance alike (Marron and Nolan, 1988).
        """
        own, gaussian = (
            (kernel.log_roughness(d) - 2 * math.log(kernel.variance(d))) / (d + 4)
            for kernel in (self, Gaussian())
        )
        return math.exp(own - gaussian)

    def sample(self, n: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw n points of R^d from K."""
        directions = rng.standard_normal((n, d))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return self.radii(n, d, rng)[:, np.newaxis] * directions


@dataclass(frozen=True)
class Gaussian(SmoothingKernel):
    """k(r) = exp(-r²/2)."""

    name: ClassVar[str] = "gaussian"
    bounded: ClassVar[bool] = False

    def log_profile(self, squared: Any) -> Any:
        """-r²/2."""
        return -0.5 * squared

    def log_moment(self, order: float) -> float:
        """ln(2^(s/2 - 1) Gamma(s/2))."""
        return (order / 2 - 1) * math.log(2) + float(gammaln(order / 2))

    def log_squared_moment(self, order: float) -> float:
        """ln(Gamma(s/2)/2)."""
        return float(gammaln(order / 2)) - math.log(2)

    def radii(self, n: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """r² is chi-squared with d degrees of freedom."""
        return np.sqrt(rng.chisquare(d, n))


@dataclass(frozen=True)
class Epanechnikov(SmoothingKernel):
    """k(r) = max(0, 1 - r²), the kernel of least asymptotic squared error."""

    name: ClassVar[str] = "epanechnikov"
    bounded: ClassVar[bool] = True

    def log_profile(self, squared: Any) -> Any:
        """ln(1 - r²) inside the unit ball."""
        xp = array_namespace(squared)
        inside, safe = _inside(xp, squared)
        return _or_minus_infinity(xp, inside, xp.log1p(-safe))

    def log_moment(self, order: float) -> float:
        """ln(2/(s (s + 2)))."""
        return math.log(2) - math.log(order * (order + 2))

    def log_squared_moment(self, order: float) -> float:
        """ln(8/(s (s + 2) (s + 4)))."""
        return math.log(8) - math.log(order * (order + 2) * (order + 4))

    def radii(self, n: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """r² has the Beta(d/2, 2) law."""
        return np.sqrt(rng.beta(d / 2, 2, n))


@dataclass(frozen=True)
class Tophat(SmoothingKernel):
    """k(r) = 1 inside the unit ball."""

    name: ClassVar[str] = "tophat"
    bounded: ClassVar[bool] = True

    def log_profile(self, squared: Any) -> Any:
        """0 inside the unit ball."""
        xp = array_namespace(squared)
        inside, safe = _inside(xp, squared)
        return _or_minus_infinity(xp, inside, 0 * safe)

    def log_moment(self, order: float) -> float:
        """ln(1/s)."""
        return -math.log(order)

    def log_squared_moment(self, order: float) -> float:
        """ln(1/s)."""
        return -math.log(order)

    def radii(self, n: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """r^d is uniform."""
        return rng.random(n) ** (1 / d)


@dataclass(frozen=True)
class Exponential(SmoothingKernel):
    """k(r) = exp(-r)."""

    name: ClassVar[str] = "exponential"
    bounded: ClassVar[bool] = False

    def log_profile(self, squared: Any) -> Any:
        """-r."""
        return -_root(array_namespace(squared), squared)

    def log_moment(self, order: float) -> float:
        """ln Gamma(s)."""
        return float(gammaln(order))

    def log_squared_moment(self, order: float) -> float:
        """ln(Gamma(s)/2^s)."""
        return float(gammaln(order)) - order * math.log(2)

    def radii(self, n: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """r has the Gamma(d) law."""
        return rng.standard_gamma(d, n)


@dataclass(frozen=True)
class Linear(SmoothingKernel):
    """k(r) = max(0, 1 - r), the cone."""

    name: ClassVar[str] = "linear"
    bounded: ClassVar[bool] = True

    def log_profile(self, squared: Any) -> Any:
        """ln(1 - r) inside the unit ball."""
        xp = array_namespace(squared)
        inside, safe = _inside(xp, squared)
        return _or_minus_infinity(xp, inside, xp.log1p(-_root(xp, safe)))

    def log_moment(self, order: float) -> float:
        """ln(1/(s (s + 1)))."""
        return -math.log(order * (order + 1))

    def log_squared_moment(self, order: float) -> float:
        """ln(2/(s (s + 1) (s + 2)))."""
        return math.log(2) - math.log(order * (order + 1) * (order + 2))

    def radii(self, n: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """r has the Beta(d, 2) law."""
        return rng.beta(d, 2, n)


@dataclass(frozen=True)
class Cosine(SmoothingKernel):
    """k(r) = cos(pi r/2) inside the unit ball."""

    name: ClassVar[str] = "cosine"
    bounded: ClassVar[bool] = True

    def log_profile(self, squared: Any) -> Any:
        """ln cos(pi r/2) inside the unit ball."""
        xp = array_namespace(squared)
        inside, safe = _inside(xp, squared)
        return _or_minus_infinity(xp, inside, xp.log(xp.cos(math.pi / 2 * _root(xp, safe))))

    # The series in 1 - r has Beta integrals, and its terms fall so fast that no digits cancel
    # in any dimension, as they do in the recursion by parts.

    def log_moment(self, order: float) -> float:
        """ln of the sum over k of (-1)^k (pi/2)^(2k+1) B(s, 2k + 2)/(2k + 1)!."""
        terms = [(-1) ** k * _power_beta(math.pi / 2, 2 * k + 1, order) for k in range(20)]
        return math.log(math.fsum(terms)) + float(betaln(order, 2))

    def log_squared_moment(self, order: float) -> float:
        """ln of the sum over k >= 1 of (-1)^(k+1) pi^(2k) B(s, 2k + 1)/(2 (2k)!)."""
        terms = [(-1) ** (k + 1) * _power_beta(math.pi, 2 * k, order) / 2 for k in range(1, 20)]
        return math.log(math.fsum(terms)) + float(betaln(order, 2))

    def radii(self, n: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Epanechnikov radii, each kept with probability cos(pi r/2)/(1 - r²) >= pi/4."""
        kept = np.empty(0)
        while len(kept) < n:
            proposed = Epanechnikov().radii(2 * (n - len(kept)) + 8, d, rng)
            chance = np.cos(math.pi / 2 * proposed)
            accepted = rng.random(len(proposed)) * (1 - proposed**2) < chance
            kept = np.concatenate([kept, proposed[accepted]])
        return kept[:n]


KERNELS: dict[str, SmoothingKernel] = {
    kernel.name: kernel
    for kernel in (Gaussian(), Epanechnikov(), Tophat(), Exponential(), Linear(), Cosine())
}


def as_kernel(kernel: str | SmoothingKernel) -> SmoothingKernel:
    """Return the smoothing kernel that a name stands for.

    Parameters
    ----------
    kernel : str or SmoothingKernel
        "gaussian", "epanechnikov", "tophat", "exponential", "linear", "cosine", or an object.

    Returns
    -------
    SmoothingKernel

    Raises
    ------
    ValueError
        If there is no kernel of that name.

    Examples
    --------
    >>> as_kernel("epanechnikov")
    Epanechnikov()
    >>> float(round(as_kernel("epanechnikov").log_normalizer(1), 6))  # the integral is 4/3
    0.287682
    """
    if isinstance(kernel, SmoothingKernel):
        return kernel
    return KERNELS[check_choice("kernel", kernel, KERNELS)]


def _log_sphere(d: int) -> float:
    return math.log(2) + d / 2 * math.log(math.pi) - float(gammaln(d / 2))


def _inside(xp: Any, squared: Any) -> tuple[Any, Any]:
    inside = squared < 1
    return inside, xp.where(inside, squared, xp.zeros_like(squared))


def _or_minus_infinity(xp: Any, inside: Any, value: Any) -> Any:
    return xp.where(inside, value, xp.full_like(value, -math.inf))


def _root(xp: Any, squared: Any) -> Any:
    # The root has no slope at zero; a point's distance to itself must not poison gradients.
    zero = squared <= 0
    return xp.where(zero, 0 * squared, xp.sqrt(xp.where(zero, xp.ones_like(squared), squared)))


def _power_beta(base: float, power: int, order: float) -> float:
    # base^power B(order, power + 1)/power!, over B(order, 2) so that it does not underflow.
    log_term = power * math.log(base) + betaln(order, power + 1) - gammaln(power + 1)
    return math.exp(log_term - betaln(order, 2))
