"""Errors in units of the efficiency bound, and how contenders compare by them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from tests.benchmarks.contenders import OURS_RATIO
from tests.benchmarks.pairs import PAIRS, efficiency_bound, has_floor, yardstick
from tests.benchmarks.records import Row, read_summaries

_LEAST = 0.1
OURS = {contender.name for contender in OURS_RATIO}
PAIR_NAMED = {pair.name: pair for pair in PAIRS}


@dataclass(frozen=True)
class Scores:
    """One divergence at one size: the rows of every contender, and their errors over the bound.

    Cases where the divergence or its bound is infinite are left out; an answer that is missing
    or infinite in any sample scores infinity.
    """

    divergence: str
    n: int
    rows: dict[tuple[str, str], Row]

    @classmethod
    def read(cls, divergence: str, n: int) -> Scores:
        """From the summaries."""
        kept = {
            (row.method, row.case): row
            for row in read_summaries("ratio")
            if row.divergence == divergence
            and row.n == n
            and row.case in PAIR_NAMED
            and not math.isnan(row.rmse)
            and math.isfinite(yardstick(PAIR_NAMED[row.case], divergence, n, n))
        }
        return cls(divergence, n, kept)

    @property
    def methods(self) -> list[str]:
        """Contenders: ours in their order, then peers."""
        found = list(dict.fromkeys(method for method, _ in self.rows))
        order = [contender.name for contender in OURS_RATIO]
        return [name for name in order if name in found] + [m for m in found if m not in OURS]

    @property
    def cases(self) -> list[str]:
        """Cases that anyone answered, in the order of the pairs."""
        measured = {case for _, case in self.rows}
        return [pair.name for pair in PAIRS if pair.name in measured]

    def ratio(self, method: str, case: str) -> float:
        """Root mean squared error over the bound; NaN where the contender was not measured."""
        row = self.rows.get((method, case))
        if row is None:
            return math.nan
        return row.rmse / yardstick(PAIR_NAMED[case], self.divergence, self.n, self.n)

    def bias(self, method: str) -> float:
        """Mean over the cases of the bias over the bound, where it is finite; NaN if nowhere."""
        shares = [
            row.bias / yardstick(PAIR_NAMED[row.case], self.divergence, self.n, self.n)
            for row in self.of(method)
        ]
        return statistics.mean(finite(shares)) if finite(shares) else math.nan

    def ratios(self, method: str) -> list[float]:
        """Of all cases that the contender was measured on."""
        every = (self.ratio(method, case) for case in self.cases)
        return [ratio for ratio in every if not math.isnan(ratio)]

    def ratios_to_bound(self, method: str) -> list[float]:
        """Of the cases where the efficiency bound itself is finite, the errors over it."""
        bounds = {
            row.case: efficiency_bound(PAIR_NAMED[row.case], self.divergence, self.n, self.n)
            for row in self.of(method)
        }
        return [
            row.rmse / bounds[row.case]
            for row in self.of(method)
            if math.isfinite(bounds[row.case])
        ]

    def of(self, method: str) -> list[Row]:
        """Rows of one contender."""
        return [row for (name, _), row in self.rows.items() if name == method]

    def best_peer(self, case: str) -> tuple[str, float]:
        """The peer of lowest error, whichever it is in this case; ("", NaN) if there is none."""
        peers = [m for m in self.methods if m not in OURS]
        found = [(self.ratio(m, case), m) for m in peers if not math.isnan(self.ratio(m, case))]
        ratio, name = min(found, default=(math.nan, ""))
        return name, ratio

    def coverage(self, method: str) -> float:
        """Share of all intervals that contain the truth."""
        return pooled(self.of(method))

    def seconds(self, method: str) -> float:
        """Median over cases of the median time."""
        return statistics.median(row.seconds for row in self.of(method))


@dataclass(frozen=True)
class Contest:
    """Our default against the best peer of each case."""

    cases: int
    wins: int
    close: int
    worst: float
    worst_case: str

    @classmethod
    def of(cls, scores: Scores, method: str = "auto") -> Contest:
        """Ratios of errors: at most 1 is a win or a tie, at most 1.3 is close.

        Errors below the unit are equal where that is the floor, as zero is then the bound.
        """
        against = {}
        for case in scores.cases:
            least = 1.0 if has_floor(PAIR_NAMED[case], scores.divergence, scores.n) else 0.0
            ours, peer = scores.ratio(method, case), scores.best_peer(case)[1]
            if not math.isnan(ours + peer):
                against[case] = max(ours, least) / max(peer, least)
        worst_case = max(against, key=lambda case: against[case], default="")
        return cls(
            len(against),
            sum(ratio <= 1.0 for ratio in against.values()),
            sum(ratio <= 1.3 for ratio in against.values()),
            against.get(worst_case, math.nan),
            worst_case,
        )


def pooled(rows: Iterable[Row]) -> float:
    """Coverage over all samples of all rows that have intervals; NaN if none has."""
    kept = [row for row in rows if not math.isnan(row.coverage)]
    total = sum(row.seeds for row in kept)
    return sum(row.coverage * row.seeds for row in kept) / total if total else math.nan


def geometric_mean(values: Iterable[float]) -> float:
    """Values below 0.1 count as 0.1, as errors are zero where P = Q is told; NaN of nothing."""
    logs = [math.log(max(value, _LEAST)) for value in values]
    return math.exp(statistics.mean(logs)) if logs else math.nan


def finite(values: Iterable[float]) -> list[float]:
    """Those that are finite."""
    return [value for value in values if math.isfinite(value)]
