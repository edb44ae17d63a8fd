"""The autoencoder: points through a narrow latent space and back."""

from __future__ import annotations

import torch

from divergences.checks import RandomState
from divergences.generative.latent_model import LatentModel, squared_distance


class Autoencoder(LatentModel):
    r"""Encoder e and decoder g of the least mean reconstruction loss |x - g(e(x))|².

    It compresses; nothing shapes its codes. To draw, mu is the normal law with the mean and
    covariance of the codes, so draws stray into holes between them: a `VariationalAutoencoder`
    closes these.

    Parameters
    ----------
    latent : int
        Number of latent features.
    width, depth : int
        Of the two perceptrons.
    steps, batch : int
        Steps of Adam, and points in each.
    learning_rate : float
        Of Adam at the start; it falls to zero along a cosine.
    rng : int, Generator or None
        Randomness of weights and batches.

    Attributes
    ----------
    encoder_, decoder_ : torch.nn.Module
        e and g, in the data's units.
    pushforward_ : Pushforward
        g#mu, differentiable in g.
    history_ : dict of str to ndarray of shape (steps,)
        "reconstruction" and "penalty" (zero here) of each batch, in units of the mean variance of
        the features.
    n_features_in_, feature_names_in_
        As in `KernelDensity`.

    References
    ----------
    Hinton and Salakhutdinov (2006).

    Examples
    --------
    >>> import numpy as np
    >>> angle = np.random.default_rng(0).uniform(0, 3, 400)
    >>> x = np.column_stack([np.cos(angle), np.sin(angle)])  # an arc: one latent feature is enough
    >>> model = Autoencoder(latent=1, steps=300, rng=0).fit(x)
    >>> bool(np.abs(model.decode(model.encode(x)) - x).mean() < 0.1)
    True
    """

    def __init__(
        self,
        latent: int = 2,
        width: int = 64,
        depth: int = 2,
        steps: int = 2_000,
        batch: int = 128,
        learning_rate: float = 2e-3,
        rng: RandomState = None,
    ) -> None:
        self.latent = latent
        self.width = width
        self.depth = depth
        self.steps = steps
        self.batch = batch
        self.learning_rate = learning_rate
        self.rng = rng

    def _objective(
        self, x: torch.Tensor, noise: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return squared_distance(x, self._decoder(self._encoder(x))), torch.zeros(())

    def _code_size(self) -> int:
        return self.latent

    def _latent_law(self, codes: torch.Tensor) -> torch.distributions.Distribution:
        codes = codes.double()
        spread = (codes - codes.mean(dim=0)).T @ (codes - codes.mean(dim=0)) / len(codes)
        # Codes can lie on a line, where a covariance has no root without this.
        jitter = 1e-9 * (1 + spread.trace()) * torch.eye(self.latent, dtype=codes.dtype)
        return torch.distributions.MultivariateNormal(
            codes.mean(dim=0), scale_tril=torch.linalg.cholesky(spread + jitter)
        )
