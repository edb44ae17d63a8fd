"""A mixture of Gaussians by EM."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn.mixture
from sklearn.base import DensityMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from divergences.checks import RandomState, check_choice, check_rng, check_whole
from divergences.density.features import fitted_points, remember_features
from divergences.errors import ConvergenceError
from divergences.generative.model import GenerativeModel
from divergences.generative.standard_scale import StandardScale, unweighted
from divergences.measures import Parametric
from divergences.measures.families import Family
from divergences.measures.multivariate import NormalMixture, normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STARTS = 3
_ITERATIONS = 1_000


class GaussianMixture(DensityMixin, Parametric, GenerativeModel):  # type: ignore[misc]
    r"""Mixture density f(x) = sum over k of w_k N(x; m_k, C_k), of the greatest likelihood by EM.

    Fast to fit and to draw from, with a density; good for a few round clusters. Rings, edges and
    heavy tails take many components, and in many features each component's covariance has more
    entries than there are points. The algorithm is scikit-learn's, with three starts, on
    features of variance one.

    Parameters
    ----------
    n_components : int or None
        Number of Gaussians; None takes the number up to `max_components` of the least BIC,
        -2 ln likelihood + (number of parameters) ln n.
    covariance : {"full", "diag"}
        Any covariances, or diagonal ones.
    max_components : int
        Largest number that is tried where `n_components` is None.
    rng : int, Generator or None
        Randomness of the starts.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components_,)
        w_k.
    means_ : ndarray of shape (n_components_, n_features)
        m_k.
    covariances_ : ndarray of shape (n_components_, n_features, n_features)
        C_k.
    n_components_ : int
        Number of Gaussians that was used.
    bic_ : dict of int to float
        BIC, in nats, of each number that was tried and converged.
    n_features_in_, feature_names_in_
        As in `KernelDensity`.

    References
    ----------
    Dempster, Laird and Rubin (1977); Schwarz (1978).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-2, 0.5, 300), rng.normal(2, 1, 200)])
    >>> model = GaussianMixture(rng=0).fit(x)
    >>> model.n_components_, np.sort(model.means_.ravel()).round(1)
    (2, array([-2.,  2.]))
    """

    def __init__(
        self,
        n_components: int | None = None,
        covariance: str = "full",
        max_components: int = 10,
        rng: RandomState = None,
    ) -> None:
        self.n_components = n_components
        self.covariance = covariance
        self.max_components = max_components
        self.rng = rng

    def fit(self, X: Any, y: Any = None) -> GaussianMixture:
        """Fit the mixture.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples,)
            The sample.
        y : ignored
            For pipelines.

        Returns
        -------
        GaussianMixture
            Itself.

        Raises
        ------
        ValueError
            If there are fewer points than components or features, or features that do not vary
            independently, which are named.
        ConvergenceError
            If EM did not converge.
        """
        check_choice("covariance", self.covariance, ("full", "diag"))
        sample = unweighted(X, "GaussianMixture")
        scale = StandardScale.of(sample, "A Gaussian mixture")
        white, rng = scale(sample.points), check_rng(self.rng)
        fits = [self._em(white, count, rng) for count in self._counts(sample.n)]
        converged = {fit.n_components: fit for fit in fits if fit.converged_}
        if not converged:
            raise ConvergenceError(
                f"EM did not converge in {_ITERATIONS:,} iterations with {fits[0].n_components} "
                f"components. Use fewer, or n_components=None."
            )
        self.bic_ = {count: float(fit.bic(white)) for count, fit in converged.items()}
        self.n_components_ = min(self.bic_, key=lambda count: self.bic_[count])
        self._mixture, self._scale = converged[self.n_components_], scale
        self.weights_ = self._mixture.weights_
        self.means_ = scale.back(self._mixture.means_)
        deviation = scale.deviation
        self.covariances_ = self._white_covariances() * np.outer(deviation, deviation)
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

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If the points are not usable, or have not the features it was fitted to.
        """
        check_is_fitted(self)
        white = self._scale(fitted_points(self, X))
        return np.asarray(self._mixture.score_samples(white)) - self._scale.log_determinant

    def family(self) -> Family:
        """The mixture as a known distribution, which divergences take in the model's place.

        Returns
        -------
        Family

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        if self.n_components_ == 1:
            return normal(self.means_[0], self.covariances_[0])
        return NormalMixture(self.weights_, self.means_, self.covariances_)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of ln f over points."""
        return float(self.log_density(X).mean())

    def sample(self, n: int = 1, rng: RandomState = None) -> NDArray[np.float64]:
        """Draw points: a component by weight, then from its Gaussian.

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
        n, generator = check_whole("n", n), check_rng(rng)
        chosen = generator.choice(self.n_components_, size=n, p=self.weights_)
        points = generator.normal(size=(n, self.n_features_in_))
        for component, factor in enumerate(np.linalg.cholesky(self.covariances_)):
            rows = chosen == component
            points[rows] = self.means_[component] + points[rows] @ factor.T
        return points

    def _counts(self, n: int) -> range:
        if self.n_components is None:
            most = check_whole("max_components", self.max_components)
            return range(1, min(most, n) + 1)
        count = check_whole(
            "n_components", self.n_components, remedy="Leave it out to let BIC choose."
        )
        if count > n:
            raise ValueError(
                f"n_components must be at most the number of points, {n}, not {count}."
            )
        return range(count, count + 1)

    def _em(self, white: NDArray[np.float64], count: int, rng: np.random.Generator) -> Any:
        fit = sklearn.mixture.GaussianMixture(
            count,
            covariance_type=self.covariance,
            n_init=_STARTS,
            max_iter=_ITERATIONS,
            random_state=int(rng.integers(2**31)),
        )
        with warnings.catch_warnings():
            # Told by `converged_`; and k-means finds fewer clusters where points repeat.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return fit.fit(white)

    def _white_covariances(self) -> NDArray[np.float64]:
        covariances = np.asarray(self._mixture.covariances_)
        if self.covariance == "full":
            return covariances
        return covariances[:, :, np.newaxis] * np.eye(covariances.shape[1])
