"""Exact values by formula and quadrature, independent of the package's own closed forms.

Integrals over the line are composite Gauss-Legendre sums; those over the plane are trapezoid
sums of smooth decaying functions, which converge faster than any power of the step.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize, special, stats

from divergences import definitions as dv

Density = Callable[[np.ndarray], np.ndarray]

MMD_KERNEL = dv.GaussianKernel(bandwidth=1.0)


def le_cam(u: Any) -> Any:
    """phi(u) = (u - 1)²/(u + 1), of arrays and tensors."""
    return (u - 1) ** 2 / (u + 1)


def le_cam_slope(u: Any) -> Any:
    """Slope of `le_cam`."""
    return (u - 1) * (u + 3) / (u + 1) ** 2


# A user's own divergence among the others; it is the integral of (p - q)²/(p + q).
LE_CAM = dv.FDivergence(le_cam, le_cam_slope, name="Le Cam")


# Integrals.


def line(low: float, high: float, breaks: tuple[float, ...] = (), panels: int = 400) -> tuple:
    """Nodes and weights of a composite 20-point Gauss rule, split at the breaks."""
    nodes, weights = np.polynomial.legendre.leggauss(20)
    ends = [low, *sorted(breaks), high]
    grid = np.unique(
        np.concatenate([np.linspace(a, b, panels + 1) for a, b in itertools.pairwise(ends)])
    )
    half = np.diff(grid) / 2
    middle = (grid[1:] + grid[:-1]) / 2
    return (middle[:, None] + half[:, None] * nodes).ravel(), (half[:, None] * weights).ravel()


def crossings(f: Density, low: float, high: float, cells: int = 20_000) -> tuple[float, ...]:
    """Where a function changes its sign: the kinks of its absolute value."""
    grid = np.linspace(low, high, cells + 1)
    values = f(grid)
    ends = np.flatnonzero(np.sign(values[1:]) * np.sign(values[:-1]) < 0)

    def at(t: float) -> float:
        return float(f(np.array([t]))[0])

    return tuple(float(optimize.brentq(at, grid[i], grid[i + 1], xtol=1e-14)) for i in ends)


def ratio_values(p: np.ndarray, q: np.ndarray, weights: np.ndarray) -> dict[dv.Definition, float]:
    """Every f-divergence from densities on a quadrature rule, each by its own first definition."""

    def total(values: np.ndarray) -> float:
        return float(np.sum(values * weights))

    def relative_entropy(a: np.ndarray, b: np.ndarray) -> float:
        if total(np.where(b > 0, 0.0, a)) > 1e-12:
            return math.inf
        return total(special.xlogy(a, a) - special.xlogy(a, np.where(b > 0, b, 1.0)))

    middle = (p + q) / 2
    affinity = total(np.sqrt(p * q))
    outside = total(np.where(q > 0, 0.0, p)) > 1e-12
    return {
        dv.JensenShannon(): (relative_entropy(p, middle) + relative_entropy(q, middle)) / 2,
        dv.KullbackLeibler(): relative_entropy(p, q),
        dv.ReverseKL(): relative_entropy(q, p),
        dv.TotalVariation(): total(np.abs(p - q)) / 2,
        dv.SquaredHellinger(): 1 - affinity,
        dv.ChiSquared(): math.inf
        if outside
        else total(np.divide(p * p, q, out=np.zeros_like(p), where=q > 0)) - 1,
        LE_CAM: total(np.divide((p - q) ** 2, p + q, out=np.zeros_like(p), where=p + q > 0)),
        dv.Renyi(0.5): math.inf if affinity < 1e-300 else -2 * math.log(affinity),
    }


def on_the_line(
    p: Any, q: Any, low: float, high: float, breaks: tuple[float, ...] = ()
) -> dict[dv.Definition, float]:
    """All divergences of two scipy distributions on the line, by quadrature.

    W1 is the integral of |F - G|, W2² that of (F^-1 - G^-1)² over levels, in the variable
    u = Phi(t) that spreads both tails, energy² twice that of (F - G)², and MMD² a double integral.
    """
    kinks = crossings(lambda x: p.pdf(x) - q.pdf(x), low, high)
    kinks += crossings(lambda x: p.cdf(x) - q.cdf(x), low, high)
    x, weights = line(low, high, (*breaks, *kinks))
    values = ratio_values(p.pdf(x), q.pdf(x), weights)
    gap = p.cdf(x) - q.cdf(x)
    values[dv.Wasserstein(1)] = float(np.sum(np.abs(gap) * weights))
    t, level_weights = line(-8.0, 8.0)
    below, above = special.ndtr(t), special.ndtr(-t)
    difference = np.where(t < 0, p.ppf(below) - q.ppf(below), p.isf(above) - q.isf(above))
    jacobian = np.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    second = float(np.sum(difference**2 * jacobian * level_weights))
    values[dv.Wasserstein(2)] = math.sqrt(second)
    values[dv.SlicedWasserstein(2)] = math.sqrt(second)
    values[dv.Energy(squared=True)] = float(2 * np.sum(gap**2 * weights))
    values[dv.Energy()] = math.sqrt(values[dv.Energy(squared=True)])
    return values


def first_order_only(values: dict[dv.Definition, float]) -> dict[dv.Definition, float]:
    """Leave out what needs second moments."""
    second = (dv.Wasserstein(2), dv.SlicedWasserstein(2))
    return {definition: value for definition, value in values.items() if definition not in second}


# Normal distributions.


def mean_norm(d: int, shift: float, spread: float) -> float:
    """E|Z| for Z ~ N(shift e1, spread² I) in d dimensions (noncentral chi)."""
    half = special.hyp1f1(-0.5, d / 2, -(shift**2) / (2 * spread**2))
    ratio = math.exp(special.gammaln((d + 1) / 2) - special.gammaln(d / 2))
    return float(spread * math.sqrt(2) * ratio * half)


def normal_energy(d: int, shift: float, s: float, t: float) -> float:
    """Squared energy distance of N(0, s² I) and N(shift e1, t² I)."""
    cross = mean_norm(d, shift, math.hypot(s, t))
    return 2 * cross - mean_norm(d, 0.0, s * math.sqrt(2)) - mean_norm(d, 0.0, t * math.sqrt(2))


def normal_mmd(d: int, shift: float, s: float, t: float, h: float = 1.0) -> float:
    """Squared MMD of N(0, s² I) and N(shift e1, t² I) with kernel exp(-r²/(2 h²))."""

    def mean_kernel(distance: float, variance: float) -> float:
        total = h * h + variance
        return (h * h / total) ** (d / 2) * math.exp(-(distance**2) / (2 * total))

    return (
        mean_kernel(0, 2 * s * s)
        + mean_kernel(0, 2 * t * t)
        - 2 * mean_kernel(shift, s * s + t * t)
    )


def kernel_values(d: int, shift: float, s: float, t: float) -> dict[dv.Definition, float]:
    squared_mmd, squared_energy = normal_mmd(d, shift, s, t), normal_energy(d, shift, s, t)
    return {
        dv.MMD(MMD_KERNEL, squared=True): squared_mmd,
        dv.MMD(MMD_KERNEL): math.sqrt(squared_mmd),
        dv.Energy(squared=True): squared_energy,
        dv.Energy(): math.sqrt(squared_energy),
    }


def shifted_normals(d: int, delta: float) -> dict[dv.Definition, float]:
    """N(0, I) and N(mu, I), |mu| = delta: the ratio sees the first coordinate along mu only."""
    x, weights = line(-12.0, 12.0 + delta, (delta / 2,))
    values = ratio_values(stats.norm.pdf(x), stats.norm.pdf(x, delta), weights)
    values |= kernel_values(d, delta, 1.0, 1.0)
    values |= {
        dv.KullbackLeibler(): delta**2 / 2,
        dv.ReverseKL(): delta**2 / 2,
        dv.ChiSquared(): math.expm1(delta**2),
        dv.SquaredHellinger(): -math.expm1(-(delta**2) / 8),
        dv.TotalVariation(): float(2 * special.ndtr(delta / 2) - 1),
        dv.Renyi(0.5): delta**2 / 4,
        dv.Wasserstein(1): delta,
        dv.Wasserstein(2): delta,
        dv.SlicedWasserstein(2): delta / math.sqrt(d),
        dv.Sinkhorn(2): delta**2,
    }
    return values


def scaled_normals(d: int, s: float) -> dict[dv.Definition, float]:
    """N(0, I) and N(0, s² I), s > 1: the ratio sees the radius only, and x -> s x is optimal.

    |x| is 1-Lipschitz and its means differ by (s - 1) E|X|, the cost of the map.
    """
    equal = math.sqrt(2 * d * math.log(s) / (1 - s**-2))
    r, weights = line(0.0, s * (math.sqrt(d) + 12.0), (equal,))
    p, q = stats.chi.pdf(r, d), stats.chi.pdf(r / s, d) / s
    values = ratio_values(p, q, weights)
    values |= kernel_values(d, 0.0, 1.0, s)
    values |= {
        dv.KullbackLeibler(): d * (math.log(s) + (1 / s**2 - 1) / 2),
        dv.Wasserstein(1): (s - 1) * mean_norm(d, 0.0, 1.0),
        dv.Wasserstein(2): (s - 1) * math.sqrt(d),
        dv.SlicedWasserstein(2): s - 1,
    }
    return values


def in_the_plane(p: Density, q: Density, reach: float, step: float = 0.02) -> dict:
    """f-divergences of two smooth densities in the plane, by the trapezoid rule."""
    axis = np.arange(-reach, reach + step / 2, step)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    return ratio_values(p(grid), q(grid), np.full(len(grid), step * step))
