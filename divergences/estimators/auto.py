"""What `method="auto"` picks, by the divergence, the number of points and of features."""

from __future__ import annotations

from typing import Any

from divergences.definitions import (
    MMD,
    Energy,
    RatioDivergence,
    Sinkhorn,
    SlicedWasserstein,
    Wasserstein,
)
from divergences.estimators.classifier import Classifier
from divergences.estimators.estimator import Estimator, register_default
from divergences.estimators.exact_transport import ExactTransport
from divergences.estimators.kde import KDE, spans
from divergences.estimators.pairwise_kernel import PairwiseKernel
from divergences.estimators.sinkhorn import EntropicTransport
from divergences.estimators.sliced import Sliced
from divergences.measures.samples import Samples

KDE_FEATURES = 5
KDE_PAIRS = 4e8


@register_default(RatioDivergence)
def choose_ratio(definition: Any, p: Samples, q: Samples) -> Estimator:
    """Kernel densities in few dimensions, where they follow any shape; else a classifier.

    Densities need every pair of points, so many points go to boosted trees; and samples that
    span all features, so others go to a logistic regression. Missing values are read by trees.
    """
    if p.missing or q.missing:
        return Classifier("boosting")
    if p.d > KDE_FEATURES:
        return Classifier("logistic")
    if p.n * q.n > KDE_PAIRS:
        return Classifier("boosting")
    return KDE() if spans(p, q) and spans(q, p) else Classifier("logistic")


@register_default(Wasserstein)
def choose_transport(definition: Any, p: Samples, q: Samples) -> Estimator:
    """Exact transport; in one dimension it only sorts."""
    return ExactTransport()


@register_default(SlicedWasserstein)
def choose_sliced(definition: Any, p: Samples, q: Samples) -> Estimator:
    """A hundred random directions."""
    return Sliced()


@register_default(Sinkhorn)
def choose_entropic(definition: Any, p: Samples, q: Samples) -> Estimator:
    """Iterations in the log domain."""
    return EntropicTransport()


@register_default(MMD)
@register_default(Energy)
def choose_kernel(definition: Any, p: Samples, q: Samples) -> Estimator:
    """The unbiased statistic."""
    return PairwiseKernel()
