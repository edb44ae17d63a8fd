"""The Sinkhorn divergence: entropic transport, debiased by its self terms."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.spatial.distance import cdist

from divergences.checks import check_real, check_whole
from divergences.definitions import Sinkhorn
from divergences.estimate import Reading
from divergences.estimators.estimator import Estimator, register, register_loss
from divergences.estimators.transport.log_sinkhorn import (
    EntropicPotentials,
    EntropicProblem,
    exponents,
    log_sum_exp,
    mean_cost,
    solve_entropic,
)
from divergences.estimators.transport.quantile_transport import require_range, without_empty
from divergences.inference.null_level import NullLevel, null_level
from divergences.measures.from_torch import to_numpy
from divergences.measures.samples import Samples
from divergences.work import Run, row_tiles

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

AUTO_SHARE = 20.0
NULL_HALVINGS = 4
NULL_POINTS = 500
NULL_TOLERANCE = 1e-4
SUBTRACTIVE = 2.0


@dataclass(frozen=True)
class EntropicTransport(Estimator):
    r"""Solve the three entropic transport problems by stabilized Sinkhorn iterations.

    S(P_n, Q_m) = OT_eps(P_n, Q_m) - OT_eps(P_n, P_n)/2 - OT_eps(Q_n, Q_n)/2, where
    OT_eps(P, Q) = max over f, g of E_P[f] + E_Q[g] - eps E_{P x Q}[exp((f + g - c)/eps) - 1].

    Takes O(n m) time an iteration, in tiles: memory stops growing at one gibibyte. It stops
    when the plan's marginals miss the weights by no more than `tolerance`; the value's error is
    of second order in that. The critic is f_PQ - f_PP, high where P outweighs Q. The value lies
    above the truth by about 1/n where P = Q; how much is measured on random halves.

    Parameters
    ----------
    tolerance : float
        Mass, out of one, by which the plan's marginals may miss the weights.
    iterations : int
        Most iterations for each of the three problems.

    Raises
    ------
    ConvergenceError
        If the tolerance is not reached in so many iterations.

    References
    ----------
    Feydy et al. (2019); Schmitzer (2019) for the stabilization; Brauer, Clason, Lorenz and Wirth
    (2017) for the Newton steps.

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> est = dv.sinkhorn_divergence(x, x + [3, 4], epsilon=1.0, rng=0)
    >>> round(est.value, 6)  # of a shift, whatever epsilon: |shift|²
    25.0
    """

    tolerance: float = 1e-8
    iterations: int = 10_000
    shorthand: ClassVar[str] = "sinkhorn"

    def __post_init__(self) -> None:
        check_real("tolerance", self.tolerance, above=0, below=1, remedy="1e-8 is usual.")
        check_whole("iterations", self.iterations, remedy="10,000 is usual.")

    def describe(self) -> str:
        """Return the name."""
        return "entropic transport"


@dataclass(frozen=True, eq=False)
class Triple:
    """The three problems behind one Sinkhorn divergence."""

    cross: EntropicPotentials
    self_p: EntropicPotentials
    self_q: EntropicPotentials

    @property
    def value(self) -> float:
        """S(P, Q)."""
        return self.cross.value - (self.self_p.value + self.self_q.value) / 2

    @property
    def error(self) -> float:
        """Largest of the three errors of the marginals."""
        return max(part.error for part in (self.cross, self.self_p, self.self_q))

    @property
    def iterations(self) -> int:
        """Iterations of all three problems."""
        return sum(part.iterations for part in (self.cross, self.self_p, self.self_q))


@dataclass(frozen=True, eq=False)
class EntropicCritic:
    """f_PQ - f_PP in all space, by soft minima over the points of Q and of P."""

    cross: EntropicPotentials
    self_p: EntropicPotentials
    center: NDArray[np.float64]

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at (k, d) points."""
        moved = points - self.center
        return _extended(self.cross, moved) - _extended(self.self_p, moved)


def _extended(solution: EntropicPotentials, points: NDArray[np.float64]) -> NDArray[np.float64]:
    problem = solution.problem
    weighted, values = solution.G + np.log(problem.b), np.empty(len(points))
    for rows in row_tiles(len(points), len(problem.y), arrays=2):
        tile = points[rows]
        zero = np.zeros(len(tile))
        values[rows] = -log_sum_exp(
            exponents(tile, problem.y, zero, weighted, problem.order, problem.epsilon)
        )
    return problem.epsilon * values


@register(Sinkhorn, EntropicTransport)
def entropic_divergence(
    definition: Sinkhorn, estimator: EntropicTransport, p: Samples, q: Samples, run: Run
) -> Reading:
    """Solve, read the error bar from the potentials, and measure the level at P = Q."""
    p, q = without_empty(p), without_empty(q)
    require_range(p, q, definition.order)
    problem, center = _posed(definition, p.points, q.points, p.mass, q.mass)
    if problem is None:
        return Reading(0.0, 0.0, notes=("All points of both samples coincide.",))
    triple = solve_triple(problem, estimator.tolerance, estimator.iterations, run)
    at_p = triple.cross.f - triple.self_p.f
    at_q = triple.cross.g - triple.self_q.f
    if definition.epsilon == "auto":
        slope = _slope_in_epsilon(triple, [sums_of_plan(part) for part in _parts(triple)])
        rows, columns = _mean_costs(problem)
        at_p, at_q = at_p + slope / AUTO_SHARE * rows, at_q + slope / AUTO_SHARE * columns
    stderr = math.sqrt(p.variance_of_mean(at_p) + q.variance_of_mean(at_q))
    null = _null_level(problem, p, q, estimator, run)
    return Reading(
        inner=triple.value,
        stderr=stderr,
        bias=null.reach(triple.value, stderr, SUBTRACTIVE),
        notes=_notes(definition, problem, null, triple.value, stderr),
        critic=EntropicCritic(triple.cross, triple.self_p, center),
        diagnostics={
            "epsilon": problem.epsilon,
            "marginal_error": triple.error,
            "iterations": triple.iterations,
            "null_level": null.level,
            "without_null_level": null.without_level(triple.value, SUBTRACTIVE),
        },
    )


def _notes(
    definition: Sinkhorn, problem: EntropicProblem, null: NullLevel, value: float, stderr: float
) -> tuple[str, ...]:
    bias = null.note(value, stderr, SUBTRACTIVE, definition.outer)
    if definition.epsilon != "auto":
        return (bias,)
    return (
        f"epsilon = {problem.epsilon:.4g}, a twentieth of the mean cost between the samples.",
        bias,
    )


def _posed(
    definition: Sinkhorn,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
) -> tuple[EntropicProblem | None, NDArray[np.float64]]:
    center = (x.mean(axis=0) + y.mean(axis=0)) / 2
    problem = EntropicProblem(x - center, y - center, a, b, definition.order, 1.0)
    typical = mean_cost(problem)
    if typical == 0.0:
        return None, center
    epsilon = typical / AUTO_SHARE if definition.epsilon == "auto" else definition.epsilon
    return replace(problem, epsilon=float(epsilon)), center


def solve_triple(problem: EntropicProblem, tolerance: float, iterations: int, run: Run) -> Triple:
    """Solve the problem between the samples and those of each sample with itself."""
    self_p = replace(problem, y=problem.x, b=problem.a)
    self_q = replace(problem, x=problem.y, a=problem.b)
    cross, own_p, own_q = (
        solve_entropic(part, tolerance, iterations, run) for part in (problem, self_p, self_q)
    )
    return Triple(cross, own_p, own_q)


def _null_level(
    problem: EntropicProblem, p: Samples, q: Samples, estimator: EntropicTransport, run: Run
) -> NullLevel:
    tolerance = max(NULL_TOLERANCE, estimator.tolerance)

    def distance(first: Samples, second: Samples) -> float:
        center = first.points.mean(axis=0)
        halves = replace(
            problem,
            x=first.points - center,
            y=second.points - center,
            a=first.mass,
            b=second.mass,
        )
        return solve_triple(halves, tolerance, estimator.iterations, quiet).value

    quiet = replace(run, progress=False)
    # Between that of unregularized transport, which rules while epsilon is below the cost to
    # the nearest neighbor, and the 1/n of the limit.
    rate = (problem.order / max(p.d, 2), 1.0)
    return null_level(
        p, q, distance, rate=rate, halvings=NULL_HALVINGS, run=run, largest=NULL_POINTS
    )


@dataclass(frozen=True, eq=False)
class PlanSums:
    """What a plan pi says about its cost: sum of pi c, and its slope in every point."""

    cost: float
    slope_x: NDArray[np.float64]
    slope_y: NDArray[np.float64]


def sums_of_plan(solution: EntropicPotentials) -> PlanSums:
    """Cost of the entropic plan, and its slopes at fixed plan."""
    return _sums(solution.problem, solution.F, solution.G)


def _sums(
    problem: EntropicProblem,
    F: NDArray[np.float64] | None = None,
    G: NDArray[np.float64] | None = None,
) -> PlanSums:
    """Sums over the plan of F and G; over the independent coupling where they are None."""
    x, y, order = problem.x, problem.y, problem.order
    cost, slope_x, slope_y = 0.0, np.empty_like(x), np.zeros_like(y)
    for rows in row_tiles(len(x), len(y), arrays=6):
        plan = problem.a[rows, None] * problem.b
        if F is not None and G is not None:
            plan *= np.exp(problem.exponents(rows, F, G))
        distances = cdist(x[rows], y, "sqeuclidean" if order == 2 else "euclidean")
        cost += float(np.vdot(plan, distances))
        pull = 2.0 * plan if order == 2 else _divided(plan, distances)
        slope_x[rows] = pull.sum(axis=1)[:, None] * x[rows] - pull @ y
        slope_y += pull.sum(axis=0)[:, None] * y - pull.T @ x[rows]
    return PlanSums(cost, slope_x, slope_y)


def _divided(plan: NDArray[np.float64], distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slope of |x - y| is (x - y)/|x - y|, and none where the points coincide."""
    return np.divide(plan, distances, out=np.zeros_like(plan), where=distances > 0)


def _parts(triple: Triple) -> tuple[EntropicPotentials, ...]:
    return triple.cross, triple.self_p, triple.self_q


def _slope_in_epsilon(triple: Triple, sums: list[PlanSums]) -> float:
    """dS/d eps: by the envelope theorem, the relative entropies of the three plans."""
    cross, self_p, self_q = (
        (part.value - part_sums.cost) / part.problem.epsilon
        for part, part_sums in zip(_parts(triple), sums, strict=True)
    )
    return cross - (self_p + self_q) / 2


def _mean_costs(
    problem: EntropicProblem,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean cost of each point to the other sample."""
    x, y, a, b = problem.x, problem.y, problem.a, problem.b
    if problem.order == 2:
        square_x, square_y = np.square(x).sum(axis=1), np.square(y).sum(axis=1)
        at_x = square_x - 2.0 * x @ (b @ y) + b @ square_y
        return at_x, square_y - 2.0 * y @ (a @ x) + a @ square_x
    at_x, at_y = np.empty(len(x)), np.zeros(len(y))
    for rows in problem.tiles():
        costs = cdist(x[rows], y)
        at_x[rows] = costs @ b
        at_y += a[rows] @ costs
    return at_x, at_y


@register_loss(Sinkhorn, EntropicTransport)
def entropic_loss(
    definition: Sinkhorn, estimator: EntropicTransport, x: torch.Tensor, y: torch.Tensor, run: Run
) -> torch.Tensor:
    """Value with its gradient at fixed potentials (envelope theorem), epsilon's share included."""
    import torch

    points: list[Any] = [to_numpy(batch) for batch in (x, y)]
    a, b = (np.full(len(batch), 1.0 / len(batch)) for batch in (x, y))
    problem, _ = _posed(definition, points[0], points[1], a, b)
    if problem is None:
        return 0.0 * (x.sum() + y.sum())
    triple = solve_triple(problem, estimator.tolerance, estimator.iterations, run)
    cross, self_p, self_q = sums = [sums_of_plan(part) for part in _parts(triple)]
    # Both arguments of a self term move together: twice the slope in one, of half the term.
    slope_x, slope_y = cross.slope_x - self_p.slope_x, cross.slope_y - self_q.slope_x
    if definition.epsilon == "auto":
        share = _slope_in_epsilon(triple, sums) / AUTO_SHARE
        mean = _sums(problem)
        slope_x, slope_y = slope_x + share * mean.slope_x, slope_y + share * mean.slope_y
    loss = x.new_tensor(triple.value)
    for batch, slope in ((x, slope_x), (y, slope_y)):
        direction = torch.as_tensor(slope, device=batch.device, dtype=batch.dtype)
        loss = loss + (direction * (batch - batch.detach())).sum()
    return loss
