"""Nearest neighbors where values recur: ties, atoms, copies of rows, discrete columns."""

import math

import numpy as np
import pytest
from scipy.special import digamma

import divergences as dv
from divergences.estimators import Neighbors
from divergences.estimators.whitening import discrete_columns, whiten_pair
from divergences.measures import as_samples
from tests.closeness import assert_holds

RATIOS = (
    dv.KullbackLeibler(),
    dv.ReverseKL(),
    dv.JensenShannon(),
    dv.Renyi(0.5),
    dv.Renyi(0.8),
    dv.Renyi(2.0),
    dv.SquaredHellinger(),
    dv.ChiSquared(),
    dv.TotalVariation(),
)


class TestTies:
    def test_discrete_data_are_counted(self):
        rng = np.random.default_rng(10)
        x, y = rng.integers(0, 3, 400), rng.integers(0, 3, 300)
        n_at, m_at = np.bincount(x), np.bincount(y)
        terms = digamma(n_at) - digamma(400) - digamma(m_at + 1) + digamma(301)
        found = dv.kl_divergence(x, y, method="neighbors", rng=0)
        assert found == pytest.approx(n_at @ terms / 400, abs=1e-12)
        assert "700 of 700 points coincide with others" in found.notes[0]
        assert "they are counted" in found.notes[0]

    def test_lattice_finds_the_truth(self):
        rng = np.random.default_rng(11)
        x, y = rng.binomial(10, 0.4, 3000), rng.binomial(10, 0.5, 3000)
        found = dv.kl_divergence(x, y, method="neighbors", rng=0)
        truth = 10 * (0.4 * math.log(0.8) + 0.6 * math.log(1.2))
        assert_holds(found, truth, within=0.1)

    @pytest.mark.parametrize("definition", RATIOS)
    def test_a_few_duplicates_are_finite(self, definition):
        rng = np.random.default_rng(12)
        x, y = rng.normal(size=(60, 2)), rng.normal(0.3, 1, size=(70, 2))
        x[10:30] = x[0]
        y[5:8] = x[0]
        found = dv.divergence(definition, x, y, method="neighbors", rng=0)
        assert math.isfinite(found)
        assert math.isfinite(found.stderr)
        assert "24 of 130 points coincide with others" in found.notes[0]

    @pytest.mark.parametrize("definition", RATIOS)
    @pytest.mark.parametrize("k", [2, 5])
    def test_extremes_are_finite(self, definition, k):
        same, ones = np.zeros(20), np.ones(30)
        mixed = np.repeat([0.0, 1.0, 5.0], [10, 6, 4])
        for x, y in [(same, ones), (same, same[:7]), (mixed, ones), (same, mixed)]:
            found = dv.divergence(definition, x, y, method=Neighbors(k), rng=0)
            assert math.isfinite(found)
            assert math.isfinite(found.stderr)

    def test_atoms_that_the_other_lacks_are_told(self):
        found = dv.kl_divergence(np.zeros(20), np.ones(30), method="neighbors", rng=0)
        assert "KL is infinite if it never does" in found.notes[0]

    def test_mapping_keeps_ties(self):
        rng = np.random.default_rng(13)
        x = rng.normal(size=(101, 6)) @ rng.normal(size=(6, 6))
        pair = whiten_pair(as_samples(np.repeat(x, 2, axis=0)), as_samples(x[::-1]))
        np.testing.assert_array_equal(pair.p.points[::2], pair.p.points[1::2])
        np.testing.assert_array_equal(pair.p.points[::2], pair.q.points[::-1])
        assert (pair.p.repeats.own == 1).all()
        assert (pair.q.repeats.other == 2).all()

    def test_zero_has_one_sign(self):
        pair = whiten_pair(as_samples([0.0, -0.0, 1.0]), as_samples([-0.0, 2.0]))
        assert pair.p.repeats.own.tolist() == [1, 1, 0]

    def test_shared_rows_are_told(self):
        x = np.random.default_rng(14).normal(size=(50, 2))
        found = dv.js_divergence(x, x, method="neighbors", rng=0)
        assert any("100 points are in both samples" in note for note in found.notes)

    def test_copies_of_rows_are_told(self):
        rng = np.random.default_rng(26)
        x, y = rng.choice(rng.normal(size=50), 50), rng.normal(size=50)
        found = dv.js_divergence(x, y, method="neighbors", rng=0)
        assert any("as a bootstrap makes them" in note for note in found.notes)


class TestDiscreteColumns:
    @staticmethod
    def parity(rng, n, sign, d):
        """Counts 0 to 5, and a normal whose mean is 1/2 or -1/2 by their parity."""
        counts = rng.integers(0, 6, n)
        points = rng.normal(size=(n, d))
        points[:, 0] += sign * np.where(counts % 2, 0.5, -0.5)
        return np.column_stack([points, counts])

    def test_cells_come_first(self):
        # Given the count, the distance of the means is 1: KL = 1/2. Over whole numbers that are
        # mixed up it would vanish: 0.21 was seen where distances count them.
        rng = np.random.default_rng(27)
        x, y = self.parity(rng, 600, 1, 2), self.parity(rng, 600, -1, 2)
        found = dv.kl_divergence(x, y, method="neighbors", rng=0)
        assert found > 0.3
        assert_holds(found, 0.5, within=0.5)
        assert found.notes[0] == (
            "Neighbors are sought among equal values first, as column 2 has 6 values."
        )
        assert np.corrcoef(found.critic(x), x[:, 0] * (-1) ** (x[:, 2] + 1))[0, 1] > 0.8

    def test_a_coin_beside_a_normal(self):
        # KL of the coins plus, as the coin falls, (1 or 4)/2: by the chain rule.
        rng = np.random.default_rng(28)
        coins = rng.random(2000) < 0.5, rng.random(2000) < 0.3
        x = np.column_stack([coins[0], rng.normal(size=2000)])
        y = np.column_stack([coins[1], rng.normal(0.5 + 0.5 * coins[1])])
        truth = 0.5 * math.log(0.5 / 0.7) + 0.5 * math.log(0.5 / 0.3) + 0.5 * (0.125 + 0.5)
        for definition in (dv.KullbackLeibler(), dv.KullbackLeibler(2)):
            found = dv.divergence(definition, x, y, method="neighbors", rng=0)
            scale = math.log(definition.base)
            assert_holds(found, truth / scale, within=0.5 * truth / scale)
            assert found.stderr < 0.06 / scale

    @pytest.mark.parametrize(
        ("draw", "truth"),
        [
            (
                lambda rng, first: rng.poisson(3.0 if first else 4.0, (3000, 1)),
                3 * math.log(3 / 4) + 1,
            ),
            (
                lambda rng, first: rng.random((3000, 3)) < (0.5 if first else 0.3),
                1.5 * (math.log(0.5 / 0.7) + math.log(0.5 / 0.3)),
            ),
        ],
        ids=["Poisson", "three coins"],
    )
    def test_lattices(self, draw, truth):
        rng = np.random.default_rng(29)
        x, y = draw(rng, True), draw(rng, False)
        found = dv.kl_divergence(x.astype(float), y.astype(float), method="neighbors", rng=0)
        assert_holds(found, truth, within=0.5 * truth)
        assert found.stderr < 0.15 * truth
        assert "they are counted" in " ".join(found.notes)

    def test_which_columns_are_discrete(self):
        rng = np.random.default_rng(30)
        normal, coins = rng.normal(size=(400, 1)), rng.random((400, 4)) < 0.5
        counts = rng.integers(0, 9, (400, 1))
        points = np.hstack([normal, coins, counts])
        # 400 points fill 8 cells of 50: three coins.
        assert discrete_columns(points, np.arange(6)).tolist() == [1, 2, 3]
        assert discrete_columns(points[:, [0, 5]], np.arange(2)).tolist() == []
        assert discrete_columns(np.tile(points[:, [0, 5]], (2, 1)), np.arange(2)).tolist() == [1]
        assert discrete_columns(points[:, 1:3], np.arange(2)).tolist() == []  # a lattice

    def test_cells_keep_their_points_nearer_than_any_other(self):
        rng = np.random.default_rng(31)
        coin = rng.random((300, 1)) < 0.5
        points = np.hstack([1e6 * rng.standard_t(3, (300, 2)), 1e-6 * coin])
        pair = whiten_pair(as_samples(points[:150]), as_samples(points[150:]))
        white = np.concatenate([pair.p.points, pair.q.points])
        distance = np.linalg.norm(white[:, None] - white, axis=2)
        same = coin == coin.T
        assert distance[same].max() < distance[~same].min()
