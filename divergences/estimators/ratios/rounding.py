"""Values that rounding alone sets apart, made one: 3 * 0.1 is not 0.3 in floating point."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from divergences.measures.arrays import listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples

    Array = NDArray[np.float64]

# A few operations err by as many units in the last place.
_ROUNDING = 16 * float(np.finfo(np.float64).eps)
_USUAL = 0.75
_FINEST_PARTS = 1024.0


def with_one_rounding(p: Samples, q: Samples) -> tuple[Samples, Samples, tuple[str, ...]]:
    """The samples with equal values where only rounding tells them apart, and what to know of it.

    In a numeric column of both, values within 16 units in the last place become one; not so in
    runs that reach farther, as lattices of such units do. A column that only one sample has in
    single precision, and not in whole numbers, is read so in the other.

    Critics that look at single values, at ranks or at the distance from a surface would otherwise
    tell samples apart by how their values were computed or stored.
    """
    sides, single = (p.points.copy(), q.points.copy()), []
    for j, levels in enumerate(p.column_levels):
        if levels is not None:
            continue
        one, other = (side[:, j] for side in sides)
        with np.errstate(over="ignore"):
            for short, full in ((one, other), (other, one)):
                if _is_single(short) and _can_be_single(full):
                    full[:] = _as_single(full)
                    single.append(p.column_names[j])
            one[:], other[:] = _merged(one, other)
    return _with(p, sides[0]), _with(q, sides[1]), _notes(tuple(single))


def _with(sample: Samples, points: Array) -> Samples:
    if np.array_equal(points, sample.points, equal_nan=True):
        return sample
    points.setflags(write=False)
    return replace(sample, points=points)


def _notes(single: tuple[str, ...]) -> tuple[str, ...]:
    if not single:
        return ()
    return (
        f"One sample has {listed(single)} in single precision, so the other is read in it too: how "
        f"numbers are stored is no difference.",
    )


def _is_single(column: Array) -> bool:
    """Whether a column is in single precision, and not so by being whole, halves or the like."""
    in_parts = column * _FINEST_PARTS
    coarse = np.array_equal(in_parts, np.rint(in_parts), equal_nan=True)
    return not coarse and np.array_equal(column, _as_single(column), equal_nan=True)


def _can_be_single(column: Array) -> bool:
    """Whether single precision would change a column, and not make infinities of it."""
    short = _as_single(column)
    changes = not np.array_equal(column, short, equal_nan=True)
    return changes and np.array_equal(np.isfinite(short), np.isfinite(column))


def _as_single(column: Array) -> Array:
    return column.astype(np.float32).astype(np.float64)


def _merged(one: Array, other: Array) -> tuple[Array, Array]:
    pooled = np.concatenate([one, other])
    values = np.sort(pooled[np.isfinite(pooled)])
    if len(values) == 0:
        return one, other
    # Differences of larger numbers err in units of those.
    usual = float(np.quantile(np.abs(values), _USUAL))
    gaps = np.diff(values)
    if not np.any((gaps > 0) & (gaps <= _tolerance(values[1:], usual))):
        return one, other
    values, place = np.unique(pooled, return_inverse=True)
    starts = np.append(True, ~(np.diff(values) <= _tolerance(values[1:], usual)))
    first, last = values[starts], values[np.append(starts[1:], True)]
    narrow = last - first <= _tolerance(first, usual)
    run = np.cumsum(starts) - 1
    merged = np.where(narrow[run], first[run], values)[place.reshape(-1)]
    return merged[: len(one)], merged[len(one) :]


def _tolerance(values: Array, usual: float) -> Array:
    return _ROUNDING * np.maximum(np.abs(values), usual)
