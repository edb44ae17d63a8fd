"""Transport costs W_r^r on the scale of W², where errors subtract as squares do."""

from __future__ import annotations

from typing import Any

from divergences.confidence import REACH
from divergences.definitions.definition import signed_root


def squared(cost: Any, order: float) -> Any:
    """W² of a cost W_r^r that is at least zero."""
    return cost ** (2 / order)


def slope_of_square(cost: float, order: float) -> float:
    """What a small error of the cost is multiplied by."""
    return 2 / order * cost ** (2 / order - 1) if cost > 0 else 0.0


def signal(value: float, noise: float) -> float:
    """Positive-part James-Stein: what stands out of noise of a known standard deviation."""
    return value * (1.0 - (noise / value) ** 2) if abs(value) > noise else 0.0


def cost_of_square(square: float, noise: float, order: float) -> tuple[float, float]:
    """W_r^r with a standard error whose interval reaches as far as that of W² does.

    A root makes the interval lopsided near zero; the longer side that is above zero counts.
    """
    ends = (square, square + REACH * noise, square - REACH * noise)
    inner, high, low = (signed_root(end, 2 / order) for end in ends)
    return inner, max(high - inner, inner - max(low, 0.0)) / REACH
