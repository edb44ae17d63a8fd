"""Infinite where it is infinite: told from the tails, never from a quadrature that fails."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats as st
import torch
import torch.distributions as td

from divergences.closed_form import exact
from divergences.definitions import (
    ChiSquared,
    Energy,
    FDivergence,
    JensenShannon,
    KullbackLeibler,
    Renyi,
    ReverseKL,
    SlicedWasserstein,
    SquaredHellinger,
    TotalVariation,
    Wasserstein,
)
from divergences.measures.known import as_known
from divergences.work import Run

NEYMAN = FDivergence(lambda u: (u - 1) ** 2 / u, lambda u: 1 - u**-2.0, name="Neyman")
MIXTURE = st.Mixture([st.Normal(sigma=1), st.Normal(mu=1, sigma=2)])


def value(definition, p, q):
    reading, how = exact(definition, as_known(p), as_known(q), Run.create(0))
    assert reading.stderr == 0
    return (definition.outer(reading.inner) if reading.value is None else reading.value), how


INFINITE = [
    (KullbackLeibler(), st.uniform(0, 2), st.uniform(0, 1)),
    (KullbackLeibler(), st.norm(), st.uniform()),
    (KullbackLeibler(), st.cauchy(), st.norm()),
    (KullbackLeibler(), st.t(2), st.norm()),
    (KullbackLeibler(), st.pareto(1), st.expon(1)),
    (KullbackLeibler(), st.pareto(2), st.pareto(2, scale=2)),
    (KullbackLeibler(), st.poisson(2), st.binom(10, 0.2)),
    (KullbackLeibler(), st.bernoulli(0.5), st.bernoulli(1.0)),
    (KullbackLeibler(), st.norm(), st.poisson(2)),
    (KullbackLeibler(), st.multivariate_t([0, 0], df=2), st.multivariate_normal([0, 0])),
    (ReverseKL(), st.norm(), st.cauchy()),
    (ReverseKL(), st.uniform(0, 1), st.uniform(0, 2)),
    (ChiSquared(), st.norm(0, 2), st.norm(0, 1)),
    (ChiSquared(), st.norm(0, math.sqrt(2)), st.norm(0, 1)),
    (ChiSquared(), st.expon(scale=2), st.expon(scale=1)),
    (ChiSquared(), st.laplace(), st.norm()),
    (ChiSquared(), st.gamma(0.5), st.gamma(1)),
    (ChiSquared(), st.beta(0.5, 2), st.uniform()),
    (ChiSquared(), st.beta(2, 0.5), st.uniform()),
    (ChiSquared(), st.weibull_min(0.7), st.expon()),
    (ChiSquared(), st.lognorm(1), st.expon()),
    (ChiSquared(), st.pareto(1), st.pareto(2)),
    (ChiSquared(), st.t(1), st.t(3)),
    (ChiSquared(), st.geom(0.5), st.geom(0.75)),
    (ChiSquared(), st.geom(0.5, -1), st.poisson(2)),
    (ChiSquared(), MIXTURE, st.norm()),
    (ChiSquared(), st.gumbel_r(), st.norm()),
    (ChiSquared(), st.dirichlet([1, 2, 3]), st.dirichlet([2, 2, 2])),
    (ChiSquared(), st.multivariate_normal([0, 0], 2), st.multivariate_normal([0, 0])),
    (ChiSquared(), st.multivariate_t([0, 0], df=2), st.multivariate_normal([0, 0])),
    (Renyi(3), st.norm(0, 1.5), st.norm(0, 1)),
    (Renyi(2), st.uniform(0, 2), st.uniform(0, 1)),
    (Renyi(0.5), st.uniform(0, 1), st.uniform(2, 1)),
    (Renyi(0.5), st.bernoulli(0.0), st.bernoulli(1.0)),
    (Renyi(0.5), st.norm(), st.poisson(1)),
    (NEYMAN, st.norm(), st.laplace()),
    (NEYMAN, st.multivariate_normal([0, 0]), st.multivariate_normal([1, 0], 3)),
    (Wasserstein(1), st.cauchy(), st.norm()),
    (Wasserstein(1), st.cauchy(), st.cauchy(0, 2)),
    (Wasserstein(2), st.t(2), st.norm()),
    (Wasserstein(2), st.pareto(2), st.expon()),
    (Wasserstein(2), st.multivariate_t([0, 0], df=2), st.multivariate_t([0, 0], 2, df=2)),
    (SlicedWasserstein(1), st.cauchy(), st.norm()),
    (Energy(), st.pareto(0.5), st.norm()),
]


@pytest.mark.parametrize(("definition", "p", "q"), INFINITE, ids=lambda x: "")
def test_infinite(definition, p, q):
    found, how = value(definition, p, q)
    assert found == math.inf
    assert how.startswith("exact: ")


FINITE = [
    (KullbackLeibler(), st.t(2.5), st.norm(), None),
    (KullbackLeibler(), st.lognorm(1), st.norm(), None),
    (KullbackLeibler(), st.norm(), st.cauchy(), 0.2592445324884668),
    (KullbackLeibler(), st.uniform(0, 1), st.uniform(0, 2), math.log(2)),
    (ChiSquared(), st.norm(0, 1.25), st.norm(0, 1), 1.25**-1 / math.sqrt(2 - 1.25**2) - 1),
    (ChiSquared(), st.gamma(0.75), st.gamma(1), math.gamma(0.5) / math.gamma(0.75) ** 2 - 1),
    (ChiSquared(), st.uniform(0, 1), st.uniform(0, 2), 1.0),
    (Energy(), st.cauchy(), st.norm(), None),
    (Wasserstein(1), st.cauchy(), st.cauchy(3), 3.0),
    (Wasserstein(4), st.t(2), st.t(2, 1), 1.0),
    (Wasserstein(2), st.pareto(2.5), st.pareto(4), None),
]


@pytest.mark.parametrize(("definition", "p", "q", "expected"), FINITE, ids=lambda x: "")
def test_just_finite(definition, p, q, expected):
    found, _ = value(definition, p, q)
    assert math.isfinite(found)
    assert found > 0
    if expected is not None:
        assert found == pytest.approx(expected, rel=1e-10)


DISJOINT = [(st.uniform(0, 1), st.uniform(2, 1)), (st.norm(), st.poisson(2))]


@pytest.mark.parametrize(("p", "q"), DISJOINT, ids=["uniform", "discrete"])
def test_singular_measures_reach_the_upper_end(p, q):
    for definition, limit in (
        (JensenShannon(), math.log(2)),
        (TotalVariation(), 1.0),
        (SquaredHellinger(), 1.0),
    ):
        assert value(definition, p, q)[0] == pytest.approx(limit, rel=1e-15)


def test_unknown_tails_are_said():
    reading, _ = exact(
        KullbackLeibler(), as_known(st.gumbel_l()), as_known(st.norm()), Run.create(0)
    )
    assert "How fast the densities fall is not known here" in reading.notes[0]
    bounded, _ = exact(JensenShannon(), as_known(st.gumbel_l()), as_known(st.norm()), Run.create(0))
    assert bounded.notes == ()


def test_energy_of_cauchy_says_that_its_mean_is_infinite():
    reading, _ = exact(Energy(), as_known(st.cauchy()), as_known(st.norm()), Run.create(0))
    assert reading.notes[0].startswith("E|X - Y| is infinite; the value is that of twice")


def test_far_measures_keep_their_digits():
    far = td.Normal(torch.tensor(40.0, dtype=torch.float64), 1.0)
    near = td.Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
    assert value(Renyi(0.5), near, far)[0] == pytest.approx(400, rel=1e-14)
    assert value(Renyi(2), near, far)[0] == pytest.approx(1600, rel=1e-14)
    assert value(Renyi(0.5), st.laplace(), st.laplace(200))[0] == pytest.approx(
        200 - 2 * math.log(101), rel=1e-11
    )
    assert value(KullbackLeibler(), near, far)[0] == 800
    assert value(JensenShannon(), near, far)[0] == pytest.approx(math.log(2), rel=1e-13)


def test_close_measures_keep_their_digits():
    near, close = st.norm(1e6, 1), st.norm(1e6 + 2.0**-10, 1)
    assert value(KullbackLeibler(), near, close)[0] == pytest.approx(2.0**-21, rel=1e-13)
    assert value(JensenShannon(), near, close)[0] == pytest.approx(2.0**-23, rel=1e-5)
    assert value(Wasserstein(1), near, close)[0] == 2.0**-10
    assert np.isfinite(value(Energy(), near, close)[0])
