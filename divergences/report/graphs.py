"""A picture of a graph: features on a circle, lines between those that depend on each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.report.colors import CRITIC_COLOR, P_COLOR, Q_COLOR, axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_WIDEST = 4.0
_OUTSIDE = 1.1


def plot_graph(
    partial_correlations: NDArray[np.float64], names: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """Draw features on a circle, joined where their partial correlation is not zero.

    Parameters
    ----------
    partial_correlations : ndarray of shape (d, d)
        Symmetric; the diagonal is not read.
    names : sequence of str
        One per feature.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes
    """
    ax = axes_or_new(ax, 5.4, 5.4)
    angle = np.pi / 2 - 2 * np.pi * np.arange(len(names)) / len(names)
    at = np.column_stack([np.cos(angle), np.sin(angle)])
    for i, j in zip(*np.triu_indices(len(names), 1), strict=True):
        value = float(partial_correlations[i, j])
        if value != 0:
            color = P_COLOR if value > 0 else Q_COLOR
            width = max(_WIDEST * abs(value), 0.3)
            ax.plot(*at[[i, j]].T, color=color, linewidth=width, zorder=1)
    ax.scatter(at[:, 0], at[:, 1], s=30, color=CRITIC_COLOR, zorder=2)
    for name, (x, y) in zip(names, at, strict=True):
        side = "center" if abs(x) < 0.2 else ("left" if x > 0 else "right")
        ax.annotate(name, (_OUTSIDE * x, _OUTSIDE * y), ha=side, va="center", fontsize="small")
    _explain(ax)
    return ax


def _explain(ax: Any) -> None:
    for color, sign in ((P_COLOR, "positive"), (Q_COLOR, "negative")):
        ax.plot([], [], color=color, linewidth=2, label=f"{sign} partial correlation")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), frameon=False, fontsize="small")
    ax.set_aspect("equal")
    ax.set_xlim(-1.5, 1.5)
    ax.set_ylim(-1.3, 1.3)
    ax.set_axis_off()
