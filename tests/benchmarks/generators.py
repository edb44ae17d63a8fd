"""Train generators under one protocol and rate them: `make bench-generators`.

Each training from one seed is one line in `tests/benchmarks/results/generators-*.csv`, written when
it is done, so that a run goes on where it stopped; `--render` makes the page and its pictures from
what is there.

    python -m tests.benchmarks.generators --tasks grid,ring --seeds 3 --jobs 2
    python -m tests.benchmarks.generators --tasks table --methods "KL,W1 clipping" --budget 10
    python -m tests.benchmarks.generators --render
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.benchmarks.generation.records import Record, add, add_points, forget, read
from tests.benchmarks.generation.tasks import TASKS, Measured, chosen_methods
from tests.benchmarks.generation.training import one_thread

DEFAULT = ("grid", "ring", "table", "digits", "targets", "overhead")

Given = TypeVar("Given")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Job:
    """One method of a task on one seed; or, without a seed, how many steps its budget allows."""

    task: str
    method: str
    budget: float
    seed: int = 0
    steps: int = 0


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    if options.render:
        from tests.benchmarks.generation import page

        page.render()
        return
    for name in options.tasks:
        run_task(name, options)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.generators",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--tasks", type=_tasks, default=DEFAULT, help=f"some of {','.join(TASKS)}; all but rings"
    )
    parser.add_argument("--methods", type=_split, help="by name, with commas between; all")
    parser.add_argument("--seeds", type=int, default=10, help="trainings of each method")
    parser.add_argument("--budget", type=float, default=25.0, help="seconds of each in a table")
    parser.add_argument("--jobs", type=int, default=1, help="processes, of one thread each")
    parser.add_argument("--fresh", action="store_true", help="forget what these methods did before")
    parser.add_argument("--output", type=Path, help="where records are kept, if not in results/")
    parser.add_argument("--render", action="store_true", help="make page and pictures, run nothing")
    return parser.parse_args(arguments)


def _split(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(","))


def _tasks(words: str) -> tuple[str, ...]:
    names = _split(words)
    for name in names:
        if name not in TASKS:
            raise argparse.ArgumentTypeError(f"{name!r} is not among {', '.join(TASKS)}")
    return names


def run_task(name: str, options: argparse.Namespace) -> None:
    """Measure what is missing, and keep each record as it comes."""
    task = TASKS[name]
    methods = chosen_methods(task, options.methods)
    if not task.methods:
        print(f"{name} is left out: its module is not there", flush=True)
    if options.fresh:
        forget(name, methods, options.output)
    budget = options.budget if task.budgeted else 0.0
    done = [each for each in read(name, options.output) if each.budget == budget]
    missing = [
        (method, seed)
        for seed in range(options.seeds)
        for method in methods
        if (method, seed) not in {(each.method, each.seed) for each in done}
    ]
    steps = {each.method: each.steps for each in done}
    unknown = dict.fromkeys(method for method, _ in missing if method not in steps)
    if task.budgeted:
        trials = [Job(name, method, budget) for method in unknown]
        steps |= {job.method: found for job, found in each_done(options.jobs, allowed, trials)}
    jobs = [Job(name, method, budget, seed, steps.get(method, 0)) for method, seed in missing]
    for job, (record, points) in each_done(options.jobs, measure, jobs):
        add(name, record, options.output)
        if points is not None and job.seed in task.pictured:
            add_points(name, job.method, job.seed, points, options.output)
        print(_line(name, record), flush=True)


def each_done(
    jobs: int, function: Callable[[Given], Found], given: Iterable[Given]
) -> Iterator[tuple[Given, Found]]:
    """Pairs of what was given and what was found, as they come, from that many processes."""
    if jobs == 1:
        for each in given:
            yield each, function(each)
        return
    # Not forked: threads of what is loaded here would not follow.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=one_thread) as pool:
        waiting = {pool.submit(function, each): each for each in given}
        for future in as_completed(waiting):
            yield waiting[future], future.result()


def allowed(job: Job) -> int:
    """Steps of a method that its budget allows; 0 where it cannot be trained at all."""
    try:
        return TASKS[job.task].steps_within(job.method, job.budget)
    except Exception:  # `measure` meets the same, and keeps what it says.
        return 0


def measure(job: Job) -> Measured:
    """One record; what a method raises is its answer."""
    try:
        return TASKS[job.task].measure(job.method, job.seed, job.budget, job.steps)
    except Exception as problem:
        note = f"{type(problem).__name__}: {problem}"[:200]
        return Record(job.method, job.seed, job.budget, note=note), None


def _line(task: str, record: Record) -> str:
    scores = "  ".join(
        f"{name} {value:.4g}"
        for name, value in record.scores.items()
        if not name.endswith(("_stderr", "_low", "_high"))
    )
    return (
        f"{task:<11}{record.method:<26}seed {record.seed:<3}{record.steps:>7,} steps"
        f"{record.seconds:>8.1f} s  {scores}  {record.note}"
    )


if __name__ == "__main__":
    one_thread()
    main()
