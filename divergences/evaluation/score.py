"""One number about a generator, with its error bar and what a perfect generator would have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from divergences.numerals import rounded_together, strict_json

_SURE = 2.0


@dataclass(frozen=True)
class Score:
    """One number about a generator.

    Parameters
    ----------
    name : str
    value : float
    stderr : float
        Standard deviation of the value over repeated samples; 0 for counts.
    expected : float
        What draws of the data's own law would have on average, for samples of these sizes.
    meaning : str
        What the number is, in a few words.

    Examples
    --------
    >>> Score("recall", 0.61, 0.03, 0.99, "data among the generated points")
    recall = 0.610 ± 0.030 (perfect: 0.990; data among the generated points)
    """

    name: str
    value: float
    stderr: float
    expected: float
    meaning: str

    @property
    def verdict(self) -> str:
        """Whether the value is within two standard errors of what a perfect generator has."""
        if abs(self.value - self.expected) <= _SURE * self.stderr or self.value == self.expected:
            return "as perfect"
        return "lower" if self.value < self.expected else "higher"

    def words(self) -> tuple[str, str]:
        """The value ± its error, and the expected value, to the decimals that the error leaves."""
        if self.stderr == 0:
            return f"{self.value:.4g}", f"{self.expected:.4g}"
        value, stderr, expected = rounded_together(self.value, self.stderr, self.expected)
        return f"{value} ± {stderr}", expected

    def to_dict(self) -> dict[str, Any]:
        """Return everything that JSON can hold."""
        contents = {
            "name": self.name,
            "value": self.value,
            "stderr": self.stderr,
            "expected": self.expected,
            "verdict": self.verdict,
            "meaning": self.meaning,
        }
        json: dict[str, Any] = strict_json(contents)
        return json

    def __repr__(self) -> str:
        value, expected = self.words()
        return f"{self.name} = {value} (perfect: {expected}; {self.meaning})"
