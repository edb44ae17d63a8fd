"""Pairs whose difference is a shape: edges, tails of copulas, interactions, chains, factors."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from scipy import linalg, stats
from scipy.special import i0e, log_ndtr

from tests.benchmarks.gaussians import between_normals, finite_orders
from tests.benchmarks.masses import atoms, plane, space
from tests.benchmarks.pair import (
    Map,
    Measure,
    Pair,
    Sampler,
    Tags,
    between,
    mixture,
    normal,
    padded,
    product,
    standard,
    warped,
)
from tests.benchmarks.pairs_line import by_radius, radial

NORMAL, UNIFORM = stats.norm(), stats.uniform()
EDGES = Tags("none", "nested", "edges")


# Uniform measures: the volumes say everything.


def within(name: str, d: int, around: Sampler, inside: Map, share: float) -> Pair:
    """Uniform on a body, and on another around it of which the body is that share."""

    def sample(n: int, rng: np.random.Generator) -> np.ndarray:
        kept = np.empty((0, d))
        while len(kept) < n:
            points = around(2 * n, rng)
            kept = np.vstack([kept, points[inside(points)]])
        return kept[:n]

    def log_ratio(points: np.ndarray) -> np.ndarray:
        return np.where(inside(points), -math.log(share), -math.inf)

    return Pair(
        name, d, sample, around, log_ratio, EDGES, "by hand",
        reduced=lambda: atoms([1, 0], [share, 1 - share]),
    )  # fmt: skip


def ball(d: int) -> Sampler:
    """Uniform in the ball of radius 1."""
    return radial(d, stats.powerlaw(d)).sample


def in_ball(points: np.ndarray, radius: float = 1.0) -> np.ndarray:
    """Which points are in the ball around zero."""
    return np.linalg.norm(points, axis=1) <= radius


def turned_square(n: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform in a square of half-width 1, turned by 30 degrees."""
    cos, sin = math.cos(math.pi / 6), math.sin(math.pi / 6)
    return rng.uniform(-1, 1, size=(n, 2)) @ np.array([[cos, sin], [-sin, cos]])


def in_triangle(points: np.ndarray) -> np.ndarray:
    """Which points are in the triangle of corners (0, 0), (1, 0) and (0.3, 1)."""
    x, y = points.T
    return (y >= 0) & (0.3 * y <= x) & (x <= 1 - 0.7 * y)


def shifted_discs() -> Pair:
    """Unit discs whose centers are 0.5 apart."""
    gap = np.array([0.5, 0.0])
    shared = (2 * math.acos(0.25) - 0.25 * math.sqrt(3.75)) / math.pi

    def log_ratio(points: np.ndarray) -> np.ndarray:
        first, second = in_ball(points), in_ball(points - gap)
        return np.where(first & second, 0.0, np.where(first, math.inf, -math.inf))

    return Pair(
        "discs shifted by 0.5", 2, ball(2), lambda n, rng: gap + ball(2)(n, rng), log_ratio,
        Tags("none", "partial", "edges"), "by hand",
        reduced=lambda: atoms([1 - shared, shared, 0], [0, shared, 1 - shared]),
    )  # fmt: skip


# Copulas whose tails differ, as functions of the logarithms of the two uniform features.


def _clayton_sample(n: int, rng: np.random.Generator) -> np.ndarray:
    frailty = rng.gamma(0.5, size=(n, 1))
    return (1 + rng.exponential(size=(n, 2)) / frailty) ** -0.5


def _log_clayton(log_u: np.ndarray) -> np.ndarray:
    total = np.exp(-2 * log_u).sum(axis=1) - 1
    return math.log(3) - 3 * log_u.sum(axis=1) - 2.5 * np.log(total)


def _gumbel_sample(n: int, rng: np.random.Generator) -> np.ndarray:
    # The frailty is stable of index 1/2: one over twice the square of a normal.
    frailty = 0.5 / rng.normal(size=(n, 1)) ** 2
    return np.exp(-np.sqrt(rng.exponential(size=(n, 2)) / frailty))


def _log_gumbel(log_u: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(log_u, axis=1)
    shape = np.log(-log_u).sum(axis=1) - 2 * np.log(length) + np.log1p(1 / length)
    return shape - length - log_u.sum(axis=1)


def archimedean() -> Pair:
    """Clayton's copula, heavy in its lower corner, and Gumbel's in its upper; both of parameter 2.

    Where one feature goes to 0, p falls as its square but q only as one over its logarithm; where
    one goes to 1, q falls as the distance to 1 but p does not: hence the orders.
    """

    def measure(sample: Sampler, log_density: Map) -> Measure:
        return Measure(2, sample, lambda points: log_density(np.log(points)))

    def scores(log_density: Map, z: np.ndarray) -> np.ndarray:
        # Of normal scores, which have no edges.
        return log_density(log_ndtr(z)) + NORMAL.logpdf(z).sum(axis=1)

    return between(
        "Clayton and Gumbel", measure(_clayton_sample, _log_clayton),
        measure(_gumbel_sample, _log_gumbel), Tags("none", "equal", "copula"),
        "quadrature in the plane of normal scores", orders=(-0.5, 2),
        reduced=lambda: plane(
            partial(scores, _log_clayton), partial(scores, _log_gumbel), -9.0, 9.0
        ),
    )  # fmt: skip


# A difference in few directions or in the length alone.


class _Mixed:
    """Length whose distribution is a mixture."""

    def __init__(self, shares: tuple[float, ...], parts: tuple[stats.rv_continuous, ...]) -> None:
        self.shares, self.parts = shares, parts

    def rvs(self, size: int, random_state: np.random.Generator) -> np.ndarray:
        each = [part.rvs(size=size, random_state=random_state) for part in self.parts]
        return np.choose(random_state.choice(len(each), size=size, p=self.shares), each)

    def logpdf(self, r: np.ndarray) -> np.ndarray:
        logs = [
            math.log(share) + part.logpdf(r)
            for share, part in zip(self.shares, self.parts, strict=True)
        ]
        return np.logaddexp.reduce(logs)


class _NoisyRadius:
    """Length of a point of the unit circle with normal noise in the plane."""

    def __init__(self, spread: float) -> None:
        self.spread = spread

    def rvs(self, size: int, random_state: np.random.Generator) -> np.ndarray:
        along, across = self.spread * random_state.normal(size=(2, size))
        return np.hypot(1 + along, across)

    def logpdf(self, r: np.ndarray) -> np.ndarray:
        # In logarithms by hand: scipy's underflows far out.
        square = self.spread**2
        return np.log(r / square) - (r - 1) ** 2 / (2 * square) + np.log(i0e(r / square))


def contaminated() -> Pair:
    """A normal of thirty features, and the same with 15 % of it half as wide again."""
    d = 30
    return by_radius(
        "contaminated normal, d=30", d, stats.chi(d),
        _Mixed((0.85, 0.15), (stats.chi(d), stats.chi(d, scale=1.5))),
        Tags("light", "equal", "radial"), orders=(-0.8, math.inf),
    )  # fmt: skip


def noisy_circle() -> Pair:
    """A noisy circle and a normal of its covariance, in a turned plane among ten features."""
    spread = 0.25
    width = math.sqrt(0.5 + spread**2)
    tags = Tags("light", "equal", "ring")
    flat = by_radius(
        "", 2, _NoisyRadius(spread), stats.chi(2, scale=width), tags,
        orders=finite_orders(
            (np.zeros(2), spread**2 * np.eye(2)), (np.zeros(2), width**2 * np.eye(2))
        ),
    )  # fmt: skip
    turn = np.linalg.qr(np.random.default_rng(7).normal(size=(10, 10)))[0]
    return warped(
        padded(flat, "", standard(8, scale=spread), tags), "noisy circle in d=10",
        lambda x: x @ turn.T, lambda x: x @ turn, tags,
    )  # fmt: skip


def third_order() -> Pair:
    """Three normal features whose product is positive in 85 %, and independent ones, d = 6."""
    positive = 0.85

    def sample(n: int, rng: np.random.Generator) -> np.ndarray:
        points = rng.normal(size=(n, 3))
        wanted = np.where(rng.uniform(size=n) < positive, 1.0, -1.0)
        points[:, 2] *= np.sign(points.prod(axis=1)) * wanted
        return points

    def log_ratio(points: np.ndarray) -> np.ndarray:
        share = np.where(points.prod(axis=1) > 0, positive, 1 - positive)
        return np.log(2 * share)

    tags = Tags("light", "equal", "interaction")
    three = Pair(
        "", 3, sample, standard(3).sample, log_ratio, tags, "by hand",
        reduced=lambda: atoms([positive, 1 - positive], [0.5, 0.5]),
    )  # fmt: skip
    return padded(three, "third-order sign, d=6", standard(3), tags)


def far_clusters() -> Pair:
    """Five clusters on four of twenty axes, in other shares."""
    axes = 3 * np.eye(4)
    parts = [normal(center, np.eye(4)) for center in (*axes, -axes[0])]
    p = mixture([0.4, 0.3, 0.1, 0.1, 0.1], parts)
    q = mixture([0.1, 0.1, 0.2, 0.2, 0.4], parts)
    tags = Tags("light", "equal", "clusters")
    four = between(
        "", p, q, tags, "quadrature in four dimensions",
        reduced=lambda: space(p.log_density, q.log_density, 4, -9.0, 9.0),
    )  # fmt: skip
    return padded(four, "far clusters reweighted, d=20", standard(16), tags)


# Dependence among all features.


def factors() -> Pair:
    """Two factors behind 25 features, and two others."""
    d = 25
    loadings = 0.35 * np.random.default_rng(3).normal(size=(2, d, 2))
    p, q = ((np.zeros(d), np.eye(d) + each @ each.T) for each in loadings)
    relative = linalg.eigh(q[1], p[1], eigvals_only=True)

    def log_density(variances: np.ndarray, logs: np.ndarray) -> np.ndarray:
        # The ratio depends on two sums of squares of two normals, each with a density in Bessel's
        # function: along the two axes where P is wider, and along the two where Q is.
        total = np.zeros(len(logs))
        for pair, log_sum in zip((slice(0, 2), slice(-2, None)), logs.T, strict=True):
            weights = np.abs(1 - 1 / relative[pair]) / 2 * variances[pair]
            half, gap = (1 / weights).sum() / 4, abs(1 / weights[0] - 1 / weights[1]) / 4
            sums = np.exp(log_sum)
            total += np.log(i0e(gap * sums)) - (half - gap) * sums + log_sum
            total -= math.log(2) + np.log(weights).sum() / 2
        return total

    return between_normals(
        "factor models, d=25", p, q, Tags("light", "equal", "low rank"),
        how="formulas; quadrature over two sums of squares",
        reduced=lambda: plane(
            partial(log_density, np.ones(d)), partial(log_density, relative), -30.0, 8.0
        ),
    )  # fmt: skip


def _arch_variance(before: np.ndarray) -> np.ndarray:
    return (1 + before**2) / 2


class _Chain:
    """Integrals over a chain where each feature is normal with a variance that the last one sets.

    The first feature is the same in both; functions of one feature are carried back link by link.
    """

    def __init__(self, links: int, order: float = 1.0) -> None:
        u, step = np.linspace(-12.0, 12.0, 1201, retstep=True)
        self.x, self.links = np.sinh(u), links
        self.variance = _arch_variance(self.x)
        width = np.sqrt(self.variance)[:, None]
        log_p, log_q = NORMAL.logpdf(self.x / width) - np.log(width), NORMAL.logpdf(self.x)
        self.first = np.exp(log_q) * np.cosh(u) * step
        self.link = np.exp(order * log_p + (1 - order) * log_q) * np.cosh(u) * step

    def power(self) -> float:
        """Integral of p^order q^(1 - order)."""
        value = np.ones_like(self.x)
        for _ in range(self.links):
            value = self.link @ value
        return float(self.first @ value)

    def known(self) -> dict[str, float]:
        """Sums over the links of the divergence of two normals, averaged over P and over Q."""
        v, value = self.variance, np.zeros_like(self.x)
        for _ in range(self.links):
            value = (v - 1 - np.log(v)) / 2 + self.link @ value
        back = self.first @ (1 / v - 1 + np.log(v)) / 2
        return {"KL": float(self.first @ value), "reverse KL": float(self.links * back)}


def arch() -> Pair:
    """A chain whose next variance is (1 + x²)/2, and independent noise, d = 10.

    The variance is not bounded, so that no order above 1 is finite, and at least 1/2, so that
    those above -1 are.
    """
    d = 10

    def sample(n: int, rng: np.random.Generator) -> np.ndarray:
        points = np.ones((n, d + 1))
        for j in range(d):
            points[:, j + 1] = np.sqrt(_arch_variance(points[:, j])) * rng.normal(size=n)
        return points[:, 1:]

    def log_ratio(points: np.ndarray) -> np.ndarray:
        variance = _arch_variance(points[:, :-1])
        return (points[:, 1:] ** 2 * (1 - 1 / variance) - np.log(variance)).sum(axis=1) / 2

    return Pair(
        "ARCH and noise, d=10", d, sample, standard(d).sample, log_ratio,
        Tags("heavy", "equal", "chain"), "quadrature along the chain for KL and H2; draws",
        orders=(-1, 1), known=lambda: _Chain(d - 1).known(),
        power=lambda k: _Chain(d - 1, k).power(),
    )  # fmt: skip


WITH_STRUCTURE: tuple[Pair, ...] = (
    within("disc in turned square", 2, turned_square, in_ball, math.pi / 4),
    within("triangle in square", 2, product([UNIFORM] * 2).sample, in_triangle, 0.5),
    shifted_discs(),
    archimedean(),
    within(
        "simplex in cube, d=3", 3, product([UNIFORM] * 3).sample,
        lambda points: points.sum(axis=1) <= 1, 1 / 6,
    ),
    within("ball in ball, d=4", 4, ball(4), partial(in_ball, radius=0.8), 0.8**4),
    third_order(),
    noisy_circle(),
    arch(),
    far_clusters(),
    factors(),
    contaminated(),
)  # fmt: skip
