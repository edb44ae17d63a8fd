"""The measure g#mu: draw z from mu, return g(z)."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from divergences.checks import RandomState, check_rng, check_whole


@dataclass(frozen=True)
class Pushforward:
    r"""The pushforward g#mu of a measure mu under a map g: the law of g(z) for z ~ mu.

    It can be sampled, and has no density to write down. Where g is a torch module, samples are
    tensors through which gradients reach g's parameters. It can be used wherever samples can.

    Parameters
    ----------
    g : callable or torch.nn.Module
        Map from (k, latent_features) to (k, n_features) or (k,).
    mu : distribution or callable
        A `torch.distributions` or `scipy.stats` distribution, or a function that takes a number
        k and returns k latent points; if it has a parameter `rng`, it is given a numpy
        Generator, so that a seed repeats its draws.

    Raises
    ------
    TypeError
        If `g` cannot be called, or `mu` cannot be drawn from.

    References
    ----------
    Goodfellow et al. (2014) use it as the generator of a GAN.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> squares = Pushforward(lambda z: z**2, uniform(0, 1))  # density 1/(2 sqrt(x))
    >>> squares.sample(3, rng=0).round(3).ravel()
    array([0.073, 0.002, 0.   ])
    """

    g: Callable[[Any], Any]
    mu: Any

    def __post_init__(self) -> None:
        if not callable(self.g):
            raise TypeError(
                f"g must be a callable or a torch.nn.Module that maps latent points to points, "
                f"not {type(self.g).__name__}."
            )
        if not (callable(self.mu) or hasattr(self.mu, "sample") or hasattr(self.mu, "rvs")):
            raise TypeError(
                f"mu must be a distribution of torch.distributions or scipy.stats, or a function "
                f"of the number of points, not {type(self.mu).__name__}."
            )

    def sample(self, n: int, rng: RandomState = None) -> Any:
        """Draw n points.

        Parameters
        ----------
        n : int
            Number of points, at least 1.
        rng : int, Generator or None
            Seed of the latent draws, and of torch's randomness inside g. Torch's global random
            state is left as it was.

        Returns
        -------
        ndarray or Tensor of shape (n, n_features)
            A tensor, differentiable in g, where g is a torch module or mu a torch distribution.

        Raises
        ------
        ValueError
            If mu or g does not return one point for each that it was asked for.
        """
        n = check_whole("n", n, at_least=1)
        generator = check_rng(rng)
        with _seeded_torch(generator):
            latent = self.latent(n, generator)
            points = self.g(latent)
        if not hasattr(points, "ndim"):
            points = np.asarray(points)
        if points.ndim == 0 or len(points) != n:
            raise ValueError(
                f"g must return one point for each latent point: for latent shape "
                f"{tuple(latent.shape)} it returned shape {tuple(points.shape)}."
            )
        return points.reshape(n, -1)

    @property
    def takes_rng(self) -> bool:
        """Whether latent points are drawn from a numpy Generator."""
        return hasattr(self.mu, "rvs") or _takes_rng(getattr(self.mu, "sample", self.mu))

    def latent(self, n: int, rng: np.random.Generator | None) -> Any:
        """Draw n latent points, (n, latent_features): numpy's draws from `rng`, which may be left
        out where mu does not take it; torch's from its global random state.

        Raises
        ------
        ValueError
            If `mu` does not give `n` points.
        """
        latent = self._draw(n, rng)
        if not hasattr(latent, "ndim"):
            latent = np.asarray(latent)
        # One multivariate draw from scipy comes without its first axis.
        if n == 1 and hasattr(self.mu, "rvs"):
            latent = latent.reshape(1, -1)
        if latent.ndim == 0 or len(latent) != n:
            raise ValueError(
                f"mu must return one latent point for each of the {n} asked for, but it "
                f"returned shape {tuple(latent.shape)}."
            )
        if latent.ndim == 1:
            latent = latent.reshape(n, 1)
        return self._as_tensor_for_module(latent)

    def _draw(self, n: int, rng: np.random.Generator | None) -> Any:
        if hasattr(self.mu, "rvs"):
            return self.mu.rvs(size=n, random_state=rng)
        draw = getattr(self.mu, "sample", self.mu)
        if rng is not None and self.takes_rng:
            return draw(n, rng=rng)
        return draw((n,)) if hasattr(self.mu, "sample") else draw(n)

    def _as_tensor_for_module(self, latent: Any) -> Any:
        if not _torch_is_loaded():
            return latent
        import torch

        if not isinstance(self.g, torch.nn.Module):
            return latent
        tensor = torch.as_tensor(latent)
        reference = next(self.g.parameters(), tensor)
        return tensor.to(device=reference.device, dtype=reference.dtype)


def is_generator(measure: Any) -> bool:
    """Whether it is a pushforward or a generative model, told by `fit` and `sample(n, rng)`."""
    return isinstance(measure, Pushforward) or (
        hasattr(measure, "fit") and _takes_rng(getattr(measure, "sample", None))
    )


def _torch_is_loaded() -> bool:
    return "torch" in sys.modules


def _takes_rng(function: Any) -> bool:
    try:
        return "rng" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


@contextmanager
def _seeded_torch(rng: np.random.Generator) -> Iterator[None]:
    # Drawn in either case, so that numpy's draws do not depend on whether torch is loaded.
    seed = int(rng.integers(2**63))
    if not _torch_is_loaded():
        yield
        return
    import torch

    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield
