"""Memorised training points are flagged; honest draws are not."""

from __future__ import annotations

import re

import numpy as np
import pytest

from divergences import work
from divergences.evaluation.copying import copying_scores, nearest_distances
from divergences.work import Run

RUN = Run.create(0, progress=False)


def draw(n: int, seed: int, d: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def found(data, generated, train):
    scores, notes = copying_scores(data, generated, train, RUN)
    return {score.name: score for score in scores}, notes


def test_the_chance_is_that_over_all_pairs():
    data, generated, train = draw(40, 0), 0.9 * draw(50, 1), draw(60, 2)
    scores, _ = found(data, generated, train)

    def naive(points):
        return [min(np.linalg.norm(x - t) for t in train) for x in points]

    pairs = [float(a < b) + 0.5 * (a == b) for a in naive(generated) for b in naive(data)]
    assert scores["copying"].value == pytest.approx(np.mean(pairs), rel=1e-12)
    ratio = np.median(naive(generated)) / np.median(naive(data))
    assert scores["distance ratio"].value == pytest.approx(ratio, rel=1e-12)


def test_fresh_draws_are_at_one_half_and_errors_are_their_scatter():
    # 200 pairs of one law: mean within 4.5 standard errors, and the error known to 5 %.
    values, errors, flagged = [], [], 0
    for seed in range(200):
        train = draw(80, 3 * seed)
        scores, notes = found(draw(60, 3 * seed + 1), draw(70, 3 * seed + 2), train)
        values.append([score.value for score in scores.values()])
        errors.append([score.stderr for score in scores.values()])
        flagged += len(notes)
    values = np.array(values)
    scatter = values.std(axis=0)
    assert np.abs(values[:, 0].mean() - 0.5) < 4.5 * scatter[0] / np.sqrt(200)
    ratio = np.sqrt(np.mean(np.square(errors), axis=0)) / scatter
    assert 0.8 < ratio[0] < 1.25
    assert 0.75 < ratio[1] < 1.4
    # At a level of 0.001 four of 200 or more are one false alarm in 20,000.
    assert flagged < 4


def test_copies_are_flagged_and_counted():
    train = draw(300, 0)
    scores, notes = found(draw(200, 1), train[:150], train)
    assert (scores["copying"].value, scores["copying"].verdict) == (1.0, "higher")
    assert scores["distance ratio"].value == 0
    assert notes == (
        "Generated points are nearer to the training points than held-out data are, in 100% of "
        "pairs (p < 1e-15): they are copied, or come from dense places only.",
        "150 of 150 generated points are training points to the last digit; of the held-out data "
        "0.0% are.",
    )


def test_blurred_copies_are_flagged_too():
    train = draw(300, 0)
    scores, notes = found(draw(200, 1), train + 0.01 * draw(300, 5), train)
    assert scores["copying"].value > 0.8
    assert notes[0].startswith("Generated points are nearer to the training points")


def test_data_that_repeat_themselves_are_no_copies():
    rng = np.random.default_rng(0)
    data, generated, train = (rng.poisson(2.0, (100, 1)) * 1.0 for _ in range(3))
    scores, notes = found(data, generated, train)
    assert abs(scores["copying"].value - 0.5) < 0.05
    assert scores["distance ratio"].value == 1
    assert len(notes) == 1
    assert re.search(r"^9\d of 100 .* of the held-out data 9\d\.0% are\.$", notes[0])


def test_far_points_have_a_ratio_even_where_held_out_ones_have_none():
    train = np.zeros((20, 1))
    scores, _ = found(np.zeros((20, 1)), np.ones((20, 1)), train)
    assert scores["distance ratio"].value == float("inf")
    assert scores["copying"].value == 0


@pytest.mark.parametrize("d", [2, 8, 9, 20])
def test_distances_are_the_same_by_tree_and_by_tiles(d, monkeypatch):
    points, train = draw(50, 0, d), draw(70, 1, d)
    naive = [min(np.linalg.norm(x - t) for t in train) for x in points]
    monkeypatch.setattr(work, "TILE_BYTES", 8 * 70 * 9)
    np.testing.assert_allclose(nearest_distances(points, train, RUN), naive, rtol=1e-12)
