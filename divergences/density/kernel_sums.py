"""Sums of a kernel over all pairs of points, in tiles and in the log domain."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from divergences.work import Run, row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.density.kernels import SmoothingKernel


_ARRAYS = 64


def log_kernel_sums(
    points: NDArray[np.float64],
    centers: NDArray[np.float64],
    log_weights: NDArray[np.float64],
    kernel: SmoothingKernel,
    *,
    scale: float = 1.0,
    leave_out_self: bool = False,
    run: Run | None = None,
) -> NDArray[np.float64]:
    r"""ln of the sum over j of w_j k(|x_i - c_j|/scale), for each point x_i.

    Squared distances are summed coordinate by coordinate (no expanded square, which cancels),
    and each row is shifted by its largest term, so that nothing underflows. Memory stays within
    a tile however many points there are.

    Parameters
    ----------
    points : ndarray of shape (k, d)
        Where to evaluate, on the scale of the kernel.
    centers : ndarray of shape (n, d)
        Where the kernels sit.
    log_weights : ndarray of shape (n,)
        ln w_j; -inf leaves a center out.
    kernel : SmoothingKernel
        Its profile k is used as it is, not normalized.
    scale : float
        Further bandwidth.
    leave_out_self : bool
        Whether to leave out the term j = i; points and centers must then be the same.
    run : Run, optional
        Workers and progress; the sums do not depend on it.

    Returns
    -------
    ndarray of shape (k,)
        -inf where no kernel reaches.
    """
    tile = partial(_tile_sums, points, centers, log_weights, kernel, scale ** (-2), leave_out_self)
    # A tile within the processor's cache is more than twice as fast as one of TILE_BYTES.
    tiles = row_tiles(len(points), len(centers), arrays=_ARRAYS)
    run = run or Run.create(0, progress=False)
    sums = list(run.map(tile, tiles, "kernel sums"))
    return np.concatenate(sums) if sums else np.empty(0)


def _tile_sums(
    points: NDArray[np.float64],
    centers: NDArray[np.float64],
    log_weights: NDArray[np.float64],
    kernel: SmoothingKernel,
    inverse_square: float,
    leave_out_self: bool,
    rows: slice,
) -> NDArray[np.float64]:
    squared = cdist(points[rows], centers, "sqeuclidean")
    if inverse_square != 1.0:
        squared *= inverse_square
    terms: NDArray[np.float64] = kernel.log_profile(squared)
    terms += log_weights
    if leave_out_self:
        own = np.arange(rows.start, rows.stop)
        terms[own - rows.start, own] = -np.inf
    shift = terms.max(axis=1)
    shift[~np.isfinite(shift)] = 0.0
    terms -= shift[:, np.newaxis]
    np.exp(terms, out=terms)
    with np.errstate(divide="ignore"):
        sums: NDArray[np.float64] = np.log(terms.sum(axis=1)) + shift
    return sums
