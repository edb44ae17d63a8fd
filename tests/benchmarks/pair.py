"""A pair of measures with known truth: what the accuracy of every method is measured on."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.benchmarks.masses import Masses

Sampler = Callable[[int, np.random.Generator], np.ndarray]
Map = Callable[[np.ndarray], np.ndarray]

STORE = Path(__file__).with_name("truths.json")
_FLOOR = 0.15
EVERY_ORDER = (-math.inf, math.inf)


class Tags(NamedTuple):
    """What is hard about a pair: how its tails fall, whose support holds whose, what differs."""

    tails: str
    support: str
    structure: str


@dataclass(frozen=True, eq=False)
class Measure:
    """A sampler and its log-density, with respect to whatever both measures of a pair share."""

    d: int
    sample: Sampler
    log_density: Map


@dataclass(frozen=True, eq=False)
class Pair:
    """Two samplers, the exact log-ratio, and the exact values of the divergences.

    Parameters
    ----------
    name : str
        What tables call it.
    d : int
        Number of features.
    sample_p, sample_q : callable
        (n, rng) -> points of shape (n, d).
    log_ratio : callable
        Points (k, d) -> ln(p/q) of shape (k,), infinite where one of the two has no mass.
    tags : Tags
        Tails, support and structure.
    how : str
        How the values are known.
    reduced : callable or None
        () -> the same pair on fewer dimensions or finitely many events, which no f-divergence
        tells from it; None where the values come from draws of the exact log-ratio.
    orders : (float, float)
        The open interval of the k for which E_Q[(p/q)^k] is finite.
    known : callable or None
        () -> exact values that draws need not estimate.
    power : callable or None
        k -> E_Q[(p/q)^k] exactly, where draws would not do.
    public : bool
        Whether it is one of the ten cases on which published peers were compared.
    """

    name: str
    d: int
    sample_p: Sampler
    sample_q: Sampler
    log_ratio: Map
    tags: Tags
    how: str
    reduced: Callable[[], Masses] | None = None
    orders: tuple[float, float] = EVERY_ORDER
    known: Callable[[], dict[str, float]] | None = None
    power: Callable[[float], float] | None = None
    public: bool = False

    @property
    def truth(self) -> dict[str, float]:
        """Exact values by divergence; infinity where they are infinite."""
        return {key: value for key, (value, _) in _stored(self.name)["truth"].items()}

    @property
    def truth_stderr(self) -> dict[str, float]:
        """Standard errors of the exact values; zero unless they come from draws."""
        return {key: stderr for key, (_, stderr) in _stored(self.name)["truth"].items()}

    @property
    def equal(self) -> bool:
        """Whether P = Q."""
        return self.truth["TV"] == 0


def bound(pair: Pair, n: int, m: int) -> dict[str, float]:
    """Least standard error that an unbiased estimate of each divergence can have.

    sqrt(var_P(a)/n + var_Q(b)/m) with the variational terms a, b at the true log-ratio, the
    influence function. Infinite where a variance is. The two entries "given p/q" are the errors
    of the mean log-ratio by one who knows the ratio, which can lie below.
    """
    spread = _stored(pair.name)["variances"]
    return {key: math.sqrt(over_p / n + over_q / m) for key, (over_p, over_q) in spread.items()}


def yardstick(pair: Pair, divergence: str, n: int, m: int) -> float:
    """What an error is divided by: the bound, or the oracle's error where that is smaller.

    Never below 0.15/sqrt(n), as the bound is zero where P = Q or their supports are disjoint.
    """
    return max(_oracle(pair, divergence, n, m), _FLOOR / math.sqrt(n))


def efficiency_bound(pair: Pair, divergence: str, n: int, m: int) -> float:
    """The bound itself, of estimates that must find p/q, never below the same floor."""
    return max(bound(pair, n, m)[divergence], _FLOOR / math.sqrt(n))


def has_floor(pair: Pair, divergence: str, n: int) -> bool:
    """Whether the yardstick of samples of equal size is the floor."""
    return _oracle(pair, divergence, n, n) < _FLOOR / math.sqrt(n)


def _oracle(pair: Pair, divergence: str, n: int, m: int) -> float:
    least = bound(pair, n, m)
    return min(least[divergence], least.get(f"{divergence} given p/q", math.inf))


@cache
def _read() -> dict[str, Any]:
    contents: dict[str, Any] = json.loads(STORE.read_text(encoding="utf-8"))
    return contents


def _stored(name: str) -> dict[str, Any]:
    if name not in _read():
        raise KeyError(
            f"{STORE.name} has no values for {name!r}. Run `python -m tests.benchmarks."
            f"make_truths --only '{name}'`."
        )
    entry: dict[str, Any] = _read()[name]
    return entry


def between(name: str, p: Measure, q: Measure, tags: Tags, how: str, **rest: Any) -> Pair:
    """Pair of two measures with densities."""

    def log_ratio(points: np.ndarray) -> np.ndarray:
        return p.log_density(points) - q.log_density(points)

    assert p.d == q.d
    return Pair(name, p.d, p.sample, q.sample, log_ratio, tags, how, **rest)


def warped(pair: Pair, name: str, forward: Map, backward: Map, tags: Tags) -> Pair:
    """The pair under an invertible map of the data, which changes no f-divergence."""

    def through(sample: Sampler) -> Sampler:
        return lambda n, rng: forward(sample(n, rng))

    return replace(
        pair,
        name=name,
        sample_p=through(pair.sample_p),
        sample_q=through(pair.sample_q),
        log_ratio=lambda points: pair.log_ratio(backward(points)),
        tags=tags,
        how=f"{pair.how}; no invertible map changes it",
        public=False,
    )


def padded(pair: Pair, name: str, extra: Measure, tags: Tags) -> Pair:
    """The pair with further features that are independent and the same in both."""

    def beside(sample: Sampler) -> Sampler:
        return lambda n, rng: np.hstack([sample(n, rng), extra.sample(n, rng)])

    return replace(
        pair,
        name=name,
        d=pair.d + extra.d,
        sample_p=beside(pair.sample_p),
        sample_q=beside(pair.sample_q),
        log_ratio=lambda points: pair.log_ratio(points[:, : pair.d]),
        tags=tags,
        how=f"{pair.how}; shared independent features change nothing",
        public=False,
    )


def equal(name: str, measure: Measure, tags: Tags, public: bool = False) -> Pair:
    """P = Q."""
    return Pair(
        name,
        measure.d,
        measure.sample,
        measure.sample,
        lambda points: np.zeros(len(points)),
        tags,
        "zero",
        reduced=lambda: Masses(np.zeros(1), np.zeros(1)),
        public=public,
    )


def product(columns: Sequence[Any]) -> Measure:
    """Independent features, each a scipy distribution."""

    def sample(n: int, rng: np.random.Generator) -> np.ndarray:
        drawn = [each.rvs(size=n, random_state=rng) for each in columns]
        return np.column_stack(drawn).astype(float)

    def log_density(points: np.ndarray) -> np.ndarray:
        logs = [log_of(each)(points[:, j]) for j, each in enumerate(columns)]
        return np.sum(logs, axis=0)

    return Measure(len(columns), sample, log_density)


def log_of(distribution: Any) -> Map:
    """Log-density of a scipy distribution, or log-mass where it is discrete."""
    # Whether frozen scipy distributions have logpdf or logpmf tells the two apart.
    log_density: Map = getattr(distribution, "logpdf", None) or distribution.logpmf
    return log_density


def normal(mean: Sequence[float] | np.ndarray, cov: np.ndarray) -> Measure:
    """Multivariate normal."""
    root = np.linalg.cholesky(cov)
    center = np.asarray(mean, dtype=float)
    constant = -np.log(np.diag(root)).sum() - len(center) / 2 * math.log(2 * math.pi)
    inverse = np.linalg.inv(root)

    def sample(n: int, rng: np.random.Generator) -> np.ndarray:
        return center + rng.normal(size=(n, len(center))) @ root.T

    def log_density(points: np.ndarray) -> np.ndarray:
        white = (points - center) @ inverse.T
        return constant - np.einsum("ij,ij->i", white, white) / 2

    return Measure(len(center), sample, log_density)


def standard(d: int, shift: float = 0.0, scale: float = 1.0) -> Measure:
    """N((shift, ..., shift), scale² I)."""
    return normal(np.full(d, shift), scale**2 * np.eye(d))


def mixture(weights: Sequence[float], parts: Sequence[Measure]) -> Measure:
    """Mixture of measures."""
    shares = np.asarray(weights, dtype=float)

    def sample(n: int, rng: np.random.Generator) -> np.ndarray:
        counts = rng.multinomial(n, shares)
        points = [part.sample(int(k), rng) for part, k in zip(parts, counts, strict=True)]
        return rng.permutation(np.vstack(points))

    def log_density(points: np.ndarray) -> np.ndarray:
        total = np.full(len(points), -math.inf)
        for share, part in zip(shares, parts, strict=True):
            total = np.logaddexp(total, math.log(share) + part.log_density(points))
        return total

    return Measure(parts[0].d, sample, log_density)
