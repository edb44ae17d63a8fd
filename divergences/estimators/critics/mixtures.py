"""Gaussian mixtures by EM, with as many components as BIC asks for."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ROWS_OF_MIXTURES = 10_000


def fit_mixture(
    rows: Array,
    components: int,
    seed: int,
    *,
    covariance: Literal["full", "diag", "spherical"],
    floor: float,
    starts: int = 1,
    iterations: int = 100,
) -> Any:
    """A Gaussian mixture of standardized points, its variances no smaller than `floor`.

    Returns
    -------
    sklearn.mixture.GaussianMixture
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    with warnings.catch_warnings():
        # Whether it has settled is of no account: held-out points judge what comes of it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianMixture(
            components,
            covariance_type=covariance,
            reg_covar=floor,
            n_init=starts,
            max_iter=iterations,
            random_state=seed,
        ).fit(rows)


def least_bic(mixtures: Iterable[Any], line: Array, patience: int) -> Any:
    """The mixture of the least BIC, until so many in a row are worse; None if there is none."""
    best, chosen, worse = np.inf, None, 0
    for mixture in mixtures:
        criterion = float(mixture.bic(line))
        if criterion < best:
            best, chosen, worse = criterion, mixture, 0
        else:
            worse += 1
            if worse == patience:
                break
    return chosen
