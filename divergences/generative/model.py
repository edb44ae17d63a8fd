"""The contract of a generative model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator

from divergences.checks import RandomState
from divergences.density import KernelDensity
from divergences.errors import NoDensityError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class GenerativeModel(BaseEstimator, ABC):  # type: ignore[misc]
    """What learns a distribution from data, and then draws from it.

    A model is a scikit-learn estimator: settings go into the constructor, what was found is in
    attributes that end in an underscore. `KernelDensity` is one too.

    Laws: `fit` returns the model and leaves the data untouched; `sample(n)` has shape (n, d) and
    float64 values; the same `rng` gives the same fit and the same draws, and no global random
    state is read or changed; a density integrates to one, and `sample` follows it.

    Examples
    --------
    >>> from divergences import GaussianMixture
    >>> issubclass(GaussianMixture, GenerativeModel), issubclass(KernelDensity, GenerativeModel)
    (True, True)
    """

    @abstractmethod
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the distribution of X, of shape (n_samples, n_features) or (n_samples,)."""

    @abstractmethod
    def sample(self, n: int = 1, rng: RandomState = None) -> NDArray[np.float64]:
        """Draw points of shape (n, n_features)."""

    def log_density(self, X: Any) -> NDArray[np.float64]:
        """ln of the density at points of shape (n_points, n_features).

        Returns
        -------
        ndarray of shape (n_points,)

        Raises
        ------
        NoDensityError
            If the model can only be sampled.
        """
        raise NoDensityError(
            f"{type(self).__name__} has no density: it is the law of g(z), which can be drawn "
            f"and not written down. {', '.join(WITH_DENSITY[:-1])} and {WITH_DENSITY[-1]} have "
            f"one; a KernelDensity fitted to draws of this model approximates its density."
        )


WITH_DENSITY = ("KernelDensity", "GaussianMixture", "GraphicalModel")

GenerativeModel.register(KernelDensity)
