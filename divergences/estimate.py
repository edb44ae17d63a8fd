"""The answer: a float that knows its error bar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from divergences.checks import check_complete, check_points, check_real
from divergences.confidence import LEVEL
from divergences.numerals import rounded_together, strict_json
from divergences.reading import Critic, Reading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from divergences.definitions.definition import Definition
    from divergences.measures.known import Known
    from divergences.measures.samples import Samples

__all__ = ["Circumstances", "Critic", "Estimate", "Reading"]

# Beyond it differences of distances drown in rounding, and squares overflow.
_FAR = 1e12


@dataclass(frozen=True, eq=False)
class Circumstances:
    """How an estimate came about: the question, the method, the sizes, the time."""

    definition: Definition
    method: Any
    how: str
    d: int
    n: int | None = None
    m: int | None = None
    seconds: float = 0.0
    samples: tuple[Samples, Samples] | None = None
    measures: tuple[Known, Known] | None = None


class Estimate(float):
    """The value of a divergence, with its error bar and how it was found.

    An estimate is a float: it compares, averages and formats as one. It remembers the
    question (`definition`), the `method` and the sizes of the samples. Its interval comes from
    the normal limit of the estimator on the scale of the supremum over critics, is then taken
    through the definition's outer function, and reaches as far as the stated `bias`.

    Parameters
    ----------
    reading : Reading
        What the method found.
    circumstances : Circumstances
        How it was found.

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> exact = dv.kl_divergence(norm(0, 1), norm(1, 2))
    >>> f"{exact:.4f}", exact.stderr
    ('0.4431', 0.0)
    """

    reading: Reading
    circumstances: Circumstances

    def __new__(cls, reading: Reading, circumstances: Circumstances) -> Estimate:  # noqa: D102
        outer = circumstances.definition.outer
        value = outer(reading.inner) if reading.value is None else reading.value
        self = super().__new__(cls, value)
        object.__setattr__(self, "reading", reading)
        object.__setattr__(self, "circumstances", circumstances)
        return self

    @property
    def value(self) -> float:
        """The estimated divergence as a plain float."""
        return float(self)

    @property
    def definition(self) -> Definition:
        """What was measured."""
        return self.circumstances.definition

    @property
    def method(self) -> Any:
        """How it was measured: the estimator object with its settings."""
        return self.circumstances.method

    @property
    def how(self) -> str:
        """The method in words, with `auto` where it was chosen for the user."""
        return self.circumstances.how

    @property
    def unit(self) -> str:
        """Unit of the value: nats, bits, the data's own, or empty for a pure number."""
        return self.definition.unit

    @property
    def n(self) -> int | None:
        """Points of P that were used; None for exact values."""
        return self.circumstances.n

    @property
    def m(self) -> int | None:
        """Points of Q that were used; None for exact values."""
        return self.circumstances.m

    @property
    def d(self) -> int:
        """Number of features."""
        return self.circumstances.d

    @property
    def seconds(self) -> float:
        """Time the estimate took."""
        return self.circumstances.seconds

    @property
    def samples(self) -> tuple[Samples, Samples] | None:
        """Up to 1,000 points of each sample, kept for pictures."""
        return self.circumstances.samples

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before trusting the value."""
        return self.reading.notes

    @property
    def bracket(self) -> tuple[float, float] | None:
        """Two-sided bounds where the method has them."""
        return self.reading.bracket

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Whatever explains the value further."""
        return self.reading.diagnostics or {}

    @property
    def stderr(self) -> float:
        """Standard error: sampling spread only, bias is told apart in `bias` and `notes`."""
        if self.reading.stderr == 0:
            return 0.0
        low, high = self._through_outer(-self.reading.stderr, self.reading.stderr)
        if math.isfinite(self) and not math.isfinite(high - low):
            # Beyond the edge of an outer logarithm there is only one side to measure.
            return high - float(self) if math.isinf(low) else float(self) - low
        return (high - low) / 2

    @property
    def bias(self) -> float:
        """Known bias of the value: positive where it lies above the truth on average."""
        if self.reading.bias == 0 or not math.isfinite(self):
            return self.reading.bias
        unbiased: float = self.definition.outer(self.reading.inner - self.reading.bias)
        return float(self) - unbiased

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Confidence interval: the sampling spread, doubt of corrections, and the stated bias.

        Where bias cannot be excluded on one side, the interval reaches farther there.

        Parameters
        ----------
        level : float
            Confidence level, above 0 and below 1.

        Returns
        -------
        (float, float)
            Lower and upper end.

        Raises
        ------
        ValueError
            If `level` is not above 0 and below 1.
        """
        level = check_real("level", level, above=0, below=1, remedy="Use 0.95 for 95 %.")
        width = NormalDist().inv_cdf((1 + level) / 2)
        down, up = (width * math.hypot(self.reading.stderr, doubt) for doubt in self.reading.doubt)
        bias = self.reading.bias
        if down == up == 0 and bias == 0:
            return float(self), float(self)
        low, high = self._through_outer(-down - max(bias, 0.0), up + max(-bias, 0.0))
        low = min(0.0, float(self)) if math.isinf(low) and math.isfinite(self) else low
        # No divergence is negative, though held-out and unbiased estimates can be.
        return low, max(0.0, min(high, max(self.definition.maximum, float(self))))

    def lower_bound(self, level: float = LEVEL) -> float:
        """Certified lower bound: above the divergence with probability at most 1 - level.

        It assumes that the points are independent draws and nothing else, whatever the measures,
        the number of points and the quality of the fit. Each half of the samples is rated by a
        fit to the other half, and the bound is that of a bet that is fair at the divergence. At
        1,000 points it lies about five standard errors below the value, and it is 0 where the
        samples prove nothing. Of KL and other divergences without a largest value it sees
        little of what ratios beyond the sample size add.

        Parameters
        ----------
        level : float
            Confidence level, above 0 and below 1.

        Returns
        -------
        float
            At least 0. Exact values are their own bound.

        Raises
        ------
        ValueError
            If `level` is not above 0 and below 1.
        AttributeError
            If the method has no certified bound.

        References
        ----------
        Waudby-Smith and Ramdas (2024).

        Examples
        --------
        >>> import numpy as np
        >>> import divergences as dv
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.normal(0, 1, (500, 5)), rng.normal(0.5, 1, (500, 5))
        >>> est = dv.js_divergence(x, y, method="classifier", rng=0)  # truth: 0.136
        >>> 0.04 < est.lower_bound(0.95) < 0.136
        True
        """
        level = check_real("level", level, above=0, below=1, remedy="Use 0.95 for 95 %.")
        if self.n is None and self.reading.stderr == 0:
            return float(self)
        if self.reading.fresh is None:
            raise AttributeError(
                f"The method {self.how!r} has no certified lower bound of the "
                f"{self.definition.title} here. {self._other_bounds()}"
            )
        bound: float = self.definition.outer(self.reading.fresh.lower_bound(level))
        return bound

    def _other_bounds(self) -> str:
        if self.bracket is not None:
            return "Its bracket holds a lower and an upper bound, with the error of the samples."
        if any(sample.weights is not None for sample in self.samples or ()):
            return "Leave weights_p and weights_q out: it is for independent draws of equal weight."
        return (
            'f-divergences have one with method="auto", of 20 points or more, and with '
            'method="classifier", which rate each half of the points by a fit to the other; copies '
            "of rows must be left out first, as they are not independent."
        )

    def critic(self, points: ArrayLike) -> NDArray[np.float64]:
        """Value of the critic at new points: high where P outweighs Q.

        Parameters
        ----------
        points : array-like of shape (k,) or (k, d)
            Where to evaluate it; a data frame where the samples have categorical columns. A value
            beyond 1e12 times the largest that the samples have in a feature is read as that.

        Returns
        -------
        ndarray of shape (k,)
            Of known measures ln p - ln q: infinite where one has no density, NaN where neither
            has or both are below the smallest number.

        Raises
        ------
        AttributeError
            If the method has no critic; `has_critic` tells.
        ValueError
            If the points have another number of features than p and q, or values that are infinite
            or, unless the method reads them, missing.
        """
        if self.reading.critic is None:
            raise AttributeError(f"The method {self.how!r} has no critic to evaluate.")
        if self.samples is not None and self.samples[0].levels is not None:
            points = self.samples[0].coded(points)
        grid = check_points(points, self.d, "the features of p and q")
        check_complete(grid, allow_missing=getattr(self.method, "accepts_missing", False))
        if not len(grid):
            return np.empty(0)
        with np.errstate(all="ignore"):
            return self.reading.critic(self._within_reach(grid))

    def _within_reach(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.samples is None:
            return points
        seen = np.concatenate([np.abs(sample.points) for sample in self.samples])
        largest = np.max(np.nan_to_num(seen), axis=0)
        most = _FAR * np.where(largest > 0, largest, 1.0)
        return np.clip(points, -most, most)

    @property
    def has_critic(self) -> bool:
        """Whether `critic` can be called."""
        return self.reading.critic is not None

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the two samples and, where there is one, the critic.

        Of two known measures 1,000 points each are drawn for the picture.

        Parameters
        ----------
        ax : matplotlib Axes or None
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib Axes
        """
        # The one place where a result reaches for the layer above it.
        from divergences.report import plot_estimate

        axes: Axes = plot_estimate(self, ax=ax)
        return axes

    def to_dict(self) -> dict[str, Any]:
        """Return everything that JSON can hold, for logs and tables.

        Numbers that JSON lacks are the strings "Infinity", "-Infinity" and "NaN".
        """
        low, high = self.interval()
        contents = {
            "divergence": self.definition.symbol,
            "definition": repr(self.definition),
            "value": float(self),
            "stderr": self.stderr,
            "interval": [low, high],
            "level": LEVEL,
            "bias": self.bias,
            "bracket": list(self.bracket) if self.bracket else None,
            "unit": self.unit,
            "method": self.how,
            "settings": repr(self.method),
            "n": self.n,
            "m": self.m,
            "d": self.d,
            "seconds": self.seconds,
            "notes": list(self.notes),
            "diagnostics": self.diagnostics,
        }
        found: dict[str, Any] = strict_json(contents)
        return found

    def __repr__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        sizes = f"d={self.d}"
        if self.n is not None:
            sizes = f"n={self.n}, m={self.m}, {sizes}"
        if self.reading.stderr == 0 and self.reading.bias == 0 and not any(self.reading.doubt):
            return f"{self.definition.symbol} = {float(self):.6g}{unit} ({self.how}; {sizes})"
        value, stderr, low, high = rounded_together(float(self), self.stderr, *self.interval())
        return (
            f"{self.definition.symbol} = {value} ± {stderr}{unit} "
            f"(95 % interval {low} to {high}; {self.how}; {sizes})"
        )

    __str__ = __repr__

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"An Estimate is frozen: {name!r} cannot be set.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"An Estimate is frozen: {name!r} cannot be deleted.")

    def __reduce__(self) -> tuple[Any, ...]:
        return Estimate, (self.reading, self.circumstances)

    def _through_outer(self, down: float, up: float) -> tuple[float, float]:
        outer, inner = self.definition.outer, self.reading.inner
        return outer(inner + down), outer(inner + up)
