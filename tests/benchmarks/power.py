"""Level and power of two-sample tests: `python -m tests.benchmarks.power`.

Shares of runs in which a test at the 5 % level rejects, beside the classifier test of Lopez-Paz and
Oquab (2017): accuracy on one half of a classifier that was fitted to the other.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

import divergences as dv
from divergences.measures import as_samples
from divergences.two_sample import permute
from divergences.work import Run

Sampler = Callable[[int, np.random.Generator], np.ndarray]
Test = Callable[[np.ndarray, np.ndarray, int], float]
PERMUTATIONS = 199


def normal(d: int, shift: float = 0.0, scale: float = 1.0) -> Sampler:
    return lambda n, rng: shift + scale * rng.normal(size=(n, d))


def correlated(n: int, rng: np.random.Generator) -> np.ndarray:
    z = rng.normal(size=(n, 2))
    return np.column_stack([z[:, 0], 0.6 * z[:, 0] + 0.8 * z[:, 1]])


def two_modes(n: int, rng: np.random.Generator) -> np.ndarray:
    """Mean 0 and variance 1, as N(0, 1)."""
    return 0.9 * rng.choice([-1, 1], size=(n, 1)) + math.sqrt(0.19) * rng.normal(size=(n, 1))


def ring(turn: float) -> Sampler:
    def draw(n: int, rng: np.random.Generator) -> np.ndarray:
        angle = (rng.integers(8, size=n) + turn) * math.pi / 4
        return np.column_stack([np.cos(angle), np.sin(angle)]) + 0.15 * rng.normal(size=(n, 2))

    return draw


def heavy(n: int, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_t(3, size=(n, 2)) / math.sqrt(3)


PAIRS: dict[str, tuple[Sampler, Sampler]] = {
    "equal, d=2": (normal(2), normal(2)),
    "equal, d=50": (normal(50), normal(50)),
    "shift 0.4, d=1": (normal(1), normal(1, 0.4)),
    "shift 0.15 each, d=10": (normal(10), normal(10, 0.15)),
    "shift 0.1 each, d=50": (normal(50), normal(50, 0.1)),
    "scale 1.4, d=1": (normal(1), normal(1, 0.0, 1.4)),
    "scale 1.2, d=5": (normal(5), normal(5, 0.0, 1.2)),
    "correlation 0.6, d=2": (normal(2), correlated),
    "two modes, d=1": (normal(1), two_modes),
    "ring of 8, turned, d=2": (ring(0.0), ring(0.5)),
    "t(3), d=2": (normal(2), heavy),
}


def ours(definition: dv.Definition, method: str | dv.Estimator = "auto") -> Test:
    def p_value(x: np.ndarray, y: np.ndarray, seed: int) -> float:
        run = Run.create(seed, progress=False)
        return permute(definition, method, as_samples(x), as_samples(y), PERMUTATIONS, run)[
            0
        ].p_value

    return p_value


def classifier_test(classifier: LogisticRegression | KNeighborsClassifier) -> Test:
    def p_value(x: np.ndarray, y: np.ndarray, seed: int) -> float:
        points = np.vstack([x, y])
        labels = np.repeat([0, 1], [len(x), len(y)])
        order = np.random.default_rng(seed).permutation(len(points))
        fit, fresh = np.array_split(order, 2)
        accuracy = classifier.fit(points[fit], labels[fit]).score(points[fresh], labels[fresh])
        return float(norm.sf((accuracy - 0.5) * 2 * math.sqrt(len(fresh))))

    return p_value


TESTS: dict[str, Test] = {
    "JS, auto": ours(dv.JensenShannon()),
    "JS, halves": ours(dv.JensenShannon(), dv.Classifier(folds=2)),
    "MMD": ours(dv.MMD()),
    "energy": ours(dv.Energy()),
    "SW2": ours(dv.SlicedWasserstein(2), dv.Sliced(50)),
    "C2ST linear": classifier_test(LogisticRegression()),
    "C2ST 10-nn": classifier_test(KNeighborsClassifier(10)),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.power", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="pairs of samples of each row")
    parser.add_argument("--points", type=int, default=100, help="points of each sample")
    arguments = parser.parse_args()
    print(f"| n = m = {arguments.points} | {' | '.join(TESTS)} |")
    print("| --- " * (1 + len(TESTS)) + "|")
    for name, (first, second) in PAIRS.items():
        rejected = np.zeros(len(TESTS))
        for seed in range(arguments.runs):
            rng = np.random.default_rng(seed)
            x, y = first(arguments.points, rng), second(arguments.points, rng)
            rejected += [test(x, y, seed) <= 0.05 for test in TESTS.values()]
        shares = " | ".join(f"{share:.2f}" for share in rejected / arguments.runs)
        print(f"| {name} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
