"""What critic networks maximize: each objective against theory."""

import math

import numpy as np
import pytest
import torch

from divergences.definitions import (
    ChiSquared,
    JensenShannon,
    KullbackLeibler,
    Renyi,
    TotalVariation,
)
from divergences.estimators.neural_objectives import (
    DonskerVaradhan,
    FenchelDual,
    largest_log_ratio,
    objectives_for,
)
from tests.exact_values import line
from tests.truths import PROBLEMS, RATIO_DEFINITIONS

RATIOS = (*RATIO_DEFINITIONS, Renyi(2.0))
SHIFTED = next(each for each in PROBLEMS if each.name == "shifted normals, d=1")


@pytest.mark.parametrize("definition", RATIOS, ids=repr)
def test_the_true_ratio_gives_the_divergence(definition):
    # N(0, 1) and N(1, 1), whose log-ratio is 1/2 - x, by quadrature.
    x, weights = line(-12.0, 12.0, (0.5,))
    p, q = (np.exp(-((x - mean) ** 2) / 2) / math.sqrt(2 * math.pi) for mean in (0, 1))
    for name, objective in objectives_for(definition).items():
        sharp = 1e6 if isinstance(definition, TotalVariation) else 1.0
        for wrong in (0.0, 0.3):
            at = sharp * (0.5 - x) + wrong * np.sin(x)
            at_p, at_q = objective.terms(at, at)
            bound = objective.join((weights * p) @ at_p, (weights * q) @ at_q)
            value = definition.outer(float(bound))
            if wrong == 0.0:
                truth = SHIFTED.truth.get(definition, 1.0)  # Rényi's of order 2 is 1
                assert value == pytest.approx(truth, abs=1e-6), name
            elif sharp == 1.0:
                assert value < truth - 1e-3, name


@pytest.mark.parametrize("definition", RATIOS, ids=repr)
def test_the_activation_stays_in_the_domain_of_the_conjugate(definition):
    # phi*(T) = sup over u of (u T - phi(u)), and the network's T attains it at its own ratio.
    log_ratios = np.linspace(-3.0, 3.0, 25)
    critic, minus_conjugate = FenchelDual(definition).terms(log_ratios, log_ratios)
    u = np.exp(np.linspace(-12.0, 12.0, 4001))
    supremum = np.max(u * critic[:, None] - definition.generator(u), axis=1)
    assert np.isfinite(critic).all()
    np.testing.assert_allclose(-minus_conjugate, supremum, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("definition", RATIOS, ids=repr)
def test_slopes_agree_with_differences(definition):
    generator = torch.Generator().manual_seed(0)
    at_p, at_q, up_p, up_q = torch.randn(4, 30, dtype=torch.float64, generator=generator)
    for objective in objectives_for(definition).values():

        def bound(step, objective=objective):
            terms = objective.terms(at_p + step * up_p, at_q + step * up_q)
            return objective.join(*(term.mean() for term in terms))

        step = torch.zeros((), dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(bound(step), step)
        with torch.no_grad():
            by_difference = (bound(1e-5) - bound(-1e-5)) / 2e-5
        assert float(slope) == pytest.approx(float(by_difference), rel=1e-6, abs=1e-9)
        assert abs(slope) > 1e-3


@pytest.mark.parametrize("mirrored", [False, True])
def test_donsker_varadhan_ignores_constants_and_takes_them_out(mirrored):
    rng = np.random.default_rng(0)
    at_p, at_q = rng.normal(size=(2, 50))
    objective = DonskerVaradhan(mirrored)

    def bound(shift):
        terms = objective.terms(at_p + shift, at_q + shift)
        return float(objective.join(*(term.mean() for term in terms)))

    assert bound(3.0) == pytest.approx(bound(0.0))
    means = [term.mean() for term in objective.terms(at_p, at_q)]
    offset = objective.offset(*means)
    ratio = np.exp(-(at_p + offset)) if mirrored else np.exp(at_q + offset)
    assert ratio.mean() == pytest.approx(1.0)


def test_limits_follow_the_growth_of_the_terms():
    most = math.log(10_000)
    for definition, share in [(JensenShannon(), 1.0), (KullbackLeibler(), 1.0),
                              (ChiSquared(), 0.5), (Renyi(4.0), 0.25)]:  # fmt: skip
        found = largest_log_ratio(FenchelDual(definition), 100_000)
        assert found == pytest.approx(share * most, abs=0.06 * most)
