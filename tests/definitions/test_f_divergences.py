"""Formulas of the density-ratio divergences: duality, convexity, ranges, bases."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from divergences.definitions import (
    ChiSquared,
    JensenShannon,
    JensenShannonDistance,
    KullbackLeibler,
    Renyi,
    ReverseKL,
    SquaredHellinger,
    TotalVariation,
)

CATALOGUE = [
    KullbackLeibler(), ReverseKL(), JensenShannon(), JensenShannonDistance(), TotalVariation(),
    SquaredHellinger(), ChiSquared(), Renyi(0.5), Renyi(0.3), Renyi(2.0), Renyi(3.5),
]  # fmt: skip
names = [repr(definition) for definition in CATALOGUE]

EXACT_PHI = {
    "KL": lambda u: u * mpmath.log(u) - u + 1,
    "reverse KL": lambda u: u - 1 - mpmath.log(u),
    "JS": lambda u: (u * mpmath.log(u) - (1 + u) * mpmath.log((1 + u) / 2)) / 2,
    "sqrt(JS)": lambda u: (u * mpmath.log(u) - (1 + u) * mpmath.log((1 + u) / 2)) / 2,
    "TV": lambda u: abs(u - 1) / 2,
    "H²": lambda u: (mpmath.sqrt(u) - 1) ** 2 / 2,
    "chi²": lambda u: (u - 1) ** 2,
}


def exact_phi(definition):
    if isinstance(definition, Renyi):
        a = mpmath.mpf(definition.alpha)
        return lambda u: (u**a - 1 - a * (u - 1)) / (a * (a - 1))
    return EXACT_PHI[definition.symbol]


log_ratios = st.floats(min_value=-30.0, max_value=30.0).filter(lambda value: abs(value) > 1e-3)


@pytest.mark.parametrize("definition", CATALOGUE, ids=names)
@settings(deadline=None, derandomize=True, max_examples=40)
@given(log_ratio=log_ratios)
def test_terms_are_those_of_the_fenchel_dual(definition, log_ratio):
    """a = phi'(u) and b = phi(u) - u phi'(u), against 50-digit arithmetic."""
    with mpmath.workdps(60):
        u = mpmath.exp(mpmath.mpf(log_ratio))
        phi = exact_phi(definition)
        slope = mpmath.diff(phi, u, h=u * mpmath.mpf(10) ** -20)
        a, b = float(slope), float(phi(u) - u * slope)
    at = np.array([log_ratio])
    assert definition.critic_p(at)[0] == pytest.approx(a, rel=1e-9, abs=1e-12)
    assert definition.critic_q(at)[0] == pytest.approx(b, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("definition", CATALOGUE, ids=names)
def test_generator_is_phi(definition):
    ratios = np.exp(np.linspace(-6, 6, 25))
    with mpmath.workdps(40):
        expected = [float(exact_phi(definition)(mpmath.mpf(u))) for u in ratios]
    assert definition.generator(ratios) == pytest.approx(expected, rel=1e-7, abs=1e-13)
    assert definition.generator(np.ones(1))[0] == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("definition", CATALOGUE, ids=names)
@settings(deadline=None, derandomize=True, max_examples=60)
@given(truth=st.floats(-15, 15), claim=st.floats(-15, 15))
def test_no_critic_beats_the_true_ratio(definition, truth, claim):
    """u a(l') + b(l') <= phi(u), with equality at l' = l: the supremum over critics."""
    u = math.exp(truth)

    def objective(log_ratio):
        at = np.array([log_ratio])
        return u * definition.critic_p(at)[0] + definition.critic_q(at)[0]

    best = objective(truth)
    slack = 1e-9 * (1 + abs(best) + abs(objective(claim)))
    assert objective(claim) <= best + slack
    assert best == pytest.approx(definition.generator(np.array([u]))[0], rel=1e-6, abs=1e-9 * u)


@pytest.mark.parametrize("definition", CATALOGUE, ids=names)
def test_what_is_trained_is_a_lower_bound_too(definition):
    """u T + T* <= phi(u) for every u and every critic, however its terms were smoothed."""
    at = np.linspace(-6, 6, 49)
    ratios = np.exp(np.linspace(-6, 6, 49))[:, np.newaxis]
    pairs = [(definition.trained_p(at), definition.trained_q(at))]
    pairs += [pair for pair in [definition.activated(at)] if pair is not None]
    for first, second in pairs:
        bound, most = ratios * first + second, definition.generator(ratios)
        assert (bound <= most + 1e-9 * (1 + np.abs(most))).all()


@pytest.mark.parametrize("definition", CATALOGUE, ids=names)
def test_what_is_trained_has_a_slope_everywhere(definition):
    leaf = torch.linspace(-4, 4, 30, dtype=torch.float64, requires_grad=True)
    values = [definition.trained_p(leaf), -definition.trained_q(leaf)]
    if definition.activated(leaf) is not None:
        values.append(definition.activated(leaf)[0])
    for increasing in values:
        assert (torch.autograd.grad(increasing.sum(), leaf)[0] > 0).all()
    at_p, at_q = leaf, leaf.detach().flip(0).requires_grad_()
    total = sum(term.sum() for term in definition.loss_terms(at_p, at_q))
    slopes = torch.autograd.grad(total, (at_p, at_q))
    assert any((slope != 0).all() for slope in slopes)


@pytest.mark.parametrize("definition", CATALOGUE, ids=names)
def test_numpy_and_torch_compute_the_same(definition):
    log_ratio = np.linspace(-20, 20, 41)
    for part in ("critic_p", "critic_q", "trained_p", "trained_q"):
        found = getattr(definition, part)(torch.as_tensor(log_ratio))
        assert found.dtype == torch.float64
        np.testing.assert_allclose(found, getattr(definition, part)(log_ratio), rtol=1e-13)


@pytest.mark.parametrize("definition", CATALOGUE, ids=names)
def test_terms_are_finite_wherever_doubles_reach(definition):
    # Log-ratios of +-700 come from well separated samples. Only true overflow may be infinite.
    log_ratio = np.array([-700.0, -100.0, 0.0, 100.0, 700.0])
    with np.errstate(over="ignore"):
        for values in (definition.critic_p(log_ratio), definition.critic_q(log_ratio)):
            assert not np.isnan(values).any()
            assert np.isfinite(values[1:4]).all()


@pytest.mark.parametrize("definition", CATALOGUE, ids=names)
def test_outer_increases_and_keeps_zero(definition):
    inner = np.linspace(0.0, 0.7, 15)
    outer = [definition.outer(float(value)) for value in inner]
    assert outer[0] == 0.0
    assert (np.diff(outer) > 0).all()
    tensor = definition.outer(torch.as_tensor(inner))
    np.testing.assert_allclose(tensor, outer, rtol=1e-13)


def test_renyi_outer_inverts_its_f_divergence():
    # N(0,1) and N(1,1): E_Q[(p/q)^a] = exp(a (a - 1)/2), Renyi = a/2.
    for alpha in (0.3, 0.5, 2.0, 3.5):
        inner = (math.exp(alpha * (alpha - 1) / 2) - 1) / (alpha * (alpha - 1))
        assert Renyi(alpha).outer(inner) == pytest.approx(alpha / 2)
        assert Renyi(alpha, 2).outer(inner) == pytest.approx(alpha / 2 / math.log(2))


def test_renyi_is_infinite_where_the_affinity_is_gone():
    assert Renyi(0.5).outer(4.0) == math.inf
    assert Renyi(0.5).outer(5.0) == math.inf


@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        (KullbackLeibler, "bits"),
        (ReverseKL, "bits"),
        (JensenShannon, "bits"),
        (JensenShannonDistance, "bits^(1/2)"),
    ],
)
def test_base_two_is_bits(kind, unit):
    assert kind(2).unit == unit
    assert kind().unit == unit.replace("bits", "nats")
    root = kind is JensenShannonDistance
    expected = 1 / math.sqrt(math.log(2)) if root else 1 / math.log(2)
    assert kind(2).outer(1.0) == pytest.approx(expected)


def test_bounded_divergences_end_at_their_range():
    # Disjoint measures: l = +inf on P, -inf on Q.
    far = np.array([np.inf])
    for definition, top in [
        (JensenShannon(), math.log(2)),
        (JensenShannon(2), 1.0),
        (JensenShannonDistance(), math.sqrt(math.log(2))),
        (JensenShannonDistance(2), 1.0),
        (TotalVariation(), 1.0),
        (SquaredHellinger(), 1.0),
    ]:
        inner = definition.critic_p(far)[0] + definition.critic_q(-far)[0]
        assert inner == pytest.approx(definition.inner_maximum)
        assert definition.outer(float(inner)) == pytest.approx(top)
        assert definition.maximum == pytest.approx(top)


@pytest.mark.parametrize("definition", CATALOGUE, ids=names)
def test_declared_symmetry_is_that_of_phi(definition):
    ratios = np.exp(np.linspace(-4, 4, 33))
    swapped = ratios * definition.generator(1 / ratios)
    same = np.allclose(definition.generator(ratios), swapped, rtol=1e-9, atol=1e-12)
    assert definition.symmetric == same


@pytest.mark.parametrize("definition", CATALOGUE, ids=names)
def test_definitions_are_values(definition):
    import copy
    import pickle

    twin = pickle.loads(pickle.dumps(definition))
    assert twin == definition == copy.deepcopy(definition)
    assert hash(twin) == hash(definition)
    assert len({definition, twin}) == 1
    assert repr(definition).startswith(type(definition).__name__)
    assert definition.symbol
    assert definition.title
    assert definition.scaling == 0.0
    with pytest.raises(AttributeError):
        definition.base = 3
