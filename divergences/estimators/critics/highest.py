"""The best few of many, where they are good enough: the step that all choices end in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def highest(
    scores: NDArray[np.float64] | NDArray[np.intp], most: int, least: float = -np.inf
) -> NDArray[np.intp]:
    """Places of the highest scores, at most so many and none below the least, in falling order.

    Where the least is exceeded by chance in one of so many tries, over a share, chance alone keeps
    any in no more than that share of cases (Bonferroni).
    """
    best = np.argsort(-scores, kind="stable")[:most]
    return best[scores[best] >= least]
