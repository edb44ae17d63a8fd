"""Measure the accuracy of every method and peer against the truth: `make bench-accuracy`.

For each pair with known truth and each seed, every contender gets the same two samples. A run
appends to `benchmark-output/` and goes on where it stopped; `--render` makes the summaries in
`tests/benchmarks/results/`, the page and the picture from what is there.

    python -m tests.benchmarks.accuracy --methods auto --only ring --seeds 5
    python -m tests.benchmarks.accuracy --methods auto --fresh --jobs 2
    python -m tests.benchmarks.accuracy --render
"""

from __future__ import annotations

import argparse
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks import mutual_information, page
from tests.benchmarks.contenders import OURS_RATIO, OURS_TRANSPORT, Contender
from tests.benchmarks.masses import DIVERGENCES
from tests.benchmarks.pair import Pair
from tests.benchmarks.pairs import PAIRS
from tests.benchmarks.peers import PEERS_RATIO, PEERS_TRANSPORT
from tests.benchmarks.records import RAW, Record, append, merge, raw_file, read_raw, summarize
from tests.benchmarks.scores import Scores
from tests.benchmarks.transport_cases import TRANSPORT_CASES, TransportCase

Case = Pair | TransportCase
_PATIENCE = 5.0
_TRIALS = 2
_WARM_UP = 50


@dataclass(frozen=True)
class Table:
    """Cases, contenders, and the size and number of samples where none is asked for.

    `missing` says in words what the cases lack to be run, and nothing where they lack nothing.
    """

    cases: Sequence[Case]
    contenders: Sequence[Contender]
    n: int
    seeds: int
    missing: Callable[[], str] = str


TABLES = {
    "ratio": Table(PAIRS, (*OURS_RATIO, *PEERS_RATIO), 1000, 20),
    "transport": Table(TRANSPORT_CASES, (*OURS_TRANSPORT, *PEERS_TRANSPORT), 400, 20),
    "information": Table(
        mutual_information.INFORMATION_TASKS,
        (*OURS_RATIO, *PEERS_RATIO),
        2000,
        1,
        missing=mutual_information.missing,
    ),
}


@dataclass(frozen=True)
class Task:
    """One contender on one case: the seeds that are still missing."""

    table: str
    method: str
    case: str
    n: int
    seeds: tuple[int, ...]
    folder: Path


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    if not options.render:
        options.tables = options.tables or tables_to_run()
        for name in options.tables:
            run_table(name, options)
    collect(options.output)
    if options.render:
        page.render()
    else:
        report(options)


def tables_to_run() -> list[str]:
    """All tables whose inputs are there; the others are named with what they lack."""
    found = []
    for name, table in TABLES.items():
        if table.missing():
            print(f"The table {name!r} is left out: {table.missing()}", flush=True)
        else:
            found.append(name)
    return found


def report(options: argparse.Namespace) -> None:
    """Print how all contenders stand in the tables that were run."""
    if "ratio" in options.tables:
        for n in options.n or (TABLES["ratio"].n,):
            scores = {name: Scores.read(name, n) for name in DIVERGENCES}
            print(f"\nError over the bound, n = m = {n:,}\n\n{page.overall(scores)}")
    if "information" in options.tables:
        print(f"\nMutual information\n\n{page.information()['information']}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.accuracy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--tables", nargs="+", choices=list(TABLES), help="all whose inputs are there, if left out"
    )
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--public", action="store_true", help="the ten public cases alone")
    parser.add_argument("--methods", nargs="+", help="contenders by name; all that are installed")
    parser.add_argument("--n", type=int, nargs="+", help="points of each sample")
    parser.add_argument("--seeds", type=int, help="samples of each case")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--fresh", action="store_true", help="forget what these methods did before")
    parser.add_argument("--output", type=Path, default=RAW, help="where records are kept")
    parser.add_argument("--render", action="store_true", help="make page and picture, run nothing")
    return parser.parse_args(arguments)


def run_table(name: str, options: argparse.Namespace) -> None:
    table = TABLES[name]
    chosen = [
        each for each in table.contenders if not options.methods or each.name in options.methods
    ]
    for contender in chosen:
        if not contender.installed:
            print(f"{contender.name} is left out: {contender.needs} is not installed", flush=True)
    chosen = [contender for contender in chosen if contender.installed]
    if options.fresh:
        for contender in chosen:
            raw_file(options.output, name, contender.name).unlink(missing_ok=True)
    tasks = list(_tasks(name, table, chosen, options))
    if options.jobs == 1:
        for task in tasks:
            print(run_task(task), flush=True)
        return
    with ProcessPoolExecutor(options.jobs) as pool:
        for line in pool.map(run_task, tasks):
            print(line, flush=True)


def _tasks(
    name: str, table: Table, chosen: Sequence[Contender], options: argparse.Namespace
) -> Iterator[Task]:
    for contender in chosen:
        done = {
            (record.case, record.n, record.seed)
            for record in read_raw(options.output, name, contender.name)
        }
        for case in table.cases:
            if options.only not in case.name or (options.public and not _is_public(case)):
                continue
            for n in options.n or (table.n,):
                wanted = range(options.seeds or table.seeds)
                missing = tuple(seed for seed in wanted if (case.name, n, seed) not in done)
                if missing:
                    yield Task(name, contender.name, case.name, n, missing, options.output)


def _is_public(case: Case) -> bool:
    return isinstance(case, Pair) and case.public


def run_task(task: Task) -> str:
    """Measure the missing seeds, in order; the few first ones where each takes too long."""
    table = TABLES[task.table]
    contender = next(each for each in table.contenders if each.name == task.method)
    case = next(each for each in table.cases if each.name == task.case)
    seconds = []
    # Imports and compilation are not what is timed.
    measure(task.table, contender, case, _WARM_UP, 0)
    for seed in task.seeds:
        record = measure(task.table, contender, case, task.n, seed)
        append(task.folder, record)
        seconds.append(record.seconds)
        if not contender.ours and len(seconds) >= _TRIALS and np.median(seconds) > _PATIENCE:
            break
    return (
        f"{task.method:<26}{task.case:<34}n={task.n:<7}{len(seconds):>3} seeds"
        f"{float(np.median(seconds)):>9.3f} s  {record.error}"
    )


def measure(table: str, contender: Contender, case: Case, n: int, seed: int) -> Record:
    """One record; what a contender raises is its answer."""
    rng = np.random.default_rng([zlib.crc32(case.name.encode()), n, seed])
    x, y = case.sample_p(n, rng), case.sample_q(n, rng)
    found, error = {}, ""
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = contender.run(x, y, seed)
    except Exception as problem:
        error = f"{type(problem).__name__}: {problem}"[:200]
    # Of the processor, which a busy machine does not change.
    seconds = time.process_time() - start
    return Record(table, contender.name, case.name, n, seed, round(seconds, 5), found, error)


def collect(folder: Path) -> None:
    """Bring the summaries up to date with all records."""
    for name, table in TABLES.items():
        truths = {case.name: case.truth for case in table.cases}
        for contender in table.contenders:
            merge(summarize(read_raw(folder, name, contender.name), truths), name)


if __name__ == "__main__":
    main()
