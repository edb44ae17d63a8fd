"""An estimate in plain words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from divergences.definitions import RatioDivergence
from divergences.numerals import rounded_together, two_digits

if TYPE_CHECKING:
    from divergences.estimate import Estimate

_MOST_LISTED = 7
_LARGE = 1e6
_LOPSIDED = 5.0
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?(?: ?%)?", re.IGNORECASE)


def verdict(estimate: Estimate) -> str:
    """Say in plain words whether two measures differ, judged by the 95 % interval.

    Parameters
    ----------
    estimate : Estimate
        Value with its error bar.

    Returns
    -------
    str

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> verdict(dv.kl_divergence(norm(0, 1), norm(0, 1)))
    'no difference: exactly 0'
    """
    if math.isinf(estimate):
        return "differs: infinite"
    low, high = estimate.interval()
    if low == high == 0:
        return "no difference: exactly 0" if estimate.n is None else "no difference seen: value 0"
    if low > 0:
        return f"differs{_meaning(estimate)}"
    if isinstance(estimate.definition, RatioDivergence):
        if estimate.stderr > 1:
            return "too noisy to tell: interval contains 0"
        if high > 0 and high - estimate > _LOPSIDED * (estimate - low):
            return f"no difference seen; {two_digits(high)} not excluded"
    return "no difference seen: interval contains 0"


def _meaning(estimate: Estimate) -> str:
    meaning = estimate.definition.meaning(estimate)
    if meaning:
        return f": {meaning}"
    return ": exact value" if estimate.n is None else ": interval above 0"


def value_words(estimate: Estimate, with_unit: bool = True) -> str:
    """Write value ± standard error, with as many decimals as the error leaves meaningful."""
    unit = f" {estimate.unit}" if with_unit and estimate.unit else ""
    if estimate.stderr == 0:
        return f"{estimate.value:.6g}{unit}"
    value, stderr = _rounded(estimate.value, estimate.stderr)
    return f"{value} ± {stderr}{unit}"


def interval_words(estimate: Estimate) -> str:
    """Write the 95 % interval with the decimals of the value."""
    low, high = estimate.interval()
    if low == high and estimate.n is None:
        return "exact"
    _, _, first, last = _rounded(estimate.value, estimate.stderr, low, high)
    return f"{first} to {last}"


def _rounded(value: float, stderr: float, *others: float) -> list[str]:
    # Fixed decimals would print every digit of a very large number.
    if max(abs(value), stderr) >= _LARGE and math.isfinite(stderr):
        return [f"{number:.2g}" for number in (value, stderr, *others)]
    return rounded_together(value, stderr, *others)


def merged_notes(labels: Sequence[str], notes: Sequence[Iterable[str]]) -> list[str]:
    """Say each note once, with the labels it is about; notes that differ only in numbers join.

    Parameters
    ----------
    labels : sequence of str
        What each row is called.
    notes : sequence of iterables of str
        The notes of each row.

    Returns
    -------
    list of str

    Examples
    --------
    >>> merged_notes(["JS", "TV", "W1"], [["Biased by 0.1."], ["Biased by 0.2."], ["Slow."]])
    ['JS, TV: Biased by 0.1 (JS), 0.2 (TV).', 'W1: Slow.']
    """
    families: dict[str, list[tuple[str, str]]] = {}
    for label, texts in zip(labels, notes, strict=True):
        for text in dict.fromkeys(texts):
            families.setdefault(_NUMBER.sub("#", text), []).append((label, text))
    return [_merged(members, len(labels)) for members in families.values()]


def _as_float(number: str) -> float:
    return float(number.rstrip("% ").replace(",", ""))


def _merged(members: list[tuple[str, str]], rows: int) -> str:
    names = list(dict.fromkeys(label for label, _ in members))
    about = ", ".join(names) if len(names) <= _MOST_LISTED else f"{len(names)} of {rows}"
    about = "All" if len(names) == rows > 1 else about
    first = members[0][1]
    columns = list(zip(*(_NUMBER.findall(text) for _, text in members), strict=True))
    slots = iter(columns)

    def fill(match: re.Match[str]) -> str:
        numbers = next(slots)
        if len(set(numbers)) == 1:
            return match.group()
        if len(set(numbers)) > _MOST_LISTED:
            ordered = sorted(numbers, key=_as_float)
            return f"{ordered[0]} to {ordered[-1]}"
        by_number: dict[str, list[str]] = {}
        for number, (label, _) in zip(numbers, members, strict=True):
            by_number.setdefault(number, []).append(label)
        return ", ".join(f"{number} ({', '.join(who)})" for number, who in by_number.items())

    return f"{about}: {_NUMBER.sub(fill, first)}"
