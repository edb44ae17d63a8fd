"""Pictures of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from divergences.confidence import REACH
from divergences.measures.from_torch import to_numpy
from divergences.report import plot_densities
from divergences.report.colors import FAINT, P_COLOR, Q_COLOR, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from divergences.training.run import TrainingRun

_POINTS = 1_000


def plot_run(run: TrainingRun) -> Figure:
    """Draw the history of a training and, in one or two dimensions, what came of it."""
    d = run.held_out.shape[1] if run.held_out.ndim == 2 else 0
    figure = new_figure(10.0 if d in (1, 2) else 6.8, 3.4)
    panels = figure.subplots(1, 3 if d in (1, 2) else 2)
    _draw_objectives(panels[0], run)
    _draw_held_out(panels[1], run)
    if d in (1, 2):
        _draw_samples(panels[2], run, d)
    return figure


def _draw_objectives(ax: Axes, run: TrainingRun) -> None:
    players = (("critic_objective", "critic", P_COLOR), ("generator_objective", "g", Q_COLOR))
    for column, label, color in players:
        values = run.history[column]
        if np.isfinite(values).any():
            ax.plot(run.history["step"], values, color=color, linewidth=0.8, label=label)
    ax.set(xlabel="step", title="objectives on the batch")
    ax.legend(frameon=False)
    tidy(ax)


def _draw_held_out(ax: Axes, run: TrainingRun) -> None:
    measured = run.history.measured()
    steps, values = measured["step"], measured["held_out"]
    reach = REACH * measured["held_out_stderr"]
    ax.fill_between(steps, values - reach, values + reach, color=Q_COLOR, alpha=0.25, linewidth=0)
    ax.plot(steps, values, color=Q_COLOR, marker="o", markersize=3)
    ax.axhline(0, color=FAINT, linewidth=0.8)
    symbol = "" if run.estimate is None else run.estimate.definition.symbol
    ax.set(xlabel="step", title=f"held-out {symbol} ± {REACH:.3g} stderr")
    tidy(ax)


def _draw_samples(ax: Axes, run: TrainingRun, d: int) -> None:
    data = to_numpy(run.held_out[:_POINTS])
    drawn = to_numpy(run.pushforward.sample(len(data), rng=0))
    if d == 1:
        plot_densities(data, drawn, columns=[""], names=("data", "g#mu"), axes=np.array([ax]))
        return
    for points, color, label in ((data, P_COLOR, "data"), (drawn, Q_COLOR, "g#mu")):
        ax.scatter(
            points[:, 0], points[:, 1], s=4, color=color, alpha=0.6, linewidths=0, label=label
        )
    ax.set_aspect("equal", adjustable="datalim")
    ax.legend(frameon=False)
    tidy(ax)
