"""Accuracy against time, one point for each contender."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from divergences.report.colors import CRITIC_COLOR, FAINT, P_COLOR, Q_COLOR, tidy
from tests.benchmarks.scores import OURS, Scores, finite, geometric_mean

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "accuracy.png"
_LINE = 0.065


def draw(scores: tuple[Scores, Scores]) -> None:
    """Two panels of errors over the bound against seconds, both logarithmic."""
    figure = Figure(figsize=(11.0, 4.4), layout="constrained")
    for ax, each in zip(figure.subplots(1, 2), scores, strict=True):
        _panel(ax, each)
    figure.savefig(PICTURE, dpi=110)


def _panel(ax: Axes, scores: Scores) -> None:
    answered = {method: finite(scores.ratios(method)) for method in scores.methods}
    places = {
        method: (scores.seconds(method), geometric_mean(ratios))
        for method, ratios in answered.items()
        if ratios
    }
    for method, place in places.items():
        color = P_COLOR if method in OURS else Q_COLOR
        partial = len(answered[method]) < len(scores.cases)
        ax.plot(*place, "o", color=color, mfc="white" if partial else color, ms=7)
    ax.axhline(1.0, color=FAINT, linewidth=0.8, linestyle=":")
    ax.annotate(
        "one who knows p/q", (0.01, 1.0), xycoords=("axes fraction", "data"), va="bottom",
        fontsize=8, color=FAINT,
    )  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("seconds of one core for two samples")
    ax.set_ylabel("error over the bound")
    ax.set_title(f"{scores.divergence}, n = m = {scores.n:,}", fontsize=10)
    ax.margins(x=0.1, y=0.1)
    tidy(ax)
    names = {
        method: f"{method} ({len(answered[method])} of {len(scores.cases)})"
        if len(answered[method]) < len(scores.cases)
        else method
        for method in places
    }
    _label(ax, names, places)


def _label(ax: Axes, names: dict[str, str], places: dict[str, tuple[float, float]]) -> None:
    # In a column beside the axes, from top to bottom as the points are, so that none overlap.
    order = sorted(places, key=lambda method: -places[method][1])
    low, high = (math.log(limit) for limit in ax.get_ylim())
    wanted = [(math.log(places[method][1]) - low) / (high - low) for method in order]
    for method, height in zip(order, spread(wanted, _LINE), strict=True):
        ax.annotate(
            names[method], places[method], xytext=(1.04, height), textcoords="axes fraction",
            fontsize=8, va="center", color=CRITIC_COLOR, annotation_clip=False,
            weight="bold" if method == "auto" else "normal",
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.4, "shrinkB": 4},
        )  # fmt: skip


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Descending heights that are at least `gap` apart, centered on those wanted."""
    placed: list[list[float]] = []
    for height in wanted:
        placed.append([height])
        # Blocks that touch are joined and centered on the mean of their members' wishes.
        while len(placed) > 1 and _bottom(placed[-2], gap) < _top(placed[-1], gap) + gap:
            last = placed.pop()
            placed[-1] += last
    return [_top(block, gap) - gap * index for block in placed for index in range(len(block))]


def _top(block: list[float], gap: float) -> float:
    return sum(block) / len(block) + gap * (len(block) - 1) / 2


def _bottom(block: list[float], gap: float) -> float:
    return _top(block, gap) - gap * (len(block) - 1)
