"""Models with an encoder to a latent space and a decoder g back, trained together."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from divergences.checks import RandomState, check_real, check_rng, check_whole
from divergences.density.features import fitted_points, remember_features
from divergences.errors import ConvergenceError
from divergences.generative.model import GenerativeModel
from divergences.generative.standard_scale import unweighted
from divergences.measures import Pushforward
from divergences.measures.from_torch import to_numpy
from divergences.networks.perceptron import Perceptron
from divergences.networks.scale import OnScale
from divergences.networks.seeds import seeded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Objective = tuple[torch.Tensor, torch.Tensor]


_LARGEST_GRADIENT = 10.0


class LatentModel(GenerativeModel):
    """An encoder to a latent space and a decoder g from it, both perceptrons; draws are g(z).

    The data are centered and divided by one number, the root of the features' mean variance, so
    features should be in comparable units. Adam's learning rate falls to zero along a cosine.
    """

    latent: int
    width: int
    depth: int
    steps: int
    batch: int
    learning_rate: float
    rng: RandomState

    @abstractmethod
    def _objective(self, x: torch.Tensor, noise: torch.Generator) -> Objective:
        """Mean reconstruction loss and penalty of a batch on the standard scale."""

    @abstractmethod
    def _code_size(self) -> int:
        """How many numbers the encoder gives for each point."""

    @abstractmethod
    def _latent_law(self, codes: torch.Tensor) -> torch.distributions.Distribution:
        """The law mu of z, given the codes of the data."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train encoder and decoder.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples,)
            The sample.
        y : ignored
            For pipelines.

        Returns
        -------
        LatentModel
            Itself.

        Raises
        ------
        ValueError
            If the data or a setting cannot be used.
        ConvergenceError
            If the loss stops being finite.
        """
        self._check_settings()
        sample = unweighted(X, type(self).__name__)
        if sample.n < 2:
            raise ValueError(
                f"X must have at least 2 samples for {type(self).__name__}, but it has "
                f"{sample.n} sample. Collect more: a single point has no distribution to learn."
            )
        rng = check_rng(self.rng)
        center = sample.points.mean(axis=0)
        deviation = float(np.sqrt(np.mean((sample.points - center) ** 2))) or 1.0
        x = torch.as_tensor((sample.points - center) / deviation, dtype=torch.float32)
        with seeded(rng):
            shape: Any = {"width": self.width, "depth": self.depth}
            self._encoder = Perceptron(sample.d, self._code_size(), **shape)
            self._decoder = Perceptron(self.latent, sample.d, **shape)
        noise = torch.Generator().manual_seed(int(rng.integers(2**63)))
        self.history_ = self._train(x, noise)
        scale = torch.as_tensor(center, dtype=torch.float32), torch.tensor(deviation)
        self.encoder_ = OnScale(self._encoder, *scale, decodes=False)
        self.decoder_ = OnScale(self._decoder, *scale)
        remember_features(self, sample)
        with torch.no_grad():
            codes = self._encoder(x)[:, : self.latent]
        self.pushforward_ = Pushforward(self.decoder_, self._latent_law(codes))
        return self

    def sample(self, n: int = 1, rng: RandomState = None) -> NDArray[np.float64]:
        """Draw g(z), z from the latent law.

        Parameters
        ----------
        n : int
            How many.
        rng : int, Generator or None
            Randomness.

        Returns
        -------
        ndarray of shape (n, n_features)
        """
        check_is_fitted(self)
        with torch.no_grad():
            return to_numpy(self.pushforward_.sample(n, rng=rng))

    def encode(self, X: Any) -> NDArray[np.float64]:
        """Map points to the middle of their codes.

        Parameters
        ----------
        X : array-like of shape (n_points, n_features) or (n_points,)

        Returns
        -------
        ndarray of shape (n_points, latent)
        """
        check_is_fitted(self)
        points = torch.tensor(fitted_points(self, X), dtype=torch.float32)
        with torch.no_grad():
            return to_numpy(self.encoder_(points)[:, : self.latent])

    def decode(self, Z: Any) -> NDArray[np.float64]:
        """Map latent points to points: g(z).

        Parameters
        ----------
        Z : array-like of shape (n_points, latent)

        Returns
        -------
        ndarray of shape (n_points, n_features)

        Raises
        ------
        ValueError
            If the latent points have another shape.
        """
        check_is_fitted(self)
        z = torch.tensor(np.asarray(Z, dtype=np.float64), dtype=torch.float32)
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(f"Z must have shape (n_points, {self.latent}), not {tuple(z.shape)}.")
        with torch.no_grad():
            return to_numpy(self.decoder_(z))

    def _check_settings(self) -> None:
        for name in ("latent", "width", "steps", "batch"):
            check_whole(name, getattr(self, name))
        check_whole("depth", self.depth, at_least=0)
        check_real("learning_rate", self.learning_rate, above=0)

    def _train(self, x: torch.Tensor, noise: torch.Generator) -> dict[str, NDArray[np.float64]]:
        parameters = [*self._encoder.parameters(), *self._decoder.parameters()]
        adam = torch.optim.Adam(parameters, lr=self.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, self.steps)
        parts = torch.empty(self.steps, 2)
        size = min(self.batch, len(x))
        for step in range(self.steps):
            rows = torch.randint(len(x), (size,), generator=noise)
            losses = torch.stack(self._objective(x[rows], noise))
            parts[step] = losses.detach()
            adam.zero_grad()
            losses.sum().backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, _LARGEST_GRADIENT)
            adam.step()
            schedule.step()
        if not parts.isfinite().all():
            raise ConvergenceError(
                f"The loss of {type(self).__name__} was no longer finite at step "
                f"{int((~parts.isfinite().all(dim=1)).nonzero()[0])}. Lower learning_rate=."
            )
        reconstruction, penalty = to_numpy(parts).T
        return {"reconstruction": reconstruction, "penalty": penalty}


def squared_distance(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean over the points of |x - y|²."""
    return ((x - y) ** 2).sum(dim=1).mean()
