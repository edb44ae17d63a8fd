"""The Jensen–Shannon divergence and distance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from array_api_compat import array_namespace

from divergences.definitions.definition import check_base, log_unit, signed_root
from divergences.definitions.f_divergence import RatioDivergence


@dataclass(frozen=True)
class JensenShannon(RatioDivergence):
    r"""JS(P, Q) = KL(P || M)/2 + KL(Q || M)/2, M = (P + Q)/2, from 0 to ln 2, in nats.

    Good as a first choice: symmetric, bounded, finite for any pair, and what the original GAN
    minimizes. Fails to tell how far apart two separated measures are: it saturates at ln 2 as
    soon as they do not overlap. phi(u) = (u ln u - (1 + u) ln((1 + u)/2))/2.

    Parameters
    ----------
    base : float
        e for nats, 2 for bits (then the range is 0 to 1).

    Raises
    ------
    ValueError
        If `base` is neither e nor 2.

    References
    ----------
    Lin (1991); Goodfellow et al. (2014).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.JensenShannon(base=2), norm(0, 1), norm(1, 1))
    JS = 0.160747 bits (exact: quadrature in 1-D, ...; d=1)
    """

    base: float = math.e
    symmetric: ClassVar[bool] = True
    metric: ClassVar[bool] = False
    title: ClassVar[str] = "Jensen–Shannon divergence"
    symbol: ClassVar[str] = "JS"

    def __post_init__(self) -> None:
        check_base(self.base)

    @property
    def unit(self) -> str:
        """Nats or bits."""
        return log_unit(self.base)

    @property
    def maximum(self) -> float:
        """ln 2, one bit."""
        return math.log(2) / math.log(self.base)

    @property
    def inner_maximum(self) -> float:
        """ln 2, whatever the base."""
        return math.log(2)

    def generator(self, ratio: Any) -> Any:
        """phi(u) = (u ln u - (1 + u) ln((1 + u)/2))/2."""
        xp = array_namespace(ratio)
        safe = xp.where(ratio > 0, ratio, xp.ones_like(ratio))
        return (ratio * xp.log(safe) - (1 + ratio) * xp.log1p((ratio - 1) / 2)) / 2

    def critic_p(self, log_ratio: Any) -> Any:
        """a(l) = (ln 2 - ln(1 + e^-l))/2."""
        return _half_log_posterior(log_ratio)

    def critic_q(self, log_ratio: Any) -> Any:
        """b(l) = (ln 2 - ln(1 + e^l))/2."""
        return _half_log_posterior(-log_ratio)

    def outer(self, inner: Any) -> Any:
        """Change of base."""
        return inner / math.log(self.base)


@dataclass(frozen=True)
class JensenShannonDistance(RatioDivergence):
    r"""sqrt(JS(P, Q)), from 0 to sqrt(ln 2), in nats^(1/2): a metric.

    Good where the triangle inequality is needed (clustering, embeddings). Fails like JS, and
    its error bar widens near zero, as every root's does.

    Parameters
    ----------
    base : float
        e for nats, 2 for bits (then the range is 0 to 1).

    Raises
    ------
    ValueError
        If `base` is neither e nor 2.

    References
    ----------
    Endres and Schindelin (2003).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.JensenShannonDistance(), norm(0, 1), norm(1, 1))
    sqrt(JS) = 0.333799 nats^(1/2) (exact: quadrature in 1-D, ...; d=1)
    """

    base: float = math.e
    symmetric: ClassVar[bool] = True
    metric: ClassVar[bool] = True
    title: ClassVar[str] = "Jensen–Shannon distance"
    symbol: ClassVar[str] = "sqrt(JS)"

    def __post_init__(self) -> None:
        check_base(self.base)

    @property
    def unit(self) -> str:
        """Root of nats or bits."""
        return f"{log_unit(self.base)}^(1/2)"

    @property
    def maximum(self) -> float:
        """Root of ln 2."""
        return math.sqrt(math.log(2) / math.log(self.base))

    @property
    def inner_maximum(self) -> float:
        """ln 2, whatever the base."""
        return math.log(2)

    def generator(self, ratio: Any) -> Any:
        """As JS."""
        return JensenShannon().generator(ratio)

    def critic_p(self, log_ratio: Any) -> Any:
        """As JS."""
        return _half_log_posterior(log_ratio)

    def critic_q(self, log_ratio: Any) -> Any:
        """As JS."""
        return _half_log_posterior(-log_ratio)

    def outer(self, inner: Any) -> Any:
        """Signed root, after the change of base."""
        return signed_root(inner / math.log(self.base))


def _half_log_posterior(log_odds: Any) -> Any:
    xp = array_namespace(log_odds)
    return (math.log(2) - xp.logaddexp(xp.zeros_like(log_odds), -log_odds)) / 2
