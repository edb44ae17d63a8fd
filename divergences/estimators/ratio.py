"""Methods that find the density ratio, and the one way every f-divergence is read from it."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from divergences.definitions import RatioDivergence
from divergences.estimate import Critic, Reading, two_digits
from divergences.estimators.estimator import Estimator, register
from divergences.inference.lower_bound import Fresh
from divergences.measures.samples import Samples
from divergences.work import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEW_POINTS = 5
_POINTS_PER_FEATURE = 10


@dataclass(frozen=True, eq=False)
class LogRatio:
    """What a density-ratio method found: l = ln(p/q), out of sample at the samples.

    Parameters
    ----------
    at_p, at_q : ndarray of shape (n,), (m,)
        Log-ratio at each point, from a fit that did not see that point.
    evaluate : callable
        (k, d) points to (k,) log-ratios, from all the data. Picklable.
    smaller : LogRatio or None
        The same from about half the data, for the learning curve.
    rate : float
        The power r for which the bias of a divergence read from a fit on n points is taken to
        shrink like n^-r.
    notes : tuple of str
        What to know before trusting it.
    out_of_reach : bool
        Whether many points lie where the other sample has none, so that nothing bounds from
        above a divergence that can be infinite.
    parts : pair of ndarray of shape (n,), (m,), or None
        Labels of the part of each point, where the fit that rates a part saw no point of it: the
        log-ratios of a part are then independent of each other. Values beyond the logarithm of
        the number of points may depend on the part.
    """

    at_p: NDArray[np.float64]
    at_q: NDArray[np.float64]
    evaluate: Critic
    smaller: LogRatio | None = None
    rate: float = 1.0
    notes: tuple[str, ...] = ()
    out_of_reach: bool = False
    parts: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None


class RatioEstimator(Estimator):
    """A method that finds the density ratio, and so serves every f-divergence with one fit."""

    @abstractmethod
    def log_ratio(self, p: Samples, q: Samples, run: Run) -> LogRatio:
        """Fit the log-ratio and evaluate it at the samples, no point rating itself."""


@register(RatioDivergence, RatioEstimator)
def read_by_fit(
    definition: RatioDivergence, estimator: RatioEstimator, p: Samples, q: Samples, run: Run
) -> Reading:
    """Fit the density ratio, once for all divergences of a run, and read this one from it."""
    ratio = run.once(estimator, lambda: estimator.log_ratio(p, q, run))
    return read_ratio(definition, ratio, p, q)


def read_ratio(
    definition: RatioDivergence,
    ratio: LogRatio,
    p: Samples,
    q: Samples,
    values: tuple[float, float | None] | None = None,
) -> Reading:
    """Read a divergence from an out-of-sample log-ratio.

    The value is the sum of the two means of the definition's `point_terms`, unless `values` has
    it, and that of half the data, from elsewhere. Its bias is extrapolated from half the data,
    and reaches to infinity where the ratio is out of reach and the divergence has no maximum.
    """
    smaller: float | None
    if values is not None:
        inner, smaller = values
    else:
        inner = _mean_of_terms(definition, ratio, p, q)
        half = ratio.smaller
        smaller = None if half is None else _mean_of_terms(definition, half, p, q)
    bias = 0.0 if smaller is None else -(inner - smaller) / (2.0**ratio.rate - 1.0)
    if ratio.out_of_reach and math.isinf(definition.maximum):
        bias = -math.inf
    variance, few_share = _spread(definition, ratio, p, q)
    notes = [*ratio.notes, *bias_notes(definition, inner, bias)]
    if few_share > 0.5 and p.n + q.n > 20 * _FEW_POINTS:
        notes.append(
            f"{_FEW_POINTS} of the {p.n + q.n} points make up {few_share:.0%} of the variance: "
            f"the value and its error bar hang on them."
        )
    if min(p.effective_size, q.effective_size) < _POINTS_PER_FEATURE * p.d:
        notes.append(
            f"Fewer than {_POINTS_PER_FEATURE} points of a sample for each feature: the error bar "
            f"is a rough one."
        )
    fresh = _fresh(definition, ratio, p, q)
    return Reading(inner, math.sqrt(variance), bias, tuple(notes), ratio.evaluate, fresh=fresh)


def _fresh(definition: RatioDivergence, ratio: LogRatio, p: Samples, q: Samples) -> Fresh | None:
    # Of two splits, that into fewer parts: each part has to prove the bound by itself.
    judged = ratio if ratio.smaller is None or ratio.smaller.parts is None else ratio.smaller
    if judged.parts is None or p.weights is not None or q.weights is not None:
        return None
    of_p, of_q = judged.parts
    shared = np.intersect1d(of_p, of_q)
    return Fresh(
        definition,
        tuple((judged.at_p[of_p == part], judged.at_q[of_q == part]) for part in shared),
    )


def _mean_of_terms(definition: RatioDivergence, ratio: LogRatio, p: Samples, q: Samples) -> float:
    at_p, at_q = definition.point_terms(ratio.at_p, ratio.at_q)
    return p.mean(at_p) + q.mean(at_q)


def _spread(
    definition: RatioDivergence, ratio: LogRatio, p: Samples, q: Samples
) -> tuple[float, float]:
    # The larger of two: the spread of the terms that are averaged, and that of the influence
    # function, which one-sided means leave out half of. The share is that of the points which
    # contribute most.
    read = definition.point_terms(ratio.at_p, ratio.at_q)
    terms = np.concatenate(
        [
            sample.mass**2 * (values - sample.mean(values)) ** 2
            for sample, values in zip((p, q), read, strict=True)
        ]
    )
    each = max(terms, _influence_parts(definition, ratio, p, q), key=np.sum)
    variance = float(each.sum())
    few = float(np.sort(each)[-_FEW_POINTS:].sum())
    return variance, few / variance if variance > 0 else 0.0


def _influence_parts(
    definition: RatioDivergence, ratio: LogRatio, p: Samples, q: Samples
) -> NDArray[np.float64]:
    # The variances of the variational terms, over P and over Q, are both taken from all points,
    # each of which counts towards P with its posterior probability. Over Q alone the variance of
    # e^l would be left to the few points where it is large, which P sees far more often. No
    # sample supports a ratio larger than its size.
    most = math.log(p.n + q.n)
    log_ratio = np.clip(np.concatenate([ratio.at_p, ratio.at_q]), -most, most)
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


def bias_notes(
    definition: RatioDivergence,
    inner: float,
    bias: float,
    judged_by: str = "the same fit on half the data",
) -> tuple[str, ...]:
    """The stated bias in words, on the scale of the value; nothing where there is none."""
    shift = definition.outer(inner) - definition.outer(inner - bias)
    direction = "downward" if shift < 0 else "upward"
    if not math.isfinite(shift):
        return (f"Biased {direction} by more than can be told.",)
    if abs(shift) < 1e-9:
        return ()
    size = two_digits(abs(shift))
    return (f"Biased {direction} by about {size}, judging by {judged_by}.",)
