"""Units and origins in which squares of data are ordinary numbers and lose no digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NORMAL_QUARTILES = 1.349
"""Range between the quartiles of N(0, 1)."""

_ORDINARY = 200
_FAR_FROM_ZERO = 2.0**-20
# Rounding leaves a constant column a spread of about 1e-16 of its size.
_CONSTANT = 1e-12
# Values of a constant that was computed differ from their middle by a few units in the last place.
_ROUNDING = 4 * float(np.finfo(np.float64).eps)


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


def anchors(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A value of each column to subtract where it lies far from zero beside its spread.

    It is 0 where the spread exceeds a millionth of the size, or is that of rounding. Elsewhere the
    difference is exact, as all values are within a factor of two (Sterbenz), and shows how much the
    column varies.

    Parameters
    ----------
    points : ndarray of shape (n, d)

    Returns
    -------
    ndarray of shape (d,)

    Examples
    --------
    >>> anchors(np.array([[1.0, 1e14, 7.0], [2.0, 1e14 + 1, 7.0]])) - [0, 1e14, 0]
    array([0., 1., 0.])
    """
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.maximum(np.abs(low), np.abs(high))
    # Halves, as the difference of two large numbers can be none.
    spread = high / 2 - low / 2
    far = (spread < _FAR_FROM_ZERO * size) & (spread > _ROUNDING * size)
    values = np.zeros(points.shape[1])
    values[far] = np.sort(points[:, far], axis=0)[len(points) // 2]
    return values


@dataclass(frozen=True, eq=False)
class Standardization:
    """Columns brought to mean 0 and spread 1 in any unit, however far from zero; constants to 0.

    Parameters
    ----------
    exponents : ndarray of int, shape (d,)
        Of the columns' units.
    anchor, center, scale : ndarray of shape (d,)
        In these units; the scale of a constant is infinite.

    Examples
    --------
    >>> values = np.array([[1e200, 7.0], [3e200, 7.0]])
    >>> Standardization.of(values, np.array([0.5, 0.5]))(values)
    array([[-1.,  0.],
           [ 1.,  0.]])
    """

    exponents: NDArray[np.intp]
    anchor: NDArray[np.float64]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64], mass: NDArray[np.float64]) -> Standardization:
        """Of (n, d) values with weights that sum to one."""
        exponents = unit_exponents(values)
        values = np.ldexp(values, -exponents)
        anchor = anchors(values)
        values = values - anchor
        center = mass @ values
        scale = np.sqrt(mass @ (values - center) ** 2)
        constant = scale <= _CONSTANT * np.abs(values).max(axis=0)
        return cls(exponents, anchor, center, np.where(constant, np.inf, scale))

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standardize (k, d) values."""
        values = np.ldexp(values, -self.exponents) - self.anchor
        return np.asarray((values - self.center) / self.scale)
