"""The benchmark of generators scores real data as known, and runs end to end."""

from __future__ import annotations

import argparse
import math

import numpy as np
import pytest

import divergences as dv
from tests.benchmarks import generators, records
from tests.benchmarks.generation import page, picture, tasks, training
from tests.benchmarks.generation.recipe import Recipe, recipe
from tests.benchmarks.generation.records import Record, add, add_points, forget, read, read_points
from tests.benchmarks.generation.rivals import RIVALS
from tests.benchmarks.generation.summary import Summary, average, summaries
from tests.benchmarks.generation.target import GRID, RING
from tests.benchmarks.generation.training import Stopwatch, steps_within, train

N = 2_500
FAR = 4.0  # standard errors: one false alarm in 16,000


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RESULTS", tmp_path)
    return tmp_path


@pytest.fixture
def short_trials(monkeypatch):
    monkeypatch.setattr(training, "_TRIAL_STEPS", 20)


@pytest.mark.parametrize(("target", "known"), [(GRID, 0.0048), (RING, 0.0014)])
def test_real_data_score_as_is_known(target, known):
    seeds = range(20)
    scores = np.array(
        [
            [score.value for score in target.modes.scores(target.further_points(seed))]
            for seed in seeds
        ]
    )
    modes, quality, reverse_kl = scores.T
    assert (modes == len(target.modes.centers)).all()
    within = 1 - math.exp(-(3.0**2) / 2)  # 98.9 %
    assert abs(quality.mean() - within) < FAR * math.sqrt(within * (1 - within) / N / len(seeds))
    # A chi-squared variable of k - 1 degrees over twice the points of high quality.
    degrees, points = len(target.modes.centers) - 1, N * within
    assert degrees / (2 * points) == pytest.approx(known, abs=1e-4)
    spread = math.sqrt(2 * degrees) / (2 * points)
    assert abs(reverse_kl.mean() - degrees / (2 * points)) < FAR * spread / math.sqrt(len(seeds))


def test_targets_are_those_of_the_protocol():
    assert GRID.training_points(0).shape == (100_000, 2)
    points = RING.held_out_points(3)
    assert points.shape == (N, 2)
    # The mean of squared radii is 1 + 2 sd², each with a variance of about 4 sd².
    assert abs((points**2).sum(axis=1).mean() - 1.0002) < FAR * 0.02 / math.sqrt(N)
    assert not np.array_equal(points, RING.further_points(3))
    assert np.array_equal(points, RING.held_out_points(3))


def test_a_training_runs_end_to_end_and_goes_on_where_it_stopped(
    results, short_trials, monkeypatch, capsys
):
    cheap = lambda points, target, seed: {"quality": float(len(points) == N)}  # noqa: E731
    monkeypatch.setattr(tasks, "rate", cheap)
    command = ["--tasks", "table", "--methods", "sliced W2²", "--budget", "0.2", "--seeds"]
    generators.main([*command, "1"])
    first = read("table")
    assert [(each.method, each.seed, each.budget) for each in first] == [("sliced W2²", 0, 0.2)]
    assert first[0].scores == {"finite": 1.0, "quality": 1.0}
    assert first[0].steps >= 20
    assert read_points("table")["sliced W2²", 0].shape == (1_000, 2)
    generators.main([*command, "2"])
    second = read("table")
    assert second[0] == first[0]
    assert second[1].steps == first[0].steps, "all seeds of a method take the same steps"
    assert "quality 1" in capsys.readouterr().out
    assert "| sliced W2² | sorting | – | 100.0% |" in page.rivals("table")


def test_real_data_go_through_the_same_door(results, monkeypatch):
    monkeypatch.setattr(tasks, "rate", lambda points, target, seed: {"modes": 8.0})
    generators.main(["--tasks", "ring", "--methods", "real data", "--seeds", "2"])
    assert [each.seed for each in read("ring")] == [0, 1]
    assert "real data, mean | 8.0 |" in page.protocol()


def test_what_a_method_raises_is_its_answer(results):
    record, points = generators.measure(generators.Job("table", "nobody", 1.0, 3, 20))
    assert record == Record("nobody", 3, 1.0, note="KeyError: 'nobody'")
    assert points is None
    assert generators.allowed(generators.Job("table", "nobody", 1.0)) == 0


def test_a_training_that_is_late_is_stopped():
    found = train(Recipe(dv.SlicedWasserstein(2), steps=400), RING, 0, limit=0.05)
    assert found.note.startswith("out of time after step")
    assert 0 < found.steps < 400
    assert found.finite
    assert found.points.shape == (N, 2)


def test_steps_follow_the_budget(short_trials):
    watch = Stopwatch(1.0, marks=[(5, 1.0), (10, 1.5), (25, 3.0)])
    assert watch.seconds_per_step == pytest.approx(0.1)
    sliced = next(rival.recipe for rival in RIVALS if rival.name == "sliced W2²")
    assert steps_within(sliced, RING, 1e-9) == 20


def test_recipes_end_their_schedules_with_their_steps():
    assert recipe("grid").with_steps(10).steps == 10
    for target in ("grid", "ring", "one feature", "two features"):
        assert recipe(target).steps > 1_000


def test_records_survive_writing_and_give_way(results):
    odd = Record("a, b", 1, 25.0, 10, 1.5, {"js": 0.25}, 'said "no", twice')
    for record in (Record("c", 0, scores={"w2": math.inf}), odd, Record("a, b", 0)):
        add("table", record)
    assert read("table") == [Record("a, b", 0), odd, Record("c", 0, scores={"w2": math.inf})]
    add("table", Record("c", 0, steps=3))
    forget("table", ["a, b"])
    assert read("table") == [Record("c", 0, steps=3)]
    for seed in (0, 1):
        add_points("grid", "a | b", seed, np.full((2, 2), seed))
    assert read_points("grid")["a | b", 1].tolist() == [[1, 1], [1, 1]]


def test_summaries_tell_spread_from_one_seeds_error():
    one = Summary("a", (Record("a", 0, scores={"js": 0.1, "js_stderr": 0.01}),))
    assert average(one, "js") == "0.100 ± 0.010"
    two = Summary("a", tuple(Record("a", s, scores={"js": 0.1 + 0.02 * s}) for s in range(2)))
    assert average(two, "js") == "0.110 ± 0.010"
    assert average(two, "w2") == "–"


def test_the_page_says_what_failed(results):
    good = {"modes": 25.0, "quality": 0.97, "reverse_kl": 0.01}
    add("grid", Record("recipe", 0, steps=10, seconds=100.0, scores=good))
    add("grid", Record("recipe", 1, seconds=190.0, scores={**good, "modes": 24.0}, note="late"))
    add("table", Record("KL", 0, 25.0, scores={"finite": 0.0}, note="diverged"))
    said = page.honest()
    assert "modes missing: seed 1; below 96% of high quality: no seed" in said
    assert "more than 180 seconds: seed 1" in said
    assert "Not finite to the end in every seed: KL." in said
    assert "all 25 modes in 1 of 2 seeds" in page.headline("grid")
    assert "not measured yet" in page.headline("ring")


def test_pictures_need_no_training(results):
    add("ring", Record("recipe", 4, scores={"quality": 0.5}))
    add_points("ring", "recipe", 4, RING.further_points(0))
    picture.draw_targets(results / "targets.png")
    picture.draw_rivals(results / "rivals.png")
    assert picture.worst_seed(RING)[0] == 4
    assert (results / "targets.png").stat().st_size > 10_000
    assert (results / "rivals.png").stat().st_size > 10_000


def test_an_unknown_task_is_named():
    with pytest.raises(argparse.ArgumentTypeError, match="'moon' is not among grid, ring, table"):
        generators._tasks("grid,moon")


def test_the_page_is_made_from_the_records():
    assert page.PAGE.read_text(encoding="utf-8") == page.text()


def test_every_stored_training_has_a_method_that_there_is():
    for name, task in tasks.TASKS.items():
        assert set(summaries(name)) <= set(task.methods)


def test_stored_trainings_are_of_the_recipe_that_the_page_shows():
    for name in page.AIMS:
        ours = summaries(name).get(tasks.OURS, Summary(tasks.OURS, ()))
        assert all(each.steps == recipe(name).steps or each.note for each in ours.records)
