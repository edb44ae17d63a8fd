"""Estimates made by hand: a Gaussian log-ratio as critic, values as wished."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from divergences.definitions import (
    MMD,
    Definition,
    JensenShannon,
    KullbackLeibler,
    TotalVariation,
    Wasserstein,
)
from divergences.estimate import Circumstances, Estimate, Reading
from divergences.measures.samples import Samples, as_samples

MOVED = 1.0


@dataclass(frozen=True)
class ShiftCritic:
    """ln p/q of N(0, I) against N(moved, I): positive where P outweighs Q."""

    moved: float = MOVED

    def __call__(self, points):
        return np.sum(self.moved * (self.moved / 2 - points), axis=1)


def samples(d: int, n: int = 200, moved: float = MOVED, columns=None) -> tuple[Samples, Samples]:
    rng = np.random.default_rng(5)
    p, q = rng.normal(0, 1, (n, d)), rng.normal(moved, 1, (n, d))
    return tuple(as_samples(Samples(x, columns=columns)) for x in (p, q))


def estimate(
    definition: Definition | None = None,
    inner: float = 0.1,
    stderr: float = 0.01,
    *,
    bias: float = 0.0,
    notes: tuple[str, ...] = (),
    d: int = 1,
    how: str = "auto: stand-in",
    critic=ShiftCritic(),
    columns=None,
    exact: bool = False,
    seconds: float = 0.25,
) -> Estimate:
    reading = Reading(inner, stderr, bias, notes, None if exact else critic)
    kept = None if exact else samples(d, columns=columns)
    n = None if exact else 200
    return Estimate(
        reading,
        Circumstances(definition or JensenShannon(), "stand-in", how, d, n, n, seconds, kept),
    )


def catalogue() -> tuple[Estimate, ...]:
    biased = "Biased {} by about {}, judging by the same fit on half the data."
    return (
        estimate(JensenShannon(), 0.1131, 0.0069, notes=(biased.format("upward", 0.01),)),
        estimate(KullbackLeibler(), 0.4812, 0.0311, notes=(biased.format("upward", 0.02),)),
        estimate(TotalVariation(), 0.3829, 0.021),
        estimate(
            Wasserstein(1), 0.021, 0.018, bias=0.02, how="auto: exact transport by sorting",
            notes=("The plug-in is biased upward.",),
        ),
        estimate(MMD(), -0.0004, 0.0006, how="auto: unbiased statistic over all pairs"),
    )  # fmt: skip
