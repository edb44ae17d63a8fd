"""What a critic network maximizes: lower bounds of divergences, as functions of the log-ratio.

Each bound joins a mean over P with a mean over Q. Every critic gives a lower bound, and the
true log-ratio gives the divergence.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from array_api_compat import array_namespace

from divergences.definitions import KullbackLeibler, RatioDivergence, ReverseKL

_POINTS_PER_TERM = 10


class Objective(Protocol):
    """A lower bound of a divergence, read from the log-ratio l at the points."""

    def terms(self, at_p: Any, at_q: Any) -> tuple[Any, Any]:
        """What is averaged over P and over Q; arrays or tensors."""

    def join(self, mean_p: Any, mean_q: Any) -> Any:
        """The bound, from the two means."""

    def slopes(self, mean_p: float, mean_q: float) -> tuple[float, float]:
        """How much either mean counts towards the bound."""

    def offset(self, mean_p: Any, mean_q: Any) -> Any:
        """What to add to the log-ratio so that the ratio has mean one."""


@dataclass(frozen=True)
class FenchelDual:
    r"""E_P[T] - E_Q[phi*(T)] with the output activation T = phi'(e^l) (Nowozin et al., 2016).

    At such a T the conjugate is phi*(T) = e^l phi'(e^l) - phi(e^l), so that T never leaves its
    domain, whatever l the network gives, and the two terms are the definition's own critic
    functions; where these are steps, as for total variation, one with a slope takes their place.
    """

    definition: RatioDivergence

    def terms(self, at_p: Any, at_q: Any) -> tuple[Any, Any]:
        """T and -phi*(T)."""
        return self.definition.trained_p(at_p), self.definition.trained_q(at_q)

    def join(self, mean_p: Any, mean_q: Any) -> Any:
        """Their sum."""
        return mean_p + mean_q

    def slopes(self, mean_p: float, mean_q: float) -> tuple[float, float]:
        """Both count once."""
        return 1.0, 1.0

    def offset(self, mean_p: Any, mean_q: Any) -> Any:
        """Nothing: the bound itself fixes the scale."""
        return 0.0


@dataclass(frozen=True)
class DonskerVaradhan:
    """E_P[l] - ln E_Q[e^l], a bound of KL that no constant added to l changes; or its mirror.

    Parameters
    ----------
    mirrored : bool
        Whether it is E_Q[-l] - ln E_P[e^-l], which bounds the reverse KL.
    """

    mirrored: bool

    def terms(self, at_p: Any, at_q: Any) -> tuple[Any, Any]:
        """L and e^l, mirrored e^-l and -l."""
        xp = array_namespace(at_p)
        return (xp.exp(-at_p), -at_q) if self.mirrored else (at_p, xp.exp(at_q))

    def join(self, mean_p: Any, mean_q: Any) -> Any:
        """One mean less the logarithm of the other."""
        inside, outside = (mean_p, mean_q) if self.mirrored else (mean_q, mean_p)
        return outside - array_namespace(inside).log(inside)

    def slopes(self, mean_p: float, mean_q: float) -> tuple[float, float]:
        """The mean inside of the logarithm counts by its inverse."""
        return (-1.0 / mean_p, 1.0) if self.mirrored else (1.0, -1.0 / mean_q)

    def offset(self, mean_p: Any, mean_q: Any) -> Any:
        """Less the logarithm of the mean ratio; mirrored, that of its inverse."""
        mean, sign = (mean_p, 1.0) if self.mirrored else (mean_q, -1.0)
        return sign * array_namespace(mean).log(mean)


def objectives_for(definition: RatioDivergence) -> dict[str, Objective]:
    """The objectives that bound a divergence, by name, besides "js", which serves all."""
    dual = FenchelDual(definition)
    found: dict[str, Objective] = {"conjugate": dual}
    if isinstance(definition, KullbackLeibler | ReverseKL):
        found["donsker_varadhan"] = DonskerVaradhan(isinstance(definition, ReverseKL))
    if isinstance(definition, KullbackLeibler):
        found["nwj"] = dual
    return found


def largest_log_ratio(objective: Objective, points: int) -> float:
    """The largest |l| at which no point's term exceeds a tenth of the number of points.

    Terms grow like powers of the ratio, and where one sample has points and the other has none
    a critic would let them grow forever; a point that follows there would decide the mean. For
    KL it is ln(N/10), for chi², whose terms are squares, half of that.

    Examples
    --------
    >>> from divergences.definitions import ChiSquared
    >>> round(largest_log_ratio(FenchelDual(ChiSquared()), 10_000) / math.log(1000), 2)
    0.5
    """
    most = max(points / _POINTS_PER_TERM, math.e)
    log_ratios = math.log(most) * np.arange(1, 101) / 100
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        terms = np.stack([*objective.terms(-log_ratios, log_ratios)])
    allowed = (np.abs(terms) <= most).all(axis=0)
    return float(log_ratios[max(1, len(allowed) if allowed.all() else np.argmin(allowed)) - 1])
