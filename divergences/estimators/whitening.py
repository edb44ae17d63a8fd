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


_POINTS_PER_CELL = 50
_POINTS_PER_FEATURE = 10
_APART = 2.0
_MOST_TOLD = 5


@dataclass(frozen=True, eq=False)
class Cells:
    """Discrete columns, whose values come before all distances in the other columns.

    Parameters
    ----------
    columns : ndarray of int, shape (c,)
    scale : ndarray of shape (c,)
        Times which two different values lie farther apart than any two points of a cell.
    """

    columns: NDArray[np.intp]
    scale: NDArray[np.float64]

    @classmethod
    def of(
        cls, pooled: NDArray[np.float64], columns: NDArray[np.intp], white: NDArray[np.float64]
    ) -> Cells:
        """Spread the columns of a pooled sample, whose other columns were made white."""
        diameter = float(np.linalg.norm(np.ptp(white, axis=0))) if len(columns) else 0.0
        gaps = [float(np.diff(np.unique(pooled[:, column])).min()) for column in columns]
        return cls(columns, _APART * diameter / np.array(gaps))

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map (k, d) points to (k, c)."""
        return points[:, self.columns] * self.scale


@dataclass(frozen=True, eq=False)
class Whitening:
    """The affine map that gives a pooled sample mean 0 and covariance I, its cells far apart.

    With fewer than ten points for each feature the covariance is shrunk toward its diagonal.

    Parameters
    ----------
    kept : ndarray of int, shape (r,)
        Columns that span the data, those of cells apart.
    center : ndarray of shape (r,)
    factor : ndarray of shape (r, r)
        Upper triangular; centered points times its inverse are white.
    cells : Cells
    """

    kept: NDArray[np.intp]
    center: NDArray[np.float64]
    factor: NDArray[np.float64]
    cells: Cells

    @classmethod
    def of(
        cls, pooled: NDArray[np.float64], kept: NDArray[np.intp], discrete: NDArray[np.intp]
    ) -> Whitening:
        """Find the map from a pooled sample and the columns of either kind."""
        center = pooled[:, kept].mean(axis=0)
        spread = (pooled[:, kept] - center) / math.sqrt(len(pooled))
        factor: NDArray[np.float64] = np.asarray(np.linalg.qr(_shrunk(spread), mode="r"))
        cells = Cells.of(pooled, discrete, _white(pooled, kept, center, factor))
        return cls(kept, center, factor, cells)

    @property
    def dimensions(self) -> int:
        """Number of features that distances are measured in."""
        return max(1, len(self.kept))

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map (k, d) points to (k, r + c), and to one constant feature if none is kept."""
        white = _white(points, self.kept, self.center, self.factor)
        return np.ascontiguousarray(np.hstack([white, self.cells(points)]))


def _shrunk(spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows whose second moments are the covariance with a share of it replaced by its diagonal.

    As many points as features, made white by their own covariance, would all lie equally far
    apart, whatever the data. Features beyond one for ten points count as points in the diagonal.
    """
    n, d = spread.shape
    beyond = d - n / _POINTS_PER_FEATURE
    if beyond <= 0:
        return spread
    share = beyond / (n + beyond)
    deviations = np.sqrt(share) * np.linalg.norm(spread, axis=0)
    return np.vstack([np.sqrt(1.0 - share) * spread, np.diag(deviations)])


def _white(
    points: NDArray[np.float64],
    kept: NDArray[np.intp],
    center: NDArray[np.float64],
    factor: NDArray[np.float64],
) -> NDArray[np.float64]:
    if len(kept) == 0:
        return np.zeros((len(points), 1))
    white = solve_triangular(factor, (points[:, kept] - center).T, trans="T", check_finite=False)
    return np.asarray(white.T)


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
class WhitenedSample:
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
class WhitenedPair:
    """Two samples made white together.

    Parameters
    ----------
    p, q : WhitenedSample
    whitening : Whitening
    dropped : str
        Columns that add nothing, in words.
    discrete : str
        Columns of few values beside others, in words.
    """

    p: WhitenedSample
    q: WhitenedSample
    whitening: Whitening
    dropped: str
    discrete: str

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

    def take(self, rows_p: NDArray[np.intp], rows_q: NDArray[np.intp]) -> WhitenedPair:
        """Return some of the points on the same scale, their ties counted anew."""
        p, q = _with_repeats(
            (self.p.points[rows_p], self.q.points[rows_q]),
            (self.p.identity[rows_p], self.q.identity[rows_q]),
        )
        return WhitenedPair(p, q, self.whitening, self.dropped, self.discrete)


def whiten_pair(p: Samples, q: Samples) -> WhitenedPair:
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
    discrete = discrete_columns(pooled, kept)
    whitening = Whitening.of(pooled, np.setdiff1d(kept, discrete), discrete)
    rows, place = distinct_rows(pooled[:, kept])
    # Equal rows must stay equal, which a matrix product does not promise: map each row once.
    white = whitening(pooled[rows])[place]
    p_white, q_white = _with_repeats((white[: p.n], white[p.n :]), (place[: p.n], place[p.n :]))
    names = [subspace.names[column] for column in discrete]
    values = [len(np.unique(pooled[:, column])) for column in discrete]
    words = _few_values(names, values)
    return WhitenedPair(p_white, q_white, whitening, subspace.words(), words)


def _few_values(names: list[str], counts: list[int]) -> str:
    told = [f"column {name} has {count} values" for name, count in zip(names, counts, strict=True)]
    more = f" and {len(told) - _MOST_TOLD} more have few" if len(told) > _MOST_TOLD else ""
    return "; ".join(told[:_MOST_TOLD]) + more


def discrete_columns(points: NDArray[np.float64], among: NDArray[np.intp]) -> NDArray[np.intp]:
    """Columns of so few values that each combination of them has 50 points on average.

    Those of fewest values come first, as long as the average holds. Where no column is left
    beside them there are none: of a lattice all distances count.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(400, 2))
    >>> discrete_columns(np.column_stack([x, x[:, 0] > 1]), np.arange(3))
    array([2])
    """
    places = [np.unique(points[:, column], return_inverse=True)[1] for column in among]
    sizes = np.array([int(place.max()) + 1 for place in places], dtype=np.intp)
    most = len(points) // _POINTS_PER_CELL
    cell, chosen = np.zeros(len(points), dtype=np.intp), []
    for position in np.argsort(sizes, kind="stable"):
        if sizes[position] > most:
            break
        finer = cell * sizes[position] + places[position].reshape(-1)
        occupied, finer = np.unique(finer, return_inverse=True)
        if len(occupied) <= most:
            cell = finer.reshape(-1)
            chosen.append(among[position])
    return np.sort(np.array(chosen if len(chosen) < len(among) else [], dtype=np.intp))


def _with_repeats(
    points: tuple[NDArray[np.float64], NDArray[np.float64]],
    identity: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> tuple[WhitenedSample, WhitenedSample]:
    at_p, at_q = identity
    size = int(max(at_p.max(), at_q.max())) + 1
    in_p, in_q = np.bincount(at_p, minlength=size), np.bincount(at_q, minlength=size)
    return (
        WhitenedSample(points[0], at_p, Counts(in_p[at_p] - 1, in_q[at_p])),
        WhitenedSample(points[1], at_q, Counts(in_q[at_q] - 1, in_p[at_q])),
    )


def distinct_rows(points: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """One row number for each distinct row, and for each row the place of its like."""
    if points.shape[1] == 0:
        return np.zeros(1, dtype=np.intp), np.zeros(len(points), dtype=np.intp)
    _, rows, place = np.unique(points, axis=0, return_index=True, return_inverse=True)
    return rows, place.reshape(-1)
