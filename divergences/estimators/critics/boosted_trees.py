"""Boosted trees, additive or with interactions, as long as a held-out part gains from them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALLEST_LEAF = 20
_FEWEST_ROWS = 8
_SHARE_OF_A_LEAF = 1 / 8
_FEWEST_OF_A_LEAF = 2
# A few held-out rows that are all told right would let the log-odds grow beyond what they show.
_TREES_FOR_A_ROW = 25
_BINNED_ROWS = 200_000
_HELD_OUT = 0.25
SHAPES: dict[str, dict[str, Any]] = {
    "additive trees": {"interaction_cst": "no_interactions", "max_leaf_nodes": 4},
    "trees": {"max_leaf_nodes": 8},
}


def fit_boosted_trees(
    points: NDArray[np.float64],
    labels: NDArray[np.intp],
    weights: NDArray[np.float64],
    seed: int,
    level_counts: NDArray[np.intp] | None,
) -> Any:
    """Fit scikit-learn's histogram gradient boosting, its shape and length chosen inside.

    Trees of one feature each, or of several, are grown until the log-loss on a held-out quarter
    stops falling; the better shape is then grown to that length on all rows. A leaf has at least
    20 rows, of fewer than 160 an eighth of them.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    labels : ndarray of shape (n,)
        1 for P, 0 for Q.
    weights : ndarray of shape (n,)
    seed : int
        Of the held-out quarter.
    level_counts : ndarray of shape (d,) or None
        Number of levels of each categorical column, 0 for numeric ones; None if all are numeric.

    Returns
    -------
    classifier
        Its `decision_function` is the log-odds.

    References
    ----------
    Friedman (2001); Ke et al. (2017).
    """
    leaf = min(_SMALLEST_LEAF, max(_FEWEST_OF_A_LEAF, int(_SHARE_OF_A_LEAF * len(labels))))
    points = _without_empty(points, leaf)
    shapes = tuple(SHAPES.values())
    if len(labels) < _FEWEST_ROWS:
        # Too few to hold some out: one tree of no size.
        nothing = grow_trees(seed, shapes[0], max_iter=1, min_samples_leaf=len(labels))
        return nothing.fit(points, labels, weights)
    kinds = categorical_features(level_counts)
    best_score, best_shape, best_length = -np.inf, shapes[0], 1
    for shape in shapes if points.shape[1] > 1 else shapes[:1]:
        trial = grow_trees(
            seed,
            shape,
            max_iter=_TREES_FOR_A_ROW * leaf,
            early_stopping=True,
            validation_fraction=_HELD_OUT,
            n_iter_no_change=15,
            min_samples_leaf=leaf,
            **kinds,
        ).fit(points, labels, weights)
        length = int(np.argmax(trial.validation_score_))
        if trial.validation_score_[length] > best_score:
            best_score, best_shape, best_length = trial.validation_score_[length], shape, length
    if best_length == 0:
        # Not one tree helped: a single one of no size says that nothing tells P from Q.
        leaf = len(labels)
    length = max(best_length, 1)
    best = grow_trees(seed, best_shape, max_iter=length, min_samples_leaf=leaf, **kinds)
    return best.fit(points, labels, weights)


def _without_empty(points: NDArray[np.float64], leaf: int) -> NDArray[np.float64]:
    """Columns with fewer values than a leaf holds set to zero: no tree splits by either.

    Bins cannot be found where all is missing, as it may then be in the rows that trees are grown
    on or that bins are found from.
    """
    needed = leaf * math.ceil(len(points) / _BINNED_ROWS)
    return np.where(np.isfinite(points).sum(axis=0) < needed, 0.0, points)


def categorical_features(level_counts: NDArray[np.intp] | None) -> dict[str, Any]:
    """Setting of the trees that says which columns are categorical; none if there are none."""
    if level_counts is None or not level_counts.any():
        return {}
    return {"categorical_features": level_counts > 0}


def grow_trees(seed: int, shape: dict[str, Any], **settings: Any) -> Any:
    """Unfitted histogram gradient boosting with this package's defaults."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    defaults = {
        "min_samples_leaf": _SMALLEST_LEAF,
        "learning_rate": 0.1,
        "l2_regularization": 1.0,
        "early_stopping": False,
    }
    return HistGradientBoostingClassifier(random_state=seed, **{**defaults, **shape, **settings})
