import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import divergences as dv
from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.critic_library import library
from divergences.estimators.critics.partition_candidate import PartitionCandidate
from divergences.estimators.critics.stacking import jensen_shannon
from divergences.estimators.ratios.cross_fitting import TrainingPart

# Uniform on half of a square, and on the square.
TRUTH = 0.2158


def turned(points, degrees):
    angle = np.deg2rad(degrees)
    along, across = np.cos(angle), np.sin(angle)
    return points @ np.array([[along, across], [-across, along]])


def board(squares, n, seed, degrees=0.0):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, squares, (2 * n, 2))
    white = np.floor(points[:n]).sum(axis=1) % 2 == 1
    points[:n, 0] = np.where(white, (points[:n, 0] + 1) % squares, points[:n, 0])
    return turned(points, degrees)


def fitted(points, seed=0):
    n = len(points) // 2
    part = TrainingPart(points, np.repeat([1, 0], n), np.ones(2 * n), seed)
    training = Training.of(part)
    critic = PartitionCandidate().fit(training)
    return critic, training


@pytest.mark.parametrize(("squares", "degrees"), [(2, 0.0), (4, 0.0), (4, 23.0)])
def test_checkerboards_at_any_angle(squares, degrees):
    n = 600
    critic, training = fitted(board(squares, n, 0, degrees))
    fresh = board(squares, 5_000, 1, degrees)
    part = TrainingPart(fresh, np.repeat([1, 0], 5_000), np.ones(10_000), 0)
    found = jensen_shannon(critic.evaluate(fresh), Training.of(part))[0]
    assert 0.65 * TRUTH < found < TRUTH
    held_out, own = (jensen_shannon(each, training)[0] for each in (critic.held_out, critic.fitted))
    assert held_out < own
    # Four standard errors of one who knows the ratio.
    assert (held_out + own) / 2 == pytest.approx(TRUTH, abs=4 * 0.0112)


def test_stripes_along_one_feature_need_no_lines_across_it():
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(1_000, 2))
    points[:500, 0] = (np.floor(3 * points[:500, 0]) + rng.uniform(0, 0.5, 500)) / 3
    critic, training = fitted(points)
    assert jensen_shannon(critic.held_out, training)[0] > 0.8 * TRUTH
    assert len(critic.evaluate.lines[1]) < len(critic.evaluate.lines[0])


@pytest.mark.parametrize("d", [2, 3])
def test_equal_measures_give_no_odds_to_speak_of(d):
    critic, training = fitted(np.random.default_rng(d).normal(size=(600, d)))
    assert jensen_shannon(critic.held_out, training)[0] < 0.005
    assert np.abs(critic.held_out).mean() < 0.2


@pytest.mark.parametrize("d", [2, 3])
def test_lattices_and_constants(d):
    rng = np.random.default_rng(1)
    points = rng.integers(0, 3, (200, d)).astype(float)
    points[:, -1] = 3.0
    critic, _ = fitted(points)
    assert np.isfinite(critic.held_out).all()
    values = pickle.loads(pickle.dumps(critic.evaluate))(points)
    np.testing.assert_allclose(values + critic.held_out, 2 * critic.fitted, atol=1e-12)


def weighted_board(weights, seed=0):
    n = len(weights) // 2
    return Training.of(TrainingPart(board(4, n, seed), np.repeat([1, 0], n), weights, 0))


def test_weights_that_hardly_differ_change_little():
    n = 600
    plain = PartitionCandidate().fit(weighted_board(np.ones(2 * n)))
    uneven = np.random.default_rng(0).uniform(0.99, 1.01, 2 * n)
    training = weighted_board(uneven)
    found = PartitionCandidate().fit(training)
    values = [jensen_shannon(each.held_out, training)[0] for each in (plain, found)]
    assert values[1] == pytest.approx(values[0], abs=0.002)


def test_points_of_next_to_no_weight_count_for_nothing():
    # As many points again are all over the board: with them, half of it is there.
    n = 600
    points, labels = board(4, n, 0), np.repeat([1, 0], n)
    noise = np.random.default_rng(1).uniform(0, 4, (n, 2))
    weights = np.append(np.ones(2 * n), np.full(n, 1e-6))
    part = TrainingPart(
        np.vstack([points, noise]), np.append(labels, np.ones(n, np.intp)), weights, 0
    )
    training = Training.of(part)
    assert training.weights.sum() == pytest.approx(2 * n, rel=1e-4)
    plain, alone = fitted(points)
    found = jensen_shannon(PartitionCandidate().fit(training).held_out, training)[0]
    # Where lines are tried depends on all points: one standard error of one who knows the ratio.
    assert found == pytest.approx(jensen_shannon(plain.held_out, alone)[0], abs=0.0112)


def test_no_point_has_a_say_in_its_own_prediction_whatever_it_weighs():
    # Long-tailed weights of one measure: what a point says of itself would look like a gain.
    for seed in range(3):
        rng = np.random.default_rng(seed)
        points, weights = rng.normal(size=(400, 2)), rng.lognormal(0, 1.5, 400)
        part = TrainingPart(points, np.repeat([1, 0], 200), weights, 0)
        training = Training.of(part)
        critic = PartitionCandidate().fit(training)
        assert jensen_shannon(critic.held_out, training)[0] < 0.02


def weight_of_partitions(p, q):
    return dv.js_divergence(p, q, rng=0).diagnostics["critics"]["partitions"]["weight"]


def test_whole_weights_are_about_repeated_rows():
    n = 300
    points, labels = board(4, n, 0), np.repeat([1, 0], n)
    counts = np.random.default_rng(0).integers(1, 4, 2 * n)
    fresh = board(4, 5_000, 1)
    judge = Training.of(TrainingPart(fresh, np.repeat([1, 0], 5_000), np.ones(10_000), 0))
    parts = (
        TrainingPart(points, labels, counts.astype(float), 0),
        TrainingPart(
            np.repeat(points, counts, axis=0),
            np.repeat(labels, counts),
            np.ones(counts.sum()),
            0,
        ),
    )
    weighted, repeated = (
        jensen_shannon(PartitionCandidate().fit(Training.of(part)).evaluate(fresh), judge)[0]
        for part in parts
    )
    # Weights say less than as many points, so lines pay less; two standard errors of one who
    # knows the ratio, of 300 points each.
    assert weighted == pytest.approx(repeated, abs=2 * 0.0158)


def test_weights_keep_partitions_in_the_stack():
    points = board(4, 300, 0)
    weights = np.random.default_rng(0).uniform(0.99, 1.01, 300)
    plain = dv.js_divergence(points[:300], points[300:], rng=0)
    found = dv.js_divergence(points[:300], points[300:], weights_p=weights, rng=0)
    assert found.diagnostics["critics"]["partitions"]["weight"] > 0.5
    assert float(found) == pytest.approx(float(plain), abs=0.2 * plain.stderr)


def test_the_stack_keeps_partitions_for_edges_alone():
    points = board(4, 300, 0)
    assert weight_of_partitions(points[:300], points[300:]) > 0.5
    smooth = np.random.default_rng(0).normal(size=(600, 2))
    assert weight_of_partitions(smooth[:300], smooth[300:] + 0.5) == 0


def test_categories_beside_two_numbers_leave_the_board_to_be_found():
    points = board(2, 300, 0)
    kinds = np.random.default_rng(0).choice(["a", "b"], 600)
    frame = pd.DataFrame({"x": points[:, 0], "kind": kinds, "y": points[:, 1]})
    p, q = frame[:300], frame[300:].reset_index(drop=True)
    estimate = dv.js_divergence(p, q, rng=0)
    assert estimate.diagnostics["critics"]["partitions"]["weight"] > 0.5
    # Four standard errors of one who knows the ratio.
    assert float(estimate) == pytest.approx(TRUTH, abs=4 * 0.0158)


def among_noise(points, d, places, seed=3):
    wide = np.random.default_rng(seed).normal(size=(len(points), d))
    wide[:, places] = points
    return wide


def test_a_board_among_many_features_is_found():
    # A board of two by two differs in the product of its features; one of more squares in none
    # that is tried.
    points = among_noise(board(2, 600, 0), 9, [2, 7])
    critic, training = fitted(points)
    assert jensen_shannon(critic.held_out, training)[0] > 0.65 * TRUTH
    np.testing.assert_array_equal(critic.evaluate.columns, [2, 7])
    again = pickle.loads(pickle.dumps(critic.evaluate))
    elsewhere = points.copy()
    elsewhere[:, [0, 1, 3, 4, 5, 6, 8]] = 0.0
    np.testing.assert_array_equal(again(elsewhere), critic.evaluate(points))


def test_many_features_are_not_cut_where_none_interact_or_others_do_better():
    rng = np.random.default_rng(0)
    assert fitted(rng.normal(size=(400, 6)))[0] is None
    x = rng.multivariate_normal(np.zeros(6), np.eye(6) + 1.5, 300)
    y = rng.normal(0, np.sqrt(2.5), (300, 6))
    training = Training.of(TrainingPart(np.vstack([x, y]), np.repeat([1, 0], 300), np.ones(600), 0))
    quadratic = next(each for each in library(6) if each.name == "quadratic").fit(training)
    behind = replace(training, standard=quadratic.held_out)
    assert PartitionCandidate().fit(training) is not None
    assert PartitionCandidate().fit(behind) is None
