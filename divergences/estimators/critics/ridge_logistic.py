r"""Penalized logistic regression on any features, with every point's own prediction left out.

The coefficients b minimize sum_i w_i ln(1 + e^(-y_i l_i)) + (strength/2) sum_j r_j b_j², l = A b,
y = ±1. What the fit without point i says of it is known to first order from the fit with it,

    l_i without i = l_i - w_i (t_i - eta_i) s_i/(1 - h_i),  s_i = a_i' H^-1 a_i,  h_i = w_i eta_i
    (1 - eta_i) s_i,

t = 1 for P and 0 for Q, H the Hessian: one Cholesky factor in place of n fits (Rad and Maleki,
2020). The strength is the one of greatest evidence, by Laplace's approximation (MacKay, 1992):
under the prior that it describes, what a fit overstates at its own points is, on average, what it
understates at new ones, which `Stacked` relies on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve, qr, solve_triangular
from scipy.special import expit

from divergences.estimators.ratios.labels import log_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRENGTHS = 10.0 ** np.arange(3.5, -2.1, -0.5)
_ROWS_TO_CHOOSE_BY = 16_000
_NEWTON_STEPS = 40
_CONVERGED = 1e-6
_SHORTEST_STEP = 1e-4
_SLOW = 0.1
_CLEARLY_WORSE = 3.0  # in units of log-evidence
_INTERCEPT = 1e-6
_LARGEST_LEVERAGE = 0.999
_ROWS_OF_TILE = 20_000


@dataclass(frozen=True, eq=False)
class RidgeFit:
    """A fit and what it says of the points it was fitted to.

    Parameters
    ----------
    coefficients : ndarray of shape (k + 1,)
        The intercept first.
    fitted : ndarray of shape (n,)
        Log-odds at the points.
    evidence : float
        Logarithm of the marginal likelihood, but for a constant.
    information : ndarray of shape (k + 1, k + 1)
        Hessian of the loss without its penalty; of more features than points, in the rotated
        coordinates of the fit.
    total : float
        Sum of the weights.
    without_own : callable
        () -> `left_out`.
    strength : float
        Of the penalty, where it was chosen.
    """

    coefficients: NDArray[np.float64]
    fitted: NDArray[np.float64]
    evidence: float
    information: NDArray[np.float64]
    total: float
    without_own: Callable[[], NDArray[np.float64]]
    strength: float = 1.0

    @cached_property
    def left_out(self) -> NDArray[np.float64]:
        """Log-odds at each point, of the fit without it."""
        return self.without_own()

    def without_feature(self, place: int) -> RidgeFit:
        """Where to start from when a feature is dropped."""
        column = place + 1
        information = np.delete(np.delete(self.information, column, axis=0), column, axis=1)
        return replace(
            self, coefficients=np.delete(self.coefficients, column), information=information
        )


def with_intercept(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put a column of ones before the features."""
    return np.column_stack([np.ones(len(features)), features])


def fit_best_strength(
    features: NDArray[np.float64],
    labels: NDArray[np.intp],
    weights: NDArray[np.float64],
    roughness: NDArray[np.float64],
    strengths: NDArray[np.float64] = STRENGTHS,
) -> RidgeFit:
    """Fit at the strength of the penalty that makes the labels most probable.

    Parameters
    ----------
    features : ndarray of shape (n, k)
        Standardized.
    labels : ndarray of shape (n,)
        1 for P, 0 for Q.
    weights : ndarray of shape (n,)
        Summing to about n, half of it for each label.
    roughness : ndarray of shape (k,)
        The penalty of each coefficient, times a common strength.
    strengths : ndarray
        From strong to weak.

    Returns
    -------
    RidgeFit
    """
    n, k = features.shape
    if k > n:
        return _fit_rotated(features, labels, weights, roughness, strengths)
    design = with_intercept(features)
    rows = np.arange(len(design))
    if len(design) > _ROWS_TO_CHOOSE_BY:
        # The strength is that of a prior, which does not depend on the number of rows.
        rows = np.linspace(0, len(design) - 1, _ROWS_TO_CHOOSE_BY).astype(np.intp)
    chosen = design[rows], labels[rows], weights[rows]
    best: RidgeFit | None = None
    fit: RidgeFit | None = None
    for strength in strengths:
        fit = replace(fit_ridge(*chosen, strength * roughness, fit), strength=float(strength))
        if best is None or fit.evidence > best.evidence:
            best = fit
        elif fit.evidence < best.evidence - _CLEARLY_WORSE:
            break
    assert best is not None
    if len(rows) == len(design):
        return best
    whole = fit_ridge(design, labels, weights, best.strength * roughness, best)
    return replace(whole, strength=best.strength)


def _fit_rotated(
    features: NDArray[np.float64],
    labels: NDArray[np.intp],
    weights: NDArray[np.float64],
    roughness: NDArray[np.float64],
    strengths: NDArray[np.float64],
) -> RidgeFit:
    """The same fit in as many coordinates as points: the penalty keeps all others at zero."""
    scale = 1 / np.sqrt(roughness)
    axes, values = qr((features * scale).T, mode="economic", check_finite=False)
    rotated = np.asarray(values.T, dtype=np.float64)
    fit = fit_best_strength(rotated, labels, weights, np.ones(len(features)), strengths)
    slopes = scale * (axes @ fit.coefficients[1:])
    return replace(fit, coefficients=np.concatenate([fit.coefficients[:1], slopes]))


def fit_ridge(
    design: NDArray[np.float64],
    labels: NDArray[np.intp],
    weights: NDArray[np.float64],
    penalty: NDArray[np.float64],
    start: RidgeFit | None = None,
) -> RidgeFit:
    """Fit by Newton's method with step halving; the design's first column is the intercept's.

    The Hessian, which costs most, is kept from step to step, and from the start, for as long as
    steps with it do well; the last one is taken at the solution.
    """
    problem = _Problem(design, labels, weights, np.concatenate([[_INTERCEPT], penalty]))
    total = float(weights.sum())
    coefficients, information = np.zeros(design.shape[1]), np.empty((0, 0))
    factor: Any = None
    if start is not None:
        coefficients = start.coefficients
        information = start.information * (total / start.total)
        factor = problem.factor(information)
    odds, last_gain, settled = design @ coefficients, np.inf, False
    for _ in range(_NEWTON_STEPS):
        slope = problem.slope(coefficients, odds)
        step, gain = _step(factor, slope)
        if factor is None or gain > _SLOW * last_gain or (gain < _CONVERGED and not settled):
            information = problem.information(odds)
            factor = problem.factor(information)
            step, gain = _step(factor, slope)
            settled = gain < _CONVERGED
        coefficients, odds = problem.descend(coefficients, odds, step, gain)
        if gain < _CONVERGED:
            break
        last_gain = gain
    # The intercept has no prior to speak of.
    evidence = 0.5 * float(np.log(problem.penalty[1:]).sum()) - problem.value(coefficients, odds)
    evidence -= float(np.log(np.diag(factor[0])).sum())
    without_own = partial(_left_out, design, labels, weights, odds, factor)
    return RidgeFit(coefficients, odds, evidence, information, total, without_own)


@dataclass(frozen=True, eq=False)
class _Problem:
    """What is minimized, with its slope and curvature, at coefficients and their odds."""

    design: NDArray[np.float64]
    labels: NDArray[np.intp]
    weights: NDArray[np.float64]
    penalty: NDArray[np.float64]

    def value(self, coefficients: NDArray[np.float64], odds: NDArray[np.float64]) -> float:
        loss = self.weights @ log_loss(odds, self.labels)
        return float(loss + 0.5 * self.penalty @ coefficients**2)

    def slope(
        self, coefficients: NDArray[np.float64], odds: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        excess = self.weights * (expit(odds) - self.labels)
        return np.asarray(excess @ self.design + self.penalty * coefficients)

    def information(self, odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """The Hessian without its penalty."""
        posterior = expit(odds)
        root = np.sqrt(self.weights * posterior * (1 - posterior))[:, np.newaxis]
        found = np.zeros((len(self.penalty), len(self.penalty)))
        for start in range(0, len(odds), _ROWS_OF_TILE):
            rows = slice(start, start + _ROWS_OF_TILE)
            scaled = self.design[rows] * root[rows]
            found += scaled.T @ scaled
        return found

    def factor(self, information: NDArray[np.float64]) -> Any:
        return cho_factor(information + np.diag(self.penalty), lower=True, check_finite=False)

    def descend(
        self,
        coefficients: NDArray[np.float64],
        odds: NDArray[np.float64],
        step: NDArray[np.float64],
        gain: float,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """One step, halved until it gains a share of what its slope lets expect."""
        value, share = self.value(coefficients, odds), 1.0
        while True:
            trial = coefficients - share * step
            trial_odds = self.design @ trial
            reached = self.value(trial, trial_odds) <= value - 1e-4 * share * gain
            # Below that gain, rounding decides whether a step seems to help.
            if reached or gain < _CONVERGED or share < _SHORTEST_STEP:
                return trial, trial_odds
            share /= 2


def _step(factor: Any, slope: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Newton's step by this factor of the Hessian, and twice the gain that it lets expect."""
    if factor is None:
        return slope, np.inf
    step = cho_solve(factor, slope, check_finite=False)
    return step, float(slope @ step)


def _left_out(
    design: NDArray[np.float64],
    labels: NDArray[np.intp],
    weights: NDArray[np.float64],
    odds: NDArray[np.float64],
    factor: Any,
) -> NDArray[np.float64]:
    posterior = expit(odds)
    spread = np.empty(len(odds))
    for start in range(0, len(design), _ROWS_OF_TILE):
        rows = slice(start, start + _ROWS_OF_TILE)
        half = solve_triangular(factor[0], design[rows].T, lower=True, check_finite=False)
        spread[rows] = np.einsum("ij,ij->j", half, half)
    leverage = np.minimum(weights * posterior * (1 - posterior) * spread, _LARGEST_LEVERAGE)
    return np.asarray(odds - weights * (labels - posterior) * spread / (1 - leverage))
