"""Accuracy of the Wasserstein distance beside the plug-in: `python -m tests.benchmarks.transport`.

Each row is a pair of measures whose distance is known. It prints the root mean squared error, on
the scale of W1 and of W2², of the default and of POT's value, their ratio, the same ratio for an
oracle who has the optimal potentials and only averages them over the sample, how often interval
and bracket hold the truth, and the seconds of ours over POT's.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import ot
from scipy.stats import norm

import divergences as dv

Points = np.ndarray
Draw = Callable[[int, np.random.Generator], Points]
_LEVELS = (np.arange(200_000) + 0.5) / 200_000


@dataclass(frozen=True)
class Pair:
    """Two measures at a known distance.

    Parameters
    ----------
    name : str
        Which.
    d : int
        Number of features.
    draw_p, draw_q : callable
        (n, rng) to (n, d) points.
    cost : callable
        Order r to W_r^r.
    orders : tuple of float
        Orders for which `cost` is right.
    potentials : callable or None
        (x, y, r) to the optimal potentials at both, for the oracle.
    """

    name: str
    d: int
    draw_p: Draw
    draw_q: Draw
    cost: Callable[[float], float]
    orders: tuple[float, ...] = (1, 2)
    potentials: Callable[[Points, Points, float], tuple[Points, Points]] | None = None


def gaussian(d: int) -> Draw:
    return lambda n, rng: rng.normal(size=(n, d))


def moment_of_length(d: int, order: float) -> float:
    """E|x|^r of a standard normal vector."""
    return 2 ** (order / 2) * math.exp(math.lgamma((d + order) / 2) - math.lgamma(d / 2))


def shifted(d: int, shift: float) -> Pair:
    def draw(n: int, rng: np.random.Generator) -> Points:
        return rng.normal(size=(n, d)) + shift * np.eye(d)[0]

    def potentials(x: Points, y: Points, order: float) -> tuple[Points, Points]:
        slope = order * shift ** (order - 1) if shift else 0.0
        return -slope * x[:, 0], slope * y[:, 0]

    return Pair(f"shift {shift:g}", d, gaussian(d), draw, lambda r: shift**r, potentials=potentials)


def scaled(d: int, scale: float) -> Pair:
    def draw(n: int, rng: np.random.Generator) -> Points:
        return scale * rng.normal(size=(n, d))

    def potentials(x: Points, y: Points, order: float) -> tuple[Points, Points]:
        length_x, length_y = (np.linalg.norm(points, axis=1) ** order for points in (x, y))
        strength = (scale - 1) ** (order - 1)
        return -strength * length_x, strength * scale ** (1 - order) * length_y

    def cost(order: float) -> float:
        return (scale - 1) ** order * moment_of_length(d, order)

    return Pair(f"scale {scale:g}", d, gaussian(d), draw, cost, potentials=potentials)


def covariances(d: int) -> Pair:
    spreads = np.geomspace(0.5, 2.0, d)

    def draw(n: int, rng: np.random.Generator) -> Points:
        return rng.normal(size=(n, d)) * spreads

    def cost(order: float) -> float:
        return float(((spreads - 1) ** 2).sum())

    return Pair("covariances", d, gaussian(d), draw, cost, orders=(2,))


def one_feature(
    name: str, d: int, one: Draw, other: Draw, quantiles: Callable[..., Points]
) -> Pair:
    """Measures that differ in the first feature alone, where the distance is that of the line."""

    def lifted(draw: Draw) -> Draw:
        return lambda n, rng: np.hstack([draw(n, rng), rng.normal(size=(n, d - 1))])

    def cost(order: float) -> float:
        return float((np.abs(quantiles(0, _LEVELS) - quantiles(1, _LEVELS)) ** order).mean())

    return Pair(name, d, lifted(one), lifted(other), cost)


def two_modes(d: int) -> Pair:
    def modes(n: int, rng: np.random.Generator) -> Points:
        return rng.choice([-2.0, 2.0], size=(n, 1)) + 0.5 * rng.normal(size=(n, 1))

    grid = np.linspace(-6, 6, 200_001)
    cdf = (norm.cdf(grid, -2, 0.5) + norm.cdf(grid, 2, 0.5)) / 2

    def quantiles(which: int, levels: Points) -> Points:
        return norm.ppf(levels) if which == 0 else np.interp(levels, cdf, grid)

    return one_feature("two modes", d, gaussian(1), modes, quantiles)


def clustered(d: int) -> Pair:
    """Q is P with its first two features moved to the nearest of four points."""

    def draw(n: int, rng: np.random.Generator) -> Points:
        points = rng.normal(size=(n, d))
        points[:, :2] = np.sign(points[:, :2])
        return points

    def cost(order: float) -> float:
        x = np.abs(np.random.default_rng(0).normal(size=(4_000_000, 2))) - 1
        return float((np.square(x).sum(axis=1) ** (order / 2)).mean())

    return Pair("clustered", d, gaussian(d), draw, cost)


def heavy_tails(d: int) -> Pair:
    def tails(n: int, rng: np.random.Generator) -> Points:
        return rng.standard_t(5, size=(n, d))

    return Pair(
        "t(5) shift 1", d, tails, lambda n, rng: tails(n, rng) + np.eye(d)[0], lambda order: 1.0
    )


def warped(d: int) -> Pair:
    """Every feature of Q is sinh of one of P."""

    def draw(n: int, rng: np.random.Generator) -> Points:
        return np.sinh(rng.normal(size=(n, d)))

    def cost(order: float) -> float:
        x = norm.ppf(_LEVELS)
        return d * float(np.square(np.sinh(x) - x).mean())

    return Pair("sinh", d, gaussian(d), draw, cost, orders=(2,))


def gaussians(d: int) -> list[Pair]:
    return [
        *(shifted(d, shift) for shift in (0.0, 0.3, 1.0, 3.0)),
        *(scaled(d, scale) for scale in (1.5, 2.0)),
    ]


def others(d: int) -> list[Pair]:
    return [covariances(d), two_modes(d), clustered(d), heavy_tails(d), warped(d)]


@dataclass(frozen=True)
class Score:
    """What many samples of one pair showed."""

    rmse: float
    bias: float
    plug_in: float
    oracle: float
    interval: float
    bracket: float
    seconds: float

    @property
    def ratio(self) -> float:
        return self.rmse / self.plug_in


def score(pair: Pair, order: float, n: int, seeds: int, method: str = "auto") -> Score:
    truth = pair.cost(order)
    errors, covered, seconds = [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, pair.d])
        x, y = pair.draw_p(n, rng), pair.draw_q(n, rng)
        start = time.perf_counter()
        plug_in = ot.emd2(*map(uniform, (x, y)), costs(x, y, order), numItermax=10**7)
        middle = time.perf_counter()
        est = dv.wasserstein_distance(x, y, order=order, method=method, rng=seed, progress=False)
        seconds.append((time.perf_counter() - middle, middle - start))
        oracle = math.nan
        if pair.potentials is not None:
            f, g = pair.potentials(x, y, order)
            oracle = math.sqrt(f.var() / len(x) + g.var() / len(y))
        errors.append((est.reading.inner - truth, plug_in - truth, oracle))
        distance = truth ** (1 / order)
        covered.append(
            [low - 1e-12 <= distance <= high for low, high in (est.interval(), est.bracket)]
        )
    ours, theirs, oracle = np.sqrt(np.mean(np.square(errors), axis=0))
    interval, bracket = np.mean(covered, axis=0)
    own, peer = np.median(seconds, axis=0)
    bias = float(np.mean(errors, axis=0)[0])
    return Score(ours, bias, theirs, oracle, interval, bracket, own / peer)


def uniform(points: Points) -> Points:
    return np.full(len(points), 1 / len(points))


def costs(x: Points, y: Points, order: float) -> Points:
    return ot.dist(x, y) if order == 2 else ot.dist(x, y, "euclidean") ** order


HEADER = (
    f"{'pair':<16}{'d':>3}{'r':>3}{'RMSE':>9}{'bias':>9}{'POT RMSE':>10}{'ratio':>7}"
    f"{'oracle':>8}{'interval':>10}{'bracket':>9}{'time':>7}"
)


def told(pair: Pair, order: float, s: Score) -> str:
    """One row of the table."""
    return (
        f"{pair.name:<16}{pair.d:>3}{order:>3g}{s.rmse:>9.4f}{s.bias:>9.4f}{s.plug_in:>10.4f}"
        f"{s.ratio:>7.2f}{s.oracle / s.plug_in:>8.2f}{s.interval:>10.2f}{s.bracket:>9.2f}"
        f"{s.seconds:>7.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.transport", description=__doc__
    )
    parser.add_argument("--features", type=int, nargs="+", default=[2, 5, 10])
    parser.add_argument("--points", type=int, default=400, help="points of each sample")
    parser.add_argument("--seeds", type=int, default=40, help="samples of each pair")
    parser.add_argument("--method", default="auto", help='"auto", "debiased" or "exact"')
    parser.add_argument("--all", action="store_true", help="further pairs than normal ones")
    arguments = parser.parse_args()
    print(HEADER, flush=True)
    for d in arguments.features:
        pairs = gaussians(d) + (others(d) if arguments.all else [])
        for pair in pairs:
            for order in pair.orders:
                found = score(pair, order, arguments.points, arguments.seeds, arguments.method)
                print(told(pair, order, found), flush=True)


if __name__ == "__main__":
    main()
