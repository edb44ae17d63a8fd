"""The only door for data: whatever the user has becomes validated samples."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from divergences.checks import check_choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

NanPolicy = Literal["raise", "omit"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Points drawn from one measure, validated once.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Finite float64 values, read-only.
    weights : ndarray of shape (n,) or None
        Nonnegative weights that sum to one; None means equal weights.
    columns : tuple of str or None
        Names of the features where the data had them.
    notes : tuple of str
        What happened at the door, such as rows left out.
    """

    points: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None
    columns: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.points)

    @property
    def d(self) -> int:
        """Number of features."""
        return self.points.shape[1]

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

    def mean(self, values: NDArray[np.float64]) -> float:
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

    def select(self, feature: int) -> Samples:
        """Return one feature as a one-dimensional sample."""
        names = None if self.columns is None else (self.columns[feature],)
        return replace(self, points=self.points[:, [feature]], columns=names)


def as_samples(
    data: Any,
    *,
    name: str = "p",
    weights: Any = None,
    nan_policy: NanPolicy = "raise",
    minimum: int = 2,
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
        Nonnegative weights of the points; they need not sum to one.
    nan_policy : {"raise", "omit"}
        Refuse missing or infinite values, or leave out their rows and say how many.
    minimum : int
        Fewest points that are accepted.

    Returns
    -------
    Samples

    Raises
    ------
    TypeError
        If the data are complex, strings or objects.
    ValueError
        If the shape, a value or a weight is not usable; the message names the argument, the
        column and the count.

    Examples
    --------
    >>> as_samples([1, 2, 4]).points.ravel()
    array([1., 2., 4.])
    """
    check_choice("nan_policy", nan_policy, ("raise", "omit"))
    if isinstance(data, Samples):
        points, columns, notes = data.points, data.columns, data.notes
        weights = data.weights if weights is None else weights
    else:
        raw, columns = _to_array(data, name)
        points, notes = _to_points(raw, name, columns), ()
    mass = None if weights is None else _to_weights(weights, len(points), name)
    points, mass, notes = _handle_missing(points, mass, columns, notes, name, nan_policy)
    if len(points) < minimum:
        raise ValueError(
            f"{name} must have at least {minimum} points, but it has {len(points)}. "
            f"Collect more, or check that rows are points and columns are features."
        )
    if mass is not None:
        mass = _normalized(mass, name)
    return Samples(_frozen(points), None if mass is None else _frozen(mass), columns, notes)


def check_pair(p: Samples, q: Samples) -> None:
    """Raise an error unless two samples have the same features."""
    if p.d != q.d:
        raise ValueError(
            f"p and q must have the same number of features, but p has {p.d} "
            f"(shape {p.points.shape}) and q has {q.d} (shape {q.points.shape})."
            + _transposed_hint(p, q)
        )
    if p.columns and q.columns and p.columns != q.columns:
        raise ValueError(_column_mismatch(p.columns, q.columns))


def _transposed_hint(*samples: Samples) -> str:
    if any(sample.d > sample.n for sample in samples):
        return " One has more features than points: is it transposed? Rows must be points."
    return ""


def _column_mismatch(p: tuple[str, ...], q: tuple[str, ...]) -> str:
    only_p = [column for column in p if column not in q]
    only_q = [column for column in q if column not in p]
    if not only_p and not only_q:
        return (
            f"p and q must have their columns in the same order, but p has {_listed(p)} and q "
            f"has {_listed(q)}. Use q = q[p.columns]."
        )
    return (
        f"p and q must have the same columns, but only p has {_listed(only_p) or 'none'} and "
        f"only q has {_listed(only_q) or 'none'}. Rename or select columns."
    )


def _listed(names: Any, most: int = 5) -> str:
    shown = ", ".join(map(repr, list(names)[:most]))
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _to_array(data: Any, name: str) -> tuple[NDArray[Any], tuple[str, ...] | None]:
    if _is_torch(data):
        tensor = data.detach().cpu()
        # numpy lacks bfloat16, and half precision loses nothing by widening.
        floating = tensor.is_floating_point()
        return (tensor.double() if floating else tensor.resolve_conj()).numpy(), None
    if not isinstance(data, np.ndarray | list | tuple) and _is_tabular(data):
        return _from_frame(data, name)
    try:
        return np.asarray(data), None
    except ValueError as error:
        raise ValueError(
            f"{name} must be a rectangular array of numbers, but its rows differ in length."
        ) from error


def _is_torch(data: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(data, torch.Tensor)


def _is_tabular(data: Any) -> bool:
    module = type(data).__module__.partition(".")[0]
    return module in {"pandas", "polars", "pyarrow", "modin", "cudf", "dask", "narwhals"}


def _from_frame(data: Any, name: str) -> tuple[NDArray[Any], tuple[str, ...] | None]:
    import narwhals as nw

    frame = nw.from_native(data, allow_series=True, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.Series):
        frame = frame.alias(frame.name or "value").to_frame()
    if not isinstance(frame, nw.DataFrame):
        return np.asarray(data), None
    wrong = [
        column
        for column, dtype in frame.schema.items()
        if not (dtype.is_numeric() or dtype == nw.Boolean)
    ]
    if wrong:
        dtypes = ", ".join(f"{column!r} ({frame.schema[column]})" for column in wrong[:5])
        raise TypeError(
            f"{name} must have numeric columns, but {len(wrong)} of {len(frame.columns)} are "
            f"not: {dtypes}. Drop or encode them."
        )
    filled = [frame[column].cast(nw.Float64).to_numpy() for column in frame.columns]
    columns = tuple(map(str, frame.columns))
    if not filled:
        raise ValueError(f"{name} must have at least one column, but it has none.")
    return np.column_stack([np.asarray(column, dtype=np.float64) for column in filled]), columns


def _to_points(
    raw: NDArray[Any], name: str, columns: tuple[str, ...] | None
) -> NDArray[np.float64]:
    if isinstance(raw, np.ma.MaskedArray):
        raw = np.ma.filled(raw.astype(np.float64), np.nan)
    if raw.dtype.kind == "c":
        raise TypeError(
            f"{name} must be real, but it has complex values ({raw.dtype}). Pass the real and "
            f"imaginary parts as two columns."
        )
    if raw.dtype.kind not in "fiub":
        raise TypeError(
            f"{name} must be numbers, but its dtype is {raw.dtype}{_first_text(raw)}. Convert "
            f"it with {name}.astype(float)."
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
    return np.array(raw, dtype=np.float64, order="C", copy=True)


def _first_text(raw: NDArray[Any]) -> str:
    for value in raw.ravel()[:1000]:
        if not isinstance(value, int | float | np.number):
            return f" and it holds {value!r}"
    return ""


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
    rows = bad.any(axis=1)
    if nan_policy == "raise":
        counts = bad.sum(axis=0)
        where = [
            f"{repr(columns[j]) if columns else j} ({counts[j]})" for j in np.flatnonzero(counts)
        ]
        kinds = "NaN" if np.isnan(points[bad]).all() else "NaN or infinite values"
        shown = ", ".join(where[:5]) + (f" and {len(where) - 5} more" if len(where) > 5 else "")
        raise ValueError(
            f"{name} must be finite, but it has {kinds} in {int(rows.sum())} of {len(points)} "
            f'rows; column (count): {shown}. Pass nan_policy="omit" to leave those rows out.'
        )
    note = (
        f"{int(rows.sum())} of {len(points)} rows of {name} were left out: NaN or infinite values."
    )
    return points[~rows], None if mass is None else mass[~rows], (*notes, note)


def _to_weights(weights: Any, n: int, name: str) -> NDArray[np.float64]:
    raw, _ = _to_array(weights, f"weights_{name}")
    label = f"weights_{name}"
    if raw.dtype.kind not in "fiub":
        raise TypeError(f"{label} must be numbers, but its dtype is {raw.dtype}.")
    mass = np.array(raw, dtype=np.float64)
    if mass.ndim == 2 and mass.shape[1] == 1:
        mass = mass[:, 0]
    if mass.shape != (n,):
        raise ValueError(
            f"{label} must have shape ({n},), one weight for each point of {name}, not {raw.shape}."
        )
    if not np.isfinite(mass).all():
        raise ValueError(f"{label} must be finite, but {int((~np.isfinite(mass)).sum())} are not.")
    if (mass < 0).any():
        raise ValueError(
            f"{label} must not be negative, but {int((mass < 0).sum())} of {n} are. Weights are "
            f"masses or repeat counts."
        )
    return mass


def _normalized(mass: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    total = mass.sum()
    if total <= 0:
        raise ValueError(f"weights_{name} must have a positive sum, but they sum to {total:g}.")
    if (mass > 0).sum() < 2:
        raise ValueError(
            f"weights_{name} must give at least 2 points a positive weight, but only "
            f"{int((mass > 0).sum())} has one."
        )
    return mass / total


def _frozen(array: NDArray[np.float64]) -> NDArray[np.float64]:
    array.setflags(write=False)
    return array
