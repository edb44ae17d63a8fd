"""What generators are trained to become: mixtures with known modes, and the lecture's samples."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import divergences as dv

TRAINING_POINTS = 100_000
GENERATED_POINTS = 2_500

Law = Callable[[int, np.random.Generator], np.ndarray]


@dataclass(frozen=True, eq=False)
class Target:
    """A law to draw from, and its modes where it has some that are known.

    Parameters
    ----------
    name : str
        As records have it.
    law : callable
        From a number of points and a numpy generator to points (n, d).
    modes : Modes, optional
        Its modes.
    generated : int
        Points that a generator is rated on, and held-out points beside them.
    """

    name: str
    law: Law
    modes: dv.Modes | None = None
    generated: int = GENERATED_POINTS

    def training_points(self, seed: int) -> np.ndarray:
        """What generators see."""
        return self.law(TRAINING_POINTS, self._rng(seed, 0))

    def held_out_points(self, seed: int) -> np.ndarray:
        """What generated points are compared with."""
        return self.law(self.generated, self._rng(seed, 1))

    def further_points(self, seed: int) -> np.ndarray:
        """What a perfect generator would make."""
        return self.law(self.generated, self._rng(seed, 2))

    def _rng(self, seed: int, part: int) -> np.random.Generator:
        return np.random.default_rng([zlib.crc32(self.name.encode()), seed, part])


def mixture(name: str, modes: dv.Modes) -> Target:
    """Round Gaussians of equal weight."""

    def law(n: int, rng: np.random.Generator) -> np.ndarray:
        centers = modes.centers[rng.integers(len(modes.centers), size=n)]
        return centers + rng.normal(0, modes.deviation, centers.shape)

    return Target(name, law, modes)


_STEPS = np.arange(-4.0, 5.0, 2.0)
_ANGLES = 2 * np.pi * np.arange(8) / 8

GRID = mixture("grid", dv.Modes([(x, y) for x in _STEPS for y in _STEPS], deviation=0.05))
RING = mixture("ring", dv.Modes(np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)]), 0.01))

LECTURE = {"one feature": "bumps", "two features": "ring"}
LECTURE_POINTS = 5_000


def lecture(name: str) -> Target:
    """The lecture's samples of one and two features, as `examples/` defines them."""
    example = importlib.import_module("examples.univariate_and_bivariate")
    return Target(name, getattr(example, LECTURE[name]), generated=LECTURE_POINTS)
