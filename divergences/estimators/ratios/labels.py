"""Labels, 1 for P and 0 for Q: rows by them, folds and weights that balance them, and the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def stratified_folds(
    labels: NDArray[np.intp], folds: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Give each row a fold, as evenly as can be within each label."""
    assigned = np.empty(len(labels), dtype=np.intp)
    for label in (1, 0):
        rows = np.flatnonzero(labels == label)
        assigned[rows] = rng.permutation(len(rows)) % folds
    return assigned


def by_label(
    values: NDArray[np.float64], labels: NDArray[np.intp], weights: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Values and masses of P's rows, and of Q's."""
    return [
        (values[labels == label], weights[labels == label] / weights[labels == label].sum())
        for label in (1, 0)
    ]


def mean_and_variance(values: Any, mass: NDArray[np.float64]) -> tuple[Any, Any]:
    """Mean over the rows, whose masses sum to one, and its variance over repeated samples."""
    mean = mass @ values
    return mean, mass**2 @ (values - mean) ** 2


def balanced_weights(labels: NDArray[np.intp], mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """Masses brought to mean 1, half of their sum for each label."""
    total = np.where(labels == 1, mass[labels == 1].sum(), mass[labels == 0].sum())
    return np.asarray(mass / total * (len(labels) / 2.0))


def rows_by_weight(weights: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows repeated about in proportion to their weights, for fits that take none.

    As many as the weights are worth by Kish's effective number, so that what counts rows, such as
    BIC, counts no more than the sample says; each row once if all weigh the same.
    """
    if np.ptp(weights) == 0:
        return np.arange(len(weights))
    size = max(2, round(float(weights.sum() ** 2 / (weights**2).sum())))
    sums = np.cumsum(weights)
    return np.asarray(np.searchsorted(sums, (np.arange(size) + 0.5) / size * sums[-1]))


def log_loss(odds: NDArray[np.float64], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """-ln of the probability that the log-odds give to the label."""
    return np.asarray(np.logaddexp(0.0, np.where(labels == 1, -odds, odds)))


def excess_loss(
    odds: NDArray[np.float64],
    standard: NDArray[np.float64],
    labels: NDArray[np.intp],
    weights: NDArray[np.float64],
) -> tuple[float, float]:
    """By how much the mean loss of log-odds exceeds that of a standard, and its standard error."""
    excess = log_loss(odds, labels) - log_loss(standard, labels)
    mean, variance = mean_and_variance(excess, weights / weights.sum())
    return float(mean), float(np.sqrt(variance))
