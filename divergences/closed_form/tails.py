"""Whether an integral is finite, told from how densities behave at the ends of their support.

At an end a log-density is a sum of terms c y^k (ln y)^j with y = |x| at infinity and y = 1/t at
distance t from a finite end. `Terms` maps (k, j) to c; (0, 1) is a power law, (0, 0) a constant.
Quadrature cannot tell a divergent integral from a slow one; these terms can.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import gammaln

from divergences.measures import families as f
from divergences.measures._laws import ScipyLaw
from divergences.measures.multivariate import NormalMixture

Terms = dict[tuple[float, float], float]

_LOG = (0.0, 1.0)
_CONSTANT = (0.0, 0.0)
_ROUNDING = 1e-12


def terms_at(family: f.Family, end: float, side: int) -> Terms | None:
    """Terms of the log-density at `end` when it is reached from inside; None if unknown.

    `side` is 1 where the end is an upper one, -1 where it is a lower one.
    """
    law = family.law
    assert law is not None
    own = law.support[1] if side > 0 else law.support[0]
    if own != end:
        return {}
    known = _TERMS.get(type(family))
    if known is not None:
        return known(family, side)
    if isinstance(law, ScipyLaw) and law.dist.name in _OTHER_TERMS:
        return _OTHER_TERMS[law.dist.name](law, side)
    return {} if law.discrete and math.isfinite(end) else None


def combined(p: Terms, q: Terms, a: float, b: float) -> Terms:
    """Terms of a ln p + b ln q, without those that cancel."""
    total = {}
    for key in {*p, *q}:
        first, second = a * p.get(key, 0.0), b * q.get(key, 0.0)
        if abs(first + second) > _ROUNDING * (abs(first) + abs(second)):
            total[key] = first + second
    return total


def is_integrable(terms: Terms, at_infinity: bool) -> bool:
    """Whether the exponential of the terms has a finite integral (or sum) at the end."""
    # dx = dy/y^2 at a finite end.
    with_jacobian = combined(terms, {_LOG: 1.0}, 1.0, 0.0 if at_infinity else -2.0)
    for key in sorted(with_jacobian, reverse=True):
        if key > _LOG:
            return with_jacobian[key] < 0
        if key == _LOG:
            return with_jacobian[key] < -1 - _ROUNDING
    return False


def has_mean_log_ratio(p: Terms, q: Terms, at_infinity: bool) -> bool:
    """Whether p |ln(p/q)| has a finite integral at the end."""
    growth = max(combined(p, q, 1.0, -1.0), default=_CONSTANT)
    if growth[0] == 0:
        return True
    return has_moment(p, growth[0], at_infinity)


def has_moment(terms: Terms, order: float, at_infinity: bool = True) -> bool:
    """Whether y^order has a finite mean at the end."""
    return is_integrable(combined(terms, {_LOG: 1.0}, 1.0, order), at_infinity)


def power_law(terms: Terms) -> tuple[float, float] | None:
    """Exponent and log-constant of a tail that is a power law, None where it is lighter."""
    if any(key > _LOG for key in terms):
        return None
    return terms.get(_LOG, 0.0), terms.get(_CONSTANT, math.nan)


def _normal(family: Any, side: int) -> Terms:
    return _normal_terms(family.mean, family.std, 0.0, side)


def _normal_terms(mean: float, std: float, log_weight: float, side: int) -> Terms:
    constant = log_weight - (mean / std) ** 2 / 2 - math.log(std * math.sqrt(2 * math.pi))
    return {(2.0, 0.0): -0.5 / std**2, (1.0, 0.0): side * mean / std**2, _CONSTANT: constant}


def _normal_mixture(family: NormalMixture, side: int) -> Terms:
    parts = [
        _normal_terms(float(mean), math.sqrt(variance), math.log(weight), side)
        for weight, mean, variance in zip(
            family.weights, family.means[:, 0], family.covariances[:, 0, 0], strict=True
        )
        if weight > 0
    ]
    return max(parts, key=lambda terms: [terms[key] for key in sorted(terms, reverse=True)])


def _laplace(family: Any, side: int) -> Terms:
    shift = side * family.loc / family.scale
    return {(1.0, 0.0): -1 / family.scale, _CONSTANT: shift - math.log(2 * family.scale)}


def _exponential(family: Any, side: int) -> Terms:
    if side < 0:
        return {_CONSTANT: -math.log(family.scale)}
    shift = family.loc / family.scale
    return {(1.0, 0.0): -1 / family.scale, _CONSTANT: shift - math.log(family.scale)}


def _gamma(family: Any, side: int) -> Terms:
    constant = -float(gammaln(family.shape)) - family.shape * math.log(family.scale)
    if side < 0:
        return {_LOG: 1 - family.shape, _CONSTANT: constant}
    shift = family.loc / family.scale
    return {(1.0, 0.0): -1 / family.scale, _LOG: family.shape - 1, _CONSTANT: constant + shift}


def _beta(family: Any, side: int) -> Terms:
    return {_LOG: 1 - (family.b if side > 0 else family.a)}


def _log_normal(family: Any, side: int) -> Terms:
    variance = family.std**2
    constant = -(family.mean**2) / (2 * variance) - math.log(family.std * math.sqrt(2 * math.pi))
    slope = side * (family.mean / variance - 1)
    return {(0.0, 2.0): -0.5 / variance, _LOG: slope, _CONSTANT: constant}


def _weibull(family: Any, side: int) -> Terms:
    shape, rate = family.shape, family.scale**-family.shape
    constant = math.log(shape * rate)
    if side < 0:
        return {_LOG: 1 - shape, _CONSTANT: constant}
    terms = {(shape, 0.0): -rate, _LOG: shape - 1, _CONSTANT: constant}
    if family.loc and shape >= 1:
        key = (shape - 1, 0.0)
        terms[key] = terms.get(key, 0.0) + shape * family.loc * rate
    return terms


def _pareto(family: Any, side: int) -> Terms:
    if side < 0:
        return {_CONSTANT: math.log(family.shape / family.scale)}
    constant = math.log(family.shape) + family.shape * math.log(family.scale)
    return {_LOG: -family.shape - 1, _CONSTANT: constant}


def _cauchy(family: Any, side: int) -> Terms:
    return {_LOG: -2.0, _CONSTANT: math.log(family.scale / math.pi)}


def _student(family: Any, side: int) -> Terms:
    df = family.df
    constant = gammaln((df + 1) / 2) - gammaln(df / 2) - math.log(math.pi) / 2
    constant += df / 2 * math.log(df) + df * math.log(family.scale)
    return {_LOG: -df - 1, _CONSTANT: float(constant)}


def _logistic(family: Any, side: int) -> Terms:
    shift = side * family.loc / family.scale
    return {(1.0, 0.0): -1 / family.scale, _CONSTANT: shift - math.log(family.scale)}


def _poisson(family: Any, side: int) -> Terms:
    if side < 0:
        return {}
    return {
        (1.0, 1.0): -1.0,
        (1.0, 0.0): 1 + float(np.log(family.rate)),
        _LOG: -0.5,
        _CONSTANT: -family.rate - math.log(2 * math.pi) / 2,
    }


def _geometric(family: Any, side: int) -> Terms:
    if side < 0:
        return {}
    return {(1.0, 0.0): float(np.log1p(-family.probability))}


def _negative_binomial(family: Any, side: int) -> Terms:
    if side < 0:
        return {}
    return {
        (1.0, 0.0): float(np.log1p(-family.probability)),
        _LOG: family.successes - 1,
    }


_TERMS: dict[type, Callable[[Any, int], Terms]] = {
    f.Normal: _normal,
    NormalMixture: _normal_mixture,
    f.Laplace: _laplace,
    f.Exponential: _exponential,
    f.Uniform: lambda family, side: {},
    f.Gamma: _gamma,
    f.Beta: _beta,
    f.LogNormal: _log_normal,
    f.Weibull: _weibull,
    f.Pareto: _pareto,
    f.Cauchy: _cauchy,
    f.StudentT: _student,
    f.Logistic: _logistic,
    f.VonMises: lambda family, side: {},
    f.Poisson: _poisson,
    f.Geometric: _geometric,
    f.NegativeBinomial: _negative_binomial,
}


def _gumbel(law: ScipyLaw, side: int) -> Terms | None:
    return {(1.0, 0.0): -1 / law.scale} if side > 0 else None


def _half_normal(law: ScipyLaw, side: int) -> Terms:
    if side < 0:
        return {}
    return {(2.0, 0.0): -0.5 / law.scale**2, (1.0, 0.0): law.loc / law.scale**2}


def _half_cauchy(law: ScipyLaw, side: int) -> Terms:
    return {_LOG: -2.0, _CONSTANT: math.log(2 * law.scale / math.pi)} if side > 0 else {}


def _inverse_gamma(law: ScipyLaw, side: int) -> Terms:
    (shape,) = law.shapes
    if side < 0:
        return {(1.0, 0.0): -law.scale, _LOG: shape + 1}
    constant = shape * math.log(law.scale) - float(gammaln(shape))
    return {_LOG: -shape - 1, _CONSTANT: constant}


def _fisher(law: ScipyLaw, side: int) -> Terms:
    first, second = law.shapes
    return {_LOG: -second / 2 - 1} if side > 0 else {_LOG: 1 - first / 2}


_OTHER_TERMS: dict[str, Callable[[ScipyLaw, int], Terms | None]] = {
    "gumbel_r": _gumbel,
    "halfnorm": _half_normal,
    "halfcauchy": _half_cauchy,
    "invgamma": _inverse_gamma,
    "f": _fisher,
}
