"""What a density-ratio method found, out of sample at the samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimate import Critic


@dataclass(frozen=True, eq=False)
class Gap:
    """Log-ratios without and with the own point, whose values are too low and too high alike.

    Parameters
    ----------
    rows : pair of ndarray of shape (k,), (l,)
        The points of P and of Q that the fit saw.
    held_out, fitted : pair of ndarray of shape (k,), (l,)
        Log-ratios at those points, of fits without and with the own point.
    trust : float
        Share of half the gap, from 0 to 1, that is put right.
    """

    rows: tuple[NDArray[np.intp], NDArray[np.intp]]
    held_out: tuple[NDArray[np.float64], NDArray[np.float64]]
    fitted: tuple[NDArray[np.float64], NDArray[np.float64]]
    trust: float

    def limited(self, highest: float) -> Gap:
        """The same with no log-ratio above a highest one."""
        held_out, fitted = _limited(self.held_out, highest), _limited(self.fitted, highest)
        return replace(self, held_out=held_out, fitted=fitted)


@dataclass(frozen=True, eq=False)
class LogRatio:
    """What a density-ratio method found: l = ln(p/q), out of sample at the samples.

    Parameters
    ----------
    at_p, at_q : ndarray of shape (n,), (m,)
        Log-ratio at each point, from a fit that did not see that point.
    evaluate : callable
        (k, d) points to (k,) log-ratios, from all the data. Picklable.
    smaller : LogRatio or None
        The same from about half the data, for the learning curve.
    rate : float
        The power r for which the bias of a divergence read from a fit on n points is taken to
        shrink like n^-r.
    notes : tuple of str
        What to know before trusting it.
    out_of_reach : pair of bool
        Whether many points of P, and of Q, lie where the other sample has none, so that nothing
        bounds from above a divergence that such mass makes infinite.
    parts : pair of ndarray of shape (n,), (m,), or None
        Labels of the part of each point, where the fit that rates a part saw no point of it: the
        log-ratios of a part are then independent of each other. Values beyond the logarithm of
        the number of points may depend on the part.
    gap : Gap or None
        What corrects the value where it is given, in place of the learning curve; that of half
        the data then only says how sure the correction is.
    rival : Gap or None
        The same of another critic, which may have seen more.
    shrunk_to : float
        Share of their size that overconfident log-ratios were shrunk to; 1 if they were not.
    missed : float
        Jensen–Shannon divergence of a difference that a fit whose value is within its noise may
        pass over; the interval reaches up by it.
    diagnostics : dict or None
        What explains the fit.
    seen : pair of ndarray of shape (n,), (m,), or None
        Log-ratio at each point from fits that saw it: the upper end then reaches for its value.
    """

    at_p: NDArray[np.float64]
    at_q: NDArray[np.float64]
    evaluate: Critic
    smaller: LogRatio | None = None
    rate: float = 1.0
    notes: tuple[str, ...] = ()
    out_of_reach: tuple[bool, bool] = (False, False)
    parts: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None
    gap: Gap | None = None
    rival: Gap | None = None
    shrunk_to: float = 1.0
    missed: float = 0.0
    diagnostics: dict[str, Any] | None = None
    seen: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def limited(self, highest: float) -> LogRatio:
        """The same with no log-ratio above a highest one, except where the critic is evaluated."""
        at_p, at_q = _limited((self.at_p, self.at_q), highest)
        smaller = self.smaller and self.smaller.limited(highest)
        gap, rival = (part and part.limited(highest) for part in (self.gap, self.rival))
        seen = self.seen and _limited(self.seen, highest)
        return replace(self, at_p=at_p, at_q=at_q, smaller=smaller, gap=gap, rival=rival, seen=seen)


def _limited(
    pair: tuple[NDArray[np.float64], NDArray[np.float64]], highest: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.minimum(pair[0], highest), np.minimum(pair[1], highest)
