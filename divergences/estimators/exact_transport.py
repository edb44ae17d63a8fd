"""Optimal transport between two samples, solved exactly."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.spatial.distance import cdist

from divergences.definitions import Wasserstein
from divergences.errors import ConvergenceError
from divergences.estimate import Critic, Reading
from divergences.estimators import quantile_transport as line
from divergences.estimators.estimator import Estimator, register, register_loss
from divergences.inference.null_level import NullLevel, null_level
from divergences.measures.samples import Samples
from divergences.work import Run, require_memory, row_tiles

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

BYTES_PER_PAIR = 34  # the cost (8), and what POT's network simplex was seen to add (25)
PIVOTS_PER_POINT = (200, 20_000)
GAP = 1e-9  # of the cost
ROUNDING = 1e-13  # of the largest cost


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
    told is too much.

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


@dataclass(frozen=True, eq=False)
class Plan:
    """An optimal plan between weighted points, with its certificate.

    Parameters
    ----------
    rows, columns : ndarray of shape (pieces,)
        Points of P and of Q that each piece of mass joins.
    mass : ndarray of shape (pieces,)
        Size of the piece.
    cost : float
        The plan's transport cost.
    u, v : ndarray of shape (n,), (m,)
        Feasible dual potentials.
    gap : float
        Cost of the plan minus the dual value: how far from optimal it can be at most.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    mass: NDArray[np.float64]
    cost: float
    u: NDArray[np.float64]
    v: NDArray[np.float64]
    gap: float


@dataclass(frozen=True, eq=False)
class TransportPotential:
    """The potential of P in all space: f(z) = min over j of |z - y_j|^r - v_j."""

    y: NDArray[np.float64]
    v: NDArray[np.float64]
    order: float

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at (k, d) points."""
        values = np.empty(len(points))
        for rows in row_tiles(len(points), len(self.y), arrays=2):
            values[rows] = (pair_costs(points[rows], self.y, self.order) - self.v).min(axis=1)
        return values


def pair_costs(x: NDArray[np.float64], y: NDArray[np.float64], order: float) -> NDArray[np.float64]:
    """|x_i - y_j|^r of all pairs, from differences: no digits are lost to a common offset."""
    if order == 2:
        return np.asarray(cdist(x, y, "sqeuclidean"))
    costs = np.asarray(cdist(x, y))
    if order != 1:
        np.power(costs, order, out=costs)
    return costs


@register(Wasserstein, ExactTransport)
def transport(
    definition: Wasserstein, estimator: ExactTransport, p: Samples, q: Samples, run: Run
) -> Reading:
    """Solve the problem, read the error bar from the potentials, and measure the bias."""
    order = definition.order
    p, q = line.without_empty(p), line.without_empty(q)
    line.require_range(p, q, order)
    if p.d == 1:
        p, q = _sorted(p), _sorted(q)
        inner, at_p, at_q, critic = _on_the_line(p, q, order)
        diagnostics: dict[str, Any] = {}
    else:
        require_pairs(p.n, q.n)
        plan = solve(p.points, q.points, p.mass, q.mass, order)
        inner, at_p, at_q = plan.cost, plan.u, plan.v
        critic = TransportPotential(q.points, plan.v, order)
        diagnostics = {"duality_gap": plan.gap}
    stderr = math.sqrt(p.variance_of_mean(at_p) + q.variance_of_mean(at_q))
    null = _null_level(p, q, order, run)
    diagnostics["null_level"] = definition.outer(null.level)
    diagnostics["without_null_level"] = definition.outer(null.without_level(inner, order))
    return Reading(
        inner=inner,
        stderr=stderr,
        bias=null.reach(inner, stderr, order),
        notes=(null.note(inner, stderr, order, definition.outer),),
        critic=critic,
        diagnostics=diagnostics,
    )


def _sorted(sample: Samples) -> Samples:
    points, weights = line.sorted_with_mass(sample.points[:, 0], sample.weights)
    return Samples(points[:, None], weights)


def _on_the_line(
    p: Samples, q: Samples, order: float
) -> tuple[float, NDArray[np.float64], NDArray[np.float64], Critic]:
    x, y = p.points[:, 0], q.points[:, 0]
    matching = line.match(p.n, q.n, p.weights, q.weights)
    inner = float(line.transport_cost(x, y, matching, order))
    u, v = line.potentials(x, y, matching, order)
    return inner, u, v, line.LinePotential.create(x, y, matching, v, order)


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


def require_pairs(n: int, m: int) -> None:
    """Refuse, before anything is computed, costs that would not fit in memory."""
    require_memory(
        BYTES_PER_PAIR * n * m,
        f"Exact transport between {n:,} and {m:,} points",
        "Use fewer points, sliced_wasserstein_distance (which only sorts), or "
        "sinkhorn_divergence (whose memory does not grow with n m).",
    )


def solve(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    order: float,
) -> Plan:
    """Solve the transport problem in any dimension, and certify the solution.

    Parameters
    ----------
    x, y : ndarray of shape (n, d), (m, d)
        Points.
    a, b : ndarray of shape (n,), (m,)
        Positive weights that sum to one.
    order : float
        Power of the cost.

    Returns
    -------
    Plan

    Raises
    ------
    ConvergenceError
        If the duality gap stays above a billionth of the cost and rounding.
    """
    costs = pair_costs(x, y, order)
    scale = float(costs.max())
    if scale == 0.0:
        return _plan_at_one_point(a, b)
    costs /= scale
    gap = allowed = 0.0
    for pivots in PIVOTS_PER_POINT:
        plan = _simplex(costs, a, b, pivots * (len(a) + len(b)))
        gap, allowed = plan.gap, GAP * plan.cost + ROUNDING
        if gap <= allowed:
            return _rescaled(plan, x, y, order, scale)
    raise ConvergenceError(
        f"Exact transport between {len(a):,} and {len(b):,} points could not be certified: after "
        f"{PIVOTS_PER_POINT[-1]:,} pivots per point the duality gap is {gap * scale:.2g}, above "
        f"{allowed * scale:.2g}. Use fewer points, or sinkhorn_divergence or "
        f"sliced_wasserstein_distance."
    )


def _simplex(
    costs: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64], pivots: int
) -> Plan:
    import ot

    with warnings.catch_warnings():
        # POT only warns where it stopped early; the duality gap decides here.
        warnings.simplefilter("ignore")
        flow, log = ot.emd(a, b, costs, numItermax=pivots, log=True)
    rows, columns = np.nonzero(flow)
    mass = flow[rows, columns]
    cost = float(mass @ costs[rows, columns])
    v = np.asarray(log["v"])
    u = np.empty(len(a))
    for tile in row_tiles(len(a), len(b), arrays=2):
        u[tile] = (costs[tile] - v).min(axis=1)
    moved = max(
        float(np.abs(np.bincount(rows, mass, len(a)) - a).sum()),
        float(np.abs(np.bincount(columns, mass, len(b)) - b).sum()),
    )
    # Mass that the plan fails to move could cost up to the largest cost, which is one.
    return Plan(rows, columns, mass, cost, u, v, cost - float(a @ u + b @ v) + moved)


def _rescaled(
    plan: Plan, x: NDArray[np.float64], y: NDArray[np.float64], order: float, scale: float
) -> Plan:
    moves = np.sqrt(np.square(x[plan.rows] - y[plan.columns]).sum(axis=1))
    cost = float(plan.mass @ moves**order)
    u, v = plan.u * scale, plan.v * scale
    return Plan(plan.rows, plan.columns, plan.mass, cost, u, v, plan.gap * scale)


def _plan_at_one_point(a: NDArray[np.float64], b: NDArray[np.float64]) -> Plan:
    matching = line.match_masses(a, b)
    assert matching.rows is not None
    assert matching.columns is not None
    mass = np.asarray(matching.mass)
    return Plan(matching.rows, matching.columns, mass, 0.0, np.zeros(len(a)), np.zeros(len(b)), 0.0)


@register_loss(Wasserstein, ExactTransport)
def transport_loss(
    definition: Wasserstein, estimator: ExactTransport, x: torch.Tensor, y: torch.Tensor, run: Run
) -> torch.Tensor:
    """Cost of the optimal plan; the plan itself is held fixed (envelope theorem)."""
    import torch

    order = definition.order
    if x.shape[1] == 1:
        matching = line.match_sizes(len(x), len(y))
        start, end = torch.sort(x[:, 0]).values, torch.sort(y[:, 0]).values
        return line.tensor_cost(start, end, matching, order)
    require_pairs(len(x), len(y))
    a, b = (np.full(len(batch), 1.0 / len(batch)) for batch in (x, y))
    plan = solve(_as_points(x), _as_points(y), a, b, order)
    rows = torch.as_tensor(plan.rows, device=x.device)
    columns = torch.as_tensor(plan.columns, device=x.device)
    moves = x[rows] - y[columns]
    mass = torch.as_tensor(plan.mass, device=x.device, dtype=x.dtype)
    if order == 2:
        return torch.dot(mass, moves.square().sum(dim=1))
    return torch.dot(mass, torch.linalg.vector_norm(moves, dim=1) ** order)


def _as_points(batch: torch.Tensor) -> NDArray[np.float64]:
    points: NDArray[np.float64] = batch.detach().cpu().double().numpy()
    return points
