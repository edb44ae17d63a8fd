"""Text in columns that fit the terminal: what is too wide is wrapped, never cut."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from itertools import zip_longest

GAP = "  "
NARROWEST = 24


def terminal_width() -> int:
    """Columns of the terminal; 120 where there is none."""
    return shutil.get_terminal_size(fallback=(120, 24)).columns


def text_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    flexible: Sequence[int] = (),
    beneath: Sequence[str] = (),
    width: int | None = None,
) -> str:
    """Align rows of text under their headers.

    Parameters
    ----------
    headers : sequence of str
        One per column.
    rows : sequence of sequences of str
        Cells.
    right : sequence of int
        Columns to align at the right.
    flexible : sequence of int
        Columns whose cells may be wrapped to make the table fit.
    beneath : sequence of str
        A line to print under each row, indented.
    width : int or None
        Room in characters; None asks the terminal.

    Returns
    -------
    str

    Examples
    --------
    >>> print(text_table(["name", "n"], [["first", "1"], ["second", "20"]], right=[1]))
    name     n
    ------  --
    first    1
    second  20
    """
    room = terminal_width() if width is None else width
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    _shrink(widths, flexible, room - len(GAP) * (len(widths) - 1))
    lines = [_line(headers, widths, right), _line(["-" * w for w in widths], widths, ())]
    for index, row in enumerate(rows):
        wrapped = [_wrapped(cell, w) for cell, w in zip(row, widths, strict=True)]
        lines += [_line(cells, widths, right) for cells in zip_longest(*wrapped, fillvalue="")]
        if beneath:
            lines.append(f"    {beneath[index]}")
    return "\n".join(lines)


def paragraphs(texts: Sequence[str], *, width: int | None = None, bullet: str = "- ") -> str:
    """Wrap each text, marked by a bullet, to the width of the terminal."""
    room = max(40, min(100, terminal_width() if width is None else width))
    hang = " " * len(bullet)
    return "\n".join(
        textwrap.fill(
            text, room, initial_indent=bullet, subsequent_indent=hang, break_on_hyphens=False
        )
        for text in texts
    )


def _wrapped(cell: str, width: int) -> list[str]:
    return textwrap.wrap(cell, width, break_on_hyphens=False) or [""]


def _shrink(widths: list[int], flexible: Sequence[int], room: int) -> None:
    while sum(widths) > room:
        widest = max(flexible, key=lambda j: widths[j], default=None)
        if widest is None or widths[widest] <= NARROWEST:
            return
        widths[widest] -= 1


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> str:
    padded = [
        cell.rjust(w) if j in right else cell.ljust(w)
        for j, (cell, w) in enumerate(zip(cells, widths, strict=True))
    ]
    return GAP.join(padded).rstrip()
