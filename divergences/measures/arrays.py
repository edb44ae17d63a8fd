"""Whatever the user has becomes one array of numbers, or an error that says what to do."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.measures.categories import Levels, coded, is_boolean, is_categorical

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FRAME_MODULES = {"pandas", "polars", "pyarrow", "modin", "cudf", "dask", "narwhals"}

_LARGEST_EXACT = 2.0**53  # up to which doubles hold every whole number
_STEPS_OF_SPREAD = 1_000

Columns = tuple[str, ...] | None


@dataclass(frozen=True, eq=False)
class Values:
    """What data hold, with any number of dimensions.

    Parameters
    ----------
    array : ndarray
        New float64 values, NaN where they are missing; of categories, the position of the level.
    columns : tuple of str or None
        Names of the columns where the data had them.
    levels : tuple or None
        The levels of each categorical column and None for each numeric one; None if all are
        numeric.
    """

    array: NDArray[np.float64]
    columns: Columns = None
    levels: tuple[Levels | None, ...] | None = None


def to_values(data: Any, name: str, *, categories: bool = False) -> Values:
    """Read data of any supported kind; categories only where they are asked for.

    The number of dimensions is the data's own. Series have no column names, so that two of
    them can be compared whatever they are called.
    """
    _refuse_what_holds_no_numbers(data, name)
    if _is_torch(data):
        return Values(_checked(_from_tensor(data, name), name))
    if isinstance(data, list | tuple) and data and all(map(_is_torch, data)):
        return Values(_checked(_from_tensors(data, name), name))
    if not isinstance(data, np.ndarray | list | tuple) and _is_tabular(data):
        return _from_table(data, name, categories)
    return Values(_checked(_from_anything(data, name), name, categories))


def _refuse_what_holds_no_numbers(data: Any, name: str) -> None:
    remedy = ""
    if isinstance(data, str | bytes | os.PathLike):
        remedy = f" Read the file first, as in numpy.loadtxt({name}) or pandas.read_csv({name})."
    elif isinstance(data, Mapping):
        remedy = f" Make a data frame of it with pandas.DataFrame({name})."
    elif isinstance(data, Iterator | Set):
        remedy = f" Collect it with list({name})."
    elif hasattr(data, "toarray") and hasattr(data, "nnz"):
        remedy = f" Make it dense with {name}.toarray()."
    elif callable(data) and not hasattr(data, "__array__"):
        remedy = " The law of g(z) for z drawn from mu is Pushforward(g, mu)."
    elif hasattr(data, "fit") and hasattr(data, "sample"):
        remedy = " Draw points from it by its method sample, and pass those."
    elif data is not None:
        return
    kind = "None" if data is None else f"of type {type(data).__name__}"
    raise TypeError(
        f"{name} must be an array, a tensor, a data frame, a list of numbers or a known "
        f"distribution, not {kind}.{remedy}"
    )


def _is_torch(data: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(data, torch.Tensor)


def _from_tensor(data: Any, name: str) -> NDArray[Any]:
    tensor = data.detach()
    if tensor.is_meta:
        raise ValueError(f"{name} must hold values, but it is a tensor on the meta device.")
    if str(tensor.layout) != "torch.strided":
        raise TypeError(
            f"{name} must be a dense tensor, but its layout is {tensor.layout}. Make it dense "
            f"with {name}.to_dense()."
        )
    # numpy lacks bfloat16, and half precision loses nothing by widening.
    tensor = tensor.double() if tensor.is_floating_point() else tensor.resolve_conj()
    return tensor.resolve_neg().cpu().numpy()  # type: ignore[no-any-return]


def _from_tensors(data: Any, name: str) -> NDArray[Any]:
    if len({tuple(tensor.shape) for tensor in data}) > 1:
        raise ValueError(_ragged(name))
    return np.stack([_from_tensor(tensor, name) for tensor in data])


def _from_anything(data: Any, name: str) -> NDArray[Any]:
    # numpy.asarray would drop the mask and show what is masked.
    masked = isinstance(data, np.ma.MaskedArray) or (
        isinstance(data, list | tuple) and any(isinstance(row, np.ma.MaskedArray) for row in data)
    )
    try:
        raw = np.ma.array(data) if masked else np.asarray(data)
    except ValueError as error:
        raise ValueError(_ragged(name)) from error
    if masked and raw.dtype.kind in "fiub":
        return np.ma.filled(raw.astype(np.float64), np.nan)
    return raw


def _ragged(name: str) -> str:
    return f"{name} must be a rectangular array of numbers, but its rows differ in length."


def _checked(raw: NDArray[Any], name: str, categories: bool = False) -> NDArray[np.float64]:
    if raw.dtype.kind == "c":
        raise TypeError(
            f"{name} must be real, but it has complex values ({raw.dtype}). Pass the real and "
            f"imaginary parts as two columns."
        )
    if raw.dtype.names is not None:
        raise TypeError(
            f"{name} must be a plain array, but it has the named fields "
            f"{listed(raw.dtype.names)}. Use "
            f"numpy.lib.recfunctions.structured_to_unstructured({name})."
        )
    if raw.dtype.kind not in "fiub":
        raise TypeError(
            f"{name} must be numbers, but its dtype is {raw.dtype}{_first_odd_value(raw)}. "
            f"{_way_to_numbers(raw, name, categories)}"
        )
    with np.errstate(over="ignore"):
        values = np.array(raw, dtype=np.float64, order="C", copy=True)
    if raw.dtype.kind in "iu" and values.size and values.ndim:
        _refuse_lost_digits(raw, values, name)
    return values


def _refuse_lost_digits(raw: NDArray[Any], values: NDArray[np.float64], name: str) -> None:
    largest = np.abs(values).max(axis=0)
    varies = raw.max(axis=0) != raw.min(axis=0)
    coarse = varies & (np.ptp(values, axis=0) < _STEPS_OF_SPREAD * np.spacing(largest))
    if largest.max() <= _LARGEST_EXACT or not coarse.any():
        return
    # Python compares whole numbers with floats exactly.
    lost = (raw.astype(object) != values.astype(object)).any(axis=0) & coarse
    if lost.any():
        raise ValueError(
            f"{name} must have whole numbers whose differences survive as 64-bit floats, but "
            f"values up to {largest.max():.3g} differ by few of the steps of "
            f"{np.spacing(largest.max()):g} between floats there. Subtract the same whole number "
            f"from p and q first."
        )


def _way_to_numbers(raw: NDArray[Any], name: str, categories: bool) -> str:
    try:
        np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError):
        words = all(isinstance(value, str) for value in raw.ravel()[:1000].tolist())
        if categories and words:
            return (
                f"Encode its values as numbers or, if both samples hold categories, pass data "
                f"frames, as pandas.DataFrame({name})."
            )
        return "Encode its values as numbers."
    return f"Convert it with numpy.asarray({name}, dtype=float)."


def _first_odd_value(raw: NDArray[Any]) -> str:
    for value in raw.ravel()[:1000].tolist():
        if not isinstance(value, int | float):
            return f" and it holds {value!r}"
    return ""


def _is_tabular(data: Any) -> bool:
    modules = {kind.__module__.partition(".")[0] for kind in type(data).__mro__}
    return not modules.isdisjoint(_FRAME_MODULES)


def _from_table(data: Any, name: str, categories: bool) -> Values:
    import narwhals as nw

    data = _as_frame_or_series(data)
    _refuse_repeated_columns(data, name)
    table = nw.from_native(data, allow_series=True, pass_through=True)
    if isinstance(table, nw.LazyFrame):
        table = table.collect()
    if isinstance(table, nw.Series):
        series = table.alias(table.name or "unnamed")
        values, levels = _read([series], name, categories)
        return Values(values[0], None, levels)
    if not isinstance(table, nw.DataFrame):
        return Values(_checked(_from_anything(data, name), name, categories))
    if not table.columns:
        raise ValueError(f"{name} must have at least one column, but it has none.")
    values, levels = _read(list(table.iter_columns()), name, categories)
    return Values(np.column_stack(values), tuple(map(str, table.columns)), levels)


def _as_frame_or_series(data: Any) -> Any:
    kind = type(data).__name__
    module = type(data).__module__.partition(".")[0]
    if module == "pyarrow" and kind == "RecordBatch":
        return sys.modules["pyarrow"].table(data)
    if module == "pyarrow" and kind.endswith("Array") and kind != "ChunkedArray":
        return sys.modules["pyarrow"].chunked_array([data])
    if module == "pandas" and kind.endswith(("Array", "Index")):
        return sys.modules["pandas"].Series(data)
    return data


def _refuse_repeated_columns(data: Any, name: str) -> None:
    # Only these kinds let two columns share a name; a lazy frame is costly to ask.
    module = type(data).__module__.partition(".")[0]
    if module not in {"pandas", "pyarrow", "modin", "cudf"}:
        return
    names = getattr(data, "column_names" if module == "pyarrow" else "columns", None)
    if names is None:
        return
    repeated = [column for column, count in Counter(map(str, names)).items() if count > 1]
    if repeated:
        raise ValueError(
            f"{name} must have distinct column names, but {listed(repeated)} "
            f"{'occurs' if len(repeated) == 1 else 'occur'} more than once. Rename them."
        )


def _read(
    series: list[Any], name: str, categories: bool
) -> tuple[list[NDArray[np.float64]], tuple[Levels | None, ...] | None]:
    values: list[NDArray[np.float64]] = []
    levels: list[Levels | None] = []
    wrong = []
    for one in series:
        own: Levels | None = None
        if one.dtype.is_numeric() or is_boolean(one):
            values.append(_floats(one, name))
        elif categories and is_categorical(one):
            codes, own = coded(one)
            values.append(codes)
        else:
            wrong.append(one)
        levels.append(own)
    if wrong:
        raise TypeError(_wrong_columns(wrong, len(series), name, categories))
    return values, tuple(levels) if any(own is not None for own in levels) else None


def _floats(series: Any, name: str) -> NDArray[np.float64]:
    import narwhals as nw

    if series.dtype.is_integer() and not series.null_count():
        return _checked(series.to_numpy(), name)
    if series.dtype == nw.Object:
        gaps = series.is_null().to_numpy()
        pairs = zip(series.to_list(), gaps, strict=True)
        return np.array([np.nan if gap else float(truth) for truth, gap in pairs])
    return np.array(series.cast(nw.Float64).to_numpy(), dtype=np.float64)


def _wrong_columns(wrong: list[Any], count: int, name: str, categories: bool) -> str:
    kinds = [f"{one.name!r} ({_native_dtype(one)})" for one in wrong]
    wanted = "columns of numbers or categories" if categories else "numeric columns"
    verb = "is" if len(wrong) == 1 else "are"
    return (
        f"{name} must have {wanted}, but {len(wrong)} of {count} {verb} not: "
        f"{first_few(kinds)}. Drop or encode them."
    )


def _native_dtype(series: Any) -> str:
    native = series.to_native()
    return str(getattr(native, "dtype", None) or getattr(native, "type", "unknown"))


def listed(names: Any, most: int = 5) -> str:
    """Quote up to `most` names and count the rest."""
    return first_few([repr(name) for name in names], most)


def first_few(words: Sequence[str], most: int = 5) -> str:
    """Join up to `most` words and count the rest."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
