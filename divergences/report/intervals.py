"""A picture of values with their intervals, one row for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from divergences.report.colors import CRITIC_COLOR, FAINT, axes_or_new, tidy
from divergences.report.words import value_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from divergences.estimate import Estimate

_BEYOND = 2.0


def plot_intervals(labels: Sequence[str], estimates: Sequence[Estimate], ax: Axes | None) -> Axes:
    """Draw values with their 95 % intervals, each row on its own scale with zero in common.

    Parameters
    ----------
    labels : sequence of str
        What each row is called.
    estimates : sequence of Estimate
        Values with their error bars, in any units.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes
    """
    ax = axes_or_new(ax, 7.5, 1.4 + 0.3 * len(estimates))
    # Only a layout makes room for words beside the axes.
    laid_out = ax.figure.get_layout_engine() is not None
    beside: Any = {"xytext": (6, 0), "va": "center"}
    above: Any = {"xytext": (0, 3), "va": "bottom", "ha": "right"}
    ends = [_relative_interval(estimate) for estimate in estimates]
    for i, (estimate, (low, value, high)) in enumerate(zip(estimates, ends, strict=True)):
        color = FAINT if low <= 0 else CRITIC_COLOR
        ax.plot([max(low, -_BEYOND), min(high, _BEYOND)], [i, i], color=color, linewidth=2)
        ax.plot([min(value, _BEYOND)], [i], "o", color=color, markersize=5)
        ax.annotate(
            value_words(estimate),
            (1.0, i),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize="small",
            **(beside if laid_out else above),
        )
    ax.axvline(0, color=FAINT, linewidth=1, linestyle="--")
    ax.set_xlim(max(min(0.0, *(low for low, _, _ in ends)), -1) - 0.05, 1.05)
    ax.set_ylim(len(estimates) - 0.5, -0.5)
    ax.set_yticks(range(len(estimates)), labels)
    ax.set_xticks([0], ["0"])
    wide = "value and 95 % interval, each row on its own scale\n(gray: it contains 0)"
    flat = "95 % intervals, each row on its own scale (gray: with 0)"
    ax.set_xlabel(wide if laid_out else flat, fontsize="medium" if laid_out else "small")
    tidy(ax)
    return ax


def _relative_interval(estimate: Estimate) -> tuple[float, float, float]:
    low, high = estimate.interval()
    sizes = [abs(x) for x in (low, estimate.value, high) if math.isfinite(x)]
    scale = max(sizes, default=1.0) or 1.0
    return low / scale, estimate.value / scale, high / scale
