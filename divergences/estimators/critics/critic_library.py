"""Which critics `Stacked` combines, by the number of features."""

from __future__ import annotations

from functools import partial

from divergences.estimators.critics.boosted_trees import SHAPES
from divergences.estimators.critics.chosen_cycles import cycles_that_differ
from divergences.estimators.critics.chosen_directions import directions_that_differ
from divergences.estimators.critics.chosen_fourfolds import fourfolds_that_differ
from divergences.estimators.critics.chosen_pairs import (
    bumps_in_planes_that_differ,
    pairs_that_differ,
    whitened_pairs_that_differ,
)
from divergences.estimators.critics.chosen_plane_waves import plane_waves_that_differ
from divergences.estimators.critics.chosen_products import ChosenProducts, ChosenWaves
from divergences.estimators.critics.chosen_residues import residues_that_differ
from divergences.estimators.critics.cluster_features import clusters
from divergences.estimators.critics.conditional_normals import conditional_normals
from divergences.estimators.critics.critic_candidate import Candidate
from divergences.estimators.critics.independent_components import independent_components
from divergences.estimators.critics.level_features import numbers_by_level, pairs_of_levels
from divergences.estimators.critics.mixture_candidate import MixturesCandidate
from divergences.estimators.critics.partition_candidate import PartitionCandidate
from divergences.estimators.critics.projections import (
    along_leading_components,
    of_direction,
    of_radius,
    of_sizes,
    of_whitened,
)
from divergences.estimators.critics.recurring_values import (
    atoms,
    heaps,
    last_digits,
    numbers_by_value,
    repeats,
)
from divergences.estimators.critics.residual_candidates import (
    ResidualPairsCandidate,
    waves_of_residuals,
)
from divergences.estimators.critics.ridge_candidates import (
    RidgeCandidate,
    bumps,
    polynomial,
    quartics,
    sizes,
    waves,
)
from divergences.estimators.critics.screened_candidate import ScreenedCandidate
from divergences.estimators.critics.selection_candidate import SelectionCandidate
from divergences.estimators.critics.shared_features import sums
from divergences.estimators.critics.shares_candidate import SharesCandidate
from divergences.estimators.critics.tree_candidates import TreesCandidate

_MOST_FREQUENCIES = 24
_MOST_FEATURES_WITH_PRODUCTS = 50
_MOST_FEATURES_WITH_RANK_PRODUCTS = 25
_MOST_FEATURES_WITH_BUMPS = 10
_MOST_FEATURES_TO_SCREEN = 500
_MOST_FEATURES_WITH_PAIRS = 5
_MOST_FEATURES_WITH_CLUSTERS = 100
_MOST_FEATURES_WITH_RESIDUALS = 15
_MOST_FEATURES_BY_LEVEL = 25
_MOST_COLUMNS_IN_PAIRS = 10

# From how many features to how many, and the critic. Pairs are chosen where not all are taken.
_COSTLY: tuple[tuple[int, int, Candidate], ...] = (
    (1, 50, ScreenedCandidate("chosen cycles", cycles_that_differ)),
    (2, 5, ScreenedCandidate("chosen plane waves", plane_waves_that_differ)),
    (1, 25, ScreenedCandidate("chosen remainders", residues_that_differ)),
    (4, 30, ScreenedCandidate("chosen products of four", fourfolds_that_differ)),
    (15, 500, ScreenedCandidate("chosen products", ChosenProducts.most_different)),
    (3, 50, ScreenedCandidate("chosen products of waves", ChosenWaves.most_different)),
    (6, 50, ScreenedCandidate("chosen pairs", pairs_that_differ)),
    (6, 50, ScreenedCandidate("chosen pairs of whitened", whitened_pairs_that_differ)),
    (4, 50, ScreenedCandidate("bumps in chosen planes", bumps_in_planes_that_differ)),
    (6, 500, ScreenedCandidate("chosen directions", directions_that_differ)),
    (2, 15, ResidualPairsCandidate()),
    (2, 15, ScreenedCandidate("conditional normals", conditional_normals)),
    (2, 50, SelectionCandidate()),
    (3, 25, ScreenedCandidate("independent components", independent_components)),
)


def library(d: int, *, categorical: int = 0, cheap: bool = False) -> list[Candidate]:
    """Critics for d numeric features, the simplest first.

    Parameters
    ----------
    d : int
    categorical : int
        Number of categorical columns besides.
    cheap : bool
        Leave out trees, partitions, mixtures and what the labels choose: most of the time.

    Returns
    -------
    list of Candidate
    """
    found: list[Candidate] = [] if d == 0 else _of_numbers(d)
    if categorical:
        found += _of_levels(d, categorical)
    if cheap:
        return found
    found += [candidate for least, most, candidate in _COSTLY if least <= d <= most]
    if d or categorical > 1:
        # The levels of one column alone need no trees.
        found += [TreesCandidate(name) for name in list(SHAPES)[: 1 if d + categorical == 1 else 2]]
    if 1 < d <= _MOST_FEATURES_WITH_PRODUCTS:
        found.append(PartitionCandidate())
    if 1 <= d <= _MOST_FEATURES_WITH_BUMPS:
        found.append(MixturesCandidate(16 if d <= 3 else 6))
    return found


def _of_levels(d: int, categorical: int) -> list[Candidate]:
    found: list[Candidate] = []
    if d == 0:
        found.append(RidgeCandidate("levels", polynomial))
    elif d <= _MOST_FEATURES_BY_LEVEL:
        found.append(RidgeCandidate("numbers by level", numbers_by_level))
    if 1 < categorical <= _MOST_COLUMNS_IN_PAIRS:
        found.append(RidgeCandidate("pairs of levels", pairs_of_levels))
    return found


def _of_numbers(d: int) -> list[Candidate]:
    frequencies = _MOST_FREQUENCIES if d == 1 else 11 if d <= 3 else 7 if d <= 20 else 5
    of_ranks = partial(waves, frequencies=frequencies)
    found: list[Candidate] = [
        RidgeCandidate("linear", polynomial),
        RidgeCandidate("squares", partial(polynomial, squares=True)),
        RidgeCandidate("squares of scores", partial(polynomial, squares=True, by_rank=True)),
        RidgeCandidate("waves", of_ranks),
    ]
    if d <= 20:
        found.append(RidgeCandidate("waves and edges", of_ranks, True))
    if d <= _MOST_FEATURES_WITH_PRODUCTS:
        found.append(RidgeCandidate("recurring values", atoms))
        found.append(RidgeCandidate("heaped values", heaps))
        found.append(RidgeCandidate("last digits", last_digits))
        found.append(RidgeCandidate("numbers by value", numbers_by_value))
        found.append(RidgeCandidate("repeats within points", repeats))
    if d > 1:
        radial = partial(of_radius, features=partial(waves, frequencies=_MOST_FREQUENCIES))
        found.append(RidgeCandidate("waves of the radius", radial))
    if 1 < d <= _MOST_FEATURES_WITH_RESIDUALS:
        found.append(RidgeCandidate("waves of residuals", waves_of_residuals))
    if 1 < d <= _MOST_FEATURES_WITH_PRODUCTS:
        products = partial(polynomial, squares=True, products=True)
        found.append(RidgeCandidate("quadratic", products))
        if d <= _MOST_FEATURES_WITH_RANK_PRODUCTS:
            found.append(RidgeCandidate("quadratic in scores", partial(products, by_rank=True)))
            found.append(RidgeCandidate("products of sizes", sizes))
            angular = quartics if d <= _MOST_FEATURES_WITH_PAIRS else products
            alone = partial(of_direction, features=angular)
            found.append(RidgeCandidate("directions", alone))
    if d > 2:
        found.append(RidgeCandidate("sums over features", sums))
        found.append(RidgeCandidate("sums over sizes", partial(of_sizes, features=sums)))
        whitened = partial(of_whitened, features=sums)
        found.append(RidgeCandidate("sums over whitened features", whitened))
        whitened = partial(of_whitened, features=of_ranks)
        found.append(RidgeCandidate("waves of whitened features", whitened))
    if 1 < d <= _MOST_FEATURES_WITH_PAIRS:
        few, each = (10, 5) if d == 2 else (10, 3) if d == 3 else (5, 3)
        pairs = partial(waves, frequencies=few, pairs=each)
        found.append(RidgeCandidate("pairs of waves", pairs))
        found.append(RidgeCandidate("pairs of waves and edges", pairs, True))
        found.append(RidgeCandidate("quartic in scores", quartics))
    return found + _of_places(d)


def _of_places(d: int) -> list[Candidate]:
    """Critics of where among all points a point lies: near which of them, in which cluster."""
    found: list[Candidate] = []
    if d <= _MOST_FEATURES_WITH_BUMPS:
        widths = (0.2, 0.5, 1.0, 2.0) if d <= 3 else (0.5, 1.0, 2.0)
        found += [
            RidgeCandidate(f"bumps of width {width:g}", partial(bumps, bandwidth=width))
            for width in widths
        ]
    if d <= _MOST_FEATURES_WITH_PAIRS:
        by_rank = partial(bumps, bandwidth=0.5, by_rank=True)
        found.append(RidgeCandidate("bumps in scores", by_rank))
        if d > 2:
            alone = partial(of_direction, features=partial(bumps, bandwidth=0.5))
            found.append(RidgeCandidate("bumps of the direction", alone))
    elif d <= _MOST_FEATURES_TO_SCREEN:
        for name, features in (
            ("quadratic", partial(polynomial, squares=True, products=True)),
            ("bumps", partial(bumps, bandwidth=0.5)),
            ("pairs of waves", partial(waves, frequencies=10, pairs=3)),
        ):
            along = partial(along_leading_components, features=features)
            found.append(RidgeCandidate(f"{name} along leading components", along))
    if 1 < d <= _MOST_FEATURES_WITH_CLUSTERS:
        found.append(RidgeCandidate("clusters", clusters))
        found.append(SharesCandidate())
    if 1 < d <= _MOST_FEATURES_WITH_BUMPS:
        found.append(RidgeCandidate("slopes within clusters", partial(clusters, slopes=True)))
    return found
