"""Optimal transport between two samples, less what two samples of one measure would show."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from divergences.checks import check_whole
from divergences.definitions import Wasserstein
from divergences.definitions.definition import signed_root
from divergences.estimate import Reading
from divergences.estimators.estimator import Estimator, register
from divergences.estimators.exact_transport import ExactTransport, of_plan, transport
from divergences.estimators.transport import quantile_transport as line
from divergences.estimators.transport.affine_transport import AffineMap, fit_affine_maps
from divergences.estimators.transport.transport_bracket import transport_bracket
from divergences.estimators.transport.transport_plan import (
    Plan,
    TransportPotential,
    require_pairs,
    solve,
)
from divergences.inference.null_level import Pair, debiasing_note, halves, sizes_of
from divergences.inference.squares import cost_of_square, signal, slope_of_square, squared
from divergences.numerals import three_digits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples
    from divergences.work import Run


_LARGEST_HALF = 1_000
_FEW_POINTS, _MOST_TIMES = 1_500, 4  # in all: half of them take twice the halvings, and so on
_WORTH_SAYING = 0.05
_SLOWEST = 1.6  # the level shrinks like n^(-2/d), or faster where the points fill no space
_DOUBT, _DOUBT_IN_THE_PLANE = 0.12, 0.2  # spread of the share at normal samples of 400 points


@dataclass(frozen=True)
class DebiasedTransport(Estimator):
    r"""Take off the plug-in transport cost what it would show without a difference.

    W^2 = W(P_n, Q_m)^2 - s [(D + E)^2 - D^2] with W = (W_r^r)^(2/r), signed below zero.

    E is the excess of the transport cost between two random halves of one sample, one of them
    moved toward the other sample by a map T that is known to be optimal (a similarity, or for
    r = 2 the linear map between the covariances), over the value of T's potentials; D is the cost
    of T. The excess is taken to the full size by the rate at which it falls from quarters to
    halves. Where the samples agree T moves nothing, and this is the plain W(P_n, Q_m)^2 less
    W(P', P'')^2; where they lie apart, E shrinks as the plug-in's own bias does. The share s is 1
    unless the plug-in itself grows from the whole to quarters of the samples by clearly less or
    more than E does: less where Q is more clustered than P is; what does not stand out of the
    noise is told as `bias`, and the interval reaches as far. For r other than 2, where roots are
    taken, what T leaves unexplained counts only as far as it stands out of the noise. The plug-in
    is mixed in where its bias is below the noise of the correction. In one dimension it is the
    plug-in.

    The correction is exact in the limit of many features where Q is a map T of P, and else of the
    right size. The bracket needs no assumption about the bias.

    Parameters
    ----------
    splits : int
        Random halvings of both samples, up to four times as many below 750 points in all, where
        they are noisy and fast; each solves two problems of half and eight of a quarter of the
        size. At 1,000 points three take about half as long as the whole. Halves are of 1,000
        points at most.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Chizat, Roussillon, Leger, Vialard and Peyré (2020) for correcting by self-transport.

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> x, y = np.random.default_rng(0).normal(size=(2, 200, 10))
    >>> y[:, 0] += 1
    >>> plug_in = dv.wasserstein_distance(x, y, order=2, method="exact", rng=0)
    >>> debiased = dv.wasserstein_distance(x, y, order=2, method="debiased", rng=0)
    >>> f"{plug_in:.1f}", f"{debiased:.1f}"
    ('2.6', '1.0')
    """

    splits: int = 3
    shorthand: ClassVar[str] = "debiased"
    minimum: ClassVar[int] = 4

    def __post_init__(self) -> None:
        check_whole("splits", self.splits, remedy="Two or more average the noise of halving.")

    def describe(self) -> str:
        """Return the name."""
        return "debiased transport"


@register(Wasserstein, DebiasedTransport)
def debiased_transport(
    definition: Wasserstein, estimator: DebiasedTransport, p: Samples, q: Samples, run: Run
) -> Reading:
    """Correct the plug-in, and bracket the truth."""
    if p.d == 1:
        return transport(definition, ExactTransport(), p, q, run)
    p, q = line.without_empty(p), line.without_empty(q)
    order = definition.order
    line.require_range(p, q, order)
    require_pairs(p.n, q.n)
    plan = solve(p.points, q.points, p.mass, q.mass, order)
    maps = fit_affine_maps(p, q, order)
    null = _null(maps, plan, estimator.splits, p, q, run)
    # The level is a mean over the two samples, which are independent.
    doubt = 0.0
    if order != 2:
        doubt = math.hypot(_unexplained(plan, maps[0], p, q), null.noise / math.sqrt(2))
    square, as_seen = (
        null.known + signal(found - null.known, doubt) for found in (null.corrected, null.as_seen)
    )
    plug_in = of_plan(plan, p, q, order)
    seen = slope_of_square(plan.cost, order) * plug_in.stderr
    noise = math.hypot(seen, null.noise, null.share_noise)
    inner, spread = cost_of_square(square, noise, order)
    bias = inner - signed_root(as_seen, 2 / order)
    value, biased = definition.outer(inner), definition.outer(plan.cost)
    return replace(
        plug_in,
        inner=inner,
        stderr=spread,
        bias=bias,
        doubt=(0.0, 0.0),
        bracket=transport_bracket(definition, plug_in, p, q, run),
        notes=_notes(biased, value, definition.outer(inner - bias)) + plug_in.notes,
        diagnostics={
            "plug_in": biased,
            "affine_map": math.sqrt(null.known),
            "null_level": signed_root(null.level),
            "share_of_level": null.share,
        }
        | (plug_in.diagnostics or {}),
    )


def _notes(plug_in: float, value: float, as_seen: float) -> tuple[str, ...]:
    taken = debiasing_note(plug_in, value)
    shown, seen = three_digits(value), three_digits(as_seen)
    if shown == seen or abs(value - as_seen) < _WORTH_SAYING * abs(plug_in - value):
        return (taken,)
    return (
        taken,
        f"Parts of the samples would put it at {seen}; the interval reaches as far as that.",
    )


@dataclass(frozen=True)
class _Null:
    """What parts of the samples show beside the whole, all on the scale of W²."""

    corrected: float
    as_seen: float
    known: float
    level: float
    share: float
    noise: float
    share_noise: float


def _null(
    maps: tuple[AffineMap, AffineMap], plan: Plan, splits: int, p: Samples, q: Samples, run: Run
) -> _Null:
    order = maps[0].order
    known = (p.mean(maps[0].cost(p.points)) + q.mean(maps[1].cost(q.points))) / 2
    parts = [_parts(p, q, run.rng) for _ in range(splits * _times_more(p.n + q.n))]
    sides = [(side, pair) for part in parts for side, pair in zip(maps, part.halves, strict=True)]
    small = [
        (side, pair)
        for part in parts
        for side, pairs in zip(maps, part.quarters, strict=True)
        for pair in pairs
    ]
    crosses = [cross for part in parts for cross in part.crosses]
    costs = np.array(list(run.map(lambda pair: _cost(*pair, order), crosses, "quarters")))
    extra = np.array(list(run.map(lambda null: _excess(*null), sides + small, "null level")))
    levels = squared(known + extra, order) - squared(known, order)
    full, quarter = _at_sizes(levels, [pair for _, pair in sides + small], crosses, p, q)
    whole, halved = float(full[: len(sides)].mean()), float(quarter[len(sides) :].mean())
    rise = squared(max(0.0, float(costs.mean()) - _luck(plan, crosses, p, q, order)), order)
    biased = squared(plan.cost, order)
    seen, share, doubt = _shares(rise - biased, halved - whole, p.d)
    noise = float(full[: len(sides)].std(ddof=1))
    corrected, as_seen = (biased - signal(part * whole, noise) for part in (share, seen))
    known = float(squared(known, order))
    return _Null(corrected, as_seen, known, whole, share, noise, doubt * whole)


def _times_more(n_points: int) -> int:
    return int(np.clip(_FEW_POINTS // n_points, 1, _MOST_TIMES))


@dataclass(frozen=True)
class _Parts:
    """Random halves of both samples, each split again."""

    halves: tuple[Pair, Pair]
    quarters: tuple[tuple[Pair, Pair], tuple[Pair, Pair]]

    @property
    def crosses(self) -> list[Pair]:
        """Quarters of P beside quarters of Q."""
        return [
            (a, b)
            for pair_p, pair_q in zip(*self.quarters, strict=True)
            for a, b in zip(pair_p, pair_q, strict=True)
        ]


def _parts(p: Samples, q: Samples, rng: np.random.Generator) -> _Parts:
    pair_p, pair_q = halves(p, rng, _LARGEST_HALF), halves(q, rng, _LARGEST_HALF)
    return _Parts((pair_p, pair_q), (_quarters(pair_p, rng), _quarters(pair_q, rng)))


def _quarters(pair: Pair, rng: np.random.Generator) -> tuple[Pair, Pair]:
    (a, b), (c, d) = (halves(half, rng) for half in pair)
    return (a, c), (b, d)


def _at_sizes(
    levels: NDArray[np.float64], pairs: list[Pair], crosses: list[Pair], p: Samples, q: Samples
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The levels at the sizes of the whole samples and of the crosses, by the rate they show."""
    sizes = np.array([sizes_of(pair) for pair in pairs])
    third = len(pairs) // 3
    large, small = levels[:third].mean(), levels[third:].mean()
    grown = math.log(sizes[third:].mean() / sizes[:third].mean())
    slowest, rate = _SLOWEST / max(p.d, 2), 1.0
    if 0 < large < small and grown > 0:
        rate = float(np.clip(math.log(small / large) / grown, slowest, 1.0))
    goal = float(np.mean([sizes_of(cross) for cross in crosses]))
    return levels * (sizes_of((p, q)) / sizes) ** rate, levels * (goal / sizes) ** rate


def _luck(plan: Plan, crosses: list[Pair], p: Samples, q: Samples, order: float) -> float:
    """How far the crosses lie above the whole since their points do: no matter of their number."""
    f = TransportPotential(q.points, plan.v, order)
    g = TransportPotential(p.points, plan.u, order)
    values = [a.mean(f(a.points)) + b.mean(g(b.points)) for a, b in crosses]
    return float(np.mean(values)) - plan.cost


def _shares(seen: float, foreseen: float, d: int) -> tuple[float, float, float]:
    """Share of the level that the plug-in holds, as it grows from the whole to quarters.

    The share as seen; the one to use: one, unless the two differ by more than the noise that
    the share was measured to have; and that noise where it enters the one to use.
    """
    if foreseen <= 0:
        return 1.0, 1.0, 0.0
    share = float(np.clip(seen / foreseen, 0.0, 2.0))
    doubt = _DOUBT_IN_THE_PLANE if d == 2 else _DOUBT
    used = 1.0 + signal(share - 1.0, doubt)
    return share, used, 0.0 if used == 1.0 else doubt


def _cost(p: Samples, q: Samples, order: float) -> float:
    return solve(p.points, q.points, p.mass, q.mass, order).cost


def _excess(side: AffineMap, pair: Pair) -> float:
    """Cost between one half and the other half moved, above the value of the potentials."""
    first, second = pair
    moved = replace(second, points=side(second.points))
    f, g = side.dual(first.points, moved.points)
    value = first.mean(f) + moved.mean(g)
    return max(0.0, _cost(first, moved, side.order) - value)


def _unexplained(plan: Plan, there: AffineMap, p: Samples, q: Samples) -> float:
    """Standard error, on the scale of W², of the cost less the value of the map's potentials."""
    f, g = there.dual(p.points, q.points)
    variance = p.variance_of_mean(plan.u - f) + q.variance_of_mean(plan.v - g)
    return slope_of_square(plan.cost, there.order) * math.sqrt(variance)
