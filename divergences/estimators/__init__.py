"""How a divergence is found: one file, one method."""

from divergences.estimators.estimator import (
    Auto,
    Estimator,
    differentiable_loss,
    estimate_samples,
    losses_for,
    methods_for,
    register,
    register_default,
    register_loss,
)
from divergences.estimators.ratio import LogRatio, RatioEstimator

__all__ = [
    "Auto",
    "Estimator",
    "LogRatio",
    "RatioEstimator",
    "differentiable_loss",
    "estimate_samples",
    "losses_for",
    "methods_for",
    "register",
    "register_default",
    "register_loss",
]
