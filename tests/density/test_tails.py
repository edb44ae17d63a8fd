"""The map that draws heavy tails in: where it acts, that it is invertible, and smooth."""

import numpy as np
import pytest
import torch

from divergences.density.tails import TailMap

LINE = TailMap(np.array([True]), np.zeros(1), np.ones(1))


def test_light_tails_stay_as_they_are():
    rng = np.random.default_rng(0)
    normal, exponential = rng.normal(size=(500, 2)), rng.exponential(size=(500, 2))
    assert TailMap.of(normal, 5 * normal + 40) is None
    assert TailMap.of(exponential, exponential**1.2) is None


def test_samples_far_apart_have_no_heavy_tails():
    rng = np.random.default_rng(1)
    assert TailMap.of(rng.normal(size=(2000, 1)), rng.normal(40, 1, size=(100, 1))) is None


def test_heavy_columns_are_found_in_either_sample():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(500, 3)), rng.normal(size=(500, 3))
    y[:, 1] = rng.standard_cauchy(500)
    tails = TailMap.of(x, y)
    assert tails.heavy.tolist() == [False, True, False]
    np.testing.assert_array_equal(tails(y)[:, [0, 2]], y[:, [0, 2]])
    assert np.abs(tails(y)[:, 1]).max() < 5


def test_half_the_points_on_one_value_give_no_scale():
    counts = np.r_[np.zeros(900), np.arange(100.0)].reshape(-1, 1)
    assert TailMap.of(counts, counts) is None


def test_it_is_the_stated_map_and_odd_and_increasing():
    z = np.r_[0, np.geomspace(1e-9, 1e9, 4000)].reshape(-1, 1)
    image = LINE(z)
    assert (np.diff(image[:, 0]) > 0).all()
    np.testing.assert_array_equal(LINE(-z), -image)
    far = z > 1e-2
    np.testing.assert_allclose(image[far], np.sqrt(np.log1p(4 * z[far] ** 2)) / 2, rtol=1e-13)
    np.testing.assert_allclose(image[~far], z[~far], rtol=1e-4)


def test_no_number_is_too_large():
    image = LINE(np.array([[-1e300], [1e300]]))
    assert image[:, 0] == pytest.approx(np.array([-1, 1]) * np.sqrt(600 * np.log(10) / 4), rel=1e-3)
    x = np.random.default_rng(3).standard_cauchy((100, 1)) * 1e300 / 1e4
    assert np.isfinite(TailMap.of(x, x)(x)).all()


def test_a_shift_and_a_unit_of_a_column_do_not_matter():
    x = np.random.default_rng(4).standard_cauchy((2, 200, 1))
    moved = 1e-3 * x + 7
    np.testing.assert_allclose(TailMap.of(*x)(x[0]), TailMap.of(*moved)(moved[0]), atol=1e-9)


def test_tensors_have_the_slope_of_the_map():
    z = torch.tensor([[-5.0], [-1e-5], [0.0], [0.3], [1e4]], dtype=torch.float64)
    z.requires_grad_()
    assert torch.autograd.gradcheck(LINE, (z,), atol=1e-6)
    np.testing.assert_allclose(LINE(z).detach().numpy(), LINE(z.detach().numpy()), rtol=1e-14)
