import pickle

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from divergences.estimators.critics.feature_maps import (
    Bumps,
    Coordinates,
    FeatureMap,
    Polynomial,
    Sizes,
    Waves,
)


def cloud(n=300, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ (np.eye(d) + 0.3)


def every_map(points):
    coordinates = Coordinates.of(points)
    rng = np.random.default_rng(0)
    waves = Waves.of(coordinates, points, 5, 2)
    return {
        "linear": Polynomial(coordinates, False, False, False),
        "squares": Polynomial(coordinates, False, True, False),
        "quadratic in scores": Polynomial(coordinates, True, True, True),
        "sizes": Sizes(coordinates),
        "waves": Waves.of(coordinates, points, 5, 0),
        "pairs of waves": waves,
        "bumps": Bumps.of(coordinates, points, 1.0, 40, rng),
        "bumps in scores": Bumps.of(coordinates, points, 1.0, 40, rng, by_rank=True),
    }


def test_line_has_unit_spread_and_keeps_far_points_near():
    points = cloud(2000, 2)
    points[0] = 1e9
    line = Coordinates.of(points).line(points)
    np.testing.assert_allclose(np.median(line, axis=0), 0, atol=1e-12)
    assert np.ptp(np.quantile(line[:, 0], [0.25, 0.75])) == pytest.approx(1.349, rel=1e-6)
    assert 6 < line[0, 0] < 40


def test_shortened_line_keeps_the_order_and_has_no_jump():
    points = np.linspace(-30, 30, 1001)[:, np.newaxis]
    coordinates = Coordinates.of(norm(0, 1).ppf(np.linspace(0.001, 0.999, 999))[:, np.newaxis])
    steps = np.diff(coordinates.line(points)[:, 0])
    assert np.all(steps > 0)
    assert steps.max() < 1.01 * np.median(np.diff(points[:, 0]) / coordinates.scale[0]) + 1e-12


def test_shares_are_mid_ranks_under_ties():
    points = np.random.default_rng(1).integers(0, 6, (500, 1)).astype(float)
    shares = Coordinates.of(points).shares(points)[:, 0]
    np.testing.assert_allclose(shares, (rankdata(points[:, 0]) - 0.5) / 500)


def test_shares_of_many_values_are_close_to_ranks():
    points = np.random.default_rng(2).standard_cauchy((5000, 1))
    shares = Coordinates.of(points).shares(points)[:, 0]
    np.testing.assert_allclose(shares, (rankdata(points[:, 0]) - 0.5) / 5000, atol=3e-3)


def test_beyond_all_points_shares_and_scores_stay_where_they_end():
    points = cloud(100, 1)
    coordinates = Coordinates.of(points)
    far = np.array([[-1e300], [1e300]])
    assert coordinates.shares(far)[:, 0] == pytest.approx([0.005, 0.995])
    np.testing.assert_allclose(coordinates.scores(far)[:, 0], norm.ppf([0.005, 0.995]))
    assert np.isfinite(coordinates.line(far)).all()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_no_view_depends_on_units(scale):
    points, new = cloud(), cloud(50, seed=9)
    factors = np.array([scale, 1.0, 1 / scale])
    plain, scaled = Coordinates.of(points), Coordinates.of(points * factors + 3 * factors)
    for view in ("line", "shares", "scores", "white"):
        expected = getattr(plain, view)(new)
        found = getattr(scaled, view)(new * factors + 3 * factors)
        np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=view)


def test_whitened_points_are_uncorrelated():
    points = cloud(1000)
    white = Coordinates.of(points).white(points)
    np.testing.assert_allclose(np.cov(white.T), np.eye(3), atol=1e-4)


@pytest.mark.parametrize("kind", list(every_map(cloud())))
def test_constant_and_repeated_columns_stay_finite(kind):
    points = cloud()
    odd = np.column_stack([points[:, 0], points[:, 0], np.full(300, 7.3e5)])
    features = FeatureMap.standardized(every_map(odd)[kind], odd)
    new = np.vstack([odd, odd + 1.0, odd * -50])
    assert np.isfinite(features(new)).all()


def test_constant_features_vanish():
    points = np.column_stack([cloud(d=1)[:, 0], np.full(300, 7.3e5)])
    linear = Polynomial(Coordinates.of(points), False, False, False)
    features = FeatureMap.standardized(linear, points)
    np.testing.assert_array_equal(features(points + 1)[:, 1], 0.0)
    assert features(points)[:, 0].std() == pytest.approx(1.0)


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("pairs", [0, 2])
def test_waves_have_as_many_features_as_penalties(d, pairs):
    points = cloud(200, d)
    waves = Waves.of(Coordinates.of(points), points, 5, pairs)
    width = d + (d > 1)
    expected = width * (2 + 5) + (d * (d - 1) // 2) * (1 + pairs**2 if pairs else 0)
    assert waves(points).shape == (200, expected)
    assert waves.roughness().shape == (expected,)
    assert waves.roughness().min() >= 1


def test_penalty_of_a_wave_grows_with_how_often_it_turns():
    points = np.linspace(0, 1, 2000)[:, np.newaxis]
    waves = Waves.of(Coordinates.of(points), points, 12, 0)
    cosines, roughness = waves(points)[:, 2:], waves.roughness()[2:]
    turns = (np.diff(np.sign(cosines), axis=0) != 0).sum(axis=0)
    assert np.all(np.diff(turns) > 0)
    assert np.all(np.diff(roughness) >= 0)
    assert np.all(np.diff(roughness[2:]) > 0)


def test_pairs_come_in_the_order_of_their_penalties():
    points = cloud(100, 2)
    waves = Waves.of(Coordinates.of(points), points, 3, 3)
    shares = waves.coordinates.shares(points)
    last = np.cos(3 * np.pi * shares[:, 1]) * np.cos(3 * np.pi * shares[:, 0])
    np.testing.assert_allclose(waves(points)[:, -1], last)
    assert waves.roughness()[-1] == pytest.approx(((9 + 9) / 4) ** 2)
    assert waves.roughness()[-1] == waves.roughness().max()


def test_bumps_on_all_points_are_kernel_regression():
    # With every point a center, features F satisfy F F' = K: ridge on F is ridge in the kernel.
    points = cloud(60, 2)
    target = np.sin(points[:, 0])
    new = cloud(30, 2, seed=3)
    coordinates = Coordinates.of(points)
    bumps = Bumps.of(coordinates, points, 0.5, 60, np.random.default_rng(0))
    features, strength = bumps(points), 0.1
    ridge = np.linalg.solve(
        features.T @ features + strength * np.eye(features.shape[1]), features.T @ target
    )

    def kernel(x, y):
        squares = ((coordinates.white(x)[:, None] - coordinates.white(y)) ** 2).sum(axis=2)
        return np.exp(-squares / (2 * 0.5**2 * 2))

    dual = np.linalg.solve(kernel(points, points) + strength * np.eye(60), target)
    np.testing.assert_allclose(bumps(new) @ ridge, kernel(new, points) @ dual, atol=1e-4)


def test_bumps_reproduce_the_kernel_at_their_centers():
    points = cloud(50, 3)
    bumps = Bumps.of(Coordinates.of(points), points, 1.0, 500, np.random.default_rng(0))
    features = bumps(points)
    assert bumps.centers.shape == (50, 3)
    np.testing.assert_allclose(np.diag(features @ features.T), 1.0, atol=1e-4)


@pytest.mark.parametrize("kind", list(every_map(cloud())))
def test_maps_are_for_each_point_alone_and_survive_pickling(kind):
    points, new = cloud(), cloud(40, seed=5)
    features = FeatureMap.standardized(every_map(points)[kind], points)
    values = features(new)
    restored = pickle.loads(pickle.dumps(features))
    np.testing.assert_array_equal(restored(new), values)
    np.testing.assert_allclose(features(new[::-1]), values[::-1], atol=1e-9)
    one_by_one = np.vstack([features(row) for row in new[:, np.newaxis]])
    np.testing.assert_allclose(one_by_one, values, atol=1e-9)


@pytest.mark.parametrize("kind", [k for k in every_map(cloud()) if not k.startswith("bumps")])
def test_maps_do_not_see_the_order_of_the_points(kind):
    # Rows of P come first: a map that saw the order would see the labels.
    points = cloud()
    shuffled = np.random.default_rng(1).permutation(points)
    first = FeatureMap.standardized(every_map(points)[kind], points)
    second = FeatureMap.standardized(every_map(shuffled)[kind], shuffled)
    np.testing.assert_allclose(second(points), first(points), atol=1e-6)


def test_centered_features_keep_their_scale():
    points = cloud()
    raw = Polynomial(Coordinates.of(points), False, True, False)
    features = FeatureMap.centered(raw, points, 0.5)
    np.testing.assert_allclose(features(points).mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(features(points).std(axis=0), raw(points).std(axis=0))
    np.testing.assert_array_equal(features.roughness, 0.5)
