"""Long work in pieces: tiles that fit in memory, any number of workers, one order of results.

The pieces never depend on the number of workers and their results come back in order, so a
sum over them is the same to the last bit however many threads computed it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar, cast

import numpy as np
from tqdm import tqdm

from divergences.checks import RandomState, check_rng, check_whole
from divergences.errors import TooLargeError

TILE_BYTES = 16 * 2**20
_MEMORY_SHARE = 0.6
_POINTS_FOR_THREADS = 10_000
_MOST_THREADS_UNASKED = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Run:
    """How an estimate is to be computed: its randomness, its workers, its progress bar.

    Parameters
    ----------
    rng : Generator
        Source of every random choice.
    workers : int or None
        Threads to use, None for as many as pay; the result does not depend on it.
    progress : bool or None
        True shows a progress bar, False never does, None only on a terminal and only for
        work that takes longer than a second.
    memory : dict
        What `once` has computed, and of which data.
    """

    rng: np.random.Generator
    workers: int | None = None
    progress: bool | None = None
    memory: dict[Any, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def create(
        cls,
        rng: RandomState = None,
        workers: int | None = None,
        progress: bool | None = None,
    ) -> Run:
        """Check the three keywords that users pass."""
        if not (progress is None or isinstance(progress, bool | np.bool_)):
            raise TypeError(f"progress must be True, False or None, not {progress!r}.")
        progress = None if progress is None else bool(progress)
        advice = "Use workers=-1 for all cores."
        if workers is not None:
            every = isinstance(workers, int) and workers == -1
            workers = check_whole("workers", usable_cores() if every else workers, remedy=advice)
        return cls(check_rng(rng), workers, progress)

    def for_points(self, count: int) -> Run:
        """Up to four threads if they pay for so many points, unless a number was asked for."""
        if self.workers is not None:
            return self
        # With few points the interpreter, which threads share, is most of the work; and each
        # thread needs memory for what it fits.
        many = count >= _POINTS_FOR_THREADS
        return replace(self, workers=min(usable_cores(), _MOST_THREADS_UNASKED) if many else 1)

    def once(self, key: Any, data: tuple[object, ...], compute: Callable[[], Result]) -> Result:
        """Return `compute()`, computed only the first time that this run meets `key` and `data`.

        Data are the same if they are the very same objects: what was found of other data, such as
        halves of the samples, is never returned.
        """
        place = (key, *map(id, data))
        if place not in self.memory:
            # The data are kept with it, as an identity is given anew once its object is gone.
            self.memory[place] = data, compute()
        return cast(Result, self.memory[place][1])

    def map(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        description: str = "",
    ) -> Iterator[Result]:
        """Yield `function(item)` in the order of `items`, with a progress bar."""
        if self.workers in (None, 1) or len(items) < 2:
            yield from self._track(map(function, items), len(items), description)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            yield from self._track(pool.map(function, items), len(items), description)

    def _track(self, results: Iterable[Result], total: int, description: str) -> Iterator[Result]:
        yield from ProgressBar(results, total=total, desc=description, **shown(self.progress))


class ProgressBar(tqdm):  # type: ignore[type-arg]
    """A bar that leaves no thread behind, as tqdm's own would."""

    monitor_interval = 0


def shown(progress: bool | None) -> dict[str, Any]:
    """Settings of a bar: None shows it on a terminal, for what takes more than a second."""
    hidden = not (sys.stderr.isatty() if progress is None else progress)
    return {"disable": hidden, "delay": 1.0 if progress is None else 0.0, "leave": False}


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep linear algebra and trees to the calling thread, and give the others back after.

    On matrices of a few hundred columns the threads of a BLAS or of OpenMP mostly wait for each
    other: two took twice to six times as long as one. Workers do better.
    """
    with _thread_pools().limit(limits=1):
        yield


@cache
def _thread_pools() -> Any:
    # Finding them reads a map of all that is loaded, which takes milliseconds.
    import sklearn.ensemble  # noqa: F401  the thread pools to limit must be loaded
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


def row_tiles(n_rows: int, n_columns: int, arrays: int = 3) -> list[slice]:
    """Slices of rows such that `arrays` float64 arrays (rows, n_columns) fit in one tile."""
    rows = max(1, TILE_BYTES // (8 * max(1, n_columns) * arrays))
    return [slice(start, min(start + rows, n_rows)) for start in range(0, n_rows, rows)]


def require_memory(needed: int, what: str, remedy: str) -> None:
    """Raise `TooLargeError` if `needed` bytes are more than the machine can be asked for."""
    available = available_memory()
    if needed > _MEMORY_SHARE * available:
        raise TooLargeError(
            f"{what} needs {needed:,} bytes ({needed / 2**30:.1f} GiB), and "
            f"{available / 2**30:.1f} GiB are free. {remedy}"
        )


def usable_cores() -> int:
    """Cores that this process may use, which in a container can be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory() -> int:
    """Bytes of memory that the system reports as available, within a container's limit."""
    system = _meminfo()
    limit = _first_number(
        "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"
    )
    if limit is None:
        return system
    used = _first_number(
        "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes"
    )
    return min(system, max(limit - (used or 0), 0) + _reclaimable())


def _meminfo() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 8 * 2**30


def _first_number(*paths: str) -> int | None:
    for path in paths:
        try:
            with open(path, encoding="ascii") as lines:
                return int(lines.read())
        except (OSError, ValueError):
            continue
    return None


def _reclaimable() -> int:
    # Cached files count as used in a container, and are given back when memory is asked for.
    for path in ("/sys/fs/cgroup/memory.stat", "/sys/fs/cgroup/memory/memory.stat"):
        try:
            with open(path, encoding="ascii") as lines:
                fields = dict(line.split() for line in lines)
            return int(fields.get("inactive_file", 0))
        except (OSError, ValueError):
            continue
    return 0
