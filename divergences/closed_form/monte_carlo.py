"""Divergences of ratios from known densities, where no sum or integral reaches."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_expit

from divergences.closed_form.integrand import Growth, Integrand, integrand_of
from divergences.closed_form.registry import Answer
from divergences.definitions import RatioDivergence
from divergences.estimate import Reading
from divergences.inference.lower_bound import Fresh
from divergences.measures.known import ExactLogRatio, Known
from divergences.work import Run

DRAWS = 100_000
_MOST_DRAWS = 1_600_000
_RELATIVE_ERROR = 2e-3


def ratio_by_draws(definition: RatioDivergence, p: Known, q: Known, run: Run) -> Answer:
    """Mean of the divergence's terms at points drawn from both measures.

    The draws are doubled until the standard error is 0.2 % of the value, or 1.6 million are drawn.
    """
    integrand, critic = integrand_of(definition), ExactLogRatio(p, q)
    at_p, at_q = (critic(known.sample(DRAWS, run.rng)) for known in (p, q))
    while True:
        for growth, lacking, name in (
            (integrand.upper, np.isposinf(at_p), "q"),
            (integrand.lower, np.isneginf(at_q), "p"),
        ):
            if lacking.any() and math.isinf(growth.limit):
                count = f"{int(lacking.sum()):,} of {len(at_p):,}"
                note = f"{count} draws lie outside the support of {name}."
                return Reading(math.inf, 0.0, notes=(note,)), "exact: the supports differ"
        terms_p, terms_q = _against_mixture(integrand, at_p), _against_mixture(integrand, at_q)
        value = float(np.mean(terms_p) + np.mean(terms_q)) / 2
        stderr = math.sqrt((np.var(terms_p) + np.var(terms_q)) / len(at_p)) / 2
        if stderr <= _RELATIVE_ERROR * abs(value) or 2 * len(at_p) > _MOST_DRAWS:
            break
        at_p, at_q = (
            np.concatenate([ratio, critic(known.sample(len(ratio), run.rng))])
            for ratio, known in ((at_p, p), (at_q, q))
        )
    reading = Reading(
        value,
        stderr,
        notes=_warnings(integrand.upper, at_p) + _warnings(integrand.lower, -at_q),
        fresh=Fresh(definition, ((at_p, at_q),)),
    )
    return reading, f"Monte Carlo with the exact critic, {len(at_p):,} draws"


def _against_mixture(integrand: Integrand, ratio: np.ndarray) -> np.ndarray:
    # (p a + q b)/((p + q)/2): drawn from the mixture, a bounded divergence has bounded terms.
    return 2 * integrand(log_expit(ratio), log_expit(-ratio))


def _warnings(growth: Growth, ratio: np.ndarray) -> tuple[str, ...]:
    if growth.kind != "power":
        return ()
    weights = np.exp(growth.exponent * (ratio - ratio.max()))
    effective = weights.sum() ** 2 / np.sum(weights**2)
    if effective > len(ratio) / 20:
        return ()
    share = f"{effective:,.0f} of {len(ratio):,}"
    return (
        f"A few draws decide the value (effective number {share}): it may be too low by far more "
        f"than its standard error, and the truth may be infinite.",
    )
