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
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.special import expit

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRENGTHS = 10.0 ** np.arange(3.5, -2.1, -0.5)
_ROWS_TO_CHOOSE_BY = 16_000
_NEWTON_STEPS = 40
_CONVERGED = 1e-6
_SHORTEST_STEP = 1e-4
_CLEARLY_WORSE = 3.0
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
    without_own : callable
        () -> `left_out`.
    """

    coefficients: NDArray[np.float64]
    fitted: NDArray[np.float64]
    evidence: float
    without_own: Callable[[], NDArray[np.float64]]

    @cached_property
    def left_out(self) -> NDArray[np.float64]:
        """Log-odds at each point, of the fit without it."""
        return self.without_own()


def log_loss(odds: NDArray[np.float64], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """-ln of the probability that the log-odds give to the label."""
    return np.asarray(np.logaddexp(0.0, np.where(labels == 1, -odds, odds)))


def with_intercept(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put a column of ones before the features."""
    return np.column_stack([np.ones(len(features)), features])


def fit_best_strength(
    features: NDArray[np.float64],
    labels: NDArray[np.intp],
    weights: NDArray[np.float64],
    roughness: NDArray[np.float64],
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

    Returns
    -------
    RidgeFit
    """
    design = with_intercept(features)
    rows = np.arange(len(design))
    if len(design) > _ROWS_TO_CHOOSE_BY:
        # The strength is that of a prior, which does not depend on the number of rows.
        rows = np.linspace(0, len(design) - 1, _ROWS_TO_CHOOSE_BY).astype(np.intp)
    chosen = design[rows], labels[rows], weights[rows]
    best_strength, best = STRENGTHS[0], None
    start: NDArray[np.float64] | None = None
    for strength in STRENGTHS:
        fit = fit_ridge(*chosen, strength * roughness, start)
        start = fit.coefficients
        if best is None or fit.evidence > best.evidence:
            best_strength, best = strength, fit
        elif fit.evidence < best.evidence - _CLEARLY_WORSE:
            break
    assert best is not None
    if len(rows) == len(design):
        return best
    return fit_ridge(design, labels, weights, best_strength * roughness, best.coefficients)


def fit_ridge(
    design: NDArray[np.float64],
    labels: NDArray[np.intp],
    weights: NDArray[np.float64],
    penalty: NDArray[np.float64],
    start: NDArray[np.float64] | None = None,
) -> RidgeFit:
    """Fit by Newton's method with step halving; the design's first column is the intercept's."""
    penalty = np.concatenate([[_INTERCEPT], penalty])
    coefficients = np.zeros(design.shape[1]) if start is None else start
    odds = design @ coefficients
    value = _objective(odds, labels, weights, coefficients, penalty)
    factor: Any = None
    for _ in range(_NEWTON_STEPS):
        posterior = expit(odds)
        slope = design.T @ (weights * (posterior - labels)) + penalty * coefficients
        factor = cho_factor(
            _hessian(design, weights * posterior * (1 - posterior), penalty),
            lower=True,
            check_finite=False,
        )
        step = cho_solve(factor, slope, check_finite=False)
        gain, share = float(slope @ step), 1.0
        while True:
            trial = coefficients - share * step
            trial_odds = design @ trial
            trial_value = _objective(trial_odds, labels, weights, trial, penalty)
            # Below that gain, rounding decides whether a step seems to help.
            if trial_value <= value - 1e-4 * share * gain or gain < _CONVERGED:
                break
            if share < _SHORTEST_STEP:
                break
            share /= 2
        coefficients, odds, value = trial, trial_odds, trial_value
        if gain < _CONVERGED:
            break
    # The intercept has no prior to speak of.
    evidence = 0.5 * float(np.log(penalty[1:]).sum()) - float(np.log(np.diag(factor[0])).sum())
    without_own = partial(_left_out, design, labels, weights, odds, factor)
    return RidgeFit(coefficients, odds, evidence - value, without_own)


def _objective(
    odds: NDArray[np.float64],
    labels: NDArray[np.intp],
    weights: NDArray[np.float64],
    coefficients: NDArray[np.float64],
    penalty: NDArray[np.float64],
) -> float:
    return float(weights @ log_loss(odds, labels) + 0.5 * penalty @ coefficients**2)


def _hessian(
    design: NDArray[np.float64], curvature: NDArray[np.float64], penalty: NDArray[np.float64]
) -> NDArray[np.float64]:
    hessian = np.diag(penalty)
    for start in range(0, len(design), _ROWS_OF_TILE):
        rows = slice(start, start + _ROWS_OF_TILE)
        scaled = design[rows] * np.sqrt(curvature[rows])[:, np.newaxis]
        hessian += scaled.T @ scaled
    return hessian


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
