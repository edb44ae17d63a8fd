"""Balls about the points of one sample, and which points of another lie in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from divergences.estimators.neighbor_balls import SAME_DISTANCE
from divergences.work import Run, row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Neighborhoods:
    """Balls about the points of one sample that reach their k-th neighbor in it.

    Distances that agree to nine digits are ties.

    Parameters
    ----------
    k : int
    nearer, tied : ndarray of int, shape (n,)
        Points of the own sample nearer than the k-th neighbor, and as near as it.
    others_nearer, others_tied : ndarray of int, shape (n,)
        The same of the other sample.
    reached : ndarray of bool, shape (m,)
        Points of the other sample in at least one closed ball.
    reached_own : ndarray of bool, shape (n,)
        Points in the closed ball of another point of their own sample.
    """

    k: int
    nearer: NDArray[np.intp]
    tied: NDArray[np.intp]
    others_nearer: NDArray[np.intp]
    others_tied: NDArray[np.intp]
    reached: NDArray[np.bool_]
    reached_own: NDArray[np.bool_]

    @classmethod
    def about(
        cls, own: NDArray[np.float64], other: NDArray[np.float64], k: int, run: Run
    ) -> Neighborhoods:
        """Find the balls about each point of `own`, in tiles of rows.

        Parameters
        ----------
        own, other : ndarray of shape (n, d), (m, d)
        k : int
            At most n - 1.
        run : Run
            Workers and progress; the result does not depend on them.
        """
        tiles = row_tiles(len(own), len(own) + len(other), arrays=3)
        search = partial(_search, own, other, k)
        reached, reached_own = np.zeros(len(other), bool), np.zeros(len(own), bool)
        counts = []
        for found, touched, touched_own in run.map(search, tiles, "neighborhoods"):
            counts.append(found)
            reached |= touched
            reached_own |= touched_own
        nearer, tied, others_nearer, others_tied = np.concatenate(counts, axis=1)
        return cls(k, nearer, tied, others_nearer, others_tied, reached, reached_own)

    def density(self) -> NDArray[np.float64]:
        """Points of the other sample in each ball, over the number that equal laws have.

        Of those as far as the radius it counts the share that would be inside if ties were
        broken at random, so that the mean is 1 for any two samples of one law.
        """
        share = (self.k - self.nearer) / (self.tied + 1)
        expected = self.k * len(self.reached) / len(self.nearer)
        return np.asarray((self.others_nearer + self.others_tied * share) / expected, float)

    def covered(self) -> NDArray[np.float64]:
        """The chance, ties broken at random, that each ball holds a point of the other sample."""
        missed = (self.others_nearer == 0).astype(np.float64)
        places = self.k - self.nearer
        for j in range(self.k):
            rest = np.maximum(self.tied - j, 0)
            factor = rest / np.maximum(rest + self.others_tied, 1)
            missed *= np.where(j < places, factor, 1.0)
        return np.asarray(1.0 - missed, dtype=np.float64)


def _search(
    own: NDArray[np.float64], other: NDArray[np.float64], k: int, rows: slice
) -> tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.bool_]]:
    inside = cdist(own[rows], own)
    inside[np.arange(len(inside)), np.arange(rows.start, rows.stop)] = np.inf
    radius = np.partition(inside, k - 1, axis=1)[:, [k - 1]]
    inner, outer = radius * (1 - SAME_DISTANCE), radius * (1 + SAME_DISTANCE)
    counts: list[NDArray[np.intp]] = []
    touched: list[NDArray[np.bool_]] = []
    for distances in (inside, cdist(own[rows], other)):
        nearer = (distances < inner).sum(axis=1)
        within = distances <= outer
        counts += [nearer, within.sum(axis=1) - nearer]
        touched.append(np.asarray(within.any(axis=0)))
    return np.stack(counts), touched[1], touched[0]
