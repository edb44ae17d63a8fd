"""Samples from files: csv, tsv, parquet, npy and npz."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.measures.arrays import listed
from divergences.measures.samples import Samples, as_samples

if TYPE_CHECKING:
    import pandas as pd

    from divergences.measures.samples import NanPolicy

SUFFIXES = (".csv", ".tsv", ".parquet", ".npy", ".npz")
_MOST_NAMED = 12


@dataclass(frozen=True, eq=False)
class Table:
    """What a file holds, before it is known which columns are wanted.

    Parameters
    ----------
    name : str
        What the user called the file.
    data : DataFrame or ndarray
        Rows are points.
    remarks : tuple of str
        What had to be decided in order to read it.
    """

    name: str
    data: Any
    remarks: tuple[str, ...] = ()

    @property
    def named(self) -> bool:
        """Whether the columns have names of their own."""
        return hasattr(self.data, "columns")

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns; their numbers from 0 where the file has no names."""
        if self.named:
            return tuple(map(str, self.data.columns))
        return tuple(map(str, range(self.data.shape[1] if self.data.ndim == 2 else 1)))

    def samples(
        self, columns: Sequence[str] | None = None, nan_policy: NanPolicy = "raise"
    ) -> Samples:
        """Return the wanted columns as validated samples.

        Parameters
        ----------
        columns : sequence of str, optional
            Which columns, in which order; all of them if left out.
        nan_policy : {"raise", "omit", "keep"}
            Refuse rows with NaN or infinity, or leave them out, or keep what is missing.

        Returns
        -------
        Samples

        Raises
        ------
        ValueError, TypeError
            If a column is missing, or does not hold finite numbers or categories.
        """
        data = self.data
        if columns is not None:
            positions = [self._position(column) for column in columns]
            if self.named:
                data = data.iloc[:, positions]
            else:
                data = data[:, positions] if data.ndim == 2 else data
        sample = as_samples(data, name=self.name, nan_policy=nan_policy, categories=True)
        return sample if columns is None else replace(sample, columns=tuple(columns))

    def _position(self, column: str) -> int:
        if column in self.columns:
            return self.columns.index(column)
        near = difflib.get_close_matches(column, self.columns, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"{self.name} has no column {column!r}.{hint} It has "
            f"{listed(self.columns, _MOST_NAMED)}."
        )


def read_table(name: str) -> Table:
    """Read a file; its suffix says the format.

    Parameters
    ----------
    name : str
        Path of a csv, tsv, parquet, npy or npz file. ``file.npz:array`` names one array of an
        npz file that holds several.

    Returns
    -------
    Table

    Raises
    ------
    OSError
        If there is no such file, or it cannot be opened.
    ValueError
        If it is empty or is not what its suffix says; the message has the remedy.
    ImportError
        If the reader for its format is not installed.
    """
    path, array = _split(name)
    suffix = path.suffix.lower()
    if path.is_dir():
        raise IsADirectoryError(f"{name} is a directory. Name a file.")
    if not path.exists():
        raise FileNotFoundError(f"{name} does not exist.{_near_file(path)}")
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise ValueError(f"{name} must end in one of {known}, not {suffix or 'nothing'!r}.")
    try:
        if path.stat().st_size == 0:
            raise ValueError(f"{name} is empty.")
        if suffix == ".npy":
            return Table(name, _checked(_load_array(path, name), name))
        if suffix == ".npz":
            return Table(name, _checked(_load_archive(path, name, array), name))
        if suffix == ".parquet":
            return _without_row_index(name, _load_parquet(path, name), ())
        return _load_text(path, name, "," if suffix == ".csv" else "\t")
    except PermissionError as error:
        raise PermissionError(f"{name} cannot be read: permission denied.") from error


def _split(name: str) -> tuple[Path, str | None]:
    head, colon, array = name.rpartition(":")
    if colon and head.lower().endswith(".npz") and not Path(name).exists():
        return Path(head), array
    return Path(name), None


def _near_file(path: Path) -> str:
    try:
        others = [other.name for other in path.parent.iterdir()]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, others, n=1, cutoff=0.75)
    return f" Did you mean {path.parent / near[0]}?" if near else ""


def _load_array(path: Path, name: str) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        if isinstance(error, PermissionError):
            raise
        raise ValueError(f"{name} is not a readable npy file of numbers: {error}") from error


def _load_archive(path: Path, name: str, array: str | None) -> Any:
    import zipfile
    import zlib

    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it holds a bare array")
            held = list(archive.files)
            if array is None and len(held) == 1:
                array = held[0]
            if array in held:
                return archive[array]
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, PermissionError):
            raise
        raise ValueError(f"{name} is not a readable npz file of numbers: {error}") from error
    if array is None:
        raise ValueError(
            f"{name} holds {len(held)} arrays: {listed(held, _MOST_NAMED)}. Name one of them, as "
            f"in {path}:{held[0] if held else 'name'}."
        )
    raise ValueError(f"{path} has no array {array!r}. It has {listed(held, _MOST_NAMED)}.")


def _checked(array: Any, name: str) -> Any:
    if np.ndim(array) not in (1, 2):
        raise ValueError(
            f"{name} must have shape (n_samples,) or (n_samples, n_features), not "
            f"{np.shape(array)}. Save it with .reshape(len(array), -1)."
        )
    return array


def _pandas(name: str) -> ModuleType:
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            f"{name} needs pandas to be read. Install it with: "
            f"pip install 'divergences[dataframes]'"
        ) from error
    return pd


def _load_parquet(path: Path, name: str) -> Any:
    pd = _pandas(name)
    try:
        frame = pd.read_parquet(path)
    except ImportError as error:
        raise ImportError(
            f"{name} needs pyarrow to be read. Install it with: "
            f"pip install 'divergences[dataframes]'"
        ) from error
    except (ValueError, OSError) as error:
        if isinstance(error, PermissionError):
            raise
        raise ValueError(f"{name} is not a readable parquet file: {_first_line(error)}") from error
    return frame


def _load_text(path: Path, name: str, separator: str) -> Table:
    pd = _pandas(name)
    remarks: list[str] = []
    try:
        with path.open(encoding="utf-8-sig") as lines:
            first = lines.readline().rstrip("\r\n")
        if separator == "," and "," not in first and (";" in first or "\t" in first):
            separator = ";" if ";" in first else "\t"
            remarks.append(f"{name} is separated by {separator!r}, not by commas.")
        header = None if _is_data(first, separator) else 0
        if header is None:
            remarks.append(f"{name} has no line of column names; columns are numbered from 0.")
        frame = pd.read_csv(
            path, sep=separator, header=header, encoding="utf-8-sig", skipinitialspace=True
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not text in UTF-8: {error.reason}.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(
            f"{name} is not a readable {path.suffix[1:]} file: {_first_line(error)}"
        ) from error
    if len(frame) == 0:
        raise ValueError(f"{name} has column names but no rows.")
    return _without_row_index(name, frame, tuple(remarks))


def _is_data(line: str, separator: str) -> bool:
    cells = [cell.strip().strip('"') for cell in line.split(separator)]
    if cells == [str(j) for j in range(len(cells))]:
        return False  # what pandas writes for columns without names
    try:
        for cell in cells:
            float(cell)
    except ValueError:
        return False
    return True


def _without_row_index(name: str, frame: pd.DataFrame, remarks: tuple[str, ...]) -> Table:
    first = str(frame.columns[0]) if len(frame.columns) else ""
    if not first.startswith(("Unnamed: 0", "__index_level_0__")) or len(frame.columns) == 1:
        return Table(name, frame, remarks)
    remark = f"{name}: the first column has no name and was left out as a row index."
    return Table(name, frame.iloc[:, 1:], (*remarks, remark))


def _first_line(error: Exception) -> str:
    line = (str(error).splitlines() or [""])[0].strip().rstrip(".")
    return f"{line}."
