"""Generative models behind one interface: fit to data, draw points, tell the density if any.

Names load when they are first used: a scikit-learn estimator or a torch module is a class, and its
library is slow to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from divergences.generative.autoencoder import Autoencoder
    from divergences.generative.gan import GAN
    from divergences.generative.gaussian_mixture import GaussianMixture
    from divergences.generative.graphical_model import GraphicalModel
    from divergences.generative.model import GenerativeModel
    from divergences.generative.variational_autoencoder import VariationalAutoencoder

__all__ = [
    "GAN",
    "Autoencoder",
    "GaussianMixture",
    "GenerativeModel",
    "GraphicalModel",
    "VariationalAutoencoder",
]

_HOME = {
    "GAN": "gan",
    "Autoencoder": "autoencoder",
    "GaussianMixture": "gaussian_mixture",
    "GenerativeModel": "model",
    "GraphicalModel": "graphical_model",
    "VariationalAutoencoder": "variational_autoencoder",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
