"""How a critic is shown: its values, its zero, its scale and its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.definitions import RatioDivergence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimate import Estimate
    from divergences.measures.samples import Samples

_TICKS = (-1.0, -0.5, 0.0, 0.5, 1.0)
_NEIGHBORS_SHARE = 0.98
_REACH = 1.2


@dataclass(frozen=True, eq=False)
class CriticView:
    """A critic as pictures show it: zero where neither measure outweighs the other.

    Log-ratios l are shown as tanh(l/2), the chance of P less the chance of Q at equal numbers:
    their own scale is set by the far tails, where there are no points to see.

    Parameters
    ----------
    estimate : Estimate
        Its critic is shown.
    middle : float
        What is taken off the critic's values: a potential is fixed only up to a constant.
    limit : float
        Largest value on the scale.
    """

    estimate: Estimate
    middle: float
    limit: float

    @classmethod
    def of(
        cls, estimate: Estimate, p: Samples, q: Samples, drawn: NDArray[np.float64] | None = None
    ) -> CriticView:
        """Choose zero and scale by the critic's values at the samples, and where else it is drawn.

        Between points a curve can go beyond its values at them.
        """
        if isinstance(estimate.definition, RatioDivergence):
            return cls(estimate, 0.0, 1.0)
        at_p, at_q = estimate.critic(p.points), estimate.critic(q.points)
        is_potential = estimate.definition.critic == "potential"
        middle = (p.mean(at_p) + q.mean(at_q)) / 2 if is_potential else 0.0
        shown = [at_p, at_q] if drawn is None else [at_p, at_q, estimate.critic(drawn)]
        limit = float(np.abs(np.concatenate(shown) - middle).max())
        return cls(estimate, middle, limit or 1.0)

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at points of shape (k, d), positive where P outweighs Q."""
        values = self.estimate.critic(points)
        if isinstance(self.estimate.definition, RatioDivergence):
            return np.tanh(values / 2)
        return values - self.middle

    @property
    def ticks(self) -> list[float]:
        """Where the scale is marked."""
        return [self.limit * tick for tick in _TICKS]

    @property
    def tick_labels(self) -> list[str]:
        """What the marks say."""
        if isinstance(self.estimate.definition, RatioDivergence):
            return [f"{50 * (1 + tick):.0f} %" for tick in _TICKS]
        return [f"{tick:.2g}" for tick in self.ticks]

    def label(self, names: tuple[str, str]) -> str:
        """What the scale means."""
        if isinstance(self.estimate.definition, RatioDivergence):
            return f"critic ln(p/q), as the chance\nof {names[0]} at equal numbers"
        return f"{critic_name(self.estimate)}\nmore {names[1]}  ←  0  →  more {names[0]}"


def critic_name(estimate: Estimate) -> str:
    """What theory calls the critic."""
    if isinstance(estimate.definition, RatioDivergence):
        return "critic ln(p/q)"
    return f"critic ({estimate.definition.critic})"


def near_data(points: NDArray[np.float64], data: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which points lie so near to the data that a critic there is more than a guess.

    Parameters
    ----------
    points : ndarray of shape (k, d)
        Where to look.
    data : ndarray of shape (n, d)
        Points of both samples.

    Returns
    -------
    ndarray of bool of shape (k,)
        True up to a little more than the distance at which nearly all data points have a neighbor.
    """
    from scipy.spatial import cKDTree

    scale = data.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    tree = cKDTree(data / scale)
    gaps = np.asarray(tree.query(data / scale, k=2)[0])[:, 1]
    distances = np.asarray(tree.query(points / scale)[0])
    return np.asarray(distances <= _REACH * np.quantile(gaps, _NEIGHBORS_SHARE))
