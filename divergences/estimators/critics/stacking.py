"""One critic from many: a logistic regression on what each says of points it has not seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from divergences.definitions import JensenShannon
from divergences.estimators.critics.critic_candidate import (
    Candidate,
    FittedCritic,
    Training,
    bounded,
)
from divergences.estimators.critics.ridge_logistic import RidgeFit, fit_ridge, with_intercept
from divergences.estimators.ratios.labels import by_label, log_loss, mean_and_variance
from divergences.estimators.ratios.overlooked import LEAST_GAIN, overlooked, trust
from divergences.work import single_threaded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.work import Run

    Array = NDArray[np.float64]

_PRIOR = 1.0
_HANDICAP = 4.0


@dataclass(frozen=True, eq=False)
class Stack:
    """Critics with their weights, and what the whole says of the points it was fitted to.

    Parameters
    ----------
    names : tuple of str
        Of the critics; candidates that fell far behind are missing.
    critics : tuple of FittedCritic
    weights : ndarray of shape (c,)
        At least zero; zero for those that add nothing.
    offset : float
    held_out, fitted : ndarray of shape (n,)
        Log-odds without and with the own point.
    values : ndarray of shape (c,)
        Held-out Jensen–Shannon divergence by each critic.
    unseen : int
        The critic whose mean of held-out and own value is largest.
    trust : float
        From zero, where the held-out value is within its noise, to one, where it is far above.
    missed : float
        Jensen–Shannon divergence of a difference that is nearly sure to be kept if it can be seen.
    """

    names: tuple[str, ...]
    critics: tuple[FittedCritic, ...]
    weights: Array
    offset: float
    held_out: Array
    fitted: Array
    values: Array
    unseen: int
    trust: float
    missed: float

    def __call__(self, points: Array) -> Array:
        """Log-ratio at (k, d) points."""
        odds = np.full(len(points), self.offset)
        for critic, weight in zip(self.critics, self.weights, strict=True):
            if weight > 0:
                odds += weight * critic.evaluate(points)
        return bounded(odds)


def fit_stack(candidates: list[Candidate], training: Training, run: Run) -> Stack:
    """Fit every candidate, and weigh them by what they say of held-out points.

    The weights maximize the held-out likelihood and are at least zero; a critic that adds less
    than four units to the log-likelihood, its optimism apart, is left out again, the least useful
    first, because a small weight on noise costs more than it gains.
    """
    names, fitted = _fit_all(candidates, training, run)
    held_out = np.column_stack([critic.held_out for critic in fitted])
    without_own = np.array([critic.fitted is critic.held_out for critic in fitted])
    optimism = np.array([critic.optimism for critic in fitted])
    chosen, fit = _select(held_out, without_own, optimism, training)
    weights, offset = np.zeros(len(fitted)), 0.0
    at_points = own = np.zeros(len(held_out))
    if fit is not None:
        weights[chosen], offset = fit.coefficients[1:], float(fit.coefficients[0])
        at_points = fit.left_out
        own = np.column_stack([fitted[i].fitted for i in chosen]) @ weights[chosen] + offset
    scores = [jensen_shannon(critic.held_out, training)[0] for critic in fitted]
    owns = [jensen_shannon(critic.fitted, training)[0] for critic in fitted]
    value, noise = jensen_shannon(at_points, training)
    return Stack(
        names=names,
        critics=fitted,
        weights=weights,
        offset=offset,
        held_out=bounded(at_points),
        fitted=bounded(own),
        values=np.array(scores),
        unseen=int(np.argmax(np.add(scores, owns))),
        trust=trust(value, noise),
        missed=overlooked(float(training.weights.sum()), training.coordinates.d),
    )


def _fit_all(
    candidates: list[Candidate], training: Training, run: Run
) -> tuple[tuple[str, ...], tuple[FittedCritic, ...]]:
    """Fit the cheap ones first; the best of them is the standard for those that cost more."""
    found: dict[str, FittedCritic] = {}
    for costly in (False, True):
        group = [candidate for candidate in candidates if candidate.costly == costly]
        fits = list(run.map(partial(_fit, training), group, "critics"))
        found |= {c.name: fit for c, fit in zip(group, fits, strict=True) if fit is not None}
        best = max(found.values(), key=lambda critic: jensen_shannon(critic.held_out, training)[0])
        training = replace(training, standard=best.held_out)
    return tuple(found), tuple(found.values())


def _fit(training: Training, candidate: Candidate) -> FittedCritic | None:
    # OpenMP counts its threads for each of ours apart.
    with single_threaded():
        return candidate.fit(training)


def jensen_shannon(odds: Array, training: Training) -> tuple[float, float]:
    """The variational value at log-odds, and its standard error."""
    definition = JensenShannon()
    (at_p, mass_p), (at_q, mass_q) = by_label(odds, training.labels, training.weights)
    of_p = mean_and_variance(definition.critic_p(at_p), mass_p)
    of_q = mean_and_variance(definition.critic_q(at_q), mass_q)
    return float(of_p[0] + of_q[0]), float(np.sqrt(of_p[1] + of_q[1]))


def _select(
    held_out: Array, without_own: NDArray[np.bool_], optimism: Array, training: Training
) -> tuple[list[int], RidgeFit | None]:
    labels, weights = training.labels, training.weights

    def fit(columns: list[int], start: RidgeFit | None = None) -> tuple[RidgeFit | None, float]:
        if not columns:
            return None, float(weights.sum() * np.log(2))
        design = with_intercept(held_out[:, columns])
        found = fit_ridge(design, labels, weights, np.full(len(columns), _PRIOR), start)
        return found, float(weights @ log_loss(found.fitted, labels))

    chosen = list(range(held_out.shape[1]))
    found, loss = fit(chosen)
    while found is not None:
        lowest = int(np.argmin(found.coefficients[1:]))
        if found.coefficients[1 + lowest] >= 0:
            without = [chosen[:i] + chosen[i + 1 :] for i in range(len(chosen))]
            losses = [
                fit(columns, found.without_feature(i))[1] for i, columns in enumerate(without)
            ]
            # Between two that do as well, the one whose own points say something is kept.
            gains = np.array([without_it - loss for without_it in losses]) - optimism[chosen]
            lowest = int(np.argmin(gains - _HANDICAP * without_own[chosen]))
            if gains[lowest] >= LEAST_GAIN:
                break
        chosen.pop(lowest)
        found, loss = fit(chosen, found.without_feature(lowest))
    return chosen, found
