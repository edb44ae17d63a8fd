"""Inequalities between divergences, the triangle, data processing: exactly and on estimates."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

import divergences as dv
from tests.truths import PROBLEMS, RATIO_DEFINITIONS

few = settings(deadline=None, derandomize=True, max_examples=25, database=None)
ROUNDING = 1e-9


@st.composite
def triples(draw):
    """Three distributions on the same few points, now and then without mass on one."""
    size = draw(st.integers(2, 5))
    weights = [
        draw(hnp.arrays(np.float64, size, elements=st.sampled_from([0.0, 0.1, 0.3, 1.0, 2.5])))
        for _ in range(3)
    ]
    return [(w + 1e-3 * (w.sum() == 0)) / (w + 1e-3 * (w.sum() == 0)).sum() for w in weights]


def categorical(mass):
    return torch.distributions.Categorical(probs=torch.as_tensor(mass, dtype=torch.float64))


def exact(definition, p, q):
    found = dv.divergence(definition, p, q)
    assert found.stderr == 0
    return float(found)


@few
@given(measures=triples())
def test_bounds_between_divergences_of_discrete_measures(measures):
    p, q = (categorical(mass) for mass in measures[:2])
    h2, tv = exact(dv.SquaredHellinger(), p, q), exact(dv.TotalVariation(), p, q)
    kl, chi2 = exact(dv.KullbackLeibler(), p, q), exact(dv.ChiSquared(), p, q)
    js, renyi = exact(dv.JensenShannon(), p, q), exact(dv.Renyi(0.5), p, q)
    assert -ROUNDING <= h2 <= tv + ROUNDING
    assert tv <= math.sqrt(2 * max(h2, 0.0)) + ROUNDING
    assert tv <= math.sqrt(max(kl, 0.0) / 2) + ROUNDING  # Pinsker
    assert tv <= math.sqrt(max(-math.expm1(-kl), 0.0)) + ROUNDING  # Bretagnolle and Huber
    assert kl <= math.log1p(chi2) + ROUNDING
    assert js <= math.log(2) * tv + ROUNDING
    assert js >= tv**2 / 2 - ROUNDING
    assert renyi <= kl + ROUNDING
    if h2 < 1 - 1e-12:
        assert renyi == pytest.approx(-2 * math.log1p(-h2), abs=1e-9)


@few
@given(measures=triples())
@pytest.mark.parametrize(
    "definition",
    [dv.JensenShannonDistance(), dv.JensenShannonDistance(2), dv.TotalVariation()],
    ids=repr,
)
def test_metrics_obey_the_triangle(definition, measures):
    p, q, r = (categorical(mass) for mass in measures)
    sides = [exact(definition, *pair) for pair in ((p, q), (q, r), (r, p))]
    for side in sides:
        assert side <= sum(sides) - side + ROUNDING


def test_js_without_the_root_is_no_metric():
    """The check of the triangle has power."""
    p, q, r = (categorical(mass) for mass in ([1.0, 0.0], [0.5, 0.5], [0.0, 1.0]))
    definition = dv.JensenShannon()
    assert not definition.metric
    assert exact(definition, p, r) > exact(definition, p, q) + exact(definition, q, r)


@few
@given(measures=triples(), seed=st.integers(0, 1000))
def test_a_channel_never_raises_a_ratio_divergence(measures, seed):
    p, q = measures[:2]
    channel = np.random.default_rng(seed).dirichlet(np.full(3, 0.5), size=len(p))
    for definition in RATIO_DEFINITIONS:
        before = exact(definition, categorical(p), categorical(q))
        after = exact(definition, categorical(p @ channel), categorical(q @ channel))
        assert after <= before + ROUNDING, definition


@few
@given(measures=triples(), seed=st.integers(0, 1000))
def test_relabeling_the_points_changes_no_ratio_divergence(measures, seed):
    p, q = measures[:2]
    order = np.random.default_rng(seed).permutation(len(p))
    for definition in RATIO_DEFINITIONS:
        before = exact(definition, categorical(p), categorical(q))
        after = exact(definition, categorical(p[order]), categorical(q[order]))
        assert after == pytest.approx(before, abs=1e-12)


@pytest.mark.parametrize("definition", RATIO_DEFINITIONS, ids=repr)
def test_a_bijection_changes_no_ratio_divergence(definition):
    # exp, an affine map, and the probability transform of a shifted logistic.
    plain = exact(definition, stats.norm(0, 0.5), stats.norm(0.4, 0.5))
    lognormal = stats.lognorm(0.5), stats.lognorm(0.5, scale=math.exp(0.4))
    assert exact(definition, *lognormal) == pytest.approx(plain, rel=1e-9)
    moved = stats.norm(3, 2.5), stats.norm(5, 2.5)
    assert exact(definition, *moved) == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize("definition", RATIO_DEFINITIONS, ids=repr)
def test_independent_noise_never_raises_a_ratio_divergence(definition):
    values = [
        exact(definition, stats.norm(0, math.hypot(1, s)), stats.norm(1, math.hypot(1.5, s)))
        for s in (0.0, 0.5, 1.0, 3.0)
    ]
    assert (np.diff(values) < 0).all()


@pytest.mark.parametrize(
    ("definition", "power"),
    [(dv.Wasserstein(1), 1), (dv.Wasserstein(2), 1), (dv.Energy(), 0.5)],
    ids=repr,
)
def test_exact_distances_scale_as_declared(definition, power):
    assert definition.scaling == power
    near = exact(definition, stats.norm(0, 1), stats.norm(1, 2))
    far = exact(definition, stats.norm(0, 3), stats.norm(3, 6))
    assert far == pytest.approx(3**power * near, rel=1e-9)


@few
@given(means=st.tuples(*[st.floats(-3, 3)] * 3), scales=st.tuples(*[st.floats(0.3, 3)] * 3))
@pytest.mark.parametrize(
    "definition", [dv.Wasserstein(1), dv.Wasserstein(2), dv.Energy()], ids=repr
)
def test_exact_distances_obey_the_triangle(definition, means, scales):
    measures = [stats.norm(mean, scale) for mean, scale in zip(means, scales, strict=True)]
    sides = [exact(definition, measures[i], measures[(i + 1) % 3]) for i in range(3)]
    for side in sides:
        assert side >= 0
        assert side <= sum(sides) - side + ROUNDING


# The same on estimates, which may miss by their error bars and no more.


@pytest.mark.parametrize(
    "method", [dv.KDE(), dv.Neighbors(), dv.Classifier(folds=3)], ids=["kde", "neighbors", "fit"]
)
@pytest.mark.parametrize("name", ["shifted normals, d=1", "correlated normals, d=2"])
def test_estimates_obey_the_bounds_within_their_error(method, name):
    """4.5 standard errors of both sides: one false alarm in 40,000 runs of the six."""
    problem = next(problem for problem in PROBLEMS if problem.name == name)
    rng = np.random.default_rng(4)
    x, y = problem.p(500, rng), problem.q(500, rng)
    asked = [dv.SquaredHellinger(), dv.TotalVariation(), dv.KullbackLeibler(), dv.JensenShannon()]
    h2, tv, kl, js = dv.compare(x, y, divergences=asked, method=method, rng=0, progress=False)
    level = 1 - 7e-6

    def surely_above(lower, upper, bound):
        """Whether even the low end of one exceeds the bound at the high end of the other."""
        return lower.interval(level)[0] > bound(max(upper.interval(level)[1], 0.0))

    assert not surely_above(h2, tv, lambda v: v)
    assert not surely_above(tv, h2, lambda v: math.sqrt(2 * v))
    assert not surely_above(tv, kl, lambda v: math.sqrt(v / 2))
    assert not surely_above(js, tv, lambda v: math.log(2) * v)
    # The check has power: a quarter of the bound is refused.
    assert surely_above(tv, h2, lambda v: math.sqrt(2 * v) / 4)


@pytest.mark.parametrize(
    "method", [dv.KDE(), dv.Neighbors(), dv.Classifier(folds=3)], ids=["kde", "neighbors", "fit"]
)
def test_dropping_a_feature_never_raises_an_estimate_by_more_than_its_error(method):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 2))
    y = rng.normal(0.8, 1.0, size=(600, 2))
    for definition in (dv.JensenShannon(), dv.SquaredHellinger(), dv.KullbackLeibler()):
        both = dv.divergence(definition, x, y, method=method, rng=0)
        one = dv.divergence(definition, x[:, 0], y[:, 0], method=method, rng=0)
        assert one.interval()[0] < both.interval()[1]
        assert one < both
