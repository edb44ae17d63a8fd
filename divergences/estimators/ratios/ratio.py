"""Methods that find the density ratio, and the one way every f-divergence is read from it."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from divergences.confidence import REACH
from divergences.definitions import JensenShannon, RatioDivergence
from divergences.estimate import Reading
from divergences.estimators.estimator import Estimator, register
from divergences.estimators.ratios.copies import copy_notes, merge_unexplained_copies
from divergences.estimators.ratios.extrapolation import (
    extrapolated,
    highest_believed,
    is_unbounded,
    most_shown,
)
from divergences.estimators.ratios.log_ratio import Gap, LogRatio
from divergences.estimators.ratios.near_copies import near_copy_notes
from divergences.estimators.ratios.overlooked import as_divergence
from divergences.estimators.ratios.ratio_notes import (
    HALF,
    bias_notes,
    correction_notes,
    doubt_notes,
    few_points_notes,
    limit_notes,
    too_few_distinct_note,
)
from divergences.estimators.ratios.ratio_spread import resolution, variance_and_share
from divergences.estimators.ratios.rounding import with_one_rounding
from divergences.inference.lower_bound import Fresh
from divergences.measures.samples import Samples
from divergences.work import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from numpy.typing import NDArray

# Upward it is all of it, as critics of the wrong family go on rising.
_SHARE_OF_CORRECTION = 0.6
# What n points miss beyond n/2 is, at the rate n^-1/2, 1/(sqrt(2) - 1) of that difference to go:
# 1.23 times 1.96, the reach of a 95 % interval.
_SHARE_OF_DRIFT = 1.23
# Of 268 values of KL in either order, on 75 pairs, 90 % of the reverse and 94 % with this.
_SHARE_OF_EXTRAPOLATION = 2.0
_TOO_LARGE = 0.25
_SHRINKAGE = "how far its log-odds had to be shrunk"


class RatioEstimator(Estimator):
    """A method that finds the density ratio, and so serves every f-divergence with one fit."""

    @property
    def merges_copies(self) -> bool:
        """Whether copies of rows are to be merged into weights before the fit."""
        return False

    @property
    def second_opinion(self) -> bool:
        """Whether intervals reach as far up as that of the default's quick critics."""
        return True

    @abstractmethod
    def log_ratio(self, p: Samples, q: Samples, run: Run) -> LogRatio:
        """Fit the log-ratio and evaluate it at the samples, no point rating itself."""


@register(RatioDivergence, RatioEstimator)
def read_by_fit(
    definition: RatioDivergence, estimator: RatioEstimator, p: Samples, q: Samples, run: Run
) -> Reading:
    """Fit the density ratio, once for all divergences of a run, and read this one from it."""
    found = fit_without_copies(estimator, estimator, estimator.log_ratio, p, q, run)
    return read_ratio(definition, *found)


def fit_without_copies(
    key: Hashable,
    estimator: RatioEstimator,
    fit: Callable[[Samples, Samples, Run], LogRatio],
    p: Samples,
    q: Samples,
    run: Run,
) -> tuple[LogRatio, Samples, Samples]:
    """The log-ratio, fitted once in a run for each key, and the samples that it rates.

    In them rounding alone sets no values apart, and a row and its copies are one point that
    carries the weight of all.
    """

    def compute() -> tuple[LogRatio, Samples, Samples]:
        # All methods of a run read the same, and so do second opinions.
        one, other, notes = run.once("one rounding", (p, q), lambda: with_one_rounding(p, q))
        rated = one, other
        if estimator.merges_copies:
            merged = merge_unexplained_copies(*rated)
            if min(side.sample.n for side in merged) < estimator.minimum:
                notes = (*notes, too_few_distinct_note(estimator.minimum))
            else:
                rated = merged[0].sample, merged[1].sample
                notes = (*notes, *copy_notes(*merged))
        notes = (*notes, *near_copy_notes(*rated))
        ratio = fit(*rated, run)
        return replace(ratio, notes=(*notes, *ratio.notes)), *rated

    return run.once(key, (p, q), compute)


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
    and reaches to infinity where the ratio is out of reach and could make the divergence infinite.
    """
    fresh = independent_parts(definition, ratio, p, q)
    ratio, wide, limits = _believed(definition, ratio, p, q)
    doubt, held_out = (0.0, 0.0), 0.0
    variance, few_share = variance_and_share(definition, ratio.at_p, ratio.at_q, p, q)
    if values is None and ratio.gap is not None:
        inner, held_out, doubt = _corrected_reading(definition, ratio, wide, p, q)
        bias, judged_by = 0.0, HALF
    else:
        inner, smaller = values or _with_and_by_half(definition, ratio, p, q)
        bias, judged_by = _bias(definition, ratio, inner, smaller)
        doubt = (0.0, _hidden(definition, ratio, inner, math.sqrt(variance), p, q))
    if is_unbounded(definition, ratio.out_of_reach):
        bias = -math.inf
    notes = [
        *ratio.notes,
        *(limits if values is None else ()),
        *bias_notes(definition, inner, bias, judged_by),
    ]
    spread = math.sqrt(variance)
    stderr = max(spread, resolution(p, q))
    if ratio.gap is not None:
        notes += correction_notes(definition, inner, held_out, spread, fresh is not None)
    if ratio.gap is not None or ratio.seen is not None or ratio.missed > 0:
        notes += doubt_notes(doubt, spread)
    notes += few_points_notes(p, q, few_share)
    return Reading(
        inner,
        stderr,
        bias,
        tuple(notes),
        ratio.evaluate,
        diagnostics=ratio.diagnostics,
        fresh=fresh,
        doubt=doubt,
    )


def _believed(
    definition: RatioDivergence, ratio: LogRatio, p: Samples, q: Samples
) -> tuple[LogRatio, LogRatio, tuple[str, ...]]:
    """The log-ratio as far as its terms are read, as far as they are doubted, and in words."""
    highest = highest_believed(definition, ratio.at_p, ratio.at_q, p, q)
    if math.isinf(highest):
        return ratio, ratio, ()
    wide, limited = (ratio.limited(top) for top in (max(highest, most_shown(p, q)), highest))
    return limited, wide, limit_notes(definition, p.mean(ratio.at_p > highest), highest)


def _hidden(
    definition: RatioDivergence, ratio: LogRatio, inner: float, noise: float, p: Samples, q: Samples
) -> float:
    """How far a value that is not corrected may lie too low: by what shrinking hides, by what a fit
    passes over, and by what it loses on points that it has not seen."""
    shrunk = noise / ratio.shrunk_to if ratio.shrunk_to < 1 else 0.0
    missed = as_divergence(definition, ratio.missed) / REACH
    if ratio.seen is None:
        return math.hypot(shrunk, missed)
    # The variational form, which a fit can only raise; one-sided means err either way.
    lost = max(0.0, _readings(definition, *ratio.seen, p, q)[1] - inner)
    return math.hypot(shrunk, missed, lost)


def _bias(
    definition: RatioDivergence, ratio: LogRatio, inner: float, smaller: float | None
) -> tuple[float, str]:
    """Tendency of a value that is not corrected, and what it is judged by."""
    bias = 0.0 if smaller is None else extrapolated_bias(inner, smaller, ratio.rate)
    if ratio.parts is not None and not definition.one_sided:
        # What has not seen a point claims, on average, no more than there is.
        bias = min(bias, 0.0)
    # True log-ratios with noise, shrunk to the share s of their size, show s of what is there.
    blurred = max(inner, 0.0) * (1 - 1 / ratio.shrunk_to)
    return (blurred, _SHRINKAGE) if blurred < bias else (bias, HALF)


def extrapolated_bias(inner: float, smaller: float, rate: float) -> float:
    """Bias of a value that shrinks like n^-rate, from the value on half the data."""
    bias: float = (smaller - inner) / (2.0**rate - 1.0)
    return bias


def _with_and_by_half(
    definition: RatioDivergence, ratio: LogRatio, p: Samples, q: Samples
) -> tuple[float, float | None]:
    inner = _mean_of_terms(definition, ratio.at_p, ratio.at_q, p, q)
    half = ratio.smaller
    if half is None:
        return inner, None
    return inner, _mean_of_terms(definition, half.at_p, half.at_q, p, q)


def _corrected_reading(
    definition: RatioDivergence, ratio: LogRatio, wide: LogRatio, p: Samples, q: Samples
) -> tuple[float, float, tuple[float, float]]:
    """Held-out value put right by half the gap, itself, and how far below and above it may err.

    What is doubted: the correction, downward a share of it; the part of it that noise may have
    made; what half the data, corrected likewise, miss of the value; what another critic shows
    beyond; what a fit that found nothing passes over; and, of a divergence without a maximum,
    what comes from ratios larger than the samples show, and no less than in step with
    Jensen–Shannon.
    """
    assert ratio.gap is not None
    held_out = _combined(definition, *_readings(definition, ratio.at_p, ratio.at_q, p, q))
    whole = _corrected(definition, ratio.at_p, ratio.at_q, ratio.gap, ratio.gap.trust, p, q)
    surely = _corrected(definition, ratio.at_p, ratio.at_q, ratio.gap, 1.0, p, q)
    down = _SHARE_OF_CORRECTION * abs(whole - held_out)
    missed = as_divergence(definition, ratio.missed) / REACH
    beyond = [abs(whole - held_out), abs(surely - whole), missed]
    in_step = 0.0
    if math.isinf(definition.maximum):
        in_step = _in_step(definition, ratio, whole, p, q)
        outside = extrapolated(definition, wide.at_p, wide.at_q, p, q)
        beyond.append(_SHARE_OF_EXTRAPOLATION * outside)
    half, rival = ratio.smaller, ratio.rival
    if half is not None and half.gap is not None:
        of_half = _corrected(definition, half.at_p, half.at_q, half.gap, half.gap.trust, p, q)
        beyond.append(_SHARE_OF_DRIFT * max(0.0, whole - of_half))
    if rival is not None:
        part_p, part_q = p.take(rival.rows[0]), q.take(rival.rows[1])
        alone = replace(rival, rows=(np.arange(part_p.n), np.arange(part_q.n)))
        shown = _corrected(definition, *rival.held_out, alone, 1.0, part_p, part_q)
        beyond.append(max(0.0, shown - whole))
    return whole, held_out, (down, max(math.hypot(*beyond), in_step))


def _in_step(
    definition: RatioDivergence, ratio: LogRatio, whole: float, p: Samples, q: Samples
) -> float:
    """How far up a value goes if the Jensen–Shannon divergence does by all of its doubt.

    Critics that miss a share of what bounded terms tell miss no smaller share of unbounded ones.
    """
    told, _, (_, up) = _corrected_reading(JensenShannon(), ratio, ratio, p, q)
    here, there = (as_divergence(definition, max(told, 0.0) + more) for more in (0.0, REACH * up))
    return max(whole, 0.0) * (there / here - 1.0) / REACH if here > 0 else 0.0


def _corrected(
    definition: RatioDivergence,
    at_p: NDArray[np.float64],
    at_q: NDArray[np.float64],
    gap: Gap,
    trust: float,
    p: Samples,
    q: Samples,
) -> float:
    seen_p, seen_q = p.take(gap.rows[0]), q.take(gap.rows[1])
    own = _readings(definition, *gap.fitted, seen_p, seen_q)
    without = _readings(definition, *gap.held_out, seen_p, seen_q)
    short, full, variance = _readings(definition, at_p, at_q, p, q)
    short += trust / 2 * (own[0] - without[0])
    full += trust / 2 * (own[1] - without[1])
    return _combined(definition, short, full, variance)


def _readings(
    definition: RatioDivergence,
    at_p: NDArray[np.float64],
    at_q: NDArray[np.float64],
    p: Samples,
    q: Samples,
) -> tuple[float, float, float]:
    """Mean of the point terms, of the variational terms, and the variance of their difference."""
    terms = definition.point_terms(at_p, at_q)
    short = p.mean(terms[0]) + q.mean(terms[1])
    if not definition.one_sided:
        return short, short, 0.0
    rest_p = definition.critic_p(at_p) - terms[0]
    rest_q = definition.critic_q(at_q) - terms[1]
    variance = p.variance_of_mean(rest_p) + q.variance_of_mean(rest_q)
    return short, short + p.mean(rest_p) + q.mean(rest_q), variance


def _combined(definition: RatioDivergence, short: float, full: float, variance: float) -> float:
    """A one-sided mean, and as much of the variational form's correction as is not noise.

    The one-sided mean has an error of first order in the critic's; the variational form has not,
    but its exponentials can be all noise, in a few points or one. Of the correction c with
    variance v the share 1 - v/c² is added, which is zero where one point makes it, and less the
    larger it is beside the value: where it comes near a quarter, first order says nothing.
    """
    correction = full - short
    if not definition.one_sided or correction == 0:
        return short
    beside = correction / (_TOO_LARGE * (1.0 + abs(short)))
    surely = max(0.0, 1.0 - variance / correction**2)
    return short + correction * surely * max(0.0, 1.0 - beside**2)


def independent_parts(
    definition: RatioDivergence, ratio: LogRatio, p: Samples, q: Samples
) -> Fresh | None:
    """What a certified lower bound is read from; None where no split or a weight forbids it."""
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


def _mean_of_terms(
    definition: RatioDivergence,
    at_p: NDArray[np.float64],
    at_q: NDArray[np.float64],
    p: Samples,
    q: Samples,
) -> float:
    terms_p, terms_q = definition.point_terms(at_p, at_q)
    return p.mean(terms_p) + q.mean(terms_q)
