"""Balls about points, and how many points of two samples each holds: the search for neighbors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from divergences.estimators.whitening import Counts, WhitenedSample
from divergences.work import Run, row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

TREE_FEATURES = 8
SAME_DISTANCE = 1e-9
_TREE_ROWS = 2_048
_LISTED = 256

Slopes = Callable[["NDArray[np.intp]", Counts], tuple["NDArray[np.float64]", "NDArray[np.float64]"]]


@dataclass(frozen=True, eq=False)
class Cloud:
    """The points of one sample, and a tree of them where trees pay.

    Parameters
    ----------
    points : ndarray of shape (n, r)
    tree : cKDTree or None
        None in many dimensions, where every distance is computed.
    """

    points: NDArray[np.float64]
    tree: cKDTree | None

    @classmethod
    def of(cls, points: NDArray[np.float64]) -> Cloud:
        """Build the tree, if one pays."""
        if points.shape[1] > TREE_FEATURES:
            return cls(points, None)
        # Balanced trees are slow to build where points tie.
        return cls(points, cKDTree(points, balanced_tree=False))


@dataclass(frozen=True, eq=False)
class Balls:
    """A ball about each center, and the points inside.

    Parameters
    ----------
    radius : ndarray of shape (n,)
    inside : Counts
        Points nearer than the radius; where the radius is 0, those that coincide with the center.
    """

    radius: NDArray[np.float64]
    inside: Counts


def balls_about(
    own: WhitenedSample, other: WhitenedSample, k: int, run: Run, *, both: bool
) -> Balls:
    """Find the ball about each point of a sample that reaches its k-th neighbor.

    Parameters
    ----------
    own : WhitenedSample
        Centers; no point is its own neighbor.
    other : WhitenedSample
    k : int
        At most n - 1 and, if `both`, at most the size of the other sample.
    run : Run
        Workers and progress; the counts do not depend on it.
    both : bool
        Whether the ball reaches the k-th neighbor in either sample, or in the own one only.

    Returns
    -------
    Balls
    """
    repeats = own.repeats
    atoms = repeats.own >= k
    if both:
        atoms &= repeats.other >= k
    radius = np.zeros(own.n)
    counts = Counts(repeats.own.copy(), repeats.other.copy())
    rest = np.flatnonzero(~atoms)
    if len(rest):
        clouds = (Cloud.of(own.points), Cloud.of(other.points))
        found = _Search(own.points[rest], clouds, k, 1, both).balls(run)
        radius[rest] = found.radius
        counts.own[rest], counts.other[rest] = found.inside.own, found.inside.other
    return Balls(radius, counts)


def balls_at(points: NDArray[np.float64], own: Cloud, other: Cloud, k: int) -> Balls:
    """Find the balls about new points that reach the k-th neighbor in either sample."""
    return _Search(points, (own, other), k, 0, True).balls(Run.create(0, progress=False))


@dataclass(frozen=True, eq=False)
class _Search:
    """Which balls are looked for: about what, among whom, and how far they reach.

    Parameters
    ----------
    centers : ndarray of shape (c, r)
    clouds : pair of Cloud
    k : int
    itself : int
        1 if the centers are among the first cloud, 0 if they are new.
    both : bool
        Whether balls reach the k-th neighbor in either cloud.
    """

    centers: NDArray[np.float64]
    clouds: tuple[Cloud, Cloud]
    k: int
    itself: int
    both: bool

    def balls(self, run: Run) -> Balls:
        search = self._all if self.clouds[0].tree is None else self._trees
        tiles = _tiles(len(self.centers), self.clouds)
        found = list(run.map(search, tiles, "nearest neighbors"))
        radius, own, other = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return Balls(radius, Counts(own - self.itself, other))

    def _trees(self, rows: slice) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
        at, (own, other) = self.centers[rows], (_tree(cloud) for cloud in self.clouds)
        radius = _distance_to(own, at, self.k + self.itself)
        if self.both:
            radius = np.maximum(radius, _distance_to(other, at, self.k))
        inner = radius * (1.0 - SAME_DISTANCE)
        within = [tree.query_ball_point(at, inner, return_length=True) for tree in (own, other)]
        return radius, np.asarray(within[0]), np.asarray(within[1])

    def _all(self, rows: slice) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
        distances = [cdist(self.centers[rows], cloud.points) for cloud in self.clouds]
        farthest = self.k + self.itself - 1
        # In place: counting does not mind the order.
        distances[0].partition(farthest, axis=1)
        radius = distances[0][:, farthest].copy()
        if self.both:
            distances[1].partition(self.k - 1, axis=1)
            radius = np.maximum(radius, distances[1][:, self.k - 1])
        inner = (radius * (1.0 - SAME_DISTANCE))[:, np.newaxis]
        within = [np.asarray((reach <= inner).sum(axis=1)) for reach in distances]
        return radius, within[0], within[1]


def _tiles(rows: int, clouds: tuple[Cloud, Cloud]) -> list[slice]:
    if clouds[0].tree is None:
        return row_tiles(rows, sum(len(cloud.points) for cloud in clouds), arrays=2)
    return [slice(start, min(start + _TREE_ROWS, rows)) for start in range(0, rows, _TREE_ROWS)]


def _tree(cloud: Cloud) -> cKDTree:
    assert cloud.tree is not None
    return cloud.tree


def _distance_to(tree: cKDTree, at: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.asarray(tree.query(at, [k])[0])
    return distances[:, 0]


def spread_to_members(
    own: WhitenedSample, other: WhitenedSample, balls: Balls, slopes: Slopes, run: Run
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum over the balls, at each point of both samples, of what the ball gives its members.

    Members lie in the closed ball, its center apart. Where trees list the members, of balls that
    hold more than 256 a random share is listed and weighted up, so that time and memory grow
    with n; the sums then carry a relative variance of at most 1/256.

    Parameters
    ----------
    own, other : WhitenedSample
        The centers, and the other sample.
    balls : Balls
        About each point of `own`.
    slopes : callable
        (centers, members) -> what each of these balls gives to each member of either sample.
    run : Run
        Randomness and workers.

    Returns
    -------
    ndarray of shape (n,), ndarray of shape (m,)
    """
    clouds = (Cloud.of(own.points), Cloud.of(other.points))
    chosen, gain = np.arange(own.n), np.ones(own.n)
    if clouds[0].tree is not None:
        size = balls.inside.own + balls.inside.other
        chance = np.minimum(1.0, _LISTED / np.maximum(size, 1))
        chosen = np.flatnonzero(run.rng.random(own.n) < chance)
        gain = 1.0 / chance
    tiles = _tiles(len(chosen), clouds)
    give = partial(_give, clouds, balls.radius, slopes, chosen, gain)
    totals = np.zeros(own.n), np.zeros(other.n)
    for parts in run.map(give, tiles, "influence of each point"):
        for total, part in zip(totals, parts, strict=True):
            total += part
    return totals


def _give(
    clouds: tuple[Cloud, Cloud],
    radius: NDArray[np.float64],
    slopes: Slopes,
    chosen: NDArray[np.intp],
    gain: NDArray[np.float64],
    rows: slice,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    centers = chosen[rows]
    at, reach = clouds[0].points[centers], radius[centers] * (1.0 + SAME_DISTANCE)
    within = [_members(cloud, at, reach) for cloud in clouds]
    size = [np.bincount(ball, minlength=len(centers)) for ball, _ in within]
    given = slopes(centers, Counts(size[0] - 1, size[1]))
    sums: list[NDArray[np.float64]] = []
    for cloud, (ball, member), share in zip(clouds, within, given, strict=True):
        weights = (share * gain[centers])[ball]
        sums.append(np.asarray(np.bincount(member, weights, minlength=len(cloud.points))))
    sums[0][centers] -= given[0] * gain[centers]
    return sums[0], sums[1]


def _members(
    cloud: Cloud, at: NDArray[np.float64], reach: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs (ball, member) as two arrays."""
    if cloud.tree is None:
        ball, member = np.nonzero(cdist(at, cloud.points) <= reach[:, np.newaxis])
        return ball, member
    lists = cloud.tree.query_ball_point(at, reach)
    lengths = np.fromiter(map(len, lists), dtype=np.intp, count=len(lists))
    member = np.fromiter(chain.from_iterable(lists), dtype=np.intp, count=int(lengths.sum()))
    return np.repeat(np.arange(len(lists)), lengths), member
