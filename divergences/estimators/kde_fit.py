"""Two kernel densities on one background, and the bandwidths at which they contrast best."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.definitions import JensenShannon
from divergences.density.background import Background
from divergences.density.bandwidths import (
    Bandwidth,
    Scott,
    covariance_factor,
    effective_size,
    resolve_bandwidth,
    triangular_factor,
)
from divergences.density.mixture import KernelMixture
from divergences.density.subspace import Subspace, find_subspace
from divergences.density.tails import TailMap
from divergences.estimators.ratios.calibration import calibration

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.density.kernels import SmoothingKernel
    from divergences.measures.known import Known
    from divergences.measures.samples import Samples
    from divergences.work import Run

CROSS_VALIDATED = "cross_validated"
_POINTS_TO_CHOOSE_BY = 2_000
_SMALLEST_POWER, _LARGEST_POWER = -20, 1
_STARTS = (0, -4, -8, -12)
_MARGIN = 8.0

_Widths = tuple[Bandwidth, Bandwidth]


@dataclass(frozen=True, eq=False)
class ExactDensity:
    """A known density in the place of a kernel density: nothing to fit, nothing to leave out.

    Parameters
    ----------
    known : Known
        The measure.
    points : ndarray of shape (n, d)
        Its draws.
    mass : ndarray of shape (n,)
        Their weights.
    kernel : SmoothingKernel
        The kernel of the other density.
    """

    known: Known
    points: NDArray[np.float64]
    mass: NDArray[np.float64]
    kernel: SmoothingKernel

    def log_density(
        self, points: NDArray[np.float64], run: Run | None = None
    ) -> NDArray[np.float64]:
        """ln of the density at points of shape (k, d)."""
        return self.known.log_density(points)

    def leave_one_out(self, run: Run | None = None) -> NDArray[np.float64]:
        """ln of the density at its draws, which did not shape it."""
        return self.known.log_density(self.points)


@dataclass(frozen=True, eq=False)
class DensityPair:
    r"""Densities of P and Q, each (n f + c r)/(n + c) with density f and background r.

    Parameters
    ----------
    p, q : KernelMixture or ExactDensity
        The densities of the columns that span the data.
    background : Background
        The density r.
    weight : float
        c, in points.
    subspace : Subspace
        The columns that are used.
    tails : TailMap or None
        Draws in what is left of them; None if they stay as they are.
    slope, offset : float
        The calibration: a ln(p/q) + b is what is reported.
    """

    p: KernelMixture | ExactDensity
    q: KernelMixture | ExactDensity
    background: Background
    weight: float
    subspace: Subspace
    tails: TailMap | None = None
    slope: float = 1.0
    offset: float = 0.0

    @classmethod
    def fit(
        cls,
        p: Samples,
        q: Samples,
        bandwidths: tuple[Bandwidth, Bandwidth],
        kernel: SmoothingKernel,
        weight: float,
        background: Background,
        subspace: Subspace,
        tails: TailMap | None = None,
    ) -> DensityPair:
        """Place the kernels on samples of the spanning columns, tails drawn in."""
        densities = [
            KernelMixture.fit(sample.points, sample.mass, kernel, bandwidth)
            if sample.known is None
            else ExactDensity(sample.known, sample.points, sample.mass, kernel)
            for sample, bandwidth in zip((p, q), bandwidths, strict=True)
        ]
        return cls(densities[0], densities[1], background, weight, subspace, tails)

    def refit(self, p: Samples, q: Samples, bandwidths: tuple[Bandwidth, Bandwidth]) -> DensityPair:
        """Place kernels on other points of the same measures, before the same background."""
        kernel, weight = self.p.kernel, self.weight
        before = self.background, self.subspace, self.tails
        return DensityPair.fit(p, q, bandwidths, kernel, weight, *before)

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated ln(p/q) at points with all their columns."""
        points = self.subspace.reduce(points)
        if self.tails is not None:
            points = self.tails(points)
        log_p, log_q = self.log_densities(points)
        return self.slope * (log_p - log_q) + self.offset

    def log_densities(
        self, points: NDArray[np.float64], run: Run | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """ln p and ln q at points of the spanning columns, tails drawn in."""
        floor = self.background.log_density(points)
        return (
            self._blend(self.p, self.p.log_density(points, run), floor),
            self._blend(self.q, self.q.log_density(points, run), floor),
        )

    def leave_one_out(
        self, p: Samples, q: Samples, run: Run | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, float]]:
        """ln(p/q) at both samples, no point rating itself; shares out of the other's reach.

        A point is out of reach where the other sample's kernels amount to less than the
        background.
        """
        floor_p, floor_q = (self.background.log_density(sample.points) for sample in (p, q))
        q_at_p, p_at_q = self.q.log_density(p.points, run), self.p.log_density(q.points, run)
        at_p = self._blend(self.p, self.p.leave_one_out(run), floor_p)
        at_p -= self._blend(self.q, q_at_p, floor_p)
        at_q = self._blend(self.p, p_at_q, floor_q)
        at_q -= self._blend(self.q, self.q.leave_one_out(run), floor_q)
        shares = (
            p.mean(self._is_out_of_reach(self.q, q_at_p, floor_p)),
            q.mean(self._is_out_of_reach(self.p, p_at_q, floor_q)),
        )
        return at_p, at_q, shares

    def _blend(
        self,
        mixture: KernelMixture | ExactDensity,
        log_density: NDArray[np.float64],
        floor: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        size = effective_size(mixture.mass)
        both = np.logaddexp(math.log(size) + log_density, math.log(self.weight) + floor)
        blended: NDArray[np.float64] = both - math.log(size + self.weight)
        return blended

    def _is_out_of_reach(
        self,
        mixture: KernelMixture | ExactDensity,
        log_density: NDArray[np.float64],
        floor: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        size = effective_size(mixture.mass)
        return (math.log(size) + log_density < math.log(self.weight) + floor).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Choice:
    """The bandwidths of both densities, and how they came about.

    Parameters
    ----------
    widths : pair of Bandwidth
    scale : float
        The multiple of Scott's rule that cross-validation chose, 1 otherwise.
    exact : bool
        Whether a known density is used as it is, rather than blurred like the other.
    tails : TailMap or None
        The coordinates that the bandwidths are for; None for those of the data.
    """

    widths: tuple[Bandwidth, Bandwidth]
    scale: float = 1.0
    exact: bool = True
    tails: TailMap | None = None


@dataclass(frozen=True, eq=False)
class Contrast:
    """What contrasts best.

    Parameters
    ----------
    value : float
        The leave-one-out Jensen–Shannon divergence.
    shape : str
        Whose covariance: "own" or "common".
    scale : float
        The multiple of Scott's rule.
    exact : bool
        Whether a known density is used as it is.
    tails : TailMap or None
        The coordinates; None for those of the data.
    """

    value: float
    shape: str
    scale: float
    exact: bool = True
    tails: TailMap | None = None


def choose_bandwidths(
    setting: Any,
    p: Samples,
    q: Samples,
    kernel: SmoothingKernel,
    weight: float,
    run: Run,
    *,
    with_slope: bool,
) -> Choice:
    """Bandwidths of both densities by a rule, the user's numbers, or cross-validation.

    Cross-validation takes Scott's bandwidths, for each sample's own covariance and for the mean
    of the two, and the power of two times them at which the leave-one-out Jensen–Shannon
    divergence is greatest, after calibration with or without a slope: as held-out values lie
    below the truth on average, the greatest is nearest. A known density is tried as it is, which
    has no error, and as a kernel density of its draws, which has the same blur as the other.
    """
    if setting != CROSS_VALIDATED:
        p_width, q_width = (
            resolve_bandwidth(setting, sample.points, sample.mass, kernel) for sample in (p, q)
        )
        return Choice((p_width, q_width))
    best = contrast(p, q, kernel, weight, run, with_slope=with_slope)
    if best.tails is not None:
        p, q = (replace(sample, points=best.tails(sample.points)) for sample in (p, q))
    own, common = _scott_bandwidths(p, q, kernel)
    first, second = common if best.shape == "common" else own
    widths = first.scaled(best.scale), second.scaled(best.scale)
    return Choice(widths, best.scale, best.exact, best.tails)


def contrast(
    p: Samples,
    q: Samples,
    kernel: SmoothingKernel,
    weight: float,
    run: Run,
    *,
    with_slope: bool = True,
) -> Contrast:
    """Find the covariance, the multiple of Scott's rule and the coordinates of most contrast."""
    best = _contrast(p, q, kernel, weight, run, with_slope)
    # The grid of an integral and a known density are in the data's own coordinates.
    if not with_slope or p.known is not None or q.known is not None:
        return best
    tails = TailMap.of(p.points, q.points)
    if tails is None:
        return best
    p, q = (replace(sample, points=tails(sample.points)) for sample in (p, q))
    if not all(find_subspace(sample.points).is_full for sample in (p, q)):
        return best
    drawn_in = replace(_contrast(p, q, kernel, weight, run, with_slope), tails=tails)
    return drawn_in if drawn_in.value > best.value else best


def _contrast(
    p: Samples, q: Samples, kernel: SmoothingKernel, weight: float, run: Run, with_slope: bool
) -> Contrast:
    few_p, few_q = _thinned(p, run), _thinned(q, run)
    # Covariances of all points, which span where few may not; widths for the few.
    wider = [
        (sample.effective_size / few.effective_size) ** (1 / (p.d + 4))
        for sample, few in ((p, few_p), (q, few_q))
    ]
    own, common = (
        (first.scaled(wider[0]), second.scaled(wider[1]))
        for first, second in _scott_bandwidths(p, q, kernel)
    )
    found = [_best_scale(few_p, few_q, kernel, weight, own, common, run, with_slope)]
    if few_p.known is not None or few_q.known is not None:
        few_p, few_q = (replace(sample, known=None) for sample in (few_p, few_q))
        blurred = _best_scale(few_p, few_q, kernel, weight, own, common, run, with_slope)
        found.append(replace(blurred, exact=False))
    return max(found, key=lambda one: one.value)


def _best_scale(
    p: Samples,
    q: Samples,
    kernel: SmoothingKernel,
    weight: float,
    own: _Widths,
    common: _Widths,
    run: Run,
    with_slope: bool,
) -> Contrast:
    definition, whole = JensenShannon(), Subspace(tuple(range(p.d)), {}, ())
    background = Background.of(p, q)

    def score(bandwidths: _Widths, power: int) -> float:
        scaled = bandwidths[0].scaled(2.0**power), bandwidths[1].scaled(2.0**power)
        pair = DensityPair.fit(p, q, scaled, kernel, weight, background, whole)
        at_p, at_q, _ = pair.leave_one_out(p, q, run)
        slope, offset = calibration(at_p, at_q, p.mass, q.mass, weight, with_slope=with_slope)
        at_p, at_q = slope * at_p + offset, slope * at_q + offset
        return p.mean(definition.critic_p(at_p)) + q.mean(definition.critic_q(at_q))

    # Where tails are heavy, all wide kernels are equally blind: a climb from there ends there.
    # A start far down must be better by more than chance makes it.
    margin = _MARGIN / (p.effective_size + q.effective_size)
    start = max(_STARTS, key=lambda power: score(own, power) - (margin if power else 0.0))
    own_value, own_power = _climb(lambda power: score(own, power), start)
    if start and not with_slope and own_value <= margin:
        # Kernels so narrow that they reach nobody show no difference at all, which beats wide
        # ones that no slope holds at zero.
        own_value, own_power = _climb(lambda power: score(own, power), 0)
    common_value, common_power = _climb(lambda power: score(common, power), own_power)
    if common_value > own_value:
        return Contrast(common_value, "common", 2.0**common_power)
    return Contrast(own_value, "own", 2.0**own_power)


def _thinned(sample: Samples, run: Run) -> Samples:
    if sample.n <= _POINTS_TO_CHOOSE_BY:
        return sample
    rows = np.sort(run.rng.choice(sample.n, _POINTS_TO_CHOOSE_BY, replace=False))
    return sample.take(rows.astype(np.intp))


def _scott_bandwidths(
    p: Samples, q: Samples, kernel: SmoothingKernel
) -> tuple[tuple[Bandwidth, Bandwidth], tuple[Bandwidth, Bandwidth]]:
    own = [Scott().choose(sample.points, sample.mass, kernel) for sample in (p, q)]
    # Means of the covariances, stacked by their factors.
    factors = [covariance_factor(sample.points, sample.mass) for sample in (p, q)]
    common = Bandwidth(triangular_factor(np.vstack([factor.T for factor in factors])))
    scales = [
        s.effective_size ** (-1 / (s.d + 4)) * kernel.canonical_factor(s.d) / math.sqrt(2)
        for s in (p, q)
    ]
    return (own[0], own[1]), (common.scaled(scales[0]), common.scaled(scales[1]))


def _climb(score: Callable[[int], float], start: int) -> tuple[float, int]:
    best, value = start, score(start)
    for step in (-1, 1):
        while (best - start) * step >= 0 and _SMALLEST_POWER <= best + step <= _LARGEST_POWER:
            further = score(best + step)
            if further <= value:
                break
            best, value = best + step, further
    return value, best
