"""Entropic transport solved in the log domain, tile by tile.

OT_eps(a, b) = max over f, g of
    <a, f> + <b, g> - eps (sum_ij a_i b_j exp((f_i + g_j - C_ij)/eps) - 1).

Here potentials and costs are in units of eps: F = f/eps, G = g/eps, K = C/eps. The solver
alternates between two forms of the same iteration: soft minima, which cannot overflow and carry
the potentials from a large eps down to the wanted one, and scalings of the plan's density
exp(F + G - K), which need no logarithms and are absorbed into F and G before they leave the range
of floating point (Schmitzer, 2019). Where scalings converge slowly, Newton steps on the dual,
solved by conjugate gradients, cut the tail (Brauer et al., 2017).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy.spatial.distance import cdist

from divergences.errors import ConvergenceError
from divergences.work import Run, available_memory, row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

Item = TypeVar("Item")
Result = TypeVar("Result")

KEPT_BYTES = 2**30
SMALL_BYTES = 2**24
CACHED_TILES = 8
ANNEALING = 4.0
DRIFT = 30.0
STAGE_TOLERANCE = 1e-2
STAGE_ITERATIONS = 200
BURST = 20
NEWTON_RESIDUAL = 0.03
LONGEST_STEP = 5.0


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
        return row_tiles(len(self.x), len(self.y), arrays=CACHED_TILES)

    def exponents(
        self, rows: slice, F: NDArray[np.float64], G: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """F_i + G_j - K_ij for some rows."""
        return exponents(self.x[rows], self.y, F[rows], G, self.order, self.epsilon)

    def soft_min(self, G: NDArray[np.float64], run: Run) -> NDArray[np.float64]:
        """F_i = -ln sum_j b_j exp(G_j - K_ij)."""
        weighted, zero = G + np.log(self.b), np.zeros(len(self.x))

        def of_rows(rows: slice) -> NDArray[np.float64]:
            return -log_sum_exp(self.exponents(rows, zero, weighted))

        return np.concatenate(list(_mapped(of_rows, self.tiles(), run)))


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


def exponents(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    F: NDArray[np.float64],
    G: NDArray[np.float64],
    order: float,
    epsilon: float,
) -> NDArray[np.float64]:
    """F_i + G_j - |x_i - y_j|^r / epsilon of all pairs."""
    if order == 1:
        result = np.asarray(cdist(x, y))
        result /= -epsilon
        result += G
        result += F[:, None]
        return result
    # One matrix product: the square expands, and the sums of one index ride along as features.
    left = F - np.square(x).sum(axis=1) / epsilon
    right = G - np.square(y).sum(axis=1) / epsilon
    ones = np.ones
    return np.asarray(
        np.column_stack([x * (2.0 / epsilon), left, ones(len(x))])
        @ np.column_stack([y, ones(len(y)), right]).T
    )


def log_sum_exp(exponents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of each row's sum of exponentials; the argument is used up."""
    top = exponents.max(axis=1)
    exponents -= top[:, None]
    np.exp(exponents, out=exponents)
    return np.asarray(top + np.log(exponents.sum(axis=1)))


def _mapped(
    function: Callable[[Item], Result], items: Sequence[Item], run: Run
) -> Iterator[Result]:
    # One tile needs no progress bar, which would take longer than the tile.
    if len(items) == 1:
        return iter([function(items[0])])
    return run.map(function, items, "Entropic transport")


class _Density:
    """exp(F + G - K) for fixed F and G, kept in memory where it is small."""

    def __init__(
        self, problem: EntropicProblem, F: NDArray[np.float64], G: NDArray[np.float64], run: Run
    ) -> None:
        self.problem, self.F, self.G, self.run = problem, F, G, run
        self.tiles = problem.tiles()
        self.kept: dict[int, NDArray[np.float64]] = {}
        needed = 8 * len(F) * len(G)
        if needed <= SMALL_BYTES or needed <= min(KEPT_BYTES, available_memory() // 4):
            self.kept = dict(enumerate(_mapped(self._rows, range(len(self.tiles)), run)))

    def _rows(self, index: int) -> NDArray[np.float64]:
        if index in self.kept:
            return self.kept[index]
        density = self.problem.exponents(self.tiles[index], self.F, self.G)
        return np.exp(density, out=density)

    def times(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """sum_j density_ij t_j."""

        def of_tile(index: int) -> NDArray[np.float64]:
            return np.asarray(self._rows(index) @ t)

        return np.concatenate(list(_mapped(of_tile, range(len(self.tiles)), self.run)))

    def transposed_times(self, s: NDArray[np.float64]) -> NDArray[np.float64]:
        """sum_i s_i density_ij."""

        def of_tile(index: int) -> NDArray[np.float64]:
            return np.asarray(s[self.tiles[index]] @ self._rows(index))

        return self._summed(of_tile)

    def sweep(self, t: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return s that fits the rows to t, and the column sums for it, in one pass."""
        a, bt = self.problem.a, self.problem.b * t
        s = np.empty(len(a))

        def of_tile(index: int) -> NDArray[np.float64]:
            density, rows = self._rows(index), self.tiles[index]
            s[rows] = 1.0 / (density @ bt)
            return np.asarray((a[rows] * s[rows]) @ density)

        return s, self._summed(of_tile)

    def _summed(self, of_tile: Callable[[int], NDArray[np.float64]]) -> NDArray[np.float64]:
        total = np.zeros(len(self.G))
        for part in _mapped(of_tile, range(len(self.tiles)), self.run):
            total += part
        return total


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
    f, g = np.zeros(len(problem.x)), np.zeros(len(problem.y))
    used = 0
    for epsilon in _annealing(problem):
        stage, last = replace(problem, epsilon=epsilon), epsilon == problem.epsilon
        wanted, most = (tolerance, iterations) if last else (STAGE_TOLERANCE, STAGE_ITERATIONS)
        F, G, error, mass, used = _converge(stage, f / epsilon, g / epsilon, wanted, most, run)
        f, g = epsilon * F, epsilon * G
    if error > tolerance:
        raise ConvergenceError(
            f"Entropic transport did not converge: after {used:,} iterations the plan's "
            f"marginals miss the weights by {error:.2g}, above tolerance={tolerance:g}. Use a "
            f"larger epsilon than {problem.epsilon:.3g}, more iterations or a larger tolerance, "
            f"or wasserstein_distance, which is the limit of epsilon 0."
        )
    value = problem.epsilon * (float(problem.a @ F + problem.b @ G) - mass + 1.0)
    return EntropicPotentials(problem, F, G, value, error, used)


def _annealing(problem: EntropicProblem) -> list[float]:
    """Strengths of the entropy from that of a typical cost down to the wanted one."""
    stages = math.ceil(math.log(max(mean_cost(problem) / problem.epsilon, 1.0), ANNEALING))
    return [problem.epsilon * ANNEALING**power for power in range(stages, -1, -1)]


def _converge(
    problem: EntropicProblem,
    F: NDArray[np.float64],
    G: NDArray[np.float64],
    tolerance: float,
    iterations: int,
    run: Run,
) -> _Found:
    if problem.is_self:
        F = G = (F + problem.soft_min(F, run)) / 2
    else:
        F = problem.soft_min(G, run)
        G = problem.swapped().soft_min(F, run)
    search = _search_self if problem.is_self else _search
    used, error, mass = 0, np.inf, 1.0
    while used < iterations and error > tolerance:
        density = _Density(problem, F, G, run)
        F, G, error, mass, count = search(density, tolerance, iterations - used)
        used += count
    return F, G, error, mass, used


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
    errors: list[float] = []
    error, mass, count = np.inf, 1.0, 0
    while count < iterations:
        count += 1
        s, columns = density.sweep(t)
        error = float(b @ np.abs(t * columns - 1.0))
        mass = float(b @ (t * columns))
        errors.append(error)
        if error <= tolerance or _drifted(s, t):
            break
        t = 1.0 / columns
        if _is_slow(errors, tolerance):
            s, t, steps = _newton_step(density, s, t)
            count += steps
            errors.clear()
    return density.F + np.log(s), density.G + np.log(t), error, mass, count


def _is_slow(errors: list[float], tolerance: float) -> bool:
    """Whether, after a burst of iterations, the tolerance is further away than another one."""
    if len(errors) < BURST:
        return False
    return errors[-1] * (errors[-1] / errors[-BURST // 2]) ** 2 > tolerance


def _newton_step(
    density: _Density, s: NDArray[np.float64], t: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Maximize the dual in F, where G follows F, to second order; s fits no rows then.

    The columns of the plan must fit. Where the step does not raise the dual it is halved.
    """
    from scipy.sparse.linalg import LinearOperator, cg

    a, b = density.problem.a, density.problem.b
    rows = s * density.times(b * t)
    steps = 0

    def hessian(delta: NDArray[np.float64]) -> NDArray[np.float64]:
        nonlocal steps
        steps += 1
        follows = t * density.transposed_times(a * s * delta)
        return np.asarray(a * (rows * delta - s * density.times(b * t * follows)))

    n = len(a)
    operator = LinearOperator((n, n), matvec=hessian, dtype=np.float64)
    scaling = LinearOperator((n, n), matvec=lambda z: z / (a * rows), dtype=np.float64)
    delta, _ = cg(operator, a * (1.0 - rows), rtol=NEWTON_RESIDUAL, maxiter=10 * BURST, M=scaling)
    delta *= min(1.0, LONGEST_STEP / max(float(np.abs(delta).max()), LONGEST_STEP))
    before = float(b @ np.log(t))
    for _ in range(5):
        steps += 1
        new_s = s * np.exp(delta)
        new_t = 1.0 / density.transposed_times(a * new_s)
        gain = float(a @ delta) + float(b @ np.log(new_t)) - before
        if gain >= -1e-13:
            return new_s, new_t, steps
        delta /= 2.0
    return s, t, steps


def _search_self(density: _Density, tolerance: float, iterations: int) -> _Found:
    a = density.problem.a
    s = np.ones(len(a))
    error, mass, count = np.inf, 1.0, 0
    while count < iterations:
        count += 1
        sums = density.times(a * s)
        error = float(a @ np.abs(s * sums - 1.0))
        mass = float(a @ (s * sums))
        if error <= tolerance:
            break
        s = np.sqrt(s / sums)
        if _drifted(s, s):
            break
    potential = density.F + np.log(s)
    return potential, potential, error, mass, count


def _drifted(s: NDArray[np.float64], t: NDArray[np.float64]) -> bool:
    return bool(max(np.abs(np.log(s)).max(), np.abs(np.log(t)).max()) > DRIFT)
