import numpy as np
import pytest

from divergences.inference.null_level import NullLevel, null_level
from divergences.measures.samples import as_samples
from divergences.work import Run


def level(p, q, distance, rate=1.0, halvings=4, seed=0, **options):
    run = Run.create(seed)
    return null_level(p, q, distance, rate=rate, halvings=halvings, run=run, **options)


def samples(n, m, weights=None):
    rng = np.random.default_rng(1)
    return as_samples(rng.normal(size=n), weights=weights), as_samples(rng.normal(size=m))


def test_halves_are_disjoint_and_level_is_the_rescaled_mean():
    p, q = samples(11, 20)
    seen = []

    def distance(first, second):
        seen.append((first.n, second.n))
        assert not set(first.points.ravel()) & set(second.points.ravel())
        return 3.0

    found = level(p, q, distance, rate=0.5)
    assert seen == [(5, 5)] * 4 + [(10, 10)] * 4
    sizes = 1 / 11 + 1 / 20
    factors = [(sizes / (2 / 5)) ** 0.5, (sizes / (2 / 10)) ** 0.5]
    assert found.level == pytest.approx(3 * np.mean(factors))
    assert found.spread == pytest.approx(0.0)


def test_rate_between_bounds_is_measured():
    p, q = samples(160, 160)

    def distance(first, second):
        return (1 / first.n + 1 / second.n) ** 0.7

    found = level(p, q, distance, rate=(0.4, 1.0))
    assert found.level == pytest.approx((2 / 160) ** 0.7)
    clipped = level(p, q, distance, rate=(0.8, 1.0))
    assert clipped.level == pytest.approx((4 / 160) ** 0.7 * 0.5**0.8)


def test_largest_half_is_kept_and_weights_count_as_effective_points():
    p, q = samples(100, 100, weights=np.ones(100))
    found = level(p, q, lambda first, second: 1 / first.n + 1 / second.n, largest=10)
    assert found.level == pytest.approx(2 / 100)


def test_mean_of_squares_has_its_known_level():
    # (mean x - mean y)² of n and m standard normal points is 1/n + 1/m on average; here the
    # mean of 64 dependent halvings each side, sd about 40 %: off by more than 1.6 in 1 of 10^4.
    p, q = samples(2000, 1000)

    def distance(first, second):
        return float((first.points.mean() - second.points.mean()) ** 2)

    found = level(p, q, distance, halvings=64)
    assert 0.5 < found.level / (1 / 2000 + 1 / 1000) < 2.0
    assert found.spread == pytest.approx(2**0.5 * found.level, rel=0.5)


def test_squares_of_distances_are_subtracted():
    null = NullLevel(3.0, 0.0)
    assert null.without_level(5.0, 1) == pytest.approx(4.0)
    assert null.without_level(5.0, 2) == pytest.approx(2.0)
    assert null.without_level(1.0, 2) == pytest.approx(-2.0)
    assert null.without_level(0.0, 1) == pytest.approx(-3.0)


def test_reach_is_the_bias_at_the_lower_end_and_at_most_the_value():
    null = NullLevel(3.0, 0.0)
    assert null.reach(50.0, 1.0, 2) == pytest.approx(3.0)
    assert null.reach(7.0, 1.0, 1) == pytest.approx(5.0 - 4.0)
    assert null.reach(3.1, 0.1, 2) == pytest.approx(3.0)
    assert null.reach(2.0, 0.1, 2) == 2.0
    spread = NullLevel(3.0, 3.0)
    assert spread.reach(50.0, 4.0, 2) == pytest.approx(3.0 + 2 * (5.0 - 4.0))


def test_note_says_how_much():
    null = NullLevel(300.0, 0.0)
    assert null.note(5000.0, 100.0, 2, lambda inner: inner) == (
        "Biased upward by about 300 (the interval allows for 300): two samples of one measure, of "
        "these sizes, show about 300."
    )
    assert null.note(250.0, 100.0, 2, lambda inner: inner) == (
        "Biased upward: two samples of one measure, of these sizes, show about 300, so this value "
        "is no sign of a difference."
    )
