"""Records of many seeds in few numbers, and the cells of tables that show them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from divergences.numerals import rounded_together
from tests.benchmarks.generation.records import Record, read


@dataclass(frozen=True)
class Summary:
    """All seeds of one method.

    Parameters
    ----------
    method : str
    records : tuple of Record
        By seed.
    """

    method: str
    records: tuple[Record, ...]

    def values(self, name: str) -> np.ndarray:
        """A score, of the seeds that have it."""
        return np.array([each.scores[name] for each in self.records if name in each.scores])

    def mean(self, name: str) -> float:
        """Its mean over seeds, NaN where none has it."""
        values = self.values(name)
        return float(values.mean()) if len(values) else math.nan

    def stderr(self, name: str) -> float:
        """Standard error of the mean over seeds; of a single seed its own, where it has one."""
        values = self.values(name)
        if len(values) > 1:
            return float(values.std(ddof=1) / math.sqrt(len(values)))
        return float(self.mean(f"{name}_stderr"))

    @property
    def finite(self) -> int:
        """Seeds that were finite to the end."""
        return int(self.values("finite").sum())

    @property
    def seconds(self) -> float:
        """Largest of all seeds."""
        return max((each.seconds for each in self.records), default=math.nan)

    @property
    def steps(self) -> int:
        """Most of all seeds."""
        return max((each.steps for each in self.records), default=0)


def summaries(task: str) -> dict[str, Summary]:
    """The methods of a task that have records."""
    groups: dict[str, list[Record]] = {}
    for record in sorted(read(task), key=lambda each: each.seed):
        groups.setdefault(record.method, []).append(record)
    return {method: Summary(method, tuple(group)) for method, group in groups.items()}


def average(summary: Summary, name: str) -> str:
    """Mean ± standard error, to the decimals that the error leaves."""
    mean, stderr = summary.mean(name), summary.stderr(name)
    if math.isfinite(mean) and math.isfinite(stderr) and stderr > 0:
        return " ± ".join(rounded_together(mean, stderr))
    return plain(mean)


def worst(summary: Summary, name: str, of: Callable[[Sequence[float]], float]) -> float:
    """The worst seed, as `of` says: min or max; NaN where no seed has the score."""
    values = summary.values(name)
    return float(of(list(values))) if len(values) else math.nan


def percent(share: float) -> str:
    return f"{share:.1%}" if math.isfinite(share) else "–"


def plain(value: float) -> str:
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def decimals(value: float, count: int) -> str:
    return f"{value:.{count}f}" if math.isfinite(value) else plain(value)
