"""KDE of data without a density everywhere: constants, copies of rows, atoms, few points."""

from __future__ import annotations

import math

import numpy as np
import pytest

import divergences as dv
from divergences.definitions import (
    JensenShannon,
    KullbackLeibler,
    Renyi,
    TotalVariation,
)
from divergences.estimators.kde import KDE
from divergences.estimators.ratios.copies import merge_copies
from divergences.measures.samples import as_samples
from divergences.work import Run
from tests.draws import line, plane
from tests.truths import RATIO_DEFINITIONS

ALL = (*RATIO_DEFINITIONS, Renyi(2.0))


class TestDegenerateData:
    def test_constant_and_collinear_columns_are_left_out_and_named(self):
        x, y = plane(200, 0)
        full = [
            np.column_stack([z[:, 0], np.full(200, 3.0), z[:, 1], z[:, 0] - 2 * z[:, 1]])
            for z in (x, y)
        ]
        plain = dv.compare(x, y, divergences=ALL, method=KDE(), rng=0)
        reduced = dv.compare(*full, divergences=ALL, method=KDE(), rng=0)
        for first, second in zip(plain, reduced, strict=True):
            assert second == pytest.approx(first, rel=1e-9)
        assert reduced[0].notes[0] == (
            "Left out: column 1 is constant; column 3 is a linear combination of columns 0, 2 "
            "in both samples."
        )
        np.testing.assert_allclose(
            reduced[0].critic(full[0][:5]), plain[0].critic(x[:5]), rtol=1e-7
        )

    def test_axis_bandwidths_follow_the_columns_left_out(self):
        x, y = plane(100, 0)
        wide = [np.column_stack([z[:, 0], np.zeros(100), z[:, 1]]) for z in (x, y)]
        plain = dv.js_divergence(x, y, method=KDE(bandwidth=[0.3, 0.5]), rng=0)
        assert dv.js_divergence(*wide, method=KDE(bandwidth=[0.3, 9, 0.5]), rng=0) == plain
        matrix = KDE(bandwidth=np.diag([0.09, 1, 0.25]))
        assert dv.js_divergence(*wide, method=matrix, rng=0) == pytest.approx(plain, rel=1e-12)

    def test_all_points_equal(self):
        estimate = dv.js_divergence(np.ones((9, 2)), np.ones((7, 2)), method=KDE(), rng=0)
        assert estimate == 0
        assert "All points of both samples are equal." in estimate.notes
        assert estimate.notes[-1].startswith("Fewer than 10 points of a sample for each feature")
        assert estimate.critic([[1.0, 1.0]]) == [0.0]

    def test_repeated_values(self):
        rng = np.random.default_rng(0)
        x, y = rng.poisson(3, (400, 1)), rng.poisson(3, (400, 1))
        for estimate in dv.compare(x, y, divergences=ALL, method=KDE(), rng=0):
            assert math.isfinite(estimate)
            assert math.isfinite(estimate.stderr)

    def test_copies_of_rows_count_as_weights(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(60, 2)), rng.normal(0.5, 1, (50, 2))
        a, b = rng.integers(1, 4, 60), rng.integers(1, 3, 50)
        for method in (KDE(), KDE(integrate=True), KDE(bandwidth="scott")):
            weighted = dv.js_divergence(x, y, method=method, weights_p=a, weights_q=b, rng=0)
            copied = dv.js_divergence(np.repeat(x, a, 0), np.repeat(y, b, 0), method=method, rng=0)
            assert copied == pytest.approx(weighted, rel=1e-9)
            assert copied.stderr == pytest.approx(weighted.stderr, rel=1e-9)
            assert copied.notes[0].startswith(
                f"{a.sum() - 60} points of p and {b.sum() - 50} of q repeat others of their own "
            )
            assert not any("taken for copies" in note for note in weighted.notes)

    @pytest.mark.parametrize("doubled", [30, 300])
    @pytest.mark.parametrize("method", [KDE(), KDE(integrate=True)], ids=repr)
    def test_copies_do_not_make_equal_measures_differ(self, method, doubled):
        for seed in range(3):
            rng = np.random.default_rng(seed)
            x, y = rng.normal(size=(600, 2)), rng.normal(size=(600, 2))
            x[:doubled] = x[doubled : 2 * doubled]
            both = [JensenShannon(), KullbackLeibler()]
            js, kl = dv.compare(x, y, divergences=both, method=method, rng=0)
            # Over twenty samples 0.0045 ± 0.0018 and 0.020 ± 0.009 on the grid, and less
            # without: the limits are six standard deviations away, a false alarm in 10^9.
            assert abs(js) < 0.02
            assert abs(kl) < 0.08

    def test_few_points_with_copies_by_default(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(15, 1)), rng.normal(size=(15, 1))
        x[:2] = x[2:4]
        kl = dv.kl_divergence(x, y, rng=0)
        low, high = kl.interval()
        assert low < 0 < high
        assert kl < 1
        assert "2 points of p and 0 of q repeat others" in kl.notes[0]

    def test_atoms_and_recurring_values_are_no_copies(self):
        rng = np.random.default_rng(0)
        atom = rng.normal(size=(600, 1))
        atom[:200] = 0
        lattice = rng.poisson(3, (400, 1)), rng.poisson(4, (400, 1))
        for x, y in ((atom, rng.normal(size=(600, 1))), lattice):
            merged = merge_copies(as_samples(x), as_samples(y))
            assert [one.place for one in merged] == [None, None]

    def test_a_ratio_rates_every_row(self):
        x, y = line(30, 0)
        x = np.repeat(x, 2, axis=0)
        ratio = KDE().log_ratio(as_samples(x), as_samples(y), Run.create(0))
        assert (len(ratio.at_p), len(ratio.at_q)) == (60, 30)
        np.testing.assert_array_equal(ratio.at_p[::2], ratio.at_p[1::2])

    def test_equal_measures_take_no_kernels_that_reach_nobody(self):
        for seed in range(6):
            rng = np.random.default_rng(seed)
            x, y = rng.normal(size=(570, 2)), rng.normal(size=(600, 2))
            # Over samples 0.0045 ± 0.0018, the bias of the grid's plug-in: five standard
            # deviations, a false alarm in 10^6.
            assert -0.005 < dv.js_divergence(x, y, method=KDE(integrate=True), rng=0) < 0.0135

    def test_rare_values_that_half_of_the_data_may_lack(self):
        x = np.column_stack([np.random.default_rng(0).normal(size=60), np.eye(60)[0]])
        y = np.column_stack([np.random.default_rng(1).normal(size=60), np.eye(60)[1]])
        for estimate in dv.compare(x, y, divergences=ALL, method=KDE(), rng=0):
            assert math.isfinite(estimate)
            assert math.isfinite(estimate.bias)

    @pytest.mark.parametrize("n", [3, 4, 5])
    def test_a_handful_of_points(self, n):
        x, y = np.random.default_rng(n).normal(size=(2, n, 1))
        for estimate in dv.compare(x, y, divergences=ALL, method=KDE(), rng=0):
            assert math.isfinite(estimate)
            assert math.isfinite(estimate.reading.stderr)
            assert not math.isnan(estimate.reading.bias)

    @pytest.mark.parametrize(
        ("x", "y", "message"),
        [
            (
                np.column_stack([np.arange(9.0), np.full(9, 2.0)]),
                np.random.default_rng(0).normal(size=(9, 2)),
                r"^p has no density in all the columns that span both samples: in p, column 1 is "
                r'constant\. Use method="classifier", drop the column, or give KDE\(bandwidth=\) a '
                r"number\.$",
            ),
            (
                np.random.default_rng(0).normal(size=(9, 2)),
                np.column_stack([np.arange(9.0), 3 * np.arange(9.0)]),
                r"^q has no density in all the columns that span both samples: in q, column 1 is a "
                r"multiple of column 0 plus",
            ),
            (
                np.random.default_rng(0).normal(size=(3, 4)),
                np.random.default_rng(1).normal(size=(9, 4)),
                r"^p must have at least 5 points for kernel densities of 4 features, but it has 3",
            ),
        ],
    )
    def test_what_has_no_density_is_named(self, x, y, message):
        with pytest.raises(ValueError, match=message):
            dv.js_divergence(x, y, method=KDE(), rng=0)

    def test_two_constants_are_told_apart_by_auto(self):
        with pytest.raises(ValueError, match=r"^p has no density in all .*: in p, column 0 is con"):
            dv.js_divergence(np.zeros((30, 1)), np.ones((30, 1)), method=KDE(), rng=0)
        estimate = dv.js_divergence(np.zeros(30), np.ones(30), rng=0)
        assert isinstance(estimate.method, dv.Stacked)
        assert estimate > 0.9 * math.log(2)

    @pytest.mark.parametrize("decimals", [1, 2, 3])
    def test_rounded_values_are_no_difference(self, decimals):
        # Six pairs of samples of one measure; at a rate of 2.5 % each, more than one false alarm
        # in six has a chance below 1 %.
        for definition in (JensenShannon(), TotalVariation(), KullbackLeibler()):
            alarms = 0
            for seed in range(6):
                x, y = np.random.default_rng(seed).normal(size=(2, 200)).round(decimals)
                alarms += dv.divergence(definition, x, y, method=KDE(), rng=0).interval()[0] > 0
            assert alarms <= 1

    def test_equal_counts_on_atoms_are_no_difference(self):
        # Leaving out a point makes the log-ratio a little negative there: no sign to go by.
        x = np.array([0.0, 1.0] * 20)
        for definition in (TotalVariation(), JensenShannon(), KullbackLeibler()):
            estimate = dv.divergence(definition, x, x[::-1], method=KDE(), rng=0)
            low, high = estimate.interval()
            assert abs(estimate) < 0.02
            assert low <= 0 <= high

    def test_a_number_serves_where_one_sample_is_constant(self):
        x, y = np.zeros((50, 1)), np.random.default_rng(0).normal(size=(50, 1))
        estimate = dv.js_divergence(x, y, method=KDE(bandwidth=0.3), rng=0)
        assert 0.1 < estimate < math.log(2)
