"""Whole density-ratio methods as critics among others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from divergences.estimators.critics.critic_candidate import FittedCritic, Training
from divergences.estimators.ratios.ratio import RatioEstimator
from divergences.work import Run

if TYPE_CHECKING:
    from divergences.measures.samples import Samples


@dataclass(frozen=True)
class MethodCandidate:
    """A method by what it says of points that it has not seen; its own points say nothing.

    Parameters
    ----------
    name : str
    method : RatioEstimator
    p, q : Samples
        The points of a training, which says less of them than a method may need.
    """

    name: str
    method: RatioEstimator
    p: Samples
    q: Samples
    costly: ClassVar[bool] = False

    def fit(self, training: Training) -> FittedCritic:
        """One call; every method rates points out of sample."""
        run = Run(np.random.default_rng(training.seed), progress=False)
        ratio = self.method.log_ratio(self.p, self.q, run)
        odds = np.concatenate([ratio.at_p, ratio.at_q])
        return FittedCritic.bounded(odds, odds, ratio.evaluate)
