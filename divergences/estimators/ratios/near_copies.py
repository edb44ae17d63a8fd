"""Rows that nearly repeat others of their own sample, as repeated measurements do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from divergences.density.units import unit_exponents

if TYPE_CHECKING:
    from divergences.measures.samples import Samples

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
    ordinary = np.ldexp(pooled, -unit_exponents(pooled))
    spread = ordinary.std(axis=0)
    one, other = map(KDTree, np.split(ordinary / np.where(spread > 0, spread, 1.0), [p.n]))
    shares = _share_of_near_copies(one, other), _share_of_near_copies(other, one)
    return tuple(
        f"{share:.0%} of {name}'s points lie ten times closer to another of their own sample than "
        f"to any of the rest: rows that were measured, drawn or generated more than once are not "
        f"independent, and make values too high. Keep one of each."
        for name, share in zip(("p", "q"), shares, strict=True)
        if share > _MOST_POINTS
    )


def _share_of_near_copies(own: KDTree, other: KDTree) -> float:
    asked = own.data[:: -(-own.n // _MOST_ASKED)]
    within = np.asarray(own.query(asked, _MOST_REPEATS + 2)[0])[:, 1:]
    across = np.asarray(other.query(asked, 1)[0])[:, np.newaxis]
    near = within[:, :-1]
    copies = (near > 0) & (_CLOSER * near < np.minimum(within[:, 1:], across))
    return float(copies.any(axis=1).mean())
