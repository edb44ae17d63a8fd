"""Engines against each other: draws against integrals, reductions against cubature, formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats as st
import torch
import torch.distributions as td

from divergences.closed_form import exact
from divergences.closed_form.gaussian import squared_bures, white_pair
from divergences.closed_form.line import ratio_on_the_line
from divergences.closed_form.monte_carlo import DRAWS, ratio_by_draws
from divergences.closed_form.plane import ratio_in_the_plane
from divergences.definitions import (
    MMD,
    ChiSquared,
    Energy,
    FDivergence,
    GaussianKernel,
    JensenShannon,
    JensenShannonDistance,
    KullbackLeibler,
    LaplacianKernel,
    RationalQuadraticKernel,
    Renyi,
    ReverseKL,
    Sinkhorn,
    SlicedWasserstein,
    SquaredHellinger,
    TotalVariation,
    Wasserstein,
)
from divergences.measures.known import as_known
from divergences.work import Run

RATIOS = [
    KullbackLeibler(),
    ReverseKL(),
    JensenShannon(),
    TotalVariation(),
    SquaredHellinger(),
    Renyi(0.5),
    ChiSquared(),
]
PAIRS = [
    (st.norm(), st.t(5, 0.5)),
    (st.gamma(2), st.lognorm(0.5)),
    (st.beta(2, 3), st.uniform()),
    (st.poisson(2), st.poisson(2.5)),
]


def ask(definition, p, q, seed=0):
    return exact(definition, as_known(p), as_known(q), Run.create(seed))


def inner(definition, p, q):
    return ask(definition, p, q)[0].inner


@pytest.mark.parametrize("definition", RATIOS, ids=lambda d: d.symbol)
@pytest.mark.parametrize(("p", "q"), PAIRS, ids=lambda x: "")
def test_draws_agree_with_the_exact_value(definition, p, q):
    # 28 checks at four standard errors: a false alarm in 0.2 % of all seeds.
    known, _ = ask(definition, p, q)
    if math.isinf(known.inner):
        return
    drawn, how = ratio_by_draws(definition, as_known(p), as_known(q), Run.create(7))
    assert how.startswith("Monte Carlo with the exact critic, ")
    # Doubled from 100,000 until the error is 0.2 % of the value, or four times.
    draws = int(how.split(", ")[1].removesuffix(" draws").replace(",", ""))
    assert draws in (DRAWS, 2 * DRAWS, 4 * DRAWS, 8 * DRAWS, 16 * DRAWS)
    assert draws == 16 * DRAWS or 0 < drawn.stderr <= 2e-3 * drawn.inner
    assert 0 < drawn.fresh.lower_bound(0.95) < drawn.inner
    assert abs(drawn.inner - known.inner) < 4 * drawn.stderr


def mixture(d):
    means = torch.stack([torch.full((d,), -1.0), torch.full((d,), 1.0)]).double()
    parts = td.MultivariateNormal(means, torch.eye(d).double())
    return td.MixtureSameFamily(td.Categorical(torch.ones(2).double()), parts)


def test_mixtures_in_three_dimensions_state_their_error():
    # Of the pair only the sum of the features differs: exactly a pair on the line.
    base = td.MultivariateNormal(torch.zeros(3).double(), torch.eye(3).double())
    reading, how = ask(JensenShannon(), mixture(3), base)
    root = math.sqrt(3)
    line = st.Mixture([st.Normal(mu=-root), st.Normal(mu=root)])
    assert how.startswith("Monte Carlo with the exact critic")
    assert 0 < reading.stderr < 1e-3
    assert abs(reading.inner - inner(JensenShannon(), line, st.norm())) < 4 * reading.stderr


@pytest.mark.parametrize("definition", [JensenShannon(), KullbackLeibler()], ids=lambda d: d.symbol)
def test_mixtures_in_the_plane_agree_with_the_line(definition):
    base = td.MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
    reading, how = ask(definition, mixture(2), base)
    line = st.Mixture([st.Normal(mu=-math.sqrt(2)), st.Normal(mu=math.sqrt(2))])
    assert how.startswith("exact: quadrature in 2-D")
    assert reading.stderr == 0
    assert reading.inner == pytest.approx(inner(definition, line, st.norm()), abs=1e-9)


def test_kinks_in_the_plane_say_the_error_that_was_reached():
    base = td.MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
    reading, how = ask(TotalVariation(), mixture(2), base)
    line = st.Mixture([st.Normal(mu=-math.sqrt(2)), st.Normal(mu=math.sqrt(2))])
    assert how.startswith("quadrature in 2-D, error about")
    assert "above the target of 1e-10" in reading.notes[0]
    stated = float(how.rsplit(" ", 1)[1])
    assert abs(reading.inner - inner(TotalVariation(), line, st.norm())) < 10 * stated < 1e-4


def test_normals_reduce_to_what_differs():
    mean = np.array([0.0, 0.0, 1.0, 0.0, 2.0])
    p, q = st.multivariate_normal(np.zeros(5)), st.multivariate_normal(mean)
    reading, how = ask(TotalVariation(), p, q)
    assert reading.inner == pytest.approx(2 * st.norm.cdf(math.sqrt(5) / 2) - 1, rel=1e-12)
    assert how.endswith("after reduction from 5 to 1 dimensions")


def test_reduction_agrees_with_the_plane():
    p = st.multivariate_normal([0.0, 0.0])
    q = st.multivariate_normal([0.0, 0.0], [[2.0, 0.0], [0.0, 2.0]])
    by_radius = inner(JensenShannon(), p, q)
    found = ratio_in_the_plane(JensenShannon(), as_known(p).family, as_known(q).family)
    assert found is not None
    assert found[0] == pytest.approx(by_radius, abs=1e-9)


def test_whitening_keeps_the_divergence():
    rng = np.random.default_rng(5)
    map_, shift = rng.normal(size=(3, 3)), rng.normal(size=3)
    cov_p, cov_q = np.diag([1.0, 2.0, 3.0]), np.eye(3) + 0.5
    pairs = [
        (st.multivariate_normal(m, c), st.multivariate_normal(n, d))
        for m, c, n, d in (
            (np.zeros(3), cov_p, np.ones(3), cov_q),
            (shift, map_ @ cov_p @ map_.T, map_ @ np.ones(3) + shift, map_ @ cov_q @ map_.T),
        )
    ]
    for definition in (KullbackLeibler(), SquaredHellinger(), Renyi(0.25)):
        before, after = (inner(definition, *pair) for pair in pairs)
        assert after == pytest.approx(before, rel=1e-10)


def test_quadrature_agrees_with_the_log_normalizer():
    for p, q in (
        (st.norm(), st.norm(1, 2)),
        (st.gamma(2), st.gamma(3, scale=0.5)),
        (st.beta(2, 3), st.beta(4, 1.5)),
        (st.vonmises(2), st.vonmises(3, loc=1)),
        (st.cauchy(), st.cauchy(1, 2)),
        (st.laplace(), st.laplace(0, 2)),
        (st.pareto(2.5), st.pareto(4)),
    ):
        for definition in (KullbackLeibler(), ReverseKL(), SquaredHellinger()):
            families = as_known(p).family, as_known(q).family
            by_integral = ratio_on_the_line(definition, *families)[0]
            assert by_integral == pytest.approx(inner(definition, p, q), rel=1e-11)


def test_a_custom_phi_agrees_with_the_catalogue():
    pearson = FDivergence(lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1), name="Pearson")
    cases = [(pearson, ChiSquared())]
    kl = FDivergence(lambda u: u * np.log(u) - u + 1, np.log, name="phi of KL")
    cases.append((kl, KullbackLeibler()))
    for custom, named in cases:
        for p, q in ((st.norm(), st.norm(1, 1.5)), (st.gamma(2), st.gamma(3)), PAIRS[3]):
            assert inner(custom, p, q) == pytest.approx(inner(named, p, q), rel=1e-10)
    # A kink away from u = 1 is found by cutting pieces in two.
    hockey = FDivergence(
        lambda u: np.maximum(u - 2, 0), lambda u: (u > 2) * 1.0, name="hockey stick"
    )
    crossing = 0.5 - math.log(2)
    truth = st.norm.cdf(crossing) - 2 * st.norm.cdf(crossing - 1)
    assert inner(hockey, st.norm(), st.norm(1)) == pytest.approx(truth, abs=1e-10)


def test_products_add_and_multiply():
    zero, one = torch.zeros(2).double(), torch.ones(2).double()
    p = td.Independent(td.Laplace(zero, one), 1)
    q = td.Independent(td.Laplace(torch.tensor([1.0, 0.0]).double(), one), 1)
    single = st.laplace(), st.laplace(1)
    for definition in (KullbackLeibler(), JensenShannon(), TotalVariation(), ChiSquared()):
        assert inner(definition, p, q) == pytest.approx(inner(definition, *single), rel=1e-12)
    both = td.Independent(td.Laplace(one, one), 1)
    assert inner(KullbackLeibler(), p, both) == pytest.approx(
        2 * inner(KullbackLeibler(), *single), rel=1e-12
    )
    wide = td.Independent(td.Laplace(zero, 2 * one), 1)
    assert inner(Wasserstein(2), p, wide) == pytest.approx(4.0, rel=1e-9)


def test_bures_of_equal_covariances_is_zero():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    covariance = root @ root.T
    assert squared_bures(covariance, covariance) < 1e-24
    pair = white_pair(as_known(st.norm()).family, as_known(st.gamma(2)).family)
    assert pair is None


def _sinkhorn_cost(x, a, y, b, epsilon):
    """OT_eps of two weighted grids, in log domain, slow and obvious."""
    cost = (x[:, None] - y[None, :]) ** 2
    f, g = np.zeros(len(x)), np.zeros(len(y))
    for _ in range(120):
        f = -epsilon * np.logaddexp.reduce(np.log(b) + (g - cost) / epsilon, axis=1)
        g = -epsilon * np.logaddexp.reduce(np.log(a)[:, None] + (f[:, None] - cost) / epsilon, 0)
    return float(a @ f + b @ g)


def test_sinkhorn_of_normals_agrees_with_a_fine_grid():
    grid = np.linspace(-9.5, 11.0, 260)
    p, q = st.norm(0, 1), st.norm(1, 1.5)
    a, b = (law.pdf(grid) / law.pdf(grid).sum() for law in (p, q))
    epsilon = 1.0
    truth = _sinkhorn_cost(grid, a, grid, b, epsilon)
    truth -= sum(_sinkhorn_cost(grid, w, grid, w, epsilon) for w in (a, b)) / 2
    assert inner(Sinkhorn(2, epsilon), p, q) == pytest.approx(truth, abs=1e-6)


def test_sliced_normals():
    base = st.multivariate_normal(np.zeros(3))
    shifted = inner(SlicedWasserstein(2), base, st.multivariate_normal(np.ones(3)))
    assert shifted == pytest.approx(1.0, rel=1e-12)
    p = st.multivariate_normal([0.0, 0.0])
    q = st.multivariate_normal([1.0, 0.0], [[4.0, 1.0], [1.0, 2.0]])
    angles = np.random.default_rng(0).uniform(0, np.pi, 40_000)
    spread = np.sqrt(4 * np.cos(angles) ** 2 + np.sin(2 * angles) + 2 * np.sin(angles) ** 2)
    terms = np.cos(angles) ** 2 + (spread - 1) ** 2
    tolerance = 4 * terms.std() / 200
    assert abs(inner(SlicedWasserstein(2), p, q) - terms.mean()) < tolerance
    wide = ask(
        SlicedWasserstein(2),
        st.multivariate_normal(np.zeros(3)),
        st.multivariate_normal(np.zeros(3), np.diag([1.0, 2.0, 3.0])),
    )
    assert wide[0].stderr > 0
    assert wide[1].startswith("Monte Carlo over")


@pytest.mark.parametrize(
    "kernel",
    [GaussianKernel(0.7), LaplacianKernel(1.5), RationalQuadraticKernel(1.0, 0.5)],
    ids=lambda kernel: type(kernel).__name__,
)
def test_kernels_agree_with_draws(kernel):
    p = as_known(st.multivariate_normal([0.0, 0.0]))
    q = as_known(st.multivariate_normal([0.5, 0.0], [[2.0, 0.5], [0.5, 1.0]]))
    rng = np.random.default_rng(3)
    x, other_x, y, other_y = (law.sample(200_000, rng) for law in (p, p, q, q))

    def k(a, b):
        return kernel.of_squared_distance(np.sum((a - b) ** 2, axis=1))

    terms = k(x, other_x) + k(y, other_y) - k(x, other_y) - k(other_x, y)
    reading, _ = exact(MMD(kernel, squared=True), p, q, Run.create(0))
    # Three checks at four standard errors: a false alarm in 0.02 % of all seeds.
    assert abs(reading.inner - terms.mean()) < 4 * terms.std() / math.sqrt(len(terms))


def test_energy_in_the_plane_agrees_with_draws():
    p = as_known(st.multivariate_normal([0.0, 0.0]))
    q = as_known(mixture(2))
    rng = np.random.default_rng(4)
    x, other_x, y, other_y = (law.sample(200_000, rng) for law in (p, p, q, q))

    def distance(a, b):
        return np.linalg.norm(a - b, axis=1)

    terms = distance(x, other_y) + distance(other_x, y) - distance(x, other_x)
    terms -= distance(y, other_y)
    reading, _ = exact(Energy(), p, q, Run.create(0))
    assert abs(reading.inner - terms.mean()) < 4 * terms.std() / math.sqrt(len(terms))


def test_sums_of_kernels_add():
    p, q = st.norm(), st.norm(1, 2)
    first, second = GaussianKernel(1.0), LaplacianKernel(2.0)
    together = inner(MMD(0.5 * first + 2.0 * second), p, q)
    apart = 0.5 * inner(MMD(first), p, q) + 2 * inner(MMD(second), p, q)
    assert together == pytest.approx(apart, rel=1e-13)


def test_smooth_kernels_on_the_line_agree_with_the_characteristic_functions():
    from divergences.closed_form.kernel import _smooth_on_the_line

    p, q = as_known(st.expon()), as_known(st.gamma(2.5))
    direct, _ = exact(MMD(GaussianKernel(1.0)), p, q, Run.create(0))
    nodes = _smooth_on_the_line(GaussianKernel(1.0), p.law, q.law)
    assert nodes[0].inner == pytest.approx(direct.inner, abs=1e-12)


def test_discrete_against_continuous_transport():
    p, q = as_known(st.binom(6, 0.5)), as_known(st.norm(3, 1.25))
    rng = np.random.default_rng(0)
    x = np.sort(p.sample(400_000, rng)[:, 0])
    y = q.quantile((np.arange(400_000) + 0.5) / 400_000)
    drawn = float(np.mean((x - y) ** 2))
    assert inner(Wasserstein(2), st.binom(6, 0.5), st.norm(3, 1.25)) == pytest.approx(
        drawn, rel=0.02
    )


def test_roots_are_roots():
    p, q = st.norm(), st.norm(1, 2)
    js = ask(JensenShannon(), p, q)[0].inner
    assert JensenShannonDistance().outer(inner(JensenShannonDistance(), p, q)) == pytest.approx(
        math.sqrt(js), rel=1e-14
    )


def test_answers_do_not_depend_on_the_workers_and_repeat():
    p, q = as_known(mixture(3)), as_known(st.multivariate_normal(np.zeros(3)))
    first, _ = exact(TotalVariation(), p, q, Run.create(1))
    again, _ = exact(TotalVariation(), p, q, Run.create(1, workers=2))
    assert first.inner == again.inner
