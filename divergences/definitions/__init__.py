"""Which divergence: formulas only, no data, no optimizer."""

from divergences.definitions.custom import FDivergence
from divergences.definitions.definition import Definition
from divergences.definitions.f_divergence import (
    ChiSquared,
    KullbackLeibler,
    RatioDivergence,
    ReverseKL,
    SquaredHellinger,
    TotalVariation,
)
from divergences.definitions.games import RelativisticPairing, SoftenedReverseKL
from divergences.definitions.jensen_shannon import JensenShannon, JensenShannonDistance
from divergences.definitions.kernel import MMD, Energy
from divergences.definitions.positive_kernels import (
    EnergyKernel,
    GaussianKernel,
    LaplacianKernel,
    PositiveKernel,
    RationalQuadraticKernel,
    SumKernel,
)
from divergences.definitions.renyi import Renyi
from divergences.definitions.transport import Sinkhorn, SlicedWasserstein, Wasserstein

__all__ = [
    "MMD",
    "ChiSquared",
    "Definition",
    "Energy",
    "EnergyKernel",
    "FDivergence",
    "GaussianKernel",
    "JensenShannon",
    "JensenShannonDistance",
    "KullbackLeibler",
    "LaplacianKernel",
    "PositiveKernel",
    "RatioDivergence",
    "RationalQuadraticKernel",
    "RelativisticPairing",
    "Renyi",
    "ReverseKL",
    "Sinkhorn",
    "SlicedWasserstein",
    "SoftenedReverseKL",
    "SquaredHellinger",
    "SumKernel",
    "TotalVariation",
    "Wasserstein",
]
