import numpy as np
import ot
import pytest

from divergences.estimators.transport import quantile_transport as line

ORDERS = [1, 1.5, 2, 3]


def problem(seed, n, m, weighted, rounded):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=n), rng.normal(0.5, 1.5, size=m)
    if rounded:
        x, y = np.round(x), np.round(y)
    a = rng.uniform(size=n) if weighted else np.ones(n)
    b = rng.uniform(size=m) if weighted else np.ones(m)
    x, a = line.sorted_with_mass(x, a / a.sum())
    y, b = line.sorted_with_mass(y, b / b.sum())
    matching = line.match(n, m, a, b) if weighted else line.match(n, m, None, None)
    return x, y, a, b, matching


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 2), (5, 5), (4, 7), (50, 30), (1, 6)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rounded", [False, True])
def test_cost_and_potentials_certify_each_other(order, n, m, weighted, rounded):
    x, y, a, b, matching = problem(n + m, n, m, weighted, rounded)
    costs = np.abs(x[:, None] - y) ** order
    cost = line.transport_cost(x, y, matching, order)
    u, v = line.potentials(x, y, matching, order)
    assert cost == pytest.approx(ot.emd2(a, b, costs), rel=1e-12, abs=1e-14)
    assert a @ u + b @ v == pytest.approx(cost, rel=1e-12, abs=1e-14)
    assert (u[:, None] + v - costs).max() < 1e-12


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("n", "m"), [(1, 1), (5, 5), (50, 30), (7, 40)])
@pytest.mark.parametrize("rounded", [False, True])
def test_two_neighbors_hold_the_minimum(order, n, m, rounded):
    x, y, _, _, matching = problem(n * m, n, m, True, rounded)
    _, v = line.potentials(x, y, matching, order)
    potential = line.LinePotential.create(x, y, matching, v, order)
    z = np.concatenate([np.random.default_rng(0).normal(0, 3, 300), x, y])
    expected = (np.abs(z[:, None] - y) ** order - v).min(axis=1)
    np.testing.assert_allclose(potential(z[:, None]), expected, atol=1e-12)


@pytest.mark.parametrize(("n", "m"), [(6, 6), (6, 4), (3, 7), (1000, 999)])
def test_sizes_and_equal_masses_match_alike(n, m):
    x, y = np.sort(np.random.default_rng(1).normal(size=(2, max(n, m))))
    x, y = x[:n], y[:m]
    sizes = line.transport_cost(x, y, line.match_sizes(n, m), 2)
    masses = line.match_masses(np.full(n, 1 / n), np.full(m, 1 / m))
    assert sizes == pytest.approx(line.transport_cost(x, y, masses, 2), rel=1e-12)
    moved = line.match_sizes(n, m).mass
    assert np.sum(np.broadcast_to(moved, n) if np.isscalar(moved) else moved) == pytest.approx(1)


def test_rows_are_matched_together():
    rng = np.random.default_rng(2)
    x, y = np.sort(rng.normal(size=(3, 8))), np.sort(rng.normal(size=(3, 5)))
    matching = line.match_sizes(8, 5)
    u, v = line.potentials(x, y, matching, 2)
    for row in range(3):
        alone = line.potentials(x[row], y[row], matching, 2)
        np.testing.assert_array_equal(u[row], alone[0])
        np.testing.assert_array_equal(v[row], alone[1])
