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
from divergences.estimators.debiased_transport import DebiasedTransport
from divergences.estimators.estimator import Estimator, register_default
from divergences.estimators.exact_transport import ExactTransport
from divergences.estimators.kde import KDE, spans
from divergences.estimators.pairwise_kernel import PairwiseKernel
from divergences.estimators.ratios.copies import MOST_COPIES, merge_unexplained_copies
from divergences.estimators.sinkhorn import EntropicTransport
from divergences.estimators.sliced import Sliced
from divergences.estimators.stacked import Stacked
from divergences.measures.samples import Samples

FEWEST_POINTS_TO_STACK = 20


@register_default(RatioDivergence)
def choose_ratio(definition: Any, p: Samples, q: Samples) -> Estimator:
    """Stacked critics; of a few points, kernel densities where the samples span all features.

    Missing values are read by boosted trees.
    """
    if p.missing or q.missing:
        return Classifier("boosting")
    if _fewest(p, q) >= FEWEST_POINTS_TO_STACK:
        return Stacked()
    if p.categorical:
        return Classifier("logistic")
    return KDE() if spans(p, q) and spans(q, p) else Classifier("logistic")


def _fewest(p: Samples, q: Samples) -> int:
    """Points of the smaller sample, its copies apart where they may leave too few."""
    fewest = min(p.n, q.n)
    if not FEWEST_POINTS_TO_STACK <= fewest < MOST_COPIES * FEWEST_POINTS_TO_STACK:
        return fewest
    return min(one.sample.n for one in merge_unexplained_copies(p, q))


@register_default(Wasserstein)
def choose_transport(definition: Any, p: Samples, q: Samples) -> Estimator:
    """Exact transport in one dimension, where it only sorts and is hardly biased; else debiased."""
    few = min(p.n, q.n) < DebiasedTransport.minimum
    return ExactTransport() if p.d == 1 or few else DebiasedTransport()


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
