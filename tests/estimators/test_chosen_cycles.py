"""Fast oscillations along single features."""

import numpy as np

import divergences as dv
from divergences.estimators.critics.chosen_cycles import cycles_that_differ
from divergences.estimators.critics.coordinates import Coordinates


def chosen(points, labels):
    return cycles_that_differ(Coordinates.of(points), points, labels, np.ones(len(points)))


def times(peak, n, rng, days=7):
    """Times within a week, of density 1 + 0.9 cos about the peak hour of each day."""
    hours = rng.uniform(0, 24, 10 * n)
    kept = hours[rng.random(10 * n) < (1 + 0.9 * np.cos((hours - peak) * np.pi / 12)) / 1.9][:n]
    return rng.integers(0, days, n) + kept / 24


def test_a_cycle_is_found_by_its_feature_and_frequency():
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.normal(size=2000), rng.uniform(0, 7, 2000)])
    points[:1000, 1] = times(14, 1000, rng)
    raw = chosen(points, np.repeat([1, 0], 1000)).raw.second
    found = set(zip(raw.columns.tolist(), raw.frequencies.tolist(), strict=True))
    # Seven days, by the rank of the second feature (1) and by its value (3), each with an overtone.
    assert {(1, 7), (1, 14), (3, 7), (3, 14)} <= found
    assert {column for column, _ in found} == {1, 3}


def test_noise_has_no_cycles():
    rng = np.random.default_rng(1)
    labels = np.repeat([1, 0], 200)
    found = [chosen(rng.normal(size=(400, 4)), labels) for _ in range(100)]
    # One in a hundred is let pass; more than five are met once in 2,000 runs.
    assert sum(each is not None for each in found) <= 5


def test_constant_features_have_no_cycles():
    points = np.column_stack([np.ones(100), np.random.default_rng(0).normal(size=100)])
    assert chosen(points, np.repeat([1, 0], 50)) is None


def test_another_time_of_day_among_other_features_is_seen():
    # Without these critics the value is six tenths of the truth.
    hours = np.linspace(0, 24, 100_001)[:-1]
    p, q = (1 + 0.9 * np.cos((hours - peak) * np.pi / 12) for peak in (14, 18))
    truth = float(np.mean(p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))) / 2)
    found = []
    for seed in range(4):
        rng = np.random.default_rng([seed, 5])
        x, y = (
            np.column_stack([times(peak, 1000, rng), rng.normal(size=(1000, 2))])
            for peak in (14, 18)
        )
        found.append(dv.js_divergence(x, y, rng=seed))
    errors = np.array([float(each) - truth for each in found])
    stderr = np.sqrt(np.mean([each.stderr**2 for each in found]))
    # Twice in 10,000 runs by chance, and a bias of one standard error beside.
    assert abs(errors.mean()) < (3.7 / np.sqrt(len(found)) + 1) * stderr


def test_critics_of_oscillations_are_finite_far_out():
    rng = np.random.default_rng(0)
    points = np.concatenate([times(14, 600, rng), times(18, 600, rng)])[:, np.newaxis]
    raw = chosen(points, np.repeat([1, 0], 600)).raw.second
    assert np.isfinite(raw(np.array([[-1e308], [1e300], [1e-300]]))).all()
