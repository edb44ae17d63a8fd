"""The everyday calls: one function per divergence."""

from divergences.api.distances import (
    energy_distance,
    mmd,
    sinkhorn_divergence,
    sliced_wasserstein_distance,
    squared_energy_distance,
    squared_mmd,
    wasserstein_distance,
)
from divergences.api.ratios import (
    chi2_divergence,
    f_divergence,
    js_distance,
    js_divergence,
    kl_divergence,
    renyi_divergence,
    squared_hellinger,
    total_variation,
)

__all__ = [
    "chi2_divergence",
    "energy_distance",
    "f_divergence",
    "js_distance",
    "js_divergence",
    "kl_divergence",
    "mmd",
    "renyi_divergence",
    "sinkhorn_divergence",
    "sliced_wasserstein_distance",
    "squared_energy_distance",
    "squared_hellinger",
    "squared_mmd",
    "total_variation",
    "wasserstein_distance",
]
