"""Divergences of ratios in the plane, by adaptive cubature."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.integrate import cubature
from scipy.special import expit, logit

from divergences.closed_form.integrand import integrand_of
from divergences.definitions import RatioDivergence
from divergences.measures._laws import Law, MixtureLaw, ScipyLaw
from divergences.measures.families import Family
from divergences.measures.multivariate import (
    MultivariateNormal,
    MultivariateT,
    NormalMixture,
    Product,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_SUBDIVISIONS = 300
_RELATIVE = 1e-10
_ABSOLUTE = 1e-11
_TAIL = 1e-17


@dataclass(frozen=True)
class Axis:
    """A smooth map of y in [low, high] onto nearly all of an axis, heavy tails made light."""

    low: float
    high: float
    point: Callable[[Array], Array]
    log_slope: Callable[[Array], Array]


def ratio_in_the_plane(
    definition: RatioDivergence, p: Family, q: Family
) -> tuple[float, float] | None:
    """Supremum over critics for two densities in the plane, and its error.

    None where the marginals are not known or the supports differ.
    """
    marginals_p, marginals_q = marginals(p), marginals(q)
    if len(marginals_p) != 2 or len(marginals_q) != 2:
        return None
    axes = [_axis(*laws) for laws in zip(marginals_p, marginals_q, strict=True)]
    if axes[0] is None or axes[1] is None:
        return None
    first, second = axes[0], axes[1]
    integrand = integrand_of(definition)

    def values(y: Array) -> Array:
        points = np.stack([first.point(y[:, 0]), second.point(y[:, 1])], axis=1)
        slope = np.exp(first.log_slope(y[:, 0]) + second.log_slope(y[:, 1]))
        log_p, log_q = p.log_density(points), q.log_density(points)
        columns = [integrand(log_p, log_q), np.exp(log_p), np.exp(log_q)]
        return np.stack(columns, axis=1) * slope[:, None]

    found = cubature(
        values,
        [first.low, second.low],
        [first.high, second.high],
        rtol=_RELATIVE,
        atol=_ABSOLUTE,
        max_subdivisions=_SUBDIVISIONS,
    )
    missed = float(np.abs(found.estimate[1:] - 1).max())
    error = float(found.error[0]) + (missed if missed > 1e-12 else 0.0)
    return float(found.estimate[0]), error


def marginals(family: Any) -> list[Law]:
    """Laws of the features one by one; empty where they are not known."""
    if isinstance(family, MultivariateNormal):
        deviations = np.sqrt(np.diag(family.covariance))
        return [
            ScipyLaw("norm", (), float(m), float(s))
            for m, s in zip(family.mean, deviations, strict=True)
        ]
    if isinstance(family, MultivariateT):
        scales = np.sqrt(np.diag(family.shape))
        return [
            ScipyLaw("t", (family.df,), float(m), float(s))
            for m, s in zip(family.loc, scales, strict=True)
        ]
    if isinstance(family, NormalMixture):
        parts = [
            marginals(MultivariateNormal(mean, covariance))
            for mean, covariance in zip(family.means, family.covariances, strict=True)
        ]
        return [MixtureLaw(family.weights, laws) for laws in zip(*parts, strict=True)]
    if isinstance(family, Product) and not family.discrete:
        return [factor.law for factor in family.factors]
    return []


def _axis(p: Law, q: Law) -> Axis | None:
    if p.support != q.support:
        return None
    low, high = p.support
    levels = np.array([_TAIL, 0.25])
    lower = np.array([law.quantile(levels) for law in (p, q)])
    upper = np.array([law.upper_quantile(levels) for law in (p, q)])
    ends = np.array([lower[:, 0].min(), upper[:, 0].max()])
    center = float(np.mean([lower[:, 1], upper[:, 1]]))
    spread = float(np.max([np.abs(lower[:, 1] - center), np.abs(upper[:, 1] - center)]))
    if math.isinf(low) and math.isinf(high):
        y_ends = np.arcsinh((ends - center) / spread)
        return Axis(
            float(y_ends[0]),
            float(y_ends[1]),
            lambda y: np.asarray(center + spread * np.sinh(y)),
            lambda y: np.asarray(np.log(spread * np.cosh(y))),
        )
    if math.isinf(high):
        # A density infinite at its end, such as t^-1/2, needs the mass down to t = 1e-32.
        y_ends = np.log(np.maximum(ends - low, 1e-300))
        return Axis(
            float(y_ends[0]),
            float(y_ends[1]),
            lambda y: np.asarray(low + np.exp(y)),
            lambda y: np.asarray(y),
        )
    if math.isinf(low):
        return None
    y_ends = logit(np.clip((ends - low) / (high - low), 1e-17, 1 - 1e-16))
    width = high - low
    return Axis(
        float(y_ends[0]),
        float(y_ends[1]),
        lambda y: np.asarray(low + width * expit(y)),
        lambda y: np.asarray(np.log(width * expit(y) * expit(-y))),
    )
