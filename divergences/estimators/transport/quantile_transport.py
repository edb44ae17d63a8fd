"""Transport on the line: both samples sorted, matched quantile by quantile.

For a cost |x - y|^r, r >= 1, the monotone matching is optimal, and walking along it gives a pair
of optimal dual potentials. Everything here works on the last axis, so that many projections are
handled at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples

_DECADES = 140  # the error bar squares the costs


@dataclass(frozen=True, eq=False)
class Matching:
    """Pieces of mass that the monotone plan moves, from the left to the right.

    Parameters
    ----------
    rows, columns : ndarray of shape (pieces,) or None
        Ranks of the points that each piece joins; None where rank k goes to rank k.
    mass : ndarray of shape (pieces,) or float
        Size of each piece; one number where all are equal.
    """

    rows: NDArray[np.intp] | None
    columns: NDArray[np.intp] | None
    mass: NDArray[np.float64] | float

    def ends(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Both ends of each piece, from sorted points on the last axis."""
        if self.rows is None:
            return x, y
        return x[..., self.rows], y[..., self.columns]

    def total(self, cost: Any) -> Any:
        """Sum of the pieces' costs."""
        if self.rows is None:
            return cost.mean(-1)
        return cost @ self.mass


def match_sizes(n: int, m: int) -> Matching:
    """Return the monotone matching of n with m points of equal weight."""
    if n == m:
        return Matching(None, None, 1.0 / n)
    # Levels k/n and l/m as whole multiples of 1/(n m): ties are exact.
    levels = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    starts = np.concatenate([[0], levels[:-1]])
    return Matching(starts // m, starts // n, (levels - starts) / (n * m))


def match_masses(a: NDArray[np.float64], b: NDArray[np.float64]) -> Matching:
    """Return the monotone matching of points with positive weights that sum to one."""
    ends_a, ends_b = np.cumsum(a), np.cumsum(b)
    ends_a[-1] = ends_b[-1] = 1.0
    # Levels that differ by rounding alone are one level, as they are for equal weights.
    after = np.minimum(np.searchsorted(ends_a, ends_b), len(a) - 1)
    before = np.maximum(after - 1, 0)
    near = np.where(ends_a[after] - ends_b < ends_b - ends_a[before], after, before)
    rounding = np.finfo(float).eps * (len(a) + len(b))
    ends_b = np.where(np.abs(ends_a[near] - ends_b) < rounding, ends_a[near], ends_b)
    levels = np.union1d(ends_a, ends_b)
    levels = levels[levels <= 1.0]
    starts = np.concatenate([[0.0], levels[:-1]])
    rows = np.searchsorted(ends_a, starts, side="right")
    columns = np.searchsorted(ends_b, starts, side="right")
    return Matching(np.minimum(rows, len(a) - 1), np.minimum(columns, len(b) - 1), levels - starts)


def sorted_with_mass(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Sort the points of one dimension, their weights with them."""
    if weights is None:
        return np.sort(values), None
    order = np.argsort(values, kind="stable")
    return values[order], weights[order]


def in_order(sample: Samples) -> Samples:
    """Return a sample of one feature in the order of its values."""
    points, weights = sorted_with_mass(sample.points[:, 0], sample.weights)
    return replace(sample, points=points[:, None], weights=weights)


def match(n: int, m: int, a: NDArray[np.float64] | None, b: NDArray[np.float64] | None) -> Matching:
    """Return the monotone matching; None stands for equal weights."""
    if a is None and b is None:
        return match_sizes(n, m)
    full_a = np.full(n, 1.0 / n) if a is None else a
    full_b = np.full(m, 1.0 / m) if b is None else b
    return match_masses(full_a, full_b)


def power_cost(difference: Any, order: float) -> Any:
    """|x - y|^r, for arrays and tensors."""
    if order == 1:
        return abs(difference)
    if order == 2:
        return difference * difference
    return abs(difference) ** order


def transport_cost(x: Any, y: Any, matching: Matching, order: float) -> Any:
    """W_r^r of sorted points on the last axis."""
    start, end = matching.ends(x, y)
    return matching.total(power_cost(start - end, order))


def potentials(
    x: NDArray[np.float64], y: NDArray[np.float64], matching: Matching, order: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return optimal dual potentials at sorted points on the last axis.

    Along the plan's pieces u + v equals the cost. Where both ends advance at once the pair is
    not unique; the middle of the two extreme pairs is taken.
    """
    start, end = matching.ends(x, y)
    here, there = start[..., :-1], start[..., 1:]
    low, high = end[..., :-1], end[..., 1:]
    along = power_cost(start - end, order)
    ahead = power_cost(there - low, order)
    behind = power_cost(here - high, order)
    straight, after = along[..., :-1], along[..., 1:]
    steps_u = ((ahead - straight) + (after - behind)) / 2
    steps_v = ((behind - straight) + (after - ahead)) / 2
    walk_u = np.concatenate([along[..., :1] / 2, steps_u], axis=-1).cumsum(-1)
    walk_v = np.concatenate([along[..., :1] / 2, steps_v], axis=-1).cumsum(-1)
    if matching.rows is None:
        return walk_u, walk_v
    first_rows = np.searchsorted(matching.rows, np.arange(x.shape[-1]))
    first_columns = np.searchsorted(matching.columns, np.arange(y.shape[-1]))  # type: ignore[arg-type]
    return walk_u[..., first_rows], walk_v[..., first_columns]


@dataclass(frozen=True, eq=False)
class LinePotential:
    """The potential of P, extended to the line: f(z) = min over j of |z - y_j|^r - v_j.

    High where P outweighs Q. The minimum lies at one of the two points of Q that the plan joins
    to the neighbors of z in P, so a search in the sorted points finds it.

    Parameters
    ----------
    x, y : ndarray of shape (n,), (m,)
        Sorted points.
    first, last : ndarray of shape (n,)
        Rank of the first and of the last point of Q that each point of P is joined to.
    v : ndarray of shape (m,)
        Dual potential of Q.
    order : float
        Power of the cost.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    v: NDArray[np.float64]
    order: float

    @classmethod
    def create(
        cls,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        matching: Matching,
        v: NDArray[np.float64],
        order: float,
    ) -> LinePotential:
        """Keep what the evaluation needs of the matching."""
        ranks = np.arange(len(x))
        if matching.rows is None or matching.columns is None:
            return cls(x, y, ranks, ranks, v, order)
        first = matching.columns[np.searchsorted(matching.rows, ranks)]
        last = matching.columns[np.searchsorted(matching.rows, ranks, side="right") - 1]
        return cls(x, y, first, last, v, order)

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at (k, 1) points."""
        z = points.reshape(-1)
        right = np.searchsorted(self.x, z, side="right")
        before = np.where(right > 0, self.last[np.maximum(right - 1, 0)], 0)
        after = np.where(
            right < len(self.x), self.first[np.minimum(right, len(self.x) - 1)], len(self.y) - 1
        )
        value_before = power_cost(z - self.y[before], self.order) - self.v[before]
        value_after = power_cost(z - self.y[after], self.order) - self.v[after]
        return np.asarray(np.minimum(value_before, value_after))


def without_empty(sample: Samples) -> Samples:
    """Leave out points of weight zero."""
    if sample.weights is None or (sample.weights > 0).all():
        return sample
    return sample.take(np.flatnonzero(sample.weights > 0))


def tensor_cost(x: torch.Tensor, y: torch.Tensor, matching: Matching, order: float) -> torch.Tensor:
    """W_r^r of tensors that are sorted on the last axis."""
    import torch

    if matching.rows is None or matching.columns is None:
        cost: torch.Tensor = power_cost(x - y, order).mean(-1)
        return cost
    rows = torch.as_tensor(matching.rows, device=x.device)
    columns = torch.as_tensor(matching.columns, device=x.device)
    mass = torch.as_tensor(matching.mass, device=x.device, dtype=x.dtype)
    return torch.matmul(power_cost(x[..., rows] - y[..., columns], order), mass)


def require_range(p: Samples, q: Samples, order: float) -> None:
    """Raise an error where |x - y|^r would overflow, or vanish though the points differ."""
    low = np.minimum(p.points.min(axis=0), q.points.min(axis=0))
    high = np.maximum(p.points.max(axis=0), q.points.max(axis=0))
    span = float((high / 2 - low / 2).max()) * 2
    if span > 0 and not abs(order * math.log10(span)) < _DECADES:
        raise ValueError(
            f"p and q must have costs |x - y|^{order:g} within the range of floating point, but "
            f"their values spread over {span:.3g}. Rescale the data, or use a lower order."
        )
