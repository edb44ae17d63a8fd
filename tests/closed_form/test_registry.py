"""The registry: who answers, what is refused, how a formula of one's own is added."""

from __future__ import annotations

import math

import pytest
import scipy.stats as st
import torch
import torch.distributions as td

import divergences as dv
from divergences.closed_form import exact, register, registry
from divergences.definitions import (
    MMD,
    JensenShannon,
    KullbackLeibler,
    Renyi,
    Sinkhorn,
    TotalVariation,
    Wasserstein,
)
from divergences.errors import NoClosedFormError
from divergences.estimate import Reading
from divergences.measures import families as f
from divergences.measures.known import as_known
from divergences.work import Run


def ask(definition, p, q):
    return exact(definition, as_known(p), as_known(q), Run.create(0))


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(registry, "_FORMULAS", dict(registry._FORMULAS))
    return register


class Spike(td.Normal):
    """A user's distribution."""


def test_a_user_registers_a_pair_of_own_distributions(registered):
    @registered(KullbackLeibler, Spike)
    def spikes(definition, p, q, run):
        return Reading(float(p.source.scale / q.source.scale), 0.0), "exact: spikes"

    zero = torch.tensor(0.0, dtype=torch.float64)
    p, q = Spike(zero, 6.0), Spike(zero, 2.0)
    estimate = dv.kl_divergence(p, q)
    assert float(estimate) == 3.0
    assert estimate.how == "exact: spikes"
    # Other divergences and other pairs go their usual way.
    assert dv.total_variation(p, q).how.startswith("exact: quadrature in 1-D")
    assert dv.kl_divergence(td.Normal(0.0, 6.0), td.Normal(0.0, 2.0)).how != "exact: spikes"


def test_a_family_can_be_registered_and_may_pass(registered):
    @registered(Wasserstein, f.Laplace, f.Laplace)
    def only_first_order(definition, p, q, run):
        return (Reading(7.0, 0.0), "exact: mine") if definition.order == 1 else None

    assert ask(Wasserstein(1), st.laplace(), st.laplace(0, 2))[0].inner == 7
    assert ask(Wasserstein(2), st.laplace(), st.laplace(0, 2))[1].startswith("exact: quantile")


def test_the_nearest_pair_wins(registered):
    @registered(JensenShannon, f.Line)
    def general(definition, p, q, run):
        return Reading(1.0, 0.0), "general"

    @registered(JensenShannon, f.Normal)
    def special(definition, p, q, run):
        return Reading(2.0, 0.0), "special"

    assert ask(JensenShannon(), st.norm(), st.norm(1))[1] == "special"
    assert ask(JensenShannon(), st.norm(), st.cauchy())[1] == "general"


def test_equal_measures_are_at_distance_zero():
    for definition in (KullbackLeibler(), TotalVariation(), Wasserstein(2), Sinkhorn(), MMD()):
        reading, how = ask(definition, td.Cauchy(0.0, 1.0), st.cauchy())
        assert reading.inner == 0
        assert how == "exact: the measures are equal"


def test_torch_and_scipy_objects_mix():
    mixed = ask(JensenShannon(), td.Gamma(2.0, 1.0), st.norm())[0].inner
    assert mixed == ask(JensenShannon(), st.gamma(2), td.Normal(0.0, 1.0))[0].inner
    new = ask(JensenShannon(), st.Normal(), st.gamma(2))[0].inner
    assert new == pytest.approx(mixed, rel=1e-12)


REFUSALS = [
    (
        Wasserstein(1),
        st.multivariate_normal([0, 0]),
        st.multivariate_normal([0, 0], 2),
        NoClosedFormError,
        r"No exact Wasserstein distance \(W1\) is known between MultivariateNormal.*Draw samples "
        r"from them and pass those, or register a formula with",
    ),
    (
        KullbackLeibler(),
        st.norm(),
        st.multivariate_normal([0, 0]),
        ValueError,
        r"p = Normal\(0, 1\) has 1 and q = MultivariateNormal.* has 2",
    ),
    (Sinkhorn(), st.norm(), st.norm(1), NoClosedFormError, 'epsilon="auto" follows the samples'),
    (MMD(), st.norm(), st.norm(1), NoClosedFormError, 'bandwidth="median" follows the samples'),
    (
        Wasserstein(1),
        st.cauchy(),
        st.t(1),
        NoClosedFormError,
        "Both measures have the same heavy tail",
    ),
    (
        KullbackLeibler(),
        st.alpha(3.5),
        st.norm(),
        NoClosedFormError,
        r"The quadrature did not converge .* the divergence may be infinite",
    ),
    (
        KullbackLeibler(),
        st.zipf(3),
        st.zipf(4),
        NoClosedFormError,
        "does not end within .* of them",
    ),
    (
        Wasserstein(1),
        td.RelaxedBernoulli(torch.tensor(0.5), torch.tensor(0.4)),
        st.uniform(),
        NoClosedFormError,
        "has no .*cdf in torch",
    ),
]


@pytest.mark.parametrize(("definition", "p", "q", "error", "message"), REFUSALS, ids=lambda x: "")
def test_refusals_say_what_to_do(definition, p, q, error, message):
    with pytest.raises(error, match=message):
        ask(definition, p, q)


def test_how_names_the_engine():
    words = {
        ask(KullbackLeibler(), st.gamma(2), st.gamma(3))[1],
        ask(KullbackLeibler(), st.binom(5, 0.5), st.binom(5, 0.25))[1].split(",")[0],
        ask(KullbackLeibler(), st.norm(), st.laplace())[1].split(",")[0],
        ask(Wasserstein(2), st.norm(), st.norm(1, 2))[1].split(",")[0],
        ask(Wasserstein(1), st.norm(), st.norm(1))[1],
    }
    assert words == {
        "exact: log-normalizer of Gamma",
        "exact: sum over atoms",
        "exact: quadrature in 1-D",
        "exact: quantile integral",
        "exact: a shift",
    }


def test_the_unit_of_the_logarithm_is_kept():
    nats = dv.renyi_divergence(st.norm(), st.norm(2), alpha=0.5)
    bits = dv.renyi_divergence(st.norm(), st.norm(2), alpha=0.5, base=2)
    assert float(nats) == pytest.approx(1.0, rel=1e-14)
    assert float(bits) == pytest.approx(1 / math.log(2), rel=1e-14)
    assert ask(Renyi(0.5, 2), st.norm(), st.norm(2))[0].stderr == 0
