"""Optimal transport between two samples, solved exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from divergences.definitions import Wasserstein
from divergences.estimate import Critic, Reading
from divergences.estimators.estimator import Estimator, register, register_loss
from divergences.estimators.tensor_order import sorted_values
from divergences.estimators.transport import quantile_transport as line
from divergences.estimators.transport.transport_bracket import transport_bracket
from divergences.estimators.transport.transport_plan import (
    Plan,
    TransportPotential,
    require_pairs,
    solve,
)
from divergences.inference.null_level import NullLevel, null_level
from divergences.inference.skewed_means import doubt_of_means, skewness_notes
from divergences.measures.from_torch import to_numpy
from divergences.measures.samples import Samples
from divergences.work import Run

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ExactTransport(Estimator):
    r"""Solve the transport problem between the two samples exactly.

    W_r^r(P_n, Q_m) = min over couplings of sum_ij pi_ij |x_i - y_j|^r
    = max of sum_i a_i u_i + sum_j b_j v_j over u_i + v_j <= |x_i - y_j|^r.

    In one dimension it sorts, O(n log n); else POT's network simplex runs on the n×m costs, which
    takes about n^2.5 time and 34 n m bytes. The result is certified by its duality gap.
    The critic is the potential of P, extended to all space by its c-transform
    f(z) = min over j of |z - y_j|^r - v_j: high where P outweighs Q, 1-Lipschitz for r = 1.

    The value lies above the truth on average, by about n^(-1/d): two samples of one measure are
    never at distance zero. How far above is measured on random halves of each sample, taken to
    full size by the rate n^(-1/d), and told in the notes, in `bias` and by the lower end of the
    interval. Where the points lie near a set of fewer dimensions the rate is faster, and what is
    told is too much. Interval and bracket allow for few points and skewed costs; a note says where
    the samples show too much skewness for 95 %, which one that lacks its far points cannot. The
    bracket reaches from potentials held out on halves to the plug-in and needs no assumption about
    the bias. Where the samples are alike to the point the interval reaches up by the null level.

    Raises
    ------
    TooLargeError
        If the costs do not fit in memory; the message says how many bytes they need.
    ConvergenceError
        If the solution cannot be certified.

    References
    ----------
    Bonneel, van de Panne, Paris and Heidrich (2011); del Barrio and Loubes (2019) for the error
    bar; Flamary et al. (2021) for POT.

    Examples
    --------
    >>> import divergences as dv
    >>> dv.wasserstein_distance([0, 1, 3], [5, 6, 8], method=dv.ExactTransport(), rng=0).value
    5.0
    """

    shorthand: ClassVar[str] = "exact"

    def describe(self) -> str:
        """Return the name."""
        return "exact transport"


@register(Wasserstein, ExactTransport)
def transport(
    definition: Wasserstein, estimator: ExactTransport, p: Samples, q: Samples, run: Run
) -> Reading:
    """Solve the problem, read the error bar from the potentials, measure and bracket the bias."""
    order = definition.order
    p, q = line.without_empty(p), line.without_empty(q)
    line.require_range(p, q, order)
    if p.d == 1:
        p, q = line.in_order(p), line.in_order(q)
    reading = plug_in(p, q, order)
    inner, stderr = reading.inner, reading.stderr
    null = _null_level(p, q, order, run)
    reading = replace(
        reading,
        bias=null.reach(inner, stderr, order),
        doubt=reading.doubt if stderr > 0 else (0.0, null.level * math.sqrt(math.pi / 2)),
        notes=(null.note(inner, stderr, order, definition.outer), *reading.notes),
        diagnostics=(reading.diagnostics or {})
        | {
            "null_level": definition.outer(null.level),
            "without_null_level": definition.outer(null.without_level(inner, order)),
        },
    )
    return replace(reading, bracket=transport_bracket(definition, reading, p, q, run))


def plug_in(p: Samples, q: Samples, order: float) -> Reading:
    """Transport cost between the samples, with the error bar that its potentials show.

    The samples are without points of weight zero, and on the line in the order of their values.
    """
    if p.d == 1:
        return _on_the_line(p, q, order)
    require_pairs(p.n, q.n)
    return of_plan(solve(p.points, q.points, p.mass, q.mass, order), p, q, order)


def of_plan(plan: Plan, p: Samples, q: Samples, order: float) -> Reading:
    """Cost of an optimal plan between two samples, with the error bar of its potentials."""
    critic = TransportPotential(q.points, plan.v, order)
    reading = _with_error_bar(plan.cost, (p, plan.u), (q, plan.v), critic)
    return replace(reading, diagnostics={"duality_gap": plan.gap})


def _with_error_bar(
    cost: float,
    on_p: tuple[Samples, NDArray[np.float64]],
    on_q: tuple[Samples, NDArray[np.float64]],
    critic: Critic,
) -> Reading:
    stderr = math.sqrt(sum(sample.variance_of_mean(values) for sample, values in (on_p, on_q)))
    doubt = doubt_of_means(on_p, on_q, stderr)
    return Reading(cost, stderr, notes=skewness_notes(stderr, doubt), critic=critic, doubt=doubt)


def _on_the_line(p: Samples, q: Samples, order: float) -> Reading:
    x, y = p.points[:, 0], q.points[:, 0]
    matching = line.match(p.n, q.n, p.weights, q.weights)
    inner = float(line.transport_cost(x, y, matching, order))
    u, v = line.potentials(x, y, matching, order)
    critic = line.LinePotential.create(x, y, matching, v, order)
    return _with_error_bar(inner, (p, u), (q, v), critic)


def _null_level(p: Samples, q: Samples, order: float, run: Run) -> NullLevel:
    def distance(first: Samples, second: Samples) -> float:
        if p.d == 1:
            matching = line.match(first.n, second.n, first.weights, second.weights)
            x, y = first.points[:, 0], second.points[:, 0]
            return float(line.transport_cost(x, y, matching, order))
        return solve(first.points, second.points, first.mass, second.mass, order).cost

    rate = order / max(p.d, 2)
    return null_level(p, q, distance, rate=rate, halvings=_halvings(p.n + q.n, p.d), run=run)


def _halvings(n_points: int, d: int) -> int:
    # Each costs about a third of the main problem, unless that is a sort.
    return 8 if d == 1 and n_points < 200_000 else int(np.clip(4000 // n_points, 1, 8))


@register_loss(Wasserstein, ExactTransport)
def transport_loss(
    definition: Wasserstein, estimator: ExactTransport, x: torch.Tensor, y: torch.Tensor, run: Run
) -> torch.Tensor:
    """Cost of the optimal plan; the plan itself is held fixed (envelope theorem)."""
    import torch

    order = definition.order
    if x.shape[1] == 1:
        matching = line.match_sizes(len(x), len(y))
        start, end = sorted_values(x[:, 0]), sorted_values(y[:, 0])
        return line.tensor_cost(start, end, matching, order)
    require_pairs(len(x), len(y))
    a, b = (np.full(len(batch), 1.0 / len(batch)) for batch in (x, y))
    plan = solve(to_numpy(x), to_numpy(y), a, b, order)
    rows = torch.as_tensor(plan.rows, device=x.device)
    columns = torch.as_tensor(plan.columns, device=x.device)
    moves = x[rows] - y[columns]
    mass = torch.as_tensor(plan.mass, device=x.device, dtype=x.dtype)
    if order == 2:
        return torch.dot(mass, moves.square().sum(dim=1))
    return torch.dot(mass, torch.linalg.vector_norm(moves, dim=1) ** order)
