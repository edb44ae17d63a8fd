"""The same generator under every divergence of the catalogue."""

from __future__ import annotations

import math
from dataclasses import dataclass

import divergences as dv
from tests.benchmarks.generation.recipe import Recipe, slopes

_FULL = (0.0, math.inf)
DIRECT_BATCH = 256
SLOPES = slopes(0.3, 0.004)
WAVES = SLOPES[0]


@dataclass(frozen=True)
class Rival:
    """A divergence and a way to minimize it.

    Parameters
    ----------
    name : str
        In the table.
    kind : str
        What finds the critic, in a few words.
    recipe : Recipe
        Its steps are replaced by what the budget allows.
    """

    name: str
    kind: str
    recipe: Recipe


def game(name: str, definition: dv.Definition, method: dv.CriticMethod | str = "auto") -> Rival:
    """A game whose critic is held by R1 and R2."""
    return Rival(name, "network", Recipe(definition, method, SLOPES))


def lipschitz(name: str, kind: str, *regularizers: dv.Regularizer) -> Rival:
    """Wasserstein-1 with a critic that is held by these; by its own layers if there are none."""
    recipe = Recipe(dv.Wasserstein(1), dv.WassersteinCritic(), regularizers)
    return Rival(name, kind, recipe)


def direct(name: str, definition: dv.Definition, kind: str, method: object = "auto") -> Rival:
    """A formula of two batches."""
    return Rival(name, kind, Recipe(definition, method, batch_size=DIRECT_BATCH))


RIVALS = (
    game("JS minimax", dv.JensenShannon(), dv.LogisticCritic(*_FULL)),
    game("non-saturating", dv.SoftenedReverseKL()),
    game("relativistic pairing", dv.RelativisticPairing()),
    game("KL", dv.KullbackLeibler()),
    game("reverse KL", dv.ReverseKL()),
    game("squared Hellinger", dv.SquaredHellinger()),
    game("chi²", dv.ChiSquared()),
    lipschitz("W1 orthogonal", "1-Lipschitz network"),
    lipschitz("W1 gradient penalty", "network", WAVES, dv.GradientPenalty()),
    lipschitz("W1 clipping", "network", WAVES, dv.WeightClipping()),
    lipschitz("W1 spectral norm", "network", WAVES, dv.SpectralNorm()),
    direct("W2² exact", dv.Wasserstein(2), "exact plan of batches"),
    direct("W2² debiased", dv.Wasserstein(2), "exact plans of half batches", dv.DebiasedBatches()),
    direct("Sinkhorn", dv.Sinkhorn(), "entropic plan of batches"),
    direct("sliced W2²", dv.SlicedWasserstein(2), "sorting"),
    direct("max-sliced W2²", dv.SlicedWasserstein(2), "sorting", dv.MaxSliced()),
    direct("MMD²", dv.MMD(squared=True), "kernel"),
    direct("energy²", dv.Energy(squared=True), "kernel"),
    direct(
        "JS by kernel densities",
        dv.JensenShannon(),
        "kernel, narrowing",
        dv.AnnealedKDE(dv.Geometric(1.0, 0.03)),
    ),
    Rival(
        "sliced W2² then pairing",
        "sorting, then network",
        Recipe(
            dv.HandOver(dv.SlicedWasserstein(2), dv.RelativisticPairing(), at=0.1),
            regularizers=SLOPES,
        ),
    ),
)
RIVAL_NAMED = {rival.name: rival for rival in RIVALS}
