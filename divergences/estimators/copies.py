"""Copies of rows among samples of continuous measures, which no independent draws would hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.whitening import distinct_rows
from divergences.measures.samples import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_COPIES = 5
_SHARE_OF_AN_ATOM = 0.05


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


def _merged(sample: Samples, place: NDArray[np.intp], count: NDArray[np.intp]) -> Merged:
    most = min(max(_MOST_COPIES, _SHARE_OF_AN_ATOM * sample.n), sample.n / 2)
    copied = (count > 1) & (count <= most)
    if not copied.any():
        return Merged(sample)
    apart = np.where(copied, place, int(place.max()) + 1 + np.arange(sample.n))
    _, rows, group = np.unique(apart, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    mass = np.asarray(np.bincount(group, sample.mass), dtype=np.float64)
    return Merged(replace(sample, points=sample.points[rows], weights=mass), group)
