"""What to know, in words, of values read from a density ratio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from divergences.estimators.ratios.ratio_spread import FEW_POINTS
from divergences.numerals import two_digits

if TYPE_CHECKING:
    from divergences.definitions import RatioDivergence
    from divergences.measures.samples import Samples

HALF = "the same fit on half the data"
_POINTS_PER_FEATURE = 10
_FEW_OF_A_SAMPLE = 20
_TELLING = 0.1
_LOPSIDED = 0.7


def bias_notes(
    definition: RatioDivergence,
    inner: float,
    bias: float,
    judged_by: str = HALF,
) -> tuple[str, ...]:
    """The stated bias in words, on the scale of the value; nothing where there is none."""
    shift = definition.outer(inner) - definition.outer(inner - bias)
    direction = "downward" if shift < 0 else "upward"
    if not math.isfinite(shift):
        return (f"Biased {direction} by more than can be told.",)
    if abs(shift) < 1e-9:
        return ()
    size = two_digits(abs(shift))
    return (f"Biased {direction} by about {size}, judging by {judged_by}.",)


def correction_notes(
    definition: RatioDivergence,
    inner: float,
    held_out: float,
    stderr: float,
    has_bound: bool,
) -> tuple[str, ...]:
    """How far a value was moved for what critics lose on points that they have not seen."""
    shift = definition.outer(inner) - definition.outer(held_out)
    if not math.isfinite(shift) or abs(inner - held_out) <= _TELLING * stderr:
        return ()
    by = two_digits(abs(shift))
    how = (
        f"upward by {by}: what critics lose on points that they have not seen"
        if shift > 0
        else f"downward by {by}: critics say less of points that they have seen than of others, "
        f"which chance does"
    )
    bound = "; lower_bound() is a bound" if has_bound else ""
    return (f"Corrected {how}. It is a point estimate{bound}.",)


def limit_notes(definition: RatioDivergence, share: float, highest: float) -> tuple[str, ...]:
    """How many of P's points have a ratio that is not read in full."""
    if share == 0:
        return ()
    return (
        f"{definition.symbol} grows with powers of p/q, which q's points bear out up to "
        f"{two_digits(math.exp(highest))}. It is larger at {share:.1%} of p's points, and read as "
        f"that: the truth may be far higher.",
    )


def doubt_notes(doubt: tuple[float, float], stderr: float) -> tuple[str, ...]:
    """What to know of an interval that reaches much farther up than down; nothing of others."""
    if doubt[1] <= _LOPSIDED * math.hypot(stderr, doubt[0]):
        return ()
    return (
        "The interval reaches farther up than down: differences that so many points do not show "
        "cannot be excluded.",
    )


def few_points_notes(p: Samples, q: Samples, share: float) -> tuple[str, ...]:
    """Where an error bar hangs on few points, or was made of few; `share` is theirs of it."""
    notes = []
    if share > 0.5 and p.n + q.n > 20 * FEW_POINTS:
        notes.append(
            f"{FEW_POINTS} of the {p.n + q.n} points make up {share:.0%} of the variance: "
            f"the value and its error bar hang on them."
        )
    fewest = min(p.effective_size, q.effective_size)
    if fewest < _POINTS_PER_FEATURE * p.d:
        notes.append(
            f"Fewer than {_POINTS_PER_FEATURE} points of a sample for each feature: the error bar "
            f"is a rough one."
        )
    elif fewest < _FEW_OF_A_SAMPLE:
        notes.append(
            f"Fewer than {_FEW_OF_A_SAMPLE} points of a sample: the error bar is a rough one."
        )
    return tuple(notes)


def too_few_distinct_note(minimum: int) -> str:
    """Why copies of rows were not merged."""
    return (
        f"Copies of rows count as points of their own, since fewer than {minimum} points of a "
        f"sample are distinct: the value can be far too high, and its error bar too small."
    )
