"""What a reader sees: tables and pictures of estimates."""

from divergences.report.calibration import plot_calibration
from divergences.report.figures import plot_densities, plot_estimate, save_figure
from divergences.report.graphs import plot_graph
from divergences.report.table import Comparison
from divergences.report.words import verdict

__all__ = [
    "Comparison",
    "plot_calibration",
    "plot_densities",
    "plot_estimate",
    "plot_graph",
    "save_figure",
    "verdict",
]
