"""The protocol of known modes, by hand and against what real data score in it."""

from __future__ import annotations

import numpy as np
import pytest

import divergences as dv

GRID = np.array([[a, b] for a in range(-4, 5, 2) for b in range(-4, 5, 2)], dtype=float)
RING = np.column_stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)])


def values(modes, points):
    return {score.name: score for score in modes.scores(points)}


def draw(centers, deviation, n, seed):
    rng = np.random.default_rng(seed)
    return centers[rng.integers(len(centers), size=n)] + rng.normal(scale=deviation, size=(n, 2))


@pytest.mark.parametrize(("centers", "deviation", "reverse"), [(GRID, 0.05, 0.0048),
                                                               (RING, 0.01, 0.0014)])  # fmt: skip
def test_real_data_score_what_is_published(centers, deviation, reverse):
    # 98.9 % of a round normal law in two dimensions lie within 3 standard deviations. The mean of
    # 40 draws of 2,500 points lies within 4.5 standard errors of what is expected.
    modes = dv.Modes(centers, deviation)
    runs = [values(modes, draw(centers, deviation, 2500, seed)) for seed in range(40)]
    for name in ("high quality", "reverse KL"):
        found = np.array([run[name].value for run in runs])
        error = found.std() / np.sqrt(40)
        assert abs(found.mean() - runs[0][name].expected) < 4.5 * error
        claimed = np.sqrt(np.mean([run[name].stderr ** 2 for run in runs]))
        assert 0.65 < claimed / found.std() < 1.4
    assert runs[0]["high quality"].expected == pytest.approx(0.98889, abs=1e-5)
    assert runs[0]["reverse KL"].expected == pytest.approx(reverse, abs=1e-4)
    assert all(run["modes"].value == len(centers) for run in runs)


def test_counts_are_those_of_a_slow_loop():
    points = np.random.default_rng(0).uniform(-5, 5, (500, 2))
    modes = dv.Modes(GRID, 0.2, radius=2.5)
    counts = np.zeros(25, dtype=int)
    for point in points:
        distances = [np.linalg.norm(point - center) for center in GRID]
        if min(distances) <= 2.5 * 0.2:
            counts[int(np.argmin(distances))] += 1
    np.testing.assert_array_equal(modes.counts(points), counts)


def test_dropped_modes_are_missed_and_cost_their_logarithm():
    found = values(dv.Modes(RING, 0.01), draw(RING[:4], 0.01, 4000, 0))
    assert found["modes"].value == 4
    assert found["modes"].verdict == "lower"
    assert found["reverse KL"].value == pytest.approx(np.log(2), abs=0.005)


def test_unequal_weights_are_what_frequencies_are_compared_with():
    weights = np.array([1, 3])
    points = np.repeat([[0.0], [5.0]], [100, 300], axis=0)
    modes = dv.Modes([[0.0], [5.0]], 1.0, weights=weights)
    assert values(modes, points)["reverse KL"].value == pytest.approx(0, abs=1e-12)
    equal = dv.Modes([[0.0], [5.0]], 1.0)
    expected = 0.25 * np.log(0.5) + 0.75 * np.log(1.5)
    assert values(equal, points)["reverse KL"].value == pytest.approx(expected)


def test_points_near_no_mode_leave_an_infinite_divergence():
    found = values(dv.Modes(RING, 0.01), np.full((50, 2), 9.0))
    assert (found["modes"].value, found["high quality"].value) == (0, 0)
    assert found["reverse KL"].value == float("inf")
    assert found["reverse KL"].to_dict()["value"] == "Infinity"


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"centers": [1.0, 2.0]},
            ValueError,
            r"^centers must be finite, of shape \(n_modes, d\) w",
        ),
        ({"centers": [[0.0, 1.0]]}, ValueError, r"at least 2 modes, not an array of shape \(1, 2"),
        ({"deviation": 0}, ValueError, r"^deviation must be a number above 0, not 0\.$"),
        ({"radius": -1}, ValueError, r"^radius must be a number above 0, not -1\.$"),
        ({"weights": [1, 2]}, ValueError, r"^weights must be 8 numbers above 0, one for each mode"),
        ({"weights": [0] * 8}, ValueError, r"^weights must be 8 numbers above 0, one for each mo"),
    ],
)
def test_bad_settings_are_refused_in_words(settings, error, message):
    with pytest.raises(error, match=message):
        dv.Modes(**({"centers": RING, "deviation": 0.1} | settings))


def test_other_features_are_refused():
    message = r"^modes must have as many features as the data, but the centers have 2 and the data"
    with pytest.raises(ValueError, match=message):
        dv.Modes(RING, 0.1).scores(np.zeros((5, 3)))
