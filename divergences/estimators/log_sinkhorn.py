"""Entropic transport solved in the log domain, tile by tile.

OT_eps(a, b) = max over f, g of
    <a, f> + <b, g> - eps (sum_ij a_i b_j exp((f_i + g_j - C_ij)/eps) - 1).

Here potentials and costs are in units of eps: F = f/eps, G = g/eps, K = C/eps. The solver
alternates between two forms of the same iteration: soft minima, which cannot overflow and carry
the potentials from a large eps down to the wanted one, and scalings of the plan's density
exp(F + G - K), which need no logarithms and are absorbed into F and G before they leave the range
of floating point (Schmitzer, 2019). The scalings are overrelaxed, by a factor that follows the
measured rate (Lehmann et al., 2022).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from divergences.errors import ConvergenceError
from divergences.work import Run, row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT_BYTES = 2**30
ANNEALING = 4.0
DRIFT = 30.0
PERIOD = 10


@dataclass(frozen=True, eq=False)
class EntropicProblem:
    """Two weighted samples, a cost |x - y|^r and a strength of the entropy.

    Parameters
    ----------
    x, y : ndarray of shape (n, d), (m, d)
        Points.
    a, b : ndarray of shape (n,), (m,)
        Positive weights that sum to one.
    order : float
        1 or 2.
    epsilon : float
        Strength of the entropy.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    order: float
    epsilon: float

    @property
    def is_self(self) -> bool:
        """Whether both samples are the same."""
        return self.x is self.y

    def swapped(self) -> EntropicProblem:
        """Exchange the two samples."""
        return replace(self, x=self.y, y=self.x, a=self.b, b=self.a)

    def tiles(self) -> list[slice]:
        """Rows that are handled at once."""
        return row_tiles(len(self.x), len(self.y), arrays=2)

    def costs(self, rows: slice) -> NDArray[np.float64]:
        """K for some rows."""
        return scaled_costs(self.x[rows], self.y, self.order, self.epsilon)

    def soft_min(self, G: NDArray[np.float64], run: Run) -> NDArray[np.float64]:
        """F_i = -ln sum_j b_j exp(G_j - K_ij)."""
        weighted = G + np.log(self.b)

        def of_rows(rows: slice) -> NDArray[np.float64]:
            return -log_sum_exp(weighted - self.costs(rows))

        return np.concatenate(list(run.map(of_rows, self.tiles(), "Entropic transport")))


@dataclass(frozen=True, eq=False)
class EntropicPotentials:
    """Solution of an entropic problem.

    Parameters
    ----------
    problem : EntropicProblem
        What was solved.
    F, G : ndarray of shape (n,), (m,)
        Dual potentials in units of epsilon.
    value : float
        OT_eps, from the dual: its error is of second order in that of the potentials.
    error : float
        Mass, out of one, by which the plan's marginals miss the weights.
    iterations : int
        Iterations at the wanted epsilon.
    """

    problem: EntropicProblem
    F: NDArray[np.float64]
    G: NDArray[np.float64]
    value: float
    error: float
    iterations: int

    @property
    def f(self) -> NDArray[np.float64]:
        """Potential at x, in units of the cost."""
        return self.problem.epsilon * self.F

    @property
    def g(self) -> NDArray[np.float64]:
        """Potential at y, in units of the cost."""
        return self.problem.epsilon * self.G


def scaled_costs(
    x: NDArray[np.float64], y: NDArray[np.float64], order: float, epsilon: float
) -> NDArray[np.float64]:
    """|x_i - y_j|^r / epsilon of all pairs."""
    if order == 1:
        costs = np.asarray(cdist(x, y))
        costs /= epsilon
        return costs
    costs = x @ y.T
    costs *= -2.0
    costs += np.square(x).sum(axis=1)[:, None]
    costs += np.square(y).sum(axis=1)
    costs /= epsilon
    return np.maximum(costs, 0.0, out=costs)


def log_sum_exp(exponents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of each row's sum of exponentials; the argument is used up."""
    top = exponents.max(axis=1)
    exponents -= top[:, None]
    np.exp(exponents, out=exponents)
    return np.asarray(top + np.log(exponents.sum(axis=1)))


class _Density:
    """exp(F + G - K) for fixed F and G, kept in memory where it is small."""

    def __init__(
        self, problem: EntropicProblem, F: NDArray[np.float64], G: NDArray[np.float64], run: Run
    ) -> None:
        self.problem, self.F, self.G, self.run = problem, F, G, run
        self.tiles = problem.tiles()
        self.kept: dict[int, NDArray[np.float64]] = {}
        if 8 * len(F) * len(G) <= KEPT_BYTES:
            computed = run.map(self._rows, range(len(self.tiles)), "Entropic transport")
            self.kept = dict(enumerate(computed))

    def _rows(self, index: int) -> NDArray[np.float64]:
        if index in self.kept:
            return self.kept[index]
        rows = self.tiles[index]
        exponents = self.problem.costs(rows)
        np.subtract(self.G, exponents, out=exponents)
        exponents += self.F[rows, None]
        return np.exp(exponents, out=exponents)

    def times(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """sum_j density_ij t_j."""

        def of_tile(index: int) -> NDArray[np.float64]:
            return np.asarray(self._rows(index) @ t)

        indices = range(len(self.tiles))
        return np.concatenate(list(self.run.map(of_tile, indices, "Entropic transport")))

    def sweep(
        self, s: NDArray[np.float64], t: NDArray[np.float64], relaxation: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Update s, and sum the columns for the update of t, in one pass over the tiles."""
        a, bt = self.problem.a, self.problem.b * t

        def of_tile(index: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            density, rows = self._rows(index), self.tiles[index]
            new = _relaxed(s[rows], density @ bt, relaxation)
            return new, (a[rows] * new) @ density

        parts = self.run.map(of_tile, range(len(self.tiles)), "Entropic transport")
        scalings, columns = [], np.zeros(len(t))
        for scaling, sums in parts:
            scalings.append(scaling)
            columns += sums
        return np.concatenate(scalings), columns


def _relaxed(
    scaling: NDArray[np.float64], sums: NDArray[np.float64], relaxation: float
) -> NDArray[np.float64]:
    if relaxation == 1.0:
        return 1.0 / sums
    return np.asarray(scaling ** (1.0 - relaxation) * sums**-relaxation)


def solve_entropic(
    problem: EntropicProblem, tolerance: float, iterations: int, run: Run
) -> EntropicPotentials:
    """Find the potentials to a tolerance on the plan's marginals.

    Parameters
    ----------
    problem : EntropicProblem
        What to solve.
    tolerance : float
        Largest total variation between the plan's marginals and the weights, times two.
    iterations : int
        Most iterations at the wanted epsilon.
    run : Run
        Its workers share the tiles.

    Returns
    -------
    EntropicPotentials

    Raises
    ------
    ConvergenceError
        If the tolerance is not reached.
    """
    F, G = _annealed(problem, run)
    search = _search_self if problem.is_self else _search
    used, error = 0, np.inf
    while used < iterations:
        density = _Density(problem, F, G, run)
        F, G, error, mass, count = search(density, tolerance, iterations - used)
        used += count
        if error <= tolerance:
            linear = float(problem.a @ F + problem.b @ G)
            value = problem.epsilon * (linear - mass + 1.0)
            return EntropicPotentials(problem, F, G, value, error, used)
    raise ConvergenceError(
        f"Entropic transport did not converge: after {used:,} iterations the plan's marginals "
        f"miss the weights by {error:.2g}, above tolerance={tolerance:g}. Use a larger epsilon "
        f"than {problem.epsilon:.3g}, more iterations or a larger tolerance, or "
        f"wasserstein_distance, which is the limit of epsilon 0."
    )


def _annealed(
    problem: EntropicProblem, run: Run
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    epsilon = max(mean_cost(problem), problem.epsilon)
    f, g = np.zeros(len(problem.x)), np.zeros(len(problem.y))
    while True:
        stage = replace(problem, epsilon=epsilon)
        if problem.is_self:
            f = g = (f + epsilon * stage.soft_min(f / epsilon, run)) / 2
        else:
            f = epsilon * stage.soft_min(g / epsilon, run)
            g = epsilon * stage.swapped().soft_min(f / epsilon, run)
        if epsilon == problem.epsilon:
            return f / epsilon, g / epsilon
        epsilon = max(epsilon / ANNEALING, problem.epsilon)


def mean_cost(problem: EntropicProblem) -> float:
    """Mean of the cost over independent pairs."""
    x, y, a, b = problem.x, problem.y, problem.a, problem.b
    if problem.order == 2:
        gap = a @ x - b @ y
        spread = a @ np.square(x - a @ x) + b @ np.square(y - b @ y)
        return float(gap @ gap + spread.sum())
    return float(sum(a[rows] @ (cdist(x[rows], y) @ b) for rows in problem.tiles()))


_Found = tuple["NDArray[np.float64]", "NDArray[np.float64]", float, float, int]


def _search(density: _Density, tolerance: float, iterations: int) -> _Found:
    a, b = density.problem.a, density.problem.b
    s, t = np.ones(len(a)), np.ones(len(b))
    relaxation, errors, count = 1.0, [], 0
    while count < iterations:
        count += 1
        s, columns = density.sweep(s, t, relaxation)
        errors.append(float(b @ np.abs(t * columns - 1.0)))
        plain = relaxation == 1.0
        if errors[-1] <= tolerance and plain:
            break
        t = _relaxed(t, columns, relaxation)
        if _drifted(s, t):
            errors.append(np.inf)
            break
        if errors[-1] <= tolerance:
            relaxation = 1.0
        elif count % PERIOD == 0:
            relaxation = _next_relaxation(relaxation, errors)
    mass = float(b @ (t * columns))
    return density.F + np.log(s), density.G + np.log(t), errors[-1], mass, count


def _next_relaxation(relaxation: float, errors: list[float]) -> float:
    """Best relaxation for the rate seen so far, by Young's relation between the two."""
    rate = (errors[-1] / errors[-PERIOD]) ** (1.0 / (PERIOD - 1))
    if not 0.0 < rate < 1.0:
        return 1.0
    if rate <= relaxation - 1.0:
        return relaxation
    contraction = (rate + relaxation - 1.0) ** 2 / (rate * relaxation**2)
    return float(2.0 / (1.0 + np.sqrt(1.0 - min(contraction, 0.9999))))


def _search_self(density: _Density, tolerance: float, iterations: int) -> _Found:
    a = density.problem.a
    s = np.ones(len(a))
    error = mass = np.inf
    count = 0
    while count < iterations:
        count += 1
        sums = density.times(a * s)
        error = float(a @ np.abs(s * sums - 1.0))
        mass = float(a @ (s * sums))
        if error <= tolerance:
            break
        s = np.sqrt(s / sums)
        if _drifted(s, s):
            error = np.inf
            break
    potential = density.F + np.log(s)
    return potential, potential, error, mass, count


def _drifted(s: NDArray[np.float64], t: NDArray[np.float64]) -> bool:
    return bool(max(np.abs(np.log(s)).max(), np.abs(np.log(t)).max()) > DRIFT)
