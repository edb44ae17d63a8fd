"""Plug-in estimates of f-divergences from two kernel densities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from divergences.checks import check_choice, check_real
from divergences.definitions import RatioDivergence
from divergences.density.background import Background
from divergences.density.bandwidths import (
    RULES,
    Bandwidth,
    BandwidthRule,
    as_bandwidth_setting,
)
from divergences.density.kernels import as_kernel
from divergences.density.subspace import Subspace, find_subspace
from divergences.density.tails import TailMap
from divergences.errors import InvalidPairError
from divergences.estimate import Reading
from divergences.estimators.estimator import register, register_loss
from divergences.estimators.kde_fit import CROSS_VALIDATED, Choice, DensityPair, choose_bandwidths
from divergences.estimators.kde_grid import integrate_on_grid
from divergences.estimators.ratios.calibration import calibration
from divergences.estimators.ratios.copies import Merged, copy_notes, merge_copies
from divergences.estimators.ratios.log_ratio import LogRatio
from divergences.estimators.ratios.overlooked import missed_by
from divergences.estimators.ratios.ratio import RatioEstimator, read_ratio
from divergences.measures.arrays import first_few
from divergences.measures.samples import Samples
from divergences.work import Run

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

_TELLING_SHARE = 0.2
_TELLING_SCALE = 1 / 16


@dataclass(frozen=True)
class KDE(RatioEstimator):
    r"""Plug-in of two kernel densities: l = ln(p/q) at the samples, no point rating itself.

    Each density is (n f + c r)/(n + c): the kernel density f of n points, and c points' worth of
    a broad Student t density r with the moments of both samples. Where neither sample has
    points, kernel tails alone would make l huge and arbitrary; r makes it near zero there, and
    holds it to about ln(n/c) where only one of them has points. Then l becomes a l + b, with a
    and b from a logistic regression of membership on l: this undoes what blur does to all
    log-ratios alike. The values follow every invertible affine map of the data. Where one measure
    is known, its own density takes the place of f.

    Where the standard deviation of a column is three times what its quartiles would be of a
    normal, kernels of one width do not fit. With cross-validated bandwidths they are then tried
    after an invertible map of the column that takes tails of any power to those of a normal, and
    kept if they contrast more; no f-divergence minds the map, but of affine maps the value then
    follows only those of single columns.

    Rows that repeat within their sample and hardly across are taken for copies, as a bootstrap
    makes them: a row and its copies are one point of their weight, so that none rates another,
    and the error bar is that of fewer points. A place with over a twentieth of its sample is not.

    Parameters
    ----------
    kernel : str
        "gaussian", "epanechnikov", "tophat", "exponential", "linear" or "cosine".
    bandwidth : str, float, or array-like of shape (d,) or (d, d)
        "cross_validated" takes the multiple of Scott's bandwidths, for each sample's own
        covariance or for a common one, that gives the greatest leave-one-out Jensen–Shannon
        divergence. "scott", "silverman", "improved_sheather_jones" (one feature) and
        "likelihood" choose for each density apart. Numbers are in data units: one for all axes,
        one for each, or a covariance matrix.
    background : float
        c, above 0, in points; also the strength of the prior that holds a near 1 and b near 0.
    integrate : bool
        Whether to integrate the densities over a grid instead of averaging over the samples, in
        one and two dimensions. There is no calibration, and blurred peaks stay blurred.
    second_opinion : bool
        Whether the interval reaches as far up as that of the default's quick critics, which take
        half a second to three.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Moon and Hero (2014); Kandasamy et al. (2015); Hall and Wand (1988) for bandwidths chosen
    for the contrast of two densities; Platt (1999).

    Examples
    --------
    >>> KDE(kernel="epanechnikov", bandwidth="scott").describe()
    'epanechnikov kernel densities'
    """

    kernel: str = "gaussian"
    bandwidth: Any = CROSS_VALIDATED
    background: float = 5.0
    integrate: bool = False
    second_opinion: bool = True
    shorthand: ClassVar[str] = "kde"
    minimum: ClassVar[int] = 3

    def __post_init__(self) -> None:
        as_kernel(self.kernel)
        check_real("background", self.background, above=0)
        if isinstance(self.bandwidth, str):
            check_choice("bandwidth", self.bandwidth, (CROSS_VALIDATED, *RULES))
        else:
            # Arrays as tuples, so that the settings compare and hash.
            object.__setattr__(self, "bandwidth", as_bandwidth_setting(self.bandwidth))

    def describe(self) -> str:
        """The method in a few words."""
        way = " on a grid" if self.integrate else ""
        return f"{self.kernel} kernel densities{way}"

    @property
    def needs_covariance(self) -> bool:
        """Whether the bandwidth comes from the data."""
        return isinstance(self.bandwidth, str | BandwidthRule)

    def log_ratio(self, p: Samples, q: Samples, run: Run) -> LogRatio:
        """Fit both densities, on all the data and on halves.

        Raises
        ------
        ValueError
            If a sample has no density: its columns are constant or collinear where those of the
            other are not.
        """
        fit = _fit(self, p, q, run)
        smaller = None if fit.ratio.smaller is None else fit.at_rows(fit.ratio.smaller)
        return replace(fit.at_rows(fit.ratio), smaller=smaller)


@dataclass(frozen=True, eq=False)
class _Fit:
    """Everything that is found once for all divergences of a run."""

    ratio: LogRatio
    pair: DensityPair | None
    halves: tuple[DensityPair, ...]
    p: Merged
    q: Merged

    def at_rows(self, ratio: LogRatio) -> LogRatio:
        """The log-ratio of each point at all rows that were merged to it."""
        return replace(ratio, at_p=self.p.spread(ratio.at_p), at_q=self.q.spread(ratio.at_q))


def _fit(estimator: KDE, p: Samples, q: Samples, run: Run) -> _Fit:
    return run.once((estimator, "fit"), (p, q), lambda: _fit_anew(estimator, p, q, run))


def _fit_anew(estimator: KDE, p: Samples, q: Samples, run: Run) -> _Fit:
    subspace = find_subspace(np.vstack([p.points, q.points]), p.columns)
    notes: tuple[str, ...] = (
        () if subspace.is_full else (f"Left out: {subspace.words()} in both samples.",)
    )
    if not subspace.kept:
        note = "All points of both samples are equal."
        nothing = LogRatio(np.zeros(p.n), np.zeros(q.n), _no_difference, notes=(note,))
        return _Fit(nothing, None, (), Merged(p), Merged(q))
    setting = _reduced_setting(estimator.bandwidth, subspace)
    if estimator.needs_covariance:
        for name, sample in (("p", p), ("q", q)):
            _check_has_density(name, sample, subspace)
    merged = merge_copies(p, q)
    notes += copy_notes(*merged)
    p, q = (one.sample for one in merged)
    # A known density is that of all columns, and the grid is laid out by bandwidths.
    p, q = (
        sample
        if subspace.is_full and not estimator.integrate
        else replace(sample, points=subspace.reduce(sample.points), known=None)
        for sample in (p, q)
    )
    kernel = as_kernel(estimator.kernel)
    weight = float(estimator.background)
    # The integral is of the densities as they are, so that none must rely on a slope.
    with_slope = not estimator.integrate
    chosen = choose_bandwidths(setting, p, q, kernel, weight, run, with_slope=with_slope)
    if not chosen.exact:
        p, q = replace(p, known=None), replace(q, known=None)
    notes += _known_notes(p, q)
    widths, tails = chosen.widths, chosen.tails
    if tails is not None:
        notes += (_tail_note(tails, subspace),)
        p, q = (replace(sample, points=tails(sample.points)) for sample in (p, q))
    background = Background.of(p, q)
    pair = DensityPair.fit(p, q, widths, kernel, weight, background, subspace, tails)
    pair, (at_p, at_q), shares = _calibrated(pair, p, q, weight, run)
    smaller, halves = _fit_halves(pair, p, q, widths, run)
    notes += (*_width_notes(chosen, p, q), *_overlap_notes(shares))
    rate = 4 / (p.d + 4)
    apart = shares[0] > _TELLING_SHARE, shares[1] > _TELLING_SHARE
    # Densities are not chosen from many: what is found in one case of two is enough.
    missed = missed_by(at_p, at_q, p, q) / 2
    ratio = LogRatio(at_p, at_q, pair, smaller, rate, notes, apart, missed=missed)
    merged = replace(merged[0], sample=p), replace(merged[1], sample=q)
    return _Fit(ratio, pair, halves, *merged)


def _known_notes(p: Samples, q: Samples) -> tuple[str, ...]:
    return tuple(
        f"The known density of {name} is used as it is."
        for name, sample in (("p", p), ("q", q))
        if sample.known is not None
    )


def _calibrated(
    pair: DensityPair, p: Samples, q: Samples, weight: float, run: Run
) -> tuple[DensityPair, tuple[NDArray[np.float64], NDArray[np.float64]], tuple[float, float]]:
    """The pair on its best scale, log-ratios without the own point, and shares out of reach."""
    at_p, at_q, shares = pair.leave_one_out(p, q, run)
    slope, offset = map(float, calibration(at_p, at_q, p.mass, q.mass, weight))
    at_samples = slope * at_p + offset, slope * at_q + offset
    return replace(pair, slope=slope, offset=offset), at_samples, shares


def _fit_halves(
    whole: DensityPair,
    p: Samples,
    q: Samples,
    bandwidths: tuple[Bandwidth, Bandwidth],
    run: Run,
) -> tuple[LogRatio | None, tuple[DensityPair, ...]]:
    if min(p.n, q.n) < 4:
        return None, ()
    # Half the points would take wider kernels, by the rate of every rule.
    wider = 2.0 ** (1 / (p.d + 4))
    bandwidths = bandwidths[0].scaled(wider), bandwidths[1].scaled(wider)
    splits = [np.array_split(run.rng.permutation(sample.n), 2) for sample in (p, q)]
    at_p, at_q = np.empty(p.n), np.empty(q.n)
    pairs = []
    for rows_p, rows_q in zip(*splits, strict=True):
        part_p, part_q = _part(p, rows_p), _part(q, rows_q)
        if part_p is None or part_q is None:
            return None, ()
        pair = whole.refit(part_p, part_q, bandwidths)
        at_p[rows_p], at_q[rows_q], _ = pair.leave_one_out(part_p, part_q, run)
        pairs.append(pair)
    slope, offset = map(float, calibration(at_p, at_q, p.mass, q.mass, whole.weight))
    at_p, at_q = slope * at_p + offset, slope * at_q + offset
    return LogRatio(at_p, at_q, pairs[0]), tuple(pairs)


def _part(sample: Samples, rows: NDArray[np.intp]) -> Samples | None:
    if sample.weights is not None and np.count_nonzero(sample.weights[rows]) < 2:
        return None
    return sample.take(rows)


@register(RatioDivergence, KDE)
def read_densities(
    definition: RatioDivergence, estimator: KDE, p: Samples, q: Samples, run: Run
) -> Reading:
    """Read a divergence from the log-ratios at the samples, or integrate it on a grid."""
    fit = _fit(estimator, p, q, run)
    points_p, points_q = fit.p.sample, fit.q.sample
    if not estimator.integrate or fit.pair is None:
        return read_ratio(definition, fit.ratio, points_p, points_q)
    pairs = (fit.pair, *fit.halves)
    inner, *of_halves = integrate_on_grid(definition, pairs, points_p, points_q, run)
    smaller = sum(of_halves) / len(of_halves) if of_halves else None
    return read_ratio(definition, fit.ratio, points_p, points_q, values=(inner, smaller))


def spans(sample: Samples, other: Samples) -> bool:
    """Whether a sample has a density in all the columns that span both."""
    subspace = find_subspace(np.vstack([sample.points, other.points]), sample.columns)
    try:
        _check_has_density("", sample, subspace)
    except ValueError:
        return False
    return True


def _check_has_density(name: str, sample: Samples, subspace: Subspace) -> None:
    used = sample.points if sample.weights is None else sample.points[sample.weights > 0]
    needed = len(subspace.kept) + 1
    if len(used) < needed:
        raise ValueError(
            f"{name} must have at least {needed} points for kernel densities of "
            f"{needed - 1} features, but it has {len(used)}. Use fewer features, or a method "
            f"that needs no covariance."
        )
    own = find_subspace(used, sample.columns)
    missing = {j: why for j, why in own.dropped.items() if j not in subspace.dropped}
    if missing:
        words = replace(own, dropped=missing).words()
        raise ValueError(
            f"{name} has no density in all the columns that span both samples: in {name}, "
            f'{words}. Use method="classifier", drop the column, or give KDE(bandwidth=) a number.'
        )


def _reduced_setting(setting: Any, subspace: Subspace) -> Any:
    if subspace.is_full or not isinstance(setting, tuple) or len(setting) != len(subspace.names):
        return setting
    values = np.array(setting)
    kept = list(subspace.kept)
    return as_bandwidth_setting(values[kept] if values.ndim == 1 else values[np.ix_(kept, kept)])


def _no_difference(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.zeros(len(points))


def _width_notes(chosen: Choice, p: Samples, q: Samples) -> tuple[str, ...]:
    """Where one width may not fit all of the points."""
    if chosen.scale <= _TELLING_SCALE:
        why = (
            f"The bandwidth that tells the samples apart best is 1/{round(1 / chosen.scale)} of "
            f"Scott's: tails are heavy or modes are narrow."
        )
    elif chosen.tails is None and TailMap.of(p.points, q.points) is not None:
        why = "Tails are heavy, and kernels are placed in the data's own coordinates."
    else:
        return ()
    return (
        f"{why} One bandwidth may not fit all of the data, and the value may be too low; compare "
        f'with method="auto".',
    )


def _tail_note(tails: TailMap, subspace: Subspace) -> str:
    names = [subspace.names[subspace.kept[j]] for j in np.flatnonzero(tails.heavy)]
    return (
        f"Tails are heavy in column{'s' if len(names) > 1 else ''} {first_few(names)}: kernels are "
        f"placed where an invertible map draws them in, which changes no density ratio."
    )


def _overlap_notes(shares: tuple[float, float]) -> tuple[str, ...]:
    return tuple(
        f"{share:.0%} of {name}'s points lie where {other} has almost no points: how large the "
        f"ratio is there cannot be told, and divergences without a largest value (KL, chi², Rényi) "
        f"come out too low."
        for share, name, other in ((shares[0], "p", "q"), (shares[1], "q", "p"))
        if share > _TELLING_SHARE
    )


@register_loss(RatioDivergence, KDE)
def density_loss(
    definition: RatioDivergence, estimator: KDE, x: torch.Tensor, y: torch.Tensor, run: Run
) -> torch.Tensor:
    """Read a divergence of two batches from their leave-one-out log-ratios, differentiably."""
    from divergences.estimators.kde_loss import as_far_as_read, log_ratios

    if estimator.integrate:
        raise InvalidPairError(
            "KDE(integrate=True) has no differentiable form. Use KDE(integrate=False)."
        )
    at_x, at_y = log_ratios(estimator, x, y, run)
    terms_x, terms_y = definition.loss_terms(*as_far_as_read(definition, at_x, at_y))
    value: torch.Tensor = terms_x.mean() + terms_y.mean()
    return value
