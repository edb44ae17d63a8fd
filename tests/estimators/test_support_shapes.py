"""Shapes that hold a sample, and how far each point lies beyond those of all the others."""

import numpy as np
import pytest
from scipy.optimize import minimize

import divergences as dv
from divergences.estimators.critics.support_shapes import (
    FARTHEST,
    Floor,
    ellipsoid_about,
    hull_about,
)


def ball(n, d, seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, d))
    return rng.uniform(size=(n, 1)) ** (1 / d) * z / np.linalg.norm(z, axis=1, keepdims=True)


def test_floor_leaves_each_point_out():
    values = np.random.default_rng(0).normal(size=(40, 3))
    floor, left_out = Floor.of(values)
    assert not floor(values).any()
    for i in range(len(values)):
        # The mean distance of the four lowest values above the lowest, of all the others.
        others = np.sort(np.delete(values, i, axis=0), axis=0)
        spacing = (others[4] - others[0]) / 4
        below = np.clip((others[0] - values[i]) / spacing, 0, FARTHEST).sum()
        assert left_out[i] == pytest.approx(min(below, FARTHEST))
    assert np.count_nonzero(left_out) == len(set(values.argmin(axis=0)))


def test_floor_of_ties_is_one_that_nothing_may_pass():
    values = np.repeat([0.0, 1.0, 2.0], 10)[:, np.newaxis]
    floor, left_out = Floor.of(values)
    assert not left_out.any()
    np.testing.assert_array_equal(floor(np.array([[0.0], [-1e-9], [5.0]])), [0, FARTHEST, 0])


def test_exceedances_of_a_sharp_edge_fall_as_an_exponential():
    rng = np.random.default_rng(1)
    beyond = [Floor.of(rng.uniform(size=(200, 1)))[1].max() for _ in range(3000)]
    # The mean of E1/mean(E2..E5) of exponentials is 4/3; 3000 draws see it to 0.03.
    assert np.mean(beyond) == pytest.approx(4 / 3, abs=0.12)


@pytest.mark.parametrize("d", [2, 3, 5])
def test_ellipsoid_is_the_smallest(d):
    points = ball(300, d, seed=d) @ np.diag(np.arange(1.0, d + 1)) + 3.0
    shape, left_out = ellipsoid_about(points)
    inside = shape.gauge(points)
    assert inside.max() == pytest.approx(0, abs=1e-5)
    # Not more points than a center and a matrix have numbers carry it, and not fewer than d + 1.
    assert d + 1 <= np.count_nonzero(left_out) <= d * (d + 3) // 2
    assert set(np.flatnonzero(left_out)) <= set(np.flatnonzero(inside > -1e-5))

    corner = np.tril_indices(d)

    def log_volume(numbers):
        center, root = numbers[:d], np.zeros((d, d))
        root[corner] = numbers[d:]
        widest = np.linalg.norm((points - center) @ root, axis=1).max()
        return d * np.log(widest) - np.log(np.abs(np.diag(root))).sum()

    ours = -np.linalg.slogdet(shape.gauge.root)[1]
    matrix = np.linalg.cholesky(shape.gauge.root @ shape.gauge.root.T)
    start = np.concatenate([shape.gauge.center, matrix[corner]])
    assert log_volume(start) == pytest.approx(ours, abs=1e-4)
    rng = np.random.default_rng(0)
    for _ in range(3):
        nearby = start * (1 + 0.02 * rng.normal(size=len(start)))
        found = minimize(log_volume, nearby, method="Nelder-Mead", options={"maxiter": 2000})
        assert found.fun >= ours - 1e-4


def test_ellipsoid_without_a_carrier_is_that_of_the_others():
    points = ball(120, 2, seed=5)
    shape, left_out = ellipsoid_about(points)
    carriers = np.flatnonzero(left_out)
    assert len(carriers) >= 3
    for i in carriers:
        others, _ = ellipsoid_about(np.delete(points, i, axis=0))
        assert others.gauge(points[[i]])[0] == pytest.approx(left_out[i] * shape.spacing, rel=1e-3)


def test_hull_leaves_each_corner_out():
    points = np.random.default_rng(2).uniform(size=(150, 2))
    shape, left_out = hull_about(points)
    assert shape(points).max() < 1e-9
    for i in range(len(points)):
        others, _ = hull_about(np.delete(points, i, axis=0))
        beyond = max(0.0, others.gauge(points[[i]])[0])
        assert min(beyond / shape.spacing, FARTHEST) == pytest.approx(left_out[i], abs=1e-9)
    assert np.count_nonzero(left_out) >= 3


@pytest.mark.parametrize("find", [ellipsoid_about, hull_about])
def test_shapes_are_none_of_points_in_a_line_or_too_few(find):
    line = np.linspace(0, 1, 100)[:, np.newaxis] * [1.0, 2.0]
    assert find(line) is None
    assert find(np.random.default_rng(0).normal(size=(5, 2))) is None


def test_hull_of_lattice_points_has_its_corners():
    lattice = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), axis=-1).reshape(-1, 2)
    shape, left_out = hull_about(np.repeat(lattice, 3, axis=0))
    # Each corner is there three times, and none lies beyond the others.
    assert not left_out.any()
    np.testing.assert_allclose(shape(np.array([[2.5, 2.5], [5.1, 2.0]])), [0, FARTHEST])


ODD = {
    "rounded": lambda rng, n, d: np.round(rng.normal(size=(n, d))),
    "binary": lambda rng, n, d: rng.integers(0, 2, (n, d)).astype(float),
    "heavy tails": lambda rng, n, d: rng.standard_t(0.7, (n, d)),
    "copies": lambda rng, n, d: np.repeat(rng.normal(size=(n // 5, d)), 5, axis=0),
    "constant": lambda rng, n, d: rng.normal(size=(n, d)) * (np.arange(d) > 0),
    "nearly in a plane": lambda rng, n, d: rng.normal(size=(n, 1)) + 1e-7 * rng.normal(size=(n, d)),
    "scales": lambda rng, n, d: rng.normal(size=(n, d)) * 10.0 ** np.linspace(-6, 6, d),
    "sphere": lambda rng, n, d: (lambda z: z / np.linalg.norm(z, axis=1, keepdims=True))(
        rng.normal(size=(n, d))
    ),
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("d", [2, 3, 5])
def test_shapes_of_odd_points_are_finite(kind, d):
    for seed, n in enumerate([10, 60, 100, 300, 1000]):
        points = ODD[kind](np.random.default_rng(seed), n, d)
        for found in (ellipsoid_about(points), hull_about(points) if d <= 3 else None):
            if found is not None:
                shape, left_out = found
                assert np.isfinite(left_out).all()
                assert np.all((left_out >= 0) & (left_out <= FARTHEST))
                assert np.isfinite(shape(points)).all()
                assert np.quantile(shape.gauge(points), 0.99) < 1e-4


def test_points_that_are_there_twice_lie_within_the_others():
    points = np.repeat(ball(100, 3, seed=1), 2, axis=0)
    shape, left_out = ellipsoid_about(points)
    assert not left_out.any()
    assert shape(points * 1.5).max() == FARTHEST


@pytest.mark.parametrize("kind", ["sphere", "torus"])
def test_points_on_an_ellipsoid_have_none_that_ends_them(kind):
    rng = np.random.default_rng(0)
    angles = rng.uniform(0, 2 * np.pi, (500, 2))
    torus = np.hstack([np.cos(angles), np.sin(angles)])
    normal = rng.normal(size=(500, 4))
    sphere = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    points = {"sphere": sphere, "torus": torus}[kind]
    assert ellipsoid_about(points @ rng.normal(size=(4, 4))) is None
    assert ellipsoid_about(0.999 * torus + 0.001 * normal) is not None


def test_angles_that_are_locked_otherwise_on_a_torus():
    # Distances beyond an ellipsoid on whose surface all points lie told P from Q by rounding, and
    # the value was -0.28.
    def locked(sign, rng):
        first = rng.uniform(0, 2 * np.pi, 1000)
        second = rng.vonmises(0, 1, 1000) - sign * first
        return np.column_stack([np.cos(first), np.sin(first), np.cos(second), np.sin(second)])

    angles = np.random.default_rng(1).uniform(0, 2 * np.pi, (2, 400_000))
    ratio = np.exp(np.cos(angles[0]) - np.cos(angles[1]))
    mass = np.exp(np.cos(angles[1])) / np.i0(1)
    truth = float(np.mean(mass * ratio * np.log(2 * ratio / (1 + ratio))))
    rng = np.random.default_rng(1)
    estimate = dv.js_divergence(locked(1, rng), locked(-1, rng), rng=1)
    assert abs(float(estimate) - truth) < 4 * estimate.stderr
