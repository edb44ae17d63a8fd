"""Precision, recall, density, coverage: slow twins, known expectations, and what breaks them."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from divergences import work
from divergences.evaluation.manifolds import manifold_scores
from divergences.evaluation.neighborhoods import Neighborhoods
from divergences.work import Run


def values(data, generated, k=5, seed=0):
    scores = manifold_scores(data, generated, k, Run.create(seed, progress=False))
    return {score.name: score for score in scores}


def naive_precision(data, generated, k):
    radius = np.sort(cdist(data, data), axis=1)[:, k]
    return np.mean([any(np.linalg.norm(y - x) <= r for x, r in zip(data, radius, strict=True))
                    for y in generated])  # fmt: skip


def naive_density_and_coverage(data, generated, k, rng=None):
    """By the definition, ties broken by `rng`: smaller lots are nearer."""
    inside = []
    for i, x in enumerate(data):
        own = [(np.linalg.norm(x - other), rng.random() if rng else 0.0)
               for j, other in enumerate(data) if j != i]  # fmt: skip
        kth = sorted(own)[k - 1]
        inside.append(sum((np.linalg.norm(x - y), rng.random() if rng else 0.0) < kth
                          for y in generated))  # fmt: skip
    counts = np.array(inside)
    return counts.sum() / k / len(generated), (counts > 0).mean()


class TestTwins:
    @pytest.mark.parametrize(("d", "k"), [(1, 1), (2, 3), (7, 5)])
    def test_untied_points(self, d, k):
        rng = np.random.default_rng(d)
        data, generated = rng.normal(size=(45, d)), rng.normal(0.4, 0.8, size=(36, d))
        found = values(data, generated, k)
        assert found["precision"].value == naive_precision(data, generated, k)
        assert found["recall"].value == naive_precision(generated, data, k)
        density, coverage = naive_density_and_coverage(data, generated, k)
        assert found["density"].value == pytest.approx(density, rel=1e-12)
        assert found["coverage"].value == pytest.approx(coverage, rel=1e-12)

    def test_tied_points_are_the_mean_over_random_tie_breaking(self):
        # Points of a small lattice: 300 lotteries, 5 standard errors.
        rng = np.random.default_rng(0)
        data, generated = rng.integers(0, 3, (30, 2)) * 1.0, rng.integers(0, 3, (25, 2)) * 1.0
        about = Neighborhoods.about(data, generated, 3, Run.create(0))
        lots = np.array([naive_density_and_coverage(data, generated, 3, rng) for _ in range(300)])
        error = lots.std(axis=0) / np.sqrt(300)
        found = [about.density().mean(), about.covered().mean()]
        assert (np.abs(lots.mean(axis=0) - found) < 5 * error).all()

    def test_covered_counts_every_order_of_the_ties(self):
        # One center, k = 2, one own point inside, 2 own and 3 other points on the edge.
        own = np.array([[0.0], [0.5], [1.0], [-1.0]])
        other = np.array([[1.0], [1.0], [-1.0], [5.0]])
        about = Neighborhoods.about(own, other, 2, Run.create(0))
        assert (about.nearer[0], about.tied[0], about.others_tied[0]) == (1, 2, 3)
        # The second neighbor is the first of the five, in random order, that is an own point.
        assert about.covered()[0] == pytest.approx(3 / 5)
        # Before the first of two own points lies a third of the three others, on average.
        assert about.density()[0] == pytest.approx(3 * (1 / 3) / (2 * 4 / 4))

    def test_tiles_and_workers_change_nothing(self, monkeypatch):
        rng = np.random.default_rng(0)
        data, generated = rng.normal(size=(90, 3)), rng.normal(size=(70, 3))
        whole = values(data, generated)
        monkeypatch.setattr(work, "TILE_BYTES", 8 * 160 * 3 * 7)
        assert values(data, generated) == whole
        found = manifold_scores(data, generated, 5, Run.create(0, 2, progress=False))
        assert found == tuple(whole.values())


class TestOneLaw:
    @pytest.mark.parametrize("d", [1, 2, 10])
    def test_means_are_those_that_the_scores_expect(self, d):
        # 60 pairs; means within 4.5 standard errors of what is expected: one false alarm in
        # 150,000 for each of the four.
        found = []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            data, generated = rng.normal(size=(60, d)), rng.normal(size=(40, d))
            about = Neighborhoods.about(data, generated, 3, Run.create(0))
            back = Neighborhoods.about(generated, data, 3, Run.create(0))
            found.append([about.density().mean(), about.covered().mean(),
                          about.reached.mean() - about.reached_own.mean(),
                          back.reached.mean() - back.reached_own.mean()])  # fmt: skip
        expected = [1.0, 1 - comb(59, 3) / comb(99, 3), 0.0, 0.0]
        error = np.std(found, axis=0) / np.sqrt(60)
        assert (
            np.abs(np.mean(found, axis=0) - expected) < 4.5 * error + [0, 0, 0.004, 0.006]
        ).all()
        assert (error < [0.03, 0.02, 0.02, 0.02]).all()

    def test_tied_data_keep_the_expectation_that_strict_balls_lose(self):
        # Digits rounded to few values: each row occurs many times.
        found = []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            data, generated = rng.poisson(1.0, (60, 1)), rng.poisson(1.0, (60, 1))
            about = Neighborhoods.about(data * 1.0, generated * 1.0, 3, Run.create(0))
            found.append([about.density().mean(), about.covered().mean()])
        expected = [1.0, 1 - comb(59, 3) / comb(119, 3)]
        error = np.std(found, axis=0) / np.sqrt(60)
        assert (np.abs(np.mean(found, axis=0) - expected) < 4.5 * error).all()
        assert (error < 0.03).all()

    def test_coverage_is_near_one_minus_two_to_the_minus_k(self):
        rng = np.random.default_rng(0)
        found = values(rng.normal(size=(2000, 2)), rng.normal(size=(2000, 2)), k=3)
        assert found["coverage"].expected == pytest.approx(1 - 2**-3, abs=1e-3)
        for score in found.values():
            assert abs(score.value - score.expected) < 4.5 * score.stderr


class TestFaults:
    RNG = np.random.default_rng(1)
    DATA = RNG.choice([-6.0, 6.0], 400)[:, None] + RNG.normal(size=(400, 2))

    def test_a_dropped_mode_lowers_recall_and_coverage_alone(self):
        one = np.array([6.0, 6.0]) + np.random.default_rng(2).normal(size=(400, 2))
        found = values(self.DATA, one)
        assert found["precision"].verdict == "as perfect"
        for name in ("recall", "coverage"):
            assert found[name].value == pytest.approx(found[name].expected / 2, abs=0.12)
            assert found[name].verdict == "lower"

    def test_points_away_from_the_data_lower_precision_and_density(self):
        both = np.concatenate([self.DATA[:200] + 0.01, np.full((200, 2), 30.0)])
        found = values(self.DATA, both + 0.01 * np.random.default_rng(0).normal(size=(400, 2)))
        assert found["precision"].value == pytest.approx(0.5, abs=0.02)
        assert found["density"].value < 0.7
        assert found["precision"].verdict == "lower"

    def test_repeated_points_on_either_side_are_counted(self):
        # Where each row occurs more than k times, open balls of radius 0 hold nothing.
        data = np.repeat(self.DATA[:40], 10, axis=0)
        found = values(data, data.copy())
        assert found["precision"].value == found["recall"].value == 1
        assert found["density"].value == pytest.approx(10 / 10 * 400 / 400, abs=0.01)
        assert found["coverage"].value > 0.95

    def test_one_point_repeated_covers_little(self):
        found = values(self.DATA, np.repeat(self.DATA[:1], 400, axis=0))
        assert found["precision"].value == 1
        assert found["recall"].value == 1 / 400
        assert found["coverage"].value < 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.5, 0.7), (1.0, 0.5)])
@pytest.mark.parametrize("d", [1, 2, 10])
def test_standard_errors_do_not_understate_the_scatter(d, shift, scale):
    # 30 pairs: the scatter itself is known to 13 %. Jackknifed ones may be too large.
    found, errors = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        scores = values(rng.normal(size=(300, d)), rng.normal(shift, scale, size=(250, d)))
        found.append([score.value for score in scores.values()])
        errors.append([score.stderr for score in scores.values()])
    ratio = np.sqrt(np.mean(np.square(errors), axis=0)) / np.std(found, axis=0)
    assert (ratio > 0.65).all(), ratio
    assert (ratio[2:] < 2.6).all(), ratio
