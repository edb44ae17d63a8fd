"""Divergences from optimal transport: they see the geometry of the sample space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from divergences.checks import check_real
from divergences.definitions.definition import Definition, Range, signed_root


@dataclass(frozen=True)
class Wasserstein(Definition):
    r"""W_r(P, Q) = (min over couplings of E|X - Y|^r)^(1/r), from 0 to infinity, in data units.

    The dual is sup of E_P[f] + E_Q[g] over f(x) + g(y) <= |x - y|^r; for r = 1, over
    1-Lipschitz f with g = -f. The distance is Euclidean. Good for separated or discrete
    measures, where f-divergences saturate, and for values in the data's own units. Fails in many
    dimensions, where the plug-in is biased upward by about n^(-1/d), and where features have
    unlike units: scale them first.

    Parameters
    ----------
    order : float
        The power r, at least 1.

    Raises
    ------
    TypeError, ValueError
        If `order` is no number of at least 1.

    References
    ----------
    Kantorovich (1942); Villani (2009).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.Wasserstein(2), norm(0, 1), norm(1, 2))
    W2 = 1.41421 data units (exact: quantile integral, ...; d=1)
    """

    order: float = 1.0
    symmetric: ClassVar[bool] = True
    metric: ClassVar[bool] = True
    scaling: ClassVar[float | None] = 1.0
    title: ClassVar[str] = "Wasserstein distance"
    critic = "potential"
    unit: ClassVar[str] = "data units"

    def __post_init__(self) -> None:
        check_real("order", self.order, at_least=1, remedy="Wasserstein orders start at 1.")

    @property
    def symbol(self) -> str:
        """Symbol with the order."""
        return f"W{self.order:g}"

    def ranges_over(self, d: int) -> Range:
        """Couplings, but along a line the sorted points."""
        return "points" if d == 1 else "couplings"

    def outer(self, inner: Any) -> Any:
        """Root of the transport cost."""
        return signed_root(inner, self.order)


@dataclass(frozen=True)
class SlicedWasserstein(Definition):
    r"""SW_r(P, Q) = (mean over directions of W_r^r of the projections)^(1/r), from 0 to infinity,
    in data units.

    The directions are uniform on the unit sphere, and in one dimension it is W_r. Good in many
    dimensions and for many points: its plug-in error is that of one dimension, and each projection
    only sorts. Fails to weigh what few directions show: it shrinks like d^(-1/2) against W.

    Parameters
    ----------
    order : float
        The power r, at least 1.

    Raises
    ------
    TypeError, ValueError
        If `order` is no number of at least 1.

    References
    ----------
    Rabin, Peyré, Delon and Bernot (2012); Bonneel et al. (2015).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.SlicedWasserstein(2), norm(0, 1), norm(1, 2))
    SW2 = 1.41421 data units (exact: quantile integral, ...; d=1)
    """

    order: float = 2.0
    symmetric: ClassVar[bool] = True
    metric: ClassVar[bool] = True
    scaling: ClassVar[float | None] = 1.0
    title: ClassVar[str] = "sliced Wasserstein distance"
    critic = "potential"
    unit: ClassVar[str] = "data units"

    def __post_init__(self) -> None:
        check_real("order", self.order, at_least=1, remedy="Wasserstein orders start at 1.")

    @property
    def symbol(self) -> str:
        """Symbol with the order."""
        return f"SW{self.order:g}"

    def outer(self, inner: Any) -> Any:
        """Root of the mean transport cost."""
        return signed_root(inner, self.order)


@dataclass(frozen=True)
class Sinkhorn(Definition):
    r"""S(P, Q) = OT_eps(P, Q) - OT_eps(P, P)/2 - OT_eps(Q, Q)/2, from 0 to infinity,
    in data units to the power r.

    OT_eps(P, Q) = min over couplings of E|X - Y|^r + eps KL(coupling || P x Q): it is the debiased
    entropic transport cost. As eps -> 0 it is W_r^r; as eps -> infinity, for r = 1, half the
    squared energy distance. Good as a smooth, sample-efficient stand-in for W. Fails to be a
    metric, and blurs what is smaller than eps^(1/r).

    Parameters
    ----------
    order : {1, 2}
        The power r in the cost |x - y|^r.
    epsilon : float or "auto"
        Strength of the entropy, in units of the cost; "auto" is a twentieth of the mean cost
        between the two samples, which depends on them: give a number to compare values.

    Raises
    ------
    TypeError, ValueError
        If `order` is neither 1 nor 2, or `epsilon` neither "auto" nor a number above 0.

    References
    ----------
    Genevay, Peyré and Cuturi (2018); Feydy et al. (2019).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.Sinkhorn(2, epsilon=0.5), norm(0, 1), norm(1, 2))
    Sinkhorn2 = 1.99805 data units² (exact: formula for Normal; d=1)
    """

    order: float = 2.0
    epsilon: float | Literal["auto"] = "auto"
    symmetric: ClassVar[bool] = True
    metric: ClassVar[bool] = False
    title: ClassVar[str] = "Sinkhorn divergence"
    critic = "potential"

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise ValueError(
                f"order must be 1 or 2 for the Sinkhorn divergence, not {self.order!r}: other "
                f"costs need not give a nonnegative divergence."
            )
        if self.epsilon != "auto":
            check_real("epsilon", self.epsilon, above=0, remedy='Or use "auto".')

    @property
    def scaling(self) -> float | None:  # type: ignore[override]
        """Scales as the cost where epsilon follows the data."""
        return self.order if self.epsilon == "auto" else None

    @property
    def symbol(self) -> str:
        """Symbol with the order."""
        return f"Sinkhorn{self.order:g}"

    @property
    def unit(self) -> str:
        """Unit of the cost."""
        return "data units" if self.order == 1 else "data units²"

    def ranges_over(self, d: int) -> Range:
        """Couplings."""
        return "couplings"
