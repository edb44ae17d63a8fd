"""The leave-one-out likelihood of a kernel density, and the bandwidth that maximizes it."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar

from divergences.density.kernel_sums import log_kernel_sums

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from divergences.density.kernels import SmoothingKernel

_HALVINGS = 20


def likelihood_scale(
    white: NDArray[np.float64], mass: NDArray[np.float64], kernel: SmoothingKernel
) -> float:
    r"""Bandwidth h of the greatest mean of ln f_-i(x_i).

    Parameters
    ----------
    white : ndarray of shape (n, d)
        Points on which some rule's bandwidth is one: the search starts there.
    mass : ndarray of shape (n,)
        Weights that sum to one.
    kernel : SmoothingKernel
        The kernel.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the likelihood has no maximum, as where every point is repeated.
    """
    loss = partial(_loss, white, mass, kernel)
    step = math.log(2)
    grid = [place * step for place in range(-5, 3)]
    losses = [loss(place) for place in grid]
    # Repeated points draw the bandwidth to zero, isolated ones push a bounded kernel's up.
    for _ in range(_HALVINGS):
        best = int(np.argmin(losses))
        if best == 0 and math.isfinite(losses[0]):
            grid.insert(0, grid[0] - step)
            losses.insert(0, loss(grid[0]))
        elif best == len(grid) - 1 or not math.isfinite(losses[best]):
            grid.append(grid[-1] + step)
            losses.append(loss(grid[-1]))
        else:
            return math.exp(_refined(loss, grid, losses, best))
    raise ValueError(
        f"The leave-one-out likelihood of these {len(white)} points "
        f"({len(np.unique(white, axis=0))} distinct) has no maximum at any bandwidth. Use "
        f'"scott", "silverman" or a number.'
    )


def _loss(
    white: NDArray[np.float64],
    mass: NDArray[np.float64],
    kernel: SmoothingKernel,
    log_scale: float,
) -> float:
    with np.errstate(divide="ignore"):
        log_mass = np.log(mass)
    sums = log_kernel_sums(
        white, white, log_mass, kernel, scale=math.exp(log_scale), leave_out_self=True
    )
    used = mass > 0
    likelihood = np.sum(mass[used] * (sums - np.log1p(-mass))[used])
    return float(white.shape[1] * log_scale - likelihood)


def _refined(
    loss: Callable[[float], float], grid: list[float], losses: list[float], best: int
) -> float:
    # A bounded kernel's loss is infinite where it leaves a point alone; the search needs numbers.
    worst = max(value for value in losses if math.isfinite(value)) + 1.0
    bracket = (grid[best - 1], grid[best + 1])
    found = minimize_scalar(
        lambda place: min(loss(place), worst),
        bounds=bracket,
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(found.x) if found.fun < losses[best] else grid[best]
