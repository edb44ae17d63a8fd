"""Order by numpy is order by torch, gradients included."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from divergences.estimators.tensor_order import median, sorted_values


def values(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.as_tensor(np.random.default_rng(0).normal(size=shape), dtype=dtype)


def slopes(function, at: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    leaf = at.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((function(leaf) * weights).sum(), leaf)
    return gradient


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_values_are_sorted_along_the_last_axis(dtype):
    at = values(3, 20, dtype=dtype)
    expected = torch.sort(at, dim=-1).values
    assert torch.equal(sorted_values(at), expected)
    assert torch.equal(sorted_values(at.clone().requires_grad_()), expected)


def test_a_gradient_goes_back_to_where_its_value_came_from():
    at, weights = values(3, 20), values(3, 20).flip(0)
    expected = slopes(lambda at: torch.sort(at, dim=-1).values, at, weights)
    assert torch.equal(slopes(sorted_values, at, weights), expected)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_the_median_is_that_of_numpy(n, dtype):
    at = values(n, dtype=dtype)
    assert float(median(at)) == pytest.approx(np.median(at.double().numpy()), rel=1e-2)
    if dtype == torch.float64:
        assert float(median(at)) == np.median(at.numpy())


def test_the_median_moves_with_the_points_in_the_middle():
    at = torch.tensor([5.0, 1.0, 2.0, 9.0])
    assert slopes(median, at, torch.ones(())).tolist() == [0.5, 0.0, 0.5, 0.0]
    assert slopes(median, at[:3], torch.ones(())).tolist() == [0.0, 0.0, 1.0]
    # Among equals one is taken for all of them.
    assert float(slopes(median, torch.ones(4), torch.ones(())).sum()) == 1.0
