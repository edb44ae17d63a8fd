"""Pairs whose Wasserstein and energy distances are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg, stats
from scipy.special import gammaln

from tests.benchmarks.pair import Sampler, normal, product, standard

Truth = Callable[[], dict[str, float]]


@dataclass(frozen=True)
class TransportCase:
    """Two samplers and the exact distances that are known."""

    name: str
    d: int
    sample_p: Sampler
    sample_q: Sampler
    values: Truth

    @cached_property
    def truth(self) -> dict[str, float]:
        """Exact values by distance, and the same again for brackets around them."""
        values = self.values()
        return values | {f"{name} bracket": value for name, value in values.items()}


def shifted(d: int, length: float) -> TransportCase:
    """N(0, I) and its translation by (length, 0, ..., 0): every point travels as far."""
    mean = np.zeros(d)
    mean[0] = length
    return TransportCase(
        f"normals, d={d}, shift {length:g}", d, standard(d).sample, normal(mean, np.eye(d)).sample,
        lambda: {"W1": length, "W2": length, "energy": normal_energy(d, length, 1.0)},
    )  # fmt: skip


def scaled(d: int, scale: float) -> TransportCase:
    """N(0, I) and scale N(0, I): all travel along rays, and |x| is the potential of W1."""
    length = math.sqrt(2) * math.exp(gammaln((d + 1) / 2) - gammaln(d / 2))
    gap = scale - 1
    return TransportCase(
        f"normals, d={d}, scale {scale:g}", d, standard(d).sample, standard(d, 0.0, scale).sample,
        lambda: {
            "W1": gap * length, "W2": gap * math.sqrt(d), "energy": normal_energy(d, 0.0, scale),
        },
    )  # fmt: skip


def normal_energy(d: int, shift: float, scale: float) -> float:
    """sqrt(2 E|X - Y| - E|X - X'| - E|Y - Y'|): lengths of normal vectors."""

    def length(offset: float, spread: float) -> float:
        law = stats.ncx2(d, (offset / spread) ** 2) if offset else stats.chi2(d)
        return float(spread * law.expect(np.sqrt, epsabs=1e-12, epsrel=1e-12, limit=500))

    across = length(shift, math.sqrt(1 + scale**2))
    within = length(0.0, math.sqrt(2)), length(0.0, math.sqrt(2) * scale)
    return math.sqrt(max(2 * across - sum(within), 0.0))


def turned() -> TransportCase:
    """N(0, I) and N((1, 1), [[1, 1/2], [1/2, 1]]): the distance of Bures."""
    mean, cov = np.ones(2), np.array([[1.0, 0.5], [0.5, 1.0]])
    spread = np.trace(np.eye(2) + cov - 2 * np.real(linalg.sqrtm(cov)))
    return TransportCase(
        "correlated normals, d=2", 2, standard(2).sample, normal(mean, cov).sample,
        lambda: {"W2": math.sqrt(2 + float(spread))},
    )  # fmt: skip


def equal(d: int) -> TransportCase:
    """P = Q."""
    zero = {"W1": 0.0, "W2": 0.0, "energy": 0.0}
    sample = standard(d).sample
    return TransportCase(f"equal normals, d={d}", d, sample, sample, lambda: zero)


def cubes(d: int, side: float) -> TransportCase:
    """[0, 1]^d and [0, side]^d: each feature is stretched by itself."""
    p, q = product([stats.uniform()] * d), product([stats.uniform(0, side)] * d)
    return TransportCase(
        f"nested cubes, d={d}", d, p.sample, q.sample,
        lambda: {"W2": (side - 1) * math.sqrt(d / 3)},
    )  # fmt: skip


def on_the_line(name: str, p: stats.rv_continuous, q: stats.rv_continuous) -> TransportCase:
    """Integrals of the gap between quantiles, and of that between distribution functions."""

    def values() -> dict[str, float]:
        # Midpoints in the logit of the level reach into the tails.
        logit = np.linspace(-32, 32, 400_001)
        level = 1 / (1 + np.exp(-logit))
        weight = level * (1 - level) * (logit[1] - logit[0])
        upper = logit > 0
        gap = np.where(upper, p.isf(1 / (1 + np.exp(logit))), p.ppf(level))
        gap = gap - np.where(upper, q.isf(1 / (1 + np.exp(logit))), q.ppf(level))
        u = np.linspace(-30, 30, 400_001)
        x, step = np.sinh(u), np.cosh(u) * (u[1] - u[0])
        apart = p.cdf(x) - q.cdf(x)
        return {
            "W1": float(np.abs(gap) @ weight),
            "W2": math.sqrt(float(gap**2 @ weight)),
            "energy": math.sqrt(2 * float(apart**2 @ step)),
        }

    return TransportCase(name, 1, product([p]).sample, product([q]).sample, values)


TRANSPORT_CASES: tuple[TransportCase, ...] = (
    on_the_line("normal and Laplace", stats.norm(), stats.laplace()),
    on_the_line("exponentials", stats.expon(), stats.expon(scale=2)),
    on_the_line("t(3), shift 1", stats.t(3), stats.t(3, loc=1)),
    equal(1),
    turned(),
    shifted(2, 1.0),
    shifted(2, 4.0),
    scaled(2, 1.5),
    equal(2),
    shifted(5, 1.0),
    scaled(5, 1.5),
    cubes(5, 1.2),
    equal(5),
    shifted(10, 0.3),
    shifted(10, 1.0),
    scaled(10, 1.5),
    shifted(20, 1.0),
)
