"""Precision and recall, density and coverage of a generator, with their error bars."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from divergences.evaluation.neighborhoods import Neighborhoods
from divergences.evaluation.score import Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.work import Run

_MEANINGS = {
    "precision": "generated points among the data",
    "recall": "data among the generated points",
    "density": "generated points about each point of the data, of what is due",
    "coverage": "data that have a generated point near",
}
_TENTHS = 10
_MOST = 1_000


def manifold_scores(
    data: NDArray[np.float64], generated: NDArray[np.float64], k: int, run: Run
) -> tuple[Score, ...]:
    """Precision, recall, density and coverage of generated points.

    Balls about the points of a sample reach their k-th neighbor in it. Precision is the share of
    generated points in a ball about the data, recall the share of data in a ball about generated
    points. Density is the mean number of generated points in a ball about the data, over what one
    law would give, and coverage the share of these balls that hold any. Ties do no harm: balls
    are closed for precision and recall, and random tie-breaking is averaged over for the others.

    Standard errors come from a jackknife that leaves out a tenth, on at most 1,000 points of either
    side. They err on the large side, up to twice where nothing differs.

    Parameters
    ----------
    data, generated : ndarray of shape (n, d), (m, d)
    k : int
        Below a fifth of n and of m.
    run : Run
        Randomness of the groups, workers and progress.

    Returns
    -------
    tuple of Score

    References
    ----------
    Kynkäänniemi et al. (2019); Naeem et al. (2020).
    """
    values, reached_own = _values(data, generated, k, run)
    n, m = len(data), len(generated)
    chance = math.prod((n - 1 - j) / (n - 1 + m - j) for j in range(k))
    expected = (reached_own, reached_own, 1.0, 1.0 - chance)
    quiet = replace(run, progress=False)
    stderr = _jackknife(data, generated, k, quiet)
    return tuple(
        Score(name, float(value), float(error), float(perfect), _MEANINGS[name])
        for name, value, error, perfect in zip(_MEANINGS, values, stderr, expected, strict=True)
    )


def _values(
    data: NDArray[np.float64], generated: NDArray[np.float64], k: int, run: Run
) -> tuple[NDArray[np.float64], float]:
    about_data = Neighborhoods.about(data, generated, k, run)
    about_generated = Neighborhoods.about(generated, data, k, run)
    means = [
        about_data.reached.mean(),
        about_generated.reached.mean(),
        about_data.density().mean(),
        about_data.covered().mean(),
    ]
    # Left out of its own balls, a point of the data is to the others as a perfect draw is.
    return np.array(means), float(about_data.reached_own.mean())


def _jackknife(
    data: NDArray[np.float64], generated: NDArray[np.float64], k: int, run: Run
) -> NDArray[np.float64]:
    """Standard errors of the four values."""
    total = np.zeros(4)
    sides = [side[run.rng.permutation(len(side))[:_MOST]] for side in (data, generated)]
    sizes = [len(data) / len(sides[0]), len(generated) / len(sides[1])]
    for side in (0, 1):
        found = []
        for part in np.array_split(np.arange(len(sides[side])), _TENTHS):
            left = list(sides)
            left[side] = np.delete(sides[side], part, axis=0)
            found.append(_values(left[0], left[1], k, run)[0])
        total += np.var(found, axis=0) * (_TENTHS - 1) / sizes[side]
    return np.asarray(np.sqrt(total))
