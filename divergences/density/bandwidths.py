"""How wide the kernels are: rules, the user's own numbers, and the one form all resolve to."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.linalg import solve_triangular

from divergences.checks import check_real
from divergences.density.cross_validation import likelihood_scale
from divergences.density.kernels import Gaussian, SmoothingKernel
from divergences.density.sheather_jones import improved_sheather_jones
from divergences.density.subspace import find_subspace

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Bandwidth:
    r"""A bandwidth matrix H = L L^T: the kernel at c is K(L^-1 (x - c))/|det L|.

    Parameters
    ----------
    factor : ndarray of shape (d, d)
        L, lower triangular with a positive diagonal.
    """

    factor: NDArray[np.float64]

    @property
    def d(self) -> int:
        """Number of features."""
        return len(self.factor)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """H, in squared data units."""
        return self.factor @ self.factor.T

    @property
    def log_determinant(self) -> float:
        """ln |det L|."""
        return float(np.log(np.diagonal(self.factor)).sum())

    def whiten(self, differences: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows z = L^-1 x, on which the kernel is radial with bandwidth one."""
        return np.ascontiguousarray(solve_triangular(self.factor, differences.T, lower=True).T)

    def scaled(self, scale: float) -> Bandwidth:
        """Return the bandwidth with L multiplied by a number."""
        return Bandwidth(scale * self.factor)


class BandwidthRule(ABC):
    """A way to choose the bandwidth from the data.

    Laws: rules for the full covariance follow every invertible affine map of the data; the
    order of the points does not matter; integer weights count as repeated points where the
    rule depends on the effective size alone.
    """

    name: ClassVar[str]
    """What users write as `bandwidth=`."""

    @abstractmethod
    def choose(
        self,
        points: NDArray[np.float64],
        mass: NDArray[np.float64],
        kernel: SmoothingKernel,
        columns: tuple[str, ...] | None = None,
    ) -> Bandwidth:
        """Bandwidth for points of shape (n, d) with weights `mass` that sum to one."""


@dataclass(frozen=True)
class CovarianceFactor(BandwidthRule):
    r"""H = (factor · c)² times the sample covariance, as a number in `scipy.stats.gaussian_kde`.

    c is one for the Gaussian kernel, and the ratio of canonical bandwidths for any other, so
    that a factor means the same amount of smoothing whatever the kernel.

    Parameters
    ----------
    factor : float
        Above 0.

    References
    ----------
    Marron and Nolan (1988).
    """

    factor: float
    name: ClassVar[str] = "covariance factor"

    def __post_init__(self) -> None:
        check_real("factor", self.factor, above=0)

    def choose(
        self,
        points: NDArray[np.float64],
        mass: NDArray[np.float64],
        kernel: SmoothingKernel,
        columns: tuple[str, ...] | None = None,
    ) -> Bandwidth:
        """Scale the covariance."""
        width = self.factor * kernel.canonical_factor(points.shape[1])
        return _covariance_bandwidth(points, mass, columns).scaled(width)


@dataclass(frozen=True)
class Scott(BandwidthRule):
    r"""Scott's rule: factor n^(-1/(d + 4)), n the effective number of points.

    References
    ----------
    Scott (1992).
    """

    name: ClassVar[str] = "scott"

    def choose(
        self,
        points: NDArray[np.float64],
        mass: NDArray[np.float64],
        kernel: SmoothingKernel,
        columns: tuple[str, ...] | None = None,
    ) -> Bandwidth:
        """Scale the covariance."""
        factor = effective_size(mass) ** (-1 / (points.shape[1] + 4))
        return CovarianceFactor(factor).choose(points, mass, kernel, columns)


@dataclass(frozen=True)
class Silverman(BandwidthRule):
    r"""Silverman's rule: factor (n (d + 2)/4)^(-1/(d + 4)), n the effective number of points.

    It has the least asymptotic squared error where the density is normal.

    References
    ----------
    Silverman (1986).
    """

    name: ClassVar[str] = "silverman"

    def choose(
        self,
        points: NDArray[np.float64],
        mass: NDArray[np.float64],
        kernel: SmoothingKernel,
        columns: tuple[str, ...] | None = None,
    ) -> Bandwidth:
        """Scale the covariance."""
        d = points.shape[1]
        factor = (effective_size(mass) * (d + 2) / 4) ** (-1 / (d + 4))
        return CovarianceFactor(factor).choose(points, mass, kernel, columns)


@dataclass(frozen=True)
class ImprovedSheatherJones(BandwidthRule):
    r"""The improved Sheather–Jones rule, for one feature; it assumes no shape.

    Good for several modes, where the rules that assume a normal density smooth too much.

    References
    ----------
    Botev, Grotowski and Kroese (2010).
    """

    name: ClassVar[str] = "improved_sheather_jones"

    def choose(
        self,
        points: NDArray[np.float64],
        mass: NDArray[np.float64],
        kernel: SmoothingKernel,
        columns: tuple[str, ...] | None = None,
    ) -> Bandwidth:
        """Solve the fixed point."""
        if points.shape[1] != 1:
            raise ValueError(
                f'bandwidth="improved_sheather_jones" is for one feature, but the data have '
                f'{points.shape[1]}. Use "scott", "silverman" or "likelihood".'
            )
        width = improved_sheather_jones(points[:, 0], mass) * kernel.canonical_factor(1)
        return Bandwidth(np.array([[width]]))


@dataclass(frozen=True)
class LikelihoodCrossValidation(BandwidthRule):
    r"""H = h² times the sample covariance, h of the greatest leave-one-out likelihood.

    The mean of ln f_-i(x_i) estimates the negative Kullback–Leibler loss of the density, up to
    a constant. It costs some twenty sums over all pairs of points. Fails on heavy tails with a
    bounded kernel (every point must be in reach of another one), and on repeated values, which
    reward a bandwidth of zero.

    References
    ----------
    Habbema, Hermans and van den Broek (1974); Duin (1976).
    """

    name: ClassVar[str] = "likelihood"

    def choose(
        self,
        points: NDArray[np.float64],
        mass: NDArray[np.float64],
        kernel: SmoothingKernel,
        columns: tuple[str, ...] | None = None,
    ) -> Bandwidth:
        """Search the likelihood."""
        base = Silverman().choose(points, mass, kernel, columns)
        white = base.whiten(points - mass @ points)
        return base.scaled(likelihood_scale(white, mass, kernel))


RULES: dict[str, BandwidthRule] = {
    rule.name: rule
    for rule in (Scott(), Silverman(), ImprovedSheatherJones(), LikelihoodCrossValidation())
}

BandwidthLike = Any


def as_bandwidth_setting(bandwidth: BandwidthLike) -> Any:
    """Return a setting that compares and hashes: a rule, a number, or nested tuples of numbers.

    Parameters
    ----------
    bandwidth : str, float, array-like of shape (d,) or (d, d), or BandwidthRule
        A rule's name, one bandwidth for all axes, one for each axis, or a covariance matrix.

    Returns
    -------
    BandwidthRule, float, or tuple

    Raises
    ------
    TypeError, ValueError
        If it is none of these.

    Examples
    --------
    >>> as_bandwidth_setting("scott"), as_bandwidth_setting([0.1, 2])
    (Scott(), (0.1, 2.0))
    """
    if isinstance(bandwidth, BandwidthRule):
        return bandwidth
    if isinstance(bandwidth, str):
        if bandwidth not in RULES:
            raise ValueError(f"{_WANTED}, not {bandwidth!r}.")
        return RULES[bandwidth]
    if isinstance(bandwidth, numbers.Real | np.number | bool):
        return check_real("bandwidth", bandwidth, above=0)
    try:
        array = np.asarray(bandwidth, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{_WANTED}, not {bandwidth!r}.") from error
    if array.ndim == 0 or array.ndim > 2 or array.dtype.kind != "f" or bandwidth is None:
        raise TypeError(f"{_WANTED}, not {bandwidth!r}.")
    return _checked_axes(array) if array.ndim == 1 else _checked_matrix(array)


def resolve_bandwidth(
    bandwidth: BandwidthLike,
    points: NDArray[np.float64],
    mass: NDArray[np.float64],
    kernel: SmoothingKernel | None = None,
    columns: tuple[str, ...] | None = None,
) -> Bandwidth:
    """Turn any setting into the bandwidth for these points.

    Parameters
    ----------
    bandwidth : str, float, array-like of shape (d,) or (d, d), or BandwidthRule
        Numbers are in data units: a scalar h is H = h² I, one number per axis the root of H's
        diagonal, a matrix H itself.
    points : ndarray of shape (n, d)
        The sample.
    mass : ndarray of shape (n,)
        Weights that sum to one.
    kernel : SmoothingKernel, optional
        The kernel that the rules choose for; Gaussian by default.
    columns : tuple of str, optional
        Names of the features for error messages.

    Returns
    -------
    Bandwidth

    Raises
    ------
    ValueError
        If the numbers do not fit the number of features, or if a rule cannot choose: the
        columns that are constant or collinear are named.
    """
    setting = as_bandwidth_setting(bandwidth)
    d = points.shape[1]
    if isinstance(setting, BandwidthRule):
        return setting.choose(points, mass, kernel or Gaussian(), columns)
    if isinstance(setting, float):
        return Bandwidth(setting * np.eye(d))
    values = np.array(setting)
    if len(values) != d:
        kind = "one number" if values.ndim == 1 else "one row and column"
        raise ValueError(
            f"bandwidth must have {kind} for each of the {d} features, but it has {len(values)}."
        )
    return Bandwidth(np.diag(values) if values.ndim == 1 else np.linalg.cholesky(values))


def effective_size(mass: NDArray[np.float64]) -> float:
    """Kish's effective number of points for weights that sum to one."""
    return float(1.0 / np.sum(mass**2))


def triangular_factor(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower triangular L with a positive diagonal such that L L^T = rows^T rows.

    It is read from the rows themselves, which does not square their condition number.
    """
    upper = np.linalg.qr(rows, mode="r")
    return np.ascontiguousarray((upper * np.sign(np.diagonal(upper))[:, np.newaxis]).T)


def covariance_factor(
    points: NDArray[np.float64], mass: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Lower triangular L such that L L^T is the sample covariance, unbiased for equal weights."""
    centered = (points - mass @ points) * np.sqrt(mass / (1 - np.sum(mass**2)))[:, np.newaxis]
    return triangular_factor(centered)


_WANTED = (
    "bandwidth must be one of "
    + ", ".join(map(repr, RULES))
    + ", a number above 0, one number for each feature, or a covariance matrix"
)


def _checked_axes(array: NDArray[np.float64]) -> tuple[float, ...]:
    if not (np.isfinite(array).all() and (array > 0).all()):
        raise ValueError(f"bandwidth must be above 0 on each axis, not {array.tolist()}.")
    return tuple(array.tolist())


def _checked_matrix(array: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    square = array.shape[0] == array.shape[1]
    if not square or not np.isfinite(array).all() or not np.allclose(array, array.T):
        raise ValueError(
            f"bandwidth must be a symmetric matrix of shape (n_features, n_features), not an "
            f"array of shape {array.shape}."
            if not square
            else "bandwidth must be a finite and symmetric matrix."
        )
    if np.linalg.eigvalsh(array).min() <= 0:
        raise ValueError(
            f"bandwidth must be a positive definite matrix, but its least eigenvalue is "
            f"{np.linalg.eigvalsh(array).min():.3g}."
        )
    return tuple(map(tuple, array.tolist()))


def _covariance_bandwidth(
    points: NDArray[np.float64], mass: NDArray[np.float64], columns: tuple[str, ...] | None
) -> Bandwidth:
    used = mass > 0
    n, d = int(used.sum()), points.shape[1]
    if n <= d:
        raise ValueError(
            f"A bandwidth from the covariance of {d} feature{'s' if d > 1 else ''} needs at "
            f"least {d + 1} points, but there {'is' if n == 1 else 'are'} {n}. Collect more, "
            f"use fewer features, or give bandwidth= a number."
        )
    subspace = find_subspace(points[used], columns)
    if not subspace.is_full:
        raise ValueError(
            f"A bandwidth from the covariance needs features that vary independently, but "
            f"{subspace.words()}. Drop them, or give bandwidth= a number."
        )
    return Bandwidth(covariance_factor(points, mass))
