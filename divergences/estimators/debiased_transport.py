"""Optimal transport between two samples, less what two samples of one measure would show."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from divergences.checks import check_whole
from divergences.definitions import Wasserstein
from divergences.definitions.definition import signed_root
from divergences.estimate import Reading
from divergences.estimators import quantile_transport as line
from divergences.estimators.affine_transport import AffineMap, fit_affine_maps
from divergences.estimators.estimator import Estimator, register
from divergences.estimators.exact_transport import ExactTransport, transport
from divergences.estimators.transport_bracket import LEVEL, transport_bracket
from divergences.estimators.transport_plan import Plan, TransportPotential, require_pairs, solve
from divergences.inference.null_level import halves

if TYPE_CHECKING:
    from divergences.measures.samples import Samples
    from divergences.work import Run

_Pair = tuple["Samples", "Samples"]


@dataclass(frozen=True)
class DebiasedTransport(Estimator):
    r"""Take off the plug-in transport cost what it would show without a difference.

    W^2 = W(P', Q')^2 - [(D + E)^2 - D^2] with W = (W_r^r)^(2/r), signed below zero.

    P' and Q' are random halves. E is the excess of the transport cost between two halves of one
    sample, one of them moved toward the other sample by a map T that is known to be optimal (a
    similarity, or for r = 2 the linear map between the covariances), over the value of T's
    potentials; D is the cost of T. Where the samples agree T moves nothing, and this is the plain
    W(P', Q')^2 - W(P', P'')^2; where they lie apart, E shrinks as the plug-in's own bias does.
    For r other than 2, where roots are taken, what T leaves unexplained counts only as far as it
    stands out of the noise. The plug-in is mixed in where its bias is below the noise of the
    correction. In one dimension it is the plug-in.

    The correction is exact in the limit of many features where Q is a map T of P, and else of the
    right size; it is too large where Q is more clustered than P is. The bracket assumes no more
    than independent points.

    Parameters
    ----------
    splits : int
        Random halvings of both samples; each solves four problems of half the size, which takes
        about as long as the whole.

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
    null = _null(maps, plan.cost, estimator.splits, p, q, run)
    square = null.corrected
    if order != 2:
        # The level is a mean over the two samples, which are independent.
        doubt = math.hypot(_unexplained(plan, maps[0], p, q), null.noise / math.sqrt(2))
        square = null.known + _signal(square - null.known, doubt)
    stderr = math.sqrt(p.variance_of_mean(plan.u) + q.variance_of_mean(plan.v))
    noise = math.hypot(_slope(plan.cost, order) * stderr, null.noise)
    inner, spread = _to_cost(square, noise, order)
    plug_in = Reading(plan.cost, stderr, critic=TransportPotential(q.points, plan.v, order))
    value, biased = definition.outer(inner), definition.outer(plan.cost)
    return replace(
        plug_in,
        inner=inner,
        stderr=spread,
        bracket=transport_bracket(definition, plug_in, p, q, run),
        notes=(_note(biased, value),),
        diagnostics={
            "plug_in": biased,
            "affine_map": math.sqrt(null.known),
            "null_level": signed_root(null.level),
            "duality_gap": plan.gap,
        },
    )


def _note(plug_in: float, value: float) -> str:
    return (
        f"Debiased by {float(f'{plug_in - value:.2g}'):g}: the plug-in, which lies above the truth "
        f"on average, shows {float(f'{plug_in:.3g}'):g}."
    )


@dataclass(frozen=True)
class _Null:
    """What halves show beside the whole, all on the scale of W²."""

    corrected: float
    known: float
    level: float
    noise: float


def _null(
    maps: tuple[AffineMap, AffineMap], cost: float, splits: int, p: Samples, q: Samples, run: Run
) -> _Null:
    order = maps[0].order
    known = (p.mean(maps[0].cost(p.points)) + q.mean(maps[1].cost(q.points))) / 2
    split = [(halves(p, run.rng), halves(q, run.rng)) for _ in range(splits)]
    crosses = [cross for of_p, of_q in split for cross in zip(of_p, of_q, strict=True)]
    nulls = [(side, pair) for both in split for side, pair in zip(maps, both, strict=True)]
    costs = list(run.map(lambda pair: _cost(*pair, order), crosses, "halves"))
    extra = np.array(list(run.map(lambda null: _excess(*null), nulls, "null level")))
    levels = _squared(known + extra, order) - _squared(known, order)
    # On the scale of W² the level shrinks like n^(-2/d), near and far; this evens out n and m.
    sizes = np.mean([_sizes(pair) for pair in crosses])
    levels *= [(sizes / _sizes(pair)) ** (2 / max(p.d, 2)) for _, pair in nulls]
    biased = _squared(cost, order)
    noise = float(levels.std())
    taken_off = biased - _squared(float(np.mean(costs)), order) + float(levels.mean())
    corrected = biased - _signal(taken_off, noise)
    return _Null(corrected, float(_squared(known, order)), float(levels.mean()), noise)


def _cost(p: Samples, q: Samples, order: float) -> float:
    return solve(p.points, q.points, p.mass, q.mass, order).cost


def _excess(side: AffineMap, pair: _Pair) -> float:
    """Cost between one half and the other half moved, above the value of the potentials."""
    first, second = pair
    moved = replace(second, points=side(second.points))
    f, g = side.dual(first.points, moved.points)
    value = first.mean(f) + moved.mean(g)
    return max(0.0, _cost(first, moved, side.order) - value)


def _sizes(pair: _Pair) -> float:
    first, second = pair
    return 1.0 / first.effective_size + 1.0 / second.effective_size


def _squared(cost: Any, order: float) -> Any:
    return cost ** (2 / order)


def _slope(cost: float, order: float) -> float:
    return 2 / order * cost ** (2 / order - 1) if cost > 0 else 0.0


def _signal(value: float, noise: float) -> float:
    """Positive-part James-Stein: what stands out of noise of a known standard deviation."""
    return value * (1.0 - (noise / value) ** 2) if abs(value) > noise else 0.0


def _unexplained(plan: Plan, there: AffineMap, p: Samples, q: Samples) -> float:
    """Standard error, on the scale of W², of the cost less the value of the map's potentials."""
    f, g = there.dual(p.points, q.points)
    variance = p.variance_of_mean(plan.u - f) + q.variance_of_mean(plan.v - g)
    return _slope(plan.cost, there.order) * math.sqrt(variance)


def _to_cost(square: float, noise: float, order: float) -> tuple[float, float]:
    """W_r^r with a standard error whose interval reaches as far as that of W² does.

    A root makes the interval lopsided near zero; the longer side that is above zero counts.
    """
    reach = NormalDist().inv_cdf((1 + LEVEL) / 2)
    ends = (square, square + reach * noise, square - reach * noise)
    inner, high, low = (signed_root(end, 2 / order) for end in ends)
    return inner, max(high - inner, inner - max(low, 0.0)) / reach
