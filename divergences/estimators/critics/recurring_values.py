"""Values that recur in numeric columns: which, where they heap, on what digits they end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from divergences.estimators.critics.feature_maps import FeatureMap, beside_scores
from divergences.estimators.critics.highest import highest
from divergences.estimators.critics.level_features import by_level

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates
    from divergences.estimators.critics.critic_candidate import Training

    Array = NDArray[np.float64]
    Recurring = tuple[Array, NDArray[np.intp]]

_FEWEST_OF_AN_ATOM = 5
_MOST_ATOMS = 40
_MOST_INDICATORS = 300
_MOST_CODES = 25
_MOST_FEATURES_PAIRED = 15
_FEWEST_DISTINCT = 20
_NEIGHBORS = 5
_EXTRA_POINTS = 2.0
_MOST_DECIMALS = 6
_LARGEST_WHOLE = 2.0**40
_OFF_A_SITE = 1e-4
_ROUGHNESS = 0.1


@dataclass(frozen=True, eq=False)
class Heaps:
    """How much more often each value occurs than its neighbors do, as ages and prices heap.

    ln((c + 2)/(median of c + 2)) of the counts c of the value and of five values on either side.

    Parameters
    ----------
    columns : tuple of int
    values, heaps : tuple of ndarray
        For each column its distinct values and what is said of them.
    """

    columns: tuple[int, ...]
    values: tuple[Array, ...]
    heaps: tuple[Array, ...]

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        found = np.zeros((len(points), len(self.columns)))
        for place, (column, values, heaps) in enumerate(
            zip(self.columns, self.values, self.heaps, strict=True)
        ):
            nearest = np.minimum(np.searchsorted(values, points[:, column]), len(values) - 1)
            met = values[nearest] == points[:, column]
            found[met, place] = heaps[nearest[met]]
        return found


@dataclass(frozen=True, eq=False)
class Atoms:
    """Which of the values that recur most each point has.

    Parameters
    ----------
    columns : ndarray of shape (t,)
    values : ndarray of shape (t,)
    """

    columns: NDArray[np.intp]
    values: Array

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        return np.asarray(points[:, self.columns] == self.values, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class LastDigits:
    """On which digit each value ends, and on which two.

    Parameters
    ----------
    columns : tuple of int
    units : tuple of float
        Of the last digit of each column.
    """

    columns: tuple[int, ...]
    units: tuple[float, ...]

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        parts = []
        for column, unit in zip(self.columns, self.units, strict=True):
            whole = np.rint(np.minimum(np.abs(points[:, column]), _LARGEST_WHOLE) / unit)
            parts += [(whole % base)[:, np.newaxis] == np.arange(base) for base in (10, 100)]
        return np.hstack(parts).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Repeats:
    """How many pairs of features, and of neighbors, share a value; of few features which pairs.

    Parameters
    ----------
    coordinates : Coordinates
    pairs : ndarray of shape (t, 2)
        Pairs of features that have indicators of their own.
    """

    coordinates: Coordinates
    pairs: NDArray[np.intp]

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        numbers = self.coordinates.numbers(points)
        ordered = np.sort(numbers, axis=1)
        # In order, equal values are neighbors: a run of c of them makes c - 1 steps of none.
        runs = (np.diff(ordered, axis=1) == 0).sum(axis=1)
        neighbors = np.diff(numbers, axis=1) == 0
        steps = neighbors.sum(axis=1)
        longest = _longest_run(neighbors)
        counts = np.column_stack([runs, runs > 0, steps, steps > 0, longest])
        first, second = self.pairs.T
        return np.hstack([counts, numbers[:, first] == numbers[:, second]]).astype(np.float64)


def _longest_run(flags: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Length of the longest run of true flags in each row."""
    length = longest = np.zeros(len(flags), dtype=np.intp)
    for flag in flags.T:
        length = (length + 1) * flag
        longest = np.maximum(longest, length)
    return longest


def repeats(training: Training) -> FeatureMap | None:
    """Scores, their squares, and values that recur within a point; None where few do."""
    coordinates = training.coordinates
    ordered = np.sort(coordinates.numbers(training.points), axis=1)
    if (np.diff(ordered, axis=1) == 0).any(axis=1).sum() < _FEWEST_OF_AN_ATOM:
        return None
    few = coordinates.d if coordinates.d <= _MOST_FEATURES_PAIRED else 0
    return _beside_scores(
        training, Repeats(coordinates, np.column_stack(np.triu_indices(few, k=1)))
    )


def heaps(training: Training) -> FeatureMap | None:
    """Scores, their squares, and where values heap; None where none recurs."""
    found = []
    for column, (values, counts) in training.recurring.items():
        if len(values) > max(_FEWEST_DISTINCT, 2 * _NEIGHBORS):
            padded = np.pad(counts.astype(np.float64), _NEIGHBORS, mode="reflect")
            usual = np.median(sliding_window_view(padded, 2 * _NEIGHBORS + 1), axis=1)
            heap = np.log((counts + _EXTRA_POINTS) / (usual + _EXTRA_POINTS))
            found.append((column, values, heap))
    if not found:
        return None
    columns, values_of, heaps_of = zip(*found, strict=True)
    return _beside_scores(training, Heaps(columns, values_of, heaps_of))


def atoms(training: Training) -> FeatureMap | None:
    """Scores, their squares, and indicators of the values that recur most; None without any."""
    columns, chosen, often = [], [], []
    for column, (values, counts) in training.recurring.items():
        most = highest(counts, _MOST_ATOMS, _FEWEST_OF_AN_ATOM)
        columns += [column] * len(most)
        chosen += list(values[most])
        often += list(counts[most])
    if not chosen:
        return None
    kept = np.sort(highest(np.array(often), _MOST_INDICATORS))
    raw = Atoms(np.array(columns, dtype=np.intp)[kept], np.array(chosen)[kept])
    return _beside_scores(training, raw)


def last_digits(training: Training) -> FeatureMap | None:
    """Scores, their squares, and the last digits of decimal numbers; None where there are none."""
    found = []
    for column, (values, _) in training.recurring.items():
        unit = _decimal_unit(values) if len(values) > _FEWEST_DISTINCT else None
        if unit is not None:
            found.append((column, unit))
    if not found:
        return None
    columns, units = zip(*found[: _MOST_INDICATORS // 110], strict=True)
    return _beside_scores(training, LastDigits(columns, units))


def numbers_by_value(training: Training) -> FeatureMap | None:
    """Scores and their squares, in common and for each value of a column of few, as codes are."""
    codes = [
        (column, values)
        for column, (values, _) in training.recurring.items()
        if len(values) <= _MOST_CODES
    ]
    if not codes or training.coordinates.d == 1:
        return None
    columns = np.repeat([column for column, _ in codes], [len(values) for _, values in codes])
    raw = Atoms(columns.astype(np.intp), np.concatenate([values for _, values in codes]))
    return by_level(training, FeatureMap.centered(raw, training.points, _ROUGHNESS))


def recurring(coordinates: Coordinates, points: Array) -> dict[int, Recurring]:
    """Distinct values and their counts, of the numeric columns in which some value recurs."""
    found = {}
    for column in np.arange(points.shape[1])[coordinates.columns]:
        values, counts = np.unique(points[:, column], return_counts=True)
        if len(values) > 2 and counts.max() >= _FEWEST_OF_AN_ATOM:
            found[int(column)] = values, counts
    return found


def _decimal_unit(values: Array) -> float | None:
    """The unit of the last decimal that any of the values has."""
    if np.abs(values).max() > _LARGEST_WHOLE:
        return None
    for decimals in range(_MOST_DECIMALS + 1):
        sites = np.abs(values) * 10.0**decimals
        if sites.max() > _LARGEST_WHOLE:
            return None
        if np.abs(sites - np.rint(sites)).max() < _OFF_A_SITE:
            return float(10.0**-decimals)
    return None


def _beside_scores(training: Training, raw: Callable[[Array], Array]) -> FeatureMap:
    features = FeatureMap.centered(raw, training.points, _ROUGHNESS)
    return beside_scores(training.coordinates, training.points, features)
