"""Categorical columns in critics: known truths, and invariance to how levels are called."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

import divergences as dv
from divergences.estimators.ratios.indicators import Indicators
from tests.closeness import assert_holds

P = np.array([0.4, 0.3, 0.2, 0.1, 0.0])
Q = np.array([0.1, 0.2, 0.3, 0.2, 0.2])
LEVELS = np.array(list("vwxyz"))
QUICK = dv.Stacked(effort=0.3)
METHODS = {
    "stacked": QUICK,
    "boosting": dv.Classifier("boosting", folds=3),
    "logistic": dv.Classifier(folds=3),
    "any": dv.Classifier(LogisticRegression(C=10), folds=3),
}


def js(p, q):
    mean = (p + q) / 2
    terms = [a * np.log(a / m) for side in (p, q) for a, m in zip(side, mean, strict=True) if a > 0]
    return sum(terms) / 2


def draws(shares, n, seed):
    return pd.DataFrame({"c": LEVELS[np.random.default_rng(seed).choice(5, n, p=shares)]})


def crossed(n, swap, seed):
    """Numbers about 0 or 1 by a category: only together do they tell who is who."""
    rng = np.random.default_rng(seed)
    high = rng.random(n) < 0.5
    x = rng.normal(high, 1)
    return pl.DataFrame({"x": x, "c": np.where(high != swap, "up", "down"), "noise": rng.random(n)})


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_two_discrete_measures(method):
    found = dv.js_divergence(draws(P, 700, 1), draws(Q, 600, 2), method=method, rng=0)
    # Four standard errors of a normal: a false alarm in 16,000. Trees lose a little.
    assert_holds(found, js(P, Q), within=0.06)
    assert found.stderr < 0.02


@pytest.mark.parametrize("method", [QUICK, METHODS["boosting"]], ids=["stacked", "boosting"])
def test_a_number_and_a_category_that_only_differ_together(method):
    found = dv.js_divergence(crossed(700, False, 3), crossed(700, True, 4), method=method, rng=0)
    # Given the category it is N(0, 1) against N(1, 1).
    assert_holds(found, 0.11142, within=0.06)
    if method is QUICK:
        critics = found.reading.diagnostics["critics"]
        assert critics["numbers by level"]["weight"] > 0


def test_pairs_of_categories():
    rng = np.random.default_rng(5)

    def signs(product, n):
        first = rng.choice(["a", "b", "c"], n)
        return pd.DataFrame({"one": first, "two": np.where(rng.random(n) < product, first, "b")})

    # Beside "b" in `one`, which says nothing, `two` repeats `one` with chance 0.9 or 0.4.
    found = dv.js_divergence(signs(0.9, 900), signs(0.4, 900), method=QUICK, rng=0)
    truth = 2 / 3 * js(np.array([0.9, 0.1]), np.array([0.4, 0.6]))
    assert abs(found - truth) < 4 * found.stderr


def test_auto_reads_categories_with_the_whole_library():
    def two(shares, seed):
        return draws(shares, 200, seed).assign(d=draws(P, 200, seed + 50)["c"], x=range(200))

    found = dv.js_divergence(two(P, 6), two(Q, 7), rng=0)
    assert found.method == dv.Stacked()
    assert abs(found - js(P, Q)) < 4 * found.stderr
    assert {"additive trees", "pairs of levels"} <= set(found.reading.diagnostics["critics"])
    few = dv.js_divergence(draws(P, 15, 1), draws(Q, 15, 2), rng=0)
    assert few.method == dv.Classifier()


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_names_and_their_order_do_not_matter(method):
    x, y = draws(P, 150, 8), draws(Q, 130, 9)
    found = dv.js_divergence(x, y, method=method, rng=0)
    names = dict(zip(LEVELS, ["beta", "zeta", "alpha", "eta", "pi"], strict=True))
    renamed = [pl.DataFrame({"c": side["c"].map(names).to_numpy(str)}) for side in (x, y)]
    assert dv.js_divergence(*renamed, method=method, rng=0).value == pytest.approx(found.value)
    ordered = [pd.DataFrame({"c": pd.Categorical(side["c"], LEVELS[::-1])}) for side in (x, y)]
    assert dv.js_divergence(*ordered, method=method, rng=0).value == found.value


def test_levels_are_not_taken_for_each_other():
    x = pd.DataFrame({"c": ["a", "b"] * 100})
    y = pd.DataFrame({"c": ["b", "a"] * 100})
    z = pd.DataFrame({"c": ["c", "d"] * 100})
    assert dv.js_divergence(x, y, method=QUICK, rng=0).interval()[0] <= 0
    assert dv.js_divergence(x, z, method=QUICK, rng=0) == pytest.approx(np.log(2), abs=0.03)


def test_a_missing_category_counts():
    def coins(share, seed):
        gap = np.random.default_rng(seed).random(1000) < share
        return pd.DataFrame({"c": pd.Series("a", range(1000)).where(~gap, None)})

    truth = js(np.array([0.1, 0.9]), np.array([0.4, 0.6]))
    for method in (QUICK, METHODS["boosting"], METHODS["logistic"]):
        found = dv.js_divergence(
            coins(0.1, 10), coins(0.4, 11), method=method, nan_policy="keep", rng=0
        )
        assert_holds(found, truth, within=0.05)


def test_very_many_levels_are_pooled_and_bound_from_below():
    rng = np.random.default_rng(12)
    x, y = (pd.DataFrame({"id": rng.integers(0, 5000, 400).astype(str)}) for _ in range(2))
    for method in (QUICK, METHODS["boosting"]):
        found = dv.js_divergence(x, y, method=method, rng=0)
        assert found.interval()[0] <= 0
        assert any("most frequent are kept apart" in note for note in found.notes)


def test_own_trees_with_categories_set_are_given_whole_numbers():
    trees = HistGradientBoostingClassifier(max_iter=20, categorical_features=[1])
    x, y = crossed(300, False, 13), crossed(300, True, 14)
    found = dv.js_divergence(x, y, method=dv.Classifier(trees, folds=2), rng=0)
    assert found.interval()[0] > 0
    assert found.critic(np.array([[1.0, 0.0, 0.5]])).shape == (1,)


def test_own_trees_name_the_categories():
    x, y = crossed(300, False, 13), crossed(300, True, 14)
    values = []
    for chosen in ([1], [x.columns[1]]):
        trees = HistGradientBoostingClassifier(max_iter=20, categorical_features=chosen)
        values.append(dv.js_divergence(x, y, method=dv.Classifier(trees, folds=2), rng=0))
    assert float(values[0]) == float(values[1])
    trees = HistGradientBoostingClassifier(categorical_features=["z"])
    message = r"^estimator must have categorical_features among .* 'z' is not one of .* Give the"
    with pytest.raises(ValueError, match=message):
        dv.js_divergence(x, y, method=dv.Classifier(trees, folds=2), rng=0)


@pytest.mark.parametrize("method", [QUICK, METHODS["logistic"]], ids=["stacked", "logistic"])
def test_the_critic_reads_frames_and_codes(method):
    found = dv.js_divergence(draws(P, 300, 15), draws(Q, 300, 16), method=method, rng=0)
    values = found.critic(pl.DataFrame({"c": ["v", "z"]}))
    np.testing.assert_array_equal(values, found.critic(np.array([[0.0], [4.0]])))
    assert values[0] > 0 > values[1]


def test_the_picture_names_the_levels():
    found = dv.js_divergence(draws(P, 100, 15), draws(Q, 100, 16), method=QUICK, rng=0)
    assert [label.get_text() for label in found.plot().get_xticklabels()] == list(LEVELS)


def test_the_test_reads_categories():
    for shares, low, high in ((Q, 0.0, 0.02), (P, 0.02, 1.0)):
        test = dv.two_sample_test(draws(P, 150, 17), draws(shares, 150, 18), permutations=99, rng=0)
        assert low < test.p_value <= high


def test_methods_that_need_numbers_refuse():
    x, y = draws(P, 30, 1), draws(Q, 30, 2)
    message = (
        "p and q must have numeric columns for gaussian kernel densities, but 'c' holds "
        'categories. Drop or encode them, or use method="auto" or '
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        dv.js_divergence(x, y, method="kde")
    for method in ("neighbors", "neural"):
        with pytest.raises(ValueError, match=r"numeric columns for .*, but 'c' holds categories"):
            dv.js_divergence(x, y, method=method)
    for call in (dv.wasserstein_distance, dv.sinkhorn_divergence, dv.mmd, dv.energy_distance):
        with pytest.raises(ValueError, match=r"'c' holds categories\. Drop or encode them\.$"):
            call(x, y)
    with pytest.raises(TypeError, match="p must have numeric columns, but 1 of 1 is not: 'c'"):
        dv.js_divergence(x, scipy.stats.norm(0, 1))


def test_compare_keeps_what_can_be_read():
    x, y = draws(P, 60, 1), draws(Q, 60, 2)
    found = dv.compare(x, y, method="classifier", rng=0)
    assert {estimate.definition.symbol for estimate in found} >= {"JS", "TV", "H²"}
    assert "W1" not in [estimate.definition.symbol for estimate in found]
    note = "Left out, as they cannot read categories: W1, W2, SW2, "
    assert any(text.startswith(note) for text in found[0].notes)
    with pytest.raises(ValueError, match="'c' holds categories"):
        dv.compare(x, y, divergences=[dv.Wasserstein(1)])


def test_rare_levels_share_an_indicator():
    points = np.array([[0.0], [0.0], [1.0], [2.0], [3.0], [3.0]])
    indicators = Indicators.of(points, np.array([5]), [(0,)])
    assert indicators.width == 3
    np.testing.assert_array_equal(
        indicators(np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])).argmax(axis=1), [0, 2, 2, 1, 2]
    )
    few = Indicators.of(points, np.array([5]), [(0,)], most=1)
    assert few.width == 1
