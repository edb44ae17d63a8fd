"""Boosted trees, which find edges and steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from divergences.estimators.critics.boosted_trees import SHAPES, categorical_features, grow_trees
from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import (
    FittedCritic,
    Training,
    bounded,
    falls_behind,
    with_radius,
)
from divergences.estimators.ratios.labels import log_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_TREES = 60
_LEARNING_RATE = 0.2
_BINS = 250


@dataclass(frozen=True)
class TreesCandidate:
    """Gradient boosting, as long as held-out folds gain from it."""

    name: str
    costly: ClassVar[bool] = True

    def fit(self, training: Training) -> FittedCritic | None:
        """Fit in each fold's complement, and to all points at the best length."""
        bins = Bins.of(training)
        points = bins(training.points)
        labels, weights, shape = training.labels, training.weights, bins.shape(self.name)
        stages, most = np.zeros((_TREES + 1, len(labels))), _TREES
        for fold, here in enumerate(training.each_fold):
            model = _trees(training.seed, shape, most)
            model.fit(points[~here], labels[~here], weights[~here])
            for length, odds in enumerate(model.staged_decision_function(points[here]), 1):
                stages[length, here] = odds.ravel()
            if fold == 0:
                losses = weights[here] @ log_loss(stages[:, here], labels[here]).T
                best = int(np.argmin(losses))
                if best == 0 or falls_behind(training, stages[best], here):
                    return None
                most = min(_TREES, best + best // 2 + 10)
        losses = weights @ log_loss(stages[: most + 1], labels).T
        length = int(np.argmin(losses))
        if length == 0:
            return None
        model = _trees(training.seed, shape, length).fit(points, labels, weights)
        evaluate = TreesCritic(bins, model)
        odds = stages[length]
        return FittedCritic.bounded(odds, odds, evaluate)


@dataclass(frozen=True, eq=False)
class TreesCritic:
    """Log-odds of boosted trees."""

    bins: Bins
    model: Any

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        odds = self.model.decision_function(self.bins(points))
        return bounded(np.asarray(odds, dtype=np.float64))


def _trees(seed: int, shape: dict[str, Any], length: int) -> Any:
    return grow_trees(seed, shape, max_iter=length, learning_rate=_LEARNING_RATE)


@dataclass(frozen=True, eq=False)
class Bins:
    """Features and radius by the number of their bin, then the levels of categorical columns.

    Trees bin features themselves, but take seconds for weighted quantiles.
    """

    coordinates: Coordinates
    edges: tuple[Array, ...]
    categorical: NDArray[np.intp]

    @classmethod
    def of(cls, training: Training) -> Bins:
        """A bin for each value, or bins of equal counts where there are more."""
        values = with_radius(training.coordinates, training.points)
        counts = training.level_counts
        categorical = np.empty(0, np.intp) if counts is None else np.flatnonzero(counts)
        return cls(training.coordinates, tuple(map(_edges, values.T)), categorical)

    def shape(self, name: str) -> dict[str, Any]:
        """Settings of the trees, with which of the bins are categories."""
        kinds = np.repeat([0, 1], [len(self.edges), len(self.categorical)])
        return SHAPES[name] | categorical_features(kinds)

    def __call__(self, points: Array) -> Array:
        """Bins of (k, d) points, as floats."""
        values = with_radius(self.coordinates, points)
        codes = [np.searchsorted(e, column) for e, column in zip(self.edges, values.T, strict=True)]
        return np.column_stack([*codes, points[:, self.categorical]]).astype(np.float64)


def _edges(column: Array) -> Array:
    values = np.unique(column)
    if len(values) > _BINS:
        values = np.unique(np.quantile(column, np.linspace(0, 1, _BINS + 1)))
    return np.asarray((values[1:] + values[:-1]) / 2)
