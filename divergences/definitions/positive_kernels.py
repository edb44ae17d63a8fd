"""Positive definite kernels, of which MMD takes any, and their sums."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Literal

from array_api_compat import array_namespace, is_torch_array

from divergences.checks import check_real

Bandwidth = float | Literal["median"]


class PositiveKernel(ABC):
    """A radial positive definite kernel k(x, y), a function of |x - y|².

    Laws: k(x, x) is the maximum; the matrix of any points is positive semidefinite (for the
    energy kernel: on weights that sum to zero). Kernels add with `+` and scale with `*`.

    Examples
    --------
    >>> import numpy as np
    >>> kernel = GaussianKernel(1.0) + 0.5 * LaplacianKernel(2.0)
    >>> kernel.of_squared_distance(np.array([0.0, 4.0])).round(4)
    array([1.5   , 0.3193])
    """

    @abstractmethod
    def of_squared_distance(self, squared: Any) -> Any:
        """Value of the kernel, elementwise on an array or tensor of |x - y|²."""

    @abstractmethod
    def at_scale(self, median: float) -> PositiveKernel:
        """Return the kernel with every "median" bandwidth replaced by `median`."""

    @property
    @abstractmethod
    def needs_scale(self) -> bool:
        """Whether some bandwidth waits for the median heuristic."""

    @property
    def unit_free(self) -> bool:
        """Whether every bandwidth does, so that the kernel is the same in any unit."""
        return self.needs_scale

    @property
    def parts(self) -> tuple[tuple[float, PositiveKernel], ...]:
        """Weights and kernels that it is a sum of: itself alone, unless it was added."""
        return ((1.0, self),)

    def __add__(self, other: PositiveKernel) -> SumKernel:
        if not isinstance(other, PositiveKernel):
            return NotImplemented
        return SumKernel((*self.parts, *other.parts))

    def __mul__(self, weight: float) -> SumKernel:
        check_real("weight", weight, above=0)
        return SumKernel(tuple((float(weight) * w, kernel) for w, kernel in self.parts))

    __rmul__ = __mul__


@dataclass(frozen=True)
class _OneBandwidth(PositiveKernel):
    bandwidth: Bandwidth = "median"

    def __post_init__(self) -> None:
        if not self.needs_scale:
            check_real("bandwidth", self.bandwidth, above=0, remedy='Or use "median".')

    def at_scale(self, median: float) -> PositiveKernel:
        """Fix the bandwidth."""
        return replace(self, bandwidth=median) if self.needs_scale else self

    @property
    def needs_scale(self) -> bool:
        """Whether the bandwidth is "median"."""
        return self.bandwidth == "median"

    @property
    def _fixed(self) -> float:
        if isinstance(self.bandwidth, str):
            raise ValueError(
                'bandwidth must be a number before the kernel is evaluated, but it is "median". '
                "Use kernel.at_scale(median)."
            )
        return self.bandwidth


@dataclass(frozen=True)
class GaussianKernel(_OneBandwidth):
    r"""k(x, y) = exp(-|x - y|²/(2 h²)).

    Parameters
    ----------
    bandwidth : float or "median"
        h, in data units; "median" is the median distance between points of the pooled sample.

    Raises
    ------
    TypeError, ValueError
        If `bandwidth` is neither "median" nor a number above 0.

    Examples
    --------
    >>> import numpy as np
    >>> GaussianKernel(2.0).of_squared_distance(np.array([0.0, 4.0])).round(4)
    array([1.    , 0.6065])
    """

    def of_squared_distance(self, squared: Any) -> Any:
        """k = exp(-s/(2 h²)), s = |x - y|²."""
        return array_namespace(squared).exp(squared * (-0.5 / self._fixed**2))


@dataclass(frozen=True)
class LaplacianKernel(_OneBandwidth):
    r"""k(x, y) = exp(-|x - y|/h).

    Parameters
    ----------
    bandwidth : float or "median"
        h, in data units; "median" is the median distance between points of the pooled sample.

    Raises
    ------
    TypeError, ValueError
        If `bandwidth` is neither "median" nor a number above 0.

    Examples
    --------
    >>> import numpy as np
    >>> LaplacianKernel(2.0).of_squared_distance(np.array([0.0, 4.0])).round(4)
    array([1.    , 0.3679])
    """

    def of_squared_distance(self, squared: Any) -> Any:
        """k = exp(-sqrt(s)/h), s = |x - y|²."""
        return array_namespace(squared).exp(-_distance(squared) / self._fixed)


@dataclass(frozen=True)
class RationalQuadraticKernel(_OneBandwidth):
    r"""k(x, y) = (1 + |x - y|²/(2 a h²))^(-a): a mixture of Gaussian kernels of all widths.

    Parameters
    ----------
    bandwidth : float or "median"
        h, in data units; "median" is the median distance between points of the pooled sample.
    alpha : float
        The power a, above 0; small values mix wider.

    Raises
    ------
    TypeError, ValueError
        If `bandwidth` is neither "median" nor a number above 0, or `alpha` no number above 0.

    Examples
    --------
    >>> import numpy as np
    >>> RationalQuadraticKernel(2.0).of_squared_distance(np.array([0.0, 4.0])).round(4)
    array([1.    , 0.6667])
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_real("alpha", self.alpha, above=0)

    def of_squared_distance(self, squared: Any) -> Any:
        """k = (1 + s/(2 a h²))^(-a), s = |x - y|²."""
        return (1 + squared * (0.5 / (self.alpha * self._fixed**2))) ** -self.alpha


@dataclass(frozen=True)
class EnergyKernel(PositiveKernel):
    r"""k(x, y) = -|x - y|: its squared MMD is the squared energy distance.

    It is conditionally positive definite, which is all that a difference of measures needs
    (Sejdinovic et al., 2013). It has no bandwidth.

    Examples
    --------
    >>> import numpy as np
    >>> EnergyKernel().of_squared_distance(np.array([1.0, 4.0]))
    array([-1., -2.])
    """

    def of_squared_distance(self, squared: Any) -> Any:
        """k = -sqrt(s), s = |x - y|²."""
        return -_distance(squared)

    def at_scale(self, median: float) -> PositiveKernel:
        """Nothing to fix."""
        return self

    @property
    def needs_scale(self) -> bool:
        """Never."""
        return False


@dataclass(frozen=True)
class SumKernel(PositiveKernel):
    r"""k(x, y) = sum of w_i k_i(x, y), made by adding kernels.

    Parameters
    ----------
    terms : tuple of (float, PositiveKernel)
        Weights and kernels.

    Examples
    --------
    >>> (GaussianKernel(1.0) + 0.5 * EnergyKernel()).terms
    ((1.0, GaussianKernel(bandwidth=1.0)), (0.5, EnergyKernel()))
    """

    terms: tuple[tuple[float, PositiveKernel], ...]

    @property
    def parts(self) -> tuple[tuple[float, PositiveKernel], ...]:
        """The terms."""
        return self.terms

    def of_squared_distance(self, squared: Any) -> Any:
        """Weighted sum of the parts' values."""
        return sum(weight * kernel.of_squared_distance(squared) for weight, kernel in self.terms)

    def at_scale(self, median: float) -> PositiveKernel:
        """Fix every part."""
        return SumKernel(tuple((weight, kernel.at_scale(median)) for weight, kernel in self.terms))

    @property
    def needs_scale(self) -> bool:
        """Whether any part does."""
        return any(kernel.needs_scale for _, kernel in self.terms)

    @property
    def unit_free(self) -> bool:
        """Whether all parts are."""
        return all(kernel.unit_free for _, kernel in self.terms)


def _distance(squared: Any) -> Any:
    xp = array_namespace(squared)
    if not is_torch_array(squared):
        return xp.sqrt(squared)
    # The root has no slope at zero; a point's distance to itself must not poison gradients.
    zero = squared <= 0
    return xp.where(zero, 0 * squared, xp.sqrt(xp.where(zero, xp.ones_like(squared), squared)))
