"""Problems that carry their proof: two samplers, exact values, and how those are known.

Nothing here uses the package's own closed forms. Integrals over the line are composite
Gauss-Legendre sums; those over the plane are trapezoid sums of smooth decaying functions, which
converge faster than any power of the step.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import special, stats

from divergences import definitions as dv

Sampler = Callable[[int, np.random.Generator], np.ndarray]
Density = Callable[[np.ndarray], np.ndarray]

MMD_KERNEL = dv.GaussianKernel(bandwidth=1.0)
RATIO_DEFINITIONS = (
    dv.JensenShannon(),
    dv.KullbackLeibler(),
    dv.ReverseKL(),
    dv.TotalVariation(),
    dv.SquaredHellinger(),
    dv.ChiSquared(),
    dv.Renyi(0.5),
)


@dataclass(frozen=True, eq=False)
class Problem:
    """Two samplers and the exact value of some divergences between them.

    Parameters
    ----------
    name : str
        What test reports call it.
    d : int
        Number of features.
    p, q : callable
        (n, rng) -> points of shape (n, d).
    values : callable
        () -> {definition: exact value}.
    how : str
        How the values are known.
    known : callable or None
        () -> the two measures as scipy distributions, where the package's closed forms apply.
    heavy : bool
        Tails or edges on which a density ratio from samples is not a fair question.
    """

    name: str
    d: int
    p: Sampler
    q: Sampler
    values: Callable[[], dict[dv.Definition, float]]
    how: str
    known: Callable[[], tuple[Any, Any]] | None = None
    heavy: bool = False

    @property
    def truth(self) -> dict[dv.Definition, float]:
        """Exact values, computed once."""
        return _computed(self)


@cache
def _computed(problem: Problem) -> dict[dv.Definition, float]:
    return problem.values()


# Integrals.


def line(low: float, high: float, breaks: tuple[float, ...] = (), panels: int = 400) -> tuple:
    """Nodes and weights of a composite 20-point Gauss rule, split at the breaks."""
    nodes, weights = np.polynomial.legendre.leggauss(20)
    ends = [low, *sorted(breaks), high]
    grid = np.unique(
        np.concatenate([np.linspace(a, b, panels + 1) for a, b in itertools.pairwise(ends)])
    )
    half = np.diff(grid) / 2
    middle = (grid[1:] + grid[:-1]) / 2
    return (middle[:, None] + half[:, None] * nodes).ravel(), (half[:, None] * weights).ravel()


def ratio_values(p: np.ndarray, q: np.ndarray, weights: np.ndarray) -> dict[dv.Definition, float]:
    """Every f-divergence from densities on a quadrature rule, each by its own first definition."""

    def total(values: np.ndarray) -> float:
        return float(np.sum(values * weights))

    def relative_entropy(a: np.ndarray, b: np.ndarray) -> float:
        if total(np.where(b > 0, 0.0, a)) > 1e-12:
            return math.inf
        return total(special.xlogy(a, a) - special.xlogy(a, np.where(b > 0, b, 1.0)))

    middle = (p + q) / 2
    affinity = total(np.sqrt(p * q))
    outside = total(np.where(q > 0, 0.0, p)) > 1e-12
    return {
        dv.JensenShannon(): (relative_entropy(p, middle) + relative_entropy(q, middle)) / 2,
        dv.KullbackLeibler(): relative_entropy(p, q),
        dv.ReverseKL(): relative_entropy(q, p),
        dv.TotalVariation(): total(np.abs(p - q)) / 2,
        dv.SquaredHellinger(): 1 - affinity,
        dv.ChiSquared(): math.inf
        if outside
        else total(np.divide(p * p, q, out=np.zeros_like(p), where=q > 0)) - 1,
        dv.Renyi(0.5): math.inf if affinity < 1e-300 else -2 * math.log(affinity),
    }


def on_the_line(
    p: Any, q: Any, low: float, high: float, breaks: tuple[float, ...] = ()
) -> dict[dv.Definition, float]:
    """All divergences of two scipy distributions on the line, by quadrature.

    W1 is the integral of |F - G|, W2² that of (F^-1 - G^-1)² over levels, in the variable
    u = Phi(t) that spreads both tails, energy² twice that of (F - G)², and MMD² a double integral.
    """
    x, weights = line(low, high, breaks)
    values = ratio_values(p.pdf(x), q.pdf(x), weights)
    gap = p.cdf(x) - q.cdf(x)
    values[dv.Wasserstein(1)] = float(np.sum(np.abs(gap) * weights))
    t, level_weights = line(-8.0, 8.0)
    below, above = special.ndtr(t), special.ndtr(-t)
    difference = np.where(t < 0, p.ppf(below) - q.ppf(below), p.isf(above) - q.isf(above))
    jacobian = np.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    second = float(np.sum(difference**2 * jacobian * level_weights))
    values[dv.Wasserstein(2)] = math.sqrt(second)
    values[dv.SlicedWasserstein(2)] = math.sqrt(second)
    values[dv.Energy(squared=True)] = float(2 * np.sum(gap**2 * weights))
    values[dv.Energy()] = math.sqrt(values[dv.Energy(squared=True)])
    return values


def first_order_only(values: dict[dv.Definition, float]) -> dict[dv.Definition, float]:
    """Leave out what needs second moments."""
    second = (dv.Wasserstein(2), dv.SlicedWasserstein(2))
    return {definition: value for definition, value in values.items() if definition not in second}


# Normal distributions.


def mean_norm(d: int, shift: float, spread: float) -> float:
    """E|Z| for Z ~ N(shift e1, spread² I) in d dimensions (noncentral chi)."""
    half = special.hyp1f1(-0.5, d / 2, -(shift**2) / (2 * spread**2))
    ratio = math.exp(special.gammaln((d + 1) / 2) - special.gammaln(d / 2))
    return float(spread * math.sqrt(2) * ratio * half)


def normal_energy(d: int, shift: float, s: float, t: float) -> float:
    """Squared energy distance of N(0, s² I) and N(shift e1, t² I)."""
    cross = mean_norm(d, shift, math.hypot(s, t))
    return 2 * cross - mean_norm(d, 0.0, s * math.sqrt(2)) - mean_norm(d, 0.0, t * math.sqrt(2))


def normal_mmd(d: int, shift: float, s: float, t: float, h: float = 1.0) -> float:
    """Squared MMD of N(0, s² I) and N(shift e1, t² I) with kernel exp(-r²/(2 h²))."""

    def mean_kernel(distance: float, variance: float) -> float:
        total = h * h + variance
        return (h * h / total) ** (d / 2) * math.exp(-(distance**2) / (2 * total))

    return (
        mean_kernel(0, 2 * s * s)
        + mean_kernel(0, 2 * t * t)
        - 2 * mean_kernel(shift, s * s + t * t)
    )


def kernel_values(d: int, shift: float, s: float, t: float) -> dict[dv.Definition, float]:
    squared_mmd, squared_energy = normal_mmd(d, shift, s, t), normal_energy(d, shift, s, t)
    return {
        dv.MMD(MMD_KERNEL, squared=True): squared_mmd,
        dv.MMD(MMD_KERNEL): math.sqrt(squared_mmd),
        dv.Energy(squared=True): squared_energy,
        dv.Energy(): math.sqrt(squared_energy),
    }


def shifted_normals(d: int, delta: float) -> dict[dv.Definition, float]:
    """N(0, I) and N(mu, I), |mu| = delta: the ratio sees the first coordinate along mu only."""
    x, weights = line(-12.0, 12.0 + delta, (delta / 2,))
    values = ratio_values(stats.norm.pdf(x), stats.norm.pdf(x, delta), weights)
    values |= kernel_values(d, delta, 1.0, 1.0)
    values |= {
        dv.KullbackLeibler(): delta**2 / 2,
        dv.ReverseKL(): delta**2 / 2,
        dv.ChiSquared(): math.expm1(delta**2),
        dv.SquaredHellinger(): -math.expm1(-(delta**2) / 8),
        dv.TotalVariation(): float(2 * special.ndtr(delta / 2) - 1),
        dv.Renyi(0.5): delta**2 / 4,
        dv.Wasserstein(1): delta,
        dv.Wasserstein(2): delta,
        dv.SlicedWasserstein(2): delta / math.sqrt(d),
        dv.Sinkhorn(2): delta**2,
    }
    return values


def scaled_normals(d: int, s: float) -> dict[dv.Definition, float]:
    """N(0, I) and N(0, s² I), s > 1: the ratio sees the radius only, and x -> s x is optimal.

    |x| is 1-Lipschitz and its means differ by (s - 1) E|X|, the cost of the map.
    """
    r, weights = line(0.0, s * (math.sqrt(d) + 12.0))
    p, q = stats.chi.pdf(r, d), stats.chi.pdf(r / s, d) / s
    values = ratio_values(p, q, weights)
    values |= kernel_values(d, 0.0, 1.0, s)
    values |= {
        dv.KullbackLeibler(): d * (math.log(s) + (1 / s**2 - 1) / 2),
        dv.Wasserstein(1): (s - 1) * mean_norm(d, 0.0, 1.0),
        dv.Wasserstein(2): (s - 1) * math.sqrt(d),
        dv.SlicedWasserstein(2): s - 1,
    }
    return values


def in_the_plane(p: Density, q: Density, reach: float, step: float = 0.02) -> dict:
    """f-divergences of two smooth densities in the plane, by the trapezoid rule."""
    axis = np.arange(-reach, reach + step / 2, step)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    return ratio_values(p(grid), q(grid), np.full(len(grid), step * step))


# Samplers.


def normal_sampler(d: int, shift: float = 0.0, scale: float = 1.0) -> Sampler:
    """N(shift (1, ..., 1)/sqrt(d), scale² I): at distance `shift` from the origin."""

    def draw(n: int, rng: np.random.Generator) -> np.ndarray:
        return scale * rng.normal(size=(n, d)) + shift / math.sqrt(d)

    return draw


def of(distribution: Any) -> Sampler:
    """Sampler of a scipy distribution on the line."""

    def draw(n: int, rng: np.random.Generator) -> np.ndarray:
        return np.asarray(distribution.rvs(size=n, random_state=rng), dtype=float).reshape(n, 1)

    return draw


def correlated(n: int, rng: np.random.Generator) -> np.ndarray:
    """N((1, 1), [[1, 1/2], [1/2, 1]])."""
    z = rng.normal(size=(n, 2))
    return np.column_stack([1 + z[:, 0], 1 + z[:, 0] / 2 + math.sqrt(0.75) * z[:, 1]])


def correlated_values() -> dict[dv.Definition, float]:
    cov = np.array([[1.0, 0.5], [0.5, 1.0]])
    p = stats.multivariate_normal(np.zeros(2), np.eye(2))
    q = stats.multivariate_normal(np.ones(2), cov)
    values = in_the_plane(p.pdf, q.pdf, 9.0)
    # tr(I) + tr(S) - 2 tr(S^1/2), with eigenvalues 3/2 and 1/2 of S.
    spread = 4 - 2 * (math.sqrt(1.5) + math.sqrt(0.5))
    # KL(P || Q) by hand: (tr S^-1 + mu' S^-1 mu - 2 + ln det S)/2.
    values[dv.KullbackLeibler()] = (8 / 3 + 4 / 3 - 2 + math.log(0.75)) / 2
    values[dv.Wasserstein(2)] = math.sqrt(2 + spread)
    return values


RING_RADIUS, RING_SPREAD = 2.0, 0.35


def ring_centers(turn: float) -> np.ndarray:
    angles = 2 * math.pi * np.arange(8) / 8 + turn
    return RING_RADIUS * np.column_stack([np.cos(angles), np.sin(angles)])


def ring_sampler(turn: float) -> Sampler:
    def draw(n: int, rng: np.random.Generator) -> np.ndarray:
        centers = ring_centers(turn)[rng.integers(8, size=n)]
        return centers + RING_SPREAD * rng.normal(size=(n, 2))

    return draw


def ring_density(turn: float) -> Density:
    def density(x: np.ndarray) -> np.ndarray:
        scale = 2 * RING_SPREAD**2
        total = np.zeros(len(x))
        for center in ring_centers(turn):
            total += np.exp(-((x - center) ** 2).sum(axis=1) / scale)
        return total / (8 * math.pi * scale)

    return density


def ring_values() -> dict[dv.Definition, float]:
    return in_the_plane(ring_density(0.0), ring_density(math.pi / 8), 5.0)


LATTICE_P, LATTICE_Q = np.array([0.5, 0.3, 0.2, 0.0]), np.array([0.1, 0.2, 0.3, 0.4])


def lattice_sampler(masses: np.ndarray) -> Sampler:
    def draw(n: int, rng: np.random.Generator) -> np.ndarray:
        return rng.choice(4, size=n, p=masses).astype(float).reshape(n, 1)

    return draw


def lattice_values() -> dict[dv.Definition, float]:
    gap = np.cumsum(LATTICE_P - LATTICE_Q)[:-1]
    values: dict[dv.Definition, float] = {dv.Wasserstein(1): float(np.abs(gap).sum())}
    values[dv.Energy(squared=True)] = float(2 * (gap**2).sum())
    values[dv.Energy()] = math.sqrt(values[dv.Energy(squared=True)])
    # Quantiles are steps: a level belongs to one pair of points; the plan is the north-west corner.
    levels = np.unique(np.concatenate([[0], np.cumsum(LATTICE_P), np.cumsum(LATTICE_Q)]).round(12))
    middle = (levels[1:] + levels[:-1]) / 2
    steps = np.searchsorted(np.cumsum(LATTICE_P), middle) - np.searchsorted(
        np.cumsum(LATTICE_Q), middle
    )
    values[dv.Wasserstein(2)] = math.sqrt(float((np.diff(levels) * steps**2).sum()))
    return values


def identical_values(d: int) -> dict[dv.Definition, float]:
    zero = dict.fromkeys(RATIO_DEFINITIONS, 0.0)
    return zero | {
        dv.Wasserstein(1): 0.0,
        dv.Wasserstein(2): 0.0,
        dv.SlicedWasserstein(2): 0.0,
        dv.Sinkhorn(2): 0.0,
        dv.MMD(MMD_KERNEL, squared=True): 0.0,
        dv.Energy(squared=True): 0.0,
    }


def apart_values() -> dict[dv.Definition, float]:
    """Uniforms on (0, 1) and (3, 4)."""
    return {
        dv.JensenShannon(): math.log(2),
        dv.TotalVariation(): 1.0,
        dv.SquaredHellinger(): 1.0,
        dv.Wasserstein(1): 3.0,
        dv.Wasserstein(2): 3.0,
        dv.SlicedWasserstein(2): 3.0,
        dv.Sinkhorn(2): 9.0,
        # 2 (1/3 of a step up, 2 of plateau 1, 1/3 down): the integral of (F - G)² over the line.
        dv.Energy(squared=True): 2 * (1 / 3 + 2 + 1 / 3),
    }


def bimodal_sampler(n: int, rng: np.random.Generator) -> np.ndarray:
    return (1.5 * rng.choice([-1.0, 1.0], size=n) + 0.5 * rng.normal(size=n)).reshape(n, 1)


def bimodal_values() -> dict[dv.Definition, float]:
    x, weights = line(-12.0, 12.0)
    bimodal = (stats.norm.pdf(x, -1.5, 0.5) + stats.norm.pdf(x, 1.5, 0.5)) / 2
    values = ratio_values(bimodal, stats.norm.pdf(x, 0.0, 1.6), weights)
    cdf = (stats.norm.cdf(x, -1.5, 0.5) + stats.norm.cdf(x, 1.5, 0.5)) / 2
    gap = cdf - stats.norm.cdf(x, 0.0, 1.6)
    values[dv.Wasserstein(1)] = float(np.sum(np.abs(gap) * weights))
    values[dv.Energy(squared=True)] = float(2 * np.sum(gap**2 * weights))
    return values


def _standard(shift: float, scale: float = 1.0) -> Callable[[], tuple[Any, Any]]:
    return lambda: (stats.norm(0, 1), stats.norm(shift, scale))


def _pair(p: Any, q: Any) -> Callable[[], tuple[Any, Any]]:
    return lambda: (p, q)


def _plane_pair() -> tuple[Any, Any]:
    cov = np.array([[1.0, 0.5], [0.5, 1.0]])
    return (
        stats.multivariate_normal(np.zeros(2), np.eye(2)),
        stats.multivariate_normal(np.ones(2), cov),
    )


def _normals(d: int, shift: float, scale: float = 1.0) -> Callable[[], tuple[Any, Any]]:
    return lambda: (
        stats.multivariate_normal(np.zeros(d), np.eye(d)),
        stats.multivariate_normal(np.full(d, shift / math.sqrt(d)), scale**2 * np.eye(d)),
    )


LAPLACE, EXPONENTIALS = stats.laplace(0, 1), (stats.expon(scale=1), stats.expon(scale=2))
BETAS = (stats.beta(2, 3), stats.beta(3, 2))
LOGNORMALS = (stats.lognorm(0.5), stats.lognorm(0.5, scale=math.exp(0.4)))
STUDENTS = (stats.t(3), stats.t(3, loc=1))
UNIFORMS = (stats.uniform(0, 1), stats.uniform(0, 2))
GAMMAS = (stats.gamma(3), stats.gamma(5))

PROBLEMS: tuple[Problem, ...] = (
    Problem(
        "shifted normals, d=1", 1, normal_sampler(1), normal_sampler(1, 1.0),
        lambda: shifted_normals(1, 1.0), "formulas; JS by quadrature", _standard(1.0),
    ),
    Problem(
        "scaled normals, d=1", 1, normal_sampler(1), normal_sampler(1, scale=1.5),
        lambda: scaled_normals(1, 1.5), "formulas; radial quadrature", _standard(0.0, 1.5),
    ),
    Problem(
        "normal and Laplace", 1, normal_sampler(1), of(LAPLACE),
        lambda: on_the_line(stats.norm(), LAPLACE, -40.0, 40.0, (0.0,)),
        "quadrature split at the kink", _pair(stats.norm(), LAPLACE),
    ),
    Problem(
        "exponentials", 1, of(EXPONENTIALS[0]), of(EXPONENTIALS[1]),
        lambda: on_the_line(*EXPONENTIALS, 0.0, 80.0), "quadrature", _pair(*EXPONENTIALS),
        heavy=True,
    ),
    Problem(
        "betas", 1, of(BETAS[0]), of(BETAS[1]),
        lambda: on_the_line(*BETAS, 0.0, 1.0, (0.5,)), "quadrature", _pair(*BETAS), heavy=True,
    ),
    Problem(
        "gammas", 1, of(GAMMAS[0]), of(GAMMAS[1]),
        lambda: on_the_line(*GAMMAS, 0.0, 80.0), "quadrature", _pair(*GAMMAS), heavy=True,
    ),
    Problem(
        "lognormals", 1, of(LOGNORMALS[0]), of(LOGNORMALS[1]),
        lambda: on_the_line(*LOGNORMALS, 0.0, 60.0), "quadrature", _pair(*LOGNORMALS), heavy=True,
    ),
    Problem(
        "Student t(3), shifted", 1, of(STUDENTS[0]), of(STUDENTS[1]),
        lambda: first_order_only(on_the_line(*STUDENTS, -4000.0, 4000.0, (-20.0, 0.5, 20.0))),
        "quadrature; tails beyond 4000 carry 1e-11", None, heavy=True,
    ),
    Problem(
        "nested uniforms", 1, of(UNIFORMS[0]), of(UNIFORMS[1]),
        lambda: on_the_line(*UNIFORMS, 0.0, 2.0, (1.0,)), "quadrature split at the step",
        _pair(*UNIFORMS), heavy=True,
    ),
    Problem(
        "disjoint uniforms", 1, of(stats.uniform(0, 1)), of(stats.uniform(3, 1)),
        apart_values, "by hand", _pair(stats.uniform(0, 1), stats.uniform(3, 1)),
    ),
    Problem(
        "two bumps and one", 1, bimodal_sampler, normal_sampler(1, scale=1.6),
        bimodal_values, "quadrature", None,
    ),
    Problem(
        "lattice", 1, lattice_sampler(LATTICE_P), lattice_sampler(LATTICE_Q),
        lattice_values, "finite sums", None, heavy=True,
    ),
    Problem(
        "identical normals, d=1", 1, normal_sampler(1), normal_sampler(1),
        lambda: identical_values(1), "zero", _standard(0.0),
    ),
    Problem(
        "correlated normals, d=2", 2, normal_sampler(2), correlated,
        correlated_values, "formulas; quadrature in the plane", _plane_pair,
    ),
    Problem(
        "rotated rings, d=2", 2, ring_sampler(0.0), ring_sampler(math.pi / 8),
        ring_values, "quadrature in the plane", None,
    ),
    Problem(
        "identical normals, d=5", 5, normal_sampler(5), normal_sampler(5),
        lambda: identical_values(5), "zero", _normals(5, 0.0),
    ),
    Problem(
        "shifted normals, d=5", 5, normal_sampler(5), normal_sampler(5, 1.0),
        lambda: shifted_normals(5, 1.0), "formulas; JS by quadrature", _normals(5, 1.0),
    ),
    Problem(
        "scaled normals, d=10", 10, normal_sampler(10), normal_sampler(10, scale=1.3),
        lambda: scaled_normals(10, 1.3), "formulas; radial quadrature", _normals(10, 0.0, 1.3),
    ),
    Problem(
        "shifted normals, d=20", 20, normal_sampler(20), normal_sampler(20, 1.2),
        lambda: shifted_normals(20, 1.2), "formulas; JS by quadrature", _normals(20, 1.2),
    ),
)  # fmt: skip
