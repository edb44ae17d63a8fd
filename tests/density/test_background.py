"""The background density: mass one, symmetric in the samples, at home under affine maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_t

from divergences.density.background import Background
from divergences.measures.samples import as_samples

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(70, 2)), RNG.normal(1, 2, (30, 2))
P, Q = as_samples(X), as_samples(Y)
AT = RNG.normal(size=(20, 2)) * 5


def test_is_the_t_density_of_the_equal_mixture():
    center = (X.mean(axis=0) + Y.mean(axis=0)) / 2
    shape = ((X - center).T @ (X - center) / 70 + (Y - center).T @ (Y - center) / 30) / 2
    expected = multivariate_t(center, shape, df=2).logpdf(AT)
    np.testing.assert_allclose(Background.of(P, Q).log_density(AT), expected, rtol=1e-12)


def test_treats_both_samples_alike_and_honors_weights():
    there, back = Background.of(P, Q), Background.of(Q, P)
    np.testing.assert_allclose(there.log_density(AT), back.log_density(AT), rtol=1e-13)
    counts = np.arange(70) % 3
    weighted = Background.of(as_samples(X, weights=counts), Q)
    repeated = Background.of(as_samples(np.repeat(X, counts, axis=0)), Q)
    np.testing.assert_allclose(weighted.log_density(AT), repeated.log_density(AT), rtol=1e-12)


def test_follows_affine_maps():
    turn = np.array([[1e3, 2.0], [0.5, -0.01]])
    moved = Background.of(as_samples(X @ turn.T + 5), as_samples(Y @ turn.T + 5))
    jacobian = math.log(abs(np.linalg.det(turn)))
    expected = Background.of(P, Q).log_density(AT) - jacobian
    assert moved.log_density(AT @ turn.T + 5) == pytest.approx(expected, abs=1e-9)
