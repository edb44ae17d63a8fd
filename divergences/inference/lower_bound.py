"""A lower bound on a divergence that holds for any two measures and any number of points."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp

from divergences.definitions import RatioDivergence

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHRINKS = (1.0, 0.5)
_NARROWEST_CLIP = 0.5
_BOLDEST_STAKE = 0.95
_MOST_PAIRS = 20_000


@dataclass(frozen=True, eq=False)
class Fresh:
    r"""Log-ratios at points that are independent of the fit that rates them.

    Any function l of the points bounds an f-divergence from below: E_P[a(l)] + E_Q[b(l)] <= D.
    With l clipped to a range fixed beforehand, the terms z = a(l(x)) + b(l(y)) of pairs of fresh
    points are independent, with mean at most D, in a known range. The capital of a gambler who
    stakes the share s on each of them being above t,

        K(t) = product over pairs of (1 + s (z - t)/(z_max - z_min)),    0 < s < 1,

    has expectation at most 1 at t = D, and falls with t. By Markov's inequality, the t at which
    K(t) = 1/(1 - level) lies above D with probability at most 1 - level.

    Parameters
    ----------
    definition : RatioDivergence
        Whose terms a and b are averaged.
    parts : tuple of (ndarray of shape (n_k,), ndarray of shape (m_k,))
        Log-ratios at points of P and of Q. Those of one part are independent of each other and of
        the fit that rates them; they may depend on other parts.

    References
    ----------
    Waudby-Smith and Ramdas (2024).
    """

    definition: RatioDivergence
    parts: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]

    @property
    def pooled(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log-ratios of all parts together, at points of P and at points of Q."""
        at_p, at_q = (np.concatenate(side) for side in zip(*self.parts, strict=True))
        return at_p, at_q

    def lower_bound(self, level: float) -> float:
        """Bound on the supremum over critics, before the outer function; at least 0."""
        gamblers = [gambler for part in self.parts for gambler in self._gamblers(*part)]
        # The mean of many capitals has expectation at most 1 as each of them has, however they
        # depend on each other: so no part, clip or stake has to be chosen or paid for apart.
        needed = math.log(len(gamblers)) - math.log1p(-level)

        def excess(t: float) -> float:
            return float(logsumexp([gambler.log_capital(t) for gambler in gamblers])) - needed

        if excess(0.0) <= 0:
            return 0.0
        return float(brentq(excess, 0.0, max(gambler.high for gambler in gamblers)))

    def _gamblers(self, at_p: NDArray[np.float64], at_q: NDArray[np.float64]) -> Iterator[_Gambler]:
        count = min(len(at_p), len(at_q), _MOST_PAIRS)
        # Rows may be sorted, which would match like with like; the order must not be the data's.
        rng = np.random.default_rng(len(at_p))
        at_p, at_q = rng.permutation(at_p), rng.permutation(at_q)
        for clip in _clips(len(at_p) + len(at_q)):
            ends = np.array([-clip, clip])
            low_p, high_p = map(float, self.definition.critic_p(ends))
            high_q, low_q = map(float, self.definition.critic_q(ends))
            for shrink in _SHRINKS:
                terms = _group_means(
                    self.definition.critic_p(np.clip(shrink * at_p, -clip, clip)), count
                ) + _group_means(
                    self.definition.critic_q(np.clip(shrink * at_q, -clip, clip)), count
                )
                for stake in _stakes(count):
                    yield _Gambler(terms, low_p + low_q, high_p + high_q, stake)


@dataclass(frozen=True, eq=False)
class _Gambler:
    """Who stakes a fixed share on each of the terms, which lie between `low` and `high`."""

    terms: NDArray[np.float64]
    low: float
    high: float
    stake: float

    def log_capital(self, t: float) -> float:
        """ln K(t) for t below `high`; a gambler who cannot be right has nothing."""
        if t >= self.high:
            return -math.inf
        gains = (self.terms - t) * (self.stake / (self.high - self.low))
        return float(np.log1p(gains).sum())


def _clips(size: int) -> list[float]:
    """Ranges of l: wide ones lose less of the divergence, narrow ones allow higher stakes."""
    steps = math.floor(math.log(math.log(size) / _NARROWEST_CLIP) / math.log(1.5))
    return [_NARROWEST_CLIP * 1.5**power for power in range(1 + max(0, steps))]


def _stakes(count: int) -> list[float]:
    """Stakes down to the best for terms that vary as much as their range allows."""
    steps = math.floor(math.log(_BOLDEST_STAKE * math.sqrt(count) / 4) / math.log(2.5))
    return [_BOLDEST_STAKE * 2.5**-power for power in range(1 + max(0, steps))]


def _group_means(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Means of `count` groups of almost equal size, each with the mean and range of a value."""
    starts = np.linspace(0, len(values), count, endpoint=False).astype(np.intp)
    sizes = np.diff(np.append(starts, len(values)))
    return np.asarray(np.add.reduceat(values, starts) / sizes)
