"""Work in pieces: any number of workers, one order of results, no array too large."""

import re
import threading

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from divergences import work
from divergences.errors import TooLargeError
from divergences.work import Run, available_memory, require_memory, row_tiles, usable_cores


@settings(deadline=None, derandomize=True, max_examples=100)
@given(rows=st.integers(0, 5000), columns=st.integers(0, 10**7), arrays=st.integers(1, 5))
def test_tiles_cover_every_row_once_and_fit(rows, columns, arrays):
    tiles = row_tiles(rows, columns, arrays)
    covered = [row for tile in tiles for row in range(tile.start, tile.stop)]
    assert covered == list(range(rows))
    for tile in tiles:
        height = tile.stop - tile.start
        assert height == 1 or height * columns * arrays * 8 <= work.TILE_BYTES


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_results_come_in_the_order_of_the_items(workers):
    run = Run.create(0, workers, progress=False)
    assert list(run.map(lambda i: i * i, range(50))) == [i * i for i in range(50)]


def test_sums_are_the_same_to_the_last_bit_for_any_number_of_workers():
    values = np.random.default_rng(0).normal(size=100_000) * 10.0 ** np.arange(100_000).clip(0, 9)
    tiles = [values[i : i + 997] for i in range(0, len(values), 997)]
    sums = {
        sum(Run.create(0, workers, progress=False).map(lambda tile: float(tile.sum()), tiles))
        for workers in (1, 2, 3, 5)
    }
    assert len(sums) == 1


def test_workers_are_threads_that_end():
    before = threading.active_count()
    seen = set()
    barrier = threading.Barrier(3, timeout=10)

    def note(_):
        seen.add(threading.get_ident())
        barrier.wait()

    list(Run.create(0, 3, progress=False).map(note, range(3)))
    assert len(seen) == 3
    assert threading.active_count() == before


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_in_a_piece_reaches_the_caller(workers):
    with pytest.raises(ZeroDivisionError):
        list(Run.create(0, workers, progress=False).map(lambda i: 1 // (i - 5), range(20)))


def test_minus_one_means_every_usable_core():
    assert Run.create(0, -1).workers == usable_cores() >= 1


@pytest.mark.parametrize(
    ("asked", "cores", "points", "threads"),
    [(None, 2, 9_999, 1), (None, 2, 10_000, 2), (None, 64, 10**6, 4), (1, 64, 10**6, 1)],
)
def test_threads_are_many_for_many_points_unless_a_number_is_asked_for(
    monkeypatch, asked, cores, points, threads
):
    monkeypatch.setattr(work, "usable_cores", lambda: cores)
    assert Run.create(0, asked).for_points(points).workers == threads


def test_once_computes_once():
    run, calls, data = Run.create(0), [], (object(), object())

    def compute():
        calls.append(1)
        return len(calls)

    assert [run.once(key, data, compute) for key in ("key", "key", "other")] == [1, 1, 2]
    assert [run.once("key", data, compute), run.once("key", data[:1], compute)] == [1, 3]


def test_what_was_computed_of_other_data_is_never_taken():
    run = Run.create(0)
    # Each list is gone when the next one is made, which could take its place in memory.
    assert [run.once("key", ([n],), lambda n=n: n) for n in range(50)] == list(range(50))


def test_progress_is_shown_only_when_asked(capsys):
    list(Run.create(0, 1, progress=True).map(abs, range(3), "counting"))
    assert re.search(r"counting:.*0/3", capsys.readouterr().err)
    for quiet in (False, None):
        list(Run.create(0, 1, progress=quiet).map(abs, range(3), "counting"))
        out, err = capsys.readouterr()
        assert out == err == ""


def test_an_array_that_would_not_fit_is_refused_in_bytes():
    with pytest.raises(
        TooLargeError,
        match=r"^The cost matrix needs 1,152,921,504,606,846,976 bytes \(1073741824\.0 GiB\), and "
        r"[\d.]+ GiB are free\. Use Sliced\(\)\.$",
    ):
        require_memory(2**60, "The cost matrix", "Use Sliced().")
    require_memory(1000, "A small one", "")
    assert issubclass(TooLargeError, MemoryError)


def test_memory_is_that_of_the_system_or_of_the_container(monkeypatch):
    system = available_memory()
    assert 2**20 < system < 2**50
    figures = {
        "/sys/fs/cgroup/memory.max": 8 * 2**30,
        "/sys/fs/cgroup/memory.current": 7 * 2**30,
    }
    monkeypatch.setattr(work, "_meminfo", lambda: 100 * 2**30)
    monkeypatch.setattr(work, "_first_number", lambda *paths: figures[paths[0]])
    monkeypatch.setattr(work, "_reclaimable", lambda: 2**29)
    assert available_memory() == 2**30 + 2**29
    monkeypatch.setattr(work, "_first_number", lambda *paths: None)
    assert available_memory() == 100 * 2**30
