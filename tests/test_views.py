import sys

import numpy as np
import pytest

from divergences.definitions import JensenShannon, TotalVariation, Wasserstein
from divergences.estimation import divergence
from divergences.measures import Samples, as_samples
from divergences.report import Comparison
from divergences.views import (
    compare_features,
    feature_names,
    most_different_features,
    plot_critic_map,
    plot_overview,
    standardized,
)

COLUMNS = ("still", "moved", "copy", "little")


@pytest.fixture(autouse=True)
def no_pyplot_figures_stay_open():
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


@pytest.fixture(scope="module")
def pair():
    """Four features: equal, far apart, nearly a copy of the second, a little apart."""
    rng = np.random.default_rng(3)
    p, q = rng.normal(0, 1, (80, 4)), rng.normal([0, 3, 0, 1], 1, (80, 4))
    for points in (p, q):
        points[:, 2] = points[:, 1] + 0.1 * points[:, 2]
    return tuple(as_samples(Samples(x, columns=COLUMNS)) for x in (p, q))


def test_each_feature_is_compared_by_itself(pair):
    p, q = pair
    each = compare_features(p, q, Wasserstein(1), rng=0)
    assert each.labels == COLUMNS
    assert each.heading == "feature"
    for j, found in enumerate(each):
        alone = divergence(Wasserstein(1), p.points[:, j], q.points[:, j], rng=0)
        assert (found.value, found.stderr) == (alone.value, alone.stderr)


def test_features_are_compared_by_js_unless_said_otherwise(pair):
    p, q = (s.select(1) for s in pair)
    assert compare_features(p, q)[0].definition == JensenShannon()


def test_features_without_names_are_numbered():
    assert feature_names(as_samples(np.zeros((3, 2)))) == ("feature 0", "feature 1")


def test_most_different_features_are_not_the_same_twice(pair):
    p, q = pair
    each = compare_features(p, q, Wasserstein(1), rng=0)
    first, second = most_different_features(each, p, q)
    assert {COLUMNS[first], COLUMNS[second]} in ({"moved", "little"}, {"copy", "little"})


def test_most_different_features_of_two_copies_are_both(pair):
    p, q = (s.take(np.arange(s.n)) for s in pair)
    twins = [as_samples(s.points[:, [1, 1]]) for s in (p, q)]
    each = compare_features(*twins, Wasserstein(1), rng=0)
    assert set(most_different_features(each, *twins)) == {0, 1}


def test_standardized_features_have_unit_spread_within(pair):
    p, q = standardized(*pair)
    spread = (p.points.var(axis=0) + q.points.var(axis=0)) / 2
    np.testing.assert_allclose(spread, 1.0)
    shift = q.points.mean(axis=0) - p.points.mean(axis=0)
    assert shift[1] > 2.5


def test_standardizing_takes_away_units_and_leaves_the_originals(pair):
    p, q = pair
    before = p.points.copy()
    first = standardized(p, q)
    scaled = [as_samples(s.points * [1, 1e6, 1e-6, 10] + 5) for s in (p, q)]
    for one, other in zip(first, standardized(*scaled), strict=True):
        np.testing.assert_allclose(one.points, other.points, rtol=1e-8, atol=1e-8)
    np.testing.assert_array_equal(p.points, before)


def test_constant_features_stay_finite():
    p, q = as_samples([[1.0, 2], [1, 3]]), as_samples([[1.0, 5], [1, 7]])
    for s in standardized(p, q):
        np.testing.assert_array_equal(s.points[:, 0], 0.0)


def test_map_of_two_named_features(pair):
    ax = plot_critic_map(*pair, ("still", "moved"), names=("old", "new"), method="kde", rng=0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("still", "moved")
    assert ax.get_title().startswith("Jensen–Shannon divergence, JS = 0.")
    assert len(ax.figure.axes) == 2


def test_map_of_many_features_shows_principal_components(pair):
    ax = plot_critic_map(*pair, definition=TotalVariation(), method="kde", rng=0)
    assert ax.get_xlabel().startswith("principal component 1 (")
    assert ax.get_title().startswith("Total variation distance, TV = ")


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ((1, 1), r"features must be two different features, not \(1, 1\)\."),
        ((0,), r"features must be two different features, not \(0,\)\."),
        ((0, 7), r"features must be among still, moved, copy, little or positions below 4, not 7"),
        (("still", "x"), r"features must be among still, .* not 'x'"),
    ],
)
def test_map_of_wrong_features(pair, features, message):
    with pytest.raises(ValueError, match=message):
        plot_critic_map(*pair, features)


def test_map_of_one_feature():
    with pytest.raises(ValueError, match="A map needs at least two features, but the samples have"):
        plot_critic_map([1.0, 2.0], [2.0, 3.0])


def test_overview_has_map_intervals_and_densities(pair):
    p, q = pair
    joint = Comparison((divergence(Wasserstein(1), p, q, rng=0),))
    each = compare_features(p, q, Wasserstein(1), rng=0)
    page = plot_overview(p, q, joint, each, names=("old", "new"), rng=0).figure.figure
    titles = [ax.get_title() for ax in page.axes]
    features = [title.partition("\n")[0] for title in titles if "\nW1 " in title]
    assert features == list(each.sorted().labels)
    assert sum("Jensen–Shannon" in title for title in titles) == 1
