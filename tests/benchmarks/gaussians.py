"""Pairs of normals: all powers of the ratio in closed form, and where they are infinite."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import linalg, stats

from tests.benchmarks.masses import line
from tests.benchmarks.pair import Pair, Tags, between, normal, standard

Parameters = tuple[np.ndarray, np.ndarray]


def shifted(name: str, d: int, shift: float, public: bool = False) -> Pair:
    """N(0, I) and N((shift, ..., shift), I): as on the line along the shift."""
    length = shift * math.sqrt(d)
    return between(
        name, standard(d), standard(d, shift), Tags("light", "equal", "shift"),
        "quadrature along the shift",
        reduced=lambda: line(stats.norm().logpdf, stats.norm(length).logpdf),
        public=public,
    )  # fmt: skip


def between_normals(
    name: str, p: Parameters, q: Parameters, tags: Tags, how: str, **rest: Any
) -> Pair:
    """Two normals by mean and covariance."""
    return between(
        name, normal(*p), normal(*q), tags, how, orders=finite_orders(p, q),
        known=lambda: kullback_leibler(p, q), power=lambda order: power(p, q, order), **rest,
    )  # fmt: skip


def finite_orders(p: Parameters, q: Parameters) -> tuple[float, float]:
    """The k for which k S_p^-1 + (1 - k) S_q^-1 is positive definite."""
    relative = linalg.eigh(q[1], p[1], eigvals_only=True)
    wider, narrower = relative[relative < 1 - 1e-12], relative[relative > 1 + 1e-12]
    low = max((-1 / (each - 1) for each in narrower), default=-math.inf)
    high = min((1 / (1 - each) for each in wider), default=math.inf)
    return float(low), float(high)


def kullback_leibler(p: Parameters, q: Parameters) -> dict[str, float]:
    """Both directions."""

    def directed(a: Parameters, b: Parameters) -> float:
        gap, inverse = b[0] - a[0], np.linalg.inv(b[1])
        log_volume = np.linalg.slogdet(b[1])[1] - np.linalg.slogdet(a[1])[1]
        trace = np.trace(inverse @ a[1]) + gap @ inverse @ gap - len(gap)
        return float(trace + log_volume) / 2

    return {"KL": directed(p, q), "reverse KL": directed(q, p)}


def power(p: Parameters, q: Parameters, order: float) -> float:
    """E_Q[(p/q)^order] by completing the square."""
    weights = (order, 1 - order)
    inverses = [np.linalg.inv(each[1]) for each in (p, q)]
    joint = sum(w * inverse for w, inverse in zip(weights, inverses, strict=True))
    pulls = [inverse @ each[0] for each, inverse in zip((p, q), inverses, strict=True)]
    pull = sum(w * each for w, each in zip(weights, pulls, strict=True))
    offset = sum(w * each[0] @ v for w, each, v in zip(weights, (p, q), pulls, strict=True))
    logs = [np.linalg.slogdet(inverse)[1] for inverse in inverses]
    log_volume = weights[0] * logs[0] + weights[1] * logs[1] - np.linalg.slogdet(joint)[1]
    return math.exp((log_volume + pull @ np.linalg.solve(joint, pull) - offset) / 2)
