r"""What the counts in a ball say about the two measures of it, free of the counts' noise.

Shrink a ball about x from all of space until it meets its stopping rule. While it holds j of n
further points, the next one leaves at the rate j per unit of -ln P(ball), so that
H_j - ln P(ball), H_j = 1 + 1/2 + ... + 1/j, is a martingale. At the stopping ball therefore

    E[H_j - H_n - H_l + H_m] = E[ln P(ball)/Q(ball)],

exactly, whatever the densities, j and l being the points of either sample strictly inside. Only
the variation of the ratio within the ball is left as an error: there is none where P = Q. In
the same way Gamma(j + 1)/Gamma(j + 1 - s) P(ball)^-s is a martingale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.special import digamma, gammaln

from divergences.estimators.whitening import Counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(96)
_STRETCH = 4
_HARMONIC_ROWS = 20_000


class Term(Protocol):
    """A function of the log-ratio of a point's own measure to the other, read from counts."""

    def values(self, inside: Counts, n: int, m: int) -> NDArray[np.float64]:
        """Value at each center; n further points of its own sample and m of the other."""

    def slopes(
        self, values: NDArray[np.float64], members: Counts, n: int, m: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How much more mass at a member of either sample would change the value."""


@dataclass(frozen=True)
class LogRatioTerm:
    """ln(p/q) = H_j - H_n - H_l + H_m, after Wang, Kulkarni and Verdú (2009)."""

    def values(self, inside: Counts, n: int, m: int) -> NDArray[np.float64]:
        """Log-ratio."""
        return np.asarray(
            digamma(inside.own + 1.0)
            - digamma(inside.other + 1.0)
            + (digamma(m + 1.0) - digamma(n + 1.0))
        )

    def slopes(
        self, values: NDArray[np.float64], members: Counts, n: int, m: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """-1/l for the other sample.

        The sum of 1/j over the balls tends to one at every point of the own sample, a constant;
        its noise is in the spread of the values already.
        """
        return np.zeros(len(values)), -_inverse(members.other)


@dataclass(frozen=True)
class PowerTerm:
    """(p/q)^s with the Gamma-function correction of Póczos and Schneider (2011)."""

    exponent: float

    def values(self, inside: Counts, n: int, m: int) -> NDArray[np.float64]:
        """Power of the ratio; zero where ties leave fewer points than the exponent needs."""
        s = self.exponent
        reference = _log_falling(np.array([n]), s) + _log_falling(np.array([m]), -s)
        return np.exp(_log_falling(inside.own, s) + _log_falling(inside.other, -s) - reference)

    def slopes(
        self, values: NDArray[np.float64], members: Counts, n: int, m: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """s (p/q)^s/j and its opposite over l."""
        steep = self.exponent * values
        return steep * _inverse(members.own), -steep * _inverse(members.other)


@dataclass(frozen=True)
class LogShareTerm:
    """ln of 2p/(p + q), the term of the Jensen–Shannon divergence.

    ln(p + q) is read from the pooled count. Where the samples differ in size, the larger one
    is thinned to the size of the other, in expectation over all ways to do so.
    """

    def values(self, inside: Counts, n: int, m: int) -> NDArray[np.float64]:
        """Log-share."""
        own = digamma(inside.own + 1.0) - digamma(n + 1.0)
        whole = _thinned_harmonic(np.array([n]), np.array([m]), n, m)
        return np.asarray(own - _thinned_harmonic(inside.own, inside.other, n, m) + whole)

    def slopes(
        self, values: NDArray[np.float64], members: Counts, n: int, m: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """1/j - 1/(j + c l) and -c/(j + c l), c = n/m."""
        share = n / m
        pooled = _inverse(members.own + share * members.other)
        return _inverse(members.own) - pooled, -share * pooled


def _inverse(counts: NDArray[np.float64] | NDArray[np.intp]) -> NDArray[np.float64]:
    return np.divide(1.0, counts, out=np.zeros(len(counts)), where=counts > 0)


def _log_falling(counts: NDArray[np.intp], s: float) -> NDArray[np.float64]:
    """ln Gamma(j + 1)/Gamma(j + 1 - s), -inf where j + 1 - s is not positive."""
    below = counts + 1.0 - s
    values = gammaln(counts + 1.0) - gammaln(np.where(below > 0, below, 1.0))
    return np.where(below > 0, values, -np.inf)


def _thinned_harmonic(
    a: NDArray[np.intp], b: NDArray[np.intp], n: int, m: int
) -> NDArray[np.float64]:
    """E H_N - gamma, N what is left of a + b when the larger sample is thinned.

    H_N is the integral of (1 - t^N)/(1 - t) over (0, 1), and the expectation of t^N is known.
    """
    if n < m:
        a, b, n, m = b, a, m, n
    if n == m:
        return np.asarray(digamma(a + b + 1.0))
    keep = m / n
    u = (_NODES + 1.0) / 2.0
    gap = u**_STRETCH  # 1 - t, stretched so that counts up to 1e7 are resolved near t = 1
    log_kept, log_thinned = np.log1p(-gap), np.log1p(-keep * gap)
    weights = _STRETCH * _NODE_WEIGHTS / (2.0 * u)
    sums = np.empty(len(a))
    for start in range(0, len(a), _HARMONIC_ROWS):
        rows = slice(start, start + _HARMONIC_ROWS)
        powers = np.multiply.outer(b[rows], log_kept) + np.multiply.outer(a[rows], log_thinned)
        # Not a matrix product, in which equal rows can differ in the last bit.
        sums[rows] = (-np.expm1(powers) * weights).sum(axis=1)
    return sums - np.euler_gamma
