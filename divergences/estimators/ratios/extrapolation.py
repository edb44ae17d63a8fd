"""Where points of one sample lie beyond all of the other, and the ratio is a guess."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.definitions import RatioDivergence
    from divergences.measures.samples import Samples

    Array = NDArray[np.float64]

_HARDLY_ANY, _SHARE_OF_HARDLY_ANY = 3, 1 / 20
_TELLING_SHARE = 0.2
# Squares of terms, and products of two, are still floating-point numbers.
_LARGEST_POWER = 150.0


def beyond_reach(at_p: Array, at_q: Array, p: Samples, q: Samples) -> tuple[Array, Array]:
    """By how much the log-ratio at P's points exceeds nearly all of Q's, and the reverse.

    Both are zero or more; nearly all are all but three, and but one in twenty of fewer than 60.
    Of a weighted sample that is the mass of as many of its effective number of points.
    """
    highest_q, lowest_p = _nearly_highest(at_q, q), -_nearly_highest(-at_p, p)
    return np.maximum(at_p - highest_q, 0.0), np.maximum(lowest_p - at_q, 0.0)


def highest_believed(
    definition: RatioDivergence, at_p: Array, at_q: Array, p: Samples, q: Samples
) -> float:
    """Log-ratio that terms which grow exponentially with it are not read beyond.

    Where Q has hardly any points, fits extrapolate, and of exponentials the farthest point would
    make the value: e times the term where Q's points end is believed. Where many of P's points
    lie beyond, so is the number of points.

    Raises
    ------
    ValueError
        If the term of that log-ratio overflows.
    """
    if definition.growth <= 0:
        return math.inf
    reach = _nearly_highest(at_q, q)
    highest = reach + 1 / definition.growth
    if p.mean(at_p > reach) > _TELLING_SHARE:
        highest = max(highest, most_shown(p, q))
    if definition.growth * highest > _LARGEST_POWER:
        raise ValueError(
            f"{definition.symbol} takes density ratios, which come to e^{highest:.3g} here, to the "
            f"power {definition.growth:g}, and that overflows. Use an order of at most "
            f"{math.floor(1 + _LARGEST_POWER / highest)}."
        )
    return float(highest)


def most_shown(p: Samples, q: Samples) -> float:
    """Log-ratio beyond which no sample supports one: of the number of points, by their weights."""
    return math.log(p.effective_size + q.effective_size)


def _nearly_highest(values: Array, sample: Samples) -> float:
    """The highest value, but for the mass of hardly any points."""
    size = sample.effective_size
    hardly_any = min(_HARDLY_ANY, max(1, int(_SHARE_OF_HARDLY_ANY * size)))
    order = np.argsort(-values)
    points = np.cumsum(sample.mass[order]) * size
    # To the nearest point, so that weights which hardly differ change nothing.
    return float(values[order[np.searchsorted(points, hardly_any - 0.5)]])


def out_of_reach(
    at_p: Array, at_q: Array, p: Samples, q: Samples
) -> tuple[tuple[bool, bool], tuple[str, ...]]:
    """Whether much of P's mass, and of Q's, lies where the other has hardly any; and in words."""
    beyond_p, beyond_q = beyond_reach(at_p, at_q, p, q)
    shares = p.mean(beyond_p > 0), q.mean(beyond_q > 0)
    notes = tuple(
        f"{share:.0%} of {name}'s {_lying(sample)} where {other} has hardly any: how large the "
        f"ratio is there cannot be told, and divergences without a largest value (KL, chi², Rényi) "
        f"rest on extrapolation."
        for share, name, sample, other in ((shares[0], "p", p, "q"), (shares[1], "q", q, "p"))
        if share > _TELLING_SHARE
    )
    return (shares[0] > _TELLING_SHARE, shares[1] > _TELLING_SHARE), notes


def _lying(sample: Samples) -> str:
    return "points lie" if sample.weights is None else "weight lies"


def is_unbounded(definition: RatioDivergence, apart: tuple[bool, bool]) -> bool:
    """Whether the divergence is infinite for mass of P where Q has none, and there may be such;
    or the reverse."""
    limit = np.array([np.inf])
    return bool(
        (apart[0] and np.isinf(definition.critic_p(limit)))
        or (apart[1] and np.isinf(definition.critic_q(-limit)))
    )


def extrapolated(
    definition: RatioDivergence, at_p: Array, at_q: Array, p: Samples, q: Samples
) -> float:
    """How much of a divergence rests on ratios beyond the largest that the samples show.

    It counts for the more the more of a sample lies there, and without end where that comes to
    the share from which on nothing can be told.
    """
    far = definition.point_terms(at_p, at_q)
    beyond = beyond_reach(at_p, at_q, p, q)
    near = definition.point_terms(at_p - beyond[0], at_q + beyond[1])
    total = 0.0
    for sample, farther, high, low in zip((p, q), beyond, far, near, strict=True):
        room = 1.0 - sample.mean(farther > 0) / _TELLING_SHARE
        outside = max(0.0, sample.mean(high - low))
        total += outside / room if room > 0 else outside
    return total
