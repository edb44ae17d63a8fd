"""Values that recur in numeric columns: heaps, atoms, last digits."""

import numpy as np
import pytest
from scipy.special import entr
from scipy.stats import norm

import divergences as dv
from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.recurring_values import atoms, heaps, last_digits, repeats
from divergences.estimators.ratios.cross_fitting import TrainingPart


def training(points):
    labels = np.arange(len(points)) % 2
    return Training.of(TrainingPart(points, labels, np.ones(len(points)), 0))


def heaped(every=10):
    """0 to 40, each five times, and every tenth of them twenty times."""
    values = np.arange(41.0)
    return np.repeat(values, np.where(values % every == 0, 20, 5))[:, np.newaxis]


def test_a_heap_is_counted_against_its_neighbors():
    found = heaps(training(heaped())).raw.second(np.array([[20.0], [21.0], [40.0], [20.5], [99.0]]))
    heap = np.log(22 / 7)
    np.testing.assert_allclose(found[:, 0], [heap, 0, heap, 0, 0])


def test_all_values_that_recur_as_often_are_no_heaps():
    points = np.repeat(np.arange(41.0), 6)[:, np.newaxis]
    assert (heaps(training(points)).raw.second(points) == 0).all()


def test_atoms_are_those_values_that_recur_most():
    rng = np.random.default_rng(0)
    continuous = rng.normal(size=300)
    column = np.concatenate([continuous, np.full(30, 0.5), np.full(10, -2.0), np.full(3, 9.0)])
    other = rng.normal(size=len(column))
    raw = atoms(training(np.column_stack([other, column]))).raw.second
    assert raw.columns.tolist() == [1, 1]
    assert sorted(raw.values) == [-2.0, 0.5]
    found = raw(np.array([[0.5, -2.0], [-2.0, 7.0]]))
    assert found.tolist() == [(raw.values == -2.0).tolist(), [0.0, 0.0]]


def test_of_many_columns_the_commonest_atoms_are_kept():
    rng = np.random.default_rng(0)
    points = rng.integers(0, 60, (4000, 12)).astype(float)
    raw = atoms(training(points)).raw.second
    assert len(raw.values) == 300
    assert np.bincount(raw.columns).max() <= 40


@pytest.mark.parametrize("unit", [1.0, 0.1, 0.01])
def test_last_digits_of_decimal_numbers(unit):
    rng = np.random.default_rng(0)
    whole = np.concatenate([rng.integers(-200, 200, 500), np.full(20, 99)])
    features = last_digits(training(unit * whole[:, np.newaxis].astype(float)))
    raw = features.raw.second
    assert raw.units == pytest.approx((unit,))
    found = raw(unit * np.array([[99.0], [-107.0], [40.0]]))
    assert [np.flatnonzero(row).tolist() for row in found] == [[9, 109], [7, 17], [0, 50]]


@pytest.mark.parametrize("scale", [np.pi, 1e13])
def test_numbers_without_last_digits(scale):
    whole = np.random.default_rng(0).integers(0, 300, (600, 1)).astype(float) + 1 / 3
    assert last_digits(training(scale * whole)) is None
    # They recur all the same.
    assert atoms(training(scale * whole)) is not None


@pytest.mark.parametrize("features", [heaps, atoms, last_digits])
def test_nothing_recurs(features):
    assert features(training(np.random.default_rng(0).normal(size=(200, 3)))) is None
    assert features(training(np.full((200, 1), 4.0))) is None


def ages(heaping):
    """Probabilities of the ages 18 to 90, of which so many are rounded to tens and fives."""
    age = np.arange(18, 91)
    true = np.exp(-(((age - 45) / 18) ** 2) / 2)
    true /= true.sum()
    rounded = np.where(age % 5 == 0, true, 0.0)
    return age, (1 - heaping) * true + heaping * rounded / rounded.sum()


def prices(share):
    """Probabilities of prices of 1.00 to 40.99, of which so many end on 99."""
    price = np.arange(100, 4100)
    true = np.exp(-price / 1500)
    ending = np.where(price % 100 == 99, true, 0.0)
    return price / 100, (1 - share) * true / true.sum() + share * ending / ending.sum()


def sizes(share):
    """Probabilities of whole numbers to 2^18, log-uniform, of which so many are powers of two."""
    size = np.arange(1, 2**18 + 1)
    true = 1 / size
    power = np.where(np.isin(size, 2 ** np.arange(19)), 1.0, 0.0)
    return size, (1 - share) * true / true.sum() + share * power / power.sum()


@pytest.mark.parametrize(
    ("law", "shares"), [(ages, (0.45, 0.1)), (prices, (0.5, 0.15)), (sizes, (0.5, 0.15))]
)
def test_where_numbers_are_rounded_is_seen(law, shares):
    # Without these critics prices come to six tenths of the truth and sizes to seven tenths.
    values, p = law(shares[0])
    q = law(shares[1])[1]
    middle = (p + q) / 2
    truth = (entr(middle) - (entr(p) + entr(q)) / 2).sum()
    found = []
    for seed in range(4):
        rng = np.random.default_rng([seed, 11])
        x, y = (rng.choice(values, 1000, p=mass).astype(float) for mass in (p, q))
        found.append(dv.js_divergence(x, y, rng=seed))
    errors = np.array([float(each) - truth for each in found])
    stderr = np.sqrt(np.mean([each.stderr**2 for each in found]))
    # Twice in 10,000 runs by chance, and a bias of one standard error beside.
    assert abs(errors.mean()) < (3.7 / np.sqrt(len(found)) + 1) * stderr


def test_another_mean_for_each_code_is_seen():
    # A code of twelve, and a number whose mean depends on it, in P otherwise than in Q.
    means = np.random.default_rng(0).permutation(12) / 3
    found, differences = [], []
    for seed in range(4):
        rng = np.random.default_rng([seed, 7])
        codes = rng.integers(0, 12, (2, 1000))
        shifts = means[codes[0]], means[::-1][codes[1]]
        samples = [
            np.column_stack([code, shift + rng.normal(size=1000), rng.normal(size=1000)])
            for code, shift in zip(codes, shifts, strict=True)
        ]
        estimate = dv.js_divergence(*samples, rng=seed)
        logs = [
            norm.logpdf(points[:, 1] - means[code]) - norm.logpdf(points[:, 1] - means[11 - code])
            for points, code in zip(samples, codes, strict=True)
        ]
        oracle = (
            np.log(2) - (np.logaddexp(0, -logs[0]).mean() + np.logaddexp(0, logs[1]).mean()) / 2
        )
        found.append(estimate.stderr)
        differences.append(float(estimate) - oracle)
    # From one who knows p/q, on the same points, they differ by what 24 means cost to find.
    assert abs(np.mean(differences)) < 2 * np.mean(found)
    assert np.mean(found) < 0.02


def test_repeats_are_counted_within_each_point():
    points = np.array([[1.0, 1.0, 2.0, 2.0], [3.0, 1.0, 3.0, 3.0], [1.0, 2.0, 3.0, 4.0]] * 10)
    raw = repeats(training(points)).raw.second
    # Pairs in order and whether any, neighbors and whether any, the longest run of neighbors; then
    # which pairs: 01, 02, 03, 12, 13, 23.
    expected = [
        [2, 1, 2, 1, 1, 1, 0, 0, 0, 0, 1],
        [2, 1, 1, 1, 1, 0, 1, 1, 0, 0, 1],
        [0] * 11,
    ]
    assert raw(points[:3]).tolist() == expected
    assert repeats(training(np.random.default_rng(0).normal(size=(100, 4)))) is None


def test_a_sensor_that_is_stuck_more_often_is_seen():
    # Each of 15 readings repeats the one before with probability 0.1 in P and 0.02 in Q. Without
    # this critic the value is a twentieth of it.
    def draw(share, rng):
        stuck = rng.random((1000, 14)) < share
        points = rng.normal(size=(1000, 15))
        for j in range(1, 15):
            points[stuck[:, j - 1], j] = points[stuck[:, j - 1], j - 1]
        return points, stuck.sum(axis=1)

    rng = np.random.default_rng(0)
    (p, of_p), (q, of_q) = draw(0.1, rng), draw(0.02, rng)
    ratio = [k * np.log(0.1 / 0.02) + (14 - k) * np.log(0.9 / 0.98) for k in (of_p, of_q)]
    oracle = np.log(2) - (np.logaddexp(0, -ratio[0]).mean() + np.logaddexp(0, ratio[1]).mean()) / 2
    estimate = dv.js_divergence(p, q, rng=0)
    assert abs(float(estimate) - oracle) < estimate.stderr
