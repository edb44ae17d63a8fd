"""Differences between samples that a fit may well not find, for what intervals must reach up to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from divergences.definitions import JensenShannon

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.definitions import RatioDivergence
    from divergences.measures.samples import Samples

# Units of log-likelihood that a critic has to add on points it has not seen.
LEAST_GAIN = 4.0
_SEEN, _SURE = 1.0, 3.0  # in standard errors
_SLIGHT, _NEARLY_ALL = 0.5, 0.95


def trust(value: float, noise: float) -> float:
    """From 0, where a held-out value is within its noise, to 1, where it is far above."""
    sureness = value / noise if noise > 0 else 0.0
    return float(np.clip((sureness - _SEEN) / (_SURE - _SEEN), 0.0, 1.0))


def overlooked(size: float, features: int = 1) -> float:
    """Jensen–Shannon divergence that so many points are nearly sure to show.

    At half of it, a fit finds one in two of such differences. Features differ in the more ways
    the more they are; a difference of three of them has to stand out among all threes.
    """
    threes = math.comb(max(features, 3), 3)
    return 2 * (LEAST_GAIN + math.log(threes)) / size


def missed_by(
    at_p: NDArray[np.float64], at_q: NDArray[np.float64], p: Samples, q: Samples
) -> float:
    """Jensen–Shannon divergence that log-ratios may miss if their own is within its noise."""
    terms_p, terms_q = JensenShannon().point_terms(at_p, at_q)
    noise = math.sqrt(p.variance_of_mean(terms_p) + q.variance_of_mean(terms_q))
    sure = trust(p.mean(terms_p) + q.mean(terms_q), noise)
    return (1.0 - sure) * overlooked(p.effective_size + q.effective_size)


def as_divergence(definition: RatioDivergence, missed: float) -> float:
    """A divergence between two measures whose Jensen–Shannon divergence is given, at least.

    Of a slight difference the ratio is 1 + a in one half and 1 - a in the other, for which that
    is a²/8. Of a large one P has the share (1 + b)/2 of its mass in one half and Q in the other,
    for which it is b²/2 and more.
    """
    shift = math.sqrt(8 * missed)
    if shift <= _SLIGHT:
        above, below, one = definition.generator(np.array([1 + shift, 1 - shift, 1.0]))
        return abs(float((above + below) / 2 - one))
    share = (1 + min(shift / 2, _NEARLY_ALL)) / 2
    ratio = share / (1 - share)
    above, below, one = definition.generator(np.array([ratio, 1 / ratio, 1.0]))
    return abs(float((1 - share) * above + share * below - one))
