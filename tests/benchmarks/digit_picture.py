"""Generated stacks of digits to look at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tests.benchmarks.digit_judge import SHAPE

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "stacked_digits.png"
COLUMNS, ROWS = 4, 6
PANELS = 3
_GAP = 2


def draw(stacks: Mapping[str, np.ndarray]) -> None:
    """Stacks of each method, not chosen, with their three channels side by side.

    Parameters
    ----------
    stacks : mapping from str to ndarray of shape (n, 192)
        By what made them, at least 24 of each.
    """
    rows = math.ceil(len(stacks) / PANELS)
    figure = Figure(figsize=(3.4 * PANELS, 2.2 * rows), layout="constrained")
    axes = figure.subplots(rows, PANELS, squeeze=False).ravel()
    for ax in axes[len(stacks) :]:
        ax.set_axis_off()
    for ax, (title, each) in zip(axes, stacks.items(), strict=False):
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
