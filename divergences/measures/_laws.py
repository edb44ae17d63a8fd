"""Laws on the line: density, distribution function and quantiles, exact in both tails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.special import betaln, logsumexp, xlog1py, xlogy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_VON_MISES_SERIES_END = 40.0


# Where scipy takes the logarithm of a density that has already underflowed to zero.
_LOG_DENSITIES: dict[str, Callable[..., Any]] = {
    "laplace": lambda z: -np.abs(z) - np.log(2),
    "cauchy": lambda z: -np.log(np.pi) - 2 * np.log(np.hypot(1, z)),
    "pareto": lambda z, b: np.where(
        z >= 1, np.log(b) - (b + 1) * np.log(np.maximum(z, 1)), -np.inf
    ),
}


class Law(Protocol):
    """What the integrals on the line ask of a measure.

    `log_density_from(anchor, t)` is the log-density at anchor + t without rounding the sum: a
    density that is infinite at the end of its support is integrated right only so.
    """

    discrete: bool

    @property
    def support(self) -> tuple[float, float]:
        """Smallest interval that holds all the mass."""

    def log_density(self, x: Array) -> Array:
        """Log-density, or log-mass where the law is discrete; -inf outside the support."""

    def log_density_from(self, anchor: Array, t: Array) -> Array:
        """Log-density at anchor + t."""

    def cdf(self, x: Array) -> Array:
        """P(X <= x)."""

    def survival(self, x: Array) -> Array:
        """P(X > x)."""

    def quantile(self, u: Array) -> Array:
        """Inverse of `cdf`."""

    def upper_quantile(self, u: Array) -> Array:
        """Inverse of `survival`."""

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n values."""


class ScipyLaw:
    """A distribution of `scipy.stats` moved by loc and stretched by scale."""

    def __init__(self, dist: Any, shapes: Sequence[float], loc: float, scale: float) -> None:
        if isinstance(dist, str):
            import scipy.stats

            dist = getattr(scipy.stats, dist)
        self.dist, self.shapes, self.loc, self.scale = dist, tuple(shapes), loc, scale
        self.discrete = hasattr(dist, "pmf")
        self._place: dict[str, float] = {"loc": loc}
        if not self.discrete:
            self._place["scale"] = scale

    @cached_property
    def support(self) -> tuple[float, float]:
        low, high = self.dist.support(*self.shapes, **self._place)
        return float(low), float(high)

    def _call(self, name: str, x: Any) -> Array:
        with np.errstate(all="ignore"):
            values = getattr(self.dist, name)(x, *self.shapes, **self._place)
        return np.asarray(values, dtype=np.float64)

    def log_density(self, x: Array) -> Array:
        if self.discrete:
            return self._call("logpmf", x)
        return self._log_density_at((np.asarray(x) - self.loc) / self.scale)

    def log_density_from(self, anchor: Array, t: Array) -> Array:
        if self.discrete:
            return self.log_density(anchor + t)
        return self._log_density_at(((anchor - self.loc) + t) / self.scale)

    def _log_density_at(self, z: Array) -> Array:
        formula = _LOG_DENSITIES.get(getattr(self.dist, "name", ""))
        with np.errstate(all="ignore"):
            if formula is not None:
                values = formula(z, *self.shapes)
            else:
                values = self.dist.logpdf(z, *self.shapes)
        return np.where(np.isinf(z), -np.inf, values - np.log(self.scale))

    def cdf(self, x: Array) -> Array:
        return self._call("cdf", x)

    def survival(self, x: Array) -> Array:
        return self._call("sf", x)

    def quantile(self, u: Array) -> Array:
        return self._call("ppf", u)

    def upper_quantile(self, u: Array) -> Array:
        return self._call("isf", u)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        draws = self.dist.rvs(*self.shapes, **self._place, size=n, random_state=rng)
        return np.asarray(draws, dtype=np.float64)


class BetaLaw(ScipyLaw):
    """Beta on [low, high], with its density measured from either end."""

    def __init__(self, a: float, b: float, low: float, width: float) -> None:
        super().__init__("beta", (a, b), low, width)

    def log_density_from(self, anchor: Array, t: Array) -> Array:
        a, b = self.shapes
        anchor = np.asarray(anchor, dtype=np.float64)
        _, high = self.support
        from_low = ((anchor - self.loc) + t) / self.scale
        from_high = np.where(anchor == high, -t, (high - anchor) - t) / self.scale
        inside = (from_low >= 0) & (from_high >= 0)
        left = np.where(inside, from_low, 0.5)
        right = np.where(inside, from_high, 0.5)
        near = left < 0.5
        with np.errstate(all="ignore"):
            rise = xlogy(a - 1, left) if a != 1 else 0.0 * left
            rise = np.where(near, rise, xlog1py(a - 1, -right) if a != 1 else 0.0)
            fall = np.where(near, xlog1py(b - 1, -left), xlogy(b - 1, right)) if b != 1 else 0.0
        values = rise + fall - betaln(a, b) - np.log(self.scale)
        return np.where(inside, values, -np.inf)


class VonMisesLaw(ScipyLaw):
    """Von Mises as both libraries draw it: angles in [-pi, pi], whatever the mean direction."""

    def __init__(self, loc: float, concentration: float) -> None:
        super().__init__("vonmises", (concentration,), loc, 1.0)

    @cached_property
    def support(self) -> tuple[float, float]:
        return -np.pi, np.pi

    def _masked(self, x: Array, values: Array) -> Array:
        return np.where(np.abs(x) <= np.pi, values, -np.inf)

    def log_density(self, x: Array) -> Array:
        return self._masked(np.asarray(x), super().log_density(x))

    def log_density_from(self, anchor: Array, t: Array) -> Array:
        return self.log_density(np.asarray(anchor + t))

    def cdf(self, x: Array) -> Array:
        x = np.clip(np.asarray(x, dtype=np.float64), -np.pi, np.pi)
        return self._turns(x - self.loc) - self._turns(np.asarray(-np.pi - self.loc))

    def survival(self, x: Array) -> Array:
        x = np.clip(np.asarray(x, dtype=np.float64), -np.pi, np.pi)
        return self._turns(np.asarray(np.pi - self.loc)) - self._turns(x - self.loc)

    def quantile(self, u: Array) -> Array:
        return inverse_cdf(self.cdf, np.asarray(u, dtype=np.float64), *self.support)

    def upper_quantile(self, u: Array) -> Array:
        return -inverse_cdf(
            lambda x: self.survival(-np.asarray(x)), np.asarray(u, float), *self.support
        )

    def _turns(self, angle: Array) -> Array:
        """Mass up to an angle from the mean direction, each whole turn counting one."""
        whole = np.round(angle / (2 * np.pi))
        rest = angle - 2 * np.pi * whole
        # Beyond a concentration of 50 scipy's series gives way to a normal approximation that
        # is right to seven digits only.
        if self.shapes[0] < _VON_MISES_SERIES_END:
            from scipy.stats import vonmises

            return np.asarray(whole + vonmises.cdf(rest, self.shapes[0]))
        lower = self._lower_mass(-np.abs(rest))
        return np.asarray(whole + np.where(rest <= 0, lower, 1.0 - lower))

    def _lower_mass(self, centered: Array) -> Array:
        from scipy.integrate import tanhsinh
        from scipy.special import i0e

        kappa = self.shapes[0]
        reach = np.minimum(np.pi + centered, 40.0 / np.sqrt(kappa))

        def density(t: Array) -> Array:
            return np.asarray(np.exp(-2 * kappa * np.sin(t / 2) ** 2))

        area = tanhsinh(density, centered - reach, centered, rtol=1e-14).integral
        return np.asarray(area / (2 * np.pi * i0e(kappa)))


class FiniteLaw:
    """Masses on finitely many increasing values."""

    discrete = True

    def __init__(self, values: Array, masses: Array) -> None:
        self.values, self.masses = values, masses
        self._upto = np.cumsum(masses)
        self._beyond = np.append(np.cumsum(masses[::-1])[::-1][1:], 0.0)

    @property
    def support(self) -> tuple[float, float]:
        return float(self.values[0]), float(self.values[-1])

    def log_density(self, x: Array) -> Array:
        x = np.asarray(x, dtype=np.float64)
        at = np.clip(np.searchsorted(self.values, x), 0, len(self.values) - 1)
        with np.errstate(divide="ignore"):
            return np.where(self.values[at] == x, np.log(self.masses[at]), -np.inf)

    def log_density_from(self, anchor: Array, t: Array) -> Array:
        return self.log_density(anchor + t)

    def cdf(self, x: Array) -> Array:
        at = np.searchsorted(self.values, x, side="right")
        return np.where(at == 0, 0.0, np.append(0.0, self._upto)[at])

    def survival(self, x: Array) -> Array:
        at = np.searchsorted(self.values, x, side="right")
        return np.append(1.0, self._beyond)[at]

    def quantile(self, u: Array) -> Array:
        at = np.searchsorted(self._upto, u, side="left")
        return self.values[np.minimum(at, len(self.values) - 1)]

    def upper_quantile(self, u: Array) -> Array:
        at = np.searchsorted(-self._beyond, -np.asarray(u), side="left")
        return self.values[np.minimum(at, len(self.values) - 1)]

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        return rng.choice(self.values, size=n, p=self.masses / self.masses.sum())


class MixtureLaw:
    """A finite mixture of laws that all have densities, or all have masses."""

    def __init__(self, weights: Array, parts: Sequence[Law]) -> None:
        self.weights, self.parts = weights, tuple(parts)
        self.discrete = self.parts[0].discrete

    @cached_property
    def support(self) -> tuple[float, float]:
        lows, highs = zip(*(part.support for part in self.parts), strict=True)
        return min(lows), max(highs)

    def log_density(self, x: Array) -> Array:
        return self._log_sum([part.log_density(x) for part in self.parts])

    def log_density_from(self, anchor: Array, t: Array) -> Array:
        return self._log_sum([part.log_density_from(anchor, t) for part in self.parts])

    def _log_sum(self, logs: list[Array]) -> Array:
        weights = self.weights.reshape(-1, *(1,) * np.ndim(logs[0]))
        with np.errstate(divide="ignore"):
            return np.asarray(logsumexp(np.stack(logs), axis=0, b=weights))

    def cdf(self, x: Array) -> Array:
        return self._sum([part.cdf(x) for part in self.parts])

    def survival(self, x: Array) -> Array:
        return self._sum([part.survival(x) for part in self.parts])

    def _sum(self, terms: list[Array]) -> Array:
        return np.asarray(np.tensordot(self.weights, np.stack(terms), axes=1))

    def quantile(self, u: Array) -> Array:
        u = np.asarray(u, dtype=np.float64)
        ends = np.stack([part.quantile(u) for part in self.parts])
        return inverse_cdf(self.cdf, u, ends.min(axis=0), ends.max(axis=0))

    def upper_quantile(self, u: Array) -> Array:
        u = np.asarray(u, dtype=np.float64)
        ends = np.stack([part.upper_quantile(u) for part in self.parts])
        return -inverse_cdf(
            lambda x: self.survival(-np.asarray(x)), u, -ends.max(axis=0), -ends.min(axis=0)
        )

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        label = rng.choice(len(self.parts), size=n, p=self.weights / self.weights.sum())
        draws = np.empty(n)
        for index, part in enumerate(self.parts):
            rows = label == index
            draws[rows] = part.sample(int(rows.sum()), rng)
        return draws


def inverse_cdf(cdf: Callable[[Any], Array], u: Array, low: Any, high: Any) -> Array:
    """Where an increasing function takes the value u, given a bracket for each u."""
    from scipy.optimize.elementwise import find_root

    low, high = np.broadcast_to(low, u.shape) * 1.0, np.broadcast_to(high, u.shape) * 1.0
    at_low, at_high = cdf(low) >= u, cdf(high) <= u
    open_bracket = ~(at_low | at_high)
    safe_low, safe_high = np.where(open_bracket, low, 0.0), np.where(open_bracket, high, 1.0)

    def excess(x: Array, target: Array, solved: Array) -> Array:
        return np.where(solved, x - 0.5, np.log(np.maximum(cdf(x), 1e-320)) - np.log(target))

    target = np.where(open_bracket, u, 0.5)
    root = find_root(excess, (safe_low, safe_high), args=(target, ~open_bracket)).x
    return np.where(at_low, low, np.where(at_high, high, root))
