"""Pairs on lattices, whose samples have ties."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import stats
from scipy.special import gammaln, xlogy

from tests.benchmarks.masses import Masses, atoms, divergences, line, moment
from tests.benchmarks.pair import EVERY_ORDER, Measure, Pair, Tags, between, product

NORMAL = stats.norm()


def on_a_lattice(
    name: str, p: stats.rv_discrete, q: stats.rv_discrete, count: int, structure: str
) -> Pair:
    """Two scipy distributions on 0, 1, ..., count."""
    points = np.arange(count + 1)
    return between(
        name, product([p]), product([q]), Tags("light", "equal", structure), "finite sums",
        reduced=lambda: Masses.of(p.logpmf(points), q.logpmf(points)),
    )  # fmt: skip


def rounded(d: int, shift: float, step: float) -> Pair:
    """Normals, shifted by `shift` in every feature, and rounded to multiples of `step`."""
    cells = np.arange(-round(9 / step), round(9 / step) + 1)

    def log_mass(center: float, points: np.ndarray) -> np.ndarray:
        # By symmetry from the side where both ends are small, which keeps digits.
        away = np.abs(points - center)
        return np.log(stats.norm.sf(away - step / 2) - stats.norm.sf(away + step / 2))

    def one() -> Masses:
        return Masses.of(log_mass(0.0, cells * step), log_mass(shift, cells * step))

    def measure(center: float) -> Measure:
        def sample(n: int, rng: np.random.Generator) -> np.ndarray:
            return step * np.round(rng.normal(center, 1, size=(n, d)) / step)

        return Measure(d, sample, lambda points: log_mass(center, points).sum(axis=1))

    def known() -> dict[str, float]:
        each = divergences(one(), EVERY_ORDER)
        return {key: d * each[key] for key in ("KL", "reverse KL")}

    return between(
        f"rounded normals, d={d}", measure(0.0), measure(shift), Tags("light", "equal", "rounded"),
        "finite sums" if d == 1 else "finite sums for KL; draws",
        reduced=one if d == 1 else None, known=known, power=lambda k: moment(one(), k) ** d,
    )  # fmt: skip


def multinomials() -> Pair:
    """Counts of ten draws in four classes."""
    size, shares = 10, (np.array([0.4, 0.3, 0.2, 0.1]), np.full(4, 0.25))

    def log_mass(share: np.ndarray, counts: np.ndarray) -> np.ndarray:
        ways = gammaln(size + 1) - gammaln(counts + 1).sum(axis=1)
        return ways + xlogy(counts, share).sum(axis=1)

    def measure(share: np.ndarray) -> Measure:
        def sample(n: int, rng: np.random.Generator) -> np.ndarray:
            return rng.multinomial(size, share, size=n).astype(float)

        return Measure(4, sample, lambda points: log_mass(share, points))

    def every() -> Masses:
        first = itertools.product(range(size + 1), repeat=3)
        cells = np.array([(*each, size - sum(each)) for each in first if sum(each) <= size])
        return Masses.of(log_mass(shares[0], cells), log_mass(shares[1], cells))

    return between(
        "multinomials", measure(shares[0]), measure(shares[1]), Tags("light", "equal", "simplex"),
        "finite sums", reduced=every,
    )  # fmt: skip


def coded() -> Pair:
    """A code of three values in other shares, and a normal whose mean depends on it."""
    shares, centers = ((0.6, 0.3, 0.1), (0.3, 0.3, 0.4)), ((0.0, 1.0, 2.0), (0.0, 2.0, 1.0))

    def log_density(side: int, code: np.ndarray, x: np.ndarray) -> np.ndarray:
        index = code.astype(int)
        return np.log(np.take(shares[side], index)) + NORMAL.logpdf(
            x - np.take(centers[side], index)
        )

    def measure(side: int) -> Measure:
        def sample(n: int, rng: np.random.Generator) -> np.ndarray:
            code = rng.choice(3, size=n, p=shares[side])
            return np.column_stack([code, np.take(centers[side], code) + rng.normal(size=n)])

        return Measure(2, sample, lambda points: log_density(side, points[:, 0], points[:, 1]))

    def every() -> Masses:
        parts = [
            line(stats.norm(a).logpdf, stats.norm(b).logpdf) for a, b in zip(*centers, strict=True)
        ]
        log_p = [part.log_p + math.log(share) for part, share in zip(parts, shares[0], strict=True)]
        log_q = [part.log_q + math.log(share) for part, share in zip(parts, shares[1], strict=True)]
        return Masses.of(np.concatenate(log_p), np.concatenate(log_q))

    return between(
        "code and number", measure(0), measure(1), Tags("light", "equal", "mixed types"),
        "quadrature for each code", reduced=every,
    )  # fmt: skip


def missing_category() -> Pair:
    """Four categories of which P lacks one and Q another."""
    shares = (0.5, 0.3, 0.2, 0.0), (0.0, 0.2, 0.3, 0.5)

    def measure(share: tuple[float, ...]) -> Measure:
        def sample(n: int, rng: np.random.Generator) -> np.ndarray:
            return rng.choice(4, size=n, p=share).astype(float).reshape(n, 1)

        with np.errstate(divide="ignore"):
            logs = np.log(share)
        return Measure(1, sample, lambda points: logs[points[:, 0].astype(int)])

    return between(
        "categories, partly shared", measure(shares[0]), measure(shares[1]),
        Tags("none", "partial", "categories"), "finite sums", reduced=lambda: atoms(*shares),
    )  # fmt: skip


ON_A_LATTICE: tuple[Pair, ...] = (
    on_a_lattice("Poisson 3 and 4", stats.poisson(3), stats.poisson(4), 200, "counts"),
    on_a_lattice("binomials", stats.binom(10, 0.3), stats.binom(10, 0.5), 10, "counts"),
    rounded(1, 0.7, 0.5),
    rounded(5, 0.4, 0.5),
    multinomials(),
    coded(),
    missing_category(),
)
