"""How results write numbers: with the digits that they are sure of, and as JSON has them."""

from __future__ import annotations

import math
from typing import Any


def rounded_together(value: float, stderr: float, *others: float) -> list[str]:
    """Format numbers with the decimals that their standard error leaves meaningful.

    The error keeps two significant digits, as the PDG rules have it, and the value, its
    error and the further numbers end at the same decimal.

    Examples
    --------
    >>> rounded_together(0.113142, 0.006931)
    ['0.1131', '0.0069']
    """
    numbers = [value, stderr, *others]
    if not (math.isfinite(stderr) and stderr > 0):
        return [f"{number:.6g}" for number in numbers]
    decimals = max(0, 1 - math.floor(math.log10(stderr)))
    if decimals > 9 or max(abs(value), stderr) >= 1e6:
        return [f"{number:.3g}" for number in numbers]
    return [f"{number:.{decimals}f}" for number in numbers]


def two_digits(number: float) -> str:
    """Write a number with two significant digits, as notes have them.

    Examples
    --------
    >>> two_digits(0.01234), two_digits(312.0)
    ('0.012', '310')
    """
    return f"{float(f'{number:.2g}'):g}"


def three_digits(number: float) -> str:
    """Write a number with three significant digits.

    Examples
    --------
    >>> three_digits(0.012345)
    '0.0123'
    """
    return f"{float(f'{number:.3g}'):g}"


def strict_json(value: Any) -> Any:
    """Return `value` with numbers that JSON lacks as "Infinity", "-Infinity" and "NaN".

    Examples
    --------
    >>> strict_json({"high": math.inf, "low": 1.0})
    {'high': 'Infinity', 'low': 1.0}
    """
    if isinstance(value, dict):
        return {str(key): strict_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value
