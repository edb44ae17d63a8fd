"""Logistic regression on linear and quadratic features: exact for any two normal measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.density.units import Standardization
from divergences.estimators.ratios.labels import log_loss, stratified_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_FEATURES_WITH_PRODUCTS = 15
_INNER_FOLDS = 3
_MANY_TERMS = 200


@dataclass(frozen=True, eq=False)
class Terms:
    """Standardized features, their squares and products, standardized again.

    Parameters
    ----------
    features : Standardization
    pairs : ndarray of shape (t, 2)
        Which features are multiplied, squares first.
    products : Standardization
    """

    features: Standardization
    pairs: NDArray[np.intp]
    products: Standardization

    @classmethod
    def of(cls, points: NDArray[np.float64], mass: NDArray[np.float64]) -> Terms:
        """Find the scales from points with weights that sum to one."""
        d = points.shape[1]
        features = Standardization.of(points, mass)
        squares = np.column_stack([np.arange(d), np.arange(d)])
        crossed = np.column_stack(np.triu_indices(d, k=1))
        pairs = squares if d > MOST_FEATURES_WITH_PRODUCTS else np.concatenate([squares, crossed])
        products = _products(features(points), pairs)
        return cls(features, pairs, Standardization.of(products, mass))

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (k, d + t) terms: linear, squares, products."""
        linear = self.features(points)
        return np.hstack([linear, self.products(_products(linear, self.pairs))])

    @property
    def choices(self) -> list[int]:
        """How many leading terms make the linear model, that with squares, that with products."""
        d = len(self.features.center)
        return sorted({d, 2 * d, d + len(self.pairs)})


def _products(values: NDArray[np.float64], pairs: NDArray[np.intp]) -> NDArray[np.float64]:
    return values[:, pairs[:, 0]] * values[:, pairs[:, 1]]


@dataclass(frozen=True, eq=False)
class QuadraticLogistic:
    """Log-odds that are a quadratic function of the point.

    Parameters
    ----------
    terms : Terms
    coefficients : ndarray of shape (s,)
        Of the first s terms.
    intercept : float
    """

    terms: Terms
    coefficients: NDArray[np.float64]
    intercept: float

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds at (k, d) points."""
        used = self.terms(points)[:, : len(self.coefficients)]
        return np.asarray(used @ self.coefficients + self.intercept)


def fit_quadratic_logistic(
    points: NDArray[np.float64],
    labels: NDArray[np.intp],
    weights: NDArray[np.float64],
    rng: np.random.Generator,
) -> QuadraticLogistic:
    """Fit penalized logistic regression; terms and penalty are those with least inner loss.

    The terms are linear, linear and square, or all of second degree (up to 15 features); the
    penalty is a Gaussian prior on the coefficients of the standardized terms. Both are chosen by
    three-fold cross-validation of the log-loss; the more rows, the fewer penalties are tried,
    because the less they matter, and beyond 20,000 rows one fold decides.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    labels : ndarray of shape (n,)
        1 for P, 0 for Q.
    weights : ndarray of shape (n,)
    rng : Generator
        Source of the inner folds.

    Returns
    -------
    QuadraticLogistic
    """
    terms = Terms.of(points, weights / weights.sum())
    design = terms(points)
    strengths, tried = _search(len(points))
    folds = stratified_folds(labels, _INNER_FOLDS, rng)
    losses = {}
    for size in terms.choices:
        totals = np.zeros(len(strengths))
        for fold in range(tried):
            away = folds != fold
            path = _path(design[away, :size], labels[away], weights[away], strengths)
            for position, (coefficients, intercept) in enumerate(path):
                odds = design[~away, :size] @ coefficients + intercept
                totals[position] += weights[~away] @ log_loss(odds, labels[~away])
        losses.update({(size, strength): t for strength, t in zip(strengths, totals, strict=True)})
    size, strength = min(losses, key=losses.__getitem__)
    coefficients, intercept = _path(design[:, :size], labels, weights, (strength,))[0]
    return QuadraticLogistic(terms, coefficients, intercept)


def _search(rows: int) -> tuple[tuple[float, ...], int]:
    """Prior variances to try, and in how many of the inner folds."""
    if rows <= 2_000:
        return (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0), _INNER_FOLDS
    if rows <= 20_000:
        return (1e-4, 1e-2, 1.0), _INNER_FOLDS
    return (1e-4, 1.0), 1


def _path(
    design: NDArray[np.float64],
    labels: NDArray[np.intp],
    weights: NDArray[np.float64],
    strengths: tuple[float, ...],
) -> list[tuple[NDArray[np.float64], float]]:
    """Fit at each strength, from the strongest penalty on, each start from the last fit."""
    from sklearn.linear_model import LogisticRegression

    if not design.any():
        # Constant features, on which a solver would not converge: only the shares are left.
        odds = float(np.log(weights[labels == 1].sum()) - np.log(weights[labels == 0].sum()))
        return [(np.zeros(design.shape[1]), odds)] * len(strengths)
    solver = "newton-cholesky" if design.shape[1] <= _MANY_TERMS else "lbfgs"
    model = LogisticRegression(solver=solver, warm_start=True, max_iter=1000)
    fitted = []
    for strength in strengths:
        model.set_params(C=strength).fit(design, labels, sample_weight=weights)
        fitted.append((model.coef_[0].copy(), float(model.intercept_[0])))
    return fitted
