"""Powers of two by which data are divided before squares of them leave the range of floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ORDINARY = 200


def unit_exponents(points: NDArray[np.float64]) -> NDArray[np.intp]:
    """Exponent of the power of two that is about the largest size in each column.

    It is 0 where that is within 2^-200 to 2^200, whose squares and their squares are ordinary
    numbers. Division by a power of two loses nothing: use ``numpy.ldexp(points, -exponents)``.

    Parameters
    ----------
    points : ndarray of shape (n, d)

    Returns
    -------
    ndarray of int, shape (d,)

    Examples
    --------
    >>> unit_exponents(np.array([[1.0, 3e200], [0.5, 1e190]]))
    array([  0, 666])
    """
    exponents = np.frexp(np.abs(points).max(axis=0))[1]
    return np.where(np.abs(exponents) > _ORDINARY, exponents, 0).astype(np.intp)
