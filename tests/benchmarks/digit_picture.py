"""Generated stacks of digits to look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tests.benchmarks.digit_judge import SHAPE

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "stacked_digits.png"
COLUMNS, ROWS = 4, 6
_GAP = 2


def draw(stacks: Mapping[str, np.ndarray]) -> None:
    """Stacks of each method, not chosen, with their three channels side by side.

    Parameters
    ----------
    stacks : mapping from str to ndarray of shape (n, 192)
        By what made them, at least 24 of each.
    """
    figure = Figure(figsize=(3.0 * len(stacks), 2.2), layout="constrained")
    axes = figure.subplots(1, len(stacks), squeeze=False)[0]
    for ax, (title, each) in zip(axes, stacks.items(), strict=True):
        ax.imshow(_mosaic(each), cmap="gray_r", vmin=-1, vmax=1, interpolation="nearest")
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()
    figure.savefig(PICTURE, dpi=110)


def _mosaic(stacks: np.ndarray) -> np.ndarray:
    channels, side, _ = SHAPE
    height, width = side + _GAP, channels * side + _GAP
    sheet = np.full((ROWS * height - _GAP, COLUMNS * width - _GAP), 0.0)
    for place, each in enumerate(stacks.reshape(-1, *SHAPE)[: ROWS * COLUMNS]):
        top, left = place // COLUMNS * height, place % COLUMNS * width
        sheet[top : top + side, left : left + channels * side] = np.concatenate(each, axis=1)
    return sheet
