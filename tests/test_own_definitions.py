"""A divergence, and a method, that are written here alone: the package treats them as its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from array_api_compat import array_namespace
from scipy.integrate import quad
from scipy.stats import norm

import divergences as dv
from divergences.definitions.definition import signed_root
from divergences.estimate import Reading
from divergences.estimators import (
    Estimator,
    losses_for,
    methods_for,
    register,
    register_default,
    register_loss,
)
from divergences.training.direct import Direct
from divergences.training.held_out import default_divergence, default_method


@dataclass(frozen=True)
class Triangular(dv.RatioDivergence):
    """Integral of (p - q)²/(p + q): smooth, with phi(u) = (u - 1)²/(u + 1)."""

    symmetric: ClassVar[bool] = True
    metric: ClassVar[bool] = False
    title: ClassVar[str] = "triangular discrimination"
    symbol: ClassVar[str] = "triangular"
    unit: ClassVar[str] = ""
    maximum: ClassVar[float] = 2.0

    def generator(self, ratio):
        return (ratio - 1) ** 2 / (ratio + 1)

    def critic_p(self, log_ratio):
        # phi'(u) = 1 - 4/(u + 1)², with t = tanh(l/2) = (u - 1)/(u + 1).
        t = array_namespace(log_ratio).tanh(log_ratio / 2)
        return 1 - (1 - t) ** 2

    def critic_q(self, log_ratio):
        t = array_namespace(log_ratio).tanh(log_ratio / 2)
        return 1 - (1 + t) ** 2


@dataclass(frozen=True)
class HockeyStick(dv.RatioDivergence):
    """sup over events of P(A) - 2 Q(A): its terms are steps, so it says what is trained instead."""

    symmetric: ClassVar[bool] = False
    metric: ClassVar[bool] = False
    title: ClassVar[str] = "hockey-stick divergence"
    symbol: ClassVar[str] = "E2"
    unit: ClassVar[str] = ""
    maximum: ClassVar[float] = 1.0

    def generator(self, ratio):
        return array_namespace(ratio).clip(ratio - 2, 0, None)

    def critic_p(self, log_ratio):
        return (log_ratio > math.log(2)) * 1.0

    def critic_q(self, log_ratio):
        return -2 * self.critic_p(log_ratio)

    def trained_p(self, log_ratio):
        return (1 + array_namespace(log_ratio).tanh((log_ratio - math.log(2)) / 2)) / 2

    def trained_q(self, log_ratio):
        return -2 * self.trained_p(log_ratio)

    def loss_terms(self, at_p, at_q):
        return self.trained_p(at_p), self.trained_q(at_q)


@dataclass(frozen=True)
class MeanGap(dv.Definition):
    """|E X - E Y|, which is no f-divergence, transport or kernel distance."""

    symmetric: ClassVar[bool] = True
    metric: ClassVar[bool] = True
    scaling: ClassVar[float] = 1.0
    title: ClassVar[str] = "gap of the means"
    symbol: ClassVar[str] = "gap"
    unit: ClassVar[str] = "data units"

    def outer(self, inner):
        return signed_root(inner)


@dataclass(frozen=True)
class Means(Estimator):
    """The plug-in."""

    shorthand: ClassVar[str] = "means"

    def describe(self):
        return "means"


@register_default(MeanGap)
def _means(definition, p, q):
    return Means()


@register(MeanGap, Means)
def _gap(definition, estimator, p, q, run):
    gaps = np.array([p.mean(p.points[:, j]) - q.mean(q.points[:, j]) for j in range(p.d)])
    inner = float(gaps @ gaps)
    at_p, at_q = 2 * p.points @ gaps, 2 * q.points @ gaps
    return Reading(inner, math.sqrt(p.variance_of_mean(at_p) + q.variance_of_mean(at_q)))


@register_loss(MeanGap, Means)
def _gap_loss(definition, estimator, x, y, run):
    return (x.mean(dim=0) - y.mean(dim=0)).square().sum()


OWN = (Triangular(), HockeyStick(), MeanGap())
# Of N(0, 1) and N(1, 1): by quadrature, by Phi at the log-ratio ln 2, and 1.
TRUTH = {
    Triangular(): quad(
        lambda x: (norm.pdf(x) - norm.pdf(x, 1)) ** 2 / (norm.pdf(x) + norm.pdf(x, 1)), -10, 11
    )[0],
    HockeyStick(): norm.cdf(0.5 - math.log(2)) - 2 * norm.cdf(-0.5 - math.log(2)),
    MeanGap(): 1.0,
}
X, Y = np.random.default_rng(0).normal([[0.0], [1.0]], 1.0, size=(2, 400))


def near(found, definition):
    # Four standard errors: a false alarm in 16,000.
    return abs(found - TRUTH[definition]) < 4 * found.stderr


@pytest.mark.parametrize("definition", OWN, ids=repr)
def test_it_is_estimated(definition):
    assert near(dv.divergence(definition, X, Y, rng=0), definition)


@pytest.mark.parametrize("definition", OWN, ids=repr)
def test_a_known_side_is_drawn_from_or_used(definition):
    assert near(dv.divergence(definition, X, norm(1, 1), rng=0), definition)


@pytest.mark.parametrize("definition", OWN[:2], ids=repr)
def test_two_known_sides_give_the_exact_f_divergence(definition):
    found = dv.divergence(definition, norm(0, 1), norm(1, 1))
    assert found.stderr == 0
    assert found == pytest.approx(TRUTH[definition], abs=1e-6)


def test_two_known_sides_are_drawn_from_where_no_formula_is_known():
    found = dv.divergence(MeanGap(), norm(0, 1), norm(1, 1), rng=0)
    assert near(found, MeanGap())
    assert found.notes[0] == "No exact value is known."


def test_it_stands_in_a_comparison():
    found = dv.compare(X, Y, divergences=[*OWN, dv.TotalVariation()], rng=0)
    assert [each.definition for each in found] == [*OWN, dv.TotalVariation()]
    lines = {line.split()[0]: line for line in found.to_text(width=200).splitlines() if line}
    assert "% of maximum" in lines["triangular"]
    assert lines["gap"].endswith("differs: interval above 0")


@pytest.mark.parametrize("definition", OWN, ids=repr)
def test_it_tests_two_samples(definition):
    # If P = Q the p-value is above 0.05 with probability 0.95 for any seed.
    same = dv.two_sample_test(X[:100], X[100:200], definition, permutations=19, rng=0)
    apart = dv.two_sample_test(X[:100], Y[:100], definition, permutations=19, rng=0)
    assert same.p_value > 0.05
    assert apart.p_value == 0.05


@pytest.mark.parametrize("definition", OWN, ids=repr)
def test_its_loss_moves_points_together(definition):
    x = torch.as_tensor(X)[:100, None]
    y = torch.as_tensor(Y)[:100, None].requires_grad_()
    loss = definition.loss(x, y)
    (slope,) = torch.autograd.grad(loss, y)
    assert definition.loss(x, (y - 0.1 * slope / slope.norm()).detach()) < loss


@pytest.mark.parametrize("method", [dv.LogisticCritic(), dv.ConjugateCritic(), "kde"], ids=repr)
@pytest.mark.parametrize("definition", OWN[:2], ids=repr)
def test_a_generator_is_trained_on_an_f_divergence(definition, method):
    x = torch.as_tensor(X, dtype=torch.float32)[:, None]
    objective = dv.make_objective(definition, x, method=method, rng=0)
    y = torch.as_tensor(Y, dtype=torch.float32)[:, None].requires_grad_()
    for _ in range(30):
        objective.step(x, y)
    (slope,) = torch.autograd.grad(objective.loss(x, y), y)
    # Q lies to the right of P: downhill is to the left.
    assert slope.sum() > 0


def test_a_generator_is_trained_on_what_has_a_loss():
    data = torch.as_tensor(np.stack([X, Y], axis=1), dtype=torch.float32)
    plane = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), 1.0), 1)
    g_mu = dv.Pushforward(dv.Perceptron(2, 2, width=8), plane)
    run = dv.minimize(MeanGap(), g_mu, data, steps=4, batch_size=32, rng=0, progress=False)
    assert isinstance(run.trainer.objective, Direct)
    assert run.estimate.definition == MeanGap()
    assert run.estimate.method == Means()


def test_what_has_no_method_is_trained_against_and_js_is_measured():
    class Alone(dv.RelativisticPairing):
        pass

    assert methods_for(MeanGap()) == [Means]
    assert default_divergence(Alone(), 2) == dv.JensenShannon()
    with pytest.raises(
        dv.InvalidPairError,
        match=r"^No method estimates the relativistic pairing divergence \(pairing\)\. Pass "
        r"another, as with monitor=Monitor\(Energy\(\)\)\.$",
    ):
        default_method(Alone(), 2)


def test_the_order_of_methods_is_that_of_the_package_and_then_of_registration(monkeypatch):
    from divergences.estimators import estimator

    ours = methods_for(dv.JensenShannon()), methods_for(dv.Wasserstein(1))
    losses = losses_for(dv.JensenShannon())
    turned = dict(reversed(estimator._SHORTHANDS.items()))
    monkeypatch.setattr(estimator, "_SHORTHANDS", turned)
    assert (methods_for(dv.JensenShannon()), methods_for(dv.Wasserstein(1))) == ours
    assert losses_for(dv.JensenShannon()) == losses
