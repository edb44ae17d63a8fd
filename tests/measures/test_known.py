"""Distributions of torch and scipy as known measures."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats as st
import torch
import torch.distributions as td

from divergences.measures import families as f
from divergences.measures.known import Known, as_known, is_known
from divergences.measures.multivariate import (
    Dirichlet,
    MultivariateNormal,
    MultivariateT,
    NormalMixture,
    Product,
)


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


EYE = torch.eye(3, dtype=torch.float64)
PAIRS = [
    (td.Normal(tensor(1.0)[0], tensor(2.0)[0]), st.norm(1, 2), f.Normal),
    (td.Laplace(1.0, 2.0), st.laplace(1, 2), f.Laplace),
    (td.Exponential(0.5), st.expon(scale=2), f.Exponential),
    (td.Uniform(1.0, 3.0), st.uniform(1, 2), f.Uniform),
    (td.Gamma(2.5, 0.5), st.gamma(2.5, scale=2), f.Gamma),
    (td.Chi2(3.0), st.chi2(3), f.Gamma),
    (td.Beta(2.0, 3.0), st.beta(2, 3), f.Beta),
    (td.LogNormal(0.0, 0.5), st.lognorm(0.5), f.LogNormal),
    (td.Weibull(2.0, 1.5), st.weibull_min(1.5, scale=2), f.Weibull),
    (td.Pareto(2.0, 3.0), st.pareto(3, scale=2), f.Pareto),
    (td.Cauchy(1.0, 2.0), st.cauchy(1, 2), f.Cauchy),
    (td.StudentT(3.0, 1.0, 2.0), st.t(3, 1, 2), f.StudentT),
    (td.VonMises(1.0, 2.0), st.vonmises(2, loc=1), f.VonMises),
    (td.Bernoulli(0.25), st.bernoulli(0.25), f.Bernoulli),
    (td.Poisson(2.0), st.poisson(2), f.Poisson),
    (td.Binomial(5, tensor(0.25)[0]), st.binom(5, 0.25), f.Binomial),
    (td.NegativeBinomial(3, tensor(0.25)[0]), st.nbinom(3, 0.75), f.NegativeBinomial),
    (td.Geometric(0.25), st.geom(0.25, -1), f.Geometric),
    (td.Gumbel(1.0, 2.0), st.gumbel_r(1, 2), f.OtherLine),
    (td.HalfNormal(2.0), st.halfnorm(0, 2), f.OtherLine),
    (
        td.MultivariateNormal(tensor(0, 1, 2), EYE),
        st.multivariate_normal([0, 1, 2]),
        MultivariateNormal,
    ),
    (td.Dirichlet(tensor(1, 2, 3)), st.dirichlet([1, 2, 3]), Dirichlet),
    (td.Normal(0.0, 1.0), st.Normal(mu=0, sigma=1), f.Normal),
    (td.Uniform(1.0, 3.0), st.Uniform(a=1, b=3), f.Uniform),
]
GENERIC = [
    td.Kumaraswamy(2.0, 3.0),
    td.TransformedDistribution(td.Normal(0.0, 1.0), [td.transforms.ExpTransform()]),
    td.OneHotCategorical(torch.ones(3)),
    td.Multinomial(4, torch.ones(3)),
    td.LogisticNormal(torch.zeros(2), torch.ones(2)),
    td.RelaxedBernoulli(torch.tensor(0.5), torch.tensor(0.4)),
    st.gumbel_l(),
    st.zipf(3),
    st.multinomial(3, [0.25, 0.75]),
    st.multivariate_t([0, 1], df=3),
    st.gaussian_kde([1.0, 2.0, 4.0]),
    st.rv_histogram(np.histogram([1, 2, 2, 3, 4], bins=4))(),
    st.make_distribution(st.gamma)(a=2.0),
    abs(st.Normal()),
    st.Mixture([st.Normal(), st.Uniform(a=0, b=1)]),
]


def shown(value):
    # The same in every process: addresses are not.
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


@pytest.mark.parametrize(("of_torch", "of_scipy", "family"), PAIRS, ids=shown)
def test_both_libraries_give_one_family(of_torch, of_scipy, family):
    first, second = as_known(of_torch), as_known(of_scipy)
    assert isinstance(first.family, family)
    assert first.d == second.d
    assert first.discrete == second.discrete
    points = second.sample(50, rng=1)
    np.testing.assert_allclose(first.log_density(points), second.log_density(points), rtol=1e-6)


@pytest.mark.parametrize("measure", [m for pair in PAIRS for m in pair[:2]] + GENERIC, ids=shown)
def test_samples_are_reproducible_and_have_density(measure):
    known = as_known(measure)
    state = torch.get_rng_state()
    legacy = np.random.get_state()[1].copy()  # noqa: NPY002
    points = known.sample(40, rng=3)
    assert points.shape == (40, known.d)
    assert points.dtype == np.float64
    np.testing.assert_array_equal(points, known.sample(40, rng=np.random.default_rng(3)))
    assert (points != known.sample(40, rng=4)).any()
    assert np.isfinite(known.log_density(points)).all()
    assert torch.equal(state, torch.get_rng_state())
    np.testing.assert_array_equal(legacy, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: shown(pair[1]))
def test_densities_agree_with_scipy(pair):
    known, frozen = as_known(pair[1]), pair[1]
    points = known.sample(30, rng=0)
    log = frozen.logpmf if known.discrete else frozen.logpdf
    expected = log(points.T) if isinstance(known.family, Dirichlet) else log(points)
    np.testing.assert_allclose(
        known.log_density(points), np.reshape(expected, 30), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("pair", PAIRS[:14], ids=lambda pair: shown(pair[1]))
def test_outside_the_support_the_log_density_is_minus_infinity(pair):
    for measure in pair[:2]:
        known = as_known(measure)
        low, high = known.support
        outside = [x for x in (low - 1, high + 1) if np.isfinite(x)]
        values = known.log_density(outside) if outside else np.array([])
        assert (values == -np.inf).all()


def test_points_between_atoms_have_no_mass():
    for measure in (
        td.Poisson(2.0),
        td.Bernoulli(0.25),
        td.Categorical(torch.ones(3)),
        st.binom(5, 0.5),
    ):
        known = as_known(measure)
        assert known.discrete
        np.testing.assert_array_equal(known.log_density([0.5, -1.0]), [-np.inf, -np.inf])


@pytest.mark.parametrize("pair", PAIRS[:13], ids=lambda pair: shown(pair[1]))
def test_sample_follows_the_cdf(pair):
    # 26 checks at one in a thousand: a false alarm in 2.6 % of all seeds.
    for measure in pair[:2]:
        known = as_known(measure)
        points = known.sample(2_000, rng=11)[:, 0]
        assert st.kstest(points, known.cdf).pvalue > 1e-3


@pytest.mark.parametrize("concentration", [2.0, 60.0])
@pytest.mark.parametrize("loc", [0.0, 1.0, 3.0])
def test_von_mises_lives_on_one_turn(loc, concentration):
    known = as_known(st.vonmises(concentration, loc=loc))
    assert known.support == (-np.pi, np.pi)
    levels = np.array([0.001, 0.3, 0.9])
    np.testing.assert_allclose(known.cdf(known.quantile(levels)), levels, rtol=0, atol=1e-14)
    # Against a sum of the density: scipy's own function is right to seven digits only.
    grid = np.linspace(-np.pi, 0.5, 200_001)
    density = np.exp(known.log_density(grid))
    area = (density.sum() - (density[0] + density[-1]) / 2) * (grid[1] - grid[0])
    assert float(known.cdf(0.5)) == pytest.approx(area, abs=1e-8)


def test_quantiles_of_a_mixture_invert_its_cdf():
    known = as_known(
        st.Mixture([st.Normal(mu=-2), st.Normal(mu=3, sigma=0.5)], weights=[0.25, 0.75])
    )
    assert isinstance(known.family, NormalMixture)
    levels = np.array([1e-12, 1e-3, 0.25, 0.5, 0.999])
    np.testing.assert_allclose(known.cdf(known.quantile(levels)), levels, rtol=1e-10)


def test_independent_features_are_one_measure():
    base = td.Laplace(torch.zeros(2), torch.ones(2))
    known = as_known(td.Independent(base, 1))
    assert isinstance(known.family, Product)
    assert repr(known) == "Product(Laplace(0, 1), Laplace(0, 1))"
    points = known.sample(5, rng=0)
    expected = base.log_prob(torch.as_tensor(points)).sum(1).numpy()
    np.testing.assert_allclose(known.log_density(points), expected, rtol=1e-6)
    normals = as_known(td.Independent(td.Normal(torch.zeros(2), torch.ones(2)), 1))
    assert isinstance(normals.family, MultivariateNormal)


@pytest.mark.parametrize(
    "components",
    [
        td.Normal(torch.tensor([0.0, 2.0]), torch.ones(2)),
        td.MultivariateNormal(torch.zeros(2, 3), torch.eye(3)),
        td.Independent(td.Normal(torch.zeros(2, 3), torch.ones(2, 3)), 1),
    ],
    ids=shown,
)
def test_mixtures_of_normals_are_normal_mixtures(components):
    mixture = td.MixtureSameFamily(td.Categorical(torch.tensor([0.25, 0.75])), components)
    known = as_known(mixture)
    assert isinstance(known.family, NormalMixture)
    points = known.sample(10, rng=0)
    at = torch.as_tensor(points if known.d > 1 else points[:, 0])
    np.testing.assert_allclose(known.log_density(points), mixture.log_prob(at), rtol=1e-5)


def test_a_multivariate_measure_with_one_feature_is_on_the_line():
    assert isinstance(as_known(st.multivariate_normal([1.0], [[4.0]])).family, f.Normal)
    assert isinstance(as_known(st.multivariate_t([1.0], [[4.0]], df=3)).family, f.StudentT)
    assert isinstance(as_known(st.multivariate_t([0, 0], df=np.inf)).family, MultivariateNormal)
    assert isinstance(as_known(st.multivariate_t([0, 0], df=2)).family, MultivariateT)


def test_a_subclass_is_not_taken_for_its_parent():
    class Shifted(td.Normal):
        def log_prob(self, value):
            return super().log_prob(value - 1)

    known = as_known(Shifted(0.0, 1.0))
    assert isinstance(known.family, f.OtherLine)
    assert known.log_density([1.0])[0] == pytest.approx(-0.9189385332)


@pytest.mark.parametrize(
    ("measure", "shown"),
    [
        (st.norm(0, 1), "Normal(0, 1)"),
        (st.gamma(2, scale=3), "Gamma(2, 3)"),
        (st.gamma(2, loc=1), "Gamma(2, 1, 1)"),
        (st.gumbel_r(1, 2), "gumbel_r(1, 2)"),
        (td.Dirichlet(torch.ones(2)), "Dirichlet([1., 1.])"),
        (
            td.MultivariateNormal(torch.zeros(3), torch.eye(3)),
            "MultivariateNormal([0., 0., 0.], <3x3>)",
        ),
        (td.Kumaraswamy(1.0, 2.0), "Kumaraswamy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_repr(measure, shown):
    assert repr(as_known(measure)) == shown


def test_known_passes_through():
    known = as_known(st.norm(0, 1))
    assert as_known(known) is known
    assert isinstance(known, Known)
    assert is_known(known)


@pytest.mark.parametrize("other", [[1, 2], np.zeros(3), "norm", None, torch.zeros(3), len])
def test_other_things_are_not_known(other):
    assert not is_known(other)
    with pytest.raises(
        TypeError, match=r"p must be a distribution of torch\.distributions or a frozen"
    ):
        as_known(other)


REFUSALS = [
    (st.norm, TypeError, r"q must be a frozen distribution, not scipy\.stats\.norm without"),
    (
        st.multivariate_normal,
        TypeError,
        r"not scipy\.stats\.multivariate_normal without parameters",
    ),
    (st.norm([0, 1]), ValueError, r"the parameters of norm are arrays\. Independent features are"),
    (st.Normal(mu=[0, 1]), ValueError, r"the parameters of Normal are arrays"),
    (st.norm(0, -1), ValueError, r"norm does not accept shapes, loc and scale of \(0, -1\)"),
    (st.gamma(-1), ValueError, r"gamma does not accept shapes, loc and scale of \(-1, 0, 1\)"),
    (st.uniform_direction(3), TypeError, r"uniform_direction, which has no density that can be"),
    (
        st.wishart(3, np.eye(2)),
        TypeError,
        r"q must have points that are vectors, but scipy\.stats\.wishart",
    ),
    (
        st.multivariate_normal([0, 0], [[1, 1], [1, 1]], allow_singular=True),
        ValueError,
        r"q must have a density, but its covariance is not positive definite",
    ),
    (
        td.Normal(torch.zeros(2), 1.0),
        ValueError,
        r"Normal is a batch of shape \(2,\).*use torch\.distributions\.Independent\(\.\.\., 1\)",
    ),
    (td.LKJCholesky(3), ValueError, r"draws arrays of shape \(3, 3\)\. Flatten its samples"),
]


@pytest.mark.parametrize(("measure", "error", "message"), REFUSALS, ids=lambda value: "")
def test_refusals_say_what_to_do(measure, error, message):
    assert is_known(measure)
    with pytest.raises(error, match=message):
        as_known(measure, name="q")


def test_a_distribution_without_density_is_refused():
    class Silent(td.Distribution):
        support = td.constraints.real

        def sample(self, sample_shape=()):
            return torch.zeros(sample_shape)

    with pytest.raises(
        TypeError, match="p is a Silent, which has no density that can be evaluated"
    ):
        as_known(Silent(validate_args=False))


def test_nan_density_inside_the_support_is_an_error():
    class Broken(td.Distribution):
        support = td.constraints.real

        def sample(self, sample_shape=()):
            return torch.zeros(sample_shape)

        def log_prob(self, value):
            return value / value

    with pytest.raises(ValueError, match="log_prob of p is NaN at 1 of 1 points of its support"):
        as_known(Broken(validate_args=False))


def test_points_of_the_wrong_width_are_refused():
    known = as_known(st.multivariate_normal([0, 1]))
    with pytest.raises(ValueError, match=r"points must have shape \(k, 2\) for MultivariateNormal"):
        known.log_density(np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"cdf needs a measure in one dimension, but .* has 2"):
        known.cdf(0.0)
    with pytest.raises(ValueError, match="n must be a whole number of at least 1, not 0"):
        known.sample(0)


def test_asking_does_not_import_the_libraries():
    code = (
        "import sys; from divergences.measures.known import is_known; "
        "assert not is_known([1.0]); "
        "assert 'torch' not in sys.modules and 'scipy.stats' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
