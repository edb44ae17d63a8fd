"""How often a classifier tells data from generated points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.ratios.ratio import RatioEstimator
from divergences.evaluation.score import Score
from divergences.measures import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.work import Run


def accuracy_score(p: Samples, q: Samples, method: RatioEstimator, run: Run) -> Score:
    """Accuracy of the classifier p/q > 1 on points that it was not fitted on; 1/2 for one law.

    It is the mean of the accuracies on both samples, whatever their sizes. Log-ratios of 0 are
    half right.

    Parameters
    ----------
    p, q : Samples
    method : RatioEstimator
        How to find ln(p/q).
    run : Run
        Randomness, workers and progress.

    Returns
    -------
    Score

    References
    ----------
    Lopez-Paz and Oquab (2017).
    """
    ratio = method.log_ratio(p, q, run)
    right = _right(ratio.at_p), _right(-ratio.at_q)
    value = (right[0].mean() + right[1].mean()) / 2
    # Where all are right their variance says nothing of what further points would show.
    variance = sum(max(part.var(), 1 / (4 * len(part))) / len(part) for part in right) / 4
    meaning = f"of {method.describe()}, telling data from generated points"
    return Score("accuracy", float(value), float(np.sqrt(variance)), 0.5, meaning)


def _right(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(odds == 0, 0.5, odds > 0)
