"""One line for each training, in small CSV files from which the page is drawn."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.benchmarks import records

_OWN = ("method", "seed", "budget", "steps", "seconds")
_PICTURED_POINTS = 1_000


@dataclass(frozen=True)
class Record:
    """One training from one seed, and its scores.

    Parameters
    ----------
    method : str
        What was trained.
    seed : int
        Of data, networks and batches.
    budget : float
        Seconds that were asked for; 0 where the steps were given.
    steps : int
        That were taken.
    seconds : float
        Of the processor.
    scores : dict
        By name; NaN is never among them, what is missing is left out.
    note : str
        What went wrong, in words.
    """

    method: str
    seed: int
    budget: float = 0.0
    steps: int = 0
    seconds: float = 0.0
    scores: dict[str, float] = field(default_factory=dict)
    note: str = ""


def read(task: str, folder: Path | None = None) -> list[Record]:
    """All records of a task."""
    path = _file(task, "csv", folder)
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [_record(cells) for cells in csv.DictReader(file)]


def add(task: str, record: Record, folder: Path | None = None) -> None:
    """Keep a record, in place of one of the same method and seed."""
    kept = {(each.method, each.seed): each for each in read(task, folder)}
    kept[record.method, record.seed] = record
    _write(task, kept.values(), folder)


def forget(task: str, methods: Iterable[str], folder: Path | None = None) -> None:
    """Drop the records of some methods."""
    dropped = set(methods)
    _write(task, [each for each in read(task, folder) if each.method not in dropped], folder)


def add_points(
    task: str, method: str, seed: int, points: np.ndarray, folder: Path | None = None
) -> None:
    """Keep some points for the pictures, in half precision."""
    path = _file(task, "npz", folder)
    kept = read_points(task, folder)
    kept[method, seed] = points[:_PICTURED_POINTS].astype(np.float16)
    new = path.with_name(f".{path.name}")
    with new.open("wb") as file:
        np.savez_compressed(file, **{f"{name}|{key}": each for (name, key), each in kept.items()})
    os.replace(new, path)


def read_points(task: str, folder: Path | None = None) -> dict[tuple[str, int], np.ndarray]:
    """Points by method and seed."""
    path = _file(task, "npz", folder)
    if not path.exists():
        return {}
    with np.load(path) as file:
        named = {name.rpartition("|"): file[name] for name in file.files}
    return {(method, int(seed)): points for (method, _, seed), points in named.items()}


def _file(task: str, kind: str, folder: Path | None) -> Path:
    return (folder or records.RESULTS) / f"generators-{task}.{kind}"


def _write(task: str, kept: Iterable[Record], folder: Path | None) -> None:
    rows = sorted(kept, key=lambda each: (each.method, each.seed))
    names = list(dict.fromkeys(name for record in rows for name in record.scores))
    path = _file(task, "csv", folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}")
    with new.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*_OWN, *names, "note"])
        for record in rows:
            own = [record.method, record.seed, f"{record.budget:g}", record.steps]
            scores = [_cell(record.scores.get(name, math.nan)) for name in names]
            writer.writerow([*own, f"{record.seconds:.4g}", *scores, record.note])
    os.replace(new, path)


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.5g}"


def _record(cells: dict[str, str]) -> Record:
    named = {name: cell for name, cell in cells.items() if name not in (*_OWN, "note")}
    return Record(
        method=cells["method"],
        seed=int(cells["seed"]),
        budget=float(cells["budget"]),
        steps=int(cells["steps"]),
        seconds=float(cells["seconds"]),
        scores={name: float(cell) for name, cell in named.items() if cell},
        note=cells["note"],
    )
