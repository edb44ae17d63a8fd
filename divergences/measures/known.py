"""Measures that are known: distributions of torch and scipy and fitted ones, with their density."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.checks import RandomState, check_points, check_rng, check_whole
from divergences.measures.families import Family
from divergences.measures.from_scipy import family_from_scipy, is_scipy
from divergences.measures.from_torch import family_from_torch, is_torch_distribution

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from divergences.measures._laws import Law


class Parametric(ABC):
    """A model that is a member of a family of distributions once it is fitted."""

    @abstractmethod
    def family(self) -> Family:
        """Return the family's member.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """


@dataclass(frozen=True, eq=False, repr=False)
class Known:
    """A distribution of `torch.distributions` or `scipy.stats`, or a fitted one, under one set of
    names.

    Parameters
    ----------
    source : object
        The distribution as the user gave it.
    family : Family
        Its name and parameters in float64.

    Examples
    --------
    >>> from scipy.stats import norm
    >>> known = as_known(norm(0, 1))
    >>> known
    Normal(0, 1)
    >>> known.log_density([[0.0]]).round(4)
    array([-0.9189])
    """

    source: Any
    family: Family

    @property
    def d(self) -> int:
        """Number of features."""
        return self.family.d

    @property
    def discrete(self) -> bool:
        """Whether densities are masses, with respect to the counting measure."""
        return self.family.discrete

    @property
    def law(self) -> Law | None:
        """Distribution function, quantiles and both tails, in one dimension."""
        return self.family.law

    @property
    def support(self) -> tuple[float, float]:
        """Smallest interval that holds all the mass, in one dimension."""
        return self._on_the_line("support").support

    def sample(self, n: int, rng: RandomState = None) -> NDArray[np.float64]:
        """Draw n points; no global random state is read or changed.

        Parameters
        ----------
        n : int
            Number of points, at least 1.
        rng : int, Generator or None
            Source of the randomness.

        Returns
        -------
        ndarray of shape (n, d)
        """
        n = check_whole("n", n)
        points = self.family.sample(n, check_rng(rng))
        return np.ascontiguousarray(points, dtype=np.float64).reshape(n, self.d)

    def log_density(self, points: ArrayLike) -> NDArray[np.float64]:
        """Log-density, or log-mass of a discrete measure; -inf outside the support.

        Parameters
        ----------
        points : array-like of shape (k, d), or (k,) in one dimension
            Where to evaluate it.

        Returns
        -------
        ndarray of shape (k,)

        Raises
        ------
        ValueError
            If the points have another number of features.
        """
        grid = check_points(points, self.d, self)
        return np.asarray(self.family.log_density(grid), dtype=np.float64).reshape(len(grid))

    def cdf(self, x: ArrayLike) -> NDArray[np.float64]:
        """P(X <= x), elementwise, in one dimension."""
        return self._on_the_line("cdf").cdf(np.asarray(x, dtype=np.float64))

    def quantile(self, u: ArrayLike) -> NDArray[np.float64]:
        """Inverse of `cdf`, elementwise, in one dimension."""
        return self._on_the_line("quantile").quantile(np.asarray(u, dtype=np.float64))

    def _on_the_line(self, what: str) -> Law:
        if self.law is None:
            raise ValueError(f"{what} needs a measure in one dimension, but {self!r} has {self.d}.")
        return self.law

    def __repr__(self) -> str:
        return repr(self.family)


@dataclass(frozen=True, eq=False)
class ExactLogRatio:
    """ln p - ln q of two measures that both have densities, or both have masses.

    Where only one of them has none it is infinite, and where neither has any it is NaN: there no
    ratio is defined.

    Parameters
    ----------
    p, q : Known
        The measures.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> ratio = ExactLogRatio(as_known(uniform(0, 1)), as_known(uniform(0, 2)))
    >>> ratio([[0.5], [1.5], [3.0]]).round(3)
    array([0.693,  -inf,    nan])
    """

    p: Known
    q: Known

    def __call__(self, points: ArrayLike) -> NDArray[np.float64]:
        """Evaluate at (k, d) points."""
        with np.errstate(invalid="ignore"):
            return self.p.log_density(points) - self.q.log_density(points)


def is_known(measure: Any) -> bool:
    """Whether it is a distribution of torch or scipy, importing neither, or a fitted one."""
    return (
        isinstance(measure, Known | Parametric)
        or is_torch_distribution(measure)
        or is_scipy(measure)
    )


def as_known(measure: Any, *, name: str = "p") -> Known:
    """Wrap a distribution of `torch.distributions`, a frozen one of `scipy.stats` or a fitted one.

    Parameters
    ----------
    measure : distribution
        What the user has.
    name : str
        What error messages call it.

    Returns
    -------
    Known

    Raises
    ------
    TypeError
        If it is no distribution, is not frozen, or has no density.
    ValueError
        If it is a batch of several distributions or its parameters are not valid.

    Examples
    --------
    >>> from scipy.stats import gamma
    >>> as_known(gamma(2, scale=3)).quantile(0.5).round(4)
    np.float64(5.035)
    """
    if isinstance(measure, Known):
        return measure
    if isinstance(measure, Parametric):
        return Known(measure, measure.family())
    if is_torch_distribution(measure):
        return Known(measure, family_from_torch(measure, name))
    if is_scipy(measure):
        return Known(measure, family_from_scipy(measure, name))
    raise TypeError(
        f"{name} must be a distribution of torch.distributions or a frozen one of scipy.stats, "
        f"not {type(measure).__name__}."
    )
