"""Distributions of `torch.distributions` as families with parameters in float64."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.errors import NoClosedFormError
from divergences.measures._laws import ScipyLaw
from divergences.measures.families import (
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Cauchy,
    Exponential,
    Family,
    Gamma,
    Geometric,
    Laplace,
    Line,
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
from divergences.measures.from_scipy import check_positive_definite, mixture
from divergences.measures.multivariate import (
    Dirichlet,
    MultivariateNormal,
    Other,
    Product,
    normal,
)

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

_INDEPENDENT = "torch.distributions.Independent(..., 1)"

# Named parameters, one number each, to the family.
_SCALAR: dict[str, tuple[tuple[str, ...], Callable[..., Line]]] = {
    "Normal": (("loc", "scale"), Normal),
    "Laplace": (("loc", "scale"), Laplace),
    "Exponential": (("rate",), lambda rate: Exponential(1 / rate)),
    "Uniform": (("low", "high"), Uniform),
    "Gamma": (("concentration", "rate"), lambda a, rate: Gamma(a, 1 / rate)),
    "Chi2": (("df",), lambda df: Gamma(df / 2, 2.0)),
    "Beta": (("concentration1", "concentration0"), Beta),
    "LogNormal": (("loc", "scale"), LogNormal),
    "Weibull": (("concentration", "scale"), Weibull),
    "Pareto": (("alpha", "scale"), Pareto),
    "Cauchy": (("loc", "scale"), Cauchy),
    "StudentT": (("df", "loc", "scale"), StudentT),
    "VonMises": (("loc", "concentration"), VonMises),
    "Bernoulli": (("probs",), Bernoulli),
    "Poisson": (("rate",), Poisson),
    "Geometric": (("probs",), lambda probs: Geometric(probs, 0.0)),
    "Binomial": (("total_count", "probs"), Binomial),
    "NegativeBinomial": (
        ("total_count", "probs"),
        lambda count, probs: NegativeBinomial(count, 1 - probs),
    ),
    "Gumbel": (("loc", "scale"), lambda loc, scale: _scipy("gumbel_r", (), loc, scale)),
    "HalfNormal": (("scale",), lambda scale: _scipy("halfnorm", (), 0.0, scale)),
    "HalfCauchy": (("scale",), lambda scale: _scipy("halfcauchy", (), 0.0, scale)),
    "InverseGamma": (
        ("concentration", "rate"),
        lambda a, rate: _scipy("invgamma", (a,), 0.0, rate),
    ),
    "FisherSnedecor": (("df1", "df2"), lambda a, b: _scipy("f", (a, b), 0.0, 1.0)),
}


def _scipy(name: str, shapes: tuple[float, ...], loc: float, scale: float) -> Line:
    shown = ", ".join(f"{value:.6g}" for value in (*shapes, loc, scale))
    return OtherLine(f"{name}({shown})", ScipyLaw(name, shapes, loc, scale))


def is_torch_distribution(measure: Any) -> bool:
    """Whether the object is a torch distribution, without importing torch."""
    module = sys.modules.get("torch.distributions")
    return module is not None and isinstance(measure, module.Distribution)


def family_from_torch(measure: Any, name: str) -> Family:
    """Return the family of a torch distribution, or raise an error with the remedy."""
    kind = type(measure).__name__
    if len(measure.batch_shape) > 0:
        raise ValueError(
            f"{name} must be one distribution, but this {kind} is a batch of shape "
            f"{tuple(measure.batch_shape)}. If its entries are the independent features of one "
            f"measure, use {_INDEPENDENT}."
        )
    if len(measure.event_shape) > 1:
        raise ValueError(
            f"{name} must have points that are numbers or vectors, but this {kind} draws arrays "
            f"of shape {tuple(measure.event_shape)}. Flatten its samples and pass those."
        )
    family = _named(measure, name)
    return family if family is not None else _other(measure, name)


def _named(measure: Any, name: str) -> Family | None:
    # Exact types only: a subclass may draw from another law.
    if not type(measure).__module__.startswith("torch.distributions"):
        return None
    kind = type(measure).__name__
    if kind in _SCALAR:
        names, family = _SCALAR[kind]
        return family(*(_number(getattr(measure, field)) for field in names))
    if kind == "Categorical":
        return Categorical(_masses(measure.logits))
    if kind in ("MultivariateNormal", "LowRankMultivariateNormal"):
        return _normal(measure, name)
    if kind == "Dirichlet":
        return Dirichlet(to_numpy(measure.concentration))
    if kind == "Independent":
        return _independent(measure, name)
    if kind == "MixtureSameFamily":
        return _mixture(measure, name)
    return None


def _number(value: Any) -> float:
    return float(value)


def to_numpy(value: torch.Tensor) -> NDArray[np.float64]:
    """A tensor's values in double precision, from wherever they are."""
    return np.asarray(value.detach().cpu().double().numpy())


def _masses(logits: torch.Tensor) -> NDArray[np.float64]:
    # Masses from the logits: float32 probabilities sum to one only within 1e-7.
    from scipy.special import softmax

    return np.asarray(softmax(to_numpy(logits)))


def _normal(measure: Any, name: str) -> Family:
    covariance = to_numpy(measure.covariance_matrix)
    if type(measure).__name__ == "MultivariateNormal":
        factor = to_numpy(measure._unbroadcasted_scale_tril)
        covariance = factor @ factor.T
    check_positive_definite(covariance, name, "covariance")
    return normal(to_numpy(measure.loc), covariance)


def _independent(measure: Any, name: str) -> Family | None:
    base, count = measure.base_dist, measure.reinterpreted_batch_ndims
    if count == 0:
        return family_from_torch(base, name)
    if count != 1 or len(base.batch_shape) != 1 or len(base.event_shape) != 0:
        return None
    factors = [_entry(base, index, name) for index in range(base.batch_shape[0])]
    if not all(isinstance(factor, Line) for factor in factors):
        return None
    if len(factors) == 1:
        return factors[0]
    if all(isinstance(factor, Normal) for factor in factors):
        means = np.array([factor.mean for factor in factors])  # type: ignore[union-attr]
        stds = np.array([factor.std for factor in factors])  # type: ignore[union-attr]
        return MultivariateNormal(means, np.diag(stds**2))
    return Product(tuple(factor for factor in factors if isinstance(factor, Line)))


def _entry(base: Any, index: int, name: str) -> Family | None:
    """One member of a one-dimensional batch of a named family."""
    kind = type(base).__name__
    if not type(base).__module__.startswith("torch.distributions"):
        return None
    if kind in _SCALAR:
        names, family = _SCALAR[kind]
        fields = (getattr(base, field) for field in names)
        return family(*(_number(value[index] if value.ndim else value) for value in fields))
    if kind == "Categorical":
        return Categorical(_masses(base.logits[index]))
    if kind in ("MultivariateNormal", "LowRankMultivariateNormal"):
        covariance = to_numpy(base.covariance_matrix[index])
        check_positive_definite(covariance, name, "covariance")
        return normal(to_numpy(base.loc[index]), covariance)
    if kind == "Independent" and base.reinterpreted_batch_ndims == 1:
        inner = base.base_dist
        if type(inner).__name__ == "Normal" and len(inner.batch_shape) == 2:
            return normal(to_numpy(inner.loc[index]), np.diag(to_numpy(inner.scale[index]) ** 2))
    return None


def _mixture(measure: Any, name: str) -> Family | None:
    base = measure.component_distribution
    parts = [_entry(base, index, name) for index in range(base.batch_shape[-1])]
    if any(part is None for part in parts):
        return None
    found = [part for part in parts if part is not None]
    if found[0].d > 1 and not isinstance(found[0], MultivariateNormal):
        return None
    return mixture(_masses(measure.mixture_distribution.logits), found)


def _other(measure: Any, name: str) -> Family:
    kind = type(measure).__name__
    label = kind if kind != "TransformedDistribution" else f"Transformed{_base_name(measure)}"
    density = _density(measure, name)
    probe = np.asarray(_draw(measure, 1, np.random.default_rng(0)))
    try:
        density(probe)
    except NotImplementedError as error:
        raise TypeError(
            f"{name} is a {label}, which has no density that can be evaluated. Draw samples from "
            f"it and pass those."
        ) from error

    def draw(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        return _draw(measure, n, rng)

    discrete = bool(getattr(_support(measure), "is_discrete", False))
    if probe.shape[1] == 1:
        return OtherLine(label, _TorchLaw(measure, density, draw, discrete))
    return Other(label, probe.shape[1], density, draw, masses=discrete)


def _base_name(measure: Any) -> str:
    base = measure.base_dist
    while hasattr(base, "base_dist"):
        base = base.base_dist
    return type(base).__name__


def _support(measure: Any) -> Any:
    try:
        return measure.support
    except NotImplementedError:
        return None


def _draw(measure: Any, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    import torch

    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        torch.manual_seed(int(rng.integers(2**63)))
        return to_numpy(measure.sample((n,))).reshape(n, -1)


def _density(measure: Any, name: str) -> Callable[[Any], Any]:
    """Log-density at (k, d) points; torch would refuse points outside the support."""
    import torch

    support = _support(measure)
    scalar = len(measure.event_shape) == 0

    def log_density(points: NDArray[np.float64]) -> NDArray[np.float64]:
        grid = torch.as_tensor(np.array(points, dtype=np.float64))
        grid = grid.reshape(-1) if scalar else grid
        inside = torch.ones(len(points), dtype=torch.bool)
        if support is not None:
            inside = support.check(grid).reshape(len(points)).cpu()
        values = np.full(len(points), -np.inf)
        if inside.any():
            with torch.no_grad():
                found = to_numpy(measure.log_prob(grid[inside]))
            if np.isnan(found).any():
                raise ValueError(
                    f"log_prob of {name} is NaN at {int(np.isnan(found).sum())} of "
                    f"{len(found)} points of its support. Check its parameters."
                )
            values[inside.numpy()] = found
        return values

    return log_density


class _TorchLaw:
    """A torch distribution on the line that the catalogue does not name."""

    def __init__(self, measure: Any, density: Any, draw: Any, discrete: bool) -> None:
        self._measure, self._density, self._draw = measure, density, draw
        self.discrete = discrete

    @property
    def support(self) -> tuple[float, float]:
        constraint = _support(self._measure)
        low = getattr(constraint, "lower_bound", -math.inf)
        high = getattr(constraint, "upper_bound", math.inf)
        return float(low), float(high)

    def log_density(self, x: Any) -> Any:
        x = np.asarray(x, dtype=np.float64)
        return self._density(x.reshape(-1, 1)).reshape(x.shape)

    def log_density_from(self, anchor: Any, t: Any) -> Any:
        return self.log_density(anchor + t)

    def cdf(self, x: Any) -> Any:
        return self._evaluate("cdf", x)

    def survival(self, x: Any) -> Any:
        return 1.0 - self.cdf(x)

    def quantile(self, u: Any) -> Any:
        return self._evaluate("icdf", u)

    def upper_quantile(self, u: Any) -> Any:
        return self.quantile(1.0 - np.asarray(u, dtype=np.float64))

    def _evaluate(self, method: str, values: Any) -> Any:
        import torch

        array = np.asarray(values, dtype=np.float64)
        low, high = self.support
        inside = np.clip(array, low, high) if method == "cdf" else array
        try:
            with torch.no_grad():
                return to_numpy(getattr(self._measure, method)(torch.as_tensor(inside)))
        except NotImplementedError as error:
            raise NoClosedFormError(
                f"{type(self._measure).__name__} has no {method} in torch. Draw samples from it "
                f"and pass those."
            ) from error

    def sample(self, n: int, rng: np.random.Generator) -> Any:
        return self._draw(n, rng)[:, 0]
