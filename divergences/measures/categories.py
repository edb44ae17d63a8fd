"""Categorical columns: levels become whole numbers, the same ones in both samples."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples

MOST_LEVELS = 250
"""Most levels of a column that are kept apart; boosted trees read no more than 255."""

Levels = tuple[Any, ...]


class Mark(Enum):
    """Levels of ours, which no level of the data is the same as, whatever its name."""

    MISSING = "missing"
    OTHERS = "others"

    def __str__(self) -> str:
        """Return the word."""
        return self.value


MISSING, OTHERS = Mark.MISSING, Mark.OTHERS


def is_categorical(series: Any) -> bool:
    """Whether a narwhals series holds categories: strings, or a categorical dtype."""
    import narwhals as nw

    if series.dtype in (nw.Categorical, nw.Enum, nw.String):
        return True
    return series.dtype == nw.Object and all(isinstance(v, str) for v in _present(series))


def is_boolean(series: Any) -> bool:
    """Whether a narwhals series holds truth values, which are numbers, and perhaps gaps."""
    import narwhals as nw

    if series.dtype == nw.Boolean:
        return True
    truths = (bool, np.bool_)
    return series.dtype == nw.Object and all(isinstance(v, truths) for v in _present(series))


def coded(series: Any) -> tuple[NDArray[np.float64], Levels]:
    """Return the position of each value among the sorted levels, NaN where it is missing."""
    values, gaps = series.to_list(), series.is_null().to_numpy()
    levels = tuple(sorted(set(_present(series)), key=_by_words))
    positions = {level: position for position, level in enumerate(levels)}
    codes = [np.nan if gap else positions[v] for v, gap in zip(values, gaps, strict=True)]
    return np.array(codes, dtype=np.float64), levels


def _present(series: Any) -> list[Any]:
    return list(series.drop_nulls().to_list())


def _by_words(level: Any) -> tuple[str, str]:
    return str(level), type(level).__name__


def check_kinds(p: Samples, q: Samples) -> None:
    """Raise an error unless the same columns of both samples are categorical."""
    for j, (of_p, of_q) in enumerate(zip(p.column_levels, q.column_levels, strict=True)):
        if (of_p is None) != (of_q is None):
            categorical, numeric = ("q", "p") if of_p is None else ("p", "q")
            name = p.column_names[j]
            raise ValueError(
                f"p and q must have columns of the same kind, but {name!r} holds categories in "
                f"{categorical} and numbers in {numeric}. Convert one of them, as in "
                f"{numeric}[{name!r}].astype('category')."
            )


def with_common_levels(p: Samples, q: Samples) -> tuple[Samples, Samples]:
    """Give the levels of both samples the same codes; a missing category is one of them.

    Beyond 250 levels of a column the rarest count as one, and a note says so.

    Parameters
    ----------
    p, q : Samples
        With the same columns, of the same kinds.

    Returns
    -------
    (Samples, Samples)
        Without gaps in their categorical columns.
    """
    if p.levels is None or q.levels is None:
        return p, q
    points = p.points.copy(), q.points.copy()
    levels: list[Levels | None] = []
    notes: list[str] = []
    for j, (of_p, of_q) in enumerate(zip(p.levels, q.levels, strict=True)):
        if of_p is None or of_q is None:
            levels.append(None)
            continue
        codes = p.points[:, j], q.points[:, j]
        new, common = _merged(codes, (of_p, of_q))
        if len(common) > MOST_LEVELS:
            notes.append(
                f"{p.column_names[j]!r} has {len(common):,} levels: the {MOST_LEVELS - 1} most "
                f"frequent are kept apart and the others count as one, which can only lower a "
                f"divergence."
            )
            new, common = _pooled(new, common, (p, q))
        for side, own in zip(points, new, strict=True):
            side[:, j] = own
        levels.append(common)
    for side in points:
        side.setflags(write=False)
    return (
        replace(p, points=points[0], levels=tuple(levels), notes=(*p.notes, *notes)),
        replace(q, points=points[1], levels=tuple(levels)),
    )


def recoded(
    codes: NDArray[np.float64], given: Levels, levels: Levels, column: str
) -> NDArray[np.float64]:
    """Positions among other levels; those of rare levels and gaps where these have a place."""
    positions = {level: position for position, level in enumerate(levels)}
    rest = positions.get(OTHERS) if len(levels) == MOST_LEVELS else None
    unknown = [level for level in given if level not in positions]
    if unknown and rest is None:
        raise ValueError(
            f"points must have levels of {column!r} that the samples have, not {unknown[0]!r}."
        )
    table = [positions.get(level, rest) for level in given] + [positions.get(MISSING)]
    found = np.array([np.nan if place is None else place for place in table], dtype=np.float64)
    return found[np.where(np.isnan(codes), len(given), codes).astype(np.intp)]


Codes = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


def _merged(codes: Codes, levels: tuple[Levels, Levels]) -> tuple[Codes, Levels]:
    gaps = any(np.isnan(own).any() for own in codes)
    common = sorted({*levels[0], *levels[1], *([MISSING] if gaps else [])}, key=_by_words)
    positions = {level: position for position, level in enumerate(common)}
    new = []
    for own, names in zip(codes, levels, strict=True):
        table = np.array([positions[name] for name in (*names, MISSING)[: len(names) + gaps]])
        new.append(table[np.where(np.isnan(own), len(names), own).astype(np.intp)].astype(float))
    return (new[0], new[1]), tuple(common)


def _pooled(codes: Codes, levels: Levels, samples: tuple[Samples, Samples]) -> tuple[Codes, Levels]:
    share = np.zeros(len(levels))
    for own, sample in zip(codes, samples, strict=True):
        share += np.bincount(own.astype(np.intp), sample.mass, len(levels))
    kept = np.sort(np.argsort(-share, kind="stable")[: MOST_LEVELS - 1])
    table = np.full(len(levels), float(len(kept)))
    table[kept] = np.arange(len(kept))
    new = [table[own.astype(np.intp)] for own in codes]
    return (new[0], new[1]), (*(levels[i] for i in kept), OTHERS)
