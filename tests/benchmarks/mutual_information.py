"""Forty tasks of another benchmark: mutual information as KL(joint || product of margins)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from tests.benchmarks.records import RAW

TASKS = Path(__file__).with_name("mutual_information.json")
SAMPLES = "mutual_information.npz"


@dataclass(frozen=True)
class InformationTask:
    """Samples of (X, Y), and of X and Y taken from different rows.

    Both come from one file, the first half of its rows as they are, the second half with Y
    shuffled, so that the two are independent of each other.
    """

    name: str
    columns: tuple[int, int]
    nats: float

    @property
    def d(self) -> int:
        """Features of X and Y together."""
        return sum(self.columns)

    @property
    def truth(self) -> dict[str, float]:
        """Mutual information in nats."""
        return {"KL": self.nats}

    def sample_p(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Rows of the joint law."""
        return _rows(self.name, 0, n)

    def sample_q(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Rows of the product of the margins."""
        rows = _rows(self.name, n, 2 * n).copy()
        first = self.columns[0]
        rows[:, first:] = rng.permutation(rows[:, first:])
        return rows


def missing() -> str:
    """What the tasks lack to be run, in words; empty where nothing is."""
    path = RAW / SAMPLES
    if path.exists():
        return ""
    return (
        f"{path} is missing. make_mutual_information.py says how to draw the samples, in an "
        f"environment of its own."
    )


@cache
def _rows(name: str, start: int, stop: int) -> np.ndarray:
    path = RAW / SAMPLES
    if missing():
        raise FileNotFoundError(missing())
    with np.load(path) as samples:
        rows = samples[name]
    if stop > len(rows):
        raise ValueError(f"n must be at most {len(rows) // 2}, as {path} has {len(rows)} rows.")
    return np.asarray(rows[start:stop], dtype=float)


def _read() -> tuple[InformationTask, ...]:
    contents = json.loads(TASKS.read_text(encoding="utf-8"))
    return tuple(
        InformationTask(name, (each["columns"][0], each["columns"][1]), each["nats"])
        for name, each in contents.items()
    )


INFORMATION_TASKS = _read()
