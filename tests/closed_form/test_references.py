"""Every exact value against the 30 digits of `make_references.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats as st
import torch
import torch.distributions as td

import divergences as dv
from divergences.closed_form import exact
from divergences.definitions import (
    MMD,
    ChiSquared,
    Energy,
    FDivergence,
    GaussianKernel,
    JensenShannon,
    KullbackLeibler,
    LaplacianKernel,
    RationalQuadraticKernel,
    Renyi,
    ReverseKL,
    SquaredHellinger,
    TotalVariation,
    Wasserstein,
)
from divergences.measures.known import as_known
from divergences.work import Run

ROWS = json.loads((Path(__file__).parent / "references.json").read_text())

DEFINITIONS = {
    "KL": KullbackLeibler(),
    "ReverseKL": ReverseKL(),
    "JS": JensenShannon(),
    "TV": TotalVariation(),
    "Hellinger2": SquaredHellinger(),
    "Chi2": ChiSquared(),
    "Neyman": FDivergence(lambda u: (u - 1) ** 2 / u, lambda u: 1 - u**-2.0, name="Neyman"),
    "Energy2": Energy(squared=True),
    "MMD2:Gaussian": MMD(GaussianKernel(1.0), squared=True),
    "MMD2:Laplacian": MMD(LaplacianKernel(1.0), squared=True),
    "MMD2:RationalQuadratic": MMD(RationalQuadraticKernel(1.0), squared=True),
}


def definition_named(name: str) -> Any:
    if name.startswith("Renyi:"):
        return Renyi(float(name.removeprefix("Renyi:")))
    if name.startswith("W:"):
        return Wasserstein(float(name.removeprefix("W:")))
    return DEFINITIONS[name]


def _norm_mixture(weights, means, deviations):
    return st.Mixture(
        [st.Normal(mu=m, sigma=s) for m, s in zip(means, deviations, strict=True)],
        weights=weights,
    )


SCIPY = {
    "Normal": st.norm,
    "Laplace": st.laplace,
    "Exponential": lambda scale: st.expon(scale=scale),
    "Uniform": lambda low, high: st.uniform(low, high - low),
    "Gamma": lambda shape, scale: st.gamma(shape, scale=scale),
    "Beta": st.beta,
    "LogNormal": lambda mean, std: st.lognorm(std, scale=np.exp(mean)),
    "Weibull": lambda shape, scale: st.weibull_min(shape, scale=scale),
    "Pareto": lambda shape, scale: st.pareto(shape, scale=scale),
    "Cauchy": st.cauchy,
    "StudentT": st.t,
    "Logistic": st.logistic,
    "VonMises": lambda loc, kappa: st.vonmises(kappa, loc=loc),
    "Mixture": _norm_mixture,
    "Bernoulli": st.bernoulli,
    "Poisson": st.poisson,
    "Geometric": st.geom,
    "Binomial": st.binom,
    "NegativeBinomial": st.nbinom,
}


def _tensor(*values):
    return [torch.tensor(value, dtype=torch.float64) for value in values]


def _torch_mixture(weights, means, deviations):
    weights, means, deviations = _tensor(weights, means, deviations)
    return td.MixtureSameFamily(td.Categorical(weights), td.Normal(means, deviations))


TORCH = {
    "Normal": lambda *a: td.Normal(*_tensor(*a)),
    "Laplace": lambda *a: td.Laplace(*_tensor(*a)),
    "Exponential": lambda scale: td.Exponential(*_tensor(1 / scale)),
    "Uniform": lambda *a: td.Uniform(*_tensor(*a)),
    "Gamma": lambda shape, scale: td.Gamma(*_tensor(shape, 1 / scale)),
    "Beta": lambda *a: td.Beta(*_tensor(*a)),
    "LogNormal": lambda *a: td.LogNormal(*_tensor(*a)),
    "Weibull": lambda shape, scale: td.Weibull(*_tensor(scale, shape)),
    "Pareto": lambda shape, scale: td.Pareto(*_tensor(scale, shape)),
    "Cauchy": lambda *a: td.Cauchy(*_tensor(*a)),
    "StudentT": lambda *a: td.StudentT(*_tensor(*a)),
    "VonMises": lambda *a: td.VonMises(*_tensor(*a)),
    "Mixture": _torch_mixture,
    "Bernoulli": lambda p: td.Bernoulli(*_tensor(p)),
    "Categorical": lambda *p: td.Categorical(*_tensor(list(p))),
    "Poisson": lambda rate: td.Poisson(*_tensor(rate)),
    "Binomial": lambda n, p: td.Binomial(n, *_tensor(p)),
    "NegativeBinomial": lambda n, p: td.NegativeBinomial(*_tensor(n, 1 - p)),
}


def measure(kind: str, spec: Any, library: str) -> Any:
    if kind == "normal":
        mean, covariance = spec
        if library == "scipy":
            return st.multivariate_normal(mean, covariance)
        return td.MultivariateNormal(*_tensor(mean, covariance))
    if kind == "dirichlet":
        return st.dirichlet(spec) if library == "scipy" else td.Dirichlet(*_tensor(spec))
    family, parameters = spec
    table = SCIPY if library == "scipy" else TORCH
    return table[family](*parameters) if family in table else None


def _label(row: dict[str, Any]) -> str:
    if row["kind"] == "line":
        return f"{row['p'][0]}-{row['q'][0]}-{row['divergence']}"
    d = len(row["p"][0]) if row["kind"] == "normal" else len(row["p"])
    return f"{row['kind']}-{d}-{row['divergence']}"


@pytest.mark.parametrize("library", ["scipy", "torch"])
@pytest.mark.parametrize("row", ROWS, ids=_label)
def test_exact_value_agrees_with_thirty_digits(row, library):
    p, q = (measure(row["kind"], row[side], library) for side in ("p", "q"))
    if p is None or q is None:
        other = "torch" if library == "scipy" else "scipy"
        assert measure(row["kind"], row["p"], other) is not None
        return
    definition = definition_named(row["divergence"])
    reading, how = exact(definition, as_known(p), as_known(q), Run.create(0))
    value = definition.outer(reading.inner) if reading.value is None else reading.value
    reference = float(row["value"])
    assert reading.stderr == 0
    assert how.startswith("exact: ")
    assert value == pytest.approx(reference, rel=1e-10, abs=1e-13)


def test_references_are_many_and_spread():
    families = {row["p"][0] if row["kind"] == "line" else row["kind"] for row in ROWS}
    assert len(ROWS) >= 150
    assert len(families) >= 18
    assert {row["divergence"] for row in ROWS} >= {*DEFINITIONS, "W:1", "W:2", "W:3", "Renyi:2"}


def test_everyday_call_gives_the_exact_value():
    estimate = dv.kl_divergence(td.Normal(0.0, 1.0), td.Normal(1.0, 2.0))
    assert float(estimate) == pytest.approx(0.4431471805599453, rel=1e-15)
    assert estimate.stderr == 0
    assert estimate.interval() == (float(estimate), float(estimate))
    assert estimate.how == "exact: log-normalizer of Normal"
