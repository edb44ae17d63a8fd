"""A generator trained by minimizing a divergence, as a model among the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from divergences.checks import RandomState, check_rng, check_whole
from divergences.definitions import Definition, JensenShannon
from divergences.density.features import remember_features
from divergences.generative.model import GenerativeModel
from divergences.generative.standard_scale import unweighted
from divergences.generative.variational_autoencoder import standard_normal
from divergences.measures import Pushforward
from divergences.measures.from_torch import to_numpy
from divergences.networks.perceptron import Perceptron
from divergences.networks.scale import OnScale
from divergences.networks.seeds import seeded

if TYPE_CHECKING:
    from numpy.typing import NDArray


class GAN(GenerativeModel):
    r"""Pushforward g#mu of the least divergence to the data, mu = N(0, I), g a perceptron.

    `minimize` does the work and has every other setting; this is its short form for data in an
    array. Sharp where an autoencoder blurs; slow to train, quick to draw from, without a density.

    Parameters
    ----------
    divergence : Definition
        What is minimized.
    method : str or object
        How, as in `minimize`: "auto" plays the game with a critic network for f-divergences;
        `AnnealedKDE()` reads them from kernel densities of the batches instead.
    latent : int
        Number of latent features. More than the data have let g fill a region without folds;
        as many as the data have tear better into many sharp modes.
    width, depth : int
        Of the perceptron g.
    steps, batch : int
        Steps of the generator, and points in each.
    rng : int, Generator or None
        Randomness of weights and batches.

    Attributes
    ----------
    pushforward_ : Pushforward
        g#mu with the moving average of g.
    history_ : History
        The table of recorded steps.
    estimate_ : Estimate
        The divergence to a tenth of the data that was held out.
    n_features_in_, feature_names_in_
        As in `KernelDensity`.

    References
    ----------
    Goodfellow et al. (2014); Nowozin, Cseke and Tomioka (2016).

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> x = np.random.default_rng(0).normal(5.0, 2.0, (400, 1))
    >>> model = GAN(dv.Energy(), steps=200, rng=0).fit(x)
    >>> abs(model.sample(1000, rng=0).mean() - 5) < 0.5
    np.True_
    """

    def __init__(
        self,
        divergence: Definition = JensenShannon(),  # noqa: B008
        method: Any = "auto",
        latent: int = 8,
        width: int = 128,
        depth: int = 3,
        steps: int = 2_000,
        batch: int = 256,
        rng: RandomState = None,
    ) -> None:
        self.divergence = divergence
        self.method = method
        self.latent = latent
        self.width = width
        self.depth = depth
        self.steps = steps
        self.batch = batch
        self.rng = rng

    def fit(self, X: Any, y: Any = None) -> GAN:
        """Train g.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples,)
            The sample; a tenth is held out and measured against.
        y : ignored
            For pipelines.

        Returns
        -------
        GAN
            Itself.

        Raises
        ------
        InvalidPairError
            If the method cannot minimize the divergence.
        TypeError, ValueError
            If the data or a setting cannot be used.

        Warns
        -----
        RuntimeWarning
            As `minimize` does, if the training diverges or stops learning.
        """
        # The short form of a call that is two layers up.
        from divergences.training import minimize

        for name, least in (("latent", 1), ("width", 1), ("steps", 1), ("batch", 2)):
            check_whole(name, getattr(self, name), at_least=least)
        sample, rng = unweighted(X, "GAN"), check_rng(self.rng)
        with seeded(rng):
            network = Perceptron(
                self.latent,
                sample.d,
                width=self.width,
                depth=self.depth,
                activation="leaky_relu",
            )
        g = OnScale.of(sample.points, network)
        run = minimize(
            self.divergence,
            Pushforward(g, standard_normal(self.latent)),
            sample.points,
            method=self.method,
            steps=self.steps,
            batch_size=self.batch,
            rng=rng,
            progress=False,
        )
        self.pushforward_, self.history_ = run.pushforward, run.history
        self.estimate_ = run.estimate
        remember_features(self, sample)
        return self

    def sample(self, n: int = 1, rng: RandomState = None) -> NDArray[np.float64]:
        """Draw g(z), z ~ mu.

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
        with torch.no_grad():
            return to_numpy(self.pushforward_.sample(check_whole("n", n), rng=rng))
