"""A Gaussian graphical model: which features still depend on each other given all the rest."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import solve_triangular
from sklearn.base import DensityMixin
from sklearn.covariance import GraphicalLasso, GraphicalLassoCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.utils.validation import check_is_fitted

from divergences.checks import RandomState, check_real, check_rng, check_whole
from divergences.density.features import fitted_points, remember_features
from divergences.errors import ConvergenceError
from divergences.generative.model import GenerativeModel
from divergences.generative.standard_scale import StandardScale, unweighted
from divergences.measures import Parametric, Samples
from divergences.measures.families import Family
from divergences.measures.multivariate import normal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_FOLDS = 5
_ITERATIONS = 500
_GAP = 1e-4
_INNER = 1e-8
_ILL_CONDITIONED = (
    "The graphical lasso did not converge: some features nearly determine each other. Drop one "
    "of them, or give a larger penalty=."
)


class GraphicalModel(DensityMixin, Parametric, GenerativeModel):  # type: ignore[misc]
    r"""Gaussian N(m, K^-1) whose K has few entries, by the graphical lasso.

    K maximizes ln det K - tr(S K) - penalty * sum over i != j of |K_ij|, with S the correlation
    matrix. Where K_ij = 0, features i and j are independent given all others: no edge joins them
    in the graph. Good for many features and few points, and to be read; it sees nothing but means
    and covariances, and the penalty that held-out points choose keeps some edges too many. The
    algorithm is scikit-learn's.

    Parameters
    ----------
    penalty : float or None
        Weight of the entries; None chooses it by the likelihood of held-out points, in five
        folds. Correlations have no unit, and neither has the penalty.
    rng : int, Generator or None
        Randomness of the folds.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        m.
    covariance_, precision_ : ndarray of shape (n_features, n_features)
        K^-1 and K, in the data's units.
    partial_correlations_ : ndarray of shape (n_features, n_features)
        -K_ij / sqrt(K_ii K_jj), and 1 on the diagonal.
    penalty_ : float
        The penalty that was used.
    n_features_in_, feature_names_in_
        As in `KernelDensity`.

    References
    ----------
    Friedman, Hastie and Tibshirani (2008).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a, c = rng.normal(size=(2, 2000))
    >>> b = a + rng.normal(size=2000)  # depends on a, and nothing on c
    >>> model = GraphicalModel(penalty=0.1).fit(np.column_stack([a, b, c]))
    >>> model.graph().tolist()
    [[False, True, False], [True, False, False], [False, False, False]]
    """

    def __init__(self, penalty: float | None = None, rng: RandomState = None) -> None:
        self.penalty = penalty
        self.rng = rng

    def fit(self, X: Any, y: Any = None) -> GraphicalModel:
        """Fit the Gaussian.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples,)
            The sample.
        y : ignored
            For pipelines.

        Returns
        -------
        GraphicalModel
            Itself.

        Raises
        ------
        ValueError
            If there are fewer points than features or folds, or features that do not vary
            independently, which are named.
        ConvergenceError
            If the graphical lasso did not converge.
        """
        sample = unweighted(X, "GraphicalModel")
        scale = StandardScale.of(sample, "A graphical model")
        self.penalty_, white = self._solve(sample, scale(sample.points))
        deviation = scale.deviation
        self.mean_ = scale.center
        self.covariance_ = np.linalg.inv(white) * np.outer(deviation, deviation)
        self.precision_ = white / np.outer(deviation, deviation)
        size = np.sqrt(np.diag(white))
        self.partial_correlations_ = -white / np.outer(size, size)
        np.fill_diagonal(self.partial_correlations_, 1.0)
        remember_features(self, sample)
        return self

    def log_density(self, X: Any) -> NDArray[np.float64]:
        """ln of the Gaussian density at points.

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
        factor = np.linalg.cholesky(self.covariance_)
        white = solve_triangular(factor, (fitted_points(self, X) - self.mean_).T, lower=True)
        constant = self.n_features_in_ * math.log(2 * math.pi) / 2
        return np.asarray(-np.sum(white**2, axis=0) / 2 - np.log(np.diag(factor)).sum() - constant)

    def family(self) -> Family:
        """The Gaussian as a known distribution, which divergences take in the model's place.

        Returns
        -------
        Family

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        return normal(self.mean_, self.covariance_)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of the log-density over points."""
        return float(self.log_density(X).mean())

    def sample(self, n: int = 1, rng: RandomState = None) -> NDArray[np.float64]:
        """Draw points.

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
        shape = (check_whole("n", n), self.n_features_in_)
        normal = check_rng(rng).normal(size=shape)
        return self.mean_ + normal @ np.linalg.cholesky(self.covariance_).T

    def graph(self) -> NDArray[np.bool_]:
        """Which pairs of features are joined, as a symmetric matrix.

        Returns
        -------
        ndarray of bool, shape (n_features, n_features)

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        joined: NDArray[np.bool_] = self.partial_correlations_ != 0
        np.fill_diagonal(joined, False)
        return joined

    def plot_graph(self, ax: Axes | None = None) -> Axes:
        """Draw the features on a circle, joined where they depend given all others.

        The wider the line, the larger the partial correlation; its color tells the sign.

        Parameters
        ----------
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        # A model reaches for the layer of pictures here alone.
        from divergences.report import plot_graph

        names = getattr(self, "feature_names_in_", range(self.n_features_in_))
        return plot_graph(self.partial_correlations_, tuple(map(str, names)), ax=ax)

    def _solve(
        self, sample: Samples, white: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        lasso = self._lasso(sample.n)
        if sample.d == 1:
            # The only feature has variance one and nothing to be joined to.
            return self.penalty or 0.0, np.ones((1, 1))
        try:
            with _numpy_state_kept(), warnings.catch_warnings(), np.errstate(all="ignore"):
                # The gap below judges the result; on the way there some penalties may fail.
                warnings.simplefilter("ignore", ConvergenceWarning)
                lasso.fit(white)
        except FloatingPointError as error:
            raise ConvergenceError(_ILL_CONDITIONED) from error
        penalty = float(lasso.alpha_ if self.penalty is None else self.penalty)
        gap = float(np.atleast_2d(lasso.costs_)[-1, 1])
        if not abs(gap) < _GAP:
            raise ConvergenceError(_ILL_CONDITIONED)
        return penalty, np.asarray(lasso.precision_)

    def _lasso(self, n: int) -> Any:
        if self.penalty is not None:
            remedy = "Leave it out to let held-out points choose."
            penalty = check_real("penalty", self.penalty, at_least=0, remedy=remedy)
            return GraphicalLasso(penalty, enet_tol=_INNER, max_iter=_ITERATIONS)
        if n < 2 * _FOLDS:
            raise ValueError(
                f"Choosing the penalty in {_FOLDS} folds needs at least {2 * _FOLDS} points, but "
                f"X has {n} sample{'s' if n > 1 else ''}. Give penalty= a number."
            )
        seed = int(check_rng(self.rng).integers(2**31))
        folds = KFold(_FOLDS, shuffle=True, random_state=seed)
        return GraphicalLassoCV(cv=folds, enet_tol=_INNER, max_iter=_ITERATIONS)


@contextmanager
def _numpy_state_kept() -> Iterator[None]:
    # The solver draws a seed from numpy's global state, and has no use for it.
    state = np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
