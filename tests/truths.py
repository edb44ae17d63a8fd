"""Problems that carry their proof: two samplers, exact values, and how those are known.

Nothing here uses the package's own closed forms: `exact_values` has the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import stats

from divergences import definitions as dv
from tests.exact_values import (
    LE_CAM,
    MMD_KERNEL,
    Density,
    crossings,
    first_order_only,
    in_the_plane,
    line,
    on_the_line,
    ratio_values,
    scaled_normals,
    shifted_normals,
)

Sampler = Callable[[int, np.random.Generator], np.ndarray]

RATIO_DEFINITIONS = (
    dv.JensenShannon(),
    dv.KullbackLeibler(),
    dv.ReverseKL(),
    dv.TotalVariation(),
    dv.SquaredHellinger(),
    dv.ChiSquared(),
    dv.Renyi(0.5),
    LE_CAM,
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
    quadratic : bool
        Whether ln(p/q) is a quadratic polynomial, which logistic regression can express.
    hard : tuple of Definition
        Divergences that a density ratio from samples misses: decided where few points lie.
    """

    name: str
    d: int
    p: Sampler
    q: Sampler
    values: Callable[[], dict[dv.Definition, float]]
    how: str
    known: Callable[[], tuple[Any, Any]] | None = None
    quadratic: bool = False
    hard: tuple[dv.Definition, ...] = ()

    @property
    def truth(self) -> dict[dv.Definition, float]:
        """Exact values, computed once."""
        return _computed(self)


@cache
def _computed(problem: Problem) -> dict[dv.Definition, float]:
    return problem.values()


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
    # 2 I - S^-1 is singular, so that p²/q does not decay along (1, -1).
    values[dv.ChiSquared()] = math.inf
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
    """Two narrow normals and a wide one."""

    def density_gap(x: np.ndarray) -> np.ndarray:
        return bimodal(x) - stats.norm.pdf(x, 0.0, 1.6)

    def bimodal(x: np.ndarray) -> np.ndarray:
        return (stats.norm.pdf(x, -1.5, 0.5) + stats.norm.pdf(x, 1.5, 0.5)) / 2

    def gap(x: np.ndarray) -> np.ndarray:
        cdf = (stats.norm.cdf(x, -1.5, 0.5) + stats.norm.cdf(x, 1.5, 0.5)) / 2
        return cdf - stats.norm.cdf(x, 0.0, 1.6)

    kinks = (*crossings(density_gap, -9.0, 9.0), *crossings(gap, -9.0, 9.0))
    x, weights = line(-14.0, 14.0, kinks)
    values = ratio_values(bimodal(x), stats.norm.pdf(x, 0.0, 1.6), weights)
    values[dv.Wasserstein(1)] = float(np.sum(np.abs(gap(x)) * weights))
    values[dv.Energy(squared=True)] = float(2 * np.sum(gap(x) ** 2 * weights))
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
        quadratic=True,
    ),
    Problem(
        "scaled normals, d=1", 1, normal_sampler(1), normal_sampler(1, scale=1.5),
        lambda: scaled_normals(1, 1.5), "formulas; radial quadrature", _standard(0.0, 1.5),
        quadratic=True,
    ),
    Problem(
        "normal and Laplace", 1, normal_sampler(1), of(LAPLACE),
        lambda: on_the_line(stats.norm(), LAPLACE, -40.0, 40.0, (0.0,)),
        "quadrature split at the kink", _pair(stats.norm(), LAPLACE),
        hard=(dv.ReverseKL(),),
    ),
    Problem(
        "exponentials", 1, of(EXPONENTIALS[0]), of(EXPONENTIALS[1]),
        lambda: on_the_line(*EXPONENTIALS, 0.0, 80.0), "quadrature", _pair(*EXPONENTIALS),
        quadratic=True,
    ),
    Problem(
        "betas", 1, of(BETAS[0]), of(BETAS[1]),
        lambda: on_the_line(*BETAS, 0.0, 1.0, (0.5,)), "quadrature", _pair(*BETAS),
        hard=(dv.ChiSquared(),),
    ),
    Problem(
        "gammas", 1, of(GAMMAS[0]), of(GAMMAS[1]),
        lambda: on_the_line(*GAMMAS, 0.0, 80.0), "quadrature", _pair(*GAMMAS),
        hard=(dv.ChiSquared(),),
    ),
    Problem(
        "lognormals", 1, of(LOGNORMALS[0]), of(LOGNORMALS[1]),
        lambda: on_the_line(*LOGNORMALS, 0.0, 60.0), "quadrature", _pair(*LOGNORMALS),
    ),
    Problem(
        "Student t(3), shifted", 1, of(STUDENTS[0]), of(STUDENTS[1]),
        lambda: first_order_only(on_the_line(*STUDENTS, -4000.0, 4000.0, (-20.0, 0.5, 20.0))),
        "quadrature; tails beyond 4000 carry 1e-11", None,
    ),
    Problem(
        "nested uniforms", 1, of(UNIFORMS[0]), of(UNIFORMS[1]),
        lambda: on_the_line(*UNIFORMS, 0.0, 2.0, (1.0,)), "quadrature split at the step",
        _pair(*UNIFORMS),
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
        lattice_values, "finite sums", None,
    ),
    Problem(
        "identical normals, d=1", 1, normal_sampler(1), normal_sampler(1),
        lambda: identical_values(1), "zero", _standard(0.0),
        quadratic=True,
    ),
    Problem(
        "correlated normals, d=2", 2, normal_sampler(2), correlated,
        correlated_values, "formulas; quadrature in the plane", _plane_pair,
        quadratic=True, hard=(dv.ChiSquared(),),
    ),
    Problem(
        "rotated rings, d=2", 2, ring_sampler(0.0), ring_sampler(math.pi / 8),
        ring_values, "quadrature in the plane", None,
        hard=(dv.KullbackLeibler(), dv.ReverseKL(), dv.ChiSquared()),
    ),
    Problem(
        "identical normals, d=5", 5, normal_sampler(5), normal_sampler(5),
        lambda: identical_values(5), "zero", _normals(5, 0.0),
        quadratic=True,
    ),
    Problem(
        "shifted normals, d=5", 5, normal_sampler(5), normal_sampler(5, 1.0),
        lambda: shifted_normals(5, 1.0), "formulas; JS by quadrature", _normals(5, 1.0),
        quadratic=True,
    ),
    Problem(
        "scaled normals, d=10", 10, normal_sampler(10), normal_sampler(10, scale=1.3),
        lambda: scaled_normals(10, 1.3), "formulas; radial quadrature", _normals(10, 0.0, 1.3),
        quadratic=True,
    ),
    Problem(
        "shifted normals, d=20", 20, normal_sampler(20), normal_sampler(20, 1.2),
        lambda: shifted_normals(20, 1.2), "formulas; JS by quadrature", _normals(20, 1.2),
        quadratic=True,
    ),
)  # fmt: skip
