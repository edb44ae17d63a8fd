"""Which features span the data: constant and collinear columns found, named and left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.density.units import anchors, unit_exponents
from divergences.measures.arrays import first_few

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_NAMED = 6
_MOST_TOLD = 5
_RELATIVE_RESIDUAL = 1e-8
_SURELY_MORE = 8
_ROUNDING = 64 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Subspace:
    """The columns that span a point set, and the reason why each other one adds nothing.

    Parameters
    ----------
    kept : tuple of int
        Linearly independent columns, the earlier of two where either would do.
    dropped : dict of int to str
        For each other column, what it is: constant, or a combination of kept columns.
    names : tuple of str
        How messages call the columns.
    """

    kept: tuple[int, ...]
    dropped: dict[int, str]
    names: tuple[str, ...]

    @property
    def is_full(self) -> bool:
        """Whether every column is kept."""
        return not self.dropped

    def reduce(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the kept columns of points that lie in the subspace."""
        return points if self.is_full else np.ascontiguousarray(points[:, list(self.kept)])

    def words(self) -> str:
        """The dropped columns in words, such as `column 2 is constant`."""
        told = [f"column {self.names[j]} is {why}" for j, why in self.dropped.items()]
        return "; ".join(told[:_MOST_TOLD]) + (
            f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
        )


def find_subspace(points: NDArray[np.float64], columns: Sequence[str] | None = None) -> Subspace:
    r"""Find the columns that span the points, up to rounding.

    Columns are orthogonalized in their order; one whose residual on the earlier ones is below
    1e-8 of its own spread (more where its mean is so far from zero that rounding exceeds that)
    adds no direction. A column is constant if its values differ by rounding at most. As many
    columns as points less one span all of them: further ones are kept unless constant, as nothing
    tells what they add. Densities of two samples compare only with respect to one dominating
    measure: find the subspace of the *pooled* points, then reduce both samples. A density ratio
    does not depend on which spanning columns are kept.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Finite values.
    columns : sequence of str, optional
        Names for the words; indices otherwise.

    Returns
    -------
    Subspace

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 2))
    >>> find_subspace(np.column_stack([x, x.sum(axis=1), np.ones(50)])).words()
    'column 2 is a linear combination of columns 0, 1; column 3 is constant'
    """
    points = np.ldexp(points, -unit_exponents(points))
    d = points.shape[1]
    names = tuple(map(repr, columns)) if columns else tuple(map(str, range(d)))
    rounding = _ROUNDING * np.abs(points).max(axis=0) * np.sqrt(len(points))
    anchor = anchors(points)
    points = points - anchor
    centered = points - points.mean(axis=0)
    spread = np.linalg.norm(centered, axis=0)
    rounding = np.where(anchor == 0, rounding, np.minimum(rounding, spread / _SURELY_MORE))
    kept: list[int] = []
    dropped: dict[int, str] = {}
    basis = np.empty((min(d, len(points) - 1), len(points)))
    for j in range(d):
        if spread[j] <= rounding[j]:
            dropped[j] = "constant"
            continue
        if len(kept) >= len(basis):
            kept.append(j)
            continue
        residual = _residual(centered[:, j], basis[: len(kept)])
        size = np.linalg.norm(residual)
        if size <= max(_RELATIVE_RESIDUAL * spread[j], rounding[j]):
            dropped[j] = _combination(centered, spread, j, kept, names)
            continue
        basis[len(kept)] = residual / size
        kept.append(j)
    return Subspace(tuple(kept), dropped, names)


def _residual(column: NDArray[np.float64], basis: NDArray[np.float64]) -> NDArray[np.float64]:
    # Once leaves rounding along the basis behind; twice is enough (Giraud et al., 2005).
    for _ in range(2):
        column = column - basis.T @ (basis @ column)
    return column


def _combination(
    centered: NDArray[np.float64],
    spread: NDArray[np.float64],
    j: int,
    kept: list[int],
    names: tuple[str, ...],
) -> str:
    scaled = centered[:, kept] / spread[kept]
    shares = np.linalg.lstsq(scaled, centered[:, j] / spread[j], rcond=None)[0]
    used = [names[k] for k, share in zip(kept, shares, strict=True) if abs(share) > 1e-6]
    if len(used) == 1:
        return f"a multiple of column {used[0]} plus a constant"
    return f"a linear combination of columns {first_few(used, _MOST_NAMED)}"
