"""Pairs that differ in a plane, or in the joint law of many features."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats
from scipy.special import gammaln, ndtr, ndtri

from tests.benchmarks.gaussians import between_normals, finite_orders, shifted
from tests.benchmarks.masses import atoms, divergences, line, moment, plane
from tests.benchmarks.pair import (
    Measure,
    Pair,
    Tags,
    between,
    mixture,
    normal,
    padded,
    product,
    standard,
    warped,
)

NORMAL, UNIFORM = stats.norm(), stats.uniform()
RING_RADIUS = 1.0


def in_the_plane(
    name: str, p: Measure, q: Measure, tags: Tags, low: float, high: float, **rest: object
) -> Pair:
    """Two measures of two features, by quadrature."""
    return between(
        name, p, q, tags, "quadrature in the plane",
        reduced=lambda: plane(p.log_density, q.log_density, low, high), **rest,
    )  # fmt: skip


def spots(centers: np.ndarray, spread: float) -> Measure:
    """Equal mixture of round normals."""
    parts = [normal(center, spread**2 * np.eye(2)) for center in centers]
    return mixture(np.full(len(parts), 1 / len(parts)), parts)


def ring(turn: float) -> Measure:
    """Eight spots of spread 0.1 on a circle."""
    angles = 2 * math.pi * np.arange(8) / 8 + turn
    return spots(RING_RADIUS * np.column_stack([np.cos(angles), np.sin(angles)]), 0.1)


def correlated() -> Pair:
    """N(0, I) and N((1, 1), [[1, 1/2], [1/2, 1]])."""
    p, q = (np.zeros(2), np.eye(2)), (np.ones(2), np.array([[1.0, 0.5], [0.5, 1.0]]))
    measures = normal(*p), normal(*q)
    return between_normals(
        "correlated normals, d=2", p, q, Tags("light", "equal", "correlation"),
        how="formulas; quadrature in the plane", public=True,
        reduced=lambda: plane(*(each.log_density for each in measures), -9.0, 10.0),
    )  # fmt: skip


def grid() -> Pair:
    """Twenty-five spots, and the normal with the same mean and covariance."""
    steps = np.arange(-2.0, 3.0)
    centers = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    spread = 0.2
    orders = finite_orders(
        (np.zeros(2), spread**2 * np.eye(2)), (np.zeros(2), (2 + spread**2) * np.eye(2))
    )
    whole = normal(np.zeros(2), (2 + spread**2) * np.eye(2))
    return in_the_plane(
        "grid of 25 and normal", spots(centers, spread), whole,
        Tags("light", "equal", "grid"), -10.0, 10.0, orders=orders,
    )  # fmt: skip


def exclusive_or() -> Pair:
    """Two spots on one diagonal, two on the other: no single feature tells P from Q."""
    p = np.array([[1.0, 1.0], [-1.0, -1.0]])
    return in_the_plane(
        "exclusive or, d=2", spots(p, 0.6), spots(p * [1, -1], 0.6),
        Tags("light", "equal", "interaction"), -7.0, 7.0,
    )  # fmt: skip


def checkerboard() -> Pair:
    """Uniform on the black squares of a board of 4 by 4, and on the board."""

    def black(points: np.ndarray) -> np.ndarray:
        return np.floor(points).sum(axis=1) % 2 == 0

    def sample(n: int, rng: np.random.Generator) -> np.ndarray:
        points = rng.uniform(0, 4, size=(n, 2))
        points[:, 0] = np.where(black(points), points[:, 0], (points[:, 0] + 1) % 4)
        return points

    p = Measure(2, sample, lambda x: np.where(black(x), math.log(2), -math.inf))
    q = Measure(2, product([stats.uniform(0, 4)] * 2).sample, lambda x: np.zeros(len(x)))
    return between(
        "checkerboard", p, q, Tags("none", "nested", "interaction"), "by hand",
        reduced=lambda: atoms([1, 0], [0.5, 0.5]),
    )  # fmt: skip


def normal_copula() -> Pair:
    """Uniform margins with a normal copula of correlation 0.8, and independence."""
    p, q = (np.zeros(2), np.array([[1.0, 0.8], [0.8, 1.0]])), (np.zeros(2), np.eye(2))
    measures = normal(*p), normal(*q)
    latent = between_normals(
        "", p, q, Tags("", "", ""), how="formulas; quadrature in the plane",
        reduced=lambda: plane(*(each.log_density for each in measures), -9.0, 9.0),
    )  # fmt: skip
    return warped(latent, "normal copula", ndtr, ndtri, Tags("none", "equal", "copula"))


def bent_copula() -> Pair:
    """The copula of density 1 + (1 - 2u)(1 - 2v), and independence."""

    def sample(n: int, rng: np.random.Generator) -> np.ndarray:
        u, w = rng.uniform(size=(2, n))
        slope = 1 - 2 * u
        # The root of v + slope v (1 - v) = w between 0 and 1.
        v = 2 * w / (1 + slope + np.sqrt((1 + slope) ** 2 - 4 * slope * w))
        return np.column_stack([u, v])

    p = Measure(2, sample, lambda x: np.log1p((1 - 2 * x[:, 0]) * (1 - 2 * x[:, 1])))
    q = Measure(2, product([UNIFORM] * 2).sample, lambda x: np.zeros(len(x)))
    return in_the_plane(
        "weak copula", p, q, Tags("none", "equal", "copula"), 0.0, 1.0, orders=(-2, math.inf)
    )


def banana() -> Pair:
    """A shift under (x, y) -> (x, y + x²)."""
    return warped(
        shifted("", 2, 0.7), "bananas",
        lambda z: np.column_stack([z[:, 0], z[:, 1] + z[:, 0] ** 2]),
        lambda x: np.column_stack([x[:, 0], x[:, 1] - x[:, 0] ** 2]),
        Tags("exponential", "equal", "warped"),
    )  # fmt: skip


def squares() -> Pair:
    """Unit squares that overlap in 0.49 of their area."""
    p, q = product([UNIFORM] * 2), product([stats.uniform(0.3, 1)] * 2)
    return between(
        "overlapping squares", p, q, Tags("none", "partial", "edges"), "by hand",
        reduced=lambda: atoms([0.51, 0.49, 0], [0, 0.49, 0.51]),
    )  # fmt: skip


def cubes() -> Pair:
    """[0, 1]^5 and [0, 1.2]^5."""
    inside = 1.2**-5
    return between(
        "nested cubes, d=5", product([UNIFORM] * 5), product([stats.uniform(0, 1.2)] * 5),
        Tags("none", "nested", "edges"), "by hand",
        reduced=lambda: atoms([1, 0], [inside, 1 - inside]),
    )  # fmt: skip


def ball() -> Pair:
    """Uniform in the ball, and in the cube around it, d = 3."""
    inside = math.pi / 6

    def sample(n: int, rng: np.random.Generator) -> np.ndarray:
        z = rng.normal(size=(n, 3))
        radius = rng.uniform(size=(n, 1)) ** (1 / 3)
        return radius * z / np.linalg.norm(z, axis=1, keepdims=True)

    def log_density(points: np.ndarray) -> np.ndarray:
        return np.where((points**2).sum(axis=1) <= 1, -math.log(inside), -math.inf)

    cube = Measure(3, product([stats.uniform(-1, 2)] * 3).sample, lambda x: np.zeros(len(x)))
    return between(
        "ball in cube, d=3", Measure(3, sample, log_density), cube,
        Tags("none", "nested", "edges"), "by hand",
        reduced=lambda: atoms([1, 0], [inside, 1 - inside]),
    )  # fmt: skip


IN_THE_PLANE: tuple[Pair, ...] = (
    correlated(),
    in_the_plane(
        "ring of 8, turned", ring(0.0), ring(math.pi / 8), Tags("light", "equal", "ring"),
        -2.0, 2.0, public=True,
    ),
    grid(),
    exclusive_or(),
    padded(
        exclusive_or(), "exclusive or, d=10", standard(8), Tags("light", "equal", "interaction")
    ),
    checkerboard(),
    normal_copula(),
    bent_copula(),
    banana(),
    squares(),
    cubes(),
    ball(),
)  # fmt: skip


# Joint laws of many features: exact log-ratios, values by draws.


def chain(d: int, rho: float) -> np.ndarray:
    """Covariance of an autoregression."""
    steps = np.arange(d)
    return rho ** np.abs(steps[:, None] - steps)


def autoregressions(d: int, first: float, second: float) -> Pair:
    """Equal margins, different correlation of neighbors."""
    return between_normals(
        f"AR(1) {first:g} and {second:g}, d={d}", (np.zeros(d), chain(d, first)),
        (np.zeros(d), chain(d, second)), Tags("light", "equal", "correlation"),
        how="formulas; draws",
    )  # fmt: skip


def blocks() -> Pair:
    """Five pairs of features of correlation 0.7, and none."""
    cov = np.kron(np.eye(5), np.array([[1.0, 0.7], [0.7, 1.0]]))
    return between_normals(
        "correlated pairs, d=10", (np.zeros(10), cov), (np.zeros(10), np.eye(10)),
        Tags("light", "equal", "correlation"), how="formulas; draws",
    )  # fmt: skip


def dependent_exponentials() -> Pair:
    """Exponential margins with an equicorrelated normal copula, and independence, d = 5."""
    cov = np.full((5, 5), 0.4) + 0.6 * np.eye(5)
    latent = between_normals(
        "", (np.zeros(5), cov), (np.zeros(5), np.eye(5)), Tags("", "", ""), how="formulas; draws"
    )
    # Through the upper tail, which keeps its digits.
    return warped(
        latent, "dependent exponentials, d=5", lambda z: -np.log(ndtr(-z)),
        lambda x: -ndtri(np.exp(-x)), Tags("exponential", "equal", "copula"),
    )  # fmt: skip


def student(d: int, df: float, shift: float) -> Measure:
    """Multivariate t around (shift, ..., shift)."""
    constant = gammaln((df + d) / 2) - gammaln(df / 2) - d / 2 * math.log(df * math.pi)

    def sample(n: int, rng: np.random.Generator) -> np.ndarray:
        return shift + rng.normal(size=(n, d)) / np.sqrt(rng.chisquare(df, size=(n, 1)) / df)

    def log_density(points: np.ndarray) -> np.ndarray:
        squared = ((points - shift) ** 2).sum(axis=1)
        return constant - (df + d) / 2 * np.log1p(squared / df)

    return Measure(d, sample, log_density)


def normal_and_laplace() -> Pair:
    """Ten features each, of equal variance."""
    each = NORMAL, stats.laplace(scale=math.sqrt(0.5))

    def known() -> dict[str, float]:
        one = divergences(line(each[0].logpdf, each[1].logpdf), (0, math.inf))
        return {key: 10 * one[key] for key in ("KL", "reverse KL")}

    return between(
        "normal and Laplace, d=10", product([each[0]] * 10), product([each[1]] * 10),
        Tags("exponential", "equal", "shape"), "quadrature for KL; draws", orders=(0, math.inf),
        known=known, power=lambda k: moment(line(each[0].logpdf, each[1].logpdf), k) ** 10,
    )  # fmt: skip


def reweighted() -> Pair:
    """Three clusters of ten features, in other shares."""
    centers = 2 * np.eye(10)[:3]
    parts = [normal(center, 0.5 * np.eye(10)) for center in centers]
    return between(
        "clusters in other shares, d=10", mixture([0.7, 0.2, 0.1], parts),
        mixture([0.1, 0.2, 0.7], parts), Tags("light", "equal", "clusters"), "draws",
    )  # fmt: skip


MANY_FEATURES: tuple[Pair, ...] = (
    autoregressions(10, 0.0, 0.5),
    autoregressions(30, 0.3, 0.6),
    blocks(),
    dependent_exponentials(),
    between(
        "t(3), d=5, shift 0.6 each", student(5, 3, 0.0), student(5, 3, 0.6),
        Tags("heavy", "equal", "shift"), "draws",
    ),
    normal_and_laplace(),
    reweighted(),
)  # fmt: skip
