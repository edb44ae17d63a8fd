"""Kernel density estimation as a scikit-learn estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted

from divergences.checks import RandomState, check_rng, check_whole
from divergences.density.features import dense_samples, fitted_points, remember_features
from divergences.density.kernels import as_kernel
from divergences.density.mixture import KernelMixture

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class KernelDensity(DensityMixin, BaseEstimator):  # type: ignore[misc]
    r"""Kernel density estimate f(x) = sum over i of w_i K(L^-1 (x - x_i))/|det L|, H = L L^T.

    Parameters
    ----------
    kernel : str
        "gaussian", "epanechnikov", "tophat", "exponential", "linear" or "cosine": radial, and
        normalized in any dimension.
    bandwidth : str, float, array-like of shape (d,) or (d, d), or BandwidthRule
        "scott", "silverman", "improved_sheather_jones" (one feature) or "likelihood" choose it
        from the data; a scalar h means H = h² I, one number for each axis the roots of a
        diagonal H, a matrix H itself. Rules scale the whole covariance, so that they follow any
        affine change of units; for kernels other than the Gaussian they are multiplied by the
        ratio of canonical bandwidths (Marron and Nolan, 1988).

    Attributes
    ----------
    mixture_ : KernelMixture
        The fitted density.
    bandwidth_ : Bandwidth
        The bandwidth matrix that was used.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, where the data had them.

    References
    ----------
    Rosenblatt (1956); Parzen (1962); Epanechnikov (1969); Silverman (1986).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(500, 1))
    >>> model = KernelDensity(kernel="epanechnikov", bandwidth="silverman").fit(x)
    >>> float(np.exp(model.log_density([[0.0]]))[0].round(2))  # 0.40 for the normal density
    0.37
    """

    def __init__(self, kernel: Any = "gaussian", bandwidth: Any = "scott") -> None:
        self.kernel = kernel
        self.bandwidth = bandwidth

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> KernelDensity:
        """Fit the density.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples,)
            The sample.
        y : ignored
            For pipelines.
        sample_weight : array-like of shape (n_samples,), optional
            Nonnegative weights; they need not sum to one.

        Returns
        -------
        KernelDensity
            Itself.

        Raises
        ------
        ValueError
            If the data cannot be used, or if a rule has no bandwidth for them: constant and
            collinear columns are named.
        """
        kernel = as_kernel(self.kernel)
        sample = dense_samples(X)
        mass = _mass(sample_weight, sample.n) if sample_weight is not None else sample.mass
        self.mixture_ = KernelMixture.fit(
            sample.points, mass, kernel, self.bandwidth, sample.columns
        )
        self.bandwidth_ = self.mixture_.bandwidth
        remember_features(self, sample)
        return self

    def log_density(self, X: Any) -> NDArray[np.float64]:
        """ln f at points.

        Parameters
        ----------
        X : array-like of shape (n_points, n_features) or (n_points,)
            Where to evaluate it.

        Returns
        -------
        ndarray of shape (n_points,)
            -inf where a bounded kernel does not reach.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If the points are not usable, or have not the features it was fitted to.
        """
        check_is_fitted(self)
        return self.mixture_.log_density(fitted_points(self, X))

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """ln f at points, under scikit-learn's name."""
        return self.log_density(X)

    def score(self, X: Any, y: Any = None) -> float:
        """Sum of ln f over points, which grid search maximizes."""
        return float(self.log_density(X).sum())

    def leave_one_out_log_density(self) -> NDArray[np.float64]:
        """ln f_-i(x_i): the density at each fitted point from all the other ones.

        The bandwidth stays that of the whole sample.

        Returns
        -------
        ndarray of shape (n_samples,)

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        return self.mixture_.leave_one_out()

    def sample(self, n: int = 1, rng: RandomState = None) -> NDArray[np.float64]:
        """Draw points from the density, whatever the kernel.

        Parameters
        ----------
        n : int
            How many.
        rng : int, Generator or None
            Randomness.

        Returns
        -------
        ndarray of shape (n, n_features)

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `n` is no whole number of at least 1, or `rng` no seed.
        """
        check_is_fitted(self)
        return self.mixture_.sample(check_whole("n", n), check_rng(rng))


def _mass(sample_weight: ArrayLike, n: int) -> NDArray[np.float64]:
    weights = np.array(sample_weight, dtype=np.float64)
    if weights.shape != (n,):
        raise ValueError(
            f"sample_weight must have shape ({n},), one weight for each point of X, not "
            f"{weights.shape}."
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() <= 0:
        raise ValueError(
            "sample_weight must be finite and nonnegative with a positive sum, but it has "
            f"{int((~np.isfinite(weights)).sum())} values that are not finite, "
            f"{int((weights < 0).sum())} below zero, and the sum {weights.sum():g}."
        )
    normalized: NDArray[np.float64] = weights / weights.sum()
    return normalized
