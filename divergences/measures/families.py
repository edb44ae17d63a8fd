"""Families of distributions with their parameters in float64, whichever library they came from.

Here is what a family is, and the families on the line; `multivariate` has the others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from divergences.measures._laws import (
    BetaLaw,
    FiniteLaw,
    Law,
    ScipyLaw,
    VonMisesLaw,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


class Family(ABC):
    """A distribution told by its name and its parameters.

    Subclasses are final frozen dataclasses whose fields are the parameters. Laws: the mass of
    `log_density` is one, and `sample` draws from it.
    """

    discrete: ClassVar[bool] = False

    @property
    @abstractmethod
    def d(self) -> int:
        """Number of features."""

    @abstractmethod
    def log_density(self, points: Array) -> Array:
        """Log-density at (k, d) points; -inf outside the support."""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n, d) points."""

    @property
    def law(self) -> Law | None:
        """Distribution function and quantiles, in one dimension."""
        return None

    def parameters(self) -> tuple[Any, ...]:
        """Values of the fields, in order."""
        return tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]

    def same_as(self, other: Family) -> bool:
        """Whether the other is this very distribution, told from the parameters."""
        return type(self) is type(other) and all(
            _equal(ours, theirs)
            for ours, theirs in zip(self.parameters(), other.parameters(), strict=True)
        )

    def __repr__(self) -> str:
        shown = []
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.default is MISSING or value != field.default:
                shown.append(_words(value))
        return f"{type(self).__name__}({', '.join(shown)})"


class Line(Family):
    """A family on the line, defined by its law."""

    @property
    def d(self) -> int:
        """One."""
        return 1

    @cached_property
    def law(self) -> Law:
        """Distribution function and quantiles."""
        return self._law()

    @abstractmethod
    def _law(self) -> Law: ...

    def log_density(self, points: Array) -> Array:
        """Log-density at (k, 1) points."""
        return np.asarray(self.law.log_density(points[:, 0]), dtype=np.float64)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n, 1) points."""
        return self.law.sample(n, rng).reshape(n, 1)


def _equal(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, Family):
        return isinstance(theirs, Family) and ours.same_as(theirs)
    if isinstance(ours, tuple) and isinstance(theirs, tuple):
        return len(ours) == len(theirs) and all(map(_equal, ours, theirs))
    return bool(np.array_equal(ours, theirs))


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, np.ndarray):
        if value.size > 6:
            return f"<{'x'.join(map(str, value.shape))}>"
        return np.array2string(value, precision=4, separator=", ").replace("\n", "")
    return repr(value)


@dataclass(frozen=True, repr=False)
class Normal(Line):
    """Normal on the line."""

    mean: float
    std: float

    def _law(self) -> Law:
        return ScipyLaw("norm", (), self.mean, self.std)


@dataclass(frozen=True, repr=False)
class Laplace(Line):
    """Density exp(-|x - loc|/scale)/(2 scale)."""

    loc: float
    scale: float

    def _law(self) -> Law:
        return ScipyLaw("laplace", (), self.loc, self.scale)


@dataclass(frozen=True, repr=False)
class Exponential(Line):
    """Density exp(-(x - loc)/scale)/scale from loc on."""

    scale: float
    loc: float = 0.0

    def _law(self) -> Law:
        return ScipyLaw("expon", (), self.loc, self.scale)


@dataclass(frozen=True, repr=False)
class Uniform(Line):
    """Constant density from low to high."""

    low: float
    high: float

    def _law(self) -> Law:
        return ScipyLaw("uniform", (), self.low, self.high - self.low)


@dataclass(frozen=True, repr=False)
class Gamma(Line):
    """Density proportional to (x - loc)^(shape - 1) exp(-(x - loc)/scale)."""

    shape: float
    scale: float
    loc: float = 0.0

    def _law(self) -> Law:
        return ScipyLaw("gamma", (self.shape,), self.loc, self.scale)


@dataclass(frozen=True, repr=False)
class Beta(Line):
    """Density proportional to (x - low)^(a - 1) (high - x)^(b - 1)."""

    a: float
    b: float
    low: float = 0.0
    high: float = 1.0

    def _law(self) -> Law:
        return BetaLaw(self.a, self.b, self.low, self.high - self.low)


@dataclass(frozen=True, repr=False)
class LogNormal(Line):
    """Law of loc + exp(Z), Z normal with the given mean and standard deviation."""

    mean: float
    std: float
    loc: float = 0.0

    def _law(self) -> Law:
        return ScipyLaw("lognorm", (self.std,), self.loc, float(np.exp(self.mean)))


@dataclass(frozen=True, repr=False)
class Weibull(Line):
    """Survival function exp(-((x - loc)/scale)^shape)."""

    shape: float
    scale: float
    loc: float = 0.0

    def _law(self) -> Law:
        return ScipyLaw("weibull_min", (self.shape,), self.loc, self.scale)


@dataclass(frozen=True, repr=False)
class Pareto(Line):
    """Survival function ((x - loc)/scale)^-shape from loc + scale on."""

    shape: float
    scale: float
    loc: float = 0.0

    def _law(self) -> Law:
        return ScipyLaw("pareto", (self.shape,), self.loc, self.scale)


@dataclass(frozen=True, repr=False)
class Cauchy(Line):
    """Student's t with one degree of freedom."""

    loc: float
    scale: float

    def _law(self) -> Law:
        return ScipyLaw("cauchy", (), self.loc, self.scale)


@dataclass(frozen=True, repr=False)
class StudentT(Line):
    """Student's t."""

    df: float
    loc: float
    scale: float

    def _law(self) -> Law:
        return ScipyLaw("t", (self.df,), self.loc, self.scale)


@dataclass(frozen=True, repr=False)
class Logistic(Line):
    """Distribution function 1/(1 + exp(-(x - loc)/scale))."""

    loc: float
    scale: float

    def _law(self) -> Law:
        return ScipyLaw("logistic", (), self.loc, self.scale)


@dataclass(frozen=True, repr=False)
class VonMises(Line):
    """Density proportional to exp(concentration cos(x - loc)) on [-pi, pi]."""

    loc: float
    concentration: float

    def _law(self) -> Law:
        return VonMisesLaw(self.loc, self.concentration)


@dataclass(frozen=True, repr=False)
class Bernoulli(Line):
    """One with the given probability, else zero."""

    probability: float
    discrete: ClassVar[bool] = True

    def _law(self) -> Law:
        masses = np.array([1.0 - self.probability, self.probability])
        return FiniteLaw(np.array([0.0, 1.0]), masses)


@dataclass(frozen=True, repr=False, eq=False)
class Categorical(Line):
    """Masses on 0, 1, 2, and so on."""

    probabilities: Array
    discrete: ClassVar[bool] = True

    def _law(self) -> Law:
        return FiniteLaw(np.arange(len(self.probabilities), dtype=float), self.probabilities)


@dataclass(frozen=True, repr=False)
class Poisson(Line):
    """Mass exp(-rate) rate^k/k!."""

    rate: float
    discrete: ClassVar[bool] = True

    def _law(self) -> Law:
        return ScipyLaw("poisson", (self.rate,), 0.0, 1.0)


@dataclass(frozen=True, repr=False)
class Geometric(Line):
    """Trials up to the first success, counted from `first`: 1, or 0 for failures only."""

    probability: float
    first: float = 1.0
    discrete: ClassVar[bool] = True

    def _law(self) -> Law:
        return ScipyLaw("geom", (self.probability,), self.first - 1.0, 1.0)


@dataclass(frozen=True, repr=False)
class Binomial(Line):
    """Successes in a number of trials."""

    trials: float
    probability: float
    discrete: ClassVar[bool] = True

    def _law(self) -> Law:
        return ScipyLaw("binom", (round(self.trials), self.probability), 0.0, 1.0)


@dataclass(frozen=True, repr=False)
class NegativeBinomial(Line):
    """Failures before a number of successes, each success with the given probability."""

    successes: float
    probability: float
    discrete: ClassVar[bool] = True

    def _law(self) -> Law:
        return ScipyLaw("nbinom", (self.successes, self.probability), 0.0, 1.0)


@dataclass(frozen=True, repr=False, eq=False)
class OtherLine(Line):
    """A law on the line that the catalogue does not name."""

    name: str
    given: Law

    @property
    def discrete(self) -> bool:  # type: ignore[override]
        """As the law says."""
        return self.given.discrete

    def _law(self) -> Law:
        return self.given

    def __repr__(self) -> str:
        return self.name
