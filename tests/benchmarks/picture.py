"""Accuracy against time, one point for each contender."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from divergences.report.colors import CRITIC_COLOR, FAINT, P_COLOR, Q_COLOR, tidy
from tests.benchmarks.scores import OURS, Scores, finite, geometric_mean

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "accuracy.png"


def draw(scores: tuple[Scores, Scores]) -> None:
    """Two panels of errors over the bound against seconds, both logarithmic."""
    figure = Figure(figsize=(9.2, 4.0), layout="constrained")
    for ax, each in zip(figure.subplots(1, 2), scores, strict=True):
        _panel(ax, each)
    figure.savefig(PICTURE, dpi=110)


def _panel(ax: Axes, scores: Scores) -> None:
    for method in scores.methods:
        answered = finite(scores.ratios(method))
        if not answered:
            continue
        color = P_COLOR if method in OURS else Q_COLOR
        place = scores.seconds(method), geometric_mean(answered)
        partial = len(answered) < len(scores.cases)
        ax.plot(*place, "o", color=color, mfc="white" if partial else color, ms=7)
        label = f"{method} ({len(answered)} of {len(scores.cases)})" if partial else method
        ax.annotate(
            label, place, xytext=(6, 4), textcoords="offset points", fontsize=8,
            color=CRITIC_COLOR, weight="bold" if method == "auto" else "normal",
        )  # fmt: skip
    ax.axhline(1.0, color=FAINT, linewidth=0.8, linestyle=":")
    ax.annotate(
        "one who knows p/q", (0.99, 1.0), xycoords=("axes fraction", "data"), ha="right",
        va="bottom", fontsize=8, color=FAINT,
    )  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("seconds for one pair of samples")
    ax.set_ylabel("error over the bound")
    ax.set_title(f"{scores.divergence}, n = m = {scores.n:,}", fontsize=10)
    ax.margins(x=0.25, y=0.15)
    tidy(ax)
