"""How far points lie beyond the samples, as features of critics."""

import numpy as np
import pytest

from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.critic_library import library
from divergences.estimators.critics.support_edges import SupportEdges
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.estimators.ratios.labels import log_loss


def training(p, q):
    labels = np.repeat([1, 0], [len(p), len(q)])
    return Training.of(TrainingPart(np.concatenate([p, q]), labels, np.ones(len(labels)), 0))


def named(d, name):
    return next(candidate for candidate in library(d) if candidate.name == name)


@pytest.mark.parametrize(("d", "each"), [(1, 1), (2, 7), (3, 7), (5, 6), (8, 2)])
def test_own_points_lie_within_and_left_out_ones_rarely_beyond(d, each):
    rng = np.random.default_rng(d)
    data = training(rng.normal(size=(200, d)), rng.normal(size=(150, d)))
    edges, beyond = data.edges
    whole = edges(data.points)
    assert beyond.shape == whole.shape == (350, 2 * each)
    for label, columns in ((1, slice(0, each)), (0, slice(each, None))):
        own = data.labels == label
        assert np.abs(whole[own, columns]).max() < 1e-2
        np.testing.assert_array_equal(whole[~own, columns], beyond[~own, columns])
        shares = (beyond[own, columns] > 0).mean(axis=0)
        assert np.all(shares > 0)
        assert np.all(shares < 0.3)


def dice(n, d, rng):
    return rng.integers(1, 7, (n, d)) * 1.0


def answers(n, d, rng):
    return rng.binomial(4, 0.5, (n, d)) + 1.0


def rows_and_columns(n, d, rng):
    return np.column_stack([rng.integers(6, size=(n, d - 1)), rng.integers(5, size=n)]) * 1.0


def decimals(n, d, rng):
    return np.round(rng.normal(0, 0.1, (n, d)), 1) + 0.1 * rng.integers(3, size=(n, 1))


@pytest.mark.parametrize("lattice", [dice, answers, rows_and_columns, decimals])
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_a_copy_of_a_point_of_the_other_sample_lies_within_it(lattice, d):
    for seed in range(5):
        rng = np.random.default_rng([seed, d])
        p, q = lattice(400, d, rng), lattice(350, d, rng)
        data = training(p, q)
        found, own = data.edges[1], data.labels == 1
        each = found.shape[1] // 2
        for one, two, theirs in ((p, q, found[~own, :each]), (q, p, found[own, each:])):
            here = {tuple(row) for row in one}
            copies = np.array([tuple(row) in here for row in two])
            assert copies.any()
            assert not theirs[copies].any()


@pytest.mark.parametrize("d", [1, 3, 5])
def test_edges_do_not_depend_on_units_or_places(d):
    rng = np.random.default_rng(9)
    p, q = rng.uniform(size=(150, d)), rng.uniform(0, 1.3, (150, d))
    here = training(p, q).edges[1]
    there = training(1e3 * p - 5, 1e3 * q - 5).edges[1]
    np.testing.assert_allclose(here, there, atol=1e-4)


@pytest.mark.parametrize(("units", "found"), [([1, 1, 1, 1], True), ([1, 1, 1, 9], False)])
def test_the_edge_of_a_sum_is_seen_where_features_have_the_same_unit(units, found):
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(5), 400)[:, :4] * units
    data = training(p, p + 0.05 * np.array(units))
    edges = data.edges[0]
    # Four spacings beyond the sum of all, within each range and far from the ellipsoid.
    outside = np.full((1, 4), 0.27) * units
    within = np.full((1, 4), 0.22) * units
    gains = edges(outside) - edges(within)
    assert np.any(gains[0, : gains.shape[1] // 2] > 1) == found


def test_edges_help_where_a_support_ends():
    rng = np.random.default_rng(8)
    data = training(rng.uniform(0, 1, (300, 1)), rng.uniform(0, 1.2, (300, 1)))
    plain, edged = (named(1, name).fit(data) for name in ("waves", "waves and edges"))
    losses = [data.weights @ log_loss(critic.held_out, data.labels) for critic in (plain, edged)]
    assert losses[1] < losses[0] - 5


def test_own_values_of_edged_critics_count_the_own_point():
    rng = np.random.default_rng(8)
    data = training(rng.uniform(0, 1, (300, 3)), rng.uniform(0, 1.3, (300, 3)))
    critic = named(3, "waves and edges").fit(data)
    np.testing.assert_allclose(critic.fitted, critic.evaluate(data.points))
    value, own = (data.weights @ log_loss(o, data.labels) for o in (critic.held_out, critic.fitted))
    assert own < value


def test_edges_are_found_once_for_a_training():
    rng = np.random.default_rng(8)
    data = training(rng.normal(size=(50, 2)), rng.normal(size=(50, 2)))
    assert data.edges is data.edges
    assert isinstance(data.edges[0], SupportEdges)
