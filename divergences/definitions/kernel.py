"""Divergences whose critics form the unit ball of a reproducing kernel Hilbert space."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from divergences.definitions.definition import Definition, Range, signed_root
from divergences.definitions.positive_kernels import EnergyKernel, GaussianKernel, PositiveKernel


@dataclass(frozen=True)
class MMD(Definition):
    r"""MMD(P, Q) = sup of E_P[f] - E_Q[f] over |f| <= 1 in the RKHS, from 0 to sqrt(2 max k),
    a pure number where the kernel is one.

    MMD² = E k(X, X') + E k(Y, Y') - 2 E k(X, Y) has an unbiased estimate at any n. Good as a test
    that needs no fitting, with errors that do not grow with d. Fails to see differences much finer
    or coarser than the bandwidth; its size means little by itself.

    Parameters
    ----------
    kernel : PositiveKernel
        GaussianKernel, LaplacianKernel, RationalQuadraticKernel, EnergyKernel, or sums of them.
    squared : bool
        Whether the value is MMD² rather than its root.

    Raises
    ------
    TypeError
        If `kernel` is no PositiveKernel.

    References
    ----------
    Gretton et al. (2012).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.MMD(dv.GaussianKernel(1.0)), norm(0, 1), norm(1, 1))
    MMD = 0.421032 (exact: formula for normal mixtures; d=1)
    """

    kernel: PositiveKernel = field(default_factory=GaussianKernel)
    squared: bool = False
    symmetric: ClassVar[bool] = True
    title: ClassVar[str] = "maximum mean discrepancy"
    unit: ClassVar[str] = ""

    def __post_init__(self) -> None:
        if not isinstance(self.kernel, PositiveKernel):
            raise TypeError(
                f"kernel must be a PositiveKernel such as GaussianKernel(bandwidth=1.0), "
                f"not {self.kernel!r}."
            )

    @property
    def metric(self) -> bool:  # type: ignore[override]
        """Whether the triangle inequality holds: for the root, where no bandwidth moves."""
        return not self.squared and not self.kernel.needs_scale

    @property
    def scaling(self) -> float | None:  # type: ignore[override]
        """Zero with the median heuristic, which follows the data."""
        return 0.0 if isinstance(self.kernel, GaussianKernel) and self.kernel.needs_scale else None

    @property
    def symbol(self) -> str:
        """Symbol, with the square where it is meant."""
        return "MMD²" if self.squared else "MMD"

    def ranges_over(self, d: int) -> Range:
        """Pairs, but along a line the sorted points."""
        return "points" if d == 1 else "pairs"

    def outer(self, inner: Any) -> Any:
        """Signed root, unless the square is meant."""
        return inner if self.squared else signed_root(inner)


@dataclass(frozen=True)
class Energy(Definition):
    r"""E(P, Q) = sqrt(2 E|X - Y| - E|X - X'| - E|Y - Y'|), from 0 to infinity, in data
    units^(1/2).

    The MMD with kernel -|x - y|; in one dimension sqrt(2 integral of (F - G)²), as
    `scipy.stats.energy_distance`. Good as a parameter-free test that sees every difference.
    Fails to weigh fine structure, and mixed units: scale the features first.

    Parameters
    ----------
    squared : bool
        Whether the value is E² rather than its root.

    References
    ----------
    Székely and Rizzo (2004).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.Energy(), norm(0, 1), norm(1, 1))
    energy = 0.736075 data units^(1/2) (exact: CDF integral, ...; d=1)
    """

    squared: bool = False
    symmetric: ClassVar[bool] = True
    title: ClassVar[str] = "energy distance"

    @property
    def metric(self) -> bool:  # type: ignore[override]
        """The root obeys the triangle inequality."""
        return not self.squared

    @property
    def scaling(self) -> float | None:  # type: ignore[override]
        """Degree 1 for the square, 1/2 for the root."""
        return 1.0 if self.squared else 0.5

    @property
    def unit(self) -> str:
        """Unit of the value."""
        return "data units" if self.squared else "data units^(1/2)"

    @property
    def symbol(self) -> str:
        """Symbol, with the square where it is meant."""
        return "energy²" if self.squared else "energy"

    @property
    def kernel(self) -> PositiveKernel:
        """The kernel whose squared MMD is E²."""
        return EnergyKernel()

    def ranges_over(self, d: int) -> Range:
        """Pairs, but along a line the sorted points."""
        return "points" if d == 1 else "pairs"

    def outer(self, inner: Any) -> Any:
        """Signed root, unless the square is meant."""
        return inner if self.squared else signed_root(inner)
