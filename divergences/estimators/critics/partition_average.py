r"""All partitions of a grid into boxes by straight cuts, averaged exactly.

A box is cut in two along one of the grid's lines through it, or left whole, which has at least
probability 1/2 and all that no line stands for; the parts likewise. In a box that is left whole
the labels are Bernoulli, with a probability that is near 0, near 1 or anywhere. The probability
of the labels in a box A, averaged over all that may become of it, is the sum

    M(A) = (1 - c(A)) m(A) + sum over cuts A = B + C of c(B, C) M(B) M(C),

which runs over all boxes from small to large once, however many partitions there are: no cut has
to pay by itself, as it has to in a tree that grows by its best cut, for which a checkerboard has
none. From large to small follows the posterior probability pi(A) that A is a part. The labels
without that of a point x are, relative to all labels, as probable as

    sum over A with x in A of pi(A) m(A without x) / m(A),

so that what all other points say of each is known exactly as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]
    Counts = Places | Array

# Beta distributions of the probability of label 1 in a part; a + b = 1 in each.
_PRIORS = ((0.5, 0.5), (0.02, 0.98), (0.98, 0.02))
_SMALLEST = 1e-300
# Of boxes that are passed over: in the average, and while lines are looked for.
_NEGLIGIBLE, _SMALL = 1e-7, 1e-4


@dataclass(frozen=True, eq=False)
class GridCounts:
    """Labels in the cells of a grid, and how probable its lines are.

    Parameters
    ----------
    counts : pair of ndarray of the grid's shape
        Points of label 0 and of label 1; where they weigh differently, each by its weight over
        the mean.
    units : pair of float
        Mean weight of a point of either label.
    below : tuple of ndarray
        For each feature the share of the points below each line.
    steps : tuple of float
        The share of the points for which a line of the feature stands. A cut falls within any
        such share of the box with equal probability.
    """

    counts: tuple[Counts, Counts]
    units: tuple[float, float]
    below: tuple[Array, ...]
    steps: tuple[float, ...]

    def evenly(self) -> GridCounts:
        """The same with lines that share the probability of a cut among them, wherever they are."""
        shape = self.counts[0].shape
        below = tuple(np.arange(1, cells) / cells for cells in shape)
        return replace(self, below=below, steps=tuple(1 / cells for cells in shape))


@dataclass(frozen=True, eq=False)
class PartitionAverage:
    """What the posterior of the partitions says of the cells of a grid.

    Parameters
    ----------
    odds : ndarray of the grid's shape
        Log-odds of label 1 in each cell.
    without : pair of ndarray of shape (k, *grid's shape)
        The same without a point of label 0, or of label 1, in the cell, for k weights of it.
    """

    odds: Array
    without: tuple[Array, Array]


def log_evidence(grid: GridCounts) -> float:
    """Logarithm of the probability of the labels."""
    return float(_Boxes(grid).average.flat[-1])


def line_usage(grid: GridCounts) -> tuple[Array, ...]:
    """For each feature and line, the expected number of points in boxes that it cuts."""
    return _Boxes(grid).posterior(_SMALL)[1]


def average_partitions(
    grid: GridCounts, lost: tuple[Sequence[float], Sequence[float]] = ((1,), (1,))
) -> PartitionAverage:
    """Log-odds in each cell, with all labels and without one.

    What a cell loses of its count with a point of label 0, or of label 1, is tried for each of
    the `lost`; where that is more than a box has of the label, it loses all.
    """
    boxes = _Boxes(grid)
    parts, _ = boxes.posterior(_NEGLIGIBLE)
    zeros, ones = (
        np.stack([boxes.odds_without(parts, label, each) for each in lost[label]])
        for label in (0, 1)
    )
    return PartitionAverage(boxes.odds(parts), (zeros, ones))


@dataclass(frozen=True, eq=False)
class _Intervals:
    """All intervals of a row of cells, in order of their width, and the two parts of each cut."""

    starts: Places
    ends: Places
    blocks: tuple[slice, ...]
    cuts: tuple[tuple[Places, Places], ...]

    @classmethod
    @lru_cache(maxsize=128)
    def of(cls, cells: int) -> _Intervals:
        first = np.concatenate([[0], np.cumsum(np.arange(cells, 0, -1))])
        starts = [np.arange(cells - width + 1) for width in range(1, cells + 1)]
        cuts = []
        for width, start in enumerate(starts, 1):
            left = np.arange(1, width)
            start = start[:, np.newaxis]
            cuts.append((first[left - 1] + start, first[width - left - 1] + start + left))
        ends = [start + width for width, start in enumerate(starts, 1)]
        blocks = tuple(slice(*rows) for rows in pairwise(first))
        return cls(np.concatenate(starts), np.concatenate(ends), blocks, tuple(cuts))


def _log_products(unit: float, cells: Counts, prior: float) -> Callable[[Counts], Array]:
    """ln of the product prior (prior + 1)...(prior + unit count - 1), as a function of the count.

    Of whole counts it is looked up.
    """

    def log_of(count: Counts) -> Array:
        return np.asarray(gammaln(unit * count + prior) - gammaln(prior))

    if not np.issubdtype(cells.dtype, np.integer):
        return log_of
    return log_of(np.arange(int(cells.sum()) + 1)).__getitem__


class _Boxes:
    """All boxes of a grid, by the interval of each feature, and the logarithm of M."""

    def __init__(self, grid: GridCounts) -> None:
        self.grid = grid
        self.shape = grid.counts[0].shape
        self.axes = tuple(_Intervals.of(cells) for cells in self.shape)
        self.counts = tuple(self._sums(each) for each in grid.counts)
        self.total = grid.units[0] * self.counts[0] + grid.units[1] * self.counts[1]
        self.of_total = gammaln(self.total + 1.0)
        self.logs = [tuple(map(_log_products, grid.units, grid.counts, (b, a))) for a, b in _PRIORS]
        zeros, ones = self.counts
        kinds = [of_zeros(zeros) + of_ones(ones) for of_zeros, of_ones in self.logs]
        self.kinds = np.array(kinds) - (self.of_total + np.log(len(kinds)))
        self._set_prior()
        # From small to large.
        self.sizes = [tuple(width + 1 for width in size) for size in np.ndindex(*self.shape)]
        self.average = np.logaddexp.reduce(self.kinds, axis=0)
        self._sum_up()

    def _sums(self, cells: Counts) -> Counts:
        for axis, intervals in enumerate(self.axes):
            by_cell = cells.swapaxes(0, axis)
            sums = np.concatenate([np.zeros_like(by_cell[:1]), np.cumsum(by_cell, axis=0)])
            cells = (sums[intervals.ends] - sums[intervals.starts]).swapaxes(0, axis)
        return cells

    def _set_prior(self) -> None:
        rooms, offers = [], []
        for below, step, axis in zip(self.grid.below, self.grid.steps, self.axes, strict=True):
            bounds = np.concatenate([[0.0], below, [1.0]])
            rooms.append(bounds[axis.ends] - bounds[axis.starts])
            offers.append((axis.ends - axis.starts - 1) * step)
        room, offer = (np.asarray(sum(np.ix_(*each))) for each in (rooms, offers))
        room = np.maximum(np.maximum(room, offer), _SMALLEST)
        self.log_whole = np.log1p(-0.5 * offer / room)
        self.log_cut = -np.log(2.0 * room)
        self.log_steps = np.log(self.grid.steps)

    def _block(self, size: tuple[int, ...]) -> tuple[slice, ...]:
        return tuple(axis.blocks[width - 1] for axis, width in zip(self.axes, size, strict=True))

    def _sum_up(self) -> None:
        for size in self.sizes:
            if max(size) == 1:
                continue
            block = self._block(size)
            total = self.average[block] + self.log_whole[block]
            for axis, width in enumerate(size):
                if width == 1:
                    continue
                row = (*block[:axis], slice(None), *block[axis + 1 :])
                values = self.average[row].swapaxes(0, axis)
                left, right = self.axes[axis].cuts[width - 1]
                ways = values[left] + values[right]
                highest = ways.max(axis=1)
                ways -= highest[:, np.newaxis]
                log = np.log(np.exp(ways, out=ways).sum(axis=1)) + highest + self.log_steps[axis]
                total = np.logaddexp(total, log.swapaxes(0, axis) + self.log_cut[block])
            self.average[block] = total

    def posterior(self, negligible: float) -> tuple[Array, tuple[Array, ...]]:
        """Probability that a box is a part, of each kind, and what the lines cut.

        Boxes that are met with less than a negligible probability are passed over.
        """
        reached = np.zeros_like(self.average)
        reached[tuple(-1 for _ in self.shape)] = 1.0
        usage = tuple(np.zeros(cells) for cells in self.shape)
        for size in reversed(self.sizes):
            block = self._block(size)
            within = np.nonzero(reached[block] > negligible)
            if not len(within[0]):
                continue
            boxes = tuple(rows.start + i for rows, i in zip(block, within, strict=True))
            log = np.log(reached[boxes]) - self.average[boxes] + self.log_cut[boxes]
            for axis, width in enumerate(size):
                if width == 1:
                    continue
                first, second = (
                    tuple(
                        each[within[axis]] if other == axis else rows[:, np.newaxis]
                        for other, rows in enumerate(boxes)
                    )
                    for each in self.axes[axis].cuts[width - 1]
                )
                ways = self.average[first] + self.average[second]
                ways = np.exp(ways + (log + self.log_steps[axis])[:, np.newaxis])
                reached[first] += ways
                reached[second] += ways
                lines = within[axis][:, np.newaxis] + np.arange(width - 1)
                np.add.at(usage[axis], lines, ways * self.total[boxes][:, np.newaxis])
        parts = reached * np.exp(self.kinds + self.log_whole - self.average)
        return parts, tuple(each[:-1] for each in usage)

    def odds(self, parts: Array) -> Array:
        """Log-odds of label 1 in each cell."""
        zeros, ones = np.zeros_like(self.total), np.zeros_like(self.total)
        for part, (a, b) in zip(parts, _PRIORS, strict=True):
            ones += part * (self.grid.units[1] * self.counts[1] + a)
            zeros += part * (self.grid.units[0] * self.counts[0] + b)
        return self._log_odds(zeros / (self.total + 1.0), ones / (self.total + 1.0))

    def odds_without(self, parts: Array, label: int, lost: float) -> Array:
        """The same after a point of the label is taken out of the cell."""
        units, counts = self.grid.units, list(self.counts)
        there = counts[label] > 0
        counts[label] = np.where(there, np.maximum(counts[label] - lost, 0), counts[label])
        total = self.total - units[label] * (self.counts[label] - counts[label])
        change = self.of_total - gammaln(total + 1.0)
        zeros, ones = np.zeros_like(total), np.zeros_like(total)
        for part, logs, (a, b) in zip(parts, self.logs, _PRIORS, strict=True):
            log = logs[label]
            of_kind = np.exp(change + log(counts[label]) - log(self.counts[label]))
            weight = np.where(there, part * of_kind, 0.0)
            ones += weight * (units[1] * counts[1] + a)
            zeros += weight * (units[0] * counts[0] + b)
        return self._log_odds(zeros / (total + 1.0), ones / (total + 1.0))

    def _log_odds(self, zeros: Array, ones: Array) -> Array:
        shares = [np.maximum(self._over_cells(each), _SMALLEST) for each in (zeros, ones)]
        return np.asarray(np.log(shares[1]) - np.log(shares[0]))

    def _over_cells(self, values: Array) -> Array:
        """For each cell the sum over the boxes that it lies in."""
        for axis, intervals in enumerate(self.axes):
            by_interval = values.swapaxes(0, axis)
            steps = np.zeros((self.shape[axis] + 1, *by_interval.shape[1:]))
            np.add.at(steps, intervals.starts, by_interval)
            np.subtract.at(steps, intervals.ends, by_interval)
            values = np.cumsum(steps, axis=0)[:-1].swapaxes(0, axis)
        return values
