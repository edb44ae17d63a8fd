"""How far the value of an f-divergence varies that is read from a log-ratio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.definitions import RatioDivergence
    from divergences.measures.samples import Samples

    Array = NDArray[np.float64]

FEW_POINTS = 5


def variance_and_share(
    definition: RatioDivergence, at_p: Array, at_q: Array, p: Samples, q: Samples
) -> tuple[float, float]:
    """Variance of the value, and the share of it that the few largest contributions make."""
    # The larger of two: the spread of the terms that are averaged, and that of the influence
    # function, which one-sided means leave out half of. The share is that of the points which
    # contribute most.
    read = definition.point_terms(at_p, at_q)
    terms = np.concatenate(
        [
            sample.mass**2 * (values - sample.mean(values)) ** 2
            for sample, values in zip((p, q), read, strict=True)
        ]
    )
    each = max(terms, _influence_parts(definition, at_p, at_q, p, q), key=np.sum)
    variance = float(each.sum())
    few = float(np.sort(each)[-FEW_POINTS:].sum())
    return variance, few / variance if variance > 0 else 0.0


def resolution(p: Samples, q: Samples) -> float:
    """What no error bar is below, whatever the terms' spread: one point more or less."""
    return 1.0 / (p.effective_size + q.effective_size)


def _influence_parts(
    definition: RatioDivergence, at_p: Array, at_q: Array, p: Samples, q: Samples
) -> Array:
    # The variances of the variational terms, over P and over Q, are both taken from all points,
    # each of which counts towards P with its posterior probability. Over Q alone the variance of
    # e^l would be left to the few points where it is large, which P sees far more often. No
    # sample supports a ratio larger than its size.
    most = math.log(p.n + q.n)
    log_ratio = np.clip(np.concatenate([at_p, at_q]), -most, most)
    mass = np.concatenate([p.mass, q.mass])
    posterior = expit(log_ratio)
    parts = np.zeros_like(mass)
    for weights, terms, size in (
        (mass * posterior, definition.critic_p(log_ratio), p.effective_size),
        (mass * (1 - posterior), definition.critic_q(log_ratio), q.effective_size),
    ):
        weights = weights / weights.sum()
        parts += weights * (terms - weights @ terms) ** 2 / max(size - 1, 1)
    return parts
