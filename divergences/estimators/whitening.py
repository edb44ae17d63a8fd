"""Two samples on one scale that no affine map of the features changes, their ties counted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solve_triangular

from divergences.density.subspace import find_subspace
from divergences.measures.samples import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Whitening:
    """The affine map that gives a pooled sample mean 0 and covariance I.

    Parameters
    ----------
    kept : ndarray of int, shape (r,)
        Columns that span the data.
    center : ndarray of shape (r,)
    factor : ndarray of shape (r, r)
        Upper triangular; centered points times its inverse are white.
    """

    kept: NDArray[np.intp]
    center: NDArray[np.float64]
    factor: NDArray[np.float64]

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map (k, d) points to (k, r), and to one constant feature if none is kept."""
        if len(self.kept) == 0:
            return np.zeros((len(points), 1))
        centered = points[:, self.kept] - self.center
        white = solve_triangular(self.factor, centered.T, trans="T", check_finite=False)
        return np.ascontiguousarray(white.T)


@dataclass(frozen=True, eq=False)
class Counts:
    """How many points of each sample lie in a set about each point of one of them.

    Parameters
    ----------
    own, other : ndarray of int, shape (n,)
        Points of its own sample, itself not counted, and of the other.
    """

    own: NDArray[np.intp]
    other: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class WhiteSample:
    """One of two samples that were made white together.

    Parameters
    ----------
    points : ndarray of shape (n, r)
        Equal rows of the data are equal here to the last bit.
    identity : ndarray of int, shape (n,)
        The same number for the same row.
    repeats : Counts
        How many further points of each sample coincide with each point.
    """

    points: NDArray[np.float64]
    identity: NDArray[np.intp]
    repeats: Counts

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.points)


@dataclass(frozen=True, eq=False)
class WhitePair:
    """Two samples made white together.

    Parameters
    ----------
    p, q : WhiteSample
    whitening : Whitening
    dropped : str
        Columns that add nothing, in words.
    """

    p: WhiteSample
    q: WhiteSample
    whitening: Whitening
    dropped: str

    @property
    def tied(self) -> int:
        """Points that coincide with another one of either sample."""
        return sum(
            int(((side.repeats.own > 0) | (side.repeats.other > 0)).sum())
            for side in (self.p, self.q)
        )

    @property
    def shared(self) -> int:
        """Points that the other sample has too."""
        return sum(int((side.repeats.other > 0).sum()) for side in (self.p, self.q))

    @property
    def repeated(self) -> int:
        """Points that their own sample has more than once."""
        return sum(int((side.repeats.own > 0).sum()) for side in (self.p, self.q))

    def take(self, rows_p: NDArray[np.intp], rows_q: NDArray[np.intp]) -> WhitePair:
        """Return some of the points on the same scale, their ties counted anew."""
        p, q = _with_repeats(
            (self.p.points[rows_p], self.q.points[rows_q]),
            (self.p.identity[rows_p], self.q.identity[rows_q]),
        )
        return WhitePair(p, q, self.whitening, self.dropped)


def whiten_pair(p: Samples, q: Samples) -> WhitePair:
    """Make two samples white together, so that no affine map of the features changes a distance.

    The covariance is that of the pooled sample, which is regular on the pooled subspace even
    where a feature is constant within each sample.

    Examples
    --------
    >>> from divergences.measures import as_samples
    >>> pair = whiten_pair(as_samples([0.0, 2.0, 2.0]), as_samples([0.0, 2.0]))
    >>> pair.p.repeats.own, pair.p.repeats.other
    (array([0, 1, 1]), array([1, 1, 1]))
    """
    pooled = np.concatenate([p.points, q.points]) + 0.0  # -0.0 and 0.0 are one point
    subspace = find_subspace(pooled, p.columns or q.columns)
    kept = np.array(subspace.kept, dtype=np.intp)
    center = pooled[:, kept].mean(axis=0)
    spread = (pooled[:, kept] - center) / math.sqrt(len(pooled))
    factor: NDArray[np.float64] = np.asarray(np.linalg.qr(spread, mode="r"))
    whitening = Whitening(kept, center, factor)
    rows, place = _distinct(pooled[:, kept])
    # Equal rows must stay equal, which a matrix product does not promise: map each row once.
    white = whitening(pooled[rows])[place]
    p_white, q_white = _with_repeats((white[: p.n], white[p.n :]), (place[: p.n], place[p.n :]))
    return WhitePair(p_white, q_white, whitening, subspace.words())


def _with_repeats(
    points: tuple[NDArray[np.float64], NDArray[np.float64]],
    identity: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> tuple[WhiteSample, WhiteSample]:
    at_p, at_q = identity
    size = int(max(at_p.max(), at_q.max())) + 1
    in_p, in_q = np.bincount(at_p, minlength=size), np.bincount(at_q, minlength=size)
    return (
        WhiteSample(points[0], at_p, Counts(in_p[at_p] - 1, in_q[at_p])),
        WhiteSample(points[1], at_q, Counts(in_q[at_q] - 1, in_p[at_q])),
    )


def _distinct(points: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """One row number for each distinct row, and for each row the place of its like."""
    if points.shape[1] == 0:
        return np.zeros(1, dtype=np.intp), np.zeros(len(points), dtype=np.intp)
    _, rows, place = np.unique(points, axis=0, return_index=True, return_inverse=True)
    return rows, place.reshape(-1)
