"""Generated points over data: the two targets of the protocol, and every divergence."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from divergences.report.colors import CRITIC_COLOR, FAINT, P_COLOR, Q_COLOR, tidy
from tests.benchmarks.generation.records import read_points
from tests.benchmarks.generation.rivals import RIVALS
from tests.benchmarks.generation.summary import percent, summaries
from tests.benchmarks.generation.target import GRID, RING, Target
from tests.benchmarks.generation.tasks import OURS

IMAGES = Path(__file__).parents[3] / "docs" / "images"
_SHOWN = 1_000
_COLUMNS = 5
_REACH = 8.0


def draw() -> None:
    """Both pictures of the page."""
    draw_targets(IMAGES / "generators.png")
    draw_rivals(IMAGES / "generators_table.png")


def draw_targets(path: Path) -> None:
    """The worst seed of each target, and its modes laid over each other."""
    figure = Figure(figsize=(9.0, 9.0), layout="constrained")
    for row, target in zip(figure.subplots(2, 2), (GRID, RING), strict=True):
        seed, points = worst_seed(target)
        data = target.held_out_points(0)[:_SHOWN]
        title = f"{target.name}, seed {seed}" if len(points) else f"{target.name}, not trained yet"
        _scatter(row[0], data, points, title)
        _folded(row[1], target, data, points)
    figure.savefig(path, dpi=100)


def worst_seed(target: Target) -> tuple[int, np.ndarray]:
    """The seed with the lowest share of high quality, and its points; none if none was trained."""
    kept = read_points(target.name)
    ours = summaries(target.name).get(OURS)
    rated = [each for each in ours.records if (OURS, each.seed) in kept] if ours else []
    if not rated:
        return 0, np.empty((0, 2))
    worst = min(rated, key=lambda each: each.scores.get("quality", 0.0))
    return worst.seed, kept[OURS, worst.seed]


def _folded(ax: Axes, target: Target, data: np.ndarray, points: np.ndarray) -> None:
    assert target.modes is not None
    for cloud, color in ((data, P_COLOR), (points, Q_COLOR)):
        about = _about_modes(target, cloud)
        ax.plot(about[:, 0], about[:, 1], ".", color=color, markersize=3, alpha=0.5)
    circle = 3 * np.exp(2j * np.pi * np.linspace(0, 1, 200))
    ax.plot(circle.real, circle.imag, color=CRITIC_COLOR, linewidth=0.8)
    ax.set_xlim(-_REACH, _REACH)
    ax.set_ylim(-_REACH, _REACH)
    ax.set_aspect("equal")
    beyond = np.abs(_about_modes(target, points)).max(axis=1) > _REACH
    ax.set_title(f"about the nearest mode, {int(beyond.sum())} points beyond", fontsize=10)
    tidy(ax)


def _about_modes(target: Target, points: np.ndarray) -> np.ndarray:
    assert target.modes is not None
    centers, wide = target.modes.centers, points.astype(np.float64)
    distances = np.linalg.norm(wide[:, None] - centers, axis=2)
    return (wide - centers[distances.argmin(axis=1)]) / target.modes.deviation


def draw_rivals(path: Path) -> None:
    """The first seed of every divergence on the grid."""
    kept, found = read_points("table"), summaries("table")
    data = GRID.held_out_points(0)[:_SHOWN]
    rows = math.ceil(len(RIVALS) / _COLUMNS)
    figure = Figure(figsize=(2.2 * _COLUMNS, 2.4 * rows), layout="constrained")
    panels = figure.subplots(rows, _COLUMNS).ravel()
    for ax in panels[len(RIVALS) :]:
        ax.axis("off")
    for ax, rival in zip(panels, RIVALS, strict=False):
        points = kept.get((rival.name, 0), np.empty((0, 2)))
        title = rival.name
        if rival.name in found:
            title += f"\n{percent(found[rival.name].records[0].scores.get('quality', math.nan))}"
        _scatter(ax, data, points, title)
        ax.set_xticks([])
        ax.set_yticks([])
    figure.savefig(path, dpi=90)


def _scatter(ax: Axes, data: np.ndarray, points: np.ndarray, title: str) -> None:
    ax.plot(data[:, 0], data[:, 1], ".", color=P_COLOR, markersize=3, alpha=0.25)
    ax.plot(points[:, 0], points[:, 1], ".", color=Q_COLOR, markersize=1.5, alpha=0.7)
    reach = 1.25 * np.abs(data).max()
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-reach, reach)
    ax.set_aspect("equal")
    outside = int((np.abs(points) > reach).any(axis=1).sum())
    if outside:
        ax.annotate(
            f"{outside} outside", (0.02, 0.02), xycoords="axes fraction", fontsize=7, color=FAINT
        )
    ax.set_title(title, fontsize=9)
    tidy(ax)
