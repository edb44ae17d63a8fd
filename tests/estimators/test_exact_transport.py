import math
import pickle
import time

import numpy as np
import ot
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.stats import norm, wasserstein_distance

from divergences.definitions import JensenShannon, Wasserstein
from divergences.errors import ConvergenceError, InvalidPairError, TooLargeError
from divergences.estimators import ExactTransport, estimate_samples
from divergences.estimators.transport import transport_plan
from divergences.measures.samples import Samples, as_samples
from divergences.work import Run
from tests import naive
from tests.draws import normals

EXACT = ExactTransport()
ORDERS = [1, 1.5, 2, 3]


def estimate(order, x, y, *, weights=(None, None), rng=0, workers=1):
    p, q = as_samples(x, weights=weights[0]), as_samples(y, name="q", weights=weights[1])
    return estimate_samples([Wasserstein(order)], p, q, EXACT, Run.create(rng, workers))[0]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("d", [1, 2, 5])
def test_trying_every_permutation_finds_nothing_cheaper(order, d):
    x, y = normals(1, 6, 6, d)
    expected = naive.transport_cost_by_permutations(x, y, order)
    assert estimate(order, x, y).reading.inner == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize(("n", "m"), [(9, 9), (12, 7), (2, 2), (2, 5)])
def test_solves_the_linear_program(order, d, n, m):
    x, y = normals(2, n, m, d)
    rng = np.random.default_rng(3)
    a, b = rng.uniform(0.1, 1, n), rng.uniform(0.1, 1, m)
    for weights in ((None, None), (a, b), (a, None)):
        expected = naive.transport_cost_by_linear_program(x, y, order, *weights)
        found = estimate(order, x, y, weights=weights).reading.inner
        assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(500, 500), (400, 300)])
def test_one_dimension_is_scipys(n, m):
    x, y = (points[:, 0] for points in normals(4, n, m, 1))
    u, v = np.random.default_rng(5).uniform(size=(2, 500))
    plain = estimate(1, x, y)
    weighted = estimate(1, x, y, weights=(u[:n], v[:m]))
    assert plain.value == pytest.approx(wasserstein_distance(x, y), rel=1e-12)
    assert weighted.value == pytest.approx(wasserstein_distance(x, y, u[:n], v[:m]), rel=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_plane_is_pots(order):
    x, y = normals(6, 200, 150, 2)
    costs = ot.dist(x, y, "sqeuclidean" if order == 2 else "euclidean")
    expected = ot.emd2(ot.unif(200), ot.unif(150), costs) ** (1 / order)
    assert estimate(order, x, y).value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("d", [1, 4])
def test_a_shift_moves_every_point_alike(order, d):
    # A shift is an optimal map for every convex cost, so W_r = |shift| whatever the sample.
    x, _ = normals(7, 80, 2, d)
    shift = np.linspace(1, 2, d)
    found = estimate(order, x, x + shift)
    assert found.value == pytest.approx(np.linalg.norm(shift), rel=1e-12)


def test_a_linear_map_with_positive_eigenvalues_is_optimal():
    # W2² between x and A x, A symmetric and positive, is the mean of |x - A x|² (Brenier).
    x, _ = normals(8, 120, 2, 3)
    matrix = np.array([[2.0, 0.5, 0.0], [0.5, 1.5, 0.3], [0.0, 0.3, 0.7]])
    expected = np.square(x - x @ matrix).sum(axis=1).mean()
    assert estimate(2, x, x @ matrix).reading.inner == pytest.approx(expected, rel=1e-12)


def test_interval_covers_the_bures_distance():
    # One draw, fixed seed; the interval's false-alarm rate is below 5 %.
    rng = np.random.default_rng(9)
    covariance = np.array([[2.0, 0.6], [0.6, 0.5]])
    x = rng.normal(size=(700, 2))
    y = rng.multivariate_normal([1.0, -1.0], covariance, size=700)
    root = sqrtm(covariance).real
    truth = math.sqrt(2.0 + np.trace(np.eye(2) + covariance - 2 * root))
    found = estimate(2, x, y)
    low, high = found.interval()
    assert low < truth < high
    assert high - low < 0.5


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("d", [1, 2])
def test_weights_count_repeated_rows(order, d):
    x, y = normals(10, 7, 5, d)
    repeats_x, repeats_y = np.array([1, 3, 0, 2, 1, 1, 4]), np.array([2, 1, 1, 5, 3])
    weighted = estimate(order, x, y, weights=(repeats_x, repeats_y))
    repeated = estimate(order, np.repeat(x, repeats_x, axis=0), np.repeat(y, repeats_y, axis=0))
    assert weighted.reading.inner == pytest.approx(repeated.reading.inner, rel=1e-12)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_scales_with_the_data_wherever_they_lie(order, d, scale, offset):
    x, y = normals(11, 40, 30, d)
    moved_x, moved_y = x * scale + offset, y * scale + offset
    # The data as rounded at their offset, moved back without further error.
    back_x, back_y = (moved_x - offset) / scale, (moved_y - offset) / scale
    found = estimate(order, moved_x, moved_y)
    base = estimate(order, back_x, back_y)
    assert found.value == pytest.approx(scale * base.value, rel=1e-9)
    assert found.stderr == pytest.approx(scale * base.stderr, rel=1e-6)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("d", [1, 3])
def test_is_a_metric(order, d):
    x, y = normals(12, 30, 20, d)
    z, _ = normals(13, 25, 2, d, shift=0.0)
    there, back = estimate(order, x, y), estimate(order, y, x)
    assert there.value == pytest.approx(back.value, rel=1e-12)
    assert there <= estimate(order, x, z) + estimate(order, z, y) + 1e-12
    assert estimate(order, x, x[::-1]).value == 0.0


@pytest.mark.parametrize("d", [1, 2])
def test_ties_and_points_in_one_place(d):
    x, y = np.round(normals(14, 40, 2, d)[0]), np.round(normals(15, 30, 2, d)[0])
    expected = naive.transport_cost_by_linear_program(x, y, 2)
    assert estimate(2, x, y).reading.inner == pytest.approx(expected, rel=1e-9)
    same = estimate(2, np.zeros((3, d)), np.zeros((5, d)))
    assert (same.value, same.stderr, same.bias) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize(("n", "m"), [(60, 60), (50, 35)])
def test_critic_is_an_optimal_potential(order, d, n, m):
    x, y = normals(16, n, m, d)
    a, b = np.random.default_rng(17).uniform(0.5, 1, n), np.full(m, 1.0)
    found = estimate(order, x, y, weights=(a, b))
    f, points = found.critic, np.vstack([x, y, 5 * x])
    transform = transport_plan.pair_costs(x, y, order) - f(x)[:, None]
    dual = np.average(f(x), weights=a) + transform.min(axis=0).mean()
    assert dual == pytest.approx(found.reading.inner, rel=1e-9)
    assert np.average(f(x), weights=a) > np.mean(f(y))
    if order == 1:
        gaps = np.abs(f(points)[:, None] - f(points))
        assert (gaps <= transport_plan.pair_costs(points, points, 1) + 1e-12).all()


@pytest.mark.parametrize("d", [1, 2])
def test_result_pickles_with_its_critic(d):
    found = estimate(1, *normals(18, 20, 25, d))
    copy = pickle.loads(pickle.dumps(found))
    points = np.linspace(-3, 3, 7 * d).reshape(7, d)
    assert copy == found
    np.testing.assert_array_equal(copy.critic(points), found.critic(points))


def test_critic_tells_the_side():
    for d in (1, 2):
        x, y = normals(19, 200, 200, d, shift=2.0, scale=1.0)
        low, high = estimate(1, x, y).critic(np.vstack([np.full(d, -1.0), np.full(d, 3.0)]))
        assert low > high


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("d", [1, 2])
def test_stderr_is_the_spread_over_samples(order, d):
    # 200 draws put the sample spread within 15 % of the truth (3 sigma, 1 in 400 each).
    found = [estimate(order, *normals(100 + seed, 80, 60, d, 2.0, 1.0)) for seed in range(200)]
    spread = np.std([est.reading.inner for est in found], ddof=1)
    told = np.mean([est.reading.stderr for est in found])
    assert told == pytest.approx(spread, rel=0.2)


@pytest.mark.parametrize("d", [1, 5])
@pytest.mark.parametrize("order", [1, 2])
def test_interval_covers_zero_at_equality(order, d):
    # Measured coverage is above 98 %; at 97 % four or more misses in 40 have odds of 1 in 300.
    misses = 0
    for seed in range(40):
        x, y = normals(300 + seed, 60, 50, d, 0.0, 1.0)
        low, high = estimate(order, x, y, rng=seed).interval()
        misses += not low <= 0 <= high
    assert misses <= 3


def test_note_tells_the_upward_bias():
    near = estimate(2, *normals(20, 150, 150, 5, 0.0, 1.0))
    far = estimate(2, *normals(20, 150, 150, 5, 2.0, 1.0))
    assert any("Biased upward" in note for note in near.notes)
    level = near.diagnostics["null_level"]
    assert near.value == pytest.approx(level, rel=0.1)
    assert "Biased upward by about" in far.notes[-1]
    assert far.diagnostics["without_null_level"] == pytest.approx(math.sqrt(20), rel=0.1)
    assert far.bias > 0


def test_refuses_at_once_what_does_not_fit():
    many = Samples(np.broadcast_to(np.zeros((1, 2)), (10**6, 2)))
    start = time.perf_counter()
    message = r"between 1,000,000 and 1,000,000 points needs 34,000,000,000,000 bytes"
    with pytest.raises(TooLargeError, match=message):
        estimate_samples([Wasserstein(2)], many, many, EXACT, Run.create(0))
    with pytest.raises(TooLargeError, match=r"sliced_wasserstein_distance .* sinkhorn_divergence"):
        Wasserstein(1).loss(torch.zeros(1).expand(10**6, 2), torch.zeros(1).expand(10**6, 2))
    assert time.perf_counter() - start < 1.0


def test_too_few_pivots_are_tried_again(monkeypatch):
    x, y = normals(21, 150, 150, 2)
    expected = estimate(2, x, y).value
    caps = []
    simplex = transport_plan._simplex

    def watched(costs, a, b, pivots):
        caps.append(pivots)
        return simplex(costs, a, b, pivots)

    monkeypatch.setattr(transport_plan, "_simplex", watched)
    monkeypatch.setattr(transport_plan, "PIVOTS_PER_POINT", (1, 1000))
    assert estimate(2, x, y).value == pytest.approx(expected, rel=1e-12)
    assert caps[:2] == [300, 300_000]


def test_uncertified_solution_is_an_error(monkeypatch):
    monkeypatch.setattr(transport_plan, "PIVOTS_PER_POINT", (1,))
    with pytest.raises(ConvergenceError, match=r"150 and 150 points could not be certified.*gap"):
        estimate(2, *normals(22, 150, 150, 2))


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("scale", [1e-60, 1e60])
def test_costs_out_of_range_are_named(d, scale):
    x, y = normals(23, 5, 5, d)
    with pytest.raises(ValueError, match=r"\|x - y\|\^3 within the range .* Rescale the data"):
        estimate(3, x * scale, y * scale)
    assert estimate(2, x * scale, y * scale) > 0


def test_other_divergences_are_refused():
    p = as_samples([[0.0], [1.0]])
    with pytest.raises(InvalidPairError, match="ExactTransport does not estimate the Jensen"):
        estimate_samples([JensenShannon()], p, p, EXACT, Run.create(0))


def test_workers_and_rows_do_not_matter():
    x, y = normals(24, 90, 70, 2)
    one, two = estimate(2, x, y), estimate(2, x, y, workers=2)
    assert one.to_dict() | {"seconds": 0} == two.to_dict() | {"seconds": 0}
    shuffled = estimate(2, x[::-1], y[::-1])
    assert shuffled.value == pytest.approx(one.value, rel=1e-12)


def slope(loss, x, y, seed):
    """Directional derivative by autograd, and by central differences."""
    rng = np.random.default_rng(seed)
    along_x, along_y = (torch.tensor(rng.normal(size=part.shape)) for part in (x, y))
    x, y = (torch.tensor(part, requires_grad=True) for part in (x, y))
    loss(x, y).backward()
    exact = float((x.grad * along_x).sum() + (y.grad * along_y).sum())
    h = 1e-6
    ahead, behind = (
        float(loss(x.detach() + step * along_x, y.detach() + step * along_y)) for step in (h, -h)
    )
    return exact, (ahead - behind) / (2 * h)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize(("n", "m"), [(30, 30), (25, 18)])
def test_loss_is_the_estimate_and_its_gradient_the_slope(order, d, n, m):
    x, y = normals(25, n, m, d)

    def loss(first, second):
        return Wasserstein(order).loss(first, second, method=EXACT, rng=0)

    assert float(loss(torch.tensor(x), torch.tensor(y))) == pytest.approx(
        estimate(order, x, y).value, abs=1e-12
    )
    exact, measured = slope(loss, x, y, 26)
    assert exact == pytest.approx(measured, rel=1e-5)


@pytest.mark.parametrize("d", [1, 2])
def test_loss_keeps_dtype_and_is_finite_where_points_meet(d):
    for order in ORDERS:
        x = torch.zeros(4, d, dtype=torch.float32, requires_grad=True)
        loss = Wasserstein(order).loss(x, torch.ones(6, d), method="exact")
        loss.backward()
        assert loss.dtype == x.grad.dtype == torch.float32
        assert loss.shape == ()
        assert loss.item() == pytest.approx(math.sqrt(d), rel=1e-6)
        same = torch.zeros(4, d, requires_grad=True)
        Wasserstein(order).loss(same, torch.zeros(6, d), method="exact").backward()
        assert (same.grad == 0).all()


def test_plan_is_certified_where_pots_default_stops_short():
    x, y = normals(27, 1500, 1500, 2)
    masses = np.full(1500, 1 / 1500)
    plan = transport_plan.solve(x, y, masses, masses, 2)
    costs = transport_plan.pair_costs(x, y, 2)
    assert plan.gap <= 1e-9 * plan.cost
    assert (plan.u[:, None] + plan.v <= costs + 1e-9).all()
    assert plan.u.mean() + plan.v.mean() == pytest.approx(plan.cost, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("d", "shift"), [(1, 0), (2, 0), (5, 0), (10, 0), (1, 1), (2, 1), (5, 1)])
def test_interval_covers_the_truth(order, d, shift):
    # W_r of shifted normals is the shift. Of 300 intervals at 94 % or better, 268 or more cover
    # with odds of 1 in 1000 against.
    covered = 0
    for seed in range(300):
        rng = np.random.default_rng(1000 + seed)
        x, y = rng.normal(size=(200, d)), rng.normal(size=(150, d))
        y[:, 0] += shift
        low, high = estimate(order, x, y, rng=seed).interval()
        covered += low <= shift <= high
    assert covered >= 268


def test_order_one_on_the_line_is_the_area_between_the_cdfs():
    x = norm.ppf((np.arange(2000) + 0.5) / 2000)
    assert estimate(1, x, x * 2 + 1).value == pytest.approx(float(np.abs(x + 1).mean()), rel=1e-12)
