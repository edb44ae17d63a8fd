"""Does the generator repeat its training points? Distances to them, against those of fresh data."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu, rankdata

from divergences.estimators.neighbor_balls import TREE_FEATURES
from divergences.evaluation.score import Score
from divergences.numerals import two_digits
from divergences.work import Run, row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SURE = 0.001
_TINY = 1e-15


def copying_scores(
    data: NDArray[np.float64], generated: NDArray[np.float64], train: NDArray[np.float64], run: Run
) -> tuple[tuple[Score, ...], tuple[str, ...]]:
    """Compare the distances to the nearest training point of generated and of held-out points.

    "copying" is the chance that a generated point is nearer to the training points than a
    held-out one, 1/2 for a perfect generator, and 1 for one that repeats its training points; the
    note gives the Mann-Whitney test of it. "distance ratio" is the ratio of the two medians. A
    generator that keeps to dense places is near to the training points without copying them: read
    precision and recall too.

    Parameters
    ----------
    data, generated, train : ndarray of shape (n, d), (m, d), (l, d)
    run : Run
        Workers and progress.

    Returns
    -------
    tuple of Score, tuple of str
        The scores, and what to know.

    References
    ----------
    Meehan, Chaudhuri and Dasgupta (2020).
    """
    fresh, made = (nearest_distances(side, train, run) for side in (data, generated))
    placed_made, placed_fresh = _placements(made, fresh)
    chance = float(placed_made.mean())
    variance = placed_made.var(ddof=1) / len(made) + placed_fresh.var(ddof=1) / len(fresh)
    scores = (
        Score(
            "copying",
            chance,
            float(np.sqrt(variance)),
            0.5,
            "chance that a generated point is nearer to training points than a held-out one",
        ),
        _ratio(made, fresh),
    )
    return scores, _notes(made, fresh, chance)


def nearest_distances(
    points: NDArray[np.float64], train: NDArray[np.float64], run: Run
) -> NDArray[np.float64]:
    """Distance from each point to the nearest training point, of shape (n,)."""
    if train.shape[1] <= TREE_FEATURES:
        tree = cKDTree(train, balanced_tree=False)
        return np.asarray(tree.query(points)[0], dtype=np.float64)
    tiles = row_tiles(len(points), len(train), arrays=1)
    return np.concatenate(list(run.map(partial(_nearest, points, train), tiles, "distances")))


def _nearest(
    points: NDArray[np.float64], train: NDArray[np.float64], rows: slice
) -> NDArray[np.float64]:
    return np.asarray(cdist(points[rows], train).min(axis=1))


def _placements(
    made: NDArray[np.float64], fresh: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each made distance the share of fresh ones above it, for each fresh one of made below.

    Ties count half. The mean of either is the Mann-Whitney statistic as a chance, and their
    variances are those of its two samples.
    """
    ranks = rankdata(np.concatenate([made, fresh]))
    n, m = len(made), len(fresh)
    below_made = (ranks[:n] - rankdata(made)) / m
    below_fresh = (ranks[n:] - rankdata(fresh)) / n
    return 1.0 - below_made, below_fresh


def _ratio(made: NDArray[np.float64], fresh: NDArray[np.float64]) -> Score:
    middle = float(np.median(made)), float(np.median(fresh))
    meaning = "median distance to training points, generated over held-out"
    if middle[1] == 0:
        ratio = 1.0 if middle[0] == 0 else float("inf")
        return Score("distance ratio", ratio, 0.0, 1.0, meaning)
    ratio = middle[0] / middle[1]
    spread = np.hypot(_median_spread(made), ratio * _median_spread(fresh)) / middle[1]
    return Score("distance ratio", ratio, float(spread), 1.0, meaning)


def _median_spread(values: NDArray[np.float64]) -> float:
    """Standard error of a median: half the width of its interval of 68 % by order statistics."""
    half = 0.5 / len(values) ** 0.5
    low, high = np.quantile(values, [max(0.5 - half, 0.0), min(0.5 + half, 1.0)])
    return float(high - low) / 2


def _pvalue_words(pvalue: float) -> str:
    return f"= {two_digits(pvalue)}" if pvalue > _TINY else f"< {_TINY:g}"


def _notes(made: NDArray[np.float64], fresh: NDArray[np.float64], chance: float) -> tuple[str, ...]:
    notes = []
    pvalue = float(mannwhitneyu(made, fresh, alternative="less").pvalue)
    if pvalue < _SURE:
        notes.append(
            f"Generated points are nearer to the training points than held-out data are, in "
            f"{chance:.0%} of pairs (p {_pvalue_words(pvalue)}): they are copied, or come from "
            f"dense places only."
        )
    copies, repeats = int((made == 0).sum()), float((fresh == 0).mean())
    if copies:
        notes.append(
            f"{copies:,} of {len(made):,} generated points are training points to the last digit; "
            f"of the held-out data {repeats:.1%} are."
        )
    return tuple(notes)
