"""The colors that P, Q and the critic have in every picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

P_COLOR = "#0072B2"
Q_COLOR = "#D55E00"
CRITIC_COLOR = "#222222"
FAINT = "#888888"
NOWHERE = "#E9E9E9"
_STRENGTH = 0.65


def critic_colormap() -> Colormap:
    """From Q's color through white to P's, which color-blind readers can tell apart.

    The ends are lighter than the colors themselves, so that points stand out.
    """
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    ends = [[1 - _STRENGTH * (1 - part) for part in to_rgb(c)] for c in (Q_COLOR, P_COLOR)]
    return LinearSegmentedColormap.from_list("q_to_p", [ends[0], (1, 1, 1), ends[1]])


def new_figure(width: float, height: float) -> Figure:
    """Make a figure that is known to nobody else: no window, no global state."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Plots need matplotlib. Install it with: pip install 'divergences[plots]'"
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def axes_or_new(ax: Axes | None, width: float = 6.4, height: float = 4.2) -> Axes:
    """Return `ax`, or the axes of a new figure; what is no axes is refused."""
    if ax is None:
        return new_figure(width, height).subplots()
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise TypeError(
            f"ax must be matplotlib Axes, not of type {type(ax).__name__}. Make them with "
            f"matplotlib.pyplot.subplots(), or of a figure with figure.subplots()."
        )
    return ax


def tidy(ax: Any) -> None:
    """Take away the frame lines that carry no information."""
    ax.spines["top"].set_visible(False)
    ax.spines["right"].set_visible(False)
