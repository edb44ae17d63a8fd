"""Densities of one-dimensional samples, for pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.density import KernelMixture, as_kernel
from divergences.report.colors import P_COLOR, Q_COLOR, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples

_FEW_VALUES = 20
_BINS = 30
_GRID = 256
_ENOUGH = 10_000
_HEAVY = 4.0
_MARGIN = 0.1

Range = tuple[float, float]


def draw_densities(ax: Axes, p: Samples, q: Samples, names: tuple[str, str]) -> None:
    """Draw two one-dimensional samples: curves, or bars where there are only a few values.

    Heavy tails are cut at `shown_range`, and what is drawn integrates to the mass that is left.
    """
    shown = shown_range(p, q)
    p, q = p.thinned(_ENOUGH), q.thinned(_ENOUGH)
    values = few_values(p, q)
    if values is not None:
        _draw_shares(ax, p, q, values, names)
    elif _is_smooth(p) and _is_smooth(q):
        _draw_curves(ax, p, q, names, shown)
    else:
        _draw_histograms(ax, p, q, names, shown)
    ax.set_ylim(bottom=0)
    tidy(ax)
    if values is not None:
        ax.locator_params(axis="y", nbins=5)
    else:
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)


def shown_range(p: Samples, q: Samples) -> Range:
    """Where two one-dimensional samples are drawn.

    All of it or, where the tails would leave no room for the rest, the middle 98 % of either sample
    and a tenth more.
    """
    ends = np.array([np.quantile(sample.points, [0.0, 0.01, 0.99, 1.0]) for sample in (p, q)])
    (low, left), (right, high) = ends[:, :2].min(axis=0), ends[:, 2:].max(axis=0)
    width = right - left
    if few_values(p, q) is not None or width == 0 or high - low <= _HEAVY * width:
        return float(low), float(high)
    return max(low, float(left - _MARGIN * width)), min(high, float(right + _MARGIN * width))


def within(sample: Samples, shown: Range) -> tuple[Samples, float]:
    """The points of a one-dimensional sample in a range, and their share of its mass."""
    inside = (sample.points[:, 0] >= shown[0]) & (sample.points[:, 0] <= shown[1])
    return sample.take(np.flatnonzero(inside)), float(sample.mass[inside].sum())


def outside_words(p: Samples, q: Samples) -> str:
    """How many points are beyond what is drawn; empty if none are."""
    shown, count = shown_range(p, q), p.n + q.n
    beyond = count - within(p, shown)[0].n - within(q, shown)[0].n
    return f"{beyond:,} of {count:,} points are beyond: not drawn" if beyond else ""


def few_values(p: Samples, q: Samples) -> NDArray[np.float64] | None:
    """The values of two one-dimensional samples, if they are few and come again and again."""
    values: NDArray[np.float64] = np.unique(np.concatenate([p.points, q.points]))
    few = len(values) <= _FEW_VALUES and 2 * len(values) <= p.n + q.n
    return values if few else None


def name_levels(axis: Any, levels: tuple[Any, ...] | None) -> None:
    """Write the levels of a categorical column along an axis, if there is room."""
    if levels is not None and len(levels) <= _FEW_VALUES:
        axis.set_ticks(range(len(levels)), [str(level) for level in levels])


def _is_smooth(sample: Samples) -> bool:
    # A third of the points on one value: a kernel estimate would hide the atom.
    _, counts = np.unique(sample.points[:, 0], return_counts=True)
    return bool(counts.max() < sample.n / 3)


def _draw_curves(ax: Any, p: Samples, q: Samples, names: tuple[str, str], shown: Range) -> None:
    (p, share_p), (q, share_q) = within(p, shown), within(q, shown)
    mixtures = [
        KernelMixture.fit(sample.points, sample.mass, as_kernel("gaussian"), "silverman")
        for sample in (p, q)
    ]
    reach = [3 * float(mixture.bandwidth.factor[0, 0]) for mixture in mixtures]
    low = min(s.points.min() - r for s, r in zip((p, q), reach, strict=True))
    high = max(s.points.max() + r for s, r in zip((p, q), reach, strict=True))
    grid = np.linspace(low, high, _GRID)
    for mixture, share, color, name in zip(
        mixtures, (share_p, share_q), (P_COLOR, Q_COLOR), names, strict=True
    ):
        density = share * np.exp(mixture.log_density(grid[:, None]))
        ax.fill_between(grid, density, color=color, alpha=0.3, linewidth=0, label=name)
        ax.plot(grid, density, color=color, linewidth=1.2)
    ax.set_xlim(low, high)
    ax.set_ylabel("density")


def _draw_histograms(ax: Any, p: Samples, q: Samples, names: tuple[str, str], shown: Range) -> None:
    edges = np.linspace(*shown, _BINS + 1)
    for sample, color, name in zip((p, q), (P_COLOR, Q_COLOR), names, strict=True):
        shares, _ = np.histogram(sample.points[:, 0], edges, weights=sample.mass)
        heights = shares / np.diff(edges)
        ax.stairs(heights, edges, fill=True, color=color, alpha=0.3, label=name)
        ax.stairs(heights, edges, color=color, linewidth=1.2)
    ax.set_ylabel("density")


def _draw_shares(
    ax: Any, p: Samples, q: Samples, values: NDArray[np.float64], names: tuple[str, str]
) -> None:
    width = 0.4 * (np.diff(values).min() if len(values) > 1 else 1.0)
    for sample, color, name, side in zip(
        (p, q), (P_COLOR, Q_COLOR), names, (-0.5, 0.5), strict=True
    ):
        places = np.searchsorted(values, sample.points[:, 0])
        shares = np.bincount(places, weights=sample.mass, minlength=len(values))
        ax.bar(values + side * width, shares, width, color=color, alpha=0.7, label=name)
    ax.set_ylabel("share")
