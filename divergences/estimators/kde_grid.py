"""The integral of a divergence's integrand over a grid, in one and two dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import eigh

from divergences.definitions import RatioDivergence
from divergences.density.mixture import KernelMixture
from divergences.estimators.kde_fit import DensityPair

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples
    from divergences.work import Run

_STEPS_PER_BANDWIDTH = {1: 8.0, 2: 4.0}
_MOST_STEPS = {1: 2**15, 2: 512}
# In bandwidths: beyond it a kernel is below 1e-13 of its peak. The others end at 1.
_REACH = {"gaussian": 8.0, "exponential": 36.0}


def integrate_on_grid(
    definition: RatioDivergence,
    pairs: Sequence[DensityPair],
    p: Samples,
    q: Samples,
    run: Run,
) -> list[float]:
    r"""Integral of p a(l) + q b(l), l = ln(p/q), by the midpoint rule, for several fits.

    The axes of the grid are the joint principal axes of both samples' covariances, so that an
    affine map of the data takes the grid along.

    Parameters
    ----------
    definition : RatioDivergence
        Which a and b.
    pairs : sequence of DensityPair
        The densities; the first one's bandwidths set the step.
    p, q : Samples
        The samples that the first pair was fitted on, of the columns that span them.
    run : Run
        Workers and progress.

    Returns
    -------
    list of float
        One integral for each pair.
    """
    points, cell = _grid(pairs[0], p, q)
    integrals = []
    for pair in pairs:
        log_p, log_q = pair.log_densities(points, run)
        ratio = log_p - log_q
        integrand = np.exp(log_p) * definition.critic_p(ratio)
        integrand += np.exp(log_q) * definition.critic_q(ratio)
        integrals.append(float(integrand.sum() * cell))
    return integrals


def _grid(pair: DensityPair, p: Samples, q: Samples) -> tuple[NDArray[np.float64], float]:
    if p.d > 2:
        raise ValueError(
            f"KDE(integrate=True) is for one and two features, but the data have {p.d}. Use "
            f"KDE(integrate=False)."
        )
    total = pair.background.scatter.matrix
    axes = eigh(np.cov(p.points.T, aweights=p.mass).reshape(p.d, p.d), total)[1]
    center = pair.background.center
    mixtures = [f for f in (pair.p, pair.q) if isinstance(f, KernelMixture)]
    lines = []
    for axis in axes.T:
        widths = [math.sqrt(axis @ f.bandwidth.matrix @ axis) for f in mixtures]
        places = [(sample.points - center) @ axis for sample in (p, q)]
        reach = _REACH.get(pair.p.kernel.name, 1.0)
        low = min(x.min() - reach * h for x, h in zip(places, widths, strict=True))
        high = max(x.max() + reach * h for x, h in zip(places, widths, strict=True))
        wanted = math.ceil((high - low) / min(widths) * _STEPS_PER_BANDWIDTH[p.d])
        steps = min(wanted, _MOST_STEPS[p.d])
        lines.append((low + (np.arange(steps) + 0.5) * (high - low) / steps, (high - low) / steps))
    mesh = np.meshgrid(*(line for line, _ in lines), indexing="ij")
    along = np.column_stack([coordinate.ravel() for coordinate in mesh])
    cell = math.prod(step for _, step in lines) / abs(np.linalg.det(axes))
    return np.linalg.solve(axes.T, along.T).T + center, float(cell)
