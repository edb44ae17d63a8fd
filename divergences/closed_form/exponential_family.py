"""Pairs of one exponential family: KL and every power integral from the log-normalizer.

With densities exp(<theta, T(x)> - A(theta)) against one common measure,

    ln of the integral of p^a q^(1-a)
        = A(a theta_p + (1-a) theta_q) - a A(theta_p) - (1-a) A(theta_q),
    KL(P || Q) = A(theta_q) - A(theta_p) - <grad A(theta_p), theta_q - theta_p>,

infinite where the mixed parameter leaves the natural space (Nielsen and Garcia, 2009).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import digamma, gammaln, i0e, i1e

from divergences.measures import families as f
from divergences.measures.multivariate import Dirichlet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chart:
    """A pair of distributions as two natural parameters of one exponential family.

    Parameters
    ----------
    name : str
        Of the family, for the words of the answer.
    log_normalizer : callable
        A(theta), infinite outside the natural space.
    gradient : callable
        The mean of T(x).
    p, q : ndarray
        Natural parameters.
    """

    name: str
    log_normalizer: Callable[[Array], float]
    gradient: Callable[[Array], Array]
    p: Array
    q: Array

    def kullback_leibler(self) -> float:
        """KL(P || Q)."""
        normalizer = self.log_normalizer
        step = float(self.gradient(self.p) @ (self.q - self.p))
        return normalizer(self.q) - normalizer(self.p) - step

    def log_power(self, alpha: float) -> float:
        """ln of the integral of p^alpha q^(1 - alpha)."""
        mixed = self.log_normalizer(alpha * self.p + (1 - alpha) * self.q)
        own = alpha * self.log_normalizer(self.p) + (1 - alpha) * self.log_normalizer(self.q)
        return mixed - own


def chart_of(p: f.Family, q: f.Family) -> Chart | None:
    """Return the chart that two families share, None where they share none."""
    for kinds, build in _CHARTS:
        if isinstance(p, kinds) and isinstance(q, kinds):
            chart = build(p, q)
            if chart is not None:
                return chart
    return None


def _gamma(p: Any, q: Any) -> Chart | None:
    if p.loc != q.loc:
        return None

    def log_normalizer(theta: Array) -> float:
        shape, rate = theta[0] + 1, -theta[1]
        if shape <= 0 or rate <= 0:
            return math.inf
        return float(gammaln(shape) - shape * np.log(rate))

    def gradient(theta: Array) -> Array:
        shape, rate = theta[0] + 1, -theta[1]
        return np.array([digamma(shape) - np.log(rate), shape / rate])

    # Lengths in units of the first scale, so that no digits cancel.
    first, second = (
        np.array([getattr(law, "shape", 1.0) - 1, -p.scale / law.scale]) for law in (p, q)
    )
    name = "Exponential" if isinstance(p, f.Exponential) and type(p) is type(q) else "Gamma"
    return Chart(name, log_normalizer, gradient, first, second)


def _beta(p: Any, q: Any) -> Chart | None:
    if (p.low, p.high) != (q.low, q.high):
        return None
    first, second = (np.array([getattr(law, "a", 1.0), getattr(law, "b", 1.0)]) for law in (p, q))
    return Chart("Beta", _log_multivariate_beta, _mean_logarithms, first, second)


def _dirichlet(p: Any, q: Any) -> Chart | None:
    return Chart("Dirichlet", _log_multivariate_beta, _mean_logarithms, p.alpha, q.alpha)


def _log_multivariate_beta(alpha: Array) -> float:
    if (alpha <= 0).any():
        return math.inf
    return float(gammaln(alpha).sum() - gammaln(alpha.sum()))


def _mean_logarithms(alpha: Array) -> Array:
    return np.asarray(digamma(alpha) - digamma(alpha.sum()))


def _one_rate(name: str, p_rate: float, q_rate: float) -> Chart:
    """Densities proportional to exp(-rate T(x)), normalized by 1/rate."""

    def log_normalizer(theta: Array) -> float:
        return -math.log(-theta[0]) if theta[0] < 0 else math.inf

    def gradient(theta: Array) -> Array:
        return -1 / theta

    return Chart(name, log_normalizer, gradient, np.array([-p_rate]), np.array([-q_rate]))


def _laplace(p: Any, q: Any) -> Chart | None:
    return _one_rate("Laplace", 1.0, p.scale / q.scale) if p.loc == q.loc else None


def _weibull(p: Any, q: Any) -> Chart | None:
    if (p.shape, p.loc) != (q.shape, q.loc):
        return None
    return _one_rate("Weibull", 1.0, (p.scale / q.scale) ** p.shape)


def _pareto(p: Any, q: Any) -> Chart | None:
    if (p.scale, p.loc) != (q.scale, q.loc):
        return None
    return _one_rate("Pareto", p.shape, q.shape)


def _poisson(p: Any, q: Any) -> Chart | None:
    if p.rate == 0 or q.rate == 0:
        return None

    def log_normalizer(theta: Array) -> float:
        return math.exp(theta[0])

    first, second = np.log([p.rate]), np.log([q.rate])
    return Chart("Poisson", log_normalizer, np.exp, first, second)


def _geometric(p: Any, q: Any) -> Chart | None:
    if p.first != q.first or 1.0 in (p.probability, q.probability):
        return None
    return _counting("Geometric", 1.0, p.probability, q.probability)


def _negative_binomial(p: Any, q: Any) -> Chart | None:
    if p.successes != q.successes or 1.0 in (p.probability, q.probability):
        return None
    return _counting("NegativeBinomial", p.successes, p.probability, q.probability)


def _counting(name: str, successes: float, first: float, second: float) -> Chart:
    def log_normalizer(theta: Array) -> float:
        return -successes * math.log(-math.expm1(theta[0])) if theta[0] < 0 else math.inf

    def gradient(theta: Array) -> Array:
        return successes / np.expm1(-theta)

    return Chart(name, log_normalizer, gradient, np.log1p([-first]), np.log1p([-second]))


def _von_mises(p: Any, q: Any) -> Chart | None:
    def log_normalizer(theta: Array) -> float:
        length = float(np.hypot(*theta))
        return math.log(i0e(length)) + length

    def gradient(theta: Array) -> Array:
        length = float(np.hypot(*theta))
        return theta / length * (i1e(length) / i0e(length)) if length > 0 else 0.0 * theta

    first, second = (
        law.concentration * np.array([math.cos(law.loc), math.sin(law.loc)]) for law in (p, q)
    )
    return Chart("VonMises", log_normalizer, gradient, first, second)


_CHARTS: list[tuple[tuple[type, ...], Callable[[Any, Any], Chart | None]]] = [
    ((f.Exponential, f.Gamma), _gamma),
    ((f.Beta, f.Uniform), _beta),
    ((Dirichlet,), _dirichlet),
    ((f.Laplace,), _laplace),
    ((f.Weibull,), _weibull),
    ((f.Pareto,), _pareto),
    ((f.Poisson,), _poisson),
    ((f.Geometric,), _geometric),
    ((f.NegativeBinomial,), _negative_binomial),
    ((f.VonMises,), _von_mises),
]
