"""The transport problem between weighted points, solved and certified."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from divergences.errors import ConvergenceError
from divergences.estimators.transport import quantile_transport as line
from divergences.work import require_memory, row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

BYTES_PER_PAIR = 34  # the cost (8), and what POT's network simplex was seen to add (25)
PIVOTS_PER_POINT = (200, 20_000)
GAP = 1e-9  # of the cost
ROUNDING = 1e-13  # of the largest cost


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
