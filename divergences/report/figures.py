"""Pictures of estimates: the two samples, and the critic that tells them apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.measures.categories import with_common_levels
from divergences.measures.samples import Samples, as_samples, check_pair
from divergences.report.colors import (
    CRITIC_COLOR,
    FAINT,
    NOWHERE,
    P_COLOR,
    Q_COLOR,
    axes_or_new,
    critic_colormap,
    new_figure,
    tidy,
)
from divergences.report.critics import CriticView, critic_name, near_data
from divergences.report.densities import (
    draw_densities,
    few_values,
    name_levels,
    outside_words,
    shown_range,
    within,
)
from divergences.report.words import value_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from divergences.estimate import Estimate

Names = tuple[str, str]
_GRID = 120
_DRAWS = 1_000
_DOTS = {"linestyle": "", "marker": "o"}


def plot_estimate(estimate: Estimate, ax: Axes | None = None, *, names: Names = ("P", "Q")) -> Axes:
    """Draw the two samples of an estimate and the critic that tells them apart.

    One feature: both densities with the critic as a curve. Two: both samples on a map of the
    critic. More: how the critic's values on P's points differ from those on Q's, at points it was
    not fitted to where the method has them, or, where it has no critic, the first two principal
    components. Points that lack a value are left out; where hardly any is complete, the critic's
    values are drawn for any number of features.

    Parameters
    ----------
    estimate : Estimate
        What to draw; it keeps up to 1,000 points of each sample. Known measures are shown by
        as many points drawn from each.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure, which `ax.figure.savefig` writes.
    names : pair of str
        What to call P and Q.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the estimate has neither samples nor known measures to draw from.
    """
    p, q = _samples_of(estimate)
    ax = axes_or_new(ax)
    lacking = bool(p.missing or q.missing)  # as where hardly any point is complete
    if p.d == 1 and not lacking:
        _draw_line(ax, estimate, p, q, names)
    elif p.d == 2 and not lacking:
        _draw_map(ax, estimate, p, q, names)
    elif estimate.has_critic:
        _draw_critic_histograms(ax, estimate, p, q, names)
    else:
        _draw_components(ax, p, q, names)
    ax.set_title(_title(estimate))
    return ax


def plot_densities(
    p: Any,
    q: Any,
    *,
    estimates: Sequence[Estimate] | None = None,
    columns: Sequence[str] | None = None,
    names: Names = ("P", "Q"),
    axes: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Draw the two densities of every feature side by side, one small picture each.

    Parameters
    ----------
    p, q : array-like of shape (n_samples,) or (n_samples, n_features)
        The samples.
    estimates : sequence of Estimate, optional
        One per feature, for the titles.
    columns : sequence of str, optional
        Names of the features; those of the data if left out.
    names : pair of str
        What to call P and Q.
    axes : ndarray of Axes, optional
        One per feature; left out, a new figure is made.

    Returns
    -------
    ndarray of matplotlib Axes

    Raises
    ------
    ValueError
        If `estimates`, `columns` or `axes` are not one per feature.

    Examples
    --------
    >>> x, y = np.random.default_rng(0).normal(size=(2, 100, 2))
    >>> axes = plot_densities(x, y, columns=["age", "height"])
    >>> [ax.get_title() for ax in axes]
    ['age', 'height']
    """
    p, q = as_samples(p, name="p", categories=True), as_samples(q, name="q", categories=True)
    check_pair(p, q)
    p, q = with_common_levels(p, q)
    features = list(columns or _axis_names(p))
    for name, given in (("estimates", estimates), ("columns", features), ("axes", axes)):
        if given is not None and np.size(np.asarray(given, dtype=object)) != p.d:
            raise ValueError(
                f"{name} must be one for each of the {p.d} features, not {len(given)}."
            )
    panels = _panels(p.d) if axes is None else np.asarray(axes, dtype=object).ravel()
    for j, (ax, feature) in enumerate(zip(panels, features, strict=True)):
        draw_densities(ax, p.select(j), q.select(j), names)
        ax.set_ylabel("")
        ax.tick_params(labelsize="small")
        if p.column_levels[j] is None:
            ax.locator_params(axis="x", nbins=4)
        name_levels(ax.xaxis, p.column_levels[j])
        ax.set_xlabel(outside_words(p.select(j), q.select(j)), fontsize="small")
        value = f"\n{_short_value(estimates[j])}" if estimates is not None else ""
        ax.set_title(f"{feature}{value}", fontsize="medium")
    handles, labels = panels[0].get_legend_handles_labels()
    if axes is None:
        panels[0].figure.legend(handles, labels, loc="outside upper right", ncols=2)
    else:
        panels[0].legend(handles, labels)
    return panels


def save_figure(ax: Axes | NDArray[Any], path: str | Path) -> Path:
    """Write the figure that holds `ax` to a file; the suffix says the format.

    Parameters
    ----------
    ax : matplotlib Axes or ndarray of Axes
        What a plotting function returned.
    path : str or Path
        File to write: png, pdf or svg.

    Returns
    -------
    Path
    """
    first: Any = ax.ravel()[0] if isinstance(ax, np.ndarray) else ax
    page: Figure = first.figure.figure  # the figure around a subfigure; a figure's own is itself
    page.savefig(path, dpi=130)
    return Path(path)


def _samples_of(estimate: Estimate) -> tuple[Samples, Samples]:
    if estimate.samples is not None:
        return estimate.samples
    if estimate.circumstances.measures is None:
        raise ValueError(
            f"estimate must come from samples to be drawn, but {estimate.how!r} found its value "
            f"without any."
        )
    rng = np.random.default_rng(0)
    p, q = (measure.sample(_DRAWS, rng) for measure in estimate.circumstances.measures)
    return as_samples(p, name="p"), as_samples(q, name="q")


def _title(estimate: Estimate) -> str:
    title = estimate.definition.title
    symbol = estimate.definition.symbol
    return f"{title[0].upper()}{title[1:]}, {symbol} = {value_words(estimate)}"


def _short_value(estimate: Estimate) -> str:
    return f"{estimate.definition.symbol} {value_words(estimate, with_unit=False)}"


def _axis_names(p: Samples) -> list[str]:
    return list(p.columns) if p.columns else [f"feature {j}" for j in range(p.d)]


def _legend_below(ax: Any) -> None:
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, frameon=False)


def _draw_line(ax: Any, estimate: Estimate, p: Samples, q: Samples, names: Names) -> None:
    draw_densities(ax, p, q, names)
    feature, outside = p.columns[0] if p.columns else "x", outside_words(p, q)
    ax.set_xlabel(f"{feature} ({outside})" if outside else feature)
    name_levels(ax.xaxis, p.column_levels[0])
    if estimate.has_critic:
        _draw_critic_curve(ax, estimate, p, q, names)
    _legend_below(ax)


def _draw_critic_curve(ax: Any, estimate: Estimate, p: Samples, q: Samples, names: Names) -> None:
    few = few_values(p, q)
    shown = shown_range(p, q)
    grid = np.linspace(*shown, 400) if few is None else few
    view = CriticView.of(estimate, within(p, shown)[0], within(q, shown)[0], grid[:, None])
    limits, top = ax.get_xlim(), 1.05 * view.limit
    twin = ax.twinx()
    values = view(grid[:, None])
    style: Any = {"color": CRITIC_COLOR, "linewidth": 1.4} | ({} if few is None else _DOTS)
    twin.plot(grid, values, **style)
    for sign, color in ((1, P_COLOR), (-1, Q_COLOR)) if few is None else ():
        twin.fill_between(
            grid, -top, top, where=sign * values > 0, color=color, alpha=0.07, linewidth=0
        )
    twin.axhline(0, color=FAINT, linewidth=0.8, linestyle="--")
    twin.set_ylim(-top, top)
    twin.set_yticks(view.ticks, view.tick_labels)
    twin.set_ylabel(view.label(names))
    twin.spines["top"].set_visible(False)
    ax.plot([], [], label="critic (right axis)", **style)
    ax.set_xlim(limits)


def _draw_map(ax: Any, estimate: Estimate, p: Samples, q: Samples, names: Names) -> None:
    pooled = np.concatenate([p.points, q.points])
    if estimate.has_critic:
        _draw_critic_field(ax, estimate, p, q, names, pooled)
    _scatter(ax, p.points, q.points, names)
    if estimate.has_critic:
        ax.fill_between([], [], color=NOWHERE, label="no points near")
    _legend_below(ax)
    first, second = _axis_names(p)
    ax.set_xlabel(first)
    ax.set_ylabel(second)
    for axis, levels in zip((ax.xaxis, ax.yaxis), p.column_levels, strict=True):
        name_levels(axis, levels)


def _draw_critic_field(
    ax: Any, estimate: Estimate, p: Samples, q: Samples, names: Names, pooled: NDArray[np.float64]
) -> None:
    view = CriticView.of(estimate, p, q)
    margin = 0.05 * np.ptp(pooled, axis=0)
    margin = np.where(margin > 0, margin, 0.5)
    (x0, y0), (x1, y1) = pooled.min(axis=0) - margin, pooled.max(axis=0) + margin
    x, y = np.linspace(x0, x1, _GRID), np.linspace(y0, y1, _GRID)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    values = np.clip(view(grid), -view.limit, view.limit)
    values = np.ma.masked_array(values, ~near_data(grid, pooled)).reshape(_GRID, _GRID)
    levels = np.linspace(-view.limit, view.limit, 21)
    filled = ax.contourf(x, y, values, levels=levels, cmap=critic_colormap())
    ax.contour(x, y, values, levels=[0], colors=FAINT, linewidths=0.8)
    ax.set_facecolor(NOWHERE)
    bar = ax.figure.colorbar(filled, ax=ax)
    bar.set_ticks(view.ticks, labels=view.tick_labels)
    bar.set_label(view.label(names))


def _scatter(ax: Any, p: NDArray[np.float64], q: NDArray[np.float64], names: Names) -> None:
    for points, color, marker, name in ((p, P_COLOR, "o", names[0]), (q, Q_COLOR, "^", names[1])):
        ax.scatter(
            points[:, 0],
            points[:, 1],
            s=14,
            marker=marker,
            color=color,
            edgecolor="white",
            linewidth=0.4,
            label=name,
        )


def _draw_critic_histograms(
    ax: Any, estimate: Estimate, p: Samples, q: Samples, names: Names
) -> None:
    if estimate.reading.fresh is None:
        middle = CriticView.of(estimate, p, q).middle
        at_p, at_q = estimate.critic(p.points) - middle, estimate.critic(q.points) - middle
        drawn = estimate.samples is None
        where = f"at {p.n:,} draws of each" if drawn else "at the points it was fitted to"
        mass_p, mass_q = p.mass, q.mass
    else:
        at_p, at_q = estimate.reading.fresh.pooled
        mass_p, mass_q = (np.full(len(values), 1 / len(values)) for values in (at_p, at_q))
        where = "at points the critic was not fitted to"
    pooled = np.concatenate([at_p, at_q])
    finite = pooled[np.isfinite(pooled)]
    edges = np.linspace(finite.min(initial=0.0), finite.max(initial=0.0), 41)
    for values, mass, color, name in (
        (at_p, mass_p, P_COLOR, names[0]),
        (at_q, mass_q, Q_COLOR, names[1]),
    ):
        heights, _ = np.histogram(values, edges, weights=mass)
        ax.stairs(heights, edges, fill=True, color=color, alpha=0.4, label=name)
        ax.stairs(heights, edges, color=color, linewidth=1.2)
    ax.axvline(0, color=FAINT, linewidth=0.8, linestyle="--")
    beyond = len(pooled) - len(finite)
    left_out = f"\n(infinite at {beyond:,} of {len(pooled):,} points: not drawn)" if beyond else ""
    ax.set_xlabel(f"{critic_name(estimate)}, {where}{left_out}")
    ax.set_ylabel("share of points")
    ax.legend(frameon=False)
    tidy(ax)


def _draw_components(ax: Any, p: Samples, q: Samples, names: Names) -> None:
    at_p, at_q, shares = principal_components(p.points, q.points)
    _scatter(ax, at_p, at_q, names)
    _legend_below(ax)
    ax.set_xlabel(f"principal component 1 ({shares[0]:.0%} of variance)")
    ax.set_ylabel(f"principal component 2 ({shares[1]:.0%} of variance)")
    tidy(ax)


def principal_components(
    p: NDArray[np.float64], q: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """First two principal components of the pooled points.

    Parameters
    ----------
    p, q : ndarray of shape (n, d), (m, d)
        The two samples.

    Returns
    -------
    tuple of ndarray
        Coordinates of shape (n, 2) and (m, 2), and the two shares of the variance.
    """
    pooled = np.concatenate([p, q])
    center = pooled.mean(axis=0)
    _, sizes, axes = np.linalg.svd(pooled - center, full_matrices=False)
    power = sizes**2 / max(float(np.sum(sizes**2)), np.finfo(float).tiny)
    return (p - center) @ axes[:2].T, (q - center) @ axes[:2].T, power[:2]


def _panels(count: int) -> NDArray[Any]:
    across = min(count, 6 if count > 12 else 4)
    down = math.ceil(count / across)
    figure = new_figure(2.5 * across + 0.5, 1.8 * down + 0.6)
    grid = np.atleast_1d(figure.subplots(down, across, squeeze=False)).ravel()
    for unused in grid[count:]:
        unused.remove()
    return np.asarray(grid[:count], dtype=object)
