"""Rows that nearly repeat others of their own sample, as repeated measurements do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples

    Array = NDArray[np.float64]

_MOST_REPEATS, _CLOSER = 4, 10.0
_MOST_ASKED, _MOST_NUMBERS = 200, 4_000_000
_MOST_POINTS = 0.5


def near_copy_notes(p: Samples, q: Samples) -> tuple[str, ...]:
    """Say where most points have a near copy: then folds leave none of them out in full.

    Up to four points are near copies of another if they are ten times closer to it than the next
    of its own sample, and than any of the other. Of independent points of one law that is a tenth
    on the line, and fewer in more dimensions.
    """
    if p.levels is not None or p.missing or q.missing or min(p.n, q.n) < _MOST_REPEATS + 2:
        return ()
    if (p.n + q.n) * p.d > _MOST_NUMBERS:
        return ()
    pooled = np.concatenate([p.points, q.points])
    largest = np.maximum(np.abs(pooled).max(axis=0), np.finfo(float).tiny)
    # The square of a large number may be none.
    spread = (pooled / largest).std(axis=0)
    unit = np.where(spread > 0, spread, 1.0)
    sides = [side.points / largest / unit for side in (p, q)]
    shares = [_share_of_near_copies(sides[0], sides[1]), _share_of_near_copies(sides[1], sides[0])]
    return tuple(
        f"{share:.0%} of {name}'s points lie ten times closer to another of their own sample than "
        f"to any of the rest: rows that were measured, drawn or generated more than once are not "
        f"independent, and make values too high. Keep one of each."
        for name, share in zip(("p", "q"), shares, strict=True)
        if share > _MOST_POINTS
    )


def _share_of_near_copies(own: Array, other: Array) -> float:
    asked = own[:: -(-len(own) // _MOST_ASKED)]
    within = np.asarray(KDTree(own).query(asked, _MOST_REPEATS + 2)[0])[:, 1:]
    across = np.asarray(KDTree(other).query(asked, 1)[0])[:, np.newaxis]
    near = within[:, :-1]
    copies = (near > 0) & (_CLOSER * near < np.minimum(within[:, 1:], across))
    return float(copies.any(axis=1).mean())
