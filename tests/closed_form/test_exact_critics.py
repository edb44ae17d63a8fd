"""The critic of two known measures is their log-ratio, however the value was found."""

import pickle

import numpy as np
import pytest
from scipy import stats as st

import divergences as dv

T, NORMAL = st.multivariate_t([0, 0, 0], np.eye(3), df=5), st.multivariate_normal([0, 0, 0])
PAIRS = {
    "Monte Carlo": (T, NORMAL),
    "plane": (st.multivariate_t([1, 0], np.eye(2)), st.multivariate_normal([0, 0])),
    "line": (st.norm(), st.laplace(1)),
    "formula": (st.gamma(2), st.gamma(3)),
    "sum": (st.binom(5, 0.3), st.poisson(2)),
    "endless sum": (st.skellam(1, 2), st.skellam(2, 2)),
    "equal": (NORMAL, NORMAL),
}


def log_density(law, points):
    points = points if points.shape[1] > 1 else points[:, 0]
    known = getattr(law, "logpmf", None) if hasattr(law, "pmf") else None
    return law.logpdf(points) if known is None else known(points)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("definition", [dv.JensenShannon(), dv.KullbackLeibler()])
def test_known_measures_have_the_exact_critic(definition, pair):
    found = dv.divergence(definition, *pair, rng=0)
    points = np.arange(1.0, 1.0 + 4 * found.d).reshape(4, found.d) % 5
    expected = log_density(pair[0], points) - log_density(pair[1], points)
    assert found.has_critic
    np.testing.assert_allclose(found.critic(points), expected, rtol=1e-9, atol=1e-12)
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.critic(points), found.critic(points))


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_without_density_it_is_infinite_and_without_both_there_is_no_ratio():
    found = dv.js_divergence(st.uniform(0, 1), st.uniform(0.5, 1))
    np.testing.assert_array_equal(
        found.critic([0.2, 0.7, 1.2, 2.0]), [np.inf, 0.0, -np.inf, np.nan]
    )


def test_a_discrete_and_a_continuous_measure_have_no_ratio():
    found = dv.js_divergence(st.norm(), st.poisson(1))
    assert not found.has_critic
    with pytest.raises(AttributeError, match=r"'exact: one measure is discrete .* has no critic"):
        found.critic([0.0])


def test_a_sum_without_end_is_found_by_draws_with_the_exact_critic():
    p, q = PAIRS["endless sum"]
    atoms = np.arange(-60, 61)
    mass_p, mass_q = p.pmf(atoms), q.pmf(atoms)
    middle = (mass_p + mass_q) / 2
    held = middle > 0
    truth = sum(
        float(np.sum(mass[held & (mass > 0)] * np.log((mass / middle)[held & (mass > 0)]))) / 2
        for mass in (mass_p, mass_q)
    )
    found = dv.js_divergence(p, q, rng=0)
    assert found.how.startswith("Monte Carlo with the exact critic")
    assert found.notes == ()
    # Four standard errors: a false alarm in 16,000 seeds.
    assert abs(found - truth) < 4 * found.stderr
    assert "quadrature cannot tell" in dv.kl_divergence(p, q, rng=0).notes[-1]


@pytest.mark.parametrize(("name", "axis"), [("line", "x"), ("plane", "feature 0")])
def test_it_is_drawn_at_points_of_both_measures(name, axis):
    found = dv.js_divergence(*PAIRS[name], rng=0)
    ax = found.plot()
    assert ax.get_xlabel() == axis
    assert len(ax.figure.axes) == 2
    again = found.plot()
    assert again.get_xlim() == ax.get_xlim()


def test_histograms_say_that_the_points_were_drawn():
    three = st.multivariate_normal(np.ones(3))
    label = dv.kl_divergence(three, NORMAL).plot().get_xlabel()
    assert label == "critic ln(p/q), at 1,000 draws of each"


def test_exact_transport_is_drawn_without_a_critic():
    found = dv.wasserstein_distance(st.norm(), st.norm(1))
    assert not found.has_critic
    labels = [text.get_text() for text in found.plot().get_legend().get_texts()]
    assert labels == ["P", "Q"]
