"""Fast values against slow, obvious twins."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.special import expit

from divergences.definitions import (
    MMD,
    Energy,
    GaussianKernel,
    LaplacianKernel,
    Sinkhorn,
    SlicedWasserstein,
    Wasserstein,
)
from divergences.estimators import EntropicTransport, ExactTransport, PairwiseKernel, Sliced
from divergences.estimators.kde import KDE
from divergences.measures import as_samples
from divergences.work import Run
from tests import naive
from tests.laws import Data, Row, Subject

seeds = st.integers(0, 10_000)
dimensions = st.integers(1, 3)
few = settings(deadline=None, derandomize=True, max_examples=8, database=None)
orders = st.sampled_from([1, 1.5, 2, 3])


def inner(definition, estimator, data, **weights):
    return Subject(definition, Row(estimator))(data.x, data.y, **weights).reading.inner


@few
@given(seed=seeds, d=dimensions, order=orders)
def test_exact_transport_is_the_best_permutation(seed, d, order):
    data = Data.draw(seed, d, 6, 6)
    expected = naive.transport_cost_by_permutations(data.x, data.y, order)
    assert inner(Wasserstein(order), ExactTransport(), data) == pytest.approx(expected, rel=1e-9)


@few
@given(seed=seeds, d=dimensions, order=orders)
def test_exact_transport_is_the_linear_program_with_weights(seed, d, order):
    data = Data.draw(seed, d, 7, 9)
    a, b = data.rng.integers(1, 5, size=7), data.rng.integers(1, 5, size=9)
    expected = naive.transport_cost_by_linear_program(data.x, data.y, order, a, b)
    found = inner(Wasserstein(order), ExactTransport(), data, a=a, b=b)
    assert found == pytest.approx(expected, rel=1e-7)


@few
@given(seed=seeds, order=orders, n=st.integers(2, 40), m=st.integers(2, 40))
def test_transport_on_the_line_moves_mass_greedily(seed, order, n, m):
    data = Data.draw(seed, 1, n, m)
    expected = naive.transport_cost_1d(data.x, data.y, order)
    for definition, estimator in (
        (Wasserstein(order), ExactTransport()),
        (SlicedWasserstein(order), Sliced(3)),
    ):
        assert inner(definition, estimator, data) == pytest.approx(expected, rel=1e-9)


@few
@given(seed=seeds, d=st.integers(2, 4), order=st.sampled_from([1, 2]))
def test_sliced_transport_averages_projections(seed, d, order):
    data = Data.draw(seed, d, 9, 14)
    run_seed = int(np.random.default_rng(0).integers(2**63))
    directions = Sliced(5).directions(d, np.random.default_rng(run_seed))
    assert np.allclose(np.linalg.norm(directions, axis=1), 1)
    costs = [naive.transport_cost_1d(data.x @ t, data.y @ t, order) for t in directions]
    found = inner(SlicedWasserstein(order), Sliced(5, "plug-in"), data)
    assert found == pytest.approx(np.mean(costs), rel=1e-9)


@settings(deadline=None, derandomize=True, max_examples=3, database=None)
@given(seed=seeds, d=st.integers(1, 2), order=st.sampled_from([1, 2]))
def test_sinkhorn_is_the_plain_loop(seed, d, order):
    data = Data.draw(seed, d, 6, 7)
    expected = naive.sinkhorn_divergence(data.x, data.y, order, 0.7)
    found = inner(Sinkhorn(order, 0.7), EntropicTransport(tolerance=1e-12), data)
    assert found == pytest.approx(expected, rel=1e-8)


@few
@given(seed=seeds, d=dimensions)
@pytest.mark.parametrize("statistic", ["unbiased", "biased"])
def test_mmd_and_energy_are_double_loops(statistic, seed, d):
    data = Data.draw(seed, d, 12, 15)
    unbiased = statistic == "unbiased"
    median = naive.median_distance(data.x, data.y)
    cases = [
        (MMD(GaussianKernel(0.9)), lambda r: math.exp(-(r**2) / (2 * 0.81))),
        (MMD(LaplacianKernel(0.9)), lambda r: math.exp(-r / 0.9)),
        (MMD(), lambda r: math.exp(-(r**2) / (2 * median**2))),
        (Energy(), lambda r: -r),
    ]
    for definition, kernel in cases:
        expected = naive.squared_mmd(data.x, data.y, kernel, unbiased=unbiased)
        found = inner(definition, PairwiseKernel(statistic), data)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-13)


@few
@given(seed=seeds, d=st.integers(1, 2))
def test_kde_log_ratios_are_leave_one_out_loops(seed, d):
    # With a background of next to nothing, the densities are plain kernel densities. All
    # log-ratios share a slope and an offset, which calibrate them and balance the posteriors.
    data = Data.draw(seed, d, 12, 15)
    h = 1.5
    p, q = as_samples(data.x), as_samples(data.y)
    run = Run.create(0, progress=False)
    found = KDE(bandwidth=h, background=1e-200).log_ratio(p, q, run)
    at_x = naive.leave_one_out_log_density(data.x, h)
    at_x = at_x - naive.gaussian_kde_log_density(data.y, data.x, h)
    at_y = naive.gaussian_kde_log_density(data.x, data.y, h)
    at_y = at_y - naive.leave_one_out_log_density(data.y, h)
    slope, offset = np.polyfit(at_x, found.at_p, 1)
    assert slope > 0
    np.testing.assert_allclose(found.at_p, slope * at_x + offset, atol=1e-9)
    np.testing.assert_allclose(found.at_q, slope * at_y + offset, atol=1e-9)
    assert expit(found.at_p).mean() + expit(found.at_q).mean() == pytest.approx(1.0, abs=0.01)
