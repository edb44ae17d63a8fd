"""Quadratic logistic regression on the few products that differ most: many features, few ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from divergences.estimators.critic_candidate import FittedCritic, Training
from divergences.estimators.feature_maps import ChosenProducts, FeatureMap
from divergences.estimators.ridge_candidates import RidgeCritic
from divergences.estimators.ridge_logistic import fit_best_strength

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_PRODUCTS = 60


@dataclass(frozen=True)
class ScreenedCandidate:
    """Normal scores, their squares, and the products whose means differ most between P and Q.

    Products are chosen anew without each fold, so that no point has a say in its own prediction.
    """

    name: str = "chosen products"
    costly: ClassVar[bool] = True

    def fit(self, training: Training) -> FittedCritic | None:
        """Choose and fit in each fold's complement, and on all points."""
        held_out = np.empty(len(training.points))
        for fold in range(int(training.folds.max()) + 1):
            here = training.folds == fold
            held_out[here] = _fit(training, ~here)(training.points[here])
        whole = _fit(training, np.ones(len(held_out), dtype=bool))
        return FittedCritic.bounded(held_out, whole(training.points), whole)


def _fit(training: Training, rows: NDArray[np.bool_]) -> RidgeCritic:
    points, labels, weights = training.points[rows], training.labels[rows], training.weights[rows]
    scores = training.coordinates.scores(points)
    products = ChosenProducts(training.coordinates, *most_different(scores, labels, weights))
    features = FeatureMap.standardized(products, points)
    fit = fit_best_strength(features(points), labels, weights, features.roughness)
    return RidgeCritic(features, None, fit.coefficients)


def most_different(
    scores: Array, labels: NDArray[np.intp], weights: Array
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of features whose mean product differs most, in standard errors.

    Parameters
    ----------
    scores : ndarray of shape (n, d)
    labels : ndarray of shape (n,)
    weights : ndarray of shape (n,)

    Returns
    -------
    pair of ndarray of shape (k,)
        First and second feature of each pair.
    """
    first, second = np.triu_indices(scores.shape[1], k=1)
    difference, variance = np.zeros(len(first)), np.zeros(len(first))
    for label, sign in ((1, 1.0), (0, -1.0)):
        part = scores[labels == label]
        mass = weights[labels == label] / weights[labels == label].sum()
        mean = ((part * mass[:, np.newaxis]).T @ part)[first, second]
        squares = part**2
        # Of the product's mean, with the masses of a sample whose points may weigh differently.
        spread = ((squares * mass[:, np.newaxis] ** 2).T @ squares)[first, second]
        difference += sign * mean
        variance += np.maximum(spread - mean**2 * float(mass @ mass), 0.0)
    ratio = np.abs(difference) / np.sqrt(np.maximum(variance, np.finfo(float).tiny))
    chosen = np.sort(np.argsort(-ratio, kind="stable")[:_PRODUCTS])
    return first[chosen], second[chosen]
