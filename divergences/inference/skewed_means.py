"""How far the truth may lie from a difference of means whose terms are few or skewed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from divergences.confidence import LEVEL, REACH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from divergences.measures.samples import Samples

    Terms = tuple[Samples, NDArray[np.float64]]
    Elsewhere = tuple[NDArray[np.float64], NDArray[np.float64]]

_FEW = 5
_WORTH_SAYING = 1.25


def reach_of_means(
    first: Terms,
    second: Terms,
    chance: float,
    elsewhere: Elsewhere | None = None,
    others: Sequence[Terms] = (),
) -> tuple[float, float]:
    r"""How far below and above the sum of two samples' means the truth lies, but for a chance.

    s (t + g (2 t² + 1)/6), with s² = s_1² + s_2² the variance of the sum, t the quantile of
    Student's law with Welch's degrees of freedom, and g = (k_1 + k_2)/s³ the skewness of the sum
    where the terms' tails point to that side, else zero. It is exact to the order 1/n for terms
    of four moments; no such reach holds for any law at a given n.

    Parameters
    ----------
    first, second : (Samples, ndarray of shape (n,))
        A sample and the terms of its mean, one a point.
    chance : float
        Of missing the truth on one side.
    elsewhere : pair of ndarray or None
        Values of the same functions at other points, such as those of the other sample. Where a
        sample shows five values or fewer, the extremes of both count as two more points, so that
        a value which it lacks by chance counts in its standard error.

    Returns
    -------
    (float, float)
        Below and above.

    References
    ----------
    Hall (1992) for the skewness; Agresti and Caffo (2000) for two more points; Welch (1947).
    """
    if all(np.ptp(terms) == 0.0 for _, terms in (first, second, *others)):
        return 0.0, 0.0
    if elsewhere is not None:
        first, second = (
            _with_unseen(*pair) for pair in zip((first, second), elsewhere, strict=True)
        )
    means = (first, second, *others)
    variances = [sample.variance_of_mean(terms) for sample, terms in means]
    variance = sum(variances)
    shares = [own / variance for own in variances]
    spent = [
        share**2 / (own[0].effective_size - 1.0) for share, own in zip(shares, means, strict=True)
    ]
    quantile = float(-stdtrit(1.0 / sum(spent), chance))
    spread = math.sqrt(variance)
    skewness = sum(_third_cumulant(sample, terms / spread) for sample, terms in means)
    steps = (2.0 * quantile**2 + 1.0) / 6.0
    down, up = (spread * (quantile + max(0.0, g) * steps) for g in (-skewness, skewness))
    return down, up


def _third_cumulant(sample: Samples, terms: NDArray[np.float64]) -> float:
    """Of the sample's mean."""
    n = sample.effective_size
    if n <= 2.0:
        return 0.0
    raw = float(np.sum((sample.mass * (terms - sample.mean(terms))) ** 3))
    return raw * n**2 / ((n - 1.0) * (n - 2.0))


def doubt_of_means(
    first: Terms, second: Terms, stderr: float, others: Sequence[Terms] = ()
) -> tuple[float, float]:
    """What to join to a standard error, below and above, so that the interval reaches as far."""
    down, up = (
        math.sqrt(max(0.0, (reach / REACH) ** 2 - stderr**2))
        for reach in reach_of_means(first, second, (1 - LEVEL) / 2, others=others)
    )
    return down, up


def skewness_notes(stderr: float, doubt: tuple[float, float]) -> tuple[str, ...]:
    """Say where an interval or a bound rests on few terms that tell most."""
    if max(math.hypot(stderr, side) for side in doubt) <= _WORTH_SAYING * stderr or stderr == 0.0:
        return ()
    return (
        "Few points far out make up much of the standard error: interval and bracket reach "
        "farther on that side, and may still hold the truth in less than 95 % of samples.",
    )


def _with_unseen(own: Terms, others: NDArray[np.float64]) -> Terms:
    sample, terms = own
    if len(np.unique(terms)) > _FEW:
        return own
    pooled = np.concatenate([terms, others])
    mass = np.append(sample.mass * sample.effective_size, [1.0, 1.0])
    weights = None if sample.weights is None else mass / mass.sum()
    larger = replace(sample, points=np.zeros((len(mass), sample.d)), weights=weights)
    return larger, np.append(terms, [pooled.min(), pooled.max()])
