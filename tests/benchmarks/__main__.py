"""Speed and memory beside the peers, in one process: `make bench`.

Each case runs ours and the peers in turn, several rounds, and reports medians, the ratio to
ours, and the peak of memory allocated through Python and numpy in a run of its own.
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable

from tests.benchmarks.cases import CASES, Case


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", default="", help="run the cases whose name contains this")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each contender")
    arguments = parser.parse_args()
    print(f"{'case':<34}{'contender':<26}{'median s':>10}{'ratio':>8}{'peak MB':>10}{'value':>14}")
    for case in CASES:
        if arguments.only in case.name:
            report(case, arguments.rounds)


def report(case: Case, rounds: int) -> None:
    runs = case.contenders()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    values = {}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            values[name] = float(run())
            seconds[name].append(time.perf_counter() - start)
    ours = statistics.median(next(iter(seconds.values())))
    for name, run in runs.items():
        median = statistics.median(seconds[name])
        print(
            f"{case.name:<34}{name:<26}{median:>10.4f}{median / ours:>8.2f}"
            f"{peak_megabytes(run):>10.1f}{values[name]:>14.6g}",
            flush=True,
        )


def peak_megabytes(run: Callable[[], float]) -> float:
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


if __name__ == "__main__":
    main()
