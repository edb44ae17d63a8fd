"""One sample as what a soft cut along a direction leaves of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from divergences.estimators.critics.critic_candidate import (
    FittedCritic,
    Training,
    bounded,
    fit_by_folds,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates

    Array = NDArray[np.float64]

_PENALTY = 0.05
_STEPS = 100
_FIRST_STEEPNESS = 2.0


@dataclass(frozen=True)
class SelectionCandidate:
    """Log-odds a + ln s(b + w'x), s the logistic function, or their negative, whichever fits.

    They are those of P drawn from Q by a selection, or of Q from P: of skew-normal laws (Azzalini,
    1985), of what a threshold keeps. Where a cut is sharp, no smooth critic is as steep.
    """

    name: str = "selection along a direction"
    costly: ClassVar[bool] = True

    def fit(self, training: Training) -> FittedCritic | None:
        """Fit in each fold's complement and to all points."""
        line = training.coordinates.line(training.points)

        def fit(rows: NDArray[np.bool_]) -> SelectionCritic:
            return SelectionCritic(training.coordinates, *_fit(training, line, rows))

        return fit_by_folds(training, fit)


@dataclass(frozen=True, eq=False)
class SelectionCritic:
    """Log-odds of the selection, times the sign: 1 if P is the part, -1 if Q is."""

    coordinates: Coordinates
    sign: float
    parameters: Array

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        level, offset, *slopes = self.parameters
        along = self.coordinates.line(points) @ np.array(slopes)
        return bounded(self.sign * (level + log_expit(offset + along)))


def _fit(training: Training, line: Array, rows: NDArray[np.bool_]) -> tuple[float, Array]:
    """The better of the two signs, from the direction that parts the means."""
    points, labels, weights = line[rows], training.labels[rows], training.weights[rows]
    means = [np.average(points[labels == k], axis=0, weights=weights[labels == k]) for k in (1, 0)]
    scatter = np.cov(points.T, aweights=weights) + 1e-6 * np.eye(points.shape[1])
    apart = np.linalg.solve(scatter, means[0] - means[1])
    apart *= _FIRST_STEEPNESS / max(float(np.sqrt(apart @ scatter @ apart)), 1e-12)
    middle = (means[0] + means[1]) / 2
    fits = []
    for sign in (1.0, -1.0):
        own = labels if sign > 0 else 1 - labels
        start = np.concatenate([[np.log(2.0), -sign * apart @ middle], sign * apart])
        found = minimize(
            _loss, start, (points, own, weights), "L-BFGS-B", jac=True, options={"maxiter": _STEPS}
        )
        fits.append((float(found.fun), sign, np.asarray(found.x)))
    _, sign, parameters = min(fits, key=lambda fit: fit[0])
    return sign, parameters


def _loss(
    parameters: Array, points: Array, own: NDArray[np.intp], weights: Array
) -> tuple[float, Array]:
    """Log-loss with its slope; `own` is one for the sample that is the part of the other."""
    level, offset, slopes = parameters[0], parameters[1], parameters[2:]
    inner = offset + points @ slopes
    odds = level + log_expit(inner)
    loss = -weights @ log_expit(np.where(own == 1, odds, -odds))
    excess = weights * (expit(odds) - own)
    along = excess * expit(-inner)
    slope = np.concatenate([[excess.sum(), along.sum()], along @ points + _PENALTY * slopes])
    return float(loss + 0.5 * _PENALTY * slopes @ slopes), slope
