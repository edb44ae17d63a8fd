"""Partitions into boxes, which find checkerboards, stripes and other edges, at any angle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from divergences.estimators.critics.chosen_products import strongest_interaction
from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import (
    FittedCritic,
    Training,
    bounded,
    falls_behind,
)
from divergences.estimators.critics.highest import highest
from divergences.estimators.critics.partition_average import (
    GridCounts,
    average_partitions,
    line_usage,
    log_evidence,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimate import Critic

    Array = NDArray[np.float64]

# Cells of each feature while lines are looked for, and at the end, by the number of features.
_CELLS = {2: (12, 16), 3: (5, 7)}
_FIRST_CELLS, _FINER, _LEVELS = 24, 3, 4
_POINTS_OF_STEP = 2
_LEAST_GAIN = 3.0  # in units of log-evidence
_LEAST_USAGE = 0.01
# Lines are chosen by all labels, those of the points that they then rate among them, which is
# worth 10 to 20 units where there are edges, and more where many lines follow a smooth ratio.
_OPTIMISM = 20.0
# So are the features, where there are more; there are at most some 1,300 choices of two or three.
_OPTIMISM_OF_COLUMNS = 7.0
# What a line costs does not grow beyond that of one among so many: it may serve many boxes.
_DEAREST_LINE = 96
_TURNS = tuple(np.arange(7.5, 90.0, 7.5).tolist())
_CELLS_TO_TURN_BY, _TURNS_TO_REFINE = 6, 1
_LOWEST_LEVEL, _RATIO_OF_LEVELS = 0.25, 1.5
_SMALL_TURNS = ((1.5, 3.0), (1.0, 2.0, 3.5), (0.3, 0.6, 1.2), (0.3,))


@dataclass(frozen=True)
class PartitionCandidate:
    """The average over all partitions into boxes, along the lines that tell most.

    Lines are looked for from coarse to fine and, of two features, at all angles. What the
    average leaves to lines that are not kept is next to nothing.
    """

    name: str = "partitions"
    costly: ClassVar[bool] = True

    def fit(self, training: Training) -> FittedCritic | None:
        """Find the lines; the average over partitions leaves out every point by itself.

        Of more than three features, those that interact most are cut, unless that falls far
        behind other critics from the first.
        """
        if training.coordinates.d <= max(_CELLS):
            return _fit_finer(_first_grids(training))
        seen = training.points, training.labels, training.weights
        columns = strongest_interaction(training.coordinates, *seen)
        if columns is None:
            return None
        points = training.coordinates.numbers(training.points)[:, columns]
        few = replace(training, points=points, coordinates=Coordinates.of(points))
        grid = _Grid.of(few, None, _CELLS[len(columns)][0])
        if falls_behind(few, _critic(grid).held_out, np.ones(len(points), dtype=bool)):
            return None
        found = _fit_finer([grid])
        evaluate = _OfColumns(training.coordinates, columns, found.evaluate)
        return replace(found, evaluate=evaluate, optimism=_OPTIMISM + _OPTIMISM_OF_COLUMNS)


def _fit_finer(grids: list[_Grid]) -> FittedCritic:
    grid = max((grid.refined(0).refined(1) for grid in grids), key=_Grid.evidence)
    for level in range(2, _LEVELS):
        finer = grid.refined(level)
        if finer.evidence() < grid.evidence() + _LEAST_GAIN:
            break
        grid = finer
    return _critic(grid)


def _critic(grid: _Grid) -> FittedCritic:
    training, amounts = grid.training, _amounts(grid.training)
    lost = _levels(amounts[0]), _levels(amounts[1])
    average = average_partitions(grid.counts().evenly(), lost)
    cells = _cells_of(grid.values, grid.lines)
    held_out = np.empty(len(cells))
    for label in (0, 1):
        own = training.labels == label
        odds = np.stack([average.odds, *average.without[label]]).reshape(1 + len(lost[label]), -1)
        held_out[own] = _at_amounts(odds[:, cells[own]], lost[label], amounts[label])
    # For the same reason what own points overstate is about half of what it would be.
    fitted = (held_out + average.odds.ravel()[cells]) / 2
    critic = PartitionCritic(training.coordinates, grid.turn, grid.lines, average.odds)
    return FittedCritic.bounded(held_out, fitted, critic, _OPTIMISM)


@dataclass(frozen=True, eq=False)
class _OfColumns:
    """A critic of some of the numeric columns."""

    coordinates: Coordinates
    columns: NDArray[np.intp]
    critic: Critic

    def __call__(self, points: Array) -> Array:
        return self.critic(self.coordinates.numbers(points)[:, self.columns])


@dataclass(frozen=True, eq=False)
class PartitionCritic:
    """Log-odds in the cells of a grid.

    Parameters
    ----------
    coordinates : Coordinates
    turn : float or None
        Angle of the grid to the whitened points in degrees; None for the features' own axes.
    lines : tuple of ndarray
        Of each feature.
    odds : ndarray of the grid's shape
    """

    coordinates: Coordinates
    turn: float | None
    lines: tuple[Array, ...]
    odds: Array

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        values = _view(self.coordinates, self.turn, points)
        return bounded(self.odds.ravel()[_cells_of(values, self.lines)])


@dataclass(frozen=True, eq=False)
class _Grid:
    """Lines across the points, and the share of the points for which each stands."""

    training: Training
    turn: float | None
    values: Array
    lines: tuple[Array, ...]
    steps: tuple[float, ...]

    @classmethod
    def of(cls, training: Training, turn: float | None, cells: int) -> _Grid:
        values = _view(training.coordinates, turn, training.points)
        lines = tuple(_quantiles(column, _even(cells)) for column in values.T)
        return cls(training, turn, values, lines, (1 / cells,) * len(lines))

    def evidence(self) -> float:
        return log_evidence(self.counts())

    def refined(self, level: int) -> _Grid:
        """Lines at a finer scale, feature by feature, then turned a little."""
        grid, cells = self, _CELLS[len(self.lines)][level == _LEVELS - 1]
        for axis in range(len(self.lines)):
            grid = grid.with_better_lines(axis, level, cells)
        if grid.turn is None:
            return grid
        # An edge stays as far from the center when it is turned.
        turned = [
            grid.turned(turn)
            for small in _SMALL_TURNS[level]
            for turn in (grid.turn - small, grid.turn + small)
        ]
        return max([grid, *turned], key=_Grid.evidence)

    def with_better_lines(self, axis: int, level: int, cells: int) -> _Grid:
        """Keep the lines of a feature that cut most points: of all at first, then of those near."""
        column, lines, steps = self.values[:, axis], list(self.lines), list(self.steps)
        step = max(1 / (_FIRST_CELLS * _FINER**level), _POINTS_OF_STEP / len(column))
        shares = _even(_FIRST_CELLS)
        if level > 0:
            near = step * np.arange(-(_FINER // 2), _FINER // 2 + 1)
            shares = (_below(column, lines[axis])[:, np.newaxis] + near).ravel()
        lines[axis] = _quantiles(column, shares)
        steps[axis] = max(step, 1 / _DEAREST_LINE)
        tried = replace(self, lines=tuple(lines), steps=tuple(steps))
        usage = line_usage(tried.counts())[axis]
        kept = np.sort(highest(usage, cells - 1, _LEAST_USAGE * len(column)))
        lines[axis] = lines[axis][kept]
        return replace(tried, lines=tuple(lines))

    def turned(self, turn: float) -> _Grid:
        """The same lines at another angle."""
        values = _view(self.training.coordinates, turn, self.training.points)
        return replace(self, turn=turn, values=values)

    def counts(self) -> GridCounts:
        """Points in the cells."""
        labels, weights = self.training.labels, self.training.weights
        shape = tuple(len(line) + 1 for line in self.lines)
        cells, size = _cells_of(self.values, self.lines), int(np.prod(shape))
        zeros, ones = (
            np.bincount(cells[labels == label], None if _all_one(amounts) else amounts, size)
            for label, amounts in enumerate(_amounts(self.training))
        )
        units = [float(weights[labels == label].mean()) for label in (0, 1)]
        below = tuple(map(_below, self.values.T, self.lines))
        counts = zeros.reshape(shape), ones.reshape(shape)
        return GridCounts(counts, (units[0], units[1]), below, self.steps)


def _amounts(training: Training) -> list[Array]:
    """Weights of the points of label 0, and of label 1, over their mean."""
    both = (training.weights[training.labels == label] for label in (0, 1))
    return [np.ones(len(own)) if np.ptp(own) == 0 else own / own.mean() for own in both]


def _all_one(amounts: Array) -> bool:
    return bool(np.all(amounts == 1.0))


def _levels(amounts: Array) -> Sequence[float]:
    """Amounts between which the log-odds without a point are as good as linear in its own."""
    if _all_one(amounts):
        return (1,)
    low, high = max(float(amounts.min()), _LOWEST_LEVEL), float(amounts.max())
    steps = np.ceil(np.log(high / low) / np.log(_RATIO_OF_LEVELS))
    return tuple(np.geomspace(low, high, 1 + int(steps)).tolist())


def _at_amounts(odds: Array, levels: Sequence[float], amounts: Array) -> Array:
    """Log-odds without each point, from those with all of it and without the levels."""
    places = np.array([0.0, *levels])
    above = np.clip(np.searchsorted(places, amounts), 1, len(levels))
    share = (amounts - places[above - 1]) / (places[above] - places[above - 1])
    rows = np.arange(len(amounts))
    return np.asarray((1 - share) * odds[above - 1, rows] + share * odds[above, rows])


def _first_grids(training: Training) -> list[_Grid]:
    """Along the features' own axes, and of two features at the angles that tell most."""
    d = training.coordinates.d
    own = _Grid.of(training, None, _CELLS[d][0])
    if d != 2:
        return [own]
    few = _CELLS_TO_TURN_BY
    turned = [
        _Grid.of(training, turn, few).with_better_lines(0, 0, few).with_better_lines(1, 0, few)
        for turn in _TURNS
    ]
    most_telling = sorted(turned, key=_Grid.evidence, reverse=True)
    return [own, *most_telling[:_TURNS_TO_REFINE]]


def _view(coordinates: Coordinates, turn: float | None, points: Array) -> Array:
    if turn is None:
        return coordinates.line(points)
    along, across = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    return np.asarray(coordinates.white(points) @ [[along, -across], [across, along]])


def _even(cells: int) -> Array:
    return np.arange(1, cells) / cells


def _below(column: Array, lines: Array) -> Array:
    """Share of the values below each line."""
    return np.searchsorted(np.sort(column), lines, side="right") / len(column)


def _quantiles(column: Array, shares: Array) -> Array:
    """Lines with such shares below, no two of which have the same values between them."""
    lines = np.quantile(column, np.unique(shares[(shares > 0) & (shares < 1)]))
    below, first = np.unique(_below(column, lines), return_index=True)
    return np.asarray(lines[first[below < 1]])


def _cells_of(values: Array, lines: tuple[Array, ...]) -> NDArray[np.intp]:
    places = [np.searchsorted(line, column) for line, column in zip(lines, values.T, strict=True)]
    return np.asarray(np.ravel_multi_index(places, tuple(len(line) + 1 for line in lines)))
