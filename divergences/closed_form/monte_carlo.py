"""Divergences of ratios from known densities, where no sum or integral reaches."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_expit

from divergences.closed_form.integrand import Growth, Integrand, integrand_of
from divergences.closed_form.registry import Answer
from divergences.definitions import RatioDivergence
from divergences.estimate import Reading
from divergences.measures.known import Known
from divergences.work import Run

DRAWS = 100_000


def ratio_by_draws(definition: RatioDivergence, p: Known, q: Known, run: Run) -> Answer:
    """Mean of the divergence's terms at points drawn from both measures."""
    integrand = integrand_of(definition)
    at_p, at_q = (_log_ratio(known, p, q, run) for known in (p, q))
    for growth, lacking, name in (
        (integrand.upper, np.isposinf(at_p), "q"),
        (integrand.lower, np.isneginf(at_q), "p"),
    ):
        if lacking.any() and math.isinf(growth.limit):
            note = f"{int(lacking.sum())} of {DRAWS:,} draws lie outside the support of {name}."
            return Reading(math.inf, 0.0, notes=(note,)), "exact: the supports differ"
    terms_p, terms_q = _against_mixture(integrand, at_p), _against_mixture(integrand, at_q)
    reading = Reading(
        float(np.mean(terms_p) + np.mean(terms_q)) / 2,
        math.sqrt((np.var(terms_p) + np.var(terms_q)) / DRAWS) / 2,
        notes=_warnings(integrand.upper, at_p) + _warnings(integrand.lower, -at_q),
    )
    return reading, f"Monte Carlo from known densities, {DRAWS:,} draws"


def _against_mixture(integrand: Integrand, ratio: np.ndarray) -> np.ndarray:
    # (p a + q b)/((p + q)/2): drawn from the mixture, a bounded divergence has bounded terms.
    return 2 * integrand(log_expit(ratio), log_expit(-ratio))


def _log_ratio(known: Known, p: Known, q: Known, run: Run) -> np.ndarray:
    points = known.sample(DRAWS, run.rng)
    return p.log_density(points) - q.log_density(points)


def _warnings(growth: Growth, ratio: np.ndarray) -> tuple[str, ...]:
    if growth.kind != "power":
        return ()
    weights = np.exp(growth.exponent * (ratio - ratio.max()))
    effective = weights.sum() ** 2 / np.sum(weights**2)
    if effective > DRAWS / 20:
        return ()
    return (
        f"A few draws decide the value (effective number {effective:,.0f} of {DRAWS:,}): it may "
        f"be too low by far more than its standard error, and the truth may be infinite.",
    )
