"""Ways to look at two samples of many features: one by one, two at a time, in common units."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from divergences.definitions import Definition, JensenShannon
from divergences.estimation import Options, divergence
from divergences.measures.categories import with_common_levels
from divergences.measures.samples import Samples, as_samples, check_pair
from divergences.report import Comparison, plot_densities, plot_estimate
from divergences.report.colors import new_figure
from divergences.report.figures import principal_components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from divergences.estimate import Estimate
    from divergences.measures.samples import NanPolicy

_ALIKE = 0.8
_MOST_PANELS = 12


def compare_features(
    p: Any, q: Any, definition: Definition | None = None, **options: Unpack[Options]
) -> Comparison:
    """Compare two samples feature by feature.

    Parameters
    ----------
    p, q : array-like of shape (n_samples, n_features)
        What to compare.
    definition : Definition, optional
        Which divergence; Jensen–Shannon if left out.
    **options
        As in `divergence`.

    Returns
    -------
    Comparison
        One estimate per feature, in the order of the features; `sorted` ranks them.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(300, 2)), rng.normal([0, 3], 1, size=(300, 2))
    >>> from divergences.definitions import Wasserstein
    >>> compare_features(x, y, Wasserstein(1)).sorted().labels
    ('feature 1', 'feature 0')
    """
    p, q = _pair(p, q, options.get("nan_policy", "raise"))
    definition = JensenShannon() if definition is None else definition
    found = [divergence(definition, p.select(j), q.select(j), **options) for j in range(p.d)]
    return Comparison(tuple(found), feature_names(p), "feature")


def feature_names(sample: Samples) -> tuple[str, ...]:
    """Names of the features: those of the data, or their numbers from 0."""
    return sample.columns or tuple(f"feature {j}" for j in range(sample.d))


def standardized(p: Samples, q: Samples) -> tuple[Samples, Samples]:
    """Bring the features to one scale: each is divided by its standard deviation.

    The deviation is that within the two samples, pooled, so that a feature in which they lie
    far apart keeps its distance. Constant features are only shifted, categories left as they are.

    Parameters
    ----------
    p, q : Samples
        What is to be compared.

    Returns
    -------
    (Samples, Samples)
    """
    center = (_mean(p) + _mean(q)) / 2
    variance = (_variance(p) + _variance(q)) / 2
    scale = np.sqrt(np.where(variance > 0, variance, 1.0))
    categorical = p.level_counts > 0
    center, scale = np.where(categorical, 0.0, center), np.where(categorical, 1.0, scale)
    first, second = (replace(s, points=(s.points - center) / scale) for s in (p, q))
    return first, second


def most_different_features(result: Comparison, p: Samples, q: Samples) -> tuple[int, int]:
    """The feature of the largest divergence, and the next one that is not much the same.

    Parameters
    ----------
    result : Comparison
        One estimate per feature, as from `compare_features`.
    p, q : Samples
        The samples, to see which features go together.

    Returns
    -------
    (int, int)
        The next one is the highest in rank whose correlation with the first stays below 0.8
        in both samples, or simply the second where there is none.
    """
    order = sorted(range(p.d), key=lambda j: -result[j].value)
    first = order[0]
    for j in order[1:]:
        if max(_correlation(s, first, j) for s in (p, q)) < _ALIKE:
            return first, j
    return first, order[1]


def plot_critic_map(
    p: Any,
    q: Any,
    features: Sequence[int | str] | None = None,
    *,
    definition: Definition | None = None,
    names: tuple[str, str] = ("P", "Q"),
    ax: Axes | None = None,
    **options: Unpack[Options],
) -> Axes:
    """Draw two samples in the plane, on a map of where P or Q outweighs the other.

    Parameters
    ----------
    p, q : array-like of shape (n_samples, n_features)
        What to compare, with at least two features.
    features : pair of int or str, optional
        Which two features; left out, those two if there are no more, else the first two
        principal components of the pooled samples.
    definition : Definition, optional
        Which divergence's critic; Jensen–Shannon if left out.
    names : pair of str
        What to call P and Q.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.
    **options
        As in `divergence`.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If there are fewer than two features, or `features` does not name two of them.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.random.default_rng(0).normal(size=(2, 100, 2))
    >>> ax = plot_critic_map(x, y + 1, method="kde", rng=0)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('feature 0', 'feature 1')
    """
    p, q = _plane(*_pair(p, q, options.get("nan_policy", "raise")), features)
    found: Estimate = divergence(definition or JensenShannon(), p, q, **options)
    return plot_estimate(found, ax, names=names)


def plot_overview(
    p: Samples,
    q: Samples,
    joint: Comparison,
    each: Comparison,
    *,
    names: tuple[str, str],
    **options: Unpack[Options],
) -> Axes:
    """Draw one page: the two samples, every divergence, and the features that differ most.

    Parameters
    ----------
    p, q : Samples
        What was compared.
    joint : Comparison
        Every divergence between them.
    each : Comparison
        One divergence, feature by feature.
    names : pair of str
        What to call P and Q.
    **options
        As in `divergence`, for the map.

    Returns
    -------
    matplotlib Axes
        The first one; its figure is the page.
    """
    shown = sorted(range(p.d), key=lambda j: -each[j].value)[:_MOST_PANELS] if p.d > 1 else []
    rows = -(-len(shown) // 4)
    heights = [4.8, 2.0 * rows] if rows else [4.8]
    page = new_figure(13, sum(heights))
    parts: Any = page.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)
    picture, intervals, margin = parts[0, 0].subplots(1, 3, width_ratios=[6, 4, 1.6])
    margin.remove()
    joint.plot(intervals)
    if p.d == 1:
        return plot_estimate(joint[0], picture, names=names)
    chosen = None if p.d == 2 else most_different_features(each, p, q)
    plot_densities(
        _features(p, shown),
        _features(q, shown),
        estimates=[each[j] for j in shown],
        names=names,
        axes=_first_axes(parts[1, 0], rows, len(shown)),
    )
    return plot_critic_map(p, q, chosen, names=names, ax=picture, **options)


def _first_axes(figure: Any, rows: int, count: int) -> Any:
    axes = figure.subplots(rows, 4, squeeze=False).ravel()
    for unused in axes[count:]:
        unused.remove()
    return axes[:count]


def _features(sample: Samples, chosen: Sequence[int]) -> Samples:
    return replace(sample, columns=feature_names(sample)).features(chosen)


def _plane(p: Samples, q: Samples, features: Sequence[int | str] | None) -> tuple[Samples, Samples]:
    if p.d < 2:
        raise ValueError("A map needs at least two features, but the samples have one.")
    if features is None and p.d == 2:
        return p, q
    if features is None:
        at_p, at_q, shares = principal_components(p.points, q.points)
        names = tuple(f"principal component {i + 1} ({s:.0%})" for i, s in enumerate(shares))
        return replace(p, points=at_p, columns=names), replace(q, points=at_q, columns=names)
    chosen = [_position(feature, p) for feature in features]
    if len(set(chosen)) != 2:
        raise ValueError(f"features must be two different features, not {features!r}.")
    return _features(p, chosen), _features(q, chosen)


def _position(feature: int | str, sample: Samples) -> int:
    names = feature_names(sample)
    if isinstance(feature, str) and feature in names:
        return names.index(feature)
    if isinstance(feature, int | np.integer) and 0 <= feature < sample.d:
        return int(feature)
    raise ValueError(
        f"features must be among {', '.join(names)} or positions below {sample.d}, not {feature!r}."
    )


def _pair(p: Any, q: Any, nan_policy: NanPolicy) -> tuple[Samples, Samples]:
    p, q = (
        as_samples(data, name=name, nan_policy=nan_policy, categories=True)
        for data, name in ((p, "p"), (q, "q"))
    )
    check_pair(p, q)
    return with_common_levels(p, q)


def _mean(sample: Samples) -> Any:
    return _mean_of_present(sample, sample.points)


def _variance(sample: Samples) -> Any:
    return _mean_of_present(sample, (sample.points - _mean(sample)) ** 2)


def _mean_of_present(sample: Samples, values: Any) -> Any:
    present = np.isfinite(values)
    total = sample.mass @ present
    return sample.mass @ np.where(present, values, 0.0) / np.where(total > 0, total, 1.0)


def _correlation(sample: Samples, i: int, j: int) -> float:
    a, b = (sample.points[:, k] - sample.points[:, k].mean() for k in (i, j))
    size = float(np.sqrt(np.sum(a**2) * np.sum(b**2)))
    return abs(float(np.sum(a * b))) / size if size > 0 else 1.0
