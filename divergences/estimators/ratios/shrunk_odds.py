"""Log-odds of an overconfident classifier, brought to scale within the part it is fitted to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimate import Critic
from divergences.estimators.ratios.calibration import calibration
from divergences.estimators.ratios.cross_fitting import Fit, TrainingPart, fit_fold, made_finite
from divergences.estimators.ratios.labels import by_label, excess_loss, stratified_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_FOLDS = 3
_FEWEST_POINTS = 12
_PRIOR = 5.0
_CLEARLY = 2.0  # in standard errors
# Of a share of votes, half a vote beyond the largest that is not unanimous adds about one.
_CERTAIN_BEYOND = 1.0


@dataclass(frozen=True, eq=False)
class ShrunkOdds:
    """Log-odds of a classifier, shrunk as points that it had not seen demand.

    Parameters
    ----------
    model : callable
        (k, d) points to (k,) log-odds, infinite where a probability is 0 or 1.
    certain : float
        Finite log-odds that take the place of infinite ones.
    slope, offset : float
        What the log-odds are multiplied by, and what is added to them.
    share : float
        Mean size of the shrunk log-odds over that of the classifier's own.
    """

    model: Critic
    certain: float
    slope: float
    offset: float
    share: float

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        return self.slope * _finite(self.model(points), self.certain) + self.offset


def fit_shrunk(fit: Fit, part: TrainingPart) -> Critic:
    """Fit a classifier, and shrink its log-odds where they are clearly overconfident.

    Those of points that a fit to the rest of the part had not seen are calibrated by the labels,
    and kept as they are unless that lowers their log-loss by two standard errors and makes them
    smaller. No point outside the part has a say, so that the result is as fresh to them as the
    classifier is.
    """
    model = fit(part)
    if np.bincount(part.labels, minlength=2).min() < _FEWEST_POINTS:
        return model
    try:
        odds = _held_out(fit, part)
    except ValueError:
        # A classifier that needs more points than two thirds of the part cannot be judged.
        return model
    own, _ = made_finite(odds, len(odds))
    certain = float(np.abs(odds[np.isfinite(odds)]).max(initial=0.0)) + _CERTAIN_BEYOND
    odds = _finite(odds, certain)
    slope, offset = _calibrated(odds, part)
    shrunk = slope * odds + offset
    gain, error = excess_loss(own, shrunk, part.labels, part.weights)
    size, own_size = (float(part.weights @ np.abs(each)) for each in (shrunk, own))
    if gain < _CLEARLY * error or size >= own_size:
        return model
    return ShrunkOdds(model, certain, slope, offset, size / own_size)


def shrinkage(models: tuple[Critic, ...]) -> tuple[float, tuple[str, ...]]:
    """Mean share that the log-odds of the fits of the folds were shrunk to, and a note of it."""
    shares = [model.share if isinstance(model, ShrunkOdds) else 1.0 for model in models]
    share, count = float(np.mean(shares)), sum(share < 1 for share in shares)
    if count == 0:
        return 1.0, ()
    fits = "" if count == len(models) else f" in {count} of {len(models)} fits"
    return share, (
        f"The classifier's log-odds are overconfident: shrunk by {1 - share:.0%} on average{fits}, "
        f"as points of its training part that it had not seen demand.",
    )


def _held_out(fit: Fit, part: TrainingPart) -> Array:
    rng = np.random.default_rng(part.seed)
    parts = stratified_folds(part.labels, _FOLDS, rng)
    seeds = rng.integers(2**31, size=_FOLDS)
    odds = np.empty(len(parts))
    for fold in range(_FOLDS):
        odds[parts == fold] = fit_fold(fit, part, parts, seeds, fold)(part.points[parts == fold])
    return odds


def _calibrated(odds: Array, part: TrainingPart) -> tuple[float, float]:
    # At unit size, where the weak prior of the calibration holds them.
    size = max(1.0, math.sqrt(part.weights @ odds**2 / part.weights.sum()))
    (at_p, mass_p), (at_q, mass_q) = by_label(odds / size, part.labels, part.weights)
    slope, offset = calibration(at_p, at_q, mass_p, mass_q, _PRIOR)
    return float(slope) / size, float(offset)


def _finite(odds: Array, certain: float) -> Array:
    return np.where(np.isinf(odds), np.sign(odds) * certain, odds)
