"""Permutation tests: exact at any number of points, whatever the statistic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.work import Run

_LABELS_AT_ONCE = 2**20
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Statistic:
    """Statistics of pooled points that see which points are called P's, larger where they differ.

    Parameters
    ----------
    of_labels : callable
        (N, b) labels, 1.0 for P and 0.0 for Q, to (s, b) values: s statistics of each labeling.
    names : tuple of str
        What the s statistics are called in notes.
    """

    of_labels: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Permuted:
    """A statistic under the true labels and under random ones.

    Parameters
    ----------
    statistic : float
        Under the true labels.
    null : ndarray of shape (permutations,)
        Under permuted labels.
    best : str
        Name of the statistic that is largest under the true labels.
    """

    statistic: float
    null: NDArray[np.float64]
    best: str

    @property
    def p_value(self) -> float:
        """(1 + #{null >= statistic})/(1 + #null): at most u with probability at most u."""
        slack = _ROUNDING * max(abs(self.statistic), float(np.ptp(self.null)))
        return (1 + int((self.null >= self.statistic - slack).sum())) / (1 + len(self.null))


def permuted(
    statistic: Statistic, labels: NDArray[np.float64], permutations: int, run: Run
) -> Permuted:
    """Evaluate statistics under the true and under permuted labels.

    Of several statistics the largest counts, each standardized by its mean and spread over all
    labelings, the true one included: a symmetric function of exchangeable values, so that the
    p-value is as exact as that of one statistic.

    Parameters
    ----------
    statistic : Statistic
    labels : ndarray of shape (N,)
        1.0 for points of P, 0.0 for points of Q, in an order that knows nothing of the points.
    permutations : int
    run : Run
        Its generator permutes.

    Returns
    -------
    Permuted

    References
    ----------
    Phipson and Smyth (2010).
    """
    size = max(1, _LABELS_AT_ONCE // len(labels))
    counts = np.diff(np.append(np.arange(0, permutations, size), permutations))
    jobs = list(zip(run.rng.spawn(len(counts)), counts, strict=True))

    def evaluate(job: tuple[np.random.Generator, np.intp]) -> NDArray[np.float64]:
        rng, count = job
        rows = np.tile(labels, (int(count), 1))
        return statistic.of_labels(rng.permuted(rows, axis=1, out=rows).T)

    observed = statistic.of_labels(labels[:, np.newaxis])
    values = np.hstack([observed, *run.map(evaluate, jobs, "Permutations")])
    if len(values) == 1:
        return Permuted(float(values[0, 0]), values[0, 1:], statistic.names[0])
    spread = values.std(axis=1, keepdims=True)
    constant = spread <= 1e-12 * np.abs(values).max(axis=1, keepdims=True)
    scores = (values - values.mean(axis=1, keepdims=True)) / np.where(constant, np.inf, spread)
    best = statistic.names[int(np.argmax(scores[:, 0]))]
    largest = scores.max(axis=0)
    return Permuted(float(largest[0]), largest[1:], best)
