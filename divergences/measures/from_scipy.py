"""Frozen distributions of `scipy.stats`, of the old and the new kind, as families."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from divergences.measures._laws import MixtureLaw, ScipyLaw
from divergences.measures.families import (
    Bernoulli,
    Beta,
    Binomial,
    Cauchy,
    Exponential,
    Family,
    Gamma,
    Geometric,
    Laplace,
    Line,
    Logistic,
    LogNormal,
    NegativeBinomial,
    Normal,
    OtherLine,
    Pareto,
    Poisson,
    StudentT,
    Uniform,
    VonMises,
    Weibull,
)
from divergences.measures.multivariate import (
    Dirichlet,
    MultivariateNormal,
    MultivariateT,
    NormalMixture,
    Other,
    normal,
)

_OLD = "scipy.stats._distn_infrastructure"
_MULTIVARIATE = "scipy.stats._multivariate"
_NEW = "scipy.stats._probability_distribution"

# Shapes, loc and scale, as scipy has them, to the family.
_CONTINUOUS: dict[str, Callable[..., Line]] = {
    "norm": lambda loc, scale: Normal(loc, scale),
    "laplace": lambda loc, scale: Laplace(loc, scale),
    "expon": lambda loc, scale: Exponential(scale, loc),
    "uniform": lambda loc, scale: Uniform(loc, loc + scale),
    "gamma": lambda a, loc, scale: Gamma(a, scale, loc),
    "erlang": lambda a, loc, scale: Gamma(a, scale, loc),
    "chi2": lambda df, loc, scale: Gamma(df / 2, 2 * scale, loc),
    "beta": lambda a, b, loc, scale: Beta(a, b, loc, loc + scale),
    "lognorm": lambda s, loc, scale: LogNormal(math.log(scale), s, loc),
    "weibull_min": lambda c, loc, scale: Weibull(c, scale, loc),
    "rayleigh": lambda loc, scale: Weibull(2.0, math.sqrt(2) * scale, loc),
    "pareto": lambda b, loc, scale: Pareto(b, scale, loc),
    "cauchy": lambda loc, scale: Cauchy(loc, scale),
    "t": lambda df, loc, scale: StudentT(df, loc, scale),
    "logistic": lambda loc, scale: Logistic(loc, scale),
}
_DISCRETE: dict[str, Callable[..., Line]] = {
    "bernoulli": lambda p: Bernoulli(p),
    "poisson": lambda mu: Poisson(mu),
    "binom": lambda n, p: Binomial(n, p),
    "nbinom": lambda n, p: NegativeBinomial(n, p),
}
_NO_DENSITY = (
    "{name} is {given}, which has no density that can be evaluated. Draw samples from it and pass "
    "those."
)
_NAMELESS = "Distribution"  # what scipy calls those of a class of the user's, and histograms


def is_scipy(measure: Any) -> bool:
    """Whether the object is a distribution of scipy.stats, without importing it."""
    return any(
        _is_instance(measure, module, kind)
        for module, kind in (
            (_OLD, "rv_frozen"),
            (_OLD, "rv_generic"),
            (_MULTIVARIATE, "multi_rv_frozen"),
            (_MULTIVARIATE, "multi_rv_generic"),
            (_NEW, "_ProbabilityDistribution"),
            ("scipy.stats._kde", "gaussian_kde"),
        )
    )


def _is_instance(measure: Any, module: str, kind: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(measure, getattr(loaded, kind, ()))


def family_from_scipy(measure: Any, name: str) -> Family:
    """Return the family of a distribution of scipy.stats, or raise an error with the remedy."""
    if _is_instance(measure, _OLD, "rv_frozen"):
        return _from_frozen(measure, name)
    if _is_instance(measure, _MULTIVARIATE, "multi_rv_frozen"):
        return _from_multivariate(measure, name)
    if _is_instance(measure, _NEW, "_ProbabilityDistribution"):
        return _from_new(measure, name)
    if _is_instance(measure, "scipy.stats._kde", "gaussian_kde"):
        weights, points = np.asarray(measure.weights), np.asarray(measure.dataset).T
        spread = np.broadcast_to(measure.covariance, (len(points), *measure.covariance.shape))
        return NormalMixture(weights, np.asarray(points, dtype=np.float64), spread)
    if getattr(measure, "name", None) == _NAMELESS:
        raise TypeError(
            f"{name} must be a frozen distribution, but this {type(measure).__name__} is not. "
            f"Call it first, as in {name}()."
        )
    label = getattr(measure, "name", None) or type(measure).__name__.removesuffix("_gen")
    raise TypeError(
        f"{name} must be a frozen distribution, not scipy.stats.{label} without parameters. "
        f"Call it with them first, as in scipy.stats.norm(0, 1)."
    )


def _from_frozen(measure: Any, name: str) -> Family:
    dist = measure.dist
    shapes, loc, scale = dist._parse_args(*measure.args, **measure.kwds)
    label = type(dist).__name__ if dist.name in (None, _NAMELESS) else dist.name
    if any(np.size(value) != 1 for value in (*shapes, loc, scale)):
        raise ValueError(
            f"{name} must be one distribution, but the parameters of {label} are arrays. "
            f"Independent features are one measure as torch.distributions.Independent(..., 1)."
        )
    numbers = tuple(float(np.asarray(value).item()) for value in shapes)
    loc, scale = float(np.asarray(loc).item()), float(np.asarray(scale).item())
    valid = scale > 0 and math.isfinite(loc) and math.isfinite(scale)
    if not (valid and np.all(dist._argcheck(*numbers))):
        shown = ", ".join(f"{value:g}" for value in (*numbers, loc, scale))
        raise ValueError(
            f"{name} must have valid parameters, but scipy.stats.{label} does not accept shapes, "
            f"loc and scale of ({shown})."
        )
    if hasattr(dist, "pmf"):
        return _discrete(dist, label, numbers, loc)
    if label == "vonmises" and scale == 1:
        return VonMises(loc, *numbers)
    # A subclass may reuse a name; only scipy's own distributions are taken at their word.
    if label in _CONTINUOUS and type(dist).__module__ == "scipy.stats._continuous_distns":
        return _CONTINUOUS[label](*numbers, loc=loc, scale=scale)
    return OtherLine(_words(label, (*numbers, loc, scale)), ScipyLaw(dist, numbers, loc, scale))


def _discrete(dist: Any, label: str, numbers: tuple[float, ...], loc: float) -> Line:
    if type(dist).__module__ == "scipy.stats._discrete_distns":
        if label == "geom":
            return Geometric(numbers[0], 1.0 + loc)
        if label in _DISCRETE and loc == 0:
            return _DISCRETE[label](*numbers)
    return OtherLine(_words(label, (*numbers, loc)), ScipyLaw(dist, numbers, loc, 1.0))


def _words(label: str, numbers: tuple[float, ...]) -> str:
    return f"{label}({', '.join(f'{value:.6g}' for value in numbers)})"


def _from_multivariate(measure: Any, name: str) -> Family:
    kind = type(measure).__name__.removesuffix("_frozen")
    if kind == "multivariate_normal":
        covariance = np.atleast_2d(np.asarray(measure.cov, dtype=np.float64))
        check_positive_definite(covariance, name, "covariance")
        return normal(np.atleast_1d(np.asarray(measure.mean, dtype=np.float64)), covariance)
    if kind == "multivariate_t":
        return _multivariate_t(measure, name)
    if kind == "dirichlet":
        return Dirichlet(np.asarray(measure.alpha, dtype=np.float64))
    draw = np.asarray(measure.rvs(random_state=np.random.default_rng(0)))
    density = getattr(measure, "logpdf", None) or getattr(measure, "logpmf", None)
    if density is None or kind == "vonmises_fisher":
        given = f"a scipy.stats.{kind}"
        raise TypeError(_NO_DENSITY.format(name=name, given=given))
    row = draw.reshape(-1) if draw.ndim <= 1 or len(draw) == 1 else draw
    if row.ndim != 1:
        raise TypeError(
            f"{name} must have points that are vectors, but scipy.stats.{kind} draws matrices of "
            f"shape {draw.shape}. Draw samples from it, flatten them and pass those."
        )
    return Other(
        kind,
        len(row),
        density,
        lambda n, rng: np.asarray(measure.rvs(size=n, random_state=rng), float).reshape(n, -1),
        masses=hasattr(measure, "logpmf"),
    )


def _multivariate_t(measure: Any, name: str) -> Family:
    loc = np.atleast_1d(np.asarray(measure.loc, dtype=np.float64))
    shape = np.atleast_2d(np.asarray(measure.shape, dtype=np.float64))
    check_positive_definite(shape, name, "shape matrix")
    df = float(measure.df)
    if math.isinf(df):
        return normal(loc, shape)
    if len(loc) == 1:
        return StudentT(df, float(loc[0]), float(np.sqrt(shape[0, 0])))
    return MultivariateT(df, loc, shape)


def check_positive_definite(matrix: np.ndarray, name: str, what: str) -> None:
    """Raise an error unless the matrix has a Cholesky factor."""
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"{name} must have a density, but its {what} is not positive definite. Leave out "
            f"features that are functions of the others, or pass samples."
        ) from error


class _NewLaw:
    """A distribution of scipy's new infrastructure, under the names of the law."""

    def __init__(self, measure: Any) -> None:
        self._measure = measure
        # Only the discrete ones have a mass at a point of their support that is not zero.
        kinds = [kind.__name__ for kind in type(measure).__mro__]
        self.discrete = "DiscreteDistribution" in kinds
        self.log_density = self._of("logpmf" if self.discrete else "logpdf")
        self.cdf, self.survival = self._of("cdf"), self._of("ccdf")
        self.quantile, self.upper_quantile = self._of("icdf"), self._of("iccdf")

    @property
    def support(self) -> tuple[float, float]:
        low, high = self._measure.support()
        return float(low), float(high)

    def _of(self, method: str) -> Callable[[Any], Any]:
        def evaluate(x: Any) -> Any:
            with np.errstate(all="ignore"):
                return np.asarray(getattr(self._measure, method)(x), dtype=np.float64)

        return evaluate

    def log_density_from(self, anchor: Any, t: Any) -> Any:
        return self.log_density(anchor + t)

    def sample(self, n: int, rng: np.random.Generator) -> Any:
        return np.asarray(self._measure.sample(n, rng=rng), dtype=np.float64)


def _from_new(measure: Any, name: str) -> Family:
    if np.size(measure.median()) != 1:
        raise ValueError(
            f"{name} must be one distribution, but the parameters of "
            f"{type(measure).__name__} are arrays. Independent features are one measure as "
            f"torch.distributions.Independent(..., 1)."
        )
    kind = type(measure).__name__
    own = type(measure).__module__.startswith("scipy.stats._new_distributions")
    if own and kind in ("Normal", "StandardNormal"):
        return Normal(float(measure.mean()), float(measure.standard_deviation()))
    if own and kind == "Uniform":
        return Uniform(*map(float, measure.support()))
    if own and kind == "Logistic":
        return Logistic(0.0, 1.0)
    if own and kind == "Binomial":
        return Binomial(float(measure.n), float(measure.p))
    if kind == "Mixture":
        weights = np.asarray(measure.weights, dtype=np.float64)
        return mixture(weights, [_from_new(part, name) for part in measure.components])
    return OtherLine(kind, _NewLaw(measure))


def mixture(weights: np.ndarray, parts: list[Family]) -> Family:
    """Mixture of families: of normals, or of laws on the line."""
    if all(isinstance(part, Normal | MultivariateNormal) for part in parts):
        means = [np.atleast_1d(part.mean) for part in parts]  # type: ignore[attr-defined]
        spreads = [
            np.array([[part.std**2]]) if isinstance(part, Normal) else part.covariance  # type: ignore[attr-defined]
            for part in parts
        ]
        return NormalMixture(weights, np.array(means), np.array(spreads))
    laws = [part.law for part in parts]
    known = [law for law in laws if law is not None]
    assert len(known) == len(parts)
    label = ", ".join(map(repr, parts[:3])) + (", ..." if len(parts) > 3 else "")
    return OtherLine(f"Mixture({label})", MixtureLaw(weights, known))
