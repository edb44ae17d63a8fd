"""What other critics show of a difference that a single method may not see."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from divergences.confidence import REACH
from divergences.definitions import RatioDivergence
from divergences.estimators.auto import FEWEST_POINTS_TO_STACK
from divergences.estimators.estimator import register_review
from divergences.estimators.ratios.log_ratio import LogRatio
from divergences.estimators.ratios.ratio import RatioEstimator, read_by_fit
from divergences.estimators.stacked import Stacked
from divergences.numerals import two_digits

if TYPE_CHECKING:
    from divergences.estimate import Reading
    from divergences.measures.samples import Samples
    from divergences.work import Run

_EFFORT = 0.05


@dataclass(frozen=True)
class _Quick(Stacked):
    """The regressions of the default on at most 5,000 points, without a fit of half of them."""

    effort: float = _EFFORT

    def _halves(self, *_: Any) -> LogRatio | None:
        return None


@register_review(RatioDivergence)
def reach_up(
    definition: RatioDivergence, estimator: Any, reading: Reading, p: Samples, q: Samples, run: Run
) -> Reading:
    """Let the interval reach as far up as that of the default's regressions.

    No method sees more than its family of critics can express, and its own learning curve does
    not show what all of the family miss.
    """
    if not (isinstance(estimator, RatioEstimator) and estimator.second_opinion):
        return reading
    if min(p.n, q.n) < FEWEST_POINTS_TO_STACK or not math.isfinite(_upward(reading)):
        return reading
    if p.missing or q.missing:
        note = "Missing values: no critics of other kinds were asked what the method may not see."
        return reading.with_notes(note)
    other = read_by_fit(definition, _Quick(), *_without_densities(p, q, run), run)
    below, above = reading.doubt
    own = math.hypot(reading.stderr, above)
    beyond = (_upward(other) - _upward(reading)) / REACH + math.hypot(other.stderr, other.doubt[1])
    if beyond <= own:
        return reading
    doubt = below, math.sqrt(beyond**2 - reading.stderr**2)
    reached = replace(reading, doubt=doubt)
    if other.inner - _upward(reading) <= own:
        return reached
    return reached.with_notes(
        f"Critics of other kinds show {two_digits(definition.outer(other.inner))}, and the "
        f"interval reaches as far up as theirs: {estimator.describe()} may not see all of the "
        f'difference. Of those critics method="auto" is made.'
    )


def _upward(reading: Reading) -> float:
    """The value, and what its bias may hide."""
    return reading.inner + max(0.0, -reading.bias)


def _without_densities(p: Samples, q: Samples, run: Run) -> tuple[Samples, Samples]:
    """The points alone, where a density is known: regressions have no use for it."""
    if p.known is None and q.known is None:
        return p, q
    return run.once(
        "points alone", (p, q), lambda: (replace(p, known=None), replace(q, known=None))
    )
