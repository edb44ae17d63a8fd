"""The search for neighbors: trees, sampled influence, memory, workers."""

import tracemalloc

import numpy as np
import pytest

import divergences as dv
from divergences.estimators import neighbor_balls
from divergences.estimators.neighbor_balls import balls_about, spread_to_members
from divergences.estimators.neighbor_search import Search
from divergences.estimators.whitening import whiten_pair
from divergences.measures import as_samples
from divergences.work import Run


def run(rng=0):
    return Run.create(rng, 1, False)


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("lattice", [True, False])
def test_trees_and_distances_agree(both, lattice, monkeypatch):
    rng = np.random.default_rng(17)
    x, y = rng.normal(size=(150, 3)), rng.normal(0.5, 2, size=(120, 3))
    if lattice:
        x, y = np.round(x), np.round(y)
    pair = whiten_pair(as_samples(x), as_samples(y))

    def give(centers, members):
        return 1.0 / (1 + members.own), centers / (1.0 + members.other)

    found = []
    for features in (8, 0):
        monkeypatch.setattr(neighbor_balls, "TREE_FEATURES", features)
        balls = balls_about(pair.p, pair.q, 4, run(), both=both)
        spread = spread_to_members(pair.p, pair.q, balls, give, run())
        found.append((balls.radius, balls.inside.own, balls.inside.other, *spread))
    for by_tree, by_distance in zip(*found, strict=True):
        np.testing.assert_allclose(by_tree, by_distance, rtol=1e-12, atol=1e-12)


def test_influence_of_large_balls_is_sampled_without_bias():
    rng = np.random.default_rng(18)
    # Far apart, each ball about a point of P holds most of P.
    pair = whiten_pair(as_samples(rng.normal(size=3000)), as_samples(rng.normal(20, 1, 3000)))
    balls = balls_about(pair.p, pair.q, 5, run(), both=True)
    assert np.median(balls.inside.own) > 2000

    def share(centers, members):
        return 1.0 / members.own, -1.0 / members.other

    sampled, _ = spread_to_members(pair.p, pair.q, balls, share, run(1))
    # Each ball hands out one unit in all: 3,000 of them, chosen with a spread of 7 %.
    assert sampled.sum() == pytest.approx(3000, rel=0.2)


def test_influence_sums_to_the_mean():
    rng = np.random.default_rng(19)
    search = Search.of(as_samples(rng.normal(size=90)), as_samples(rng.normal(size=70)), run())
    part = dv.estimators.neighbors._OVER_P
    values = search.values(part, 5)
    at_p, at_q = search.influence(part, 5, values)
    np.testing.assert_array_equal(at_p, values)
    # ln(p/q) loses 1 to more mass of Q everywhere.
    assert at_q.mean() == pytest.approx(-1)


def test_memory_stays_within_tiles():
    rng = np.random.default_rng(20)
    x, y = rng.normal(size=(3000, 9)), rng.normal(size=(3000, 9))
    pair = whiten_pair(as_samples(x), as_samples(y))
    tracemalloc.start()
    balls_about(pair.p, pair.q, 5, run(), both=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 48 * 2**20 < 3000 * 6000 * 8


def test_workers_change_no_bit():
    rng = np.random.default_rng(21)
    x, y = rng.normal(size=(5000, 1)), rng.normal(0.5, 1, size=(4500, 1))
    one, two = (
        dv.kl_divergence(x, y, method="neighbors", rng=0, workers=count) for count in (1, 2)
    )
    assert (float(one), one.stderr, one.bias) == (float(two), two.stderr, two.bias)
