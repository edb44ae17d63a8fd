"""Whether a divergence of ratios is finite in several dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from divergences.closed_form.exponential_family import chart_of
from divergences.closed_form.gaussian import white_pair
from divergences.closed_form.integrand import Growth, Integrand
from divergences.closed_form.line import common_support, is_finite
from divergences.measures.families import Family
from divergences.measures.multivariate import (
    MultivariateNormal,
    MultivariateT,
    NormalMixture,
    Product,
)


def is_finite_in_space(integrand: Integrand, p: Family, q: Family) -> bool | None:
    """Whether the divergence is finite; None where the tails are not known."""
    if isinstance(p, Product) and isinstance(q, Product):
        return _joined(
            [_on_the_line(integrand, a, b) for a, b in zip(p.factors, q.factors, strict=True)]
        )
    return _joined([_towards(integrand.upper, p, q), _towards(integrand.lower, q, p)])


def _joined(verdicts: list[bool | None]) -> bool | None:
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _on_the_line(integrand: Integrand, p: Family, q: Family) -> bool | None:
    assert p.law is not None
    assert q.law is not None
    return is_finite(integrand, p, q, *common_support(p.law, q.law))


def _towards(growth: Growth, larger: Any, smaller: Any) -> bool | None:
    if growth.kind == "bounded":
        return True
    alpha = 1 + growth.exponent
    if isinstance(larger, MultivariateT) or isinstance(smaller, MultivariateT):
        return _with_power_tails(growth, larger, smaller)
    if isinstance(larger, NormalMixture) or isinstance(smaller, NormalMixture):
        return _of_mixtures(growth, _components(larger), _components(smaller))
    pair = white_pair(larger, smaller)
    if pair is not None:
        return growth.kind == "log" or bool(np.isfinite(pair.log_power(alpha)))
    chart = chart_of(larger, smaller)
    if chart is not None:
        return growth.kind == "log" or bool(np.isfinite(chart.log_power(alpha)))
    return None


def _with_power_tails(growth: Growth, larger: Any, smaller: Any) -> bool | None:
    """Along a ray the density of a t falls like r^-(df + d), that of a normal faster."""
    first, second = _degrees(larger), _degrees(smaller)
    if first is None or second is None:
        return None
    if np.isinf(first):
        return True
    if np.isinf(second):
        # The log-ratio grows like r^2.
        return growth.kind == "log" and first > 2
    alpha, d = 1 + growth.exponent, larger.d
    return growth.kind == "log" or bool(alpha * (first + d) + (1 - alpha) * (second + d) > d)


def _degrees(family: Any) -> float | None:
    if isinstance(family, MultivariateT):
        return float(family.df)
    return np.inf if _components(family) else None


def _components(family: Any) -> list[MultivariateNormal]:
    if isinstance(family, MultivariateNormal):
        return [family]
    if isinstance(family, NormalMixture):
        return [
            MultivariateNormal(mean, covariance)
            for mean, covariance in zip(family.means, family.covariances, strict=True)
        ]
    return []


def _of_mixtures(
    growth: Growth, larger: list[MultivariateNormal], smaller: list[MultivariateNormal]
) -> bool | None:
    if not larger or not smaller:
        return None
    if growth.kind == "log":
        return True
    verdicts = []
    for part in larger:
        pairs = [white_pair(part, other) for other in smaller]
        tame = [
            pair is not None and bool(np.isfinite(pair.log_power(1 + growth.exponent)))
            for pair in pairs
        ]
        # One component that holds the part down is enough. That none does alone leaves open
        # whether several do together, each in its own directions.
        verdicts.append(True if any(tame) else (False if len(tame) == 1 else None))
    return _joined(verdicts)
