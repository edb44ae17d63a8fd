"""The benchmark of accuracy: its pairs say the truth, and its table is made end to end.

Statistical checks have fixed seeds and allow four standard errors: one false alarm in 16,000
checks, and about 800 are made.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit

from divergences.definitions import JensenShannon, SquaredHellinger, TotalVariation
from tests.benchmarks.masses import DIVERGENCES
from tests.benchmarks.pair import STORE
from tests.benchmarks.pairs import PAIRS, Pair, bound, pair_named, yardstick

DRAWS = 20_000
QUADRATURE = 2e-7
each_pair = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
# Where the variance of p/q, the chi-squared divergence, is finite and draws can tell it.
MODERATE = [pair for pair in PAIRS if pair.truth["chi2"] < 10]
BOUNDED = {"JS": JensenShannon(), "TV": TotalVariation(), "H2": SquaredHellinger()}


def log_ratios(pair: Pair) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(7)
    x, y = pair.sample_p(DRAWS, rng), pair.sample_q(DRAWS, rng)
    assert x.shape == y.shape == (DRAWS, pair.d)
    return x, y, pair.log_ratio(x), pair.log_ratio(y)


def assert_within(found: float, truth: float, variance: float) -> None:
    assert abs(found - truth) <= 4 * math.sqrt(variance) + QUADRATURE, (found, truth)


def mean_variance(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.var()) / len(values)


def test_the_pairs_are_many_and_named_apart():
    assert len(PAIRS) >= 44
    assert len({pair.name for pair in PAIRS}) == len(PAIRS)
    assert sum(pair.public for pair in PAIRS) == 10
    assert {1, 2, 3, 5, 10, 20, 30, 50} <= {pair.d for pair in PAIRS}
    assert {"disjoint", "nested", "partial", "equal"} == {pair.tags.support for pair in PAIRS}


@each_pair
def test_truths_agree_with_draws(pair):
    _, _, at_p, at_q = log_ratios(pair)
    for name, definition in BOUNDED.items():
        with np.errstate(over="ignore"):
            parts = [definition.critic_p(at_p), definition.critic_q(at_q)]
        (over_p, spread_p), (over_q, spread_q) = map(mean_variance, parts)
        spread = spread_p + spread_q + pair.truth_stderr[name] ** 2
        assert_within(over_p + over_q, pair.truth[name], spread)
    for name, values in (("KL", at_p), ("reverse KL", -at_q)):
        if math.isinf(pair.truth[name]):
            assert np.isinf(values).any()
            continue
        found, spread = mean_variance(values)
        assert_within(found, pair.truth[name], spread + pair.truth_stderr[name] ** 2)


@each_pair
def test_the_log_ratio_belongs_to_the_samplers(pair):
    # E_P[g (1 - eta)] = E_Q[g eta] for every bounded g, where eta = p/(p + q).
    x, y, at_p, at_q = log_ratios(pair)
    both = np.vstack([x, y])
    middle = np.median(both, axis=0)
    width = np.quantile(np.abs(both - middle), 0.7, axis=0) + 1e-300
    for turn in np.random.default_rng(8).normal(size=(4, pair.d)) / math.sqrt(pair.d):
        over_p, over_q = (
            mean_variance(np.cos((points - middle) / width @ turn) * expit(sign * ratio))
            for points, sign, ratio in ((x, -1, at_p), (y, 1, at_q))
        )
        assert_within(over_p[0], over_q[0], over_p[1] + over_q[1])


@pytest.mark.parametrize("pair", MODERATE, ids=lambda pair: pair.name)
def test_the_ratio_integrates_to_one(pair):
    _, _, at_p, at_q = log_ratios(pair)
    found, _ = mean_variance(np.exp(at_q))
    assert_within(found, 1.0, pair.truth["chi2"] / DRAWS)
    if bound(pair, 1, 1)["chi2"] < 100:
        found, spread = mean_variance(np.exp(at_p) - 1)
        assert_within(found, pair.truth["chi2"], spread + pair.truth_stderr["chi2"] ** 2)


def test_a_wrong_ratio_would_be_seen():
    pair = pair_named("normals, shift 1")
    *_, at_q = log_ratios(pair)
    wrong = mean_variance(np.exp(1.1 * at_q))
    with pytest.raises(AssertionError):
        assert_within(wrong[0], 1.0, wrong[1])


def test_the_ring_has_the_published_values():
    truth = pair_named("ring of 8, turned").truth
    assert truth["KL"] == pytest.approx(4.475, abs=5e-4)
    assert truth["JS"] == pytest.approx(0.559, abs=5e-4)


def test_values_by_hand():
    cauchy = pair_named("Cauchy, shift 1").truth
    assert cauchy["KL"] == pytest.approx(math.log(5 / 4), abs=1e-9)
    assert cauchy["TV"] == pytest.approx(2 / math.pi * math.atan(1 / 2), abs=1e-8)
    assert pair_named("weak copula").truth["chi2"] == pytest.approx(1 / 9, abs=1e-6)
    assert pair_named("ripples and uniform").truth["chi2"] == pytest.approx(0.32, abs=1e-9)
    assert pair_named("normals, shift 6").truth["H2"] == pytest.approx(1 - math.exp(-4.5))


def test_the_bound_is_the_oracle_s_error():
    # The variational terms at the true ratio, from many samples.
    pair = pair_named("uniform and beta(2, 2)")
    rng, js, values = np.random.default_rng(3), JensenShannon(), []
    for _ in range(800):
        at_p, at_q = pair.log_ratio(pair.sample_p(50, rng)), pair.log_ratio(pair.sample_q(80, rng))
        values.append(js.critic_p(at_p).mean() + js.critic_q(at_q).mean())
    # The relative standard error of a standard deviation is 1/sqrt(2 * 800), a little more here.
    assert np.std(values) == pytest.approx(bound(pair, 50, 80)["JS"], rel=0.1)
    assert bound(pair, 50, 80)["KL"] == math.inf
    assert bound(pair, 50, 80)["KL given p/q"] < math.inf


def test_the_yardstick_is_finite_and_never_zero():
    for pair in PAIRS:
        for name, value in pair.truth.items():
            if math.isfinite(value) and name != "chi2":
                assert 0.15 / math.sqrt(500) <= yardstick(pair, name, 500, 500) < math.inf
    disjoint = pair_named("disjoint uniforms")
    assert yardstick(disjoint, "JS", 400, 400) == pytest.approx(0.0075)


def test_every_pair_has_every_value():
    for pair in PAIRS:
        assert set(pair.truth) == set(DIVERGENCES)
        assert set(DIVERGENCES) < set(bound(pair, 1, 1))
        assert min(bound(pair, 1, 1).values()) >= 0


def test_a_pair_without_stored_values_says_what_to_run(monkeypatch):
    monkeypatch.setattr("tests.benchmarks.pair._read", dict)
    with pytest.raises(KeyError, match="make_truths --only 'rare bump'"):
        _ = pair_named("rare bump").truth
    assert STORE.exists()
