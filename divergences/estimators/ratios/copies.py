"""Copies of rows among samples of continuous measures, which no independent draws would hold."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.whitening import distinct_rows
from divergences.measures.samples import Samples
from divergences.measures.weights import are_equal

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_COPIES = 5
_SHARE_OF_AN_ATOM = 0.05
_MOST_SITES = 2**53  # as doubles tell apart
_OFF_A_SITE = 0.01
_MOST_DIGITS = 6
_SURELY, _NEIGHBORS, _FEWEST_PLACES = 3.0, 5, 10


def are_copies(repeated: int, shared: int) -> bool:
    """Whether points repeat within their sample more than values that recur in both explain.

    Parameters
    ----------
    repeated : int
        Points that their own sample has more than once.
    shared : int
        Points that the other sample has too.
    """
    return repeated > 2 * shared


@dataclass(frozen=True, eq=False)
class Merged:
    """A sample in which a row and its copies are one point that carries the weight of all.

    Parameters
    ----------
    sample : Samples
    place : ndarray of shape (n,) or None
        The point of `sample` that each row became; None if nothing was merged.
    """

    sample: Samples
    place: NDArray[np.intp] | None = None

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """One value for each row from one for each point."""
        return values if self.place is None else values[self.place]


def merge_copies(p: Samples, q: Samples) -> tuple[Merged, Merged]:
    """Merge rows with their copies, where points repeat within their samples and not across.

    A place that holds over five points and a twentieth of its sample, or half of it, is an atom
    of the measure and not merged.
    """
    _, place = distinct_rows(np.concatenate([p.points, q.points]) + 0.0)
    at_p, at_q = place[: p.n], place[p.n :]
    in_p, in_q = (np.bincount(at, minlength=int(place.max()) + 1) for at in (at_p, at_q))
    repeated = int((in_p[at_p] > 1).sum() + (in_q[at_q] > 1).sum())
    shared = int((in_q[at_p] > 0).sum() + (in_p[at_q] > 0).sum())
    if not are_copies(repeated, shared):
        return Merged(p), Merged(q)
    return _merged(p, at_p, in_p[at_p]), _merged(q, at_q, in_q[at_q])


def merge_unexplained_copies(p: Samples, q: Samples) -> tuple[Merged, Merged]:
    """Merge copies as `merge_copies` does, unless something else explains that values recur.

    Methods that read discrete data as they are take this. Counts, levels and rounded values stay
    apart, also where no value of one sample recurs in the other, and through any monotone map: they
    are atoms, or recur as often as their neighbors do, or lie on a lattice.
    """
    p, q = without_equal_weights(p), without_equal_weights(q)
    kept = Merged(p), Merged(q)
    if any(_all_differ(p, j) and _all_differ(q, j) for j in range(p.d)):
        return kept
    merged = merge_copies(p, q)
    extra = sum(0 if one.place is None else len(one.place) - one.sample.n for one in merged)
    if not extra or _values_recur(p) or _values_recur(q):
        return kept
    if all(
        extra <= sum(_coincidences(sample.points[:, j]) for sample in (p, q)) for j in range(p.d)
    ):
        return kept
    first, second = (replace(one, sample=without_equal_weights(one.sample)) for one in merged)
    return first, second


def _all_differ(sample: Samples, column: int) -> bool:
    return len(np.unique(sample.points[:, column])) == sample.n


def _values_recur(sample: Samples) -> bool:
    """Whether half the points are atoms, or points recur where their neighbors do, unlike copies.

    Copies are drawn from all rows alike, so that how often those near each other along a column
    were drawn does not correlate: it does beyond three standard errors in one of 700 bootstraps.
    """
    rows, place = distinct_rows(sample.points + 0.0)
    counts = np.bincount(place)
    if counts[counts > _most_copies(sample)].sum() > sample.n / 2:
        return True
    spread = counts - counts.mean()
    variance = float(spread @ spread)
    if variance == 0.0 or len(counts) < _FEWEST_PLACES:
        return False
    limit = _SURELY * variance * math.sqrt(_NEIGHBORS / len(counts))
    for column in sample.points[rows].T:
        here = spread[np.argsort(column)]
        if sum(here[lag:] @ here[:-lag] for lag in range(1, _NEIGHBORS + 1)) > limit:
            return True
    return False


def _coincidences(values: NDArray[np.float64]) -> float:
    """Pairs of points at one site of the lattice that the values lie on; 0 if they lie on none.

    At most that many, as if all points were spread over the sites of the middle half of them.
    """
    values = values[np.isfinite(values)]
    distinct = np.unique(values)
    if len(distinct) < 2:
        return float(len(values)) ** 2
    step = _lattice_step(distinct)
    if step is None:
        return 0.0
    low, high = np.quantile(values, [0.25, 0.75])
    return float(len(values) ** 2 / (1 + (high - low) / step))


def _lattice_step(distinct: NDArray[np.float64]) -> float | None:
    """Distance of the sites of a decimal lattice, or of one with two neighboring sites taken."""
    above = distinct - distinct[0]
    for unit in 10.0 ** -np.arange(_MOST_DIGITS + 1):
        sites = above / unit
        whole = np.rint(sites)
        apart = (np.diff(whole) > 0).all() and whole[-1] < _MOST_SITES
        if apart and np.abs(sites - whole).max() < _OFF_A_SITE:
            common = int(np.gcd.reduce(whole.astype(np.int64)))
            return common * float(unit)
    step = float(np.diff(distinct).min())
    sites = above / step
    return step if np.abs(sites - np.rint(sites)).max() < _OFF_A_SITE else None


def without_equal_weights(sample: Samples) -> Samples:
    """The sample, unweighted if all weigh as much: its points are draws like any others."""
    if sample.weights is None or not are_equal(sample.weights):
        return sample
    return replace(sample, weights=None)


def _most_copies(sample: Samples) -> float:
    """Points of one place beyond which it is an atom of the measure."""
    return min(max(MOST_COPIES, _SHARE_OF_AN_ATOM * sample.n), sample.n / 2)


def _merged(sample: Samples, place: NDArray[np.intp], count: NDArray[np.intp]) -> Merged:
    copied = (count > 1) & (count <= _most_copies(sample))
    if not copied.any():
        return Merged(sample)
    apart = np.where(copied, place, int(place.max()) + 1 + np.arange(sample.n))
    _, rows, group = np.unique(apart, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    mass = np.asarray(np.bincount(group, sample.mass), dtype=np.float64)
    return Merged(replace(sample, points=sample.points[rows], weights=mass), group)


def copy_notes(p: Merged, q: Merged) -> tuple[str, ...]:
    """How many rows were merged, in words; nothing where none was."""
    extra = [0 if one.place is None else len(one.place) - one.sample.n for one in (p, q)]
    if not any(extra):
        return ()
    return (
        f"{extra[0]} points of p and {extra[1]} of q repeat others of their own sample, which the "
        f"other sample hardly shares: taken for copies of rows, they and the point they repeat "
        f"count as one. If they are values that recur, the value is too low; compare with "
        f'method="neighbors".',
    )
