"""Calibration: the logistic regression of membership on the log-ratio, held near (1, 0)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from divergences.estimators.ratios.calibration import calibration

RNG = np.random.default_rng(0)
# Members of N(0, 1) and N(1, 1), whose log-ratio is 1/2 - x.
P, Q = 0.5 - RNG.normal(size=400), 0.5 - RNG.normal(1, 1, 300)


def _equal(at):
    return np.full(len(at), 1 / len(at))


def _calibrate(at_p, at_q, prior=5.0, **settings):
    return calibration(at_p, at_q, _equal(at_p), _equal(at_q), prior, **settings)


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.3, 0.7), (4.0, -2.0)])
def test_undoes_scale_and_shift(slope, offset):
    a, b = _calibrate((P - offset) / slope, (Q - offset) / slope, prior=1e-9)
    plain_a, plain_b = _calibrate(P, Q, prior=1e-9)
    # In terms of l itself the fit is the same whatever was done to l before.
    assert a / slope == pytest.approx(plain_a, rel=1e-6)
    assert b - a * offset / slope == pytest.approx(plain_b, abs=1e-6)
    assert plain_a == pytest.approx(1, abs=4 * 0.11)


def test_agrees_with_a_general_optimizer():
    mass_p, mass_q = RNG.exponential(size=400), RNG.exponential(size=300)
    mass_p, mass_q = mass_p / mass_p.sum(), mass_q / mass_q.sum()
    found = calibration(P, Q, mass_p, mass_q, 5.0)
    size = 1 / (mass_p**2).sum() + 1 / (mass_q**2).sum()
    square = (mass_p @ P**2 + mass_q @ Q**2) / 2

    def loss(parameters):
        a, b = parameters
        likelihood = mass_p @ np.logaddexp(0, -a * P - b) + mass_q @ np.logaddexp(0, a * Q + b)
        return likelihood / 2 + 5 / (8 * size) * (b**2 + square * (a - 1) ** 2)

    np.testing.assert_allclose(found, minimize(loss, (1, 0), tol=1e-12).x, atol=1e-5)


def test_posteriors_of_p_average_to_one_half():
    a, b = _calibrate(P + 3, Q + 3, prior=1e-9)
    posteriors = [1 / (1 + np.exp(-a * (at + 3) - b)) for at in (P, Q)]
    assert posteriors[0].mean() + posteriors[1].mean() == pytest.approx(1, abs=1e-9)


def test_without_slope():
    a, b = _calibrate(P + 3, Q + 3, with_slope=False)
    assert a == 1
    assert b == pytest.approx(-3, abs=0.3)


def test_separated_samples_stay_finite():
    a, b = _calibrate(np.full(50, 7.0), np.full(60, -7.0))
    assert 1 <= a < 3
    assert abs(b) < 1


def test_a_negative_slope_is_refused():
    a, b = _calibrate(-P, -Q)
    assert a == pytest.approx(0.1)
    assert math.isfinite(b)


def test_constant_and_zero_log_ratios():
    assert _calibrate(np.zeros(5), np.zeros(9)) == (1.0, 0.0)
    a, b = _calibrate(np.full(50, 2.0), np.full(50, 2.0))
    assert a * 2 + b == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_derivatives_by_finite_differences(sign):
    at_p = torch.tensor(sign * P[:40], requires_grad=True)
    at_q = torch.tensor(sign * Q[:30], requires_grad=True)

    def parameters(p, q):
        masses = torch.full_like(p, 1 / 40), torch.full_like(q, 1 / 30)
        return torch.stack(calibration(p, q, *masses, 5.0))

    assert torch.autograd.gradcheck(parameters, (at_p, at_q), eps=1e-5, atol=1e-6)
