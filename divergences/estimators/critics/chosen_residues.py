"""Remainders of whole numbers, those that differ most: weekdays of dates, check digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from divergences.estimators.critics.differences import mean_difference
from divergences.estimators.critics.feature_maps import FeatureMap, beside_scores, thinned
from divergences.estimators.critics.highest import highest
from divergences.estimators.ratios.labels import by_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]

_MODULI = (2, 3, 4, 5, 6, 7, 10, 12, 24)
_MOST_COLUMNS, _FEWEST_VALUES = 12, 3
_LARGEST_WHOLE = 2.0**40
_MOST_KEPT, _OVERTONES = 20, 5
_ROUNDING = 1e-9
_FALSE_ALARMS = 0.02


@dataclass(frozen=True, eq=False)
class Residues:
    """Some cosines and sines of remainders, times a score or not.

    Parameters
    ----------
    coordinates : Coordinates
    combinations : ndarray of shape (t, d)
        Whole numbers by which the columns are added up.
    frequencies : ndarray of shape (t,)
        Turns for each step of one: 1/7 for weekdays.
    factors : ndarray of shape (t,)
        Feature whose score each is multiplied by; -1 for none.
    """

    coordinates: Coordinates
    combinations: Array
    frequencies: Array
    factors: Places

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        return np.hstack(self.turns(points))

    def turns(self, points: Array) -> tuple[Array, Array]:
        """The cosines, and the sines."""
        whole = self.coordinates.numbers(points) @ self.combinations.T
        turn = np.exp(2j * np.pi * (whole * self.frequencies % 1.0))
        scores = np.column_stack([self.coordinates.scores(points), np.ones(len(points))])
        turn = turn * scores[:, self.factors]
        return turn.real, turn.imag


def residues_that_differ(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> FeatureMap | None:
    """The remainders whose means differ by more than chance; None if there are none.

    Of single columns, alone and times the scores of others, of sums and differences of two, and
    of the sum of all.
    """
    seen = thinned(points)
    columns = _whole_columns(coordinates.numbers(seen))
    if len(columns) == 0:
        return None
    combinations, factors = _combinations(columns, coordinates.d)
    each = len(_MODULI)
    raw = Residues(
        coordinates,
        np.repeat(combinations, each, axis=0),
        np.tile(1.0 / np.array(_MODULI), len(factors)),
        np.repeat(factors, each),
    )
    chance = _chance(raw, seen, thinned(labels), thinned(weights))
    clear = np.sort(highest(-chance, _MOST_KEPT, -np.log(_FALSE_ALARMS / len(chance))))
    if len(clear) == 0:
        return None
    features = FeatureMap.standardized(_with_overtones(raw, clear), points)
    return beside_scores(coordinates, points, features)


def _chance(raw: Residues, points: Array, labels: Places, weights: Array) -> Array:
    """Logarithm of the chance that a remainder differs so: its slowest turn, or all together."""
    turns = np.outer(np.arange(1, _OVERTONES + 1), raw.frequencies)
    # Half a turn has no sine, and beyond it are those of slower turns.
    freedom = 1 * (turns < 0.5 + _ROUNDING) + (turns < 0.5 - _ROUNDING)
    differences = np.zeros(turns.shape)
    for own, frequencies, there in zip(differences, turns, freedom > 0, strict=True):
        faster = Residues(
            raw.coordinates, raw.combinations[there], frequencies[there], raw.factors[there]
        )
        sides = [by_label(side, labels, weights) for side in faster.turns(points)]
        own[there] = sum(mean_difference(side) ** 2 for side in sides)
    total = differences.sum(axis=0)
    # Of more degrees of freedom it is larger than of two; far out it has no digits.
    together = np.maximum(chi2.logsf(total, freedom.sum(axis=0)), -total / 2)
    return np.asarray(np.minimum(-differences[0] / 2, together) + np.log(2))


def _with_overtones(raw: Residues, clear: Places) -> Residues:
    """Some of the remainders, as sharply as overtones make them."""
    rows = np.repeat(clear, _OVERTONES)
    frequencies = raw.frequencies[rows] * np.tile(np.arange(1, _OVERTONES + 1), len(clear))
    # Beyond a half they are those of slower turns, and of 1/5 the first is that of 1/10 the second.
    kept = frequencies < 0.5 + _ROUNDING
    every = np.column_stack([raw.combinations[rows], raw.factors[rows], frequencies])[kept]
    _, first = np.unique(np.round(every, 9), axis=0, return_index=True)
    rows, frequencies = rows[kept][first], frequencies[kept][first]
    return Residues(raw.coordinates, raw.combinations[rows], frequencies, raw.factors[rows])


def _whole_columns(numbers: Array) -> Places:
    found = [
        j
        for j, column in enumerate(numbers.T)
        if (column == np.rint(column)).all()
        and np.abs(column).max() < _LARGEST_WHOLE
        and len(np.unique(column)) >= _FEWEST_VALUES
    ]
    return np.array(found[:_MOST_COLUMNS], dtype=np.intp)


def _combinations(columns: Places, d: int) -> tuple[Array, Places]:
    """Rows of whole numbers, and the feature whose score each is multiplied by."""
    unit = np.eye(d)
    rows, factors = [], []
    for place, column in enumerate(columns):
        for factor in (-1, *range(d)):
            if factor != column:
                rows.append(unit[column])
                factors.append(factor)
        for other in columns[:place]:
            rows += [unit[column] + unit[other], unit[column] - unit[other]]
            factors += [-1, -1]
    if len(columns) > 2:
        rows.append(unit[columns].sum(axis=0))
        factors.append(-1)
    return np.array(rows), np.array(factors, dtype=np.intp)
