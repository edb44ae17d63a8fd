"""How values were computed, or stored, tells no samples apart."""

import numpy as np
import pytest

import divergences as dv
from divergences.estimators.ratios.rounding import with_one_rounding
from divergences.measures import as_samples

N = 200


def rounded(p, q):
    one, other, notes = with_one_rounding(as_samples(p), as_samples(q))
    return one.points, other.points, notes


def whole(rng):
    return rng.integers(0, 10, (N, 2))


COMPUTED = {
    "tenths": (lambda k: k * 0.1, lambda k: k / 10),
    "temperatures": (lambda k: ((k * 1.8 + 32) - 32) / 1.8, lambda k: k * 1.0),
    "differences": (lambda k: (k + 7) * 0.1 - 0.7, lambda k: k * 0.1),
    "sevenths": (lambda k: k / 7, lambda k: k * (1 / 7)),
}


@pytest.mark.parametrize("name", COMPUTED)
def test_one_value_computed_in_two_ways_is_one(name):
    rng = np.random.default_rng(0)
    first, second = COMPUTED[name]
    p, q = whole(rng), whole(rng)
    exact = first(p), second(q)
    assert len(np.unique(np.concatenate(exact))) > 10
    one, other, notes = rounded(*exact)
    assert len(np.unique(np.concatenate([one, other]))) <= 10
    np.testing.assert_allclose(one, exact[0], rtol=1e-14, atol=1e-14)
    assert notes == ()
    found = dv.js_divergence(*exact, rng=0)
    assert found.interval()[0] <= 0


def test_lattices_of_units_in_the_last_place_stay():
    whole = 1e15 + np.arange(N)[:, np.newaxis]
    one, other, _ = rounded(whole, whole + 0.5)
    np.testing.assert_array_equal(one, whole)
    np.testing.assert_array_equal(other, whole + 0.5)


def test_one_sample_in_single_precision_is_said_and_the_other_read_in_it():
    rng = np.random.default_rng(1)
    p, q = rng.dirichlet(np.ones(4), N), rng.dirichlet(np.ones(4), N)
    stored = p.astype(np.float32).astype(float)
    one, other, notes = rounded(stored, q)
    np.testing.assert_array_equal(one, stored)
    np.testing.assert_array_equal(other, q.astype(np.float32))
    (note,) = notes
    assert "in single precision, so the other is read in it too" in note
    found = dv.js_divergence(stored, q, rng=0)
    assert found.interval()[0] <= 0
    assert note in found.notes
    # The caller's points are as they were.
    assert not np.array_equal(q, other)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (np.arange(N) * 1.0, np.linspace(0, 1, N)),
        (np.linspace(0, 1, N), np.linspace(0, 1, N) ** 2),
        (np.arange(N) / 8, np.linspace(0, 1, N)),
        (np.full(N, 0.3), np.full(N, 1e300)),
        (np.tile([1e308, -1e308], N // 2), np.tile([1e-300, -1e300], N // 2)),
        (np.full(N, np.nan), np.linspace(0, 1, N)),
    ],
)
def test_other_columns_stay_as_they_are(p, q):
    samples = [as_samples(side, nan_policy="keep") for side in (p, q)]
    one, other, notes = with_one_rounding(*samples)
    assert one is samples[0]
    assert other is samples[1]
    assert notes == ()


def test_sorted_rows_dealt_out_in_turn_are_told_apart_by_no_rank():
    numbers = np.sort(np.random.default_rng(2).normal(size=(2 * N, 1)), axis=0)
    assert dv.js_divergence(numbers[::2], numbers[1::2], rng=0).interval()[0] <= 0
