"""Rényi's divergences, one for each order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from array_api_compat import array_namespace

from divergences.checks import check_real
from divergences.definitions.definition import check_base, log_unit
from divergences.definitions.f_divergence import RatioDivergence

_ONE_SIDED_ORDER = 0.75


@dataclass(frozen=True)
class Renyi(RatioDivergence):
    r"""R_alpha(P || Q) = ln E_Q[(p/q)^alpha]/(alpha - 1), from 0 to infinity, in nats.

    Good for privacy accounting and large deviations; alpha tunes how much the tails count, and
    alpha -> 1 is KL. Fails for alpha > 1 where P has the heavier tail (infinite), and from
    samples a few points decide large alpha. From order 3/4 on it is read from P's points, as KL is,
    which it meets at order 1; below, from both samples. It is an increasing function of the
    f-divergence with phi(u) = (u^alpha - 1 - alpha (u - 1))/(alpha (alpha - 1)).

    Parameters
    ----------
    alpha : float
        Order, above 0 and not 1.
    base : float
        e for nats, 2 for bits.

    Raises
    ------
    TypeError, ValueError
        If `alpha` is no number above 0 or is 1, or `base` is neither e nor 2.

    References
    ----------
    Rényi (1961).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.Renyi(0.5), norm(0, 1), norm(1, 1))
    Renyi(0.5) = 0.25 nats (exact: log-normalizer of Normal; d=1)
    """

    alpha: float
    base: float = math.e
    metric: ClassVar[bool] = False
    title: ClassVar[str] = "Rényi divergence"

    def __post_init__(self) -> None:
        check_base(self.base)
        check_real("alpha", self.alpha, above=0)
        if self.alpha == 1:
            raise ValueError(
                "alpha must not be 1, where the Rényi divergence is the Kullback–Leibler "
                "divergence. Use kl_divergence."
            )

    @property
    def symmetric(self) -> bool:  # type: ignore[override]
        """Only at alpha = 1/2."""
        return self.alpha == 0.5

    @property
    def one_sided(self) -> bool:  # type: ignore[override]
        """From order 3/4 on."""
        return self.alpha >= _ONE_SIDED_ORDER

    @property
    def growth(self) -> float:  # type: ignore[override]
        """What the order is beyond 1."""
        return max(self.alpha - 1.0, 0.0)

    @property
    def symbol(self) -> str:
        """Symbol with the order."""
        return f"Renyi({self.alpha:g})"

    @property
    def unit(self) -> str:
        """Nats or bits."""
        return log_unit(self.base)

    def generator(self, ratio: Any) -> Any:
        """phi(u) = (u^alpha - 1 - alpha (u - 1))/(alpha (alpha - 1))."""
        alpha = self.alpha
        return (ratio**alpha - 1 - alpha * (ratio - 1)) / (alpha * (alpha - 1))

    def critic_p(self, log_ratio: Any) -> Any:
        """a(l) = (e^((alpha - 1) l) - 1)/(alpha - 1)."""
        return array_namespace(log_ratio).expm1((self.alpha - 1) * log_ratio) / (self.alpha - 1)

    def critic_q(self, log_ratio: Any) -> Any:
        """b(l) = (1 - e^(alpha l))/alpha."""
        return -array_namespace(log_ratio).expm1(self.alpha * log_ratio) / self.alpha

    def point_terms(self, at_p: Any, at_q: Any) -> tuple[Any, Any]:
        """E_P[e^((alpha - 1) l)] from order 3/4 on, as for chi²; the variational terms below.

        At order 1 that meets KL, where the variational terms rest on E_Q[p/q], which few points
        decide.
        """
        alpha = self.alpha
        if not self.one_sided:
            return self.critic_p(at_p), self.critic_q(at_q)
        return array_namespace(at_p).expm1((alpha - 1) * at_p) / (alpha * (alpha - 1)), 0 * at_q

    def outer(self, inner: Any) -> Any:
        """ln(1 + alpha (alpha - 1) D)/(alpha - 1); infinite where the logarithm has no value."""
        alpha = self.alpha
        excess = alpha * (alpha - 1) * inner
        scale = (alpha - 1) * math.log(self.base)
        if not isinstance(excess, float):
            return array_namespace(excess).log1p(excess) / scale
        if excess <= -1:
            return math.copysign(math.inf, inner)
        return math.log1p(excess) / scale
