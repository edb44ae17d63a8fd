"""Order by numpy is order by torch, gradients included."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from divergences.estimators.tensor_order import place_of_rank, sorted_values


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
def test_each_rank_is_found_where_it_stands(dtype):
    at = values(15, dtype=dtype)
    found = [float(at[place_of_rank(at, rank)]) for rank in range(15)]
    assert found == torch.sort(at).values.tolist()
    assert place_of_rank(torch.ones(4), 2) in range(4)
