"""Compute the exact values of every pair, once: `python -m tests.benchmarks.make_truths`.

Values come from the pair's reduction (quadrature, finite sums, by hand) where it has one; else
from ten million draws of the exact log-ratio, half from each measure, averaged over the mixture.
"""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

import numpy as np

from tests.benchmarks.masses import divergences, drawn, is_finite, moment, variances
from tests.benchmarks.pair import STORE, Pair
from tests.benchmarks.pairs import PAIRS

SEED = 20_261_124
BATCHES, DRAWS = 100, 50_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.make_truths")
    parser.add_argument("--only", default="", help="pairs whose name contains this")
    only = parser.parse_args().only
    stored = json.loads(STORE.read_text(encoding="utf-8")) if STORE.exists() else {}
    for pair in PAIRS:
        if only in pair.name:
            stored[pair.name] = contents(pair)
            print(pair.name, stored[pair.name]["truth"], flush=True)
    kept = {pair.name: stored[pair.name] for pair in PAIRS if pair.name in stored}
    lines = (f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in kept.items())
    STORE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def contents(pair: Pair) -> dict[str, Any]:
    """What the file holds of one pair: [value, standard error], and variances over P and Q."""
    truth, spread = by_draws(pair) if pair.reduced is None else by_reduction(pair)
    if pair.known is not None:
        truth |= {key: (value, 0.0) for key, value in pair.known().items()}
    if pair.power is not None:
        truth["H2"] = (1 - pair.power(0.5), 0.0)
        truth["chi2"] = (pair.power(2) - 1 if is_finite(2, pair.orders) else math.inf, 0.0)
    return {
        "truth": {key: [value, stderr] for key, (value, stderr) in truth.items()},
        "variances": {key: list(each) for key, each in spread.items()},
    }


Truth = dict[str, tuple[float, float]]
Spread = dict[str, tuple[float, float]]


def by_reduction(pair: Pair) -> tuple[Truth, Spread]:
    assert pair.reduced is not None
    masses = pair.reduced()
    power = pair.power or (lambda order: moment(masses, order))
    truth = {key: (value, 0.0) for key, value in divergences(masses, pair.orders).items()}
    return truth, variances(masses, pair.orders, power)


def by_draws(pair: Pair) -> tuple[Truth, Spread]:
    rng = np.random.default_rng(SEED)
    values, spreads = [], []
    for _ in range(BATCHES):
        points = np.vstack([pair.sample_p(DRAWS, rng), pair.sample_q(DRAWS, rng)])
        masses = drawn(pair.log_ratio(points))
        power = pair.power or (lambda order, masses=masses: moment(masses, order))
        values.append(divergences(masses, pair.orders))
        spreads.append(variances(masses, pair.orders, power))
    truth = {}
    for key in values[0]:
        batch = np.array([each[key] for each in values])
        stderr = 0.0 if np.isinf(batch).all() else float(batch.std(ddof=1) / math.sqrt(BATCHES))
        truth[key] = (float(batch.mean()), stderr)
    means = {key: np.mean([each[key] for each in spreads], axis=0).tolist() for key in spreads[0]}
    return truth, means


if __name__ == "__main__":
    main()
