"""The only door for data: whatever the user has becomes validated samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from divergences.checks import check_choice
from divergences.measures.arrays import first_few, listed, to_values
from divergences.measures.categories import check_kinds, recoded
from divergences.measures.weights import are_equal, positive, to_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.categories import Levels
    from divergences.measures.known import Known

NanPolicy = Literal["raise", "omit", "keep"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Points drawn from one measure, validated once.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Float64 values, read-only; finite, but for NaN where missing values were to be kept.
    weights : ndarray of shape (n,) or None
        Nonnegative weights that sum to one; None means equal weights.
    columns : tuple of str or None
        Names of the features where the data had them.
    notes : tuple of str
        What happened at the door, such as rows left out.
    known : Known or None
        The measure that the points were drawn from, where its density may be used.
    levels : tuple or None
        The levels of each categorical column, whose values are positions among them, and None for
        each numeric one; None if all are numeric.

    Examples
    --------
    >>> samples = Samples(np.zeros((5, 2)), columns=("age", "height"))
    >>> samples.n, samples.d, samples.column_names
    (5, 2, ('age', 'height'))
    """

    points: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None
    columns: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    known: Known | None = None
    levels: tuple[Levels | None, ...] | None = None

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.points)

    @property
    def d(self) -> int:
        """Number of features."""
        return int(self.points.shape[1])

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the features, or their numbers from 0."""
        return self.columns or tuple(map(str, range(self.d)))

    @property
    def column_levels(self) -> tuple[Levels | None, ...]:
        """The levels of each categorical column, None for each numeric one."""
        return self.levels or (None,) * self.d

    @property
    def level_counts(self) -> NDArray[np.intp]:
        """Number of levels of each column, 0 for a numeric one."""
        return np.array([0 if own is None else len(own) for own in self.column_levels], np.intp)

    @property
    def categorical(self) -> tuple[str, ...]:
        """Names of the categorical columns."""
        pairs = zip(self.column_names, self.column_levels, strict=True)
        return tuple(name for name, own in pairs if own is not None)

    @property
    def missing(self) -> int:
        """Number of points that lack a value."""
        return int(np.isnan(self.points).any(axis=1).sum())

    @property
    def mass(self) -> NDArray[np.float64]:
        """Weight of each point, summing to one."""
        if self.weights is not None:
            return self.weights
        return np.full(self.n, 1.0 / self.n)

    @property
    def effective_size(self) -> float:
        """Kish's effective number of points, n for equal weights."""
        if self.weights is None:
            return float(self.n)
        return float(1.0 / np.sum(self.weights**2))

    def coded(self, data: Any) -> NDArray[np.float64]:
        """Further points as an array, a level as its position among this sample's.

        Arrays are taken as they are.
        """
        if isinstance(data, np.ndarray):
            return np.asarray(data, dtype=np.float64)
        values = to_values(data, "points", categories=True)
        array = values.array.reshape(len(values.array), -1)
        pairs = zip(self.column_levels, values.levels or (), strict=False)
        for j, (levels, given) in enumerate(pairs):
            if levels is not None and given is not None:
                array[:, j] = recoded(array[:, j], given, levels, self.column_names[j])
        return array

    def mean(self, values: NDArray[np.float64] | NDArray[np.bool_]) -> float:
        """Weighted mean of one value per point."""
        if self.weights is None:
            return float(np.mean(values))
        return float(np.sum(self.weights * values))

    def variance_of_mean(self, values: NDArray[np.float64]) -> float:
        """Estimated variance of `mean(values)` over repeated samples."""
        if self.weights is None:
            return float(np.var(values, ddof=1) / self.n)
        squares = self.weights**2
        spread = np.sum(squares * (values - self.mean(values)) ** 2)
        return float(spread / (1.0 - np.sum(squares)))

    def take(self, rows: NDArray[np.intp]) -> Samples:
        """Return some of the points, their weights made to sum to one again."""
        weights = None if self.weights is None else self.weights[rows]
        if weights is not None:
            weights = weights / weights.sum()
        return replace(self, points=self.points[rows], weights=weights)

    def thinned(self, most: int) -> Samples:
        """Return all points, or `most` of them, spread evenly over the rows."""
        if self.n <= most:
            return self
        return self.take(np.linspace(0, self.n - 1, most).astype(np.intp))

    def complete(self) -> Samples:
        """Return the points that lack no value."""
        return self.take(np.flatnonzero(np.isfinite(self.points).all(axis=1)))

    def select(self, feature: int) -> Samples:
        """Return one feature as a one-dimensional sample."""
        return replace(self.features([feature]), known=None)

    def features(self, chosen: Sequence[int]) -> Samples:
        """Return some of the features, in the order of `chosen`."""
        columns = None if self.columns is None else tuple(self.columns[j] for j in chosen)
        levels = None if self.levels is None else tuple(self.levels[j] for j in chosen)
        if levels is not None and not any(levels):
            levels = None
        points = self.points[:, list(chosen)]
        return replace(self, points=points, columns=columns, levels=levels)


def as_samples(
    data: Any,
    *,
    name: str = "p",
    weights: Any = None,
    nan_policy: NanPolicy = "raise",
    minimum: int = 2,
    categories: bool = False,
) -> Samples:
    """Turn data of any supported kind into validated samples.

    Parameters
    ----------
    data : array-like of shape (n_samples,) or (n_samples, n_features)
        Lists, numpy arrays, torch tensors of any dtype and device, pandas, polars or pyarrow
        frames and series, or `Samples`. One dimension means one feature. It is never changed.
    name : str
        What error messages call it.
    weights : array-like of shape (n_samples,), optional
        Nonnegative weights of the points; they need not sum to one. Points of zero weight are
        left out.
    nan_policy : {"raise", "omit", "keep"}
        Refuse missing or infinite values, or leave out their rows and say how many, or keep what
        is missing for the methods that can read it, and refuse what is infinite.
    minimum : int
        Fewest points that are accepted.
    categories : bool
        Whether columns of a data frame may hold categories.

    Returns
    -------
    Samples

    Raises
    ------
    TypeError
        If the data are complex, strings or objects, or no data at all; or have columns of
        categories where only numbers are accepted.
    ValueError
        If the shape, a value or a weight is not usable; the message names the argument, the
        column and the count.

    Examples
    --------
    >>> as_samples([1, 2, 4]).points.ravel()
    array([1., 2., 4.])
    """
    check_choice("nan_policy", nan_policy, ("raise", "omit", "keep"))
    if isinstance(data, Samples):
        points, columns, notes, levels = data.points, data.columns, data.notes, data.levels
        weights = data.weights if weights is None else weights
        if data.categorical and not categories:
            raise TypeError(
                f"{name} must have numeric columns, but {listed(data.categorical)} "
                f"{'holds' if len(data.categorical) == 1 else 'hold'} categories. Drop or encode "
                f"them."
            )
    else:
        values = to_values(data, name, categories=categories)
        points, columns, notes = _to_points(values.array, name), values.columns, ()
        levels = values.levels
    mass = None if weights is None else to_weights(weights, len(points), name)
    if not (isinstance(data, Samples) and nan_policy == "keep"):
        points, mass, notes = _handle_missing(points, mass, columns, notes, name, nan_policy)
    _check_count(points, minimum, notes, name)
    if mass is not None:
        points, mass, notes = positive(points, mass, notes, name)
        if are_equal(mass):
            mass = None
    frozen = None if mass is None else _frozen(mass)
    return Samples(_frozen(points), frozen, columns, notes, levels=levels)


def check_pair(p: Samples, q: Samples) -> None:
    """Raise an error unless two samples have the same features, in units that floats hold."""
    if p.d != q.d:
        raise ValueError(
            f"p and q must have the same number of features, but p has {p.d} "
            f"(shape {p.points.shape}) and q has {q.d} (shape {q.points.shape})."
            + _transposed_hint(p, q)
        )
    if p.columns and q.columns and p.columns != q.columns:
        raise ValueError(_column_mismatch(p.columns, q.columns))
    check_kinds(p, q)
    _check_units(p, q)


def _check_units(p: Samples, q: Samples) -> None:
    largest = np.fmax(*(np.fmax.reduce(np.abs(sample.points)) for sample in (p, q)))
    tiny = np.flatnonzero((largest > 0) & (largest < np.finfo(np.float64).tiny))
    if len(tiny):
        raise ValueError(
            f"p and q must be in units in which floats keep their digits, but the largest value of "
            f"column {(p.columns or range(p.d))[tiny[0]]!r} is {largest[tiny[0]]:.3g} in size. "
            f"Multiply the column by a large number, such as 1e300, in both."
        )


def _transposed_hint(*samples: Samples) -> str:
    if any(sample.d > sample.n for sample in samples):
        return " One has more features than points: is it transposed? Rows must be points."
    return ""


def _column_mismatch(p: tuple[str, ...], q: tuple[str, ...]) -> str:
    only_p = [column for column in p if column not in q]
    only_q = [column for column in q if column not in p]
    if not only_p and not only_q:
        return (
            f"p and q must have their columns in the same order, but p has {listed(p)} and q "
            f"has {listed(q)}. Use q = q[p.columns]."
        )
    return (
        f"p and q must have the same columns, but only p has {listed(only_p) or 'none'} and "
        f"only q has {listed(only_q) or 'none'}. Rename or select columns."
    )


def _to_points(raw: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    if raw.ndim == 0:
        raise ValueError(
            f"{name} must have shape (n_samples,) or (n_samples, n_features), but it is the "
            f"single number {raw.item()!r}."
        )
    if raw.ndim == 1:
        raw = raw.reshape(-1, 1)
    if raw.ndim != 2:
        raise ValueError(
            f"{name} must have shape (n_samples,) or (n_samples, n_features), but it has "
            f"{raw.ndim} dimensions, shape {raw.shape}. Reshape it with "
            f"{name}.reshape(len({name}), -1)."
        )
    if raw.shape[1] == 0:
        raise ValueError(f"{name} must have at least one feature, but its shape is {raw.shape}.")
    return raw


def _check_count(
    points: NDArray[np.float64], minimum: int, notes: tuple[str, ...], name: str
) -> None:
    n, d = points.shape
    if n >= minimum:
        return
    left_out = f" left: {' '.join(notes)}" if notes else "."
    hint = (
        f"It has {d} features: is it transposed? Rows must be points."
        if d > max(n, 1)
        else "Collect more, or check that rows are points and columns are features."
    )
    raise ValueError(f"{name} must have at least {minimum} points, but it has {n}{left_out} {hint}")


def _handle_missing(
    points: NDArray[np.float64],
    mass: NDArray[np.float64] | None,
    columns: tuple[str, ...] | None,
    notes: tuple[str, ...],
    name: str,
    nan_policy: str,
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, tuple[str, ...]]:
    bad = ~np.isfinite(points)
    if not bad.any():
        return points, mass, notes
    if nan_policy == "keep":
        gaps, bad = bad, np.isinf(points)
        if not bad.any():
            note = (
                f"{int(gaps.any(axis=1).sum())} of {len(points)} rows of {name} lack values: to "
                f"lack one counts as a value of its own."
            )
            return points, mass, (*notes, note)
    rows = bad.any(axis=1)
    if nan_policy != "omit":
        counts = bad.sum(axis=0)
        where = [
            f"{repr(columns[j]) if columns else j} ({counts[j]})" for j in np.flatnonzero(counts)
        ]
        kinds = "NaN" if np.isnan(points[bad]).all() else "NaN or infinite values"
        raise ValueError(
            f"{name} must be finite, but it has {kinds} in {int(rows.sum())} of {len(points)} "
            f"rows; column (count): {first_few(where)}. Pass "
            f'nan_policy="omit" to leave those rows out.'
        )
    note = (
        f"{int(rows.sum())} of {len(points)} rows of {name} were left out: NaN or infinite values."
    )
    return points[~rows], None if mass is None else mass[~rows], (*notes, note)


def _frozen(array: NDArray[np.float64]) -> NDArray[np.float64]:
    view = array.view()
    view.setflags(write=False)
    return view
