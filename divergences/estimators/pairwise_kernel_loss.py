"""The squared MMD of two batches in torch, with gradients to both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.checkpoint import checkpoint

from divergences.definitions import EnergyKernel, PositiveKernel, SumKernel
from divergences.estimators.median_heuristic import MOST_POINTS, drawn_rows
from divergences.estimators.tensor_order import median, sorted_values

if TYPE_CHECKING:
    from divergences.work import Run

_TILE_PAIRS = 2**22


def squared_mmd(
    kernel: PositiveKernel, x: torch.Tensor, y: torch.Tensor, *, biased: bool, run: Run
) -> torch.Tensor:
    """Squared MMD as a 0-d tensor.

    A median bandwidth is part of the function: its gradient is taken too. Pairs that coincide
    have no slope. Large batches are summed in tiles that the backward pass computes anew, so
    that memory does not grow with n m.

    Parameters
    ----------
    kernel : PositiveKernel
    x, y : Tensor of shape (n, d), (m, d)
    biased : bool
        V-statistic rather than U-statistic.
    run : Run
        Its rng draws the points for the median beyond 3,000.

    Returns
    -------
    Tensor of shape ()
        On the device and of the dtype of the batches.
    """
    dtype = torch.promote_types(x.dtype, y.dtype)
    # Half precision has no pairwise distances, and its sums would lose what is sought.
    working = torch.promote_types(dtype, torch.float32)
    x, y = x.to(working), y.to(working)
    if isinstance(kernel, EnergyKernel) and x.shape[1] == 1:
        return _squared_energy_on_line(x[:, 0], y[:, 0], biased=biased).to(dtype)
    scale = _median_distance(x, y, run) if kernel.needs_scale else x.new_ones(())
    within = sum(_mean_within(kernel, scale, batch, biased=biased) for batch in (x, y))
    across = _sum_of_kernel(kernel, scale, x, y) / (len(x) * len(y))
    return (within - 2 * across).to(dtype)


def _mean_within(
    kernel: PositiveKernel, scale: torch.Tensor, batch: torch.Tensor, *, biased: bool
) -> torch.Tensor:
    n = len(batch)
    total = _sum_of_kernel(kernel, scale, batch, batch)
    if biased:
        return total / n**2
    diagonal = _at_scale(kernel, batch.new_zeros(1), scale)[0]
    return (total - n * diagonal) / (n * (n - 1))


def _sum_of_kernel(
    kernel: PositiveKernel, scale: torch.Tensor, x: torch.Tensor, y: torch.Tensor
) -> torch.Tensor:
    def tile_sum(rows: torch.Tensor, scale: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        # Without the expanded square, which cancels; its slope at distance zero is zero.
        distance = torch.cdist(rows, y, compute_mode="donot_use_mm_for_euclid_dist")
        return _at_scale(kernel, distance**2, scale).sum()

    if len(x) * len(y) <= _TILE_PAIRS:
        return tile_sum(x, scale, y)
    tiles = torch.split(x, max(1, _TILE_PAIRS // len(y)))
    sums = [
        checkpoint(tile_sum, rows, scale, y, use_reentrant=False, preserve_rng_state=False)
        for rows in tiles
    ]
    return torch.stack(sums).sum()


def _at_scale(kernel: PositiveKernel, squared: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """The kernel with its median bandwidths set to a tensor, so that gradients reach them."""
    if isinstance(kernel, SumKernel):
        terms = [weight * _at_scale(term, squared, scale) for weight, term in kernel.terms]
        return torch.stack(terms).sum(dim=0)
    if not kernel.needs_scale:
        return kernel.of_squared_distance(squared)  # type: ignore[no-any-return]
    return kernel.at_scale(1.0).of_squared_distance(squared / scale**2)  # type: ignore[no-any-return]


def _median_distance(x: torch.Tensor, y: torch.Tensor, run: Run) -> torch.Tensor:
    pooled = torch.cat([x, y])
    if len(pooled) > MOST_POINTS:
        rows = torch.from_numpy(drawn_rows(len(pooled), run.rng))
        pooled = pooled[rows.to(pooled.device)]
    distances = torch.pdist(pooled)
    typical = median(distances)
    if typical > 0:
        return typical
    apart = distances[distances > 0]
    return median(apart) if len(apart) else torch.ones_like(typical)


def _squared_energy_on_line(x: torch.Tensor, y: torch.Tensor, *, biased: bool) -> torch.Tensor:
    n, m = len(x), len(y)
    points, order = torch.sort(torch.cat([x, y]))
    # Counted in whole numbers, because a running sum of 1/n drifts.
    steps = torch.where(order < n, m, -n)
    gap = torch.cumsum(steps, dim=0)[:-1].to(points.dtype) / (n * m)
    value = 2 * (torch.diff(points) * gap**2).sum()
    if biased:
        return value
    return value - _mean_difference(x) / n - _mean_difference(y) / m


def _mean_difference(line: torch.Tensor) -> torch.Tensor:
    """Gini's mean difference, the mean of |x - x'| over pairs of different points."""
    n = len(line)
    points = sorted_values(line)
    below = torch.arange(1, n, device=line.device)
    pairs = (below * (n - below)).to(line.dtype)
    return (torch.diff(points) * pairs).sum() * (2.0 / (n * (n - 1)))
