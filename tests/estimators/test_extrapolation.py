"""Points beyond the other sample: how many, what rests on them, and which divergences mind."""

import math

import numpy as np
import pytest

import divergences as dv
from divergences.estimators.ratios.extrapolation import (
    beyond_reach,
    extrapolated,
    highest_believed,
    is_unbounded,
    out_of_reach,
)
from divergences.measures import as_samples

POINTS = as_samples(np.zeros((100, 1)))


def of(*sides, weights=None):
    """Samples as long as the log-ratios, which alone matter; weights of P's or none."""
    return [
        as_samples(np.zeros((len(side), 1)), weights=mass)
        for side, mass in zip(sides, (weights, None), strict=True)
    ]


def ratios(beyond, by=2.0):
    """At P's points 0, or `by` at some of them; at Q's 0."""
    at_p = np.zeros(100)
    at_p[:beyond] = by
    return at_p, np.zeros(100)


def test_beyond_is_what_exceeds_all_but_three_of_the_other():
    many = np.zeros(56)
    at_p, at_q = np.append(many, [5.0, 1.0, -1.0, -4.0]), np.append(many, [9.0, 8.0, 1.5, -6.0])
    of_p, of_q = beyond_reach(at_p, at_q, *of(at_p, at_q))
    assert of_p[56:].tolist() == [3.5, 0, 0, 0]
    assert of_q[56:].tolist() == [0, 0, 0, 6.0]
    assert not of_p[:56].any()
    assert not of_q[:56].any()


def test_of_few_points_hardly_any_are_fewer():
    # Of 20 equal in law, the three highest of one are often below a quarter of the other's.
    at_p, at_q = np.arange(20.0), np.append(np.arange(19.0), 25.0)
    assert not beyond_reach(at_p, at_q, *of(at_p, at_q))[0].any()
    for values_p, values_q, most in (
        (np.tile(at_p, 2), np.tile(at_q, 2), 0),
        (np.tile(at_p, 3), np.tile(at_q[:-1], 3), 1),
    ):
        assert beyond_reach(values_p, values_q, *of(values_p, values_q))[0].max() == most


def test_two_points_have_a_reach_too():
    two = of(np.zeros(2), np.ones(2))
    found = beyond_reach(np.zeros(2), np.ones(2), *two)
    assert [side.tolist() for side in found] == [[0, 0], [0, 0]]


def test_weights_are_points_of_the_same_place():
    rng = np.random.default_rng(0)
    at_p, at_q = rng.normal(1, 1, 200), rng.normal(0, 1, 300)
    # Each point as a pair of which either half weighs half, or one nothing to speak of.
    plain = beyond_reach(at_p, at_q, *of(at_p, at_q))
    for tiny in (1.0, 1e-12):
        pairs = np.repeat(at_p, 2)
        halves = np.tile([1.0, tiny], 200)
        weighted = beyond_reach(pairs, at_q, *of(pairs, at_q, weights=halves))
        if tiny < 1:
            np.testing.assert_allclose(weighted[1], plain[1])
        np.testing.assert_allclose(weighted[0], np.repeat(plain[0], 2))


def test_weights_that_hardly_differ_change_nothing():
    rng = np.random.default_rng(0)
    at_p, at_q = rng.normal(1, 1, 200), rng.normal(0, 1, 300)
    uneven = of(at_p, at_q, weights=rng.uniform(0.99, 1.01, 200))
    plain, found = (beyond_reach(at_p, at_q, *both) for both in (of(at_p, at_q), uneven))
    for one, other in zip(found, plain, strict=True):
        np.testing.assert_array_equal(one, other)


def test_nearly_all_is_by_mass():
    # One point in a thousand has most of the mass: of Q, hardly any is beyond it.
    at_q = np.arange(1000.0)
    at_p = np.full(1000, 400.0)
    mass = np.where(at_q == 300.0, 1.0, 1e-9)
    q, p = of(at_q, at_p, weights=mass)
    assert beyond_reach(at_p, at_q, p, q)[0].min() == 100.0


@pytest.mark.parametrize(("heavy", "told"), [(1.0, False), (10.0, True)])
def test_much_is_by_mass(heavy, told):
    at_p, at_q = ratios(10)
    weights = np.where(at_p > 0, heavy, 1.0)
    apart, notes = out_of_reach(at_p, at_q, *of(at_p, at_q, weights=weights))
    assert apart == (told, False)
    assert any("53% of p's weight lies where q has hardly any" in note for note in notes) == told


@pytest.mark.parametrize(("beyond", "told"), [(20, False), (21, True)])
def test_a_fifth_of_the_points_is_many_and_is_said(beyond, told):
    at_p, at_q = ratios(beyond)
    apart, notes = out_of_reach(at_p, at_q, POINTS, POINTS)
    assert apart == (told, False)
    assert out_of_reach(-at_q, -at_p, POINTS, POINTS)[0] == (False, told)
    assert any("21% of p's points lie where q has hardly any" in note for note in notes) == told


@pytest.mark.parametrize(("beyond", "times"), [(5, 4 / 3), (10, 2.0), (19, 20.0), (21, 1.0)])
def test_what_rests_on_extrapolation_counts_the_more_the_more_points_lie_there(beyond, times):
    at_p, at_q = ratios(beyond)
    excess = pytest.approx(beyond / 100 * 2.0 * times)
    assert extrapolated(dv.KullbackLeibler(), at_p, at_q, POINTS, POINTS) == excess
    assert extrapolated(dv.ReverseKL(), at_p, at_q, POINTS, POINTS) == 0
    assert extrapolated(dv.ReverseKL(), -at_q, -at_p, POINTS, POINTS) == excess
    softer = extrapolated(dv.JensenShannon(), at_p, at_q, POINTS, POINTS)
    per_point = (math.log(2) - math.log1p(math.exp(-2.0))) / 2
    assert softer == pytest.approx(beyond / 100 * per_point * times)


PEARSON = dv.FDivergence(lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1), name="Pearson")
NEYMAN = dv.FDivergence(lambda u: (u - 1) ** 2 / u, lambda u: 1 - u**-2.0, name="Neyman")
LE_CAM = dv.FDivergence(
    lambda u: (u - 1) ** 2 / (u + 1), lambda u: (u - 1) * (u + 3) / (u + 1) ** 2, name="Le Cam"
)


@pytest.mark.parametrize(
    ("definition", "where"),
    [
        (dv.JensenShannon(), (False, False)),
        (dv.TotalVariation(), (False, False)),
        (dv.Renyi(0.5), (False, False)),
        (dv.KullbackLeibler(), (True, False)),
        (dv.ChiSquared(), (True, False)),
        (dv.Renyi(2.0), (True, False)),
        (dv.ReverseKL(), (False, True)),
        (dv.SquaredHellinger(), (False, False)),
        (PEARSON, (True, False)),
        (NEYMAN, (False, True)),
        (LE_CAM, (False, False)),
    ],
)
def test_mass_that_the_other_lacks_makes_some_divergences_infinite(definition, where):
    assert (
        is_unbounded(definition, (True, False)),
        is_unbounded(definition, (False, True)),
    ) == where
    assert not is_unbounded(definition, (False, False))


def test_mass_out_of_reach_opens_the_interval_however_few_points_carry_it():
    # Two thirds of Q's mass, in a sixth of its points, lie where P has none.
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 1, 300), np.append(rng.uniform(0, 1, 250), rng.uniform(1, 2, 50))
    weights = np.where(y > 1, 10.0, 1.0)
    weighted, plain = (
        dv.divergence(dv.ReverseKL(), x, y, weights_q=mass, rng=0) for mass in (weights, None)
    )
    assert weighted.interval()[1] == math.inf
    assert plain.interval()[1] < math.inf


@pytest.mark.filterwarnings("error")
def test_the_probe_of_a_phi_of_ones_own_warns_of_no_points():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=300), rng.normal(0.5, 1, 300)
    found = dv.f_divergence(x, y, phi=PEARSON, method="classifier", rng=0)
    assert np.isfinite(found)


def test_each_order_of_kl_has_an_upper_end_where_the_other_sample_is():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 1, 300), rng.uniform(0, 2, 300)
    forward, backward = (
        dv.divergence(definition, x, y, rng=0)
        for definition in (dv.KullbackLeibler(), dv.ReverseKL())
    )
    low, high = forward.interval()
    assert low < math.log(2) < high < math.inf
    assert backward.interval()[1] == math.inf


def test_the_interval_of_kl_reaches_up_for_tails_that_the_other_sample_lacks():
    # The log-ratio grows like r²; nothing of the normal sample shows how far.
    rng = np.random.default_rng(1)
    x = rng.standard_normal((600, 20))
    y = rng.standard_normal((600, 20)) / np.sqrt(rng.chisquare(5, (600, 1)) / 5)
    est = dv.divergence(dv.ReverseKL(), x, y, rng=0)
    low, high = est.interval()
    assert high - est > 2 * (est - low)
    assert any("farther up than down" in note for note in est.notes)


class TestHighestBelieved:
    def test_terms_that_grow_no_faster_than_the_log_ratio_are_read_in_full(self):
        for definition in (dv.JensenShannon(), dv.KullbackLeibler(), dv.Renyi(0.5)):
            assert (
                highest_believed(
                    definition, np.full(2, 50.0), np.zeros(2), *of(np.zeros(2), np.zeros(2))
                )
                == np.inf
            )

    def test_a_term_is_at_most_e_times_that_where_q_ends(self):
        at_q = np.linspace(-3, 2, 1000)
        end = at_q[-3]
        assert highest_believed(dv.ChiSquared(), at_q, at_q, *of(at_q, at_q)) == pytest.approx(
            end + 1
        )
        assert highest_believed(dv.Renyi(5), at_q, at_q, *of(at_q, at_q)) == pytest.approx(
            end + 0.25
        )

    def test_of_samples_apart_it_is_the_number_of_points(self):
        at_p, at_q = np.full(500, 9.0), np.full(1000, -9.0)
        assert highest_believed(dv.ChiSquared(), at_p, at_q, *of(at_p, at_q)) == pytest.approx(
            np.log(1500)
        )

    def test_of_weighted_samples_it_is_their_effective_number(self):
        at_p, at_q = np.full(500, 9.0), np.full(1000, -9.0)
        p, q = of(at_p, at_q, weights=np.repeat([1.0, 1e-9], [100, 400]))
        believed = highest_believed(dv.ChiSquared(), at_p, at_q, p, q)
        assert believed == pytest.approx(np.log(1100))

    def test_an_order_that_overflows_is_refused(self):
        at_q = np.linspace(-3, 2, 1000)
        message = r"^Renyi\(1000\) takes density ratios.*Use an order of at most 76\.$"
        with pytest.raises(ValueError, match=message):
            highest_believed(dv.Renyi(1000), at_q, at_q, *of(at_q, at_q))
