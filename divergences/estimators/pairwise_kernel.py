"""Kernel divergences as means over pairs of points: nothing to fit, unbiased at any size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from scipy.spatial.distance import cdist

from divergences.checks import check_choice
from divergences.confidence import REACH
from divergences.definitions import MMD, Energy, EnergyKernel, PositiveKernel
from divergences.estimate import Critic, Reading
from divergences.estimators.energy_1d import energy_moments
from divergences.estimators.estimator import Estimator, register, register_loss
from divergences.estimators.kernel_moments import SMALLEST, KernelMoments, kernel_moments
from divergences.estimators.kernel_units import KernelUnit
from divergences.estimators.median_heuristic import MedianBandwidth, median_bandwidth
from divergences.measures.samples import Samples
from divergences.numerals import two_digits
from divergences.work import Run, row_tiles

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PairwiseKernel(Estimator):
    r"""The squared MMD, or squared energy distance, as a mean of the kernel over pairs.

    Unbiased: the U-statistic sum_{i≠j} w_i w_j k(x_i, x_j)/(1 - sum w_i²), the same for y, less
    2 sum_ij w_i v_j k(x_i, y_j). It can fall below zero. Biased: the V-statistic, which counts
    each point with itself; never negative, and too high by a known amount.

    The error bar is that of the U-statistic to second order, so that it holds where P = Q (where
    the first order vanishes) as well as far apart; a median bandwidth is taken as fixed. As a
    larger distance varies more, the interval reaches farther up than down, by two thirds where
    P = Q. In simulations with 60 to 400 points of each sample the 95 % interval held the truth in
    over 99 % of trials where P = Q (the error bar is 15 to 35 % too wide there, and the statistic
    skewed to the right), in 95 to 100 % where MMD² is up to three times its spread under P = Q,
    and in 91 to 97 % beyond.

    In one dimension the energy distance is found by sorting, O(n log n). All else runs over all
    pairs in tiles, O(n m) time with memory that does not grow with n m.

    Parameters
    ----------
    statistic : {"unbiased", "biased"}
        U-statistic or V-statistic.

    Raises
    ------
    ValueError
        If `statistic` is none of these.

    References
    ----------
    Gretton et al. (2012); Székely and Rizzo (2013); Hoeffding (1948).

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, 500), rng.normal(1, 1, 500)
    >>> est = dv.squared_energy_distance(x, y, method=dv.PairwiseKernel())
    >>> low, high = est.interval()
    >>> low < 0.5388 < high  # 2 E|N(1, 2)| - 4/sqrt(pi)
    True
    """

    statistic: Literal["unbiased", "biased"] = "unbiased"
    shorthand: ClassVar[str] = "pairwise"

    def __post_init__(self) -> None:
        check_choice("statistic", self.statistic, ("unbiased", "biased"))

    def describe(self) -> str:
        """The statistic in words."""
        kind = "U-statistic" if self.statistic == "unbiased" else "V-statistic"
        return f"{kind} over all pairs"


@dataclass(frozen=True, eq=False)
class Witness:
    """The critic of the MMD: z -> E k(z, X) - E k(z, Y)."""

    kernel: PositiveKernel
    p: Samples
    q: Samples

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at (k, d) points."""
        values = np.zeros(len(points))
        for sign, sample in ((1.0, self.p), (-1.0, self.q)):
            for rows in row_tiles(len(points), sample.n):
                squared = cdist(points[rows], sample.points, "sqeuclidean")
                values[rows] += sign * (self.kernel.of_squared_distance(squared) @ sample.mass)
        return values


@dataclass(frozen=True, eq=False)
class _Found:
    moments: KernelMoments
    critic: Critic
    kernel: PositiveKernel
    bandwidth: MedianBandwidth | None
    unit: KernelUnit


@register(MMD, PairwiseKernel)
@register(Energy, PairwiseKernel)
def read_pairs(
    definition: MMD | Energy, estimator: PairwiseKernel, p: Samples, q: Samples, run: Run
) -> Reading:
    """Read the squared MMD from the kernel's moments, found once for all definitions of a run."""
    kernel = definition.kernel
    found = run.once(("kernel moments", kernel), (p, q), lambda: _find(kernel, p, q, run))
    moments = found.moments
    repeats_p, repeats_q = 1.0 / p.effective_size, 1.0 / q.effective_size
    excess = repeats_p * (moments.diagonal - moments.p.mean)
    excess += repeats_q * (moments.diagonal - moments.q.mean)
    biased = estimator.statistic == "biased"
    inner = moments.biased if biased else moments.biased - excess
    share_p, share_q = (1.0 - repeats_p, 1.0 - repeats_q) if biased else (1.0, 1.0)
    first, second = variance_by_order(moments, p, q, share_p, share_q)
    spread = math.sqrt(max(first, 0.0) + max(second, 0.0))
    stderr = found.unit.value(spread)
    doubt = found.unit.value(doubt_above(spread, moments, p, q))
    inner, excess = found.unit.value(inner), found.unit.value(excess)
    _check_finite(inner, stderr)
    notes = [] if found.bandwidth is None else [found.bandwidth.note]
    if min(p.effective_size, q.effective_size) < SMALLEST:
        notes.append("With fewer than 4 points of a sample, the error bar is a rough one.")
    if biased:
        shift = definition.outer(inner) - definition.outer(inner - excess)
        notes.append(f"Biased upward by {two_digits(shift)}: each point is paired with itself too.")
    return Reading(
        inner=inner,
        stderr=stderr,
        bias=excess if biased else 0.0,
        doubt=(0.0, doubt),
        notes=tuple(notes),
        critic=found.critic,
        diagnostics=_diagnostics(found),
    )


def _find(kernel: PositiveKernel, p: Samples, q: Samples, run: Run) -> _Found:
    unit = KernelUnit.of(kernel, p, q)
    bandwidth = median_bandwidth(p, q, run.rng) if kernel.needs_scale else None
    p, q, own = unit.scaled(p), unit.scaled(q), kernel
    if isinstance(kernel, EnergyKernel) and p.d == 1:
        moments, on_line = energy_moments(p, q)
        return _Found(moments, unit.critic(on_line), kernel, None, unit)
    if bandwidth is not None:
        own = kernel.at_scale(float(unit.length(bandwidth.value)))
        kernel = kernel.at_scale(bandwidth.value)
    critic = unit.critic(Witness(own, p, q))
    return _Found(kernel_moments(own, p, q, run), critic, kernel, bandwidth, unit)


def _diagnostics(found: _Found) -> dict[str, Any]:
    scale = {} if found.bandwidth is None else {"bandwidth": found.bandwidth.value}
    return {"kernel": repr(found.kernel), **scale}


def variance_by_order(
    moments: KernelMoments, p: Samples, q: Samples, share_p: float = 1.0, share_q: float = 1.0
) -> tuple[float, float]:
    """Variance of share_p U_pp + share_q U_qq - 2 U_pq, its two Hoeffding orders apart.

    The sample variance of the estimated witness holds the noise of that estimate, which is
    subtracted from the first order. Both are unbiased for equal weights and at least 4 points,
    so either can fall below zero where it is truly zero.
    """
    across = moments.between.interaction
    first = second = 0.0
    for sample, within, to_other, share, other in (
        (p, moments.p, moments.between.at_p, share_p, q),
        (q, moments.q, moments.between.at_q, share_q, p),
    ):
        n = sample.effective_size
        witness = share * within.projections - to_other
        noise = share**2 * within.noise + across / other.effective_size
        if min(n, other.effective_size) < SMALLEST:
            noise = 0.0
        first += 4.0 * (sample.variance_of_mean(witness) - noise / n)
        second += 2.0 * share**2 * within.interaction / (n * (n - 1.0))
    second += 4.0 * across / (p.effective_size * q.effective_size)
    return first, second


def doubt_above(spread: float, moments: KernelMoments, p: Samples, q: Samples) -> float:
    """What to join to the standard deviation above, since larger distances vary more.

    To first order the variance grows in proportion to MMD², at 4 l (1/n + 1/m) or less, for l the
    largest eigenvalue of the centered kernel, which is at most sqrt(E[r²]). The upper end solves
    (v - v_0)² = z² (s² + b (v - v_0)), as a score interval does, with a quarter of that slope:
    where one eigenvalue rules, MMD² is the square of a normal variable, and the end at the
    smallest MMD² is then about that of the variable itself.
    """
    eigenvalue = math.sqrt(max(moments.between.interaction, 0.0))
    slope = eigenvalue * (1.0 / p.effective_size + 1.0 / q.effective_size)
    half = REACH * slope / 2.0
    reach = half + math.hypot(half, spread)
    return math.sqrt(max(0.0, reach**2 - spread**2))


def _check_finite(inner: float, stderr: float) -> None:
    if not (math.isfinite(inner) and math.isfinite(stderr)):
        raise OverflowError(
            "p and q must have distances that are finite numbers, and finite squares of them for "
            "a sum of kernels, but they span too much. Scale the features first."
        )


@register_loss(MMD, PairwiseKernel)
@register_loss(Energy, PairwiseKernel)
def pairs_loss(
    definition: MMD | Energy,
    estimator: PairwiseKernel,
    x: torch.Tensor,
    y: torch.Tensor,
    run: Run,
) -> torch.Tensor:
    """Squared MMD of two batches, differentiable."""
    from divergences.estimators.pairwise_kernel_loss import squared_mmd

    return squared_mmd(definition.kernel, x, y, biased=estimator.statistic == "biased", run=run)
