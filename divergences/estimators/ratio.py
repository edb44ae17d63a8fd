"""Methods that find the density ratio, and the one way every f-divergence is read from it."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.definitions import RatioDivergence
from divergences.estimate import Critic, Reading, two_digits
from divergences.estimators.estimator import Estimator, register
from divergences.measures.samples import Samples
from divergences.work import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    """

    at_p: NDArray[np.float64]
    at_q: NDArray[np.float64]
    evaluate: Critic
    smaller: LogRatio | None = None
    rate: float = 1.0
    notes: tuple[str, ...] = ()


class RatioEstimator(Estimator):
    """A method that finds the density ratio, and so serves every f-divergence with one fit."""

    @abstractmethod
    def log_ratio(self, p: Samples, q: Samples, run: Run) -> LogRatio:
        """Fit the log-ratio and evaluate it at the samples, no point rating itself."""


@register(RatioDivergence, RatioEstimator)
def read_by_fit(
    definition: RatioDivergence, estimator: RatioEstimator, p: Samples, q: Samples, run: Run
) -> Reading:
    """Fit the density ratio, once for all divergences of a run, and read this one from it."""
    ratio = run.once(estimator, lambda: estimator.log_ratio(p, q, run))
    return read_ratio(definition, ratio, p, q)


def read_ratio(definition: RatioDivergence, ratio: LogRatio, p: Samples, q: Samples) -> Reading:
    """Read a divergence from an out-of-sample log-ratio.

    The value is the sum of the two means of the definition's `point_terms`; its spread is that
    of the variational terms, which are the influence function of the divergence; its bias is
    extrapolated from the fit on half the data.
    """
    inner = _mean_of_terms(definition, ratio, p, q)
    variance = p.variance_of_mean(definition.critic_p(ratio.at_p))
    variance += q.variance_of_mean(definition.critic_q(ratio.at_q))
    bias = 0.0
    notes = ratio.notes
    if ratio.smaller is not None:
        gain = inner - _mean_of_terms(definition, ratio.smaller, p, q)
        bias = -gain / (2.0**ratio.rate - 1.0)
        notes = (*notes, bias_note(definition, inner, bias))
    return Reading(
        inner=inner, stderr=math.sqrt(variance), bias=bias, notes=notes, critic=ratio.evaluate
    )


def _mean_of_terms(definition: RatioDivergence, ratio: LogRatio, p: Samples, q: Samples) -> float:
    at_p, at_q = definition.point_terms(ratio.at_p, ratio.at_q)
    return p.mean(at_p) + q.mean(at_q)


def bias_note(definition: RatioDivergence, inner: float, bias: float) -> str:
    """The stated bias in words, on the scale of the value."""
    shift = definition.outer(inner) - definition.outer(inner - bias)
    direction = "downward" if shift < 0 else "upward"
    if not math.isfinite(shift):
        return f"Biased {direction} by more than can be told from the same fit on half the data."
    size = two_digits(abs(shift))
    return f"Biased {direction} by about {size}, judging by the same fit on half the data."
