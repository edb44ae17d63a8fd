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


def with_one_rounding(p: Samples, q: Samples) -> tuple[Samples, Samples, tuple[str, ...]]:
    """The samples with equal values where only rounding tells them apart, and what to know of it.

    In a numeric column of both, values within 16 units in the last place become one; not so in
    runs that reach farther, as lattices of such units do. A column that only one sample has in
    single precision, and not in whole numbers, is read so in the other.

    Critics that look at single values, at ranks or at the distance from a surface would otherwise
    tell samples apart by how their values were computed or stored.
    """
    sides, single = [p.points.copy(), q.points.copy()], []
    for j, levels in enumerate(p.column_levels):
        if levels is not None:
            continue
        columns = [side[:, j] for side in sides]
        if _in_single_precision(columns[0], columns[1]):
            single.append(p.column_names[j])
        for column, merged in zip(columns, _merged(*columns), strict=True):
            column[:] = merged
    found = []
    for sample, points in zip((p, q), sides, strict=True):
        points.setflags(write=False)
        same = np.array_equal(points, sample.points, equal_nan=True)
        found.append(sample if same else replace(sample, points=points))
    return found[0], found[1], _notes(tuple(single))


def _notes(single: tuple[str, ...]) -> tuple[str, ...]:
    if not single:
        return ()
    return (
        f"One sample has {listed(single)} in single precision, so the other is read in it too: how "
        f"numbers are stored is no difference.",
    )


def _in_single_precision(one: Array, other: Array) -> bool:
    """Whether just one of two columns is in single precision; the other then is rounded to it."""
    are = [np.array_equal(side, _as_single(side), equal_nan=True) for side in (one, other)]
    stored, full = (one, other) if are[0] else (other, one)
    if are[0] == are[1] or np.array_equal(stored, np.rint(stored), equal_nan=True):
        return False
    rounded = _as_single(full)
    # Beyond its range there is nothing to round to.
    if not np.array_equal(np.isfinite(rounded), np.isfinite(full)):
        return False
    full[:] = rounded
    return True


def _as_single(column: Array) -> Array:
    with np.errstate(over="ignore", under="ignore"):
        return column.astype(np.float32).astype(np.float64)


def _merged(one: Array, other: Array) -> tuple[Array, Array]:
    pooled = np.concatenate([one, other])
    values, place = np.unique(pooled, return_inverse=True)
    finite = np.abs(values[np.isfinite(values)])
    if len(finite) < 2:
        return one, other
    # Differences of larger numbers err in units of those.
    usual = np.nanquantile(np.abs(pooled), _USUAL)
    tolerance = _ROUNDING * np.maximum(np.abs(values), usual)
    with np.errstate(invalid="ignore"):
        starts = np.append(True, ~(np.diff(values) <= tolerance[1:]))
    if starts.all():
        return one, other
    run = np.cumsum(starts) - 1
    first, last = values[starts], values[np.append(starts[1:], True)]
    narrow = last - first <= tolerance[starts]
    merged = np.where(narrow[run], first[run], values)[place.reshape(-1)]
    return merged[: len(one)], merged[len(one) :]
