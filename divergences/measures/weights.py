"""Weights of points: what is accepted at the door, and when they are as good as none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.measures.arrays import to_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUNDING = 1e-9


def are_equal(mass: NDArray[np.float64]) -> bool:
    """Whether all points weigh as much, up to the rounding of sums and normalizations."""
    return bool(np.ptp(mass) <= _ROUNDING * mass.max())


def to_weights(weights: Any, n: int, name: str) -> NDArray[np.float64]:
    """One nonnegative finite weight for each of n points."""
    label = f"weights_{name}"
    mass = to_values(weights, label).array
    if mass.ndim == 2 and mass.shape[1] == 1:
        mass = mass[:, 0]
    if mass.shape != (n,):
        raise ValueError(
            f"{label} must have shape ({n},), one weight for each point of {name}, not "
            f"{mass.shape}."
        )
    if not np.isfinite(mass).all():
        raise ValueError(
            f"{label} must be finite, but {int((~np.isfinite(mass)).sum())} of {n} are not. "
            f"Use 0 to leave a point out."
        )
    if (mass < 0).any():
        raise ValueError(
            f"{label} must not be negative, but {int((mass < 0).sum())} of {n} are. Weights are "
            f"masses or repeat counts."
        )
    return mass


def positive(
    points: NDArray[np.float64], mass: NDArray[np.float64], notes: tuple[str, ...], name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
    """The points that carry weight, their weights made to sum to one, and what to note."""
    carried = mass > 0
    count = int(carried.sum())
    if count == 0:
        raise ValueError(f"weights_{name} must have a positive sum, but they sum to 0.")
    if count < 2:
        raise ValueError(
            f"weights_{name} must give at least 2 points a positive weight, but only 1 has one."
        )
    if count < len(mass):
        # A point without mass is no point of the measure: neighbors and counts must not see it.
        note = f"{len(mass) - count} of {len(mass)} rows of {name} were left out: zero weight."
        points, mass, notes = points[carried], mass[carried], (*notes, note)
    mass = mass / mass.max()
    return points, mass / mass.sum(), notes
