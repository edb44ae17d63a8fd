"""Copies of rows are told from values that recur, and count as one point of their weight."""

import numpy as np
import pytest

import divergences as dv
from divergences.estimators.ratios.copies import merge_unexplained_copies
from divergences.measures.samples import as_samples
from tests.benchmarks.pairs_lattice import ON_A_LATTICE

N = 300
TRUTH = 0.1114


def _normals(rng, d=1, shift=0.0, n=N):
    return rng.normal(shift, 1, (n, d))


DISCRETE = {
    "counts": lambda r: (r.poisson(3, N), r.poisson(4, N)),
    "counts far apart": lambda r: (r.poisson(1, N), r.poisson(100, N)),
    "few and many": lambda r: (r.poisson(30, N), r.poisson(1000, N)),
    "rounded": lambda r: (_normals(r).round(2), _normals(r, shift=1).round(2)),
    "rounded far apart": lambda r: (_normals(r).round(3), _normals(r, shift=10).round(3)),
    "rounded, few": lambda r: (_normals(r, n=40).round(3), _normals(r, n=40).round(3)),
    "rounded rows": lambda r: (_normals(r, 3).round(1), _normals(r, 3, 9).round(1)),
    "binary fractions": lambda r: (_normals(r).round() / 3, _normals(r, shift=9).round() / 3),
    "counts through a logarithm": lambda r: (np.log1p(r.poisson(30, N)), _normals(r, shift=9)),
    "few counts through a root": lambda r: (np.sqrt(r.poisson(3, N)), _normals(r, shift=9)),
    "coins": lambda r: (r.integers(0, 2, (N, 5)), 5 + r.integers(0, 2, (N, 5))),
    "constant": lambda r: (np.ones(N), np.zeros(N)),
    "single precision": lambda r: (_normals(r).astype("f4"), _normals(r).astype("f4")),
    "atom": lambda r: (np.where(r.random((N, 1)) < 0.3, 0, _normals(r)), _normals(r)),
}
COPIED = {
    "each five times": lambda x, r: np.repeat(x[: N // 5], 5, axis=0),
    "bootstrap": lambda x, r: r.choice(x, N),
}


def _places(x, y):
    return [one.place for one in merge_unexplained_copies(as_samples(x), as_samples(y))]


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_data_stay_as_they_are(name):
    for seed in range(5):
        assert _places(*DISCRETE[name](np.random.default_rng(seed))) == [None, None]


@pytest.mark.parametrize("pair", ON_A_LATTICE, ids=lambda pair: pair.name)
@pytest.mark.parametrize("n", [40, 300, 2000])
def test_lattices_of_the_benchmarks_stay_as_they_are(pair, n):
    rng = np.random.default_rng(n)
    assert _places(pair.sample_p(n, rng), pair.sample_q(n, rng)) == [None, None]


@pytest.mark.parametrize("name", COPIED)
@pytest.mark.parametrize("digits", [4, 17])
def test_copies_are_found(name, digits):
    rng = np.random.default_rng(0)
    x, y = (COPIED[name](_normals(rng, 2).round(digits), rng) for _ in "pq")
    for one in merge_unexplained_copies(as_samples(x), as_samples(y)):
        assert one.sample.n < 0.8 * N


def test_bootstraps_do_not_pass_for_values_that_recur():
    rng = np.random.default_rng(8)
    kept = 0
    for _ in range(200):
        x, y = _normals(rng, 2), _normals(rng, 2)
        kept += _places(rng.choice(x, N), rng.choice(y, N))[0] is None
    # Expected is one of 700 for each column of each sample; more than 6 come in one of 5,000 runs.
    assert kept <= 6


@pytest.mark.parametrize("objective", ["donsker_varadhan", "conjugate"])
def test_every_objective_of_neural_critics_merges_copies(objective):
    rng = np.random.default_rng(3)
    x, y = rng.choice(_normals(rng, 2, n=80), 800), _normals(rng, 2, n=800)
    method = dv.Neural(objective, folds=2, restarts=1, steps=100)
    est = dv.kl_divergence(x, y, method=method, rng=0)
    assert any("taken for copies of rows" in note for note in est.notes)
    assert est.interval()[0] < 0


def test_equal_weights_change_nothing():
    rng = np.random.default_rng(4)
    x, y = _normals(rng, 2, n=60), _normals(rng, 2, 0.5, n=60)
    plain = dv.js_divergence(x, y, rng=0)
    weighted = dv.js_divergence(x, y, weights_p=np.full(60, 0.7), weights_q=np.ones(60), rng=0)
    assert weighted == plain
    assert weighted.interval() == plain.interval()
    assert weighted.lower_bound() == plain.lower_bound()


def test_where_too_few_rows_are_distinct_a_note_says_that_copies_count():
    x, y = np.repeat(np.random.default_rng(5).normal(size=(2, 8)), 5, axis=1)
    est = dv.js_divergence(x, y, method="stacked", rng=0)
    assert est.notes[0].startswith(
        "Copies of rows count as points of their own, since fewer than 10"
    )


def test_copies_among_counts_are_found_by_the_other_columns():
    rng = np.random.default_rng(0)
    x, y = (np.column_stack([_normals(rng), rng.poisson(2, N)]) for _ in "pq")
    copied = np.repeat(x[:60], 5, axis=0)
    assert [place is None for place in _places(copied, y)] == [False, True]


@pytest.mark.parametrize("method", [dv.Stacked(effort=0.1), dv.Classifier()], ids=repr)
def test_points_that_are_all_copied_as_often_say_what_each_says_once(method):
    rng = np.random.default_rng(1)
    x, y = _normals(rng, n=60), _normals(rng, shift=1, n=60)
    once = dv.js_divergence(x, y, method=method, rng=0)
    found = dv.js_divergence(np.repeat(x, 5, 0), np.repeat(y, 5, 0), method=method, rng=0)
    assert any("taken for copies of rows" in note for note in found.notes)
    # The rows come in another order, and so do the folds.
    assert abs(found - once) < once.stderr
    assert found.stderr == pytest.approx(once.stderr, rel=0.3)
    assert found.lower_bound() < TRUTH


def test_a_bootstrap_has_the_error_bar_of_its_weights_and_no_certified_bound():
    # The truth lies within three standard errors but in 1 of 370 samples; each row rating its
    # copies made the value three times the truth.
    rng = np.random.default_rng(2)
    x, y = (rng.choice(_normals(rng, shift=shift), N) for shift in (0, 1))
    found = dv.js_divergence(x, y, rng=0)
    assert abs(found - TRUTH) < 3 * found.stderr
    with pytest.raises(AttributeError, match="copies of rows must be left out first"):
        found.lower_bound()


def test_too_few_distinct_rows_are_not_stacked():
    rng = np.random.default_rng(0)
    x, y = (np.repeat(_normals(rng, n=8), 4, axis=0) for _ in "pq")
    found = dv.js_divergence(x, y, rng=0)
    assert isinstance(found.method, dv.KDE)
    assert any("taken for copies of rows" in note for note in found.notes)
