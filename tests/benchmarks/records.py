"""What the benchmark writes while it runs, and the summary that pages are made from.

A run appends one line for each sample that was measured, so that an interrupted run goes on
where it stopped. A summary keeps one line for each case, size and divergence.
"""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).with_name("results")
RAW = Path("benchmark-output")


@dataclass(frozen=True)
class Outcome:
    """One number that a contender gave, with its error bar where it has one."""

    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Record:
    """One pair of samples, measured by one contender."""

    table: str
    method: str
    case: str
    n: int
    seed: int
    seconds: float
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    error: str = ""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Record:
        entry: dict[str, Any] = json.loads(line)
        entry["outcomes"] = {key: Outcome(**each) for key, each in entry["outcomes"].items()}
        return cls(**entry)


@dataclass(frozen=True)
class Row:
    """Errors of one contender on one case, over seeds.

    `rmse` is infinite where any answer is missing or infinite; `coverage` is the share of 95 %
    intervals that contain the truth. Both are NaN where the truth is infinite, and `coverage`
    where there are no intervals.
    """

    method: str
    case: str
    n: int
    divergence: str
    seeds: int
    failed: int
    bias: float
    rmse: float
    coverage: float
    seconds: float


def raw_file(folder: Path, table: str, method: str) -> Path:
    return folder / f"{table}-{slug(method)}.jsonl"


def slug(name: str) -> str:
    """A name for files."""
    return "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")


def append(folder: Path, record: Record) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with raw_file(folder, record.table, record.method).open("a", encoding="utf-8") as file:
        file.write(record.to_json() + "\n")


def read_raw(folder: Path, table: str, method: str) -> list[Record]:
    """The records so far; a line cut off by an interruption is left out."""
    path = raw_file(folder, table, method)
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Record.from_json(line) for line in lines if line.endswith("}")]


def summarize(records: Iterable[Record], truths: dict[str, dict[str, float]]) -> list[Row]:
    """One row for each method, case, size and divergence that has a truth."""
    groups: dict[tuple[str, str, int], list[Record]] = defaultdict(list)
    for record in records:
        groups[record.method, record.case, record.n].append(record)
    return [
        _row(key, name, group, truths[key[1]][name])
        for key, group in groups.items()
        for name in _named(group)
        if name in truths.get(key[1], {})
    ]


def _named(group: list[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in group for name in record.outcomes))


def _row(key: tuple[str, str, int], name: str, group: list[Record], truth: float) -> Row:
    answers = [record.outcomes[name] for record in group if name in record.outcomes]
    values = np.array([answer.value for answer in answers])
    failed = len(group) - int(np.isfinite(values).sum())
    with np.errstate(invalid="ignore"):
        errors = values - truth
    covered = [answer.low <= truth <= answer.high for answer in answers]
    known = math.isfinite(truth)
    has_intervals = known and not any(math.isnan(answer.low) for answer in answers)
    return Row(
        *key,
        divergence=name,
        seeds=len(group),
        failed=failed,
        bias=float(errors.mean()) if known and not failed else math.nan,
        rmse=_root_mean_square(errors, failed) if known else math.nan,
        coverage=sum(covered) / len(group) if has_intervals else math.nan,
        seconds=float(np.median([record.seconds for record in group])),
    )


def _root_mean_square(errors: np.ndarray, failed: int) -> float:
    with np.errstate(over="ignore"):
        return math.inf if failed else float(np.sqrt((errors**2).mean()))


def merge(rows: Iterable[Row], table: str) -> None:
    """Write rows into the summaries, in place of those of the same case, size and divergence."""
    RESULTS.mkdir(exist_ok=True)
    by_method: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_method[row.method].append(row)
    for method, fresh in by_method.items():
        path = RESULTS / f"{table}-{slug(method)}.csv"
        kept = {(row.case, row.n, row.divergence): row for row in _read(path)}
        kept |= {(row.case, row.n, row.divergence): row for row in fresh}
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([each.name for each in fields(Row)])
            writer.writerows(_cells(row) for row in kept.values())


def _cells(row: Row) -> list[Any]:
    return [f"{cell:.5g}" if isinstance(cell, float) else cell for cell in asdict(row).values()]


def read_summaries(table: str) -> list[Row]:
    """All rows of a table, of every method."""
    return [row for path in sorted(RESULTS.glob(f"{table}-*.csv")) for row in _read(path)]


def _read(path: Path) -> Iterator[Row]:
    if not path.exists():
        return
    kinds = {"str": str, "int": int, "float": float}
    with path.open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            yield Row(
                **{each.name: kinds[str(each.type)](cells[each.name]) for each in fields(Row)}
            )
