"""The improved Sheather–Jones bandwidth: a plug-in rule that assumes no shape."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import dct
from scipy.optimize import brentq

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STAGES = 7  # as many as Botev, Grotowski and Kroese (2010) take
_FEWEST_CELLS = 2**12
_MOST_CELLS = 2**20
_CELLS_PER_BANDWIDTH = 6.0


def improved_sheather_jones(
    values: NDArray[np.float64], mass: NDArray[np.float64] | None = None
) -> float:
    r"""Bandwidth of a Gaussian kernel by the improved Sheather–Jones rule.

    The asymptotically best bandwidth h = (2 n sqrt(pi) |f''|²)^(-1/5) needs the curvature of the
    density, which needs a bandwidth of its own, and so on; the rule closes that chain after
    seven stages by a fixed point, t = xi gamma^[7](t) with t = h², instead of assuming a normal
    density. Curvatures come from the cosine transform of the binned data.

    Parameters
    ----------
    values : ndarray of shape (n,)
        The sample.
    mass : ndarray of shape (n,), optional
        Weights that sum to one; Kish's effective size then stands for n.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the fixed point does not exist: too few points, or too many repeated values.

    References
    ----------
    Botev, Grotowski and Kroese (2010).

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(size=1000)
    >>> round(improved_sheather_jones(values), 2)
    0.28
    """
    if mass is None:
        mass = np.full(len(values), 1.0 / len(values))
    values, mass = values[mass > 0], mass[mass > 0]
    low, high = float(values.min()), float(values.max())
    span = 2 * (high - low)
    size = float(1.0 / np.sum(mass**2))
    if span <= 0:
        raise ValueError(_no_fixed_point(1, len(values)))
    cells = _FEWEST_CELLS
    while True:
        spectrum = _spectrum((values - low) / span + 0.25, mass, cells)
        root = _smallest_root(size, spectrum)
        if root is not None and math.sqrt(root) * cells >= _CELLS_PER_BANDWIDTH:
            return math.sqrt(root) * span
        if cells >= _MOST_CELLS:
            raise ValueError(_no_fixed_point(len(np.unique(values)), len(values)))
        cells *= 4


def _spectrum(
    positions: NDArray[np.float64], mass: NDArray[np.float64], cells: int
) -> NDArray[np.float64]:
    # Linear binning on cell centers (i + 1/2)/cells: second order in the cell width.
    place = positions * cells - 0.5
    left = np.floor(place).astype(np.intp)
    share = place - left
    counts = np.bincount(left, mass * (1 - share), minlength=cells + 1)
    counts += np.bincount(left + 1, mass * share, minlength=cells + 1)
    transform: NDArray[np.float64] = dct(counts[:cells], type=2)
    return (transform[1:] / 2) ** 2


def _smallest_root(size: float, spectrum: NDArray[np.float64]) -> float | None:
    squares = np.arange(1, len(spectrum) + 1, dtype=np.float64) ** 2

    def excess(log_time: float) -> float:
        return log_time - math.log(_next_time(math.exp(log_time), size, squares, spectrum))

    # In units of the squared range: from bandwidths of a cell to those of the whole range.
    grid = np.linspace(math.log(len(spectrum) ** -2.0), 0.0, 60)
    below = excess(grid[0])
    if not below < 0:
        return None
    for left, right in pairwise(grid):
        if excess(right) >= 0:
            return math.exp(brentq(excess, left, right, xtol=1e-12, rtol=1e-14))
    return None


def _next_time(
    time: float, size: float, squares: NDArray[np.float64], spectrum: NDArray[np.float64]
) -> float:
    curvature = _curvature(_STAGES, time, squares, spectrum)
    for stage in range(_STAGES - 1, 1, -1):
        odd_product = math.prod(range(1, 2 * stage, 2)) / math.sqrt(2 * math.pi)
        constant = (1 + 0.5 ** (stage + 0.5)) / 3
        pilot = (2 * constant * odd_product / (size * curvature)) ** (2 / (3 + 2 * stage))
        curvature = _curvature(stage, pilot, squares, spectrum)
    return float((2 * size * math.sqrt(math.pi) * curvature) ** (-0.4))


def _curvature(
    stage: int, time: float, squares: NDArray[np.float64], spectrum: NDArray[np.float64]
) -> float:
    terms = np.exp(stage * np.log(squares) - squares * (math.pi**2 * time)) * spectrum
    return 2 * math.pi ** (2 * stage) * float(terms.sum())


def _no_fixed_point(distinct: int, n: int) -> str:
    return (
        f"The improved Sheather–Jones bandwidth does not exist for these {n} values "
        f'({distinct} distinct): too few, or too often repeated. Use "scott", "silverman" '
        f"or a number."
    )
