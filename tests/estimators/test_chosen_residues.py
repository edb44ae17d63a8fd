"""Remainders of whole numbers."""

import numpy as np

import divergences as dv
from divergences.estimators.critics.chosen_residues import residues_that_differ
from divergences.estimators.critics.coordinates import Coordinates


def dates(share, n, rng):
    """Day numbers, a weekday that fits in that share of rows, and a number of no account."""
    day, weekday = rng.integers(17_000, 18_500, n), rng.integers(0, 7, n)
    fits = rng.random(n) < share
    return np.column_stack([day, np.where(fits, day % 7, weekday), rng.normal(size=n)])


def chosen(points, labels):
    return residues_that_differ(Coordinates.of(points), points, labels, np.ones(len(points)))


def test_the_remainder_is_found():
    rng = np.random.default_rng(0)
    points = np.vstack([dates(0.9, 500, rng), dates(0.0, 500, rng)])
    raw = chosen(points, np.repeat([1, 0], 500)).raw.second
    # Day less weekday by seven, and the two overtones that a remainder of seven has.
    alone = raw.factors == -1
    np.testing.assert_array_equal(np.abs(raw.combinations[alone]), [[1, 1, 0]] * 3)
    assert (raw.combinations[alone].sum(axis=1) == 0).all()
    np.testing.assert_allclose(np.sort(raw.frequencies[alone]), [1 / 7, 2 / 7, 3 / 7])
    # The weekday itself goes with the day's remainder.
    assert set(raw.factors[~alone]) <= {1}


def test_noise_has_no_remainders_and_neither_have_fractions():
    rng = np.random.default_rng(1)
    labels = np.repeat([1, 0], 200)
    samples = [rng.integers(0, 100, (400, 4)).astype(float) for _ in range(40)]
    # One in fifty is let pass: five or more are met once in 700 runs.
    assert sum(chosen(z, labels) is not None for z in samples) <= 4
    assert chosen(samples[0] + 0.5, labels) is None


def test_a_weekend_is_found_by_all_its_turns():
    # Half as many on two of seven days: no turn alone differs by as much.
    rng = np.random.default_rng(3)
    days = np.arange(364)
    share = np.where(days % 7 >= 5, 0.5, 1.0)
    found = 0
    for _ in range(10):
        p = rng.choice(days, 900, p=share / share.sum())
        q = rng.integers(0, 364, 900)
        points = 18_000.0 + np.concatenate([p, q])[:, np.newaxis]
        features = chosen(points, np.repeat([1, 0], 900))
        found += features is not None and 1 / 7 in features.raw.second.frequencies
    assert found >= 7


def test_weekdays_that_fit_their_dates_are_seen():
    # Other critics see nothing: 0.000.
    fitting, other = 0.95 + 0.05 / 7, 0.05 / 7
    inside, outside = (np.log(1 + 7 * each) for each in (fitting, other))
    kept = fitting * np.log(2 * 7 * fitting / (1 + 7 * fitting))
    lost = 6 * other * np.log(2 * 7 * other / (1 + 7 * other))
    truth = (kept + lost + (np.log(2) - inside) / 7 + 6 * (np.log(2) - outside) / 7) / 2
    rng = np.random.default_rng(2)
    estimate = dv.js_divergence(dates(0.95, 1000, rng), dates(0.0, 1000, rng), rng=0)
    assert abs(float(estimate) - truth) < 4 * estimate.stderr
