"""Balls about the points of two samples, found once for all divergences of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.neighbor_balls import Balls, balls_about, spread_to_members
from divergences.estimators.neighbor_terms import Term
from divergences.estimators.whitening import Counts, WhitenedPair, WhitenedSample, whiten_pair
from divergences.measures.samples import Samples
from divergences.work import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Part:
    """A mean over one of the samples of a term, and its share in the divergence.

    Parameters
    ----------
    share : float
        Factor of the mean.
    of_p : bool
        Whether the mean is over P.
    both : bool
        Whether the balls hold k points of both samples, or of its own.
    term : Term
        What is averaged.
    """

    share: float
    of_p: bool
    both: bool
    term: Term


@dataclass(frozen=True, eq=False)
class Half:
    """Some rows of either sample."""

    rows_p: NDArray[np.intp]
    rows_q: NDArray[np.intp]
    pair: WhitenedPair


@dataclass(frozen=True, eq=False)
class Search:
    """What the neighbors of two samples say.

    Parameters
    ----------
    pair : WhitenedPair
        The samples on one scale.
    halves : tuple of Half
        A random half of either sample, and the other.
    run : Run
        Workers, progress and what is known already.
    """

    pair: WhitenedPair
    halves: tuple[Half, Half]
    run: Run

    @classmethod
    def of(cls, p: Samples, q: Samples, run: Run) -> Search:
        """Make two samples white and split them at random; weights are refused."""
        _check_unweighted(p, q)
        # Drawn in every call, so that no result depends on what was asked before.
        seed = int(run.rng.integers(2**63))
        pair = run.once("white pair", (p, q), lambda: whiten_pair(p, q))
        halves = run.once("halves", (pair,), lambda: _halves(pair, np.random.default_rng(seed)))
        return cls(pair, halves, run)

    def most(self, k: int) -> int:
        """The number of neighbors, lowered to what the smaller sample has."""
        return min(k, self.pair.p.n - 1, self.pair.q.n - 1)

    def can_halve(self, k: int) -> bool:
        """Whether each half has k neighbors for each of its points."""
        return all(k < min(half.pair.p.n, half.pair.q.n) for half in self.halves)

    def values(self, part: Part, k: int) -> NDArray[np.float64]:
        """The term at each point of its sample."""
        return self._values(part, k, self.pair)

    def half_values(self, part: Part, k: int) -> NDArray[np.float64]:
        """The term at each point, read from the half of the data that it is in."""
        side = self.pair.p if part.of_p else self.pair.q
        values = np.empty(side.n)
        for half in self.halves:
            rows = half.rows_p if part.of_p else half.rows_q
            values[rows] = self._values(part, k, half.pair)
        return values

    def is_apart(self, part: Part, k: int) -> bool:
        """Whether most balls hold half of their own sample and little of the other, or none."""
        own, other = _sides(part, self.pair)
        found = self._balls(part, k, self.pair)
        if not part.both:
            return bool(np.mean(found.inside.other == 0) > 0.5)
        share, share_of_other = found.inside.own / own.n, found.inside.other / other.n
        # Of few points every ball holds half; those that are apart hold less of the other sample.
        far = (share >= 0.5) & (share_of_other <= share / 2) & (found.radius > 0)
        return bool(np.mean(far) > 0.5)

    def influence(
        self, part: Part, k: int, values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Influence of each point of P and of Q on the mean of the term, up to a constant.

        That is the infinitesimal jackknife: the point's own value, and what it does to the
        values of the points that have it in their balls.
        """
        own, other = _sides(part, self.pair)

        def slopes(
            centers: NDArray[np.intp], members: Counts
        ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            return part.term.slopes(values[centers], members, own.n, other.n)

        found = self._balls(part, k, self.pair)
        at_own, at_other = spread_to_members(own, other, found, slopes, self.run)
        at_own, at_other = values + at_own, at_other * (other.n / own.n)
        return (at_own, at_other) if part.of_p else (at_other, at_own)

    def _values(self, part: Part, k: int, pair: WhitenedPair) -> NDArray[np.float64]:
        own, other = _sides(part, pair)
        inside = self._balls(part, k, pair).inside
        return part.term.values(inside, own.n - 1, other.n)

    def _balls(self, part: Part, k: int, pair: WhitenedPair) -> Balls:
        own, other = _sides(part, pair)
        if not part.both:
            # A larger sample is thinned to the size of the other, and k points must be left.
            k = min(math.ceil(k * max(own.n / other.n, 1.0)), own.n - 1)
        find = partial(balls_about, own, other, k, self.run, both=part.both)
        return self.run.once(("balls", k, part.of_p, part.both), (pair,), find)


def _sides(part: Part, pair: WhitenedPair) -> tuple[WhitenedSample, WhitenedSample]:
    return (pair.p, pair.q) if part.of_p else (pair.q, pair.p)


def _halves(pair: WhitenedPair, rng: np.random.Generator) -> tuple[Half, Half]:
    order_p, order_q = rng.permutation(pair.p.n), rng.permutation(pair.q.n)
    cut_p, cut_q = pair.p.n // 2, pair.q.n // 2
    first = order_p[:cut_p], order_q[:cut_q]
    second = order_p[cut_p:], order_q[cut_q:]
    return Half(*first, pair.take(*first)), Half(*second, pair.take(*second))


def _check_unweighted(p: Samples, q: Samples) -> None:
    for name, sample in (("p", p), ("q", q)):
        if sample.weights is not None:
            raise ValueError(
                f"weights_{name} must be left out for Neighbors, which counts points. Use "
                f'method="kde" or "classifier", which take weights.'
            )
