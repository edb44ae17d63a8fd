"""What happened while training, as a table: one row for each step that was recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from divergences.report.layout import text_table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_SHOWN_ROWS = 12


@dataclass(frozen=True)
class Row:
    """One recorded step; None where something was not measured.

    Parameters
    ----------
    step : int
        Steps done.
    seconds : float
        Time since the start, pauses left out.
    critic_objective : float or None
        What the critic maximizes, on the batch.
    generator_objective : float
        What the generator minimizes, on the batch.
    held_out, held_out_stderr : float or None
        Divergence of the averaged generator to held-out data, and its standard error.
    critic_gradient_norm, generator_gradient_norm : float or None
        Norms before clipping.
    critic_spread : float or None
        Standard deviation of the critic's values over both batches.
    notes : tuple of str
        What went wrong, in words.

    Examples
    --------
    >>> row = Row(1, 0.2, None, 0.5, 0.4, 0.1, None, 2.0)
    >>> Row.from_json(row.to_json()) == row
    True
    """

    step: int
    seconds: float
    critic_objective: float | None
    generator_objective: float
    held_out: float | None
    held_out_stderr: float | None
    critic_gradient_norm: float | None
    generator_gradient_norm: float
    critic_spread: float | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Row:
        """The row that wrote the line."""
        values = json.loads(line)
        return cls(**{**values, "notes": tuple(values["notes"])})


COLUMNS = tuple(field.name for field in fields(Row))


@dataclass(frozen=True)
class History(Sequence[Row]):
    """Rows in the order of the steps; a column by its name.

    Parameters
    ----------
    rows : tuple of Row
        What was recorded.

    Examples
    --------
    >>> history = History((Row(10, 0.1, None, 0.7, 0.30, 0.02, None, 1.0),))
    >>> history["held_out"]
    array([0.3])
    """

    rows: tuple[Row, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @overload
    def __getitem__(self, key: str) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> History: ...
    def __getitem__(self, key: str | int | slice) -> NDArray[Any] | Row | History:
        """A row by position, or a column by name, NaN where nothing was measured."""
        if isinstance(key, slice):
            return History(self.rows[key])
        if not isinstance(key, str):
            return self.rows[key]
        if key not in COLUMNS:
            raise KeyError(f"history has the columns {', '.join(COLUMNS)}, not {key!r}.")
        values = [getattr(row, key) for row in self.rows]
        if key == "notes":
            return np.array([" ".join(notes) for notes in values], dtype=object)
        return np.array([np.nan if value is None else value for value in values])

    def with_row(self, row: Row) -> History:
        """The history with one more row."""
        return History((*self.rows, row))

    def measured(self) -> History:
        """Only the rows with a held-out divergence."""
        return History(tuple(row for row in self.rows if row.held_out is not None))

    def to_frame(self) -> pd.DataFrame:
        """The table as a pandas data frame."""
        import pandas as pd

        return pd.DataFrame({name: self[name] for name in COLUMNS})

    def to_jsonl(self) -> str:
        """One line of JSON for each row."""
        return "".join(row.to_json() + "\n" for row in self.rows)

    @classmethod
    def from_jsonl(cls, lines: Iterable[str]) -> History:
        """Read what `to_jsonl` wrote."""
        return cls(tuple(Row.from_json(line) for line in lines if line.strip()))

    def __str__(self) -> str:
        """The measured rows as a text table, some in the middle left out."""
        rows = self.measured().rows or self.rows
        picked = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _SHOWN_ROWS)).astype(int))
        return text_table(
            ["step", "seconds", "critic", "generator", "held out"],
            [_cells(rows[at]) for at in picked],
        )


def _cells(row: Row) -> list[str]:
    critic = "" if row.critic_objective is None else f"{row.critic_objective:.4g}"
    held_out = "" if row.held_out is None else f"{row.held_out:.4f} ± {row.held_out_stderr:.4f}"
    return [
        str(row.step),
        f"{row.seconds:.1f}",
        critic,
        f"{row.generator_objective:.4g}",
        held_out,
    ]
