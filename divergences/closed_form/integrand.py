"""The integrand p a(l) + q b(l) of a divergence of ratios, and what it does at its extremes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from divergences.definitions import (
    ChiSquared,
    FDivergence,
    RatioDivergence,
    Renyi,
    SquaredHellinger,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_FAR = 600.0  # doubles end at e^709


@dataclass(frozen=True)
class Growth:
    """How the integrand grows against the larger of the two densities as l goes to an end.

    Parameters
    ----------
    kind : {"bounded", "log", "power"}
        Towards a limit, like |l|, or like exp(exponent |l|).
    limit : float
        What it tends to; infinite unless bounded.
    exponent : float
        Of the power.
    """

    kind: Literal["bounded", "log", "power"]
    limit: float = math.inf
    exponent: float = 0.0


@dataclass(frozen=True)
class Side:
    """The integrand against the larger density: v(l) p for l >= 0, v(l) q for l <= 0.

    Parameters
    ----------
    value : callable
        v, of nonnegative |l| up to `reach`.
    reach : float
        Largest |l| at which v can be evaluated.
    growth : Growth
        How v goes on from there.
    """

    value: Callable[[Array], Array]
    reach: float
    growth: Growth

    def __call__(self, size: Array) -> Array:
        """v at |l|, continued beyond its reach."""
        near = np.asarray(self.value(np.minimum(size, self.reach)), dtype=np.float64)
        far = size > self.reach
        if not far.any():
            return near
        if self.growth.kind == "bounded":
            return np.asarray(np.where(far, self.growth.limit, near))
        half, last = self.value(np.array([self.reach / 2, self.reach]))
        excess = np.where(far, size - self.reach, 0.0)
        if self.growth.kind == "log":
            return np.asarray(near + excess * (last - half) / (self.reach / 2))
        return np.asarray(near * np.exp(self.growth.exponent * excess))


@dataclass(frozen=True)
class Integrand:
    """p a(l) + q b(l) as a function of the two log-densities.

    Parameters
    ----------
    positive, negative : Side
        For l = ln(p/q) on either side of zero.
    """

    positive: Side
    negative: Side

    @property
    def upper(self) -> Growth:
        """Growth against p as l goes to infinity."""
        return self.positive.growth

    @property
    def lower(self) -> Growth:
        """Growth against q as l goes to minus infinity."""
        return self.negative.growth

    def __call__(self, log_p: Array, log_q: Array) -> Array:
        """Value where the two log-densities are given; zero where both are -inf."""
        with np.errstate(all="ignore"):
            ratio = log_p - log_q
            ratio = np.where(np.isnan(ratio), 0.0, ratio)
            above = self.positive(np.maximum(ratio, 0.0))
            below = self.negative(np.maximum(-ratio, 0.0))
            p, q = np.exp(log_p), np.exp(log_q)
            high = np.where(p > 0, p * above, 0.0)
            low = np.where(q > 0, q * below, 0.0)
        return np.where(ratio >= 0, high, low)


def integrand_of(definition: RatioDivergence) -> Integrand:
    """Return the integrand of a divergence with its growth at both ends."""
    sides = []
    for sign in (1, -1):
        value = _against_larger(definition, sign)
        reach = _reach(value)
        growth = _known_growth(definition, sign) or _observed_growth(value, reach)
        sides.append(Side(value, reach, growth))
    return Integrand(*sides)


def power_of(definition: RatioDivergence) -> float | None:
    """The a for which the divergence is a function of the integral of p^a q^(1 - a)."""
    if isinstance(definition, Renyi):
        return float(definition.alpha)
    if isinstance(definition, ChiSquared):
        return 2.0
    return 0.5 if isinstance(definition, SquaredHellinger) else None


def _against_larger(definition: RatioDivergence, sign: int) -> Callable[[Array], Array]:
    """phi(u)/u for u >= 1, or phi(u) for u <= 1, as a function of |ln u|."""
    if isinstance(definition, FDivergence):
        # The user's phi itself: the difference phi - u phi' would cancel.
        return _quiet(
            lambda size: definition.phi(np.exp(sign * size)) * np.exp(-size if sign > 0 else 0.0)
        )
    first, second = definition.critic_p, definition.critic_q
    if sign < 0:
        first, second = second, first

    def value(size: Array) -> Array:
        # The smaller density's term has reached its limit long before exp(-l) underflows.
        other = np.minimum(size, _FAR)
        return np.asarray(first(sign * size) + np.exp(-other) * second(sign * other))

    return _quiet(value)


def _quiet(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    def evaluate(size: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(function(size), dtype=np.float64) + np.zeros(np.shape(size))

    return evaluate


def _reach(value: Callable[[Array], Array]) -> float:
    if math.isfinite(float(value(np.array([1e6]))[0])):
        return 1e300
    sizes = _FAR * 0.9 ** np.arange(40)
    finite = np.isfinite(value(np.asarray(sizes, dtype=np.float64)))
    return float(sizes[np.argmax(finite)]) if finite.any() else 1.0


def _known_growth(definition: RatioDivergence, sign: int) -> Growth | None:
    alpha = power_of(definition)
    if alpha is None:
        return None
    exponent = alpha - 1 if sign > 0 else -alpha
    if exponent > 0:
        return Growth("power", exponent=exponent)
    if isinstance(definition, Renyi):
        return Growth("bounded", 1 / (1 - alpha) if sign > 0 else 1 / alpha)
    return Growth("bounded", 0.5 if isinstance(definition, SquaredHellinger) else 1.0)


def _observed_growth(value: Callable[[Array], Array], reach: float) -> Growth:
    far = min(reach, _FAR)
    half, last = map(float, value(np.array([far / 2, far])))
    if abs(last - half) <= 1e-8 * (1 + abs(last)):
        return Growth("bounded", last)
    # |l| at most doubles and l^2 is met by 4; a power multiplies by exp(exponent far/2).
    if half > 0 and last / half > 8:
        return Growth("power", exponent=2 * math.log(last / half) / far)
    return Growth("log")
