"""Every pair on which accuracy is measured."""

from __future__ import annotations

from tests.benchmarks.pair import Pair, Tags, bound, efficiency_bound, has_floor, yardstick
from tests.benchmarks.pairs_lattice import ON_A_LATTICE
from tests.benchmarks.pairs_line import ALONG_A_LINE, ON_THE_LINE
from tests.benchmarks.pairs_plane import IN_THE_PLANE, MANY_FEATURES
from tests.benchmarks.pairs_structure import WITH_STRUCTURE

__all__ = [
    "PAIRS",
    "Pair",
    "Tags",
    "bound",
    "efficiency_bound",
    "has_floor",
    "pair_named",
    "yardstick",
]

PAIRS: tuple[Pair, ...] = (
    *ON_THE_LINE,
    *IN_THE_PLANE,
    *ALONG_A_LINE,
    *MANY_FEATURES,
    *WITH_STRUCTURE,
    *ON_A_LATTICE,
)


def pair_named(name: str) -> Pair:
    """The pair of that name."""
    return next(pair for pair in PAIRS if pair.name == name)
