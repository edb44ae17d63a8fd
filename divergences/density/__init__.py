"""Density models: smoothing kernels, bandwidths, and the kernel density estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from divergences.density.bandwidths import (
    Bandwidth,
    BandwidthRule,
    CovarianceFactor,
    ImprovedSheatherJones,
    LikelihoodCrossValidation,
    Scott,
    Silverman,
    resolve_bandwidth,
)
from divergences.density.kernels import SmoothingKernel, as_kernel
from divergences.density.mixture import KernelMixture
from divergences.density.sheather_jones import improved_sheather_jones
from divergences.density.subspace import Subspace, find_subspace

if TYPE_CHECKING:
    from divergences.density.kernel_density import KernelDensity

__all__ = [
    "Bandwidth",
    "BandwidthRule",
    "CovarianceFactor",
    "ImprovedSheatherJones",
    "KernelDensity",
    "KernelMixture",
    "LikelihoodCrossValidation",
    "Scott",
    "Silverman",
    "SmoothingKernel",
    "Subspace",
    "as_kernel",
    "find_subspace",
    "improved_sheather_jones",
    "resolve_bandwidth",
]


def __getattr__(name: str) -> Any:
    # Only this class needs scikit-learn, which takes half a second to import.
    if name == "KernelDensity":
        from divergences.density.kernel_density import KernelDensity

        return KernelDensity
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
