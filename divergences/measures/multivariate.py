"""Families in several dimensions, and mixtures of normals in any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln, logsumexp, xlogy

from divergences.measures._laws import Law, MixtureLaw, ScipyLaw
from divergences.measures.families import Family, Line, Normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_UNROLLED = 8


@dataclass(frozen=True, repr=False, eq=False)
class MultivariateNormal(Family):
    """Normal in d >= 2 dimensions."""

    mean: Array
    covariance: Array

    @property
    def d(self) -> int:
        """Length of the mean."""
        return len(self.mean)

    @cached_property
    def factor(self) -> Array:
        """Lower Cholesky factor of the covariance."""
        return np.asarray(np.linalg.cholesky(self.covariance), dtype=np.float64)

    def log_density(self, points: Array) -> Array:
        """Log-density at (k, d) points."""
        return normal_log_density(points, self.mean, self.factor)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n, d) points."""
        return np.asarray(self.mean + rng.standard_normal((n, self.d)) @ self.factor.T)


@dataclass(frozen=True, repr=False, eq=False)
class NormalMixture(Family):
    """Finite mixture of normals: weights (k,), means (k, d), covariances (k, d, d)."""

    weights: Array
    means: Array
    covariances: Array

    @property
    def d(self) -> int:
        """Number of features."""
        return int(self.means.shape[1])

    @cached_property
    def law(self) -> Law | None:
        """Distribution function and quantiles, in one dimension."""
        if self.d > 1:
            return None
        stds = np.sqrt(self.covariances[:, 0, 0])
        parts = [
            ScipyLaw("norm", (), float(m), float(s))
            for m, s in zip(self.means[:, 0], stds, strict=True)
        ]
        return MixtureLaw(self.weights, parts)

    @cached_property
    def factors(self) -> Array:
        """Lower Cholesky factors."""
        return np.asarray(np.linalg.cholesky(self.covariances), dtype=np.float64)

    def log_density(self, points: Array) -> Array:
        """Log-density at (k, d) points."""
        logs = [
            normal_log_density(points, mean, factor)
            for mean, factor in zip(self.means, self.factors, strict=True)
        ]
        return np.asarray(logsumexp(np.stack(logs), axis=0, b=self.weights[:, None]))

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n, d) points."""
        label = rng.choice(len(self.weights), size=n, p=self.weights / self.weights.sum())
        noise = rng.standard_normal((n, self.d))
        return np.asarray(self.means[label] + np.einsum("nij,nj->ni", self.factors[label], noise))

    def __repr__(self) -> str:
        return f"NormalMixture({len(self.weights)} components, d={self.d})"


@dataclass(frozen=True, repr=False, eq=False)
class MultivariateT(Family):
    """Student's t in d >= 2 dimensions: location, shape matrix (not the covariance)."""

    df: float
    loc: Array
    shape: Array

    @property
    def d(self) -> int:
        """Length of the location."""
        return len(self.loc)

    @cached_property
    def factor(self) -> Array:
        """Lower Cholesky factor of the shape matrix."""
        return np.asarray(np.linalg.cholesky(self.shape), dtype=np.float64)

    def log_density(self, points: Array) -> Array:
        """Log-density at (k, d) points."""
        white = _whitened(points, self.loc, self.factor)
        half = (self.df + self.d) / 2
        constant = gammaln(half) - gammaln(self.df / 2) - self.d / 2 * np.log(self.df * np.pi)
        constant -= np.log(np.diag(self.factor)).sum()
        return np.asarray(constant - half * np.log1p(np.sum(white**2, axis=0) / self.df))

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n, d) points."""
        noise = rng.standard_normal((n, self.d)) @ self.factor.T
        return np.asarray(self.loc + noise / np.sqrt(rng.chisquare(self.df, (n, 1)) / self.df))


@dataclass(frozen=True, repr=False, eq=False)
class Dirichlet(Family):
    """Density proportional to the product of x_i^(alpha_i - 1) on the simplex.

    The reference measure is Lebesgue's on all coordinates but the last.
    """

    alpha: Array

    @property
    def d(self) -> int:
        """Number of coordinates, which sum to one."""
        return len(self.alpha)

    def log_density(self, points: Array) -> Array:
        """Log-density at (k, d) points; -inf where they do not sum to one within 1e-6."""
        inside = (points >= 0).all(axis=1) & (np.abs(points.sum(axis=1) - 1) < 1e-6)
        safe = np.where(inside[:, None], points, 1.0 / self.d)
        constant = gammaln(self.alpha.sum()) - gammaln(self.alpha).sum()
        with np.errstate(divide="ignore"):
            values = constant + np.asarray(xlogy(self.alpha - 1, safe)).sum(axis=1)
        return np.where(inside, values, -np.inf)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n, d) points."""
        return rng.dirichlet(self.alpha, n)


@dataclass(frozen=True, repr=False, eq=False)
class Product(Family):
    """Independent features, each with its own law."""

    factors: tuple[Line, ...]

    @property
    def discrete(self) -> bool:  # type: ignore[override]
        """Whether every factor is."""
        return self.factors[0].discrete

    @property
    def d(self) -> int:
        """Number of factors."""
        return len(self.factors)

    def log_density(self, points: Array) -> Array:
        """Sum of the factors' log-densities."""
        logs = [factor.log_density(points[:, [index]]) for index, factor in enumerate(self.factors)]
        return np.asarray(sum(logs))

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n, d) points."""
        return np.hstack([factor.sample(n, rng) for factor in self.factors])

    def __repr__(self) -> str:
        return f"Product({', '.join(map(repr, self.factors))})"


@dataclass(frozen=True, repr=False, eq=False)
class Other(Family):
    """A distribution in d >= 2 dimensions that the catalogue does not name."""

    name: str
    features: int
    density: Callable[[Array], Array]
    draw: Callable[[int, np.random.Generator], Array]
    masses: bool

    @property
    def discrete(self) -> bool:  # type: ignore[override]
        """Whether `density` gives masses."""
        return self.masses

    @property
    def d(self) -> int:
        """Number of features."""
        return self.features

    def log_density(self, points: Array) -> Array:
        """Log-density at (k, d) points."""
        return self.density(points)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n, d) points."""
        return self.draw(n, rng)

    def __repr__(self) -> str:
        return self.name


def normal_log_density(points: Array, mean: Array, factor: Array) -> Array:
    """Log-density of a normal at (k, d) points, from the Cholesky factor of its covariance."""
    white = _whitened(points, mean, factor)
    constant = np.log(np.diag(factor)).sum() + len(mean) / 2 * np.log(2 * np.pi)
    return np.asarray(-np.sum(white**2, axis=0) / 2 - constant)


def _whitened(points: Array, center: Array, factor: Array) -> Array:
    from scipy.linalg import solve_triangular

    moved = (points - center).T
    if len(factor) > _UNROLLED:
        return np.asarray(solve_triangular(factor, moved, lower=True))
    # With few features the threads of BLAS cost more than they bring.
    white = np.empty_like(moved)
    for i, row in enumerate(factor):
        rest = moved[i] - sum(row[j] * white[j] for j in range(i))
        white[i] = rest / row[i]
    return white


def normal(mean: Array, covariance: Array) -> Normal | MultivariateNormal:
    """Normal of the right dimension."""
    if len(mean) == 1:
        return Normal(float(mean[0]), float(np.sqrt(covariance[0, 0])))
    return MultivariateNormal(mean, covariance)
