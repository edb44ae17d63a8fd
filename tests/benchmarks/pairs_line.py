"""Pairs on the line, and pairs of any dimension that differ along one line only."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import betaln

from tests.benchmarks.gaussians import between_normals, shifted
from tests.benchmarks.masses import atoms, line
from tests.benchmarks.pair import (
    EVERY_ORDER,
    Measure,
    Pair,
    Tags,
    between,
    equal,
    log_of,
    mixture,
    product,
    standard,
    warped,
)


def on_the_line(
    name: str,
    p: stats.rv_continuous,
    q: stats.rv_continuous,
    tags: Tags,
    orders: tuple[float, float] = EVERY_ORDER,
    ends: tuple[float, float] = (-math.inf, math.inf),
    public: bool = False,
) -> Pair:
    """Two scipy distributions."""
    return between(
        name, product([p]), product([q]), tags, "quadrature",
        reduced=lambda: line(log_of(p), log_of(q), *ends), orders=orders, public=public,
    )  # fmt: skip


RIPPLES, RIPPLE_DEPTH = 6, 0.8


def _rippled_cdf(x: np.ndarray) -> np.ndarray:
    phase = 2 * math.pi * RIPPLES
    return x + RIPPLE_DEPTH * (1 - np.cos(phase * x)) / phase


def _rippled_sample(n: int, rng: np.random.Generator) -> np.ndarray:
    u = rng.uniform(size=n)
    low, high = np.zeros(n), np.ones(n)
    for _ in range(52):
        middle = (low + high) / 2
        below = _rippled_cdf(middle) < u
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return ((low + high) / 2).reshape(n, 1)


def _log_ripple(x: np.ndarray) -> np.ndarray:
    return np.log1p(RIPPLE_DEPTH * np.sin(2 * math.pi * RIPPLES * x))


def ripples() -> Pair:
    """A density with six waves, and the uniform."""
    p = Measure(1, _rippled_sample, lambda points: _log_ripple(points[:, 0]))
    return between(
        "ripples and uniform", p, product([stats.uniform()]),
        Tags("none", "equal", "oscillation"), "quadrature",
        reduced=lambda: line(_log_ripple, np.zeros_like, 0.0, 1.0),
    )  # fmt: skip


def bump() -> Pair:
    """A normal, with and without a twentieth of its mass in a narrow bump on its tail."""
    p = mixture([0.95, 0.05], [standard(1), standard(1, 4.0, 0.1)])
    q = standard(1)

    def flat(measure: Measure, x: np.ndarray) -> np.ndarray:
        return measure.log_density(x[:, None])

    return between(
        "rare bump", p, q, Tags("light", "equal", "sparse"), "quadrature",
        reduced=lambda: line(partial(flat, p), partial(flat, q)),
    )  # fmt: skip


NORMAL, UNIFORM = stats.norm(), stats.uniform()

ON_THE_LINE: tuple[Pair, ...] = (
    shifted("normals, shift 1", 1, 1.0, public=True),
    on_the_line(
        "normal and Laplace", NORMAL, stats.laplace(), Tags("exponential", "equal", "shape"),
        orders=(0, math.inf), public=True,
    ),
    on_the_line(
        "uniform and beta(2, 2)", UNIFORM, stats.beta(2, 2), Tags("none", "equal", "edges"),
        orders=(-math.inf, 2), ends=(0, 1), public=True,
    ),
    on_the_line(
        "t(3), shift 1", stats.t(3), stats.t(3, loc=1), Tags("heavy", "equal", "shift"),
        public=True,
    ),
    equal("equal normals, d=1", standard(1), Tags("light", "equal", "none")),
    on_the_line(
        "Cauchy, shift 1", stats.cauchy(), stats.cauchy(loc=1), Tags("heavy", "equal", "shift"),
    ),
    on_the_line(
        "Pareto 2 and 3", stats.pareto(2), stats.pareto(3), Tags("heavy", "equal", "edges"),
        orders=(-math.inf, 3), ends=(1, math.inf),
    ),
    on_the_line(
        "exponentials", stats.expon(), stats.expon(scale=2), Tags("exponential", "equal", "edges"),
        orders=(-1, math.inf), ends=(0, math.inf),
    ),
    on_the_line(
        "gamma 3 and 5", stats.gamma(3), stats.gamma(5), Tags("exponential", "equal", "shape"),
        orders=(-math.inf, 2.5), ends=(0, math.inf),
    ),
    on_the_line(
        "arcsine and beta(2, 2)", stats.beta(0.5, 0.5), stats.beta(2, 2),
        Tags("none", "equal", "edges"), orders=(-math.inf, 4 / 3), ends=(0, 1),
    ),
    on_the_line(
        "von Mises around the cut", stats.vonmises(2, loc=2.5), stats.vonmises(2, loc=-2.5),
        Tags("none", "equal", "circle"), ends=(-math.pi, math.pi),
    ),
    warped(
        shifted("", 1, 0.8), "lognormals of spread 3",
        lambda z: np.exp(3 * z), lambda x: np.log(x) / 3, Tags("heavy", "equal", "shift"),
    ),
    shifted("normals, shift 6", 1, 6.0),
    ripples(),
    bump(),
    between(
        "nested uniforms", product([UNIFORM]), product([stats.uniform(0, 2)]),
        Tags("none", "nested", "edges"), "by hand", reduced=lambda: atoms([1, 0], [0.5, 0.5]),
    ),
    between(
        "disjoint uniforms", product([UNIFORM]), product([stats.uniform(3, 1)]),
        Tags("none", "disjoint", "edges"), "by hand", reduced=lambda: atoms([1, 0], [0, 1]),
    ),
)  # fmt: skip


def radial(d: int, radius: Any) -> Measure:
    """Uniform directions, and a radius with the given distribution."""

    def sample(n: int, rng: np.random.Generator) -> np.ndarray:
        z = rng.normal(size=(n, d))
        length = np.asarray(radius.rvs(size=n, random_state=rng)).reshape(n, 1)
        return length * z / np.linalg.norm(z, axis=1, keepdims=True)

    # With respect to the product of length and uniform directions.
    return Measure(d, sample, lambda points: radius.logpdf(np.linalg.norm(points, axis=1)))


class _RootF:
    """Length of a multivariate t: r²/(d scale²) follows F(d, df)."""

    def __init__(self, d: int, df: float, scale: float) -> None:
        self.d, self.unit, self.squared = d, scale * math.sqrt(d), stats.f(d, df)

    def rvs(self, size: int, random_state: np.random.Generator) -> np.ndarray:
        return self.unit * np.sqrt(self.squared.rvs(size=size, random_state=random_state))

    def logpdf(self, r: np.ndarray) -> np.ndarray:
        t = r / self.unit
        # In logarithms by hand: scipy's underflows far out, where heavy tails still matter.
        d, df = self.squared.args
        constant = d / 2 * math.log(d / df) - betaln(d / 2, df / 2) + math.log(2 / self.unit)
        return constant + (d - 1) * np.log(t) - (d + df) / 2 * np.log1p(t * t * d / df)


def by_radius(
    name: str, d: int, p: Any, q: Any, tags: Tags, orders: tuple[float, float] = EVERY_ORDER,
    public: bool = False,
) -> Pair:  # fmt: skip
    """Pair that differs in length only: as far apart as the two lengths are."""
    return between(
        name, radial(d, p), radial(d, q), tags, "quadrature over the radius",
        reduced=lambda: line(p.logpdf, q.logpdf, 0.0), orders=orders, public=public,
    )  # fmt: skip


def roll() -> Pair:
    """Two densities along a rolled-up sheet of three dimensions."""
    inner, length = 1.5 * math.pi, 3 * math.pi

    def sheet(along: stats.rv_continuous) -> Measure:
        return product([along, stats.uniform(0, 10), stats.uniform(-0.5, 1)])

    def forward(points: np.ndarray) -> np.ndarray:
        angle = inner + length * points[:, 0]
        radius = angle + points[:, 2]
        return np.column_stack([radius * np.cos(angle), points[:, 1], radius * np.sin(angle)])

    def backward(points: np.ndarray) -> np.ndarray:
        x, height, z = points.T
        radius, turn = np.hypot(x, z), np.arctan2(z, x)
        # The sheet is thinner than the gap between its turns, so that the turn is told exactly.
        angle = turn + 2 * math.pi * np.round((radius - turn) / (2 * math.pi))
        along = np.clip((angle - inner) / length, 1e-16, 1 - 1e-16)
        return np.column_stack([along, height, np.clip(radius - angle, -0.5, 0.5)])

    flat = between(
        "", sheet(stats.beta(2, 2)), sheet(UNIFORM), Tags("", "", ""), "quadrature",
        reduced=lambda: line(stats.beta(2, 2).logpdf, UNIFORM.logpdf, 0, 1), orders=(-1, math.inf),
    )  # fmt: skip
    return warped(flat, "rolled sheet", forward, backward, Tags("none", "equal", "manifold"))


def simplex() -> Pair:
    """Shares of four parts that add up to one, Dirichlet(1, 1, 1, 1) and (3, 1, 1, 1)."""

    def sample(alpha: list[float], n: int, rng: np.random.Generator) -> np.ndarray:
        return rng.dirichlet(alpha, size=n)

    # Given the first share the others are alike in both.
    first = stats.beta(1, 3), stats.beta(3, 3)
    p, q = (
        Measure(4, partial(sample, [a, 1, 1, 1]), lambda x, law=law: law.logpdf(x[:, 0]))
        for a, law in zip((1, 3), first, strict=True)
    )
    return between(
        "simplex edge", p, q, Tags("none", "equal", "simplex"), "quadrature over one share",
        reduced=lambda: line(first[0].logpdf, first[1].logpdf, 0, 1), orders=(-math.inf, 1.5),
    )  # fmt: skip


def exponential_product() -> Pair:
    """Five exponentials each: the ratio depends on their sum, which is a gamma."""
    p, q = stats.gamma(5), stats.gamma(5, scale=1.5)
    return between(
        "exponentials, d=5", product([stats.expon()] * 5), product([stats.expon(scale=1.5)] * 5),
        Tags("exponential", "equal", "edges"), "quadrature over the sum",
        reduced=lambda: line(p.logpdf, q.logpdf, 0.0), orders=(-2, math.inf),
    )  # fmt: skip


def spike(d: int) -> Pair:
    """I + 4 u u' and I, with u = (1, ..., 1)/sqrt(d)."""
    u = np.full((d, 1), 1 / math.sqrt(d))
    along = stats.norm(0, math.sqrt(5)), NORMAL
    return between_normals(
        f"one long axis, d={d}", (np.zeros(d), np.eye(d) + 4 * u @ u.T), (np.zeros(d), np.eye(d)),
        Tags("light", "equal", "low rank"), how="quadrature along the axis",
        reduced=lambda: line(along[0].logpdf, along[1].logpdf),
    )  # fmt: skip


def sparse_scale(d: int) -> Pair:
    """One of d features has three times the spread in Q."""
    cov = np.eye(d)
    cov[0, 0] = 9.0
    return between_normals(
        f"one wide feature of {d}", (np.zeros(d), np.eye(d)), (np.zeros(d), cov),
        Tags("light", "equal", "sparse"), how="quadrature along the feature",
        reduced=lambda: line(NORMAL.logpdf, stats.norm(0, 3).logpdf),
    )  # fmt: skip


def sparse_shift(d: int) -> Pair:
    """Two of d features are shifted by 1."""
    mean = np.zeros(d)
    mean[:2] = 1.0
    return between_normals(
        f"two shifted features of {d}", (np.zeros(d), np.eye(d)), (mean, np.eye(d)),
        Tags("light", "equal", "sparse"), how="quadrature along the shift",
        reduced=lambda: line(NORMAL.logpdf, stats.norm(math.sqrt(2)).logpdf),
    )  # fmt: skip


SCALES = np.array([1e-6, 1e-3, 1.0, 1e3, 1e6])

ALONG_A_LINE: tuple[Pair, ...] = (
    shifted("normals, d=5, shift 0.5 each", 5, 0.5, public=True),
    by_radius(
        "normals, d=10, scale 1.5", 10, stats.chi(10), stats.chi(10, scale=1.5),
        Tags("light", "equal", "radial"), orders=(-0.8, math.inf), public=True,
    ),
    shifted("normals, d=20, shift 0.3 each", 20, 0.3, public=True),
    equal("equal normals, d=5", standard(5), Tags("light", "equal", "none"), public=True),
    warped(
        shifted("", 5, 0.5), "scales 1e-6 to 1e6, d=5",
        lambda x: x * SCALES, lambda x: x / SCALES, Tags("light", "equal", "mixed scales"),
    ),
    warped(
        shifted("", 5, 0.5), "sinh-warped, d=5",
        lambda x: np.sinh(2 * x), lambda x: np.arcsinh(x) / 2, Tags("heavy", "equal", "warped"),
    ),
    shifted("normals, d=10, shift 1.3 each", 10, 1.3),
    shifted("normals, d=50, shift 0.1 each", 50, 0.1),
    sparse_shift(50),
    sparse_scale(50),
    spike(20),
    by_radius(
        "t(2), d=10, scale 2", 10, _RootF(10, 2, 1.0), _RootF(10, 2, 2.0),
        Tags("heavy", "equal", "radial"),
    ),
    by_radius(
        "normal and t(5), d=20", 20, stats.chi(20), _RootF(20, 5, 1.0),
        Tags("heavy", "equal", "radial"), orders=(0, math.inf),
    ),
    by_radius(
        "shells, d=5", 5, stats.gamma(5), stats.gamma(8), Tags("exponential", "equal", "radial"),
        orders=(-math.inf, 8 / 3),
    ),
    exponential_product(),
    simplex(),
    roll(),
    equal("equal normals, d=50", standard(50), Tags("light", "equal", "none")),
    equal("equal cubes, d=20", product([UNIFORM] * 20), Tags("none", "equal", "none")),
    equal("equal t(2), d=3", radial(3, _RootF(3, 2, 1.0)), Tags("heavy", "equal", "none")),
)  # fmt: skip
