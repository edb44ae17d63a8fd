"""Kernels: unit mass, variance and roughness by quadrature, samplers, profiles on tensors."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import kstest

from divergences.density.kernels import KERNELS, Gaussian, as_kernel

ALL = list(KERNELS.values())
DIMENSIONS = [1, 2, 3, 7, 40]


def _profile(kernel, r):
    return math.exp(float(kernel.log_profile(np.array([r * r]))[0]))


def _radial_integral(kernel, function):
    ends = [0, 1] if kernel.bounded else [0, 8, 16, 32, 64, 200]
    return sum(
        quad(function, low, high, epsabs=0, epsrel=1e-11, limit=200)[0]
        for low, high in pairwise(ends)
    )


def _sphere(d):
    return 2 * math.pi ** (d / 2) / math.gamma(d / 2)


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("kernel", ALL, ids=lambda kernel: kernel.name)
class TestMoments:
    def test_mass_is_one(self, kernel, d):
        mass = _radial_integral(
            kernel,
            lambda r: _sphere(d) * _profile(kernel, r) * r ** (d - 1)
            / math.exp(kernel.log_normalizer(d)),
        )  # fmt: skip
        assert mass == pytest.approx(1, rel=1e-9)

    def test_variance(self, kernel, d):
        second = _radial_integral(
            kernel,
            lambda r: _sphere(d) * _profile(kernel, r) * r ** (d + 1)
            / math.exp(kernel.log_normalizer(d)),
        )  # fmt: skip
        assert kernel.variance(d) == pytest.approx(second / d, rel=1e-9)

    def test_roughness(self, kernel, d):
        square = _radial_integral(
            kernel,
            lambda r: _sphere(d) * r ** (d - 1)
            * (_profile(kernel, r) / math.exp(kernel.log_normalizer(d))) ** 2,
        )  # fmt: skip
        assert math.exp(kernel.log_roughness(d)) == pytest.approx(square, rel=1e-9)

    def test_sampler(self, kernel, d):
        # 60 Kolmogorov-Smirnov tests at 1e-4 each: one false alarm in 170 such suites.
        draws = kernel.sample(1500, d, np.random.default_rng(d))
        grid = np.linspace(0, 1 if kernel.bounded else 6 * math.sqrt(d) + 12 * d, 4001)
        middle = (grid[1:] + grid[:-1]) / 2
        log_mass = kernel.log_profile(middle**2) + (d - 1) * np.log(middle)
        cdf = np.concatenate([[0], np.cumsum(np.exp(log_mass - log_mass.max()))])
        radii = np.linalg.norm(draws, axis=1)
        assert kstest(radii, lambda r: np.interp(r, grid, cdf / cdf[-1])).pvalue > 1e-4
        signs = (draws[:, 0] > 0).mean()
        assert abs(signs - 0.5) < 4 * 0.5 / math.sqrt(1500)


@pytest.mark.parametrize("kernel", ALL, ids=lambda kernel: kernel.name)
class TestProfiles:
    def test_numpy_and_torch_agree(self, kernel):
        squared = np.array([0.0, 1e-9, 0.3, 0.999, 1.0, 1.5, 40.0])
        expected = kernel.log_profile(squared)
        given = kernel.log_profile(torch.tensor(squared)).numpy()
        np.testing.assert_allclose(given, expected, rtol=1e-14)
        assert expected[0] == 0
        assert np.isneginf(expected[4:]).all() == kernel.bounded

    def test_gradients_are_finite_also_at_zero_and_beyond_the_support(self, kernel):
        squared = torch.tensor([0.0, 0.25, 1.0, 3.0], dtype=torch.float64, requires_grad=True)
        kernel.log_profile(squared).exp().sum().backward()
        assert squared.grad is not None
        assert torch.isfinite(squared.grad).all()

    def test_input_is_untouched(self, kernel):
        squared = np.array([0.0, 0.5, 2.0])
        kernel.log_profile(squared)
        np.testing.assert_array_equal(squared, [0.0, 0.5, 2.0])


def test_canonical_factors_are_the_published_ones():
    # Marron and Nolan (1988): 1.3510 (tophat), 1.7188 (Epanechnikov), 0.7764 (Gaussian); Scott.
    gaussian = 0.7764
    assert as_kernel("tophat").canonical_factor(1) == pytest.approx(1.3510 / gaussian, rel=1e-4)
    assert as_kernel("epanechnikov").canonical_factor(1) == pytest.approx(
        1.7188 / gaussian, rel=1e-4
    )
    assert Gaussian().canonical_factor(5) == 1


def test_normalizers_stay_finite_in_high_dimension():
    for kernel in ALL:
        assert math.isfinite(kernel.log_normalizer(2000))
        assert math.isfinite(kernel.canonical_factor(2000))


def test_an_unknown_kernel_is_refused_with_the_list():
    message = (
        r"^kernel must be one of 'gaussian', 'epanechnikov', 'tophat', 'exponential', 'linear', "
        r"'cosine', not 'biweight'\.$"
    )
    with pytest.raises(ValueError, match=message):
        as_kernel("biweight")
