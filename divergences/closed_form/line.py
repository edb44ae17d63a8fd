"""Divergences of ratios on the line: one integral of p a(l) + q b(l)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from divergences.closed_form.integrand import Growth, Integrand, integrand_of
from divergences.closed_form.quadrature import (
    Pieces,
    crossings,
    integrate,
    landmarks,
    pieces_between,
)
from divergences.closed_form.tails import combined, has_mean_log_ratio, is_integrable, terms_at
from divergences.definitions import RatioDivergence
from divergences.measures._laws import Law
from divergences.measures.families import Family

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

UNKNOWN_TAILS = (
    "How fast the densities fall is not known here: if the divergence is infinite, quadrature "
    "cannot tell."
)


def ratio_on_the_line(
    definition: RatioDivergence, p: Family, q: Family
) -> tuple[float, float, tuple[str, ...]]:
    """Supremum over critics for two densities on the line, its error, and notes."""
    integrand = integrand_of(definition)
    law_p, law_q = _laws(p, q)
    low, high = common_support(law_p, law_q)
    outside = _outside(integrand, law_p, law_q, low, high)
    if low >= high or math.isinf(outside):
        return outside, 0.0, ()
    finite = is_finite(integrand, p, q, low, high)
    if finite is False:
        return math.inf, 0.0, ()
    pieces = _pieces(law_p, law_q, low, high)

    def values(kind: Array, anchor: Array, t: Array) -> Array:
        log_p = law_p.log_density_from(anchor, t)
        log_q = law_q.log_density_from(anchor, t)
        masses = np.where(kind == 1, np.exp(log_p), np.exp(log_q))
        return np.where(kind == 0, integrand(log_p, log_q), masses)

    totals, errors = integrate(values, pieces, kinds=3)
    error = errors[0] + _missed_mass(law_p, law_q, low, high, totals[1:])
    unbounded = integrand.upper.kind != "bounded" or integrand.lower.kind != "bounded"
    notes = (UNKNOWN_TAILS,) if finite is None and unbounded else ()
    return float(totals[0] + outside), float(error), notes


def log_power_on_the_line(
    p: Family, q: Family, alpha: float
) -> tuple[float, float, tuple[str, ...]]:
    """ln of the integral of p^alpha q^(1 - alpha), the error of the logarithm, and notes."""
    law_p, law_q = _laws(p, q)
    low, high = common_support(law_p, law_q)
    if alpha > 1 and _mass_outside(law_p, low, high) > 0:
        return math.inf, 0.0, ()
    if low >= high:
        return -math.inf, 0.0, ()
    finite: bool | None = True
    if alpha > 1:
        finite = _holds_at_both_ends(
            p, q, low, high, lambda a, b, far: is_integrable(combined(a, b, alpha, 1 - alpha), far)
        )
    if finite is False:
        return math.inf, 0.0, ()
    pieces = _pieces(law_p, law_q, low, high)

    def log_values(anchor: Array, t: Array) -> Array:
        with np.errstate(all="ignore"):
            log_p = law_p.log_density_from(anchor, t)
            log_q = law_q.log_density_from(anchor, t)
            total = alpha * log_p + (1 - alpha) * log_q
        empty = np.isneginf(log_p) | (np.isneginf(log_q) if alpha < 1 else False)
        return np.where(empty, -np.inf, total)

    inner = np.isfinite(pieces.end)
    grid = pieces.scale[inner, None] * np.linspace(0.1, 0.9)
    probe = log_values(pieces.anchor[inner, None], grid)
    peak = float(np.max(probe[np.isfinite(probe)], initial=-700.0))

    def values(kind: Array, anchor: Array, t: Array) -> Array:
        masses = np.where(
            kind == 1,
            np.exp(law_p.log_density_from(anchor, t)),
            np.exp(law_q.log_density_from(anchor, t)),
        )
        return np.where(kind == 0, np.exp(log_values(anchor, t) - peak), masses)

    # The absolute tolerance of the quadrature means something only for integrals near one.
    for _ in range(3):
        totals, errors = integrate(values, pieces, kinds=3)
        if 0.1 < totals[0] < 10 or totals[0] == 0:
            break
        peak += math.log(totals[0])
    notes = (UNKNOWN_TAILS,) if finite is None else ()
    if totals[0] == 0:
        return -math.inf, math.inf, (*notes, "The power integral is below what floats hold.")
    relative = errors[0] / totals[0] + _missed_mass(law_p, law_q, low, high, totals[1:])
    return math.log(totals[0]) + peak, float(relative), notes


def is_finite(integrand: Integrand, p: Family, q: Family, low: float, high: float) -> bool | None:
    """Whether the divergence is finite, None where a density's tail is not known."""
    verdicts = []
    for growth, first, second in ((integrand.upper, p, q), (integrand.lower, q, p)):
        verdicts.append(_is_finite_towards(growth, first, second, low, high))
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _is_finite_towards(
    growth: Growth, larger: Family, smaller: Family, low: float, high: float
) -> bool | None:
    if growth.kind == "bounded":
        return True
    if growth.kind == "log":
        return _holds_at_both_ends(larger, smaller, low, high, has_mean_log_ratio)
    a = 1 + growth.exponent
    return _holds_at_both_ends(
        larger,
        smaller,
        low,
        high,
        lambda first, second, far: is_integrable(combined(first, second, a, 1 - a), far),
    )


def _holds_at_both_ends(p: Family, q: Family, low: float, high: float, law: object) -> bool | None:
    verdicts: list[bool | None] = []
    for end, side in ((low, -1), (high, 1)):
        first, second = terms_at(p, end, side), terms_at(q, end, side)
        if first is None or second is None:
            verdicts.append(None)
        else:
            verdicts.append(bool(law(first, second, math.isinf(end))))  # type: ignore[operator]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _laws(p: Family, q: Family) -> tuple[Law, Law]:
    assert p.law is not None
    assert q.law is not None
    return p.law, q.law


def common_support(p: Law, q: Law) -> tuple[float, float]:
    """Intersection of the supports; empty where the first end is not below the second."""
    return max(p.support[0], q.support[0]), min(p.support[1], q.support[1])


def _mass_outside(law: Law, low: float, high: float) -> float:
    if low >= high:
        return 1.0
    below = float(law.cdf(np.asarray(low))) if law.support[0] < low else 0.0
    above = float(law.survival(np.asarray(high))) if law.support[1] > high else 0.0
    return below + above


def _outside(integrand: Integrand, p: Law, q: Law, low: float, high: float) -> float:
    only_p, only_q = _mass_outside(p, low, high), _mass_outside(q, low, high)
    total = only_p * integrand.upper.limit if only_p > 0 else 0.0
    return total + (only_q * integrand.lower.limit if only_q > 0 else 0.0)


def _missed_mass(p: Law, q: Law, low: float, high: float, found: Array) -> float:
    """How far the masses found by the same quadrature are from the true ones."""
    true = np.array([1 - _mass_outside(p, low, high), 1 - _mass_outside(q, low, high)])
    missed = float(np.abs(found - true).max())
    return missed if missed > 1e-13 else 0.0


def _pieces(p: Law, q: Law, low: float, high: float) -> Pieces:
    points = landmarks(p) + landmarks(q)
    coarse = pieces_between(low, high, points)

    def log_ratio(anchor: Array, t: Array) -> Array:
        ratio = p.log_density_from(anchor, t) - q.log_density_from(anchor, t)
        return np.where(np.isnan(ratio), 0.0, ratio)

    return pieces_between(low, high, points + crossings(log_ratio, coarse))
