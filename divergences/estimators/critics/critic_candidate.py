"""What a critic of the library is: fitted to points, and heard on points it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from divergences.estimators.critics.cluster_features import pooled_mixture
from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.feature_maps import FeatureMap
from divergences.estimators.critics.level_features import levels_of
from divergences.estimators.critics.recurring_values import recurring
from divergences.estimators.critics.residuals import Residuals
from divergences.estimators.critics.support_edges import SupportEdges
from divergences.estimators.ratios.labels import excess_loss, stratified_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimate import Critic
    from divergences.estimators.critics.recurring_values import Recurring
    from divergences.estimators.ratios.cross_fitting import TrainingPart

    Array = NDArray[np.float64]

FOLDS = 5
FEW_FOLDS = 2
_ROWS_FOR_FEW_FOLDS = 20_000
_LARGEST = 20.0
_FAR_BEHIND = 2.0  # in standard errors


@dataclass(frozen=True, eq=False)
class Training:
    """What critics are fitted to.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    labels : ndarray of shape (n,)
        1 for P, 0 for Q.
    weights : ndarray of shape (n,)
        Half of the sum in either sample; the sum is the number of points of two equal samples
        that would say as much.
    coordinates : Coordinates
    folds : ndarray of shape (n,)
    seed : int
    standard : ndarray of shape (n,) or None
        Held-out log-odds of the best cheap critic, which a costly one has to come near.
    level_counts : ndarray of shape (d,) or None
        Number of levels of each categorical column, 0 for numeric ones; None if all are numeric.
    levels : FeatureMap or None
        Indicators of the levels.
    """

    points: Array
    labels: NDArray[np.intp]
    weights: Array
    coordinates: Coordinates
    folds: NDArray[np.intp]
    seed: int
    standard: Array | None = None
    level_counts: NDArray[np.intp] | None = None
    levels: FeatureMap | None = None

    @classmethod
    def of(cls, part: TrainingPart, folds: int = FOLDS) -> Training:
        """Prepare rows of both samples."""
        labels = part.labels
        sizes = [
            part.weights[labels == label].sum() ** 2 / (part.weights[labels == label] ** 2).sum()
            for label in (1, 0)
        ]
        whole = 4.0 / (1.0 / sizes[0] + 1.0 / sizes[1])
        if len(labels) > _ROWS_FOR_FEW_FOLDS:
            folds = FEW_FOLDS
        counts, numeric, levels = part.level_counts, None, None
        if counts is not None:
            numeric = np.flatnonzero(counts == 0)
            levels = levels_of(part.points, counts)
        return cls(
            part.points,
            labels,
            part.weights * (whole / part.weights.sum()),
            Coordinates.of(part.points, numeric),
            stratified_folds(labels, folds, np.random.default_rng(part.seed)),
            part.seed,
            level_counts=counts,
            levels=levels,
        )

    @property
    def each_fold(self) -> list[NDArray[np.bool_]]:
        """Which points are in it, for each of the folds."""
        return [self.folds == fold for fold in range(int(self.folds.max()) + 1)]

    @cached_property
    def edges(self) -> tuple[SupportEdges, Array]:
        """Where the samples end, and how far each point lies beyond the others, found once."""
        return SupportEdges.of(self.coordinates, self.points, self.labels)

    @cached_property
    def clusters(self) -> Any:
        """A Gaussian mixture of both samples as one, found once."""
        return pooled_mixture(self.coordinates.line(self.points), self.seed)

    @cached_property
    def recurring(self) -> dict[int, Recurring]:
        """Values that recur, by the numeric column, found once."""
        return recurring(self.coordinates, self.points)

    @cached_property
    def residuals(self) -> Residuals | None:
        """What each feature leaves of what the others say, found once."""
        return Residuals.of(self)


@dataclass(frozen=True, eq=False)
class FittedCritic:
    """A critic, with what it says of the points that it was fitted to.

    Parameters
    ----------
    held_out : ndarray of shape (n,)
        Log-odds at each point of a fit without it, or without its fold.
    fitted : ndarray of shape (n,)
        Log-odds of the fit to all points; `held_out` once more for critics whose own points say
        nothing, such as trees, and halfway for those whose held-out values owe something to them.
    evaluate : callable
        (k, d) points to (k,) log-odds. Picklable.
    optimism : float
        Log-likelihood that `held_out` may owe to choices which saw the labels of all points.
    """

    held_out: Array
    fitted: Array
    evaluate: Critic
    optimism: float = 0.0

    @classmethod
    def bounded(
        cls, held_out: Array, fitted: Array, evaluate: Critic, optimism: float = 0.0
    ) -> FittedCritic:
        """Keep log-odds within what any number of points could show."""
        kept = bounded(held_out)
        return cls(kept, kept if fitted is held_out else bounded(fitted), evaluate, optimism)


def bounded(odds: Array) -> Array:
    """Log-odds within ±20."""
    return np.clip(odds, -_LARGEST, _LARGEST)


class Candidate(Protocol):
    """A kind of critic, before it has seen data."""

    @property
    def name(self) -> str:
        """What diagnostics call it."""

    @property
    def costly(self) -> bool:
        """Whether it is fitted after the others, and given up where it falls far behind."""

    def fit(self, training: Training) -> FittedCritic | None:
        """Fit to all points, and evaluate each without itself."""


def falls_behind(training: Training, odds: Array, here: NDArray[np.bool_]) -> bool:
    """Whether held-out losses are above the standard's by more than noise explains."""
    if training.standard is None:
        return False
    standard, labels = training.standard[here], training.labels[here]
    excess, noise = excess_loss(odds[here], standard, labels, training.weights[here])
    return excess > _FAR_BEHIND * noise


def fit_by_folds(
    training: Training, fit: Callable[[NDArray[np.bool_]], Critic | None]
) -> FittedCritic | None:
    """Fit to the rows of each fold's complement, which rates the fold, and then to all.

    None if the first fit, or that to all, is none, or if the first falls behind: the others are
    spared. Where another is none, it says that nothing tells P from Q.
    """
    held_out = np.zeros(len(training.points))
    for fold, here in enumerate(training.each_fold):
        critic = fit(~here)
        if critic is not None:
            held_out[here] = critic(training.points[here])
        if fold == 0 and (critic is None or falls_behind(training, held_out, here)):
            return None
    whole = fit(np.ones(len(held_out), dtype=bool))
    return None if whole is None else FittedCritic.bounded(held_out, whole(training.points), whole)


def with_radius(coordinates: Coordinates, points: Array) -> Array:
    """Append to the numeric columns, beyond one, the distance from the whitened points' center."""
    numbers = coordinates.numbers(points)
    if coordinates.d < 2:
        return numbers
    return np.column_stack([numbers, np.linalg.norm(coordinates.white(points), axis=1)])
