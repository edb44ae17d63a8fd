"""Several estimates side by side."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from divergences.report.layout import paragraphs, terminal_width, text_table
from divergences.report.words import interval_words, merged_notes, value_words, verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from divergences.estimate import Estimate

_WORDS = "in plain words"
_UNLIMITED = 10_000


@dataclass(frozen=True, repr=False)
class Comparison(Sequence["Estimate"]):
    """A sequence of estimates that prints as a table.

    Parameters
    ----------
    estimates : tuple of Estimate
        What was found.
    labels : tuple of str
        What each row is called; the divergences' symbols if left empty.
    heading : str
        What the labels are.

    Raises
    ------
    ValueError
        If there are not as many labels as estimates.

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> exact = dv.Comparison((dv.kl_divergence(norm(0, 1), norm(1, 1)),))
    >>> exact["KL"].value
    0.5
    """

    estimates: tuple[Estimate, ...]
    labels: tuple[str, ...] = ()
    heading: str = "divergence"

    def __post_init__(self) -> None:
        object.__setattr__(self, "estimates", tuple(self.estimates))
        labels = tuple(self.labels) or tuple(e.definition.symbol for e in self.estimates)
        object.__setattr__(self, "labels", labels)
        if len(labels) != len(self.estimates):
            raise ValueError(
                f"labels must name each of the {len(self.estimates)} estimates, but there are "
                f"{len(labels)}."
            )

    def __len__(self) -> int:
        return len(self.estimates)

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self.estimates)

    @overload
    def __getitem__(self, key: int | str) -> Estimate: ...
    @overload
    def __getitem__(self, key: slice) -> Comparison: ...
    def __getitem__(self, key: int | str | slice) -> Estimate | Comparison:
        if isinstance(key, slice):
            return Comparison(self.estimates[key], self.labels[key], self.heading)
        if isinstance(key, str):
            return self.estimates[self._position(key)]
        return self.estimates[key]

    def sorted(self) -> Comparison:
        """Return the same rows, the largest value first."""
        order = sorted(range(len(self)), key=lambda i: -self.estimates[i].value)
        return Comparison(
            tuple(self.estimates[i] for i in order),
            tuple(self.labels[i] for i in order),
            self.heading,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything that JSON can hold: a list of estimates, each with its label."""
        rows = zip(self.labels, self.estimates, strict=True)
        return {"estimates": [{"label": label, **found.to_dict()} for label, found in rows]}

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas data frame, one row per estimate.

        Returns
        -------
        DataFrame
            With columns label, divergence, value, stderr, low, high, unit, method, seconds,
            verdict and notes.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "to_frame needs pandas. Install it with: pip install 'divergences[dataframes]'"
            ) from error
        return pd.DataFrame(
            {
                "label": label,
                "divergence": found.definition.symbol,
                "value": found.value,
                "stderr": found.stderr,
                "low": found.interval()[0],
                "high": found.interval()[1],
                "unit": found.unit,
                "method": found.how,
                "seconds": found.seconds,
                "verdict": verdict(found),
                "notes": " ".join(found.notes),
            }
            for label, found in zip(self.labels, self.estimates, strict=True)
        )

    def to_text(self, width: int | None = None) -> str:
        """Return the table as text.

        Parameters
        ----------
        width : int or None
            Room in characters; None asks the terminal. Long cells are wrapped, never cut.

        Returns
        -------
        str
        """
        if not self.estimates:
            return "No estimates."
        room = terminal_width() if width is None else width
        common = self._common_method() is not None
        table, footnotes = self._table(with_methods=not common), []
        if not common and _width(table) > room:
            table, footnotes = self._table(with_methods=False), self._methods()
        if _width(table) > room:
            table = self._table(with_methods=False, width=room)
        if _width(table) > room:
            table = self._table(with_methods=False, beneath=True)
        footnotes += self._footnotes()
        parts = [self._sizes(), table, paragraphs(footnotes, width=room)]
        return "\n".join(part for part in parts if part)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw values and intervals, each row on its own scale with zero in common.

        Parameters
        ----------
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib Axes
        """
        from divergences.report.intervals import plot_intervals

        return plot_intervals(self.labels, self.estimates, ax=ax)

    def __repr__(self) -> str:
        return self.to_text()

    __str__ = __repr__

    def _repr_html_(self) -> str:
        columns = self._columns(with_methods=self._common_method() is None)
        head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in zip(*columns.values(), strict=True)
        )
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self._footnotes())
        caption = f"<caption>{html.escape(self._sizes())}</caption>" if self._sizes() else ""
        table = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return table + (f"<ul>{notes}</ul>" if notes else "")

    def _position(self, label: str) -> int:
        if label not in self.labels:
            raise KeyError(f"{label!r} is not among {', '.join(map(repr, self.labels))}.")
        rows = [i for i, own in enumerate(self.labels) if own == label]
        if len(rows) > 1:
            raise KeyError(
                f"{label!r} must name one row, but it names rows {', '.join(map(str, rows))}. "
                f"Index by position, as in comparison[{rows[0]}]."
            )
        return rows[0]

    def _table(self, with_methods: bool, beneath: bool = False, width: int = _UNLIMITED) -> str:
        columns = self._columns(with_methods)
        words = columns.pop(_WORDS) if beneath else []
        return text_table(
            list(columns),
            list(zip(*columns.values(), strict=True)),
            right=[list(columns).index("seconds")],
            flexible=[] if beneath else [len(columns) - 1],
            beneath=words,
            width=width,
        )

    def _columns(self, with_methods: bool) -> dict[str, list[str]]:
        one_kind = len(self) > 1 and len({(e.definition, e.unit) for e in self.estimates}) == 1
        value = "value ± stderr"
        if one_kind:
            unit = f", {self.estimates[0].unit}" if self.estimates[0].unit else ""
            value = f"{self.estimates[0].definition.symbol} ± stderr{unit}"
        columns = {
            self.heading: list(self.labels),
            value: [value_words(e, with_unit=not one_kind) for e in self.estimates],
            "95 % interval": [interval_words(e) for e in self.estimates],
        }
        if with_methods:
            columns["method"] = [e.how for e in self.estimates]
        columns["seconds"] = [_seconds_words(e.seconds) for e in self.estimates]
        columns[_WORDS] = [verdict(e) for e in self.estimates]
        return columns

    def _common_method(self) -> str | None:
        methods = {e.how for e in self.estimates}
        return methods.pop() if len(self) > 1 and len(methods) == 1 else None

    def _sizes(self) -> str:
        sizes = {(e.n, e.m, e.d) for e in self.estimates}
        if len(sizes) != 1:
            return ""
        n, m, d = sizes.pop()
        features = f"{d} feature" + ("" if d == 1 else "s")
        if n is None or m is None:
            return f"Known measures, {features}"
        return f"P: {n:,} points, Q: {m:,} points, {features}"

    def _methods(self) -> list[str]:
        by_method: dict[str, list[str]] = {}
        for label, found in zip(self.labels, self.estimates, strict=True):
            by_method.setdefault(found.how, []).append(label)
        parts = [f"{', '.join(labels)} by {how}" for how, labels in by_method.items()]
        return [f"Methods: {'; '.join(parts)}."]

    def _footnotes(self) -> list[str]:
        common = self._common_method()
        notes = merged_notes(self.labels, [e.notes for e in self.estimates])
        return notes if common is None else [f"Method of all: {common}.", *notes]


def _width(text: str) -> int:
    return max(map(len, text.splitlines()))


def _seconds_words(seconds: float) -> str:
    if seconds >= 9.995 or not math.isfinite(seconds):
        return f"{seconds:.0f}"
    return f"{seconds:.2f}"
