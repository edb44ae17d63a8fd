"""How a divergence is found: one file, one method."""

# They register what "auto" picks, and a review of readings.
import divergences.estimators.auto
import divergences.estimators.second_opinion  # noqa: F401
from divergences.estimators.classifier import Classifier
from divergences.estimators.debiased_transport import DebiasedTransport
from divergences.estimators.estimator import (
    Auto,
    Estimator,
    differentiable_loss,
    differentiable_supremum,
    estimate_samples,
    losses_for,
    methods_for,
    register,
    register_default,
    register_loss,
    supremum_by,
)
from divergences.estimators.exact_transport import ExactTransport
from divergences.estimators.kde import KDE
from divergences.estimators.lipschitz import LipschitzCritic
from divergences.estimators.neighbors import Neighbors
from divergences.estimators.neural import Neural
from divergences.estimators.pairwise_kernel import PairwiseKernel
from divergences.estimators.ratios.log_ratio import LogRatio
from divergences.estimators.ratios.ratio import RatioEstimator
from divergences.estimators.sinkhorn import EntropicTransport
from divergences.estimators.sliced import Sliced
from divergences.estimators.stacked import Stacked

__all__ = [
    "KDE",
    "Auto",
    "Classifier",
    "DebiasedTransport",
    "EntropicTransport",
    "Estimator",
    "ExactTransport",
    "LipschitzCritic",
    "LogRatio",
    "Neighbors",
    "Neural",
    "PairwiseKernel",
    "RatioEstimator",
    "Sliced",
    "Stacked",
    "differentiable_loss",
    "differentiable_supremum",
    "estimate_samples",
    "losses_for",
    "methods_for",
    "register",
    "register_default",
    "register_loss",
    "supremum_by",
]
