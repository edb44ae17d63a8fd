"""Brackets of transport distances: of known measures, and of samples that leave only rounding."""

import math

import numpy as np
import pytest
import torch
import torch.distributions as td
from scipy import stats as st

import divergences as dv

ONE, TWO = np.ones((100, 2)), 2 * np.ones((150, 2))
METHODS = ("auto", "exact", dv.LipschitzCritic(steps=20, folds=2))


def laplaces(scale):
    return td.Independent(td.Laplace(torch.zeros(3).double(), scale * torch.ones(3).double()), 1)


@pytest.mark.parametrize(
    ("p", "q", "order", "truth"),
    [
        (st.norm(), st.norm(1), 1, 1.0),
        (st.norm(), st.norm(1, 2), 2, math.sqrt(2)),
        (st.norm(), st.norm(0, 2), 2, 1.0),
        (st.expon(), st.expon(scale=3), 1, 2.0),
        (st.uniform(), st.uniform(0, 3), 2, math.sqrt(4 / 3)),
        (st.multivariate_normal([0, 0]), st.multivariate_normal([3, 4]), 2, 5.0),
        (laplaces(1.0), laplaces(2.0), 2, math.sqrt(6)),
        (st.cauchy(), st.norm(), 1, math.inf),
    ],
)
def test_exact_values_are_their_own_bracket_up_to_the_error_of_quadrature(p, q, order, truth):
    found = dv.wasserstein_distance(p, q, order=order)
    low, high = found.bracket
    assert low <= truth * (1 + 1e-15)
    assert high >= truth * (1 - 1e-15)
    assert low <= float(found) <= high
    assert math.isinf(truth) or high - low < 1e-10


def test_sliced_distances_of_known_measures_are_exact_and_have_a_bracket():
    found = dv.sliced_wasserstein_distance(st.norm(), st.norm(1))
    assert found.how == "exact: a shift"
    assert found.bracket == (1.0, 1.0)
    drawn = dv.sliced_wasserstein_distance(st.norm(), st.norm(1), projections=5, rng=0)
    assert drawn.how == "sliced, 5 directions"


def test_a_bracket_from_draws_reaches_as_far_as_their_error():
    p = st.multivariate_normal(np.zeros(3), np.diag([1.0, 2.0, 3.0]))
    q = st.multivariate_normal(np.ones(3), np.diag([3.0, 2.0, 7.0]))
    found = dv.sliced_wasserstein_distance(p, q, rng=0)
    assert found.how.startswith("Monte Carlo over")
    assert found.bracket == found.interval(0.95)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("method", METHODS, ids=str)
def test_rounding_does_not_put_the_ends_in_the_wrong_order(method, order):
    if order > 1 and isinstance(method, dv.LipschitzCritic):
        pytest.skip("the critic is of order 1")
    for features in (1, 2):
        x, y = ONE[:, :features], TWO[:, :features]
        low, high = dv.wasserstein_distance(x, y, order=order, method=method, rng=0).bracket
        assert low <= math.sqrt(features) <= high
        assert isinstance(method, dv.LipschitzCritic) or high - low < 1e-12


@pytest.mark.parametrize("method", ["auto", "exact"])
def test_constant_samples_have_notes_that_say_something(method):
    for x, y in ((ONE, TWO), (ONE, np.ones((150, 2)))):
        notes = dv.wasserstein_distance(x, y, method=method, rng=0).notes
        nothing = "Nothing was taken off the plug-in" if method == "auto" else "No bias is seen"
        assert len(notes) == 1
        assert notes[0].startswith(nothing)


@pytest.mark.parametrize("call", [dv.sliced_wasserstein_distance, dv.sinkhorn_divergence])
def test_levels_of_rounding_alone_are_not_told_as_bias(call):
    notes = call(ONE, TWO, rng=0).notes
    assert any(note.startswith("No bias is seen: two samples of one measure") for note in notes)
    assert not any("e-17" in note or "about 0" in note for note in notes)


@pytest.mark.parametrize(
    ("p", "q", "square"),
    [
        (st.norm(), st.norm(0, 2), 1.0),
        (st.norm(), st.norm(1, 2), 2.0),
        (st.laplace(), st.laplace(scale=3), 8.0),
        (st.logistic(), st.logistic(0, 2), math.pi**2 / 3),
        (st.expon(), st.expon(scale=3), 8.0),
        (st.t(3), st.t(3, scale=3), 12.0),
    ],
)
def test_the_error_that_a_quantile_integral_states_holds(p, q, square):
    found = dv.wasserstein_distance(p, q, order=2)
    stated = found.how.removeprefix("exact: quantile integral, error below ")
    assert abs(found.reading.inner - square) <= float(stated)
