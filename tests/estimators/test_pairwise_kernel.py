import itertools
import math
import pickle
import tracemalloc

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import energy_distance

from divergences.definitions import (
    MMD,
    Energy,
    EnergyKernel,
    GaussianKernel,
    JensenShannon,
    LaplacianKernel,
    RationalQuadraticKernel,
)
from divergences.errors import InvalidPairError
from divergences.estimators import PairwiseKernel, estimate_samples
from divergences.estimators.energy_1d import energy_moments
from divergences.estimators.kernel_moments import kernel_moments
from divergences.measures.samples import as_samples
from divergences.work import Run
from tests.exact_values import normal_energy

KERNELS = [
    GaussianKernel(0.8),
    LaplacianKernel(1.5),
    RationalQuadraticKernel(0.7, alpha=0.5),
    EnergyKernel(),
    GaussianKernel(0.3) + 2.0 * LaplacianKernel(2.0),
]
BIASED, UNBIASED = PairwiseKernel("biased"), PairwiseKernel("unbiased")


def estimate(definition, x, y, method=UNBIASED, *, weights=(None, None), rng=0, workers=1):
    p = as_samples(x, name="p", weights=weights[0])
    q = as_samples(y, name="q", weights=weights[1])
    return estimate_samples([definition], p, q, method, Run.create(rng, workers, False))[0]


def pair(rng, n=40, m=60, d=3, shift=0.5):
    return rng.normal(0, 1, (n, d)), rng.normal(shift, 1.2, (m, d))


def naive_squared_mmd(kernel, x, y, biased):
    """Every pair, one after the other."""

    def mean(first, second, skip):
        terms = [
            float(kernel.of_squared_distance(np.array([np.sum((a - b) ** 2)]))[0])
            for i, a in enumerate(first)
            for j, b in enumerate(second)
            if not (skip and i == j)
        ]
        return math.fsum(terms) / len(terms)

    return mean(x, x, not biased) + mean(y, y, not biased) - 2 * mean(x, y, False)


def normal_kernel_mean(bandwidth, gap, variance, d):
    """E k(X, Y) for X - Y normal with that mean and that variance in each coordinate."""
    total = bandwidth**2 + variance
    return (bandwidth**2 / total) ** (d / 2) * math.exp(-(gap**2) / (2 * total))


def normal_squared_mmd(bandwidth, shift, scale, d):
    gap = shift * math.sqrt(d)
    return (
        normal_kernel_mean(bandwidth, 0, 2, d)
        + normal_kernel_mean(bandwidth, 0, 2 * scale**2, d)
        - 2 * normal_kernel_mean(bandwidth, gap, 1 + scale**2, d)
    )


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("method", [BIASED, UNBIASED])
@pytest.mark.parametrize("d", [1, 3])
def test_equals_the_naive_mean_over_pairs(kernel, method, d):
    x, y = pair(np.random.default_rng(1), 12, 17, d)
    expected = naive_squared_mmd(kernel, x, y, method is BIASED)
    assert estimate(MMD(kernel, squared=True), x, y, method).value == pytest.approx(
        expected, rel=1e-11
    )


def test_many_tiles_give_the_same_sums():
    rng = np.random.default_rng(2)
    x, y = rng.normal(0, 1, (2500, 2)), rng.normal(0.2, 1, (4200, 2))
    kernel = GaussianKernel(1.0)
    means = [
        kernel.of_squared_distance(cdist(a, b, "sqeuclidean")).mean()
        for a, b in ((x, x), (y, y), (x, y))
    ]
    expected = means[0] + means[1] - 2 * means[2]
    assert estimate(MMD(kernel, squared=True), x, y, BIASED).value == pytest.approx(
        expected, abs=1e-14
    )


@pytest.mark.parametrize(("n", "m"), [(50, 50), (30, 80)])
def test_biased_energy_is_scipys(n, m):
    rng = np.random.default_rng(3)
    x, y = rng.normal(0, 1, n), rng.normal(1, 2, m)
    u, v = rng.uniform(0.1, 1, n), rng.uniform(0.1, 1, m)
    value = estimate(Energy(), x, y, BIASED, weights=(u, v)).value
    assert value == pytest.approx(energy_distance(x, y, u, v), rel=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_sorting_gives_what_all_pairs_give(ties, weighted):
    rng = np.random.default_rng(4)
    x, y = rng.normal(0, 1, 50), rng.normal(1, 1, 33)
    if ties:
        x, y = x.round(), y.round()
    weights = (rng.uniform(0, 1, 50), rng.uniform(0, 1, 33)) if weighted else (None, None)
    p, q = as_samples(x, weights=weights[0]), as_samples(y, weights=weights[1])
    fast, critic = energy_moments(p, q)
    slow = kernel_moments(EnergyKernel(), p, q, Run.create(0))
    for name in ("p", "q"):
        quick, full = getattr(fast, name), getattr(slow, name)
        assert quick.mean == pytest.approx(full.mean, rel=1e-12)
        assert quick.interaction == pytest.approx(full.interaction, rel=1e-9)
        np.testing.assert_allclose(quick.projections, full.projections, rtol=1e-11)
    np.testing.assert_allclose(fast.between.at_p, slow.between.at_p, rtol=1e-11)
    np.testing.assert_allclose(fast.between.at_q, slow.between.at_q, rtol=1e-11)
    assert fast.between.interaction == pytest.approx(slow.between.interaction, rel=1e-9)
    assert fast.biased == pytest.approx(slow.biased, rel=1e-12)
    grid = np.linspace(-3, 3, 7)[:, np.newaxis]
    naive = -np.abs(grid - x) @ p.mass + np.abs(grid - y) @ q.mass
    np.testing.assert_allclose(critic(grid), naive, atol=1e-13)


# Truth within 4 standard errors: a false alarm in one of 16,000 runs per case.
@pytest.mark.parametrize("method", [BIASED, UNBIASED])
@pytest.mark.parametrize(("d", "shift", "scale"), [(1, 1.0, 1.0), (1, 0.0, 2.0), (5, 0.5, 1.3)])
def test_mmd_of_normals(method, d, shift, scale):
    rng = np.random.default_rng(5)
    x, y = rng.normal(0, 1, (2000, d)), rng.normal(shift, scale, (1500, d))
    found = estimate(MMD(GaussianKernel(1.5), squared=True), x, y, method)
    truth = normal_squared_mmd(1.5, shift, scale, d)
    assert abs(found.value - found.bias - truth) < 4 * found.stderr
    assert found.stderr < 0.1 * truth


@pytest.mark.parametrize(("shift", "scale"), [(1.0, 1.0), (0.0, 2.0), (0.3, 1.0)])
def test_energy_of_normals(shift, scale):
    rng = np.random.default_rng(6)
    x, y = rng.normal(0, 1, 20_000), rng.normal(shift, scale, 30_000)
    found = estimate(Energy(squared=True), x, y)
    truth = normal_energy(1, shift, 1.0, scale)
    assert abs(found.value - truth) < 4 * found.stderr
    assert found.stderr < 0.1 * truth


def test_energy_kernel_makes_mmd_the_energy_distance():
    for d in (1, 2):
        x, y = pair(np.random.default_rng(7), d=d)
        energy, mmd = estimate(Energy(), x, y), estimate(MMD(EnergyKernel()), x, y)
        assert energy.value == pytest.approx(mmd.value, rel=1e-12)
        assert energy.value**2 == pytest.approx(estimate(Energy(True), x, y).value, rel=1e-12)


@pytest.mark.parametrize("d", [1, 3])
def test_scaling_law(d):
    x, y = pair(np.random.default_rng(8), d=d)
    for definition, power in ((Energy(True), 1.0), (Energy(), 0.5), (MMD(), 0.0)):
        assert definition.scaling == power
        one, ten = estimate(definition, x, y), estimate(definition, 10 * x, 10 * y)
        assert ten.value == pytest.approx(10**power * one.value, rel=1e-10)
        assert ten.stderr == pytest.approx(10**power * one.stderr, rel=1e-8)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("definition", [Energy(), MMD(GaussianKernel(0.9))])
def test_integer_weights_are_repeated_rows(definition, d):
    rng = np.random.default_rng(9)
    x, y = pair(rng, 15, 20, d)
    u, v = rng.integers(0, 4, 15), rng.integers(1, 4, 20)
    weighted = estimate(definition, x, y, BIASED, weights=(u, v)).value
    repeated = estimate(definition, np.repeat(x, u, axis=0), np.repeat(y, v, axis=0), BIASED)
    assert weighted == pytest.approx(repeated.value, rel=1e-12)


@pytest.mark.parametrize("method", [BIASED, UNBIASED])
@pytest.mark.parametrize("definition", [Energy(), MMD(), MMD(LaplacianKernel(1.0))])
def test_equal_weights_change_nothing(definition, method):
    x, y = pair(np.random.default_rng(10))
    plain = estimate(definition, x, y, method)
    weighted = estimate(definition, x, y, method, weights=(np.full(40, 3.0), np.full(60, 0.1)))
    assert weighted.value == pytest.approx(plain.value, rel=1e-10)
    assert weighted.stderr == pytest.approx(plain.stderr, rel=1e-8)


def test_unbiased_value_with_weights_leaves_each_point_out_of_its_own_mean():
    rng = np.random.default_rng(11)
    x, y = pair(rng, 10, 12)
    u, v = rng.uniform(0, 1, 10), rng.uniform(0, 1, 12)
    u, v = u / u.sum(), v / v.sum()
    kernel = GaussianKernel(1.0)
    within = []
    for points, mass in ((x, u), (y, v)):
        values = kernel.of_squared_distance(cdist(points, points, "sqeuclidean"))
        np.fill_diagonal(values, 0)
        within.append(mass @ values @ mass / (1 - mass @ mass))
    across = u @ kernel.of_squared_distance(cdist(x, y, "sqeuclidean")) @ v
    value = estimate(MMD(kernel, squared=True), x, y, weights=(u, v)).value
    assert value == pytest.approx(sum(within) - 2 * across, rel=1e-11)


@pytest.mark.parametrize("definition", [Energy(), MMD(), MMD(LaplacianKernel(1.0))])
@pytest.mark.parametrize("d", [1, 2])
def test_equal_samples_are_exactly_zero_apart(definition, d):
    x, _ = pair(np.random.default_rng(15), d=d)
    assert estimate(definition, x, x, BIASED).value == pytest.approx(0, abs=1e-12)
    unbiased = estimate(definition, x, x)
    assert unbiased.value < 0
    assert any("Below zero by chance" in note for note in unbiased.notes)


@pytest.mark.parametrize("definition", [Energy(), MMD()])
@pytest.mark.parametrize("d", [1, 2])
def test_two_points_each(definition, d):
    x, y = np.zeros((2, d)), np.ones((2, d))
    x[0] -= 0.5
    found = estimate(definition, x, y)
    assert math.isfinite(found.value)
    assert found.stderr > 0
    assert any("fewer than 4 points" in note for note in found.notes)


def test_constant_samples_have_no_spread():
    found = estimate(Energy(True), np.zeros((10, 2)), np.ones((10, 2)))
    assert found.value == pytest.approx(2 * math.sqrt(2), rel=1e-12)
    assert found.stderr == pytest.approx(0, abs=1e-7)


def test_rows_may_be_permuted():
    rng = np.random.default_rng(16)
    for d, definition in itertools.product((1, 3), (Energy(), MMD(), MMD(LaplacianKernel()))):
        x, y = pair(rng, d=d)
        one = estimate(definition, x, y)
        other = estimate(definition, rng.permutation(x), rng.permutation(y))
        assert other.value == pytest.approx(one.value, rel=1e-9)
        assert other.stderr == pytest.approx(one.stderr, rel=1e-8)


def test_workers_change_no_bit():
    rng = np.random.default_rng(17)
    x, y = rng.normal(0, 1, (4500, 2)), rng.normal(0, 1, (2300, 2))
    one = estimate(MMD(), x, y, workers=1)
    three = estimate(MMD(), x, y, workers=3)
    assert (one.value, one.stderr) == (three.value, three.stderr)
    assert one.diagnostics == three.diagnostics


def test_memory_stays_within_tiles():
    rng = np.random.default_rng(18)
    x, y = rng.normal(0, 1, (20_000, 1)), rng.normal(0, 1, (500, 1))
    tracemalloc.start()
    estimate(MMD(GaussianKernel(1.0)), x, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 2**20 < 20_000**2 * 8


class TestCritic:
    @pytest.mark.parametrize("definition", [Energy(), MMD(), MMD(LaplacianKernel(1.0))])
    @pytest.mark.parametrize("d", [1, 2])
    def test_is_the_witness(self, definition, d):
        x, y = pair(np.random.default_rng(22), d=d)
        found = estimate(definition, x, y, BIASED)
        critic = pickle.loads(pickle.dumps(found)).critic
        # The witness attains the supremum: the squared MMD is its difference of means.
        reached = critic(x).mean() - critic(y).mean()
        assert reached == pytest.approx(found.value**2, rel=1e-10)
        assert critic(x - 1).mean() > critic(y + 1).mean()


class TestMessages:
    def test_statistic(self):
        with pytest.raises(ValueError, match=r"statistic must be one of 'unbiased', 'biased', not"):
            PairwiseKernel("median")

    def test_wrong_definition(self):
        with pytest.raises(InvalidPairError, match="PairwiseKernel does not estimate the Jensen"):
            estimate(JensenShannon(), [0.0, 1.0], [0.0, 1.0])

    def test_distances_too_large_to_square(self):
        x = np.array([[0.0, 0.0], [1e200, 0.0], [0.0, 1.0]])
        kernel = EnergyKernel() + GaussianKernel(1.0)
        message = (
            r"^p and q must have distances that are finite numbers, and finite squares of them"
        )
        with (
            np.errstate(over="ignore", invalid="ignore"),
            pytest.raises(OverflowError, match=message),
        ):
            estimate(MMD(kernel), x, x + 1)

    def test_description(self):
        assert "U-statistic" in repr(estimate(Energy(), [0.0, 1.0, 3.0], [0.0, 2.0, 5.0]))
        assert "Biased upward by" in estimate(MMD(), [0.0, 1.0], [0.0, 2.0], BIASED).notes[-1]
