"""Categorical columns as zeros and ones, for critics that only read numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples

    Array = NDArray[np.float64]

MOST_INDICATORS = 250
_FEWEST_POINTS = 2


@dataclass(frozen=True, eq=False)
class Indicators:
    """One column for each level, or for all rare levels of a categorical column.

    Parameters
    ----------
    columns : tuple of tuple of int
        Which categorical column each block is of, or which several taken together.
    counts : ndarray of shape (d,)
        Number of levels of each column of the points.
    positions : tuple of ndarray
        For each block, the indicator of each level or combination of levels.
    width : int
        Number of indicators.
    """

    columns: tuple[tuple[int, ...], ...]
    counts: NDArray[np.intp]
    positions: tuple[NDArray[np.intp], ...]
    width: int

    @classmethod
    def of(
        cls,
        points: Array,
        counts: NDArray[np.intp],
        blocks: Sequence[tuple[int, ...]],
        most: int = MOST_INDICATORS,
    ) -> Indicators:
        """Give the most frequent levels of all blocks an indicator of their own."""
        frequencies = [
            np.bincount(_codes(points, counts, block), minlength=int(np.prod(counts[list(block)])))
            for block in blocks
        ]
        pooled = np.sort(np.concatenate(frequencies))[::-1]
        least = max(_FEWEST_POINTS, int(pooled[most]) + 1 if len(pooled) > most else 0)
        positions, width = [], 0
        for frequency in frequencies:
            kept = frequency >= least
            own = np.where(kept, width + np.cumsum(kept) - 1, width + kept.sum())
            positions.append(own)
            width += int(kept.sum()) + int(not kept.all())
        return cls(tuple(blocks), counts, tuple(positions), width)

    def __call__(self, points: Array) -> Array:
        """Indicators of (k, d) points."""
        values, rows = np.zeros((len(points), self.width)), np.arange(len(points))
        for block, positions in zip(self.columns, self.positions, strict=True):
            values[rows, positions[_codes(points, self.counts, block)]] = 1.0
        return values


def _codes(points: Array, counts: NDArray[np.intp], block: tuple[int, ...]) -> NDArray[np.intp]:
    """Number of the combination of levels; a map asks for places between them too."""
    codes = np.zeros(len(points), np.intp)
    for column in block:
        own = np.clip(np.rint(points[:, column]).astype(np.intp), 0, counts[column] - 1)
        codes = codes * counts[column] + own
    return codes


@dataclass(frozen=True, eq=False)
class Expanded:
    """The numeric columns, and the indicators of the categorical ones beside them."""

    numeric: NDArray[np.intp]
    indicators: Indicators

    @classmethod
    def of(cls, p: Samples, q: Samples) -> Expanded:
        """Find the indicators of two samples with common levels."""
        counts = p.level_counts
        points = np.concatenate([p.points, q.points])
        blocks = [(int(j),) for j in np.flatnonzero(counts)]
        return cls(np.flatnonzero(counts == 0), Indicators.of(points, counts, blocks))

    def __call__(self, points: Array) -> Array:
        """Numbers alone, of (k, d) points."""
        return np.hstack([points[:, self.numeric], self.indicators(points)])


@dataclass(frozen=True, eq=False)
class OnExpanded:
    """A critic of the expanded columns, at points as they were."""

    expand: Expanded
    critic: Callable[[Array], Array]

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        return self.critic(self.expand(points))
